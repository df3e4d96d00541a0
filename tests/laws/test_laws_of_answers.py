"""An answer arrives at every client, in one piece or as a stream: what does not is named, and both ways agree."""

from __future__ import annotations

import pytest
from canonical import responses
from hypothesis import given
from streams import Streamed, streams
from tally import LAW, WHOLE, Floor, Tally

from arrival import Arrival, readable
from hortus.canon.collect import collect
from hortus.canon.errors import BY_CODE, RequestError
from hortus.canon.events import Event, Failed, Grammar, Started
from hortus.canon.nodes import bare
from hortus.canon.request import Request
from hortus.canon.response import Response
from hortus.canon.translation import Asking, Call, Chat
from proof_of_dialects import NAMES, TRANSLATIONS

WRITTEN, BETWEEN, STREAMED = Floor(0.35, 0.75), Floor(0.45, 0.65), Floor(0.45, 0.7)
QUERIES = {"gemini": ({"alt": "sse"}, {})}
"""Dialects in which the address says how a stream is framed."""


def asking_for(dialect: str, *, is_stream: bool, query: dict[str, str] | None = None) -> Asking:
    """Return for whom an answer is written: a client that wants everything."""
    call = Call(route="garden", is_stream=is_stream, query=query or {})
    request = Request(model="garden", messages=(), is_stream=is_stream, wants_usage=True, choices=2)
    return Asking(request=request, answer_id="0001", now_s=1_790_000_000, call=call)


def read_whole(chat: Chat, parts: list[bytes]) -> list[Event]:
    """Read one stream and hold it to the grammar."""
    reader = chat.open_reader()
    events = [event for part in parts for event in reader.feed(part)] + reader.close()
    grammar = Grammar()
    assert [fault for event in events if (fault := grammar.fault(event))] == []
    return events


@given(streamed=streams())
@LAW
def test_the_events_of_an_answer_make_that_answer(streamed: Streamed) -> None:
    grammar = Grammar()
    assert [grammar.fault(event) for event in streamed.events] == [None] * len(streamed.events)
    assert bare(collect(streamed.events)) == bare(streamed.response)


@pytest.mark.parametrize("client", NAMES)
def test_written_and_read_again_an_answer_is_the_same_or_its_losses_are_named(client: str, record_property) -> None:
    chat, tally = TRANSLATIONS[client].chat, Tally()

    @LAW
    @given(response=responses())
    def law(response: Response) -> None:
        written = chat.write_response(response, asking_for(client, is_stream=False))
        arrival = Arrival(written.losses, adaptations=written.adaptations, target=client)
        arrival.of_responses(readable(response, client), chat.read_response(written.body))
        assert arrival.faults == [], written
        tally.add(arrival, written.losses)

    law()
    record_property("law", tally.line("answer written and read", client))
    tally.hold(WRITTEN, client)


@pytest.mark.parametrize("host", NAMES)
def test_what_a_host_answers_arrives_at_every_client_or_is_named(host: str, record_property) -> None:
    source = TRANSLATIONS[host]
    tallies = {client: Tally() for client in NAMES}

    @LAW
    @given(drawn=responses())
    def law(drawn: Response) -> None:
        body = source.chat.write_response(drawn, asking_for(host, is_stream=False)).body
        for client, tally in tallies.items():
            response = source.chat.read_response(body)
            asking = asking_for(client, is_stream=False)
            asking = Asking(asking.request, asking.answer_id, asking.now_s, asking.call, source.vocabulary)
            written = TRANSLATIONS[client].chat.write_response(response, asking)
            got = TRANSLATIONS[client].chat.read_response(written.body)
            arrival = Arrival(
                written.losses, vocabulary=source.vocabulary, adaptations=written.adaptations, target=client
            )
            arrival.of_responses(readable(response, client), got)
            assert arrival.faults == [], (client, body, written)
            tally.add(arrival, written.losses)

    law()
    for client, tally in tallies.items():
        record_property("law", tally.line("answer of a host to a client", f"{client} < {host}"))
        tally.hold(WHOLE if client == host else BETWEEN, client)


@pytest.mark.parametrize("client", NAMES)
def test_a_stream_says_what_the_whole_answer_says(client: str, record_property) -> None:
    chat, tally = TRANSLATIONS[client].chat, Tally()

    @LAW
    @given(streamed=streams())
    def law(streamed: Streamed) -> None:
        whole = chat.read_response(chat.write_response(streamed.response, asking_for(client, is_stream=False)).body)
        for query in QUERIES.get(client, ({},)):
            writer = chat.open_writer(asking_for(client, is_stream=True, query=query))
            parts = [writer.feed(event) for event in streamed.events]
            events = read_whole(chat, parts)
            arrival = Arrival(writer.losses, target=client)
            arrival.of_responses(readable(streamed.response, client), collect(events))
            assert arrival.faults == [], b"".join(parts)
            agreement = Arrival((), target=client)
            agreement.of_responses(whole, collect(events))
            assert agreement.faults == [], b"".join(parts)
            data = b"".join(parts)
            assert read_whole(chat, [data[i : i + 7] for i in range(0, len(data), 7)]) == events
            tally.add(arrival, writer.losses)

    law()
    record_property("law", tally.line("stream written and read", client))
    tally.hold(STREAMED, client)


ERRORS = sorted(BY_CODE.items())


@pytest.mark.parametrize("client", NAMES)
@pytest.mark.parametrize(("code", "kind"), ERRORS, ids=[code for code, _ in ERRORS])
def test_a_stream_that_fails_is_read_as_failed_wherever_it_stands(
    client: str, code: str, kind: type[RequestError]
) -> None:
    chat = TRANSLATIONS[client].chat
    begun = [Started(id="made1", model="garden-1-2026")]
    for before in ([], begun):
        writer = chat.open_writer(asking_for(client, is_stream=True, query={"alt": "sse"}))
        parts = [writer.feed(event) for event in before]
        events = read_whole(chat, [*parts, writer.fail(kind("It went wrong."))])
        last = events[-1]
        assert isinstance(last, Failed)
        assert last.code in BY_CODE
        assert last.message
