"""All engines of one supervisor: carries out the plan, waits between attempts, tells where each one stands."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Mapping

from hortus.engines.addresses import EngineAddress, State, remove_address, remove_all, write_address
from hortus.engines.attempt import Attempt, Ending, Ground
from hortus.engines.backoff import count_failure, delay_s
from hortus.engines.plan import Forget, Held, Phase, Start, Stop, Wanted, plan
from hortus.engines.sources import model_file, stamp_of
from hortus.snapshot.model import Deployment

_log = logging.getLogger("hortus.engines")

MEMORY_RETRY_S = 10.0
"""Memory seldom comes back sooner."""

_TROUBLED_AFTER = 3
"""Failures in a row after which a deployment that is still retried shows as failed."""

_MEMORY_NEWS_SHARE = 0.1
"""An address file is rewritten when the memory has changed by this share."""


class _Entry:
    """One deployment's life over all its attempts."""

    def __init__(self, wanted: Wanted, *, key: str) -> None:
        self.wanted = wanted
        self.key = key
        self.phase = Phase.WAITING
        self.retry_at_s = 0.0
        self.failures = 0
        self.restarts = -1
        self.since_ms = 0
        self.error: str | None = None
        self.attempt: Attempt | None = None
        self.task: asyncio.Task[Ending] | None = None
        self.written: EngineAddress | None = None

    def held(self) -> Held:
        return Held(self.wanted, phase=self.phase, retry_at_s=self.retry_at_s)

    def state(self) -> State:
        if self.phase is Phase.READY:
            return "ready"
        if self.phase is Phase.STOPPING:
            return "stopped"
        is_troubled = self.phase is Phase.FAILED or self.failures >= _TROUBLED_AFTER
        return "failed" if is_troubled else "starting"


class Fleet:
    """The engines of one supervisor. Only the task that calls `follow` may call it, on the main thread."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._entries: dict[str, _Entry] = {}
        self.stirred = asyncio.Event()
        """Set when something happened that the next `follow` should see soon."""
        remove_all(ground.addresses)

    def follow(self, deployments: Mapping[str, Deployment]) -> None:
        """Bring what runs one step nearer to what is wanted; never waits."""
        self.stirred.clear()
        self._take_endings()
        wanted = {name: Wanted(one, stamp_of(model_file(one))) for name, one in deployments.items()}
        held = {name: entry.held() for name, entry in self._entries.items()}
        for action in plan(wanted, held, now_s=self._ground.clock.monotonic_s()):
            match action:
                case Start():
                    self._start(action.wanted)
                case Stop():
                    self._stop(action.name, reason=action.reason)
                case Forget():
                    self._forget(action.name)
        for entry in self._entries.values():
            self._write(entry)

    async def stop_all(self) -> None:
        """End every engine, all at once, and remove their files."""
        for name, entry in self._entries.items():
            if entry.task is not None and entry.phase is not Phase.STOPPING:
                self._stop(name, reason="the supervisor stops")
        tasks = [entry.task for entry in self._entries.values() if entry.task is not None]
        if tasks:
            await asyncio.wait(tasks)
        for name in list(self._entries):
            self._forget(name)

    def _start(self, wanted: Wanted) -> None:
        name = wanted.deployment.name
        entry = self._entries.get(name)
        if entry is None:
            entry = self._entries[name] = _Entry(wanted, key=self._ground.make_key())
        elif entry.wanted != wanted:
            entry.wanted, entry.failures, entry.error = wanted, 0, None
        port = entry.attempt.port if entry.attempt else 0
        entry.attempt = attempt = Attempt(
            wanted.deployment,
            ground=self._ground,
            reserved_bytes=lambda: self._reserved_bytes(beside=name),
            port=port,
            key=entry.key,
        )
        entry.restarts += 1
        self._move(entry, Phase.STARTING)
        entry.task = asyncio.create_task(attempt.run(on_ready=lambda: self._note_ready(entry)), name=f"engine {name}")
        entry.task.add_done_callback(lambda _: self.stirred.set())

    def _reserved_bytes(self, *, beside: str) -> int:
        return sum(
            entry.attempt.reserved_bytes
            for name, entry in self._entries.items()
            if name != beside and entry.attempt is not None and entry.task is not None
        )

    def _note_ready(self, entry: _Entry) -> None:
        if entry.phase is Phase.STARTING:
            entry.error = None
            self._move(entry, Phase.READY)
            self._write(entry)

    def _stop(self, name: str, *, reason: str) -> None:
        entry = self._entries[name]
        _log.info("engine stops", extra={"deployment": name, "reason": reason})
        self._move(entry, Phase.STOPPING)
        self._write(entry)
        if entry.task is not None:
            entry.task.cancel()

    def _forget(self, name: str) -> None:
        del self._entries[name]
        remove_address(self._ground.addresses, name)

    def _take_endings(self) -> None:
        for name, entry in list(self._entries.items()):
            task = entry.task
            if task is None or not task.done():
                continue
            entry.task = None
            if entry.phase is Phase.STOPPING:
                self._raise_faults(task)
                self._forget(name)
            else:
                self._take_ending(entry, task.result())

    @staticmethod
    def _raise_faults(task: asyncio.Task[Ending]) -> None:
        """A fault of ours must not pass for a stop."""
        with contextlib.suppress(asyncio.CancelledError):
            task.result()

    def _take_ending(self, entry: _Entry, ending: Ending) -> None:
        now_s = self._ground.clock.monotonic_s()
        entry.error = ending.message
        entry.failures = count_failure(entry.failures, ready_for_s=ending.ready_for_s)
        wait_s = MEMORY_RETRY_S if ending.is_short_of_memory else delay_s(entry.failures)
        if ending.is_short_of_memory:
            entry.failures = max(entry.failures, _TROUBLED_AFTER)
        entry.retry_at_s = now_s + wait_s
        self._move(entry, Phase.FAILED if ending.is_fatal else Phase.WAITING)
        _log.error(
            "engine failed" if ending.is_fatal else "engine ended",
            extra={
                "deployment": entry.wanted.deployment.name,
                "reason": ending.message,
                "again_in_s": None if ending.is_fatal else wait_s,
            },
        )

    def _move(self, entry: _Entry, phase: Phase) -> None:
        entry.phase = phase
        entry.since_ms = self._ground.clock.now_ms()

    def _write(self, entry: _Entry) -> None:
        """Write the deployment's file where it says something new."""
        is_ready = entry.phase is Phase.READY and entry.attempt is not None
        address = EngineAddress(
            name=entry.wanted.deployment.name,
            state=entry.state(),
            base_url=entry.attempt.base_url if is_ready and entry.attempt else "",
            key=entry.key if is_ready else "",
            pid=entry.attempt.pid if entry.task and entry.attempt else None,
            since_ms=entry.since_ms,
            restarts=max(entry.restarts, 0),
            error=entry.error,
            memory_bytes=self._memory_of(entry) if is_ready else None,
        )
        if address != entry.written:
            write_address(self._ground.addresses, address)
            entry.written = address

    @staticmethod
    def _memory_of(entry: _Entry) -> int | None:
        """Return the memory as last written, unless it has changed much."""
        now = entry.attempt.memory_bytes() if entry.attempt else None
        before = entry.written.memory_bytes if entry.written else None
        if now is None or before is None or abs(now - before) > before * _MEMORY_NEWS_SHARE:
            return now
        return before
