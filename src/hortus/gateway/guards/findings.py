"""What does a guard find in a text, and how is it asked? Positions and kinds only; never what was written there."""

from __future__ import annotations

from typing import Literal, Protocol

import msgspec

Guard = Literal["personal_data", "secrets", "blocked_words"]


class Finding(msgspec.Struct, frozen=True, gc=False):
    """One place in a text. `start` and `end` count characters, as slices do.

    Attributes:
        guard: Whose rule of the policy decides what happens to it.
        kind: What it is: `iban`, `email`, `national_id`, `person` …
        country: ISO 3166-1 alpha-2 code of the country that gave the number, where that is known.
    """

    guard: Guard
    kind: str
    start: int
    end: int
    country: str | None = None


class Finder(Protocol):
    """Looks for what one policy asks for. Pure, the same for the same text, safe to share between threads."""

    def find(self, text: str) -> list[Finding]:
        """All findings in order of their place; no two overlap."""
        ...
