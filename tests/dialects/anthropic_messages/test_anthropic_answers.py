"""Whole answers: of Anthropic's hosts, written again as they were, and of others, for Anthropic's clients."""

from __future__ import annotations

import msgspec
import pytest

from hortus.canon.errors import BrokenStream
from hortus.canon.nodes import Extras, Seal
from hortus.canon.parts import Citation, Inline, Media, Opaque, Reasoning, Refusal, Text, ToolCall
from hortus.canon.request import Message, Request
from hortus.canon.response import Choice, Response
from hortus.canon.translation import Asking, Written
from hortus.canon.usage import Usage
from hortus.dialects.anthropic_messages import DIALECT
from hortus.dialects.anthropic_messages.wire import NAME

TRANSLATION = DIALECT.translation
assert TRANSLATION is not None
CHAT, COUNT = TRANSLATION.chat, TRANSLATION.token_count
assert COUNT is not None
ASKING = Asking(request=Request(model="garden", messages=()), answer_id="7", now_s=0, source=TRANSLATION.vocabulary)
ENCODE, DECODE = msgspec.json.encode, msgspec.json.decode

USAGE = {"input_tokens": 5, "cache_creation_input_tokens": 2, "cache_read_input_tokens": 3, "output_tokens": 4}


def answer(*blocks: object, **members: object) -> dict[str, object]:
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-opus-5",
        "content": list(blocks),
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": USAGE,
    } | members


def without(*names: str) -> dict[str, object]:
    return {name: value for name, value in answer().items() if name not in names}


TEXT = {"type": "text", "text": "hi"}

ANSWERS = [
    answer(TEXT),
    answer({"type": "text", "text": ""}, {"type": "thinking", "thinking": "", "signature": "c2ln"}),
    answer({"type": "text", "text": "x", "citations": [{"type": "char_location", "cited_text": "", "file_id": None}]}),
    answer({"type": "thinking", "thinking": "hm", "signature": ""}, {"type": "redacted_thinking", "data": "c2VhbA=="}),
    answer({"type": "tool_use", "id": "t", "name": "f", "input": {"a": 1}, "caller": {"type": "direct"}}),
    answer({"type": "web_search_tool_result", "tool_use_id": "s", "content": []}, stop_details=None),
    answer(TEXT, stop_reason="stop_sequence", stop_sequence="END"),
    answer(TEXT, stop_reason="model_context_window_exceeded"),
    answer(TEXT, stop_reason="reason_of_tomorrow"),
    answer(TEXT, stop_reason=None),
    answer(TEXT, container={"id": "container_1", "expires_at": "x"}, provider="p"),
    answer(usage={"input_tokens": 5}),
    answer(usage={"input_tokens": 5, "output_tokens": 1, "cache_read_input_tokens": None, "service_tier": "standard"}),
    answer(usage={**USAGE, "output_tokens_details": {"thinking_tokens": 3}}),
    answer(usage={**USAGE, "output_tokens_details": {"thinking_tokens": 0}, "server_tool_use": {"n": 1}}),
    answer(usage={**USAGE, "output_tokens_details": None}),
    answer(usage={**USAGE, "output_tokens_details": {}}),
    answer(type="message_of_tomorrow"),
    without("usage", "stop_sequence"),
    without("type", "role"),
    without("id", "model"),
]


@pytest.mark.parametrize("body", ANSWERS, ids=[str(i) for i in range(len(ANSWERS))])
def test_an_answer_is_written_again_as_it_was(body: dict[str, object]) -> None:
    done = CHAT.write_response(CHAT.read_response(ENCODE(body)), ASKING)
    assert DECODE(done.body) == body
    assert (done.losses, done.adaptations) == ((), ())


def test_what_is_cached_is_part_of_the_input() -> None:
    details = {"output_tokens_details": {"thinking_tokens": 9}}
    assert CHAT.read_response(ENCODE(answer(usage=USAGE | details))).usage == Usage(
        input_tokens=10, output_tokens=4, cached_input_tokens=3, reasoning_tokens=4, cache_write_tokens=2
    )


