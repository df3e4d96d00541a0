"""The fault run in short: a full disk, a locked store, a stopped ledger and a few kills; every book agrees."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from faults.run.conductor import conduct
from faults.run.killing import ALL, Kill, schedule
from faults.run.phases import LASTING, kills
from faults.run.place import Place
from faults.run.report import Run
from faults.run.watching import Mark

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

SEED = 4
ALONE = "ledger stopped"  # the phase in which a worker is killed meanwhile has all of it
PHASES = [phase for phase in LASTING if phase.name != ALONE]
KILLS = [*schedule(4, seed=SEED), Kill((ALL,), Mark("records", 120), is_patient=True)]


@pytest.fixture(scope="module")
def run() -> Iterator[Run]:
    # a short path: a Unix socket lies below it
    with tempfile.TemporaryDirectory(prefix="hx-", ignore_cleanup_errors=True) as directory:
        place = Place(Path(directory), seed=SEED, may_mount=False)  # a killed test would leave the mount behind
        try:
            place.start()
            yield asyncio.run(conduct(place, [*PHASES, kills(KILLS)], seed=SEED, kills=len(KILLS), say=print))
        finally:
            place.close()


def test_no_request_is_lost_or_doubled_and_every_answer_is_clean(run: Run) -> None:
    assert [tuple(finding) for finding in run.findings] == []


def test_every_fault_was_there_and_answers_came_after_it(run: Run) -> None:
    assert sum(1 for fault in run.faults if fault.processes) > len(KILLS)
    assert {fault.label.split(" (")[0] for fault in run.faults} >= {
        "full disk",
        "store locked",
        "ledger stopped, worker killed",
    }
    assert run.counts["completed"] > 500


def test_requests_that_a_kill_interrupted_are_charged_at_least_what_the_host_counts(run: Run) -> None:
    interrupted = [one for one in run.differences if one.status == "interrupted"]
    assert interrupted
    assert all(one.charged >= one.counted for one in interrupted)
