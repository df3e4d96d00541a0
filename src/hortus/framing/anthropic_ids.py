"""What a request names of what Anthropic keeps (files, containers), and what an answer gives out.

The values of a block's `input` are the model's words, so a `file_id` among them names and gives nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec
from msgspec import Raw

from hortus.canon.dialect import HostId
from hortus.canon.errors import InvalidRequest
from hortus.framing.counting import UNREADABLE
from hortus.framing.shallow import Members, read_value

_FILE = "file_id"
_WORDS = "input"

# The key however it is written: `"file_id"`, `"file\u005fid"`, …
_KEY = re.compile(b'"' + b"".join(rb"(?:%c|\\u00%02x)" % (ord(c), ord(c)) for c in _FILE) + rb'"\s*:', re.IGNORECASE)

_RESULT = "_tool_result"
_DECODE = msgspec.json.Decoder().decode


class _Block(msgspec.Struct):
    type: str = ""


_DECODE_BLOCK = msgspec.json.Decoder(_Block).decode


def named_ids(members: Members) -> tuple[HostId, ...]:
    """Return what a request names.

    Raises:
        InvalidRequest: A file's id stands twice in one object: the host might take the other one.
    """
    messages, container = members.get("messages"), members.get("container")
    found: list[HostId] = []
    if messages is not None and may_name_files(messages):
        files = list(_files_in(read_value(messages)))
        if len(files) != len(_KEY.findall(messages)):
            raise InvalidRequest(
                "An object in the messages has two members `file_id`.", path="messages", hint="Send one of them."
            )
        found += [("file", value) for value, is_meant in files if is_meant and isinstance(value, str)]
    if container is not None:
        found += container_ids(container)
    return tuple(dict.fromkeys(found))


def may_name_files(raw: Raw | bytes) -> bool:
    """Tell whether JSON text could name a file: quickly, as nearly none does."""
    text = bytes(raw)
    return b"file_id" in text or b"\\u00" in text


def container_ids(raw: Raw) -> list[HostId]:
    """Return the container that a `container` member names: a string, or an object with an `id`."""
    try:
        value = _DECODE(raw)
    except UNREADABLE:
        return []
    found = value.get("id") if isinstance(value, dict) else value
    return [("container", found)] if isinstance(found, str) else []


def given_files(block: Raw) -> list[HostId]:
    """Return the files that a block of an answer gives out: only results of tools that Anthropic runs do."""
    try:
        if not may_name_files(block) or not _DECODE_BLOCK(block).type.endswith(_RESULT):
            return []
        return [("file", value) for value, is_meant in _files_in(_DECODE(block)) if is_meant and isinstance(value, str)]
    except UNREADABLE:
        return []


def _files_in(value: object) -> Iterator[tuple[object, bool]]:
    """Return the value of each `file_id`, and whether it is meant as one."""
    stack = [(value, True)]
    while stack:
        one, is_meant = stack.pop()
        if isinstance(one, dict):
            for name, member in one.items():
                if name == _FILE:
                    yield member, is_meant
                stack.append((member, is_meant and name != _WORDS))
        elif isinstance(one, list):
            stack += [(item, is_meant) for item in one]
