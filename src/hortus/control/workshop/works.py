"""What does a step's process get to know, and which deployments does a job need? Pure: paths and names only."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec

from hortus.control.workshop.bases import base_source, source_of, usual_temperature
from hortus.control.workshop.moves import tuned_at_host
from hortus.jobs.folders import ADAPTER_GGUF, PRODUCT_ADAPTER, JobFolder, WorkshopPlaces
from hortus.jobs.records import JobRecord, Phase
from hortus.jobs.steps import CheckStep, EvaluateStep, HostStep, StepWork, Suite, TrainStep
from hortus.snapshot.declared import DeploymentSpec
from hortus.snapshot.grants import CANDIDATES
from hortus.snapshot.model import Adapter

_PLAIN = re.compile(r"[^A-Za-z0-9._-]+")
_LONGEST_PART = 40
_TAIL = 8


class Ground(msgspec.Struct, frozen=True):
    """What works are made of.

    Attributes:
        door: Address of the door.
        key: Opens it for the job, where its step asks there; else empty.
        base_facts: What is known of the job's base.
        poll_s: How often hosts are asked how their jobs stand, in seconds.
        ca_bundle: File that vouches for the door's certificate.
    """

    places: WorkshopPlaces
    door: str = ""
    key: str = ""
    base_facts: msgspec.Raw = msgspec.Raw(b"{}")
    poll_s: float = 20.0
    ca_bundle: str | None = None

    def folder(self, job: JobRecord) -> JobFolder:
        """Return a job's folder."""
        return JobFolder(self.places.jobs / job.id)

    def dataset(self, job: JobRecord) -> str:
        """Return the folder of a job's dataset."""
        return str(self.places.datasets / (job.dataset or ""))


def work_of(job: JobRecord, ground: Ground) -> StepWork | None:
    """Return the work of the step that the job's phase is, None where it is none."""
    make = _WORKS.get(job.phase)
    return make(job, ground) if make is not None else None


def needs_key(phase: Phase) -> bool:
    """Tell whether the phase's step asks through the door."""
    return phase in {"evaluate", "host"}


def _check(job: JobRecord, ground: Ground) -> StepWork:
    spec, files = job.spec, ground.places.files
    return CheckStep(
        spec,
        training=str(files / spec.training),
        validation=None if spec.validation is None else str(files / spec.validation),
        base=job.base.folder,
        datasets=str(ground.places.datasets),
        folder=str(ground.folder(job).root),
    )


def _train(job: JobRecord, ground: Ground) -> StepWork:
    return TrainStep(
        job.spec,
        base=job.base.folder,
        base_name=job.base.name,
        dataset=ground.dataset(job),
        folder=str(ground.folder(job).root),
        base_facts=ground.base_facts,
    )


def _evaluate(job: JobRecord, ground: Ground) -> StepWork:
    base, product = _asked(job, ground.folder(job))
    return EvaluateStep(
        job.spec,
        base_route=base,
        product_route=product,
        dataset=ground.dataset(job),
        folder=str(ground.folder(job).root),
        door=ground.door,
        key=ground.key,
        suites=tuple(Suite(name, str(ground.places.suites / f"{name}.jsonl")) for name in job.spec.gate.suites),
        ca_bundle=ground.ca_bundle,
        is_at_host=job.base.route is not None,
    )


def _asked(job: JobRecord, folder: JobFolder) -> tuple[str | None, str]:
    """Return the routes to base and product; a host's name for what it has tuned is known to its project alone."""
    if job.base.route is not None:
        return job.base.route, tuned_at_host(job) or ""
    names = {one.name for one in candidates(job, folder)}
    return base_candidate(job) if base_candidate(job) in names else None, product_candidate(job)


def _host(job: JobRecord, ground: Ground) -> StepWork:
    return HostStep(
        job.spec,
        route=job.base.route or "",
        dataset=ground.dataset(job),
        folder=str(ground.folder(job).root),
        door=ground.door,
        key=ground.key,
        poll_s=ground.poll_s,
        ca_bundle=ground.ca_bundle,
    )


def renewed(work: StepWork, job: JobRecord, *, door: Callable[[], str], ca_bundle: str | None) -> StepWork:
    """Return a step's work as it is now: the door may have another address, and what a host does may be unwanted."""
    match work:
        case EvaluateStep():
            return msgspec.structs.replace(work, door=door(), ca_bundle=ca_bundle)
        case HostStep():
            is_cancelled = job.wish == "cancel"
            return msgspec.structs.replace(work, door=door(), ca_bundle=ca_bundle, is_cancelled=is_cancelled)
        case _:
            return work


