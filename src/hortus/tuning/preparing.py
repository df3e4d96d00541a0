"""What does a run begin with? Base or start, tokenised examples, their order, its device: the same each time."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from transformers import AutoConfig, AutoTokenizer, GenerationConfig, PretrainedConfig, PreTrainedTokenizerBase

from hortus.base.time import Clock
from hortus.jobs.errors import StepError
from hortus.jobs.examples import HELD_OUT, TRAIN, count_examples, read_examples
from hortus.jobs.folders import JobFolder
from hortus.jobs.reports import Progress, Report
from hortus.jobs.spec import Shape
from hortus.jobs.steps import TrainStep
from hortus.tuning.encoding import Encoded, Encoder, preference_row, supervised_row
from hortus.tuning.ground import Ground, Rows, find_device
from hortus.tuning.order import draw_order
from hortus.tuning.recipes.rates import learning_rate
from hortus.tuning.recipes.scratch import write_start

_START = "start"
"""Folder of config and tokenizer of a model from scratch."""
_TOLD_EVERY = 1000
_MOST_SEEN = 100_000_000
"""Examples of a run, each as often as it is seen: their order is held in memory."""


def lay_ground(
    work: TrainStep, *, report: Callable[[Report], None], clock: Clock, processes: int | None = None
) -> Ground:
    """Return what a run stands on.

    Args:
        processes: How many train together; None: one for each GPU.

    Raises:
        StepError: `bad_data`, `bad_base`.
        OSError: Something cannot be read or written.
    """
    recipe, folder = work.job.recipe, JobFolder(Path(work.folder))
    device = find_device(recipe)
    base = _base(work, folder)
    config, tokenizer = _load_small(base)
    rows = _rows(work, Encoder(tokenizer, ends=ends_of(base), max_tokens=recipe.max_tokens), report=report)
    together = processes or max(1, device.gpus)
    batch = recipe.batch_size * recipe.accumulate * together
    steps = recipe.steps or max(1, math.ceil(recipe.epochs * len(rows.train) / batch))
    if steps * batch > _MOST_SEEN:
        raise StepError(
            f"The run would see {steps * batch:,} examples; {_MOST_SEEN:,} is the most.",
            reason="bad_recipe",
            path="recipe.epochs" if recipe.steps is None else "recipe.steps",
            hint="Fewer epochs learn as much from so many examples.",
        )
    return Ground(
        job=work.job,
        base=base,
        folder=folder,
        tokenizer=tokenizer,
        rows=rows,
        device=device,
        processes=together,
        steps=steps,
        order=draw_order(rows.lengths, seed=recipe.seed, batch=recipe.batch_size, count=steps * batch),
        rate=learning_rate(work.job.method, recipe=recipe, parameters=_size_of(config)),
        clock=clock,
        report=report,
    )


def ends_of(base: Path) -> list[int]:
    """Return the tokens that end a turn, says the base's generation config."""
    try:
        ends = GenerationConfig.from_pretrained(base, local_files_only=True).eos_token_id
    except OSError:
        return []
    return [] if ends is None else list(ends) if isinstance(ends, list) else [ends]


def _base(work: TrainStep, folder: JobFolder) -> Path:
    if work.base is not None:
        return Path(work.base)
    start = folder.root / _START
    if not start.exists():
        write_start(start, read_examples(Path(work.dataset, TRAIN)), shape=work.job.recipe.shape or Shape())
    return start


def _load_small(base: Path) -> tuple[PretrainedConfig, PreTrainedTokenizerBase]:
    try:
        config = AutoConfig.from_pretrained(base, local_files_only=True, trust_remote_code=False)
        tokenizer = AutoTokenizer.from_pretrained(base, local_files_only=True, trust_remote_code=False)
    except (OSError, ValueError, KeyError) as error:
        raise StepError(
            f"The base's config or tokenizer cannot be read ({type(error).__name__}).",
            reason="bad_base",
            path=base.name,
            hint="Give a whole Hugging Face folder of an architecture that is known here.",
        ) from error
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    return config, tokenizer


def _rows(work: TrainStep, encoder: Encoder, *, report: Callable[[Report], None]) -> Rows:
    dataset = Path(work.dataset)
    train = list(_encoded(dataset / TRAIN, encoder, report=report))
    held_out = list(_encoded(dataset / HELD_OUT, encoder, report=None))
    if not train:
        raise StepError(
            "No example is left to learn from.",
            reason="bad_data",
            hint='Upload more of them, or take "weight": 0 from their answers.',
        )
    return Rows(
        [_row(work, one) for one in train], [_row(work, one) for one in held_out], [one.length for one in train]
    )


def _encoded(path: Path, encoder: Encoder, *, report: Callable[[Report], None] | None) -> Iterator[Encoded]:
    if not path.is_file():
        return
    total = count_examples(path)
    for index, example in enumerate(read_examples(path), start=1):
        encoded = encoder.encode(example)
        if encoded is not None:
            yield encoded
        if report is not None and (index % _TOLD_EVERY == 0 or index == total):
            report(Progress("tokenize", index, total))


def _row(work: TrainStep, encoded: Encoded) -> dict[str, Any]:
    if work.job.method == "dpo":
        return preference_row(encoded)
    return supervised_row(encoded, whole=work.job.method == "scratch")


def _size_of(config: PretrainedConfig) -> int:
    """Return about how many parameters a model has, for the choice of its learning rate."""
    text = config.get_text_config()
    inner = getattr(text, "intermediate_size", None) or 4 * text.hidden_size
    layer = 4 * text.hidden_size**2 + 3 * text.hidden_size * inner
    return int(text.num_hidden_layers * layer + text.vocab_size * text.hidden_size)
