"""What programs and hosts really sent arrives in every other dialect, or is named; so does its meaning in its own.

The meaning alone: without what only its own dialect knows of it, so that nothing can be carried by copying.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec
import pytest
from tally import Floor, Tally

from arrival import Arrival, readable
from exchanges import Exchange, own_exchanges, shared_exchanges
from hortus.canon.collect import collect
from hortus.canon.errors import CallerFault
from hortus.canon.events import ChoiceEnded, Cited, Event, Extra, Failed, PartEnded, PartStarted, Started
from hortus.canon.nodes import Node
from hortus.canon.request import Request
from hortus.canon.response import Response
from hortus.canon.translation import Asking, Call, Target
from proof_of_dialects import PAIRS, TRANSLATIONS

EXCHANGES = [one for one in (*shared_exchanges(), *own_exchanges()) if one.operation == "chat"]
HAS_SHARED = any(not one.is_own for one in EXCHANGES)
ASKED, ANSWERED, OWN = Floor(0.5, 0.7), Floor(0.4, 0.45), Floor(0.75, 0.9)


def floor(client: str, host: str, between: Floor) -> Floor:
    """Return what must be carried; of the project's own few recordings alone no share is asked."""
    if not HAS_SHARED:
        return Floor(0.0, 0.0)
    return OWN if client == host else between


def plain(node: Node) -> Node:
    """Return a node without what only its own dialect knows, all the way down."""
    changes: dict[str, object] = {"extras": None}
    for name in node.__struct_fields__:
        value = getattr(node, name)
        if isinstance(value, Node):
            changes[name] = plain(value)
        elif isinstance(value, tuple) and any(isinstance(one, Node) for one in value):
            changes[name] = tuple(plain(one) if isinstance(one, Node) else one for one in value)
    return msgspec.structs.replace(node, **changes)


def plain_events(events: Iterable[Event]) -> Iterator[Event]:
    """Yield events without what only their own dialect knows."""
    for event in events:
        if isinstance(event, PartStarted):
            yield msgspec.structs.replace(event, part=plain(event.part))
        elif isinstance(event, Cited):
            yield msgspec.structs.replace(event, citation=plain(event.citation))
        elif isinstance(event, Started | PartEnded | ChoiceEnded):
            yield msgspec.structs.replace(event, extras=None)
        elif not isinstance(event, Extra):
            yield event


def collected(events: Iterable[Event], host: str) -> Response:
    """Return what events make up, its choices placed where writers of streams say that they are."""
    response = collect(events)
    called = TRANSLATIONS[host].vocabulary.names.get("Response.choices", "choices")
    choices = tuple(msgspec.structs.replace(one, at=f"{called}[{one.index}]") for one in response.choices)
    return msgspec.structs.replace(response, choices=choices)


def requests_of(dialect: str) -> Iterator[tuple[str, Request]]:
    """Yield what programs asked, but for what the host, too, could not read."""
    for one in EXCHANGES:
        if one.dialect == dialect and one.request is not None:
            try:
                yield one.id, TRANSLATIONS[dialect].chat.read_request(one.request, one.call)
            except CallerFault:
                assert one.status >= 400


def answers_of(dialect: str, *, framed: bool) -> Iterator[Exchange]:
    """Yield what hosts answered, in one piece or as streams."""
    chosen = (one for one in EXCHANGES if one.dialect == dialect and one.status < 400)
    return (one for one in chosen if one.is_framed == framed)


def asking(client: str, host: str, *, is_stream: bool) -> Asking:
    """Return for whom an answer is written: a client of another dialect that wants it all."""
    call = Call(route="garden", is_stream=is_stream, query={"alt": "sse"})
    request = Request(model="garden", messages=(), is_stream=is_stream, wants_usage=True, choices=9)
    source = TRANSLATIONS[host].vocabulary
    return Asking(request=request, answer_id="0001", now_s=1_790_000_000, call=call, source=source)


def read_stream(dialect: str, data: bytes) -> list[Event]:
    """Read a whole stream."""
    reader = TRANSLATIONS[dialect].chat.open_reader()
    return reader.feed(data) + reader.close()


@pytest.mark.parametrize(("client", "host"), PAIRS, ids=[f"{a}-{b}" for a, b in PAIRS])
def test_a_recorded_request_arrives_in_every_dialect_or_is_named(client: str, host: str, record_property) -> None:
    tally, faults = Tally(), []
    source, target = TRANSLATIONS[client], TRANSLATIONS[host].chat
    for name, request in requests_of(client):
        sent = plain(request) if client == host else request
        written = target.write_request(sent, Target("garden", source.vocabulary))
        got = target.read_request(written.body, Call(route="garden", is_stream=request.is_stream))
        arrival = Arrival(written.losses, vocabulary=source.vocabulary, adaptations=written.adaptations, target=host)
        arrival.of_requests(sent, got)
        faults += [f"{name}: {fault}" for fault in arrival.faults]
        tally.add(arrival, written.losses)
    record_property("law", tally.line("recorded request of a client to a host", f"{client} > {host}"))
    assert faults == []
    tally.hold(floor(client, host, ASKED), f"{client} > {host}")


@pytest.mark.parametrize(("client", "host"), PAIRS, ids=[f"{a}-{b}" for a, b in PAIRS])
def test_a_recorded_answer_arrives_in_every_dialect_or_is_named(client: str, host: str, record_property) -> None:
    tally, faults = Tally(), []
    chat = TRANSLATIONS[client].chat
    for one in answers_of(host, framed=False):
        response = TRANSLATIONS[host].chat.read_response(one.answer)
        sent = plain(response) if client == host else response
        written = chat.write_response(sent, asking(client, host, is_stream=False))
        arrival = Arrival(
            written.losses, vocabulary=TRANSLATIONS[host].vocabulary, adaptations=written.adaptations, target=client
        )
        arrival.of_responses(readable(sent, client), chat.read_response(written.body))
        faults += [f"{one.id}: {fault}" for fault in arrival.faults]
        tally.add(arrival, written.losses)
    record_property("law", tally.line("recorded answer of a host to a client", f"{client} < {host}"))
    assert faults == []
    tally.hold(floor(client, host, ANSWERED), f"{client} < {host}")


@pytest.mark.parametrize(("client", "host"), PAIRS, ids=[f"{a}-{b}" for a, b in PAIRS])
def test_a_recorded_stream_arrives_in_every_dialect_or_is_named(client: str, host: str, record_property) -> None:
    tally, faults = Tally(), []
    for one in answers_of(host, framed=True):
        events = read_stream(host, one.answer)
        sent = list(plain_events(events)) if client == host else events
        writer = TRANSLATIONS[client].chat.open_writer(asking(client, host, is_stream=True))
        data = b"".join([writer.feed(event) for event in sent])
        arrival = Arrival(writer.losses, vocabulary=TRANSLATIONS[host].vocabulary, target=client)
        has_failed = any(isinstance(event, Failed) for event in sent)
        arrival.of_responses(
            readable(collected(sent, host), client), collect(read_stream(client, data)), has_failed=has_failed
        )
        faults += [f"{one.id}: {fault}" for fault in arrival.faults]
        tally.add(arrival, writer.losses)
    record_property("law", tally.line("recorded stream of a host to a client", f"{client} < {host}"))
    assert faults == []
    tally.hold(floor(client, host, ANSWERED), f"{client} < {host}")
