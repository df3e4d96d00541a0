"""The trainer's greedy answers beside the engine's: every kind of difference, and what it may come from."""

from __future__ import annotations

import pytest

from hortus.evals.answers import Given
from hortus.evals.likeness import likely_cause, likeness, room_for
from hortus.evals.ports import Answer, ToolCall
from hortus.evals.rules import check_references
from hortus.jobs.references import Reference
from hortus.jobs.spec import GateRules

ASKED = [{"role": "user", "content": "Where?"}]
TEN = [Reference(ASKED, "Here.", prompt_tokens=7, finish_reason="stop")] * 10
SAME = Given("", Answer("Here.", prompt_tokens=7))


def told(odd: Given, *, count: int = 1) -> str:
    return check_references(likeness(TEN, [odd] * count + [SAME] * (10 - count)), GateRules()).sentence


@pytest.mark.parametrize(
    ("answer", "place"),
    [
        (Answer("There.", prompt_tokens=7), "6 instead of 5 characters, different from character 1 on"),
        (Answer("Here. ", prompt_tokens=7), "6 instead of 5 characters, different from character 6 on"),
        (Answer("", prompt_tokens=7), "0 instead of 5 characters, different from character 1 on"),
        (Answer("Here.", prompt_tokens=8), "a prompt of 7 tokens was read as 8"),
        (Answer("Here.", finish_reason="length"), "it ended by `length` instead of `stop`"),
        (Answer("", (ToolCall("f", "{}"),)), "a call of a tool instead of text"),
    ],
)
def test_a_difference_is_told_with_its_place(answer: Answer, place: str) -> None:
    assert f"Reference 0: {place}." in told(Given("", answer))


@pytest.mark.parametrize("given", [Given("", unanswered="gone"), Given("", refused="too long")])
def test_no_answer_is_a_difference(given: Given) -> None:
    assert "The engine did not answer. Reference 0: no answer." in told(given)


@pytest.mark.parametrize(
    ("answer", "count", "cause"),
    [
        (Answer("There."), 1, "rounds more coarsely"),
        (Answer("There."), 9, "Other weights are served (the base?), or another chat template or tokenizer."),
        (Answer("There.", prompt_tokens=7), 9, "It reads prompts as the trainer did, so: other weights are served"),
        (Answer("There.", prompt_tokens=9), 9, "another chat template or tokenizer is served"),
    ],
)
def test_the_likely_cause_follows_from_what_differs(answer: Answer, count: int, cause: str) -> None:
    assert cause in told(Given("", answer), count=count)


def test_prompts_are_compared_only_where_both_say_how_many_tokens() -> None:
    silent = [Reference(ASKED, "Here.")]
    figures = likeness([*silent, TEN[0]], [SAME, Given("", Answer("Here."))])
    assert (figures.counted, figures.differing) == (0, 0)


def test_all_differences_are_counted_and_the_first_are_listed() -> None:
    figures = likeness([Reference(ASKED, "a")] * 80, [Given("", Answer("b"))] * 80)
    assert (figures.differing, len(figures.differences)) == (80, 50)
    assert likely_cause(figures).startswith("Other weights")


def test_an_answer_without_a_limit_of_the_trainers_has_room_for_itself() -> None:
    assert room_for(Reference(ASKED, "é" * 100)) > 200
