"""Arrays that arrive in pieces: the same elements for every split, and nothing taken for an array that is none."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hortus.canon.errors import BrokenStream
from hortus.framing import json_array
from hortus.framing.json_array import JsonArraySplitter, JsonArrayWriter

TEXTS = st.text(max_size=6) | st.sampled_from(['"', "\\", '\\"', "[{", "]}", ",", 'é"', "\\\\"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)


def elements_of(parts: list[bytes]) -> list[bytes]:
    splitter = JsonArraySplitter()
    elements = [element for part in parts for element in splitter.feed(part)]
    splitter.close()
    return elements


@given(
    values=st.lists(VALUES, max_size=4),
    ascii_only=st.booleans(),
    indent=st.sampled_from([None, 1]),
    places=st.lists(st.integers(0, 500)),
)
def test_every_split_gives_the_same_elements(
    values: list, *, ascii_only: bool, indent: int | None, places: list[int]
) -> None:
    data = b" " + json.dumps(values, ensure_ascii=ascii_only, indent=indent).encode() + b"\r\n"
    marks = sorted({place % (len(data) + 1) for place in places} | {0, len(data)})
    elements = elements_of([data[start:end] for start, end in pairwise(marks)])
    assert elements == elements_of([data])
    assert elements == elements_of([data[i : i + 1] for i in range(len(data))])
    assert [json.loads(element) for element in elements] == values
    assert all(element in data for element in elements)


@given(values=st.lists(VALUES, max_size=4))
def test_what_is_written_can_be_read(values: list) -> None:
    writer = JsonArrayWriter()
    written = b"".join(writer.write(json.dumps(value).encode()) for value in values) + writer.close()
    assert json.loads(written) == values
    assert [json.loads(element) for element in elements_of([written])] == values


def test_an_object_is_handed_out_before_the_comma_after_it() -> None:
    splitter = JsonArraySplitter()
    assert splitter.feed(b'[{"a": "\xc3') == []
    assert splitter.feed(b'\xa9"}') == [b'{"a": "\xc3\xa9"}']


def test_a_lone_object_is_one_element() -> None:
    assert elements_of([b'{"error": {"code"', b": 400}}\n"]) == [b'{"error": {"code": 400}}']


@pytest.mark.parametrize(
    "data",
    [
        b"[1] x",
        b"[] []",
        b"[1,]",
        b"[,1]",
        b"[1 2]",
        b'{"a":1} {"b":2}',
        b"<html>",
        b"[<",
        b"]",
        b'"text"',
        b"1",
        b'{"a":1}]',
        b'{"a":1},',
    ],
)
def test_what_is_no_array_is_a_broken_stream(data: bytes) -> None:
    with pytest.raises(BrokenStream):
        elements_of([data])


@pytest.mark.parametrize("data", [b"", b"[", b"[1", b"[1,", b'[{"a":1}', b'{"a"', b'["a'])
def test_an_array_that_breaks_off_is_a_broken_stream(data: bytes) -> None:
    splitter = JsonArraySplitter()
    splitter.feed(data)
    with pytest.raises(BrokenStream, match="ended"):
        splitter.close()


def test_an_element_without_end_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_array, "FRAME_LIMIT_BYTES", 100)
    splitter = JsonArraySplitter()
    splitter.feed(b"[" + b"[" * 100)
    with pytest.raises(BrokenStream, match="more than"):
        splitter.feed(b"[")


@pytest.mark.timeout(20)
def test_a_long_element_in_small_parts_is_not_copied_with_each_part() -> None:
    splitter = JsonArraySplitter()
    splitter.feed(b'["')
    for _ in range(11_000):
        assert splitter.feed(b"x" * 1400) == []
    [element] = splitter.feed(b'"]')
    assert len(element) == 2 + 11_000 * 1400
