"""What a host has of a job that it runs: written down by the step, read by whoever cancels."""

from __future__ import annotations

from pathlib import Path

import msgspec

from hortus.jobs.folders import JobFolder


class Remote(msgspec.Struct):
    """Ids at the host, as far as they are known."""

    training_file: str | None = None
    validation_file: str | None = None
    job: str | None = None


def read_remote(folder: JobFolder) -> Remote:
    """Return what the host has, nothing where nothing is known."""
    try:
        return msgspec.json.decode(_file(folder).read_bytes(), type=Remote)
    except FileNotFoundError:
        return Remote()


def write_remote(folder: JobFolder, remote: Remote) -> None:
    """Write down what the host has. Raises OSError."""
    path = _file(folder)
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_suffix(".new")
    aside.write_bytes(msgspec.json.encode(remote))
    aside.replace(path)


def _file(folder: JobFolder) -> Path:
    return folder.root / "host" / "remote.json"
