"""A request arrives at every host, whatever its client speaks: what does not is named, with its path."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from canonical import embeddings_requests, requests
from hypothesis import given
from tally import LAW, WHOLE, Floor, Tally

from arrival import Arrival
from hortus.canon.embeddings import EmbeddingsRequest
from hortus.canon.errors import CallerFault
from hortus.canon.manifest import Vocabulary
from hortus.canon.nodes import Node
from hortus.canon.request import Request
from hortus.canon.translation import Call, Target
from proof_of_dialects import NAMES, TRANSLATIONS, differences

WRITTEN, BETWEEN, EMBEDDED = Floor(0.45, 0.65), Floor(0.45, 0.65), Floor(0.25, 0.5)


def call_for(request: Request | EmbeddingsRequest) -> Call:
    """Return what stands around the body, for dialects that say model and streaming in the path."""
    return Call(route=request.model, is_stream=getattr(request, "is_stream", None))


def places_of(node: Node) -> Iterator[str]:
    """Yield the place of everything in a node."""
    for name in node.__struct_fields__:
        value = getattr(node, name)
        for child in value if isinstance(value, tuple) else (value,):
            if isinstance(child, Node):
                yield child.at
                yield from places_of(child)


@pytest.mark.parametrize("host", NAMES)
def test_written_and_read_again_a_request_is_the_same_or_its_losses_are_named(host: str, record_property) -> None:
    chat, tally = TRANSLATIONS[host].chat, Tally()

    @LAW
    @given(request=requests())
    def law(request: Request) -> None:
        written = chat.write_request(request, Target(model=request.model, source=Vocabulary()))
        got = chat.read_request(written.body, call_for(request))
        arrival = Arrival(written.losses, adaptations=written.adaptations, target=host)
        arrival.of_requests(request, got)
        assert arrival.faults == [], written
        tally.add(arrival, written.losses)

    law()
    record_property("law", tally.line("request written and read", host))
    tally.hold(WRITTEN, host)


@pytest.mark.parametrize("client", NAMES)
def test_what_a_client_can_say_arrives_at_every_host_or_is_named_in_its_own_words(client: str, record_property) -> None:
    source = TRANSLATIONS[client]
    tallies = {host: Tally() for host in NAMES}

    @LAW
    @given(drawn=requests())
    def law(drawn: Request) -> None:
        body = source.chat.write_request(drawn, Target(model=drawn.model, source=Vocabulary())).body
        for host, tally in tallies.items():
            request = source.chat.read_request(body, call_for(drawn))
            assert all(places_of(request)), "a node has no place"
            written = TRANSLATIONS[host].chat.write_request(request, Target(drawn.model, source=source.vocabulary))
            got = TRANSLATIONS[host].chat.read_request(written.body, call_for(request))
            arrival = Arrival(
                written.losses, vocabulary=source.vocabulary, adaptations=written.adaptations, target=host
            )
            arrival.of_requests(request, got)
            assert arrival.faults == [], (host, body, written)
            tally.add(arrival, written.losses)

    law()
    for host, tally in tallies.items():
        record_property("law", tally.line("request of a client to a host", f"{client} > {host}"))
        tally.hold(WHOLE if host == client else BETWEEN, host)


@pytest.mark.parametrize("dialect", NAMES)
def test_what_a_dialect_wrote_it_writes_again_from_what_it_reads(dialect: str) -> None:
    translation = TRANSLATIONS[dialect]

    @LAW
    @given(drawn=requests())
    def law(drawn: Request) -> None:
        first = translation.chat.write_request(drawn, Target(model=drawn.model, source=Vocabulary())).body
        request = translation.chat.read_request(first, call_for(drawn))
        again = translation.chat.write_request(request, Target(model=drawn.model, source=translation.vocabulary))
        assert differences(first, again.body) == []
        assert again.losses == ()

    law()


WITH_EMBEDDINGS = tuple(name for name in NAMES if TRANSLATIONS[name].embeddings is not None)


@pytest.mark.parametrize("host", WITH_EMBEDDINGS)
def test_texts_for_vectors_arrive_or_are_named(host: str, record_property) -> None:
    vectors, tally = TRANSLATIONS[host].embeddings, Tally()
    assert vectors is not None

    @LAW
    @given(request=embeddings_requests())
    def law(request: EmbeddingsRequest) -> None:
        try:
            written = vectors.write_request(request, Target(model=request.model, source=Vocabulary()))
        except CallerFault:
            return
        got = vectors.read_request(written.body, call_for(request))
        arrival = Arrival(written.losses, adaptations=written.adaptations, target=host)
        arrival.of_nodes(request, got)
        assert arrival.faults == [], written
        tally.add(arrival, written.losses)

    law()
    record_property("law", tally.line("embeddings written and read", host))
    tally.hold(EMBEDDED, host)
