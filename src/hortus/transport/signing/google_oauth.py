"""Opens Google's cloud by a service account: a token is fetched, kept, and fetched again before it ends.

Implements `snapshot.resolved.Authorizer`. One fetch at a time for each account; while a token lasts, nobody waits.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from urllib.parse import urlencode

import msgspec

from hortus.base.errors import ConfigurationError
from hortus.base.time import Clock
from hortus.canon.errors import HostFault, HostRefused, HostTimedOut, HostUnavailable
from hortus.gateway.ports import HostRequest, Hosts
from hortus.snapshot.model import Timeouts
from hortus.snapshot.resolved import Authorizer, Headers
from hortus.transport.signing.service_account import ServiceAccount, read_key_file, write_claim

SCHEME = "google-oauth"

_RENEW_BEFORE_S = 300.0
"""A token that lasts no longer is fetched anew; a request under way may need its token that long."""

_RETRY_AFTER_S = 5.0
"""After a failure, how long nobody asks again."""

_TIMEOUTS = Timeouts(connect_s=5.0, first_byte_s=10.0, idle_s=10.0, total_s=15.0)
_LONGEST_ANSWER_BYTES = 64 * 1024
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


class _Failure(msgspec.Struct, frozen=True):
    """Why no token could be had; an error of its own is made of it for each who waits."""

    kind: type[HostFault]
    what: str
    hint: str
    ends_at_s: float
    address: str | None = None

    def error(self, endpoint: str) -> HostFault:
        error = self.kind(f"There is no access token for endpoint {endpoint}: {self.what}.", hint=self.hint)
        error.address = self.address
        error.may_have_cost = False  # the model was never asked
        error.retry_helps = self.kind is not HostRefused
        return error


class GoogleAccount:
    """One service account and its token."""

    def __init__(self, account: ServiceAccount, hosts: Hosts, *, clock: Clock) -> None:
        self._account = account
        self._hosts = hosts
        self._clock = clock
        self._fetching = asyncio.Lock()
        self._headers: Headers = ()
        self._renew_at_s = self._ends_at_s = 0.0
        self._failure: _Failure | None = None

    async def headers(self, endpoint: str) -> Headers:
        """Return the header that opens an endpoint. See `Authorizer.headers`."""
        now_s = self._clock.monotonic_s()
        if now_s < self._renew_at_s or (now_s < self._ends_at_s and self._fetching.locked()):
            return self._headers
        async with self._fetching:
            now_s = self._clock.monotonic_s()
            if now_s >= self._renew_at_s and (self._failure is None or now_s >= self._failure.ends_at_s):
                await self._renew()
        if self._clock.monotonic_s() < self._ends_at_s:
            return self._headers
        if self._failure is None:  # a token that ended on its way here
            raise self._fail(HostUnavailable, "the token lasts no time at all", hint="Try again.").error(endpoint)
        raise self._failure.error(endpoint)

    async def _renew(self) -> None:
        """Fetch a token, or note why there is none; one that still lasts is kept."""
        asked_at_s = self._clock.monotonic_s()
        try:
            status, body = await self._ask()
        except HostFault as error:
            kind = HostTimedOut if isinstance(error, HostTimedOut) else HostUnavailable
            failure = self._fail(kind, error.message.rstrip("."), hint=error.hint or "Check the network and the proxy.")
            self._failure = msgspec.structs.replace(failure, address=error.address)
            return
        if status != _OK:
            self._failure = self._refused(status, body)
            return
        try:
            token = msgspec.json.decode(body, type=_Token)
        except msgspec.DecodeError:
            token = _Token("", 0)
        if not _TOKEN.fullmatch(token.access_token) or token.expires_in <= 0:
            self._failure = self._fail(HostUnavailable, "Google's token service gave no token", hint="Try again later.")
            return
        self._failure = None
        self._headers = ((b"authorization", b"Bearer " + token.access_token.encode("ascii")),)
        self._ends_at_s = asked_at_s + token.expires_in
        self._renew_at_s = self._ends_at_s - min(_RENEW_BEFORE_S, token.expires_in / 2)

    async def _ask(self) -> tuple[int, bytes]:
        claim = write_claim(self._account, now_s=self._clock.now_ms() // 1000)
        body = urlencode({"grant_type": _GRANT, "assertion": claim}).encode("ascii")
        request = HostRequest("POST", self._account.token_uri, _HEADERS, body, _TIMEOUTS)
        answer = await self._hosts.send(request)
        try:
            return answer.status, await answer.read(_LONGEST_ANSWER_BYTES)
        finally:
            answer.close()

    def _refused(self, status: int, body: bytes) -> _Failure:
        if status >= _SERVER_ERROR or status == _TOO_MANY:
            return self._fail(HostUnavailable, f"Google's token service answered {status}", hint="Try again later.")
        try:
            word = msgspec.json.decode(body, type=_Refusal).error
        except msgspec.DecodeError:
            word = ""
        reason = f" ({word})" if _PLAIN_WORD.fullmatch(word) else ""
        return self._fail(
            HostRefused,
            f"Google's token service refused this installation's service account with {status}{reason}",
            hint="Your key is fine; an admin must mend the endpoint's credential, or this machine's clock.",
        )

    def _fail(self, kind: type[HostFault], what: str, *, hint: str) -> _Failure:
        return _Failure(kind, what, hint, ends_at_s=self._clock.monotonic_s() + _RETRY_AFTER_S)


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
