"""Requests of other dialects' clients towards Bedrock: what is written, and what is named as lost."""

from __future__ import annotations

import pytest
from converse_wire import CHAT, CLAUDE, NOVA, OLD_CLAUDE, body_of, chat, decode, foreign, user, write
from msgspec import Raw

from hortus.canon.manifest import Vocabulary
from hortus.canon.nodes import CacheHint, Seal
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
from hortus.canon.translation import Habits, Target
from hortus.dialects.bedrock_converse import token_count

AT = "messages[0].parts[0]"


def content_of(*parts: object, model: str = NOVA) -> list:
    messages = body_of(chat(user(*parts)), model)["messages"]
    return messages[0]["content"] if messages else []


def paths(request: Request, model: str = NOVA) -> list[str]:
    return [str(loss) for loss in write(request, model).losses]


def assistant(*parts: object) -> Message:
    return Message(role="assistant", parts=parts, at="messages[1]")


def test_leading_prompts_are_the_system_and_later_ones_are_lost() -> None:
    first = Message(
        role="developer", parts=(Text("a"), Media(kind="image", source=Plain("x"), at="m")), at="messages[0]"
    )
    late = Message(role="system", parts=(Text("b"),), at="messages[2]")
    written = write(chat(first, Message(role="user", parts=(Text("c"),)), late))
    assert decode(written.body)["system"] == [{"text": "a"}]
    assert "role:developer>system" in written.adaptations
    assert [loss.path for loss in written.losses] == ["m", "messages[2]"]


def test_neighbours_are_one_message_with_results_first() -> None:
    request = chat(user(Text("a")), user(ToolResult(call_id="x", parts=(Text("r"),))))
    written = write(request)
    assert decode(written.body)["messages"] == [
        {"role": "user", "content": [{"toolResult": {"toolUseId": "x", "content": [{"text": "r"}]}}, {"text": "a"}]}
    ]
    assert "order:tool_result" in written.adaptations


def test_an_empty_text_is_left_out() -> None:
    written = write(chat(user(Text(""))))
    assert (decode(written.body)["messages"], written.adaptations) == ([], ("-empty_text",))


def test_a_refusal_is_text_and_citations_are_not_sent_back() -> None:
    text = Text("a", citations=(Citation(url="https://a.example", at=f"{AT}.citations[0]"),))
    assert content_of(text, Refusal("no")) == [{"text": "a"}, {"text": "no"}]


def test_cache_hints_go_to_models_that_take_them() -> None:
    hinted = Text("a", cache=CacheHint(ttl="5m"), at=AT)
    assert content_of(hinted)[1] == {"cachePoint": {"type": "default", "ttl": "5m"}}
    request = chat(user(hinted), tools=(Tool(name="f", cache=CacheHint(), at="tools[0]"),))
    assert body_of(request)["toolConfig"]["tools"][1] == {"cachePoint": {"type": "default"}}
    assert paths(request, "meta.llama3") == [f"advisory:{AT}.cache", "advisory:tools[0].cache"]


@pytest.mark.parametrize(
    ("part", "block"),
    [
        (
            Media(kind="image", source=Inline("image/JPG; a=b", "AA"), name="n"),
            {"image": {"format": "jpeg", "source": {"bytes": "AA"}}},
        ),
        (
            Media(kind="document", source=Plain("t"), name="a"),
            {"document": {"format": "txt", "name": "a", "source": {"text": "t"}}},
        ),
        (
            Media(kind="audio", source=Inline("audio/x-wav", "AA")),
            {"audio": {"format": "wav", "source": {"bytes": "AA"}}},
        ),
    ],
)
def test_media_are_written(part: Media, block: dict) -> None:
    assert content_of(part) == [block]


@pytest.mark.parametrize(
    "part",
    [
        Media(kind="image", source=Link("https://a.example/b.png"), at=AT),
        Media(kind="image", source=HostFile("f"), at=AT),
        Media(kind="image", source=Inline("image/tiff", "AA"), at=AT),
        Media(kind="image", source=Inline("application/pdf", "AA"), at=AT),
        Opaque(dialect="gemini", kind="x", raw=Raw(b"{}"), at=AT),
    ],
)
def test_what_bedrock_cannot_take_is_lost_as_a_whole(part: object) -> None:
    assert paths(chat(user(part))) == [f"meaning:{AT}"]


def test_sound_in_a_result_is_lost() -> None:
    sound = Media(kind="audio", source=Inline("audio/wav", "AA"), at="s")
    assert paths(chat(user(ToolResult(call_id="1", parts=(sound,))))) == ["meaning:s"]


