"""What is asked: held-out examples and suites, and everything that may be wrong with a suite's file."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from eval_ground import Bench, chat, example, label, question

from hortus.evals.suitefiles import check_suite
from hortus.evals.suites import Questions, held_out, read_suite
from hortus.jobs.errors import StepError
from hortus.jobs.examples import Example


def line(**members: object) -> bytes:
    return msgspec.json.encode(members) + b"\n"


GOOD = line(messages=chat("Where?", "Here."), id="1")


def asked(bench: Bench, *, most: int = 400, grader: str = "auto", longest: int = 1024) -> Questions:
    return held_out(bench.dataset, grader=grader, most=most, longest=longest)


@pytest.mark.parametrize(
    ("bad", "path"),
    [
        (b"{\n", "$"),
        (b'{"messages": [{"role": "user", "content": "\xff"}, {}]}\n', "$.messages[0]"),
        (b"[" * 100_000 + b"\n", "$"),
        (b"[]\n", "$"),
        (line(text="plain"), "$"),
        (line(messages=chat("a", "b"), more=1), "$"),
        (line(messages=[]), "$.messages"),
        (line(messages=chat("a", "b")[:1]), "$.messages"),
        (line(messages=[{"role": "robot", "content": "a"}, chat("a", "b")[1]]), "$.messages[0].role"),
        (line(messages=[{"content": "a"}, chat("a", "b")[1]]), "$.messages[0]"),
        (line(messages=[{"role": "user", "content": 5}, chat("a", "b")[1]]), "$.messages[0].content"),
        (line(messages=[chat("a", "b")[0], chat("a", "b")[0]]), "$.messages[1].role"),
        (line(messages=[chat("a", "b")[1], chat("a", "b")[1]]), "$.messages[0].role"),
        (line(messages=chat("a", " ")), "$.messages[1].content"),
        (line(messages=chat("a", "b"), id=5), "$.id"),
        (line(messages=chat("a", "b"), id="1"), "$.id"),
        (line(messages=chat("a", "b"), group=["de"]), "$.group"),
        (line(messages=chat("a", "b"), tools={}), "$.tools"),
    ],
)
def test_a_bad_line_is_named_with_its_place(bad: bytes, path: str) -> None:
    _, problems = check_suite(GOOD + b"\n" + bad)
    assert [(one.line, one.path) for one in problems] == [(3, path)]


def test_all_bad_lines_are_named_at_once() -> None:
    items, problems = check_suite(b"{\n" + GOOD + b"[]\n" + line(messages=[]))
    assert ([one.line for one in problems], items) == ([1, 3, 4], ())


def test_a_problem_says_nothing_of_what_the_line_says() -> None:
    _, problems = check_suite(line(messages=[{"role": "Mr Rossi", "content": "a"}, chat("a", "b")[1]]))
    assert "Rossi" not in problems[0].message


def test_an_empty_file_is_no_suite() -> None:
    assert [one.message for one in check_suite(b"\n\n")[1]] == ["There is no chat in this file."]


def test_the_error_of_a_suite_says_how_many_lines_are_bad_and_names_twenty(tmp_path: Path) -> None:
    (tmp_path / "s.jsonl").write_bytes(b"{\n" * 25)
    with pytest.raises(StepError) as raised:
        read_suite(tmp_path / "s.jsonl", name="s", longest=100)
    assert raised.value.message.startswith("25 lines of the suite s cannot be used. Line 1, $: ")
    assert raised.value.message.endswith("And 5 more.")


def test_a_suite_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(StepError, match="cannot be read"):
        read_suite(tmp_path / "none.jsonl", name="s", longest=100)


def test_tools_calls_ids_groups_and_parts_of_content_are_read() -> None:
    parts = [{"type": "text", "text": "He"}, {"type": "text", "text": "re."}]
    call = {"id": "c", "type": "function", "function": {"name": "weather", "arguments": "{}"}}
    tools = [{"type": "function", "function": {"name": "weather"}}]
    two = [{"role": "user", "content": "?"}, {"role": "assistant", "content": parts}]
    three = [{"role": "user", "content": "?"}, {"role": "assistant", "tool_calls": [call]}]
    items, _ = check_suite(b"\xef\xbb\xbf" + line(messages=two, group="de", id="x") + line(messages=three, tools=tools))
    assert (items[0].expected.text, items[0].group, items[0].id) == ("Here.", "de", "x")
    assert (items[1].expected.tool_calls[0].name, items[1].tools) == ("weather", tools)


def test_the_same_line_twice_is_asked_twice() -> None:
    twice = line(messages=chat("Where?", "Here."))
    items, _ = check_suite(twice * 2)
    assert len({one.id for one in items}) == 2


def test_the_hash_of_a_suite_changes_with_an_answer(tmp_path: Path) -> None:
    hashes = set()
    for answer in ("Here.", "There."):
        (tmp_path / "s.jsonl").write_bytes(line(messages=chat("Where?", answer), id="1"))
        hashes.add(read_suite(tmp_path / "s.jsonl", name="s", longest=100).hash)
    assert len(hashes) == 2


def test_the_same_part_of_many_held_out_examples_is_asked_whatever_their_order(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    rows = [example(question(number), label(number)) for number in range(90)]
    chosen = []
    for order in (rows, rows[::-1]):
        bench.hold_out(order)
        chosen.append({one.id for one in asked(bench, most=40).items})
    assert chosen[0] == chosen[1]
    assert len(chosen[0]) == 40


def test_plain_text_is_left_out_and_counted(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    text = Example("t", 2, [], {"role": "assistant", "content": "Once upon a time"})
    bench.hold_out([text, example("Where?", "Here.")])
    found = asked(bench)
    assert (found.without_answer, len(found.items), found.of) == (1, 1, 1)


def test_labels_that_are_expected_often_are_groups(tmp_path: Path) -> None:
    assert {one.group for one in asked(Bench(tmp_path)).items} == {"waste", "roads", "parks"}


def test_an_answer_that_is_expected_rarely_is_no_label(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    rows = [example(question(number), label(number)) for number in range(60)]
    bench.hold_out([*rows, example("Who?", "Mr Rossi")])
    assert {one.group for one in asked(bench).items} == {None}


def test_an_answer_has_room_for_the_longest_that_is_expected(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.hold_out([example("Where?", "x" * 300)])
    assert 150 < asked(bench).max_tokens < 300


def test_an_answer_takes_no_more_than_the_recipe_allows(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.hold_out([example("Where?", "x" * 5000)])
    assert asked(bench, longest=512).max_tokens == 512


def test_a_dataset_without_held_out_examples_is_an_error_with_its_path(tmp_path: Path) -> None:
    with pytest.raises(StepError) as raised:
        held_out(tmp_path, grader="auto", most=10, longest=10)
    assert (raised.value.reason, raised.value.path) == ("bad_dataset", str(tmp_path / "held_out.parquet"))


def test_a_wished_grader_is_taken(tmp_path: Path) -> None:
    assert asked(Bench(tmp_path), grader="contains").grader == "contains"
