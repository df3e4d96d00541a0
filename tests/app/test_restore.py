"""A backup becomes a home: whole or not at all, and never over a living one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.backup_ground import CLOCK, Ground, Silent, receipts_after_start
from hortus.app.copying import Wanted
from hortus.app.ground import lock_home
from hortus.app.home import Home
from hortus.app.restore import Restored, _move_in, restore_backup
from hortus.app.secrets import confirm_secret, ensure_secret, load_secrets
from hortus.base.errors import InstallationError
from hortus.store.database import open_store
from hortus.store.secretchecks import SecretCheckTable
from receipts.journal_examples import opened, settled


@pytest.fixture
def ground(tmp_path: Path) -> Iterator[Ground]:
    made = Ground(tmp_path / "home")
    writer = made.new_writer()
    writer.open(opened("a"))
    writer.settle(settled("a"))
    made.ledger.run_once()
    writer.open(opened("b"))
    yield made
    made.close()


@pytest.fixture
def file(ground: Ground, tmp_path: Path) -> Path:
    ground.back_up(tmp_path / "backup.tar")
    return tmp_path / "backup.tar"


@pytest.fixture
def place(tmp_path: Path) -> Home:
    return Home(tmp_path / "deep" / "restored")


def restore(file: Path, home: Home, *, is_forced: bool = False) -> Restored:
    return restore_backup(file, home, is_forced=is_forced, clock=CLOCK, progress=Silent())


def test_a_restored_home_has_its_receipts_and_its_secret(file: Path, place: Home) -> None:
    restored = restore(file, place)
    assert (restored.home, restored.aside) == (place.root, None)
    assert {name: one.status for name, one in receipts_after_start(place).items()} == {
        "a": "completed",
        "b": "interrupted",
    }
    store = open_store(place.store, clock=CLOCK)
    confirm_secret(load_secrets(place), SecretCheckTable(store), path=place.secret_key)
    store.close()


def test_only_its_owner_may_read_what_was_restored(file: Path, place: Home) -> None:
    restore(file, place)
    found = {path.stat().st_mode & 0o777 for path in place.root.rglob("*")}
    assert found == {0o600, 0o700}
    assert place.root.stat().st_mode & 0o777 == 0o700


def test_nothing_is_left_beside_it(file: Path, place: Home) -> None:
    restore(file, place)
    assert list(place.root.parent.iterdir()) == [place.root]


def test_an_empty_directory_becomes_the_home(file: Path, place: Home) -> None:
    place.root.mkdir(parents=True)
    restore(file, place)
    assert place.store.exists()


def test_a_home_that_is_there_is_left_alone(file: Path, ground: Ground) -> None:
    before = ground.home.secret_key.read_bytes()
    with pytest.raises(InstallationError, match="something in this home already"):
        restore(file, ground.home)
    assert ground.home.secret_key.read_bytes() == before


def test_a_home_that_is_there_is_moved_aside_whole_if_asked(file: Path, ground: Ground) -> None:
    (ground.home.root / "note").write_text("of mine")
    restored = restore(file, ground.home, is_forced=True)
    assert restored.aside is not None
    assert (restored.aside / "note").read_text() == "of mine"
    assert (restored.aside / "store.sqlite").exists()
    assert not (ground.home.root / "note").exists()
    assert ground.home.store.exists()


def test_a_home_on_which_hortus_runs_is_never_touched(file: Path, ground: Ground) -> None:
    lock = lock_home(ground.home)
    try:
        with pytest.raises(InstallationError, match="another Hortus runs on this home"):
            restore(file, ground.home, is_forced=True)
    finally:
        os.close(lock)


def test_a_damaged_backup_changes_nothing(file: Path, ground: Ground) -> None:
    data = bytearray(file.read_bytes())
    at = data.index(b"SQLite format 3") + 5000
    data[at] ^= 1
    file.write_bytes(data)
    with pytest.raises(InstallationError, match="not what was put in"):
        restore(file, ground.home, is_forced=True)
    assert ground.home.store.exists()
    assert sorted(entry.name for entry in file.parent.iterdir()) == ["backup.tar", "home"]


def test_a_backup_without_secrets_does_not_start_as_it_is(ground: Ground, place: Home, tmp_path: Path) -> None:
    ground.back_up(tmp_path / "bare.tar", wanted=Wanted(has_secrets=False))
    restore(tmp_path / "bare.tar", place)
    with pytest.raises(InstallationError, match="secret of this installation is missing"):
        ensure_secret(place)
    ground.home.secret_key.rename(place.secret_key)
    assert ensure_secret(place) == ground.secrets


def test_in_a_mount_point_the_parts_move_in_and_the_old_ones_aside(tmp_path: Path) -> None:
    place, room = tmp_path / "mount", tmp_path / "mount" / ".hortus-restore-x"
    tree = room / "home"
    tree.mkdir(parents=True)
    for directory, text in ((place, "old"), (tree, "new")):
        (directory / "secret.key").write_text(text)
        (directory / "store.sqlite").write_text(text)
    (place / "lost+found").mkdir()
    aside = _move_in(tree, place, is_mount=True, name="before-restore-1")
    assert aside == place / "before-restore-1"
    assert {file.name: file.read_text() for file in aside.iterdir()} == {"secret.key": "old", "store.sqlite": "old"}
    assert {file.name: file.read_text() for file in place.iterdir() if file.is_file()} == {
        "secret.key": "new",
        "store.sqlite": "new",
    }


def test_a_file_is_no_home(file: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(InstallationError, match="no directory"):
        restore(file, Home(tmp_path / "file"), is_forced=True)


def test_a_backup_that_is_not_there_is_said(place: Home, tmp_path: Path) -> None:
    with pytest.raises(InstallationError, match="cannot be read"):
        restore(tmp_path / "none.tar", place)
    assert not place.root.parent.exists()
