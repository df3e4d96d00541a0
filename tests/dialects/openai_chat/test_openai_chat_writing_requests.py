"""What another dialect's client asks, as a host of this dialect gets it, and what it cannot be told."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec import Raw
from openai_chat_examples import TRANSLATION, losses, write, written

from hortus.canon.nodes import CacheHint, Extras, Seal
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
from hortus.canon.request import HostTool, Message, OutputFormat, ReasoningWish, Request, Tool, ToolChoice

CALL = ToolCall(id="c1", name="f", arguments="{}", at="m[1].parts[0]")


def user(*parts: Part) -> Message:
    return Message(role="user", parts=parts, at="m[0]")


def assistant(*parts: Part) -> Message:
    return Message(role="assistant", parts=parts, at="m[1]")


def image(source: Any, **fields: Any) -> Media:
    return Media(kind="image", source=source, at="m[0].parts[0]", **fields)


def test_one_text_is_a_string_and_several_are_a_list() -> None:
    assert written(user(Text(text="a")))["messages"] == [{"role": "user", "content": "a"}]
    assert written(user(Text(text="a"), Text(text="b")))["messages"][0]["content"] == [
        {"type": "text", "text": "a"},
        {"type": "text", "text": "b"},
    ]


def test_nothing_said_is_an_empty_text() -> None:
    assert written(user())["messages"] == [{"role": "user", "content": ""}]


def test_messages_of_the_assistant_in_one_turn_are_one() -> None:
    parts = (Reasoning(texts=("hm",)), Text(text="a"), CALL)
    messages = [Message(role="assistant", parts=(part,), name="n") for part in parts]
    assert written(*messages)["messages"] == [
        {
            "role": "assistant",
            "content": "a",
            "name": "n",
            "reasoning_content": "hm",
            "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
        }
    ]


def test_a_turn_of_which_nothing_can_be_written_is_left_out_and_named() -> None:
    thought = Reasoning(texts=("hm",), seal=Seal("anthropic_messages", "s"), at="m[1].parts[0]")
    request = Request(model="m", messages=(assistant(thought),))
    assert written(*request.messages)["messages"] == []
    assert losses(request) == {"m[1].parts[0]": "tuning"}


def test_reasoning_of_this_dialect_and_its_seal_go_back_verbatim() -> None:
    thought = Reasoning(texts=("a", "b"), summary=("c",), seal=Seal("openai_chat", '[{"x":1.0}]'))
    (message,) = written(assistant(thought, Text(text="t")))["messages"]
    assert message["reasoning_content"] == "a\n\nb\n\nc"
    assert message["reasoning_details"] == [{"x": 1.0}]


def test_geminis_seal_goes_with_its_call() -> None:
    call = ToolCall(id="c1", name="f", arguments="{}", seal=Seal("gemini", "s"))
    (message,) = written(assistant(call))["messages"]
    assert message["content"] is None
    assert message["tool_calls"][0]["extra_content"] == {"google": {"thought_signature": "s"}}


def test_results_stand_before_what_else_the_user_says() -> None:
    request = Request(
        model="m", messages=(user(Text(text="a"), ToolResult(call_id="c1", parts=(Text(text="4"),), name="f")),)
    )
    assert written(*request.messages)["messages"] == [
        {"role": "tool", "tool_call_id": "c1", "content": "4"},
        {"role": "user", "content": "a"},
    ]
    assert write(request).adaptations == ("results>before text",)


def test_text_after_a_call_moves_before_it() -> None:
    request = Request(model="m", messages=(assistant(CALL, Text(text="a")),))
    assert write(request).adaptations == ("text>before calls",)


def test_a_result_that_is_an_error_is_carried_without_its_mark() -> None:
    result = ToolResult(call_id="c1", parts=(Text(text="no"),), is_error=True, at="m[0].parts[0]")
    assert losses(Request(model="m", messages=(user(result),))) == {"m[0].parts[0].is_error": "tuning"}


def test_refusals_stand_beside_the_content() -> None:
    (message,) = written(assistant(Refusal(text="a"), Refusal(text="b")))["messages"]
    assert message == {"role": "assistant", "content": None, "refusal": "a\n\nb"}


@pytest.mark.parametrize(
    ("media", "body"),
    [
        (
            image(Inline("image/png", "AA"), detail="low"),
            {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA", "detail": "low"}},
        ),
        (image(Link("https://a.example/b")), {"type": "image_url", "image_url": {"url": "https://a.example/b"}}),
        (
            Media(kind="audio", source=Inline("audio/x-wav", "AA")),
            {"type": "input_audio", "input_audio": {"data": "AA", "format": "wav"}},
        ),
        (
            Media(kind="document", source=Inline("application/pdf", "AA"), name="n"),
            {"type": "file", "file": {"file_data": "data:application/pdf;base64,AA", "filename": "n"}},
        ),
        (Media(kind="document", source=Plain("words")), {"type": "text", "text": "words"}),
    ],
)
def test_media_are_written(media: Media, body: dict[str, Any]) -> None:
    content = written(user(media, Text(text="x")))["messages"][0]["content"]
    assert content[0] == body


@pytest.mark.parametrize(("kind", "name"), [("application/pdf", "document.pdf"), ("text/csv", "document")])
def test_a_document_without_a_name_gets_one(kind: str, name: str) -> None:
    media = Media(kind="document", source=Inline(kind, "AA"))
    done = write(Request(model="m", messages=(user(media),)))
    assert f'"filename":"{name}"'.encode() in done.body
    assert done.adaptations == ("+file.filename",)


@pytest.mark.parametrize(
    "media",
    [
        image(HostFile("f")),
        image(Plain("x")),
        Media(kind="audio", source=Link("https://a.example/b"), at="m[0].parts[0]"),
        Media(kind="audio", source=Inline("video/mp4", "AA"), at="m[0].parts[0]"),
        Media(kind="document", source=HostFile("f"), at="m[0].parts[0]"),
        Media(kind="document", source=Link("https://a.example/b"), at="m[0].parts[0]"),
        Media(kind="video", source=Inline("video/mp4", "AA"), at="m[0].parts[0]"),
    ],
)
def test_media_that_cannot_be_written_are_a_loss_of_meaning(media: Media) -> None:
    assert losses(Request(model="m", messages=(user(media),))) == {"m[0].parts[0]": "meaning"}


@pytest.mark.parametrize("role", ["system", "assistant"])
def test_only_users_send_media(role: Any) -> None:
    message = Message(role=role, parts=(image(Inline("image/png", "AA")),), at="m[0]")
    assert losses(Request(model="m", messages=(message,))) == {"m[0].parts[0]": "meaning"}


def test_media_in_results_are_a_loss_of_meaning() -> None:
    result = ToolResult(call_id="c", parts=(image(Inline("image/png", "AA")),), at="m[0].parts[0]")
    request = Request(model="m", messages=(user(result),))
    assert losses(request) == {"m[0].parts[0]": "meaning"}
    (loss,) = write(request).losses
    assert "send it in a message of the user" in loss.reason


def test_what_only_another_dialect_knows_is_a_loss_of_meaning() -> None:
    opaque = Opaque(dialect="gemini", kind="x", raw=Raw(b"{}"), at="m[0].parts[0]")
    tool = HostTool(dialect="gemini", kind="googleSearch", raw=Raw(b"{}"), at="tools[0]")
    request = Request(model="m", messages=(user(opaque),), tools=(tool,))
    assert losses(request) == {"m[0].parts[0]": "meaning", "tools[0]": "meaning"}


def test_what_only_the_assistant_says_is_lost_in_a_message_of_the_user() -> None:
    assert losses(Request(model="m", messages=(user(CALL, Text(text="x")),))) == {"m[1].parts[0]": "meaning"}


def test_hints_at_the_cache_and_citations_are_lost_lightly() -> None:
    text = Text(text="x", cache=CacheHint(), citations=(Citation(title="t", at="c"),), at="m[0].parts[0]")
    assert losses(Request(model="m", messages=(user(text),))) == {
        "c": "advisory",
        "m[0].parts[0].cache_control": "advisory",
    }


@pytest.mark.parametrize(
    ("choice", "body"),
    [
        (ToolChoice(mode="none", names=("f",)), "none"),
        (ToolChoice(mode="required"), "required"),
        (ToolChoice(mode="required", names=("f",)), {"type": "function", "function": {"name": "f"}}),
        (
            ToolChoice(mode="auto", names=("f",)),
            {
                "type": "allowed_tools",
                "allowed_tools": {"mode": "auto", "tools": [{"type": "function", "function": {"name": "f"}}]},
            },
        ),
    ],
)
def test_choices_among_tools_are_written(choice: ToolChoice, body: object) -> None:
    assert written(tool_choice=choice)["tool_choice"] == body


def test_tools_are_written() -> None:
    tool = Tool(name="f", description="d", parameters=Raw(b'{"b":1,"a":2}'), is_strict=True)
    assert written(tools=(tool,))["tools"] == [
        {
            "type": "function",
            "function": {"name": "f", "description": "d", "parameters": {"b": 1, "a": 2}, "strict": True},
        }
    ]


def test_a_schema_without_a_name_gets_one() -> None:
    output = OutputFormat(kind="schema", schema=Raw(b"{}"), description="d", is_strict=False)
    done = write(Request(model="m", messages=(), output=output))
    assert b'"json_schema":{"name":"answer","description":"d","schema":{},"strict":false}' in done.body
    assert done.adaptations == ("+response_format.json_schema.name",)
    assert written(output=OutputFormat(kind="schema"))["response_format"]["json_schema"] == {"name": "answer"}


@pytest.mark.parametrize(
    ("wish", "effort", "lost"),
    [
        (ReasoningWish(effort="low", at="r"), "low", {}),
        (ReasoningWish(is_on=False, at="r"), "none", {}),
        (ReasoningWish(is_on=True, budget_tokens=3000, at="r"), "medium", {"r.budget_tokens": "tuning"}),
        (ReasoningWish(is_on=True, at="r"), "medium", {"r.is_on": "tuning"}),
        (
            ReasoningWish(is_on=True, budget_tokens=-1, at="r"),
            "medium",
            {"r.is_on": "tuning"},
        ),
        (ReasoningWish(budget_tokens=-1, at="r"), None, {}),
        (ReasoningWish(effort="low", budget_tokens=3000, at="r"), "low", {"r.budget_tokens": "tuning"}),
        (ReasoningWish(effort="low", shows="full", at="r"), "low", {"r.shows": "tuning"}),
    ],
)
def test_the_wish_for_reasoning_is_an_effort(wish: ReasoningWish, effort: str | None, lost: dict[str, str]) -> None:
    assert written(reasoning=wish).get("reasoning_effort") == effort
    assert losses(Request(model="m", messages=(), reasoning=wish)) == lost


def test_members_have_this_dialects_names() -> None:
    assert written(
        max_output_tokens=5, stop=("x",), choices=2, parallel_tools=False, cache_key="k", is_stored=True, user="u"
    ) == {
        "model": "garden",
        "messages": [],
        "max_completion_tokens": 5,
        "stop": ["x"],
        "n": 2,
        "parallel_tool_calls": False,
        "prompt_cache_key": "k",
        "store": True,
        "user": "u",
    }


def test_usage_is_asked_for_where_it_is_wanted() -> None:
    body = written(is_stream=True, wants_usage=True)
    assert (body["stream"], body["stream_options"]) == (True, {"include_usage": True})


def test_a_top_k_is_lost_where_the_client_spoke_another_dialect() -> None:
    assert losses(Request(model="m", messages=(), top_k=5, continues="resp_1")) == {
        "top_k": "tuning",
        "continues": "meaning",
    }


def test_what_another_dialect_noted_stays_out_of_the_body_and_is_named() -> None:
    extras = Extras(dialect="gemini", members={"x": Raw(b"1"), "y": Raw(b"null")}, forms=("-model",))
    request = Request(model="m", messages=(), extras=extras)
    assert written(extras=extras) == {"model": "garden", "messages": []}
    assert losses(request) == {"x": "tuning"}


def test_paths_of_losses_are_in_the_clients_words() -> None:
    assert TRANSLATION.vocabulary.names["Request.max_output_tokens"] == "max_completion_tokens"
