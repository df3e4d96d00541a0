"""Which examples does a file give, line by line? One format a file; reports how far it is."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from hortus.jobs.examples import Source
from hortus.jobs.reports import Progress, Report
from hortus.jobs.spec import Method
from hortus.tuning.datasets.formats import FORMATS, Draft, Line, drafts_of, fitting, format_of
from hortus.tuning.datasets.lines import lines_of, object_of
from hortus.tuning.datasets.problems import Flaws, Problems

MOST_BYTES = 512 * 1024 * 1024
"""Of one file, as at OpenAI."""

_STEPS = 100  # reports of progress a phase, at most


class Given(msgspec.Struct, frozen=True):
    """What a line gives."""

    drafts: list[Draft]
    flaws: Flaws


class Rate:
    """Says how far a phase is, not too often.

    Args:
        total_bytes: Of all files that are read.
    """

    def __init__(self, phase: str, report: Callable[[Report], None], *, total_bytes: int) -> None:
        self._phase = phase
        self._report = report
        self._total = total_bytes
        self._done = 0
        self._said = 0

    def add(self, count: int) -> None:
        """So many bytes more are read."""
        self._done += count
        if self._done - self._said >= self._total / _STEPS or self._done >= self._total:
            self._said = self._done
            self._report(Progress(self._phase, min(self._done, self._total), self._total))


class File:
    """One file that is read from its beginning to its end, each time anew.

    Args:
        path: Where it is.
        source: Which of the two files it is.
        problems: Where problems go.
        reads_media: As in `messages.Reader`.
    """

    def __init__(self, path: Path, source: Source, *, problems: Problems, reads_media: bool) -> None:
        self.path = path
        self.source: Source = source
        self.format: str | None = None
        self.sha256 = ""
        self.lines = 0
        self._problems = problems
        self._reads_media = reads_media

    def read(self, *, method: Method, rate: Rate) -> Iterator[Given]:
        """Yield what each line gives; `format` and `sha256` are known at the end.

        Raises:
            OSError: It cannot be read.
        """
        if self.path.stat().st_size > MOST_BYTES:
            self._problems.add("file_too_large", self.source, most=MOST_BYTES)
            return
        digest = hashlib.sha256()

        def see(data: bytes) -> None:
            digest.update(data)
            rate.add(len(data))

        for number, line in lines_of(self.path, see):
            self.lines = number
            flaws = Flaws(self._problems, self.source, line=number)
            value = object_of(line, flaws)
            if value is not None and self._is_fitting(format_of(value), flaws, method=method):
                yield Given(self._drafts(Line(value, flaws, self._reads_media)), flaws)
            elif self._problems.counts["json_array"]:
                break
        self.sha256 = digest.hexdigest()
        if not self.lines:
            self._problems.add("empty_file", self.source)

    def _drafts(self, line: Line) -> list[Draft]:
        return drafts_of(line, self.format) if self.format is not None else []

    def _is_fitting(self, found: str | None, flaws: Flaws, *, method: Method) -> bool:
        """Tell whether a line has the file's format; the first line that has one decides on it."""
        if found is None:
            flaws.add("unknown_format", "$")
            return False
        if self.format is None:
            self.format = found
            if method not in FORMATS[found].methods:
                says = FORMATS[found].says
                flaws.add("method_mismatch", "$", method=method, found=says, fitting=fitting(method))
        elif found != self.format:
            flaws.add("mixed_formats", "$", found=FORMATS[found].says, first=FORMATS[self.format].says)
            return False
        return True
