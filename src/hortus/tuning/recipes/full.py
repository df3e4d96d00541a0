"""Supervised tuning of all weights: every parameter learns the answers."""

from __future__ import annotations

from typing import Any

import torch
from torch.nn.functional import cross_entropy
from transformers import PreTrainedModel
from trl import SFTConfig, SFTTrainer
from typing_extensions import override

from hortus.tuning.encoding import IGNORED
from hortus.tuning.ground import Ground, load_model
from hortus.tuning.loop import Resumable


class SupervisedTrainer(Resumable, SFTTrainer):
    """TRL's, resumable; the head is spared where no example has an answer, most of the work of short answers."""

    @override
    def compute_loss(
        self,
        model: Any,
        inputs: dict[str, Any],
        return_outputs: bool = False,
        num_items_in_batch: torch.Tensor | None = None,
    ) -> Any:
        """Return the mean loss of the answers' tokens, the same as TRL's up to rounding."""
        wanted = inputs["labels"][:, 1:]
        places = (wanted != IGNORED).any(dim=0).nonzero().squeeze(1)
        if return_outputs or self.aux_loss_enabled or self.args.world_size > 1 or 2 * len(places) > wanted.shape[1]:
            return super().compute_loss(model, inputs, return_outputs, num_items_in_batch)
        outputs = model(
            input_ids=inputs["input_ids"],
            attention_mask=inputs["attention_mask"],
            use_cache=False,
            logits_to_keep=places,
        )
        wanted = wanted[:, places].flatten()
        loss = cross_entropy(outputs.logits.flatten(0, 1).float(), wanted, ignore_index=IGNORED, reduction="sum")
        count = (wanted != IGNORED).sum() if num_items_in_batch is None else num_items_in_batch
        return loss / torch.as_tensor(count).clamp(min=1)


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
