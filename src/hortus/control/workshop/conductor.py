"""Carries jobs on: reads what their steps say, asks `moves` what follows, and sees to it. One look at a time.

Everything is written down before it is acted on, so that a control process killed at any moment goes on from there.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import shutil
from collections.abc import Awaitable, Callable, Sequence

import msgspec

from hortus.base.errors import HortusError
from hortus.control.engine_states import read_engine_states
from hortus.control.plane import Plane
from hortus.control.workshop.bases import facts_of
from hortus.control.workshop.belongings import Belongings, ProjectRetired
from hortus.control.workshop.moves import STEP_OF, EngineNews, Seen, fail, next_move
from hortus.control.workshop.promoting import Promotion
from hortus.control.workshop.room import Room
from hortus.control.workshop.turns import latest_beginnings, next_in_turn
from hortus.control.workshop.works import (
    Ground,
    candidates,
    needs_key,
    renewed,
    work_of,
)
from hortus.jobs.folders import JobFolder
from hortus.jobs.orders import read_orders, remove_order, write_order
from hortus.jobs.ports import Jobs
from hortus.jobs.records import JobError, JobRecord
from hortus.jobs.reporting import read_reports
from hortus.jobs.running import AT_ONCE
from hortus.jobs.steps import Order, StepWork
from hortus.snapshot.grants import CANDIDATES

PROJECT = "workshop"
"""The project whose keys ask candidates: its requests are Hortus' own."""

LOOK_EVERY_S = 0.25

SETTLED_AFTER_S = 15.0
"""By then a step's process that was told to end has ended, and writes nothing more: the runner waits 8 s at most."""

_MEASURED_AT_ONCE = 20
"""After an upgrade there may be thousands; jobs that run do not wait for them."""

_log = logging.getLogger("hortus.jobs")


