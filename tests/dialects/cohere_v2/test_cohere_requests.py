"""Requests of Cohere's clients, read and written again, and those of others written for Cohere."""

from __future__ import annotations

from base64 import b64encode

import pytest
from cohere_examples import ENCODE, again, asked, body_of, read, sent
from msgspec import Raw

from hortus.canon.errors import InvalidRequest
from hortus.canon.nodes import Seal
from hortus.canon.parts import (
    Citation,
    HostFile,
    Inline,
    Link,
    Media,
    Opaque,
    Plain,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
    ToolResult,
)
from hortus.canon.request import HostTool, Message, OutputFormat, ReasoningWish, Tool, ToolChoice

CALL = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
TOOL = {"type": "function", "function": {"name": "f", "description": "d", "parameters": {"type": "object"}}}
PIXEL = "data:image/png;base64,iVBORw0KGgo="
CITED = {"start": 0, "end": 2, "text": "Hi", "sources": [{"type": "tool", "id": "c1:0", "tool_output": {"a": "b"}}]}
SAID = (Text("Go."),)

OWN: list[dict[str, object]] = [
    {},
    {"stream": True},
    {"stream": False, "max_tokens": 5, "temperature": 0.3, "p": 1.0, "k": 3, "seed": 1, "logprobs": True},
    {"frequency_penalty": 2.0, "presence_penalty": 0.5, "stop_sequences": [str(i) for i in range(7)]},
    {"stop_sequences": [], "documents": [], "tools": [], "max_tokens": None},
    {"safety_mode": "STRICT", "citation_options": {"mode": "FAST"}, "priority": 3, "raw_prompting": False},
    {"messages": []},
    {"messages": [{"role": "system", "content": [{"type": "text", "text": "Be"}]}, {"role": "user", "content": ""}]},
    {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": PIXEL, "detail": "low"}}]}]},
    {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://a.eu/b"}}]}]},
    {"messages": [{"role": "user", "content": [{"type": "video", "video": 1}], "tool_plan": "x", "tool_call_id": "y"}]},
    {"messages": [{"role": "assistant", "content": [], "tool_plan": None, "tool_calls": [CALL], "citations": []}]},
    {"messages": [{"role": "assistant", "tool_calls": [CALL], "tool_plan": "I will."}]},
    {"messages": [{"role": "assistant", "content": None, "tool_calls": [], "tool_plan": ""}]},
    {"messages": [{"role": "assistant", "tool_calls": [{"id": "c", "function": {"name": "f", "arguments": ""}}]}]},
    {"messages": [{"role": "assistant", "tool_calls": [{"id": "c", "type": "search", "x": 1}], "content": "a"}]},
    {
        "messages": [
            {"role": "assistant", "content": [{"type": "thinking", "thinking": "Hm"}, {"type": "text", "text": "a"}]}
        ]
    },
    {"messages": [{"role": "assistant", "content": [{"type": "thinking", "thinking": ""}]}]},
    {"messages": [{"role": "assistant", "content": "Hi", "citations": [CITED]}]},
    {"messages": [{"role": "assistant", "content": "Hi", "citations": [CITED | {"type": "PLAN"}]}]},
    {"messages": [{"role": "assistant", "content": "Hi", "citations": [CITED | {"content_index": 4}]}]},
    {
        "messages": [
            {"role": "assistant", "content": "Hi", "citations": [{"start": 0, "sources": 1, "content_index": 0}]}
        ]
    },
    {"messages": [{"role": "tool", "tool_call_id": "c1", "content": "5"}]},
    {"messages": [{"role": "tool", "tool_call_id": "c1", "content": [{"type": "text", "text": "5"}], "citations": []}]},
    {
        "messages": [
            {
                "role": "tool",
                "tool_call_id": "c1",
                "content": [{"type": "document", "document": {"data": {"a": 1}, "id": "x"}}],
            }
        ]
    },
    {
        "messages": [
            {"role": "tool", "tool_call_id": "c1", "content": [{"type": "document", "document": {"data": "b"}}]}
        ]
    },
    {"messages": [{"role": "tool", "tool_call_id": "c1"}]},
    {
        "documents": [
            "One.",
            {"data": {"text": "Two.", "title": "T"}},
            {"data": "Three.", "id": "3"},
            {"data": {"n": 1}},
        ]
    },
    {"documents": ["One."], "messages": [{"role": "system", "content": "Be"}]},
    {"documents": [{"data": [1], "id": "x"}]},
    {"tools": [TOOL, {"function": {"name": "g"}}, {"type": "search", "x": 1}], "strict_tools": True},
    {"tools": [TOOL], "strict_tools": False, "tool_choice": "REQUIRED"},
    {"tools": [{"type": "function", "function": {"name": "g", "parameters": None}}], "tool_choice": "NONE"},
    {"tool_choice": "AUTO"},
    {"response_format": {"type": "text"}},
    {"response_format": {"type": "json_object"}},
    {"response_format": {"type": "json_object", "json_schema": {"type": "object"}}},
    {"response_format": {"type": "json_object", "schema": {"type": "object"}}},
    {"response_format": {"type": "json_object", "schema": {"a": 1}, "json_schema": {"b": 1}}},
    {"response_format": {"type": "json_object", "schema": None, "json_schema": None}},
    {"response_format": {"type": "text", "json_schema": {"b": 1}}},
    {"response_format": {"type": "grammar"}},
    {"thinking": {"type": "enabled"}},
    {"thinking": {"type": "enabled", "token_budget": 0}},
    {"thinking": {"type": "disabled"}},
    {"thinking": {"type": "adaptive", "token_budget": 4}},
]


@pytest.mark.parametrize("members", OWN, ids=range(len(OWN)))
def test_what_a_client_of_cohere_says_is_written_as_it_was(members: dict[str, object]) -> None:
    assert again(**members) == sent(**members)


def test_documents_stand_before_the_last_question() -> None:
    messages = [
        {"role": "user", "content": "Look."},
        {"role": "assistant", "tool_calls": [CALL]},
        {"role": "tool", "tool_call_id": "c1", "content": "5"},
    ]
    request = read(messages=messages, documents=[{"data": {"text": "Two.", "title": "T"}}, {"data": "x", "id": "3"}])
    assert [message.at for message in request.messages][:2] == ["documents", "messages[0]"]
    assert [(one.source, one.name) for one in request.messages[0].parts if isinstance(one, Media)] == [
        (Plain("Two."), "T"),
        (Plain("x"), "3"),
    ]


def test_a_plan_is_thoughts_and_a_result_is_json() -> None:
    request = read(
        messages=[
            {"role": "assistant", "tool_calls": [CALL], "tool_plan": "I will."},
            {"role": "tool", "tool_call_id": "c1", "content": [{"type": "document", "document": {"data": {"a": 1}}}]},
        ]
    )
    plan, call = request.messages[0].parts
    assert isinstance(plan, Reasoning)
    assert plan.texts == ("I will.",)
    assert isinstance(call, ToolCall)
    result = request.messages[1].parts[0]
    assert isinstance(result, ToolResult)
    assert [part.text for part in result.parts if isinstance(part, Text)] == ['{"a":1}']


@pytest.mark.parametrize(
    ("message", "path"),
    [
        ({"role": "judge", "content": ""}, "messages[0].role"),
        ({"content": ""}, "messages[0].role"),
        ({"role": "tool", "content": ""}, "messages[0].tool_call_id"),
        (
            {"role": "tool", "tool_call_id": "c", "content": [{"type": "thinking", "thinking": "x"}]},
            "messages[0].content",
        ),
        ({"role": "user", "content": 3}, "messages[0].content"),
    ],
)
def test_a_message_that_cannot_be_is_refused_with_its_path(message: dict[str, object], path: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        read(messages=[message])
    assert caught.value.path == path


def test_messages_of_others_are_turns() -> None:
    written = asked(
        Message("developer", (Text("Be brief."),)),
        Message("user", (Text("a"), ToolResult("c0", (Text("1"), Text("2")), is_error=True))),
        Message("assistant", (Reasoning(texts=("Hm",)), Text("x"))),
        Message("assistant", (Text(""), ToolCall("c1", "f", "{}"))),
        Message("user", (Text("a"), Text("b"))),
        Message("assistant", (Text(""),)),
    )
    assert body_of(written)["messages"] == [
        {"role": "system", "content": "Be brief."},
        {
            "role": "tool",
            "tool_call_id": "c0",
            "content": [{"type": "text", "text": "1"}, {"type": "text", "text": "2"}],
        },
        {"role": "user", "content": "a"},
        {
            "role": "assistant",
            "content": [{"type": "thinking", "thinking": "Hm"}, {"type": "text", "text": "x"}],
            "tool_calls": [CALL],
        },
        {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]},
    ]
    assert {"role:developer>system", "results>before text", "-empty_text"} <= set(written.adaptations)
    assert [loss.weight for loss in written.losses] == ["tuning"]


def test_documents_with_which_the_last_question_begins_are_those_of_the_request() -> None:
    plain = Media("document", Plain("One."), name="T")
    inline = Media("document", Inline("text/plain", b64encode(b"Two.").decode()))
    written = asked(Message("user", (plain, inline, Text("Which?"))))
    assert body_of(written)["documents"] == [{"data": {"text": "One.", "title": "T"}}, {"data": {"text": "Two."}}]
    assert body_of(written)["messages"] == [{"role": "user", "content": "Which?"}]
    assert (written.losses, written.adaptations) == ((), ("document>documents",))


@pytest.mark.parametrize("parts", [(Media("document", Plain("One.")),), (Text("a"), Media("document", Plain("One.")))])
def test_documents_elsewhere_are_words(parts: tuple[Text | Media, ...]) -> None:
    written = asked(Message("user", parts))
    assert "documents" not in body_of(written)
    assert [loss.reason for loss in written.losses] == ["The document is written as a text."]


NOT_CARRIED = [
    Media("document", Inline("application/pdf", "aaaa"), at="p"),
    Media("document", Inline("text/plain", "not base64"), at="p"),
    Media("document", Link("https://a.eu/b.pdf"), at="p"),
    Media("image", HostFile("f1"), at="p"),
    Media("audio", Inline("audio/wav", "aaaa"), at="p"),
    Opaque("gemini", "executable_code", Raw(b"{}"), at="p"),
    ToolCall("c", "f", "{}", at="p"),
    ToolResult("c", (Media("image", Inline("image/png", "aaaa"), at="p"),)),
]


@pytest.mark.parametrize("part", NOT_CARRIED, ids=range(len(NOT_CARRIED)))
def test_what_cohere_does_not_take_is_named(part: Media | Opaque | ToolCall | ToolResult) -> None:
    assert [(loss.path, loss.weight) for loss in asked(Message("user", (part,))).losses] == [("p", "meaning")]


def test_pictures_are_carried() -> None:
    written = asked(Message("user", (Media("image", Inline("image/png", "aaaa"), detail="low"),)))
    image = {"url": "data:image/png;base64,aaaa", "detail": "low"}
    assert body_of(written)["messages"] == [{"role": "user", "content": [{"type": "image_url", "image_url": image}]}]


def test_thoughts_that_another_maker_sealed_stay_behind() -> None:
    parts = (Reasoning(texts=("Hm",), seal=Seal("gemini", "s")), Reasoning(is_redacted=True), Text("x"), Refusal("No."))
    written = asked(Message("assistant", parts))
    texts = [{"type": "text", "text": "x"}, {"type": "text", "text": "No."}]
    assert body_of(written)["messages"] == [{"role": "assistant", "content": texts}]


def test_citations_of_others_become_documents() -> None:
    pages = (Citation(url="https://a.eu", title="A", quote="q", start=0, end=2), Citation(title="B"))
    written = asked(Message("assistant", (Text("Hello", citations=pages),)))
    [message] = body_of(written)["messages"]  # type: ignore[misc]  # a list of one
    first, second = message["citations"]
    document = {"url": "https://a.eu", "title": "A", "snippet": "q"}
    source = {"type": "document", "id": "https://a.eu", "document": document}
    expected = {"start": 0, "end": 2, "text": "He", "sources": [source], "content_index": 0, "type": "TEXT_CONTENT"}
    assert first == expected
    assert (second["start"], second["end"], second["text"]) == (0, 5, "Hello")


def test_tools_that_are_all_strict_are_said_once() -> None:
    written = asked(Message("user", SAID), tools=(Tool("f", is_strict=True), Tool("g", is_strict=True)))
    assert body_of(written)["strict_tools"] is True
    assert written.losses == ()
    assert set(written.adaptations) == {"+parameters", "strict_tools"}


def test_tools_of_which_some_are_strict_are_not() -> None:
    written = asked(Message("user", SAID), tools=(Tool("f", is_strict=True), Tool("g")))
    assert "strict_tools" not in body_of(written)
    assert [loss.path for loss in written.losses] == ["strict_tools"]


def test_a_choice_of_one_tool_offers_only_this() -> None:
    tools = (
        Tool("f", parameters=Raw(b"{}")),
        Tool("g", parameters=Raw(b"{}")),
        HostTool("gemini", "search", Raw(b"{}"), at="t"),
    )
    written = asked(Message("user", SAID), tools=tools, tool_choice=ToolChoice("required", ("f",)))
    assert body_of(written)["tools"] == [{"type": "function", "function": {"name": "f", "parameters": {}}}]
    assert body_of(written)["tool_choice"] == "REQUIRED"
    assert [loss.path for loss in written.losses] == ["t"]
    assert written.adaptations == ("tool_choice>tools",)


def test_a_free_choice_is_left_out() -> None:
    written = asked(Message("user", SAID), tools=(Tool("f", parameters=Raw(b"{}")),), tool_choice=ToolChoice("auto"))
    assert "tool_choice" not in body_of(written)
    assert written.losses == ()


def test_a_schema_is_carried_and_strict_anyway() -> None:
    wanted = OutputFormat("schema", schema=Raw(b'{"type":"object"}'), name="n", is_strict=True, at="format")
    written = asked(Message("user", SAID), output=wanted)
    assert body_of(written)["response_format"] == {"type": "json_object", "json_schema": {"type": "object"}}
    assert [(loss.path, loss.weight) for loss in written.losses] == [("format.name", "advisory")]


WISHES = [
    (ReasoningWish(is_on=False, effort="high"), {"type": "disabled"}),
    (ReasoningWish(effort="none"), {"type": "disabled"}),
    (ReasoningWish(budget_tokens=0), {"type": "disabled"}),
    (ReasoningWish(effort="low"), {"type": "enabled", "token_budget": 2048}),
    (ReasoningWish(effort="low", budget_tokens=7), {"type": "enabled", "token_budget": 7}),
    (ReasoningWish(budget_tokens=-1, shows="concise"), {"type": "enabled"}),
    (ReasoningWish(is_on=True, shows="full"), {"type": "enabled"}),
    (ReasoningWish(effort="heroic"), None),
]


@pytest.mark.parametrize(("wish", "thinking"), WISHES, ids=range(len(WISHES)))
def test_wishes_of_others_for_thoughts(wish: ReasoningWish, thinking: dict[str, object] | None) -> None:
    assert body_of(asked(Message("user", SAID), reasoning=wish)).get("thinking") == thinking


def test_what_lies_outside_of_coheres_bounds_is_brought_near() -> None:
    written = asked(Message("user", SAID), top_p=1.0, frequency_penalty=-1.0, presence_penalty=0.5, temperature=1.5)
    body = body_of(written)
    assert [body[name] for name in ("p", "frequency_penalty", "presence_penalty", "temperature")] == [0.99, 0, 0.5, 1.5]
    assert [loss.path for loss in written.losses] == ["p", "frequency_penalty"]


def test_more_than_five_stop_sequences_are_refused() -> None:
    assert [loss.path for loss in asked(Message("user", SAID), stop=tuple("abcdef")).losses] == ["stop_sequences"]
    assert body_of(asked(Message("user", SAID), stop=("a",)))["stop_sequences"] == ["a"]


def test_a_stream_is_asked_for() -> None:
    assert body_of(asked(Message("user", SAID), is_stream=True))["stream"] is True


def test_documents_that_are_no_objects_are_refused() -> None:
    with pytest.raises(InvalidRequest) as caught:
        read(documents=[{"id": "x"}])
    assert caught.value.path == "documents[0].data"
    assert ENCODE(caught.value.path)
