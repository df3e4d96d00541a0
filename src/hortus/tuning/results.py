"""What the training step hands on: control and later documents read it without a trainer."""

from __future__ import annotations

import msgspec

from hortus.tuning.compute import Compute


class TrainResult(msgspec.Struct, frozen=True):
    """A training run that has ended well.

    Attributes:
        steps: That were made; fewer than planned where patience ended.
        used_step: Whose weights the product has: the last one, or the one with the lowest held-out loss.
        examples: That were learnt.
        tokens: That went through, padding not counted.
        loss: Of the last metric.
        held_out_loss: Of the step whose weights are used.
        seconds: Of training, over all processes that worked on it.
        rate: The highest learning rate.
        dtype: In which the product's weights are saved.
        references: How many greedy answers are kept for the gate.
        peak_memory_bytes: Of the process that ended the run; of the GPU where there is one.
    """

    steps: int
    planned_steps: int
    used_step: int
    examples: int
    held_out: int
    parameters: int
    trainable: int
    tokens: int
    loss: float
    held_out_loss: float | None
    seconds: float
    rate: float
    device: str
    dtype: str
    references: int
    compute: Compute
    energy_j: float = 0.0
    energy_source: str = ""
    peak_memory_bytes: int | None = None
    stopped_early: bool = False
