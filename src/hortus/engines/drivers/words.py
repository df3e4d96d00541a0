"""How do tokens that come one by one become text that may be sent? Whole characters, and nothing of a stop text."""

from __future__ import annotations

from collections.abc import Callable, Sequence

_BROKEN = "\N{REPLACEMENT CHARACTER}"
"""What a decoder writes for a character of which only some bytes are there."""

_MOST_HELD = 8
"""Tokens after which a broken character is taken as it is: it will not be mended."""


class Words:
    """The text of one answer; `decode` turns all tokens so far into text."""

    def __init__(self, decode: Callable[[Sequence[int]], str], *, stops: Sequence[str] = ()) -> None:
        self._decode = decode
        self._stops = stops
        self._tokens: list[int] = []
        self._text = ""
        self._given = 0
        self._held = 0
        self.has_stopped = False

    @property
    def token_count(self) -> int:
        """How many tokens came."""
        return len(self._tokens)

    def take(self, token: int) -> str:
        """Take one more token and return what may be sent now."""
        self._tokens.append(token)
        text = self._decode(self._tokens)
        self._held = self._held + 1 if text.endswith(_BROKEN) else 0
        if 0 < self._held <= _MOST_HELD:
            return ""
        self._text = text
        return self._give(is_end=False)

    def rest(self) -> str:
        """Return what was held back; nothing comes after it."""
        if not self.has_stopped:
            self._text = self._decode(self._tokens)
        return self._give(is_end=True)

    def _give(self, *, is_end: bool) -> str:
        found = [at for stop in self._stops if (at := self._text.find(stop)) >= 0]
        if found and not self.has_stopped:
            self.has_stopped = True
            self._text = self._text[: min(found)]
        safe = len(self._text) if is_end or self.has_stopped else len(self._text) - self._open_length()
        given = self._text[self._given : safe]
        self._given = max(self._given, safe)
        return given

    def _open_length(self) -> int:
        """Return how long the end is that may become a stop text."""
        lengths = range(max(map(len, self._stops), default=1) - 1, 0, -1)
        ends = (length for length in lengths if any(stop.startswith(self._text[-length:]) for stop in self._stops))
        return min(next(ends, 0), len(self._text))
