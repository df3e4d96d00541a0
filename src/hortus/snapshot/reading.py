"""The snapshot file and the engines' address files as a worker reads them: checked, and read again when they change.

A file that cannot be read never replaces what was read before.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

import msgspec

from hortus.base.errors import InstallationError
from hortus.snapshot.model import SNAPSHOT_FORMAT, WORKSHOP, Snapshot
from hortus.snapshot.resolved import EngineFile

_log = logging.getLogger("hortus.snapshot")

Signature = tuple[int, int, int]
"""Inode, size and time of change: differs after every replacement by rename."""


def load_snapshot(path: Path) -> Snapshot:
    """Return the snapshot in `path`.

    Raises:
        InstallationError: There is none, or it is damaged or of another format.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InstallationError(
            f"The snapshot cannot be read: {error.strerror}.", path=str(path), hint="`hortus doctor` looks further."
        ) from error
    try:
        head = msgspec.json.decode(data, type=_Head)
        if head.format != SNAPSHOT_FORMAT:
            raise InstallationError(
                f"The snapshot has format {head.format}, this Hortus reads {SNAPSHOT_FORMAT}.",
                path=str(path),
                hint="Restart Hortus, so that all its processes have the same version.",
            )
        return msgspec.json.decode(data, type=Snapshot)
    except msgspec.DecodeError as error:
        raise InstallationError(
            f"The snapshot is damaged: {error}.", path=str(path), hint="Control writes it anew at the next change."
        ) from error


def load_engine(path: Path) -> EngineFile | None:
    """Return what an engine's address file says, None where it is gone or damaged."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=EngineFile)
    except (OSError, msgspec.DecodeError):
        return None


def sign(path: Path) -> Signature | None:
    """Return what tells one version of a file from the next, None where there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns


class _Head(msgspec.Struct):
    format: int = 0


class SnapshotFiles:
    """The last good state of the files; `poll` looks whether they changed.

    Args:
        snapshot_path: Where control puts the snapshot.
        engine_path: Name of a deployment to the file in which the supervisor says where it is.
    """

    def __init__(self, snapshot_path: Path, *, engine_path: Callable[[str], Path]) -> None:
        self._snapshot_path = snapshot_path
        self._engine_path = engine_path
        self._snapshot_signature: Signature | None = None
        self._engine_signatures: dict[str, Signature | None] = {}
        self.snapshot: Snapshot | None = None
        self.engines: dict[str, EngineFile] = {}

    def poll(self) -> bool:
        """Read what changed; tell whether anything new was taken in."""
        is_new_snapshot = self._poll_snapshot()
        return self._poll_engines() or is_new_snapshot

    def _poll_snapshot(self) -> bool:
        signature = sign(self._snapshot_path)
        if signature is None or signature == self._snapshot_signature:
            return False
        self._snapshot_signature = signature
        try:
            self.snapshot = load_snapshot(self._snapshot_path)
        except InstallationError as error:
            _log.error("snapshot kept as it was", extra={"reason": str(error)})
            return False
        return True

    def _poll_engines(self) -> bool:
        """Look only at what runs here by the snapshot: the directory is never listed."""
        names = (*self.snapshot.deployments, WORKSHOP) if self.snapshot else ()
        signatures = {name: sign(self._engine_path(name)) for name in names}
        if signatures == self._engine_signatures:
            return False
        for name in names:
            if signatures[name] != self._engine_signatures.get(name):
                engine = load_engine(self._engine_path(name)) if signatures[name] else None
                if engine is None:
                    self.engines.pop(name, None)
                else:
                    self.engines[name] = engine
        self.engines = {name: engine for name, engine in self.engines.items() if name in names}
        self._engine_signatures = signatures
        return True
