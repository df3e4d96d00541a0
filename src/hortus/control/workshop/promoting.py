"""How does a product that has passed come to be used: served here, or an endpoint at the host that tuned it?"""

from __future__ import annotations

import msgspec

from hortus.base.errors import HortusError
from hortus.control import tenancy
from hortus.control.declaring import declare
from hortus.control.engine_states import read_engine_states
from hortus.control.plane import Plane
from hortus.control.workshop.belongings import Belongings
from hortus.control.workshop.moves import Move, fail, succeed
from hortus.control.workshop.works import product_deployment, product_name, served
from hortus.jobs.folders import JobFolder
from hortus.jobs.records import Base, JobError, JobEvent, JobRecord
from hortus.snapshot.declared import EndpointSpec, RouteSpec


class Promotion:
    """Gives products their routes."""

    def __init__(self, plane: Plane, belongings: Belongings) -> None:
        self._plane = plane
        self._belongings = belongings

    async def promote(self, move: Move) -> Move:
        """Serve what has passed under its own name, and let its project use it."""
        job, now_ms = move.job, self._plane.ports.clock.now_ms()
        try:
            done = await self._at_host(job) if job.base.route is not None else await self._here(job)
        except HortusError as error:
            failed = fail(job, JobError("not_promoted", str(error)), now_ms=now_ms)
            return Move(failed.job, (*move.events, *failed.events))
        if done is None:
            return move
        ended = succeed(job, product=done or None, now_ms=now_ms)
        return Move(ended.job, (*move.events, *ended.events))

    async def _here(self, job: JobRecord) -> str | None:
        """Return the product's route once its engine is ready, None before, empty where it is not to be served."""
        if not job.spec.deploy:
            return ""
        project = await self._belongings.project_of(job)
        name, deployment = product_name(job, project), product_deployment(job, project)
        await self._belongings.deploy([served(job, deployment, self._folder(job))])
        state = read_engine_states(self._plane.installation.engines).get(deployment)
        if state is None or state.state == "starting":
            return None
        if state.state == "failed":
            raise HortusError(f"The engine of {name} cannot serve it: {state.error}.", hint="See its log.")

        def open_it() -> None:
            self._route_to(name, deployment)
            self._plane.recompile()
            self._allow(job, name, project=project)

        await self._belongings.change(open_it)
        return name

    async def _at_host(self, job: JobRecord) -> str:
        """Return the route to a model that a host has tuned: an endpoint with that host's facts."""
        tuned = msgspec.json.decode(job.facts["host"], type=_Tuned)
        project = await self._belongings.project_of(job)
        name, deployment = product_name(job, project), product_deployment(job, project)

        def declare_it() -> None:
            base = self._endpoint_of(job.base)
            own = msgspec.structs.replace(base, name=deployment, upstream_model=tuned.fine_tuned_model, price=None)
            if self._plane.ports.objects.get("endpoint", deployment) is None:
                declare(self._plane, own, is_new=True)
            self._route_to(name, deployment)
            self._plane.recompile()
            self._allow(job, name, project=project)

        await self._belongings.change(declare_it)
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

    def _allow(self, job: JobRecord, route: str, *, project: str) -> None:
        """Let the job's project use its product; where the file declares the project, the file must say so."""
        try:
            tenancy.allow_routes(self._plane, project, (route,))
        except HortusError as error:
            now_ms = self._plane.ports.clock.now_ms()
            text = f"The project {project} may not use {route} yet: {error}"
            self._plane.ports.jobs.save(job, [JobEvent("not_allowed", now_ms, text, level="warn")])

    def _folder(self, job: JobRecord) -> JobFolder:
        return JobFolder(self._plane.installation.workshop.jobs / job.id)


class _Tuned(msgspec.Struct, frozen=True):
    fine_tuned_model: str
