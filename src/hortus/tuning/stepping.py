"""One process's way from the newest checkpoint to the last step, alone or as one of several."""

from __future__ import annotations

import psutil

from hortus.tuning.checkpoints import Reached, newest, reached, sweep
from hortus.tuning.energy import start_meter
from hortus.tuning.failures import check_memory
from hortus.tuning.ground import Ground
from hortus.tuning.loop import Resumable, Watch
from hortus.tuning.recipes import dpo, full, lora, scratch

_BYTES_TO_LEARN = 12
"""For each weight that learns: its gradient and Adam's two averages, in float32."""


def before(ground: Ground) -> Reached:
    """Return what earlier processes have reached. Raises OSError, msgspec.DecodeError."""
    start = newest(ground.folder.checkpoints)
    return Reached(0) if start is None else reached(start)


def clear(ground: Ground) -> None:
    """Remove what a killed process has left half written; only one process may do it. Raises OSError."""
    ground.folder.checkpoints.mkdir(parents=True, exist_ok=True)
    sweep(ground.folder.checkpoints, kept=ground.recipe.checkpoints_kept)


def prepare(ground: Ground) -> Resumable:
    """Return the recipe's trainer, which has not learnt yet. Raises StepError."""
    trainer = _build(ground)
    trainer.begin(ground, Watch(ground, meter=start_meter(gpus=ground.device.gpus), before=before(ground)))
    return trainer


def make_steps(ground: Ground) -> Resumable:
    """Train to the last step, from wherever an earlier process came to, and return the trainer. Raises StepError."""
    start = newest(ground.folder.checkpoints)
    trainer = prepare(ground)
    if not ground.device.gpus:
        learning = sum(one.numel() for one in trainer.trainable().values())
        available = psutil.virtual_memory().available
        check_memory(learning * _BYTES_TO_LEARN, available=available, recipe=ground.recipe)
    trainer.train(resume_from_checkpoint=None if start is None else str(start))
    return trainer


def _build(ground: Ground) -> Resumable:
    match ground.job.method:
        case "scratch":
            return scratch.build(ground)
        case "dpo":
            return dpo.build(ground, ground.recipe.lora)
        case "supervised" if ground.recipe.lora is not None:
            return lora.build(ground, ground.recipe.lora)
        case "supervised":
            return full.build(ground)
