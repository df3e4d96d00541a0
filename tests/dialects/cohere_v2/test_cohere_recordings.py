"""Every recorded exchange with Cohere, read and written again, is what it was; until the dialect is registered."""

from __future__ import annotations

import msgspec
import pytest
from cohere_examples import ASKING, CHAT, OPERATIONS, TRANSLATION, VECTORS, events_of

from exchanges import Exchange, _Recording, _shared, traffic_place
from hortus.canon.collect import collect
from hortus.canon.errors import HostNotFound
from hortus.canon.events import Grammar
from hortus.canon.translation import Target
from hortus.dialects.cohere_v2 import DIALECT
from proof_of_dialects import differences

KINDS = {"chat-v2": "chat", "embed": "embeddings", "rerank": "rerank"}
RECORDINGS = [msgspec.json.decode(file.read_bytes(), type=_Recording) for file in traffic_place().glob("cohere/*.json")]
EXCHANGES = sorted(_shared(one, "cohere_v2", KINDS[one.api]) for one in RECORDINGS if one.api in KINDS)
PLAIN = [one for one in EXCHANGES if one.operation != "rerank" and not one.is_framed and one.status < 400]
FRAMED = [one for one in EXCHANGES if one.is_framed]
ALL = [one for one in EXCHANGES if one.request is not None]


def named(exchanges: list[Exchange]):
    """Return one case for each exchange."""
    return pytest.mark.parametrize("exchange", exchanges, ids=[one.id for one in exchanges])


@named([one for one in ALL if one.operation != "rerank"])
def test_a_request_is_what_it_was(exchange: Exchange) -> None:
    operation = CHAT if exchange.operation == "chat" else VECTORS
    body = exchange.request or b""
    target = Target(exchange.model, source=TRANSLATION.vocabulary)
    written = operation.write_request(operation.read_request(body, exchange.call), target)  # type: ignore[arg-type]  # of its own
    assert differences(body, written.body) == []
    assert (written.losses, written.adaptations) == ((), ())


@named(PLAIN)
def test_an_answer_is_what_it_was(exchange: Exchange) -> None:
    if exchange.operation == "chat":
        written = CHAT.write_response(CHAT.read_response(exchange.answer), ASKING)
    else:
        request = VECTORS.read_request(exchange.request or b"", exchange.call)
        written = VECTORS.write_response(VECTORS.read_response(exchange.answer), request)
    assert differences(exchange.answer, written.body) == []
    assert written.losses == ()


@named(FRAMED)
def test_a_stream_has_the_same_events(exchange: Exchange) -> None:
    events = events_of(exchange.answer)
    grammar = Grammar()
    assert [fault for event in events if (fault := grammar.fault(event))] == []
    assert grammar.is_over
    writer = CHAT.open_writer(ASKING)
    again = events_of(b"".join(writer.feed(event) for event in events))
    assert again == events
    assert collect(again) == collect(events)
    assert writer.losses == ()


@named(FRAMED)
def test_a_stream_passes_and_tells_its_usage(exchange: Exchange) -> None:
    tap = DIALECT.open_stream(True)  # noqa: FBT003 -- the record's own signature
    data = exchange.answer
    passed = b"".join(tap.feed(data[i : i + 50]) for i in range(0, len(data), 50)) + tap.close()
    assert passed == data
    assert tap.is_finished
    assert tap.usage is not None


@named([one for one in EXCHANGES if one.operation == "rerank"])
def test_a_ranking_tells_its_usage(exchange: Exchange) -> None:
    assert DIALECT.read_answer(OPERATIONS["rerank"], exchange.answer, 1).usage.search_units == 1


@named([one for one in EXCHANGES if one.status >= 400])
def test_errors_are_read(exchange: Exchange) -> None:
    assert type(TRANSLATION.read_error(exchange.status, exchange.answer)) is HostNotFound


@named(ALL)
def test_a_request_that_stays_is_not_changed(exchange: Exchange) -> None:
    body = exchange.request or b""
    asked = DIALECT.read_request(OPERATIONS[exchange.operation], body, None)
    assert differences(DIALECT.write_request(asked, asked.route).body, body) == []
