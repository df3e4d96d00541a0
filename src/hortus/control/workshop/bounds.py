"""Which settings of a job make no sense, whatever its examples are? Pure."""

from __future__ import annotations

import math
import re
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
_MOST_STEPS = 10_000_000
_MOST_SEEN = 100_000_000
"""Examples that a run may see, each as often as it does: their order is held in memory."""
_MOST_NAMES, _LONGEST_NAME = 32, 128
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
"""Of suites, which are files: no path may be made of one."""
_RECIPE: Mapping[str, _Bound] = {
    "seed": _Bound(0, 2**32 - 1),
    "epochs": _Bound(0, 1000, is_above=True),
    "steps": _Bound(1, _MOST_STEPS),
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
    "threads": _Bound(0, 256),
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
    "margin": _Bound(0, 1),
    "confidence": _Bound(0.9, 0.9999),
    "references": _Bound(4, 1000),
    "most_items": _Bound(20, 10_000),
    "tolerance": _Bound(0, 0.2),
}
"""What passes is better than its base, as served, and that was looked at: no job may ask for less."""
_HELD_OUT = _Bound(0, 0.9)


def find_fault(recipe: Recipe, gate: GateRules, *, held_out_share: float) -> OutOfBounds | None:
    """Return the first figure that cannot be."""
    for path, value, bound in _figures(recipe, gate, held_out_share):
        is_low = value <= bound.least if bound.is_above else value < bound.least
        if not math.isfinite(value) or is_low or value > bound.most:
            word = "above" if bound.is_above else "at least"
            return OutOfBounds(path, f"It must be {word} {bound.least:g} and at most {bound.most:g}.")
    return _find_contradiction(recipe) or _find_bad_name(recipe, gate)


def _find_contradiction(recipe: Recipe) -> OutOfBounds | None:
    """Return what only is too much together with something else."""
    if (recipe.steps or 1) * recipe.batch_size * recipe.accumulate > _MOST_SEEN:
        return OutOfBounds("recipe.steps", f"A run may see {_MOST_SEEN:g} examples: fewer steps, or smaller batches.")
    shape = recipe.shape
    if shape is not None and shape.hidden % (2 * shape.heads):
        return OutOfBounds("recipe.shape.heads", "`hidden` must be an even multiple of it.")
    if shape is not None and shape.heads % shape.key_value_heads:
        return OutOfBounds("recipe.shape.key_value_heads", "`heads` must be a multiple of it.")
    return None


def _find_bad_name(recipe: Recipe, gate: GateRules) -> OutOfBounds | None:
    """Return the first list of names that is too long, or has a name that can be none."""
    targets = recipe.lora.targets if recipe.lora is not None else ()
    for path, names in (("gate.suites", gate.suites), ("recipe.lora.targets", targets)):
        if len(names) > _MOST_NAMES or len(set(names)) < len(names):
            return OutOfBounds(path, f"Name each once, at most {_MOST_NAMES} of them.")
        if any(len(name) > _LONGEST_NAME or not _NAME.fullmatch(name) for name in names):
            return OutOfBounds(path, "Names have letters, digits and . _ - only, and begin with a letter or a digit.")
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
