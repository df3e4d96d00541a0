"""What a host has of a job that it runs: written down by the step, for the one that comes after it was killed."""

from __future__ import annotations

from pathlib import Path

import msgspec

from hortus.jobs.folders import JobFolder
from hortus.jobs.wholefiles import write_whole


class Remote(msgspec.Struct):
    """Ids at the host, as far as they are known.

    Attributes:
        asked: What the host was asked for (`training`, `validation`, `job`), written down before it was: what has no
            id all the same may be there, for its answer may have been lost.
    """

    training_file: str | None = None
    validation_file: str | None = None
    job: str | None = None
    asked: list[str] = []


def read_remote(folder: JobFolder) -> Remote:
    """Return what the host has, nothing where nothing is known."""
    try:
        return msgspec.json.decode(_file(folder).read_bytes(), type=Remote)
    except FileNotFoundError:
        return Remote()


def write_remote(folder: JobFolder, remote: Remote) -> None:
    """Write down what the host has. Raises OSError."""
    write_whole(_file(folder), msgspec.json.encode(remote))


def _file(folder: JobFolder) -> Path:
    return folder.root / "host" / "remote.json"
