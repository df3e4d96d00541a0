"""Streams: of Anthropic's hosts to events and back, and of others to the frames that Anthropic's SDKs read."""

from __future__ import annotations

import msgspec
import pytest

from hortus.canon.collect import collect
from hortus.canon.errors import BrokenStream, HostOverloaded
from hortus.canon.events import (
    ChoiceEnded,
    Cited,
    Event,
    Extra,
    Failed,
    Finished,
    PartEnded,
    PartStarted,
    SealSet,
    Started,
    TextAdded,
    ThoughtAdded,
    UsageReported,
)
from hortus.canon.nodes import Extras, Seal
from hortus.canon.parts import Citation, Inline, Media, Opaque, Reasoning, Refusal, Text, ToolCall
from hortus.canon.request import Request
from hortus.canon.translation import Asking
from hortus.canon.usage import Usage
from hortus.dialects.anthropic_messages import DIALECT
from hortus.dialects.anthropic_messages.wire import NAME

TRANSLATION = DIALECT.translation
assert TRANSLATION is not None
CHAT = TRANSLATION.chat
ASKING = Asking(request=Request(model="garden", messages=()), answer_id="7", now_s=0)
ENCODE, DECODE = msgspec.json.encode, msgspec.json.decode

USAGE = {"input_tokens": 5, "cache_creation_input_tokens": 2, "cache_read_input_tokens": 3, "output_tokens": 1}
HEAD = {"id": "msg_1", "type": "message", "role": "assistant", "model": "m", "content": []}
START = {
    "type": "message_start",
    "message": {**HEAD, "stop_reason": None, "stop_sequence": None, "usage": USAGE},
}
END = {
    "type": "message_delta",
    "delta": {"stop_reason": "end_turn", "stop_sequence": None},
    "usage": {"output_tokens": 9},
}
STOP = {"type": "message_stop"}