@pytest.mark.parametrize(
    ("reason", "stop"),
    [
        ("end_turn", "end"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("tool_use", "tool_calls"),
        ("pause_turn", "pause"),
        ("refusal", "refusal"),
        ("compaction", "other"),
        (None, None),
    ],
)
def test_why_it_stopped_is_read(reason: str | None, stop: str | None) -> None:
    (choice,) = CHAT.read_response(ENCODE(answer(stop_reason=reason))).choices
    assert choice.stop == stop


@pytest.mark.parametrize(
    "body",
    [
        b"<html>",
        b"[]",
        b'{"type":"error","error":{"type":"api_error","message":"x"}}',
        ENCODE(answer({"type": "text"})),
        ENCODE(answer(usage={"input_tokens": "many"})),
        b'{"content":[],"id":"\xff"}',
    ],
)
def test_what_is_no_answer_is_a_broken_one(body: bytes) -> None:
    with pytest.raises(BrokenStream):
        CHAT.read_response(body)


def write(*parts: object, **members: object) -> Written:
    choice = Choice(message=Message(role="assistant", parts=parts), **members)
    return CHAT.write_response(Response(choices=(choice,), id="x", model="m", usage=Usage(input_tokens=3)), ASKING)


def content(*parts: object) -> object:
    return DECODE(write(*parts).body)["content"]


def test_an_answer_of_another_host_has_all_that_the_sdk_reads() -> None:
    assert DECODE(write(Text(text="hi"), stop="end").body) == {
        "id": "x",
        "type": "message",
        "role": "assistant",
        "model": "m",
        "content": [TEXT],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {
            "input_tokens": 3,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 0,
            "output_tokens": 0,
        },
    }


def test_what_the_host_does_not_say_is_made() -> None:
    done = DECODE(CHAT.write_response(Response(choices=()), ASKING).body)
    assert (done["id"], done["model"], done["content"], done["stop_reason"]) == ("msg_7", "garden", [], None)
    assert done["usage"]["output_tokens"] == 0


def test_reasoning_tokens_of_other_hosts_are_told() -> None:
    usage = Usage(input_tokens=3, output_tokens=9, reasoning_tokens=4)
    done = DECODE(CHAT.write_response(Response(choices=(), usage=usage), ASKING).body)
    assert done["usage"]["output_tokens_details"] == {"thinking_tokens": 4}


def test_thoughts_are_shown_without_another_makers_seal() -> None:
    seal = Seal("openai_responses", "c2ln")
    parts = (Reasoning(texts=("b",), summary=("a",), seal=seal), Reasoning(seal=seal, is_redacted=True))
    assert content(*parts) == [{"type": "thinking", "thinking": "a\n\nb", "signature": ""}]
    assert write(*parts).losses == ()


def test_a_text_without_words_is_left_out() -> None:
    assert content(Text(text="", seal=Seal("gemini", "c2ln"))) == []


def test_a_citation_of_another_host_is_one_of_a_page() -> None:
    (block,) = content(Text(text="x", citations=(Citation(url="https://a.example", start=0, end=1),)))
    assert block["citations"] == [
        {
            "type": "web_search_result_location",
            "cited_text": "",
            "title": None,
            "encrypted_index": "",
            "url": "https://a.example",
        }
    ]


def test_a_citation_without_an_address_is_lost() -> None:
    done = write(Text(text="x", citations=(Citation(title="T", at="c"),)))
    assert [str(loss) for loss in done.losses] == ["advisory:c"]


def test_a_refusal_is_a_text_and_the_reason_to_stop() -> None:
    done = DECODE(write(Refusal(text="no"), stop="end").body)
    assert (done["content"], done["stop_reason"]) == ([{"type": "text", "text": "no"}], "refusal")


def test_ids_of_calls_stay_as_the_host_gave_them() -> None:
    (block,) = content(ToolCall(id="functions.f:0", name="f", arguments='{"a":1.50}'))
    assert block["id"] == "functions.f:0"


@pytest.mark.parametrize(
    "part",
    [
        Media(kind="image", source=Inline("image/png", "AA=="), at="p"),
        Opaque(dialect="openai_responses", kind="web_search_call", raw=msgspec.Raw(b"{}"), at="p"),
    ],
)
def test_what_an_answer_cannot_hold_is_lost(part: Media | Opaque) -> None:
    assert [str(loss) for loss in write(part).losses] == ["meaning:p"]


@pytest.mark.parametrize(("stop", "reason"), [("content_filter", "refusal"), ("other", "end_turn")])
def test_a_reason_that_anthropic_has_no_word_for_is_named(stop: str, reason: str) -> None:
    done = write(stop=stop)
    assert DECODE(done.body)["stop_reason"] == reason
    assert [str(loss) for loss in done.losses] == ["tuning:stop_reason"]


def test_further_answers_are_lost() -> None:
    choices = tuple(
        Choice(message=Message(role="assistant", parts=(Text(text="a"),)), index=i, at=f"choices[{i}]") for i in (0, 1)
    )
    done = CHAT.write_response(Response(choices=choices), ASKING)
    assert [str(loss) for loss in done.losses] == ["meaning:choices[1]"]


def test_what_only_the_hosts_dialect_knows_is_lost() -> None:
    extras = Extras("gemini", members={"responseId": msgspec.Raw(b'"x"')})
    done = CHAT.write_response(Response(choices=(), extras=extras, created_s=3), ASKING)
    assert [loss.path for loss in done.losses] == ["created_s", "responseId"]


def test_an_opaque_block_of_its_own_is_carried() -> None:
    raw = msgspec.Raw(b'{"type":"server_tool_use","input":{}}')
    assert content(Opaque(dialect=NAME, kind="server_tool_use", raw=raw)) == [{"type": "server_tool_use", "input": {}}]


def test_a_count_of_tokens_goes_both_ways() -> None:
    assert COUNT.read_response(b'{"input_tokens":7,"context_management":null}') == 7
    assert COUNT.write_response(7) == b'{"input_tokens":7}'
    with pytest.raises(BrokenStream):
        COUNT.read_response(b"{}")
