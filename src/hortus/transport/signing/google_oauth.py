"""Opens Google's cloud by a service account: a token is fetched, kept, and fetched again before it ends.

Implements `snapshot.resolved.Authorizer`. One fetch at a time for each account; while a token lasts, nobody waits.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import urlencode

import msgspec

from hortus.base.errors import ConfigurationError
from hortus.base.time import Clock
from hortus.canon.errors import HostFault, HostRefused, HostUnavailable
from hortus.gateway.ports import Hosts
from hortus.snapshot.resolved import Authorizer, Headers
from hortus.transport.signing.renewing import Fetched, Renewing, ask
from hortus.transport.signing.service_account import ServiceAccount, read_key_file, write_claim

SCHEME = "google-oauth"

_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"  # RFC 7523, 2.1
_PLAIN_WORD = re.compile(r"[a-z_]{1,40}")
_TOKEN = re.compile(r"[\x21-\x7e]+")
_HEADERS = ((b"content-type", b"application/x-www-form-urlencoded"), (b"accept", b"application/json"))
_OK = 200
_SERVER_ERROR = 500
_TOO_MANY = 429


class _Token(msgspec.Struct):
    access_token: str
    expires_in: float


class _Refusal(msgspec.Struct):
    error: str = ""


class GoogleAccount:
    """One service account and its token."""

    def __init__(self, account: ServiceAccount, hosts: Hosts, *, clock: Clock) -> None:
        self._account = account
        self._hosts = hosts
        self._clock = clock
        self._token = Renewing(self._fetch, clock=clock, wanted="is no access token")

    async def headers(self, endpoint: str) -> Headers:
        """Return the header that opens an endpoint. See `Authorizer.headers`."""
        return await self._token.get(endpoint)

    async def _fetch(self) -> Fetched[Headers]:
        """Fetch a token. Raises HostFault."""
        claim = write_claim(self._account, now_s=self._clock.now_ms() // 1000)
        form = urlencode({"grant_type": _GRANT, "assertion": claim}).encode("ascii")
        status, body = await ask(self._hosts, "POST", self._account.token_uri, headers=_HEADERS, body=form)
        if status != _OK:
            raise _refused(status, body)
        try:
            token = msgspec.json.decode(body, type=_Token)
        except msgspec.DecodeError:
            token = _Token("", 0)
        if not _TOKEN.fullmatch(token.access_token) or token.expires_in <= 0:
            raise HostUnavailable("Google's token service gave no token", hint="Try again later.")
        return Fetched(((b"authorization", b"Bearer " + token.access_token.encode("ascii")),), token.expires_in)


def _refused(status: int, body: bytes) -> HostFault:
    if status >= _SERVER_ERROR or status == _TOO_MANY:
        return HostUnavailable(f"Google's token service answered {status}", hint="Try again later.")
    try:
        word = msgspec.json.decode(body, type=_Refusal).error
    except msgspec.DecodeError:
        word = ""
    reason = f" ({word})" if _PLAIN_WORD.fullmatch(word) else ""
    return HostRefused(
        f"Google's token service refused this installation's service account with {status}{reason}",
        hint="Your key is fine; an admin must mend the endpoint's credential, or this machine's clock.",
    )


class GoogleAccounts:
    """The service accounts of a process, by credential reference; a key file that changed makes another account.

    Args:
        read_document: Reference to the key file's text; raises ConfigurationError.
        hosts: What the token service is called through.
    """

    def __init__(self, read_document: Callable[[str], str], hosts: Hosts, *, clock: Clock) -> None:
        self._read_document = read_document
        self._hosts = hosts
        self._clock = clock
        self._accounts: dict[str, tuple[str, GoogleAccount]] = {}

    def open(self, scheme: str, reference: str) -> Authorizer:
        """Return what opens endpoints by this credential (`snapshot.resolved.OpenAuthorizer`).

        Raises:
            ConfigurationError: There is no key file, or it is of no use; or the scheme is another one.
        """
        if scheme != SCHEME:
            raise ConfigurationError(f"it authenticates by {scheme}, which this release cannot do")
        text = self._read_document(reference)
        kept = self._accounts.get(reference)
        if kept is not None and kept[0] == text:
            return kept[1]
        account = GoogleAccount(read_key_file(text), self._hosts, clock=self._clock)
        self._accounts[reference] = (text, account)
        return account
