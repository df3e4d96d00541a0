"""How does a product that has passed come to be used: served here, or an endpoint at the host that tuned it?"""

from __future__ import annotations

import msgspec

from hortus.base.errors import HortusError
from hortus.control import tenancy
from hortus.control.declaring import declare
from hortus.control.engine_states import read_engine_states
from hortus.control.plane import Plane
from hortus.control.workshop.bases import base_source
from hortus.control.workshop.belongings import Belongings
from hortus.control.workshop.moves import Move, at_its_host, fail, succeed, tuned_at_host
from hortus.control.workshop.works import (
    adapter_source,
    over_base,
    product_deployment,
    product_name,
    served,
    shared_deployment,
)
from hortus.jobs.folders import JobFolder
from hortus.jobs.records import Base, JobError, JobEvent, JobRecord
from hortus.snapshot.declared import DeploymentSpec, EndpointSpec, RouteSpec
from hortus.snapshot.model import Adapter

_TUNES = "fine_tuning"


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
            failed = fail(job, JobError("not_promoted", str(error), hint=at_its_host(job)), now_ms=now_ms)
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
        engine = await self._serve(job, deployment)
        state = read_engine_states(self._plane.installation.engines).get(engine)
        error = None if state is None else state.error or state.successor_error
        if state is not None and "failed" in {state.state, state.successor}:
            raise HortusError(f"The engine of {name} cannot serve it: {error}.", hint="See its log.")
        if state is None or state.state != "ready" or (engine != deployment and deployment not in state.serves):
            return None

        def open_it() -> None:
            self._route_to(name, deployment)
            self._plane.recompile()
            self._allow(job, name, project=project)

        await self._belongings.change(open_it)
        return name

    async def _serve(self, job: JobRecord, name: str) -> str:
        """Have the product served under a name, and return the deployment that does it: its own, or its base's."""
        folder = self._folder(job)
        base, adapter = base_source(job.base, folder), adapter_source(job, folder)
        if base is None or adapter is None:
            await self._belongings.deploy([served(job, name, folder)])
            return name
        shared = shared_deployment(job)
        others = tuple(one for one in self._adapters_of(shared) if one.name != name)
        spec = over_base(job, shared, folder, adapters=(*others, Adapter(name, adapter)))
        await self._belongings.deploy([spec])
        return shared

    async def withdraw(self, job: JobRecord) -> None:
        """Take back all that is only there for a job, and what was begun for a product that it did not come to serve.

        It was cancelled, or an engine failed.
        """
        project = await self._belongings.project_of(job)
        name, deployment = product_name(job, project), product_deployment(job, project)
        shared = shared_deployment(job)

        def act() -> None:
            for kind, one in (("route", name), ("endpoint", deployment), ("deployment", deployment)):
                if self._belongings.declared(kind, one) is not None:
                    self._plane.ports.objects.retire(kind, one)
            self._take_off(deployment, shared)

        await self._belongings.retire(job, and_also=act)

    def _take_off(self, adapter: str, shared: str) -> None:
        """Take an adapter off the deployment that it shares; one that is left without any goes."""
        stored = self._plane.ports.objects.get("deployment", shared)
        found = self._adapters_of(shared)
        others = tuple(one for one in found if one.name != adapter)
        if stored is None or others == found or not isinstance(stored.spec, DeploymentSpec):
            return
        if others:
            declare(self._plane, msgspec.structs.replace(stored.spec, adapters=others), is_new=False)
        else:
            self._plane.ports.objects.retire("deployment", shared)

    def _adapters_of(self, deployment: str) -> tuple[Adapter, ...]:
        stored = self._belongings.declared("deployment", deployment)
        return stored.spec.adapters if stored is not None and isinstance(stored.spec, DeploymentSpec) else ()

    async def _at_host(self, job: JobRecord) -> str:
        """Return the route to a model that a host has tuned: an endpoint with that host's facts; empty: none wanted."""
        model = tuned_at_host(job)
        if model is None or not job.spec.deploy:
            return ""
        project = await self._belongings.project_of(job)
        name, deployment = product_name(job, project), product_deployment(job, project)

        def declare_it() -> None:
            base = self._endpoint_of(job.base)
            # What the catalog says of its base's price and limits is not true of it, so it bears its own name.
            own = msgspec.structs.replace(base, name=deployment, model=model, upstream_model=model, price=None)
            if self._belongings.declared("endpoint", deployment) is None:
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
            if stored is not None and isinstance(stored.spec, EndpointSpec) and _TUNES in stored.spec.operations:
                return stored.spec
        raise HortusError(f"The endpoint of {base.route} is gone.", hint="Declare it again.")

    def _route_to(self, name: str, endpoint: str) -> None:
        if self._belongings.declared("route", name) is None:
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
