"""Which of people's words cannot stand in a product's papers? Pure; how long they may be, their type says."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

from hortus.control.workshop.bounds import OutOfBounds
from hortus.jobs.spec import About

_UNSEEN = frozenset(("Cc", "Cs", "Zl", "Zp"))
"""Kinds of characters that steer a terminal or a page: controls, halves of characters, breaks of other kinds."""

_TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Those that make a line read in another order than it is written in."""

_ONE_LINE = frozenset(("maker", "data_licence"))


def find_unfit(about: About) -> OutOfBounds | None:
    """Return the first text that says nothing, or has characters that no reader sees."""
    for path, text, breaks in _texts(about):
        if not text.strip():
            return OutOfBounds(path, "It says nothing: leave it out, then it stays an open question.")
        if any(_is_unseen(one) and one not in breaks for one in text):
            allowed = "line breaks (\\n) are the only" if breaks else "one line without"
            return OutOfBounds(path, f"Write plain text: {allowed} control characters.")
    return None


def _is_unseen(one: str) -> bool:
    return one in _TURNING or unicodedata.category(one) in _UNSEEN


def _texts(about: About) -> Iterator[tuple[str, str, str]]:
    """Yield where a text stands, the text, and which of the unseen characters it may have."""
    for name in about.__struct_fields__:
        value, breaks = getattr(about, name), "" if name in _ONE_LINE else "\n"
        if isinstance(value, str):
            yield f"about.{name}", value, breaks
    for place, limit in enumerate(about.limits):
        yield f"about.limits[{place}]", limit, "\n"