def test_names_of_documents_are_what_bedrock_takes_and_never_twice() -> None:
    pdf = Inline("application/pdf", "AA")
    names = ("a_b.pdf", None, None, "../")
    parts = [Media(kind="document", source=pdf, name=name, at=f"p[{i}]") for i, name in enumerate(names)]
    written = write(chat(user(*parts)))
    found = [block["document"]["name"] for block in decode(written.body)["messages"][0]["content"]]
    assert found == ["a b pdf", "document", "document 2", "document 3"]
    assert "+document.name" in written.adaptations
    assert [str(loss) for loss in written.losses] == ["tuning:p[0].name", "tuning:p[3].name"]


def test_calls_and_results_keep_their_ids_where_bedrock_takes_them() -> None:
    written = write(chat(assistant(ToolCall(id="a/b", name="f", arguments="")), user(ToolResult("a/b", ()))))
    first, second = decode(written.body)["messages"]
    assert first["content"][0] == {"toolUse": {"toolUseId": "a_b", "name": "f", "input": {}}}
    assert second["content"][0] == {"toolResult": {"toolUseId": "a_b", "content": []}}
    assert written.adaptations == ("toolUseId",)


def test_arguments_that_are_no_object_are_lost() -> None:
    request = chat(assistant(ToolCall(id="1", name="f", arguments="[1]", at=AT)))
    assert paths(request) == [f"meaning:{AT}.arguments"]


def test_a_failed_result_says_so() -> None:
    block = content_of(ToolResult(call_id="1", parts=(), is_error=True))[0]
    assert block["toolResult"]["status"] == "error"


def test_thoughts_go_only_to_the_maker_that_sealed_them() -> None:
    own = Reasoning(texts=("a",), seal=Seal("bedrock_converse", "s"))
    hidden = Reasoning(is_redacted=True, seal=Seal("bedrock_converse", "AA"))
    other = Reasoning(texts=("b",), seal=Seal("gemini", "s"), at=AT)
    request = chat(assistant(own, hidden, other))
    assert body_of(request)["messages"][0]["content"] == [
        {"reasoningContent": {"reasoningText": {"text": "a", "signature": "s"}}},
        {"reasoningContent": {"redactedContent": "AA"}},
    ]
    assert paths(request) == [f"tuning:{AT}"]


def test_tools_get_a_schema_and_foreign_tools_of_hosts_are_lost() -> None:
    tools = (
        Tool(name="f", description="", is_strict=True),
        HostTool(dialect="gemini", kind="googleSearch", raw=Raw(b"{}"), at="tools[1]"),
    )
    written = write(chat(tools=tools, tool_choice=ToolChoice(mode="required", names=("f",))))
    spec = {"name": "f", "inputSchema": {"json": {"type": "object", "properties": {}}}, "strict": True}
    assert decode(written.body)["toolConfig"] == {"tools": [{"toolSpec": spec}], "toolChoice": {"tool": {"name": "f"}}}
    assert written.adaptations == ("-description", "+inputSchema")
    assert [loss.path for loss in written.losses] == ["tools[1]"]


def test_a_choice_among_several_is_wider_here() -> None:
    request = chat(tools=(Tool(name="f"),), tool_choice=ToolChoice(mode="auto", names=("f", "g"), at="tool_choice"))
    assert body_of(request)["toolConfig"]["toolChoice"] == {"auto": {}}
    assert paths(request) == ["meaning:tool_choice.names"]


def test_tools_that_must_not_be_called_are_left_out() -> None:
    tools, none = (Tool(name="f", at="tools[0]"),), ToolChoice(mode="none", at="tool_choice")
    request = chat(tools=tools, tool_choice=none)
    assert "toolConfig" not in body_of(request)
    assert paths(request) == ["tuning:tools[0]", "tuning:tool_choice"]


def test_tools_that_were_called_before_cannot_be_forbidden() -> None:
    tools, none = (Tool(name="f", at="tools[0]"),), ToolChoice(mode="none", at="tool_choice")
    request = chat(assistant(ToolCall(id="1", name="f", arguments="{}")), tools=tools, tool_choice=none)
    assert "toolChoice" not in body_of(request)["toolConfig"]
    assert paths(request) == ["meaning:tool_choice"]


def test_the_form_of_the_answer_is_a_schema_or_nothing() -> None:
    schema = OutputFormat(kind="schema", schema=Raw(b'{"a": 1.50}'), name="n", is_strict=True, at="format")
    described = {"schema": '{"a": 1.50}', "name": "n"}
    assert body_of(chat(output=schema))["outputConfig"]["textFormat"]["structure"] == {"jsonSchema": described}
    assert paths(chat(output=OutputFormat(kind="json", at="format"))) == ["meaning:format"]
    assert paths(chat(output=OutputFormat(kind="text", at="format"))) == []


