"""Requests of Anthropic's clients: what they mean, and that written again they are what they were."""

from __future__ import annotations

import msgspec
import pytest

from hortus.canon.errors import InvalidRequest, NotJson
from hortus.canon.nodes import CacheHint, Seal
from hortus.canon.parts import (
    HostFile,
    Inline,
    Link,
    Media,
    Opaque,
    Plain,
    Reasoning,
    Text,
    ToolCall,
    ToolResult,
)
from hortus.canon.request import HostTool, Request, Tool, ToolChoice
from hortus.canon.translation import Call, Habits, Target
from hortus.dialects.anthropic_messages import DIALECT
from hortus.dialects.anthropic_messages.wire import NAME

TRANSLATION = DIALECT.translation
assert TRANSLATION is not None
CHAT, COUNT = TRANSLATION.chat, TRANSLATION.token_count
NO_CALL = Call()
ENCODE, DECODE = msgspec.json.encode, msgspec.json.decode


def body(*content: object, **members: object) -> dict[str, object]:
    """A request whose one message holds `content`."""
    return {"model": "garden", "max_tokens": 64, "messages": [{"role": "user", "content": list(content)}], **members}


def read(request: dict[str, object], call: Call = NO_CALL) -> Request:
    return CHAT.read_request(ENCODE(request), call)


def written(request: dict[str, object], call: Call = NO_CALL) -> object:
    done = CHAT.write_request(read(request, call), Target("garden", source=TRANSLATION.vocabulary))
    assert (done.losses, done.adaptations) == ((), ())
    return DECODE(done.body)


EPHEMERAL = {"type": "ephemeral"}

BLOCKS: list[dict[str, object]] = [
    {"type": "text", "text": "hi"},
    {"type": "text", "text": ""},
    {"type": "text", "text": "hi", "cache_control": {**EPHEMERAL, "ttl": "1h"}, "later": [1.5]},
    {"type": "text", "text": "hi", "citations": None, "cache_control": None},
    {"type": "text", "text": "hi", "citations": []},
    {
        "type": "text",
        "text": "hi",
        "citations": [
            {"type": "web_search_result_location", "url": "https://a.example", "title": None, "cited_text": "x"},
            {"type": "web_search_result_location", "url": "https://a.example", "title": "T", "cited_text": ""},
            {"type": "char_location", "cited_text": "x", "document_title": "D", "start_char_index": 0},
            {"type": "char_location", "cited_text": "x", "document_title": None},
            {"type": "search_result_location", "source": "shelf", "title": "T"},
        ],
    },
    {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AA=="}},
    {"type": "image", "source": {"type": "base64", "media_type": "image/tiff", "data": "AA=="}},
    {"type": "image", "source": {"type": "url", "url": "https://a.example/b.png"}, "cache_control": EPHEMERAL},
    {"type": "image", "source": {"type": "file", "file_id": "file_1", "more": 1}, "title": "T"},
    {"type": "image", "source": {"type": "hologram", "waves": 3}},
    {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "AA=="}},
    {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "words"}, "title": "T"},
    {"type": "document", "source": {"type": "text", "media_type": "text/markdown", "data": "# words"}},
    {"type": "document", "source": {"type": "content", "content": [{"type": "text", "text": "x"}]}, "context": "c"},
    {"type": "document", "source": {"type": "url", "url": "https://a.example/b.pdf"}, "citations": {"enabled": True}},
    {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {"b": 1.5, "a": [1]}, "caller": {"type": "direct"}},
    {"type": "tool_use", "id": "toolu.1", "name": "f", "input": {}, "cache_control": EPHEMERAL},
    {"type": "tool_use", "id": "toolu_1", "name": "f", "input": "no object"},
    {"type": "tool_result", "tool_use_id": "toolu_1"},
    {"type": "tool_result", "tool_use_id": "toolu_1", "content": None, "is_error": None},
    {"type": "tool_result", "tool_use_id": "toolu_1", "content": "12", "is_error": True},
    {"type": "tool_result", "tool_use_id": "toolu_1", "content": "", "is_error": False},
    {"type": "tool_result", "tool_use_id": "toolu_1", "content": [], "cache_control": EPHEMERAL},
    {
        "type": "tool_result",
        "tool_use_id": "toolu_1",
        "content": [
            {"type": "text", "text": "12"},
            {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AA=="}},
            {"type": "search_result", "source": "s", "title": "t", "content": []},
            {"type": "tool_use", "id": "x", "name": "odd", "input": {}},
        ],
    },
    {"type": "thinking", "thinking": "hm", "signature": "c2ln"},
    {"type": "thinking", "thinking": "", "signature": "c2ln", "level": 3},
    {"type": "thinking", "thinking": "hm", "signature": ""},
    {"type": "thinking", "thinking": "hm"},
    {"type": "redacted_thinking", "data": "c2VhbA=="},
    {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "x"}},
    {"type": "container_upload", "file_id": "file_1"},
    {"type": "block_of_tomorrow", "z": 1, "a": 2},
]


