"""What did a look at a model's folder find, where nothing in it has changed since?"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from threading import Lock

from hortus.tuning.bases import BaseFacts, check_base, files_in

_MOST = 64
"""Folders that are remembered: those looked at last."""

_Stamp = tuple[tuple[str, int, int, int, int], ...]


class Looks:
    """Remembers what folders were found to be: to check a large vocabulary takes seconds. Threads may share one.

    Args:
        look: Reads a folder. Raises StepError, which is not remembered.
    """

    def __init__(self, look: Callable[[Path], BaseFacts] | None = None) -> None:
        self._look = look or _without_hash
        self._lock = Lock()
        self._known: dict[Path, tuple[_Stamp, BaseFacts]] = {}

    def facts(self, root: Path) -> BaseFacts:
        """Return what a folder is, without the hash of its weights.

        Raises:
            StepError: It is no base, as `check_base` has it.
        """
        stamp = _stamp(root)
        known = self._remembered(root)
        if known is not None and known[0] == stamp:
            return known[1]
        facts = self._look(root)
        if stamp is not None:  # taken before: what changes meanwhile is read again
            self._remember(root, (stamp, facts))
        return facts

    def _remembered(self, root: Path) -> tuple[_Stamp, BaseFacts] | None:
        with self._lock:
            known = self._known.pop(root, None)
            if known is not None:
                self._known[root] = known
            return known

    def _remember(self, root: Path, found: tuple[_Stamp, BaseFacts]) -> None:
        with self._lock:
            self._known.pop(root, None)
            self._known[root] = found
            while len(self._known) > _MOST:
                del self._known[next(iter(self._known))]


def _without_hash(root: Path) -> BaseFacts:
    return check_base(root, hashed=False)


def _stamp(root: Path) -> _Stamp | None:
    """Return what changes when a file does; None where that cannot be told."""
    try:
        found = [(path, path.lstat()) for path in files_in(root)]
    except OSError:
        return None
    return tuple(
        (str(path.relative_to(root)), stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino)
        for path, stat in found
    )
