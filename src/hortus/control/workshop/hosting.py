"""What of a job can its host not be told? Pure: it is refused when the job is created, never left out silently.

https://github.com/openai/openai-python (`types/fine_tuning/job_create_params.py`), read 2026-11.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import msgspec

from hortus.jobs.spec import About, GateRules, JobAsked, Recipe

_TOLD = frozenset(("seed", "epochs", "batch_size", "learning_rate_multiplier"))
_OURS = frozenset(("max_tokens",))
"""What the check here sees to, before the host gets anything."""

_ELSEWHERE = {"form": "merged", "engine": "auto"}


class Uncarried(NamedTuple):
    """What the host has no words for; its path begins at the job."""

    path: str
    message: str
    hint: str


def find_uncarried(wish: JobAsked) -> Uncarried | None:
    """Return the first thing that a host cannot be told, None where it can be told everything."""
    return next(_uncarried(wish), None)


def _uncarried(wish: JobAsked) -> Iterator[Uncarried]:
    if wish.method == "scratch":
        yield Uncarried("method", "A host makes no model from scratch.", "Use `supervised` or `dpo`, or another base.")
    yield from _of_recipe(wish)
    if wish.gate.references != GateRules().references:
        hint = "Leave it out: the gate asks the model and its base the held-out questions and the suites."
        yield Uncarried("gate.references", "A host keeps its trainer's answers to itself.", hint)
    for name in _unusual(wish.about, About()):
        yield Uncarried(f"about.{name}", "A model that a host has tuned has no papers here.", "Leave it out.")
    for name, value in _ELSEWHERE.items():
        if getattr(wish, name) != value:
            yield Uncarried(name, "A model that a host has tuned stays there.", "Leave it out.")


def _of_recipe(wish: JobAsked) -> Iterator[Uncarried]:
    told = _TOLD | {"beta"} if wish.method == "dpo" else _TOLD
    hint = f"Leave it out: a host is told {', '.join(sorted(told))} and no more."
    for name in dict.fromkeys((*wish.said, *_unusual(wish.recipe, Recipe()))):
        if name not in told | _OURS:
            yield Uncarried(f"recipe.{name}", f"A host that tunes a model has no word for `{name}`.", hint)
    if not wish.recipe.epochs.is_integer():
        yield Uncarried("recipe.epochs", "A host counts whole epochs.", "Use a whole number.")


def _unusual(given: msgspec.Struct, usual: msgspec.Struct) -> list[str]:
    return [name for name in given.__struct_fields__ if getattr(given, name) != getattr(usual, name)]
