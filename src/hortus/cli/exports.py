"""Files of `hortus receipts export`: written as lines of JSON or as Parquet, and read back line by line."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import BinaryIO, Protocol, cast

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from hortus.base.errors import InstallationError
from hortus.cli.admin import Admin
from hortus.receipts.exporting import Footing

PARQUET = "parquet"
JSONL = "jsonl"

_PARQUET_MARK = b"PAR1"  # https://parquet.apache.org/docs/file-format/, read 2026-11
_LONGEST_LINE_BYTES = 256 * 1024 * 1024
_PAGE = 1000


class ParquetFile(Protocol):
    """What `cli.parquetfile` can do; it is loaded only where its library is there."""

    def write_parquet(self, lines: Path, target: Path) -> None:
        """Write the lines of an export as Parquet."""
        ...

    def read_parquet(self, source: Path) -> Iterator[bytes]:
        """Yield the lines that such a file was made of."""
        ...

    def differing_rows(self, source: Path) -> list[int]:
        """Return the places of rows whose columns are not what their records say."""
        ...


def write_export(
    admin: Admin, target: Path, *, wanted: dict[str, str | None], form: str, on_progress: Callable[[int, int], None]
) -> int:
    """Write an export whole or not at all; return how many entries it spans.

    Args:
        admin: Where it comes from.
        target: The file; one that is there is replaced.
        wanted: `project`, `since`, `until`.
        form: `jsonl` or `parquet`.
        on_progress: Called with entries done and of how many.

    Raises:
        HortusError: The API said no, the file cannot be written, or Parquet's library is missing.
    """
    parquet = parquet_library() if form == PARQUET else None
    lines, done = target.with_name(f".{target.name}.part"), target.with_name(f".{target.name}.done")
    try:
        with lines.open("wb") as file:
            count = _write_lines(admin, file, wanted=wanted, on_progress=on_progress)
            file.flush()
            os.fsync(file.fileno())
        if parquet is not None:
            parquet.write_parquet(lines, done)
            done.replace(target)
        else:
            lines.replace(target)
    except OSError as error:
        raise InstallationError(
            f"cannot be written: {error.strerror}.", path=str(target), hint="Is its disk full, or is it not yours?"
        ) from error
    finally:
        for leftover in (lines, done):
            with contextlib.suppress(OSError):
                leftover.unlink()
    return count


def _write_lines(
    admin: Admin, file: BinaryIO, *, wanted: dict[str, str | None], on_progress: Callable[[int, int], None]
) -> int:
    begun = admin.begin_export(wanted)
    span = {
        name: None if value is None else str(value)
        for name, value in (("since", begun.since_ms), ("until", begun.until_ms))
    }
    footing = Footing()

    def write(line: str) -> None:
        data = line.encode() + b"\n"
        footing.add(data)
        file.write(data)

    write(begun.head)
    after = begun.after
    while after < begun.last:
        page = admin.export_lines({**wanted, **span, "after": after, "last": begun.last, "limit": _PAGE})
        for line in page.lines:
            write(line)
        after = page.after
        on_progress(after - begun.after, begun.last - begun.after)
    file.write(footing.tail_line())
    return begun.last - begun.after


def export_lines(source: Path) -> Iterator[bytes]:
    """Yield the lines of an export of either form.

    Raises:
        OSError: It cannot be read.
        HortusError: It is Parquet, and the library for that is missing or cannot read it.
    """
    with source.open("rb") as file:
        is_parquet = file.read(len(_PARQUET_MARK)) == _PARQUET_MARK
        if not is_parquet:
            file.seek(0)
            yield from iter(lambda: file.readline(_LONGEST_LINE_BYTES), b"")
    if is_parquet:
        yield from parquet_library().read_parquet(source)


def is_parquet(source: Path) -> bool:
    """Tell whether a file is Parquet."""
    with source.open("rb") as file:
        return file.read(len(_PARQUET_MARK)) == _PARQUET_MARK


def parquet_library() -> ParquetFile:
    """Return what writes and reads Parquet.

    Raises:
        InstallationError: Its library is not installed.
    """
    if find_spec("duckdb") is None:
        raise InstallationError(
            "Parquet needs a library that this install does not have.",
            hint="Install it: pip install 'hortus[export]'. Or take --format jsonl, which says the same.",
        )
    return cast("ParquetFile", import_module("hortus.cli.parquetfile"))


@contextmanager
def entries_bar(label: str) -> Iterator[Callable[[int, int], None]]:
    """Show on standard error how far it is, where that is a terminal."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), disable=not sys.stderr.isatty()) as progress:
        task = progress.add_task(label, total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)
