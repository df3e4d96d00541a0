"""Who may call an endpoint next, where only so many may at the same time? First come, first served, fair to projects.

Projects take turns; within one the oldest request goes first. The line is bounded: where it is full, the project that
has most of it gives up its latest place to one that has fewer. A place is given back exactly once, whatever happens.
"""

from __future__ import annotations

import asyncio
from collections import deque

import msgspec


class Share(msgspec.Struct, frozen=True):
    """One worker's part of what holds for all workers of the machine.

    Attributes:
        workers: How many there are.
        number: Which one this is, from 1.
    """

    workers: int = 1
    number: int = 1

    def of(self, total: int) -> int:
        """Return the part; at least one, or this worker could do nothing at all.

        >>> [Share(4, number).of(6) for number in (1, 2, 3, 4)]
        [2, 2, 1, 1]
        """
        return max(1, total // self.workers + (self.number <= total % self.workers))


class Gate:
    """The way to one endpoint, from one worker. For one event loop."""

    __slots__ = ("_lines", "capacity", "places", "running", "waiting")

    def __init__(self, capacity: int | None, *, places: int) -> None:
        self.capacity = capacity
        """Most at the same time; None: no bound."""
        self.places = places
        self._lines: dict[str, deque[asyncio.Future[bool]]] = {}
        """Those who wait, by project; the first project is the next to have its turn."""
        self.running = 0
        self.waiting = 0

    def resize(self, capacity: int | None, *, places: int) -> None:
        """Take in what has changed in the configuration; who is inside stays."""
        self.capacity, self.places = capacity, places
        self._let_in()

    def try_enter(self) -> bool:
        """Enter at once, if there is room and nobody waits."""
        if self.capacity is not None and (self.running >= self.capacity or self._lines):
            return False
        self.running += 1
        return True

    async def enter(self, project: str, *, within_s: float) -> bool:
        """Enter as soon as it is this project's turn; tell whether that came to be.

        Args:
            project: Whose request it is.
            within_s: Longest wait.
        """
        if self.try_enter():
            return True
        if self.waiting >= self.places and not self._make_place(project):
            return False
        turn: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._lines.setdefault(project, deque()).append(turn)
        self.waiting += 1
        try:
            async with asyncio.timeout(within_s):
                return await turn
        except TimeoutError:
            return self._end_wait(project, turn)  # its turn may have come at the very last moment
        except BaseException:  # whoever leaves gives back what was just given, and goes on leaving
            if self._end_wait(project, turn):
                self.leave()
            raise

    def leave(self) -> None:
        """Give the place back; the next one in the line has it."""
        self.running -= 1
        if self._lines:
            self._let_in()

    def _let_in(self) -> None:
        while self._lines and (self.capacity is None or self.running < self.capacity):
            project, line = next(iter(self._lines.items()))
            turn = line.popleft()
            self.waiting -= 1
            del self._lines[project]
            if line:
                self._lines[project] = line  # behind the others
            if not turn.done():  # else it is about to leave
                self.running += 1
                turn.set_result(True)

    def _make_place(self, project: str) -> bool:
        """Take the latest place of the project that has most, if that one has more than this one then will."""
        if not self._lines:
            return False
        greedy = max(self._lines, key=lambda name: len(self._lines[name]))
        own = len(self._lines.get(project, ()))
        if len(self._lines[greedy]) <= own + 1:
            return False
        turn = self._lines[greedy].pop()
        self.waiting -= 1
        if not turn.done():
            turn.set_result(False)
        return True

    def _end_wait(self, project: str, turn: asyncio.Future[bool]) -> bool:
        """Leave the line; tell whether the turn had come already."""
        line = self._lines.get(project)
        if line is not None and turn in line:
            line.remove(turn)
            self.waiting -= 1
            if not line:
                del self._lines[project]
            return False
        return turn.done() and not turn.cancelled() and turn.result()
