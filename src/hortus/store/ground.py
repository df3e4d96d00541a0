"""Can a SQLite store live at this path: a writable directory on a local file system."""

from __future__ import annotations

import os
import re
from pathlib import Path

from hortus.base.errors import InstallationError

_MOUNTS = Path("/proc/self/mountinfo")

# SQLite's WAL mode needs memory shared between all processes that use the file.
# https://www.sqlite.org/wal.html#noshm, read 2026-11
NETWORK_FILE_SYSTEMS = frozenset(
    {
        "afs",
        "beegfs",
        "ceph",
        "cifs",
        "coda",
        "davfs",
        "fuse.ceph",
        "fuse.davfs",
        "fuse.gcsfuse",
        "fuse.glusterfs",
        "fuse.goofys",
        "fuse.juicefs",
        "fuse.mfs",
        "fuse.mount-s3",
        "fuse.rclone",
        "fuse.s3fs",
        "fuse.smbnetfs",
        "fuse.sshfs",
        "gfs2",
        "glusterfs",
        "gpfs",
        "lustre",
        "ncpfs",
        "nfs",
        "nfs4",
        "ocfs2",
        "orangefs",
        "smb3",
        "smbfs",
    }
)  # fmt: skip -- a list of words reads better in rows
"""Types of `/proc/self/mountinfo` on which locks and shared memory cannot be trusted."""

_ESCAPED = re.compile(r"\\([0-7]{3})")


def check_ground(path: Path, *, mounts: str | None = None) -> None:
    """Make sure that a store can live at `path`.

    Args:
        path: The store's file; it need not exist.
        mounts: Text in the form of `/proc/self/mountinfo`; the machine's own where absent.

    Raises:
        InstallationError: The directory is missing, not writable, or on a network file system.
    """
    directory = path.parent
    if not directory.is_dir():
        raise InstallationError(
            "there is no such directory for the store.", path=str(directory), hint="Create it, or set HORTUS_HOME."
        )
    file_system = file_system_of(directory, mounts=_read_mounts() if mounts is None else mounts)
    if file_system in NETWORK_FILE_SYSTEMS or file_system == "9p drvfs":
        raise InstallationError(
            f"the store cannot live on a network file system ({file_system}): its locks cannot be trusted.",
            path=str(directory),
            hint="Set HORTUS_HOME to a directory on a local disk.",
        )
    target = path if path.exists() else directory
    if not os.access(target, os.R_OK | os.W_OK):
        raise InstallationError(
            "the store cannot be written here.",
            path=str(target),
            hint="Give this user the right to write, or set HORTUS_HOME to a directory that it owns.",
        )


def file_system_of(directory: Path, *, mounts: str) -> str | None:
    """Return the type of the file system that holds `directory`, None where `mounts` does not tell."""
    real = directory.resolve()
    holding = [found for line in mounts.splitlines() if (found := _read_mount(line)) and real.is_relative_to(found[0])]
    # The deepest mount point holds it; of several on one point, the last one covers the others
    return max(reversed(holding), key=lambda found: len(found[0].parts))[1] if holding else None


def _read_mount(line: str) -> tuple[Path, str] | None:
    """Return mount point and type out of a line of mountinfo (man 5 proc: the mount point is its fifth field)."""
    before, separator, after = line.partition(" - ")
    fields, origin = before.split(), after.split()
    if not separator or len(fields) < 5 or not origin:  # noqa: PLR2004 -- the fifth field is there from five on
        return None
    point = Path(_ESCAPED.sub(lambda match: chr(int(match[1], 8)), fields[4]))
    # Windows drives inside WSL are 9p; other 9p (virtual machines, sandboxes) is as local as a disk
    is_windows = origin[0] == "9p" and "aname=drvfs" in after
    return point, "9p drvfs" if is_windows else origin[0]


def _read_mounts() -> str:
    try:
        return _MOUNTS.read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return ""  # no /proc here: nothing can be told, SQLite itself will complain
