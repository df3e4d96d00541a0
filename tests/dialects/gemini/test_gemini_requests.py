"""Requests in Google's form: what each member means, and that each is written again as it was."""

from __future__ import annotations

import msgspec
import pytest
from gemini_wire import CHAT, again, asked, decode, encode, lost, raw, read, sent, user, write

from hortus.canon.errors import InvalidRequest, NotJson
from hortus.canon.nodes import Extras
from hortus.canon.parts import Text, ToolResult
from hortus.canon.request import HostTool, Message, OutputFormat, ReasoningWish, Request, Tool, ToolChoice
from hortus.canon.translation import Call

HI = Text(text="Hi", at="messages[0].content")
SCHEMA = {"type": "object", "properties": {"zone": {"type": "string"}}}


def config(**members: object) -> dict:
    return user({"text": "Hi"}, generationConfig=members)


def test_route_and_stream_stand_in_the_path() -> None:
    request = CHAT.read_request(encode(user({"text": "Hi"})), Call(route="a/b:c", is_stream=True))
    assert (request.model, request.is_stream, request.wants_usage) == ("a/b:c", True, True)


def test_roles_are_the_user_the_model_and_functions() -> None:
    body = {
        "contents": [
            {"role": "user", "parts": [{"text": "a"}]},
            {"role": "model", "parts": [{"text": "b"}]},
            {"role": "function", "parts": [{"text": "c"}]},
            {"parts": [{"text": "d"}]},
            {"role": "user"},
        ]
    }
    assert [message.role for message in read(again(body)).messages] == ["user", "assistant", "user", "user", "user"]


def test_an_unknown_role_is_refused_with_its_path() -> None:
    with pytest.raises(InvalidRequest) as caught:
        read({"contents": [{"role": "robot", "parts": []}]})
    assert caught.value.path == "contents[0].role"


def test_contents_must_be_there() -> None:
    with pytest.raises(InvalidRequest) as caught:
        read({})
    assert caught.value.path == "contents"


@pytest.mark.parametrize(
    ("body", "path"),
    [
        (b'{"contents": 7}', "contents"),
        (b'{"contents": [7]}', "contents[0]"),
        (b'{"contents": [{"parts": [{"text": 7}]}]}', "contents[0].parts[0].text"),
        (b'{"contents": [], "generationConfig": {"topK": 1.5}}', "generationConfig.topK"),
        (b'{"contents": [], "generationConfig": {"stopSequences": ["a", 1]}}', "generationConfig.stopSequences[1]"),
        (
            b'{"contents": [], "tools": [{"functionDeclarations": [{"name": 1}]}]}',
            "tools[0].functionDeclarations[0].name",
        ),
        (b'{"contents": [], "toolConfig": {"functionCallingConfig": 1}}', "toolConfig.functionCallingConfig"),
    ],
)
def test_wrong_types_are_refused_with_their_path(body: bytes, path: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        CHAT.read_request(body, Call(route="garden"))
    assert caught.value.path == path


@pytest.mark.parametrize("body", [b"", b"[]", b"7", b"{", b'{"contents": [}', b"\xff"])
def test_what_is_no_object_is_refused(body: bytes) -> None:
    with pytest.raises(NotJson):
        CHAT.read_request(body, Call(route="garden"))


def test_half_a_surrogate_pair_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="surrogate"):
        CHAT.read_request(b'{"contents": [{"parts": [{"text": "\\ud800"}]}]}', Call(route="garden"))


def test_the_other_spelling_is_read_and_kept() -> None:
    body = {
        "contents": [{"role": "user", "parts": [{"inline_data": {"mime_type": "image/png", "data": "AAAA"}}]}],
        "system_instruction": {"parts": [{"text": "Be brief."}]},
        "generation_config": {"max_output_tokens": 5, "response_mime_type": "application/json", "thinking_config": {}},
        "tool_config": {"function_calling_config": {"mode": "ANY", "allowed_function_names": ["f"]}},
        "tools": [{"function_declarations": [{"name": "f", "parameters_json_schema": SCHEMA}]}, {"url_context": {}}],
    }
    request = read(again(body))
    assert request.max_output_tokens == 5
    assert request.messages[0].role == "system"
    assert request.tool_choice is not None
    assert request.tool_choice.names == ("f",)
    assert [type(tool) for tool in request.tools] == [Tool, HostTool]


def test_where_both_spellings_stand_the_documented_one_counts_and_nothing_is_dropped() -> None:
    request = read(user({"text": "Hi"}, generationConfig={"topK": 1, "top_k": 2}))
    assert request.top_k == 1
    assert decode(write(request).body)["generationConfig"] == {"topK": 1, "top_k": 2}


