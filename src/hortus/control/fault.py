"""One thing that is wrong with what was declared, and what a mistyped word may have meant."""

from __future__ import annotations

from collections.abc import Collection
from difflib import get_close_matches

import msgspec

from hortus.control.tomllines import Path

MOST_QUOTED = 60
"""Characters of what was written that a message repeats."""


class Fault(msgspec.Struct, frozen=True):
    """One thing that is wrong: where, what, and what to do next."""

    path: Path
    message: str
    hint: str | None = None


def suggest(word: str, known: Collection[str]) -> str | None:
    """Return `Did you mean …?` where something known is close to `word`.

    >>> suggest("hots", ["host", "model"])
    'Did you mean `host`?'
    """
    close = get_close_matches(word, known, n=1, cutoff=0.6)
    return f"Did you mean `{close[0]}`?" if close else None
