"""Which architectures become GGUF files, under which names do their tensors go, and what must their config say?

A row is here because its greedy answers in llama.cpp were compared with transformers'
(`tests/tuning/gguf/test_parity.py`). Names: llama.cpp's `gguf-py/gguf/constants.py`, read 2026-11.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import msgspec

from hortus.tuning.folders import CONFIG, ModelFolder
from hortus.tuning.gguf.gemmas import Family, Windows, rope_told, windows_of
from hortus.tuning.gguf.refusals import number_of, refusal

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
GEMMA_NORMS = {
    "post_attention_layernorm": "post_attention_norm",
    "pre_feedforward_layernorm": "ffn_norm",
    "post_feedforward_layernorm": "post_ffw_norm",
}

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
        activation: Config key of the activation, and which it must be.
        gemma: What it has as a Gemma.
    """

    name: str
    gguf: str
    interleaves: bool = False
    inner: Mapping[str, str] = msgspec.field(default_factory=lambda: INNER)
    biases: tuple[str, ...] = ()
    window: str | None = "use_sliding_window"
    activation: tuple[str, str] = ("hidden_act", "silu")
    gemma: Family | None = None


_GELU = ("hidden_activation", "gelu_pytorch_tanh")
_ATTENTION = ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj")
ROWS = {
    row.name: row
    for row in (
        Row("LlamaForCausalLM", "llama", interleaves=True),
        Row("MistralForCausalLM", "llama", interleaves=True, window=None),
        Row("Qwen2ForCausalLM", "qwen2", biases=_ATTENTION),
        Row("Qwen3ForCausalLM", "qwen3", inner=INNER | HEAD_NORMS),
        Row(
            "Gemma2ForCausalLM",
            "gemma2",
            inner=INNER | GEMMA_NORMS,
            activation=_GELU,
            gemma=Family(period=2, largest=46, caps=True),
        ),
        Row(
            "Gemma3ForCausalLM",
            "gemma3",
            inner=INNER | GEMMA_NORMS | HEAD_NORMS,
            activation=_GELU,
            gemma=Family(period=6, largest=62, turns=True),
        ),
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
    windows: Windows | None = None

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

    def added(self, name: str) -> float:
        """Return what is added to a tensor's numbers: transformers' Gemma keeps the weights of norms less 1."""
        return 1.0 if self.row.gemma and name.endswith("norm.weight") else 0.0


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
    _check_parts(folder, row)
    if config.get("quantization_config") is not None:
        raise refusal("has quantised weights; give the ones that they were made from.", path)
    heads, width = folder.integer("num_attention_heads"), folder.integer("hidden_size")
    context, limits = _context(folder, row)
    layers, rope = folder.integer("num_hidden_layers"), _rope(folder, row)
    return Plan(
        row=row,
        layers=layers,
        width=width,
        inner=folder.integer("intermediate_size"),
        heads=heads,
        key_value_heads=folder.integer("num_key_value_heads") if config.get("num_key_value_heads") else heads,
        head_width=folder.integer("head_dim") if config.get("head_dim") else width // heads,
        context=context,
        vocabulary=folder.vocabulary,
        epsilon=number_of(config.get("rms_norm_eps"), "rms_norm_eps", folder=folder),
        tied=bool(config.get("tie_word_embeddings", row.gemma is not None)),
        rope=rope,
        limits=limits,
        windows=windows_of(folder, row.gemma, layers=layers, base=rope.base) if row.gemma else None,
    )


def _check_parts(folder: ModelFolder, row: Row) -> None:
    key, activation = row.activation
    if row.gemma and folder.config.get(key) is None:
        raise refusal(f"says no {key!r}.", folder.root / CONFIG)
    for each, wanted in ((key, activation), ("hidden_act", activation), ("mlp_bias", False), ("attention_bias", False)):
        said = folder.config.get(each)
        if said is not None and said != wanted:
            raise refusal(
                f"says {each} = {str(said)[:40]}, which llama.cpp's {row.gguf} has not.", folder.root / CONFIG
            )


def _context(folder: ModelFolder, row: Row) -> tuple[int, tuple[str, ...]]:
    """A window of attention is not carried, so the file's context ends where the window would begin to count."""
    context = folder.integer("max_position_embeddings")
    window = None if row.gemma else folder.config.get("sliding_window")
    counts = row.window is None or bool(folder.config.get(row.window))
    if not counts or not isinstance(window, int) or window >= context:
        return context, ()
    return window, (f"llama.cpp serves {window:,} tokens of context: the sliding window behind them is not carried.",)


def _rope(folder: ModelFolder, row: Row) -> Rope:
    path = folder.root / CONFIG
    told = rope_told(folder) or {}
    if not isinstance(told, Mapping):
        raise refusal("says rope parameters that are no object.", path)
    base = number_of(told.get("rope_theta", folder.config.get("rope_theta")), "rope_theta", folder=folder)
    kind = told.get("rope_type", told.get("type", "default"))
    if told.get("partial_rotary_factor", 1) != 1:
        raise refusal("turns only a part of each head, which is not carried.", path)
    match kind:
        case "default":
            return Rope(base)
        case "linear":
            return Rope(base, kind="linear", factor=number_of(told.get("factor"), "factor", folder=folder))
        case "llama3" if not row.gemma:
            low, high, factor = (
                number_of(told.get(key), key, folder=folder)
                for key in ("low_freq_factor", "high_freq_factor", "factor")
            )
            original = int(number_of(told.get("original_max_position_embeddings"), "original…", folder=folder))
            return Rope(base, kind="llama3", factor=factor, low=low, high=high, original=original)
        case _:
            raise refusal(f"stretches its context by the way {kind!r}, which is not carried.", path)
