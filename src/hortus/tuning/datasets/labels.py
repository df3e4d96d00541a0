"""Are the answers labels, and how evenly are they spread? Labels are short answers that come again and again."""

from __future__ import annotations

from array import array
from collections import Counter
from math import log2

import msgspec

from hortus.jobs.examples import Message

LONGEST_LABEL = 60
"""In characters."""
MOST_LABELS = 200
REPEATED = 4
"""A label occurs so often on average; answers that occur less often are no labels."""
RARE = 5
"""Labels that occur less often are hard to learn and to judge."""
DOMINANT_SHARE = 0.6
_DOMINANT_OF = 2  # with two labels one of them is above a half anyway


class LabelFigures(msgspec.Struct, frozen=True):
    """How often each label occurs.

    Attributes:
        counts: Commonest first.
        entropy_bits: Of their shares; `log2(labels)` where all are as common.
    """

    counts: dict[str, int]
    entropy_bits: float
    rare: int
    dominant_share: float

    @property
    def is_dominated(self) -> bool:
        """Whether one label makes up too much."""
        return self.dominant_share > max(DOMINANT_SHARE, 1.5 / max(len(self.counts), _DOMINANT_OF))


class Labels:
    """Answers as they come; gives up as soon as they cannot be labels."""

    def __init__(self) -> None:
        self._names: dict[str, int] = {}
        self._rows = array("l")
        self._is_given_up = False

    def add(self, answer: Message) -> None:
        """Take the next example's answer."""
        content = answer.get("content")
        is_short = isinstance(content, str) and len(content) <= LONGEST_LABEL and not answer.get("tool_calls")
        if self._is_given_up or not is_short:
            self._is_given_up = True
            return
        self._rows.append(self._names.setdefault(str(content).strip(), len(self._names)))
        if len(self._names) > MOST_LABELS:
            self._is_given_up = True

    def of_rows(self) -> list[str] | None:
        """Return the label of each example; None where answers are no labels."""
        if self._is_given_up or not 1 < len(self._names) <= len(self._rows) / REPEATED:
            return None
        names = list(self._names)
        return [names[number] for number in self._rows]


def figures_of(labels: list[str]) -> LabelFigures:
    """Return how labels are spread."""
    counts = dict(sorted(Counter(labels).items(), key=lambda one: (-one[1], one[0])))
    shares = [count / len(labels) for count in counts.values()]
    return LabelFigures(
        counts,
        entropy_bits=round(-sum(share * log2(share) for share in shares), 4),
        rare=sum(count < RARE for count in counts.values()),
        dominant_share=round(shares[0], 4),
    )