def block(start: dict[str, object], *deltas: dict[str, object], index: int = 0) -> list[dict[str, object]]:
    return [
        {"type": "content_block_start", "index": index, "content_block": start},
        *({"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas),
        {"type": "content_block_stop", "index": index},
    ]


def framed(*events: dict[str, object]) -> bytes:
    return b"".join(b"event: %b\ndata: %b\n\n" % (str(event["type"]).encode(), ENCODE(event)) for event in events)


def read(data: bytes, size: int = 1_000_000) -> list[Event]:
    reader = CHAT.open_reader()
    events = [event for i in range(0, len(data), size) for event in reader.feed(data[i : i + size])]
    return events + reader.close()


def write(*events: Event) -> tuple[bytes, tuple[str, ...]]:
    writer = CHAT.open_writer(ASKING)
    data = b"".join([writer.feed(event) for event in events])
    return data, tuple(str(loss) for loss in writer.losses)


TEXT = {"type": "text", "text": ""}
WORDS = {"type": "text_delta", "text": "hi"}
SEARCH = {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}}
CITED = {"type": "char_location", "cited_text": "x", "start_char_index": 0}

STREAMS: list[list[dict[str, object]]] = [
    block(TEXT, WORDS, {"type": "text_delta", "text": ""}, {"type": "text_delta", "text": " you"}),
    block({"type": "text", "text": "so", "citations": []}, {"type": "citations_delta", "citation": CITED}),
    block({"type": "text", "text": "so", "citations": [CITED]}, {"type": "citations_delta", "citation": CITED}),
    block({"type": "thinking", "thinking": "", "signature": ""}, {"type": "thinking_delta", "thinking": "hm"}),
    block(
        {"type": "thinking", "thinking": "h", "x": 1},
        {"type": "thinking_delta", "thinking": ""},
        {"type": "thinking_delta", "thinking": "m"},
        {"type": "signature_delta", "signature": ""},
        {"type": "signature_delta", "signature": "c2ln"},
    ),
    block({"type": "thinking", "thinking": "", "signature": "c2ln"}),
    block({"type": "redacted_thinking", "data": "c2VhbA=="}),
    block(
        {"type": "tool_use", "id": "t", "name": "f", "input": {}, "caller": {"type": "direct"}},
        {"type": "input_json_delta", "partial_json": ""},
        {"type": "input_json_delta", "partial_json": '{"a":'},
        {"type": "input_json_delta", "partial_json": "1.50}"},
    ),
    block({"type": "tool_use", "id": "t", "name": "f", "input": {}}),
    block({"type": "tool_use", "id": "t", "name": "f", "input": {"a": 1}}),
    block(SEARCH, {"type": "input_json_delta", "partial_json": '{"query":"x"}'}),
    block(SEARCH, {"type": "input_json_delta", "partial_json": ""}),
    block({"type": "web_search_tool_result", "tool_use_id": "s", "content": []}),
    block({"type": "compaction", "content": None}, {"type": "compaction_delta", "content": "short"}),
    block({"type": "compaction", "content": "s"}, {"type": "compaction_delta", "content": "hort"}),
    [*block(TEXT, WORDS), *block(TEXT, WORDS, index=1)],
    block(TEXT, WORDS)[:-1],
    [*block(TEXT, WORDS)[:-1], *block(TEXT, WORDS, index=1)],
]


@pytest.mark.parametrize("middle", STREAMS, ids=[str(i) for i in range(len(STREAMS))])
def test_a_stream_is_the_same_after_it_was_written_again(middle: list[dict[str, object]]) -> None:
    events = read(framed(START, {"type": "ping"}, *middle, END, STOP))
    assert isinstance(events[-1], Finished)
    data, losses = write(*events)
    assert read(data) == events
    assert losses == ()
    assert collect(read(data)) == collect(events)


@pytest.mark.parametrize("middle", STREAMS, ids=[str(i) for i in range(len(STREAMS))])
def test_however_it_is_split_its_events_are_the_same(middle: list[dict[str, object]]) -> None:
    data = framed(START, *middle, END, STOP)
    assert read(data, size=1) == read(data, size=7) == read(data)


ENDS = [
    {**END, "usage": {**USAGE, "output_tokens_details": {"thinking_tokens": 0}}},
    {**END, "usage": {"output_tokens": 9, "output_tokens_details": {"thinking_tokens": 4}, "cost": 0.5}},
    {"type": "message_delta", "delta": {"stop_reason": "end_turn"}},
    {**END, "delta": {"stop_reason": "reason_of_tomorrow", "stop_sequence": None}},
    {**END, "delta": {"stop_reason": "stop_sequence", "stop_sequence": "END", "stop_details": {"a": 1}}},
    {**END, "delta": {**END["delta"], "container": {"id": "c"}}, "context_management": None},
]


@pytest.mark.parametrize("end", ENDS, ids=[str(i) for i in range(len(ENDS))])
def test_an_end_is_written_again_as_it_was(end: dict[str, object]) -> None:
    events = read(framed(START, *block(TEXT, WORDS), end, STOP))
    data, losses = write(*events)
    frames = [DECODE(frame.partition(b"data: ")[2]) for frame in data.split(b"\n\n") if frame]
    assert frames[-2] == end
    assert read(data) == events
    assert losses == ()


STARTS = [
    {"type": "message_start", "message": HEAD},
    {"type": "message_start", "message": {**HEAD, "container": None, "provider": "p", "usage": {"input_tokens": None}}},
    {"type": "message_start", "message": {"content": [], "stop_reason": None, "usage": USAGE}},
    {
        "type": "message_start",
        "message": {**HEAD, "usage": {**USAGE, "output_tokens_details": {"thinking_tokens": 1}}},
    },
]


@pytest.mark.parametrize("start", STARTS, ids=[str(i) for i in range(len(STARTS))])
def test_a_start_is_written_again_as_it_was(start: dict[str, object]) -> None:
    events = read(framed(start, *block(TEXT, WORDS), END, STOP))
    data, losses = write(*events)
    first = data.partition(b"\n\n")[0].partition(b"data: ")[2]
    assert DECODE(first) == start
    assert read(data) == events
    assert losses == ()


def test_usage_grows_with_what_the_end_says() -> None:
    events = read(framed(START, END, STOP))
    assert [event.usage for event in events if isinstance(event, UsageReported)] == [
        Usage(input_tokens=10, output_tokens=1, cached_input_tokens=3, cache_write_tokens=2),
        Usage(input_tokens=10, output_tokens=9, cached_input_tokens=3, cache_write_tokens=2),
    ]


def test_usage_may_be_reported_again_with_the_reason_to_stop() -> None:
    again = {**END, "usage": {"output_tokens": 12}}
    response = collect(read(framed(START, *block(TEXT, WORDS), END, again, STOP)))
    assert response.usage is not None
    assert response.usage.output_tokens == 12


def test_an_end_without_a_reason_ends_no_choice() -> None:
    end = {"type": "message_delta", "delta": {"stop_reason": None}, "usage": {}}
    assert not any(isinstance(event, ChoiceEnded) for event in read(framed(START, end, STOP)))


def test_a_call_without_arguments_has_an_empty_object() -> None:
    response = collect(read(framed(START, *block({"type": "tool_use", "id": "t", "name": "f", "input": {}}), STOP)))
    (part,) = response.choices[0].message.parts
    assert isinstance(part, ToolCall)
    assert part.arguments == "{}"


def test_the_input_of_a_hosts_call_is_put_together() -> None:
    deltas = [{"type": "input_json_delta", "partial_json": piece} for piece in ('{"query"', ':"x"}')]
    response = collect(read(framed(START, *block(SEARCH, *deltas), STOP)))
    (part,) = response.choices[0].message.parts
    assert isinstance(part, Opaque)
    assert DECODE(part.raw) == {**SEARCH, "input": {"query": "x"}}


def test_what_is_not_known_is_kept_beside() -> None:
    events = read(
        framed(
            {**START, "a": 1},
            {"type": "event_of_tomorrow"},
            {"type": "content_block_start", "index": 0, "content_block": TEXT, "b": 2},
            {"type": "content_block_delta", "index": 0, "delta": {"type": "delta_of_tomorrow", "x": 1}},
            {"type": "content_block_delta", "index": 0, "delta": {**WORDS, "c": 3}, "d": 4},
            {"type": "content_block_stop", "index": 0, "e": 5},
            {**STOP, "f": 6},
        )
    )
    kept = {
        path: DECODE(raw) for event in events if isinstance(event, Extra) for path, raw in event.extras.members.items()
    }
    assert kept == {
        "message_start.a": 1,
        "event_of_tomorrow": {"type": "event_of_tomorrow"},
        "content_block_start.b": 2,
        "content[0].delta_of_tomorrow": {"type": "delta_of_tomorrow", "x": 1},
        "content[0].c": 3,
        "content_block_delta.d": 4,
        "content_block_stop.e": 5,
        "message_stop.f": 6,
    }


def test_an_error_inside_a_stream_ends_it() -> None:
    error = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}, "request_id": None}
    events = read(framed(START, error, STOP))
    assert events[-1] == Failed(code="host_overloaded", message="Overloaded")
    assert read(write(*events)[0]) == events


