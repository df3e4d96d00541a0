"""What a client's request means, and that this dialect writes it again as it was."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from openai_chat_examples import CHAT, TRANSLATION, losses, read, read_message, write

from hortus.canon.errors import CallerFault, InvalidRequest, NotJson
from hortus.canon.nodes import CacheHint, Seal
from hortus.canon.parts import HostFile, Inline, Link, Media, Opaque, Reasoning, Refusal, Text, ToolCall, ToolResult
from hortus.canon.request import HostTool, Tool
from hortus.canon.translation import Call, Habits

USER = {"role": "user", "content": "hi"}
CALL = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}}
PNG = "data:image/png;base64,iVBORw0K"


def member(**members: Any) -> dict[str, Any]:
    return {"model": "garden", "messages": [USER]} | members


def message(**members: Any) -> dict[str, Any]:
    return {"model": "garden", "messages": [members]}


def content(*parts: dict[str, Any], role: str = "user") -> dict[str, Any]:
    return message(role=role, content=list(parts))


SAME = {
    "plain": member(temperature=0, top_p=0.5, seed=3, n=2, frequency_penalty=1, presence_penalty=0),
    "penalised": member(logit_bias={"50256": -100}, logprobs=True, top_logprobs=2, top_k=5),
    "new limit": member(max_completion_tokens=5),
    "old limit": member(max_tokens=5),
    "both limits": member(max_tokens=5, max_completion_tokens=6),
    "one stop": member(stop="x"),
    "stops": member(stop=["x", "y"]),
    "no stop": member(stop=[]),
    "nulls": member(
        stop=None, tools=None, tool_choice=None, response_format=None, logit_bias=None, metadata=None, n=None
    ),
    "stream": member(stream=True, stream_options={"include_usage": True, "include_obfuscation": False}),
    "no stream": member(stream=False, stream_options={"include_usage": False}),
    "empty options": member(stream=True, stream_options={}),
    "who": member(user="u", metadata={"a": "b"}, service_tier="flex", store=True, prompt_cache_key="k"),
    "safety": member(safety_identifier="s", verbosity="low", reasoning_effort="high", parallel_tool_calls=False),
    "safety and user": member(safety_identifier="s", user="u"),
    "unknown": member(prediction={"type": "content", "content": "x"}, modalities=["text"], x_new={"y": 1.0}),
    "legacy": member(functions=[{"name": "f"}], function_call="auto"),
    "search": member(web_search_options={}),
    "empty tools": member(tools=[]),
    "tools": member(tools=[{"type": "function", "function": {"name": "f", "description": "d", "strict": True}}]),
    "bare tool": member(tools=[{"function": {"name": "f", "parameters": None}}]),
    "odd tool": member(tools=[{"type": "custom", "custom": {"name": "grep"}}]),
    "cached tool": member(
        tools=[{"type": "function", "function": {"name": "f"}, "cache_control": {"type": "ephemeral"}}]
    ),
    "auto": member(tool_choice="auto"),
    "any": member(tool_choice="any"),
    "one tool": member(tool_choice={"type": "function", "function": {"name": "f"}}),
    "custom choice": member(tool_choice={"type": "custom", "custom": {"name": "grep"}}),
    "no such choice": member(tool_choice="sometimes"),
    "allowed": member(
        tool_choice={
            "type": "allowed_tools",
            "allowed_tools": {"mode": "required", "tools": [{"type": "function", "function": {"name": "f"}}]},
        }
    ),
    "allowed none": member(tool_choice={"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": []}}),
    "text": member(response_format={"type": "text"}),
    "json": member(response_format={"type": "json_object", "schema": {"type": "object"}}),
    "schema": member(
        response_format={
            "type": "json_schema",
            "json_schema": {"name": "n", "description": "d", "schema": {"b": 1, "a": 1e2}, "strict": True},
        }
    ),
    "nameless schema": member(response_format={"type": "json_schema", "json_schema": {}}),
    "schema missing": member(response_format={"type": "json_schema"}),
    "schema without one": member(response_format={"type": "json_schema", "json_schema": {"name": "n"}}),
    "text with a schema": member(response_format={"type": "text", "json_schema": None}),
    "unnamed schema": member(response_format={"type": "json_schema", "json_schema": {"schema": {}}}),
    "odd format": member(response_format={"type": "grammar", "grammar": "x"}),
    "system": message(role="system", content="s", name="n"),
    "developer": content({"type": "text", "text": "a"}, role="developer"),
    "empty": message(role="user", content=""),
    "empty list": message(role="user", content=[]),
    "function role": message(role="function", name="f", content="1"),
    "image": content({"type": "image_url", "image_url": {"url": PNG, "detail": "low"}}),
    "image by address": content({"type": "image_url", "image_url": {"url": "https://a.example/b.png"}}),
    "bare image": content({"type": "image_url", "image_url": PNG}),
    "odd data url": content({"type": "image_url", "image_url": {"url": "data:image/png;charset=x;base64,AA"}}),
    "sound": content({"type": "input_audio", "input_audio": {"data": "UklG", "format": "wav"}}),
    "odd sound": content({"type": "input_audio", "input_audio": {"data": "UklG", "format": "mpeg"}}),
    "bare sound": content({"type": "input_audio", "input_audio": "UklG"}),
    "file": content({"type": "file", "file": {"file_data": "data:application/pdf;base64,JVBE", "filename": "a.pdf"}}),
    "bare file": content({"type": "file", "file": {"file_data": "JVBE", "filename": "a.PDF"}}),
    "nameless file": content({"type": "file", "file": {"file_data": "JVBE"}}),
    "file by id": content({"type": "file", "file": {"file_id": "file-1"}}),
    "file by address": content({"type": "file", "file": {"file_data": "https://a.example/b.pdf"}}),
    "file of nothing": content({"type": "file", "file": {}}),
    "odd part": content({"type": "video_url", "video_url": {"url": "x"}}),
    "typeless part": content({"text": "x"}),
    "hint": content({"type": "text", "text": "x", "cache_control": {"type": "ephemeral", "ttl": "1h"}}),
    "image in a system": content({"type": "image_url", "image_url": {"url": PNG}}, role="system"),
    "assistant": message(
        role="assistant", content=None, refusal=None, tool_calls=[CALL | {"index": 0}], annotations=[]
    ),
    "no content": message(role="assistant", tool_calls=[CALL]),
    "no calls": message(role="assistant", content="x", tool_calls=[], annotations=[{"type": "x"}], name="n"),
    "audio of before": message(role="assistant", audio={"id": "a"}),
    "refused": message(role="assistant", refusal="no"),
    "refused part": content({"type": "refusal", "refusal": "no"}, role="assistant"),
    "thoughts": message(role="assistant", content="x", reasoning_content="hm"),
    "other thoughts": message(role="assistant", content="x", reasoning="hm", reasoning_content="hm"),
    "two thoughts": message(role="assistant", content="x", reasoning="a", reasoning_content="b"),
    "odd thoughts": message(role="assistant", content="x", reasoning={"a": 1}, reasoning_content=""),
    "no thoughts": message(role="assistant", content="x", reasoning=None, reasoning_details=[]),
    "sealed thoughts": message(role="assistant", content="x", reasoning="hm", reasoning_details=[{"signature": "s"}]),
    "only sealed": message(role="assistant", content="x", reasoning_details=[{"data": "s"}]),
    "sealed call": message(
        role="assistant", tool_calls=[CALL | {"extra_content": {"google": {"thought_signature": "s", "x": 1}}}]
    ),
    "odd extra": message(role="assistant", tool_calls=[CALL | {"extra_content": {"other": 1, "google": None}}]),
    "custom call": message(role="assistant", tool_calls=[{"id": "c", "type": "custom", "custom": {"input": "x"}}]),
    "bare call": message(role="assistant", tool_calls=[{"function": {"name": "f"}}]),
    "empty id": message(role="assistant", tool_calls=[{"id": "", "function": {"name": "f", "arguments": ""}}]),
    "object call": message(
        role="assistant", tool_calls=[{"id": "c", "function": {"name": "f", "arguments": {"a": 1}}}]
    ),
    "null call": message(role="assistant", tool_calls=[{"id": "c", "function": {"name": "f", "arguments": None}}]),
    "old call": message(role="assistant", content=None, function_call={"name": "f", "arguments": "{}"}),
    "stray id": message(role="assistant", content="x", tool_call_id="c1"),
    "result": message(role="tool", tool_call_id="c1", content="4"),
    "named result": message(role="tool", tool_call_id="c1", content=[{"type": "text", "text": "4"}], name="f"),
    "picture result": message(
        role="tool", tool_call_id="c1", content=[{"type": "image_url", "image_url": {"url": PNG}}]
    ),
    "odd result": message(role="tool", tool_call_id="c1", content="", refusal="x", reasoning="hm", tool_calls=None),
    "two in a row": {
        "model": "garden",
        "messages": [{"role": "assistant", "content": "a"}, {"role": "assistant", "content": "b", "x": 1}],
    },
}


@pytest.mark.parametrize("body", SAME.values(), ids=SAME)
def test_a_request_is_written_again_as_it_was(body: dict[str, Any]) -> None:
    again = write(CHAT.read_request(msgspec.json.encode(body), Call()))
    assert msgspec.json.decode(again.body) == body
    assert (again.losses, again.adaptations) == ((), ())


def test_schemas_keep_order_and_spelling() -> None:
    tool = b'{"type":"function","function":{"name":"f","parameters":{"z":1.0,"a":1e2}}}'
    request = CHAT.read_request(b'{"model":"m","messages":[],"tools":[' + tool + b"]}", Call())
    assert b'"parameters":{"z":1.0,"a":1e2}' in write(request).body


@pytest.mark.parametrize(
    ("body", "path"),
    [
        (b"[]", None),
        (b'{"model":"m"', None),
        (b'{"messages":[]}', "model"),
        (b'{"model":"m","messages":{}}', "messages"),
        (b'{"model":"m","messages":[{"content":"x"}]}', "messages[0].role"),
        (b'{"model":"m","messages":[{"role":"user","content":7}]}', "messages[0].content"),
        (b'{"model":"m","messages":[{"role":"user","content":[7]}]}', "messages[0].content[0]"),
        (b'{"model":"m","messages":[{"role":"user","content":[{"type":"text"}]}]}', "messages[0].content[0].text"),
        (b'{"model":"m","messages":[{"role":"tool","content":"x"}]}', "messages[0].tool_call_id"),
        (
            b'{"model":"m","messages":[{"role":"tool","tool_call_id":"c","content":[{"type":"refusal","refusal":"n"}]}]}',
            "messages[0].content",
        ),
        (b'{"model":"m","messages":[],"tools":[{"type":"function"}]}', "tools[0].function"),
        (b'{"model":"m","messages":[],"tools":["x"]}', "tools[0]"),
        (b'{"model":"m","messages":[],"response_format":"json"}', "response_format"),
        (b'{"model":"m","messages":[],"temperature":"hot"}', "temperature"),
    ],
)
def test_what_is_wrong_is_refused_with_its_path(body: bytes, path: str | None) -> None:
    with pytest.raises(CallerFault) as caught:
        CHAT.read_request(body, Call())
    assert caught.value.path == path
    assert isinstance(caught.value, InvalidRequest if path else NotJson)


def test_a_message_of_the_assistant_holds_reasoning_words_refusal_and_calls() -> None:
    found = read_message(role="assistant", content="x", reasoning="hm", refusal="no", tool_calls=[CALL])
    assert [type(part) for part in found.parts] == [Reasoning, Text, Refusal, ToolCall]
    assert [part.at for part in found.parts] == [
        "messages[0].reasoning",
        "messages[0].content",
        "messages[0].refusal",
        "messages[0].tool_calls[0]",
    ]


def test_a_result_is_said_by_the_user_and_names_its_call() -> None:
    found = read_message(role="tool", tool_call_id="c1", content="4")
    assert found.role == "user"
    assert found.parts == (
        ToolResult(call_id="c1", parts=(Text(text="4", at="messages[0].content"),), at="messages[0]"),
    )


@pytest.mark.parametrize(
    ("part", "source"),
    [
        ({"type": "image_url", "image_url": {"url": PNG}}, Inline("image/png", "iVBORw0K")),
        ({"type": "image_url", "image_url": {"url": "https://a.example/b"}}, Link("https://a.example/b")),
        ({"type": "input_audio", "input_audio": {"data": "AA", "format": "mp3"}}, Inline("audio/mpeg", "AA")),
        ({"type": "input_audio", "input_audio": {"data": "AA", "format": "flac"}}, Inline("audio/flac", "AA")),
        ({"type": "file", "file": {"file_data": "AA", "filename": "a.pdf"}}, Inline("application/pdf", "AA")),
        ({"type": "file", "file": {"file_data": "AA"}}, Inline("application/octet-stream", "AA")),
        ({"type": "file", "file": {"file_id": "file-1"}}, HostFile("file-1")),
    ],
)
def test_media_are_known_by_their_source(part: dict[str, Any], source: object) -> None:
    (found,) = read_message(role="user", content=[part]).parts
    assert isinstance(found, Media)
    assert found.source == source


def test_what_is_not_known_is_opaque() -> None:
    (part,) = read_message(role="user", content=[{"type": "hologram", "x": 1}]).parts
    assert isinstance(part, Opaque)
    assert (part.kind, bytes(part.raw)) == ("hologram", b'{"type":"hologram","x":1}')
    tool = read(tools=[{"type": "web_search"}]).tools[0]
    assert isinstance(tool, HostTool)
    assert tool.kind == "web_search"


def test_hints_at_the_cache_are_read() -> None:
    hint = {"type": "ephemeral", "ttl": "1h"}
    (part,) = read_message(role="user", content=[{"type": "text", "text": "x", "cache_control": hint}]).parts
    assert isinstance(part, Text)
    assert part.cache == CacheHint(ttl="1h")
    tool = read(tools=[{"function": {"name": "f"}, "cache_control": {"type": "ephemeral"}}]).tools[0]
    assert isinstance(tool, Tool)
    assert tool.cache == CacheHint()


def test_geminis_seal_is_on_its_call() -> None:
    extra = {"extra_content": {"google": {"thought_signature": "s"}}}
    (call,) = read_message(role="assistant", tool_calls=[CALL | extra]).parts
    assert isinstance(call, ToolCall)
    assert call.seal == Seal("gemini", "s")


def test_calls_without_an_id_are_numbered() -> None:
    nameless = {"function": {"name": "f"}}
    found = read(messages=[{"role": "assistant", "tool_calls": [nameless, nameless]}] * 2)
    calls = [part for message in found.messages for part in message.parts if isinstance(part, ToolCall)]
    assert [call.id for call in calls] == ["call_1", "call_2", "call_3", "call_4"]
    assert {call.arguments for call in calls} == {"{}"}


def test_choices_of_tools_have_mode_and_names() -> None:
    some = {"mode": "auto", "tools": [{"type": "function", "function": {"name": name}} for name in ("f", "g")]}
    found = read(tool_choice={"type": "allowed_tools", "allowed_tools": some}).tool_choice
    assert found is not None
    assert (found.mode, found.names) == ("auto", ("f", "g"))
    found = read(tool_choice={"type": "function", "function": {"name": "f"}}).tool_choice
    assert found is not None
    assert (found.mode, found.names) == ("required", ("f",))


def test_what_another_dialect_cannot_know_is_weighed() -> None:
    weights = TRANSLATION.vocabulary.weights
    assert weights["functions"] == weights["tool_choice"] == weights["response_format"] == "meaning"
    assert weights["prediction"] == "advisory"
    assert losses(read(functions=[])) == {}


def test_a_hosts_habits_change_the_body() -> None:
    habits = Habits(
        demands={"reasoning_format": msgspec.Raw(b'"parsed"')},
        forbids=frozenset(("seed", "store")),
        renames={"max_completion_tokens": "max_tokens"},
    )
    done = write(read(seed=1, max_completion_tokens=5), habits=habits)
    assert msgspec.json.decode(done.body) == {
        "model": "garden",
        "messages": [],
        "max_tokens": 5,
        "reasoning_format": "parsed",
    }
    assert [str(loss) for loss in done.losses] == ["tuning:seed"]
    assert done.adaptations == ("max_completion_tokens>max_tokens", "+reasoning_format")
