"""Supervised tuning by an adapter: the base stays as it is, small matrices beside its linear layers learn."""

from __future__ import annotations

import torch
from peft import LoraConfig, PeftModel
from transformers import PreTrainedModel
from trl import SFTConfig

from hortus.jobs.errors import StepError
from hortus.jobs.spec import ALL_LINEAR, Lora
from hortus.tuning.ground import Ground, load_model
from hortus.tuning.recipes.full import SupervisedTrainer


def build(ground: Ground, lora: Lora) -> SupervisedTrainer:
    """Return a trainer of an adapter. Raises StepError."""
    model = load_frozen(ground, lora)
    trainer = SupervisedTrainer(
        model=model,
        args=SFTConfig(**ground.arguments(parameters=model.num_parameters())),
        train_dataset=ground.train_dataset(),
        eval_dataset=ground.held_out_dataset(),
        processing_class=ground.tokenizer,
        peft_config=adapter(model, lora),
    )
    free_embeddings(trainer.model, lora)
    return trainer


def load_frozen(ground: Ground, lora: Lora) -> PreTrainedModel:
    """Return the base for an adapter: nothing of it learns but perhaps its embeddings, so it may be held in half."""
    half = ground.device.bfloat16 and ground.device.gpus > 0 and not lora.embeddings
    return load_model(ground.base, dtype=torch.bfloat16 if half else torch.float32)


def adapter(model: PreTrainedModel, lora: Lora) -> LoraConfig:
    """Return PEFT's settings for an adapter.

    Raises:
        StepError: `bad_recipe`: a target that the base does not have.
    """
    every = lora.targets == (ALL_LINEAR,)
    if not every:
        _check_targets(model, lora.targets)
    return LoraConfig(
        r=lora.rank,
        lora_alpha=lora.alpha,
        lora_dropout=lora.dropout,
        target_modules=ALL_LINEAR if every else list(lora.targets),
        task_type="CAUSAL_LM",
    )


def free_embeddings(model: PeftModel, lora: Lora) -> None:
    """Let the token embeddings learn whole, and with them a head that is tied to them, where the recipe says so."""
    if lora.embeddings:
        model.get_input_embeddings().weight.requires_grad_(requires_grad=True)


def _check_targets(model: PreTrainedModel, targets: tuple[str, ...]) -> None:
    linear = {name.rsplit(".", 1)[-1] for name, one in model.named_modules() if isinstance(one, torch.nn.Linear)}
    usable = sorted(linear - {"lm_head"})
    if unknown := [one for one in targets if one not in usable]:
        raise StepError(
            f"The base has no linear layers called {', '.join(unknown)} that an adapter could go beside.",
            reason="bad_recipe",
            path="recipe.lora.targets",
            hint=f"It has {', '.join(usable)}; {ALL_LINEAR} takes all of them.",
        )
