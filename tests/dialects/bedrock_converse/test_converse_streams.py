"""Streams of Converse in both directions: events, frames, padding, failures."""

from __future__ import annotations

import pytest
from converse_wire import (
    CHAT,
    METADATA,
    START,
    STOP,
    asking,
    delta,
    encode,
    events_of,
    foreign,
    plain,
    start,
    stop,
    stream_of,
    written_again,
)
from msgspec import Raw

from hortus.canon.collect import collect
from hortus.canon.errors import BrokenStream, HostFault, HostOverloaded, HostRateLimited, HostRejected, HostTimedOut
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
from hortus.canon.nodes import Seal
from hortus.canon.parts import Citation, Inline, Media, Opaque, Reasoning, Refusal, Text, ToolCall
from hortus.canon.usage import Usage
from hortus.framing.aws_event_stream import text, write_message
from hortus.framing.aws_frames import Splitter, write_exception

CALL = start(0, toolUse={"toolUseId": "1", "name": "f"})
RESULT = {"toolUseId": "1", "status": "success", "type": "x"}

EXACT = {
    "words": [START, delta(0, text="a"), delta(0, text="b"), stop(0), STOP, METADATA],
    "padding": [(kind, body | {"p": "ab"}) for kind, body in [START, delta(0, text="a"), stop(0), STOP, METADATA]],
    "unknown members": [("messageStart", {"role": "assistant", "x": 1}), STOP, METADATA],
    "no words": [START, delta(0, text=""), stop(0), STOP, METADATA],
    "no thoughts": [START, delta(0, reasoningContent={"text": ""}), stop(0), STOP, METADATA],
    "thoughts": [
        START,
        delta(0, reasoningContent={"text": "t"}),
        delta(0, reasoningContent={"signature": "s"}),
        delta(0, reasoningContent={"signature": "t"}),
        stop(0),
        delta(1, text="a"),
        stop(1),
        STOP,
        METADATA,
    ],
    "hidden thoughts": [START, delta(0, reasoningContent={"redactedContent": "AA"}), stop(0), STOP, METADATA],
    "citations": [START, delta(0, citation={"title": "t"}), delta(0, text="a"), stop(0), STOP, METADATA],
    "call": [
        START,
        CALL,
        delta(0, toolUse={"input": '{"a"'}),
        delta(0, toolUse={"input": ":1}"}),
        stop(0),
        STOP,
        METADATA,
    ],
    "call of the host's": [
        START,
        start(0, toolUse={"toolUseId": "1", "name": "f", "type": "server_tool_use"}),
        delta(0, toolUse={"input": '{"a":1}'}),
        stop(0),
        start(1, toolResult=RESULT),
        delta(1, toolResult=[{"text": "a"}]),
        stop(1),
        STOP,
        METADATA,
    ],
    "picture": [
        START,
        start(0, image={"format": "png"}),
        delta(0, image={"source": {"bytes": "AA"}}),
        stop(0),
        STOP,
        METADATA,
    ],
    "block that is not known": [START, start(0, news={"content": [1], "a": 2}), stop(0), STOP, METADATA],
    "guarded": [
        START,
        ("messageStop", {"stopReason": "guardrail_intervened", "additionalModelResponseFields": {"a": 1}}),
        ("metadata", METADATA[1] | {"trace": {"guardrail": {}}, "serviceTier": {"type": "flex"}}),
    ],
    "stop sequence": [
        START,
        ("messageStop", {"stopReason": "stop_sequence", "additionalModelResponseFields": {"stop_sequence": "END"}}),
        METADATA,
    ],
    "no reason": [START, ("messageStop", {}), METADATA],
    "other role": [("messageStart", {"role": "user"}), STOP, METADATA],
    "no usage": [START, STOP, ("metadata", {"metrics": {}})],
    "no metadata": [START, STOP],
}


@pytest.mark.parametrize("frames", EXACT.values(), ids=EXACT)
def test_a_stream_read_and_written_again_is_what_it_was(frames: list) -> None:
    assert plain(written_again(events_of(*frames))) == frames


def test_events_say_what_the_frames_say() -> None:
    assert events_of(START, delta(0, text="a"), stop(0), STOP, METADATA)[1:-3] == [
        PartStarted(Text("", at="output.message.content[0]")),
        TextAdded("a"),
        PartEnded(),
        ChoiceEnded(stop="end"),
    ]


def test_seals_grow() -> None:
    part = collect(events_of(*EXACT["thoughts"])).choices[0].message.parts[0]
    assert isinstance(part, Reasoning)
    assert (part.texts, part.seal) == (("t",), Seal("bedrock_converse", "st"))


def test_a_call_without_input_has_an_empty_one() -> None:
    (call,) = collect(events_of(START, CALL, delta(0, toolUse={"input": ""}), stop(0), STOP)).choices[0].message.parts
    assert isinstance(call, ToolCall)
    assert call.arguments == "{}"


