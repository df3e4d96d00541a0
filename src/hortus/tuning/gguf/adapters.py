"""How does a PEFT LoRA folder become a GGUF adapter, which llama.cpp adds to its base by name?

Only what llama.cpp adds in the same way is written; for everything else the merged model is served.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from pathlib import Path

import gguf

from hortus.jobs.errors import StepError
from hortus.jobs.weightfiles import StoredTensor, read_header
from hortus.tuning.folders import ModelFolder, read_table
from hortus.tuning.gguf.architectures import Plan, plan_of
from hortus.tuning.gguf.tensors import NumberFormat, Written, write_whole, written

CONFIG, WEIGHTS = "adapter_config.json", "adapter_model.safetensors"

_TENSOR = re.compile(r"base_model\.model\.(.+)\.lora_([AB])\.weight")
_NOT_CARRIED = {
    "modules_to_save": "whole modules were trained beside it",
    "trainable_token_indices": "token embeddings were trained beside it",
    "rank_pattern": "its parts differ in rank",
    "alpha_pattern": "its parts differ in scale",
    "use_dora": "it is a DoRA adapter",
    "fan_in_fan_out": "its weights lie transposed",
    "lora_bias": "its biases were trained",
    "layer_replication": "it repeats layers",
    "target_parameters": "it adds to parameters outside linear layers",
}


def write_adapter(adapter: Path, target: Path, *, base: Path, name: str) -> None:
    """Write a PEFT LoRA folder as a GGUF adapter, in F32.

    Args:
        base: Folder of the model that it was trained on.
        name: What the adapter is called.

    Raises:
        StepError: llama.cpp cannot add it as PEFT does; then the merged model is to be served.
    """
    config = read_table(adapter / CONFIG)
    _check(config, adapter / CONFIG)
    plan = plan_of(ModelFolder(base))
    tensors = _tensors(read_header(adapter / WEIGHTS), plan, file=adapter / WEIGHTS)
    writer = gguf.GGUFWriter(None, plan.row.gguf)
    writer.add_type("adapter")
    writer.add_name(name)
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", _alpha(config, adapter / CONFIG))
    write_whole(writer, tensors, target=target)


def refused(message: str, path: Path) -> StepError:
    """Return the error for an adapter that cannot be served by name."""
    return StepError(
        message, reason="no_gguf_adapter", path=str(path), hint="Serve the merged model (`form` = `merged`)."
    )


def _check(config: Mapping[str, object], path: Path) -> None:
    if config.get("peft_type") != "LORA":
        raise refused(f"is no LoRA adapter but {config.get('peft_type')!r}.", path)
    for key, reason in _NOT_CARRIED.items():
        if config.get(key):
            raise refused(f"cannot be served by name on llama.cpp: {reason} (`{key}`).", path)
    if config.get("bias", "none") != "none":
        raise refused("cannot be served by name on llama.cpp: biases were trained beside it (`bias`).", path)


def _alpha(config: Mapping[str, object], path: Path) -> float:
    """llama.cpp counts an adapter alpha / rank; PEFT's rank-stabilised ones count alpha / the root of the rank."""
    rank, alpha = config.get("r"), config.get("lora_alpha")
    if not isinstance(rank, int) or not isinstance(alpha, int | float) or rank < 1:
        raise refused("says no rank `r` or no `lora_alpha`.", path)
    return float(alpha) * (math.sqrt(rank) if config.get("use_rslora") else 1.0)


def _tensors(stored: Mapping[str, StoredTensor], plan: Plan, *, file: Path) -> list[Written]:
    tensors = []
    for name, each in sorted(stored.items()):
        found = _TENSOR.fullmatch(name)
        of = f"{found[1]}.weight" if found else ""
        other = plan.tensor_name(of)
        if found is None or other is None or not of.startswith("model.layers."):
            raise refused(
                f"cannot be served by name on llama.cpp: it holds {name!r}; embeddings are to be merged.", file
            )
        heads = plan.interleaved_heads(of) if found[2] == "B" else 0
        tensors.append(written(f"{other}.lora_{found[2].lower()}", each, wish=NumberFormat.F32, heads=heads))
    if not tensors:
        raise refused("holds no LoRA tensors.", file)
    return tensors
