"""Bytes that are nearly right: recorded ones, changed by seeded dice."""

from __future__ import annotations

import json
import random
from collections.abc import Callable

JUNK: tuple[object, ...] = (
    None,
    True,
    0,
    -1,
    1.5,
    10**30,
    1e308,
    "",
    "text",
    "\u0000",
    "é" * 3,
    [],
    {},
    [[]],
    [None],
    {"type": "text"},
    {"type": None},
    {"": {}},
    ["text", 7],
    {"role": "user", "parts": None},
)
TOKENS = (
    b"{",
    b"}",
    b"[",
    b"]",
    b'"',
    b",",
    b":",
    b"\\u0000",
    b"\\ud800",
    b"\xff",
    b"\xc3",
    b"null",
    b"1e999",
    b"\r",
    b"\n",
    b"\r\n",
    b"\n\n",
    b"data:",
    b"data: [DONE]\n\n",
    b"event: error\n",
    b"data: {}\n\n",
    b"data: null\n\n",
    b": hush\n\n",
    b"\xef\xbb\xbf",
    b"\x00",
)


def mutated(data: bytes, dice: random.Random) -> bytes:
    """Return `data` with one to three changes."""
    for _ in range(dice.randint(1, 3)):
        data = dice.choice(CHANGES)(data, dice)
    return data


def noise(dice: random.Random) -> bytes:
    """Return bytes that were never anything."""
    if dice.random() < 0.5:
        return b"".join(dice.choice(TOKENS) for _ in range(dice.randint(0, 40)))
    return dice.randbytes(dice.randint(0, 200))


def _place(data: bytes, dice: random.Random) -> int:
    return dice.randrange(len(data) + 1)


def _insert(data: bytes, dice: random.Random) -> bytes:
    place = _place(data, dice)
    return data[:place] + dice.choice(TOKENS) + data[place:]


def _cut(data: bytes, dice: random.Random) -> bytes:
    place = _place(data, dice)
    return data[:place] + data[place + dice.randint(1, 30) :]


def _end(data: bytes, dice: random.Random) -> bytes:
    return data[: _place(data, dice)]


def _double(data: bytes, dice: random.Random) -> bytes:
    place = _place(data, dice)
    piece = data[place : place + dice.randint(1, 200)]
    return data[:place] + piece + data[place:]


def _flip(data: bytes, dice: random.Random) -> bytes:
    if not data:
        return data
    place = dice.randrange(len(data))
    return data[:place] + bytes([dice.randrange(256)]) + data[place + 1 :]


def _shuffle_frames(data: bytes, dice: random.Random) -> bytes:
    frames = data.split(b"\n\n")
    dice.shuffle(frames)
    return b"\n\n".join(frames)


def _double_frame(data: bytes, dice: random.Random) -> bytes:
    frames = data.split(b"\n\n")
    place = dice.randrange(len(frames))
    return b"\n\n".join([*frames[:place], frames[place], *frames[place:]])


def _drop_frame(data: bytes, dice: random.Random) -> bytes:
    frames = data.split(b"\n\n")
    del frames[dice.randrange(len(frames))]
    return b"\n\n".join(frames)


def _value(data: bytes, dice: random.Random) -> bytes:
    """Change one value of the JSON text, or of one frame that holds some."""
    lines = data.split(b"\n")
    candidates = [i for i, line in enumerate(lines) if line.startswith(b"data: {")]
    if not candidates:
        return _changed_json(data, dice)
    number = dice.choice(candidates)
    end = b"\r" if lines[number].endswith(b"\r") else b""
    lines[number] = b"data: " + _changed_json(lines[number][6:], dice) + end
    return b"\n".join(lines)


def _changed_json(data: bytes, dice: random.Random) -> bytes:
    try:
        tree = json.loads(data)
    except ValueError:
        return data
    places = list(_places(tree))
    if not places:
        return json.dumps(dice.choice(JUNK)).encode()
    container, key = dice.choice(places)
    match dice.randrange(5):
        case 0:
            del container[key]
        case 1 if isinstance(container, dict):
            container[dice.choice(["x_new", "type", "role", "content", "index", "id"])] = container.pop(key)
        case 2 if isinstance(container, list):
            container.append(container[key])
        case 3:
            container[key] = [container[key]]
        case _:
            container[key] = dice.choice(JUNK)
    return json.dumps(tree, ensure_ascii=dice.choice([True, False])).encode("utf-8", "surrogatepass")


def _places(tree: object):
    if isinstance(tree, dict):
        for key, value in tree.items():
            yield tree, key
            yield from _places(value)
    if isinstance(tree, list):
        for index, value in enumerate(tree):
            yield tree, index
            yield from _places(value)


CHANGES: tuple[Callable[[bytes, random.Random], bytes], ...] = (
    _insert,
    _cut,
    _end,
    _double,
    _flip,
    _shuffle_frames,
    _double_frame,
    _drop_frame,
    *([_value] * 12),
)
"""Most changes keep the JSON whole: these get past the first gate."""
