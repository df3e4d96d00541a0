"""Requests that were written for other makers, as Anthropic gets them: what is adapted, what is near, what is lost."""

from __future__ import annotations

import msgspec
import pytest

from hortus.canon.nodes import Extras, Seal
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
from hortus.canon.request import HostTool, Message, OutputFormat, ReasoningWish, Request, Tool, ToolChoice
from hortus.canon.translation import Target, Written
from hortus.dialects.anthropic_messages import DIALECT
from hortus.dialects.anthropic_messages.wire import NAME

TRANSLATION = DIALECT.translation
assert TRANSLATION is not None
COUNT = TRANSLATION.token_count
USER = Message(role="user", parts=(Text(text="hi", at="messages[0].content"),), at="messages[0]")
OLD, BOTH, NEW = "claude-sonnet-4-5", "claude-opus-4-6", "claude-opus-5"


def asked(*messages: Message, **members: object) -> Request:
    return Request(model="garden", messages=messages or (USER,), **members)


def write(request: Request, model: str = BOTH, output_limit: int | None = None) -> Written:
    target = Target(model, source=TRANSLATION.vocabulary, output_limit=output_limit)
    return TRANSLATION.chat.write_request(request, target)


def sent(request: Request, model: str = BOTH) -> dict[str, object]:
    return msgspec.json.decode(write(request, model).body)


def losses(request: Request, model: str = BOTH) -> list[str]:
    return [str(loss) for loss in write(request, model).losses]


def content(*parts: object, role: str = "user") -> object:
    return sent(asked(Message(role=role, parts=parts)))["messages"][0]["content"]


def user(*parts: object) -> Request:
    return asked(Message(role="user", parts=parts, at="messages[0]"))


def test_a_limit_is_demanded_so_one_is_named() -> None:
    assert sent(asked())["max_tokens"] == 4096
    assert write(asked()).adaptations == ("+max_tokens",)


def test_the_limit_of_the_model_is_named_where_it_is_known() -> None:
    assert msgspec.json.decode(write(asked(), output_limit=64_000).body)["max_tokens"] == 64_000


def test_prompts_of_system_and_developer_go_to_the_top() -> None:
    request = asked(
        Message(role="system", parts=(Text(text="a"),)), Message(role="developer", parts=(Text(text="b"),)), USER
    )
    assert sent(request)["system"] == [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]
    assert "role:developer>system" in write(request).adaptations


def test_a_prompt_without_words_is_left_out() -> None:
    assert "system" not in sent(asked(Message(role="system", parts=(Text(text=""),)), USER))


def test_a_prompt_in_the_middle_is_lost() -> None:
    assert losses(asked(USER, Message(role="system", parts=(Text(text="b", at="x"),), at="messages[1]"))) == [
        "meaning:messages[1]"
    ]


def test_neighbours_become_one_message_with_results_first() -> None:
    request = asked(
        Message(role="assistant", parts=(ToolCall(id="call.1", name="f", arguments=""),)),
        Message(role="user", parts=(Text(text="and"),)),
        Message(role="user", parts=(ToolResult(call_id="call.1", parts=(Text(text="12"),), is_error=True),)),
        Message(role="user", parts=(Text(text=""),)),
        Message(role="assistant", parts=()),
    )
    assert sent(request)["messages"] == [
        {"role": "assistant", "content": [{"type": "tool_use", "id": "call_1", "name": "f", "input": {}}]},
        {
            "role": "user",
            "content": [
                {
                    "type": "tool_result",
                    "tool_use_id": "call_1",
                    "is_error": True,
                    "content": [{"type": "text", "text": "12"}],
                },
                {"type": "text", "text": "and"},
            ],
        },
    ]
    assert write(request).adaptations == ("+max_tokens", "tool_use.id", "order:tool_result", "-empty_text")


def test_arguments_that_are_no_object_are_lost() -> None:
    request = asked(Message(role="assistant", parts=(ToolCall(id="c", name="f", arguments="[1]", at="m"),)))
    assert losses(request) == ["meaning:m.input"]


MEDIA = [
    (Media(kind="image", source=Inline("image/png; q=1", "AA==")), {"type": "base64", "media_type": "image/png"}),
    (Media(kind="image", source=Link("https://a.example")), {"type": "url", "url": "https://a.example"}),
    (Media(kind="document", source=Plain("words")), {"type": "text", "media_type": "text/plain", "data": "words"}),
    (
        Media(kind="document", source=Inline("text/markdown", "IyBoaQ==")),
        {"type": "text", "media_type": "text/plain", "data": "# hi"},
    ),
]


@pytest.mark.parametrize(("part", "source"), MEDIA)
def test_media_are_written_by_their_source(part: Media, source: dict[str, object]) -> None:
    (block,) = content(part)
    assert block["type"] == part.kind
    assert block["source"] == block["source"] | source


def test_a_documents_name_is_its_title() -> None:
    (block,) = content(Media(kind="document", source=Plain("w"), name="T"))
    assert block["title"] == "T"


