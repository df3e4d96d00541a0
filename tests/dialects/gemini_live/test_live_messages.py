"""What the gateway reads of the Live API's messages, and the model's name that it changes in the first."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hortus.canon.errors import InvalidRequest, UnknownRoute
from hortus.canon.realtime import Mark
from hortus.canon.usage import Usage
from hortus.dialects.gemini_live.errors import render_error
from hortus.dialects.gemini_live.messages import Meter, read_route, write_first

SETUP = '{"setup": {"model": "models/listener", "generationConfig": {"temperature": 1.50}}, "x": 1}'
USED = {"promptTokenCount": 12, "responseTokenCount": 7}
WORDS = {"serverContent": {"modelTurn": {"parts": [{"text": "Lit."}]}}}
DONE = {"serverContent": {"turnComplete": True}}


def hear(*messages: object) -> list[Mark]:
    meter = Meter()
    return [mark for message in messages for mark in meter.hear(json.dumps(message).encode())]


def test_the_first_message_names_the_route_and_only_the_name_changes() -> None:
    assert read_route({}, SETUP) == "listener"
    written = write_first(SETUP, "gemini-live")
    assert isinstance(written, str)
    assert json.loads(written) == json.loads(SETUP.replace("listener", "gemini-live"))
    assert '"temperature":1.50' in written.replace(" ", "")
    assert isinstance(write_first(SETUP.encode(), "publishers/google/models/g"), bytes)


@pytest.mark.parametrize("first", ["", "[]", "{}", '{"setup": 1}', '{"setup": {}}', '{"setup": {"model": 7}}'])
def test_what_is_no_setup_is_refused_with_its_path(first: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        read_route({}, first)
    assert (refused.value.path or "").startswith("setup")


def test_a_turn_begins_with_words_and_ends_with_the_last_usage_told() -> None:
    told = hear(WORDS, WORDS, {"usageMetadata": {"promptTokenCount": 1}}, DONE | {"usageMetadata": USED}, WORDS)
    assert told == [Mark("begun", "turn"), Mark("ended", "turn", usage=Usage(12, 7)), Mark("begun", "turn")]


def test_a_turn_of_calls_is_one_too_and_one_of_nothing_is_none() -> None:
    assert hear({"toolCall": {"functionCalls": []}}, DONE) == [Mark("begun", "turn"), Mark("ended", "turn")]
    assert hear({"setupComplete": {}}, DONE) == []


@given(st.one_of(st.binary(), st.text()))
def test_whatever_a_host_says_is_heard_without_fault(message: str | bytes) -> None:
    assert isinstance(Meter().hear(message), tuple)


def test_an_error_before_the_conversation_is_one_of_googles() -> None:
    reply = render_error(UnknownRoute("No such model.", hint="Look."), "rcp_1")
    assert reply.status == 404
    assert json.loads(reply.body)["error"] == {"code": 404, "message": "No such model. Look.", "status": "NOT_FOUND"}
