"""What a request may use beside its text is found wherever it stands, however it is spelled, and nowhere else."""

from __future__ import annotations

import msgspec
import pytest

from hortus.canon.dialect import Operation
from hortus.canon.units import Units
from hortus.dialects import DIALECTS

BY_NAME = {dialect.name: dialect for dialect in DIALECTS}
IMAGE = {"type": "image_url", "image_url": {"url": "https://example.org/a.png"}}


def _operation(name: str) -> Operation:
    return next(one for one in BY_NAME[name].operations if one.name == "chat")


def _weigh(name: str, body: dict[str, object] | bytes) -> Units:
    data = body if isinstance(body, bytes) else msgspec.json.encode(body)
    dialect, operation = BY_NAME[name], _operation(name)
    return dialect.weigh(operation, dialect.read_request(operation, data, "route"), data)


@pytest.mark.parametrize(
    ("name", "more", "expected"),
    [
        ("openai_chat", {"max_tokens": 7}, Units(output_tokens=7)),
        ("openai_chat", {"max_tokens": 7, "max_completion_tokens": 5}, Units(output_tokens=7)),
        ("openai_chat", {"n": 3, "service_tier": "flex"}, Units(choices=3, service_tier="flex")),
        ("openai_chat", {"messages": [{"role": "user", "content": [IMAGE, IMAGE]}]}, Units(images=2)),
        (
            "openai_chat",
            {"messages": [{"role": "user", "content": [{"type": "file", "file": {}}]}]},
            Units(documents=1),
        ),
        ("openai_chat", {"web_search_options": {"a": 1}}, Units(searches=True)),
        ("openai_chat", {"messages": [{"role": "user", "content": 'the "image_url" of "file"'}]}, Units()),
        ("openai_responses", {"max_output_tokens": 9, "previous_response_id": "r"}, Units(output_tokens=9, kept=1)),
        ("openai_responses", {"tools": [{"type": "function"}, {"type": "web_search"}]}, Units(searches=True)),
        ("openai_responses", {"tools": [{"type": "image_generation"}]}, Units(server_tools=True)),
        ("openai_responses", {"input": [{"content": [{"type": "input_image"}]}]}, Units(images=1)),
        ("anthropic_messages", {"max_tokens": 4, "tools": [{"name": "a"}]}, Units(output_tokens=4)),
        ("anthropic_messages", {"tools": [{"type": "bash_20250124"}]}, Units()),
        ("anthropic_messages", {"tools": [{"type": "web_search_20250305"}]}, Units(searches=True)),
        ("anthropic_messages", {"tools": [{"type": "code_execution_20250825"}]}, Units(server_tools=True)),
        (
            "anthropic_messages",
            {"tools": [{"type": "web_search_20250305", "max_uses": 3}]},
            Units(searches=True, tool_calls=3),
        ),
        (
            "openai_responses",
            {"tools": [{"type": "web_search"}], "max_tool_calls": 2},
            Units(searches=True, tool_calls=2),
        ),
        ("anthropic_messages", {"speed": "fast", "service_tier": "auto"}, Units(service_tier="fast")),
        ("anthropic_messages", {"speed": "standard", "service_tier": "auto"}, Units(service_tier="auto")),
        ("gemini", {"serviceTier": "priority"}, Units(service_tier="priority")),
        ("anthropic_messages", {"mcp_servers": [{"url": "u"}]}, Units(server_tools=True)),
        ("anthropic_messages", {"messages": [{"content": [{"type": "document"}]}]}, Units(documents=1)),
        (
            "gemini",
            {"generationConfig": {"maxOutputTokens": 3, "candidateCount": 2}},
            Units(output_tokens=3, choices=2),
        ),
        ("gemini", {"contents": [{"parts": [{"inlineData": {"mimeType": "image/png"}}]}]}, Units(images=1)),
        ("gemini", {"contents": [{"parts": [{"inline_data": {"mime_type": "audio/ogg"}}]}]}, Units()),
        ("gemini", {"contents": [{"parts": [{"fileData": {"fileUri": "u"}}]}]}, Units(documents=1)),
        ("gemini", {"cachedContent": "cachedContents/x"}, Units(kept=1)),
        ("gemini", {"tools": [{"functionDeclarations": []}]}, Units()),
        ("gemini", {"tools": [{"googleSearch": {}}, {"codeExecution": {}}]}, Units(searches=True, server_tools=True)),
    ],
)
def test_units_are_found(name: str, more: dict[str, object], expected: Units) -> None:
    assert _weigh(name, {"model": "route"} | more) == expected


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("openai_chat", rb'{"model":"r","messages":[{"content":[{"type":"image\u005furl","image_url":{}}]}]}'),
        ("openai_responses", rb'{"model":"r","input":[{"content":[{"type":"\u0069nput_image"}]}]}'),
        ("anthropic_messages", rb'{"model":"r","messages":[{"content":[{"type":"\u0069mage"}]}]}'),
        ("gemini", rb'{"contents":[{"parts":[{"\u0069nlineData":{"mimeType":"image/png"}}]}]}'),
    ],
)
def test_escapes_hide_nothing(name: str, body: bytes) -> None:
    assert _weigh(name, body).images == 1


@pytest.mark.parametrize("name", sorted(BY_NAME))
def test_a_limit_that_is_set_is_the_one_that_is_read(name: str) -> None:
    dialect, operation = BY_NAME[name], _operation(name)
    asked = dialect.read_request(operation, b'{"model":"route"}', "route")
    assert asked.output_limit is None
    body = dialect.write_request(dialect.cap_output(asked, 77), "m").body
    assert dialect.read_request(operation, body, "route").output_limit == 77
    assert _weigh(name, body).output_tokens == 77
