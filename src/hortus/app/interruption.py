"""How a client's leaving ends what is awaited for it: as ClientGone, told apart from every other cancellation."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import TracebackType
from typing import Any

from hortus.gateway.exchange import ClientGone

WhenGone = Callable[[Callable[[], None]], Callable[[], object]]


class Interruption:
    """Cancels the task that enters it once its client leaves, in a way that can be told from other cancellations.

    Args:
        watch: Registers what to call when the client leaves; returns what takes that back.
        task: The task that enters it; None where nothing can be cancelled.
    """

    __slots__ = ("_cancelling", "_is_gone", "_stop", "_task", "_watch")

    def __init__(self, watch: WhenGone, task: asyncio.Task[Any] | None) -> None:
        self._watch = watch
        self._task = task
        self._stop: Callable[[], object] | None = None
        self._cancelling = 0 if task is None else task.cancelling()
        self._is_gone = False

    def __enter__(self) -> None:
        self._stop = self._watch(self._leave)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._stop is not None:
            self._stop()
        task, self._task, self._stop = self._task, None, None  # else they would hold each other, for the collector
        if self._is_gone and task is not None:
            still_cancelled = task.uncancel() > self._cancelling  # by somebody else too
            if kind is asyncio.CancelledError and not still_cancelled:
                raise ClientGone from error

    def _leave(self) -> None:
        if not self._is_gone and self._task is not None:
            self._is_gone = True
            self._task.cancel()
