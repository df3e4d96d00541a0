"""A token that is fetched, kept, and fetched again before it ends. Implements `snapshot.resolved.Authorizer`.

One fetch at a time for each account; while a token lasts, nobody waits.
"""

from __future__ import annotations

import asyncio
import re
from typing import Protocol

import msgspec

from hortus.base.errors import ConfigurationError
from hortus.base.time import Clock
from hortus.canon.errors import HostFault, HostRefused, HostTimedOut, HostUnavailable
from hortus.gateway.ports import HostRequest, Hosts
from hortus.snapshot.model import Timeouts
from hortus.snapshot.resolved import Headers

TIMEOUTS = Timeouts(connect_s=5.0, first_byte_s=10.0, idle_s=10.0, total_s=15.0)
"""Of a call to a token service."""

FORM = ((b"content-type", b"application/x-www-form-urlencoded"), (b"accept", b"application/json"))
"""Headers of one that takes a form."""

_RENEW_BEFORE_S = 300.0
"""A token that lasts no longer is fetched anew; a request under way may need its token that long."""

_RETRY_AFTER_S = 5.0
"""After a failure, how long nobody asks again."""

_LONGEST_ANSWER_BYTES = 64 * 1024
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


class RenewedToken:
    """One account and its token."""

    def __init__(self, service: TokenService, hosts: Hosts, *, clock: Clock) -> None:
        self._service = service
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
        now_s = self._clock.now_ms() // 1000
        try:
            status, body = await self._ask(now_s)
        except ConfigurationError as error:
            self._failure = self._fail(
                HostRefused, error.message, hint="Your key is fine; an admin must mend the endpoint's credential."
            )
            return
        except HostFault as error:
            kind = HostTimedOut if isinstance(error, HostTimedOut) else HostUnavailable
            failure = self._fail(kind, error.message.rstrip("."), hint=error.hint or "Check the network and the proxy.")
            self._failure = msgspec.structs.replace(failure, address=error.address)
            return
        if status != _OK:
            self._failure = self._refused(status, body)
            return
        token, lasts_s = _read(body, now_s)
        if not _TOKEN.fullmatch(token) or not 0 < lasts_s < float("inf"):
            self._failure = self._fail(HostUnavailable, f"{self._service.name} gave no token", hint="Try again later.")
            return
        self._failure = None
        self._headers = ((b"authorization", b"Bearer " + token.encode("ascii")),)
        self._ends_at_s = asked_at_s + lasts_s
        self._renew_at_s = self._ends_at_s - min(_RENEW_BEFORE_S, lasts_s / 2)

    async def _ask(self, now_s: int) -> tuple[int, bytes]:
        answer = await self._hosts.send(self._service.request(now_s))
        try:
            return answer.status, await answer.read(_LONGEST_ANSWER_BYTES)
        finally:
            answer.close()

    def _refused(self, status: int, body: bytes) -> _Failure:
        service = self._service
        if status >= _SERVER_ERROR or status == _TOO_MANY or status in service.passing:
            return self._fail(HostUnavailable, f"{service.name} answered {status}", hint="Try again later.")
        try:
            word = msgspec.json.decode(body, type=_Refusal).error
        except msgspec.DecodeError:
            word = ""
        reason = f" ({word})" if _PLAIN_WORD.fullmatch(word) else ""
        return self._fail(
            HostRefused,
            f"{service.name} refused this installation's {service.account} with {status}{reason}",
            hint="Your key is fine; an admin must mend the endpoint's credential, or this machine's clock.",
        )

    def _fail(self, kind: type[HostFault], what: str, *, hint: str) -> _Failure:
        return _Failure(kind, what, hint, ends_at_s=self._clock.monotonic_s() + _RETRY_AFTER_S)


def _read(body: bytes, now_s: int) -> tuple[str, float]:
    """Return a token and how long it lasts; an empty one where there is none."""
    try:
        token = msgspec.json.decode(body, type=_Token)
        return token.access_token, token.lasts_s(now_s)
    except (msgspec.DecodeError, ValueError):
        return "", 0.0
