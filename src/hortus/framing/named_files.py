"""Which files of hosts does a request name by `file_id`, however deep, and however the member's letters are written?

Words of the model and schemas name nothing, whatever their members are called.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from msgspec import Raw

from hortus.canon.dialect import HostId
from hortus.canon.errors import InvalidRequest
from hortus.framing.shallow import read_value

_WORDS = frozenset(("arguments", "parameters", "schema", "output_schema", "text", "input"))
"""Members that hold words of the model or schemas of the client."""

_ESCAPED = re.compile(rb"\\u00(?:5[fF]|6[4569cC])")
"""A letter of the member's name."""


def key_pattern(name: str) -> re.Pattern[bytes]:
    """Return a pattern for a member's name, also where its letters are escaped."""
    letters = b"".join(rb"(?:%c|\\u00%02x)" % (ord(letter), ord(letter)) for letter in name)
    return re.compile(b'"' + letters + rb'"\s*:', re.IGNORECASE)


_FILE, _FILES = key_pattern("file_id"), key_pattern("file_ids")


def files_in(raw: Raw, *, path: str) -> Iterator[HostId]:
    """Yield the files that a value names.

    Raises:
        InvalidRequest: One is named twice in one object: the host might take the other one.
    """
    text = bytes(raw)
    if b"file_id" not in text and not _ESCAPED.search(text):
        return
    found = list(_walk(read_value(raw)))
    if len(found) != len(_FILE.findall(raw)) + len(_FILES.findall(raw)):
        raise named_twice("file_id", path)
    for value, is_meant in found:
        if is_meant:
            ids = value if isinstance(value, list) else [value]
            yield from (("file", one) for one in ids if isinstance(one, str))


def named_twice(name: str, path: str) -> InvalidRequest:
    """Return the error for an object in which an id stands twice."""
    return InvalidRequest(f"An object here has two members `{name}`.", path=path, hint="Send one of them.")


def _walk(value: object, *, is_meant: bool = True) -> Iterator[tuple[object, bool]]:
    """Yield the value of every `file_id` and `file_ids`, and whether a host will take it as one."""
    if isinstance(value, list):
        for one in value:
            yield from _walk(one, is_meant=is_meant)
    elif isinstance(value, dict):
        for name, member in value.items():
            if name in {"file_id", "file_ids"}:
                yield member, is_meant
            yield from _walk(member, is_meant=is_meant and name not in _WORDS)
