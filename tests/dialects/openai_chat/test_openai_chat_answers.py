"""Whole answers: what a host's says, that it is written again as it was, and other makers' for clients of this one."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from msgspec import Raw
from openai_chat_examples import CHAT, TRANSLATION, answer, asking

from hortus.canon.errors import BrokenStream
from hortus.canon.nodes import Extras, Seal
from hortus.canon.parts import Citation, Inline, Media, Opaque, Part, Reasoning, Refusal, Text, ToolCall
from hortus.canon.request import Message
from hortus.canon.response import Choice, Response, Stop
from hortus.canon.usage import Usage

CITED = {
    "type": "url_citation",
    "url_citation": {"url": "https://a.example", "title": "A", "start_index": 1, "end_index": 3},
}
USAGE = {
    "prompt_tokens": 9,
    "completion_tokens": 4,
    "total_tokens": 13,
    "prompt_tokens_details": {"cached_tokens": 3},
    "completion_tokens_details": {"reasoning_tokens": 1},
}
CALL = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}


def whole(finish: str | None = "stop", **message: Any) -> dict[str, Any]:
    said = {"role": "assistant", "content": "hello", "refusal": None, "annotations": []} | message
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 7,
        "model": "m",
        "choices": [{"index": 0, "message": said, "logprobs": None, "finish_reason": finish}],
        "usage": USAGE,
    }


SAME = {
    "plain": whole(),
    "bare": {"choices": [{"message": {"content": "x"}}]},
    "nulls": {
        "id": None,
        "created": None,
        "model": None,
        "usage": None,
        "choices": [{"message": {"role": None, "content": None}}],
    },
    "calls": whole("tool_calls", content=None, tool_calls=[CALL]),
    "calls that stop": whole("stop", tool_calls=[CALL]),
    "nameless calls": whole("tool_calls", tool_calls=[{"function": {"name": "f"}}]),
    "refused": whole(content=None, refusal="no"),
    "filtered": whole("content_filter"),
    "legacy": whole("function_call", function_call={"name": "f", "arguments": "{}"}),
    "odd reason": whole("eos"),
    "cited": whole(annotations=[CITED]),
    "cited shortly": whole(annotations=[{"type": "url_citation", "url_citation": {"url": "u"}}]),
    "cited nothing": whole(content=None, annotations=[CITED]),
    "other annotations": whole(annotations=[CITED, {"type": "file", "file": {}}]),
    "thoughts": whole(reasoning="hm", reasoning_details=[{"type": "reasoning.text", "text": "hm"}]),
    "content in a list": whole(
        content=[{"type": "thinking", "thinking": []}, {"type": "text", "text": "x"}], tool_calls=[CALL]
    ),
    "odd role": whole(role="model", name="n"),
    "sound": whole(audio={"id": "a", "data": "AA"}),
    "more": whole() | {"system_fingerprint": "fp", "service_tier": "default", "x": {"y": 1.0}},
    "other object": whole() | {"object": "chat.completion.chunk"},
    "fraction": whole() | {"created": 7.5},
    "no time": whole() | {"created": -1},
    "more usage": whole() | {"usage": USAGE | {"cost": 0.5, "queue_time": 0, "x": {}, "prompt_tokens_details": None}},
    "less usage": whole() | {"usage": {"prompt_tokens": 35, "completion_tokens": 12, "total_tokens": 109}},
    "written cache": whole()
    | {"usage": USAGE | {"prompt_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 5}}},
    "odd usage": whole() | {"usage": {"prompt_tokens": "many"}},
    "empty usage": whole() | {"usage": {}},
    "none": {"choices": []},
    "probabilities": {
        "choices": [{"index": 0, "message": {"content": "x"}, "logprobs": {"content": [], "refusal": None}}]
    },
    "two": {"choices": [{"index": 1, "message": {"content": "x"}}, {"index": 0, "message": {"content": "y"}}]},
}


@pytest.mark.parametrize("body", SAME.values(), ids=SAME)
def test_an_answer_is_written_again_as_it_was(body: dict[str, Any]) -> None:
    done = CHAT.write_response(CHAT.read_response(msgspec.json.encode(body)), asking(source=TRANSLATION.vocabulary))
    assert msgspec.json.decode(done.body) == body
    assert done.losses == ()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[]",
        b"{}",
        b'{"choices":{}}',
        b'{"choices":[{}]}',
        b'{"choices":[{"message":{"content":7}}]}',
        b'{"choices":[{"message":{"annotations":[7]}}]}',
        b'{"choices":[{"message":{"content":"\\ud800"}}]}',
        b'{"choices":[{"message":{"content":"\xff"}}]}',
        b'{"choices":[],"x":' + b"[" * 200 + b"]" * 200 + b"}",
    ],
)
def test_what_cannot_be_read_is_the_hosts_fault(body: bytes) -> None:
    with pytest.raises(BrokenStream):
        CHAT.read_response(body)


@pytest.mark.parametrize(
    ("body", "stop"),
    [
        (whole(), "end"),
        (whole("length"), "length"),
        (whole("stop", tool_calls=[CALL]), "tool_calls"),
        (whole("stop", refusal="no"), "refusal"),
        (whole("eos"), "other"),
        (whole(None), None),
    ],
)
def test_why_an_answer_stopped_is_said_in_canonical_words(body: dict[str, Any], stop: Stop | None) -> None:
    assert CHAT.read_response(msgspec.json.encode(body)).choices[0].stop == stop


def test_the_parts_of_an_answer() -> None:
    body = whole(reasoning_content="hm", annotations=[CITED], tool_calls=[CALL], refusal="no")
    found = CHAT.read_response(msgspec.json.encode(body))
    reasoning, text, refusal, call = found.choices[0].message.parts
    assert isinstance(reasoning, Reasoning)
    assert reasoning.texts == ("hm",)
    assert isinstance(text, Text)
    assert [(one.url, one.title, one.start, one.end) for one in text.citations] == [("https://a.example", "A", 1, 3)]
    assert isinstance(refusal, Refusal)
    assert isinstance(call, ToolCall)
    assert found.usage == Usage(input_tokens=9, output_tokens=4, cached_input_tokens=3, reasoning_tokens=1)


def test_calls_without_an_id_get_one_of_the_answers() -> None:
    body = whole("tool_calls", tool_calls=[{"function": {"name": "f"}}])
    (_, call) = CHAT.read_response(msgspec.json.encode(body)).choices[0].message.parts
    assert isinstance(call, ToolCall)
    assert call.id == "call_chatcmpl-1_1"
    (_, call) = CHAT.read_response(msgspec.json.encode(body | {"id": ""})).choices[0].message.parts
    assert isinstance(call, ToolCall)
    assert call.id == "call_answer_1"


def other(*parts: Part, stop: Stop | None = "end", **fields: Any) -> Response:
    message = Message(role="assistant", parts=parts, at="c[0].message")
    return Response(choices=(Choice(message=message, stop=stop, at="c[0]", **fields),))


def lost(response: Response) -> list[str]:
    return [str(loss) for loss in CHAT.write_response(response, asking()).losses]


def test_another_makers_answer_has_all_that_openai_sends() -> None:
    body = answer(other(Text(text="a", seal=Seal("gemini", "s")), Text(text="b")))
    assert body == {
        "id": "chatcmpl-0ab",
        "object": "chat.completion",
        "created": 1_790_000_000,
        "model": "garden",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "ab", "refusal": None, "annotations": []},
                "logprobs": None,
                "finish_reason": "stop",
            }
        ],
    }


def test_another_makers_reasoning_is_shown_without_its_seal() -> None:
    thought = Reasoning(texts=("hm",), seal=Seal("anthropic_messages", "s"))
    response = other(thought, Text(text="a"))
    message = answer(response)["choices"][0]["message"]
    assert message["reasoning_content"] == "hm"
    assert "reasoning_details" not in message
    assert lost(response) == []


def test_citations_count_through_the_joined_text() -> None:
    response = other(
        Text(text="abc"),
        Text(
            text="def",
            citations=(
                Citation(url="u", start=1),
                Citation(url="v", title="V", start=0, end=2),
                Citation(title="t", at="x"),
            ),
        ),
    )
    annotations = answer(response)["choices"][0]["message"]["annotations"]
    assert [one["url_citation"] for one in annotations] == [
        {"start_index": 4, "end_index": 6, "title": "", "url": "u"},
        {"start_index": 3, "end_index": 5, "title": "V", "url": "v"},
    ]
    assert lost(response) == ["advisory:x"]


@pytest.mark.parametrize(
    ("stop", "reason", "losses"),
    [
        ("stop_sequence", "stop", ["tuning:c[0].stop"]),
        ("pause", "stop", ["tuning:c[0].stop"]),
        ("refusal", "content_filter", ["tuning:c[0].stop"]),
        ("content_filter", "content_filter", []),
        (None, "stop", []),
    ],
)
def test_reasons_to_stop_are_the_nearest_word(stop: Stop | None, reason: str, losses: list[str]) -> None:
    response = other(Text(text="a"), stop=stop)
    assert answer(response)["choices"][0]["finish_reason"] == reason
    assert lost(response) == losses


def test_a_refusal_says_itself_why_the_answer_stopped() -> None:
    response = other(Refusal(text="no"), stop="refusal")
    assert answer(response)["choices"][0]["message"]["refusal"] == "no"
    assert lost(response) == []


@pytest.mark.parametrize("logprobs", [b"[1]", b'{"chosenCandidates":[]}'])
def test_probabilities_in_another_form_are_named(logprobs: bytes) -> None:
    assert lost(other(Text(text="a"), logprobs=Raw(logprobs))) == ["meaning:c[0].logprobs"]


def test_what_this_dialect_has_no_place_for_is_named() -> None:
    response = other(
        Opaque(dialect="gemini", kind="x", raw=Raw(b"{}"), at="c[0].message.parts[0]"),
        Media(kind="image", source=Inline("image/png", "AA"), at="c[0].message.parts[1]"),
        stop_sequence="x",
        extras=Extras(dialect="gemini", members={"safetyRatings": Raw(b"[1]")}),
    )
    assert lost(response) == [
        "meaning:c[0].message.parts[0]",
        "meaning:c[0].message.parts[1]",
        "meaning:c[0].stop_sequence",
        "meaning:c[0].safetyRatings",
    ]


def test_an_answer_of_nothing_has_no_content() -> None:
    body = answer(other(ToolCall(id="c", name="f", arguments="{}", seal=Seal("gemini", "s")), stop="tool_calls"))
    message = body["choices"][0]["message"]
    assert message["content"] is None
    assert message["tool_calls"][0]["extra_content"] == {"google": {"thought_signature": "s"}}