def test_one_object_stands_for_a_list_of_itself() -> None:
    body = {
        "contents": {"role": "user", "parts": {"text": "Hi"}},
        "systemInstruction": {"parts": {"text": "Be brief."}},
        "tools": {"functionDeclarations": {"name": "f"}},
    }
    assert len(read(again(body)).messages) == 2


def test_null_and_empty_members_come_back() -> None:
    again(
        {
            "contents": [],
            "generationConfig": None,
            "safetySettings": None,
            "toolConfig": {},
            "systemInstruction": {"role": "user"},
            "tools": [{}, {"codeExecution": None, "functionDeclarations": []}],
        }
    )
    again(config())
    again(config(stopSequences=[], thinkingConfig={"thinkingBudget": None}))
    again({"contents": [], "tools": []})
    again({"contents": [], "toolConfig": {"functionCallingConfig": {"allowedFunctionNames": []}}})


def test_several_kinds_of_tools_in_one_group_stay_together() -> None:
    body = user(
        {"text": "Hi"},
        tools=[{"googleSearch": {}, "functionDeclarations": [{"name": "f"}, {"name": "g"}]}, {"codeExecution": {}}],
    )
    kinds = [tool.kind for tool in read(again(body)).tools if isinstance(tool, HostTool)]
    assert kinds == ["googleSearch", "codeExecution"]


def test_a_tool_in_neither_spelling_is_kept_as_it_is() -> None:
    request = read(again(user({"text": "Hi"}, tools=[{"Fancy_search": {}}])))
    assert request.tools == ()
    assert request.extras.members == {"tools[0].Fancy_search": raw({})}


def test_settings_are_read_into_canonical_fields() -> None:
    body = config(
        temperature=0,
        topP=0.5,
        topK=2.0,
        seed=7,
        candidateCount=2,
        maxOutputTokens=9,
        presencePenalty=0.1,
        frequencyPenalty=0.2,
        responseLogprobs=True,
        logprobs=3,
        stopSequences=["END"],
    )
    request = read(again(body))
    assert (request.temperature, request.top_p, request.top_k, request.seed) == (0, 0.5, 2, 7)
    assert (request.choices, request.max_output_tokens, request.stop) == (2, 9, ("END",))
    assert (request.presence_penalty, request.frequency_penalty) == (0.1, 0.2)
    assert (request.has_logprobs, request.top_logprobs) == (True, 3)


def test_members_without_canonical_meaning_are_kept_and_weigh_what_the_vocabulary_says() -> None:
    body = user(
        {"text": "Hi"},
        safetySettings=[{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "OFF"}],
        cachedContent="cachedContents/1",
        labels={"team": "garden"},
        generationConfig={"mediaResolution": "MEDIA_RESOLUTION_LOW", "responseModalities": ["IMAGE"]},
    )
    request = read(again(body))
    assert request.extras is not None
    assert "cachedContent" in request.extras.members
    assert "generationConfig.responseModalities" in request.extras.members


def test_text_as_the_only_kind_of_answer_is_no_loss_elsewhere() -> None:
    request = read(again(config(responseModalities=["TEXT"])))
    assert request.extras is not None
    assert request.extras.members == {}


def test_json_and_schemas_are_output_formats() -> None:
    assert read(again(config(responseMimeType="application/json"))).output.kind == "json"
    assert read(again(config(responseMimeType="text/plain"))).output.kind == "text"
    for name in ("responseJsonSchema", "_responseJsonSchema"):
        output = read(again(config(responseMimeType="application/json", **{name: SCHEMA}))).output
        assert output.kind == "schema"
        assert decode(output.schema) == SCHEMA
    again(config(responseJsonSchema=SCHEMA))


def test_googles_own_schema_is_read_as_json_schema_and_written_as_it_was() -> None:
    own = {"type": "OBJECT", "properties": {"zone": {"type": "STRING", "nullable": True}}}
    output = read(again(config(responseMimeType="application/json", responseSchema=own))).output
    assert decode(output.schema) == {"type": "object", "properties": {"zone": {"type": ["string", "null"]}}}
    tool = read(
        again(user({"text": "Hi"}, tools=[{"functionDeclarations": [{"name": "f", "parameters": own}]}]))
    ).tools[0]
    assert decode(tool.parameters) == decode(output.schema)


def test_a_schema_that_json_schema_cannot_say_is_kept_as_a_loss() -> None:
    own = {"type": "FANCY"}
    request = read(again(config(responseMimeType="application/json", responseSchema=own)))
    assert request.output.kind == "json"
    assert "generationConfig.responseSchema" in request.extras.members
    tool = read(
        again(user({"text": "Hi"}, tools=[{"functionDeclarations": [{"name": "f", "parameters": own}]}]))
    ).tools[0]
    assert tool.parameters is None
    assert "parameters" in tool.extras.members