def test_an_error_may_stand_alone_and_say_nothing() -> None:
    (failed,) = read(framed({"type": "error"}))
    assert isinstance(failed, Failed)
    assert failed.code == "host_error"


def test_a_stream_that_breaks_off_does_not_finish() -> None:
    events = read(framed(START, *block(TEXT, WORDS))[:-1])
    assert isinstance(events[-1], PartEnded)


def test_what_follows_the_end_is_not_read() -> None:
    events = read(b": hush\n\n" + framed(START, STOP) + b"event: data\ndata: [DONE]\n\n")
    assert isinstance(events[-1], Finished)


BROKEN = [
    framed(STOP),
    framed(START, START),
    framed({"type": "message_start"}),
    framed({"type": "message_start", "message": {**HEAD, "content": [TEXT]}}),
    framed(START, {"type": "content_block_start", "index": 0}),
    framed(START, {"type": "content_block_delta", "index": 0, "delta": WORDS}),
    framed(START, {"type": "content_block_stop", "index": 0}),
    framed(START, *block(TEXT)[:1], {"type": "content_block_delta", "index": 1, "delta": WORDS}),
    framed(START, *block(TEXT)[:1], {"type": "content_block_stop", "index": 1}),
    framed(START, *block(TEXT, {"type": "input_json_delta", "partial_json": "{"})),
    framed(START, *block(TEXT, {"type": "citations_delta"})),
    framed(START, *block(SEARCH, {"type": "input_json_delta", "partial_json": "{"})),
    framed(START, {"type": "message_delta"}),
    b"data: <html>\n\n",
]


