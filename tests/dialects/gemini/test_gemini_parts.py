"""Parts of contents: text, thoughts, seals, media, calls and results, and whatever only Google understands."""

from __future__ import annotations

import msgspec
import pytest
from gemini_wire import again, asked, decode, lost, raw, read, read_part, sent, user, write

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
from hortus.canon.request import Message, Request

SEAL = Seal(dialect="gemini", data="c2VhbA==")
TRUE = msgspec.Raw(b"true")
FOREIGN = Seal(dialect="anthropic_messages", data="x")


def own(part: dict) -> object:
    """Return a part that was read, and written again as it was."""
    return read_part(again(user(part))["contents"][0]["parts"][0])


def first(request: Request, model: str = "gemini-2.5-flash") -> dict:
    return sent(request, model)["contents"][0]["parts"][0]


def test_text_with_and_without_a_seal() -> None:
    assert own({"text": "Hi"}).text == "Hi"
    assert own({"text": "Hi", "thought": False}).seal is None
    assert own({"text": "Hi", "thoughtSignature": "c2VhbA=="}).seal == SEAL
    assert own({"text": "Hi", "thought_signature": "c2VhbA=="}).seal == SEAL


def test_thoughts_are_reasoning() -> None:
    part = own({"text": "Hm.", "thought": True, "thoughtSignature": "c2VhbA=="})
    assert isinstance(part, Reasoning)
    assert (part.summary, part.seal) == (("Hm.",), SEAL)
    assert own({"thought": True, "thoughtSignature": "c2VhbA=="}).summary == ()


def test_a_part_of_a_signature_alone_is_a_text_without_words() -> None:
    assert own({"thoughtSignature": "c2VhbA=="}) == Text(
        text="", seal=SEAL, at="contents[0].parts[0]", extras=own({"thoughtSignature": "c2VhbA=="}).extras
    )
    assert own({}).text == ""


@pytest.mark.parametrize(
    ("part", "kind"),
    [
        ({"executableCode": {"language": "PYTHON", "code": "1"}}, "executableCode"),
        ({"codeExecutionResult": {"outcome": "OUTCOME_OK"}, "thoughtSignature": "x"}, "codeExecutionResult"),
        ({"toolCall": {"id": "1", "tool_type": "GOOGLE_SEARCH_WEB"}}, "toolCall"),
        ({"somethingNew": 1.50}, "somethingNew"),
    ],
)
def test_what_only_google_understands_is_kept_whole(part: dict, kind: str) -> None:
    found = own(part)
    assert isinstance(found, Opaque)
    assert (found.kind, decode(found.raw)) == (kind, part)


def test_what_only_others_understand_is_lost() -> None:
    opaque = Opaque(dialect="openai_responses", kind="web_search_call", raw=raw({}), at="input[1]")
    assert lost(write(asked(Text(text="Hi"), opaque))) == {"input[1]": "meaning"}


@pytest.mark.parametrize(
    ("media_type", "kind"),
    [("image/png", "image"), ("audio/wav", "audio"), ("video/mp4", "video"), ("application/pdf", "document")],
)
def test_bytes_inline(media_type: str, kind: str) -> None:
    part = own(
        {"inlineData": {"mimeType": media_type, "data": "AAAA", "displayName": "n"}, "videoMetadata": {"fps": 1}}
    )
    assert (part.kind, part.source, part.name) == (kind, Inline(media_type, "AAAA"), "n")
    assert part.extras.members.keys() == {"videoMetadata"}


def test_the_alphabet_of_addresses_becomes_the_standard_one() -> None:
    assert own({"inlineData": {"mimeType": "image/png", "data": "-_8="}}).source.data == "+/8="
    assert own({"inlineData": {"mimeType": "image/png", "data": "-_8"}}).source.data == "+/8="
    assert own({"inlineData": {"mimeType": "image/png", "data": "x=="}}).source.data == "x=="
    assert own({"inlineData": {}}).source == Inline("", "")


def test_files_that_google_has_and_addresses_that_it_fetches() -> None:
    for uri in ("gs://garden/a.png", "files/abc", "https://generativelanguage.googleapis.com/v1beta/files/abc"):
        assert own({"fileData": {"fileUri": uri, "mimeType": "image/png"}}).source == HostFile(uri, "image/png")
    assert own({"fileData": {"fileUri": "https://town.example/a.png", "mimeType": "image/png"}}).source == Link(
        "https://town.example/a.png", "image/png"
    )
    assert own({"fileData": {"fileUri": "https://www.youtube.com/watch?v=1"}}).kind == "video"
    assert own({"fileData": {}}).source == Link("", None)


def test_media_of_the_wrong_type_are_refused() -> None:
    with pytest.raises(Exception, match="inlineData"):
        read(user({"inlineData": 7}))


