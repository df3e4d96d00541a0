"""Which settings of a job make no sense, whatever its examples are? Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from hortus.jobs.spec import GateRules, Lora, Recipe, Shape


class OutOfBounds(NamedTuple):
    """A figure that cannot be; its path begins at the job."""

    path: str
    hint: str


class _Bound(NamedTuple):
    least: float
    most: float
    is_above: bool = False
    """Whether the least value itself is too low."""


_MANY = 10**9
_RECIPE: Mapping[str, _Bound] = {
    "seed": _Bound(0, 2**32 - 1),
    "epochs": _Bound(0, 1000, is_above=True),
    "steps": _Bound(1, _MANY),
    "batch_size": _Bound(1, 4096),
    "accumulate": _Bound(1, 4096),
    "learning_rate": _Bound(0, 1, is_above=True),
    "learning_rate_multiplier": _Bound(0, 1000, is_above=True),
    "warmup_share": _Bound(0, 1),
    "weight_decay": _Bound(0, 1),
    "clip": _Bound(0, _MANY, is_above=True),
    "max_tokens": _Bound(8, 2**20),
    "beta": _Bound(0, 100, is_above=True),
    "evaluate_every": _Bound(0, _MANY),
    "checkpoint_every": _Bound(1, _MANY),
    "checkpoints_kept": _Bound(1, 100),
    "patience": _Bound(1, _MANY),
    "threads": _Bound(0, 4096),
}
_LORA: Mapping[str, _Bound] = {
    "rank": _Bound(1, 4096),
    "alpha": _Bound(0, _MANY, is_above=True),
    "dropout": _Bound(0, 0.99),
}
_SHAPE: Mapping[str, _Bound] = {
    **dict.fromkeys(("hidden", "inner"), _Bound(8, 2**16)),
    **dict.fromkeys(("layers", "heads", "key_value_heads"), _Bound(1, 1024)),
    "vocabulary": _Bound(260, 2**20),
    "context_tokens": _Bound(8, 2**20),
}
_GATE: Mapping[str, _Bound] = {
    "margin": _Bound(-1, 1),
    "confidence": _Bound(0.5, 0.9999),
    "references": _Bound(1, 10_000),
    "most_items": _Bound(1, 1_000_000),
    "tolerance": _Bound(0, 1),
}
_HELD_OUT = _Bound(0, 0.9)


def find_fault(recipe: Recipe, gate: GateRules, *, held_out_share: float) -> OutOfBounds | None:
    """Return the first figure that cannot be."""
    for path, value, bound in _figures(recipe, gate, held_out_share):
        is_low = value <= bound.least if bound.is_above else value < bound.least
        if not math.isfinite(value) or is_low or value > bound.most:
            word = "above" if bound.is_above else "at least"
            return OutOfBounds(path, f"It must be {word} {bound.least:g} and at most {bound.most:g}.")
    return None


def _figures(recipe: Recipe, gate: GateRules, held_out_share: float) -> Iterator[tuple[str, float, _Bound]]:
    parts: tuple[tuple[str, Recipe | GateRules | Lora | Shape | None, Mapping[str, _Bound]], ...] = (
        ("recipe", recipe, _RECIPE),
        ("recipe.lora", recipe.lora, _LORA),
        ("recipe.shape", recipe.shape, _SHAPE),
        ("gate", gate, _GATE),
    )
    for path, part, bounds in parts:
        for name, bound in bounds.items():
            value = getattr(part, name, None)
            if value is not None:
                yield f"{path}.{name}", value, bound
    yield "held_out_share", held_out_share, _HELD_OUT
