"""The training step from start to product, whatever the method: encode, train or go on, save, answer the references.

Started again after a kill it goes on from its newest checkpoint and ends with the same product.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from transformers import TrainerState
from transformers.utils import logging

from hortus.base.time import Clock
from hortus.jobs.curves import curves_of, svg
from hortus.jobs.examples import HELD_OUT, read_examples
from hortus.jobs.folders import PRODUCT_MODEL, REFERENCES
from hortus.jobs.references import Reference
from hortus.jobs.reports import Metric, Note, Progress, Report
from hortus.jobs.steps import TrainStep
from hortus.jobs.wholefiles import write_whole
from hortus.tuning import answering
from hortus.tuning.account import Ended, estimate_compute
from hortus.tuning.checkpoints import newest, reached
from hortus.tuning.failures import explained
from hortus.tuning.ground import Device, Ground
from hortus.tuning.loop import BEST, Resumable, held_out_losses, peak_memory
from hortus.tuning.preparing import lay_ground
from hortus.tuning.results import TrainResult
from hortus.tuning.saving import save_product
from hortus.tuning.several import Guard, make_steps_together
from hortus.tuning.stepping import before, clear, make_steps, prepare

LOSS_PICTURE = "loss.svg"
_STATE = "trainer_state.json"

Say = Callable[[Report], None]
_encode = msgspec.json.Encoder().encode_lines


def _stay(_: int) -> None:
    """Guard nothing."""


def train(work: TrainStep, *, report: Say, clock: Clock, guard: Guard = _stay) -> TrainResult:
    """Train, and write the product's model, adapter, references and loss curve.

    Args:
        guard: Where several GPUs train, makes their processes end with this one.

    Raises:
        StepError: `out_of_memory`, `not_a_number`, `bad_data`, `bad_base`, `bad_recipe`.
        OSError: The disk does not take it.
    """
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    ground = lay_ground(work, report=report, clock=clock)
    ground.folder.product.mkdir(parents=True, exist_ok=True)
    with explained(ground.recipe, phase="training"):
        ended = _train(work, ground, guard=guard)
    with explained(ground.recipe, phase="saving"):
        report(Progress("export", 0, 2))
        dtype = save_product(ground, ended.weights, base_name=work.base_name)
        report(Progress("export", 1, 2))
        references = _answer_references(work, ground)
        report(Progress("export", 2, 2))
    _draw(ground, ended.history)
    return _result(work, ground, ended=ended, dtype=dtype, references=references)


def _train(work: TrainStep, ground: Ground, *, guard: Guard) -> Ended:
    """Go to the last step, from wherever an earlier process came to."""
    clear(ground)
    trainer: Resumable | None = None
    earlier = before(ground)
    if earlier.step:
        ground.report(Note(f"Going on after step {earlier.step}."))
    if not earlier.finished:
        if ground.processes > 1:
            together = ground.processes
            make_steps_together(work, processes=together, report=ground.report, clock=ground.clock, guard=guard)
        else:
            trainer = make_steps(ground)
    last = newest(ground.folder.checkpoints)
    if last is None:
        raise RuntimeError("training ended without a checkpoint")
    return _ended(trainer or prepare(_alone(ground)), last, ground)


def _alone(ground: Ground) -> Ground:
    """Return the ground for one process that does not compute."""
    return dataclasses.replace(ground, device=Device(0, bfloat16=False, name="cpu"), processes=1)


def _ended(trainer: Resumable, last: Path, ground: Ground) -> Ended:
    """Return what the last checkpoint holds, or the one with the lowest held-out loss where patience was asked for."""
    what = reached(last)
    history = _history(TrainerState.load_from_json(str(last / _STATE)), ground)
    best = ground.folder.checkpoints / BEST
    use_best = ground.recipe.patience is not None and what.best_step is not None and best.is_dir()
    trainer.restore(best if use_best else last)
    weights = {name: one.detach().cpu() for name, one in trainer.trainable().items()}
    sizes = {name: one.numel() for name, one in trainer.model.named_parameters()}
    adapters = sum(size for name, size in sizes.items() if ".lora_" in name)
    trainable = sum(sizes[name] for name in weights)
    return Ended(
        weights=weights,
        used_step=what.best_step if use_best and what.best_step is not None else what.step,
        reached=what,
        history=history,
        parameters=sum(sizes.values()) - adapters,
        trainable=trainable,
        trainable_of_base=trainable - adapters,
    )


def _history(state: TrainerState, ground: Ground) -> list[Metric]:
    """Return all steps' figures, those before a kill too."""
    held_out = dict(held_out_losses(state))
    return [
        Metric(one["step"], ground.steps, one["loss"], one["learning_rate"], held_out_loss=held_out.get(one["step"]))
        for one in state.log_history
        if "loss" in one
    ]


def _answer_references(work: TrainStep, ground: Ground) -> int:
    """Let the saved weights, loaded anew, answer held-out prompts; return how many."""
    examples = answering.choose(read_examples(Path(work.dataset, HELD_OUT)), count=work.job.gate.references)
    device = "cuda" if ground.device.gpus else "cpu"
    day = datetime.fromtimestamp(ground.clock.now_ms() / 1000, tz=UTC).astimezone()
    references: list[Reference] = []
    for one in answering.answer_all(ground.folder.product / PRODUCT_MODEL, examples, device=device, day=day):
        references.append(one)
        ground.report(Progress("references", len(references), len(examples)))
    write_whole(ground.folder.product / REFERENCES, _encode(references))
    return len(references)


def _draw(ground: Ground, history: list[Metric]) -> None:
    picture = svg(curves_of(history), title=f"Loss of {ground.job.id}")
    write_whole(ground.folder.product / LOSS_PICTURE, picture.encode())


def _result(work: TrainStep, ground: Ground, *, ended: Ended, dtype: str, references: int) -> TrainResult:
    what = ended.reached
    return TrainResult(
        steps=what.step,
        planned_steps=ground.steps,
        used_step=ended.used_step,
        examples=len(ground.rows.train),
        held_out=len(ground.rows.held_out),
        parameters=ended.parameters,
        trainable=ended.trainable,
        tokens=what.tokens,
        loss=ended.history[-1].loss,
        held_out_loss=ended.held_out_loss,
        seconds=what.seconds,
        rate=ground.rate,
        device=ground.device.name,
        dtype=dtype,
        references=references,
        compute=estimate_compute(work, ground, ended),
        energy_j=what.energy_j,
        energy_source=what.energy_source,
        peak_memory_bytes=peak_memory(ground.device.gpus),
        stopped_early=what.step < ground.steps,
    )
