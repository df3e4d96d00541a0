"""Where in the text of a JSON object do the values of its members stand? For whoever changes one and no other byte."""

from __future__ import annotations

import re
from typing import Final

import msgspec

from hortus.canon.errors import InvalidRequest
from hortus.framing.shallow import Members

_SPACE: Final = re.compile(rb"[ \t\r\n]*")
_NAME: Final = re.compile(rb'[ \t\r\n]*("(?:[^"\\]|\\.)*+")[ \t\r\n]*:[ \t\r\n]*', re.DOTALL)
_DECODE_NAME = msgspec.json.Decoder(str).decode


def places_in(text: bytes, members: Members) -> dict[str, int]:
    """Return where each value begins.

    >>> from hortus.framing.shallow import read_members
    >>> text = b' {"a": [1, 2], "model" :"m"}'
    >>> places_in(text, read_members(text))
    {'a': 7, 'model': 24}

    Args:
        text: A JSON object.
        members: As it was read.

    Raises:
        InvalidRequest: One stands there twice, so that two readers could see different ones.
    """
    places: dict[str, int] = {}
    at = text.find(b"{") + 1
    for name, value in members.items():
        found = _NAME.match(text, at)
        if found is None or _DECODE_NAME(found[1]) != name or not text.startswith(bytes(value), found.end()):
            raise _twice()
        places[name] = found.end()
        at = _skip(text, found.end() + len(bytes(value)))
        if text[at : at + 1] == b",":
            at += 1
    if text[_skip(text, at) :].strip() != b"}":
        raise _twice()
    return places


def _skip(text: bytes, at: int) -> int:
    found = _SPACE.match(text, at)
    return at if found is None else found.end()


def _twice() -> InvalidRequest:
    return InvalidRequest("A member stands twice in one object.", hint="Send it once.")
