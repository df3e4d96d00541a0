"""Direct preference optimisation: the chosen answer gains over the rejected one, against the base as reference."""

from __future__ import annotations

from datasets import Dataset
from transformers import PreTrainedModel
from trl import DPOConfig, DPOTrainer
from typing_extensions import override

from hortus.jobs.spec import Lora
from hortus.tuning.ground import Ground, load_model
from hortus.tuning.loop import Resumable
from hortus.tuning.recipes.lora import adapter, free_embeddings, load_frozen


class PreferenceTrainer(Resumable, DPOTrainer):
    """TRL's, resumable; its rows are tokenised already."""

    @override
    def _prepare_dataset(self, dataset: Dataset, *args: object, **kwargs: object) -> Dataset:
        return dataset


def build(ground: Ground, lora: Lora | None) -> PreferenceTrainer:
    """Return a trainer from preferences: of all weights, or of an adapter. Raises StepError."""
    model = load_model(ground.base) if lora is None else load_frozen(ground, lora)
    trainer = PreferenceTrainer(
        model=model,
        ref_model=_reference(ground, lora),
        args=DPOConfig(**ground.arguments(parameters=model.num_parameters()), beta=ground.recipe.beta),
        train_dataset=ground.train_dataset(),
        eval_dataset=ground.held_out_dataset(),
        processing_class=ground.tokenizer,
        peft_config=None if lora is None else adapter(model, lora),
    )
    if lora is not None:
        free_embeddings(trainer.model, lora)
    return trainer


def _reference(ground: Ground, lora: Lora | None) -> PreTrainedModel | None:
    """Return the base a second time, where it cannot be had by switching the adapter off."""
    if lora is not None and not lora.embeddings:
        return None
    return load_model(ground.base)
