"""Requests of Converse's own clients: read and written again they are what they were, and what they mean is read."""

from __future__ import annotations

import pytest
from converse_wire import CALL, CHAT, again, decode, encode, read, said

from hortus.canon.errors import CannotCarry, InvalidRequest, NotJson
from hortus.canon.nodes import CacheHint, Seal
from hortus.canon.parts import HostFile, Inline, Media, Opaque, Plain, Reasoning, Text, ToolCall, ToolResult
from hortus.canon.request import HostTool, Tool
from hortus.canon.translation import Call
from hortus.dialects.bedrock_converse import token_count

TOOL = {"toolSpec": {"name": "f", "inputSchema": {"json": {"type": "object"}}}}
SCHEMA = '{"type": "object"}'
FORMAT = {"type": "json_schema", "structure": {"jsonSchema": {"schema": SCHEMA, "name": "n", "description": "d"}}}
BYTES = {"bytes": "AAAA"}

EXACT = {
    "no messages": {"promptVariables": {"a": {"text": "b"}}},
    "empty system": {"messages": [], "system": []},
    "no system": {"messages": [], "system": None},
    "system": {"messages": [], "system": [{"text": "a"}, {"cachePoint": {"type": "default", "ttl": "1h"}}]},
    "cache point first": {"messages": [], "system": [{"cachePoint": {"type": "default"}}, {"text": "a"}]},
    "two cache points": said({"text": "a"}, {"cachePoint": {"type": "default"}}, {"cachePoint": {"type": "default"}}),
    "other cache point": said({"text": "a"}, {"cachePoint": {"type": "other"}}),
    "longer cache point": said({"text": "a"}, {"cachePoint": {"type": "default", "x": 1}}),
    "system in turn": said({"text": "a"}, role="system"),
    "system after system": {"system": [{"text": "a"}], **said({"text": "b"}, role="system")},
    "unknown members": {"messages": [{"role": "user", "content": [], "x": 1}], "y": None, "guardrailConfig": {"a": 1}},
    "empty config": {"messages": [], "inferenceConfig": {}},
    "no config": {"messages": [], "inferenceConfig": None, "toolConfig": None, "outputConfig": None},
    "config": {
        "messages": [],
        "inferenceConfig": {"maxTokens": 5, "temperature": 0.5, "topP": 1, "stopSequences": [], "topK": None},
    },
    "stop": {"messages": [], "inferenceConfig": {"stopSequences": ["a", "\n"]}},
    "additional": {"messages": [], "additionalModelRequestFields": {"top_k": 4, "thinking": {"type": "adaptive"}}},
    "other additional": {
        "messages": [],
        "additionalModelRequestFields": {"top_k": "4", "thinking": {"type": 4}, "reasoning_config": {}},
    },
    "thinking of another kind": {"messages": [], "additionalModelRequestFields": {"thinking": {"type": "other"}}},
    "empty additional": {"messages": [], "additionalModelRequestFields": {}},
    "additional that is no object": {"messages": [], "additionalModelRequestFields": [1]},
    "metadata": {"messages": [], "requestMetadata": {"a": "b"}},
    "no metadata": {"messages": [], "requestMetadata": None},
    "tier": {"messages": [], "serviceTier": {"type": "default"}},
    "reserved tier": {"messages": [], "serviceTier": {"type": "reserved"}},
    "no tier": {"messages": [], "serviceTier": None},
    "effort": {"messages": [], "outputConfig": {"effort": "low"}},
    "empty output": {"messages": [], "outputConfig": {}},
    "format": {"messages": [], "outputConfig": {"textFormat": FORMAT}},
    "no format": {"messages": [], "outputConfig": {"textFormat": None}},
    "other format": {"messages": [], "outputConfig": {"textFormat": FORMAT | {"type": "grammar"}}},
    "tools": {
        "messages": [],
        "toolConfig": {
            "tools": [
                TOOL,
                {"cachePoint": {"type": "default"}},
                {"cachePoint": {"type": "default"}},
                {"systemTool": {"name": "nova_grounding"}},
                {"toolSpec": {"name": "g", "description": "", "strict": False, "inputSchema": {}}},
                {"toolSpec": {"name": "h", "strict": True, "x": 1}},
            ],
            "toolChoice": {"auto": {}},
        },
    },
    "empty tools": {"messages": [], "toolConfig": {"tools": []}},
    "empty tool config": {"messages": [], "toolConfig": {}},
    "cache point as first tool": {"messages": [], "toolConfig": {"tools": [{"cachePoint": {"type": "default"}}]}},
    "any tool": {"messages": [], "toolConfig": {"tools": [TOOL], "toolChoice": {"any": {"x": 1}}}},
    "one tool": {"messages": [], "toolConfig": {"tools": [TOOL], "toolChoice": {"tool": {"name": "f"}}}},
    "other choice": {"messages": [], "toolConfig": {"tools": [TOOL], "toolChoice": {"none": {}}}},
    "no choice": {"messages": [], "toolConfig": {"tools": [TOOL], "toolChoice": None}},
    "empty text": said({"text": ""}),
    "image": said({"image": {"format": "png", "source": BYTES}}),
    "image of another format": said({"image": {"format": "tiff", "source": BYTES, "x": 1}}),
    "image without format": said({"image": {"source": BYTES}}),
    "image of another source": said({"image": {"format": "png", "source": {"url": "a"}}}),
    "image in a bucket": said(
        {"image": {"format": "png", "source": {"s3Location": {"uri": "s3://a/b", "bucketOwner": "1"}}}}
    ),
    "document": said({"document": {"format": "pdf", "name": "a", "source": BYTES, "context": "c"}}),
    "document as text": said({"document": {"format": "txt", "name": "a", "source": {"text": "b"}}}),
    "document as other text": said({"document": {"format": "md", "name": "a", "source": {"text": "b"}}}),
    "document without format": said({"document": {"name": "a", "source": {"text": "b"}}}),
    "document in pieces": said(
        {"document": {"format": "html", "name": "a", "source": {"content": [{"text": "ab"}, {"text": "c"}]}}}
    ),
    "document in no pieces": said({"document": {"format": "txt", "name": "a", "source": {"content": []}}}),
    "video": said({"video": {"format": "mpg", "source": BYTES}}),
    "audio": said({"audio": {"format": "mkv", "source": BYTES}}),
    "guarded text": said({"guardContent": {"text": {"text": "a", "qualifiers": ["query"]}}}),
    "guarded image": said({"guardContent": {"image": {"format": "png", "source": BYTES}}}),
    "guarded other": said({"guardContent": {"sound": {}}}),
    "two at once": said({"text": "a", "image": {}}),
    "unknown block": said({"searchResult": {"title": "a"}}),
    "thoughts": said({"reasoningContent": {"reasoningText": {"text": "a", "signature": "s"}}}, role="assistant"),
    "empty thoughts": said({"reasoningContent": {"reasoningText": {"text": "", "signature": ""}}}, role="assistant"),
    "sealed thoughts": said({"reasoningContent": {"redactedContent": "AA=="}}, role="assistant"),
    "thoughts of another kind": said({"reasoningContent": {"x": 1}}, role="assistant"),
    "thoughts of two kinds": said(
        {"reasoningContent": {"redactedContent": "A", "reasoningText": {"text": "a"}}}, role="assistant"
    ),
    "call": said({"toolUse": {"toolUseId": "1", "name": "f", "input": {"a": 1.50}}}, role="assistant"),
    "call with odd input": said({"toolUse": {"toolUseId": "1", "name": "f", "input": "x"}}, role="assistant"),
    "call that says its type": said(
        {"toolUse": {"toolUseId": "1", "name": "f", "input": {}, "type": "tool_use"}}, role="assistant"
    ),
    "call of the host's": said(
        {"toolUse": {"toolUseId": "1", "name": "f", "input": {}, "type": "server_tool_use"}}, role="assistant"
    ),
    "result": said(
        {
            "toolResult": {
                "toolUseId": "1",
                "status": "success",
                "content": [
                    {"text": "a"},
                    {"json": {"b": [1.50]}},
                    {"image": {"format": "png", "source": BYTES}},
                    {"document": {"format": "pdf", "name": "a", "source": BYTES}},
                    {"video": {"format": "mp4", "source": {"x": 1}}},
                    {"searchResult": {"a": 1}},
                    {"text": "a", "json": 1},
                ],
            }
        },
        {"cachePoint": {"type": "default"}},
    ),
    "failed result": said({"toolResult": {"toolUseId": "1", "status": "error", "content": [], "x": 1}}),
    "result of the host's": said({"toolResult": {"toolUseId": "1", "content": [], "type": "x"}}),
    "result in another state": said({"toolResult": {"toolUseId": "1", "content": [], "status": "late"}}),
    "citations": said(
        {
            "citationsContent": {
                "content": [{"text": "ab"}, {"text": "c"}],
                "citations": [
                    {"title": "t", "source": "s", "sourceContent": [{"text": "q"}], "location": {"documentPage": {}}},
                    {"location": {"web": {"url": "https://a.example", "domain": "a.example"}}},
                    {"sourceContent": [{"text": ""}], "location": {"web": {}}},
                    {"sourceContent": []},
                    {"title": None},
                ],
            }
        },
        {"citationsContent": {}},
        {"citationsContent": {"content": None, "citations": []}},
        {"citationsContent": {"content": [{"text": "a"}], "citations": None}},
        role="assistant",
    ),
}


