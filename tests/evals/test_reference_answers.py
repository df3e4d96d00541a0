"""The trainer's greedy answers beside the engine's: every kind of difference, and what it may come from."""

from __future__ import annotations

import pytest

from hortus.evals.answers import Given
from hortus.evals.likeness import likely_cause, likeness, room_for
from hortus.evals.ports import Answer, ToolCall
from hortus.evals.rules import check_references
from hortus.evals.verdict import Check
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


@pytest.mark.parametrize("trained", ["waste", " waste", "waste at noon", ""])
def test_one_space_at_the_front_is_no_difference(trained: str) -> None:
    figures = likeness([Reference(ASKED, trained)] * 2, [Given("", Answer(f" {trained}")), Given("", Answer(trained))])
    assert figures.differing == 0


@pytest.mark.parametrize(
    ("trained", "served"),
    [
        ("waste", "  waste"),
        ("waste", "\nwaste"),
        ("waste", "\u00a0waste"),
        ("waste", "waste "),
        ("waste", " waste "),
        ("waste", " Waste"),
        ("waste at noon", " waste  at noon"),
        ("waste at noon", " wasteat noon"),
        (" waste", "waste"),
        (" waste", "   waste"),
    ],
)
def test_any_other_difference_in_spaces_is_one(trained: str, served: str) -> None:
    assert likeness([Reference(ASKED, trained)], [Given("", Answer(served))]).differing == 1


def test_an_answer_with_a_space_at_its_front_may_still_end_otherwise() -> None:
    assert "it ended by `length` instead of `stop`" in told(Given("", Answer(" Here.", finish_reason="length")))


def test_an_answer_with_a_space_at_its_front_is_weighed_and_its_prompt_counted() -> None:
    odd = Given("", Answer(" Here.", prompt_tokens=8))
    assert "a prompt of 7 tokens was read as 8" in told(odd)
    far = [Given("", Answer(" Here.", likeliest=(-0.1, -3.1, -4.1)))] * 10
    assert not check_references(likeness(WEIGHED, far), GateRules()).passed


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


WEIGHED = [Reference(ASKED, "Here.", likeliest=(-0.1, -3.0, -4.0))] * 10


def weighed(shift: float, *, allowed: float = 0.05) -> Check:
    told = Given("", Answer("Here.", likeliest=(-0.1, -3.0 - shift, -4.0 - shift)))
    return check_references(likeness(WEIGHED, [told] * 10, allowed=allowed), GateRules())


def test_answers_as_likely_as_the_trainers_pass() -> None:
    assert weighed(0.01).passed


def test_the_same_answers_that_are_not_as_likely_bar() -> None:
    one = weighed(0.07)
    assert not one.passed
    assert "not as likely: other weights or another chat template are served" in one.sentence


def test_few_differing_answers_that_are_not_as_likely_are_no_rounding() -> None:
    odd = Given("", Answer("There.", likeliest=(-0.5, -1.0, -2.0)))
    even = Given("", Answer("Here.", likeliest=(-0.3, -2.0, -3.0)))
    assert "other weights are served, or another template" in likely_cause(likeness(WEIGHED, [odd] + [even] * 9))


def test_engines_that_round_more_may_lie_further_apart() -> None:
    assert weighed(0.07, allowed=0.25).passed


def test_a_single_odd_likelihood_does_not_decide() -> None:
    odd, even = (Given("", Answer("Here.", likeliest=(-0.1, low, -4.0))) for low in (-3e38, -3.0))
    assert likeness(WEIGHED, [odd] + [even] * 9).apart == 0.0


def test_an_engine_that_tells_no_likelihoods_is_judged_by_its_answers() -> None:
    figures = likeness(WEIGHED, [Given("", Answer("Here."))] * 10)
    assert (figures.apart, figures.weighed, figures.differing) == (None, 0, 0)


def test_all_differences_are_counted_and_the_first_are_listed() -> None:
    figures = likeness([Reference(ASKED, "a")] * 80, [Given("", Answer("b"))] * 80)
    assert (figures.differing, len(figures.differences)) == (80, 50)
    assert likely_cause(figures).startswith("Other weights")


def test_an_answer_without_a_limit_of_the_trainers_has_room_for_itself() -> None:
    assert room_for(Reference(ASKED, "é" * 100)) > 200