@pytest.mark.parametrize("block", BLOCKS, ids=[f"{i}-{block['type']}" for i, block in enumerate(BLOCKS)])
def test_a_block_is_written_again_as_it_was(block: dict[str, object]) -> None:
    assert written(body(block)) == body(block)


MEMBERS: list[dict[str, object]] = [
    {"system": "Be brief."},
    {"system": ""},
    {"system": []},
    {"system": None},
    {
        "system": [
            {"type": "text", "text": "Be brief.", "cache_control": EPHEMERAL},
            {"type": "text", "text": "Or not."},
        ]
    },
    {"messages": []},
    {"messages": [{"role": "user", "content": "hi"}, {"role": "user", "content": "again", "id": "m"}]},
    {"messages": [{"role": "user", "content": "hi"}, {"role": "system", "content": [{"type": "text", "text": "x"}]}]},
    {"messages": [{"role": "system", "content": "in turn"}, {"role": "user", "content": "hi"}]},
    {"system": "top", "messages": [{"role": "system", "content": "in turn"}, {"role": "user", "content": "hi"}]},
    {"max_tokens": None},
    {"stop_sequences": ["END", " "]},
    {"stop_sequences": []},
    {"stream": True},
    {"stream": False},
    {"stream": None},
    {"temperature": 0.5, "top_p": 0.9, "top_k": 3},
    {"metadata": {"user_id": "u1"}},
    {"metadata": {}},
    {"metadata": {"user_id": None, "team": "x"}},
    {"service_tier": "standard_only"},
    {"service_tier": "auto"},
    {"service_tier": "tier_of_tomorrow"},
    {"thinking": None},
    {"thinking": {"type": "disabled"}},
    {"thinking": {"type": "enabled", "budget_tokens": 2000, "display": "omitted", "x": 1}},
    {"thinking": {"type": "enabled"}},
    {"thinking": {"type": "adaptive", "display": "summarized"}},
    {"thinking": {"type": "adaptive", "display": "sung"}},
    {"output_config": {"effort": "high"}},
    {"output_config": {"effort": "high"}, "thinking": {"type": "adaptive"}},
    {"output_config": {"effort": None, "format": None, "task_budget": {"total": 5}}},
    {"output_config": {}},
    {"output_config": None},
    {"output_config": {"format": {"type": "json_schema", "schema": {"b": 1.50, "a": 2}, "name": "n"}}},
    {"output_config": {"format": {"type": "json_schema"}}},
    {"output_config": {"format": {"type": "xml"}}},
    {"output_format": {"type": "json_schema", "schema": {}}},
    {"output_format": {"type": "json_schema", "schema": {}}, "output_config": {"format": {"type": "json_schema"}}},
    {"output_format": None},
    {"tools": []},
    {"tools": None},
    {"tools": [{"name": "f", "input_schema": {"type": "object"}, "description": "d", "defer_loading": True}]},
    {"tools": [{"type": "custom", "name": "f", "input_schema": True, "strict": True, "cache_control": EPHEMERAL}]},
    {"tools": [{"type": None, "name": "f", "strict": False}]},
    {"tools": [{"type": "web_search_20250305", "name": "web_search", "max_uses": None}]},
    {"tool_choice": None},
    {"tool_choice": {"type": "auto", "disable_parallel_tool_use": True}},
    {"tool_choice": {"type": "any", "disable_parallel_tool_use": False}},
    {"tool_choice": {"type": "none", "disable_parallel_tool_use": True}},
    {"tool_choice": {"type": "tool", "name": "f", "why": "x"}},
    {"tool_choice": {"type": "auto", "name": "odd"}},
    {"container": "container_1", "mcp_servers": [], "cache_control": EPHEMERAL, "inference_geo": "eu"},
]


