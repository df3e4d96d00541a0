"""What is said of a folder that cannot become a GGUF file?"""

from __future__ import annotations

from pathlib import Path

from hortus.jobs.errors import StepError


def refusal(message: str, path: Path) -> StepError:
    """Return the error for a folder that cannot become a GGUF file."""
    return StepError(
        message,
        reason="no_gguf",
        path=str(path),
        hint="Serve it with the transformers engine, which runs every architecture.",
    )