def test_another_media_type_of_the_answer_is_kept_with_its_schema() -> None:
    request = read(again(config(responseMimeType="text/x.enum", responseSchema={"type": "STRING", "enum": ["a"]})))
    assert request.output is None
    assert request.extras.members.keys() == {"generationConfig.responseMimeType", "generationConfig.responseSchema"}


@pytest.mark.parametrize(
    ("thinking", "wish"),
    [
        ({"thinkingBudget": 0}, {"is_on": False}),
        ({"thinkingBudget": -1}, {"budget_tokens": -1}),
        ({"thinkingBudget": 512, "includeThoughts": True}, {"budget_tokens": 512, "shows": "auto"}),
        ({"includeThoughts": False}, {"shows": "none"}),
        ({"thinkingLevel": "LOW"}, {"effort": "low"}),
        ({"thinkingLevel": "low"}, {"effort": "low"}),
        ({"thinkingLevel": "THINKING_LEVEL_UNSPECIFIED"}, {}),
        ({"thinkingLevel": "HIGH", "thinkingBudget": 99999}, {"effort": "high", "budget_tokens": 99999}),
        ({"thinkingLevel": "HIGH", "thinkingBudget": 0}, {"effort": "high", "is_on": False}),
    ],
)
def test_thinking_is_read_and_written_again(thinking: dict, wish: dict) -> None:
    found = read(again(config(thinkingConfig=thinking))).reasoning
    assert found == ReasoningWish(at="generationConfig.thinkingConfig", **wish)


@pytest.mark.parametrize(
    ("wish", "model", "thinking", "losses"),
    [
        ({"is_on": False, "effort": "high"}, "gemini-2.5-flash", {"thinkingBudget": 0}, []),
        ({"is_on": True}, "gemini-2.5-flash", {"thinkingBudget": -1}, []),
        ({"effort": "none"}, "gemini-2.5-flash", {"thinkingBudget": 0}, []),
        ({"effort": "high"}, "gemini-2.5-flash", {"thinkingBudget": 16384}, ["thinkingLevel"]),
        ({"effort": "max"}, "gemini-3-pro", {"thinkingBudget": 24576}, ["thinkingLevel"]),
        ({"effort": "high"}, "gemini-3-pro", {"thinkingLevel": "HIGH"}, []),
        ({"effort": "heroic"}, "gemini-3-pro", None, [""]),
        ({"budget_tokens": 30000}, "gemini-2.5-pro", {"thinkingBudget": 24576}, ["thinkingBudget"]),
        ({"budget_tokens": 300, "effort": "low"}, "gemini-2.5-pro", {"thinkingBudget": 300}, ["thinkingLevel"]),
        ({"shows": "detailed"}, "gemini-3-pro", {"includeThoughts": True}, ["includeThoughts"]),
        ({"shows": "auto"}, "gemini-3-pro", {"includeThoughts": True}, []),
        ({"shows": "none"}, "gemini-3-pro", {"includeThoughts": False}, []),
    ],
)
def test_wishes_from_elsewhere_become_a_budget_or_a_level(
    wish: dict, model: str, thinking: object, losses: list
) -> None:
    written = write(asked(HI, reasoning=ReasoningWish(at="reasoning", **wish)), model)
    assert decode(written.body).get("generationConfig", {}).get("thinkingConfig") == thinking
    assert lost(written) == {f"reasoning.{name}".removesuffix("."): "tuning" for name in losses}


@pytest.mark.parametrize(
    ("members", "choice"),
    [
        ({"mode": "AUTO"}, ToolChoice(mode="auto")),
        ({"mode": "NONE"}, ToolChoice(mode="none")),
        ({"mode": "ANY", "allowedFunctionNames": ["f"]}, ToolChoice(mode="required", names=("f",))),
        ({"mode": "VALIDATED"}, ToolChoice(mode="auto")),
        ({}, ToolChoice(mode="auto")),
    ],
)
def test_whether_tools_are_called_is_read_and_written_again(members: dict, choice: ToolChoice) -> None:
    found = read(again(user({"text": "Hi"}, toolConfig={"functionCallingConfig": members}))).tool_choice
    assert (found.mode, found.names) == (choice.mode, choice.names)


def test_what_only_gemini_can_ask_of_calls_is_a_loss_elsewhere() -> None:
    choice = read(user({"text": "Hi"}, toolConfig={"functionCallingConfig": {"mode": "VALIDATED"}})).tool_choice
    assert choice.extras.members == {"mode": raw("VALIDATED")}


def test_choices_from_elsewhere_are_written_in_googles_words() -> None:
    for choice, members in (
        (ToolChoice(mode="required"), {"mode": "ANY"}),
        (ToolChoice(mode="none"), {"mode": "NONE"}),
        (ToolChoice(mode="auto", names=("f",)), {"mode": "VALIDATED", "allowedFunctionNames": ["f"]}),
    ):
        assert sent(asked(HI, tool_choice=choice))["toolConfig"] == {"functionCallingConfig": members}


