"""A trainer that is killed in the middle of a step, of a checkpoint and of saving ends with the very same product."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
import tiny_training as tiny
from msgspec.structs import replace

from hortus.jobs.reporting import read_reports
from hortus.jobs.reports import Metric
from hortus.jobs.steps import TrainStep
from tiny_bases import SHAPE

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

PROGRAM = Path(__file__).with_name("killed_runs.py")
KILLED = -9
KILLS = (
    {"killed_in_step": 2},  # before the first checkpoint
    {"killed_in_step": 6},  # between two
    {"killed_at_file": "checkpoint-8/trainer_state.json"},  # its weights and optimizer are written, its state is not
    {"killed_at_rename": "checkpoint-12"},  # it is written, not yet named
    {"killed_at_rename": "product/model"},
    {},
)
METHODS = {"full": KILLS, "lora": KILLS[1:3] + KILLS[-1:], "dpo": KILLS[1:3] + KILLS[-1:], "scratch": KILLS[2:]}
"""And how often each is killed: what saves is the same for all."""


@pytest.fixture(scope="module")
def works(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[TrainStep, TrainStep]]:
    root = tmp_path_factory.mktemp("killed")
    base, chats = tiny.write_base(root / "base"), tiny.write_dataset(root / "chats")
    pairs = tiny.write_dataset(root / "pairs", preferences=True)
    dropping = replace(tiny.LORA, dropout=0.2, embeddings=True)
    makers = {
        "full": lambda folder: tiny.step(folder, base=base, dataset=chats, recipe=replace(tiny.RECIPE, lora=None)),
        "lora": lambda folder: tiny.step(folder, base=base, dataset=chats, recipe=replace(tiny.RECIPE, lora=dropping)),
        "dpo": lambda folder: tiny.step(
            folder, base=base, dataset=pairs, recipe=replace(tiny.RECIPE, lora=tiny.LORA), method="dpo"
        ),
        "scratch": lambda folder: tiny.step(
            folder, base=None, dataset=chats, recipe=replace(tiny.RECIPE, shape=SHAPE), method="scratch"
        ),
    }
    return {name: (make(root / f"{name}-straight"), make(root / f"{name}-killed")) for name, make in makers.items()}


@pytest.fixture(scope="module")
def statuses(works: dict[str, tuple[TrainStep, TrainStep]]) -> dict[str, list[int]]:
    """All runs, and how their processes ended: first the one that nobody disturbed."""
    runs = []
    for method, (straight, killed) in works.items():
        runs.append({"work": straight, "reports": f"{straight.folder}/reports.jsonl"})
        runs += [{"work": killed, "reports": f"{killed.folder}/reports.jsonl"} | kill for kill in METHODS[method]]
    ran = subprocess.run(
        [sys.executable, str(PROGRAM)], input=msgspec.json.encode(runs), capture_output=True, timeout=560
    )
    assert ran.returncode == 0, ran.stderr.decode()[-2000:]
    ended = iter(msgspec.json.decode(ran.stdout, type=list[int]))
    return {name: [next(ended) for _ in range(1 + len(METHODS[name]))] for name in works}


def figures(work: TrainStep) -> dict[int, tuple[float, float, float | None, float | None, int]]:
    lines, _ = read_reports(Path(work.folder, "reports.jsonl"))
    said = [line.report for line in lines]
    return {
        one.step: (one.loss, one.learning_rate, one.gradient_norm, one.held_out_loss, one.tokens)
        for one in said
        if isinstance(one, Metric)
    }


def product(work: TrainStep) -> dict[str, bytes]:
    """All but what tells how long it took."""
    root = tiny.folder_of(work).product
    files = {str(one.relative_to(root)): one for one in sorted(root.rglob("*")) if one.is_file()}
    return {name: one.read_bytes() for name, one in files.items() if name not in {"facts.json", "README.md"}}


@pytest.mark.parametrize("method", METHODS)
def test_processes_were_really_killed(method: str, statuses: dict[str, list[int]]) -> None:
    assert statuses[method] == [0, *[KILLED] * (len(METHODS[method]) - 1), 0]


@pytest.mark.parametrize("method", METHODS)
def test_a_killed_run_logs_the_same_figures(
    method: str, works: dict[str, tuple[TrainStep, TrainStep]], statuses: dict[str, list[int]]
) -> None:
    straight, killed = works[method]
    assert figures(killed) == figures(straight)
    assert list(figures(straight)) == list(range(1, 13))


@pytest.mark.parametrize("method", METHODS)
def test_a_killed_run_ends_with_the_same_bytes(
    method: str, works: dict[str, tuple[TrainStep, TrainStep]], statuses: dict[str, list[int]]
) -> None:
    straight, killed = works[method]
    assert product(killed) == product(straight)
    assert {"model/model.safetensors", "references.jsonl", "loss.svg"} <= set(product(straight))


@pytest.mark.parametrize("method", METHODS)
def test_nothing_half_written_is_left(
    method: str, works: dict[str, tuple[TrainStep, TrainStep]], statuses: dict[str, list[int]]
) -> None:
    names = sorted(one.name for one in tiny.folder_of(works[method][1]).checkpoints.iterdir())
    assert names == ["checkpoint-12", "checkpoint-8"]
