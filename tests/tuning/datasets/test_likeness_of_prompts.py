"""Prompts that are nearly the same are found, others are not, and the work for each is bounded."""

from __future__ import annotations

import random

import pytest

from hortus.tuning.datasets import likeness
from hortus.tuning.datasets.likeness import Likeness

WORDS = [f"word{number}" for number in range(2000)]


def text(seed: int, count: int = 100) -> list[str]:
    return random.Random(seed).choices(WORDS, k=count)


def test_finds_a_text_with_one_word_changed() -> None:
    seen = Likeness()
    for row in range(50):
        assert seen.add(row, " ".join(text(row))) is None
    changed = text(7)
    changed[40] = "other"
    assert seen.add(50, " ".join(changed)) == 7


def test_finds_a_text_with_other_signs_and_capitals() -> None:
    seen = Likeness()
    seen.add(3, "Where, please, is the town hall of Ghent?")
    assert seen.add(4, "where please is the TOWN HALL of ghent") == 3


@pytest.mark.parametrize("count", [1, 2, 5, 30])
def test_finds_the_same_words_however_few(count: int) -> None:
    seen = Likeness()
    words = " ".join(text(1, count))
    seen.add(0, words)
    assert seen.add(1, words + "!") == 0


def test_does_not_take_texts_of_which_half_is_the_same_for_alike() -> None:
    seen = Likeness()
    for row in range(50):
        seen.add(row, " ".join(text(row)))
    assert [seen.add(99, " ".join(text(row)[:50] + text(row + 500)[50:])) for row in range(50)] == [None] * 50


def test_a_text_without_words_is_like_nothing() -> None:
    seen = Likeness()
    assert [seen.add(0, "?!"), seen.add(1, "?!")] == [None, None]


def test_gives_up_where_there_are_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(likeness, "MOST_TEXTS", 2)
    seen = Likeness()
    for row in range(2):
        seen.add(row, " ".join(text(row)))
    assert seen.is_full
    assert seen.add(2, " ".join(text(0))) is None
