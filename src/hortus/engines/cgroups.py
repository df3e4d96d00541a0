"""What may this process use: the limits that a container or a service unit sets, for cgroups 1 and 2."""

from __future__ import annotations

import os
from pathlib import Path

_UNLIMITED = 1 << 60
"""cgroups 1 writes a huge number where there is no limit."""


def memory_left_bytes(*, proc: Path = Path("/proc"), sys: Path = Path("/sys/fs/cgroup")) -> int | None:
    """Return what is left below the tightest memory limit, None where there is none.

    Pages of files that can be dropped count as free, as in the kernel's own `MemAvailable`.
    """
    left = [
        limit - max(0, used - _droppable(place))
        for place in _places("memory", proc=proc, sys=sys)
        for limit, used in [_memory_of(place)]
        if limit is not None
    ]
    return max(0, min(left)) if left else None


def processors(*, proc: Path = Path("/proc"), sys: Path = Path("/sys/fs/cgroup")) -> int:
    """Return how many processors this process may keep busy: affinity, and a quota rounded up."""
    allowed = len(os.sched_getaffinity(0))
    quotas = [quota for place in _places("cpu", proc=proc, sys=sys) if (quota := _quota_of(place)) is not None]
    return max(1, min([allowed, *quotas]))


def _places(controller: str, *, proc: Path, sys: Path) -> list[Path]:
    """Return the directories of this process's cgroup and all above it, for one controller."""
    found: list[Path] = []
    for line in (_read(proc / "self" / "cgroup") or "").splitlines():
        number, names, path = [*line.split(":", 2), "", ""][:3]
        if number == "0" and not names:
            roots = [sys, sys / "unified"]
        elif controller in names.split(","):
            roots = [sys / controller, sys / names]
        else:
            continue
        inner = Path(path.lstrip("/"))
        found += [root / each for root in roots for each in (inner, *inner.parents)]
    return list(dict.fromkeys(found))


def _memory_of(place: Path) -> tuple[int | None, int]:
    for limit_file, used_file in (("memory.max", "memory.current"), ("memory.limit_in_bytes", "memory.usage_in_bytes")):
        limit, used = _read(place / limit_file), _read(place / used_file)
        if limit and used and limit.isdigit() and used.isdigit() and int(limit) < _UNLIMITED:
            return int(limit), int(used)
    return None, 0


def _droppable(place: Path) -> int:
    fields = dict(line.split(" ", 1) for line in (_read(place / "memory.stat") or "").splitlines() if " " in line)
    text = fields.get("total_inactive_file") or fields.get("inactive_file") or "0"
    return int(text) if text.isdigit() else 0


def _quota_of(place: Path) -> int | None:
    both = (_read(place / "cpu.max") or "").split()
    if not both:
        both = [_read(place / "cpu.cfs_quota_us") or "", _read(place / "cpu.cfs_period_us") or ""]
    if len(both) != 2 or not all(part.isdigit() for part in both) or not int(both[1]):  # noqa: PLR2004 - quota, period
        return None
    return -(-int(both[0]) // int(both[1]))


def _read(path: Path) -> str | None:
    try:
        return path.read_text("ascii").strip()
    except (OSError, UnicodeDecodeError):
        return None
