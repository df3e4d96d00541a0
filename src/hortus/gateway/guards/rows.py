"""What is known about one kind of number: its layouts, its check, what the check alone proves, the words beside it.

A layout is written with `#` for a digit, `@` for a letter, `*` for either, a blank for a separator that may be there,
`_` for one that must be, `~` for the sign of a century in Finland; anything else stands for itself.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Literal

import msgspec

Sort = Literal["identity", "tax", "social", "health", "education", "vat", "card"]

WEAK_SHARE = 1.0
"""Per cent of random numbers that may pass a check which is believed without a word beside the number."""

SEPARATORS = " ./-"
_SEPARATOR = r"[ ./\-]"
_PIECES = {"#": "[0-9]", "@": "[A-Z]", "*": "[0-9A-Z]", " ": f"{_SEPARATOR}?", "_": _SEPARATOR, "~": "[-+A-FU-Y]"}
_AFTER = r"(?![0-9A-Z])(?![./\-][0-9])"
LETTERS_FIRST = 0
"""The group of numbers that begin with a letter."""


class Row(msgspec.Struct, frozen=True):
    """One kind of number of one country.

    Attributes:
        country: ISO 3166-1 alpha-2 code, None for numbers of no country.
        name: As it is called there.
        sort: Whose general words count as well.
        layouts: How it is written.
        check: Whether a number without separators, in capitals, holds.
        share: Per cent of random strings in these layouts that the check accepts, measured by tools/guard_shares.py.
        words: Words of the country's languages that stand beside it, folded as `folding.words_of` does; up to four
            letters they must be whole words.
        kind: What a finding is called.
        by_layout: The layout alone tells it from other numbers that pass the check.
        needs_word: Other things are written alike, whatever the check accepts.
    """

    country: str | None
    name: str
    sort: Sort
    layouts: tuple[str, ...]
    check: Callable[[str], bool]
    share: float
    words: tuple[str, ...] = ()
    kind: str = "national_id"
    by_layout: bool = False
    needs_word: bool = False

    @property
    def is_weak(self) -> bool:
        """Whether a word must stand beside it."""
        return not self.by_layout and (self.needs_word or self.share >= WEAK_SHARE)

    @property
    def keeps_signs(self) -> bool:
        """Whether a sign inside the number means something."""
        return any("~" in layout for layout in self.layouts)


class Group(msgspec.Struct, frozen=True):
    """The rows that a number of one beginning may belong to, tried in one go."""

    pattern: re.Pattern[str]
    rows: tuple[Row, ...]


def groups_of(rows: Iterable[Row]) -> Mapping[int, Group]:
    """The rows by the length of their first run of digits; `LETTERS_FIRST` for those that begin with a letter."""
    by_run: dict[int, dict[str, tuple[Row, list[str]]]] = {}
    for number, row in enumerate(rows):
        for layout in row.layouts:
            for run in _first_runs(layout):
                by_run.setdefault(run, {}).setdefault(str(number), (row, []))[1].append(layout)
    return {run: _group(found.values()) for run, found in by_run.items()}


def _group(found: Iterable[tuple[Row, list[str]]]) -> Group:
    rows, patterns = [], []
    for row, layouts in found:
        longest_first = sorted(layouts, key=len, reverse=True)
        shapes = "|".join("".join(_PIECES.get(one, re.escape(one)) for one in layout) for layout in longest_first)
        rows.append(row)
        patterns.append(f"(?:(?=((?:{shapes}){_AFTER}))|)")
    return Group(re.compile("".join(patterns), re.ASCII | re.IGNORECASE), tuple(rows))


def _first_runs(layout: str) -> set[int]:
    """How many digits may stand at the beginning before something else does."""
    runs, length = set(), 0
    for one in layout:
        if one in {"#", "*"} or one.isdigit():
            if one == "*":
                runs.add(length)
            length += 1
        elif one == " ":
            runs.add(length)
        else:
            break
    runs.add(length)
    return runs
