"""The questions one by one, with what was expected, answered and scored: JSON lines that stay in the job's folder."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from hortus.evals.answers import Given
from hortus.evals.graders import Expected, grade
from hortus.evals.ports import Answer
from hortus.evals.suitefiles import Item
from hortus.evals.suites import Questions


class ItemLine(msgspec.Struct, frozen=True, omit_defaults=True):
    """One question to one of both; `score` is None where it could not be asked."""

    suite: str
    item: str
    role: str
    expected: Expected
    score: float | None
    group: str | None = None
    answer: Answer | None = None
    refused: str | None = None
    unanswered: str | None = None


def item_lines(questions: Questions, given: Sequence[Given], *, role: str) -> list[bytes]:
    """Return the lines of one suite and one of both; none where it was not asked."""
    if not given:
        return []
    return [
        msgspec.json.encode(_line(questions, item, one, role)) for item, one in zip(questions.items, given, strict=True)
    ]


def score(questions: Questions, item: Item, given: Given) -> float | None:
    """Return how right an answer is: a refusal is wrong, of a question that could not be asked nothing is known."""
    if given.unanswered is not None:
        return None
    return 0.0 if given.answer is None else grade(questions.judge, item.expected, given.answer)


def _line(questions: Questions, item: Item, given: Given, role: str) -> ItemLine:
    return ItemLine(
        suite=questions.key,
        item=item.id,
        role=role,
        expected=item.expected,
        score=score(questions, item, given),
        group=item.group,
        answer=given.answer,
        refused=given.refused,
        unanswered=given.unanswered,
    )
