"""Whatever stands in a line in place of what is wanted, it is named with its path, and nothing breaks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from examples_ground import chat, checked, encode, good_chat, lines, work_of
from hortus.jobs.spec import Method
from hortus.tuning.checking import BadData
from hortus.tuning.datasets.formats import FORMATS, Line, drafts_of, format_of
from hortus.tuning.datasets.lines import object_of
from hortus.tuning.datasets.problems import Flaws, Problem, Problems

LAW = settings(
    max_examples=150, derandomize=True, database=None, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
USER, SAID = good_chat(50)["messages"]
TOOL = {"type": "function", "function": {"name": "look"}}


def called(call: object) -> dict[str, Any]:
    return {"messages": [USER, {"role": "assistant", "tool_calls": [call]}], "tools": [TOOL]}


def preference(**members: object) -> dict[str, Any]:
    whole = {
        "input": {"messages": [USER]},
        "preferred_output": [SAID],
        "non_preferred_output": [SAID | {"content": "No."}],
    }
    return whole | members


SHAPES: list[tuple[dict[str, Any], str, str]] = [
    ({"messages": "a"}, "wrong_type", "$.messages"),
    ({"messages": ["a"]}, "wrong_type", "$.messages[0]"),
    (chat("a", "b", tools="look"), "wrong_type", "$.tools"),
    (chat("a", "b", tools=["look"]), "wrong_type", "$.tools[0]"),
    (chat("a", "b", tools=[{"type": "function"}]), "missing_member", "$.tools[0]"),
    (chat("a", "b", tools=[{"type": "function", "function": 1}]), "wrong_type", "$.tools[0].function"),
    (chat("a", "b", tools=[{"type": "function", "function": {}}]), "missing_member", "$.tools[0].function"),
    (chat("a", "b", tools=[{"function": {"name": 1}}]), "wrong_type", "$.tools[0].function.name"),
    (chat("a", "b", tools=[TOOL | {"colour": 1}]), "unknown_member", "$.tools[0].colour"),
    (chat("a", "b", parallel_tool_calls=1), "wrong_type", "$.parallel_tool_calls"),
    (called("look"), "wrong_type", "$.messages[1].tool_calls[0]"),
    (called({"id": "c"}), "missing_member", "$.messages[1].tool_calls[0]"),
    (called({"function": {}}), "missing_member", "$.messages[1].tool_calls[0].function"),
    (called({"id": 5, "function": {"name": "look"}}), "wrong_type", "$.messages[1].tool_calls[0].id"),
    (
        called({"function": {"name": "look", "arguments": 5}}),
        "arguments_not_json",
        "$.messages[1].tool_calls[0].function.arguments",
    ),
    (
        called({"function": {"name": "look", "arguments": "[1]"}}),
        "arguments_not_json",
        "$.messages[1].tool_calls[0].function.arguments",
    ),
    ({"messages": [USER, SAID | {"tool_calls": "look"}]}, "wrong_type", "$.messages[1].tool_calls"),
    ({"messages": [USER, SAID | {"name": 5}]}, "wrong_type", "$.messages[1].name"),
    ({"messages": [USER, SAID | {"weight": True}]}, "unknown_weight", "$.messages[1].weight"),
    ({"messages": [USER, SAID | {"content": ["a"]}]}, "wrong_type", "$.messages[1].content[0]"),
    ({"messages": [USER, SAID | {"content": [{"type": "text"}]}]}, "wrong_type", "$.messages[1].content[0].text"),
    ({"messages": [USER, {"role": "tool", "content": "a"}, SAID]}, "missing_member", "$.messages[1]"),
    (
        {"messages": [USER, {"role": "tool", "tool_call_id": 1, "content": "a"}, SAID]},
        "wrong_type",
        "$.messages[1].tool_call_id",
    ),
    ({"messages": [USER | {"function_call": {}}, SAID]}, "old_functions", "$.messages[0].function_call"),
    ({"messages": [USER | {"what now?": 1}, SAID]}, "unknown_member", "$.messages[0].*"),
    ({"prompt": "a"}, "missing_member", "$"),
    ({"completion": "a"}, "missing_member", "$"),
    ({"prompt": 5, "completion": "a"}, "wrong_type", "$.prompt"),
    ({"prompt": "a", "completion": 5}, "wrong_type", "$.completion"),
    ({"prompt": " ", "completion": "a"}, "empty_content", "$.prompt"),
    ({"prompt": [USER, SAID], "completion": "a"}, "one_answer_wanted", "$.prompt[1].role"),
    (preference(input=5), "wrong_type", "$.input"),
    (preference(input={}), "missing_member", "$.input"),
    (preference(input={"messages": [USER], "mood": 1}), "unknown_member", "$.input.mood"),
    ({"input": {"messages": [USER]}, "non_preferred_output": [SAID]}, "missing_member", "$"),
    (preference(preferred_output=[]), "no_messages", "$.preferred_output"),
    (preference(preferred_output=[USER]), "one_answer_wanted", "$.preferred_output"),
    ({"prompt": "a", "rejected": "b"}, "missing_member", "$"),
    ({"chosen": "a", "rejected": "b"}, "missing_member", "$"),
    ({"text": 5}, "wrong_type", "$.text"),
    ({"text": " "}, "empty_content", "$.text"),
]


def problems_of(value: dict[str, Any]) -> list[Problem]:
    problems = Problems()
    drafts_of(Line(value, Flaws(problems, "training", line=1), reads_media=False), format_of(value) or "")
    return [*problems.errors, *problems.warnings]


@pytest.mark.parametrize(("value", "code", "path"), SHAPES, ids=[f"{code} {path}" for _, code, path in SHAPES])
def test_names_what_is_wrong_and_where(value: dict[str, Any], code: str, path: str) -> None:
    assert (code, path) in [(one.code, one.path) for one in problems_of(value)]


@pytest.mark.parametrize("method", ["supervised", "dpo", "scratch"])
def test_a_line_that_is_wrong_refuses_the_file_of_every_method(method: Method, tmp_path: Path) -> None:
    with pytest.raises(BadData):
        checked(work_of(tmp_path, lines([value for value, _, _ in SHAPES]), method=method))


WORDS = (
    "messages",
    "role",
    "content",
    "user",
    "assistant",
    "tool",
    "tool_calls",
    "function",
    "name",
    "arguments",
    "text",
)
LEAVES = st.none() | st.booleans() | st.integers(-1, 2) | st.sampled_from(WORDS) | st.just("")
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=4),
    max_leaves=12,
)
MEMBERS = sorted({mark for one in FORMATS.values() for mark in one.marks} | {"tools"})


@LAW
@given(st.dictionaries(st.sampled_from(MEMBERS), VALUES, min_size=1))
def test_no_object_breaks_the_check(value: dict[str, Any]) -> None:
    found = format_of(value)
    if found is not None:
        line = Line(value, Flaws(Problems(), "training", line=1), reads_media=False)
        assert all(one.answer["role"] == "assistant" for one in drafts_of(line, found))


@LAW
@given(st.binary(max_size=60) | st.dictionaries(st.sampled_from(WORDS), VALUES).map(encode))
def test_no_line_breaks_the_check(line: bytes) -> None:
    flaws = Flaws(Problems(), "training", line=2)
    assert object_of(line, flaws) is not None or flaws.is_refused or not line.strip()