@pytest.mark.parametrize("data", BROKEN, ids=[str(i) for i in range(len(BROKEN))])
def test_what_cannot_be_a_stream_is_broken(data: bytes) -> None:
    with pytest.raises(BrokenStream):
        read(data)


def test_a_result_block_in_an_answer_comes_whole() -> None:
    result = {"type": "tool_result", "tool_use_id": "t", "content": "12"}
    delta = {"type": "delta_of_tomorrow"}
    response = collect(read(framed(START, *block(result, delta), STOP)))
    assert len(response.choices[0].message.parts) == 1


# --- events of other hosts ---


def events_of(part: object, *deltas: Event) -> list[Event]:
    return [Started(), PartStarted(part), *deltas, PartEnded(), ChoiceEnded(stop="end"), Finished()]


def frames_of(data: bytes) -> list[dict[str, object]]:
    return [DECODE(frame.partition(b"data: ")[2]) for frame in data.split(b"\n\n") if frame]


def test_a_stream_of_another_host_has_all_that_the_sdk_reads() -> None:
    usage = Usage(input_tokens=3, output_tokens=2)
    data, losses = write(
        Started(),
        PartStarted(Text(text="")),
        TextAdded("hi"),
        PartEnded(),
        ChoiceEnded(stop="end"),
        UsageReported(usage),
        Finished(),
    )
    none = {"input_tokens": 0, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0, "output_tokens": 0}
    head = {"id": "msg_7", "type": "message", "role": "assistant", "model": "garden", "content": []}
    assert frames_of(data) == [
        {"type": "message_start", "message": {**head, "stop_reason": None, "stop_sequence": None, "usage": none}},
        *block(TEXT, WORDS),
        {
            "type": "message_delta",
            "delta": {"stop_reason": "end_turn", "stop_sequence": None},
            "usage": {**none, "input_tokens": 3, "output_tokens": 2},
        },
        STOP,
    ]
    assert data.startswith(b"event: message_start\ndata: ")
    assert losses == ()


def test_usage_that_comes_at_once_stands_in_the_first_frame() -> None:
    data, _ = write(Started(), UsageReported(Usage(input_tokens=3)), PartStarted(Text(text="hi")))
    assert frames_of(data)[0]["message"]["usage"]["input_tokens"] == 3


PARTS = [
    (Text(text="hi"), [], block(TEXT, WORDS)),
    (Text(text=""), [], []),
    (Refusal(text="no"), [], block(TEXT, {"type": "text_delta", "text": "no"})),
    (Refusal(text=""), [TextAdded("no")], block(TEXT, {"type": "text_delta", "text": "no"})),
    (
        ToolCall(id="t", name="f", arguments="{}"),
        [],
        block(
            {"type": "tool_use", "id": "t", "name": "f", "input": {}},
            {"type": "input_json_delta", "partial_json": "{}"},
        ),
    ),
    (
        ToolCall(id="t", name="f", arguments=""),
        [SealSet(Seal("gemini", "x"))],
        block({"type": "tool_use", "id": "t", "name": "f", "input": {}}),
    ),
    (
        Reasoning(summary=("a", "b"), texts=("c",), seal=Seal("openai_responses", "x")),
        [],
        block(
            {"type": "thinking", "thinking": "", "signature": ""},
            {"type": "thinking_delta", "thinking": "a"},
            {"type": "thinking_delta", "thinking": "\n\nb"},
            {"type": "thinking_delta", "thinking": "\n\nc"},
        ),
    ),
    (Reasoning(), [SealSet(Seal("openai_responses", "x"))], []),
    (Reasoning(is_redacted=True), [SealSet(Seal("openai_responses", "x"))], []),
    (
        Reasoning(is_redacted=True),
        [ThoughtAdded("a", goes_to="summary")],
        block({"type": "thinking", "thinking": "", "signature": ""}, {"type": "thinking_delta", "thinking": "a"}),
    ),
    (
        Reasoning(is_redacted=True, seal=Seal(NAME, "c2VhbA==")),
        [],
        block({"type": "redacted_thinking", "data": "c2VhbA=="}),
    ),
    (
        Opaque(dialect=NAME, kind="server_tool_use", raw=msgspec.Raw(b'{"type":"server_tool_use","input":{"a":1}}')),
        [],
        block({"type": "server_tool_use", "input": {}}, {"type": "input_json_delta", "partial_json": '{"a":1}'}),
    ),
]


