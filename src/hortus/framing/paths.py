"""Paths of members inside a JSON value, such as `choices[0].delta.cost`, and putting members back where they were.

A name that could be read otherwise (with a dot, a bracket, a quote or a control character, or empty) is written
`["a.b"]`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec

Step = str | int
"""Name of an object's member, or index in a list."""

_PLAIN_NAME = re.compile(r"[^.\[\]\"\x00-\x1f]+")
_STEP = re.compile(r"(?:^|\.)([^.\[\]\"\x00-\x1f]+)|\[(\d+)\]|\[(\"(?:[^\"\\]|\\.)*\")\]")

_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])
_LIST = msgspec.json.Decoder(list[msgspec.Raw])
_NAME = msgspec.json.Decoder(str)
_ENCODER = msgspec.json.Encoder()


def join_name(at: str, name: str) -> str:
    """Return the path of the member `name` of the object at `at`.

    >>> join_name("tools[0]", "strict"), join_name("", "a.b")
    ('tools[0].strict', '["a.b"]')
    """
    if _PLAIN_NAME.fullmatch(name):
        return f"{at}.{name}" if at else name
    return f"{at}[{_ENCODER.encode(name).decode()}]"


def join_paths(at: str, path: str) -> str:
    """Return where `path`, which starts at `at`, is from `at`'s own root.

    >>> join_paths("tools[0]", "function.strict"), join_paths("tools", "[1]"), join_paths("", "user")
    ('tools[0].function.strict', 'tools[1]', 'user')
    """
    return f"{at}.{path}" if at and path and not path.startswith("[") else at + path


def split_path(path: str) -> tuple[Step, ...] | None:
    """Return the steps of `path`, None where it is no path.

    >>> split_path('messages[2]["a.b"].c')
    ('messages', 2, 'a.b', 'c')
    """
    steps: list[Step] = []
    place = 0
    while place < len(path):
        match = _STEP.match(path, place)
        if match is None:
            return None
        name, index, quoted = match.groups()
        steps.append(name or (int(index) if index else _NAME.decode(quoted)))
        place = match.end()
    return tuple(steps)


def put_back(target: dict[str, object], members: Mapping[str, msgspec.Raw]) -> tuple[str, ...]:
    """Set each path of `members` in `target`; objects that are absent on the way are made, items of lists are not.

    Values on the way that are `Raw` or Structs are opened (and replaced in `target` by what they hold).

    Returns:
        The paths that could not be placed: their list or item is absent, something else stands there, or the member
        itself is already there.
    """
    return tuple(path for path, value in members.items() if not _place(target, split_path(path), value))


def write_open(value: msgspec.Struct, members: Mapping[str, msgspec.Raw]) -> tuple[bytes, tuple[str, ...]]:
    """Return `value` as JSON with `members` put back at their paths, and the paths that could not be placed."""
    written = _ENCODER.encode(value)
    if not members:
        return written, ()
    target: dict[str, object] = dict(_OBJECT.decode(written))
    unplaced = put_back(target, members)
    return _ENCODER.encode(target), unplaced


def _place(target: object, steps: tuple[Step, ...] | None, value: msgspec.Raw) -> bool:
    if not steps or isinstance(steps[-1], int):
        return False
    for number, step in enumerate(steps[:-1], start=1):
        target = _enter(target, step, steps[number:])
    if not isinstance(target, dict) or steps[-1] in target:
        return False
    target[steps[-1]] = value
    return True


def _enter(container: object, step: Step, rest: tuple[Step, ...]) -> object:
    """Return what stands at `step`, opened in its place; None where nothing does."""
    if isinstance(container, list):
        if isinstance(step, str) or step >= len(container):
            return None
        container[step] = _open(container[step])
        return container[step]
    if not isinstance(container, dict) or isinstance(step, int):
        return None
    if step not in container and any(isinstance(following, int) for following in rest):
        return None
    container[step] = _open(container.get(step, {}))
    return container[step]


def _open(value: object) -> object:
    if isinstance(value, msgspec.Struct):
        value = msgspec.Raw(_ENCODER.encode(value))
    if isinstance(value, msgspec.Raw):
        first = bytes(memoryview(value)[:1])
        if first == b"{":
            return _OBJECT.decode(value)
        if first == b"[":
            return _LIST.decode(value)
    return value
