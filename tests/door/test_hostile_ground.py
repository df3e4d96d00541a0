"""The ground of an installation: nothing in it is for others, and dying processes leave nothing behind."""

from __future__ import annotations

import os
import resource
import signal
import stat
from collections.abc import Callable
from pathlib import Path

import httpx2
import pytest

from garden import Hortus, wait_for

pytestmark = pytest.mark.slow

FEW_FILES = 256


@pytest.fixture(scope="module")
def garden(start_hortus: Callable[..., Hortus]) -> Hortus:
    """A Hortus started by a careless shell: files open to everybody, few open files allowed."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    mask = os.umask(0)
    resource.setrlimit(resource.RLIMIT_NOFILE, (FEW_FILES, hard))
    try:
        return start_hortus(environment={"HORTUS_WORKERS": "1"})
    finally:
        os.umask(mask)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def metric_files(garden: Hortus) -> set[str]:
    return {path.name for path in (garden.home / "run" / "metrics").iterdir()}


def test_everything_belongs_to_its_owner_alone(garden: Hortus) -> None:
    headers = {"authorization": f"Bearer {garden.new_key()}"}
    assert httpx2.get(f"{garden.door}/v1/models", headers=headers).status_code == 200
    wait_for(lambda: metric_files(garden), what="files of metrics")
    wait_for(lambda: list((garden.home / "logs").iterdir()), what="the engine's log")
    places = [garden.home, *garden.home.rglob("*")]
    opened = [path for path in places if stat.S_IMODE(path.lstat().st_mode) & 0o077 and not path.is_symlink()]
    assert opened == []


def test_processes_may_open_as_many_files_as_the_system_allows(garden: Hortus) -> None:
    for pid in garden.children().values():
        text = Path(f"/proc/{pid}/limits").read_text("ascii")
        line = next(line for line in text.splitlines() if line.startswith("Max open files"))
        assert int(line.split()[3]) > FEW_FILES


def test_a_worker_that_dies_leaves_no_files_of_metrics_behind(garden: Hortus) -> None:
    headers = {"authorization": f"Bearer {garden.new_key()}"}

    def requests() -> float:
        text = httpx2.get(f"{garden.admin}/metrics").text
        return sum(float(line.split()[-1]) for line in text.splitlines() if line.startswith("hortus_requests_total{"))

    def ask() -> bool:
        try:
            return httpx2.get(f"{garden.door}/v1/models", headers=headers).status_code == 200
        except httpx2.TransportError:
            return False

    assert ask()
    counted = wait_for(requests)
    files = metric_files(garden)
    for _ in range(2):
        dead = garden.children()["worker-1"]
        os.kill(dead, signal.SIGKILL)
        wait_for(lambda dead=dead: garden.children().get("worker-1", dead) != dead and ask(), what="the next worker")
    wait_for(lambda: requests() > counted, what="the sum over all workers of that name")
    assert metric_files(garden) == files
