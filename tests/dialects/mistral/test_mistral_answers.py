"""Answers and streams: Mistral's are written again as they were, and those of other hosts in Mistral's form."""

from __future__ import annotations

import msgspec
import pytest
from mistral_examples import CHAT, DONE, answer, asking, chunk, decode, encode
from msgspec import Raw

from hortus.canon.collect import collect
from hortus.canon.errors import BrokenStream, HostFault, HostRejected
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
from hortus.canon.parts import (
    Citation,
    Inline,
    Media,
    Opaque,
    Part,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
    ToolResult,
)
from hortus.canon.request import Message
from hortus.canon.response import Choice, Response, Stop
from hortus.canon.usage import Usage

CALL = {"id": "aaaaaaaa1", "type": "function", "function": {"name": "fee", "arguments": "{}"}, "index": 0}
THOUGHT = {"type": "thinking", "thinking": [{"type": "text", "text": "Hm"}]}
FOREIGN = Extras(dialect="gemini", members={"x": Raw(b"1")})


@pytest.mark.parametrize(
    "given",
    [
        answer({"content": "Hi"}),
        answer({"content": ""}, id=None, created=None),
        answer({"content": None, "tool_calls": [CALL], "role": "model", "prefix": False}),
        answer({"content": [THOUGHT, {"type": "text", "text": "So"}]}),
        answer({"content": [{"type": "reference", "reference_ids": [1]}], "name": "x"}),
        answer({"content": "Hi"}, object="fim.completion", usage=None, x=1),
        answer({"content": "Hi"}, usage={"prompt_tokens": 3, "service_tier": "standard", "num_cached_tokens": 2}),
        encode({"choices": []}),
        encode({"choices": [{"message": {"content": "Hi"}}]}),
        encode({"choices": [{"message": {"content": "Hi"}, "finish_reason": "model_length", "index": 3}]}),
        encode({"choices": [{"message": {"content": "Hi"}, "finish_reason": "error", "logprobs": None}]}),
        encode({"choices": [{"message": {"tool_calls": [CALL]}, "finish_reason": "stop"}]}),
        encode({"choices": [{"message": {"tool_calls": [{"function": {"name": "f"}}]}, "finish_reason": None}]}),
    ],
)
def test_an_answer_is_written_again_as_it_was(given: bytes) -> None:
    written = CHAT.write_response(CHAT.read_response(given), asking())
    assert (decode(written.body), written.losses) == (decode(given), ())


def test_an_answer_that_cannot_be_read_is_the_hosts_fault() -> None:
    with pytest.raises(BrokenStream):
        CHAT.read_response(b'{"choices": 1}')


def whole(*parts: Part, stop: Stop = "end") -> Response:
    message = Message(role="assistant", parts=parts, at="c.m")
    return Response(choices=(Choice(message=message, stop=stop, at="c"),))


@pytest.mark.parametrize(
    ("stop", "reason", "is_near"),
    [
        ("end", "stop", False),
        ("length", "length", False),
        ("tool_calls", "tool_calls", False),
        ("stop_sequence", "stop", True),
        ("content_filter", "error", True),
    ],
)
def test_why_an_answer_of_others_ended_is_said_in_mistrals_words(stop: Stop, reason: str, *, is_near: bool) -> None:
    written = CHAT.write_response(whole(Text(text="a", at="t"), stop=stop), asking())
    assert (decode(written.body)["choices"][0]["finish_reason"], bool(written.losses)) == (reason, is_near)


def test_an_answer_of_others_has_everything_that_mistral_always_sends() -> None:
    written = CHAT.write_response(whole(Text(text="a", at="t"), Text(text="b", at="u")), asking())
    body = decode(written.body)
    assert (body["id"], body["created"], body["model"]) == ("0001", 1_790_000_000, "garden")
    assert body["choices"][0]["message"] == {"role": "assistant", "content": "ab", "tool_calls": None}
    assert body["usage"]["total_tokens"] == 0


def test_thoughts_that_another_maker_sealed_are_shown() -> None:
    thought = Reasoning(summary=("Hm",), seal=Seal("gemini", "s"), at="r")
    written = CHAT.write_response(whole(thought, Text(text="a", at="t")), asking())
    assert decode(written.body)["choices"][0]["message"]["content"] == [THOUGHT, {"type": "text", "text": "a"}]
    assert written.losses == ()


