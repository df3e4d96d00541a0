"""Carries jobs on: reads what their steps say, asks `moves` what follows, and sees to it. One look at a time.

Everything is written down before it is acted on, so that a control process killed at any moment goes on from there.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import TypeVar

import msgspec

from hortus.access.acts import acting
from hortus.access.objects import Key
from hortus.base.errors import HortusError
from hortus.canon.errors import HostFault
from hortus.control import models, tenancy
from hortus.control.declaring import declare
from hortus.control.engine_states import read_engine_states
from hortus.control.plane import Plane
from hortus.control.workshop.bases import facts_of
from hortus.control.workshop.moves import STEP_OF, EngineNews, Move, Seen, fail, next_move, replace, succeed
from hortus.control.workshop.works import (
    Ground,
    base_candidate,
    candidates,
    needs_key,
    product_candidate,
    product_deployment,
    product_name,
    served,
    work_of,
)
from hortus.gateway.ports import HostRequest
from hortus.jobs.folders import JobFolder
from hortus.jobs.orders import read_orders, remove_order, write_order
from hortus.jobs.ports import Jobs
from hortus.jobs.records import Base, JobError, JobEvent, JobRecord
from hortus.jobs.remote import read_remote
from hortus.jobs.reporting import read_reports
from hortus.jobs.steps import Order, StepWork
from hortus.snapshot.declared import DeploymentSpec, EndpointSpec, RouteSpec
from hortus.snapshot.grants import CANDIDATES
from hortus.snapshot.model import Timeouts

PROJECT = "workshop"
"""The project whose keys ask candidates: its requests are Hortus' own."""

LOOK_EVERY_S = 0.25
_AT_ONCE = 1
"""Jobs that train at the same time: two would only slow each other down."""

_ACTING = "jobs"
_CANCEL_WITHIN_S = 30.0
_KEY_DAYS = 30

_Result = TypeVar("_Result")
_log = logging.getLogger("hortus.jobs")


