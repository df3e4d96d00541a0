"""How fast does a method learn where the recipe does not say? Small models bear, and need, higher rates."""

from __future__ import annotations

from hortus.jobs.spec import Method as Kind
from hortus.jobs.spec import Recipe

# Anchors for about seven billion parameters, as model cards of tuned models give them; the growth with the square
# root down to a million was seen to train well there (1e-3 to 3e-3 at 1.3 million). Starting points, no optima.
_ANCHOR = 7e9
_FULL, _LORA_TIMES, _DPO_SHARE = 2e-5, 10.0, 1 / 40
_HIGHEST_FULL, _HIGHEST_LORA, _HIGHEST_SCRATCH = 2e-3, 3e-3, 3e-3
_SCRATCH, _SCRATCH_ANCHOR = 6e-4, 125e6


def learning_rate(kind: Kind, *, recipe: Recipe, parameters: int) -> float:
    """Return the highest learning rate of a run: the recipe's, or the method's own, times the recipe's multiplier.

    >>> learning_rate("supervised", recipe=Recipe(), parameters=7_000_000_000)
    0.0002
    """
    own = recipe.learning_rate if recipe.learning_rate is not None else _usual(kind, recipe, parameters)
    return own * recipe.learning_rate_multiplier


def _usual(kind: Kind, recipe: Recipe, parameters: int) -> float:
    size = max(1, parameters)
    if kind == "scratch":
        return _rounded(min(_HIGHEST_SCRATCH, _SCRATCH * (_SCRATCH_ANCHOR / size) ** 0.5))
    rate = min(_HIGHEST_FULL, _FULL * (_ANCHOR / size) ** 0.5)
    if recipe.lora is not None:
        rate = min(_HIGHEST_LORA, rate * _LORA_TIMES)
    return _rounded(rate * _DPO_SHARE if kind == "dpo" else rate)


def _rounded(rate: float) -> float:
    return float(f"{rate:.2g}")
