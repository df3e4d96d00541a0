"""Which gateway worker holds a connection? Read out of /proc, so that a second turn can be sent to another one."""

from __future__ import annotations

from pathlib import Path


def worker_of(local_port: int, door_port: int, pids: set[int]) -> int | None:
    """Return the process that holds the other end of a connection from `local_port`; None where none does (yet)."""
    inode = _inode(local_port, door_port)
    return next((pid for pid in pids if inode and f"socket:[{inode}]" in _open_files(pid)), None)


def _inode(local_port: int, door_port: int) -> str | None:
    for line in Path("/proc/net/tcp").read_text("ascii").splitlines()[1:]:
        columns = line.split()
        ours, theirs = (int(columns[place].partition(":")[2], 16) for place in (1, 2))
        if (ours, theirs) == (door_port, local_port):
            return columns[9]
    return None


def _open_files(pid: int) -> set[str]:
    found = set()
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        try:
            found.add(str(entry.readlink()))
        except OSError:
            continue
    return found
