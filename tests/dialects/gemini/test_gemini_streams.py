"""Streams in Google's form: server-sent events or one array, both ways."""

from __future__ import annotations

import pytest
from gemini_wire import (
    CHAT,
    EVENTS,
    asking,
    candidate,
    encode,
    events,
    frame,
    frames_of,
    raw,
    read_stream,
    write_stream,
)

from hortus.canon.collect import collect
from hortus.canon.errors import BrokenStream, HostTimedOut
from hortus.canon.events import (
    ChoiceEnded,
    Cited,
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
from hortus.canon.translation import Call
from hortus.canon.usage import Usage

ARRAY = Call(route="garden", is_stream=True)
SEAL = Seal("gemini", "c2VhbA==")
END = frame({"text": ""}, finishReason="STOP")
STARTED = Started(id="made1", model="m-1", extras=Extras(dialect="gemini"))


def words(found: list) -> list[str]:
    return [event.text for event in found if isinstance(event, TextAdded)]


def again(frames: list, call: Call = EVENTS) -> list:
    """Read frames, write them and read them again: the events must be the same."""
    found = read_stream(events(frames))
    data, writer = write_stream(found, call)
    assert read_stream(data) == found
    assert writer.losses == ()
    return found


def test_texts_go_on_from_frame_to_frame() -> None:
    found = again([frame({"text": "Zone "}), frame({"text": "A"}), END])
    assert found == [
        STARTED,
        PartStarted(Text(text="", at="candidates[0].content.parts[0]")),
        TextAdded("Zone "),
        TextAdded("A"),
        PartEnded(),
        ChoiceEnded(stop="end"),
        Finished(),
    ]


def test_an_array_gives_the_same_events_and_is_written_for_clients_that_did_not_ask_for_events() -> None:
    frames = [frame({"text": "Zone "}), frame({"text": "A"}), END]
    assert read_stream(encode(frames)) == read_stream(events(frames))
    assert read_stream(b" \r\n" + encode(frames)) == again(frames, ARRAY)
    assert CHAT.stream_type(EVENTS) == "text/event-stream"
    assert CHAT.stream_type(ARRAY) == "application/json; charset=UTF-8"
    assert CHAT.stream_type(Call(query={"$alt": "sse;enum-encoding=int"})) == "text/event-stream"


def test_parts_of_another_kind_end_the_one_before() -> None:
    frames = [
        frame({"text": "Hm.", "thought": True}),
        frame({"text": " So.", "thought": True}, {"text": "A"}),
        frame({"executableCode": {"code": "1"}}),
        frame({"text": "B"}, finishReason="STOP"),
    ]
    message = collect(again(frames)).choices[0].message
    assert [type(part) for part in message.parts] == [Reasoning, Text, Opaque, Text]
    assert message.parts[0].summary == ("Hm. So.",)


def test_a_signature_belongs_to_the_part_before_and_ends_it() -> None:
    frames = [frame({"text": "A"}), frame({"text": "", "thoughtSignature": "c2VhbA=="}), frame({"text": "B"}), END]
    message = collect(again(frames)).choices[0].message
    assert [(part.text, part.seal) for part in message.parts] == [("A", SEAL), ("B", None)]


def test_a_signature_by_itself_is_a_text_without_words() -> None:
    found = again(
        [frame({"text": "Hm.", "thought": True, "thoughtSignature": "c2VhbA=="}), frame({"thoughtSignature": "x"}), END]
    )
    assert [type(part) for part in collect(found).choices[0].message.parts] == [Reasoning, Text]


def test_calls_come_whole_with_the_seal_at_their_beginning() -> None:
    call = {"functionCall": {"name": "f", "args": {"x": 1.5}}, "thoughtSignature": "c2VhbA=="}
    found = again([frame(call, {"functionCall": {"name": "g"}}), END])
    begun = [event.part for event in found if isinstance(event, PartStarted)]
    assert [(part.id, part.seal, part.arguments) for part in begun] == [("made1_0", SEAL, ""), ("made1_1", None, "")]
    assert words(found) == ['{"x":1.5}', "{}"]
    assert found[-2] == ChoiceEnded(stop="tool_calls")


def test_choices_may_be_interleaved() -> None:
    frames = [
        frame({"text": "A"}),
        frame({"text": "B"}, index=1),
        frame({"text": "C"}, finishReason="STOP"),
        frame(index=1, finishReason="MAX_TOKENS"),
    ]
    response = collect(again(frames))
    assert [choice.message.parts[0].text for choice in response.choices] == ["AC", "B"]
    assert [choice.stop for choice in response.choices] == ["end", "length"]


def test_a_reason_in_every_frame_ends_nothing_early() -> None:
    found = again([frame({"text": "A"}, finishReason="STOP"), frame({"text": "B"}, finishReason="STOP")])
    assert words(found) == ["A", "B"]


def test_a_later_reason_stands_for_an_earlier_one() -> None:
    for reason in ("LANGUAGE", "RECITATION"):
        found = again([frame({"text": "A"}, finishReason=reason), frame({"text": "B"}, finishReason="MAX_TOKENS")])
        assert found[-2] == ChoiceEnded(stop="length")
    frames = [frame({"text": "A"}, avgLogprobs=1, finishReason="LANGUAGE"), frame({"text": "B"}, finishReason="STOP")]
    assert again(frames)[-2].extras.members == {"avgLogprobs": raw(1)}


def test_nulls_of_single_frames_mean_nothing() -> None:
    found = again([frame({"text": "A", "functionCall": None}, groundingMetadata=None) | {"novel": None}, END])
    assert found == again([frame({"text": "A"}), END])


def test_a_first_frame_of_a_head_alone_stays_one() -> None:
    later = {"usageMetadata": {"promptTokenCount": 5, "totalTokenCount": 5, "trafficType": "ON_DEMAND"}}
    found = again([{"responseId": "made1"}, frame({"text": "A"}) | later, END])
    assert [type(event) for event in found[:3]] == [Started, Extra, UsageReported]


def test_usage_and_what_stands_beside_it_is_reported_where_it_changes() -> None:
    first = {"usageMetadata": {"promptTokenCount": 5, "totalTokenCount": 5, "trafficType": "ON_DEMAND"}}
    second = {
        "usageMetadata": {"promptTokenCount": 5, "candidatesTokenCount": 2, "totalTokenCount": 7, "serviceTier": "flex"}
    }
    frames = [frame({"text": "A"}) | first, frame({"text": "B"}) | first, frame({"text": "C"}) | second, END | second]
    found = again(frames)
    assert [event.usage for event in found if isinstance(event, UsageReported)] == [
        Usage(input_tokens=5),
        Usage(input_tokens=5, output_tokens=2, service_tier="flex"),
    ]
    assert [event.extras.silent for event in found if isinstance(event, Extra)] == [
        {"usageMetadata.serviceTier": raw("flex")}
    ]


def test_counts_that_were_odd_once_do_not_go_stale() -> None:
    def counted(total: int) -> dict:
        return {"usageMetadata": {"promptTokenCount": 5, "totalTokenCount": total}}

    found = again([frame({"text": "A"}) | counted(9), frame({"text": "B"}) | counted(5), END])
    assert [event.extras.silent for event in found if isinstance(event, Extra)] == [
        {"usageMetadata.totalTokenCount": raw(5)}
    ]


def test_frames_without_pieces_are_written_by_themselves() -> None:
    def counted(number: int) -> dict:
        return {"responseId": "made1", "usageMetadata": {"promptTokenCount": number, "totalTokenCount": number}}

    found = again([counted(1), counted(2) | {"novel": 1}, frame({"text": "A"}), END, counted(3)])
    assert len([event for event in found if isinstance(event, UsageReported)]) == 3


def test_members_of_the_whole_answer_are_kept_and_later_ones_added() -> None:
    head = {"modelVersion": "m-1", "responseId": "made1", "createTime": "2026-05-27T16:53:45.4Z", "novel": 1}
    later = {"modelVersion": "m-2", "responseId": "made1", "createTime": "2026-05-27T16:53:45.4Z", "novel": 2}
    found = again([frame({"text": "A"}) | head, frame({"text": "B"}) | later, END])
    assert found[0].created_s == 1779900825
    assert [event.extras for event in found if isinstance(event, Extra)] == [
        Extras(dialect="gemini", members={"novel": raw(2)}, silent={"modelVersion": raw("m-2")})
    ]


def test_what_stands_beside_a_candidate_is_kept_to_its_end() -> None:
    def piece(token: str, **more: object) -> dict:
        return frame({"text": token}, logprobsResult={"chosenCandidates": [token], "n": 1}, **more)

    found = again(
        [piece("A", groundingMetadata={}), piece("B", groundingMetadata={"a": 1}, finishMessage="Done."), END]
    )
    assert found[-2].extras == Extras(
        dialect="gemini",
        members={
            "logprobsResult": raw({"chosenCandidates": ["A", "B"], "n": 1}),
            "groundingMetadata": raw({"a": 1}),
        },
        silent={"finishMessage": raw("Done.")},
    )


def test_pieces_that_are_no_objects_are_not_joined() -> None:
    found = again([frame({"text": "A"}, logprobsResult=1), frame({"text": "B"}, logprobsResult=2), END])
    assert found[-2].extras.members == {"logprobsResult": raw(2)}


def test_members_that_only_google_knows_come_with_their_part() -> None:
    frames = [
        frame({"text": "A", "no.vel": 1}),
        frame({"text": "B"}),
        frame({"text": "Hm.", "thought": True, "novel": 2}),
        END,
    ]
    parts = collect(again(frames)).choices[0].message.parts
    assert [part.extras.members for part in parts] == [{'["no.vel"]': raw(1)}, {"novel": raw(2)}]


def test_a_barred_prompt_ends_the_stream() -> None:
    barred = {"promptFeedback": {"blockReason": "SAFETY"}, "responseId": "made1"}
    found = again([barred])
    assert found[-2].stop == "content_filter"
    assert found[-1] == Finished()


@pytest.mark.parametrize(
    "data",
    [
        events([frame({"text": "A"})]),
        events([frame({"text": "A"}), frame({"text": "B"}, index=1, finishReason="STOP")]),
        b"[" + encode(END),
        events([{"promptFeedback": {"safetyRatings": []}}]),
        b"",
        b"\r\n",
    ],
)
def test_a_stream_that_breaks_off_has_no_end(data: bytes) -> None:
    assert not any(isinstance(event, Finished | Failed) for event in read_stream(data))


def test_the_last_event_needs_no_blank_line() -> None:
    assert read_stream(events([frame({"text": "A"}), END]).removesuffix(b"\r\n\r\n"))[-1] == Finished()


def test_comments_and_marks_of_other_dialects_are_passed_over() -> None:
    data = b": hush\r\n\r\n" + events([frame({"text": "A"}), END]) + b"data: [DONE]\r\n\r\n"
    assert words(read_stream(data)) == ["A"]


@pytest.mark.parametrize(
    "data",
    [
        b"data: {\r\n\r\n",
        b"data: 7\r\n\r\n",
        b"data: \xff\r\n\r\n",
        b'data: {"candidates": [{"content": {"parts": [{"text": 1}]}}]}\r\n\r\n',
        b"[}",
    ],
)
def test_frames_that_cannot_be_read_break_the_stream(data: bytes) -> None:
    with pytest.raises(BrokenStream):
        read_stream(data)


@pytest.mark.parametrize("wrap", [lambda one: events([one]), encode, lambda one: encode([one])])
def test_an_error_inside_a_stream_fails_it(wrap) -> None:
    found = read_stream(wrap({"error": {"code": 503, "message": "Busy.", "status": "UNAVAILABLE"}}))
    assert found == [Failed(code="host_overloaded", message="Busy.")]


def test_nothing_follows_an_error() -> None:
    found = read_stream(events([frame({"text": "A"}), {"error": {"code": 429, "message": "Slow down."}}, END]))
    assert found[-1] == Failed(code="host_rate_limited", message="Slow down.")


FOREIGN = [
    Started(id="chatcmpl-1", model="m-2", created_s=1_790_000_000),
    PartStarted(Reasoning()),
    ThoughtAdded("Hm."),
    ThoughtAdded(" So."),
    ThoughtAdded("Then.", piece=1),
    SealSet(Seal("anthropic_messages", "x")),
    PartEnded(),
    PartStarted(Text(text=""), index=1),
    TextAdded("Hi", index=1),
    Cited(Citation(url="https://town.example"), index=1),
    PartEnded(index=1),
    PartStarted(ToolCall(id="1", name="f", arguments=""), index=2),
    TextAdded('{"x"', index=2),
    TextAdded(":1}", index=2),
    SealSet(SEAL, index=2),
    PartEnded(index=2),
    PartStarted(Opaque(dialect="anthropic_messages", kind="k", raw=raw({})), index=3),
    PartEnded(index=3),
    ChoiceEnded(stop="tool_calls"),
    UsageReported(Usage(input_tokens=3, output_tokens=4)),
    Extra(Extras(dialect="openai_chat", members={"system_fingerprint": raw("fp")})),
    Finished(),
]


def test_streams_from_elsewhere_end_with_reason_and_usage_in_one_frame() -> None:
    data, writer = write_stream(FOREIGN)
    frames = frames_of(data)
    parts = [part for one in frames for found in one.get("candidates", ()) for part in found["content"]["parts"]]
    assert parts == [
        {"text": "Hm.", "thought": True},
        {"text": " So.", "thought": True},
        {"text": "\n\nThen.", "thought": True},
        {"text": "Hi"},
        {"functionCall": {"id": "1", "name": "f", "args": {"x": 1}}, "thoughtSignature": "c2VhbA=="},
        {"text": ""},
    ]
    assert all(one["responseId"] == "chatcmpl-1" and one["modelVersion"] == "m-2" for one in frames)
    assert frames[0]["createTime"] == "2026-09-21T14:13:20.000Z"
    assert frames[-1]["candidates"][0]["finishReason"] == "STOP"
    assert sorted(loss.weight for loss in writer.losses) == ["advisory", "meaning", "tuning"]


def test_usage_is_in_the_last_frame() -> None:
    without = [event for event in FOREIGN if not isinstance(event, Extra)]
    data, _ = write_stream(without)
    last = frames_of(data)[-1]
    assert last["usageMetadata"]["totalTokenCount"] == 7
    assert last["candidates"][0]["finishReason"] == "STOP"


def test_parts_that_come_at_once_are_written_at_once() -> None:
    whole = [
        Started(),
        PartStarted(Text(text="Hi", seal=SEAL)),
        PartEnded(),
        PartStarted(Reasoning(texts=("a",), summary=("b",)), index=1),
        PartEnded(index=1),
        PartStarted(Refusal(text="No."), index=2),
        PartEnded(index=2),
        PartStarted(Media(kind="image", source=Inline("image/png", "AAAA")), index=3),
        SealSet(SEAL, index=3),
        PartEnded(index=3),
        ChoiceEnded(stop="refusal"),
        Finished(),
    ]
    data, writer = write_stream(whole)
    frames = frames_of(data)
    parts = [part for one in frames for part in one["candidates"][0]["content"]["parts"]]
    assert parts == [
        {"text": "Hi"},
        {"text": "", "thoughtSignature": "c2VhbA=="},
        {"text": "a\n\nb", "thought": True},
        {"text": "No."},
        {"inlineData": {"mimeType": "image/png", "data": "AAAA"}, "thoughtSignature": "c2VhbA=="},
        {"text": ""},
    ]
    assert (frames[0]["modelVersion"], frames[0]["responseId"]) == ("garden", "0001")
    assert sorted(loss.path for loss in writer.losses) == ["choices[0].stop", "text"]


def test_a_failure_is_an_error_that_ends_the_stream() -> None:
    data, _ = write_stream([STARTED, Failed(code="host_rate_limited", message="Slow down.")])
    assert frames_of(data)[0]["error"]["status"] == "RESOURCE_EXHAUSTED"
    data, _ = write_stream([STARTED, Failed(code="novel", message="Oh.")], ARRAY)
    assert read_stream(data)[-1] == Failed(code="host_overloaded", message="Oh.")


def test_a_stream_that_hortus_ends_says_why() -> None:
    writer = CHAT.open_writer(asking(ARRAY))
    data = writer.feed(STARTED) + writer.fail(HostTimedOut("Too slow."))
    assert read_stream(data) == [Failed(code="host_timed_out", message="Too slow.")]


def test_an_empty_stream_is_an_empty_array() -> None:
    data, _ = write_stream([Started(), Finished()], ARRAY)
    assert data == b"[]"


def test_a_content_of_another_shape_is_read() -> None:
    found = read_stream(events([{"candidates": [{"finishReason": "STOP"}]}, {"candidates": [candidate()]}]))
    assert found[-1] == Finished()