_WORKS: Mapping[Phase, Callable[[JobRecord, Ground], StepWork]] = {
    "check": _check,
    "train": _train,
    "evaluate": _evaluate,
    "host": _host,
}


def candidates(job: JobRecord, folder: JobFolder) -> list[DeploymentSpec]:
    """Return what is served for the gate: the base where there is one, and the product or its adapter over the base."""
    base = base_source(job.base, folder)
    adapter = adapter_source(job, folder)
    if base is not None and adapter is not None:
        return [over_base(job, base_candidate(job), folder, adapters=(Adapter(product_candidate(job), adapter),))]
    found = [served(job, product_candidate(job), folder)]
    return found if base is None else [*found, _deployment(job, base_candidate(job), base)]


def served(job: JobRecord, name: str, folder: JobFolder) -> DeploymentSpec:
    """Return the deployment that serves a job's product whole."""
    spec = _deployment(job, name, source_of(folder.product))
    return msgspec.structs.replace(spec, temperature=usual_temperature(folder.product))


def over_base(job: JobRecord, name: str, folder: JobFolder, *, adapters: tuple[Adapter, ...]) -> DeploymentSpec:
    """Return the deployment of a job's base with adapters by name; it samples as the product wants it."""
    base = base_source(job.base, folder) or ""
    temperature = usual_temperature(folder.product)
    return msgspec.structs.replace(_deployment(job, name, base), adapters=adapters, temperature=temperature)


def adapter_source(job: JobRecord, folder: JobFolder) -> str | None:
    """Return the adapter that a job's engine takes; None where the product is to be served whole, or can only be."""
    if job.spec.form != "adapter":
        return None
    gguf, peft = folder.product / ADAPTER_GGUF, folder.product / PRODUCT_ADAPTER
    if job.spec.engine in {"auto", "llamacpp"} and gguf.exists():
        return str(gguf)
    return str(peft) if job.spec.engine in {"transformers", "vllm"} and peft.is_dir() else None


def _deployment(job: JobRecord, name: str, source: str) -> DeploymentSpec:
    """Return a deployment on the engine that the job asks for, or that fits what is served."""
    wished = job.spec.engine
    fitting = "llamacpp" if Path(source).suffix == ".gguf" or source == "seedling" else "transformers"
    return DeploymentSpec(name=name, source=source, engine=fitting if wished == "auto" else wished)


def shared_deployment(job: JobRecord) -> str:
    """Return the name of the deployment that serves adapters over the job's base on an engine.

    A hash tells it from that of another base, whose name may look the same once it is shortened.
    """
    engine = "llamacpp" if job.spec.engine == "auto" else job.spec.engine
    digest = hashlib.sha256(msgspec.json.encode([job.base.name, job.base.folder, engine])).hexdigest()
    return f"adapters-of-{_PLAIN.sub('-', job.base.name)[:_LONGEST_PART]}-{digest[:_TAIL]}"


def product_candidate(job: JobRecord) -> str:
    """Return the route to a product that has not passed its gate."""
    return f"{CANDIDATES}{job.id}.product"


def base_candidate(job: JobRecord) -> str:
    """Return the route to the base that it is compared with."""
    return f"{CANDIDATES}{job.id}.base"


def product_name(job: JobRecord, project: str) -> str:
    """Return the route under which a product answers.

    >>> from hortus.jobs.records import Base
    >>> from hortus.jobs.spec import JobSpec
    >>> spec = JobSpec(id="ftjob-01m7q5cqg0abcdefgh", project_id="prj_1", base="seedling", training="f", suffix="desk")
    >>> product_name(JobRecord(spec, Base("seedling"), "running", "promote", 0), "library")
    'ft:seedling:library:desk:abcdefgh'
    """
    return ":".join(("ft", *_name_parts(job, project)))


def product_deployment(job: JobRecord, project: str) -> str:
    """Return the name of the deployment behind it, which has no colons: it names files."""
    return "-".join(("ft", *filter(None, _name_parts(job, project))))


def _name_parts(job: JobRecord, project: str) -> tuple[str, ...]:
    parts = (job.base.name.rsplit("/", 1)[-1].rsplit(":", 1)[-1], project, job.spec.suffix)
    base, owner, suffix = (_PLAIN.sub("-", part)[:_LONGEST_PART] for part in parts)
    return base, owner, suffix, job.id[-_TAIL:]
