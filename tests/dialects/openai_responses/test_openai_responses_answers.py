"""Whole answers: what a host's says, that it is written again as it was, and other makers' for clients of this one."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from msgspec import Raw
from openai_responses_examples import (
    CHAT,
    NAME,
    OWN,
    TRANSLATION,
    answer,
    answer_again,
    answer_losses,
    asking,
    call,
    foreign,
    message,
    parts_of,
    read,
    read_answer,
    response,
    thoughts,
    usage,
    whole,
    words,
)

from hortus.canon.errors import BrokenStream, ContextTooLong, HostFault, HostNotFound, HostRateLimited
from hortus.canon.nodes import Extras, Seal
from hortus.canon.parts import Citation, Inline, Link, Media, Opaque, Part, Reasoning, Refusal, Text, ToolCall
from hortus.canon.request import Message, OutputFormat, ReasoningWish, Tool
from hortus.canon.response import Choice, Response, Stop
from hortus.canon.translation import Target
from hortus.canon.usage import Usage

CITED = {"type": "url_citation", "url": "https://a.example", "title": "A", "start_index": 0, "end_index": 1}
INCOMPLETE = {"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}}

SAME: dict[str, Any] = {
    "words": whole(message(words("hello", annotations=[CITED]))),
    "several parts": whole(message(words("a"), {"type": "refusal", "refusal": "no"}, words("b"))),
    "unknown last part": whole(message(words("a"), {"type": "output_smell", "smell": "moss"})),
    "no content": whole(message(), message(content=None) | {"content": []}),
    "neighbouring messages": whole(message(words("a")), message(words("b"), id="msg_2", phase="final_answer")),
    "calls": whole(thoughts(content=[], encrypted_content="gAAA"), call('{"a": 1}'), call(namespace="n")),
    "the host's tools": whole({"type": "web_search_call", "id": "ws_1"}, message(words("a"))),
    "nothing": whole(),
    "cut": whole(message(words("a"), status="incomplete"), **INCOMPLETE),
    "filtered": whole(status="incomplete", incomplete_details={"reason": "content_filter"}),
    "steered": whole(status="incomplete", incomplete_details={"reason": "steered", "x": 1}),
    "incomplete without a word": whole(status="incomplete"),
    "queued": whole(status="queued", usage=None, background=True),
    "no usage": whole(usage=None),
    "usage in another shape": whole(usage={"input_tokens": 1, "output_tokens": 2}),
    "usage with more": whole(usage=usage(cost=0.5, input_tokens_details={"cached_tokens": 1, "text_tokens": 2})),
    "usage with nulls": whole(usage=usage(input_tokens_details=None, output_tokens_details={"reasoning_tokens": None})),
    "usage of cache writes": whole(usage=usage(input_tokens_details={"cached_tokens": 1, "cache_write_tokens": 2})),
    "usage that makes no sense": whole(usage={"input_tokens": -1, "output_tokens": 2}),
    "usage of another kind": whole(usage={"tokens": 1}),
    "fractions of seconds": whole(created_at=7.5),
    "no time": {name: value for name, value in whole().items() if name != "created_at"},
    "another object": whole(object="response.other"),
    "what the host adds": whole(content_filters=[{"blocked": False}], billing={"payer": "developer"}, x=None),
}


@pytest.mark.parametrize("given", SAME.values(), ids=SAME.keys())
def test_an_answer_is_written_again_as_it_was(given: Any) -> None:
    assert answer_again(given) == given


@pytest.mark.parametrize(
    ("given", "stop"),
    [
        (whole(message(words("a"))), "end"),
        (whole(call()), "tool_calls"),
        (whole({"type": "custom_tool_call", "name": "f"}), "tool_calls"),
        (whole(message({"type": "refusal", "refusal": "no"})), "refusal"),
        (whole(**INCOMPLETE), "length"),
        (whole(status="incomplete", incomplete_details={"reason": "content_filter"}), "content_filter"),
        (whole(status="incomplete"), "other"),
        (whole(status="in_progress"), None),
    ],
)
def test_why_it_stopped_is_read(given: Any, stop: Stop | None) -> None:
    assert read_answer(given).choices[0].stop == stop


def test_usage_counts_what_is_cached_and_thought() -> None:
    told = usage(input_tokens_details={"cached_tokens": 3, "cache_write_tokens": 2})
    assert read_answer(whole(usage=told)).usage == Usage(
        input_tokens=9, output_tokens=4, cached_input_tokens=3, reasoning_tokens=1, cache_write_tokens=2
    )


def test_an_answers_echo_is_no_loss_elsewhere() -> None:
    given = read_answer(whole(message(words("a")), temperature=1.0, tool_choice="auto", service_tier="flex"))
    assert given.extras is not None
    assert given.extras.members.keys() == {"service_tier"}


def test_annotations_are_citations() -> None:
    (part,) = parts_of(message(words("hello", annotations=[CITED])))
    assert isinstance(part, Text)
    assert part.citations[0].title == "A"


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"output":7}', b'{"output":[7]}', b'{"output":[{"type":7}]}'])
def test_what_is_no_answer_is_a_broken_one(body: bytes) -> None:
    with pytest.raises(BrokenStream):
        CHAT.read_response(body)


@pytest.mark.parametrize(
    ("members", "cls"),
    [
        ({"status": "failed"}, HostFault),
        ({"status": "failed", "error": {"code": "rate_limit_exceeded", "message": "slow"}}, HostRateLimited),
        ({"error": {"code": "server_error", "message": "oh"}}, HostFault),
    ],
)
def test_an_answer_that_says_that_it_failed_is_an_error(members: dict[str, Any], cls: type[HostFault]) -> None:
    with pytest.raises(HostFault) as raised:
        read_answer(whole(**members))
    assert type(raised.value) is cls


def test_errors_are_read_as_openai_writes_them() -> None:
    too_long = b'{"error":{"message":"m","type":"invalid_request_error","code":"context_length_exceeded"}}'
    unknown = b'{"error":{"message":"m","code":"model_not_found"}}'
    found = [type(TRANSLATION.read_error(400, body)) for body in (too_long, unknown)]
    assert found == [ContextTooLong, HostNotFound]


# --- answers of other makers' hosts ---

EVERYTHING = {
    "background": False,
    "completed_at": 1_790_000_000,
    "created_at": 1_790_000_000,
    "error": None,
    "id": "resp_0ab",
    "incomplete_details": None,
    "instructions": None,
    "max_output_tokens": None,
    "max_tool_calls": None,
    "metadata": {},
    "model": "m-1",
    "object": "response",
    "output": [],
    "parallel_tool_calls": True,
    "previous_response_id": None,
    "prompt_cache_key": None,
    "reasoning": {"effort": None, "summary": None},
    "safety_identifier": None,
    "service_tier": "default",
    "status": "completed",
    "store": False,
    "temperature": 1.0,
    "text": {"format": {"type": "text"}},
    "tool_choice": "auto",
    "tools": [],
    "top_logprobs": 0,
    "top_p": 1.0,
    "truncation": "disabled",
    "usage": None,
    "user": None,
}


def test_everything_is_there_that_openai_always_sends() -> None:
    assert answer(response()) == EVERYTHING


def test_an_answer_repeats_what_was_asked() -> None:
    tool = {"type": "function", "name": "f", "parameters": {}, "strict": True}
    request = read(
        instructions="Be brief.",
        tools=[tool],
        tool_choice="required",
        temperature=0.5,
        text={"verbosity": "low"},
        reasoning={"effort": "low"},
        stream=True,
        include=["message.output_text.logprobs"],
        metadata={"k": "v"},
        store=True,
        truncation="auto",
    )
    assert answer(response(), request) == EVERYTHING | {
        "instructions": "Be brief.",
        "tools": [tool],
        "tool_choice": "required",
        "temperature": 0.5,
        "text": {"format": {"type": "text"}, "verbosity": "low"},
        "reasoning": {"effort": "low", "summary": None},
        "metadata": {"k": "v"},
        "truncation": "auto",
    }


def test_an_answer_repeats_what_another_client_asked() -> None:
    request = foreign(
        Message(role="user", parts=(Text(text="x"),)),
        tools=(Tool(name="f"),),
        output=OutputFormat(kind="json"),
        reasoning=ReasoningWish(budget_tokens=-1),
    )
    given = answer(response(), request)
    assert (given["text"], given["reasoning"]) == (
        {"format": {"type": "json_object"}},
        {"effort": None, "summary": None},
    )


def test_an_answer_to_nothing_has_no_instructions() -> None:
    assert answer(response(), foreign())["instructions"] is None


def test_what_the_host_says_of_itself_is_carried() -> None:
    given = answer(response(created_s=7, usage=Usage(input_tokens=2, output_tokens=1, cache_write_tokens=1)))
    assert (given["created_at"], given["model"], given["usage"]) == (
        7,
        "m-1",
        {
            "input_tokens": 2,
            "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 1},
            "output_tokens": 1,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": 3,
        },
    )


def test_parts_become_items() -> None:
    given = answer(
        response(
            Reasoning(texts=("t",), summary=("s",), seal=Seal(dialect="gemini", data="x"), is_redacted=True),
            Text(text="a", seal=Seal(dialect="gemini", data="x")),
            Refusal(text="no"),
            ToolCall(id="c1", name="f", arguments="{}"),
            Media(kind="image", source=Inline("image/png", "AAAA")),
            Text(text="b"),
            stop="tool_calls",
        )
    )
    assert given["output"] == [
        {
            "type": "reasoning",
            "id": "rs_hx0ab00",
            "status": "completed",
            "summary": [{"type": "summary_text", "text": "s"}],
            "content": [{"type": "reasoning_text", "text": "t"}],
        },
        {
            "type": "message",
            "id": "msg_hx0ab01",
            "status": "completed",
            "role": "assistant",
            "content": [words("a"), {"type": "refusal", "refusal": "no"}],
        },
        {
            "type": "function_call",
            "id": "fc_hx0ab02",
            "status": "completed",
            "call_id": "c1",
            "name": "f",
            "arguments": "{}",
        },
        {"type": "image_generation_call", "id": "ig_hx0ab03", "status": "completed", "result": "AAAA"},
        {
            "type": "message",
            "id": "msg_hx0ab04",
            "status": "completed",
            "role": "assistant",
            "content": [words("b")],
        },
    ]


def test_seals_of_other_makers_are_no_loss_of_an_answer() -> None:
    sealed = Seal(dialect="gemini", data="x")
    wanted = ToolCall(id="c", name="f", arguments="{}", seal=sealed)
    assert answer_losses(response(Reasoning(seal=sealed), wanted, stop="tool_calls")) == {}


def test_the_last_item_of_a_cut_answer_is_incomplete() -> None:
    given = answer(response(Text(text="a"), stop="length"))
    assert (given["status"], given["incomplete_details"]["reason"], given["output"][0]["status"]) == (
        "incomplete",
        "max_output_tokens",
        "incomplete",
    )


@pytest.mark.parametrize(
    ("stop", "status", "lost"),
    [
        ("end", "completed", False),
        ("content_filter", "incomplete", False),
        ("refusal", "incomplete", True),
        ("stop_sequence", "completed", True),
        ("pause", "completed", True),
        (None, "completed", True),
    ],
)
def test_why_it_stopped_is_written(stop: Stop | None, status: str, lost: bool) -> None:  # noqa: FBT001 -- a table
    given = response(Text(text="a"), stop=stop)
    assert (answer(given)["status"], answer_losses(given)) == (status, {"choices[0].stop": "tuning"} if lost else {})


@pytest.mark.parametrize(
    "part",
    [
        Opaque(dialect="gemini", kind="k", raw=Raw(b"{}"), at="x"),
        Media(kind="image", source=Link(url="https://a.example"), at="x"),
        Media(kind="audio", source=Inline("audio/mp3", "AAAA"), at="x"),
    ],
)
def test_what_has_no_item_is_named(part: Part) -> None:
    given = response(part)
    assert (answer(given)["output"], answer_losses(given)) == ([], {"x": "meaning"})


def test_there_is_one_answer_to_a_request() -> None:
    other = Choice(message=Message(role="assistant", parts=(Text(text="b"),)), index=1, at="choices[1]")
    given = response(Text(text="a"))
    assert answer_losses(msgspec.structs.replace(given, choices=(*given.choices, other))) == {"choices[1]": "meaning"}


def test_an_answer_without_any_is_written() -> None:
    assert answer(Response(choices=()))["output"] == []


def test_citations_get_what_is_demanded() -> None:
    (item,) = answer(response(Text(text="abc", citations=(Citation(url="https://a.example", start=1),))))["output"]
    assert item["content"][0]["annotations"] == [
        {"type": "url_citation", "url": "https://a.example", "title": "", "start_index": 1, "end_index": 3}
    ]


def test_what_another_dialect_knows_of_an_answer_is_named() -> None:
    given = response(extras=Extras(dialect="gemini", members={"responseId": Raw(b"1")}))
    assert answer_losses(given) == {"responseId": "tuning"}


# --- counting ---


def test_a_count_is_asked_for_with_what_adds_to_the_input() -> None:
    assert TRANSLATION.token_count is not None
    request = foreign(
        Message(role="user", parts=(Text(text="x"),)), temperature=0.5, reasoning=ReasoningWish(effort="low")
    )
    done = TRANSLATION.token_count.write_request(request, Target(model="m", source=OWN))
    assert msgspec.json.decode(done.body).keys() == {"model", "input", "reasoning"}
    assert done.adaptations == ()


def test_a_count_is_read_and_written() -> None:
    count = TRANSLATION.token_count
    assert count is not None
    assert count.read_response(count.write_response(7)) == 7
    with pytest.raises(BrokenStream):
        count.read_response(b"{}")


def test_own_reasoning_is_sealed_in_an_answer() -> None:
    sealed = Reasoning(seal=Seal(dialect=NAME, data="gAAA"))
    assert answer(response(sealed))["output"][0]["encrypted_content"] == "gAAA"


def test_the_clients_words_are_those_of_the_answer() -> None:
    assert CHAT.write_response(response(Text(text="ä")), asking()).body.count("ä".encode()) == 1
