"""Is a folder that has not changed read once, and one that has changed read again?"""

from __future__ import annotations

from pathlib import Path

import pytest

from hortus.jobs.errors import StepError
from hortus.tuning.bases import BaseFacts, check_base
from hortus.tuning.looks import Looks
from tiny_models import copy_of, edit, write_folder


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Path:
    return write_folder(tmp_path_factory.mktemp("base") / "model")


@pytest.fixture
def folder(whole: Path, tmp_path: Path) -> Path:
    return copy_of(whole, tmp_path / "model")


class Counted:
    """Looks at folders and keeps which."""

    def __init__(self) -> None:
        self.read: list[Path] = []
        self.looks = Looks(self._look)

    def _look(self, root: Path) -> BaseFacts:
        self.read.append(root)
        return check_base(root, hashed=False)


def test_an_unchanged_folder_is_read_once(folder: Path) -> None:
    counted = Counted()

    found = [counted.looks.facts(folder) for _ in range(3)]

    assert counted.read == [folder]
    assert found == [check_base(folder, hashed=False)] * 3


def test_a_changed_file_is_read_again(folder: Path) -> None:
    counted = Counted()
    before = counted.looks.facts(folder)
    edit(folder / "config.json", max_position_embeddings=1024)

    assert (before.context_tokens, counted.looks.facts(folder).context_tokens) == (512, 1024)
    assert counted.read == [folder] * 2


def test_a_further_file_is_seen(folder: Path) -> None:
    looks = Looks()
    looks.facts(folder)
    (folder / "modeling.py").write_text("")

    with pytest.raises(StepError):
        looks.facts(folder)


def test_another_folder_is_read_for_itself(folder: Path, tmp_path: Path) -> None:
    counted = Counted()
    other = copy_of(folder, tmp_path / "other")
    edit(other / "config.json", max_position_embeddings=1024)

    assert [counted.looks.facts(one).context_tokens for one in (folder, other, folder)] == [512, 1024, 512]
    assert counted.read == [folder, other]


def test_a_folder_that_is_no_base_is_read_each_time(tmp_path: Path) -> None:
    counted = Counted()
    for _ in range(2):
        with pytest.raises(StepError):
            counted.looks.facts(tmp_path / "gone")

    assert len(counted.read) == 2


def test_only_so_many_folders_are_remembered(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hortus.tuning.looks._MOST", 1)
    counted = Counted()
    other = copy_of(folder, tmp_path / "other")

    for one in (folder, other, folder):
        counted.looks.facts(one)

    assert counted.read == [folder, other, folder]


def test_those_looked_at_last_are_remembered(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hortus.tuning.looks._MOST", 2)
    counted = Counted()
    other, third = (copy_of(folder, tmp_path / name) for name in ("other", "third"))

    for one in (folder, other, folder, third, folder):
        counted.looks.facts(one)

    assert counted.read == [folder, other, third]