@pytest.mark.parametrize(
    "part",
    [
        Media(kind="audio", source=Inline("audio/wav", "AA=="), at="m"),
        Media(kind="image", source=Inline("image/tiff", "AA=="), at="m"),
        Media(kind="document", source=Inline("text/plain", "//8="), at="m"),
        Media(kind="document", source=Inline("text/plain", "no base64"), at="m"),
        Media(kind="document", source=HostFile("file-1"), at="m"),
        Opaque(dialect="gemini", kind="executableCode", raw=msgspec.Raw(b"{}"), at="m"),
    ],
)
def test_what_anthropic_cannot_take_is_lost(part: Media | Opaque) -> None:
    assert losses(user(part)) == ["meaning:m"]


def test_a_refusal_is_written_as_text() -> None:
    assert content(Refusal(text="no"), role="assistant") == [{"type": "text", "text": "no"}]


def test_citations_of_others_are_no_proof_so_they_are_lost() -> None:
    part = Text(text="x", citations=(Citation(url="https://a.example", at="m.annotations[0]"),), at="m")
    assert losses(asked(Message(role="assistant", parts=(part,)))) == ["advisory:m.annotations[0]"]


def test_thoughts_go_back_to_the_maker_that_sealed_them() -> None:
    own = Reasoning(summary=("hm",), seal=Seal(NAME, "c2ln"))
    redacted = Reasoning(is_redacted=True, seal=Seal(NAME, "c2VhbA=="))
    assert content(own, redacted, role="assistant") == [
        {"type": "thinking", "thinking": "hm", "signature": "c2ln"},
        {"type": "redacted_thinking", "data": "c2VhbA=="},
    ]


def test_thoughts_of_other_makers_are_lost() -> None:
    part = Reasoning(texts=("hm",), seal=Seal("gemini", "c2ln"), at="m")
    assert losses(asked(Message(role="assistant", parts=(part,)))) == ["tuning:m"]


def test_a_tool_without_a_schema_takes_any_object() -> None:
    request = asked(tools=(Tool(name="f", is_strict=True),))
    assert sent(request)["tools"] == [
        {"name": "f", "input_schema": {"type": "object", "properties": {}}, "strict": True}
    ]
    assert "+input_schema" in write(request).adaptations


def test_a_tool_of_another_host_is_lost() -> None:
    tool = HostTool(dialect="gemini", kind="googleSearch", raw=msgspec.Raw(b"{}"), at="tools[0]")
    assert losses(asked(tools=(tool,))) == ["meaning:tools[0]"]


TOOLS = (Tool(name="f", parameters=msgspec.Raw(b"{}")),)


@pytest.mark.parametrize(
    ("choice", "may_be_parallel", "written"),
    [
        (ToolChoice(mode="auto"), None, {"type": "auto"}),
        (ToolChoice(mode="none"), False, {"type": "none"}),
        (ToolChoice(mode="required"), True, {"type": "any"}),
        (
            ToolChoice(mode="required", names=("f",)),
            False,
            {"type": "tool", "name": "f", "disable_parallel_tool_use": True},
        ),
        (None, False, {"type": "auto", "disable_parallel_tool_use": True}),
        (None, True, None),
    ],
)
def test_the_choice_among_tools_is_written(
    choice: ToolChoice | None,
    may_be_parallel: bool | None,  # noqa: FBT001 -- a table's column
    written: object,
) -> None:
    assert sent(asked(tools=TOOLS, tool_choice=choice, parallel_tools=may_be_parallel)).get("tool_choice") == written


def test_without_tools_there_is_no_choice() -> None:
    assert "tool_choice" not in sent(asked(parallel_tools=False))


def test_a_choice_of_several_names_is_lost() -> None:
    choice = ToolChoice(mode="required", names=("f", "g"), at="tool_choice")
    assert losses(asked(tools=TOOLS, tool_choice=choice)) == ["meaning:tool_choice.name"]


def test_a_schema_is_kept_to_whether_strict_or_not() -> None:
    schema = msgspec.Raw(b'{"type":"object"}')
    done = write(asked(output=OutputFormat(kind="schema", schema=schema, is_strict=True, at="output")))
    assert msgspec.json.decode(done.body)["output_config"] == {
        "format": {"type": "json_schema", "schema": {"type": "object"}}
    }
    assert "-output.is_strict" in done.adaptations or "-output.strict" in done.adaptations


@pytest.mark.parametrize(("kind", "lost"), [("text", []), ("json", ["meaning:output"])])
def test_a_form_without_a_schema_is_the_default_or_lost(kind: str, lost: list[str]) -> None:
    assert losses(asked(output=OutputFormat(kind=kind, at="output"))) == lost


