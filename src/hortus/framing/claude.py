"""What Anthropic's models take and refuse, by their names: for requests that were written for other makers.

A request that was written for them is never changed by this. https://docs.claude.com/en/docs/build-with-claude/effort,
…/extended-thinking, …/adaptive-thinking and the capabilities in GET /v1/models, read 2026-11.
"""

from __future__ import annotations

import re

import msgspec

# `claude-3-7-sonnet-20250219`, `claude-sonnet-4-5@20250929`, `anthropic/claude-haiku-4.5`, `claude-opus-5`
_VERSION = re.compile(r"claude-(?:[a-z]+-)?(\d{1,2})(?:[-.](\d{1,2}))?(?!\d)")


class ModelTraits(msgspec.Struct, frozen=True):
    """How a model is told to think, and whether its sampling can be changed.

    Attributes:
        takes_budget: `thinking` of the type `enabled`, with a number of tokens.
        takes_effort: `thinking` of the type `adaptive` and `output_config.effort`.
        takes_sampling: `temperature` other than 1, `top_p`, `top_k`.
    """

    takes_budget: bool = True
    takes_effort: bool = True
    takes_sampling: bool = True


_BEFORE_EFFORT = ModelTraits(takes_effort=False)
_AFTER_BUDGET = ModelTraits(takes_budget=False, takes_sampling=False)


def traits_of(model: str) -> ModelTraits:
    """Return what a model takes; of a model that is not Anthropic's nothing is known, so everything is tried.

    >>> traits_of("claude-haiku-4-5-20251001").takes_effort, traits_of("claude-opus-5").takes_budget
    (False, False)
    """
    found = _VERSION.search(model)
    if found is None:
        return ModelTraits()
    version = int(found[1]), int(found[2] or 0)
    if version < (4, 6):
        return _BEFORE_EFFORT
    return ModelTraits() if version == (4, 6) else _AFTER_BUDGET
