from __future__ import annotations

import os
from pathlib import Path

import msgspec
import pytest

from hortus.base.errors import InstallationError
from hortus.snapshot.model import Snapshot
from hortus.snapshot.reading import load_snapshot
from hortus.snapshot.writing import publish

NOW_MS = 1_795_000_000_000


def snapshot(organisation: str = "Test", *, now_ms: int = NOW_MS) -> Snapshot:
    return Snapshot(
        version=0, compiled_at_ms=now_ms, organisation=organisation, endpoints={}, routes={}, deployments={}
    )


def test_what_is_published_can_be_read_by_a_worker(tmp_path: Path) -> None:
    path = tmp_path / "snapshot" / "current.json"
    published = publish(snapshot(), path)
    assert published.version == 1
    assert load_snapshot(path) == published


def test_only_the_owner_may_read_it_whatever_the_umask(tmp_path: Path) -> None:
    path = tmp_path / "current.json"
    before = os.umask(0)
    try:
        publish(snapshot(), path)
    finally:
        os.umask(before)
    assert path.stat().st_mode & 0o777 == 0o600


def test_the_version_grows_with_each_change(tmp_path: Path) -> None:
    path = tmp_path / "current.json"
    assert [publish(snapshot(name), path).version for name in "abc"] == [1, 2, 3]


def test_the_same_content_at_another_time_is_not_written_again(tmp_path: Path) -> None:
    path = tmp_path / "current.json"
    publish(snapshot(), path)
    before = path.stat()
    assert publish(snapshot(now_ms=NOW_MS + 5000), path).version == 1
    assert path.stat().st_ino == before.st_ino


@pytest.mark.parametrize("damage", [b"", b"{", b'{"format":99}', b"\xff\xfe"])
def test_a_damaged_file_is_replaced_by_a_version_above_all_before(tmp_path: Path, damage: bytes) -> None:
    path = tmp_path / "current.json"
    path.write_bytes(damage)
    assert publish(snapshot(), path).version > NOW_MS
    assert publish(snapshot("other"), path).version > NOW_MS + 1


def test_a_reader_sees_the_old_or_the_new_one_never_a_part(tmp_path: Path) -> None:
    path = tmp_path / "current.json"
    publish(snapshot("old"), path)
    with path.open("rb") as held:
        publish(snapshot("new"), path)
        assert msgspec.json.decode(held.read(), type=Snapshot).organisation == "old"
    assert load_snapshot(path).organisation == "new"


def test_what_a_crash_left_aside_does_not_stand_in_the_way(tmp_path: Path) -> None:
    path = tmp_path / "current.json"
    left = tmp_path / ".current.json.new"
    left.write_bytes(b"half of a file that was longer than the next one" * 99)
    left.chmod(0o666)
    publish(snapshot(), path)
    assert load_snapshot(path).version == 1
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_place_that_cannot_be_written_is_said_clearly(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_bytes(b"")
    with pytest.raises(InstallationError, match="cannot be written"):
        publish(snapshot(), blocked / "current.json")
