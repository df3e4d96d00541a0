"""Whole answers of Converse: read and written again they are what they were, and others' answers are written."""

from __future__ import annotations

import pytest
from converse_wire import CHAT, answer, answer_again, asking, decode, encode, read_answer

from hortus.canon.errors import BrokenStream
from hortus.canon.nodes import Seal
from hortus.canon.parts import Citation, Inline, Media, Reasoning, Refusal, Text
from hortus.canon.request import Message
from hortus.canon.response import Choice, Response
from hortus.canon.usage import Usage
from hortus.dialects.bedrock_converse import token_count

EXACT = {
    "plain": answer({"text": "a"}),
    "other role": answer({"text": "a"}) | {"output": {"message": {"role": "user", "content": []}}},
    "no usage": {"output": {"message": {"role": "assistant", "content": []}}, "stopReason": None},
    "no reason": {"output": {"message": {"role": "assistant", "content": []}}},
    "usage that is none": answer(usage=[1]),
    "usage that makes no sense": answer(usage={"inputTokens": -1}),
    "other total": answer(usage={"inputTokens": 1, "outputTokens": 2, "totalTokens": 9, "x": {}}),
    "cached": answer(
        usage={
            "inputTokens": 1,
            "outputTokens": 2,
            "totalTokens": 10,
            "cacheReadInputTokens": 3,
            "cacheWriteInputTokens": 4,
            "cacheDetails": [{"ttl": "1h", "inputTokens": 3}, {"ttl": "5m", "inputTokens": 1}],
        }
    ),
    "odd details": answer(usage={"inputTokens": 1, "outputTokens": 2, "totalTokens": 3, "cacheDetails": {"a": 1}}),
    "guarded": answer(stopReason="guardrail_intervened", trace={"guardrail": {}}),
    "unknown reason": answer(stopReason="malformed_tool_use"),
    "other members": answer(
        serviceTier={"type": "flex"}, performanceConfig={"latency": "optimized"}, additionalModelResponseFields={"a": 1}
    ),
    "stop sequence": answer(additionalModelResponseFields={"stop_sequence": "END", "a": 1}),
    "odd fields": answer(additionalModelResponseFields=[1]),
    "no stop sequence": answer(additionalModelResponseFields={"stop_sequence": None}),
    "odd tier": answer(serviceTier=7),
}


@pytest.mark.parametrize("body", EXACT.values(), ids=EXACT)
def test_an_answer_read_and_written_again_is_what_it_was(body: dict) -> None:
    assert answer_again(body) == body


def test_all_input_is_counted_and_how_long_it_stays_in_the_cache() -> None:
    assert read_answer(EXACT["cached"]).usage == Usage(
        input_tokens=8, output_tokens=2, cached_input_tokens=3, cache_write_tokens=4, cache_write_long_tokens=3
    )


def test_which_stop_sequence_it_was_is_read_where_the_model_says_so() -> None:
    assert read_answer(EXACT["stop sequence"]).choices[0].stop_sequence == "END"


def test_the_tier_is_part_of_the_usage() -> None:
    usage = read_answer(EXACT["other members"]).usage
    assert usage is not None
    assert usage.service_tier == "flex"


