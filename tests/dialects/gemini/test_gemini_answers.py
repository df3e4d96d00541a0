"""Whole answers in Google's form, both ways."""

from __future__ import annotations

import pytest
from gemini_wire import CHAT, EVENTS, answer_again, answered, asking, candidate, decode, encode, lost, raw

from hortus.canon.errors import BrokenStream
from hortus.canon.nodes import Extras, Seal
from hortus.canon.parts import Citation, Opaque, Reasoning, Refusal, Text, ToolCall
from hortus.canon.response import Response
from hortus.canon.translation import Call
from hortus.canon.usage import Usage

CALL = {"functionCall": {"name": "f", "args": {}}}
USAGE = {"promptTokenCount": 10, "candidatesTokenCount": 3, "thoughtsTokenCount": 2, "totalTokenCount": 15}


def body(*parts: object, **more: object) -> dict:
    return {
        "candidates": [candidate(*parts, finishReason="STOP", index=0)],
        "modelVersion": "m-1",
        "responseId": "r1",
        **more,
    }


def test_an_answer_is_read_and_written_again() -> None:
    response = answer_again(body({"text": "Hi"}, usageMetadata=USAGE))
    assert (response.id, response.model, response.created_s) == ("r1", "m-1", None)
    assert response.choices[0].stop == "end"
    assert response.usage == Usage(input_tokens=10, output_tokens=5, reasoning_tokens=2)


def test_after_calls_stop_means_the_calls() -> None:
    response = answer_again(body(CALL, CALL, {"functionCall": {"id": "x", "name": "f", "args": {}}}))
    assert response.choices[0].stop == "tool_calls"
    assert [part.id for part in response.choices[0].message.parts] == ["r1_0", "r1_1", "x"]


def test_calls_of_an_answer_without_an_id_are_counted_all_the_same() -> None:
    response = answer_again({"candidates": [candidate(CALL)]})
    assert response.choices[0].message.parts[0].id == "answer_0"
    assert response.choices[0].stop is None


@pytest.mark.parametrize(
    ("reason", "stop"),
    [
        ("MAX_TOKENS", "length"),
        ("SAFETY", "content_filter"),
        ("RECITATION", "content_filter"),
        ("MALFORMED_FUNCTION_CALL", "other"),
        ("SOMETHING_NEW", "other"),
        (1, "end"),
        (2, "length"),
        (9, "other"),
        (99, "other"),
        ({"x": 1}, "other"),
    ],
)
def test_reasons_for_the_end_in_words_and_numbers(reason: object, stop: str) -> None:
    found = answer_again({"candidates": [candidate({"text": "Hi"}, finishReason=reason)]})
    assert found.choices[0].stop == stop


def test_a_reason_without_a_canonical_word_is_a_loss_elsewhere() -> None:
    response = CHAT.read_response(encode(body({"text": "Hi"}) | {"candidates": [candidate(finishReason="LANGUAGE")]}))
    assert response.choices[0].extras.members == {"finishReason": raw("LANGUAGE")}


def test_what_stands_beside_the_content_is_kept() -> None:
    choice = candidate(
        {"text": "Hi"},
        finishReason="STOP",
        finishMessage="Done.",
        groundingMetadata={"webSearchQueries": ["a"]},
        avgLogprobs=-0.50,
    )
    response = answer_again({"candidates": [choice], "modelStatus": {}, "promptFeedback": {"safetyRatings": []}})
    assert response.choices[0].extras.members.keys() == {"groundingMetadata", "avgLogprobs"}


def test_contents_in_odd_forms_come_back() -> None:
    answer_again({"candidates": [{"content": {}, "finishReason": "SAFETY"}]})
    answer_again({"candidates": [{"finishReason": "SAFETY", "index": 1}]})
    answer_again({"candidates": [{"content": {"parts": [], "role": "tutor", "novel": 1}}]})
    answer_again({"candidates": [{"content": {"role": "model"}, "finishReason": 2}]})
    answer_again({"candidates": [], "responseId": "", "modelVersion": ""})
    answer_again({})


def test_a_barred_prompt_is_a_choice_that_was_filtered() -> None:
    barred = {
        "promptFeedback": {"blockReason": "SAFETY"},
        "modelVersion": "m-1",
        "usageMetadata": {"trafficType": "ON_DEMAND"},
    }
    response = answer_again(barred)
    assert [choice.stop for choice in response.choices] == ["content_filter"]
    assert response.usage is None


def test_times_are_read_to_the_second_and_kept_as_they_were() -> None:
    assert answer_again(body({"text": "Hi"}, createTime="2026-05-27T16:53:45.443719Z")).created_s == 1779900825
    assert answer_again(body({"text": "Hi"}, createTime="yesterday")).created_s is None


