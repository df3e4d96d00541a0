"""How does an event loop keep exchanges without waiting for a disk? It hands them to one thread, and may wait for it.

What waits is bounded, and so is what may fill the disk: receipts need the rest of it.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TypeVar

from hortus.content.exchange import Exchange
from hortus.content.exchanges import Exchanges
from hortus.content.ports import NotKept

SPARED_BYTES = 512 * 1024 * 1024
"""Of the disk that kept exchanges leave free."""

_MOST_WAITING_BYTES = 64 * 1024 * 1024
_PATIENCE_S = 2.0  # of an answer for the disk; it is kept all the same

_Answer = TypeVar("_Answer")


class Desk:
    """Implements `content.ports.KeptExchanges`; for one event loop, but for `sweep`.

    Args:
        exchanges: The file; from now on this desk's alone.
        directory: Where it lies.
        spared_bytes: Of its disk that are left free.
    """

    def __init__(self, exchanges: Exchanges, directory: Path, *, spared_bytes: int = SPARED_BYTES) -> None:
        self._exchanges = exchanges
        self._directory = directory
        self._spared_bytes = spared_bytes
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="kept-content")
        self._waiting_bytes = 0

    async def keep(self, exchange: Exchange) -> None:
        """Keep one; it is kept even if nobody waits for that any longer.

        Raises:
            NotKept: It is not.
        """
        size = len(exchange.request or b"") + len(exchange.answer or b"")
        if self._waiting_bytes + size > _MOST_WAITING_BYTES:
            raise NotKept("more is to be kept than the disk takes.", hint="Is it slow, or full?")
        self._waiting_bytes += size
        task = asyncio.get_running_loop().run_in_executor(self._thread, self._keep, exchange)
        task.add_done_callback(partial(self._note_done, size))
        await _within(task)

    async def answer(self, project_id: str, response_id: str) -> Exchange | None:
        """Return the exchange whose answer has an id, None where the project has none such. Raises NotKept."""
        return await self._run(lambda: self._exchanges.answer(project_id, response_id))

    async def forget_answer(self, project_id: str, response_id: str) -> bool:
        """Let an answer be continued and fetched no longer; tell whether there was one. Raises NotKept."""
        return await self._run(lambda: self._exchanges.forget_answer(project_id, response_id))

    def sweep(self) -> int:
        """Remove what is over its time; return how many went. For another thread. Raises NotKept."""
        return self._exchanges.sweep()

    def close(self) -> None:
        """Finish what waits and close the file."""
        self._thread.submit(self._exchanges.close)
        self._thread.shutdown()

    async def _run(self, work: Callable[[], _Answer]) -> _Answer:
        return await _within(asyncio.get_running_loop().run_in_executor(self._thread, work))

    def _keep(self, exchange: Exchange) -> None:
        if shutil.disk_usage(self._directory).free < self._spared_bytes:
            raise NotKept(
                f"less than {self._spared_bytes >> 20} MiB are free, which receipts need.",
                path=str(self._directory),
                hint="Make room, keep content for fewer days, or erase some: `hortus content erase`.",
            )
        self._exchanges.keep(exchange)

    def _note_done(self, size: int, done: asyncio.Future[None]) -> None:
        self._waiting_bytes -= size
        if not done.cancelled():
            done.exception()  # whoever waits has it, too


async def _within(task: asyncio.Future[_Answer]) -> _Answer:
    """Wait for what the thread does, for a while. Raises NotKept."""
    try:
        async with asyncio.timeout(_PATIENCE_S):
            return await asyncio.shield(task)
    except TimeoutError as error:
        raise NotKept("what is kept of content takes too long.", hint="Is the disk slow?") from error
    except OSError as error:
        raise NotKept(f"what is kept of content cannot be used: {error.strerror}.") from error
