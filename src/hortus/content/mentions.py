"""Does a kept exchange mention some words, wherever in its request or answer they stand?

Letters' case, kinds of blanks and ways to write an accent do not count. Words that a stream brought in pieces are put
together again; JSON within a text, such as a tool's arguments, is read too.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

import msgspec

from hortus.content.exchange import Exchange

_DATA = re.compile(rb"^data:(.*)$", re.MULTILINE)
_BLANKS = re.compile(r"\s+")
_DEEPEST = 3  # of JSON within texts within JSON

_read = msgspec.json.Decoder().decode
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


def mentions(exchange: Exchange, words: str) -> bool:
    """Tell whether words stand in what was sent or what was got, or name who is behind it."""
    wanted = _plain(words)
    texts = (*exchange.subjects, *(_texts(exchange.request or b"")), *(_texts(exchange.answer or b"")))
    return bool(wanted) and any(wanted in _plain(text) for text in texts)


def _texts(body: bytes) -> Iterator[str]:
    """Yield every text of a body: of a stream, all that stands at the same place of its frames, as one."""
    frames = _frames(body)
    if frames is None:
        yield body.decode("utf-8", "replace")
        return
    together: dict[str, list[str]] = {}
    for frame in frames:
        for place, text in _leaves(frame, "", depth=0):
            together.setdefault(place, []).append(text)
    for pieces in together.values():
        yield from pieces
        yield "".join(pieces)


def _frames(body: bytes) -> list[object] | None:
    try:
        return [_read(body)]
    except _UNREADABLE:
        pass
    found = []
    for data in _DATA.findall(body):
        try:
            found.append(_read(data))
        except _UNREADABLE:
            continue  # `[DONE]`
    return found or None


def _leaves(value: object, place: str, *, depth: int) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for name, member in value.items():
            yield from _leaves(member, f"{place}.{name}", depth=depth)
    elif isinstance(value, list):
        for member in value:
            yield from _leaves(member, place, depth=depth)
    elif isinstance(value, str):
        yield place, value
        if depth < _DEEPEST and value.lstrip()[:1] in {"{", "["}:
            yield from _inside(value, place, depth=depth)


def _inside(text: str, place: str, *, depth: int) -> Iterator[tuple[str, str]]:
    try:
        inner = _read(text)
    except _UNREADABLE:
        return
    yield from _leaves(inner, f"{place}>", depth=depth + 1)


def _plain(text: str) -> str:
    return _BLANKS.sub(" ", unicodedata.normalize("NFKC", text)).casefold().strip()
