"""What will training take? Tokens times the work that each costs, over what this machine does in a second.

The figures of machines are rough and stated as such; they are for telling minutes from days.
"""

from __future__ import annotations

import os
from math import ceil
from pathlib import Path

from hortus.jobs.errors import StepError
from hortus.jobs.spec import JobSpec, Shape
from hortus.tuning.bases import check_folder
from hortus.tuning.datasets.figures import Estimate

CORE_OPERATIONS_S = 30e9
"""Of one processor core in float32: a model of 1.3 M parameters learnt 5,470 tokens/s on one (6 N operations each)."""
GPU_OPERATIONS_S = 60e12
"""Of a data-centre GPU in bfloat16 at small batches."""

_FLOAT_BYTES, _LEARNING = 4, 4
_GPU = Path("/dev/nvidiactl")
_FULL, _ADAPTER, _REFERENCE = 6, 4, 2
"""Operations for each parameter and token: forwards and backwards; without gradients of the weights; forwards only."""


def estimate(job: JobSpec, base: Path | None, *, train: int, tokens: int) -> Estimate:
    """Return what a job's training takes.

    Args:
        base: Its folder; None for a host's model, and from scratch.
        train: Examples to learn from.
        tokens: Of these.
    """
    recipe = job.recipe
    steps_an_epoch = ceil(train / (recipe.batch_size * recipe.accumulate))
    steps = recipe.steps if recipe.steps is not None else ceil(steps_an_epoch * recipe.epochs)
    epochs = steps / max(1, steps_an_epoch)
    seen = round(tokens * epochs)
    parameters = _parameters_of(job, base)
    if parameters is None:
        return Estimate(seen, round(epochs, 3), steps)
    each = _operations(job)
    speed, machine = _speed(recipe.threads)
    return Estimate(
        seen,
        round(epochs, 3),
        steps,
        parameters=parameters,
        seconds=round(each * parameters * seen / speed, 1),
        method=f"{each} operations for each parameter and token, {speed / 1e9:.0f} billion a second ({machine})",
    )


def least_memory_bytes(job: JobSpec, base: Path | None) -> int | None:
    """Return what training takes at least on a processor: weights and, where they learn, gradients and Adam's two.

    What a batch takes comes on top. None where nobody knows the size of the base.
    """
    parameters = _parameters_of(job, base)
    if parameters is None:
        return None
    learns_whole = job.recipe.lora is None or job.method == "scratch"
    copies = _LEARNING if learns_whole else 1
    if learns_whole and job.method == "dpo":
        copies += 1  # the model that it must stay near to
    return parameters * copies * _FLOAT_BYTES


def _operations(job: JobSpec) -> int:
    each = _FULL if job.recipe.lora is None or job.method == "scratch" else _ADAPTER
    return 2 * (each + _REFERENCE) if job.method == "dpo" else each


def has_gpu() -> bool:
    """Tell whether this machine has a GPU that trains."""
    return _GPU.exists()


def _speed(threads: int) -> tuple[float, str]:
    if has_gpu():
        return GPU_OPERATIONS_S, "one GPU, assumed"
    cores = threads or len(os.sched_getaffinity(0))
    return cores * CORE_OPERATIONS_S, f"{cores} processor cores, assumed"


def _parameters_of(job: JobSpec, base: Path | None) -> int | None:
    if job.method == "scratch" and base is None:
        return _of_shape(job.recipe.shape or Shape())
    return _of_folder(base) if base is not None else None


def _of_shape(shape: Shape) -> int:
    attention = 2 * shape.hidden * shape.hidden * (1 + shape.key_value_heads / shape.heads)
    return round(shape.vocabulary * shape.hidden + shape.layers * (attention + 3 * shape.hidden * shape.inner))


def _of_folder(base: Path) -> int | None:
    try:
        return check_folder(base).parameters
    except StepError:  # a folder that only counts tokens
        return None
