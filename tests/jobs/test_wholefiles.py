"""A file lies in its place whole, or as it was."""

from __future__ import annotations

from pathlib import Path

import pytest

from hortus.jobs.wholefiles import write_whole


@pytest.mark.parametrize("outlives_power", [True, False])
def test_what_a_kill_left_aside_is_written_over_and_nothing_stays(tmp_path: Path, *, outlives_power: bool) -> None:
    left = tmp_path / ".a.json.new"
    left.write_bytes(b"half of a file that was longer than the next one")
    left.chmod(0o666)
    write_whole(tmp_path / "a.json", b"whole", outlives_power=outlives_power)
    assert [one.name for one in tmp_path.iterdir()] == ["a.json"]
    assert (tmp_path / "a.json").read_bytes() == b"whole"
    assert (tmp_path / "a.json").stat().st_mode & 0o777 == 0o600


def test_the_folder_of_a_file_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    write_whole(tmp_path / "new" / "a.json", b"x")
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o700


def test_a_link_that_lies_aside_is_not_followed(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_bytes(b"precious")
    (tmp_path / ".current.json.new").symlink_to(victim)
    with pytest.raises(OSError, match="symbolic links"):
        write_whole(tmp_path / "current.json", b"x")
    assert victim.read_bytes() == b"precious"
