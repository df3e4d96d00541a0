"""How a step's process writes its reports: whole lines, appended: a kill leaves at most half of the last one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import msgspec

from hortus.base.time import Clock
from hortus.jobs.reports import Line, Report

_decode = msgspec.json.Decoder(Line).decode
_encode = msgspec.json.Encoder().encode


class Reporter:
    """Appends to one `reports.jsonl`.

    Args:
        path: The file; its folder is made.
        clock: Tells when.
    """

    def __init__(self, path: Path, *, clock: Clock) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        _end_line(path)
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        self._clock = clock

    def say(self, report: Report) -> None:
        """Write one report. Raises OSError where the disk is full."""
        os.write(self._file, _encode(Line(self._clock.now_ms(), report)) + b"\n")

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)


def _end_line(path: Path) -> None:
    """End a line that a killed process left half written."""
    try:
        with path.open("r+b") as file:
            if file.seek(0, os.SEEK_END) and (file.seek(-1, os.SEEK_END), file.read(1))[1] != b"\n":
                file.write(b"\n")
    except FileNotFoundError:
        return


def read_reports(path: Path, *, offset: int = 0) -> tuple[list[Line], int]:
    """Return the whole lines from an offset on, and the offset after them, without half lines of killed writers."""
    try:
        with path.open("rb") as file:
            file.seek(offset)
            data = file.read()
    except FileNotFoundError:
        return [], offset
    end = data.rfind(b"\n") + 1
    return list(_lines(data[:end])), offset + end


def _lines(data: bytes) -> Iterator[Line]:
    for line in data.split(b"\n"):
        try:
            yield _decode(line)
        except msgspec.DecodeError:
            continue