def test_json_schema_from_elsewhere_is_written_byte_for_byte() -> None:
    schema = msgspec.Raw(b'{"type":"number","minimum":1.50,"b":1,"a":2}')
    tool = Tool(name="f", description="d", parameters=schema, at="tools[0]")
    output = OutputFormat(kind="schema", schema=schema, is_strict=True, at="response_format")
    written = write(asked(HI, tools=(tool, Tool(name="g", at="tools[1]")), output=output))
    assert written.body.count(bytes(schema)) == 2
    assert written.losses == ()
    assert written.adaptations == ("-response_format.is_strict",)
    assert decode(written.body)["tools"] == [
        {
            "functionDeclarations": [
                {"name": "f", "description": "d", "parametersJsonSchema": decode(schema)},
                {"name": "g"},
            ]
        }
    ]


def test_plain_formats_from_elsewhere() -> None:
    assert sent(asked(HI, output=OutputFormat(kind="json")))["generationConfig"] == {
        "responseMimeType": "application/json"
    }
    assert "generationConfig" not in sent(asked(HI, output=OutputFormat(kind="text")))
    assert (
        "responseJsonSchema"
        in sent(asked(HI, output=OutputFormat(kind="schema", schema=raw(SCHEMA))))["generationConfig"]
    )


def test_tools_of_other_hosts_are_lost_and_own_ones_stay() -> None:
    own = HostTool(dialect="gemini", kind="googleSearch", raw=raw({}), at="tools[0]")
    foreign = HostTool(dialect="openai_responses", kind="web_search", raw=raw({"type": "web_search"}), at="tools[1]")
    written = write(asked(HI, tools=(own, foreign)))
    assert decode(written.body)["tools"] == [{"googleSearch": {}}]
    assert lost(written) == {"tools[1]": "meaning"}


def test_values_that_ask_for_nothing_are_left_out_by_name() -> None:
    written = write(asked(HI, choices=1, presence_penalty=0, has_logprobs=False))
    assert "generationConfig" not in decode(written.body)
    assert set(written.adaptations) == {
        "-generationConfig.candidateCount",
        "-generationConfig.presencePenalty",
        "-generationConfig.responseLogprobs",
    }


def test_members_that_gemini_has_no_place_for_are_named() -> None:
    written = write(asked(HI, user="u-1", parallel_tools=False, logit_bias=raw({"1": 2})))
    assert lost(written) == {"parallel_tools": "tuning", "logit_bias": "tuning", "user": "advisory"}


def test_instructions_go_to_their_own_place_and_later_ones_are_lost() -> None:
    request = Request(
        model="garden",
        messages=(
            Message(role="system", parts=(Text(text="Be brief."),), at="messages[0]"),
            Message(role="developer", parts=(Text(text="Be kind."),), at="messages[1]"),
            Message(role="user", parts=(Text(text="Hi"),), at="messages[2]"),
            Message(role="system", parts=(Text(text="Stop."),), at="messages[3]"),
        ),
    )
    written = write(request)
    assert decode(written.body)["systemInstruction"] == {"parts": [{"text": "Be brief."}, {"text": "Be kind."}]}
    assert written.adaptations == ("role:developer>system",)
    assert lost(written) == {"messages[3]": "meaning"}


def test_instructions_without_words_are_left_out() -> None:
    request = Request(
        model="garden", messages=(Message(role="system", parts=(Text(text=""),)), Message(role="user", parts=(HI,)))
    )
    assert "systemInstruction" not in sent(request)


def test_neighbours_of_one_role_are_one_content_and_results_stand_before_the_rest() -> None:
    request = Request(
        model="garden",
        messages=(
            Message(role="user", parts=(Text(text="a"),)),
            Message(role="user", parts=(Text(text="b"), ToolResult(call_id="1", name="f", parts=(Text(text="c"),)))),
            Message(role="assistant", parts=()),
        ),
    )
    assert sent(request)["contents"] == [
        {"role": "user", "parts": [{"functionResponse": {"id": "1", "name": "f", "response": {"output": "c"}}}]},
        {"role": "user", "parts": [{"text": "a"}, {"text": "b"}]},
    ]


def test_what_only_another_dialect_knows_is_named() -> None:
    request = asked(HI, extras=Extras(dialect="openai_chat", members={"prediction": raw({})}))
    assert lost(write(request)) == {"prediction": "tuning"}


def test_a_hosts_row_forbids_and_demands_members() -> None:
    request = asked(HI, tools=(Tool(name="f"),))
    written = write(request, forbids=frozenset(("tools",)), demands={"labels": raw({"team": "garden"})})
    assert decode(written.body)["labels"] == {"team": "garden"}
    assert "tools" not in decode(written.body)
    assert written.adaptations == ("+labels",)
    assert lost(written) == {"tools": "meaning"}