def test_a_thought_that_is_no_text_keeps_its_mark() -> None:
    part = own({"inlineData": {"mimeType": "image/png", "data": "AAAA"}, "thought": True})
    assert part.extras.members == {"thought": TRUE}
    assert own({"inlineData": {"mimeType": "image/png", "data": "AAAA"}, "thought": False}).extras.members == {}


def test_media_from_elsewhere() -> None:
    assert first(asked(Media(kind="image", source=Inline("image/png", "AAAA"), seal=SEAL))) == {
        "inlineData": {"mimeType": "image/png", "data": "AAAA"},
        "thoughtSignature": "c2VhbA==",
    }
    assert first(asked(Media(kind="document", source=Plain("Hi")))) == {
        "inlineData": {"mimeType": "text/plain", "data": "SGk="}
    }
    assert first(asked(Media(kind="image", source=Link("https://town.example/a.PNG?x=1")))) == {
        "fileData": {"fileUri": "https://town.example/a.PNG?x=1", "mimeType": "image/png"}
    }
    assert first(asked(Media(kind="image", source=Link("https://town.example/a", "image/png")))) == {
        "fileData": {"fileUri": "https://town.example/a", "mimeType": "image/png"}
    }
    assert first(asked(Media(kind="video", source=Link("https://youtu.be/1")))) == {
        "fileData": {"fileUri": "https://youtu.be/1"}
    }


@pytest.mark.parametrize("source", [HostFile("file-1"), Link("https://town.example/a")])
def test_files_of_other_hosts_and_addresses_of_unknown_type_are_lost(source: object) -> None:
    written = write(asked(Text(text="Hi"), Media(kind="image", source=source, name="n", at="messages[0].content[1]")))
    assert lost(written)["messages[0].content[1]"] == "meaning"
    assert decode(written.body)["contents"][0]["parts"] == [{"text": "Hi"}]


def test_calls_and_results_with_ids() -> None:
    body = {
        "contents": [
            {
                "role": "model",
                "parts": [{"functionCall": {"id": "1", "name": "f", "args": {"x": 1.5}}, "thought": False}],
            },
            {
                "role": "user",
                "parts": [
                    {"functionResponse": {"id": "1", "name": "f", "response": {"output": "2"}}, "thought": False}
                ],
            },
        ]
    }
    messages = read(again(body)).messages
    assert messages[0].parts[0].arguments == '{"x":1.5}'
    result = messages[1].parts[0]
    assert (result.call_id, result.name, result.parts[0].text, result.is_error) == ("1", "f", "2", False)


def test_empty_ids_and_names_come_back_and_are_still_told_apart() -> None:
    body = {
        "contents": [
            {"role": "model", "parts": [{"functionCall": {"id": "", "name": "f", "args": {}}}]},
            {"role": "user", "parts": [{"functionResponse": {"id": "", "name": "", "response": {}}}]},
        ]
    }
    messages = read(again(body)).messages
    assert (messages[0].parts[0].id, messages[1].parts[0].call_id) == ("call_0", "call_1")


def test_without_ids_results_belong_to_calls_by_name_and_order() -> None:
    def call(name: str) -> dict:
        return {"functionCall": {"name": name}, "thoughtSignature": "s"}

    def result(name: str, **more: str) -> dict:
        return {"functionResponse": {"name": name, "response": {"result": 1}, **more}}

    body = {
        "contents": [
            {"role": "model", "parts": [call("f"), call("g"), call("f")]},
            {"role": "user", "parts": [result("g"), result("f"), result("f"), result("h"), result("i", id="x")]},
        ]
    }
    messages = read(again(body)).messages
    assert [part.id for part in messages[0].parts] == ["call_0", "call_1", "call_2"]
    assert [part.call_id for part in messages[1].parts] == ["call_1", "call_0", "call_2", "call_3", "x"]


@pytest.mark.parametrize(
    ("response", "text", "is_error"),
    [
        ({"output": "a"}, "a", False),
        ({"output": ""}, None, False),
        ({"error": "a"}, "a", True),
        ({"error": ""}, None, True),
        ({"error": {"code": 1}}, '{"error":{"code":1}}', False),
        ({"output": "a", "b": 1}, '{"output":"a","b":1}', False),
        ({"result": 1.5}, '{"result":1.5}', False),
        ({}, None, False),
    ],
)
def test_a_result_is_a_text_an_error_or_json(response: dict, text: str | None, is_error: bool) -> None:  # noqa: FBT001 -- a case
    part = own({"functionResponse": {"name": "f", "response": response}})
    assert ([one.text for one in part.parts], part.is_error) == ([] if text is None else [text], is_error)


