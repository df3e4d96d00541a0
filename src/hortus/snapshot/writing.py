"""How a snapshot is put in place: whole or not at all, readable by its owner only, its version always growing."""

from __future__ import annotations

from pathlib import Path

import msgspec

from hortus.base.errors import InstallationError
from hortus.jobs.wholefiles import write_whole
from hortus.snapshot.model import Snapshot
from hortus.snapshot.reading import load_snapshot


def publish(snapshot: Snapshot, path: Path) -> Snapshot:
    """Write `snapshot` to `path` with the next version, unless what lies there says the same already.

    The version follows the one on disk. Where that cannot be read, it follows the clock (milliseconds since 1970),
    which is above every version that was ever counted, so a version never comes twice.

    Returns:
        The snapshot that now lies at `path`.

    Raises:
        InstallationError: The file cannot be written.
    """
    current = _read_or_none(path)
    if current is not None and says_the_same(current, snapshot):
        return current
    last = current.version if current is not None else (snapshot.compiled_at_ms if path.exists() else 0)
    fresh = msgspec.structs.replace(snapshot, version=last + 1)
    try:
        write_whole(path, msgspec.json.encode(fresh))
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise InstallationError(
            f"The snapshot cannot be written: {reason}.", path=str(path), hint="Check the disk and its permissions."
        ) from error
    return fresh


def _read_or_none(path: Path) -> Snapshot | None:
    """Return what lies there; a damaged one is written over (workers keep their last good one meanwhile)."""
    try:
        return load_snapshot(path)
    except InstallationError:
        return None


def says_the_same(one: Snapshot, other: Snapshot) -> bool:
    """Tell whether two snapshots differ in nothing but version and time."""
    return msgspec.structs.replace(one, version=other.version, compiled_at_ms=other.compiled_at_ms) == other
