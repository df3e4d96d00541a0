"""How does a Hugging Face folder become one GGUF file that llama.cpp serves with the same words?

Keys: llama.cpp's `gguf-py/gguf/constants.py`, read 2026-11.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import gguf
import msgspec
import numpy as np

from hortus.jobs.weightfiles import StoredTensor, read_folder
from hortus.tuning.folders import ModelFolder
from hortus.tuning.gguf.architectures import HEAD, Plan, Rope, plan_of
from hortus.tuning.gguf.gemmas import Windows
from hortus.tuning.gguf.refusals import refusal
from hortus.tuning.gguf.tensors import BeyondF16, NumberFormat, Written, write_whole, written
from hortus.tuning.gguf.vocabulary import Vocabulary, read_vocabulary

_FILE_TYPES = {
    NumberFormat.F16: gguf.LlamaFileType.MOSTLY_F16,
    NumberFormat.BF16: gguf.LlamaFileType.MOSTLY_BF16,
    NumberFormat.F32: gguf.LlamaFileType.ALL_F32,
    NumberFormat.Q8_0: gguf.LlamaFileType.MOSTLY_Q8_0,
}


def write_model(
    source: Path, target: Path, *, name: str, wish: NumberFormat | None = None, licence: str | None = None
) -> tuple[str, ...]:
    """Write a model's folder as a GGUF file and return where llama.cpp is known to differ from transformers.

    Args:
        name: What the model is called.
        wish: How weights are written; None: F32 stays F32, so that nothing is rounded that training had not rounded;
            all else becomes F16, or BF16 where its numbers are too large for that.
        licence: Its SPDX name, where it is known.

    Raises:
        StepError: llama.cpp cannot carry the model, or its files are not whole.
    """
    folder = ModelFolder(source)
    plan, vocabulary = plan_of(folder), read_vocabulary(folder)
    stored = read_folder(source)
    for each in [wish] if wish else _formats(stored):
        try:
            _write(target, _Content(folder, plan, vocabulary, stored, name, licence), wish=each)
            break
        except BeyondF16:
            if wish:
                raise
    return plan.limits + vocabulary.limits


class _Content(msgspec.Struct, frozen=True):
    folder: ModelFolder
    plan: Plan
    vocabulary: Vocabulary
    stored: dict[str, StoredTensor]
    name: str
    licence: str | None


def _formats(stored: dict[str, StoredTensor]) -> tuple[NumberFormat, ...]:
    """Those that are tried, one after another."""
    if any(each.dtype == "F32" and len(each.shape) > 1 for each in stored.values()):
        return (NumberFormat.F32,)
    return (NumberFormat.F16, NumberFormat.BF16)


def _write(target: Path, content: _Content, *, wish: NumberFormat) -> None:
    plan = content.plan
    tensors = _tensors(content.stored, plan, wish=wish)
    writer = gguf.GGUFWriter(None, plan.row.gguf)
    writer.add_type("model")
    writer.add_name(content.name)
    if content.licence:
        writer.add_license(content.licence)
    writer.add_file_type(_FILE_TYPES[wish])
    writer.add_quantization_version(gguf.GGML_QUANT_VERSION)
    _add_shape(writer, plan)
    _add_vocabulary(writer, content.vocabulary, template=content.folder.template)
    write_whole(writer, tensors, target=target)


def _add_shape(writer: Any, plan: Plan) -> None:
    writer.add_context_length(plan.context)
    writer.add_embedding_length(plan.width)
    writer.add_block_count(plan.layers)
    writer.add_feed_forward_length(plan.inner)
    writer.add_head_count(plan.heads)
    writer.add_head_count_kv(plan.key_value_heads)
    writer.add_key_length(plan.head_width)
    writer.add_value_length(plan.head_width)
    writer.add_rope_dimension_count(plan.head_width)
    writer.add_rope_freq_base(plan.rope.base)
    if plan.rope.kind == "linear":
        writer.add_rope_scaling_type(gguf.RopeScalingType.LINEAR)
        writer.add_rope_scaling_factor(plan.rope.factor)
    writer.add_layer_norm_rms_eps(plan.epsilon)
    writer.add_vocab_size(plan.vocabulary)
    if plan.windows is not None:
        _add_windows(writer, plan.windows)


def _add_windows(writer: Any, windows: Windows) -> None:
    writer.add_sliding_window(windows.size)
    writer.add_sliding_window_pattern(windows.period)
    writer.add_rope_freq_base_swa(windows.base)
    attention, answers = windows.caps
    if attention:
        writer.add_attn_logit_softcapping(attention)
        writer.add_final_logit_softcapping(answers)


def _add_vocabulary(writer: Any, vocabulary: Vocabulary, *, template: str | None) -> None:
    writer.add_tokenizer_model(vocabulary.model)
    writer.add_tokenizer_pre(vocabulary.split)
    writer.add_token_list(list(vocabulary.tokens))
    writer.add_token_types(list(vocabulary.kinds))
    if vocabulary.scores:
        writer.add_token_scores(list(vocabulary.scores))
    if vocabulary.merges:
        writer.add_token_merges(list(vocabulary.merges))
    if vocabulary.unknown is not None:
        writer.add_unk_token_id(vocabulary.unknown)
    if vocabulary.bos is not None:
        writer.add_bos_token_id(vocabulary.bos)
    if vocabulary.pad is not None:
        writer.add_pad_token_id(vocabulary.pad)
    for add, number in zip(
        (writer.add_eos_token_id, writer.add_eot_token_id, writer.add_eom_token_id), vocabulary.ends, strict=False
    ):
        add(number)
    writer.add_add_bos_token(False)  # noqa: FBT003 - gguf's own signature; the chat template writes it
    writer.add_add_eos_token(False)  # noqa: FBT003 - gguf's own signature
    writer.add_add_space_prefix(vocabulary.space_prefix)
    if template is not None:
        writer.add_chat_template(template)


def _tensors(stored: dict[str, StoredTensor], plan: Plan, *, wish: NumberFormat) -> list[Written]:
    wanted = {name: each for name, each in stored.items() if not (plan.tied and name == HEAD)}
    _check_all_there(wanted, plan)
    tensors = [] if plan.rope.kind != "llama3" else [_stretches(plan.rope, plan.head_width)]
    for name, each in wanted.items():
        other = plan.tensor_name(name)
        if other is None:
            raise refusal(f"holds the tensor {name!r}, which {plan.row.name} has not.", each.file)
        tensors.append(written(other, each, wish=wish, heads=plan.interleaved_heads(name), added=plan.added(name)))
    return tensors


def _check_all_there(stored: dict[str, StoredTensor], plan: Plan) -> None:
    """What is missing would be random in transformers and something else in llama.cpp."""
    missing = next((name for name in plan.tensors() if name not in stored), None)
    if missing is not None:
        file = next(iter(stored.values())).file if stored else Path("model.safetensors")
        raise refusal(f"lacks tensors, such as {missing!r}.", file)
    rows = stored["model.embed_tokens.weight"].shape[0]
    if rows != plan.vocabulary:
        file = stored["model.embed_tokens.weight"].file
        raise refusal(f"has embeddings of {rows:,} tokens where its config says {plan.vocabulary:,}.", file)


def _stretches(rope: Rope, head_width: int) -> Written:
    """By how much each rotation of Llama 3.1 is slowed, as transformers' `_compute_llama3_parameters` does."""
    turns = rope.base ** (-np.arange(0, head_width, 2, dtype=np.float64) / head_width)
    values = np.array([_stretch(2 * math.pi / float(turn), rope) for turn in turns], dtype=np.float32)
    kind = gguf.GGMLQuantizationType.F32
    return Written("rope_freqs.weight", kind, values.shape, lambda: values.view(np.uint8))


def _stretch(wave: float, rope: Rope) -> float:
    if wave < rope.original / rope.high:
        return 1.0
    if wave > rope.original / rope.low:
        return rope.factor
    smooth = (rope.original / wave - rope.low) / (rope.high - rope.low)
    return 1.0 / ((1.0 - smooth) / rope.factor + smooth)