@pytest.mark.parametrize("body", EXACT.values(), ids=EXACT)
def test_a_request_read_and_written_again_is_what_it_was(body: dict) -> None:
    assert again(body) == (body, ())


def parts_of(*blocks: object, role: str = "user") -> tuple:
    return read(said(*blocks, role=role)).messages[0].parts


def test_a_cache_point_is_the_hint_of_what_stands_before_it() -> None:
    (text,) = parts_of({"text": "a"}, {"cachePoint": {"type": "default", "ttl": "1h"}})
    assert text.cache == CacheHint(ttl="1h")


def test_media_say_their_type_and_where_they_come_from() -> None:
    source = {"s3Location": {"uri": "s3://a/b"}}
    found = parts_of(
        {"image": {"format": "jpeg", "source": BYTES}},
        {"document": {"format": "docx", "name": "n", "source": source}},
        {"document": {"name": "n", "source": {"text": "t"}}},
        {"audio": {"format": "mpga", "source": BYTES}},
    )
    assert [(part.kind, part.source) for part in found] == [
        ("image", Inline("image/jpeg", "AAAA")),
        (
            "document",
            HostFile("s3://a/b", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
        ),
        ("document", Plain("t")),
        ("audio", Inline("audio/mpeg", "AAAA")),
    ]


def test_blocks_are_parts_with_their_places() -> None:
    call = {"toolUse": {"toolUseId": "1", "name": "f", "input": {"a": 1}}}
    result = {"toolResult": {"toolUseId": "1", "status": "error", "content": [{"json": [1]}]}}
    thought = {"reasoningContent": {"reasoningText": {"text": "t", "signature": "s"}}}
    found = parts_of(call, result, thought, {"new": {}}, {"reasoningContent": {"redactedContent": "AA"}})
    assert [type(part) for part in found] == [ToolCall, ToolResult, Reasoning, Opaque, Reasoning]
    assert [part.at for part in found] == [f"messages[0].content[{i}]" for i in range(5)]
    assert found[0].arguments == '{"a":1}'
    assert (found[1].is_error, found[1].parts[0].text) == (True, "[1]")
    assert (found[2].texts, found[2].seal) == (("t",), Seal("bedrock_converse", "s"))
    assert (found[4].is_redacted, found[4].seal) == (True, Seal("bedrock_converse", "AA"))


def test_what_the_guardrail_looks_at_is_a_text_and_a_picture_all_the_same() -> None:
    image = {"guardContent": {"image": {"format": "png", "source": BYTES}}}
    text, picture = parts_of({"guardContent": {"text": {"text": "a"}}}, image)
    assert isinstance(text, Text)
    assert isinstance(picture, Media)


def test_settings_are_read() -> None:
    request = read(EXACT["config"] | {"outputConfig": {"textFormat": FORMAT, "effort": "low"}})
    assert (request.max_output_tokens, request.temperature, request.top_p) == (5, 0.5, 1)
    assert request.output is not None
    assert (request.output.kind, bytes(request.output.schema or b"")) == ("schema", SCHEMA.encode())
    assert request.reasoning is not None
    assert request.reasoning.effort == "low"


@pytest.mark.parametrize(
    ("thinking", "expected"),
    [
        ({"type": "enabled", "budget_tokens": 2000}, (True, 2000, "auto")),
        ({"type": "adaptive", "display": "omitted"}, (True, -1, "none")),
        ({"type": "disabled"}, (False, None, None)),
    ],
)
def test_thinking_among_a_models_own_fields_is_a_wish(thinking: dict, expected: tuple) -> None:
    wish = read({"messages": [], "additionalModelRequestFields": {"thinking": thinking}}).reasoning
    assert wish is not None
    assert (wish.is_on, wish.budget_tokens, wish.shows) == expected


def test_tools_and_the_choice_are_read() -> None:
    request = read(EXACT["tools"])
    assert [type(tool) for tool in request.tools] == [Tool, HostTool, HostTool, Tool, Tool]
    assert request.tools[0].cache == CacheHint()
    assert read(EXACT["one tool"]).tool_choice.names == ("f",)
    assert read(EXACT["any tool"]).tool_choice.mode == "required"


def test_route_and_stream_stand_in_the_path() -> None:
    request = read({"messages": []}, Call(route="garden", is_stream=True))
    assert (request.model, request.is_stream, request.wants_usage) == ("garden", True, True)


@pytest.mark.parametrize(
    ("body", "path"),
    [
        (said({}), "messages[0].content[0]"),
        (said("a"), "messages[0].content[0]"),
        (said({"text": 1}), "messages[0].content[0].text"),
        (said({"text": "a"}, role="tool"), "messages[0].role"),
        (said({"image": {"format": "png"}}), "messages[0].content[0].image.source"),
        ({"messages": 1}, "messages"),
        ({}, "messages"),
        ({"inferenceConfig": {"maxTokens": "1"}}, "inferenceConfig.maxTokens"),
        ({"messages": [], "toolConfig": {"tools": [{}]}}, "toolConfig.tools[0]"),
        (
            {
                "messages": [],
                "outputConfig": {
                    "textFormat": {"type": "json_schema", "structure": {"jsonSchema": {"schema": "{"}}},
                },
            },
            "outputConfig.textFormat.structure.jsonSchema.schema",
        ),
    ],
)
def test_what_is_wrong_is_named_with_its_path(body: dict, path: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        read(body)
    assert caught.value.path == path


def test_what_is_no_json_is_refused() -> None:
    with pytest.raises(NotJson):
        CHAT.read_request(b"{", CALL)


def test_a_count_holds_a_chat() -> None:
    body = {"input": {"converse": {"messages": [], "system": []}}}
    assert token_count.read_request(encode(body), CALL).model == "garden"
    assert decode(token_count.write_response(7)) == {"inputTokens": 7}


def test_a_count_of_a_models_own_body_cannot_be_carried() -> None:
    with pytest.raises(CannotCarry):
        token_count.read_request(encode({"input": {"invokeModel": {"body": "e30="}}}), CALL)
