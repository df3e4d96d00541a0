"""A host's stream as events: which part a piece belongs to, what ends it, and what breaks it."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from msgspec import Raw
from openai_chat_examples import CHAT, chunk, events, frames

from hortus.canon.collect import collect
from hortus.canon.errors import BrokenStream
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
from hortus.canon.nodes import Seal, bare
from hortus.canon.parts import Opaque, Reasoning, Refusal, Text, ToolCall
from hortus.canon.usage import Usage

USAGE = {"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 13, "cost": 0.5}
CITED = {"type": "url_citation", "url_citation": {"url": "u", "start_index": 1, "end_index": 2}}
STOP = chunk("stop")


def call(index: int | None = 0, **members: Any) -> dict[str, Any]:
    function = {name: members.pop(name) for name in ("name", "arguments") if name in members}
    named = {} if index is None else {"index": index}
    return chunk(tool_calls=[named | members | ({"function": function} if function else {})])


def calls_of(data: bytes) -> list[tuple[str, str, str]]:
    parts = collect(events(data)).choices[0].message.parts
    return [(part.id, part.name, part.arguments) for part in parts if isinstance(part, ToolCall)]


def test_a_text_from_start_to_end() -> None:
    first = chunk(role="assistant", content="")
    usage = {"id": "c1", "choices": [], "usage": USAGE}
    found = events(b": hush\n\n" + frames(first, chunk(content="a"), chunk(content="b"), STOP, usage))
    assert found[1:6] == [
        PartStarted(Text(text="", at="choices[0].delta.content")),
        TextAdded("a"),
        TextAdded("b"),
        PartEnded(),
        ChoiceEnded(stop="end"),
    ]
    assert found[0] == Started(id="c1", model="m", created_s=7)
    assert isinstance(found[6], Extra)
    assert found[6].extras.members == {"usage.cost": Raw(b"0.5")}
    assert found[7:] == [UsageReported(Usage(input_tokens=9, output_tokens=4)), Finished()]


def test_the_answer_starts_when_it_is_known_who_answers() -> None:
    early = {"id": "", "model": "", "created": 0, "choices": [], "prompt_filter_results": [1], "obfuscation": "x"}
    found = events(frames(early, chunk(content="a") | {"obfuscation": "y", "service_tier": "flex"}, STOP))
    assert isinstance(found[0], Started)
    assert (found[0].id, found[0].model, found[0].created_s) == ("c1", "m", 7)
    assert found[0].extras is not None
    assert found[0].extras.members == {"prompt_filter_results": Raw(b"[1]"), "service_tier": Raw(b'"flex"')}


def test_what_is_new_of_the_whole_answer_is_said_once() -> None:
    told = {"system_fingerprint": "fp", "x": 1, "y": None}
    found = events(frames(chunk(content="a", top=told), chunk(content="b", top=told | {"x": 2}), STOP))
    assert found[0].extras.silent == {"system_fingerprint": Raw(b'"fp"')}
    assert [event.extras.members for event in found if isinstance(event, Extra)] == [{"x": Raw(b"2")}]


@pytest.mark.parametrize("name", ["reasoning_content", "reasoning"])
def test_thoughts_come_before_the_text(name: str) -> None:
    found = events(frames(chunk(**{name: "hm"}), chunk(**{name: "m"}), chunk(content="a", **{name: None}), STOP))
    assert [type(event).__name__ for event in found[1:7]] == [
        "PartStarted",
        "ThoughtAdded",
        "ThoughtAdded",
        "PartEnded",
        "PartStarted",
        "TextAdded",
    ]
    assert found[2] == ThoughtAdded("hm")


def test_thoughts_that_are_said_twice_count_once() -> None:
    found = collect(events(frames(chunk(reasoning="a", reasoning_content="a"), STOP)))
    (part,) = found.choices[0].message.parts
    assert isinstance(part, Reasoning)
    assert part.texts == ("a",)
    assert found.choices[0].extras is None
    found = collect(events(frames(chunk(reasoning="b", reasoning_content="a"), STOP)))
    assert found.choices[0].extras.members == {"delta.reasoning": Raw(b'"b"')}


def test_details_seal_the_reasoning_that_is_open() -> None:
    found = events(
        frames(chunk(reasoning="a", reasoning_details=[1]), chunk(reasoning_details=[2]), chunk(content="x"), STOP)
    )
    assert found[3:5] == [SealSet(Seal("openai_chat", "[1,2]")), PartEnded()]


def test_details_without_open_reasoning_are_sealed_at_the_end() -> None:
    found = events(frames(chunk(content="x", reasoning_details=[1]), STOP))
    assert found[3:7] == [
        PartEnded(),
        PartStarted(Reasoning(is_redacted=True, at="choices[0].delta.reasoning_details"), index=1),
        SealSet(Seal("openai_chat", "[1]"), index=1),
        PartEnded(index=1),
    ]


def test_a_refusal_says_why_the_answer_stopped() -> None:
    found = events(frames(chunk(refusal="no"), STOP))
    assert found[1] == PartStarted(Refusal(text="", at="choices[0].delta.refusal"))
    assert found[4] == ChoiceEnded(stop="refusal")


def test_calls_follow_each_other() -> None:
    data = frames(
        call(id="a", type="function", name="f", arguments=""),
        call(arguments='{"x"'),
        call(arguments=":1}"),
        call(1, id="b", name="g"),
        chunk("tool_calls"),
    )
    assert calls_of(data) == [("a", "f", '{"x":1}'), ("b", "g", "{}")]


def test_a_stop_after_calls_is_for_the_calls() -> None:
    found = events(frames(call(id="a", name="f", arguments="{}"), STOP))
    assert found[4].stop == "tool_calls"
    assert found[4].extras.silent == {"finish_reason": Raw(b'"stop"')}


@pytest.mark.parametrize(
    "pieces",
    [
        [call(0, id="a", name="f", arguments="{}"), call(0, id="b", name="f", arguments="{}")],
        [
            call(None, id="a", name="f", arguments="{}"),
            call(None, id="b", name="f"),
            call(None, id="b", arguments="{}"),
        ],
        [call(None, id="a", name="f"), call(None, arguments="{}"), call(None, id="b", name="f", arguments="{}")],
        [call(0, id="a", name="f", arguments="{"), call(0, id="a", name="f", arguments="}"), call(1, id="b", name="f")],
    ],
)
def test_calls_are_told_apart_however_hosts_number_them(pieces: list[dict[str, Any]]) -> None:
    assert calls_of(frames(*pieces, STOP)) == [("a", "f", "{}"), ("b", "f", "{}")]


def test_calls_without_ids_are_numbered() -> None:
    data = frames(call(0, name="f", arguments="{}"), call(0, id="", name="g", arguments="{}"), STOP)
    assert calls_of(data) == [("call_c1_1", "f", "{}"), ("call_c1_2", "g", "{}")]


def test_geminis_seal_comes_with_a_call_or_later() -> None:
    seal = {"extra_content": {"google": {"thought_signature": "s"}}}
    found = events(frames(call(id="a", name="f", arguments="{}", **seal), STOP))
    assert found[1].part.seal == Seal("gemini", "s")
    found = events(frames(call(id="a", name="f"), call(**seal), chunk(content="x"), call(**seal), STOP))
    assert [event for event in found if isinstance(event, SealSet)] == [SealSet(Seal("gemini", "s"))]


def test_what_else_a_call_says_is_kept() -> None:
    found = events(frames(call(id="a", name="f", arguments="{}", x=1), STOP))
    assert found[1].part.extras.members == {"x": Raw(b"1")}


def test_a_piece_of_a_call_that_is_closed_breaks_the_stream() -> None:
    with pytest.raises(BrokenStream):
        events(frames(call(id="a", name="f"), chunk(content="x"), call(arguments="{}")))


def test_calls_of_other_kinds_are_kept() -> None:
    found = events(frames(call(id="a", type="custom", custom={"input": "x"}), STOP))
    assert list(found[1].extras.members) == ["delta.tool_calls"]


def test_choices_are_told_apart() -> None:
    found = events(frames(chunk(content="a", index=1), chunk(content="b"), chunk("stop", index=1), chunk("length")))
    whole = collect(found)
    assert [(choice.index, choice.stop) for choice in whole.choices] == [(0, "length"), (1, "end")]


def test_a_content_that_is_a_list_has_texts_and_opaque_parts() -> None:
    thinking = {"type": "thinking", "thinking": []}
    data = frames(chunk(content=[thinking, {"type": "text", "text": "a"}]), chunk(content="b"), STOP)
    first, second = collect(events(data)).choices[0].message.parts
    assert isinstance(first, Opaque)
    assert isinstance(second, Text)
    assert second.text == "ab"


def test_citations_belong_to_the_open_text() -> None:
    found = events(frames(chunk(content="abc"), chunk(content="", annotations=[CITED]), STOP))
    (cited,) = [event for event in found if isinstance(event, Cited)]
    assert (cited.citation.url, cited.citation.start, cited.citation.end) == ("u", 1, 2)


def test_citations_count_from_their_own_text() -> None:
    shifted = {"type": "url_citation", "url_citation": {"url": "u", "start_index": 4}}
    found = events(frames(chunk(content="abc"), chunk(reasoning="h"), chunk(content="d", annotations=[shifted]), STOP))
    (cited,) = [event for event in found if isinstance(event, Cited)]
    assert (cited.citation.start, cited.citation.end, cited.index) == (1, None, 2)


@pytest.mark.parametrize(
    "piece", [chunk(annotations=[CITED]), chunk(content="a", annotations=[CITED, {"type": "file"}])]
)
def test_other_annotations_are_kept(piece: dict[str, Any]) -> None:
    found = events(frames(piece, STOP))
    ended = next(event for event in found if isinstance(event, ChoiceEnded))
    assert list(ended.extras.members) == ["delta.annotations"]


def test_probabilities_are_joined() -> None:
    pieces = [chunk(content="a"), chunk(content="b"), chunk("stop")]
    given: list[object] = [{"content": [1], "refusal": None}, {"content": [2]}, {"content": None}]
    for piece, logprobs in zip(pieces, given, strict=True):
        piece["choices"][0]["logprobs"] = logprobs
    ended = next(event for event in events(frames(*pieces)) if isinstance(event, ChoiceEnded))
    assert ended.logprobs == Raw(b'{"content":[1,2],"refusal":null}')


@pytest.mark.parametrize(("logprobs", "kept"), [(None, False), ({}, False), ([1], True), ({"tokens": []}, True)])
def test_probabilities_in_another_form_are_kept_as_they_are(logprobs: object, *, kept: bool) -> None:
    piece = chunk("stop")
    piece["choices"][0]["logprobs"] = logprobs
    (_, ended, _) = events(frames(piece))
    assert (ended.extras is not None, ended.logprobs) == (kept, None)


def test_what_a_choice_says_besides_is_kept_last_value_first() -> None:
    pieces = [chunk(content="a", channel=None, x=1), chunk("stop", x=2), chunk("stop")]
    pieces[0]["choices"][0]["filters"] = {"a": 1}
    pieces[2]["x"] = 3
    ended = next(event for event in events(frames(*pieces)) if isinstance(event, ChoiceEnded))
    assert ended.extras.members == {"delta.x": Raw(b"2"), "filters": Raw(b'{"a":1}')}


def test_the_last_usage_counts() -> None:
    pieces = [chunk(content="a", top={"usage": {"prompt_tokens": 1, "completion_tokens": n}}) for n in (1, 2)]
    found = events(frames(*pieces, STOP | {"usage": None}))
    assert [event.usage.output_tokens for event in found if isinstance(event, UsageReported)] == [2]


def test_usage_that_makes_no_sense_is_kept() -> None:
    found = events(frames(chunk("stop", top={"usage": {"prompt_tokens": "many"}})))
    assert [list(event.extras.members) for event in found if isinstance(event, Extra)] == [["usage"]]
    assert not any(isinstance(event, UsageReported) for event in found)


def test_a_stream_without_end_mark_has_ended_where_it_said_why() -> None:
    assert events(frames(chunk(content="a"), STOP, end=b""))[-1] == Finished()
    assert events(frames(chunk(content="a"), STOP, end=b"data: [DONE]"))[-1] == Finished()


def test_a_stream_that_breaks_off_has_no_end() -> None:
    found = events(frames(chunk(content="a", top={"usage": {"prompt_tokens": 1}}), end=b""))
    assert isinstance(found[-1], UsageReported)
    assert not any(isinstance(event, Finished | ChoiceEnded) for event in found)
    assert events(b"") == []


def test_what_follows_the_end_is_ignored() -> None:
    assert events(frames(STOP) + frames(chunk(content="a")))[-1] == Finished()


def test_an_end_alone_is_an_empty_answer() -> None:
    assert events(frames()) == [Started(), Finished()]
    assert events(b"data:\n\n" + frames(chunk())) == [Started(id="c1", model="m", created_s=7), Finished()]
    assert events(frames({"choices": [{}]})) == [Started(), Finished()]


@pytest.mark.parametrize(
    ("frame", "code", "message"),
    [
        (
            b'data: {"error":{"message":"tool failed","code":"x","status_code":400}}\n\n',
            "host_rejected_request",
            "tool failed",
        ),
        (b'data: {"error":"overloaded"}\n\n', "host_error", "overloaded"),
        (b'event: error\ndata: {"message":"m","code":429}\n\n', "host_rate_limited", "m"),
        (b'data: {"object":"error","message":"m","code":400}\n\n', "host_rejected_request", "m"),
        (b'data: {"error":{}}\n\n', "host_error", "The host reported that it failed and said no more."),
        (b'data: {"error":{"message":"slow","code":"host_overloaded"}}\n\n', "host_overloaded", "slow"),
    ],
)
def test_an_error_inside_the_stream_ends_it(frame: bytes, code: str, message: str) -> None:
    assert events(frame) == [Failed(code=code, message=message)]
    told = {"usage": {"prompt_tokens": 1}}
    assert [type(one) for one in events(frames(chunk(content="a", top=told), end=frame))[-2:]] == [
        UsageReported,
        Failed,
    ]


def test_an_error_that_is_null_is_none() -> None:
    assert events(frames(chunk("stop", top={"error": None})))[-1] == Finished()


@pytest.mark.parametrize(
    "data",
    [
        b"data: {\n\n",
        b"data: [1]\n\n",
        b'data: {"choices":{}}\n\n',
        b'data: {"choices":[{"delta":{"content":7}}]}\n\n',
        b'data: {"choices":[{"delta":{"content":[7]}}]}\n\n',
        b'data: {"choices":[{"delta":{"tool_calls":[7]}}]}\n\n',
        b'data: {"choices":[{"delta":{"content":"\xff"}}]}\n\n',
        b"<html>\n\n",
        b"no JSON",
        b"{\xff",
    ],
)
def test_what_cannot_be_a_stream_is_the_hosts_fault(data: bytes) -> None:
    with pytest.raises(BrokenStream):
        events(data)


def test_an_error_in_place_of_a_stream_is_read() -> None:
    assert events(b'{\n "error": {"message": "m", "code": 404}\n}') == [Failed(code="host_not_found", message="m")]
    assert events(b'{"detail":"m"}\n\n') == [Failed(code="host_error", message="m")]


def test_a_whole_answer_in_place_of_a_stream_is_read() -> None:
    body = {"id": "c1", "choices": [{"index": 0, "message": {"content": "a"}, "finish_reason": "stop"}]}
    data = msgspec.json.encode(body)
    assert bare(collect(events(data))) == bare(CHAT.read_response(data))
