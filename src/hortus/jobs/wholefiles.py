"""How does a file come to lie in its place whole, or stay as it was, whatever is killed meanwhile?"""

from __future__ import annotations

import os
from pathlib import Path


def write_whole(path: Path, data: bytes, *, outlives_power: bool = True) -> None:
    """Put `data` at `path` by rename; only the file's owner can read it. Each file has one writer at a time.

    Args:
        path: Its folder is made where there is none.
        data: All of the file.
        outlives_power: Bring it to the disk before its name changes; not worth it for what is written anew at start.

    Raises:
        OSError: The disk is full, or the folder cannot be written.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.new")
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        os.fchmod(descriptor, 0o600)  # a file left over from a crash may have another mode
        file.write(data)
        file.flush()
        if outlives_power:
            os.fsync(descriptor)
    aside.replace(path)
    if outlives_power:
        bring_to_disk(path.parent)


def bring_to_disk(path: Path) -> None:
    """Let a file, or the names in a folder, outlive a power cut. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
