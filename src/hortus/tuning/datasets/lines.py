"""Which lines does a file have, and which JSON object stands on each? Every way in which that can fail has its code."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from hortus.framing.shallow import DEPTH_LIMIT, has_half_a_pair, is_deeper_than
from hortus.tuning.datasets.problems import Flaws, kind_of, member

LONGEST_LINE_BYTES = 8 * 1024 * 1024
BYTE_ORDER_MARK = b"\xef\xbb\xbf"

_BYTE = re.compile(r" \(byte (\d+)\)$")
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*"')
_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"|[{}\[\],:]')
_decode = msgspec.json.Decoder().decode


def lines_of(path: Path, see: Callable[[bytes], None]) -> Iterator[tuple[int, bytes | None]]:
    """Yield each line with its number; None for one that is too long. Ends of lines are cut off.

    Args:
        see: Gets all bytes of the file, as they are read.

    Raises:
        OSError: The file cannot be read.
    """
    with path.open("rb") as file:
        number = 0
        while line := file.readline(LONGEST_LINE_BYTES + 1):
            number += 1
            see(line)
            if len(line) > LONGEST_LINE_BYTES:
                while line and not line.endswith(b"\n"):
                    line = file.readline(LONGEST_LINE_BYTES)
                    see(line)
                yield number, None
            else:
                yield number, line.rstrip(b"\r\n")


def object_of(line: bytes | None, flaws: Flaws) -> dict[str, Any] | None:
    """Return the object on a line; None where there is none, which is noted."""
    if line is None:
        flaws.add("line_too_long", most=LONGEST_LINE_BYTES)
        return None
    if flaws.line == 1 and line.startswith(BYTE_ORDER_MARK):
        flaws.add("byte_order_mark")
        line = line[len(BYTE_ORDER_MARK) :]
    if not line.strip():
        flaws.add("blank_line")
        return None
    value = _object_in(line, flaws)
    if value is not None:
        _note_doubled(line, value, flaws)
        _note_characters(line, value, flaws)
    return value


def _object_in(line: bytes, flaws: Flaws) -> dict[str, Any] | None:
    try:
        line.decode()
        value = _decode(line)
        if isinstance(value, dict) and not is_deeper_than(line, DEPTH_LIMIT):
            return value
        if isinstance(value, dict):
            flaws.add("nested_too_deep", most=DEPTH_LIMIT)
        elif isinstance(value, list) and flaws.line == 1:
            flaws.add("json_array")
        else:
            flaws.add("not_an_object", "$", found=kind_of(value))
    except UnicodeDecodeError as error:
        flaws.add("not_utf8", column=error.start + 1)
    except RecursionError:
        flaws.add("nested_too_deep", most=DEPTH_LIMIT)
    except msgspec.ValidationError:
        flaws.add("number_out_of_range")
    except msgspec.DecodeError as error:
        _note_broken(line, error, flaws)
    return None


def _note_broken(line: bytes, error: msgspec.DecodeError, flaws: Flaws) -> None:
    if flaws.line == 1 and line.lstrip().startswith(b"["):
        flaws.add("json_array")
    elif has_half_a_pair(line):
        flaws.add("lone_surrogate")
    else:
        reason = str(error).removeprefix("JSON is malformed: ")
        byte = _BYTE.search(reason)
        place = int(byte[1]) if byte else len(line)
        why = _BYTE.sub("", reason) if byte else "it ends too early"
        flaws.add("invalid_json", why=why, column=len(line[:place].decode()) + 1)


def _note_doubled(line: bytes, value: object, flaws: Flaws) -> None:
    """Note members that stand twice: then the line has more colons outside of strings than the value has members."""
    if _STRING.sub(b"", line).count(b":") != _members_in(value):
        for path in _doubled(line):
            flaws.add("doubled_member", path)


def _members_in(value: object) -> int:
    if isinstance(value, dict):
        return len(value) + sum(_members_in(one) for one in value.values() if isinstance(one, dict | list))
    if isinstance(value, list):
        return sum(_members_in(one) for one in value if isinstance(one, dict | list))
    return 0


class _Level:
    """An object or list that is open, while a line is read for doubled members."""

    __slots__ = ("at", "name", "number", "seen")

    def __init__(self, at: str, *, is_object: bool) -> None:
        self.at = at
        self.name = ""
        self.number = 0
        self.seen: set[str] | None = set() if is_object else None

    @property
    def inner(self) -> str:
        """Path of the value that is being read."""
        return f"{self.at}[{self.number}]" if self.seen is None else member(self.at, self.name)


def _doubled(line: bytes) -> Iterator[str]:
    """Yield the paths of doubled members of valid JSON."""
    levels: list[_Level] = []
    text = b""
    for found in _TOKEN.finditer(line):
        token = found[0]
        if token in b"{[":
            levels.append(_Level(levels[-1].inner if levels else "$", is_object=token == b"{"))
        elif token in b"}]":
            levels.pop()
        elif token == b",":
            levels[-1].number += 1
        elif token == b":":
            level = levels[-1]
            level.name = str(_decode(text))
            if level.seen is not None:
                if level.name in level.seen:
                    yield level.inner
                level.seen.add(level.name)
        else:
            text = token


def _note_characters(line: bytes, value: dict[str, Any], flaws: Flaws) -> None:
    """Note characters that no text should have."""
    if b"\\u0000" in line:
        for path in _texts_with("\x00", value, at="$"):
            flaws.add("nul_character", path)
    if b"\xef\xbf\xbd" in line or b"\\ufffd" in line.lower():
        for path in _texts_with("\ufffd", value, at="$"):
            flaws.add("replacement_character", path)


def _texts_with(character: str, value: object, *, at: str) -> Iterator[str]:
    if isinstance(value, str):
        if character in value:
            yield at
    elif isinstance(value, dict):
        for name, one in value.items():
            yield from _texts_with(character, one, at=member(at, name))
    elif isinstance(value, list):
        for number, one in enumerate(value):
            yield from _texts_with(character, one, at=f"{at}[{number}]")
