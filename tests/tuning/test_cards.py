"""Is a card's front matter read as it is meant, whoever wrote it?"""

from __future__ import annotations

from pathlib import Path

import pytest

from hortus.tuning.cards import FrontMatter, read_front_matter

NOTHING = FrontMatter()


def read(folder: Path, text: str) -> FrontMatter:
    (folder / "README.md").write_text(text)
    return read_front_matter(folder)


def test_reads_the_members_that_travel_on(tmp_path: Path) -> None:
    text = (
        "---\nlicense: other\nlicense_name: own-1.0\nlicense_link: LICENSE\nbase_model:\n- one/base\n- two/base\n"
        "language: [de, 'fr']\nmodel-index:\n- name: x\n  results: []\ntags:\n  - a\n---\nlicense: mit\n"
    )

    assert read(tmp_path, text) == FrontMatter("own-1.0", "LICENSE", "one/base", ("de", "fr"))


@pytest.mark.parametrize(
    "text", ["", "# Card\n", "---\nlicense: mit\n", "--- # no fence\n", "\n---\nlicense: mit\n---\n", "---\n- a\n---\n"]
)
def test_a_card_without_front_matter_says_nothing(text: str, tmp_path: Path) -> None:
    assert read(tmp_path, text) == NOTHING


def test_an_empty_licence_is_none(tmp_path: Path) -> None:
    assert read(tmp_path, "---\nlicense:\nlanguage:\n---\n") == NOTHING


def test_a_folder_without_a_card_says_nothing(tmp_path: Path) -> None:
    assert read_front_matter(tmp_path) == NOTHING


def test_bytes_that_are_no_text_do_no_harm(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_bytes(b"---\nlicense: mit\nx: \xff\xfe\n---\n")

    assert read_front_matter(tmp_path).licence == "mit"
