"""What stays in this dialect: what the gateway learns of requests, answers and streams, and that nothing changes."""

from __future__ import annotations

import msgspec
import pytest

from hortus.canon.dialect import RouteCard, StreamUsage
from hortus.canon.errors import InvalidRequest
from hortus.canon.usage import Usage
from hortus.dialects.anthropic_messages import DIALECT

CHAT, COUNT = DIALECT.operations[:2]
ENCODE, DECODE = msgspec.json.encode, msgspec.json.decode


def test_only_the_model_changes() -> None:
    body = b'{"model":"r","max_tokens":1.0e2,"messages":[{"role":"user","content":"\\u00e9"}]}'
    asked = DIALECT.read_request(CHAT, body, None)
    assert DIALECT.write_request(asked, "claude").body == body.replace(b'"r"', b'"claude"')
    assert DIALECT.write_request(asked, "claude").adaptations == ("model",)
    assert DIALECT.write_request(asked, "r") == msgspec.structs.replace(DIALECT.write_request(asked, "r"), body=body)


@pytest.mark.parametrize(
    ("body", "is_stream", "limit"),
    [(b'{"model":"r","stream":true,"max_tokens":5}', True, 5), (b'{"model":"r"}', False, None)],
)
def test_stream_and_limit_are_read(
    body: bytes,
    is_stream: bool,  # noqa: FBT001 -- a table's column
    limit: int | None,
) -> None:
    asked = DIALECT.read_request(CHAT, body, None)
    assert (asked.route, asked.is_stream, asked.wants_usage, asked.output_limit) == ("r", is_stream, is_stream, limit)


def test_counting_is_no_stream() -> None:
    assert not DIALECT.read_request(COUNT, b'{"model":"r","stream":true}', None).is_stream


def ids(body: bytes) -> tuple[tuple[str, str], ...]:
    return DIALECT.read_request(CHAT, body, None).host_ids


NAMED = [
    (b'{"model":"r","container":"c1"}', (("container", "c1"),)),
    (b'{"model":"r","container":{"id":"c1","skills":[]}}', (("container", "c1"),)),
    (b'{"model":"r","container":null}', ()),
    (b'{"model":"r","messages":[{"content":[{"source":{"type":"file","file_id":"f1"}}]}]}', (("file", "f1"),)),
    (b'{"model":"r","messages":[{"content":[{"source":{"file\\u005fid":"f1"}}]}]}', (("file", "f1"),)),
    (
        b'{"model":"r","messages":[{"content":[{"file_id":"f1"},{"content":[{"file_id" : "f2"},{"file_id":"f1"}]}]}]}',
        (("file", "f1"), ("file", "f2")),
    ),
    (b'{"model":"r","messages":[{"content":[{"type":"tool_use","input":{"file_id":"f1"}}]}]}', ()),
    (b'{"model":"r","messages":[{"content":"say \\"file_id\\": \\"f1\\""},{"content":[{"file_id":3}]}]}', ()),
    (b'{"model":"r","messages":[{"content":"\\u00e9"}]}', ()),
]


@pytest.mark.parametrize(("body", "named"), NAMED, ids=[str(i) for i in range(len(NAMED))])
def test_what_a_host_keeps_is_named(body: bytes, named: tuple[tuple[str, str], ...]) -> None:
    assert sorted(ids(body)) == sorted(named)


@pytest.mark.parametrize("key", [b'"file_id"', b'"file\\u005Fid"'])
def test_an_id_that_stands_twice_is_refused(key: bytes) -> None:
    with pytest.raises(InvalidRequest):
        ids(b'{"model":"r","messages":[{"content":[{"file_id":"mine",' + key + b':"theirs"}]}]}')


def test_half_a_character_beside_an_id_is_refused() -> None:
    with pytest.raises(InvalidRequest):
        ids(b'{"model":"r","messages":[{"content":[{"file_id":"\\ud800"}]}]}')


def test_an_answer_says_what_it_used_and_gave_out() -> None:
    result = {"type": "bash_code_execution_tool_result", "content": {"content": [{"file_id": "f1"}]}}
    body = {
        "model": "m",
        "usage": {"input_tokens": 5, "cache_read_input_tokens": 2, "output_tokens": 3},
        "container": {"id": "c1"},
        "content": [result, {"type": "server_tool_use", "input": {"file_id": "not given"}}, {"type": "text"}],
    }
    answer = DIALECT.read_answer(CHAT, ENCODE(body), 40)
    assert answer.usage == Usage(input_tokens=7, output_tokens=3, cached_input_tokens=2)
    assert answer.served_model == "m"
    assert answer.given_ids == (("container", "c1"), ("file", "f1"))


@pytest.mark.parametrize(
    ("body", "usage"),
    [
        (b"<html>", Usage(input_tokens=10, is_estimated=True)),
        (b'{"content":[{"a":1}]}', Usage(input_tokens=10, output_tokens=3, is_estimated=True)),
        (b'{"usage":{"input_tokens":"x"}}', Usage(input_tokens=10, is_estimated=True)),
        (b'{"content":["' + b"\xff" + b'"],"usage":{}}', Usage(10, 2, is_estimated=True)),
        (
            b'{"content":[{"type":"x_tool_result","y":"\\u00e9\xff"}],"container":"\xff","usage":{}}',
            Usage(10, 10, is_estimated=True),
        ),
    ],
    ids=str,
)
def test_what_a_host_does_not_say_is_estimated(body: bytes, usage: Usage) -> None:
    assert DIALECT.read_answer(CHAT, body, 40).usage == usage


def test_counting_tokens_uses_none() -> None:
    assert DIALECT.read_answer(COUNT, b'{"input_tokens":9}', 40).usage == Usage()


