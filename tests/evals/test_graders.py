"""Is an answer right? What each grader takes for the same, and which one is chosen."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hortus.evals.graders import GRADERS, Expected, choose, grade
from hortus.evals.ports import Answer, ToolCall

LONG = "The office is open on weekdays from eight to noon, and on Thursdays until six in the evening as well."


def judged(name: str, expected: str, answer: str, rejected: str | None = None) -> float:
    return grade(GRADERS[name], Expected(expected, rejected=rejected), Answer(answer))


def called(name: str, arguments: str) -> tuple[ToolCall, ...]:
    return (ToolCall(name, arguments),)


@pytest.mark.parametrize(
    ("grader", "expected", "answer", "score"),
    [
        ("exact", "straße", " straße\n", 1.0),
        ("exact", "caf\u00e9", "cafe\u0301", 1.0),
        ("exact", "waste", "Waste", 0.0),
        ("exact", "waste", "waste.", 0.0),
        ("exact", "two\nlines", "two\r\nlines", 1.0),
        ("exact", "waste", "", 0.0),
        ("contains", "no", "no, it is not", 1.0),
        ("contains", "waste", " waste", 1.0),
        ("contains", "no", "nothing", 0.0),
        ("contains", "C++ (new)", "in C++ (new)!", 1.0),
        ("f1", "the red house", "the blue house", 2 / 3),
        ("f1", "the the house", "the house", 0.8),
        ("f1", "house", "", 0.0),
        ("f1", "…", "?!", 1.0),
        ("f1", "the house", " the house", 1.0),
        ("number", "3", "3.00", 1.0),
        ("number", "3", " 3", 1.0),
        ("number", "3", "3 houses", 0.0),
        ("number", "3", "NaN", 0.0),
        ("json", '{"a": 1, "b": [true]}', '{"b":[true],"a":1.0}', 1.0),
        ("json", '{"a": 1}', ' {"a": 1}', 1.0),
        ("json", '{"a": 1}', '{"a": true}', 0.0),
        ("json", '{"a": 1}', "a is 1", 0.0),
        ("json", '{"a": 1}', "[" * 100_000, 0.0),
    ],
)
def test_a_grader_judges_text(grader: str, expected: str, answer: str, score: float) -> None:
    assert judged(grader, expected, answer) == pytest.approx(score)


@pytest.mark.parametrize(
    ("answer", "score"), [("open on weekdays", 1.0), ("closed for ever", 0.0), ("quite another thing", 0.5)]
)
def test_an_answer_nearer_to_the_chosen_one_is_preferred(answer: str, score: float) -> None:
    assert judged("preferred", "open on weekdays", answer, rejected="closed for ever") == score


@pytest.mark.parametrize(
    ("arguments", "score"),
    [
        ('{"city":"Rome","days":2}', 1.0),
        ('{"days": 2.0, "city": "Rome"}', 1.0),
        ('{"city":"Rome","days":"2"}', 0.0),
        ('{"city":"Rome"}', 0.0),
        ("Rome", 0.0),
    ],
)
def test_calls_are_the_same_if_their_arguments_are_the_same_values(arguments: str, score: float) -> None:
    expected = Expected("", called("weather", '{"city": "Rome", "days": 2}'))
    answer = Answer("", called("weather", arguments))
    assert grade(GRADERS["f1"], expected, answer) == score


def test_a_call_of_another_tool_is_wrong() -> None:
    answer = Answer("", called("forecast", "{}"))
    assert grade(GRADERS["exact"], Expected("", called("weather", "{}")), answer) == 0.0


def test_calls_may_come_in_any_order() -> None:
    one, other = ToolCall("a", "{}"), ToolCall("b", '{"x":1}')
    assert grade(GRADERS["exact"], Expected("", (one, other)), Answer("", (other, one))) == 1.0


def test_a_call_made_twice_is_not_a_call_made_once() -> None:
    one = ToolCall("a", "{}")
    assert grade(GRADERS["exact"], Expected("", (one,)), Answer("", (one, one))) == 0.0


def test_a_call_where_text_is_expected_is_wrong_even_if_the_text_is_there() -> None:
    assert grade(GRADERS["exact"], Expected("waste"), Answer("waste", called("weather", "{}"))) == 0.0


@pytest.mark.parametrize(
    ("expected", "chosen"),
    [
        ([Expected("waste"), Expected("roads")], "exact"),
        ([Expected("waste"), Expected(LONG)], "f1"),
        ([Expected("12"), Expected("-3.5")], "number"),
        ([Expected('{"a": 1}'), Expected("[1]")], "json"),
        ([Expected("", called("weather", "{}"))], "exact"),
        ([Expected("waste"), Expected("", called("weather", "{}"))], "exact"),
        ([Expected(LONG, rejected="No.")], "preferred"),
        ([Expected("yes", rejected="no")], "exact"),
        ([], "exact"),
    ],
)
def test_the_grader_follows_from_the_expected_answers(expected: list[Expected], chosen: str) -> None:
    assert choose(expected) == chosen


@given(st.sampled_from(sorted(GRADERS)), st.text(), st.text())
def test_every_score_lies_between_wrong_and_right(name: str, expected: str, answer: str) -> None:
    assert 0.0 <= judged(name, expected, answer, rejected="no") <= 1.0


@given(st.sampled_from(["exact", "f1"]), st.text())
def test_the_expected_answer_is_right(name: str, text: str) -> None:
    assert judged(name, text, text) == 1.0


@given(st.sampled_from([name for name, one in GRADERS.items() if one.is_binary]), st.text(), st.text())
def test_a_binary_grader_knows_nothing_between(name: str, expected: str, answer: str) -> None:
    assert judged(name, expected, answer) in {0.0, 1.0}
