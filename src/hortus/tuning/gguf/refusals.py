"""What is said of a folder that cannot become a GGUF file, and of numbers that it cannot say?"""

from __future__ import annotations

from pathlib import Path

from hortus.jobs.errors import StepError
from hortus.tuning.folders import CONFIG, ModelFolder

_LARGEST = 1e30
"""A number of a config, as 32-bit floats can hold it."""


def refusal(message: str, path: Path) -> StepError:
    """Return the error for a folder that cannot become a GGUF file."""
    return StepError(
        message,
        reason="no_gguf",
        path=str(path),
        hint="Serve it with the transformers engine, which runs every architecture.",
    )


def number_of(value: object, key: str, *, folder: ModelFolder) -> float:
    """Return a number of a config.

    Raises:
        StepError: It is none, not above 0, or too large.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < _LARGEST:
        raise refusal(f"says no usable number above 0 for {key!r}.", folder.root / CONFIG)
    return float(value)
