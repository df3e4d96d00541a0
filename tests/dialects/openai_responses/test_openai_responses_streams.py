"""Streams: what a host's says, that a client gets the same again, and other makers' for clients of this one."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from msgspec import Raw
from openai_responses_examples import (
    CHAT,
    NAME,
    answer,
    asking,
    begun,
    call,
    ended,
    events,
    frames,
    message,
    names,
    read_answer,
    response,
    stream,
    thoughts,
    told,
    usage,
    whole,
    words,
)

from hortus.canon.collect import collect
from hortus.canon.errors import BrokenStream, HostRateLimited
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
from hortus.canon.unfold import unfold
from hortus.canon.usage import Usage

CITED = {"type": "url_citation", "url": "https://a.example", "title": "A", "start_index": 0, "end_index": 1}
ADDED = ("output_item.added", {"output_index": 0, "item": message(status="in_progress")})
INCOMPLETE: dict[str, Any] = {"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}}
THINKING = ("output_item.added", {"output_index": 0, "item": thoughts()})
CALLING = ("output_item.added", {"output_index": 0, "item": call("")})
PLACE = {"output_index": 0, "content_index": 0}
SUMMARY = [{"type": "summary_text", "text": "hm"}]


def delta(text: str, **place: Any) -> tuple[str, dict[str, Any]]:
    return "output_text.delta", PLACE | {"delta": text} | place


def done(item: Any, index: int = 0) -> tuple[str, dict[str, Any]]:
    return "output_item.done", {"output_index": index, "item": item}


BARE = {"id": "resp_1", "object": "response", "status": "completed", "output": []}
TWO = message(words("a"), {"type": "refusal", "refusal": "no"})
THOUGHT = thoughts(summary=SUMMARY, content=[{"type": "reasoning_text", "text": "so"}], encrypted_content="gAAA")

EXACT: dict[str, tuple[tuple[str, dict[str, Any]], ...]] = {
    "words": (
        begun(),
        ADDED,
        delta("hel"),
        delta(""),
        delta("lo"),
        done(message(words("hello"))),
        ended(message(words("hello"))),
    ),
    "words at the end only": (begun(), ADDED, done(message(words("hello"))), ended(message(words("hello")))),
    "words in the whole answer only": (begun(), ended(message(words("hello")))),
    "words without an item": (begun(), delta("hello"), ended(message(words("hello")))),
    "no content": (begun(), ADDED, done(message()), ended(message())),
    "several parts": (
        begun(),
        ADDED,
        delta("a"),
        ("content_part.done", PLACE | {"part": words("a")}),
        ("refusal.delta", {"output_index": 0, "content_index": 1, "delta": "no"}),
        ("content_part.done", {"output_index": 0, "content_index": 0, "part": words("a")}),
        done(TWO),
        ended(TWO),
    ),
    "several parts without their ends": (
        begun(),
        ADDED,
        delta("a"),
        ("refusal.delta", {"output_index": 0, "content_index": 1, "delta": "no"}),
        done(TWO),
        ended(TWO),
    ),
    "several parts at the end only": (begun(), ADDED, done(TWO), ended(TWO)),
    "cited": (
        begun(),
        ADDED,
        delta("a"),
        ("output_text.annotation.added", PLACE | {"annotation": CITED}),
        done(message(words("a", annotations=[CITED, CITED]))),
        ended(message(words("a", annotations=[CITED, CITED]))),
    ),
    "a call": (
        begun(),
        ("output_item.added", {"output_index": 0, "item": call("", status="in_progress")}),
        ("function_call_arguments.delta", {"output_index": 0, "delta": "{"}),
        done(call()),
        ended(call()),
    ),
    "a call that is whole at once": (
        begun(),
        ("output_item.added", {"output_index": 0, "item": call()}),
        done(call()),
        ended(call()),
    ),
    "thoughts": (
        begun(),
        ("output_item.added", {"output_index": 0, "item": thoughts()}),
        ("reasoning_summary_text.delta", {"output_index": 0, "summary_index": 0, "delta": "h"}),
        ("reasoning_text.delta", {"output_index": 0, "content_index": 0, "delta": "s"}),
        done(THOUGHT),
        ended(THOUGHT),
    ),
    "thoughts at the end only": (begun(), ended(THOUGHT)),
    "sealed anew": (begun(), done(thoughts(encrypted_content="a")), ended(thoughts(encrypted_content="b"))),
    "the host's tool": (
        begun(),
        ("output_item.added", {"output_index": 0, "item": {"type": "web_search_call", "status": "in_progress"}}),
        ("web_search_call.searching", {"output_index": 0, "item_id": "ws_1"}),
        done({"type": "web_search_call", "id": "ws_1"}),
        ended({"type": "web_search_call", "id": "ws_1"}),
    ),
    "reasoning of an unknown kind": (
        begun(),
        ("output_item.added", {"output_index": 0, "item": thoughts(summary=[{"type": "x", "text": ""}])}),
        ended(thoughts(summary=[{"type": "x", "text": "a"}])),
    ),
    "items that overlap": (
        begun(),
        ("output_item.added", {"output_index": 0, "item": thoughts()}),
        ("output_item.added", {"output_index": 1, "item": message(status="in_progress")}),
        delta("a", output_index=1),
        done(message(words("a")), 1),
        done(thoughts(summary=SUMMARY)),
        ended(thoughts(summary=SUMMARY), message(words("a"))),
    ),
    "items that change places": (
        begun(),
        done(message(words("a")), 1),
        done(call()),
        ended(call(), message(words("a"))),
    ),
    "cut": (
        begun(),
        ADDED,
        delta("a"),
        ("incomplete", {"response": whole(message(words("a")), **INCOMPLETE)}),
    ),
    "steered": (
        begun(),
        ("incomplete", {"response": whole(status="incomplete", incomplete_details={"reason": "steered"})}),
    ),
    "news at the end": (begun(x=1), ended(x=2, completed_at=9, service_tier="flex")),
    "no beginning": (ended(message(words("a"))),),
    "no usage": (begun(), ended(usage=None)),
    "no news": (("created", {"response": BARE}), ("completed", {"response": BARE})),
}


@pytest.mark.parametrize("given", EXACT.values(), ids=EXACT.keys())
def test_a_streams_result_is_its_own_last_word(given: tuple[tuple[str, dict[str, Any]], ...]) -> None:
    written = CHAT.write_response(collect(events(frames(*given))), asking())
    assert (msgspec.json.decode(written.body), written.losses) == (given[-1][1]["response"], ())


@pytest.mark.parametrize("name", sorted(EXACT.keys() - {"items that change places"}))  # their paths differ then
def test_a_stream_that_is_written_says_the_same_again(name: str) -> None:
    first = events(frames(*EXACT[name]))
    writer = CHAT.open_writer(asking())
    assert events(b"".join(writer.feed(one) for one in first)) == first
    assert writer.losses == ()


@pytest.mark.parametrize("size", [1, 7])
def test_any_split_gives_the_same_events(size: int) -> None:
    data = frames(*EXACT["thoughts"])
    reader = CHAT.open_reader()
    parts = [data[i : i + size] for i in range(0, len(data), size)]
    assert [event for part in parts for event in reader.feed(part)] + reader.close() == events(data)


def test_what_is_known_is_said_piece_by_piece() -> None:
    assert [type(event) for event in events(frames(*EXACT["thoughts"]))] == [
        Started,
        PartStarted,
        ThoughtAdded,
        ThoughtAdded,
        ThoughtAdded,
        ThoughtAdded,
        SealSet,
        PartEnded,
        UsageReported,
        ChoiceEnded,
        Extra,
        Finished,
    ]


def test_a_shorter_last_word_takes_nothing_away() -> None:
    found = collect(events(frames(begun(), ADDED, delta("a"), done(message(words("a"))), ended())))
    assert len(found.choices[0].message.parts) == 1


def test_a_frame_at_the_very_end_needs_no_blank_line() -> None:
    assert isinstance(events(frames(begun(), ended()).rstrip())[-1], Finished)


def test_nothing_follows_the_end() -> None:
    data = frames(begun(), ended())
    assert events(data + data) == events(data)


@pytest.mark.parametrize("noise", [b": hush", b"data: [DONE]", b'data: {"x":1}', b'data: {"type":"keepalive"}'])
def test_noise_is_passed_over(noise: bytes) -> None:
    assert events(noise + b"\n\n") == []


def test_a_stream_that_breaks_off_has_no_end() -> None:
    assert not isinstance(events(frames(begun(), ADDED, delta("a")))[-1], Finished | Failed)


@pytest.mark.parametrize(
    ("name", "members"),
    [
        ("error", {"code": "rate_limit_exceeded", "message": "slow"}),
        ("error", {"error": {"code": "rate_limit_exceeded", "message": "slow"}}),
        ("failed", {"response": whole(status="failed", error={"code": "rate_limit_exceeded", "message": "slow"})}),
    ],
)
def test_an_error_ends_a_stream(name: str, members: dict[str, Any]) -> None:
    found = events(frames(begun(), (name, members), ended()))
    assert found[-1] == Failed(code="host_rate_limited", message="slow")


def test_what_a_failed_answer_used_is_reported_before_its_end() -> None:
    failed = whole(status="failed", error={"code": "server_error", "message": "oh"})
    found = events(frames(begun(), ("failed", {"response": failed})))
    assert [type(event) for event in found[1:]] == [UsageReported, Failed]


def test_a_bare_error_ends_a_stream() -> None:
    assert events(b'data: {"error":{"message":"oh"}}\n\n') == [Failed(code="host_error", message="oh")]


def test_a_failure_without_words_has_some() -> None:
    (event,) = events(frames(("failed", {"response": {}})))[1:]
    assert isinstance(event, Failed)
    assert event.message


@pytest.mark.parametrize(
    "given",
    [
        (ADDED, ("function_call_arguments.delta", {"output_index": 0, "delta": "{"})),
        (ADDED, delta("a"), done(message(words("a"))), delta("b")),
        (ADDED, delta("a", content_index=1), delta("b")),
        (ADDED, delta("a"), ("refusal.delta", PLACE | {"delta": "b"})),
        (THINKING, ("reasoning_text.delta", {"content_index": 9, "delta": "a"})),
        (("output_item.added", {"output_index": -1, "item": thoughts()}),),
        (("output_item.added", {"output_index": 0, "item": {"type": "function_call"}}),),
        (("output_item.added", {"output_index": 0, "item": 7}),),
        (CALLING, delta("a")),
        (("completed", {}),),
        (delta("a", delta=7),),
    ],
)
def test_what_can_be_no_stream_is_a_broken_one(given: Any) -> None:
    with pytest.raises(BrokenStream):
        events(frames(begun(), *given))


def test_what_is_no_json_is_a_broken_stream() -> None:
    with pytest.raises(BrokenStream):
        events(b"data: {\n\n")


# --- streams of other makers' hosts ---


def test_a_client_gets_every_event_that_it_is_used_to() -> None:
    given = stream(
        [
            Started(id="x", model="m-1", created_s=7),
            PartStarted(Reasoning()),
            ThoughtAdded("h", goes_to="summary"),
            ThoughtAdded("m", goes_to="summary"),
            ThoughtAdded("so"),
            PartEnded(),
            PartStarted(Text(text=""), index=1),
            TextAdded("a", index=1),
            Cited(Citation(url="https://a.example"), index=1),
            Cited(Citation(quote="q"), index=1),
            PartEnded(index=1),
            PartStarted(Refusal(text=""), index=2),
            TextAdded("no", index=2),
            PartEnded(index=2),
            PartStarted(ToolCall(id="c1", name="f", arguments=""), index=3),
            TextAdded("{}", index=3),
            SealSet(Seal(dialect="gemini", data="x"), index=3),
            PartEnded(index=3),
            UsageReported(Usage(input_tokens=1, output_tokens=2)),
            ChoiceEnded(stop="tool_calls"),
            Finished(),
        ]
    )
    assert names(given) == [
        "created",
        "in_progress",
        "output_item.added",
        "reasoning_summary_part.added",
        "reasoning_summary_text.delta",
        "reasoning_summary_text.delta",
        "reasoning_summary_text.done",
        "reasoning_summary_part.done",
        "content_part.added",
        "reasoning_text.delta",
        "reasoning_text.done",
        "content_part.done",
        "output_item.done",
        "output_item.added",
        "content_part.added",
        "output_text.delta",
        "output_text.annotation.added",
        "output_text.done",
        "content_part.done",
        "content_part.added",
        "refusal.delta",
        "refusal.done",
        "content_part.done",
        "output_item.done",
        "output_item.added",
        "function_call_arguments.delta",
        "function_call_arguments.done",
        "output_item.done",
        "completed",
    ]
    items = [members["item"] for name, members in given if name == "output_item.done"]
    assert given[-1][1]["response"]["output"] == items


def test_a_stream_begins_with_the_answer_as_it_will_be() -> None:
    given = stream([Started(id="x", model="m-1", created_s=7), ChoiceEnded(stop="end"), Finished()])
    first, last = given[0][1]["response"], given[-1][1]["response"]
    assert {name for name in last if last[name] != first[name]} == {"status", "completed_at"}


def test_an_answer_that_comes_at_once_is_streamed() -> None:
    parts = (
        Reasoning(summary=("s",)),
        Text(text="a", citations=(Citation(url="https://a.example"),)),
        ToolCall(id="c", name="f", arguments="{}"),
        Media(kind="image", source=Inline("image/png", "AAAA")),
        Opaque(dialect="gemini", kind="k", raw=Raw(b"{}")),
        Text(text="b"),
    )
    given = response(*parts, stop="tool_calls", usage=Usage(input_tokens=1))
    streamed = stream(list(unfold(given)))[-1][1]["response"]
    assert streamed == answer(given)


def test_a_part_without_a_place_takes_its_pieces_along() -> None:
    given = stream(
        [
            Started(),
            PartStarted(Media(kind="audio", source=Inline("audio/mp3", "AAAA"))),
            SealSet(Seal(dialect="gemini", data="x")),
            PartEnded(),
            ChoiceEnded(stop="end"),
            Finished(),
        ]
    )
    assert names(given) == ["created", "in_progress", "completed"]


def test_losses_of_a_stream_are_known_when_it_ends() -> None:
    writer = CHAT.open_writer(asking())
    second = [PartStarted(Text(text="b"), choice=1), PartEnded(choice=1), ChoiceEnded(choice=1)]
    written = b""
    for event in (Started(), *second, ChoiceEnded(stop="pause")):
        written += writer.feed(event)
    assert {loss.path for loss in writer.losses} == {"choices[0].stop", "choices[1]"}
    written += writer.feed(Finished())
    assert {loss.path for loss in writer.losses} == {"choices[0].stop", "choices[1]"}
    assert names(told(written)) == ["created", "in_progress", "completed"]


def test_a_cut_answer_ends_so() -> None:
    given = stream([Started(), PartStarted(Text(text="a")), PartEnded(), ChoiceEnded(stop="length"), Finished()])
    assert (given[-1][0], given[-2][1]["item"]["status"]) == ("incomplete", "incomplete")


def test_events_out_of_order_are_refused() -> None:
    with pytest.raises(BrokenStream):
        CHAT.open_writer(asking()).feed(Finished())


def test_an_error_before_anything_is_one_event() -> None:
    ((name, members),) = told(CHAT.open_writer(asking()).fail(HostRateLimited("slow", hint="Wait.")))
    error = {"message": "slow Wait.", "type": "rate_limit_error", "param": None, "code": "host_rate_limited"}
    assert (name, members["error"], members["message"]) == ("error", error, "slow Wait.")


def test_an_error_ends_what_has_begun_as_failed() -> None:
    writer = CHAT.open_writer(asking())
    written = writer.feed(Started()) + writer.feed(PartStarted(Text(text="a")))
    given = told(written + writer.fail(BrokenStream("cut")))
    assert names(given)[-2:] == ["error", "failed"]
    failed = given[-1][1]["response"]
    assert (failed["status"], failed["error"]) == ("failed", {"code": "broken_stream", "message": "cut"})
    assert failed["output"][0]["content"][0]["text"] == "a"


@pytest.mark.parametrize("code", ["host_overloaded", "unheard_of"])
def test_a_hosts_failure_is_told(code: str) -> None:
    given: list[Event] = [Started(), Failed(code=code, message="oh")]
    assert stream(given)[-1][1]["response"]["error"]["message"] == "oh"


def test_the_hosts_own_words_of_usage_reach_a_whole_answer() -> None:
    given = read_answer(whole(message(words("a")), usage=usage(cost=0.5)))
    assert stream(list(unfold(given)))[-1][1]["response"]["usage"]["cost"] == 0.5


def test_the_dialect_is_known_by_name() -> None:
    assert NAME == "openai_responses"
