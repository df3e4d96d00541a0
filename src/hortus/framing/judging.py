"""What was found by whoever judges content, where dialects write it alike; and how a conversation is made a text."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from msgspec import Raw

from hortus.canon.loss import Loss
from hortus.canon.moderation import ModerationCategory, ModerationResult
from hortus.framing.ranking import check_score

OWN_NAMES = Loss(
    path="results[].categories",
    weight="tuning",
    reason="They are called, and meant, as the host that judged has them: another maker's categories are not the same.",
)
"""Of every answer that passes between two makers."""

_NULL = b"null"


def categories_of(
    flags: Mapping[str, bool | None], scores: Mapping[str, Raw] | None, *, at: str
) -> tuple[ModerationCategory, ...]:
    """Return the categories of one result, in the order of the flags.

    Raises:
        BrokenStream: A score is no number.
    """
    scores = scores or {}
    return tuple(
        ModerationCategory(name=name, is_flagged=bool(flag), score=_score(scores.get(name), at=at), at=f"{at}.{name}")
        for name, flag in flags.items()
    )


def write_flags(result: ModerationResult) -> dict[str, object]:
    """Return the categories, and the scores of those that have one."""
    return {
        "categories": {one.name: one.is_flagged for one in result.categories},
        "category_scores": {one.name: one.score for one in result.categories if one.score is not None},
    }


def _score(raw: Raw | None, *, at: str) -> msgspec.Raw | None:
    return None if raw is None or bytes(raw) == _NULL else check_score(raw, at=at)
