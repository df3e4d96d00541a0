"""Two processes that train together make the steps of one that adds up two batches; here on the processor, by gloo."""

from __future__ import annotations

from pathlib import Path

import pytest
import tiny_training as tiny
from msgspec.structs import replace
from safetensors.torch import load_file
from torch import allclose

from hortus.app.clock import SystemClock
from hortus.engines.parent_death import die_with_parent
from hortus.jobs.errors import StepError
from hortus.jobs.reports import Report
from hortus.jobs.steps import TrainStep
from hortus.tuning.checkpoints import newest, reached
from hortus.tuning.loop import WEIGHTS
from hortus.tuning.several import make_steps_together

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

RECIPE = replace(tiny.RECIPE, lora=None, batch_size=2, steps=8)


def together(work: TrainStep) -> list[Report]:
    said: list[Report] = []
    tiny.folder_of(work).checkpoints.mkdir(parents=True)
    make_steps_together(work, processes=2, report=said.append, clock=SystemClock(), guard=die_with_parent)
    return said


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.write_base(tmp_path_factory.mktemp("base"))


@pytest.fixture(scope="module")
def chats(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.write_dataset(tmp_path_factory.mktemp("data") / "chats")


def test_two_processes_learn_what_one_learns_from_twice_as_many_batches(
    tmp_path: Path, base: Path, chats: Path
) -> None:
    two = tiny.step(tmp_path / "two", base=base, dataset=chats, recipe=RECIPE)
    one = tiny.step(tmp_path / "one", base=base, dataset=chats, recipe=replace(RECIPE, accumulate=2))
    said = together(two)
    _, alone = tiny.run(one)
    figures = [(own.step, own.tokens) for own in tiny.metrics(said)]
    assert figures == [(own.step, own.tokens) for own in tiny.metrics(alone)]
    weights = [load_file(_last(work) / WEIGHTS) for work in (two, one)]
    assert all(allclose(weights[0][name], weights[1][name], atol=1e-4) for name in weights[1])
    assert reached(_last(two)).finished


def test_what_one_of_them_cannot_do_is_said_by_all(tmp_path: Path, base: Path, chats: Path) -> None:
    recipe = replace(RECIPE, learning_rate=1e30, warmup_share=0.0, clip=1e30)
    with pytest.raises(StepError) as raised:
        together(tiny.step(tmp_path, base=base, dataset=chats, recipe=recipe))
    assert raised.value.reason == "not_a_number"


def _last(work: TrainStep) -> Path:
    found = newest(tiny.folder_of(work).checkpoints)
    assert found is not None
    return found
