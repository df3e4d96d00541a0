"""What a finished job has left is removed where nothing needs it, and what it was stays known."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from control.control_ground import Control, running_control
from hortus.control.workshop.moves import replace
from hortus.jobs.folders import ADAPTER_GGUF, PRODUCT_GGUF, PRODUCT_MODEL, JobFolder
from hortus.jobs.records import Base, JobRecord
from hortus.jobs.spec import JobSpec
from hortus.snapshot.declared import DeploymentSpec
from hortus.snapshot.model import Adapter


@pytest.fixture
async def control(tmp_path: Path) -> AsyncIterator[Control]:
    async with running_control(tmp_path) as control:
        yield control


def folder_of(control: Control, job: JobRecord) -> JobFolder:
    return JobFolder(control.home.jobs / job.id)


def add(control: Control, name: str, *, base: Base | None = None, state: str = "succeeded") -> JobRecord:
    """Add a job with a product; one that is over is measured."""
    project = control.plane.ports.access.project("default")
    assert project is not None
    spec = JobSpec(id=f"ftjob-{name}", project_id=project.id, base="seedling", training="f")
    job = JobRecord(spec, base or Base("seedling"), state, "over", 1)
    folder = folder_of(control, job)
    for part in (PRODUCT_GGUF, ADAPTER_GGUF, f"{PRODUCT_MODEL}/config.json"):
        path = folder.product / part
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"GGUF")
    control.plane.ports.jobs.add(job)
    control.plane.ports.jobs.measured(job.id, folder.measure())
    return job


async def refusal(control: Control, job: JobRecord) -> dict[str, str]:
    status, error = await control.fail("DELETE", f"/jobs/{job.id}")
    assert (status, error["path"]) == (409, "id")
    assert folder_of(control, job).product.is_dir()
    return error


async def test_the_folder_goes_and_the_record_the_events_and_the_act_stay(control: Control) -> None:
    job = add(control, "a")
    assert (await control.ask("GET", f"/jobs/{job.id}"))["held_bytes"] == 12
    removed = await control.ask("DELETE", f"/jobs/{job.id}")
    assert (removed["state"], removed["held_bytes"], removed["removed_at_ms"] is not None) == ("succeeded", 0, True)
    assert await control.ask("GET", f"/jobs/{job.id}") == removed
    assert list(control.home.jobs.iterdir()) == []
    events = (await control.ask("GET", f"/jobs/{job.id}/events"))["events"]
    assert ["12 bytes" in one["message"] for one in events] == [True]
    acts = (await control.ask("GET", "/acts?kind=job"))["acts"]
    assert [one["operation"] for one in acts] == ["jobs.remove"]
    assert control.plane.ports.jobs.held(job.spec.project_id).bytes == 0


async def test_what_was_removed_is_neither_removed_nor_served_nor_exported_nor_tuned_again(control: Control) -> None:
    job = add(control, "a")
    await control.ask("DELETE", f"/jobs/{job.id}")
    for method, path, body in (
        ("DELETE", f"/jobs/{job.id}", None),
        ("POST", f"/jobs/{job.id}/deploy", None),
        ("POST", f"/jobs/{job.id}/export", {"folder": str(control.home.root / "out")}),
    ):
        status, error = await control.fail(method, path, body)
        assert (status, "removed" in error["message"]) == (409, True)
    file = await control.send("POST", "/admin/v1/files?name=a", b"{}")
    assert file.status == 201
    file_id = (await control.ask("GET", "/files"))["files"][0]["id"]
    status, error = await control.fail("POST", "/jobs", {"training": file_id, "base": job.id})
    assert (status, error["message"]) == (409, f"The product of {job.id} was removed.")


@pytest.mark.parametrize("state", ["queued", "running", "paused"])
async def test_a_job_that_is_not_over_keeps_its_folder(control: Control, state: str) -> None:
    assert state in (await refusal(control, add(control, "a", state=state)))["message"]


async def test_a_job_whose_last_process_may_still_write_keeps_its_folder(control: Control) -> None:
    job = add(control, "a", state="running")
    control.plane.ports.jobs.save(replace(job, state="cancelled"))
    assert "still be ending" in (await refusal(control, job))["message"]


@pytest.mark.parametrize("form", ["merged", "adapter"])
async def test_what_a_deployment_serves_stays_until_that_is_retired(control: Control, form: str) -> None:
    job = add(control, "a")
    product = folder_of(control, job).product
    adapters = (Adapter("mine", str(product / ADAPTER_GGUF)),) if form == "adapter" else ()
    source = "seedling" if form == "adapter" else str(product / PRODUCT_GGUF)
    control.plane.ports.objects.put(DeploymentSpec("desk", source, adapters=adapters), origin="api", where=None)
    error = await refusal(control, job)
    assert "`desk`" in error["message"]
    assert str(product) in error["message"]
    assert "hortus deployments retire desk" in error["hint"]
    control.plane.ports.objects.retire("deployment", "desk")
    await control.ask("DELETE", f"/jobs/{job.id}")


async def test_the_base_of_what_is_kept_or_runs_stays_until_that_is_gone(control: Control) -> None:
    job = add(control, "a")
    base = Base("a", folder=str(folder_of(control, job).product / PRODUCT_MODEL))
    later = add(control, "b", base=base)
    error = await refusal(control, job)
    assert (later.id in error["message"], base.folder in error["message"]) == (True, True)
    await control.ask("DELETE", f"/jobs/{later.id}")
    await control.ask("DELETE", f"/jobs/{job.id}")


async def test_what_a_killed_removal_has_left_is_removed_when_it_is_asked_again(control: Control) -> None:
    job = add(control, "a")
    root = folder_of(control, job).root
    root.rename(root.with_name(f".{root.name}.gone"))
    await control.ask("DELETE", f"/jobs/{job.id}")
    assert list(control.home.jobs.iterdir()) == []
