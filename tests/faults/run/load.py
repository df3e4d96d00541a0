"""Keeps a number of clients asking, one question after the other, and keeps what came of each."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Mapping

from faults.run.asking import Question
from faults.run.client import Outcome, ask

_AWAY_S = 0.02
"""Pause of a client that cannot reach the door."""


class Load:
    """The clients.

    Args:
        keys: The usual one (False), and that of the project whose budget is used up.
        draw: Gives the question with a number.
        first: Number of the first question.
    """

    def __init__(self, *, port: int, keys: Mapping[bool, str], draw: Callable[[int], Question], first: int = 0) -> None:
        self.outcomes: list[Outcome] = []
        self.successes = 0
        self._numbers = itertools.count(first)
        self._draw = draw
        self._port = port
        self._keys = keys
        self._is_over = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    def start(self, clients: int) -> None:
        """Let so many clients ask."""
        self._tasks += [asyncio.create_task(self._ask_on()) for _ in range(clients)]

    def use(self, draw: Callable[[int], Question]) -> None:
        """Ask other questions from now on."""
        self._draw = draw

    async def stop(self) -> None:
        """Let every client finish its last question."""
        self._is_over.set()
        await asyncio.gather(*self._tasks)

    @property
    def next_number(self) -> int:
        """The number that no question has had."""
        return next(self._numbers)

    async def _ask_on(self) -> None:
        while not self._is_over.is_set():
            question = self._draw(next(self._numbers))
            outcome = await ask(question, port=self._port, key=self._keys[question.is_edge])
            self.outcomes.append(outcome)
            self.successes += outcome.is_success
            if outcome.how == "unreachable":
                await asyncio.sleep(_AWAY_S)
