"""What is only there for jobs: deployments of candidates, keys for steps; and how it is changed in turn with others."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

from hortus.access.acts import acting
from hortus.access.objects import Key
from hortus.base.errors import HortusError
from hortus.control import models, tenancy
from hortus.control.declaring import declare
from hortus.control.plane import Plane
from hortus.control.ports import StoredObject
from hortus.control.workshop.works import base_candidate, product_candidate
from hortus.jobs.records import JobRecord
from hortus.snapshot.declared import DeploymentSpec

_ACTING = "jobs"
_KEY_DAYS = 30

_Result = TypeVar("_Result")


class ProjectRetired(HortusError):  # noqa: N818 -- named as canon's faults are
    """A job's project is retired: it gets no keys any more."""

    code = "project_retired"


class Belongings:
    """Declares and retires in the name of jobs."""

    def __init__(self, plane: Plane) -> None:
        self._plane = plane

    async def change(self, change: Callable[[], _Result]) -> _Result:
        """Change what is declared, in turn with everybody else."""

        def act() -> _Result:
            with acting(operation=_ACTING):
                return change()

        async with self._plane.changing:
            return await asyncio.to_thread(act)

    async def deploy(self, wanted: list[DeploymentSpec]) -> None:
        """See to it that deployments are declared."""

        def bring() -> None:
            missing = [spec for spec in wanted if not self._is_declared(spec)]
            for spec in missing:
                declare(self._plane, spec, is_new=self.declared("deployment", spec.name) is None)
            if missing:
                self._plane.recompile()

        if not all(map(self._is_declared, wanted)):
            await self.change(bring)

    async def retire(self, job: JobRecord, *, and_also: Callable[[], None] | None = None) -> None:
        """Take back everything that is only there for a job, and what else is to go with it, in one change."""

        def act() -> None:
            if and_also is not None:
                and_also()
            for name in self.deployments_of(job):
                self._plane.ports.objects.retire("deployment", name)
            for key in self._keys_of(job):
                self._plane.ports.access.revoke_key(key.id)
            self._plane.recompile()

        await self.change(act)

    def deployments_of(self, job: JobRecord) -> list[str]:
        """Return the names of the candidates that are declared for a job."""
        names = (base_candidate(job), product_candidate(job))
        return [name for name in names if self.declared("deployment", name) is not None]

    def declared(self, kind: str, name: str) -> StoredObject | None:
        """Return an object that is in use, None where there is none of this name or it is retired."""
        stored = self._plane.ports.objects.get(kind, name)
        return stored if stored is not None and stored.retired_at_ms is None else None

    async def make_key(self, job: JobRecord, *, project: str, routes: tuple[str, ...]) -> str:
        """Return a new key for one step; the job's earlier ones no longer work."""

        def make() -> str:
            owner = self._plane.ports.access.project(project)
            if owner is not None and owner.retired_at_ms is not None:
                raise ProjectRetired(f"The project {project} is retired.", hint="Make it again, and another job.")
            for key in self._keys_of(job):
                self._plane.ports.access.revoke_key(key.id)
            wanted = models.KeyWanted(project=project, name=_key_name(job), expires_in_days=_KEY_DAYS)
            made = tenancy.create_key(self._plane, wanted)
            if routes:
                tenancy.allow_routes(self._plane, project, routes)
            return made.key

        return await self.change(make)

    async def project_of(self, job: JobRecord) -> str:
        """Return the name of a job's project."""
        found = await asyncio.to_thread(self._plane.ports.access.projects, include_retired=True)
        return next(project.name for project in found if project.id == job.spec.project_id)

    def _is_declared(self, spec: DeploymentSpec) -> bool:
        stored = self.declared("deployment", spec.name)
        return stored is not None and stored.spec == spec

    def _keys_of(self, job: JobRecord) -> list[Key]:
        found = self._plane.ports.access.keys()
        return [key for key in found if key.name == _key_name(job) and key.revoked_at_ms is None]


def _key_name(job: JobRecord) -> str:
    return f"job {job.id}"
