"""How trained weights become the product: a Hugging Face folder with everything merged, and the adapter beside it.

Tokenizer and chat template are the base's own files, byte for byte; weights are safetensors; no path is named.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import torch
from peft import get_peft_model
from transformers import AutoConfig, AutoModelForCausalLM, GenerationConfig, PreTrainedModel

from hortus.jobs.folders import PRODUCT_ADAPTER, PRODUCT_MODEL
from hortus.tuning.checkpoints import written_whole
from hortus.tuning.ground import Ground, load_model
from hortus.tuning.recipes.lora import adapter, free_embeddings

_TOKENIZER_FILES = (
    "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "chat_template.jinja",
    "chat_template.json", "vocab.json", "merges.txt", "vocab.txt", "tokenizer.model", "spiece.model",
)  # fmt: skip
_SHARD = "4GB"


def save_product(ground: Ground, weights: dict[str, torch.Tensor], *, base_name: str) -> str:
    """Write `product/model` and, of an adapter, `product/adapter`; return the type in which weights are saved.

    Args:
        weights: Those that learnt, by the names that the recipe's model gives them.

    Raises:
        StepError: `bad_base`.
        OSError: It cannot be written.
    """
    model = _merged(ground, weights, base_name=base_name)
    dtype = _saved_in(ground)
    if dtype is torch.float16 and not _fits_half(model):
        dtype = torch.float32
    model = model.to(dtype)
    model.config.name_or_path = model.name_or_path = ""
    model.generation_config = _greedy(ground.base)
    with written_whole(ground.folder.product / PRODUCT_MODEL) as aside:
        model.save_pretrained(aside, max_shard_size=_SHARD)
        for name in _TOKENIZER_FILES:
            if (ground.base / name).is_file():
                shutil.copyfile(ground.base / name, aside / name)
    return str(dtype).removeprefix("torch.")


def _merged(ground: Ground, weights: dict[str, torch.Tensor], *, base_name: str) -> PreTrainedModel:
    lora = None if ground.job.method == "scratch" else ground.recipe.lora
    if ground.job.method == "scratch":
        config = AutoConfig.from_pretrained(ground.base, trust_remote_code=False)
        model = AutoModelForCausalLM.from_config(config)
    else:
        model = load_model(ground.base)
    if lora is None:
        _put(model, weights)
        return model
    adapted = get_peft_model(model, adapter(model, lora))
    free_embeddings(adapted, lora)
    _put(adapted, weights)
    for settings in adapted.peft_config.values():
        settings.base_model_name_or_path = base_name
    with written_whole(ground.folder.product / PRODUCT_ADAPTER) as aside:
        adapted.save_pretrained(aside, save_embedding_layers=lora.embeddings)
        (aside / "README.md").unlink(missing_ok=True)  # PEFT's empty card; the product has its own
    return adapted.merge_and_unload()


def _put(model: torch.nn.Module, weights: dict[str, torch.Tensor]) -> None:
    own = dict(model.named_parameters())
    with torch.no_grad():
        for name, one in weights.items():
            own[name].copy_(one)


def _saved_in(ground: Ground) -> torch.dtype:
    """Return float32 where the recipe wishes it, bfloat16 where the base has it, and else float16."""
    if ground.recipe.precision == "float32":
        return torch.float32
    config = AutoConfig.from_pretrained(ground.base, trust_remote_code=False)
    brain = config.dtype is torch.bfloat16 or ground.recipe.precision == "bfloat16"
    return torch.bfloat16 if brain else torch.float16


def _fits_half(model: torch.nn.Module) -> bool:
    highest = torch.finfo(torch.float16).max
    return all(bool((one.abs() <= highest).all()) for one in model.parameters())


def _greedy(base: Path) -> GenerationConfig:
    """Return the base's generation settings, answering greedily where the caller asks for nothing else."""
    try:
        settings = GenerationConfig.from_pretrained(base, local_files_only=True)
    except OSError:
        settings = GenerationConfig.from_model_config(AutoConfig.from_pretrained(base, trust_remote_code=False))
    settings.do_sample = False
    settings.temperature = settings.top_p = settings.top_k = None
    return settings
