"""Opening the store: it is made private, and every reason not to use it is told with what to do."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from garden import NEWEST_TABLES
from hortus.base.errors import InstallationError
from hortus.ledger.ports import StoreUnavailable
from hortus.snapshot.declared import ProjectSpec
from hortus.store.access import AccessTable
from hortus.store.database import Store, open_store
from hortus.store.ground import NETWORK_FILE_SYSTEMS, check_ground, file_system_of
from receipts.journal_examples import StepClock

CLOCK = StepClock()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store.sqlite"


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    opened = open_store(path, clock=CLOCK)
    yield opened
    opened.close()


def test_a_new_store_is_private_and_at_the_newest_version(store: Store, path: Path) -> None:
    assert path.stat().st_mode & 0o777 == 0o600
    assert store.schema_version() == NEWEST_TABLES


def test_a_store_keeps_what_was_written_when_it_is_opened_again(store: Store, path: Path) -> None:
    AccessTable(store, CLOCK).put_project(ProjectSpec("kept"), origin="api")
    store.close()
    again = open_store(path, clock=CLOCK)
    assert AccessTable(again, CLOCK).project("kept")
    again.close()


def test_writes_survive_a_power_cut_and_foreign_keys_hold(store: Store) -> None:
    with store.reading() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2  # FULL
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1


def test_a_newer_store_is_refused(store: Store, path: Path) -> None:
    with store.writing() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    store.close()
    with pytest.raises(InstallationError, match=rf"newer release.*tables at 9999.*{NEWEST_TABLES}") as refusal:
        open_store(path, clock=CLOCK)
    assert refusal.value.path == str(path)
    assert refusal.value.hint


def test_a_file_that_is_no_store_is_refused(path: Path) -> None:
    path.write_bytes(b"this is a poem, not a database. " * 200)
    with pytest.raises(InstallationError, match="damaged"):
        open_store(path, clock=CLOCK)
    assert path.read_bytes().startswith(b"this is a poem")


def test_a_store_with_broken_pages_is_refused(store: Store, path: Path) -> None:
    store.close()
    data = bytearray(path.read_bytes())
    data[100:8192] = b"\xff" * (8192 - 100)
    path.write_bytes(bytes(data))
    with pytest.raises(InstallationError, match="damaged"):
        open_store(path, clock=CLOCK)


def test_a_missing_directory_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InstallationError, match="no such directory"):
        open_store(tmp_path / "none" / "store.sqlite", clock=CLOCK)


def test_a_directory_in_the_stores_place_is_refused(path: Path) -> None:
    path.mkdir()
    with pytest.raises(InstallationError, match="cannot be opened"):
        open_store(path, clock=CLOCK)


def test_a_place_without_the_right_to_write_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # root may write anywhere, so the kernel's answer is given for it
    monkeypatch.setattr("os.access", lambda *_: False)
    with pytest.raises(InstallationError, match="cannot be written here"):
        open_store(path, clock=CLOCK)


def test_a_store_that_stays_locked_is_unavailable(store: Store, path: Path) -> None:
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreUnavailable, match="locked"):
        open_store(path, clock=CLOCK, busy_timeout_s=0.05)
    other.execute("ROLLBACK")
    other.close()
    assert store.schema_version()


def test_a_store_whose_file_is_gone_is_unavailable_and_does_not_come_back_empty(store: Store, path: Path) -> None:
    access = AccessTable(store, CLOCK)
    access.put_project(ProjectSpec("kept"), origin="api")
    aside = path.with_name("aside")
    path.rename(aside)
    with pytest.raises(StoreUnavailable, match="gone"):
        access.projects()
    assert not path.exists()
    aside.rename(path)
    assert access.project("kept")


def test_a_store_whose_file_was_replaced_is_read_anew(store: Store, path: Path, tmp_path: Path) -> None:
    access = AccessTable(store, CLOCK)
    access.put_project(ProjectSpec("old"), origin="api")
    other = open_store(tmp_path / "other.sqlite", clock=CLOCK)
    AccessTable(other, CLOCK).put_project(ProjectSpec("new"), origin="api")
    other.close()
    (tmp_path / "other.sqlite").rename(path)
    for leftover in (path.with_name("store.sqlite-wal"), path.with_name("store.sqlite-shm")):
        leftover.unlink()
    assert [project.name for project in access.projects()] == ["new"]


def test_a_failed_transaction_changes_nothing(store: Store) -> None:
    access = AccessTable(store, CLOCK)
    with contextlib.suppress(ZeroDivisionError), store.writing() as connection:
        connection.exec_driver_sql("DELETE FROM alembic_version")
        raise ZeroDivisionError
    assert store.schema_version() == NEWEST_TABLES
    assert access.projects() == []


MOUNTS = """\
22 1 254:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw
40 22 0:50 / /srv/share rw,relatime - nfs4 server:/export rw,vers=4.2
41 22 0:51 / /srv/with\\040space rw - fuse.sshfs me@there:/ rw
42 22 0:52 / /mnt/c rw - 9p drvfs rw,aname=drvfs;path=C:\\
43 22 0:53 / /vm rw - 9p host rw,trans=virtio
44 40 254:2 / /srv/share/local rw - xfs /dev/vdb rw
a line that is none
"""


@pytest.mark.parametrize(
    ("directory", "expected"),
    [
        ("/home/me", "ext4"),
        ("/srv/share", "nfs4"),
        ("/srv/share/deep/er", "nfs4"),
        ("/srv/share/local/x", "xfs"),
        ("/srv/shared-but-not", "ext4"),
        ("/srv/with space/x", "fuse.sshfs"),
        ("/mnt/c/me", "9p drvfs"),
        ("/vm/me", "9p"),
    ],
)
def test_the_innermost_mount_tells_the_file_system(directory: str, expected: str) -> None:
    assert file_system_of(Path(directory), mounts=MOUNTS) == expected


def test_nothing_is_told_without_mounts() -> None:
    assert file_system_of(Path("/home"), mounts="") is None


@pytest.mark.parametrize("kind", sorted(NETWORK_FILE_SYSTEMS))
def test_a_network_file_system_is_refused(tmp_path: Path, kind: str) -> None:
    mounts = f"22 1 254:1 / / rw - ext4 /dev/vda1 rw\n23 22 0:9 / {tmp_path} rw - {kind} there rw\n"
    with pytest.raises(InstallationError, match="network file system"):
        check_ground(tmp_path / "store.sqlite", mounts=mounts)


def test_a_disk_of_this_machine_is_fine(tmp_path: Path) -> None:
    check_ground(tmp_path / "store.sqlite", mounts=f"23 22 0:9 / {tmp_path} rw - btrfs there rw\n")