def test_results_with_media_and_without_a_response() -> None:
    part = own(
        {
            "functionResponse": {
                "name": "f",
                "response": {},
                "parts": [{"inlineData": {"mimeType": "image/png", "data": "AAAA"}}, {"novel": 1}, {}],
            }
        }
    )
    assert [type(one) for one in part.parts] == [Media, Opaque, Opaque]
    assert own({"functionResponse": {}}).name is None
    again(user({"functionResponse": {"name": "f", "parts": []}}))


@pytest.mark.parametrize(
    ("parts", "is_error", "response"),
    [
        ((Text(text="a"),), False, {"output": "a"}),
        ((Text(text="a"),), True, {"error": "a"}),
        ((Text(text="a"), Text(text="b")), False, {"output": ["a", "b"]}),
        ((Text(text="a"), Text(text="b")), True, {"error": "a\nb"}),
        ((Text(text='{"fee": 1.50}'),), False, {"fee": 1.5}),
        ((Text(text='{"output": "x"}'),), False, {"output": '{"output": "x"}'}),
        ((Text(text="[1]"),), False, {"output": "[1]"}),
        ((), False, {}),
        ((), True, {"error": ""}),
    ],
)
def test_results_from_elsewhere(parts: tuple, is_error: bool, response: dict) -> None:  # noqa: FBT001 -- a case
    written = first(asked(ToolResult(call_id="1", name="f", parts=parts, is_error=is_error)))
    assert written == {"functionResponse": {"id": "1", "name": "f", "response": response}}


def test_a_result_from_elsewhere_gets_its_functions_name_from_the_call() -> None:
    request = Request(
        model="garden",
        messages=(
            Message(role="assistant", parts=(ToolCall(id="1", name="f", arguments="", seal=SEAL),)),
            Message(role="user", parts=(ToolResult(call_id="1", parts=(Text(text="a"),)),)),
        ),
    )
    call, result = sent(request)["contents"]
    assert call["parts"] == [{"functionCall": {"id": "1", "name": "f", "args": {}}, "thoughtSignature": "c2VhbA=="}]
    assert result["parts"][0]["functionResponse"]["name"] == "f"


def test_a_result_whose_call_is_not_known_is_lost() -> None:
    written = write(asked(Text(text="Hi"), ToolResult(call_id="1", parts=(Text(text="a"),), at="messages[1]")))
    assert lost(written) == {"messages[1]": "meaning"}


def test_media_in_results_from_elsewhere() -> None:
    opaque = Opaque(dialect="anthropic_messages", kind="search_result", raw=raw({}), at="r.content[2]")
    lossy = Media(kind="image", source=HostFile("file-1"), at="r.content[1]")
    media = Media(kind="image", source=Inline("image/png", "AAAA"), at="r.content[0]")
    written = write(asked(ToolResult(call_id="1", name="f", parts=(media, lossy, opaque), at="r")))
    assert decode(written.body)["contents"][0]["parts"][0]["functionResponse"]["parts"] == [
        {"inlineData": {"mimeType": "image/png", "data": "AAAA"}}
    ]
    assert lost(written) == {"r.content[1]": "meaning", "r.content[2]": "meaning"}


@pytest.mark.parametrize("arguments", ["[1]", "{", '"x"'])
def test_arguments_that_are_no_object_are_lost(arguments: str) -> None:
    call = ToolCall(id="1", name="f", arguments=arguments, at="messages[0].tool_calls[0]")
    written = write(asked(call, role="assistant"))
    assert lost(written) == {"messages[0].tool_calls[0].functionCall.args": "meaning"}


def test_reasoning_of_others_is_not_taken_back_but_own_reasoning_is() -> None:
    thought = Reasoning(texts=("Hm.",), at="messages[0].parts[0]")
    assert lost(write(asked(thought, Text(text="Hi"), role="assistant"))) == {"messages[0].parts[0]": "tuning"}
    sealed = Reasoning(texts=("Hm.",), summary=("So.",), seal=SEAL)
    assert first(asked(sealed, role="assistant")) == {
        "thought": True,
        "text": "Hm.\n\nSo.",
        "thoughtSignature": "c2VhbA==",
    }


def test_seals_of_others_and_texts_without_words_are_left_out() -> None:
    request = asked(Text(text="", seal=None), Text(text="Hi", seal=FOREIGN))
    assert sent(request)["contents"][0]["parts"] == [{"text": "Hi"}]


def test_a_refusal_becomes_text_and_is_named() -> None:
    written = write(asked(Refusal(text="No.", at="messages[0].refusal"), role="assistant"))
    assert decode(written.body)["contents"][0]["parts"] == [{"text": "No."}]
    assert lost(written) == {"messages[0].refusal.text": "tuning"}
