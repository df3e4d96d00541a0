"""Why did training end badly, and what helps? Too little memory, figures that are none: a cause and a suggestion."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from hortus.jobs.errors import StepError
from hortus.jobs.spec import Recipe

_GENTLER = 5
"""By how much the learning rate is divided in the suggestion."""
_GIB = 1 << 30
_SIGNS = ("not enough memory", "can't allocate memory", "cannot allocate memory", "out of memory", "alloc_failed")


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory was short: of the machine or of a GPU."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and any(sign in str(error).lower() for sign in _SIGNS)


@contextmanager
def explained(recipe: Recipe, *, phase: str) -> Iterator[None]:
    """Turn running out of memory in the block into an error that says what helps.

    Raises:
        StepError: `out_of_memory`.
    """
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        raise out_of_memory(recipe, phase=phase) from error


def out_of_memory(recipe: Recipe, *, phase: str) -> StepError:
    """Return the error for too little memory."""
    if recipe.batch_size > 1:
        half = recipe.batch_size // 2
        hint = f"Set batch_size to {half} and accumulate to {recipe.accumulate * 2}: the same steps with half of it."
    elif recipe.lora is None:
        hint = "Tune with LoRA instead of all weights, or shorten max_tokens."
    else:
        hint = "Shorten max_tokens, use a smaller base, or a machine with more memory."
    return StepError(
        f"The memory did not suffice for {phase} with batches of {recipe.batch_size} examples of up to "
        f"{recipe.max_tokens} tokens.",
        reason="out_of_memory",
        path="recipe.batch_size",
        hint=hint,
    )


def check_memory(needed: int, *, available: int, recipe: Recipe) -> None:
    """Refuse to begin what would not fit: the system would kill the process without a word.

    Args:
        needed: Bytes for gradients and the optimizer's state; what a batch takes comes on top.

    Raises:
        StepError: `out_of_memory`.
    """
    if needed <= available:
        return
    what = "Tune with LoRA instead of all weights" if recipe.lora is None else "Use a smaller base"
    raise StepError(
        f"Gradients and optimizer need {needed / _GIB:.1f} GiB, and {available / _GIB:.1f} GiB are free.",
        reason="out_of_memory",
        path="recipe.lora",
        hint=f"{what}, or a machine with more memory.",
    )


def check_figures(step: int, *, loss: float, gradient_norm: float | None, highest_rate: float) -> None:
    """Refuse to go on with figures that are none.

    Raises:
        StepError: `not_a_number`.
    """
    if math.isfinite(loss) and (gradient_norm is None or math.isfinite(gradient_norm)):
        return
    what = "loss" if not math.isfinite(loss) else "gradient"
    value = loss if what == "loss" else gradient_norm
    raise StepError(
        f"The {what} became {'infinite' if value is not None and math.isinf(value) else 'no number'} at step {step}.",
        reason="not_a_number",
        path="recipe.learning_rate",
        hint=f"Lower the learning rate to {_gentler(highest_rate):g}, or clip gradients more tightly.",
    )


def _gentler(learning_rate: float) -> float:
    return float(f"{learning_rate / _GENTLER:.1g}")
