"""Which parts of a JSON body count more tokens than they have bytes? Found without decoding, where there are none.

A marked word can stand in a text only with its quotes escaped, and in a member's name only as it is, or spelled with
escapes: such a body is spelled plainly first.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import TypeVar

import msgspec

from hortus.canon.units import Unit
from hortus.framing.shallow import read_value

Members = Mapping[str, msgspec.Raw]

Judge = Callable[[dict[str, object]], Unit | None]
"""Says for one object of a body which unit it is, if any."""

_NOTHING: Mapping[Unit, int] = MappingProxyType({"image": 0, "document": 0})
_Item = TypeVar("_Item")
_ESCAPED_ASCII = re.compile(rb"\\u00[2-7]")
_MOST_CHOICES = 1024
"""Above what any host gives; a larger number is one that the host refuses."""

_DECODE_TEXT = msgspec.json.Decoder(str).decode
_DECODE_INT = msgspec.json.Decoder(int).decode


def count_parts(body: bytes, marks: tuple[bytes, ...], judge: Judge) -> Mapping[Unit, int]:
    """Return how many of each unit stand in a body.

    Args:
        body: Valid JSON.
        marks: Words with their quotes, one of which stands in every body that has a unit.
        judge: Looks at each object where there is one.
    """
    if b"\\u00" in body and _ESCAPED_ASCII.search(body):
        body = msgspec.json.encode(read_value(body))
    for mark in marks:
        if mark in body:
            break
    else:
        return _NOTHING
    found = (judge(one) for one in _objects_in(read_value(body)))
    return {**_NOTHING, **Counter(unit for unit in found if unit is not None)}


def marks_of(words: Mapping[str, Unit]) -> tuple[bytes, ...]:
    """Return words as they stand in a body."""
    return tuple(f'"{word}"'.encode() for word in words)


def by_type(types: Mapping[str, Unit]) -> Judge:
    """Return a judge that goes by the member `type`."""

    def judge(part: dict[str, object]) -> Unit | None:
        kind = part.get("type")
        return types.get(kind) if isinstance(kind, str) else None

    return judge


def is_set(members: Members, name: str) -> bool:
    """Tell whether a member is there and neither null nor empty."""
    value = members.get(name)
    return value is not None and bytes(value) not in {b"null", b"false", b"[]", b"{}", b'""'}


def text_of(members: Members, name: str) -> str | None:
    """Return a member that is a text, None where it is not."""
    value = members.get(name)
    if value is None:
        return None
    try:
        return _DECODE_TEXT(value)
    except msgspec.DecodeError:
        return None


def list_of(members: Members, name: str, decode: Callable[[msgspec.Raw], list[_Item]]) -> list[_Item]:
    """Return a member that is a list; nothing where there is none, or what the host refuses."""
    value = members.get(name)
    if value is None:
        return []
    try:
        return decode(value)
    except msgspec.DecodeError:
        return []


def number_of(members: Members, name: str, *, usual: int) -> int:
    """Return a member that is a whole number above zero, the usual one where it is not."""
    value = members.get(name)
    if value is None:
        return usual
    try:
        return min(max(_DECODE_INT(value), 1), _MOST_CHOICES)
    except msgspec.DecodeError:
        return usual


def _objects_in(value: object) -> Iterator[dict[str, object]]:
    left = [value]
    while left:
        here = left.pop()
        if isinstance(here, dict):
            yield here
            left.extend(here.values())
        elif isinstance(here, list):
            left.extend(here)
