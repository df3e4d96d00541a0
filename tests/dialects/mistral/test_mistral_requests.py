"""Requests: what a client of Mistral's says is written again as it was, and what others say in Mistral's words."""

from __future__ import annotations

import pytest
from mistral_examples import CHAT, HELLO, again, encode, read, turn, write
from msgspec import Raw

from hortus.canon.errors import InvalidRequest
from hortus.canon.nodes import Seal
from hortus.canon.parts import (
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
from hortus.canon.translation import Call
from hortus.framing.call_ids import short_id

MP3 = "SUQzBAAA"
FUNCTION = {"name": "fee", "description": "d", "parameters": {"type": "object"}, "strict": True}
CALL = {"id": "aaaaaaaa1", "type": "function", "function": {"name": "fee", "arguments": '{"a": 1.50}'}}


@pytest.mark.parametrize(
    "members",
    [
        {"temperature": 0.5, "top_p": 0.9, "max_tokens": 7, "random_seed": 4, "n": 2, "presence_penalty": 1},
        {"frequency_penalty": 0.5, "parallel_tool_calls": False, "prompt_cache_key": "k", "metadata": {"a": 1}},
        {"logprobs": True, "top_logprobs": 2, "reasoning_effort": "high", "service_tier": "standard_only"},
        {"safe_prompt": True, "prompt_mode": "reasoning", "prediction": {"type": "content", "content": "x"}},
        {"safe_prompt": False, "stream": False, "tools": [], "stop": [], "metadata": None, "tool_choice": None},
        {"stream": True, "stop": "END", "reasoning_effort": None, "guardrails": [], "safe_prompt": None},
        {"stop": ["a", "b"], "response_format": {"type": "text"}},
        {"response_format": {"type": "json_object", "json_schema": None}},
        {"response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": {"a": 1.0}}}},
        {
            "response_format": {
                "type": "json_schema",
                "json_schema": {"schema": {}, "description": "d", "strict": False},
            }
        },
        {"response_format": {"type": "json_schema"}},
        {"response_format": {"type": "grammar"}},
        {"response_format": None},
        {"tools": [{"type": "function", "function": FUNCTION}, {"function": {"name": "bare"}}], "tool_choice": "any"},
        {"tools": [{"type": "web_search"}], "tool_choice": "required"},
        {"tool_choice": "auto"},
        {"tool_choice": "none"},
        {"tool_choice": {"type": "function", "function": {"name": "fee"}}},
        {"tool_choice": {"function": {"name": "fee"}}},
        {"tool_choice": {"type": "custom"}},
    ],
)
def test_members_are_written_again_as_they_were(members: dict[str, object]) -> None:
    body, written = again(**members)
    assert (written.body, written.losses, written.adaptations) == (_sorted(body, written.body), (), ())


def _sorted(body: object, like: bytes) -> bytes:
    """Return a value as JSON, where it equals the other one."""
    import msgspec  # noqa: PLC0415 -- of this one comparison

    return like if msgspec.json.decode(like) == msgspec.json.decode(encode(body)) else encode(body)


