"""The children of `hortus up`: started, watched, restarted with back-off, stopped in order.

The parent does nothing else, so that nothing can take it down. Children die with it (parent-death signal).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import sys
from collections.abc import Callable, Mapping

import msgspec

from hortus.base.time import Clock

_log = logging.getLogger("hortus.up")

_FIRST_DELAY_S = 0.1
_LONGEST_DELAY_S = 10.0
_STABLE_AFTER_S = 30.0
"""A child that lived this long starts again without delay."""


class ChildSpec(msgspec.Struct, frozen=True):
    """How one child is started.

    Attributes:
        name: Such as `worker-1`.
        arguments: Follow `python -m hortus.app`.
        sockets: Inherited file descriptors.
        stop_within_s: Patience after SIGTERM before SIGKILL.
    """

    name: str
    arguments: tuple[str, ...]
    sockets: tuple[int, ...] = ()
    stop_within_s: float = 10.0


class Child:
    """One process that is kept running until `stop`."""

    def __init__(
        self, spec: ChildSpec, *, environment: Mapping[str, str], clock: Clock, on_restart: Callable[[str, int], None]
    ) -> None:
        self.spec = spec
        self.restarts = 0
        self._environment = dict(environment)
        self._clock = clock
        self._on_restart = on_restart
        self._process: asyncio.subprocess.Process | None = None
        self._watch: asyncio.Task[None] | None = None
        self._is_stopping = False

    @property
    def pid(self) -> int | None:
        """Process id while it runs."""
        return self._process.pid if self._process and self._process.returncode is None else None

    async def start(self) -> None:
        """Start the process and keep it running."""
        await self._spawn()
        self._watch = asyncio.create_task(self._keep_running(), name=f"watch {self.spec.name}")

    async def _spawn(self) -> None:
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "hortus.app",
            *self.spec.arguments,
            stdin=asyncio.subprocess.DEVNULL,
            pass_fds=self.spec.sockets,
            start_new_session=True,  # Ctrl-C is the parent's alone: it stops the others in order
            env=self._environment,
        )

    async def _keep_running(self) -> None:
        delay_s = _FIRST_DELAY_S
        while self._process is not None:
            started_s = self._clock.monotonic_s()
            code = await self._process.wait()
            if self._is_stopping:
                return
            if self._clock.monotonic_s() - started_s > _STABLE_AFTER_S:
                delay_s = _FIRST_DELAY_S
            _log.warning("child ended, starting it again", extra={"child": self.spec.name, "exit": code})
            self.restarts += 1
            self._on_restart(self.spec.name, code)
            await asyncio.sleep(delay_s)
            delay_s = min(delay_s * 2, _LONGEST_DELAY_S)
            await self._spawn()

    async def stop(self) -> None:
        """Ask the process to end, and end it after its patience."""
        self._is_stopping = True
        process = self._process
        if process is not None and process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(signal.SIGTERM)
            try:
                await asyncio.wait_for(process.wait(), self.spec.stop_within_s)
            except TimeoutError:
                _log.warning("child did not stop in time", extra={"child": self.spec.name})
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
                await process.wait()
        if self._watch is not None:
            self._watch.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._watch