WISHES = [
    (BOTH, ReasoningWish(effort="high"), {"type": "adaptive"}, "high", []),
    (BOTH, ReasoningWish(effort="minimal"), {"type": "adaptive"}, "low", ["tuning:output_config.effort"]),
    (BOTH, ReasoningWish(is_on=True), {"type": "adaptive"}, None, []),
    (BOTH, ReasoningWish(budget_tokens=2000), {"type": "enabled", "budget_tokens": 2000}, None, []),
    (BOTH, ReasoningWish(budget_tokens=2000, effort="low"), {"type": "enabled", "budget_tokens": 2000}, "low", []),
    (
        BOTH,
        ReasoningWish(budget_tokens=2000, effort="minimal"),
        {"type": "enabled", "budget_tokens": 2000},
        None,
        ["tuning:output_config.effort"],
    ),
    (
        OLD,
        ReasoningWish(effort="low"),
        {"type": "enabled", "budget_tokens": 2048},
        None,
        ["tuning:output_config.effort"],
    ),
    (OLD, ReasoningWish(budget_tokens=-1), {"type": "enabled", "budget_tokens": 4095}, None, None),
    (
        OLD,
        ReasoningWish(budget_tokens=10),
        {"type": "enabled", "budget_tokens": 1024},
        None,
        ["tuning:r.budget_tokens"],
    ),
    (NEW, ReasoningWish(budget_tokens=9000), {"type": "adaptive"}, "high", ["tuning:r.budget_tokens"]),
    ("deepseek-chat", ReasoningWish(effort="high"), {"type": "adaptive"}, "high", []),
    (NEW, ReasoningWish(effort="none"), {"type": "disabled"}, None, []),
    (NEW, ReasoningWish(is_on=False), {"type": "disabled"}, None, []),
    (NEW, ReasoningWish(budget_tokens=0), {"type": "disabled"}, None, []),
]


@pytest.mark.parametrize(("model", "wish", "thinking", "effort", "lost"), WISHES)
def test_a_wish_to_think_is_said_as_the_model_takes_it(
    model: str, wish: ReasoningWish, thinking: dict[str, object], effort: str | None, lost: list[str] | None
) -> None:
    request = asked(reasoning=msgspec.structs.replace(wish, at="r", shows="none"))
    written = sent(request, model)
    shown = {} if thinking["type"] == "disabled" else {"display": "omitted"}
    assert written["thinking"] == thinking | shown
    assert written.get("output_config") == ({"effort": effort} if effort else None)
    assert lost is None or losses(request, model) == lost


def test_thinking_that_the_answer_has_no_room_for_is_lost() -> None:
    request = asked(max_output_tokens=1024, reasoning=ReasoningWish(budget_tokens=2000, at="r"))
    assert losses(request) == ["tuning:r"]
    assert "thinking" not in sent(request)


def test_where_a_tool_must_be_called_there_is_no_thinking() -> None:
    choice = ToolChoice(mode="required", names=("f",))
    request = asked(tools=TOOLS, tool_choice=choice, reasoning=ReasoningWish(effort="low", at="r"))
    assert losses(request) == ["tuning:r"]


@pytest.mark.parametrize(
    ("shows", "display", "lost"),
    [("auto", "summarized", []), ("detailed", "summarized", ["tuning:r.display"]), (None, "omitted", [])],
)
def test_thoughts_are_shown_to_those_who_ask(shows: str | None, display: str, lost: list[str]) -> None:
    request = asked(reasoning=ReasoningWish(effort="low", shows=shows, at="r"))
    assert sent(request)["thinking"]["display"] == display
    assert losses(request) == lost


def test_a_model_without_sampling_gets_none_of_it() -> None:
    request = asked(temperature=1.0, top_p=0.5, top_k=3)
    done = write(request, NEW)
    assert msgspec.json.decode(done.body).keys() == {"model", "max_tokens", "messages"}
    assert [str(loss) for loss in done.losses] == ["tuning:top_p", "tuning:top_k"]
    assert "-temperature" in done.adaptations


def test_nor_does_one_that_thinks() -> None:
    assert losses(asked(temperature=0.5, reasoning=ReasoningWish(effort="low", shows="none"))) == ["tuning:temperature"]


def test_a_temperature_above_the_highest_is_the_highest() -> None:
    assert sent(asked(temperature=1.5, top_k=3))["temperature"] == 1
    assert losses(asked(temperature=1.5)) == ["tuning:temperature"]


def test_what_stops_must_not_be_white_space() -> None:
    assert sent(asked(stop=("END",)))["stop_sequences"] == ["END"]
    assert losses(asked(stop=("END", "\n"))) == ["meaning:stop_sequences"]


def test_what_has_no_place_is_lost_and_what_asks_for_nothing_is_not() -> None:
    request = asked(seed=3, user="u1", service_tier="default", choices=1, is_stream=True)
    written = sent(request)
    assert (written["metadata"], written["service_tier"], written["stream"]) == (
        {"user_id": "u1"},
        "standard_only",
        True,
    )
    assert losses(request) == ["tuning:seed"]


def test_what_only_another_dialect_knows_is_lost() -> None:
    extras = Extras("gemini", members={"safetySettings": msgspec.Raw(b"[]")})
    assert losses(asked(extras=extras)) == ["tuning:safetySettings"]


def test_tokens_of_others_requests_are_counted_without_what_does_not_count() -> None:
    assert COUNT is not None
    target = Target("claude-opus-5", source=TRANSLATION.vocabulary)
    done = COUNT.write_request(asked(max_output_tokens=3, stop=("END",)), target)
    assert msgspec.json.decode(done.body).keys() == {"model", "messages"}
    assert (done.losses, done.adaptations) == ((), ())
