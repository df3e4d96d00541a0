"""Supervised tuning of all weights: every parameter learns the answers."""

from __future__ import annotations

from transformers import PreTrainedModel
from trl import SFTConfig, SFTTrainer

from hortus.tuning.ground import Ground, load_model
from hortus.tuning.loop import Resumable


class SupervisedTrainer(Resumable, SFTTrainer):
    """TRL's, resumable."""


def build(ground: Ground) -> SupervisedTrainer:
    """Return a trainer of all weights. Raises StepError."""
    return supervised(ground, load_model(ground.base))


def supervised(ground: Ground, model: PreTrainedModel) -> SupervisedTrainer:
    """Return a trainer of all weights of a model."""
    return SupervisedTrainer(
        model=model,
        args=SFTConfig(**ground.arguments(parameters=model.num_parameters())),
        train_dataset=ground.train_dataset(),
        eval_dataset=ground.held_out_dataset(),
        processing_class=ground.tokenizer,
    )