@pytest.mark.parametrize("members", MEMBERS, ids=[str(members)[:60] for members in MEMBERS])
def test_a_member_is_written_again_as_it_was(members: dict[str, object]) -> None:
    request = body({"type": "text", "text": "x"}, **members)
    assert written(request) == request


def test_content_that_is_a_string_stays_one() -> None:
    assert written({"model": "garden", "messages": [{"role": "user", "content": "hi"}]}) == {
        "model": "garden",
        "messages": [{"role": "user", "content": "hi"}],
    }


def test_arguments_and_schemas_keep_their_spelling() -> None:
    sent = (
        b'{"model":"garden","messages":[{"role":"assistant","content":[{"type":"tool_use","id":"t","name":"f","input":'
        b'{"b":1.50,"a":"\\u00e9"}}]}],"tools":[{"name":"f","input_schema":{"z":1e2,"a":1}}]}'
    )
    done = CHAT.write_request(CHAT.read_request(sent, Call()), Target("garden", source=TRANSLATION.vocabulary))
    assert b'{"b":1.50,"a":"\\u00e9"}' in done.body
    assert b'{"z":1e2,"a":1}' in done.body


def parts(*blocks: dict[str, object]) -> list[object]:
    """The parts of one message, without their paths and extras."""
    message = read(body(*blocks)).messages[0]
    return [msgspec.structs.replace(part, at="", extras=None) for part in message.parts]


def test_blocks_are_read_as_parts() -> None:
    assert parts(
        {"type": "text", "text": "hi", "cache_control": {"type": "ephemeral", "ttl": "1h"}},
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AA=="}},
        {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "w"}, "title": "T"},
        {"type": "document", "source": {"type": "url", "url": "https://a.example"}},
        {"type": "image", "source": {"type": "file", "file_id": "file_1"}},
        {"type": "tool_use", "id": "t", "name": "f", "input": {"a": 1}},
        {"type": "thinking", "thinking": "hm", "signature": "c2ln"},
        {"type": "redacted_thinking", "data": "c2VhbA=="},
    ) == [
        Text(text="hi", cache=CacheHint(ttl="1h")),
        Media(kind="image", source=Inline("image/png", "AA==")),
        Media(kind="document", source=Plain("w"), name="T"),
        Media(kind="document", source=Link("https://a.example")),
        Media(kind="image", source=HostFile("file_1")),
        ToolCall(id="t", name="f", arguments='{"a":1}'),
        Reasoning(texts=("hm",), seal=Seal(NAME, "c2ln")),
        Reasoning(is_redacted=True, seal=Seal(NAME, "c2VhbA==")),
    ]


def test_a_result_is_read_with_its_parts_and_paths() -> None:
    block = {"type": "tool_result", "tool_use_id": "t", "content": "12", "is_error": True}
    (part,) = read(body(block)).messages[0].parts
    assert isinstance(part, ToolResult)
    assert (part.call_id, part.is_error, part.at) == ("t", True, "messages[0].content[0]")
    assert part.parts == (Text(text="12", at="messages[0].content[0].content"),)


def test_a_block_of_an_unknown_type_is_opaque() -> None:
    (part,) = read(body({"type": "server_tool_use", "id": "s", "name": "n", "input": {}})).messages[0].parts
    assert isinstance(part, Opaque)
    assert (part.dialect, part.kind) == (NAME, "server_tool_use")
    assert bytes(part.raw) == b'{"type":"server_tool_use","id":"s","name":"n","input":{}}'


