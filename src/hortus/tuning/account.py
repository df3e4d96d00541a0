"""What has a run led to, and how much compute did it take, earlier rounds on the same original included?"""

from __future__ import annotations

import msgspec
import torch

from hortus.base.time import utc_day
from hortus.jobs.reports import Metric
from hortus.jobs.steps import TrainStep
from hortus.tuning.checkpoints import Reached
from hortus.tuning.compute import Base, Compute, Method, Work, compare, hardware_of
from hortus.tuning.ground import Ground


class Ended(msgspec.Struct, frozen=True):
    """What a run has led to.

    Attributes:
        weights: That learnt, by the names that the recipe's model gives them.
        used_step: Whose weights these are.
        reached: The last checkpoint's.
        history: All figures, those before a kill too.
        parameters: Of the base, without adapters.
        trainable_of_base: Of those that learnt, the base's own.
    """

    weights: dict[str, torch.Tensor]
    used_step: int
    reached: Reached
    history: list[Metric]
    parameters: int
    trainable: int
    trainable_of_base: int

    @property
    def held_out_loss(self) -> float | None:
        """Of the step whose weights are used."""
        return next((one.held_out_loss for one in self.history if one.step == self.used_step), None)


class _Original(msgspec.Struct, frozen=True):
    training_flop: float | None = None
    has_systemic_risk: bool | None = None


class _Rounds(msgspec.Struct, frozen=True):
    flop: float


class _KnownOfBase(_Original, frozen=True):
    """What matters here of a base's facts file: a maker's model's, or an earlier product's."""

    base: _Original | None = None
    compute: _Rounds | None = None


def estimate_compute(work: TrainStep, ground: Ground, ended: Ended) -> Compute:
    """Return a run's training compute with the one-third comparison, dated by the run's clock.

    A base that is a product brings its rounds along: those on an original add up to this one's; those of a model that
    was made here from scratch are the original's own compute.
    """
    known = msgspec.json.decode(work.base_facts, type=_KnownOfBase)
    original, rounds = known.base or known, 0.0 if known.compute is None else known.compute.flop
    made_here = known.base is None and known.compute is not None
    done = Work(
        method=_method(ground),
        parameters=ended.parameters,
        trainable=ended.trainable,
        trainable_of_base=ended.trainable_of_base,
        tokens=ended.reached.tokens,
        held_out_tokens=ended.reached.held_out_tokens,
        earlier_flop=0.0 if made_here else rounds,
    )
    return compare(
        done,
        base=Base(rounds if made_here else original.training_flop, systemic_risk=original.has_systemic_risk),
        on=utc_day(ground.clock.now_ms()),
        hardware=hardware_of(ground.device.name, gpus=ground.device.gpus, seconds=ended.reached.seconds),
    )


def _method(ground: Ground) -> Method:
    adapted = ground.recipe.lora is not None
    match ground.job.method:
        case "scratch":
            return "scratch"
        case "dpo":
            return "dpo-lora" if adapted else "dpo-full"
        case "supervised":
            return "lora" if adapted else "full"