@pytest.mark.parametrize(
    "message",
    [
        {"role": "system", "content": [{"type": "text", "text": "Be brief."}]},
        {"role": "user", "content": ""},
        {"role": "user", "content": None},
        {"role": "user"},
        {"role": "user", "content": [], "name": "Ada"},
        {"role": "user", "content": [{"type": "text", "text": "a", "x": 1}, {"type": "text", "text": "b"}]},
        {"role": "user", "content": [{"type": "image_url", "image_url": "https://a.example/a.png"}]},
        {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}]},
        {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:,x", "detail": "low"}}]},
        {"role": "user", "content": [{"type": "document_url", "document_url": "https://a.example/a.pdf"}]},
        {
            "role": "user",
            "content": [
                {"type": "document_url", "document_url": "data:application/pdf;base64,AA==", "document_name": "a.pdf"}
            ],
        },
        {"role": "user", "content": [{"type": "file", "file_id": "f1"}]},
        {"role": "user", "content": [{"type": "input_audio", "input_audio": MP3}]},
        {"role": "user", "content": [{"type": "input_audio", "input_audio": "data:audio/wav;base64,AA=="}]},
        {"role": "user", "content": [{"type": "input_audio", "input_audio": "https://a.example/a.mp3"}]},
        {"role": "user", "content": [{"type": "input_audio", "input_audio": "?"}]},
        {"role": "user", "content": [{"type": "input_audio", "input_audio": {"data": "AA==", "format": "wav"}}]},
        {"role": "user", "content": [{"type": "hologram", "x": 1}, {"x": 2}]},
        {"role": "assistant", "content": "So", "prefix": True},
        {"role": "assistant", "content": "So", "prefix": False, "name": "Bo"},
        {"role": "assistant", "content": None, "tool_calls": [CALL]},
        {"role": "assistant", "tool_calls": [], "content": "", "prefix": None},
        {"role": "assistant", "content": "", "tool_calls": [{**CALL, "index": 1, "id": "null"}]},
        {"role": "assistant", "content": "", "tool_calls": [{"function": {"name": "fee", "arguments": {"a": 1}}}]},
        {"role": "assistant", "content": "", "tool_calls": [{"id": None, "function": {"name": "fee"}}]},
        {"role": "assistant", "content": "", "tool_calls": [{"id": "", "function": {"name": "f", "arguments": ""}}]},
        {"role": "assistant", "content": "", "tool_calls": [{"id": "i", "function": {"name": "f", "arguments": None}}]},
        {"role": "assistant", "content": "", "tool_calls": [{"type": "custom", "x": 1}]},
        {
            "role": "assistant",
            "content": [{"type": "thinking", "thinking": [{"type": "text", "text": "Hm"}], "closed": True}],
        },
        {
            "role": "assistant",
            "content": [{"type": "thinking", "thinking": [], "closed": False, "signature": "s"}],
        },
        {
            "role": "assistant",
            "content": [
                {
                    "type": "thinking",
                    "thinking": [
                        {"type": "text", "text": "Hm", "x": 1},
                        {"type": "reference", "reference_ids": [1]},
                        {"type": "text", "text": "so"},
                    ],
                }
            ],
        },
        {"role": "assistant", "content": [{"type": "reference", "reference_ids": [1, "b"]}]},
        {"role": "tool", "content": "5", "tool_call_id": "aaaaaaaa1", "name": "fee"},
        {"role": "tool", "content": [{"type": "text", "text": "5"}], "tool_call_id": "call_1"},
        {"role": "tool", "content": "5"},
        {"role": "tool", "content": "5", "tool_call_id": None, "prefix": False, "tool_calls": [CALL]},
        {"role": "user", "content": "a", "tool_call_id": "x"},
        {"role": "critic", "content": "a"},
    ],
)
def test_a_message_is_written_again_as_it_was(message: dict[str, object]) -> None:
    body, written = again(messages=[{"role": "user", "content": "Hi"}, message])
    assert (written.body, written.losses, written.adaptations) == (_sorted(body, written.body), (), ())


def test_neighbouring_answers_of_its_own_stay_apart() -> None:
    messages = [{"role": "assistant", "content": "a"}, {"role": "assistant", "content": "b"}]
    body, written = again(messages=messages)
    assert written.body == _sorted(body, written.body)


