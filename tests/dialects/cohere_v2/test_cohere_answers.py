"""Whole answers and streams of Cohere, read and written again, and those of others written for its clients."""

from __future__ import annotations

import pytest
from cohere_examples import (
    ASKING,
    CHAT,
    DECODE,
    ENCODE,
    END,
    START,
    USAGE,
    answer,
    answered,
    begun,
    body_of,
    events_of,
    grown,
    stream,
    streamed_again,
)
from msgspec import Raw

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
)
from hortus.canon.nodes import Extras, Seal
from hortus.canon.parts import Citation, Media, Opaque, Plain, Reasoning, Refusal, Text, ToolCall
from hortus.canon.request import Message
from hortus.canon.response import Choice, Response
from hortus.canon.unfold import unfold
from hortus.canon.usage import Usage

TEXT = {"type": "text", "text": "Hello"}
PAGE = {"type": "document", "id": "d", "document": {"url": "https://a.eu", "title": "A", "snippet": "q"}}
CITED = {"start": 0, "end": 2, "text": "He", "sources": [PAGE], "type": "TEXT_CONTENT"}

WHOLE = [
    answer(content=[TEXT]),
    answer(content=[TEXT], citations=[CITED, {"start": 1, "end": 2, "text": "e", "sources": []}]),
    answer(
        tool_plan="I will.", tool_calls=[{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{"}}]
    ),
    answer(content=[TEXT], mood="good", role="model"),
    b'{"message":{"content":"x"}}',
    ENCODE(
        {
            "id": "a",
            "message": {"role": "assistant", "content": []},
            "finish_reason": None,
            "usage": None,
            "logprobs": None,
        }
    ),
    ENCODE(
        {"id": "a", "message": {"role": "assistant"}, "finish_reason": "TIMEOUT", "logprobs": [{"text": "x"}], "x": 1}
    ),
]


@pytest.mark.parametrize("body", WHOLE, ids=range(len(WHOLE)))
def test_an_answer_of_cohere_is_written_as_it_was(body: bytes) -> None:
    assert answered(body) == DECODE(body)


def test_a_citation_says_where_and_of_what() -> None:
    text = CHAT.read_response(answer(content=[TEXT], citations=[CITED])).choices[0].message.parts[0]
    assert isinstance(text, Text)
    [found] = text.citations
    assert (found.url, found.title, found.quote, found.start, found.end) == ("https://a.eu", "A", "q", 0, 2)


def test_what_is_charged_counts() -> None:
    assert CHAT.read_response(answer(content=[TEXT])).usage == Usage(5, 7)


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"message":3}', b'{"message":{"content":[{"type":"text"}]}}'])
def test_an_answer_that_cannot_be_read_is_broken(body: bytes) -> None:
    with pytest.raises(BrokenStream):
        CHAT.read_response(body)


def test_an_answer_of_another_host_has_what_clients_expect() -> None:
    message = Message(
        "assistant", (Reasoning(texts=("Hm",), seal=Seal("gemini", "s")), Text("Hi"), ToolCall("c", "f", "{}"))
    )
    usage = Usage(5, 7, cached_input_tokens=2, reasoning_tokens=3)
    written = CHAT.write_response(Response((Choice(message, stop="tool_calls"),), usage=usage), ASKING)
    assert body_of(written) == {
        "id": "0001",
        "message": {
            "role": "assistant",
            "content": [{"type": "thinking", "thinking": "Hm"}, {"type": "text", "text": "Hi"}],
            "tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
        },
        "finish_reason": "TOOL_CALL",
        "usage": {
            "billed_units": {"input_tokens": 5, "output_tokens": 7},
            "tokens": {"input_tokens": 5, "output_tokens": 7, "reasoning_tokens": 3},
            "cached_tokens": 2,
        },
    }
    assert CHAT.read_response(written.body).usage == usage


@pytest.mark.parametrize(("stop", "word"), [("content_filter", "ERROR"), ("pause", "COMPLETE")])
def test_reasons_without_a_word_are_near_and_named(stop: str, word: str) -> None:
    choice = Choice(Message("assistant", (Text("Hi"),)), stop=stop, stop_sequence="x", logprobs=Raw(b"[]"))  # type: ignore[arg-type]  # of the table
    written = CHAT.write_response(Response((choice, Choice(Message("assistant", ()), index=1, at="second"))), ASKING)
    assert body_of(written)["finish_reason"] == word
    assert {loss.path for loss in written.losses} == {"stop", "stop_sequence", "logprobs", "second"}


def test_an_answer_without_a_choice_is_an_empty_one() -> None:
    message = body_of(CHAT.write_response(Response(()), ASKING))["message"]
    assert message == {"role": "assistant", "content": []}


def test_an_answer_shows_no_file() -> None:
    choice = Choice(Message("assistant", (Media("document", Plain("x"), at="file"), Reasoning(is_redacted=True))))
    written = CHAT.write_response(Response((choice,)), ASKING)
    assert [loss.path for loss in written.losses] == ["file"]


CALL_START = {
    "type": "tool-call-start",
    "index": 0,
    "delta": {"message": {"tool_calls": {"id": "c", "type": "function", "function": {"name": "f", "arguments": ""}}}},
}
CALL_DELTA = {
    "type": "tool-call-delta",
    "index": 0,
    "delta": {"message": {"tool_calls": {"function": {"arguments": "{}"}}}},
}
PLAN = {"type": "tool-plan-delta", "delta": {"message": {"tool_plan": "I"}}}
CITE = {"type": "citation-start", "index": 0, "delta": {"message": {"citations": CITED}}}
CITE_END = {"type": "citation-end", "index": 0}
STOP = {"type": "content-end", "index": 0}
CALL_END = {"type": "tool-call-end", "index": 0}

STREAMS = [
    (START, begun(type="text", text=""), grown(text="He"), grown(text="llo"), CITE, CITE_END, STOP, END),
    (START, PLAN, PLAN, CALL_START, CALL_DELTA, CALL_END, CALL_START, CALL_END, END),
    (START, begun(type="thinking", thinking=""), grown(thinking="Hm"), STOP, begun(1, type="text", text=""), STOP, END),
    (START, begun(type="text", text=""), END),
    (START, END),
]


@pytest.mark.parametrize("events", STREAMS, ids=range(len(STREAMS)))
def test_a_stream_of_cohere_is_written_as_it_was(events: tuple[dict[str, object], ...]) -> None:
    expected = list(events) if len(events) != 3 else [*events[:2], STOP, events[2]]
    written = streamed_again(stream(*events))
    frames = [frame.partition(b"data: ")[2] for frame in written.split(b"\n\n") if frame]
    assert frames.pop() == b"[DONE]"
    assert [_plain(DECODE(frame)) for frame in frames] == [_plain(one) for one in expected]


def _plain(event: dict[str, object]) -> dict[str, object]:
    """Return an event without the numbers of its block, which the writer counts itself."""
    return {name: value for name, value in event.items() if name != "index"}


STRANGE = [
    (START | {"id": None}, END),
    ({"type": "message-start"}, {"type": "message-end"}),
    (START | {"delta": {"message": {"role": "assistant"}}, "x": 1}, END | {"y": 2}),
    (START, begun(type="text", text="He"), grown(text="llo"), END),
    (START, begun(type="text", text=""), STOP, CITE, END),
    (START, begun(type="thinking", thinking="Hm"), END),
    (START, begun(type="video", video=1), END),
    (START, CITE, END),
    (START, begun(type="text", text=""), {"type": "citation-start", "delta": {"message": {}}}, END),
    (START, begun(type="text", text=""), grown(text="a") | {"logprobs": {"text": "a"}, "z": 1}, STOP, END),
    (
        START,
        CALL_START
        | {"delta": {"message": {"tool_calls": {"id": "c", "type": "function", "function": {"name": "f"}, "x": 1}}}},
        END,
    ),
    (
        START,
        {
            "type": "tool-call-start",
            "delta": {"message": {"tool_calls": {"id": "c", "type": "function", "function": {"name": "f"}}}},
        },
        END,
    ),
    (START, {"type": "debug", "prompt": "x"}, {"type": "tool-call-delta"}, {"type": "content-delta", "delta": {}}, END),
    (START, {"type": "message-end", "delta": {"finish_reason": None, "error": None, "q": 1}}),
    (START, {"type": "message-end", "delta": {"finish_reason": "TIMEOUT", "usage": {}}}),
    (
        START,
        {
            "type": "tool-call-start",
            "delta": {
                "message": {"tool_calls": {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{1"}}}
            },
        },
        END,
    ),
]


@pytest.mark.parametrize("events", STRANGE, ids=range(len(STRANGE)))
def test_what_is_strange_in_a_stream_stays(events: tuple[dict[str, object], ...]) -> None:
    assert streamed_again(stream(*events))


def test_an_error_ends_a_stream() -> None:
    failed = {"type": "message-end", "delta": {"finish_reason": "ERROR", "error": "It broke.", "usage": USAGE}}
    events = events_of(stream(START, begun(type="text", text=""), failed, END))
    assert [type(event) for event in events][-2:][1] is Failed
    assert events[-1] == Failed("host_error", "It broke.")
    writer = CHAT.open_writer(ASKING)
    assert b"It broke." in b"".join(writer.feed(event) for event in events)


def test_a_stream_that_only_ends_has_failed() -> None:
    assert [type(event) for event in events_of(stream(END))] == [Failed]


def test_an_error_object_in_place_of_a_stream_is_read() -> None:
    assert events_of(b'data: {"message":"Too many calls."}\n\ndata: x') == [Failed("host_error", "Too many calls.")]


BROKEN = [
    stream(END | {"type": "content-end"}),
    stream(START, START),
    stream(START, grown(text="a")),
    stream(START, begun(type="thinking", thinking=""), grown(text="a")),
    stream(START, CALL_START, grown(thinking="a")),
    b"data: {\n\n",
]


@pytest.mark.parametrize("data", BROKEN, ids=range(len(BROKEN)))
def test_a_stream_that_cannot_be_is_broken(data: bytes) -> None:
    with pytest.raises(BrokenStream):
        events_of(data)


def test_a_stream_that_is_cut_has_no_end() -> None:
    assert events_of(stream(START) + b"data: [DONE]")[-1] == Started(
        id="a1", extras=Extras("cohere_v2", forms=("own",))
    )


def test_a_whole_answer_of_another_host_can_be_streamed() -> None:
    cited = Text("Hi", citations=(Citation(url="https://a.eu"),))
    thoughts = Reasoning(summary=("S",), texts=("T", "U"), seal=Seal("gemini", "s"))
    parts = (
        thoughts,
        cited,
        Text(""),
        Refusal("No."),
        Refusal(""),
        ToolCall("c", "f", "{}"),
        Opaque("gemini", "x", Raw(b"{}"), at="o"),
    )
    response = Response((Choice(Message("assistant", parts), stop="end"),), model="m", usage=Usage(1, 2))
    writer = CHAT.open_writer(ASKING)
    events = events_of(b"".join(writer.feed(event) for event in unfold(response)))
    found = collect(events).choices[0].message.parts
    assert [getattr(part, "text", None) for part in found] == [None, "Hi", "No.", None]
    assert isinstance(found[0], Reasoning)
    assert found[0].texts == ("S\n\nT\n\nU",)
    assert "o" in {loss.path for loss in writer.losses}


def test_what_a_stream_cannot_carry_is_named() -> None:
    foreign = Extras("gemini", members={"x": Raw(b"1"), "n": Raw(b"null")})
    events: list[Event] = [
        Started(),
        PartStarted(Text("")),
        SealSet(Seal("gemini", "s")),
        PartEnded(),
        PartStarted(Opaque("gemini", "x", Raw(b"{}"), at="o"), index=1),
        TextAdded("lost", index=1),
        PartEnded(index=1),
        PartStarted(Text(""), choice=1),
        PartStarted(Text(""), choice=1),
        Extra(foreign),
        ChoiceEnded(stop="pause", stop_sequence="END", logprobs=Raw(b"[]"), extras=foreign),
        Finished(),
    ]
    writer = CHAT.open_writer(ASKING)
    assert b"".join(writer.feed(event) for event in events).count(b"content-start") == 0
    paths = [loss.path for loss in writer.losses]
    head = "choices[0]"
    assert paths == ["o", "choices[1]", "x", f"{head}.x", f"{head}.stop", f"{head}.stop_sequence", f"{head}.logprobs"]


def test_a_stream_that_the_gateway_ends_says_why() -> None:
    written = CHAT.open_writer(ASKING).fail(HostOverloaded("Full."))
    assert written.startswith(b"event: message-end\n")
    assert events_of(written) == [Failed("host_error", "Full.")]


def test_thoughts_and_citations_grow() -> None:
    events = events_of(stream(*STREAMS[0]))
    assert [type(event) for event in events[1:5]] == [PartStarted, TextAdded, TextAdded, Cited]
    assert ThoughtAdded("Hm") in events_of(stream(*STREAMS[2]))