def opened() -> StreamUsage:
    """A reader for one stream, whether its client asked for usage or not."""
    return DIALECT.open_stream(True)  # noqa: FBT003 -- as the record's type has it


def frame(event: dict[str, object], name: bytes | None = None) -> bytes:
    return (b"" if name is None else b"event: " + name + b"\n") + b"data: " + ENCODE(event) + b"\n\n"


START = {
    "type": "message_start",
    "message": {"model": "m", "container": {"id": "c1"}, "usage": {"input_tokens": 5, "output_tokens": 1}},
}
STREAM = [
    frame(START, b"message_start"),
    b": hush\n\n",
    frame({"type": "ping"}),
    frame({"type": "content_block_start", "content_block": {"type": "code_execution_tool_result", "file_id": "f1"}}),
    frame({"type": "content_block_delta", "delta": {}}, b"content_block_delta"),
    b"data: not json\n\n",
    frame({"type": "message_delta", "delta": {"stop_reason": None}, "usage": {"output_tokens": 9}}),
]


def test_a_stream_passes_and_tells() -> None:
    stream = opened()
    data = b"".join(STREAM)
    assert b"".join(stream.feed(data[i : i + 5]) for i in range(0, len(data), 5)) == data
    assert stream.usage == Usage(input_tokens=5, output_tokens=9)
    assert (stream.served_model, stream.is_finished, stream.is_failed) == ("m", False, False)
    assert stream.given_ids == (("container", "c1"), ("file", "f1"))
    assert stream.estimate(input_bytes=8) == Usage(input_tokens=2, output_tokens=1, is_estimated=True)
    assert stream.close() == b""


@pytest.mark.parametrize(
    "last", [{"type": "message_stop"}, {"type": "message_delta", "delta": {"stop_reason": "end_turn"}}]
)
def test_a_stream_is_finished_by_its_end_or_a_reason(last: dict[str, object]) -> None:
    stream = opened()
    stream.feed(frame(last))
    assert stream.is_finished
    assert stream.usage is None


def test_a_stream_that_holds_an_error_has_failed() -> None:
    stream = opened()
    stream.feed(frame({"type": "error"}, b"error"))
    assert stream.is_failed


def test_an_end_without_its_blank_line_is_passed_on() -> None:
    stream = opened()
    last = frame({"type": "message_stop"})[:-2]
    assert stream.feed(last) == b""
    assert stream.close() == last
    assert stream.is_finished


def test_an_event_that_is_no_end_gets_its_blank_line() -> None:
    stream = opened()
    last = frame({"type": "ping"})
    stream.feed(last[:-2])
    assert stream.close() == last


@pytest.mark.parametrize("half", [b'data: {"type":"mess', b"event: message_st"])
def test_half_an_event_is_not(half: bytes) -> None:
    stream = opened()
    stream.feed(half)
    assert stream.close() == b""


def test_an_odd_start_tells_nothing() -> None:
    stream = opened()
    stream.feed(frame({"type": "message_start"}) + frame({"type": "message_delta"}))
    assert (stream.usage, stream.served_model) == (None, None)


CARD = RouteCard("garden/soft", "Hortus", 1_790_000_000)
MODEL = {
    "id": "garden/soft",
    "display_name": "garden/soft",
    "created_at": "2026-09-21T14:13:20.000Z",
    "type": "model",
    "max_input_tokens": None,
    "max_tokens": None,
    "capabilities": None,
}


def test_routes_are_listed_as_models() -> None:
    assert DECODE(DIALECT.write_routes((CARD,))) == {
        "data": [MODEL],
        "first_id": "garden/soft",
        "last_id": "garden/soft",
        "has_more": False,
    }
    assert DECODE(DIALECT.write_routes(())) == {"data": [], "first_id": None, "last_id": None, "has_more": False}
    assert DECODE(DIALECT.write_route(CARD)) == MODEL


def relayed(messages: bytes) -> tuple[bytes, tuple[str, ...]]:
    body = b'{"model":"r","max_tokens":9,"messages":' + messages + b"}"
    rewritten = DIALECT.write_request(DIALECT.read_request(CHAT, body, None), "r")
    return rewritten.body.partition(b'"messages":')[2][:-1], rewritten.adaptations


def test_thinking_of_another_maker_goes_to_no_host_of_this_one() -> None:
    other = b'{"type":"thinking","thinking":"hm","signature":""}'
    own = b'{"type":"thinking","thinking":"hm","signature":"c2ln"}'
    said, asked = b'{"type":"text","text":"\\u00e9"}', b'{"role":"user","content":"signature"}'
    before = b'[%b,{"role":"assistant","content":[%b,%b,%b]}]' % (asked, other, own, said)
    after = b'[%b,{"role":"assistant","content":[%b,%b]}]' % (asked, own, said)
    assert relayed(before) == (after, ("-thinking.unsigned",))


@pytest.mark.parametrize(
    "messages",
    [
        b'[{"role":"assistant","content":[{"type":"thinking","thinking":"hm","signature":""}]}]',
        b'[{"role":"assistant","content":[{"type":"thinking","thinking":"hm","signature":"c2ln"}]}]',
        b'[{"role":"user","content":"a \\"signature\\" for thinking","signature":""}]',
        b'[{"role":"assistant","content":[{"type":"thinking"},{"type":"text","text":"\\"signature\\":"}]}]',
        b'[{"role":"assistant","content":[{"type":7,"signature":"thinking"}]}]',
        b'{"signature":"thinking"}',
    ],
)
def test_nothing_else_is_left_out(messages: bytes) -> None:
    assert relayed(messages) == (messages, ())
