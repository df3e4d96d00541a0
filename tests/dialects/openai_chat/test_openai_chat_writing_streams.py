"""Events as a client of this dialect gets them, chunk for chunk."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec import Raw, structs
from openai_chat_examples import ASKED, CHAT, TRANSLATION, asking, chunk, events, frames, stream

from hortus.canon.errors import HostOverloaded
from hortus.canon.events import (
    ChoiceEnded,
    Cited,
    Event,
    Extra,
    Failed,
    Finished,
    PartEnded,
    PartStarted,
    SealSet,
    Started,
    TextAdded,
    ThoughtAdded,
    UsageReported,
)
from hortus.canon.nodes import Extras, Seal
from hortus.canon.parts import Citation, Inline, Media, Opaque, Part, Reasoning, Refusal, Text, ToolCall
from hortus.canon.usage import Usage

UNASKED = structs.replace(ASKED, wants_usage=False)
HEAD = {"id": "chatcmpl-0ab", "object": "chat.completion.chunk", "created": 1_790_000_000, "model": "garden"}


def deltas(*told: Event) -> list[dict[str, Any]]:
    """Return the deltas after the first chunk, with empty ones left out."""
    chunks = stream(Started(), *told, request=UNASKED)
    return [choice["delta"] for one in chunks[1:] for choice in one["choices"] if choice["delta"]]


def lost(*told: Event) -> list[str]:
    writer = CHAT.open_writer(asking())
    for event in (Started(), *told):
        writer.feed(event)
    return [str(loss) for loss in writer.losses]


def part(one: Part, *told: Event, index: int = 0) -> list[Event]:
    return [PartStarted(one, index=index), *told, PartEnded(index=index)]


def test_a_stream_from_start_to_end() -> None:
    usage = Usage(input_tokens=9, output_tokens=4)
    told = [*part(Text(text=""), TextAdded("a")), UsageReported(Usage()), ChoiceEnded(stop="length")]
    chunks = stream(Started(), *told, UsageReported(usage), Finished())
    assert chunks == [
        HEAD
        | {
            "choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}, "finish_reason": None}],
            "usage": None,
        },
        HEAD | {"choices": [{"index": 0, "delta": {"content": "a"}, "finish_reason": None}], "usage": None},
        HEAD | {"choices": [{"index": 0, "delta": {}, "finish_reason": "length"}], "usage": None},
        HEAD
        | {
            "choices": [],
            "usage": {
                "prompt_tokens": 9,
                "completion_tokens": 4,
                "total_tokens": 13,
                "prompt_tokens_details": {"cached_tokens": 0},
                "completion_tokens_details": {"reasoning_tokens": 0},
            },
        },
        "[DONE]",
    ]


def test_usage_that_the_client_did_not_ask_for_is_not_sent() -> None:
    chunks = stream(Started(), UsageReported(Usage(input_tokens=9)), Finished(), request=UNASKED)
    assert chunks[1:] == ["[DONE]"]
    assert "usage" not in chunks[0]


def test_what_the_host_calls_itself_is_passed_on() -> None:
    (first,) = stream(Started(id="i", model="m", created_s=7), request=UNASKED)
    assert (first["id"], first["model"], first["created"]) == ("i", "m", 7)


def test_calls_are_numbered_and_never_without_arguments() -> None:
    first = part(ToolCall(id="a", name="f", arguments=""), TextAdded('{"x":'), TextAdded("1}"))
    second = part(ToolCall(id="b", name="g", arguments=""), index=1)
    assert deltas(*first, *second) == [
        {"tool_calls": [{"index": 0, "id": "a", "type": "function", "function": {"name": "f", "arguments": ""}}]},
        {"tool_calls": [{"index": 0, "function": {"arguments": '{"x":'}}]},
        {"tool_calls": [{"index": 0, "function": {"arguments": "1}"}}]},
        {"tool_calls": [{"index": 1, "id": "b", "type": "function", "function": {"name": "g", "arguments": ""}}]},
        {"tool_calls": [{"index": 1, "function": {"arguments": "{}"}}]},
    ]


def test_parts_that_come_whole_are_written_whole() -> None:
    told = [
        *part(Reasoning(texts=("a",), summary=("b",), seal=Seal("openai_chat", "[1]"))),
        *part(Text(text="t"), index=1),
        *part(Refusal(text="r"), index=2),
        *part(ToolCall(id="a", name="f", arguments="{}", seal=Seal("gemini", "s")), index=3),
    ]
    assert deltas(*told) == [
        {"reasoning_content": "a\n\nb"},
        {"reasoning_details": [1]},
        {"content": "t"},
        {"refusal": "r"},
        {
            "tool_calls": [
                {
                    "index": 0,
                    "id": "a",
                    "type": "function",
                    "function": {"name": "f", "arguments": "{}"},
                    "extra_content": {"google": {"thought_signature": "s"}},
                }
            ]
        },
    ]


def test_pieces_of_reasoning_are_paragraphs() -> None:
    told = [ThoughtAdded("a"), ThoughtAdded("b"), ThoughtAdded("c", piece=1), ThoughtAdded("d", goes_to="summary")]
    texts = [delta["reasoning_content"] for delta in deltas(*part(Reasoning(), *told))]
    assert texts == ["a", "b", "\n\nc", "\n\nd"]


def test_seals_are_written_where_this_dialect_carries_them() -> None:
    assert deltas(*part(ToolCall(id="a", name="f", arguments="{}"), SealSet(Seal("gemini", "s"))))[1] == {
        "tool_calls": [{"index": 0, "extra_content": {"google": {"thought_signature": "s"}}}]
    }
    assert deltas(*part(Reasoning(), SealSet(Seal("openai_chat", "[1]")))) == [{"reasoning_details": [1]}]


@pytest.mark.parametrize("one", [Text(text="t"), Reasoning(texts=("t",)), ToolCall(id="a", name="f", arguments="{}")])
def test_other_seals_are_kept_by_the_gateway(one: Part) -> None:
    told = part(one, SealSet(Seal("anthropic_messages", "s")))
    assert len(deltas(*told)) == 1
    assert lost(*told) == []


def test_refusals_are_streamed_as_such() -> None:
    told = [*part(Refusal(text=""), TextAdded("no")), ChoiceEnded(stop="refusal")]
    assert deltas(*told) == [{"refusal": "no"}]
    assert lost(*told) == []


def test_citations_count_through_all_texts() -> None:
    citation = Citation(url="u", title="U", start=0, end=1)
    first = part(Text(text=""), TextAdded("abc"))
    found = deltas(*first, *part(Text(text=""), TextAdded("d"), Cited(citation, index=1), index=1))
    assert found[-1]["annotations"] == [
        {"type": "url_citation", "url_citation": {"start_index": 3, "end_index": 4, "title": "U", "url": "u"}}
    ]


def test_what_has_no_place_is_named() -> None:
    opaque = Opaque(dialect="gemini", kind="x", raw=Raw(b"{}"), at="p[0]")
    media = Media(kind="image", source=Inline("image/png", "AA"), at="p[1]")
    foreign = Extras(dialect="gemini", members={"x": Raw(b"1"), "y": Raw(b"null")})
    told = [
        *part(opaque),
        *part(media, index=1),
        PartStarted(Text(text="t", at="p[2]"), index=2),
        Cited(Citation(title="t", at="c"), index=2),
        PartEnded(index=2, extras=foreign),
        Extra(foreign),
        ChoiceEnded(stop="pause", stop_sequence="x", logprobs=Raw(b"[]"), extras=foreign),
    ]
    assert lost(*told) == [
        "meaning:p[0]",
        "meaning:p[1]",
        "advisory:c",
        "tuning:p[2].x",
        "tuning:x",
        "tuning:choices[0].stop",
        "meaning:choices[0].stop_sequence",
        "meaning:choices[0].logprobs",
        "tuning:choices[0].x",
    ]


def test_what_this_dialect_said_of_a_part_at_its_end_is_no_loss() -> None:
    extras = Extras(dialect="openai_chat", members={"x": Raw(b"1")})
    assert lost(PartStarted(Text(text="t")), PartEnded(extras=extras)) == []


def test_several_choices_have_their_numbers() -> None:
    told = [PartStarted(Text(text=""), choice=1), TextAdded("a", choice=1), PartEnded(choice=1), ChoiceEnded(choice=1)]
    chunks = stream(Started(), *told, request=UNASKED)
    assert [one["choices"][0]["index"] for one in chunks] == [0, 1, 1]
    assert chunks[-1]["choices"][0]["finish_reason"] is None


def test_an_error_ends_the_stream() -> None:
    *_, usage, error = stream(Started(), UsageReported(Usage()), Failed(code="host_overloaded", message="busy"))
    assert usage["usage"]["total_tokens"] == 0
    assert error == {"error": {"message": "busy", "type": "server_error", "param": None, "code": "host_overloaded"}}
    assert stream(Failed(code="unheard", message="m"))[-1]["error"]["code"] == "host_error"


def test_a_fault_of_hortus_ends_the_stream() -> None:
    writer = CHAT.open_writer(asking())
    assert writer.fail(HostOverloaded("busy", hint="Wait.")).startswith(b'data: {"error":{"message":"busy Wait."')


RICH = frames(
    {"id": "", "choices": [], "prompt_filter_results": [1]},
    chunk(role="assistant", content="", top={"system_fingerprint": "fp"}),
    chunk(reasoning="hm", reasoning_details=[{"text": "hm"}]),
    chunk(content="abc"),
    chunk(content="", annotations=[{"type": "url_citation", "url_citation": {"url": "u", "start_index": 0}}]),
    chunk(content=[{"type": "thinking", "thinking": []}]),
    chunk(content="d", channel="final", top={"x": 1}),
    chunk(refusal="no"),
    chunk(tool_calls=[{"index": 0, "id": "a", "function": {"name": "f"}, "x": 1}]),
    chunk(tool_calls=[{"index": 1, "function": {"name": "g", "arguments": "{}"}}], reasoning_details=[2]),
    chunk("stop", top={"y": {"z": 1.0}}),
    {"id": "c1", "choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 1, "total_tokens": 20, "cost": 1}},
)


def test_probabilities_come_with_the_end_of_their_choice() -> None:
    logprobs = Raw(b'{"content":[{"token":"a","logprob":-0.5}],"refusal":null}')
    (*_, last) = stream(Started(), ChoiceEnded(stop="end", logprobs=logprobs))
    assert last["choices"][0]["logprobs"] == {"content": [{"token": "a", "logprob": -0.5}], "refusal": None}


def test_a_hosts_stream_of_this_dialect_is_written_so_that_it_means_the_same() -> None:
    told = events(RICH)
    writer = CHAT.open_writer(asking(source=TRANSLATION.vocabulary))
    assert events(b"".join(map(writer.feed, told))) == told
    assert writer.losses == ()


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64])
def test_no_split_changes_the_events(size: int) -> None:
    reader = CHAT.open_reader()
    found = [event for i in range(0, len(RICH), size) for event in reader.feed(RICH[i : i + size])]
    assert found + reader.close() == events(RICH)