@pytest.mark.parametrize(
    ("word", "stop"),
    [
        ("end_turn", "end"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("guardrail_intervened", "content_filter"),
        ("content_filtered", "content_filter"),
        ("tool_use", "tool_calls"),
        ("stop_sequence", "stop_sequence"),
        ("new", "other"),
    ],
)
def test_why_it_stopped_is_read(word: str, stop: str) -> None:
    assert read_answer(answer(stopReason=word)).choices[0].stop == stop


@pytest.mark.parametrize("body", [b"{", b"{}", b'{"output":{"message":{"role":"assistant","content":[{}]}}}', b"\xff"])
def test_what_is_no_answer_is_broken(body: bytes) -> None:
    with pytest.raises(BrokenStream):
        CHAT.read_response(body)


def test_a_count_that_is_none_is_broken() -> None:
    with pytest.raises(BrokenStream):
        token_count.read_response(b"{}")


def others(*parts: object, **changes: object) -> Response:
    message = Message(role="assistant", parts=parts)
    return Response(choices=(Choice(message=message, stop=changes.pop("stop", "end"), at="choices[0]"),), **changes)


def written(response: Response) -> tuple[dict, list[str]]:
    found = CHAT.write_response(response, asking())
    return decode(found.body), [str(loss) for loss in found.losses]


def test_an_answer_of_another_host_has_every_member_that_bedrock_always_sends() -> None:
    body, losses = written(others(Text("a"), id="x", model="m", created_s=7))
    assert body == {
        "output": {"message": {"role": "assistant", "content": [{"text": "a"}]}},
        "stopReason": "end_turn",
        "usage": {"inputTokens": 0, "outputTokens": 0, "totalTokens": 0},
        "metrics": {"latencyMs": 0},
    }
    assert losses == ["advisory:model"]


def test_what_the_cache_took_is_told_by_how_long_it_stays() -> None:
    usage = Usage(10, 2, cached_input_tokens=1, cache_write_tokens=4, cache_write_long_tokens=4)
    assert written(others(Text("a"), usage=usage))[0]["usage"] == {
        "inputTokens": 5,
        "outputTokens": 2,
        "totalTokens": 12,
        "cacheReadInputTokens": 1,
        "cacheWriteInputTokens": 4,
        "cacheDetails": [{"ttl": "1h", "inputTokens": 4}],
    }


@pytest.mark.parametrize(
    ("stop", "word"), [("refusal", "content_filtered"), ("pause", "end_turn"), ("other", "end_turn")]
)
def test_reasons_that_bedrock_has_no_word_for_are_near(stop: str, word: str) -> None:
    body, losses = written(others(Text("a"), stop=stop))
    assert (body["stopReason"], losses) == (word, ["tuning:choices[0].stop"])


def test_an_answer_without_a_reason_ended() -> None:
    assert written(others(Text("a"), stop=None))[0]["stopReason"] == "end_turn"
    assert written(Response(choices=()))[0]["stopReason"] == "end_turn"


def test_bedrock_answers_once() -> None:
    choices = tuple(Choice(message=Message(role="assistant", parts=()), index=i, at=f"choices[{i}]") for i in (0, 1))
    assert written(Response(choices=choices))[1] == ["meaning:choices[1]"]


def test_words_thoughts_and_pictures_of_others_are_written() -> None:
    body, losses = written(
        others(
            Reasoning(summary=("s",), texts=("t",), seal=Seal("gemini", "x")),
            Reasoning(is_redacted=True, seal=Seal("gemini", "x")),
            Text("a", citations=(Citation(url="https://a.example", title="t", quote="q"),)),
            Refusal("no", at="r"),
            Media(kind="image", source=Inline("image/png", "AA")),
            Media(kind="audio", source=Inline("audio/wav", "AA"), at="m"),
        )
    )
    cited = {"title": "t", "sourceContent": [{"text": "q"}], "location": {"web": {"url": "https://a.example"}}}
    assert body["output"]["message"]["content"] == [
        {"reasoningContent": {"reasoningText": {"text": "s\n\nt"}}},
        {"citationsContent": {"content": [{"text": "a"}], "citations": [cited]}},
        {"text": "no"},
        {"image": {"format": "png", "source": {"bytes": "AA"}}},
    ]
    assert losses == ["tuning:r.text", "meaning:m"]


def test_an_answer_keeps_no_padding_of_a_stream() -> None:
    response = read_answer(answer({"text": "a"}, p="abc"))
    assert b'"p":"abc"' in CHAT.write_response(response, asking()).body
    assert encode(answer({"text": "a"}))
