"""What does a Gemma's config say that other models' have not: windows between layers, capped numbers, scales?

llama.cpp takes the scale of attention from the number of layers, not from a key: its `src/models/gemma2.cpp`,
recalled 2026-11; compared in `tests/tuning/gguf/test_parity.py`.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from hortus.tuning.folders import CONFIG, ModelFolder
from hortus.tuning.gguf.refusals import number_of, refusal

_FULL, _SLIDING = "full_attention", "sliding_attention"


class Family(msgspec.Struct, frozen=True):
    """What one generation of Gemma has.

    Attributes:
        period: Every so many layers one sees the whole context, where the config says nothing else.
        largest: Layers of its largest model, whose attention is scaled by width / heads, not by the heads' width.
        caps: Whether attention and answers are capped softly.
        turns: Whether layers with a window turn heads by a base of their own.
    """

    period: int
    largest: int
    caps: bool = False
    turns: bool = False


class Windows(msgspec.Struct, frozen=True):
    """How layers with a window stand between the others.

    Attributes:
        size: In tokens.
        period: Every so many layers one has none.
        base: By which their heads turn.
        caps: Of attention and of answers; 0: none.
    """

    size: int
    period: int
    base: float
    caps: tuple[float, float] = (0.0, 0.0)


def windows_of(folder: ModelFolder, family: Family, *, layers: int, base: float) -> Windows:
    """Return what a Gemma's config says of its windows and caps.

    Raises:
        StepError: llama.cpp has it otherwise.
    """
    config, path = folder.config, folder.root / CONFIG
    if config.get("use_bidirectional_attention"):
        raise refusal("reads texts in both directions (`use_bidirectional_attention`), which is not carried.", path)
    if not config.get("tie_word_embeddings", True):
        raise refusal("has a head apart from its embeddings, which is not carried.", path)
    _check_scale(folder, family, layers=layers)
    return Windows(
        size=folder.integer("sliding_window"),
        period=_period(folder, family, layers=layers),
        base=_local_base(folder) if family.turns else base,
        caps=_caps(folder, family),
    )


def rope_told(folder: ModelFolder) -> object:
    """Return what is said of how heads turn in layers that see the whole context."""
    told = folder.config.get("rope_parameters") or folder.config.get("rope_scaling")
    return told.get(_FULL, told) if isinstance(told, Mapping) else told


def _local_base(folder: ModelFolder) -> float:
    told = folder.config.get("rope_parameters")
    if not isinstance(told, Mapping):
        return number_of(folder.config.get("rope_local_base_freq"), "rope_local_base_freq", folder=folder)
    local = told.get(_SLIDING)
    if not isinstance(local, Mapping) or local.get("rope_type", "default") != "default":
        raise refusal("stretches the context of layers with a window, which is not carried.", folder.root / CONFIG)
    return number_of(local.get("rope_theta"), "rope_theta", folder=folder)


def _check_scale(folder: ModelFolder, family: Family, *, layers: int) -> None:
    said = number_of(folder.config.get("query_pre_attn_scalar"), "query_pre_attn_scalar", folder=folder)
    wide = folder.integer("hidden_size") // folder.integer("num_attention_heads")
    wanted = wide if layers == family.largest else folder.integer("head_dim")
    if said != wanted:
        raise refusal(
            f"says query_pre_attn_scalar = {said:g}, where llama.cpp takes {wanted} for its shape.",
            folder.root / CONFIG,
        )


def _caps(folder: ModelFolder, family: Family) -> tuple[float, float]:
    keys = ("attn_logit_softcapping", "final_logit_softcapping")
    if family.caps:
        attention, answers = (number_of(folder.config.get(key), key, folder=folder) for key in keys)
        return attention, answers
    capped = next((key for key in keys if folder.config.get(key) is not None), None)
    if capped:
        raise refusal(f"says {capped}, which is not carried.", folder.root / CONFIG)
    return 0.0, 0.0


def _period(folder: ModelFolder, family: Family, *, layers: int) -> int:
    """Return after how many layers one sees all: llama.cpp has a window in all but each so-manieth."""
    kinds, told = folder.config.get("layer_types"), folder.config.get("sliding_window_pattern")
    period = told if isinstance(told, int) and told > 0 and family.turns else family.period
    if kinds is None:
        return period
    if isinstance(kinds, list) and _FULL in kinds:
        period = kinds.index(_FULL) + 1
    if kinds != [_SLIDING if (layer + 1) % period else _FULL for layer in range(min(layers, 10_000))]:
        raise refusal("says `layer_types` that are not every so-manieth.", folder.root / CONFIG)
    return period