@pytest.mark.parametrize(
    ("counts", "usage"),
    [
        ({"promptTokenCount": 5, "totalTokenCount": 5}, Usage(input_tokens=5)),
        (
            {"promptTokenCount": 5, "toolUsePromptTokenCount": 7, "cachedContentTokenCount": 9, "totalTokenCount": 12},
            Usage(input_tokens=12, cached_input_tokens=9),
        ),
        ({"promptTokenCount": "5", "candidatesTokenCount": 0}, Usage(input_tokens=5)),
        (
            {"promptTokenCount": 5, "totalTokenCount": 9, "promptTokensDetails": [{"modality": 1}]},
            Usage(input_tokens=5),
        ),
        ({"promptTokenCount": 5, "candidatesTokenCount": None}, Usage(input_tokens=5)),
        ({"promptTokenCount": -5}, None),
        ({"promptTokenCount": 10**15}, None),
        ({"promptTokenCount": "many", "totalTokenCount": [1]}, None),
        ({}, None),
    ],
)
def test_counts_of_tokens(counts: dict, usage: Usage | None) -> None:
    assert answer_again({"candidates": [], "usageMetadata": counts}).usage == usage


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"<html>",
        b'{"candidates": 7}',
        b'{"candidates": [{"index": "one"}]}',
        b'{"error": {"code": 500}}',
        b'{"promptFeedback": 7}',
        b'{"responseId": "\\ud800"}',
        b"\xff",
        b"[" * 1000,
    ],
)
def test_what_cannot_be_read_is_a_broken_answer(data: bytes) -> None:
    with pytest.raises(BrokenStream):
        CHAT.read_response(data)


def test_answers_from_elsewhere_hold_all_that_google_always_gives() -> None:
    response = Response(
        choices=answered(Text(text="Hi"), stop="end").choices,
        created_s=1_790_000_000,
        usage=Usage(input_tokens=3, output_tokens=4, reasoning_tokens=1),
    )
    written = CHAT.write_response(response, asking())
    assert decode(written.body) == {
        "candidates": [{"content": {"parts": [{"text": "Hi"}], "role": "model"}, "finishReason": "STOP", "index": 0}],
        "usageMetadata": {
            "promptTokenCount": 3,
            "candidatesTokenCount": 3,
            "thoughtsTokenCount": 1,
            "totalTokenCount": 7,
        },
        "modelVersion": "garden",
        "createTime": "2026-09-21T14:13:20.000Z",
        "responseId": "0001",
    }
    assert written.losses == ()


def test_parts_from_elsewhere() -> None:
    response = answered(
        Reasoning(texts=("Hm.",), seal=Seal("anthropic_messages", "x"), at="c[0]"),
        Reasoning(is_redacted=True, seal=Seal("anthropic_messages", "x"), at="c[1]"),
        Text(text="Hi", citations=(Citation(url="https://town.example", at="c[2].citations[0]"),), at="c[2]"),
        ToolCall(id="1", name="f", arguments="{}", at="c[3]"),
        Opaque(dialect="anthropic_messages", kind="server_tool_use", raw=raw({}), at="c[4]"),
        Refusal(text="No.", at="c[5]"),
        stop="tool_calls",
    )
    written = CHAT.write_response(response, asking())
    assert decode(written.body)["candidates"][0]["content"]["parts"] == [
        {"text": "Hm.", "thought": True},
        {"text": "Hi"},
        {"functionCall": {"id": "1", "name": "f", "args": {}}},
        {"text": "No."},
    ]
    assert lost(written) == {"c[2].citations[0]": "advisory", "c[4]": "meaning", "c[5].text": "tuning"}


@pytest.mark.parametrize(
    ("stop", "word"), [("refusal", "SAFETY"), ("stop_sequence", "STOP"), ("pause", "OTHER"), ("tool_calls", "STOP")]
)
def test_reasons_that_google_has_no_word_for_are_near_and_named(stop: str, word: str) -> None:
    written = CHAT.write_response(answered(Text(text="Hi"), stop=stop), asking())
    assert decode(written.body)["candidates"][0]["finishReason"] == word
    assert lost(written) == {"choices[0].stop": "tuning"}


def test_numbers_for_clients_that_ask_for_them() -> None:
    query = {"$alt": "json; enum-encoding=int"}
    written = CHAT.write_response(answered(Text(text="Hi"), stop="length"), asking(Call(route="garden", query=query)))
    assert decode(written.body)["candidates"][0]["finishReason"] == 2


def test_what_only_another_dialect_knows_is_named() -> None:
    extras = Extras(dialect="openai_chat", members={"system_fingerprint": raw("fp")})
    response = Response(choices=(), extras=extras)
    assert lost(CHAT.write_response(response, asking(EVENTS))) == {"system_fingerprint": "tuning"}
