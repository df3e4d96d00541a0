"""Which architectures become GGUF files, under which names do their tensors go, and what must their config say?

A row is here because its greedy answers in llama.cpp were compared with transformers'
(`tests/tuning/gguf/test_parity.py`). Names: llama.cpp's `gguf-py/gguf/constants.py`, read 2026-11.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import msgspec

from hortus.tuning.folders import CONFIG, ModelFolder
from hortus.tuning.gguf.refusals import refusal

HEAD = "lm_head.weight"
OUTER = {
    "model.embed_tokens.weight": "token_embd.weight",
    "model.norm.weight": "output_norm.weight",
    HEAD: "output.weight",
}
INNER = {
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
    "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
}
HEAD_NORMS = {"self_attn.q_norm": "attn_q_norm", "self_attn.k_norm": "attn_k_norm"}

_LARGEST = 1e30
"""A number of a config, as 32-bit floats can hold it."""
_LAYER = re.compile(r"model\.layers\.(\d+)\.(.+)\.(weight|bias)")


class Row(msgspec.Struct, frozen=True):
    """One architecture.

    Attributes:
        name: Of the model's class in transformers.
        gguf: Of the architecture in GGUF.
        interleaves: Whether llama.cpp rotates neighbouring numbers of a head where transformers rotates its halves.
        inner: Names of a layer's parts.
        biases: Parts that have one.
        window: Config key that must be true for `sliding_window` to count; None: it always counts.
    """

    name: str
    gguf: str
    interleaves: bool = False
    inner: Mapping[str, str] = msgspec.field(default_factory=lambda: INNER)
    biases: tuple[str, ...] = ()
    window: str | None = "use_sliding_window"


_ATTENTION = ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj")
ROWS = {
    row.name: row
    for row in (
        Row("LlamaForCausalLM", "llama", interleaves=True),
        Row("MistralForCausalLM", "llama", interleaves=True, window=None),
        Row("Qwen2ForCausalLM", "qwen2", biases=_ATTENTION),
        Row("Qwen3ForCausalLM", "qwen3", inner=INNER | HEAD_NORMS),
    )
}


class Rope(msgspec.Struct, frozen=True):
    """How positions turn the heads. `low`, `high` and `original` only with `llama3`."""

    base: float
    kind: str = "default"
    factor: float = 1.0
    low: float = 1.0
    high: float = 4.0
    original: int = 0


class Plan(msgspec.Struct, frozen=True):
    """What a model's file says of its shape."""

    row: Row
    layers: int
    width: int
    inner: int
    heads: int
    key_value_heads: int
    head_width: int
    context: int
    vocabulary: int
    epsilon: float
    tied: bool
    rope: Rope
    limits: tuple[str, ...] = ()

    def tensor_name(self, name: str) -> str | None:
        """Return a tensor's name in GGUF, None where the architecture has no such tensor."""
        if name in OUTER:
            return OUTER[name]
        found = _LAYER.fullmatch(name)
        part = self.row.inner.get(found[2]) if found else None
        if found is None or part is None or int(found[1]) >= self.layers:
            return None
        return None if found[3] == "bias" and found[2] not in self.row.biases else f"blk.{found[1]}.{part}.{found[3]}"

    def tensors(self) -> Iterator[str]:
        """Give the names of all tensors that the model must have."""
        yield from (name for name in OUTER if not (self.tied and name == HEAD))
        for layer in range(self.layers):
            yield from (f"model.layers.{layer}.{part}.weight" for part in self.row.inner)
            yield from (f"model.layers.{layer}.{part}.bias" for part in self.row.biases)

    def interleaved_heads(self, name: str) -> int:
        """Return by how many heads the rows of a tensor are to be reordered, 0: not at all."""
        if not self.row.interleaves:
            return 0
        return self.heads if ".q_proj." in name else self.key_value_heads if ".k_proj." in name else 0


def plan_of(folder: ModelFolder) -> Plan:
    """Return how a folder becomes a GGUF file.

    Raises:
        StepError: Its architecture, or something in its config, cannot be carried.
    """
    path = folder.root / CONFIG
    row = ROWS.get(folder.architecture)
    if row is None:
        known = ", ".join(sorted(ROWS))
        raise refusal(f"has the architecture {folder.architecture or 'none'!r}; GGUF is written for {known}.", path)
    config = folder.config
    for key, wanted in (("hidden_act", "silu"), ("mlp_bias", False), ("attention_bias", False)):
        said = config.get(key)
        if said is not None and said != wanted:
            raise refusal(f"says {key} = {str(said)[:40]}, which llama.cpp's {row.gguf} has not.", path)
    if config.get("quantization_config") is not None:
        raise refusal("has quantised weights; give the ones that they were made from.", path)
    heads, width = folder.integer("num_attention_heads"), folder.integer("hidden_size")
    context, limits = _context(folder, row)
    return Plan(
        row=row,
        layers=folder.integer("num_hidden_layers"),
        width=width,
        inner=folder.integer("intermediate_size"),
        heads=heads,
        key_value_heads=folder.integer("num_key_value_heads") if config.get("num_key_value_heads") else heads,
        head_width=folder.integer("head_dim") if config.get("head_dim") else width // heads,
        context=context,
        vocabulary=folder.vocabulary,
        epsilon=_number(config.get("rms_norm_eps"), "rms_norm_eps", folder=folder),
        tied=bool(config.get("tie_word_embeddings", False)),
        rope=_rope(folder),
        limits=limits,
    )


def _context(folder: ModelFolder, row: Row) -> tuple[int, tuple[str, ...]]:
    """A window of attention is not carried, so the file's context ends where the window would begin to count."""
    context = folder.integer("max_position_embeddings")
    window = folder.config.get("sliding_window")
    counts = row.window is None or bool(folder.config.get(row.window))
    if not counts or not isinstance(window, int) or window >= context:
        return context, ()
    return window, (f"llama.cpp serves {window:,} tokens of context: the sliding window behind them is not carried.",)


def _rope(folder: ModelFolder) -> Rope:
    path = folder.root / CONFIG
    told = folder.config.get("rope_parameters") or folder.config.get("rope_scaling") or {}
    if not isinstance(told, Mapping):
        raise refusal("says rope parameters that are no object.", path)
    base = _number(told.get("rope_theta", folder.config.get("rope_theta")), "rope_theta", folder=folder)
    kind = told.get("rope_type", told.get("type", "default"))
    if told.get("partial_rotary_factor", 1) != 1:
        raise refusal("turns only a part of each head, which is not carried.", path)
    match kind:
        case "default":
            return Rope(base)
        case "linear":
            return Rope(base, kind="linear", factor=_number(told.get("factor"), "factor", folder=folder))
        case "llama3":
            low, high, factor = (
                _number(told.get(key), key, folder=folder) for key in ("low_freq_factor", "high_freq_factor", "factor")
            )
            original = int(_number(told.get("original_max_position_embeddings"), "original…", folder=folder))
            return Rope(base, kind="llama3", factor=factor, low=low, high=high, original=original)
        case _:
            raise refusal(f"stretches its context by the way {kind!r}, which is not carried.", path)


def _number(value: object, key: str, *, folder: ModelFolder) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < _LARGEST:
        raise refusal(f"says no usable number above 0 for {key!r}.", folder.root / CONFIG)
    return float(value)