def test_settings_are_written_in_their_places() -> None:
    request = chat(max_output_tokens=5, temperature=1.5, top_p=0.5, top_k=4, stop=("a",), service_tier="priority")
    written = write(request)
    body = decode(written.body)
    assert body["inferenceConfig"] == {"maxTokens": 5, "temperature": 1.0, "topP": 0.5, "stopSequences": ["a"]}
    assert body["additionalModelRequestFields"] == {"inferenceConfig": {"topK": 4}}
    assert body["serviceTier"] == {"type": "priority"}
    assert [str(loss) for loss in written.losses] == ["tuning:temperature"]


def test_top_k_has_no_place_at_some_models() -> None:
    assert paths(chat(top_k=4), "meta.llama3") == ["tuning:top_k"]
    assert body_of(chat(top_k=4), OLD_CLAUDE)["additionalModelRequestFields"] == {"top_k": 4}


def test_a_stop_that_is_white_space_is_lost() -> None:
    assert paths(chat(stop=("\n",))) == ["meaning:stop"]


@pytest.mark.parametrize(
    ("metadata", "is_carried"),
    [(b'{"a":"b"}', True), (b"{}", False), (b'{"a":"\xc3\xa9"}', False), (b'{"a":1}', False)],
)
def test_notes_on_a_request_are_carried_where_bedrock_takes_them(metadata: bytes, is_carried: bool) -> None:  # noqa: FBT001 -- a parameter of the test
    assert ("requestMetadata" in body_of(chat(metadata=Raw(metadata)))) is is_carried


def test_a_model_that_thinks_draws_as_it_likes() -> None:
    request = chat(temperature=0.5, top_p=1.0, top_k=3, reasoning=ReasoningWish(effort="low"))
    written = write(request, CLAUDE)
    body = decode(written.body)
    assert "inferenceConfig" not in body
    assert body["additionalModelRequestFields"] == {"thinking": {"type": "adaptive", "display": "omitted"}}
    assert body["outputConfig"] == {"effort": "low"}
    assert [str(loss) for loss in written.losses] == ["tuning:temperature", "tuning:top_k"]


@pytest.mark.parametrize(
    ("model", "wish", "thinking", "effort"),
    [
        (OLD_CLAUDE, ReasoningWish(budget_tokens=2000), {"type": "enabled", "budget_tokens": 2000}, None),
        (OLD_CLAUDE, ReasoningWish(effort="low"), {"type": "enabled", "budget_tokens": 2048}, None),
        (OLD_CLAUDE, ReasoningWish(is_on=True), {"type": "enabled", "budget_tokens": 7999}, None),
        (OLD_CLAUDE, ReasoningWish(budget_tokens=-1), {"type": "enabled", "budget_tokens": 7999}, None),
        (
            CLAUDE,
            ReasoningWish(budget_tokens=5000, shows="full"),
            {"type": "adaptive", "display": "summarized"},
            "medium",
        ),
        (CLAUDE, ReasoningWish(effort="minimal"), {"type": "adaptive", "display": "omitted"}, "low"),
        (CLAUDE, ReasoningWish(effort="none"), {"type": "disabled"}, None),
        (NOVA, ReasoningWish(effort="high"), None, "high"),
        (NOVA, ReasoningWish(effort="minimal"), None, None),
    ],
)
def test_a_wish_to_think_is_written_as_the_model_takes_it(
    model: str, wish: ReasoningWish, thinking: dict | None, effort: str | None
) -> None:
    body = body_of(chat(reasoning=wish, max_output_tokens=8000), model)
    assert body.get("additionalModelRequestFields", {}).get("thinking") == thinking
    assert body.get("outputConfig", {}).get("effort") == effort


def test_thinking_that_cannot_be_is_lost() -> None:
    wish = ReasoningWish(budget_tokens=2000, at="reasoning")
    assert paths(chat(reasoning=wish, max_output_tokens=1000), OLD_CLAUDE) == ["tuning:reasoning"]
    must = ToolChoice(mode="required", at="tool_choice")
    assert "reasoning" in [loss.path for loss in write(chat(reasoning=wish, tool_choice=must), CLAUDE).losses]


def test_a_hosts_habits_are_kept() -> None:
    target = Target(model=NOVA, source=Vocabulary(), habits=Habits(forbids=frozenset({"requestMetadata"})))
    written = CHAT.write_request(chat(metadata=Raw(b'{"a":"b"}')), target)
    assert decode(written.body) == {"messages": []}
    assert [str(loss) for loss in written.losses] == ["advisory:metadata"]


def test_a_count_leaves_out_what_changes_no_count() -> None:
    request = chat(user(Text("a")), max_output_tokens=5, temperature=0.5, reasoning=ReasoningWish(effort="low"))
    written = token_count.write_request(request, Target(model=NOVA, source=Vocabulary()))
    assert decode(written.body)["input"]["converse"] == {"messages": [{"role": "user", "content": [{"text": "a"}]}]}
    assert written.losses == ()


def test_what_another_dialect_alone_says_is_lost() -> None:
    request = chat(extras=foreign(prediction=b"{}"))
    assert paths(request) == ["tuning:prediction"]
