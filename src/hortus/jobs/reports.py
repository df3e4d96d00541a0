"""What a step of a job says while it runs: one JSON line each, appended to the step's `reports.jsonl`.

A step that was killed runs again and may repeat lines; whoever reads them goes by what they name, not by their count.
"""

from __future__ import annotations

from typing import Literal

import msgspec


class Progress(msgspec.Struct, frozen=True, tag_field="kind", tag="progress", omit_defaults=True):
    """How far the step is: `done` of `total` units of `phase`, such as `tokenize`, `train`, `export`."""

    phase: str
    done: int
    total: int


class Metric(msgspec.Struct, frozen=True, tag_field="kind", tag="metric", omit_defaults=True):
    """Figures of one training step.

    Attributes:
        step: Counted from 1.
        gradient_norm: Before clipping.
        tokens: Trained on so far.
        tokens_per_s: Since the last metric.
        memory_bytes: Most resident memory so far; of the GPU where there is one.
        energy_j: Used so far, measured or estimated (`energy_source`); None where nobody knows.
        held_out_loss: Where this step was looked at.
    """

    step: int
    steps: int
    loss: float
    learning_rate: float
    gradient_norm: float | None = None
    tokens: int = 0
    tokens_per_s: float | None = None
    memory_bytes: int | None = None
    energy_j: float | None = None
    energy_source: str | None = None
    held_out_loss: float | None = None
    epoch: float | None = None


class Checkpoint(msgspec.Struct, frozen=True, tag_field="kind", tag="checkpoint", omit_defaults=True):
    """A state from which training can go on was written whole."""

    step: int
    folder: str
    held_out_loss: float | None = None
    loss: float | None = None


class Note(msgspec.Struct, frozen=True, tag_field="kind", tag="note", omit_defaults=True):
    """A sentence for people."""

    text: str
    level: Literal["info", "warn", "error"] = "info"


class Done(msgspec.Struct, frozen=True, tag_field="kind", tag="done", omit_defaults=True):
    """The step has ended well; `result` is the step's own document."""

    result: msgspec.Raw


class Failed(msgspec.Struct, frozen=True, tag_field="kind", tag="failed", omit_defaults=True):
    """The step cannot be done.

    Attributes:
        code: Such as `out_of_memory`, `not_a_number`, `bad_data`, `unsafe_weights`.
        hint: What to do next.
        path: Where: a file with its line, or a setting.
    """

    code: str
    message: str
    hint: str = ""
    path: str | None = None


class Ended(msgspec.Struct, frozen=True, tag_field="kind", tag="ended", omit_defaults=True):
    """The step's process has ended, says the runner; `status` is its exit status, below 0: a signal."""

    status: int
    run: int = 1


Report = Progress | Metric | Checkpoint | Note | Done | Failed | Ended


class Line(msgspec.Struct, frozen=True):
    """One line of `reports.jsonl`."""

    at_ms: int
    report: Report
