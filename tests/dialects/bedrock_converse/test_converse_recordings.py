"""Every recorded exchange of Converse, read and written again, is what it was."""

from __future__ import annotations

import base64
import os
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote

import msgspec
import pytest
from converse_wire import CHAT, TRANSLATION, VOCABULARY, asking, decode, plain

from hortus.canon.collect import collect
from hortus.canon.errors import HostRejected
from hortus.canon.events import Grammar
from hortus.canon.translation import Call, Target
from hortus.dialects.bedrock_converse import DIALECT
from proof_of_dialects import differences

KINDS = {"converse": False, "converse-stream": True, "count-tokens": None}


class _Request(msgspec.Struct):
    url: str
    body: msgspec.Raw


class _Answer(msgspec.Struct):
    status: int
    body: msgspec.Raw = msgspec.Raw(b"")
    body_b64: str = ""


class _Recording(msgspec.Struct):
    id: str
    api: str
    request: _Request
    response: _Answer


class Exchange(NamedTuple):
    """One recording."""

    id: str
    is_stream: bool | None
    call: Call
    request: bytes
    status: int
    answer: bytes


def _exchanges() -> list[Exchange]:
    place = Path(os.environ.get("HORTUS_TRAFFIC") or Path(__file__).parents[4] / "shared" / "traffic")
    found = []
    for file in sorted(place.glob("bedrock/*.json")):
        one = msgspec.json.decode(file.read_bytes(), type=_Recording)
        if one.api in KINDS:
            route = unquote(one.request.url.partition("/model/")[2].rpartition("/")[0])
            answer = base64.b64decode(one.response.body_b64) or bytes(one.response.body)
            call = Call(route=route, is_stream=KINDS[one.api])
            found.append(Exchange(one.id, KINDS[one.api], call, bytes(one.request.body), one.response.status, answer))
    return found


EXCHANGES = _exchanges()
WHOLE = [one for one in EXCHANGES if one.status < 400 and one.is_stream is False]
STREAMS = [one for one in EXCHANGES if one.status < 400 and one.is_stream]
ERRORS = [one for one in EXCHANGES if one.status >= 400]
COUNTS = [one for one in EXCHANGES if one.is_stream is None]
CHATS = [one for one in EXCHANGES if one.is_stream is not None]


def ids(exchanges: list[Exchange]) -> list[str]:
    return [one.id for one in exchanges]


@pytest.mark.parametrize("exchange", CHATS, ids=ids(CHATS))
def test_a_recorded_request_is_written_as_it_was(exchange: Exchange) -> None:
    target = Target(model="", source=VOCABULARY)
    written = CHAT.write_request(CHAT.read_request(exchange.request, exchange.call), target)
    assert differences(exchange.request, written.body) == []
    assert (written.losses, written.adaptations) == ((), ())


@pytest.mark.parametrize("exchange", WHOLE, ids=ids(WHOLE))
def test_a_recorded_answer_is_written_as_it_was(exchange: Exchange) -> None:
    written = CHAT.write_response(CHAT.read_response(exchange.answer), asking())
    assert differences(exchange.answer, written.body) == []
    assert written.losses == ()


@pytest.mark.parametrize("exchange", STREAMS, ids=ids(STREAMS))
def test_a_recorded_stream_is_written_frame_by_frame_as_it_was(exchange: Exchange) -> None:
    reader, writer = CHAT.open_reader(), CHAT.open_writer(asking())
    events = reader.feed(exchange.answer) + reader.close()
    data = b"".join(writer.feed(event) for event in events)
    again = CHAT.open_reader()
    assert again.feed(data) + again.close() == events
    assert writer.losses == ()
    if b'"input":""' not in exchange.answer and b"toolResult" not in exchange.answer:  # else cut otherwise
        assert plain(data) == [one for one in plain(exchange.answer) if one[1].get("delta") != {"text": ""}]


@pytest.mark.parametrize("exchange", STREAMS, ids=ids(STREAMS))
def test_a_recorded_stream_keeps_the_grammar_however_it_is_split(exchange: Exchange) -> None:
    whole = CHAT.open_reader()
    events = whole.feed(exchange.answer) + whole.close()
    grammar, split = Grammar(), CHAT.open_reader()
    parts = [exchange.answer[i : i + 7] for i in range(0, len(exchange.answer), 7)]
    assert [event for part in parts for event in split.feed(part)] + split.close() == events
    assert [fault for event in events if (fault := grammar.fault(event))] == []
    assert grammar.is_over
    assert collect(events).choices[0].message.parts


@pytest.mark.parametrize("exchange", STREAMS, ids=ids(STREAMS))
def test_a_recorded_stream_passes_byte_for_byte_and_tells_its_usage(exchange: Exchange) -> None:
    stream = DIALECT.open_stream(True)  # noqa: FBT003 -- the gateway calls it so
    parts = [exchange.answer[i : i + 100] for i in range(0, len(exchange.answer), 100)]
    assert b"".join(stream.feed(part) for part in parts) + stream.close() == exchange.answer
    assert stream.is_finished
    assert not stream.is_failed
    assert stream.usage is not None
    assert stream.usage.output_tokens > 0


@pytest.mark.parametrize("exchange", WHOLE, ids=ids(WHOLE))
def test_a_recorded_answer_tells_its_usage(exchange: Exchange) -> None:
    usage = DIALECT.read_answer(DIALECT.operations[0], exchange.answer, 10).usage
    counted = decode(exchange.answer)["usage"]
    assert usage.input_tokens + usage.output_tokens == counted["totalTokens"]
    assert not usage.is_estimated


@pytest.mark.parametrize("exchange", ERRORS, ids=ids(ERRORS))
def test_a_recorded_error_is_a_rejection_in_the_hosts_words(exchange: Exchange) -> None:
    error = TRANSLATION.read_error(exchange.status, exchange.answer)
    assert isinstance(error, HostRejected)
    assert error.message == decode(exchange.answer)["message"]


COUNTED = [one for one in COUNTS if one.status < 400]


@pytest.mark.parametrize("exchange", COUNTED, ids=ids(COUNTED))
def test_a_recorded_count_is_asked_and_answered_as_it_was(exchange: Exchange) -> None:
    count = TRANSLATION.token_count
    assert count is not None
    written = count.write_request(count.read_request(exchange.request, exchange.call), Target("", source=VOCABULARY))
    assert differences(exchange.request, written.body) == []
    assert decode(count.write_response(count.read_response(exchange.answer))) == decode(exchange.answer)