def test_what_the_host_did_comes_as_a_whole() -> None:
    call, result = collect(events_of(*EXACT["call of the host's"])).choices[0].message.parts
    assert isinstance(call, Opaque)
    assert isinstance(result, Opaque)
    assert bytes(call.raw) == b'{"toolUse":{"toolUseId":"1","name":"f","type":"server_tool_use","input":{"a":1}}}'
    assert b'"content":[{"text":"a"}]' in bytes(result.raw)


def test_a_result_of_the_hosts_may_be_empty() -> None:
    (result,) = collect(events_of(START, start(0, toolResult=RESULT), stop(0), STOP)).choices[0].message.parts
    assert isinstance(result, Opaque)


def test_a_block_ends_where_the_next_begins_or_the_answer_stops() -> None:
    frames = [START, delta(0, text="a"), delta(1, reasoningContent={"text": "t"}), delta(1, text="b"), CALL_AT_2, STOP]
    parts = collect(events_of(*frames)).choices[0].message.parts
    assert [type(part) for part in parts] == [Text, Reasoning, Text, ToolCall]


CALL_AT_2 = start(2, toolUse={"toolUseId": "1", "name": "f"})


def test_a_block_that_says_nothing_is_none() -> None:
    assert not [event for event in events_of(START, stop(0), STOP) if isinstance(event, PartStarted)]


def test_unknown_frames_and_deltas_are_kept() -> None:
    frames = [START, ("news", {"a": 1}), ("", {"b": 1}), delta(0, text="a"), delta(0, smell="x"), STOP, METADATA]
    extras = [event.extras.members for event in events_of(*frames) if isinstance(event, Extra)]
    assert [sorted(members) for members in extras] == [["news"], ["unnamed"], ["delta.smell"], []]


def test_nothing_follows_the_end() -> None:
    assert events_of(START, STOP, METADATA, delta(0, text="a"))[-1] == Finished()


def test_usage_before_the_end_is_no_end() -> None:
    assert [type(event) for event in events_of(START, METADATA, STOP)][-2:] == [ChoiceEnded, Finished]


def test_a_stream_that_breaks_off_has_no_end() -> None:
    assert events_of(START, delta(0, text="a"))[-1] == TextAdded("a")


@pytest.mark.parametrize(
    "frames",
    [
        [STOP],
        [START, START],
        [START, STOP, STOP],
        [START, ("contentBlockStart", {"contentBlockIndex": 0})],
        [START, start(0, toolUse=1)],
        [START, delta(0, text=1)],
        [START, delta(0, toolUse={"input": "a"})],
        [START, delta(0, text="a"), stop(0), delta(0, text="b")],
        [START, start(0, toolResult=RESULT), delta(0, toolResult=1)],
        [
            START,
            start(0, toolUse=RESULT | {"name": "f", "type": "server_tool_use"}),
            delta(0, toolUse={"input": "["}),
            stop(0),
        ],
        [START, ("messageStop", {"stopReason": 1})],
    ],
)
def test_what_cannot_be_a_stream_is_broken(frames: list) -> None:
    with pytest.raises(BrokenStream):
        events_of(*frames)


def test_a_frame_with_a_wrong_checksum_is_broken_after_those_before_it() -> None:
    whole, bad = stream_of(START, STOP), bytearray(stream_of(METADATA))
    bad[-1] ^= 1
    reader = CHAT.open_reader()
    assert [type(event) for event in reader.feed(whole + bytes(bad))] == [Started, ChoiceEnded]
    with pytest.raises(BrokenStream):
        reader.close()
    with pytest.raises(BrokenStream):
        CHAT.open_reader().feed(bytes(bad))


def test_a_stream_that_ends_inside_a_frame_is_broken() -> None:
    splitter = Splitter()
    splitter.feed(stream_of(START)[:-1])
    with pytest.raises(BrokenStream):
        splitter.close()


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("throttlingException", HostRateLimited),
        ("serviceUnavailableException", HostOverloaded),
        ("validationException", HostRejected),
        ("modelTimeoutException", HostTimedOut),
        ("modelStreamErrorException", HostFault),
        ("", HostFault),
    ],
)
def test_an_exception_inside_a_stream_is_a_failure(kind: str, error: type[HostFault]) -> None:
    reader = CHAT.open_reader()
    (failed,) = reader.feed(write_exception(kind, encode({"message": "m"})))
    assert isinstance(failed, Failed)
    assert (failed.code, failed.message) == (error.code, "m")
    assert reader.feed(stream_of(START)) + reader.close() == []


