"""Relayed or translated: the same answer of a host is the same usage."""

from __future__ import annotations

import msgspec
import pytest

from exchanges import Exchange
from hortus.canon.errors import HostFault
from hortus.canon.usage import Usage
from recorded_usages import answered, relayed, translated

ANSWERS = [exchange for exchange in answered() if exchange.answer.count(b"event: response.completed") <= 1]
"""One recording holds two streams in a row, which no host sends."""


@pytest.mark.parametrize("exchange", ANSWERS, ids=[exchange.id for exchange in ANSWERS])
def test_a_recorded_answer_means_the_same_usage_to_relay_and_translation(exchange: Exchange) -> None:
    try:
        found = translated(exchange)
    except HostFault:
        pytest.skip("an answer that only the relay passes on")
    assert found == relayed(exchange)


def made(dialect: str, answer: object, *, is_framed: bool = False) -> Usage:
    exchange = next(one for one in ANSWERS if one.dialect == dialect and one.operation == "chat")
    body = answer if isinstance(answer, bytes) else msgspec.json.encode(answer)
    one = exchange._replace(answer=body, is_framed=is_framed)
    usage, again = relayed(one), translated(one)
    assert usage is not None
    assert usage == again
    return usage


def test_openai_says_the_service_tier_of_the_whole_answer() -> None:
    usage = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
    choice = {"index": 0, "message": {"role": "assistant", "content": "a"}, "finish_reason": "stop"}
    answer = {"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice]}
    assert made("openai_chat", {**answer, "usage": usage, "service_tier": "priority"}) == Usage(
        3, 2, service_tier="priority"
    )
    assert made("openai_chat", {**answer, "usage": usage, "service_tier": "default"}) == Usage(3, 2)


def test_a_stream_says_its_service_tier_in_chunks_without_usage() -> None:
    begin = b'{"id":"c","object":"chat.completion.chunk","created":1,"model":"m","service_tier":"flex","choices":'
    first = b'[{"index":0,"delta":{"role":"assistant","content":"a"},"finish_reason":"stop"}]}'
    last = b'{"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[],"usage":'
    last += b'{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5}}'
    stream = b"data: " + begin + first + b"\n\ndata: " + last + b"\n\ndata: [DONE]\n\n"
    assert made("openai_chat", stream, is_framed=True) == Usage(3, 2, service_tier="flex")


def responses(**members: object) -> dict[str, object]:
    usage = {"input_tokens": 9, "output_tokens": 4, "total_tokens": 13}
    head = {"id": "resp_1", "object": "response", "created_at": 1, "model": "m", "status": "completed"}
    return {**head, "output": [], "usage": usage, **members}


@pytest.mark.parametrize(
    ("members", "searches"),
    [
        ({"tool_usage": {"web_search": {"num_requests": 3}}}, 3),
        ({"output": [{"type": "web_search_call", "id": "w", "action": {"type": "search"}}]}, 1),
        ({"output": [{"type": "web_search_call", "id": "w", "action": {"type": "open_page", "url": "u"}}]}, 0),
        ({"output": [{"type": "web_search_call", "id": "w"}], "tool_usage": {"web_search": {"num_requests": 2}}}, 2),
        ({"tool_usage": {"web_search": "many"}}, 0),
    ],
)
def test_searches_of_responses_are_counted_by_the_host_or_by_their_items(
    members: dict[str, object], searches: int
) -> None:
    assert made("openai_responses", responses(**members)) == Usage(9, 4, searches=searches)


def test_anthropic_s_later_counts_stand_in_for_earlier_ones() -> None:
    events = (
        b'event: message_start\ndata: {"type":"message_start","message":{"id":"m","type":"message","role":"assistant",'
        b'"model":"m","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":10,'
        b'"cache_creation_input_tokens":300,"cache_read_input_tokens":2000,"cache_creation":'
        b'{"ephemeral_5m_input_tokens":100,"ephemeral_1h_input_tokens":200},"output_tokens":1,"service_tier":"batch",'
        b'"inference_geo":"us"}}}\n\n'
        b'event: message_delta\ndata: {"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},'
        b'"usage":{"output_tokens":40,"cache_read_input_tokens":null,"server_tool_use":{"web_search_requests":2}}}\n\n'
        b'event: message_stop\ndata: {"type":"message_stop"}\n\n'
    )
    assert made("anthropic_messages", events, is_framed=True) == Usage(
        2310,
        40,
        cached_input_tokens=2000,
        cache_write_tokens=300,
        cache_write_long_tokens=200,
        searches=2,
        service_tier="batch",
        region="us",
    )


@pytest.mark.parametrize("usage", [{}, {"input_tokens": -1}, {"input_tokens": None}])
def test_an_anthropic_answer_whose_usage_says_nothing_is_estimated_either_way(usage: dict[str, object]) -> None:
    exchange = next(one for one in ANSWERS if one.dialect == "anthropic_messages" and not one.is_framed)
    body = {"id": "m", "type": "message", "role": "assistant", "model": "m", "content": [], "stop_reason": "end_turn"}
    one = exchange._replace(answer=msgspec.json.encode({**body, "usage": usage}))
    assert relayed(one) is None
    assert translated(one) is None


def gemini(*frames: dict[str, object]) -> bytes:
    return b"".join(b"data: " + msgspec.json.encode(frame) + b"\n\n" for frame in frames)


def test_gemini_s_searches_count_wherever_they_stand() -> None:
    words = {"content": {"role": "model", "parts": [{"text": "a"}]}, "index": 0}
    end = words | {"finishReason": "STOP"}
    asked = {"groundingMetadata": {"webSearchQueries": ["", "one", "two"]}}
    counts: dict[str, object] = {
        "usageMetadata": {"promptTokenCount": 5, "candidatesTokenCount": 2, "totalTokenCount": 7}
    }
    expected = Usage(5, 2, searches=2)
    assert made("gemini", gemini({"candidates": [words | asked], **counts}, {"candidates": [end]}), is_framed=True) == (
        expected
    )
    assert made("gemini", gemini({"candidates": [words], **counts}, {"candidates": [end | asked]}), is_framed=True) == (
        expected
    )
    assert made("gemini", {"candidates": [end | asked], **counts}) == expected


def test_gemini_s_members_count_in_either_spelling() -> None:
    counts = {"prompt_token_count": 5, "candidates_token_count": 2, "thoughts_token_count": 3, "service_tier": "flex"}
    end = {"content": {"role": "model", "parts": [{"text": "a"}]}, "index": 0, "finishReason": "STOP"}
    assert made("gemini", {"candidates": [end], "usageMetadata": counts}) == Usage(
        5, 5, reasoning_tokens=3, service_tier="flex"
    )
