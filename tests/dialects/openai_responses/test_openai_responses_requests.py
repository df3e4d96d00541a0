"""Requests: what a client's says, that it is written again as it was, and other makers' for hosts of this dialect."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from msgspec import Raw
from openai_responses_examples import (
    CHAT,
    NAME,
    again,
    body_of,
    call,
    foreign,
    item_again,
    losses,
    read,
    read_item,
    thoughts,
    words,
    write,
)

from hortus.canon.errors import InvalidRequest, NotJson
from hortus.canon.nodes import Seal
from hortus.canon.parts import (
    Citation,
    HostFile,
    Inline,
    Link,
    Media,
    Opaque,
    Part,
    Plain,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
    ToolResult,
)
from hortus.canon.request import HostTool, Message, OutputFormat, ReasoningWish, Role, Tool, ToolChoice
from hortus.canon.translation import Call, Habits

PNG = "data:image/png;base64,AAAA"
FUNCTION = {"type": "function", "name": "f", "parameters": {"type": "object"}, "strict": True}

SAME: dict[str, dict[str, Any]] = {
    "bare input": {},
    "no items": {"input": []},
    "null input": {"input": None, "prompt": {"id": "pmpt_1", "version": "2"}},
    "instructions": {"instructions": "Be brief."},
    "nulls": dict.fromkeys(("instructions", "tools", "text", "reasoning", "tool_choice", "metadata", "user")),
    "tools": {"tools": [FUNCTION, {"type": "web_search", "search_context_size": "low"}]},
    "no tools": {"tools": []},
    "bare function": {"tools": [{"type": "function", "name": "f", "description": None, "parameters": None}]},
    "unknown member of a function": {"tools": [FUNCTION | {"defer_loading": True}]},
    "choice of a mode": {"tool_choice": "required"},
    "choice of a function": {"tool_choice": {"type": "function", "name": "f"}},
    "choice of one allowed": {
        "tool_choice": {"type": "allowed_tools", "mode": "required", "tools": [{"type": "function", "name": "f"}]}
    },
    "choice of some allowed": {
        "tool_choice": {
            "type": "allowed_tools",
            "mode": "auto",
            "tools": [{"type": "function", "name": "f"}, {"type": "function", "name": "g"}],
        }
    },
    "choice of an unknown mode": {"tool_choice": "sometimes"},
    "choice of the host's tool": {"tool_choice": {"type": "web_search"}},
    "choice among the host's tools": {
        "tool_choice": {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "mcp", "server_label": "x"}]}
    },
    "choice with an unknown member": {"tool_choice": {"type": "function", "name": "f", "x": 1}},
    "text": {"text": {"format": {"type": "text"}, "verbosity": "low"}},
    "empty text": {"text": {}},
    "null format": {"text": {"format": None, "verbosity": None, "unknown": 1}},
    "json": {"text": {"format": {"type": "json_object"}}},
    "schema": {
        "text": {
            "format": {
                "type": "json_schema",
                "name": "n",
                "schema": {"type": "object"},
                "strict": True,
                "description": None,
            }
        }
    },
    "reasoning": {"reasoning": {"effort": "high", "summary": "detailed", "context": "all_turns"}},
    "empty reasoning": {"reasoning": {}},
    "numbers": {"temperature": 0.5, "top_p": 1, "max_output_tokens": 64, "top_logprobs": 2, "max_tool_calls": 3},
    "flags": {"store": True, "parallel_tool_calls": False, "stream": False, "background": True},
    "stream": {"stream": True, "stream_options": {"include_obfuscation": False}},
    "usual values": {"background": False, "truncation": "disabled"},
    "truncation": {"truncation": "auto"},
    "logprobs": {"include": ["message.output_text.logprobs", "reasoning.encrypted_content"]},
    "null include": {"include": None},
    "ids": {"previous_response_id": "resp_1", "conversation": {"id": "conv_1"}},
    "user": {"user": "u", "metadata": {"k": "v"}, "service_tier": "flex", "prompt_cache_key": "c"},
    "safety": {"safety_identifier": "s"},
    "user and safety": {"user": "u", "safety_identifier": "s"},
}


@pytest.mark.parametrize("members", SAME.values(), ids=SAME.keys())
def test_a_request_is_written_again_as_it_was(members: dict[str, Any]) -> None:
    assert again(**members) == {"model": "garden", "input": "hello"} | members


IMAGE = {"type": "input_image", "image_url": PNG, "detail": "low"}
ITEMS: dict[str, Any] = {
    "system": {"role": "system", "content": "Be brief."},
    "untyped": {"role": "user", "content": "hello"},
    "typed": {"type": "message", "role": "developer", "content": "hello", "id": None},
    "parts": {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "a", "unknown": 1}, IMAGE]},
    "no parts": {"type": "message", "role": "user", "content": []},
    "linked picture": {"role": "user", "content": [{"type": "input_image", "image_url": "https://a.example/b.png"}]},
    "picture of a file": {"role": "user", "content": [{"type": "input_image", "file_id": "file_1"}]},
    "no picture": {"role": "user", "content": [{"type": "input_image", "image_url": None}]},
    "file": {"role": "user", "content": [{"type": "input_file", "file_data": "AAAA", "filename": "a.PDF"}]},
    "file of an unknown type": {"role": "user", "content": [{"type": "input_file", "file_data": "AAAA"}]},
    "file as an address": {"role": "user", "content": [{"type": "input_file", "file_url": "https://a.example/b"}]},
    "file as data": {"role": "user", "content": [{"type": "input_file", "file_data": "data:text/csv;base64,AAAA"}]},
    "kept file": {"role": "user", "content": [{"type": "input_file", "file_id": "file_1", "filename": "a"}]},
    "no file": {"role": "user", "content": [{"type": "input_file", "filename": "a"}]},
    "unknown part": {"role": "user", "content": [{"type": "input_smell", "smell": "moss"}]},
    "answer": {
        "type": "message",
        "id": "msg_1",
        "status": "completed",
        "role": "assistant",
        "content": [words("x"), words("y")],
    },
    "answer without more": {"role": "assistant", "content": [{"type": "output_text", "text": "x"}]},
    "answer with nulls": {
        "role": "assistant",
        "content": [{"type": "output_text", "text": "x", "annotations": None, "logprobs": None}],
    },
    "answer as input": {"role": "assistant", "content": [{"type": "input_text", "text": "x"}]},
    "question as output": {"role": "user", "content": [words("x")]},
    "probabilities": {"role": "assistant", "content": [words("x", logprobs=[{"token": "x", "logprob": -1.0}])]},
    "refusal": {"role": "assistant", "content": [{"type": "refusal", "refusal": "no"}]},
    "unknown role": {"type": "message", "role": "critic", "content": "x"},
    "cited": {
        "role": "assistant",
        "content": [
            words(
                "x",
                annotations=[
                    {
                        "type": "url_citation",
                        "url": "https://a.example",
                        "title": "A",
                        "start_index": 0,
                        "end_index": 1,
                    },
                    {"type": "url_citation", "url": "https://a.example"},
                    {"type": "file_citation", "file_id": "file_1", "filename": "a.txt", "index": 1},
                    {"type": "file_path", "file_id": "file_1", "index": 1, "filename": 7},
                ],
            )
        ],
    },
    "call": call('{"a": 1}', namespace="n"),
    "result": {"type": "function_call_output", "call_id": "call_1", "output": "done"},
    "empty result": {"type": "function_call_output", "call_id": "call_1", "output": []},
    "result in parts": {
        "type": "function_call_output",
        "call_id": "call_1",
        "output": [{"type": "input_text", "text": "x"}, IMAGE],
    },
    "reasoning": thoughts(summary=[{"type": "summary_text", "text": "hm"}], encrypted_content="gAAA", status=None),
    "reasoning with words": thoughts(content=[{"type": "reasoning_text", "text": "hm"}]),
    "reasoning with no words": thoughts(content=[]),
    "reasoning without a summary": {"type": "reasoning", "id": "rs_1", "encrypted_content": "gAAA"},
    "reasoning of an unknown kind": thoughts(summary=[{"type": "picture_of_it", "text": "hm"}]),
    "web search": {"type": "web_search_call", "id": "ws_1", "status": "completed"},
    "result of a custom tool": {"type": "custom_tool_call_output", "call_id": "c", "output": "x"},
    "reference": {"id": "msg_1"},
}


@pytest.mark.parametrize("item", ITEMS.values(), ids=ITEMS.keys())
def test_an_item_is_written_again_as_it_was(item: Any) -> None:
    assert item_again(item) == item


def test_a_stored_prompt_may_name_the_model() -> None:
    body = b'{"prompt":{"id":"pmpt_1"},"input":"hello"}'
    assert write(CHAT.read_request(body, Call())).body == b'{"input":"hello","prompt":{"id":"pmpt_1"}}'


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"input": "x"}, "model"),
        ({"model": 7}, "model"),
        ({"model": "m", "input": 7}, "input"),
        ({"model": "m", "input": [7]}, "input[0]"),
        ({"model": "m", "input": [{"type": 7}]}, "input[0]"),
        ({"model": "m", "input": [{"role": "user", "content": 7}]}, "input[0].content"),
        ({"model": "m", "input": [{"role": "user", "content": [7]}]}, "input[0].content[0]"),
        ({"model": "m", "input": [{"role": "user", "content": [{"type": "input_text"}]}]}, "input[0].content[0].text"),
        ({"model": "m", "input": [{"type": "function_call", "name": "f"}]}, "input[0].call_id"),
        ({"model": "m", "tools": [{"type": "function"}]}, "tools[0].name"),
        ({"model": "m", "text": {"format": {"type": "xml"}}}, "text.format.type"),
        ({"model": "m", "text": {"verbosity": 1}}, "text.verbosity"),
        ({"model": "m", "temperature": "hot"}, "temperature"),
    ],
)
def test_what_is_wrong_is_refused_with_its_path(body: Any, path: str) -> None:
    with pytest.raises(InvalidRequest) as raised:
        CHAT.read_request(msgspec.json.encode(body), Call())
    assert raised.value.path == path


def test_what_is_no_json_is_refused() -> None:
    with pytest.raises(NotJson):
        CHAT.read_request(b"[]", Call())


def test_every_canonical_member_is_read() -> None:
    request = read(
        temperature=0.5,
        top_p=0.25,
        max_output_tokens=64,
        top_logprobs=2,
        include=["message.output_text.logprobs"],
        parallel_tool_calls=False,
        store=True,
        stream=True,
        user="u",
        service_tier="flex",
        prompt_cache_key="c",
        previous_response_id="resp_1",
        text={"verbosity": "low"},
    )
    assert (request.temperature, request.top_p, request.max_output_tokens) == (0.5, 0.25, 64)
    assert (request.has_logprobs, request.top_logprobs, request.parallel_tools) == (True, 2, False)
    assert (request.is_stored, request.is_stream, request.wants_usage, request.continues) == (
        True,
        True,
        True,
        "resp_1",
    )
    assert (request.user, request.service_tier, request.cache_key, request.verbosity) == ("u", "flex", "c", "low")


def test_instructions_are_the_first_message_of_the_system() -> None:
    first, second = read(instructions="Be brief.").messages
    assert (first.role, first.at, second.role) == ("system", "instructions", "user")


@pytest.mark.parametrize(
    ("item", "role"),
    [(call(), "assistant"), (thoughts(), "assistant"), ({"type": "mcp_approval_response"}, "user")],
)
def test_an_item_stands_in_the_turn_of_who_made_it(item: Any, role: str) -> None:
    assert read_item(item).role == role


def test_encrypted_reasoning_is_a_seal() -> None:
    (part,) = read_item(thoughts(encrypted_content="gAAA")).parts
    assert isinstance(part, Reasoning)
    assert part.seal == Seal(dialect=NAME, data="gAAA")


def test_a_citation_says_where_its_words_come_from() -> None:
    cited = words("x", annotations=[{"type": "url_citation", "url": "https://a.example", "start_index": 0}])
    (part,) = read_item({"role": "assistant", "content": [cited]}).parts
    assert isinstance(part, Text)
    assert part.citations[0].url == "https://a.example"


@pytest.mark.parametrize(
    ("name", "media_type"), [("a.pdf", "application/pdf"), (None, "application/octet-stream")], ids=["named", "unnamed"]
)
def test_the_type_of_bare_bytes_is_told_by_the_name(name: str | None, media_type: str) -> None:
    part = {"type": "input_file", "file_data": "AAAA"} | ({"filename": name} if name else {})
    (media,) = read_item({"role": "user", "content": [part]}).parts
    assert isinstance(media, Media)
    assert media.source == Inline(media_type, "AAAA")


# --- requests of other makers' clients ---


def said(*parts: Part, role: Role = "user") -> Message:
    return Message(role=role, parts=parts, at="messages[0]")


def items(*parts: Part, role: Role = "user") -> list[Any]:
    return body_of(foreign(said(*parts, role=role)))["input"]


def test_nothing_is_kept_unless_the_client_wants_it() -> None:
    done = write(foreign(said(Text(text="hello"))))
    assert msgspec.json.decode(done.body) == {
        "model": "garden",
        "input": [{"type": "message", "role": "user", "content": "hello"}],
        "store": False,
    }
    assert done.adaptations == ("+store=false",)


def test_what_the_client_wants_kept_is_kept() -> None:
    assert body_of(foreign(said(Text(text="hello")), is_stored=True))["store"] is True


def test_a_system_prompt_becomes_instructions() -> None:
    body = body_of(foreign(said(Text(text="Be brief."), role="system"), said(Text(text="hello"))))
    assert (body["instructions"], len(body["input"])) == ("Be brief.", 1)


@pytest.mark.parametrize(
    "prompt",
    [(Text(text="a"), Text(text="b")), (Media(kind="image", source=Link(url="https://a.example")),)],
    ids=["two", "picture"],
)
def test_a_longer_system_prompt_is_an_item(prompt: tuple[Part, ...]) -> None:
    (item,) = items(*prompt, role="system")
    assert (item["role"], len(item["content"])) == ("system", len(prompt))


def test_a_developers_message_stays_one() -> None:
    assert items(Text(text="x"), role="developer") == [{"type": "message", "role": "developer", "content": "x"}]


def test_a_turn_is_written_item_by_item() -> None:
    written = items(
        Text(text="a"),
        Text(text="b"),
        ToolCall(id="c1", name="f", arguments="{}"),
        Refusal(text="no"),
        role="assistant",
    )
    assert written == [
        {"type": "message", "role": "assistant", "content": [words("a"), words("b")]},
        {"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{}"},
        {"type": "message", "role": "assistant", "content": [{"type": "refusal", "refusal": "no"}]},
    ]


def test_a_message_without_words_is_written_as_one() -> None:
    assert items() == [{"type": "message", "role": "user", "content": []}]


def test_results_are_carried_and_the_mark_of_an_error_is_not() -> None:
    result = ToolResult(call_id="c1", parts=(Text(text="a"),), is_error=True, at="messages[0].content[0]")
    request = foreign(said(result, ToolResult(call_id="c2", parts=())))
    assert body_of(request)["input"] == [
        {"type": "function_call_output", "call_id": "c1", "output": "a"},
        {"type": "function_call_output", "call_id": "c2", "output": ""},
    ]
    assert losses(request) == {"messages[0].content[0].is_error": "tuning"}


def test_several_texts_of_a_result_stay_apart() -> None:
    (item,) = items(ToolResult(call_id="c1", parts=(Text(text="a"), Text(text="b"))))
    assert item["output"] == [{"type": "input_text", "text": "a"}, {"type": "input_text", "text": "b"}]


MEDIA: dict[str, tuple[Media, dict[str, Any]]] = {
    "picture": (
        Media(kind="image", source=Inline("image/png", "AAAA"), detail="high"),
        {"type": "input_image", "image_url": PNG, "detail": "high"},
    ),
    "document": (
        Media(kind="document", source=Inline("application/pdf", "AAAA")),
        {"type": "input_file", "file_data": "data:application/pdf;base64,AAAA", "filename": "document.pdf"},
    ),
    "document of another type": (
        Media(kind="document", source=Inline("application/x", "AAAA"), name="a.x"),
        {"type": "input_file", "file_data": "data:application/x;base64,AAAA", "filename": "a.x"},
    ),
    "plain document": (
        Media(kind="document", source=Plain(text="hi")),
        {"type": "input_file", "file_data": "data:text/plain;base64,aGk=", "filename": "document.txt"},
    ),
    "linked document": (
        Media(kind="document", source=Link(url="https://a.example")),
        {"type": "input_file", "file_url": "https://a.example"},
    ),
}


@pytest.mark.parametrize(("media", "part"), MEDIA.values(), ids=MEDIA.keys())
def test_media_are_written(media: Media, part: Any) -> None:
    assert items(media) == [{"type": "message", "role": "user", "content": [part]}]


@pytest.mark.parametrize(
    "part",
    [
        Media(kind="audio", source=Inline("audio/mp3", "AAAA"), at="x"),
        Media(kind="image", source=Plain(text="a tree"), at="x"),
        Media(kind="image", source=HostFile(id="f"), at="x"),
        Media(kind="document", source=HostFile(id="f"), at="x"),
        Opaque(dialect="gemini", kind="k", raw=Raw(b"{}"), at="x"),
    ],
    ids=["sound", "described picture", "kept picture", "kept document", "opaque"],
)
def test_what_has_no_place_is_a_loss_of_meaning(part: Part) -> None:
    request = foreign(said(part))
    assert (body_of(request)["input"], losses(request)) == ([], {"x": "meaning"})


def test_reasoning_goes_to_its_maker_only() -> None:
    own = Reasoning(summary=("hm",), seal=Seal(dialect=NAME, data="gAAA"))
    other = Reasoning(texts=("hm",), seal=Seal(dialect="gemini", data="x"), at="messages[0].content[1]")
    request = foreign(said(own, other, role="assistant"))
    assert body_of(request)["input"] == [
        {"type": "reasoning", "summary": [{"type": "summary_text", "text": "hm"}], "encrypted_content": "gAAA"}
    ]
    assert losses(request) == {"messages[0].content[1]": "tuning"}


def test_functions_are_as_lax_as_in_every_other_dialect() -> None:
    done = write(foreign(tools=(Tool(name="f", description="d"), HostTool(dialect="gemini", kind="k", raw=Raw(b"1")))))
    assert msgspec.json.decode(done.body)["tools"] == [
        {
            "type": "function",
            "name": "f",
            "description": "d",
            "parameters": {"type": "object", "properties": {}},
            "strict": False,
        }
    ]
    assert done.adaptations[:2] == ("+tools[].parameters", "+tools[].strict=false")
    assert len(done.losses) == 1


def test_what_a_function_says_of_itself_is_kept() -> None:
    (tool,) = body_of(foreign(tools=(Tool(name="f", parameters=Raw(b'{"a":1}'), is_strict=True),)))["tools"]
    assert tool == {"type": "function", "name": "f", "parameters": {"a": 1}, "strict": True}


@pytest.mark.parametrize(
    ("choice", "written"),
    [
        (ToolChoice(mode="auto"), "auto"),
        (ToolChoice(mode="none", names=("f",)), "none"),
        (ToolChoice(mode="required", names=("f",)), {"type": "function", "name": "f"}),
        (
            ToolChoice(mode="auto", names=("f",)),
            {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", "name": "f"}]},
        ),
    ],
)
def test_the_choice_of_tools_is_written(choice: ToolChoice, written: Any) -> None:
    assert body_of(foreign(tool_choice=choice))["tool_choice"] == written


def test_a_schema_gets_a_name() -> None:
    done = write(foreign(output=OutputFormat(kind="schema", schema=Raw(b"{}"))))
    assert msgspec.json.decode(done.body)["text"]["format"] == {"type": "json_schema", "name": "answer", "schema": {}}
    assert "+text.format.name" in done.adaptations


@pytest.mark.parametrize(
    ("wish", "written", "lost"),
    [
        (ReasoningWish(effort="low", shows="auto"), {"effort": "low", "summary": "auto"}, {}),
        (ReasoningWish(is_on=False), {"effort": "none"}, {}),
        (ReasoningWish(is_on=True), {"effort": "medium"}, {"r.is_on": "tuning"}),
        (ReasoningWish(budget_tokens=2000), {"effort": "low"}, {"r.budget_tokens": "tuning"}),
        (ReasoningWish(effort="low", shows="full"), {"effort": "low", "summary": "detailed"}, {"r.summary": "tuning"}),
        (ReasoningWish(budget_tokens=-1), None, {}),
        (ReasoningWish(effort="low", shows="none"), {"effort": "low"}, {}),
    ],
)
def test_the_wish_to_think_is_written(wish: ReasoningWish, written: Any, lost: dict[str, str]) -> None:
    request = foreign(reasoning=msgspec.structs.replace(wish, at="r"))
    assert (body_of(request).get("reasoning"), losses(request)) == (written, lost)


def test_what_is_thought_comes_back_sealed() -> None:
    body = body_of(foreign(reasoning=ReasoningWish(effort="low"), has_logprobs=True))
    assert body["include"] == ["message.output_text.logprobs", "reasoning.encrypted_content"]


def test_probabilities_that_are_not_wanted_are_not_asked_for() -> None:
    assert "include" not in body_of(foreign(has_logprobs=False))


def test_stops_are_a_loss_of_meaning() -> None:
    assert losses(foreign(stop=("x",), seed=7)) == {"stop": "meaning", "seed": "tuning"}


def test_a_row_changes_what_a_host_gets() -> None:
    habits = Habits(demands={"store": Raw(b"true"), "x": Raw(b"1")}, forbids=frozenset({"input", "temperature"}))
    body = body_of(foreign(temperature=0.5), habits=habits)
    assert (body["store"], body["x"], "temperature" in body) == (False, 1, False)


def test_a_member_that_can_not_go_back_is_named() -> None:
    request = read(text={"format": {"type": "text", "x": 1}})
    assert request.output is not None
    output = msgspec.structs.replace(request.output, kind="json")
    changed = msgspec.structs.replace(
        output, extras=msgspec.structs.replace(output.extras, members={"type": Raw(b'"text"')})
    )
    done = write(msgspec.structs.replace(request, output=changed))
    assert [loss.path for loss in done.losses] == ["text.format.type"]


def test_a_citation_of_another_maker_gets_what_is_demanded() -> None:
    cited = Text(text="abc", citations=(Citation(url="https://a.example"), Citation(quote="q", at="c")))
    request = foreign(said(cited, role="assistant"))
    (item,) = body_of(request)["input"]
    assert item["content"][0]["annotations"] == [
        {"type": "url_citation", "url": "https://a.example", "title": "", "start_index": 0, "end_index": 3}
    ]
    assert losses(request) == {"c": "advisory"}


def test_own_items_that_were_joined_are_still_written() -> None:
    request = read(input=[{"role": "user", "content": "a"}, call(), {"type": "web_search_call", "id": "w"}])
    parts = tuple(part for message in request.messages for part in message.parts)
    joined = msgspec.structs.replace(request.messages[0], role="assistant", parts=parts)
    body = body_of(msgspec.structs.replace(request, messages=(joined,)))
    assert [item.get("type") for item in body["input"]] == [None, "function_call", "web_search_call"]


def test_a_bare_input_that_grew_is_written_as_items() -> None:
    request = read()
    grown = msgspec.structs.replace(request, messages=(*request.messages, said(Text(text="b"))))
    assert len(body_of(grown)["input"]) == 2