def test_an_error_of_the_framing_is_a_failure_in_its_words() -> None:
    headers = {":message-type": text("error"), ":error-code": text("throttling"), ":error-message": text("slow")}
    assert CHAT.open_reader().feed(write_message(headers, b"")) == [Failed(HostRateLimited.code, "slow")]
    empty = CHAT.open_reader().feed(write_message({":message-type": text("error")}, b""))
    assert isinstance(empty[0], Failed)


# --- events of other dialects --------------------------------------------------------------------------------------


def frames_for(*events: Event) -> list:
    return plain(written_again([Started(id="x"), *events]))


def test_others_events_make_every_frame_that_bedrock_sends() -> None:
    events = [PartStarted(Text("")), TextAdded("a"), PartEnded(), ChoiceEnded(stop="end"), UsageReported(Usage(1, 2))]
    assert frames_for(*events, Finished()) == [
        START,
        delta(0, text="a"),
        stop(0),
        STOP,
        ("metadata", {"usage": {"inputTokens": 1, "outputTokens": 2, "totalTokens": 3}, "metrics": {"latencyMs": 0}}),
    ]


def test_parts_that_come_whole_are_taken_apart() -> None:
    cited = Citation(url="https://a.example")
    parts = [
        Text("a", citations=(cited,)),
        Refusal("no", at="r"),
        ToolCall(id="1", name="f", arguments="{}"),
        Reasoning(summary=("s",), texts=("t", "u"), seal=Seal("gemini", "x")),
        Media(kind="image", source=Inline("image/png", "AA")),
        Reasoning(is_redacted=True, seal=Seal("gemini", "x")),
        Text(""),
        Opaque(dialect="gemini", kind="x", raw=Raw(b"{}"), at="o"),
    ]
    events = [event for i, part in enumerate(parts) for event in (PartStarted(part, index=i), PartEnded(index=i))]
    assert frames_for(*events)[1:] == [
        delta(0, citation={"location": {"web": {"url": "https://a.example"}}}),
        delta(0, text="a"),
        stop(0),
        delta(1, text="no"),
        stop(1),
        start(2, toolUse={"toolUseId": "1", "name": "f"}),
        delta(2, toolUse={"input": "{}"}),
        stop(2),
        delta(3, reasoningContent={"text": "s"}),
        delta(3, reasoningContent={"text": "\n\nt"}),
        delta(3, reasoningContent={"text": "\n\nu"}),
        stop(3),
        start(4, image={"format": "png"}),
        delta(4, image={"source": {"bytes": "AA"}}),
        stop(4),
    ]


def test_deltas_of_a_part_that_is_lost_are_lost() -> None:
    opaque = Opaque(dialect="gemini", kind="x", raw=Raw(b"{}"), at="o")
    assert frames_for(PartStarted(opaque), TextAdded("a"), PartEnded()) == [START]


def test_a_seal_of_another_part_is_left_to_the_gateway() -> None:
    events = [PartStarted(Text("")), SealSet(Seal("bedrock_converse", "x")), ThoughtAdded("a")]
    assert len(frames_for(*events)) == 2


def test_a_citation_that_names_a_stretch_alone_is_lost_and_named() -> None:
    whole = Text("ab", citations=(Citation(start=0, end=1, at="c[0]"),), at="p")
    assert frames_for(PartStarted(Text("")), TextAdded("ab"), Cited(Citation(start=0, end=1))) == [
        START,
        delta(0, text="ab"),
    ]
    assert "citationsContent" not in str(frames_for(PartStarted(whole), PartEnded()))


def test_an_answer_that_never_said_why_it_stopped_ended() -> None:
    assert [kind for kind, _ in frames_for(Finished())] == ["messageStart", "messageStop", "metadata"]
    assert frames_for(ChoiceEnded())[1] == STOP


def test_what_is_not_carried_is_named() -> None:
    writer = CHAT.open_writer(asking())
    for event in (
        Started(model="m", extras=foreign(a=b"1", b=b"null")),
        PartStarted(Refusal("", at="r")),
        PartEnded(extras=foreign(c=b"1")),
        PartStarted(Text(""), choice=1),
        TextAdded("a", choice=1),
        Extra(foreign(d=b"1")),
        ChoiceEnded(stop="pause", stop_sequence="x", logprobs=Raw(b"[]")),
    ):
        writer.feed(event)
    assert [str(loss) for loss in writer.losses] == [
        "tuning:a",
        "advisory:model",
        "tuning:r.text",
        "tuning:r.c",
        "meaning:choices[1]",
        "tuning:d",
        "tuning:choices[0].stop",
        "meaning:choices[0].logprobs",
    ]


def test_a_failure_ends_the_stream_as_an_exception() -> None:
    assert frames_for(Failed(HostRateLimited.code, "slow"))[1] == ("throttlingException", {"message": "slow"})
    assert frames_for(Failed("new", "odd"))[1] == ("modelStreamErrorException", {"message": "odd"})
