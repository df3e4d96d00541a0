"""`hortus restore`: a backup becomes a home, whole or not at all, and never in the place of a living one.

Everything is unpacked and looked through beside the place where it shall be, and goes there by a rename. A place that
is a mount point cannot be renamed: there the parts move in one by one, `secret.key` last, and a Hortus that finds a
store without its secret does not start.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from hortus.app.backup import Progress, unpack
from hortus.app.backupfile import Manifest, read_manifest
from hortus.app.copying import ASIDE_PREFIX
from hortus.app.ground import lock_home, sync_directory
from hortus.app.home import Home
from hortus.base.errors import InstallationError
from hortus.base.time import Clock

_SPARE_BYTES = 64 * 1024 * 1024


class Restored(msgspec.Struct, frozen=True):
    """What a restore has done.

    Attributes:
        aside: Where the home went that was there before.
    """

    home: Path
    manifest: Manifest
    aside: Path | None = None


def restore_backup(file: Path, home: Home, *, is_forced: bool, clock: Clock, progress: Progress) -> Restored:
    """Make a backup the home at `home`.

    Args:
        file: What `hortus backup` made.
        home: A place that is empty or not there yet.
        is_forced: A home that is there is moved aside first.
        clock: Names what is moved aside.
        progress: Where progress is shown.

    Raises:
        InstallationError: A Hortus runs or lies there, the backup is damaged, or there is no room. Nothing has changed.
    """
    manifest = read_manifest(file)
    place = home.root.resolve()
    _require_place(place, is_forced=is_forced)
    is_mount = place.is_mount()
    try:
        beside = place if is_mount else place.parent
        beside.mkdir(parents=True, exist_ok=True, mode=0o700)
        _require_room(beside, manifest)
        with _nobody_running(Home(place)), tempfile.TemporaryDirectory(prefix=".hortus-restore-", dir=beside) as room:
            tree = Path(room) / "home"
            unpack(file, tree, clock=clock, progress=progress)
            sync_tree(tree)
            aside = _move_in(tree, place, is_mount=is_mount, name=_aside_name(clock))
    except OSError as error:
        raise InstallationError(
            f"the backup cannot be restored: {error.strerror or error}.",
            path=str(error.filename or place),
            hint="Is there room, and may this user write there?",
        ) from error
    return Restored(place, manifest, aside)


def sync_tree(root: Path) -> None:
    """Let the names of everything below a directory outlive a power cut; what files hold was forced to disk before."""
    for directory, _, _ in os.walk(root, topdown=False):
        sync_directory(Path(directory))


@contextmanager
def _nobody_running(home: Home) -> Iterator[None]:
    """Make sure that no Hortus runs on the home that is there, nor starts before it is moved."""
    lock = lock_home(home) if home.run.is_dir() else None
    try:
        yield
    finally:
        if lock is not None:
            os.close(lock)


def _require_place(place: Path, *, is_forced: bool) -> None:
    if place.exists() and not place.is_dir():
        raise InstallationError("this is no directory.", path=str(place), hint="Name another home.")
    if place.is_dir() and _inside(place) and not is_forced:
        raise InstallationError(
            "there is something in this home already.",
            path=str(place),
            hint="Name another one with --home, or have it moved aside with --force.",
        )


def _inside(place: Path) -> list[Path]:
    """Return what lies in a directory; a disk of its own has its `lost+found`, which nobody may move."""
    return sorted(entry for entry in place.iterdir() if entry.name != "lost+found")


def _require_room(beside: Path, manifest: Manifest) -> None:
    free = shutil.disk_usage(beside).free
    if free < manifest.total_bytes + _SPARE_BYTES:
        raise InstallationError(
            f"{(manifest.total_bytes + _SPARE_BYTES) >> 20} MiB are needed there, {free >> 20} MiB are free.",
            path=str(beside),
            hint="Make room, or name a home on another disk with --home.",
        )


def _aside_name(clock: Clock) -> str:
    return ASIDE_PREFIX + datetime.fromtimestamp(clock.now_ms() / 1000, tz=UTC).strftime("%Y%m%dT%H%M%SZ")


def _move_in(tree: Path, place: Path, *, is_mount: bool, name: str) -> Path | None:
    """Put the tree in its place; return where that went which was there before."""
    if is_mount:
        return _move_parts_in(tree, place, name=name)
    aside = place.with_name(f"{place.name}.{name}") if place.is_dir() and _inside(place) else None
    if aside is not None:
        if aside.exists():
            raise InstallationError("this name is taken.", path=str(aside), hint="Try again in a second.")
        place.rename(aside)
    try:
        tree.rename(place)  # over an empty directory, too
    except OSError:
        if aside is not None:
            aside.rename(place)
        raise
    sync_directory(place.parent)
    return aside


def _move_parts_in(tree: Path, place: Path, *, name: str) -> Path | None:
    before = [entry for entry in _inside(place) if entry != tree.parent]
    aside = place / name if before else None
    if aside is not None:
        aside.mkdir(mode=0o700)
        for entry in sorted(before, key=_is_secret, reverse=True):
            entry.rename(aside / entry.name)
    for entry in sorted(tree.iterdir(), key=_is_secret):
        entry.rename(place / entry.name)
    sync_directory(place)
    return aside


def _is_secret(entry: Path) -> bool:
    return entry.name == Home(entry.parent).secret_key.name