class Conductor:
    """All jobs that are not over.

    Args:
        plane: What is declared, and where things lie.
        door: Gives the address of the door.
    """

    def __init__(self, plane: Plane, *, door: Callable[[], str]) -> None:
        self._plane = plane
        self._jobs: Jobs = plane.ports.jobs
        self._places = places = plane.installation.workshop
        self._door = door
        self._orders = read_orders(places.orders)

    async def keep_looking(self) -> None:
        """Carry jobs on for as long as this process lives; a fault of one job is its own."""
        await self._leave_old()
        while True:
            await asyncio.to_thread(self._forget_orders)
            for job in await asyncio.to_thread(self._jobs.unfinished):
                try:
                    await self._look_at(job)
                except (HortusError, OSError, msgspec.MsgspecError) as error:
                    _log.error("job cannot be carried on now", extra={"job": job.id, "reason": str(error)})
            await asyncio.sleep(LOOK_EVERY_S)

    async def _look_at(self, job: JobRecord) -> None:
        seen = await asyncio.to_thread(self._see, job)
        move = next_move(job, seen, now_ms=self._plane.ports.clock.now_ms())
        if move.job.phase == "promote" and move.job.wish == "run":
            move = await self._promote(move)
        if move.job != job or move.events:
            await asyncio.to_thread(self._save, job, move)
        await self._act(move.job)

    def _save(self, before: JobRecord, move: Move) -> None:
        """Write a move down; what somebody wished meanwhile stays."""
        now = self._jobs.job(before.id)
        wish = now.wish if now is not None else move.job.wish
        self._jobs.save(replace(move.job, wish=wish), move.events)

    def _see(self, job: JobRecord) -> Seen:
        step = STEP_OF.get(job.phase)
        room = sum(one.state == "running" and one.id != job.id for one in self._jobs.unfinished()) < _AT_ONCE
        if step is not None:
            lines, read = read_reports(self._folder(job).reports(step), offset=job.read.get(step, 0))
            return Seen(lines=lines, read=read, has_room=room)
        states = read_engine_states(self._plane.installation.engines)
        wanted = [spec.name for spec in candidates(job, self._folder(job))] if job.phase == "serve" else []
        starting = EngineNews("starting")
        engines = {
            name: EngineNews(states[name].state, states[name].error) if name in states else starting for name in wanted
        }
        return Seen(engines=engines, has_room=room)

    async def _act(self, job: JobRecord) -> None:
        """See to it that what the job needs now is there, and nothing else is left of it."""
        if job.is_over:
            await self._leave(job)
            return
        if job.phase in {"serve", "evaluate"}:
            await self._deploy(candidates(job, self._folder(job)))
        order = await self._order(job)
        if order is not None and order != self._orders.get(job.id):
            await asyncio.to_thread(write_order, self._places.orders, job.id, order)
            self._orders[job.id] = order

    async def _order(self, job: JobRecord) -> Order | None:
        """Return what the runner is to do now; None: nothing yet."""
        if job.phase == "train" and job.state == "queued":
            return None
        known = self._orders.get(job.id)
        step = STEP_OF.get(job.phase)
        wish = "pause" if job.state == "paused" else job.wish
        if known is not None and known.work is not None and known.number == self._number(job):
            return msgspec.structs.replace(known, wish=wish)
        work = await self._work(job) if step is not None and wish == "run" else None
        return Order(self._number(job), wish, work)

    async def _work(self, job: JobRecord) -> StepWork | None:
        if not needs_key(job.phase):
            return work_of(job, Ground(self._places, base_facts=facts_of(job.base)))
        is_here = job.phase == "evaluate"
        project = PROJECT if is_here else await asyncio.to_thread(self._project, job)
        key = await self._make_key(job, project=project, routes=(f"{CANDIDATES}*",) if is_here else ())
        return work_of(job, Ground(self._places, self._door(), key))

    @staticmethod
    def _number(job: JobRecord) -> int:
        return list(STEP_OF).index(job.phase) + 1 if job.phase in STEP_OF else 0

    async def _promote(self, move: Move) -> Move:
        """Serve what has passed under its own name, and let its project use it."""
        job, now_ms = move.job, self._plane.ports.clock.now_ms()
        try:
            done = await self._promote_hosted(job) if job.base.route is not None else await self._promote_here(job)
        except HortusError as error:
            failed = fail(job, JobError("not_promoted", str(error)), now_ms=now_ms)
            return Move(failed.job, (*move.events, *failed.events))
        if done is None:
            return move
        ended = succeed(job, product=done or None, now_ms=now_ms)
        return Move(ended.job, (*move.events, *ended.events))

    async def _promote_here(self, job: JobRecord) -> str | None:
        """Return the product's route once its engine is ready, None before, empty where it is not to be served."""
        if not job.spec.deploy:
            return ""
        project = await asyncio.to_thread(self._project, job)
        name, deployment = product_name(job, project), product_deployment(job, project)
        await self._deploy([served(job, deployment, self._folder(job))])
        state = read_engine_states(self._plane.installation.engines).get(deployment)
        if state is None or state.state == "starting":
            return None
        if state.state == "failed":
            raise HortusError(f"The engine of {name} cannot serve it: {state.error}.", hint="See its log.")

        def open_it() -> None:
            self._route_to(name, deployment)
            self._plane.recompile()
            self._allow(job, name)

        await self._change(open_it)
        return name

    async def _promote_hosted(self, job: JobRecord) -> str:
        """Return the route to a model that a host has tuned: an endpoint with that host's facts."""
        tuned = msgspec.json.decode(job.facts["host"], type=_Tuned)
        project = await asyncio.to_thread(self._project, job)
        name, deployment = product_name(job, project), product_deployment(job, project)

        def declare_it() -> None:
            base = self._endpoint_of(job.base)
            own = msgspec.structs.replace(base, name=deployment, upstream_model=tuned.fine_tuned_model, price=None)
            if self._plane.ports.objects.get("endpoint", deployment) is None:
                declare(self._plane, own, is_new=True)
            self._route_to(name, deployment)
            self._plane.recompile()
            self._allow(job, name)

        await self._change(declare_it)
        return name

    def _endpoint_of(self, base: Base) -> EndpointSpec:
        """Return the declaration of the host's endpoint by which a job's base is reached."""
        snapshot = self._plane.snapshot
        route = snapshot.routes.get(base.route or "") if snapshot is not None else None
        for candidate in route.candidates if route is not None else ():
            stored = self._plane.ports.objects.get("endpoint", candidate.endpoint)
            if stored is not None and isinstance(stored.spec, EndpointSpec):
                return stored.spec
        raise HortusError(f"The endpoint of {base.route} is gone.", hint="Declare it again.")

    def _route_to(self, name: str, endpoint: str) -> None:
        if self._plane.ports.objects.get("route", name) is None:
            declare(self._plane, RouteSpec(name=name, endpoints=(endpoint,)), is_new=True)

    def _allow(self, job: JobRecord, route: str) -> None:
        """Let the job's project use its product; where the file declares the project, the file must say so."""
        project = self._project(job)
        try:
            tenancy.allow_routes(self._plane, project, (route,))
        except HortusError as error:
            now_ms = self._plane.ports.clock.now_ms()
            text = f"The project {project} may not use {route} yet: {error}"
            self._jobs.save(job, [JobEvent("not_allowed", now_ms, text, level="warn")])

    async def _deploy(self, wanted: list[DeploymentSpec]) -> None:
        def bring() -> None:
            missing = [spec for spec in wanted if not self._is_declared(spec)]
            for spec in missing:
                stored = self._plane.ports.objects.get("deployment", spec.name)
                is_new = stored is None or stored.retired_at_ms is not None
                declare(self._plane, spec, is_new=is_new)
            if missing:
                self._plane.recompile()

        if not all(map(self._is_declared, wanted)):
            await self._change(bring)

    def _is_declared(self, spec: DeploymentSpec) -> bool:
        stored = self._plane.ports.objects.get("deployment", spec.name)
        return stored is not None and stored.retired_at_ms is None and stored.spec == spec

    async def _leave_old(self) -> None:
        """Take back what is left of jobs that were over when an earlier control process was killed."""
        served = await asyncio.to_thread(self._plane.ports.objects.list, "deployment")
        ids = {one.name.split(".")[1] for one in served if one.name.startswith(CANDIDATES)}
        for job in [await asyncio.to_thread(self._jobs.job, job_id) for job_id in sorted(ids)]:
            if job is not None and job.is_over:
                await self._leave(job)

    async def _leave(self, job: JobRecord) -> None:
        """Take back everything that was only there for the job."""
        if job.state == "cancelled" and job.base.route is not None:
            await self._cancel_at_host(job)
        await asyncio.to_thread(remove_order, self._places.orders, job.id)
        self._orders.pop(job.id, None)

        def retire() -> None:
            for name in (base_candidate(job), product_candidate(job)):
                stored = self._plane.ports.objects.get("deployment", name)
                if stored is not None and stored.retired_at_ms is None:
                    self._plane.ports.objects.retire("deployment", name)
            for key in self._keys_of(job):
                self._plane.ports.access.revoke_key(key.id)
            self._plane.recompile()

        await self._change(retire)

    async def _cancel_at_host(self, job: JobRecord) -> None:
        """Cancel what the host runs for the job, where it runs anything; its answer is told to the job's owner."""
        remote = read_remote(self._folder(job)).job
        if remote is None:
            return
        key = await self._make_key(job, project=await asyncio.to_thread(self._project, job), routes=())
        request = HostRequest(
            method="POST",
            url=f"{self._door()}/v1/fine_tuning/jobs/{remote}/cancel",
            headers=((b"authorization", f"Bearer {key}".encode()),),
            body=b"",
            timeouts=Timeouts(total_s=_CANCEL_WITHIN_S),
            may_be_private=True,
        )
        try:
            answer = await self._plane.ports.hosts.send(request)
            told = f"was asked to cancel its job {remote} and answered {answer.status}."
            answer.close()
        except HostFault as error:
            told = f"could not be asked to cancel its job {remote}: {error}"
        event = JobEvent("cancelled_at_host", self._plane.ports.clock.now_ms(), f"The host {told}")
        await asyncio.to_thread(self._jobs.save, job, [event])

    async def _make_key(self, job: JobRecord, *, project: str, routes: tuple[str, ...]) -> str:
        """Return a new key for one step; the job's earlier ones no longer work."""

        def make() -> str:
            for key in self._keys_of(job):
                self._plane.ports.access.revoke_key(key.id)
            wanted = models.KeyWanted(project=project, name=_key_name(job), expires_in_days=_KEY_DAYS)
            made = tenancy.create_key(self._plane, wanted)
            if routes:
                tenancy.allow_routes(self._plane, project, routes)
            return made.key

        return await self._change(make)

    def _keys_of(self, job: JobRecord) -> list[Key]:
        found = self._plane.ports.access.keys()
        return [key for key in found if key.name == _key_name(job) and key.revoked_at_ms is None]

    def _project(self, job: JobRecord) -> str:
        found = self._plane.ports.access.projects(include_retired=True)
        return next(project.name for project in found if project.id == job.spec.project_id)

    async def _change(self, change: Callable[[], _Result]) -> _Result:
        """Change what is declared, in turn with everybody else."""

        def act() -> _Result:
            with acting(operation=_ACTING):
                return change()

        async with self._plane.changing:
            return await asyncio.to_thread(act)

    def _forget_orders(self) -> None:
        """Take back orders of jobs that are over, or that nobody knows: they were left by a process that was killed."""
        for job_id in set(read_orders(self._places.orders)) - {job.id for job in self._jobs.unfinished()}:
            remove_order(self._places.orders, job_id)

    def _folder(self, job: JobRecord) -> JobFolder:
        return JobFolder(self._places.jobs / job.id)


class _Tuned(msgspec.Struct, frozen=True):
    fine_tuned_model: str


def _key_name(job: JobRecord) -> str:
    return f"job {job.id}"
