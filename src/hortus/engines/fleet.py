"""All engines of one supervisor: carries out the plan, waits between attempts, tells where each one stands.

What takes the place of another is started beside it; the address file names the new one in one step, and the old one
ends when it has answered everything.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Mapping

from hortus.engines.addresses import EngineAddress, remove_address, remove_all, write_address
from hortus.engines.attempt import Attempt, Ending, Ground
from hortus.engines.draining import drained
from hortus.engines.drivers import stands_alone
from hortus.engines.generation import Generation
from hortus.engines.plan import Abandon, Action, Forget, MakeRoom, Phase, Prepare, Start, Stop, Wanted, plan
from hortus.engines.sources import stamp_of_deployment
from hortus.snapshot.model import Deployment

_log = logging.getLogger("hortus.engines")


class Fleet:
    """The engines of one supervisor. Only the task that calls `follow` may call it, on the main thread."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._serving: dict[str, Generation] = {}
        self._successors: dict[str, Generation] = {}
        self._leaving: dict[asyncio.Task[None], Generation] = {}
        self._blocked: dict[str, asyncio.Task[None]] = {}
        self._written: dict[str, EngineAddress] = {}
        self.stirred = asyncio.Event()
        """Set when something happened that the next `follow` should see soon."""
        remove_all(ground.addresses)

    def follow(self, deployments: Mapping[str, Deployment]) -> None:
        """Bring what runs one step nearer to what is wanted; never waits."""
        self.stirred.clear()
        self._take_endings()
        wanted = {
            name: Wanted(one, stamp_of_deployment(one), stands_alone=stands_alone(one))
            for name, one in deployments.items()
        }
        held = {
            name: one.held(successor=self._successors.get(name), is_blocked=name in self._blocked)
            for name, one in self._serving.items()
        }
        for action in plan(wanted, held, now_s=self._ground.clock.monotonic_s()):
            self._carry_out(action)
        for name in self._serving:
            self._write(name)

    async def stop_all(self) -> None:
        """End every engine, all at once, and remove their files."""
        for name, one in self._serving.items():
            if one.phase is not Phase.STOPPING:
                self._stop(name, reason="the supervisor stops")
        for leaving in self._leaving:
            leaving.cancel()
        everyone = (*self._serving.values(), *self._leaving.values())
        running = [one.task for one in everyone if one.task is not None]
        if running or self._leaving:
            await asyncio.wait([*running, *self._leaving])
        for name in list(self._serving):
            self._forget(name)

    def _carry_out(self, action: Action) -> None:
        match action:
            case Start():
                self._start(action.wanted, among=self._serving)
            case Prepare():
                self._start(action.wanted, among=self._successors)
            case Stop():
                self._stop(action.name, reason=action.reason)
            case Abandon():
                self._abandon(action.name, reason=action.reason)
            case MakeRoom():
                self._make_room(action.wanted, reason=action.reason)
            case Forget():
                self._forget(action.name)

    def _start(self, wanted: Wanted, *, among: dict[str, Generation]) -> None:
        name = wanted.deployment.name
        one = among.get(name)
        if one is None:
            one = among[name] = Generation(wanted, ground=self._ground)
        one.want(wanted)
        attempt = Attempt(
            wanted.deployment,
            ground=self._ground,
            reserved_bytes=lambda: self._reserved_bytes(beside=attempt),
            port=one.attempt.port if one.attempt else 0,
            key=one.key,
        )
        one.attempt = attempt
        one.restarts += 1
        one.move(Phase.STARTING)
        one.task = asyncio.create_task(attempt.run(on_ready=lambda: self._note_ready(one)), name=f"engine {name}")
        one.task.add_done_callback(lambda _: self.stirred.set())

    def _reserved_bytes(self, *, beside: Attempt) -> int:
        everyone = (*self._serving.values(), *self._successors.values(), *self._leaving.values())
        attempts = (one.attempt for one in everyone if one.task is not None)
        return sum(attempt.reserved_bytes for attempt in attempts if attempt is not None and attempt is not beside)

    def _note_ready(self, one: Generation) -> None:
        if one.phase is not Phase.STARTING:
            return
        one.error = None
        one.move(Phase.READY)
        if self._successors.get(one.name) is one:
            self._switch(one)
        self._write(one.name)

    def _switch(self, one: Generation) -> None:
        """Let a successor take the place of what serves."""
        before = self._serving[one.name]
        del self._successors[one.name]
        self._serving[one.name] = one
        one.restarts = 0
        _log.info("engine replaced", extra={"deployment": one.name, "pid": one.attempt.pid if one.attempt else None})
        self._let_go(before)

    def _let_go(self, one: Generation) -> asyncio.Task[None]:
        """Have an engine that nobody is sent to any more finish its requests and end."""
        one.move(Phase.STOPPING)
        leaving = asyncio.create_task(self._see_off(one), name=f"end of engine {one.name}")
        self._leaving[leaving] = one
        leaving.add_done_callback(lambda _: self.stirred.set())
        return leaving

    async def _see_off(self, one: Generation) -> None:
        if one.task is None or one.attempt is None:
            return
        ground, attempt = self._ground, one.attempt
        rest = asyncio.create_task(
            drained(
                attempt.count_running,
                port=attempt.port,
                clock=ground.clock,
                grace_s=ground.grace_s,
                drain_s=ground.drain_s,
            )
        )
        try:
            await asyncio.wait({rest, one.task}, return_when=asyncio.FIRST_COMPLETED)
            if rest.done() and not rest.result():
                _log.warning("engine ends with requests", extra={"deployment": one.name, "after_s": ground.drain_s})
        finally:
            rest.cancel()
            one.task.cancel()
            await asyncio.wait({one.task})
            _log.info("engine has left", extra={"deployment": one.name, "pid": attempt.pid})
        self._raise_faults(one.task)

    def _make_room(self, wanted: Wanted, *, reason: str) -> None:
        name = wanted.deployment.name
        _log.warning("engine stops before its successor starts", extra={"deployment": name, "reason": reason})
        before = self._serving[name]
        self._drop_successor(name)
        self._serving[name] = Generation(wanted, ground=self._ground)
        self._serving[name].move(Phase.WAITING)
        self._blocked[name] = self._let_go(before)

    def _abandon(self, name: str, *, reason: str) -> None:
        _log.info("successor is given up", extra={"deployment": name, "reason": reason})
        self._drop_successor(name)

    def _drop_successor(self, name: str) -> None:
        one = self._successors.pop(name, None)
        if one is not None and one.task is not None:
            one.task.cancel()
            self._let_go(one)

    def _stop(self, name: str, *, reason: str) -> None:
        one = self._serving[name]
        _log.info("engine stops", extra={"deployment": name, "reason": reason})
        self._end_all_others(name)
        one.move(Phase.STOPPING)
        self._write(name)
        if one.task is not None:
            one.task.cancel()

    def _end_all_others(self, name: str) -> None:
        """End what belongs to a deployment beside the one that serves, without patience."""
        self._drop_successor(name)
        for leaving, one in self._leaving.items():
            if one.name == name:
                leaving.cancel()

    def _forget(self, name: str) -> None:
        self._end_all_others(name)
        del self._serving[name]
        self._written.pop(name, None)
        remove_address(self._ground.addresses, name)

    def _take_endings(self) -> None:
        for leaving in [task for task in self._leaving if task.done()]:
            name = self._leaving.pop(leaving).name
            if self._blocked.get(name) is leaving:
                del self._blocked[name]
            self._raise_faults(leaving)
        for among in (self._successors, self._serving):
            for name, one in list(among.items()):
                if one.task is None or not one.task.done():
                    continue
                task, one.task = one.task, None
                if one.phase is Phase.STOPPING:
                    self._raise_faults(task)
                    self._forget(name)
                else:
                    self._take_ending(one, task.result())

    @staticmethod
    def _raise_faults(task: asyncio.Task[Ending] | asyncio.Task[None]) -> None:
        """A fault of ours must not pass for a stop."""
        with contextlib.suppress(asyncio.CancelledError):
            task.result()

    def _take_ending(self, one: Generation, ending: Ending) -> None:
        wait_s = one.take_ending(ending)
        _log.error(
            "engine failed" if ending.is_fatal else "engine ended",
            extra={
                "deployment": one.name,
                "reason": ending.message,
                "again_in_s": None if ending.is_fatal else wait_s,
            },
        )
        successor = self._successors.get(one.name)
        if self._serving[one.name] is one and successor is not None and successor.phase is not Phase.FAILED:
            self._serving[one.name] = self._successors.pop(one.name)

    def _write(self, name: str) -> None:
        """Write the deployment's file where it says something new."""
        written = self._written.get(name)
        address = self._serving[name].address(successor=self._successors.get(name), written=written)
        if address != written:
            write_address(self._ground.addresses, address)
            self._written[name] = address