class Conductor:
    """All jobs that are not over.

    Args:
        plane: What is declared, and where things lie.
        door: Gives the address of the door.
        poll_s: How often hosts are asked how their jobs stand, in seconds.
        ca_bundle: File that vouches for the door's certificate; None where any authority does.
    """

    def __init__(self, plane: Plane, *, door: Callable[[], str], poll_s: float, ca_bundle: str | None = None) -> None:
        self._plane = plane
        self._jobs: Jobs = plane.ports.jobs
        self._places = places = plane.installation.workshop
        self._door = door
        self._poll_s = poll_s
        self._ca_bundle = ca_bundle
        self._belongings = Belongings(plane)
        self._room = Room(self._jobs, places)
        self._promotion = Promotion(plane, self._belongings)
        self._orders = read_orders(places.orders)
        self._troubles: dict[str, str] = {}
        self._settling: dict[str, float] = {}
        self._began_ms: dict[str, int] = {}
        self._next: str | None = None

    async def keep_looking(self) -> None:
        """Carry jobs on for as long as this process lives; a fault of one job is its own."""
        await self._leave_old()
        while True:
            unfinished = await asyncio.to_thread(self._jobs.unfinished)
            self._choose_next(unfinished)
            for job_id in await asyncio.to_thread(self._left_orders, {job.id for job in unfinished}):
                await self._try(job_id, self._leave_rest(job_id))
            for job in unfinished:
                await self._try(job.id, self._look_at(job))
            for job_id in self._settled():
                await self._try(job_id, asyncio.to_thread(self._measure, job_id))
            await asyncio.sleep(LOOK_EVERY_S)

    def _choose_next(self, unfinished: Sequence[JobRecord]) -> None:
        """Choose which job may begin to train at this look; one at a look, so that the next look counts it."""
        self._began_ms = latest_beginnings(unfinished, self._began_ms)
        self._next = next_in_turn(unfinished, began_ms=self._began_ms, at_once=AT_ONCE["train"])

    async def _try(self, job_id: str, work: Awaitable[None]) -> None:
        """Do something for a job; what stands in the way is said once, for it is tried again and again."""
        try:
            await work
        except (HortusError, OSError, msgspec.MsgspecError) as error:
            if self._troubles.get(job_id) != str(error):
                self._troubles[job_id] = str(error)
                _log.error("job cannot be carried on now", extra={"job": job_id, "reason": str(error)})
        else:
            self._troubles.pop(job_id, None)

    async def _look_at(self, job: JobRecord) -> None:
        seen = await asyncio.to_thread(self._see, job)
        move = next_move(job, seen, now_ms=self._plane.ports.clock.now_ms())
        if move.job.phase == "promote" and move.job.wish == "run":
            move = await self._promotion.promote(move)
        if move.job != job or move.events:
            await asyncio.to_thread(self._jobs.save, move.job, move.events)
        try:
            await self._act(move.job)
        except ProjectRetired as error:
            gone = fail(move.job, JobError(error.code, str(error)), now_ms=self._plane.ports.clock.now_ms())
            await asyncio.to_thread(self._jobs.save, gone.job, gone.events)
            await self._act(gone.job)

    def _see(self, job: JobRecord) -> Seen:
        step = STEP_OF.get(job.phase)
        if step is not None:
            lines, read = read_reports(self._folder(job).reports(step), offset=job.read.get(step, 0))
            is_next = job.id == self._next
            return Seen(lines=lines, read=read, has_room=is_next, refusal=self._refusal(job) if is_next else None)
        states = read_engine_states(self._plane.installation.engines)
        wanted = [spec.name for spec in candidates(job, self._folder(job))] if job.phase == "serve" else []
        starting = EngineNews("starting")
        engines = {
            name: EngineNews(states[name].state, states[name].error) if name in states else starting for name in wanted
        }
        return Seen(engines=engines)

    def _refusal(self, job: JobRecord) -> JobError | None:
        """Return why a job that would begin to train now may not: many were taken while their project held little."""
        if job.started_at_ms is not None:
            return None
        try:
            self._room.check_held(job.spec.project_id)
        except HortusError as error:
            return JobError(error.code, error.message, hint=error.hint or "")
        return None

    async def _act(self, job: JobRecord) -> None:
        """See to it that what the job needs now is there, and nothing else is left of it."""
        if job.is_over:
            await self._leave(job)
            return
        if job.phase in {"serve", "evaluate"} and job.base.route is None:
            await self._serve_candidates(job)
        order = await self._order(job)
        if order is not None and order != self._orders.get(job.id):
            await asyncio.to_thread(write_order, self._places.orders, job.id, order)
            self._orders[job.id] = order

    async def _serve_candidates(self, job: JobRecord) -> None:
        """See to it that base and product are served; while the job is paused they hold no memory."""
        if job.state != "paused":
            await self._belongings.deploy(candidates(job, self._folder(job)))
        elif await asyncio.to_thread(self._belongings.deployments_of, job):
            await self._belongings.retire(job)

    async def _order(self, job: JobRecord) -> Order | None:
        """Return what the runner is to do now; None: nothing yet."""
        if job.phase == "train" and job.state == "queued":
            return None
        known = self._orders.get(job.id)
        step = STEP_OF.get(job.phase)
        wish = "pause" if job.state == "paused" else job.wish
        if job.phase == "host":
            wish = "run"  # also to cancel there
        if known is not None and known.work is not None and known.number == self._number(job):
            work = renewed(known.work, job, door=self._door, ca_bundle=self._ca_bundle)
            return msgspec.structs.replace(known, wish=wish, work=work)
        begun = await self._work(job) if step is not None and wish == "run" else None
        return Order(self._number(job), wish, begun)

    async def _work(self, job: JobRecord) -> StepWork | None:
        if not needs_key(job.phase):
            return work_of(job, Ground(self._places, base_facts=facts_of(job.base)))
        is_here = job.base.route is None
        project = PROJECT if is_here else await self._belongings.project_of(job)
        key = await self._belongings.make_key(job, project=project, routes=(f"{CANDIDATES}*",) if is_here else ())
        return work_of(job, Ground(self._places, self._door(), key, poll_s=self._poll_s, ca_bundle=self._ca_bundle))

    @staticmethod
    def _number(job: JobRecord) -> int:
        return list(STEP_OF).index(job.phase) + 1 if job.phase in STEP_OF else 0

    async def _leave_old(self) -> None:
        """Take back what is left of jobs that were over when an earlier control process was killed."""
        for job_id in await asyncio.to_thread(self._jobs.unmeasured):
            self._settle(job_id)
        served = await asyncio.to_thread(self._plane.ports.objects.list, "deployment")
        ids = {one.name.split(".")[1] for one in served if one.name.startswith(CANDIDATES)}
        for job in [await asyncio.to_thread(self._jobs.job, job_id) for job_id in sorted(ids)]:
            if job is not None and job.is_over:
                await self._leave(job)

    async def _leave(self, job: JobRecord) -> None:
        """Take back everything that was only there for the job; its order last, by which it is known what is left."""
        nothing = Order(self._number(job), "cancel")
        if job.id in self._orders:
            await asyncio.to_thread(write_order, self._places.orders, job.id, nothing)
        if job.state == "succeeded":
            await self._belongings.retire(job)
        else:
            await self._promotion.withdraw(job)
        await asyncio.to_thread(shutil.rmtree, self._folder(job).checkpoints, ignore_errors=True)
        await asyncio.to_thread(remove_order, self._places.orders, job.id)
        self._orders.pop(job.id, None)
        self._settle(job.id)

    def _settle(self, job_id: str) -> None:
        """Have a job that is over measured, once nothing writes below its folder any more."""
        self._settling[job_id] = self._plane.ports.clock.monotonic_s() + SETTLED_AFTER_S

    def _settled(self) -> list[str]:
        now_s = self._plane.ports.clock.monotonic_s()
        found = (job_id for job_id, at_s in self._settling.items() if at_s <= now_s)
        return list(itertools.islice(found, _MEASURED_AT_ONCE))

    def _measure(self, job_id: str) -> None:
        """Write down what a job that is over holds, without the checkpoints that its last process may have written."""
        folder = JobFolder(self._places.jobs / job_id)
        shutil.rmtree(folder.checkpoints, ignore_errors=True)
        self._jobs.measured(job_id, folder.measure())
        del self._settling[job_id]

    async def _leave_rest(self, job_id: str) -> None:
        """Take back what is left of a job that is over, or that nobody knows: a killed process left its order."""
        job = await asyncio.to_thread(self._jobs.job, job_id)
        if job is None:
            await asyncio.to_thread(remove_order, self._places.orders, job_id)
            self._orders.pop(job_id, None)
        elif job.is_over:
            await self._leave(job)

    def _left_orders(self, unfinished: set[str]) -> list[str]:
        return sorted(set(read_orders(self._places.orders)) - unfinished)

    def _folder(self, job: JobRecord) -> JobFolder:
        return JobFolder(self._places.jobs / job.id)
