"""Bars of text: how large parts are beside the whole."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

SOLID, SHADED, EMPTY = "█", "▒", "·"


def draw_bar(parts: Sequence[tuple[Decimal, str]], whole: Decimal, *, width: int = 10) -> str:
    """Return a bar of `width` characters; each part is an amount and the character that stands for it.

    Something is never shown as nothing while there is room, and what is over the whole fills the bar.
    So does anything of nothing.

    >>> draw_bar([(Decimal(30), "█"), (Decimal(1), "▒")], Decimal(100))
    '███▒······'
    """
    if whole <= 0:
        return SOLID * width
    text = ""
    reached = Decimal(0)
    for amount, mark in parts:
        if amount <= 0:
            continue
        reached += amount
        end = width if reached >= whole else int(reached * width / whole)
        text += mark * max(end - len(text), 1)
    return text[:width].ljust(width, EMPTY)
