"""A tiny base, a tiny dataset and the work that trains on them: shared by the tests of trainers."""

from __future__ import annotations

import random
from pathlib import Path

from hortus.app.clock import SystemClock
from hortus.jobs.examples import HELD_OUT, TRAIN, Example, write_examples
from hortus.jobs.folders import JobFolder
from hortus.jobs.reports import Metric, Report
from hortus.jobs.spec import GateRules, JobSpec, Lora, Method, Recipe
from hortus.jobs.steps import TrainStep
from hortus.tuning.results import TrainResult
from hortus.tuning.training import train
from tiny_bases import write_tiny_base

SYSTEM = "Route it."
ANSWERS = ("waste", "roads", "water")
WORDS = ("bin", "road", "pipe", "lamp", "hole", "leak", "full", "street", "broken", "tap")
RECIPE = Recipe(
    steps=12,
    batch_size=4,
    learning_rate=5e-3,
    max_tokens=128,
    evaluate_every=4,
    checkpoint_every=4,
    precision="float32",
    threads=1,
)


def examples(count: int, *, seed: int, preferences: bool = False) -> list[Example]:
    draw = random.Random(seed)
    made = []
    for line in range(1, count + 1):
        text = " ".join(draw.choices(WORDS, k=draw.randint(2, 6)))
        chosen, other = draw.sample(ANSWERS, 2)
        made.append(
            Example(
                id=f"{seed:02d}{line:06d}",
                line=line,
                prompt=[{"role": "system", "content": SYSTEM}, {"role": "user", "content": text}],
                answer={"role": "assistant", "content": chosen},
                rejected={"role": "assistant", "content": other} if preferences else None,
            )
        )
    return made


def write_dataset(folder: Path, *, preferences: bool = False) -> Path:
    folder.mkdir(parents=True)
    write_examples(folder / TRAIN, examples(40, seed=1, preferences=preferences))
    write_examples(folder / HELD_OUT, examples(6, seed=2, preferences=preferences))
    return folder


def write_base(folder: Path) -> Path:
    """Write a base with random weights and the tokenizer of its own texts."""
    return write_tiny_base(
        folder, [message["content"] for one in examples(60, seed=3) for message in (*one.prompt, one.answer)]
    )


def step(
    folder: Path, *, base: Path | None, dataset: Path, recipe: Recipe = RECIPE, method: Method = "supervised"
) -> TrainStep:
    job = JobSpec(
        id="ftjob-tiny",
        project_id="project",
        base="tiny",
        training="file-1",
        method=method,
        recipe=recipe,
        gate=GateRules(references=3),
    )
    return TrainStep(
        job=job, base=None if base is None else str(base), base_name="tiny", dataset=str(dataset), folder=str(folder)
    )


def run(work: TrainStep) -> tuple[TrainResult, list[Report]]:
    said: list[Report] = []
    return train(work, report=said.append, clock=SystemClock()), said


def metrics(said: list[Report]) -> list[Metric]:
    return [one for one in said if isinstance(one, Metric)]


def folder_of(work: TrainStep) -> JobFolder:
    return JobFolder(Path(work.folder))


LORA = Lora(rank=4, alpha=8.0)
