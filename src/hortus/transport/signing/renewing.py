"""What opens a host and ends by itself is fetched, kept, and fetched again before it ends: one way for every scheme.

One fetch at a time; while what was fetched lasts, nobody waits.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, Generic, TypeVar

import msgspec

from hortus.base.time import Clock
from hortus.canon.errors import HostFault, HostRefused, HostTimedOut, HostUnavailable
from hortus.gateway.ports import HostRequest, Hosts
from hortus.snapshot.model import Timeouts

RENEW_BEFORE_S: Final = 300.0
"""What lasts no longer is fetched anew; a request under way may need it that long."""

_RETRY_AFTER_S = 5.0
"""After a failure, how long nobody asks again."""

TIMEOUTS: Final = Timeouts(connect_s=5.0, first_byte_s=10.0, idle_s=10.0, total_s=15.0)
"""Of a call to whoever gives what opens a host."""

_LONGEST_ANSWER_BYTES = 64 * 1024

T = TypeVar("T")


class Fetched(msgspec.Struct, Generic[T], frozen=True):
    """What was fetched, and how long it lasts from the moment it was asked for."""

    value: T
    lasts_s: float


class _Failure(msgspec.Struct, frozen=True):
    """Why nothing could be had; an error of its own is made of it for each who waits."""

    kind: type[HostFault]
    what: str
    hint: str
    ends_at_s: float
    address: str | None = None

    def error(self, wanted: str, endpoint: str) -> HostFault:
        error = self.kind(f"There {wanted} for endpoint {endpoint}: {self.what}.", hint=self.hint)
        error.address = self.address
        error.may_have_cost = False  # the model was never asked
        error.retry_helps = self.kind is not HostRefused
        return error


class Renewing(Generic[T]):
    """One thing that ends.

    Args:
        fetch: Fetches it; raises HostFault.
        wanted: What is missing where it cannot be had, such as `is no access token`.
    """

    def __init__(self, fetch: Callable[[], Awaitable[Fetched[T]]], *, clock: Clock, wanted: str) -> None:
        self._fetch = fetch
        self._clock = clock
        self._wanted = wanted
        self._fetching = asyncio.Lock()
        self._kept: Fetched[T] | None = None
        self._renew_at_s = self._ends_at_s = 0.0
        self._failure: _Failure | None = None

    async def get(self, endpoint: str) -> T:
        """Return it; at once while it lasts.

        Args:
            endpoint: Who needs it, for errors.

        Raises:
            HostRefused: Whoever gives it refuses.
            HostUnavailable: It could not be had.
            HostTimedOut: Likewise, in time.
        """
        now_s = self._clock.monotonic_s()
        if self._kept is None or now_s >= (self._ends_at_s if self._fetching.locked() else self._renew_at_s):
            await self._renew_in_turn()
        if self._kept is not None and self._clock.monotonic_s() < self._ends_at_s:
            return self._kept.value
        if self._failure is None:  # it ended on its way here
            late = HostUnavailable("what was fetched lasts no time at all", hint="Try again.")
            raise self._failed(late).error(self._wanted, endpoint)
        raise self._failure.error(self._wanted, endpoint)

    async def _renew_in_turn(self) -> None:
        """Fetch it unless whoever came before has, or has just failed to."""
        async with self._fetching:
            now_s = self._clock.monotonic_s()
            if now_s >= self._renew_at_s and (self._failure is None or now_s >= self._failure.ends_at_s):
                await self._renew()

    async def _renew(self) -> None:
        """Fetch it, or note why it cannot be had; what still lasts is kept."""
        asked_at_s = self._clock.monotonic_s()
        try:
            self._kept = await self._fetch()
        except HostFault as error:
            self._failure = self._failed(error)
            return
        self._failure = None
        self._ends_at_s = asked_at_s + self._kept.lasts_s
        self._renew_at_s = self._ends_at_s - min(RENEW_BEFORE_S, self._kept.lasts_s / 2)

    def _failed(self, error: HostFault) -> _Failure:
        kinds: tuple[type[HostFault], ...] = (HostTimedOut, HostRefused)
        return _Failure(
            kind=next((kind for kind in kinds if isinstance(error, kind)), HostUnavailable),
            what=error.message.rstrip("."),
            hint=error.hint or "Check the network and the proxy.",
            ends_at_s=self._clock.monotonic_s() + _RETRY_AFTER_S,
            address=error.address,
        )


async def ask(
    hosts: Hosts, method: str, url: str, *, headers: tuple[tuple[bytes, bytes], ...] = (), body: bytes = b""
) -> tuple[int, bytes]:
    """Return status and body of a small answer. Raises as `send`."""
    return await send(hosts, HostRequest(method, url, headers, body, TIMEOUTS))


async def send(hosts: Hosts, request: HostRequest) -> tuple[int, bytes]:
    """Return status and body of a small answer. Raises as `Hosts.send`, and BrokenStream for a long one."""
    answer = await hosts.send(request)
    try:
        return answer.status, await answer.read(_LONGEST_ANSWER_BYTES)
    finally:
        answer.close()
