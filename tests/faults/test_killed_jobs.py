"""Whatever is killed while a job runs, the same product comes out: the step, the supervisor, control, all at once."""

from __future__ import annotations

import hashlib
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from garden import Hortus, wait_for
from hortus.jobs.folders import JobFolder
from tuning import errands

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

WITHIN_S = 400.0


@pytest.fixture(scope="module")
def garden(start_hortus, tmp_path_factory: pytest.TempPathFactory) -> Hortus:
    return errands.start_with_base(start_hortus, tmp_path_factory.mktemp("base"))


@pytest.fixture(scope="module")
def train(garden: Hortus, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], str]:
    folder = tmp_path_factory.mktemp("data")
    data = errands.write_chats(folder / "errands.jsonl", 400, seed=1)
    recipe = folder / "recipe.json"
    recipe.write_bytes(msgspec.json.encode(errands.RECIPE))

    def begin(suffix: str) -> str:
        flags = ("--data", str(data), "--recipe", str(recipe), "--suffix", suffix, "--no-follow")
        return str(garden.cli_json("train", "--base", "errands", *flags)["id"])

    return begin


@pytest.fixture(scope="module")
def undisturbed(garden: Hortus, train: Callable[[str], str]) -> str:
    job_id = train("undisturbed")
    assert ended(garden, job_id)["state"] == "succeeded"
    return job_id


def ended(garden: Hortus, job_id: str) -> Any:
    def look() -> Any:
        done = garden.cli("jobs", "show", job_id, "--json", check=False)
        if done.returncode:
            return None  # control is just coming back
        found = msgspec.json.decode(done.stdout)
        return found if found["state"] in {"succeeded", "failed", "cancelled"} else None

    return wait_for(look, within_s=WITHIN_S, what=f"the end of {job_id}")


def product(garden: Hortus, job_id: str) -> Path:
    return JobFolder(garden.home / "jobs" / job_id).product


def weights(garden: Hortus, job_id: str) -> str:
    return hashlib.sha256((product(garden, job_id) / "model" / "model.safetensors").read_bytes()).hexdigest()


def losses(garden: Hortus, job_id: str) -> dict[int, float]:
    """Return the loss of each step, as the last process that made it said."""
    lines = (garden.home / "jobs" / job_id / "train" / "reports.jsonl").read_bytes().splitlines()
    reports = [msgspec.json.decode(line)["report"] for line in lines if line.endswith(b"}")]
    return {one["step"]: one["loss"] for one in reports if one["kind"] == "metric"}


def same(garden: Hortus, job_id: str, other: str) -> None:
    assert losses(garden, job_id) == losses(garden, other)
    assert weights(garden, job_id) == weights(garden, other)
    references = [(product(garden, one) / "references.jsonl").read_bytes() for one in (job_id, other)]
    assert references[0] == references[1]


def wait_for_checkpoint(garden: Hortus, job_id: str, step: int) -> None:
    place = garden.home / "jobs" / job_id / "checkpoints" / f"checkpoint-{step}"
    wait_for(place.exists, within_s=WITHIN_S, what=f"checkpoint {step} of {job_id}")


def step_process(job_id: str, step: str = "train") -> int | None:
    for entry in Path("/proc").iterdir():
        try:
            words = (entry / "cmdline").read_bytes().split(b"\0") if entry.name.isdigit() else []
        except OSError:
            continue
        if f"{job_id}:{step}".encode() in words:
            return int(entry.name)
    return None


def test_a_killed_trainer_goes_on_to_the_same_product(
    garden: Hortus, train: Callable[[str], str], undisturbed: str
) -> None:
    job_id = train("trainer")
    for step in (20, 40):
        wait_for_checkpoint(garden, job_id, step)
        pid = wait_for(lambda: step_process(job_id), within_s=60, what="the trainer")
        os.kill(pid, signal.SIGKILL)
    assert ended(garden, job_id)["state"] == "succeeded"
    same(garden, job_id, undisturbed)


def test_a_killed_supervisor_takes_the_trainer_along_and_both_come_back(
    garden: Hortus, train: Callable[[str], str], undisturbed: str
) -> None:
    job_id = train("supervisor")
    wait_for_checkpoint(garden, job_id, 20)
    pid = step_process(job_id)
    os.kill(garden.children()["supervisor"], signal.SIGKILL)
    wait_for(lambda: step_process(job_id) not in {None, pid}, within_s=60, what="another trainer")
    assert ended(garden, job_id)["state"] == "succeeded"
    same(garden, job_id, undisturbed)


def test_a_killed_control_process_disturbs_nothing(
    garden: Hortus, train: Callable[[str], str], undisturbed: str
) -> None:
    job_id = train("control")
    wait_for_checkpoint(garden, job_id, 20)
    os.kill(garden.children()["control"], signal.SIGKILL)
    assert ended(garden, job_id)["state"] == "succeeded"
    same(garden, job_id, undisturbed)


def test_when_everything_is_killed_at_once_the_next_start_goes_on(
    garden: Hortus, train: Callable[[str], str], undisturbed: str
) -> None:
    job_id = train("everything")
    wait_for_checkpoint(garden, job_id, 40)
    garden.kill_everything()
    garden.start()
    assert ended(garden, job_id)["state"] == "succeeded"
    same(garden, job_id, undisturbed)


def test_a_killed_engine_serves_the_product_again(garden: Hortus, undisturbed: str) -> None:
    route = ended(garden, undisturbed)["product"]
    deployment = route.replace(":", "-")
    before = next(one for one in garden.cli_json("deployments", "list") if one["name"] == deployment)
    os.kill(before["pid"], signal.SIGKILL)

    def answers() -> bool:
        done = garden.cli("ask", "--route", route, "the lamp is broken", check=False)
        return done.returncode == 0 and "lighting" in done.stdout

    assert wait_for(answers, within_s=60, what="an answer of the new engine")


def test_a_paused_job_stops_and_a_resumed_one_comes_to_the_same_product(
    garden: Hortus, train: Callable[[str], str], undisturbed: str
) -> None:
    job_id = train("paused")
    wait_for_checkpoint(garden, job_id, 20)
    garden.cli("jobs", "pause", job_id)
    wait_for(lambda: step_process(job_id) is None, within_s=30, what="the trainer's end")
    assert garden.cli_json("jobs", "show", job_id)["state"] == "paused"
    garden.cli("jobs", "resume", job_id)
    assert ended(garden, job_id)["state"] == "succeeded"
    same(garden, job_id, undisturbed)


def test_a_cancelled_job_ends_within_seconds_and_leaves_nothing_running(
    garden: Hortus, train: Callable[[str], str]
) -> None:
    job_id = train("cancelled")
    wait_for_checkpoint(garden, job_id, 20)
    garden.cli("jobs", "cancel", job_id)
    wait_for(lambda: step_process(job_id) is None, within_s=30, what="the trainer's end")
    assert ended(garden, job_id)["state"] == "cancelled"
