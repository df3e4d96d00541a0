"""What may a mistyped word have meant?"""

from __future__ import annotations

from collections.abc import Collection
from difflib import get_close_matches


def suggest(word: str, known: Collection[str]) -> str | None:
    """Return `Did you mean …?` where something known is close to `word`.

    >>> suggest("hots", ["host", "model"])
    'Did you mean `host`?'
    """
    close = get_close_matches(word, known, n=1, cutoff=0.6)
    return f"Did you mean `{close[0]}`?" if close else None