def test_a_call_keeps_the_id_that_its_host_gave() -> None:
    call = ToolCall(id="call_long", name="f", arguments="{}", seal=Seal("gemini", "s"), at="t")
    written = CHAT.write_response(whole(call, stop="tool_calls"), asking())
    assert decode(written.body)["choices"][0]["message"]["tool_calls"][0]["id"] == "call_long"
    assert written.losses == ()


# --- streams ---


def events_of(*frames: bytes) -> list[Event]:
    reader = CHAT.open_reader()
    return [event for frame in frames for event in reader.feed(frame)] + reader.close()


FIRST = chunk({"role": "assistant", "content": ""})
LAST = chunk({"content": ""}, reason="stop", usage={"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5})
STREAMS = {
    "words": (FIRST, chunk({"content": "a"}), chunk({"content": [{"type": "text", "text": "b"}]}), LAST, DONE),
    "thoughts": (
        FIRST,
        chunk({"content": [THOUGHT]}),
        chunk({"content": [{"type": "thinking", "thinking": []}]}),
        chunk({"content": [{"type": "thinking", "thinking": [{"type": "text", "text": ""}], "signature": "s"}]}),
        chunk({"content": "a"}),
        chunk({"content": [{"type": "thinking", "thinking": [], "signature": "t"}]}),
        LAST,
        DONE,
    ),
    "references": (FIRST, chunk({"content": [{"type": "reference", "reference_ids": [1]}]}), LAST, DONE),
    "text with more": (FIRST, chunk({"content": [{"type": "text", "text": "a", "x": 1}]}), LAST, DONE),
    "calls": (
        FIRST,
        chunk({"content": None, "tool_calls": [CALL, {**CALL, "id": "aaaaaaaa2", "index": 1}]}),
        chunk({}, reason="tool_calls"),
        DONE,
    ),
    "a call in pieces": (
        FIRST,
        chunk({"tool_calls": [{"id": "aaaaaaaa1", "index": 0, "function": {"name": "f", "arguments": ""}}]}),
        chunk({"tool_calls": [{"id": "null", "index": 0, "function": {"name": "", "arguments": '{"a"'}}]}),
        chunk({"tool_calls": [{"index": 0, "function": {"arguments": ":1}"}}]}),
        chunk(None, reason="stop"),
    ),
    "calls without index or id": (
        FIRST,
        chunk({"tool_calls": [{"function": {"name": "f", "arguments": {"a": 1}}}]}),
        chunk({"tool_calls": [{"function": {"name": "g"}}, {"function": None}]}),
        chunk({"tool_calls": [{"type": "custom"}]}),
        chunk({}, reason="tool_calls"),
        DONE,
    ),
    "calls that all have one index": (
        FIRST,
        chunk({"tool_calls": [CALL]}),
        chunk({"tool_calls": [{**CALL, "id": "aaaaaaaa2", "function": {"name": "g", "arguments": None}}]}),
        chunk({}, reason="tool_calls"),
        DONE,
    ),
    "members of their own": (
        b": hush\n\n",
        chunk({"content": "a"}, x=1, y=None),
        chunk({"content": "b"}, x=1),
        chunk({"content": "c"}, x=2),
        b'data: {"choices":[{"index":0,"delta":{"content":"c"},"z":1,"logprobs":null}]}\n\n',
        b"data: \n\n",
        chunk({}, reason="error", usage={"prompt_tokens": 1, "service_tier": "standard"}),
        DONE,
        chunk({"content": "after the end"}),
    ),
    "two choices": (
        FIRST,
        b'data: {"choices":[{"index":1,"delta":{"content":"b"},"finish_reason":"length"}]}\n\n',
        LAST,
        DONE,
    ),
    "nothing": (DONE,),
    "no counts": (FIRST, chunk({}, reason="stop", usage={"prompt_tokens": None, "x": 1}), DONE),
}


def without_pieces(events: tuple[Event, ...]) -> tuple[Event, ...]:
    """Put texts together that follow each other: calls are written whole, as Mistral does and its SDK reads them."""
    found: list[Event] = []
    for event in events:
        last = found[-1] if found else None
        if isinstance(event, TextAdded) and isinstance(last, TextAdded):
            found[-1] = msgspec.structs.replace(last, text=last.text + event.text)
        else:
            found.append(event)
    return tuple(found)


@pytest.mark.parametrize("name", STREAMS)
def test_a_stream_written_again_gives_the_same_events(name: str) -> None:
    events = events_of(*STREAMS[name])
    writer = CHAT.open_writer(asking())
    again = events_of(*(writer.feed(event) for event in events))
    if name != "nothing":  # Hortus says who answers where the host does not
        assert without_pieces(again) == without_pieces(events)
    assert isinstance(events[-1], Finished)
    assert writer.losses == ()
    assert collect(again).choices == collect(events).choices


def test_the_usage_stands_in_the_last_chunk() -> None:
    writer = CHAT.open_writer(asking())
    frames = b"".join(writer.feed(event) for event in events_of(*STREAMS["words"])).split(b"\n\n")
    last = decode(frames[-3].removeprefix(b"data: "))
    assert (last["choices"][0]["finish_reason"], last["usage"]["total_tokens"]) == ("stop", 5)


def test_a_call_that_goes_on_after_another_part_breaks_the_stream() -> None:
    late = chunk({"tool_calls": [{"index": 0, "function": {"arguments": "}"}}]})
    with pytest.raises(BrokenStream):
        events_of(FIRST, chunk({"tool_calls": [CALL]}), chunk({"content": "a"}), late)


@pytest.mark.parametrize("frame", [b"data: {\n\n", b'data: {"choices":1}\n\n', b'{"choices":1}'])
def test_what_is_no_stream_is_the_hosts_fault(frame: bytes) -> None:
    with pytest.raises(BrokenStream):
        events_of(frame)


@pytest.mark.parametrize("words", [b"nonsense", b"[1]"])
def test_what_is_no_json_at_all_is_the_hosts_fault(words: bytes) -> None:
    with pytest.raises(BrokenStream):
        events_of(words)


def test_a_stream_that_was_cut_has_no_end() -> None:
    assert [type(event) for event in events_of(FIRST, chunk({"content": "a"}))] == [Started, PartStarted, TextAdded]


def test_a_stream_whose_last_frame_lacks_its_blank_line_is_whole() -> None:
    assert isinstance(events_of(FIRST, LAST, DONE.strip())[-1], Finished)


@pytest.mark.parametrize(
    "frame",
    [
        b'data: {"object":"error","message":"full","type":"capacity"}\n\n',
        b'data: {"error":{"message":"full"}}\n\n',
        b'data: {"detail":[{"loc":["body"],"msg":"full"}]}\n\n',
        b'event: error\ndata: {"message":"full"}\n\n',
        b'{"object":"error","message":"full"}',
    ],
)
def test_an_error_in_a_stream_is_its_end(frame: bytes) -> None:
    failed = events_of(frame)[-1]
    assert isinstance(failed, Failed)
    assert not failed.message or failed.message == "full"


def test_an_error_after_words_comes_with_what_was_used() -> None:
    frames = (FIRST, chunk({"content": "a"}, usage={"prompt_tokens": 3}), b'data: {"error":{"message":"full"}}\n\n')
    assert [type(event) for event in events_of(*frames)][-2:] == [UsageReported, Failed]


def test_a_whole_answer_in_place_of_a_stream_is_read() -> None:
    assert collect(events_of(answer({"content": "Hi"}))).choices[0].message.parts[0].text == "Hi"


def written_of(*events: Event) -> tuple[list[dict[str, object]], tuple[str, ...]]:
    writer = CHAT.open_writer(asking())
    data = b"".join([writer.feed(event) for event in events])
    frames = [decode(frame[6:]) for frame in data.split(b"\n\n") if frame.startswith(b"data: {")]
    return frames, tuple(str(loss) for loss in writer.losses)


def deltas_of(part: Part, *events: Event) -> tuple[list[object], tuple[str, ...]]:
    frames, losses = written_of(Started(), PartStarted(part), *events, PartEnded())
    return [frame["choices"][0]["delta"] for frame in frames[1:]], losses


@pytest.mark.parametrize(
    ("part", "delta"),
    [
        (Text(text="a", at="t"), {"content": "a"}),
        (Reasoning(texts=("Hm",), at="t"), {"content": [THOUGHT]}),
        (Media(kind="audio", source=Inline("audio/wav", "AA=="), at="t"), None),
        (Opaque(dialect="mistral", kind="x", raw=Raw(b'{"type":"x"}'), at="t"), {"content": [{"type": "x"}]}),
    ],
)
def test_parts_that_come_whole_are_written_whole(part: Part, delta: object) -> None:
    deltas, losses = deltas_of(part)
    assert (delta is None or deltas == [delta], losses) == (True, ())


@pytest.mark.parametrize(
    "part",
    [
        Opaque(dialect="gemini", kind="x", raw=Raw(b"{}"), at="t"),
        ToolResult(call_id="1", parts=(), at="t"),
        Media(kind="video", source=Inline("video/mp4", "AA=="), at="t"),
    ],
)
def test_parts_that_mistral_has_no_place_for_are_named(part: Part) -> None:
    assert deltas_of(part) == ([], ("meaning:t",))


def test_a_refusal_is_streamed_as_text() -> None:
    deltas, losses = deltas_of(Refusal(text="", at="t"), TextAdded("No"))
    assert (deltas, losses) == ([{"content": "No"}], ("tuning:t.text",))
    assert deltas_of(Refusal(text="No", at="t"))[0] == [{"content": "No"}]


def test_pieces_of_thoughts_are_kept_apart() -> None:
    events = (ThoughtAdded("a"), ThoughtAdded("b"), ThoughtAdded("c", piece=1))
    deltas, _ = deltas_of(Reasoning(at="t"), *events)
    assert [one["content"][0]["thinking"][0]["text"] for one in deltas] == ["a", "b", "\n\nc"]


def test_seals_of_other_makers_are_kept_by_the_gateway() -> None:
    assert deltas_of(Reasoning(at="t"), SealSet(Seal("gemini", "s"))) == ([], ())
    assert deltas_of(Text(text="", at="t"), SealSet(Seal("mistral", "s"))) == ([], ())


def test_a_call_without_arguments_gets_an_empty_object() -> None:
    deltas, _ = deltas_of(ToolCall(id="a", name="f", arguments="", at="t"))
    assert deltas[-1]["tool_calls"][0]["function"] == {"name": "f", "arguments": "{}"}
    assert len(deltas_of(ToolCall(id="a", name="f", arguments="{}", at="t"))[0]) == 1


def test_a_call_is_written_whole_as_the_sdk_s_users_read_it() -> None:
    pieces = (TextAdded('{"a"'), TextAdded(":1}"))
    deltas, losses = deltas_of(ToolCall(id="a", name="f", arguments="", at="t"), *pieces)
    assert [one["tool_calls"][0]["function"]["arguments"] for one in deltas] == ['{"a":1}']
    assert losses == ()


def test_an_opaque_call_of_its_own_is_streamed_as_it_is() -> None:
    deltas, losses = deltas_of(ToolCall(id="a", name="f", arguments="", at="t"), TextAdded("{}"))
    assert (len(deltas), losses) == (1, ())


def test_citations_and_what_others_add_are_named() -> None:
    cited = Cited(Citation(url="https://a/b", at="c"))
    _, losses = written_of(
        Started(extras=FOREIGN),
        Extra(FOREIGN),
        PartStarted(Text(text="", at="t")),
        cited,
        PartEnded(extras=FOREIGN),
        ChoiceEnded(stop="refusal", extras=FOREIGN),
        Finished(),
    )
    assert losses == (
        "tuning:x",
        "tuning:x",
        "advisory:c",
        "tuning:t.x",
        "tuning:choices[0].stop",
        "tuning:choices[0].x",
    )


def test_what_others_say_of_the_usage_waits_for_it() -> None:
    extras = Extras(dialect="gemini", members={"usage.x": Raw(b"1")})
    frames, losses = written_of(Started(), Extra(extras), Extra(extras), UsageReported(Usage(1, 2)), Finished())
    assert (frames[-1]["choices"], losses) == ([], ("tuning:usage.x",))


def test_a_failure_ends_the_stream_with_mistrals_error() -> None:
    frames, _ = written_of(Started(), Failed(code="host_fault", message="gone"))
    assert (frames[-1]["object"], frames[-1]["message"]) == ("error", "gone")
    writer = CHAT.open_writer(asking())
    assert decode(writer.fail(HostRejected("no"))[6:])["message"] == "no"
    assert decode(writer.fail(HostFault("no"))[6:])["raw_status_code"] == 502
