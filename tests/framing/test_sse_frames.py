"""Frames of server-sent events: the same for every split of the bytes, and the bytes again when joined."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hortus.canon.errors import BrokenStream
from hortus.framing.sse import Frame, SseSplitter, is_whole, read_frame, whole_rest, write_frame

LINES = st.sampled_from(
    [
        b"data: one",
        b"data:two",
        b"data: \xc3\xa9\xe2\x82\xac",
        b": comment",
        b"event: error",
        b"id: 7",
        b"",
        b"data",
        b"retry:5",
    ]
)
ENDS = st.sampled_from([b"\n", b"\r\n", b"\r"])
STREAMS = st.lists(st.tuples(LINES, ENDS), max_size=12).map(lambda pairs: b"".join(a + b for a, b in pairs))


def split_at(data: bytes, places: list[int]) -> list[bytes]:
    marks = sorted({place % (len(data) + 1) for place in places} | {0, len(data)})
    return [data[start:end] for start, end in pairwise(marks)]


def frames_of(parts: list[bytes]) -> list[Frame]:
    splitter = SseSplitter()
    frames = [frame for part in parts for frame in splitter.feed(part)]
    last = splitter.close()
    return frames if last is None else [*frames, last]


@given(data=STREAMS, places=st.lists(st.integers(0, 200)))
def test_every_split_gives_the_same_frames_and_loses_no_byte(data: bytes, places: list[int]) -> None:
    split = frames_of(split_at(data, places))
    assert split == frames_of([data])
    assert split == frames_of([data[i : i + 1] for i in range(len(data))])
    assert b"".join(frame.raw for frame in split) == data


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_all_three_line_ends_separate_frames(end: bytes) -> None:
    data = end.join([b"event: e", b"data: 1", b"data:2", b"", b": hush", b"", b"data: 3", b"", b""])
    assert [(frame.event, frame.data) for frame in frames_of([data])] == [(b"e", b"1\n2"), (None, None), (None, b"3")]


def test_a_frame_is_handed_out_as_soon_as_its_blank_line_is_here() -> None:
    splitter = SseSplitter()
    assert [frame.data for frame in splitter.feed(b"data: a\n\ndata: b\n")] == [b"a"]
    assert [frame.data for frame in splitter.feed(b"\n")] == [b"b"]
    assert splitter.close() is None


def test_a_line_feed_may_follow_a_carriage_return_later() -> None:
    splitter = SseSplitter()
    assert splitter.feed(b"data: a\r\n\r") == []
    assert [frame.raw for frame in splitter.feed(b"\ndata: b\r\n\r\n")] == [b"data: a\r\n\r\n", b"data: b\r\n\r\n"]


def test_a_byte_order_mark_does_not_hide_the_first_line() -> None:
    assert read_frame(b"\xef\xbb\xbfdata: a\n\n").data == b"a"


def test_a_frame_without_end_is_bounded() -> None:
    splitter = SseSplitter(limit_bytes=100)
    splitter.feed(b"x" * 100)
    with pytest.raises(BrokenStream):
        splitter.feed(b"x")


def test_what_is_written_can_be_read() -> None:
    assert read_frame(write_frame(b'{"a":1}')).data == b'{"a":1}'
    frame = read_frame(write_frame(b'{"a":1}', b"message_start"))
    assert (frame.event, frame.data) == (b"message_start", b'{"a":1}')


def test_json_with_line_ends_is_written_as_one_frame() -> None:
    [frame] = frames_of([write_frame(b'{\r\n "a": [\n1]}')])
    assert frame.data == b'{   "a": [ 1]}'


def test_the_last_frame_needs_no_blank_line() -> None:
    assert [(frame.event, frame.data) for frame in frames_of([b"data: a\r\n\nevent: e\ndata: b"])] == [
        (None, b"a"),
        (b"e", b"b"),
    ]


@pytest.mark.timeout(20)
def test_a_long_frame_in_small_parts_is_not_copied_with_each_part() -> None:
    splitter = SseSplitter()
    splitter.feed(b"data: ")
    for _ in range(11_000):  # some minutes, if each part cost as much as all before it
        assert splitter.feed(b"x" * 1400) == []
    [frame] = splitter.feed(b"\n\n")
    assert len(frame.raw) == 8 + 11_000 * 1400


@pytest.mark.parametrize(
    ("raw", "whole"),
    [
        (b'data: {"a":1}', True),
        (b"data: [DONE]", True),
        (b'data: {"a":', False),
        (b'data: {"a":1} {', False),
        (b": half a comm", False),
        (b"event: error", False),
    ],
)
def test_an_event_that_its_stream_ends_in_is_whole_where_its_data_is(raw: bytes, whole: bool) -> None:  # noqa: FBT001 -- a parameter of the table
    assert is_whole(read_frame(raw)) is whole


def test_what_follows_an_unended_event_stays_apart_from_it() -> None:
    assert whole_rest(b"data: 1", is_last=True) == b"data: 1"
    assert whole_rest(b"data: 1", is_last=False) + b"data: 2" == b"data: 1\n\ndata: 2"
    assert whole_rest(b"", is_last=False) == b""