def test_the_top_is_read() -> None:
    request = read(
        body(
            system="Be brief.",
            stop_sequences=["END"],
            temperature=0.5,
            stream=True,
            metadata={"user_id": "u1"},
            service_tier="standard_only",
            tools=[{"name": "f", "input_schema": {}, "strict": True}, {"type": "bash_20250124", "name": "bash"}],
            tool_choice={"type": "tool", "name": "f", "disable_parallel_tool_use": True},
            output_config={"format": {"type": "json_schema", "schema": {"type": "object"}}},
        )
    )
    assert request.messages[0].role == "system"
    assert (request.stop, request.temperature, request.user) == (("END",), 0.5, "u1")
    assert (request.service_tier, request.is_stream, request.wants_usage) == ("default", True, True)
    tool, host_tool = request.tools
    assert isinstance(tool, Tool)
    assert (tool.name, tool.is_strict) == ("f", True)
    assert isinstance(host_tool, HostTool)
    assert host_tool.kind == "bash_20250124"
    assert request.tool_choice == ToolChoice(mode="required", names=("f",), at="tool_choice")
    assert request.parallel_tools is False
    assert request.output is not None
    assert request.output.at == "output_config.format"


@pytest.mark.parametrize(
    ("members", "meant"),
    [
        ({"thinking": {"type": "enabled", "budget_tokens": 2000}}, (True, None, 2000, "auto")),
        ({"thinking": {"type": "adaptive", "display": "omitted"}}, (True, None, -1, "none")),
        ({"thinking": {"type": "disabled"}}, (False, None, None, None)),
        ({"output_config": {"effort": "max"}}, (None, "max", None, None)),
    ],
)
def test_a_wish_to_think_is_read(members: dict[str, object], meant: tuple[object, ...]) -> None:
    wish = read(body(**members)).reasoning
    assert wish is not None
    assert (wish.is_on, wish.effort, wish.budget_tokens, wish.shows) == meant


def test_the_beta_header_is_kept_beside_the_body() -> None:
    call = Call(headers={"anthropic-beta": "skills-2025-10-02"})
    request = read(body(), call)
    assert request.extras is not None
    assert bytes(request.extras.members["anthropic-beta"]) == b'"skills-2025-10-02"'
    assert written(body(), call) == body()


WRONG = [
    ({"messages": "hi"}, "messages"),
    ({"messages": ["hi"]}, "messages[0]"),
    ({"messages": [{"role": "robot", "content": "x"}]}, "messages[0].role"),
    ({"messages": [{"role": "user", "content": 3}]}, "messages[0].content"),
    ({"messages": [{"role": "user", "content": [{"text": "x"}]}]}, "messages[0].content[0].type"),
    ({"messages": [{"role": "user", "content": [{"type": "text"}]}]}, "messages[0].content[0].text"),
    (
        {"messages": [{"role": "user", "content": [{"type": "image", "source": {"type": "url"}}]}]},
        "messages[0].content[0].source.url",
    ),
    ({"system": 3}, "system"),
    ({"tools": [{"input_schema": {}}]}, "tools[0].name"),
    ({"tool_choice": {"type": "perhaps"}}, "tool_choice.type"),
    ({"thinking": {"budget_tokens": 3}}, "thinking.type"),
    ({"max_tokens": "many"}, "max_tokens"),
]


@pytest.mark.parametrize(("members", "path"), WRONG, ids=[path for _, path in WRONG])
def test_what_is_wrong_is_the_callers_fault_with_its_path(members: dict[str, object], path: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        read(body(**members))
    assert refused.value.path == path


def test_what_is_no_json_is_the_callers_fault() -> None:
    with pytest.raises(NotJson):
        CHAT.read_request(b"hi", Call())


def test_a_count_request_has_only_what_is_counted() -> None:
    request = CHAT.read_request(ENCODE(body(temperature=0.5, stream=True, metadata={"user_id": "u"})), Call())
    done = COUNT.write_request(request, Target("garden", source=TRANSLATION.vocabulary))
    assert DECODE(done.body) == {"model": "garden", "messages": [{"role": "user", "content": []}]}


def test_a_hosts_row_changes_what_its_host_gets() -> None:
    habits = Habits(
        forbids=frozenset(("top_k",)),
        renames={"max_tokens": "limit"},
        demands={"anthropic_version": msgspec.Raw(b'"1"')},
    )
    done = CHAT.write_request(read(body(top_k=3)), Target("garden", source=TRANSLATION.vocabulary, habits=habits))
    sent = DECODE(done.body)
    assert (sent["limit"], sent["anthropic_version"], "top_k" in sent) == (64, "1", False)
    assert [str(loss) for loss in done.losses] == ["tuning:top_k"]
    assert done.adaptations == ("max_tokens>limit", "+anthropic_version")
