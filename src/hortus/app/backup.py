"""`hortus backup`: one consistent copy of an installation, made while it runs, loads and writes.

Whatever refers is copied before what it refers to, and what is referred to is only ever added to meanwhile: first what
is kept of content (it names projects and secret versions), then the store in one state S, then the journal, at last
secrets, credentials and all the rest.

Why no record is lost: a segment that S has not archived was in the journal or its archive when S was read; the journal
is listed before the archive, and moves go from the first to the second only, so it is found. Its bytes are copied
after S, up to the last whole line: at least what S knows of, and everything that was settled before the backup began.
Why none doubles: where a segment lies in the copy is decided by S, not by where it lay. What S has not archived goes
back into the journal, and the ledger reads on at S's position in it; what S has archived is never read again.
A segment that was taken in and put away, or begun, between the two copies is thus one that S does not know to be over.
Secrets cannot be retired in between: a lock holds (`app/rotation.py`).
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path
from typing import Protocol

import msgspec

import hortus
from hortus.app.backupcheck import TreeFindings, check_tree
from hortus.app.backupfile import (
    BACKUP_FORMAT,
    LeftOut,
    Manifest,
    OnBytes,
    StoredFile,
    hash_file,
    read_backup,
    write_backup,
)
from hortus.app.copying import Wanted, choose_files, copy_file, copy_segment, segments_in, size_of
from hortus.app.ground import sync_directory
from hortus.app.home import Home
from hortus.app.secrets import secrets_stay
from hortus.base.errors import InstallationError
from hortus.base.time import Clock
from hortus.content.database import EXCHANGES, KEPT, THINGS, newest_file
from hortus.ledger.transfer import ARCHIVE
from hortus.store.copying import copy_database, find_faults
from hortus.store.facts import StoreFacts, read_facts

NOT_WANTED = "kept content was not wanted"

CONFIG_NAME = "hortus.toml"
"""Under which a configuration file from outside the home lies in the copy."""


class Progress(Protocol):
    """Where progress is shown."""

    def begin(self, what: str, total_bytes: int) -> None:
        """Something has begun."""
        ...

    def advance(self, count_bytes: int) -> None:
        """So many bytes more are done."""
        ...


def make_backup(home: Home, file: Path, *, wanted: Wanted, clock: Clock, progress: Progress) -> Manifest:
    """Copy an installation into one file, and verify it; whatever fails leaves nothing behind.

    Raises:
        InstallationError: There is no installation, the file exists, its disk is full, or what was copied is damaged.
    """
    _require(home, file)
    try:
        with tempfile.TemporaryDirectory(prefix=".hortus-backup-", dir=file.parent) as room:
            tree, made = Path(room) / "home", Path(room) / "backup.tar"
            tree.mkdir(mode=0o700)
            left_out = _copy_home(home, tree, wanted=wanted, clock=clock, progress=progress)
            progress.begin("checking", 0)
            findings = check_tree(tree, now_ms=clock.now_ms(), has_secrets=wanted.has_secrets)
            manifest = _describe(tree, findings, home=home, wanted=wanted, clock=clock, left_out=left_out)
            progress.begin("writing", manifest.total_bytes)
            write_backup(made, manifest, tree=tree, on_bytes=progress.advance)
            progress.begin("reading back", manifest.total_bytes)
            read_backup(made, on_bytes=progress.advance)
            _put_in_place(made, file)
    except OSError as error:
        raise InstallationError(
            f"the backup cannot be written: {error.strerror or error}.",
            path=str(file),
            hint="Make room there (twice the size of the home, for a while), or name another place.",
        ) from error
    return manifest


def verify_backup(file: Path, *, clock: Clock, progress: Progress) -> Manifest:
    """Look through a backup: every hash, the databases, the journal's chains, the store's positions, the secrets.

    Raises:
        InstallationError: Something is not as it was when the backup was made.
    """
    try:
        with tempfile.TemporaryDirectory(prefix="hortus-verify-") as room:
            return unpack(file, Path(room) / "home", clock=clock, progress=progress)
    except OSError as error:
        raise InstallationError(
            f"the backup cannot be looked through: {error.strerror or error}.",
            path=str(error.filename or file),
            hint="It is unpacked for that: set TMPDIR to a directory with room for it.",
        ) from error


def unpack(file: Path, tree: Path, *, clock: Clock, progress: Progress) -> Manifest:
    """Unpack a backup at `tree`, which must not exist, and look through it. Raises as `verify_backup`, and OSError."""
    progress.begin("unpacking", file.stat().st_size if file.exists() else 0)
    tree.mkdir(mode=0o700)
    manifest = read_backup(file, into=tree, on_bytes=progress.advance)
    progress.begin("checking", 0)
    findings = check_tree(tree, now_ms=clock.now_ms(), has_secrets=manifest.has_secrets)
    expected = msgspec.structs.replace(manifest.counts, keys=findings.counts.keys)  # some may have expired since
    if findings.counts != expected or (findings.facts.schema, findings.secret_versions) != (
        manifest.schema,
        manifest.secret_versions,
    ):
        raise InstallationError(
            f"the backup does not hold what it says: {findings.counts} instead of {manifest.counts}.",
            path=str(file),
            hint="Take another copy of it, or an older backup.",
        )
    fresh = [fault for fault in findings.faults if fault not in manifest.faults]
    if fresh:
        raise InstallationError(
            f"the journal in the backup is damaged: {fresh[0]}", path=str(file), hint="Take another copy of it."
        )
    return manifest


def _require(home: Home, file: Path) -> None:
    if not home.store.exists():
        raise InstallationError(
            "no Hortus was ever started on this home: there is nothing to save.",
            path=str(home.root),
            hint="Set HORTUS_HOME to the one you mean.",
        )
    if file.exists() or file.is_symlink():
        raise _exists(file)
    if home.root.resolve() in file.resolve().parents:
        raise InstallationError(
            "a backup inside the home that it saves is lost with it.", path=str(file), hint="Name another place."
        )
    if not file.parent.is_dir():
        raise InstallationError(
            "there is no such directory.", path=str(file.parent), hint="Make it, or name another place."
        )


def _copy_home(home: Home, tree: Path, *, wanted: Wanted, clock: Clock, progress: Progress) -> list[LeftOut]:
    """Copy everything, in the order that this file's first lines give."""
    chosen, left_out = choose_files(home, wanted)
    on_bytes = progress.advance
    copy = Home(tree)
    progress.begin("copying", sum(size_of(file) for file in (home.store, *chosen)))
    with secrets_stay(home):
        left_out += _copy_content(home, copy, wanted=wanted, on_bytes=on_bytes)
        copy_database(home.store, copy.store, on_bytes=on_bytes)
        facts = read_facts(copy.store, now_ms=clock.now_ms(), is_still=True)
        copy_journal(home, copy, facts=facts, on_bytes=on_bytes)
        for file in chosen:
            copy_file(file, tree / file.relative_to(home.root), on_bytes=on_bytes)
        if outside := _config_outside(home, wanted):
            copy_file(outside, tree / CONFIG_NAME, on_bytes=on_bytes)
    return left_out


