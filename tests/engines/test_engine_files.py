"""Address files and logs: names, rights, replacement, bounds."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from hortus.engines.addresses import (
    EngineAddress,
    address_file,
    file_stem,
    read_address,
    read_addresses,
    remove_address,
    remove_all,
    write_address,
)
from hortus.engines.logs import bound_log, log_file, open_log, tail_of
from hortus.snapshot.declared import NAME_PATTERN

if TYPE_CHECKING:
    from pathlib import Path

NAMES = st.from_regex(NAME_PATTERN, fullmatch=True).filter(lambda name: not name.endswith("\n"))


@given(one=NAMES, other=NAMES)
def test_every_name_has_its_own_plain_file_name(one: str, other: str) -> None:
    assert "/" not in file_stem(one)
    assert len(file_stem(one).encode()) <= 240
    assert (file_stem(one) == file_stem(other)) == (one == other)


def test_long_names_that_differ_at_their_end_have_different_files() -> None:
    assert file_stem("a" + "/" * 126 + "x") != file_stem("a" + "/" * 126 + "y")


def test_an_address_is_private_and_comes_back_as_it_was(tmp_path: Path) -> None:
    remove_all(tmp_path / "engines")
    address = EngineAddress(name="eu/tiny", state="ready", base_url="http://127.0.0.1:1/v1", key="k", pid=3)
    write_address(tmp_path / "engines", address)
    file = address_file(tmp_path / "engines", "eu/tiny")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert read_address(file.parent, "eu/tiny") == address
    assert read_addresses(file.parent) == [address]
    assert [path.name for path in file.parent.iterdir()] == ["eu%2Ftiny.json"]


def test_a_key_is_not_shown_by_accident() -> None:
    assert "hidden-key" not in repr(EngineAddress(name="a", state="ready", key="hidden-key"))


def test_missing_and_broken_files_are_no_address(tmp_path: Path) -> None:
    address_file(tmp_path, "broken").write_text('{"name": "bro')
    assert read_address(tmp_path, "broken") is None
    assert read_address(tmp_path, "missing") is None
    assert read_addresses(tmp_path) == []
    remove_address(tmp_path, "missing")


def test_the_file_of_the_workshop_is_none_of_the_supervisors(tmp_path: Path) -> None:
    write_address(tmp_path, EngineAddress(name="workshop", state="ready", key="k"))
    (tmp_path / ".workshop.json.7").write_bytes(b"half")
    (tmp_path / ".other.json.7").write_bytes(b"half")
    remove_all(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [".workshop.json.7", "workshop.json"]


def test_stale_files_are_cleared(tmp_path: Path) -> None:
    write_address(tmp_path, EngineAddress(name="old", state="ready"))
    (tmp_path / ".old.json.123").write_text("left over")
    remove_all(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_log_above_its_bound_moves_aside_while_the_engine_keeps_writing(tmp_path: Path) -> None:
    log = log_file(tmp_path, "eu/tiny")
    with open_log(log) as output:
        output.write(b"old line\n" * 100)
        output.flush()
        assert not bound_log(log, bound_bytes=900)
        assert bound_log(log, bound_bytes=899)
        output.write(b"new line\n")
    assert log.read_bytes() == b"new line\n"
    older = log.with_name(f"{log.name}.1")
    assert older.read_bytes() == b"old line\n" * 100
    assert stat.S_IMODE(log.stat().st_mode) == stat.S_IMODE(older.stat().st_mode) == 0o600
    assert not bound_log(tmp_path / "missing.log")


def test_the_tail_of_a_log_leaves_out_earlier_starts(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    log.write_text("earlier failure\n" + "x" * 20_000 + "\nlater failure\n")
    assert tail_of(log, since=log.stat().st_size - 14) == "later failure\n"
    assert tail_of(log, since=10**9) == ""
    assert "earlier" not in tail_of(log)
    assert tail_of(tmp_path / "missing.log") == ""
