"""When answers have waited long enough: one timer for a client, which looks at all of them every tick."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol


class Watched(Protocol):
    """Something with deadlines."""

    def expire(self, now_s: float) -> None:
        """Fail if a deadline has passed."""
        ...


class Sweep:
    """Looks at everything that has a deadline, every `tick_s`, while there is something to look at.

    Args:
        tick_s: How late a deadline may be noticed.
        sweep_idle: Looks at what waits without a deadline of its own; returns whether it wants to be asked again.
    """

    def __init__(self, tick_s: float, *, sweep_idle: Callable[[float], bool]) -> None:
        self._tick_s = tick_s
        self._sweep_idle = sweep_idle
        self._watched: set[Watched] = set()
        self._timer: asyncio.TimerHandle | None = None

    @property
    def watched_count(self) -> int:
        """How many are looked at."""
        return len(self._watched)

    def watch(self, watched: Watched) -> None:
        """Look at this from now on."""
        self._watched.add(watched)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._tick_s, self._tick)

    def forget(self, watched: Watched) -> None:
        """Look at this no more."""
        self._watched.discard(watched)

    def stop(self) -> None:
        """End the timer."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _tick(self) -> None:
        loop = asyncio.get_running_loop()
        now_s = loop.time()
        for watched in list(self._watched):
            watched.expire(now_s)
        wants_more = self._sweep_idle(now_s)
        self._timer = loop.call_later(self._tick_s, self._tick) if self._watched or wants_more else None
