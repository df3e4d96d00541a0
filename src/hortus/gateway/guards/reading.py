"""What does a finder read of a request? All its words as one text, JSON unfolded, and each word's way back.

Strings inside JSON are read as what they say, each after its key, so that context counts and no escape hides anything;
JSON text inside a string is unfolded, too. Numbers are read as well. Nothing is re-serialised that has not changed.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator

import msgspec

from hortus.gateway.guards.places import Kind

_TOKEN = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|-?\d[\d.eE+-]*', re.DOTALL)
_IS_KEY = re.compile(r"\s*:")
_IS_JSON = re.compile(r"\s*[\[{]")
_LEAST_DIGITS = 5
"""Shorter numbers in JSON are read past: no identifier is that short."""

_DEEPEST = 4
"""JSON inside strings inside JSON …: deeper it is read as it is spelled."""

_BREAK = "\n\x1f\n"
"""Between two places: no finding reaches across."""

_CHECK = msgspec.json.Decoder(msgspec.Raw).decode
_STRING = msgspec.json.Decoder(str).decode
_ENCODE = msgspec.json.Encoder().encode


class Place(msgspec.Struct, frozen=True, gc=False):
    """Where words stand.

    Attributes:
        at: Path in the client's own wire format.
        sealed: Which sealed thoughts it belongs to; 0: none.
        is_raw: It is a JSON value, of whatever kind.
    """

    kind: Kind
    at: str
    sealed: int = 0
    is_raw: bool = False


class Words:
    """A stretch of the reading.

    Attributes:
        start: Where it begins in the reading.
        text: What it says.
        key: Of what it is the value, where it stands in JSON.
        is_fixed: Nothing else may stand there.
        is_number: It is a number in JSON, in whose place no placeholder can stand.
        written: What stands there in the end.
    """

    __slots__ = ("is_fixed", "is_number", "key", "place", "start", "text", "written")

    def __init__(self, text: str, place: Place, *, key: str = "", is_number: bool = False) -> None:
        self.start = 0
        self.text = text
        self.place = place
        self.key = key
        self.is_fixed = place.kind == "fixed"
        self.is_number = is_number
        self.written = text

    @property
    def end(self) -> int:
        """Where it ends in the reading."""
        return self.start + len(self.text)


class Unfolded:
    """JSON text: its strings and numbers, each where it stands."""

    __slots__ = ("text", "tokens")

    def __init__(self, text: str, tokens: list[tuple[int, int, Words | Unfolded]]) -> None:
        self.text = text
        self.tokens = tokens

    @property
    def written(self) -> str:
        """The text with those strings exchanged that have become something else; the same one where none has."""
        pieces: list[str] = []
        place = 0
        for start, end, inner in self.tokens:
            written = inner.written
            if written is not inner.text:
                pieces += (self.text[place:start], _ENCODE(written).decode())
                place = end
        return "".join(pieces) + self.text[place:] if pieces else self.text


class Reading:
    """One text of many places."""

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._length = 0
        self.words: list[Words] = []
        """In the order in which they are read."""

    @property
    def text(self) -> str:
        """What a finder reads."""
        return "".join(self._pieces)

    def add(self, text: str, place: Place) -> Words | Unfolded:
        """Add a place; return what it will be written from. Thoughts are read as they stand, to the letter."""
        if place.kind == "thought":
            return self._read(Words(text, place), _BREAK)
        return self._unfold(text, place, depth=0) if place.is_raw else self._add(text, place, depth=0)

    def _add(self, text: str, place: Place, *, depth: int, key: str = "") -> Words | Unfolded:
        if depth < _DEEPEST and _IS_JSON.match(text) and _is_json(text):
            return self._unfold(text, place, depth=depth)
        return self._read(Words(text, place, key=key), _BREAK)

    def _unfold(self, text: str, place: Place, *, depth: int) -> Unfolded:
        tokens: list[tuple[int, int, Words | Unfolded]] = []
        key = ""
        for match in _TOKEN.finditer(text):
            token = match[0]
            if token[0] != '"':
                if len(token) >= _LEAST_DIGITS:
                    words = Words(token, place, key=key, is_number=True)
                    tokens.append((match.start(), match.end(), self._read(words, _BREAK)))
                continue
            said = _said(token)
            inner: Words | Unfolded
            if _IS_KEY.match(text, match.end()):
                key = said
                inner = self._read(Words(said, place), ": ")
            else:
                inner = self._add(said, place, depth=depth + 1, key=key)
            tokens.append((match.start(), match.end(), inner))
        return Unfolded(text, tokens)

    def _read(self, words: Words, after: str) -> Words:
        words.start = self._length
        self._pieces += (words.text, after)
        self._length += len(words.text) + len(after)
        self.words.append(words)
        return words

    def reached(self, start: int, end: int) -> Iterator[tuple[Words, int, int]]:
        """Yield the words that a stretch of the reading touches, and from where to where in each."""
        number = max(bisect_right(self.words, start, key=lambda words: words.start) - 1, 0)
        while number < len(self.words) and self.words[number].start < end:
            words = self.words[number]
            first, last = max(start, words.start) - words.start, min(end, words.end) - words.start
            if first < last:
                yield words, first, last
            number += 1


def _said(token: str) -> str:
    """Return what a string of valid JSON says."""
    return _STRING(token) if "\\" in token else token[1:-1]


def _is_json(text: str) -> bool:
    try:
        _CHECK(text)
    except (msgspec.DecodeError, RecursionError, UnicodeEncodeError):
        return False
    return True
