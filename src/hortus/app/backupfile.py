"""What a backup's file is: a tar with a manifest first, then files whose size and SHA-256 the manifest names.

Nothing is taken out of one on its own word: names must be in the manifest, below the root, and plain files.
"""

from __future__ import annotations

import hashlib
import io
import os
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import IO, BinaryIO

import msgspec
from typing_extensions import Buffer, override

from hortus.base.errors import InstallationError

BACKUP_FORMAT = 1

_ROOT = "hortus-backup"
_MANIFEST = f"{_ROOT}/manifest.json"
_MOST_MANIFEST_BYTES = 256 * 1024 * 1024
_PORTION_BYTES = 1024 * 1024
_SYNC_EVERY_BYTES = 8 * 1024 * 1024  # one large sync at the end would hold up those of the journal beside it

OnBytes = Callable[[int], None]


class StoredFile(msgspec.Struct, frozen=True):
    """One file of the installation, by its path below the home."""

    path: str
    size: int
    sha256: str


class LeftOut(msgspec.Struct, frozen=True):
    """What a backup does not hold, and why."""

    path: str
    why: str


class Counts(msgspec.Struct, frozen=True):
    """How much a backup holds.

    Attributes:
        receipts: In the store.
        waiting: Records in the store whose requests were not over.
        behind: Records of the journal that the store has yet to take in.
        keys: That work.
    """

    receipts: int
    waiting: int
    segments: int
    records: int
    behind: int
    keys: int


class Manifest(msgspec.Struct, frozen=True):
    """A backup's own account.

    Attributes:
        hortus: The release that made it.
        installation: Id of the organisation, the same for as long as the installation exists.
        schema: Revision of the store's tables.
        secret_versions: Versions of the installation's secret in it, none where secrets were left out.
        config_file: Where the configuration file lay, if that was outside the home; in here it is `hortus.toml`.
        faults: What was already wrong with the journal when it was copied.
    """

    format: int
    hortus: str
    made_at_ms: int
    installation: str | None
    schema: str | None
    has_secrets: bool
    secret_versions: tuple[int, ...]
    counts: Counts
    files: tuple[StoredFile, ...]
    left_out: tuple[LeftOut, ...] = ()
    faults: tuple[str, ...] = ()
    config_file: str | None = None

    @property
    def total_bytes(self) -> int:
        """Size of all files together."""
        return sum(file.size for file in self.files)


def write_backup(file: Path, manifest: Manifest, *, tree: Path, on_bytes: OnBytes = lambda _: None) -> None:
    """Write the tar at `file` and force it to the disk; each file of `tree` goes as soon as it is in.

    Raises:
        OSError: The disk is full, or a file changed its size.
    """
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as opened:
        steady = _Steady(opened)
        with tarfile.TarFile(fileobj=steady, mode="w", format=tarfile.PAX_FORMAT, copybufsize=_PORTION_BYTES) as tar:
            text = msgspec.json.format(msgspec.json.encode(manifest), indent=1)
            tar.addfile(_member(_MANIFEST, len(text), manifest), io.BytesIO(text))
            for stored in manifest.files:
                source = tree / stored.path
                with source.open("rb") as held:
                    name = f"{_ROOT}/home/{stored.path}"
                    tar.addfile(_member(name, stored.size, manifest), _Counting(held, on_bytes))
                source.unlink()
        opened.flush()
        os.fsync(opened.fileno())


def read_manifest(file: Path) -> Manifest:
    """Return the account at the beginning of a backup.

    Raises:
        InstallationError: It is no backup, damaged, or of a newer release.
    """
    with _opened(file) as tar:
        return _read_manifest(tar, file)


def read_backup(file: Path, *, into: Path | None = None, on_bytes: OnBytes = lambda _: None) -> Manifest:
    """Read a whole backup, hold each file against the manifest, and unpack it where `into` is given.

    Args:
        file: The backup.
        into: An empty directory; what is written there is forced to the disk, readable by its owner only.
        on_bytes: Told how many bytes were read.

    Raises:
        InstallationError: It is damaged: a file is missing, changed or was never part of it.
        OSError: It cannot be unpacked there.
    """
    with _opened(file) as tar:
        manifest = _read_manifest(tar, file)
        missing = {stored.path: stored for stored in manifest.files}
        for member in islice(tar, 1, None):  # the first one was the manifest
            stored = _stored_as(member, missing)
            held = tar.extractfile(member) if stored is not None else None
            if stored is None or held is None:
                raise _damaged(file, f"{member.name!a} does not belong into it")
            target = into / stored.path if into else None
            if _take_out(held, target, on_bytes=on_bytes) != (stored.size, stored.sha256):
                raise _damaged(file, f"{stored.path} is not what was put in")
    if missing:
        raise _damaged(file, f"{min(missing)} is missing, {len(missing)} of {len(manifest.files)} files in all")
    return manifest


