"""Streams as hosts really send them: what is read from them, what is consumed, and that all else passes untouched."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hortus.dialects.openai_chat import DIALECT


def event(body: object) -> bytes:
    return b"data: " + msgspec.json.encode(body) + b"\n\n"


def delta(finish: str | None = None, **what: object) -> dict:
    return {"id": "c", "model": "m-1", "choices": [{"index": 0, "delta": what, "finish_reason": finish}]}


USAGE = {"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 13, "prompt_tokens_details": {"cached_tokens": 3}}
DONE = b"data: [DONE]\n\n"
CONTENT = event(delta(role="assistant", content="")) + event(delta(content="a")) + event(delta(content="b"))
FINISH = event(delta("stop"))
ONLY_USAGE = event({"id": "c", "model": "m-1", "choices": [], "usage": USAGE})


def through(parts: list[bytes], *, wants_usage: bool = False) -> tuple[bytes, Any]:
    stream = DIALECT.open_stream(wants_usage)
    return b"".join([*(stream.feed(part) for part in parts), stream.close()]), stream


def test_the_unasked_usage_frame_is_consumed_and_read() -> None:
    passed, stream = through([CONTENT, FINISH, ONLY_USAGE, DONE])
    assert passed == CONTENT + FINISH + DONE
    assert (stream.usage.input_tokens, stream.usage.output_tokens, stream.usage.cached_input_tokens) == (9, 4, 3)
    assert stream.served_model == "m-1"
    assert stream.given_ids == ()
    assert stream.is_finished
    assert not stream.is_failed


def test_the_asked_usage_frame_passes() -> None:
    whole = CONTENT + FINISH + ONLY_USAGE + DONE
    passed, stream = through([whole], wants_usage=True)
    assert passed == whole
    assert stream.usage.output_tokens == 4


@given(
    places=st.lists(st.integers(0, 900), max_size=8),
    wants_usage=st.booleans(),
    end=st.sampled_from([b"\n", b"\r\n", b"\r"]),
)
def test_no_split_changes_what_passes_or_what_is_read(places: list[int], *, wants_usage: bool, end: bytes) -> None:
    whole = (b": hush\n\n" + CONTENT + FINISH + ONLY_USAGE + DONE).replace(b"\n", end)
    marks = sorted({place % len(whole) for place in places} | {0, len(whole)})
    parts = [whole[start:stop] for start, stop in pairwise(marks)]
    passed, stream = through(parts, wants_usage=wants_usage)
    assert passed == (whole if wants_usage else whole.replace(ONLY_USAGE.replace(b"\n", end), b""))
    assert stream.usage.input_tokens == 9
    assert stream.is_finished


@pytest.mark.parametrize(
    "last",
    [
        event(delta("stop", content="c") | {"usage": USAGE}),  # usage in the last frame with content
        event(delta("length", content="") | {"usage": USAGE}),  # in the frame that says why it finished
    ],
)
def test_usage_beside_content_is_read_and_passes(last: bytes) -> None:
    passed, stream = through([CONTENT, last, DONE])
    assert passed == CONTENT + last + DONE
    assert stream.usage.output_tokens == 4


def test_usage_that_comes_in_every_frame_is_the_last_one() -> None:
    frames = [event(delta(content="x") | {"usage": {"prompt_tokens": 9, "completion_tokens": n}}) for n in (1, 2, 3)]
    assert through(frames)[1].usage.output_tokens == 3


def test_frames_with_neither_choices_nor_usage_pass() -> None:
    filters = event({"choices": [], "prompt_filter_results": [{"prompt_index": 0}], "usage": None})
    passed, stream = through([filters, CONTENT])
    assert passed == filters + CONTENT
    assert stream.usage is None


def test_a_stream_without_end_mark_is_finished_when_it_said_why() -> None:
    assert through([CONTENT, FINISH])[1].is_finished
    assert not through([CONTENT])[1].is_finished


@pytest.mark.parametrize(
    "frame",
    [
        b'event: error\ndata: {"error":{"message":"tool failed","code":"tool_use_failed"}}\n\n',
        b'data: {"error":{"message":"overloaded"}}\n\n',
        b'data: {"error":"overloaded","choices":[],"usage":{"prompt_tokens":1}}\n\n',
    ],
)
def test_an_error_inside_a_stream_passes_and_is_noticed(frame: bytes) -> None:
    passed, stream = through([CONTENT, frame])
    assert passed == CONTENT + frame
    assert stream.is_failed


def test_frames_that_are_not_of_this_dialect_pass_untouched() -> None:
    odd = b"data: not json\n\ndata: [1]\n\n: comment\n\nevent: ping\n\n" + event({"choices": {"a": 1}})
    assert through([odd])[0] == odd


def test_a_stream_that_breaks_off_inside_a_frame_passes_what_is_whole() -> None:
    assert through([CONTENT, b'data: {"choi'])[0] == CONTENT
    assert through([CONTENT, b'data: {"choices":[]}'])[0] == CONTENT + b'data: {"choices":[]}\n\n'


@pytest.mark.parametrize(
    ("what", "counted"),
    [
        ({"content": "x"}, 1),
        ({"reasoning_content": "x"}, 1),
        ({"reasoning": "x"}, 1),
        ({"tool_calls": [{"index": 0, "function": {"arguments": "{"}}]}, 1),
        ({"refusal": "no"}, 1),
        ({"content": ""}, 0),
        ({"content": None, "tool_calls": []}, 0),
        ({"role": "assistant"}, 0),
    ],
)
def test_an_estimate_counts_the_deltas_that_say_something(what: dict, counted: int) -> None:
    estimate = through([event(delta(**what)) * 3])[1].estimate(input_bytes=41)
    assert (estimate.output_tokens, estimate.input_tokens, estimate.is_estimated) == (3 * counted, 11, True)


def test_hosts_that_send_many_tokens_at_once_are_counted_by_bytes() -> None:
    estimate = through([event(delta(content="a sentence of forty characters, or so. "))])[1].estimate(input_bytes=4)
    assert estimate.output_tokens == 10


def test_usage_beside_an_error_is_read_and_both_pass() -> None:
    last = event({"choices": [], "error": {"message": "cut short"}, "usage": USAGE})
    passed, stream = through([CONTENT, last])
    assert passed == CONTENT + last
    assert stream.is_failed
    assert stream.usage.input_tokens == 9
