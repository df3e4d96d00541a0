"""A tiny base, a tiny dataset and the work that trains on them: shared by the tests of trainers."""

from __future__ import annotations

import random
from pathlib import Path

import torch
from transformers import LlamaConfig, LlamaForCausalLM, set_seed

from hortus.app.clock import SystemClock
from hortus.jobs.examples import HELD_OUT, TRAIN, Example, write_examples
from hortus.jobs.folders import JobFolder
from hortus.jobs.reports import Metric, Report
from hortus.jobs.spec import GateRules, JobSpec, Lora, Method, Recipe, Shape
from hortus.jobs.steps import TrainStep
from hortus.tuning.recipes.scratch import learn_tokenizer
from hortus.tuning.results import TrainResult
from hortus.tuning.training import train

SYSTEM = "Route it."
ANSWERS = ("waste", "roads", "water")
WORDS = ("bin", "road", "pipe", "lamp", "hole", "leak", "full", "street", "broken", "tap")
SHAPE = Shape(hidden=32, layers=2, heads=2, key_value_heads=1, inner=48, vocabulary=300, context_tokens=128)
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
    texts = [message["content"] for one in examples(60, seed=3) for message in (*one.prompt, one.answer)]
    tokenizer = learn_tokenizer(texts, vocabulary=SHAPE.vocabulary, context_tokens=SHAPE.context_tokens)
    set_seed(7)
    model = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(tokenizer),
            hidden_size=SHAPE.hidden,
            intermediate_size=SHAPE.inner,
            num_hidden_layers=SHAPE.layers,
            num_attention_heads=SHAPE.heads,
            num_key_value_heads=SHAPE.key_value_heads,
            max_position_embeddings=SHAPE.context_tokens,
            tie_word_embeddings=True,
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
        )
    )
    model.to(torch.float32).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


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