@pytest.mark.parametrize(("part", "deltas", "blocks"), PARTS, ids=[str(i) for i in range(len(PARTS))])
def test_a_part_is_a_block(part: object, deltas: list[Event], blocks: list[dict[str, object]]) -> None:
    data, losses = write(*events_of(part, *deltas))
    assert frames_of(data)[1:-2] == blocks
    assert losses == () or isinstance(part, Refusal)


def test_a_refusal_is_the_reason_to_stop() -> None:
    data, _ = write(*events_of(Refusal(text="no")))
    assert frames_of(data)[-2]["delta"] == {"stop_reason": "refusal", "stop_sequence": None}


def test_a_part_that_cannot_be_carried_is_lost_with_all_that_follows_of_it() -> None:
    part = Media(kind="audio", source=Inline("audio/wav", ""), at="m")
    data, losses = write(*events_of(part, TextAdded("spoken")))
    assert frames_of(data)[1:-2] == []
    assert losses == ("meaning:m",)


def test_citations_of_a_page_are_told_and_others_are_lost() -> None:
    page, book = Citation(url="https://a.example", at="a"), Citation(title="T", at="b")
    data, losses = write(*events_of(Text(text="x", citations=(page,)), Cited(book)))
    kinds = [frame["delta"]["type"] for frame in frames_of(data) if frame["type"] == "content_block_delta"]
    assert kinds == ["text_delta", "citations_delta"]
    assert losses == ("advisory:b",)


def test_what_other_dialects_say_beside_is_lost() -> None:
    other = Extras("gemini", members={"x": msgspec.Raw(b"1"), "nothing": msgspec.Raw(b"null")})
    _, losses = write(
        Started(extras=other),
        Extra(other),
        PartStarted(Text(text="hi", at="p")),
        PartEnded(extras=other),
        ChoiceEnded(stop="other", logprobs=msgspec.Raw(b"{}"), extras=other),
        Finished(),
    )
    assert losses == (
        "tuning:x",
        "tuning:x",
        "tuning:p.x",
        "tuning:choices[0].x",
        "tuning:choices[0].stop",
        "meaning:choices[0].logprobs",
    )


def test_further_answers_are_lost_once() -> None:
    data, losses = write(
        Started(), PartStarted(Text(text="a"), choice=1), PartEnded(choice=1), ChoiceEnded(choice=1), Finished()
    )
    assert len(frames_of(data)) == 3
    assert losses == ("meaning:choices[1]",)


def test_a_stream_fails_wherever_it_stands() -> None:
    writer = CHAT.open_writer(ASKING)
    assert writer.fail(HostOverloaded("Full.")).startswith(b"event: error\ndata: ")
    begun = CHAT.open_writer(ASKING)
    assert begun.feed(Started()) == b""
    assert [frame["type"] for frame in frames_of(begun.fail(HostOverloaded("Full.")))] == ["message_start", "error"]


def test_a_failure_of_the_host_is_told() -> None:
    (frame,) = frames_of(write(Failed(code="host_rate_limited", message="Slow down."))[0])
    assert frame["error"] == {"type": "rate_limit_error", "message": "Slow down."}
