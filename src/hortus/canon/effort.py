"""How many tokens does an effort stand for? Dialects that know only the one or the other convert by this table."""

from __future__ import annotations

from types import MappingProxyType

BUDGETS = MappingProxyType(
    {"none": 0, "minimal": 1024, "low": 2048, "medium": 8192, "high": 16384, "xhigh": 32768, "max": 65536}
)
"""Tokens to think with, from no effort to the most; a rule of thumb, so what it changes is named as approximated."""


def budget_of(effort: str) -> int | None:
    """Return the tokens that an effort stands for, None where the word is not one of the field's.

    >>> budget_of("low"), budget_of("heroic")
    (2048, None)
    """
    return BUDGETS.get(effort)


def effort_of(budget_tokens: int) -> str:
    """Return the smallest effort whose budget is not below `budget_tokens`.

    >>> effort_of(0), effort_of(2049), effort_of(1_000_000)
    ('none', 'medium', 'max')
    """
    return next((effort for effort, budget in BUDGETS.items() if budget >= budget_tokens), "max")
