"""What do the finders hand to one another, and which of two that overlap wins?"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from typing import NamedTuple, Protocol

from hortus.gateway.guards.findings import Guard
from hortus.gateway.guards.folding import View, words_of
from hortus.gateway.guards.tables import Tables

NEAR = 60
"""Characters before and after a number in which a word counts for it."""

_WHOLE_WORD = 4
_PART_OF_WORD = 5


class Hit(NamedTuple):
    """A place in a view. `rank` says how sure it is; of two that overlap the higher one stays, then the longer."""

    rank: int
    start: int
    end: int
    guard: Guard
    kind: str
    country: str | None = None


class Seeker(Protocol):
    """One family of finders."""

    def seek(self, view: View) -> Iterable[Hit]:
        """What it finds, in any order; places may overlap."""
        ...


def apart(hits: Iterable[Hit]) -> list[Hit]:
    """Those that stay, in order, no two overlapping."""
    kept: list[Hit] = []
    starts: list[int] = []
    for hit in sorted(hits, key=lambda hit: (-hit.rank, hit.start - hit.end, hit.start)):
        place = bisect_left(starts, hit.start)
        if place < len(kept) and kept[place].start < hit.end:
            continue
        if place and kept[place - 1].end > hit.start:
            continue
        starts.insert(place, hit.start)
        kept.insert(place, hit)
    return kept


class Words:
    """Words that make a number beside them believable. Short ones count as whole words only."""

    def __init__(self, words: Iterable[str]) -> None:
        known = tuple(dict.fromkeys(words))
        self._spaced = tuple(f" {one} " for one in known if len(one) <= _WHOLE_WORD) + tuple(
            one for one in known if len(one) == _PART_OF_WORD
        )
        self._joined = tuple(one.replace(" ", "") for one in known if len(one) > _PART_OF_WORD)

    def are_in(self, near: Neighbourhood) -> bool:
        """Whether one of them stands there."""
        spaced = near.spaced
        for one in self._spaced:
            if one in spaced:
                return True
        if not self._joined:
            return False
        joined = near.joined
        for one in self._joined:  # noqa: SIM110 - any() costs twice as much, and this is asked of every number
            if one in joined:
                return True
        return False


class Neighbourhood:
    """The words around one place, folded when first asked for."""

    def __init__(self, text: str, start: int, end: int, *, tables: Tables | None = None) -> None:
        self._text, self._start, self._end, self._tables = text, start, end, tables
        self._spaced: str | None = None
        self._joined: str | None = None

    @property
    def spaced(self) -> str:
        """One blank between words and at both ends; the head of a table's column counts as near."""
        if self._spaced is None:
            head = self._tables.head(self._start) if self._tables else ""
            before = self._text[max(0, self._start - NEAR) : self._start]
            self._spaced = words_of(f"{head} {before} {self._text[self._end : self._end + NEAR]}")
        return self._spaced

    @property
    def joined(self) -> str:
        """No blanks at all: `steuerId`, `steuer_id` and `Steuer-ID` are one."""
        if self._joined is None:
            self._joined = self.spaced.replace(" ", "")
        return self._joined
