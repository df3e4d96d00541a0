"""What is declared for a product goes again where its job does not come to its end, and others' products stay."""

from __future__ import annotations

from pathlib import Path

import msgspec

from control.control_ground import Control, running_control
from hortus.control.workshop.belongings import Belongings
from hortus.control.workshop.moves import Move
from hortus.control.workshop.promoting import Promotion
from hortus.control.workshop.works import candidates, shared_deployment
from hortus.jobs.folders import ADAPTER_GGUF, PRODUCT_GGUF, JobFolder
from hortus.jobs.records import Base, JobRecord
from hortus.jobs.spec import EngineWish, Form, JobSpec


def job_of(
    control: Control, name: str, *, form: Form, engine: EngineWish = "auto", base: str = "seedling"
) -> JobRecord:
    """Return a job whose product lies there and has passed its gate."""
    project = control.plane.ports.access.project("default")
    assert project is not None
    spec = JobSpec(id=name, project_id=project.id, base=base, training="f", form=form, engine=engine)
    product = JobFolder(control.home.jobs / name).product
    for path in (product / PRODUCT_GGUF, product / ADAPTER_GGUF):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"GGUF")
    source = str(product / PRODUCT_GGUF)
    return JobRecord(spec, Base(base, folder="/bases/b", source=source), "running", "promote", 0)


async def promoted(control: Control, *jobs: JobRecord) -> Promotion:
    """Begin to serve the products; no engine runs, so none is ready."""
    promotion = Promotion(control.plane, Belongings(control.plane))
    for job in jobs:
        assert (await promotion.promote(Move(job))).job.state == "running"
    return promotion


def served(control: Control) -> dict[str, list[str]]:
    """Return names of adapters by deployment."""
    found = control.plane.ports.objects.list("deployment")
    return {one.name: [each.name for each in one.spec.adapters] for one in found}


async def test_a_product_whose_job_is_cancelled_is_served_no_more(tmp_path: Path) -> None:
    async with running_control(tmp_path) as control:
        job = job_of(control, "ftjob-aaaaaaaa", form="merged")
        promotion = await promoted(control, job)
        assert list(served(control)) == ["ft-seedling-default-aaaaaaaa"]
        await promotion.withdraw(job)
        assert served(control) == {}


async def test_product_and_candidates_of_a_cancelled_job_go_in_one_change(tmp_path: Path) -> None:
    async with running_control(tmp_path) as control:
        job = job_of(control, "ftjob-aaaaaaaa", form="merged")
        promotion = await promoted(control, job)
        await Belongings(control.plane).deploy(candidates(job, JobFolder(control.home.jobs / job.id)))
        assert len(served(control)) == 3
        before = control.snapshot().version
        await promotion.withdraw(job)
        assert (served(control), control.snapshot().version) == ({}, before + 1)


async def test_an_adapter_whose_job_fails_leaves_those_of_others_where_they_are(tmp_path: Path) -> None:
    async with running_control(tmp_path) as control:
        stays, goes = (job_of(control, f"ftjob-{end * 8}", form="adapter") for end in "ab")
        promotion = await promoted(control, stays, goes)
        shared = shared_deployment(stays)
        assert served(control) == {shared: ["ft-seedling-default-aaaaaaaa", "ft-seedling-default-bbbbbbbb"]}
        await promotion.withdraw(goes)
        assert served(control) == {shared: ["ft-seedling-default-aaaaaaaa"]}
        await promotion.withdraw(stays)
        assert served(control) == {}


def test_adapters_share_an_engine_only_over_the_same_base_on_the_same_engine() -> None:
    spec = JobSpec(id="ftjob-1", project_id="p", base="b", training="f", form="adapter")
    long = "ft:seedling:a-project-with-quite-a-long-name:desk:"
    records = [
        *(JobRecord(spec, Base(f"{long}{end}", folder=end), "running", "promote", 0) for end in "ab"),
        *(
            JobRecord(msgspec.structs.replace(spec, engine=engine), Base("b", folder="/b"), "running", "promote", 0)
            for engine in ("llamacpp", "transformers", "vllm")
        ),
    ]
    names = [shared_deployment(one) for one in records]
    assert len(set(names)) == len(names)
    plain = JobRecord(spec, Base("b", folder="/b"), "running", "promote", 0)
    assert shared_deployment(plain) == names[2]


async def test_candidates_are_declared_once_and_taken_back(tmp_path: Path) -> None:
    async with running_control(tmp_path) as control:
        job, belongings = job_of(control, "ftjob-aaaaaaaa", form="merged"), Belongings(control.plane)
        wanted = candidates(job, JobFolder(control.home.jobs / job.id))
        for _ in range(2):
            await belongings.deploy(wanted)
        assert sorted(belongings.deployments_of(job)) == sorted(one.name for one in wanted)
        await belongings.retire(job)
        assert (belongings.deployments_of(job), served(control)) == ([], {})
