"""An access token that opens a host: asked for at a token service, read, and kept while it lasts.

Implements `snapshot.resolved.Authorizer`; how it is kept and renewed is `renewing.py`'s.
"""

from __future__ import annotations

import re
from typing import Protocol

import msgspec

from hortus.base.errors import ConfigurationError
from hortus.base.time import Clock
from hortus.canon.errors import HostFault, HostRefused, HostUnavailable
from hortus.gateway.ports import HostRequest, Hosts
from hortus.snapshot.resolved import Headers
from hortus.transport.signing.renewing import Fetched, Renewing, send

FORM = ((b"content-type", b"application/x-www-form-urlencoded"), (b"accept", b"application/json"))
"""Headers of a call to a token service that takes a form."""

_PLAIN_WORD = re.compile(r"[a-z_]{1,40}")
_TOKEN = re.compile(r"[\x21-\x7e]+")
_OK = 200
_SERVER_ERROR = 500
_TOO_MANY = 429


class TokenService(Protocol):
    """Whoever gives tokens, and how one is asked for."""

    name: str
    """For errors: `Google's token service`."""
    account: str
    """What it knows this installation by: `service account`."""
    passing: frozenset[int]
    """Its answers that mean `later`, besides 429 and those from 500 on."""

    def request(self, now_s: int) -> HostRequest:
        """Return the call that asks for a token.

        Raises:
            ConfigurationError: What the call needs is not here any more.
        """
        ...


class _Token(msgspec.Struct):
    """Managed identities say numbers as texts, and some say only when the token ends."""

    access_token: str
    expires_in: float | str = 0.0
    expires_on: float | str = 0.0

    def lasts_s(self, now_s: float) -> float:
        return float(self.expires_in) or float(self.expires_on) - now_s


class _Refusal(msgspec.Struct):
    error: str = ""


class RenewedToken:
    """One account and its token."""

    def __init__(self, service: TokenService, hosts: Hosts, *, clock: Clock) -> None:
        self._service = service
        self._hosts = hosts
        self._clock = clock
        self._renewing = Renewing(self._fetch, clock=clock, wanted="is no access token")

    async def headers(self, endpoint: str) -> Headers:
        """Return the header that opens an endpoint. See `Authorizer.headers`."""
        return await self._renewing.get(endpoint)

    async def _fetch(self) -> Fetched[Headers]:
        service = self._service
        now_s = self._clock.now_ms() // 1000
        try:
            request = service.request(now_s)
        except ConfigurationError as error:
            hint = "Your key is fine; an admin must mend the endpoint's credential."
            raise HostRefused(error.message, hint=hint) from error
        status, body = await send(self._hosts, request)
        if status != _OK:
            raise _refused(service, status, body=body)
        token, lasts_s = _read(body, now_s)
        if not _TOKEN.fullmatch(token) or not 0 < lasts_s < float("inf"):
            raise HostUnavailable(f"{service.name} gave no token", hint="Try again later.")
        return Fetched(((b"authorization", b"Bearer " + token.encode("ascii")),), lasts_s)


def _refused(service: TokenService, status: int, *, body: bytes) -> HostFault:
    if status >= _SERVER_ERROR or status == _TOO_MANY or status in service.passing:
        return HostUnavailable(f"{service.name} answered {status}", hint="Try again later.")
    try:
        word = msgspec.json.decode(body, type=_Refusal).error
    except msgspec.DecodeError:
        word = ""
    reason = f" ({word})" if _PLAIN_WORD.fullmatch(word) else ""
    return HostRefused(
        f"{service.name} refused this installation's {service.account} with {status}{reason}",
        hint="Your key is fine; an admin must mend the endpoint's credential, or this machine's clock.",
    )


def _read(body: bytes, now_s: int) -> tuple[str, float]:
    """Return a token and how long it lasts; an empty one where there is none."""
    try:
        token = msgspec.json.decode(body, type=_Token)
        return token.access_token, token.lasts_s(now_s)
    except (msgspec.DecodeError, ValueError):
        return "", 0.0
