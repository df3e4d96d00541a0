"""What can be tuned here, and what do names of it mean: the seedling, a folder, a product, a model of a host."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from hortus.control.workshop.service import NotPossible
from hortus.jobs.folders import FACTS, PRODUCT_GGUF, PRODUCT_MODEL, JobFolder, WorkshopPlaces
from hortus.jobs.ports import Jobs
from hortus.jobs.records import Base
from hortus.snapshot.model import ENGINE_SCHEME, Snapshot

SEEDLING = "seedling"
SCRATCH = "scratch"
"""The base of a job that starts from nothing."""

_CONFIG = "config.json"
_GGUF = "gguf/model.gguf"
_TUNES = "fine_tuning"


class Bases:
    """Finds bases by their names.

    Args:
        jobs: Earlier jobs, whose products are bases too.
        places: Where bases and products lie.
        snapshot: Gives the configuration, None before the first.
    """

    def __init__(self, jobs: Jobs, *, places: WorkshopPlaces, snapshot: Callable[[], Snapshot | None]) -> None:
        self._jobs = jobs
        self._models = places.models
        self._job_folders = places.jobs
        self._seedling = places.seedling
        self._snapshot = snapshot

    def find(self, project_id: str, name: str) -> Base:
        """Return the base of this name.

        Raises:
            NotPossible: There is none, it cannot be tuned, or it was removed.
        """
        found = self._here(name) or self._product(project_id, name) or self._at_host(name)
        if found is None:
            names = ", ".join(sorted(base.name for base in self.here()))
            raise NotPossible(
                f"{name!r} is no base that can be tuned.",
                path="base",
                hint=f"Here are {names}; also a finished job's id, or a model whose host tunes it. `hortus models add`"
                " brings others.",
            )
        return found

    def here(self) -> Iterator[Base]:
        """Return the bases of this installation."""
        yield Base(SEEDLING, folder=str(self._seedling), source=SEEDLING)
        yield Base(SCRATCH)
        if self._models.is_dir():
            for config in sorted(self._models.glob(f"[!.]*/{_CONFIG}")):
                yield _in_folder(config.parent)

    def _here(self, name: str) -> Base | None:
        return next((base for base in self.here() if base.name == name), None)

    def _product(self, project_id: str, name: str) -> Base | None:
        """Return the product of a finished job of the project, by the job's id or by the product's name."""
        job = self._jobs.job(name)
        if job is None:
            job = next((one for one in self._jobs.jobs(project_id, limit=1000) if one.product == name), None)
        if job is None or job.spec.project_id != project_id or job.state != "succeeded":
            return None
        if job.base.route is not None:
            return Base(name, route=job.product)
        if job.removed_at_ms is not None:
            raise NotPossible(f"The product of {job.id} was removed.", path="base", hint="Name another.")
        product = JobFolder(self._job_folders / job.id).product
        return Base(job.product or job.id, folder=str(product / PRODUCT_MODEL), source=source_of(product))

    def _at_host(self, name: str) -> Base | None:
        snapshot = self._snapshot()
        route = snapshot.routes.get(name) if snapshot is not None else None
        if snapshot is None or route is None:
            return None
        found = [snapshot.endpoints[one.endpoint] for one in route.candidates if one.endpoint in snapshot.endpoints]
        here = next((one.address for one in found if one.address.startswith(ENGINE_SCHEME)), None)
        if here is not None:
            return self._here(here.removeprefix(ENGINE_SCHEME))
        tuning = [endpoint.name for endpoint in found if _TUNES in endpoint.operations]
        if len(tuning) > 1:
            raise NotPossible(
                f"{name!r} leads to several endpoints whose hosts tune: {', '.join(tuning)}.",
                path="base",
                hint="Name a route to the one that is to do it.",
            )
        return Base(name, route=name) if tuning else None


def source_of(product: Path) -> str:
    """Return what a deployment of a product serves: the file for llama.cpp where there is one, else the folder."""
    gguf = product / PRODUCT_GGUF
    return str(gguf if gguf.exists() else product / PRODUCT_MODEL)


def base_source(base: Base, folder: JobFolder) -> str | None:
    """Return what a deployment of the base serves, on the same engine as the product; None from scratch."""
    if base.folder is None:
        return None
    if base.source is not None and (base.source == SEEDLING or Path(base.source).suffix == ".gguf"):
        return base.source
    if folder.base_gguf.exists():
        return str(folder.base_gguf)
    return base.source or base.folder


def facts_of(base: Base) -> msgspec.Raw:
    """Return the facts file of a base, of an earlier product or with the model; `{}` where there is none."""
    if base.folder is None:
        return msgspec.Raw(b"{}")
    for place in (Path(base.folder).parent, Path(base.folder)):
        try:
            return msgspec.Raw((place / FACTS).read_bytes())
        except OSError:
            continue
    return msgspec.Raw(b"{}")


class _Generation(msgspec.Struct, frozen=True):
    do_sample: bool = False
    temperature: float | None = None


def usual_temperature(product: Path) -> float | None:
    """Return the sampling temperature that a product wants where a client names none; greedy models want 0."""
    try:
        said = (product / PRODUCT_MODEL / "generation_config.json").read_bytes()
        generation = msgspec.json.decode(said, type=_Generation)
    except (OSError, msgspec.DecodeError):
        return None
    return generation.temperature if generation.do_sample else 0.0


def _in_folder(folder: Path) -> Base:
    gguf = folder / _GGUF
    return Base(folder.name, folder=str(folder), source=str(gguf if gguf.exists() else folder))
