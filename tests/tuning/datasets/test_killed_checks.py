"""A check that is killed leaves no half dataset; the next one gives what an undisturbed one gives."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from examples_ground import checked, encode, good_chat, lines, work_of
from hortus.jobs.steps import CheckStep

SCRIPT = Path(__file__).with_name("killed_check.py")
FILE = lines(good_chat(n) for n in range(1000))


def kill_at(work: CheckStep, phase: str, *, report: int) -> None:
    """Let a check run until it has reported so often from a phase; there it is killed."""
    command = [sys.executable, str(SCRIPT), encode(work).decode(), phase, str(report)]
    assert subprocess.run(command).returncode == -signal.SIGKILL


def files_of(folder: Path) -> dict[str, bytes]:
    return {one.name: one.read_bytes() for one in folder.iterdir()}


@pytest.mark.parametrize(("phase", "report"), [("check", 1), ("check", 60), ("write", 1), ("write", 60), ("write", 99)])
def test_goes_on_as_if_nothing_had_been(phase: str, report: int, tmp_path: Path) -> None:
    work = work_of(tmp_path / "killed", FILE)
    kill_at(work, phase, report=report)
    assert [one for one in Path(work.datasets).glob("*") if not one.name.startswith(".")] == []
    dataset = checked(work).dataset
    undisturbed = work_of(tmp_path / "undisturbed", FILE)
    assert checked(undisturbed).dataset == dataset
    assert files_of(Path(work.datasets) / dataset) == files_of(Path(undisturbed.datasets) / dataset)
    assert len(list(Path(work.datasets).iterdir())) == 1
