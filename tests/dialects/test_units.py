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
        ("openai_chat", {"web_search_options": {}}, Units(searches=True, tools=("web_search",))),
        ("openai_chat", {"messages": [{"role": "user", "content": 'the "image_url" of "file"'}]}, Units()),
        ("openai_responses", {"max_output_tokens": 9, "previous_response_id": "r"}, Units(output_tokens=9, kept=1)),
        (
            "openai_responses",
            {"tools": [{"type": "function"}, {"type": "web_search"}]},
            Units(searches=True, tools=("function", "web_search")),
        ),
        (
            "openai_responses",
            {"tools": [{"type": "image_generation"}]},
            Units(server_tools=True, tools=("image_generation",)),
        ),
        ("openai_responses", {"input": [{"content": [{"type": "input_image"}]}]}, Units(images=1)),
        (
            "anthropic_messages",
            {"max_tokens": 4, "tools": [{"name": "a"}]},
            Units(output_tokens=4, tools=("function",)),
        ),
        ("anthropic_messages", {"tools": [{"type": "bash_20250124"}]}, Units(tools=("function",))),
        (
            "anthropic_messages",
            {"tools": [{"type": "web_search_20250305"}]},
            Units(searches=True, tools=("web_search",)),
        ),
        (
            "anthropic_messages",
            {"tools": [{"type": "code_execution_20250825"}]},
            Units(server_tools=True, tools=("code_execution",)),
        ),
        (
            "anthropic_messages",
            {"tools": [{"type": "web_search_20250305", "max_uses": 3}]},
            Units(searches=True, tool_calls=3, tools=("web_search",)),
        ),
        (
            "openai_responses",
            {"tools": [{"type": "web_search"}], "max_tool_calls": 2},
            Units(searches=True, tool_calls=2, tools=("web_search",)),
        ),
        ("anthropic_messages", {"speed": "fast", "service_tier": "auto"}, Units(service_tier="fast")),
        ("anthropic_messages", {"speed": "standard", "service_tier": "auto"}, Units(service_tier="auto")),
        ("gemini", {"serviceTier": "priority"}, Units(service_tier="priority")),
        ("anthropic_messages", {"mcp_servers": [{"url": "u"}]}, Units(server_tools=True, tools=("mcp",))),
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
        ("gemini", {"tools": [{"functionDeclarations": []}]}, Units(tools=("function",))),
        (
            "gemini",
            {"tools": [{"googleSearch": {}}, {"codeExecution": {}}]},
            Units(searches=True, server_tools=True, tools=("code_execution", "web_search")),
        ),
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


@pytest.mark.parametrize("name", [one.name for one in DIALECTS if "chat" in {each.name for each in one.operations}])
def test_a_limit_that_is_set_is_the_one_that_is_read(name: str) -> None:
    dialect, operation = BY_NAME[name], _operation(name)
    asked = dialect.read_request(operation, b'{"model":"route"}', "route")
    assert asked.output_limit is None
    body = dialect.write_request(dialect.cap_output(asked, 77), "m").body
    assert dialect.read_request(operation, body, "route").output_limit == 77
    assert _weigh(name, body).output_tokens == 77


@pytest.mark.parametrize(
    ("name", "more", "expected"),
    [
        ("openai_chat", {}, ()),
        ("openai_chat", {"tools": [{"type": "function"}, {"type": "custom"}]}, ("function",)),
        ("openai_chat", {"functions": [{"name": "f"}]}, ("function",)),
        ("openai_chat", {"tools": [{"type": "browser_search"}]}, ("browser_search",)),
        ("openai_chat", {"tools": [{"type": "code_interpreter"}]}, ("code_execution",)),
        ("openai_chat", {"tools": [{"function": {"name": "f"}}]}, ("unreadable",)),
        ("openai_chat", {"tools": [{"type": 5}, {"type": "mcp"}]}, ("unreadable",)),
        ("openai_chat", {"tools": []}, ()),
        ("openai_chat", {"tools": None}, ()),
        ("openai_chat", {"web_search_options": {}}, ("web_search",)),
        ("openai_chat", {"web_search_options": None}, ()),
        ("openai_chat", {"enable_search": False}, ()),
        ("openai_chat", {"enable_search": True}, ("web_search",)),
        ("openai_chat", {"search_parameters": {"mode": "auto"}}, ("web_search",)),
        ("openai_chat", {"plugins": [{"id": "web"}, {"id": "file-parser"}]}, ("file-parser", "web_search")),
        ("openai_chat", {"plugins": "web"}, ("unreadable",)),
        ("openai_responses", {"tools": [{"type": "web_search_preview_2025_03_11"}]}, ("web_search",)),
        ("openai_responses", {"tools": [{"type": "file_search"}, {"type": "mcp"}]}, ("file_search", "mcp")),
        ("openai_responses", {"tools": [{"type": "computer_use_preview"}]}, ("computer",)),
        ("openai_responses", {"tools": [{"type": "local_shell"}, {"type": "shell"}]}, ("function", "shell")),
        ("openai_responses", {"tools": [{"type": "code_interpreter"}]}, ("code_execution",)),
        ("anthropic_messages", {"tools": [{"type": "computer_20250124"}]}, ("computer",)),
        ("anthropic_messages", {"tools": [{"type": "mcp_toolset"}]}, ("mcp",)),
        ("anthropic_messages", {"tools": [{"type": "web_fetch_20250910"}]}, ("web_fetch",)),
        ("anthropic_messages", {"tools": [{"type": "text_editor_20250728"}, {"name": "a"}]}, ("function",)),
        ("anthropic_messages", {"tools": "all"}, ("unreadable",)),
        ("gemini", {"tools": [{"googleSearch": {}}]}, ("web_search",)),
        ("gemini", {"tools": [{"google_search_retrieval": {}}]}, ("web_search",)),
        ("gemini", {"tools": [{"urlContext": {}, "codeExecution": {}}]}, ("code_execution", "url_context")),
        ("gemini", {"tools": [{"computer_use": {}}, {"googleMaps": {}}]}, ("computer", "google_maps")),
        ("gemini", {"tools": [{"fileSearch": {}}, {"mcpServers": []}]}, ("file_search", "mcp")),
        ("gemini", {"tools": {"googleSearch": {}}}, ("unreadable",)),
    ],
)
def test_kinds_of_tools_bear_the_same_words_for_every_maker(
    name: str, more: dict[str, object], expected: tuple[str, ...]
) -> None:
    assert _weigh(name, {"model": "route"} | more).tools == expected


def test_a_list_of_tools_with_spaces_only_is_empty() -> None:
    assert _weigh("openai_chat", b'{"model":"r","tools":[ ]}').tools == ()
