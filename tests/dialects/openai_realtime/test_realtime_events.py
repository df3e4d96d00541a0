"""What the gateway reads of OpenAI's Realtime events."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hortus.canon.errors import InvalidRequest, OverBudget
from hortus.canon.realtime import Mark
from hortus.canon.usage import Usage
from hortus.dialects.openai_realtime.events import Meter, read_route, write_error

USAGE = {
    "input_tokens": 40,
    "output_tokens": 20,
    "input_token_details": {"audio_tokens": 30, "cached_tokens": 16, "cached_tokens_details": {"audio_tokens": 8}},
    "output_token_details": {"audio_tokens": 15},
}
COUNTED = Usage(40, 20, 16, input_audio_tokens=30, cached_audio_tokens=8, output_audio_tokens=15)


def hear(**event: object) -> tuple[Mark, ...]:
    return Meter().hear(json.dumps(event))


def test_an_answer_begins_and_ends_with_its_usage() -> None:
    assert hear(type="response.created", response={"id": "r1"}) == (Mark("begun", "r1"),)
    done = {"id": "r1", "status": "completed", "usage": USAGE}
    assert hear(type="response.done", response=done) == (Mark("ended", "r1", usage=COUNTED),)


@pytest.mark.parametrize(("status", "is_failed"), [("failed", True), ("cancelled", False), ("incomplete", False)])
def test_only_a_failed_answer_is_a_failure(status: str, is_failed: bool) -> None:  # noqa: FBT001 -- a column of a table
    done = {"id": "r1", "status": status, "usage": None}
    assert hear(type="response.done", response=done) == (Mark("ended", "r1", is_failed=is_failed),)


@pytest.mark.parametrize(
    ("usage", "counted"),
    [
        ({"type": "duration", "seconds": 4}, Usage(seconds=4)),
        ({"type": "tokens", "input_tokens": 9, "output_tokens": 3}, Usage(9, 3)),
    ],
)
def test_what_is_written_down_by_another_model_is_charged_too(usage: dict[str, object], counted: Usage) -> None:
    kind = "conversation.item.input_audio_transcription.completed"
    assert hear(type=kind, item_id="i1", transcript="The lamp.", usage=usage) == (Mark("ended", "i1", usage=counted),)


def test_events_without_an_answer_in_them_are_not_read() -> None:
    assert hear(type="response.output_audio.delta", delta="AAAA") == ()
    assert hear(type="conversation.item.created", item={"text": 'says "response.done"'}) == ()


@given(st.one_of(st.binary(), st.text(), st.text().map(lambda text: f'{{"type": "response.done", {text}')))
def test_whatever_a_host_says_is_heard_without_fault(message: str | bytes) -> None:
    assert isinstance(Meter().hear(message), tuple)


def test_the_route_stands_in_the_address_as_model_or_deployment() -> None:
    assert read_route({"model": "talker"}, None) == read_route({"deployment": "talker"}, None) == "talker"
    with pytest.raises(InvalidRequest) as refused:
        read_route({}, None)
    assert refused.value.path == "model"


def test_an_error_is_an_event_as_openai_has_it() -> None:
    event = json.loads(write_error(OverBudget("No room.", hint="Ask."), "rcp_1"))
    assert event["type"] == "error"
    assert (event["error"]["type"], event["error"]["message"]) == ("insufficient_quota", "No room. Ask.")
