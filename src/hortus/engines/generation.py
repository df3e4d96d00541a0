"""One deployment as it was wanted at one time, over all starts of its engine; a change makes another generation."""

from __future__ import annotations

import asyncio

import msgspec

from hortus.engines.addresses import EngineAddress, State
from hortus.engines.attempt import Attempt, Ending, Ground
from hortus.engines.backoff import count_failure, delay_s
from hortus.engines.drivers import driver_for
from hortus.engines.plan import Held, Phase, Wanted

MEMORY_RETRY_S = 10.0
"""Memory seldom comes back sooner."""

_TROUBLED_AFTER = 3
"""Failures in a row after which a deployment that is still retried shows as failed."""

_MEMORY_NEWS_SHARE = 0.1
"""An address file is rewritten when the memory has changed by this share."""


class Generation:
    """Its phase, its process and how often that failed. Only the fleet changes it."""

    def __init__(self, wanted: Wanted, *, ground: Ground) -> None:
        self._clock = ground.clock
        self.wanted = wanted
        self.key = ground.make_key()
        self.phase = Phase.WAITING
        self.retry_at_s = 0.0
        self.failures = 0
        self.restarts = -1
        self.since_ms = 0
        self.error: str | None = None
        self.lacking_bytes = 0
        self.attempt: Attempt | None = None
        self.task: asyncio.Task[Ending] | None = None

    @property
    def name(self) -> str:
        """Of its deployment."""
        return self.wanted.deployment.name

    def held(self, *, successor: Generation | None, is_blocked: bool) -> Held:
        """Return how it stands, for the plan; a successor fits in only if what serves frees enough for it."""
        own_bytes = self.attempt.own_bytes() if self.attempt and successor and successor.lacking_bytes else 0
        return Held(
            self.wanted,
            phase=self.phase,
            retry_at_s=self.retry_at_s,
            is_blocked=is_blocked,
            successor=successor.as_successor(beside_bytes=own_bytes) if successor else None,
        )

    def as_successor(self, *, beside_bytes: int) -> Held:
        """Return how it stands beside one that would free so much memory."""
        needs_room = self.phase is Phase.WAITING and 0 < self.lacking_bytes <= beside_bytes
        return Held(self.wanted, phase=self.phase, retry_at_s=self.retry_at_s, needs_room=needs_room)

    def want(self, wanted: Wanted) -> None:
        """Take what is wanted now; what failed before counts only while it stays the same."""
        if wanted != self.wanted:
            self.wanted, self.failures, self.error = wanted, 0, None

    def move(self, phase: Phase) -> None:
        """Enter a phase now."""
        self.phase = phase
        self.since_ms = self._clock.now_ms()

    def take_ending(self, ending: Ending) -> float:
        """Note how its process ended; return how long it waits, if it is tried again at all."""
        self.error = ending.message
        self.lacking_bytes = ending.lacking_bytes
        self.failures = count_failure(self.failures, ready_for_s=ending.ready_for_s)
        wait_s = MEMORY_RETRY_S if ending.is_short_of_memory else delay_s(self.failures)
        if ending.is_short_of_memory:
            self.failures = max(self.failures, _TROUBLED_AFTER)
        self.retry_at_s = self._clock.monotonic_s() + wait_s
        self.move(Phase.FAILED if ending.is_fatal else Phase.WAITING)
        return wait_s

    def state(self) -> State:
        """Return how it stands in the words of address files."""
        if self.phase is Phase.READY:
            return "ready"
        if self.phase is Phase.STOPPING:
            return "stopped"
        is_troubled = self.phase is Phase.FAILED or self.failures >= _TROUBLED_AFTER
        return "failed" if is_troubled else "starting"

    def address(self, *, successor: Generation | None, written: EngineAddress | None) -> EngineAddress:
        """Return what its file shall say.

        Args:
            successor: What shall take over.
            written: What the file says.
        """
        attempt = self.attempt
        address = EngineAddress(
            name=self.name,
            state=self.state(),
            pid=attempt.pid if self.task and attempt else None,
            since_ms=self.since_ms,
            restarts=max(self.restarts, 0),
            error=self.error,
            edition=self.wanted.deployment.edition,
            successor=successor.state() if successor else None,
            successor_error=successor.error if successor else None,
        )
        if self.phase is not Phase.READY or attempt is None:
            return address
        driver = driver_for(self.wanted.deployment)
        return msgspec.structs.replace(
            address,
            base_url=attempt.base_url,
            key=self.key,
            memory_bytes=_news_of(attempt.memory_bytes(), written.memory_bytes if written else None),
            engine=driver.name,
            serves=driver.serves(self.wanted.deployment),
            load_s=attempt.load_s,
            warm_s=attempt.warm_s,
        )


def _news_of(now: int | None, before: int | None) -> int | None:
    """Return the memory as last written, unless it has changed much."""
    if now is None or before is None or abs(now - before) > before * _MEMORY_NEWS_SHARE:
        return now
    return before
