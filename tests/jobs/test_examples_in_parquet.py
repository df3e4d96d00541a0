"""Examples go into a Parquet file and come out of it as they were, in the same bytes every time."""

from __future__ import annotations

from pathlib import Path

import pytest

from hortus.jobs.examples import Example, count_examples, for_template, read_examples, write_examples

CALL = {"id": "c1", "type": "function", "function": {"name": "look", "arguments": '{"b": 1, "a": [2]}'}}
EXAMPLES = [
    Example(
        id="1", line=1, prompt=[{"role": "user", "content": "Grüße"}], answer={"role": "assistant", "content": "ja"}
    ),
    Example(
        id="2",
        line=7,
        prompt=[{"role": "user", "content": "a"}],
        answer={"role": "assistant", "content": "b"},
        rejected={"role": "assistant", "content": "c"},
        tools=[{"type": "function", "function": {"name": "look"}}],
        tokens=12,
        source="validation",
    ),
    Example(id="3", line=8, prompt=[], answer={"role": "assistant", "content": "plain text"}),
]


def test_reads_what_was_written(tmp_path: Path) -> None:
    assert write_examples(tmp_path / "a.parquet", EXAMPLES) == 3
    assert list(read_examples(tmp_path / "a.parquet")) == EXAMPLES


def test_writes_the_same_bytes_for_the_same_examples(tmp_path: Path) -> None:
    many = EXAMPLES * 3000
    write_examples(tmp_path / "a.parquet", many)
    write_examples(tmp_path / "b.parquet", iter(many))
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()


def test_counts_without_reading(tmp_path: Path) -> None:
    write_examples(tmp_path / "a.parquet", EXAMPLES * 3000)
    assert count_examples(tmp_path / "a.parquet") == 9000


def test_a_file_may_hold_none(tmp_path: Path) -> None:
    write_examples(tmp_path / "a.parquet", [])
    assert list(read_examples(tmp_path / "a.parquet")) == []


def test_never_writes_over_a_file(tmp_path: Path) -> None:
    write_examples(tmp_path / "a.parquet", EXAMPLES)
    with pytest.raises(FileExistsError):
        write_examples(tmp_path / "a.parquet", EXAMPLES)


def test_templates_get_arguments_as_objects() -> None:
    messages = [{"role": "user", "content": "a"}, {"role": "assistant", "tool_calls": [CALL]}]
    assert for_template(messages)[1]["tool_calls"][0]["function"]["arguments"] == {"b": 1, "a": [2]}
    assert messages[1]["tool_calls"][0]["function"]["arguments"] == '{"b": 1, "a": [2]}'


def test_only_plain_text_has_no_prompt() -> None:
    assert [one.is_text for one in EXAMPLES] == [False, False, True]