def _stored_as(member: tarfile.TarInfo, missing: dict[str, StoredFile]) -> StoredFile | None:
    """Return which of the missing files a member is, and miss it no longer; None where it is none."""
    path = member.name.removeprefix(f"{_ROOT}/home/")
    is_plain = member.isreg() and path != member.name and _is_below_root(path)
    return missing.pop(path, None) if is_plain else None


def hash_file(file: Path) -> tuple[int, str]:
    """Return a file's size and SHA-256."""
    with file.open("rb") as opened:
        return _take_out(opened, None, on_bytes=lambda _: None)


def _take_out(held: IO[bytes], target: Path | None, *, on_bytes: OnBytes) -> tuple[int, str]:
    digest, size = hashlib.sha256(), 0
    with _made(target) as made:
        while portion := held.read(_PORTION_BYTES):
            digest.update(portion)
            size += len(portion)
            if made is not None:
                made.write(portion)
            on_bytes(len(portion))
    return size, digest.hexdigest()


@contextmanager
def _made(target: Path | None) -> Iterator[BinaryIO | None]:
    if target is None:
        yield None
        return
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        yield file
        file.flush()
        os.fsync(file.fileno())


@contextmanager
def _opened(file: Path) -> Iterator[tarfile.TarFile]:
    try:
        held = file.open("rb")
    except OSError as error:
        raise InstallationError(
            f"cannot be read: {error.strerror}.", path=str(file), hint="Name a file that `hortus backup` made."
        ) from error
    try:
        with held, tarfile.open(fileobj=held, mode="r:") as tar:
            yield tar
    except (tarfile.TarError, EOFError) as error:
        raise _damaged(file, str(error)) from error


def _read_manifest(tar: tarfile.TarFile, file: Path) -> Manifest:
    first = tar.next()
    held = tar.extractfile(first) if first is not None and first.name == _MANIFEST and first.isreg() else None
    if first is None or held is None or first.size > _MOST_MANIFEST_BYTES:
        raise InstallationError(
            "this is no backup of Hortus: its first member is not the manifest.",
            path=str(file),
            hint="Name a file that `hortus backup` made.",
        )
    text = held.read()
    try:
        if (found := msgspec.json.decode(text, type=_Head).format) != BACKUP_FORMAT:
            raise InstallationError(
                f"this backup has format {found}, this release reads {BACKUP_FORMAT}.",
                path=str(file),
                hint="Read it with the release of Hortus that made it, or a newer one.",
            )
        return msgspec.json.decode(text, type=Manifest)
    except msgspec.MsgspecError as error:
        raise _damaged(file, "the manifest cannot be read") from error


class _Head(msgspec.Struct):
    format: int


def _is_below_root(path: str) -> bool:
    pure = PurePosixPath(path)
    return not pure.is_absolute() and ".." not in pure.parts and str(pure) == path


def _member(name: str, size: int, manifest: Manifest) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.size, member.mode, member.mtime = size, 0o600, manifest.made_at_ms // 1000
    return member


def _damaged(file: Path, why: str) -> InstallationError:
    return InstallationError(
        f"the backup is damaged: {why}.",
        path=str(file),
        hint="Take another copy of it, or an older backup; what is in it should not be trusted.",
    )


class _Steady(io.RawIOBase):
    """A file that is forced to the disk in portions as it is written."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._unsynced = 0

    @override
    def write(self, data: Buffer) -> int:
        """Write, and sync now and then."""
        count = self._file.write(data)
        self._unsynced += count
        if self._unsynced >= _SYNC_EVERY_BYTES:
            self._unsynced = 0
            self._file.flush()
            os.fdatasync(self._file.fileno())
        return count

    @override
    def tell(self) -> int:
        """Return the place in the file."""
        return self._file.tell()


class _Counting(io.RawIOBase):
    """A file that tells how much of it was read."""

    def __init__(self, file: BinaryIO, on_bytes: OnBytes) -> None:
        self._file = file
        self._on_bytes = on_bytes

    @override
    def read(self, size: int = -1) -> bytes:
        """Read on."""
        data = self._file.read(size)
        self._on_bytes(len(data))
        return data
