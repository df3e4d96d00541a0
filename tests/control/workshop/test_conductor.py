"""What the conductor sees to by itself: that what jobs hold is known, and that a full project trains nothing more."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import msgspec

from control.control_ground import Control, running_control
from hortus.control.workshop.conductor import SETTLED_AFTER_S, Conductor
from hortus.jobs.folders import Allowance, JobFolder
from hortus.jobs.orders import read_orders, write_order
from hortus.jobs.records import Base, JobRecord, Phase, State
from hortus.jobs.spec import JobSpec
from hortus.jobs.steps import Order, Wish
from receipts.journal_examples import StepClock

WITHIN_S = 30.0

Begin = Callable[[], None]


@contextlib.asynccontextmanager
async def conducted(root: Path, clock: StepClock, *, bytes_of_project: int) -> AsyncIterator[tuple[Control, Begin]]:
    """Start control; its conductor begins to look when it is told to."""
    async with running_control(root) as control:
        plane = control.plane
        plane.ports = msgspec.structs.replace(plane.ports, clock=clock)
        places = msgspec.structs.replace(plane.installation.workshop, allowance=Allowance(bytes=bytes_of_project))
        plane.installation = msgspec.structs.replace(plane.installation, workshop=places)
        looking: list[asyncio.Task[None]] = []

        def begin() -> None:
            conductor = Conductor(plane, door=lambda: "http://127.0.0.1:1", poll_s=1)
            looking.append(asyncio.create_task(conductor.keep_looking()))

        try:
            yield control, begin
        finally:
            for task in looking:
                task.cancel()
            await asyncio.gather(*looking, return_exceptions=True)


def add(control: Control, state: State, phase: Phase, *, wish: Wish = "run") -> JobRecord:
    project = control.plane.ports.access.project("default")
    assert project is not None
    spec = JobSpec(id="ftjob-aaaaaaaa", project_id=project.id, base="seedling", training="f")
    job = JobRecord(spec, Base("seedling", folder="f", source="seedling"), state, phase, 1, wish=wish)
    control.plane.ports.jobs.add(job)
    return job


async def until(control: Control, is_so: Callable[[JobRecord], bool]) -> JobRecord:
    async with asyncio.timeout(WITHIN_S):
        while True:
            job = control.plane.ports.jobs.job("ftjob-aaaaaaaa")
            assert job is not None
            if is_so(job):
                return job
            await asyncio.sleep(0.02)


async def let_settle(control: Control, clock: StepClock) -> None:
    async with asyncio.timeout(WITHIN_S):
        while control.plane.ports.jobs.unmeasured():
            clock.pass_by(SETTLED_AFTER_S)
            await asyncio.sleep(0.02)


def write(path: Path, size_bytes: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x" * size_bytes)


async def test_what_a_cancelled_process_still_writes_goes_and_the_rest_is_measured(tmp_path: Path) -> None:
    clock = StepClock()
    async with conducted(tmp_path, clock, bytes_of_project=1 << 30) as (control, begin):
        job = add(control, "running", "train", wish="cancel")
        folder, orders = JobFolder(control.home.jobs / job.id), control.plane.installation.workshop.orders
        write_order(orders, job.id, Order(2, "run"))
        begin()
        await until(control, lambda job: job.is_over and not read_orders(orders))
        write(folder.log("train"), 30)
        write(folder.checkpoints / "late" / "weights", 1000)
        await let_settle(control, clock)
        assert (await until(control, lambda job: job.is_over)).held_bytes == 30
        assert not folder.checkpoints.exists()


async def test_a_job_that_was_over_before_there_were_figures_is_measured(tmp_path: Path) -> None:
    clock = StepClock()
    async with conducted(tmp_path, clock, bytes_of_project=1 << 30) as (control, begin):
        job = add(control, "failed", "over")
        write(JobFolder(control.home.jobs / job.id).product / "weights", 7)
        begin()
        await let_settle(control, clock)
        assert control.plane.ports.jobs.held(job.spec.project_id).bytes == 7


async def test_a_job_whose_project_is_full_by_its_turn_is_not_trained(tmp_path: Path) -> None:
    async with conducted(tmp_path, StepClock(), bytes_of_project=10) as (control, begin):
        job = add(control, "queued", "train")
        write(JobFolder(control.home.jobs / job.id).log("check"), 10)
        begin()
        ended = await until(control, lambda job: job.is_over)
        assert (ended.state, ended.error and ended.error.code, ended.started_at_ms) == ("failed", "no_room", None)
