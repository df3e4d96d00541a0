"""The answers of an evaluation on disk: a step that is killed goes on with those that it has.

One JSON line each, appended as they come; the first line says to which evaluation they belong.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

import msgspec

from hortus.evals.ports import Answer
from hortus.jobs.wholefiles import write_whole


class Given(msgspec.Struct, frozen=True, omit_defaults=True):
    """What came of one question: an answer, or a refusal by the route, or nothing at all."""

    key: str
    answer: Answer | None = None
    refused: str | None = None
    unanswered: str | None = None


class _About(msgspec.Struct, frozen=True):
    about: str


_encode = msgspec.json.Encoder().encode
_given = msgspec.json.Decoder(Given).decode
_about = msgspec.json.Decoder(_About).decode


class Answers:
    """The answers of one evaluation.

    Args:
        path: The file; its folder is made.
        about: Names the evaluation: what is asked, and which product. Answers to another one are thrown away.
    """

    def __init__(self, path: Path, *, about: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.known = {one.key: one for one in _read(path, about)}
        write_whole(path, joined([_encode(_About(about)), *map(_encode, self.known.values())]))
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)

    def keep(self, given: Given) -> None:
        """Write an answer down. Raises OSError where the disk is full."""
        os.write(self._file, _encode(given) + b"\n")
        self.known[given.key] = given

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)


def joined(lines: Iterable[bytes]) -> bytes:
    """Return lines as the bytes of a file."""
    return b"".join(line + b"\n" for line in lines)


def _read(path: Path, about: str) -> list[Given]:
    """Return the whole answers of this evaluation; a line that a kill has cut is asked again."""
    try:
        first, *lines = path.read_bytes().split(b"\n")
    except FileNotFoundError:
        return []
    try:
        if _about(first).about != about:
            return []
    except (msgspec.DecodeError, UnicodeDecodeError):
        return []
    return [one for one in map(_whole, lines) if one is not None]


def _whole(line: bytes) -> Given | None:
    try:
        return _given(line)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