def copy_journal(home: Home, copy: Home, *, facts: StoreFacts, on_bytes: OnBytes = lambda _: None) -> None:
    """Copy all segments to where a store that was copied before says that they belong."""
    live, archive = home.journal, home.journal / ARCHIVE
    (copy.journal / ARCHIVE).mkdir(parents=True, mode=0o700)
    names = segments_in(live)
    names |= segments_in(archive)  # after the journal: a segment may move from there to here in between
    for name in sorted(names):
        mark = facts.segments.get(name)
        target = (copy.journal / ARCHIVE if mark is not None and mark.is_archived else copy.journal) / name
        with contextlib.suppress(FileNotFoundError):  # an idle writer's, or so old that it went at this moment
            try:
                on_bytes(copy_segment(live / name, target))
            except FileNotFoundError:
                copy_file(archive / name, target, on_bytes=on_bytes)


def _copy_content(home: Home, copy: Home, *, wanted: Wanted, on_bytes: OnBytes) -> list[LeftOut]:
    """Copy what is kept of content; a broken file of it is not worth a backup that fails."""
    if not home.content.is_dir():
        return []
    copy.content.mkdir(mode=0o700)
    left_out: list[LeftOut] = []
    for layout in (KEPT, EXCHANGES, THINGS):
        source = newest_file(home.content, layout)
        if not source.exists():
            continue
        name = str(source.relative_to(home.root))
        why = _copy_kept(source, copy.content / source.name, on_bytes) if wanted.has_content else NOT_WANTED
        if why is not None:
            left_out.append(LeftOut(name, why))
    return left_out


def _copy_kept(source: Path, target: Path, on_bytes: OnBytes) -> str | None:
    """Copy one file of kept content; return why it could not be."""
    try:
        copy_database(source, target, on_bytes=on_bytes)
        faults = find_faults(target)
    except InstallationError as error:
        faults = [error.message]
    if not faults:
        return None
    target.unlink(missing_ok=True)
    return f"is broken: {faults[0]}"


def _describe(
    tree: Path, findings: TreeFindings, *, home: Home, wanted: Wanted, clock: Clock, left_out: list[LeftOut]
) -> Manifest:
    files = sorted(path for path in tree.rglob("*") if path.is_file())
    outside = _config_outside(home, wanted)
    return Manifest(
        format=BACKUP_FORMAT,
        hortus=hortus.__version__,
        made_at_ms=clock.now_ms(),
        installation=findings.facts.organisation,
        schema=findings.facts.schema,
        has_secrets=wanted.has_secrets,
        secret_versions=findings.secret_versions,
        counts=findings.counts,
        files=tuple(StoredFile(str(path.relative_to(tree)), *hash_file(path)) for path in files),
        left_out=tuple(left_out),
        faults=findings.faults,
        config_file=str(outside) if outside else None,
    )


def _config_outside(home: Home, wanted: Wanted) -> Path | None:
    file = wanted.config_file
    return None if file is None or home.root in file.parents or (home.root / CONFIG_NAME).exists() else file


def _put_in_place(made: Path, file: Path) -> None:
    """Let the file appear whole under its name, and never over another one."""
    try:
        os.link(made, file)
    except FileExistsError as error:
        raise _exists(file) from error
    except OSError:  # a file system without links
        if file.exists():
            raise _exists(file) from None
        made.rename(file)
    sync_directory(file.parent)


def _exists(file: Path) -> InstallationError:
    return InstallationError(
        "this file exists already; it is not overwritten.", path=str(file), hint="Name another one."
    )
