"""The supervisor's process: keeps one engine running for each of the snapshot's deployments, and runs ordered jobs.

A snapshot that cannot be read changes nothing. Engines and steps of jobs die with this process, however it ends.
"""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Mapping
from pathlib import Path

from hortus.app.clock import SystemClock, random_bytes
from hortus.app.context import RoleContext
from hortus.app.runner import Runner
from hortus.base.errors import InstallationError
from hortus.engines.attempt import Ground
from hortus.engines.fleet import Fleet
from hortus.engines.memory import available_bytes
from hortus.engines.plan import FileStamp
from hortus.engines.sources import stamp_of
from hortus.snapshot.model import Deployment
from hortus.snapshot.reading import load_snapshot

_log = logging.getLogger("hortus.supervisor")

_LOOK_EVERY_S = 0.1
_KEY_BYTES = 24

_PASSED_ON = ("COVERAGE_PROCESS_START", "COVERAGE_PROCESS_CONFIG", "LD_LIBRARY_PATH", "TZ", "CUDA_VISIBLE_DEVICES")
"""Variables that engines may see; no other, for the environment may hold credentials."""


def main(context: RoleContext) -> None:
    """Run the role until SIGTERM or SIGINT."""
    environment = context.loaded.environment
    ground = Ground(
        addresses=context.home.engines,
        logs=context.home.logs,
        clock=SystemClock(),
        make_key=lambda: random_bytes(_KEY_BYTES).hex(),
        available_bytes=available_bytes,
        environment={name: environment[name] for name in _PASSED_ON if name in environment},
    )
    runner = Runner(context.home.orders, clock=ground.clock, environment=environment)
    asyncio.run(supervise(ground, runner, snapshot=context.home.snapshot))


async def supervise(ground: Ground, runner: Runner, *, snapshot: Path) -> None:
    """Keep the snapshot's deployments and the ordered jobs running until this process is told to stop."""
    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told.set)
    wanted = WantedDeployments(snapshot)
    fleet = Fleet(ground)
    _log.info("supervisor started", extra={"snapshot": str(snapshot)})
    try:
        while not told.is_set():
            fleet.follow(wanted.current())
            runner.follow()
            await _first_of(told, fleet.stirred, within_s=_LOOK_EVERY_S)
    finally:
        await asyncio.gather(fleet.stop_all(), runner.stop_all())
        _log.info("supervisor stopped")


async def _first_of(*events: asyncio.Event, within_s: float) -> None:
    waits = [asyncio.create_task(event.wait()) for event in events]
    try:
        await asyncio.wait(waits, timeout=within_s, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()


class WantedDeployments:
    """The snapshot's deployments, read again when the file changes; the last good ones stay."""

    def __init__(self, snapshot: Path) -> None:
        self._snapshot = snapshot
        self._seen: FileStamp | None = None
        self._current: Mapping[str, Deployment] = {}

    def current(self) -> Mapping[str, Deployment]:
        """Return what should run now."""
        stamp = stamp_of(self._snapshot)
        if stamp is not None and stamp != self._seen:
            self._seen = stamp
            read = self._read()
            self._current = self._current if read is None else read
        return self._current

    def _read(self) -> Mapping[str, Deployment] | None:
        try:
            return load_snapshot(self._snapshot).deployments
        except InstallationError as error:
            _log.error("snapshot cannot be read, keeping the earlier one", extra={"reason": str(error)})
            return None