@pytest.mark.parametrize(
    ("message", "path"),
    [
        ({"content": "a"}, "messages[0].role"),
        ({"role": "tool", "content": [{"type": "thinking", "thinking": []}]}, "messages[0].content"),
        ({"role": "user", "content": [1]}, "messages[0].content[0]"),
        ({"role": "user", "content": [{"type": "text"}]}, "messages[0].content[0].text"),
        ({"role": "user", "content": 1}, "messages[0].content"),
    ],
)
def test_what_is_wrong_is_named_by_its_path(message: dict[str, object], path: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        read(messages=[message])
    assert caught.value.path == path


def test_a_stream_always_wants_its_usage() -> None:
    assert read(stream=True).wants_usage


def test_calls_without_ids_get_some() -> None:
    calls = [{"function": {"name": "a"}}, {"function": {"name": "b"}}]
    request = CHAT.read_request(
        encode({"model": "g", "messages": [{"role": "assistant", "tool_calls": calls}]}), Call()
    )
    assert [part.id for part in request.messages[0].parts if isinstance(part, ToolCall)] == ["call_1", "call_2"]


# --- from others ---


def test_ids_of_others_become_nine_characters_and_stay_together() -> None:
    call = ToolCall(id="call_abc", name="fee", arguments="{}", at="m[1].c")
    result = ToolResult(call_id="call_abc", parts=(Text(text="5", at="t"),), name="fee", at="m[2]")
    body, written = write(HELLO, turn(call, role="assistant"), turn(result))
    made = body["messages"][1]["tool_calls"][0]["id"]
    assert (made, body["messages"][2]["tool_call_id"]) == (short_id("call_abc"), made)
    assert "tool_calls.id>9 characters" in written.adaptations


def test_an_id_of_nine_characters_stays() -> None:
    body, written = write(turn(ToolCall(id="abcDEF123", name="fee", arguments="{}", at="c"), role="assistant"))
    assert (body["messages"][0]["tool_calls"][0]["id"], written.adaptations) == ("abcDEF123", ())


def test_one_turn_of_others_is_one_message_with_its_calls_behind() -> None:
    call = ToolCall(id="abcDEF123", name="fee", arguments="{}", at="c")
    first, second = turn(call, role="assistant"), turn(Text(text="So", at="t"), role="assistant")
    body, written = write(HELLO, first, second)
    assert [message["content"] for message in body["messages"]] == ["Hi", "So"]
    assert written.adaptations == ("text>before calls",)


def test_results_stand_before_words() -> None:
    result = ToolResult(call_id="abcDEF123", parts=(Text(text="no", at="r"),), is_error=True, at="m[1].r")
    body, written = write(turn(Text(text="and", at="t"), result))
    assert [message["role"] for message in body["messages"]] == ["tool", "user"]
    assert written.adaptations == ("results>before text",)
    assert [loss.path for loss in written.losses] == ["m[1].r.is_error"]


def test_a_developer_speaks_as_the_system() -> None:
    body, written = write(turn(Text(text="a", at="t"), Text(text="b", at="u"), role="developer"))
    assert body["messages"] == [
        {"role": "system", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}
    ]
    assert written.adaptations == ("role:developer>system",)


def test_names_are_not_carried() -> None:
    message = Message(role="user", parts=(Text(text="a", at="t"),), name="Ada", at="m")
    body, written = write(message)
    assert "name" not in body["messages"][0]
    assert [str(loss) for loss in written.losses] == ["tuning:m.name"]


@pytest.mark.parametrize(
    ("part", "chunk"),
    [
        (Media(kind="image", source=Link(url="https://a/b"), detail="low"), {"url": "https://a/b", "detail": "low"}),
        (Media(kind="image", source=Inline("image/png", "AA==")), {"url": "data:image/png;base64,AA=="}),
        (Media(kind="audio", source=Inline("audio/wav", "AA==")), "AA=="),
        (Media(kind="audio", source=Link(url="https://a/b")), "https://a/b"),
        (Media(kind="document", source=Link(url="https://a/b"), name="b"), "https://a/b"),
        (Reasoning(texts=("Hm",), summary=("so",)), [{"type": "text", "text": "Hm"}, {"type": "text", "text": "so"}]),
    ],
)
def test_parts_of_others_are_written_as_chunks(part: Media | Reasoning, chunk: object) -> None:
    body, written = write(turn(part, role="assistant" if isinstance(part, Reasoning) else "user"))
    found = body["messages"][0]["content"][0]
    assert (found[found["type"]], written.losses) == (chunk, ())


@pytest.mark.parametrize("kind", ["image", "audio", "document", "video"])
def test_files_of_another_host_are_lost_with_a_reason(kind: str) -> None:
    body, written = write(turn(Media(kind=kind, source=HostFile(id="f"), at="p"), Text(text="a", at="t")))
    assert (body["messages"][0]["content"], [str(loss) for loss in written.losses]) == ("a", ["meaning:p"])


def test_a_picture_for_the_system_is_lost() -> None:
    _, written = write(turn(Media(kind="image", source=Link(url="https://a/b"), at="p"), role="system"))
    assert [str(loss) for loss in written.losses] == ["meaning:p"]


def test_a_document_of_plain_text_is_written_as_text() -> None:
    body, written = write(turn(Media(kind="document", source=Plain(text="a"), at="p")))
    assert (body["messages"][0]["content"], [str(loss) for loss in written.losses]) == ("a", ["tuning:p.source"])


def test_a_refusal_is_written_as_text() -> None:
    body, written = write(turn(Refusal(text="No", at="r"), role="assistant"))
    assert (body["messages"][0]["content"], [str(loss) for loss in written.losses]) == ("No", ["tuning:r.text"])


def test_what_only_another_dialect_understands_is_lost() -> None:
    _, written = write(HELLO, turn(Opaque(dialect="gemini", kind="x", raw=Raw(b"{}"), at="o"), role="assistant"))
    assert [loss.path for loss in written.losses] == ["o"]


@pytest.mark.parametrize(
    ("part", "has_it"),
    [
        (Reasoning(texts=("Hm",), seal=Seal("gemini", "s"), at="r"), False),
        (Reasoning(texts=("Hm",), seal=Seal("mistral", "s"), at="r"), True),
        (Reasoning(seal=Seal("mistral", "s"), is_redacted=True, at="r"), True),
        (Reasoning(at="r"), False),
    ],
)
def test_thoughts_go_back_to_their_maker_only(part: Reasoning, *, has_it: bool) -> None:
    body, _ = write(HELLO, turn(part, role="assistant"))
    assert (len(body["messages"]) == 2) is has_it
    assert not has_it or body["messages"][1]["content"][0]["signature"] == "s"


def test_tools_of_others_get_what_mistral_demands() -> None:
    host_tool = HostTool(dialect="gemini", kind="search", raw=Raw(b"{}"), at="tools[1]")
    body, written = write(tools=(Tool(name="f", at="tools[0]"), host_tool))
    assert body["tools"][0]["function"]["parameters"] == {"type": "object", "properties": {}}
    assert written.adaptations == ("+tools.function.parameters",)
    assert [str(loss) for loss in written.losses] == ["meaning:tools[1]"]


@pytest.mark.parametrize(
    ("choice", "written_as", "lost"),
    [
        (ToolChoice(mode="required", at="c"), "any", []),
        (ToolChoice(mode="auto", names=("a",), at="c"), "auto", ["c.names"]),
        (ToolChoice(mode="required", names=("a", "b"), at="c"), "any", ["c.names"]),
        (ToolChoice(mode="none", names=("a",), at="c"), "none", []),
    ],
)
def test_a_choice_of_tools_is_written_as_mistral_has_it(choice: ToolChoice, written_as: str, lost: list[str]) -> None:
    body, written = write(tool_choice=choice)
    assert (body["tool_choice"], [loss.path for loss in written.losses]) == (written_as, lost)


def test_a_schema_without_a_name_gets_one() -> None:
    body, written = write(output=OutputFormat(kind="schema", schema=Raw(b"{}"), at="o"))
    assert body["response_format"] == {"type": "json_schema", "json_schema": {"name": "answer", "schema": {}}}
    assert written.adaptations == ("+response_format.json_schema.name",)


def test_a_schema_that_was_null_stays_null() -> None:
    given = {"type": "json_schema", "json_schema": {"name": "n", "schema": None}}
    body, written = again(response_format=given)
    assert written.body == _sorted(body, written.body)


@pytest.mark.parametrize(
    ("wish", "effort", "lost"),
    [
        (ReasoningWish(effort="low", at="r"), "low", []),
        (ReasoningWish(effort="max", at="r"), "xhigh", ["r.effort"]),
        (ReasoningWish(is_on=False, budget_tokens=0, at="r"), "none", []),
        (ReasoningWish(budget_tokens=2000, at="r"), "low", ["r.budget_tokens"]),
        (ReasoningWish(budget_tokens=900_000, at="r"), "xhigh", ["r.budget_tokens"]),
        (ReasoningWish(is_on=True, at="r"), "medium", ["r.is_on"]),
        (ReasoningWish(effort="high", budget_tokens=2000, at="r"), "high", ["r.budget_tokens"]),
        (ReasoningWish(budget_tokens=-1, at="r"), None, []),
    ],
)
def test_a_wish_to_think_is_an_effort(wish: ReasoningWish, effort: str | None, lost: list[str]) -> None:
    body, written = write(reasoning=wish)
    assert (body.get("reasoning_effort"), [loss.path for loss in written.losses]) == (effort, lost)


def test_what_mistral_has_no_member_for_is_named() -> None:
    body, written = write(top_k=5, user="u", service_tier="priority", verbosity="low", seed=7)
    assert (body["random_seed"], body["top_k"], "service_tier" in body) == (7, 5, False)
    assert sorted(map(str, written.losses)) == [
        "advisory:service_tier",
        "advisory:user",
        "tuning:verbosity",
    ]
