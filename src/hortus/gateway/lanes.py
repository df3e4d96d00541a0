"""What this worker knows of each endpoint while it runs: its breaker, its line, how quickly it answers.

Kept by the endpoint's name and address, whatever configuration comes; an engine that comes back at another port is
another lane, and starts afresh.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Awaitable, Callable
from typing import Literal

import msgspec

from hortus.base.time import Clock
from hortus.canon.errors import EndpointsBusy, EndpointsResting, HostFault, HostRefused, HostRejected, RequestError
from hortus.gateway.breakers import Breaker, BreakerRules, counts
from hortus.gateway.queueing import Gate, Share
from hortus.gateway.settle import Attempt
from hortus.snapshot.model import Endpoint
from hortus.snapshot.resolved import Target
from hortus.telemetry.meters import Meters

_log = logging.getLogger("hortus.gateway")

Hindrance = Literal["resting", "busy"]
"""Why an endpoint is passed over: its breaker is open, or it has no room."""

_NEWEST = 0.2
"""Weight of the latest measurement of a first byte, against all before."""

_HALF_LIFE_S = 60.0
"""A measurement that nobody renews counts half after this long: so what was slow once is tried again."""

_FAILED_S = 10.0
"""What a failure counts as in seconds, at least: an endpoint that fails quickly is not a quick one."""

_BUSY_RETRY_AFTER_S = 2
_NO_BOUND = 64
"""What an endpoint without a bound on concurrency counts as, beside others that have one."""


class LaneRules(msgspec.Struct, frozen=True):
    """What holds for all lanes of a worker.

    Attributes:
        share: The worker's part of an endpoint's concurrency.
    """

    breaker: BreakerRules = BreakerRules()
    share: Share = Share()


class Lane:
    """One endpoint at one address."""

    __slots__ = (
        *("_clock", "_first_byte_s", "_measured_at_s", "_meters", "_queue_wait_s", "_shown_waiting"),
        *("breaker", "gate", "name"),
    )

    def __init__(self, name: str, breaker: Breaker, *, gate: Gate, meters: Meters, clock: Clock) -> None:
        self.name = name
        self.breaker = breaker
        self.gate = gate
        self._meters = meters
        self._clock = clock
        self._queue_wait_s = 0.0
        self._first_byte_s: float | None = None
        self._measured_at_s = 0.0
        self._shown_waiting = 0

    def adopt(self, endpoint: Endpoint, share: Share) -> None:
        """Take in what the configuration says of it now."""
        self._queue_wait_s = endpoint.queue_wait_s
        capacity = None if endpoint.concurrency is None else share.of(endpoint.concurrency)
        places = share.of(endpoint.queue) if endpoint.queue else 0
        if (capacity, places) != (self.gate.capacity, self.gate.places):
            self.gate.resize(capacity, places=places)

    def try_enter(self) -> bool:
        """Enter at once, where the endpoint is well and has room."""
        if not self.breaker.is_closed:
            return False
        gate = self.gate
        if gate.capacity is None:  # nearly always; a call less
            gate.running += 1
            return True
        return gate.try_enter()

    async def enter(self, who: object, project: str) -> Hindrance | None:
        """Enter as soon as there is room, or return why not."""
        if not self.breaker.may_call(self._clock.monotonic_s()):
            return "resting"
        if not self.gate.try_enter() and not await self._wait(project):
            return "busy"
        if not self.breaker.claim(who, self._clock.monotonic_s()):  # what has happened meanwhile
            self.gate.leave()
            return "resting"
        if not self.breaker.is_closed:
            self._tell()
        return None

    async def _wait(self, project: str) -> bool:
        began_s = self._clock.monotonic_s()
        outcome: Literal["entered", "refused", "left"] = "left"
        try:
            outcome = "entered" if await self.gate.enter(project, within_s=self._queue_wait_s) else "refused"
        finally:
            self._meters.count_queued(self.name, outcome, seconds=self._clock.monotonic_s() - began_s)
        return outcome == "entered"

    def leave(self, who: object) -> None:
        """The call is over, however it ended."""
        if not self.breaker.is_closed:
            self.breaker.release(who)
        self.gate.leave()

    def greet(self, who: object, attempt: Attempt) -> None:
        """The head of a good answer is here."""
        seconds = (attempt.first_byte_ms or 0) / 1000
        self._measure(seconds, attempt.opened_at_s + seconds)
        if not self.breaker.is_closed and self.breaker.greet(who):
            self._tell()

    def hear(self, who: object) -> None:
        """The host has given a whole answer, or said that the request is wrong: it is well."""
        if not self.breaker.is_spotless and self.breaker.succeed(who):
            self._tell()

    def blame(self, who: object, error: HostFault, *, wait_s: float | None = None) -> None:
        """The call has failed; `wait_s`: how long the host wants to be left alone."""
        if not counts(error):
            if isinstance(error, HostRejected | HostRefused):
                self.hear(who)
            return
        now_s = self._clock.monotonic_s()
        self._measure(max(_FAILED_S, self._first_byte_s or 0.0), now_s)
        if self.breaker.fail(who, now_s, wait_s=wait_s):
            self._tell(error)

    def _measure(self, seconds: float, now_s: float) -> None:
        known = self._first_byte_s
        self._first_byte_s = seconds if known is None else known + (seconds - known) * _NEWEST
        self._measured_at_s = now_s

    @property
    def retry_after_s(self) -> int:
        """Seconds after which another try makes sense."""
        if self.breaker.is_closed:
            return _BUSY_RETRY_AFTER_S
        return max(1, math.ceil(self.breaker.until_s - self._clock.monotonic_s()))

    def slowness_s(self) -> float:
        """Return what it takes to the first byte, as far as is known; less than any where one should find out.

        What nobody has measured for a while counts less and less, but not while a request is finding it out.
        """
        if self._first_byte_s is None:
            return _FAILED_S if self.gate.running else -1.0
        if self.gate.running:
            return self._first_byte_s
        age_s = self._clock.monotonic_s() - self._measured_at_s
        return self._first_byte_s * float(0.5 ** (age_s / _HALF_LIFE_S))

    @property
    def load(self) -> float:
        """How full it is: requests that run and wait, by how many may run."""
        gate = self.gate
        return (gate.running + gate.waiting) / (_NO_BOUND if gate.capacity is None else gate.capacity)

    def show(self) -> None:
        """Show how many wait, where that has changed."""
        if self.gate.waiting != self._shown_waiting:
            self._shown_waiting = self.gate.waiting
            self._meters.show_waiting(self.name, self._shown_waiting)

    def _tell(self, error: RequestError | None = None) -> None:
        """Count and log where the breaker stands now."""
        state = self.breaker.state
        self._meters.show_breaker(self.name, state)
        if state == "open":
            code = error.code if error is not None else None
            why = {"endpoint": self.name, "error": code, "retry_after_s": self.retry_after_s}
            _log.warning("breaker of an endpoint opened: %s", self.name, extra=why)
        else:
            words = "closed again" if state == "closed" else "lets a probe through"
            _log.info("breaker of an endpoint %s: %s", words, self.name, extra={"endpoint": self.name})


class Lanes:
    """The lanes of one worker.

    Args:
        rules: When breakers open, and this worker's share of what is bounded.
        meters: Where figures go.
        clock: Tells the time.
        sleep: Waits.
    """

    def __init__(
        self,
        rules: LaneRules,
        *,
        meters: Meters,
        clock: Clock,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._rules = rules
        self._meters = meters
        self._clock = clock
        self.sleep = sleep
        self._latest: dict[str, tuple[object, Lane]] = {}
        """By endpoint: the ways for which a lane was found last, and that lane."""
        self._lanes: dict[tuple[str, str], Lane] = {}

    def of(self, target: Target) -> Lane:
        """Return the lane of a target."""
        latest = self._latest.get(target.endpoint.name)
        if latest is not None and latest[0] is target.ways:
            return latest[1]
        return self._find(target)

    def show(self) -> None:
        """Show what changes too often to be counted as it happens."""
        for lane in self._lanes.values():
            lane.show()

    def _find(self, target: Target) -> Lane:
        endpoint = target.endpoint
        where = (endpoint.name, next(iter(target.ways.values())).base_url)
        lane = self._lanes.get(where)
        if lane is None:
            self._forget(endpoint.name)
            gate = Gate(None, places=0)
            lane = Lane(endpoint.name, Breaker(self._rules.breaker), gate=gate, meters=self._meters, clock=self._clock)
            self._lanes[where] = lane
            self._meters.show_breaker(endpoint.name, "closed", is_new=True)
        lane.adopt(endpoint, self._rules.share)
        self._latest[endpoint.name] = (target.ways, lane)
        return lane

    def _forget(self, name: str) -> None:
        """Let go of the endpoint's other addresses, once nobody is there."""
        for where, lane in tuple(self._lanes.items()):
            if where[0] == name and not lane.gate.running and not lane.gate.waiting:
                del self._lanes[where]


def no_room(route: str, passed: list[tuple[Lane, Hindrance]]) -> RequestError:
    """Return the error where every endpoint that could answer was passed over."""
    named = "; ".join(f"{lane.name} is {why}" for lane, why in passed)
    wait_s = min(lane.retry_after_s for lane, _ in passed)
    kind = EndpointsBusy if any(why == "busy" for _, why in passed) else EndpointsResting
    return kind(
        f"No endpoint of `{route}` takes a request at this moment ({named}); nothing was sent.",
        hint=f"Try again in {wait_s} s, or use another model.",
        retry_after_s=wait_s,
    )
