"""Whatever bytes come, a reader gives an error of the tree: of the caller for requests, of the host for answers."""

from __future__ import annotations

import contextlib
import random
import tracemalloc
from collections.abc import Callable

import pytest
from mutation import mutated, noise

from exchanges import Exchange, own_exchanges
from hortus.canon.errors import BrokenStream, CallerFault, HostFault
from hortus.canon.events import Grammar
from hortus.canon.request import Request
from hortus.canon.translation import Asking, Target
from hortus.dialects import DIALECTS
from proof_of_dialects import NAMES, TRANSLATIONS

OWN = [*own_exchanges()]
BY_NAME = {dialect.name: dialect for dialect in DIALECTS}
MUTATED, NOISE = 150, 20
"""Examples for each recording of the project's own set."""

Reader = Callable[[Exchange, bytes], object]


def examples(data: bytes, seed: str) -> list[bytes]:
    """Return the same bytes in every run."""
    dice = random.Random(seed)
    return [mutated(data, dice) for _ in range(MUTATED)] + [noise(dice) for _ in range(NOISE)]


def cases(dialect: str, *, framed: bool | None = None, errors: bool = False) -> list[Exchange]:
    """Return the recordings of a dialect whose answers are streams, or not, or errors."""
    chosen = [one for one in OWN if one.dialect == dialect and (one.status >= 400) == errors]
    return [one for one in chosen if framed is None or one.is_framed == framed]


def asking(exchange: Exchange) -> Asking:
    """Return for whom an answer is written: somebody who wants it all."""
    request = Request(model="garden", messages=(), is_stream=exchange.is_framed, wants_usage=True)
    return Asking(request=request, answer_id="0001", now_s=1_790_000_000, call=exchange.call)


def read_request(exchange: Exchange, data: bytes) -> None:
    """Read a client's request and write it for every host."""
    translation = TRANSLATIONS[exchange.dialect]
    source = translation.vocabulary
    match exchange.operation:
        case "embeddings":
            vectors = translation.embeddings
            assert vectors is not None
            wanted = vectors.read_request(data, exchange.call)
            for host in TRANSLATIONS.values():
                if host.embeddings is not None:
                    host.embeddings.write_request(wanted, Target("m", source))
        case "token_count":
            count = translation.token_count
            assert count is not None
            counted = count.read_request(data, exchange.call)
            for host in TRANSLATIONS.values():
                if host.token_count is not None:
                    host.token_count.write_request(counted, Target("m", source))
        case _:
            request = translation.chat.read_request(data, exchange.call)
            for host in TRANSLATIONS.values():
                host.chat.write_request(request, Target("m", source))


def read_answer(exchange: Exchange, data: bytes) -> None:
    """Read a host's answer and write it for every client."""
    translation = TRANSLATIONS[exchange.dialect]
    match exchange.operation:
        case "embeddings":
            assert translation.embeddings is not None
            translation.embeddings.read_response(data)
        case "token_count":
            assert translation.token_count is not None
            translation.token_count.read_response(data)
        case _:
            response = translation.chat.read_response(data)
            for client in TRANSLATIONS.values():
                client.chat.write_response(response, asking(exchange))


def read_stream(exchange: Exchange, data: bytes) -> None:
    """Read a host's stream, hold it to the grammar, and write it for every client."""
    reader = TRANSLATIONS[exchange.dialect].chat.open_reader()
    grammar = Grammar()
    writers = [client.chat.open_writer(asking(exchange)) for client in TRANSLATIONS.values()]
    half = len(data) // 2
    for part in (data[:half], data[half:], None):
        for event in reader.close() if part is None else reader.feed(part):
            assert grammar.fault(event) is None
            for writer in writers:
                writer.feed(event)
    if not grammar.is_over:
        for writer in writers:
            writer.fail(BrokenStream("The stream broke off."))


@pytest.mark.parametrize("dialect", NAMES)
def test_a_request_is_read_or_is_the_callers_fault(dialect: str) -> None:
    for exchange in cases(dialect):
        for data in examples(exchange.request or b"", exchange.id):
            try:
                read_request(exchange, data)
            except CallerFault as error:
                assert error.message  # noqa: PT017 -- that it is one of these is the point


@pytest.mark.parametrize("dialect", NAMES)
def test_a_request_is_relayed_or_is_the_callers_fault(dialect: str) -> None:
    record = BY_NAME[dialect]
    operation = next(one for one in record.operations if one.name == "chat")
    for exchange in cases(dialect):
        for data in examples(exchange.request or b"", exchange.id):
            try:
                record.write_request(record.read_request(operation, data, exchange.call.route), "m")
            except CallerFault as error:
                assert error.message  # noqa: PT017 -- as above


@pytest.mark.parametrize("dialect", NAMES)
def test_an_answer_is_read_or_is_the_hosts_fault(dialect: str) -> None:
    for exchange in cases(dialect, framed=False):
        for data in examples(exchange.answer, exchange.id):
            try:
                read_answer(exchange, data)
            except HostFault as error:
                assert error.message  # noqa: PT017 -- as above


@pytest.mark.parametrize("dialect", NAMES)
def test_a_stream_is_read_or_is_the_hosts_fault(dialect: str) -> None:
    for exchange in cases(dialect, framed=True):
        for data in examples(exchange.answer, exchange.id):
            try:
                read_stream(exchange, data)
            except HostFault as error:
                assert error.message  # noqa: PT017 -- as above


@pytest.mark.parametrize("dialect", NAMES)
def test_a_stream_that_is_relayed_passes_or_is_the_hosts_fault(dialect: str) -> None:
    for exchange in cases(dialect, framed=True):
        for data in examples(exchange.answer, exchange.id):
            tap = BY_NAME[dialect].open_stream(True)  # noqa: FBT003 -- the record's own signature
            try:
                passed = tap.feed(data[: len(data) // 2]) + tap.feed(data[len(data) // 2 :]) + tap.close()
            except HostFault:
                continue
            assert len(passed) <= len(data) + len(b"\n\n")  # an event at the end may get its blank line
            tap.estimate(input_bytes=10)


@pytest.mark.parametrize("dialect", NAMES)
def test_an_error_is_read_whatever_it_is(dialect: str) -> None:
    for exchange in cases(dialect, errors=True):
        for data in examples(exchange.answer, exchange.id):
            assert isinstance(TRANSLATIONS[dialect].read_error(exchange.status, data), HostFault)


DEEP = (
    b"[" * 200_000,
    b'{"a":' * 100_000,
    b'{"messages":' + b"[" * 100_000,
    b'{"contents":[{"parts":' + b'[{"functionCall":{"args":' * 5_000,
    b'{"x":"' + b"\\" * 200_001,
    b'{"input":"' + b"\\u0041" * 50_000 + b'"}',
    b"{" + b",".join(b'"x%d":%d' % (i, i) for i in range(30_000)) + b"}",
    b" " * 500_000,
    b"\xef\xbb\xbf{}",
)


@pytest.mark.parametrize("dialect", NAMES)
def test_deep_and_long_bodies_end_soon(dialect: str) -> None:
    exchange = cases(dialect)[0]
    for data in DEEP:
        with pytest.raises(CallerFault):
            read_request(exchange, data)
        with contextlib.suppress(HostFault):  # where every member may be absent, an object of others is an answer
            TRANSLATIONS[dialect].chat.read_response(data)


FRAMES = (
    b"data: " + b"x" * 999_000,
    b": hush " * 100_000,
    b"[" * 999_000,
    b'[{"x":"' + b"y" * 999_000,
)


@pytest.mark.parametrize("dialect", NAMES)
@pytest.mark.parametrize("start", FRAMES, ids=["line", "comment", "array", "element"])
def test_a_stream_without_end_is_given_up(dialect: str, start: bytes) -> None:
    reader = TRANSLATIONS[dialect].chat.open_reader()
    with pytest.raises(BrokenStream):
        feed_for_ever(reader, start)


def feed_for_ever(reader, start: bytes) -> None:
    """Feed 20 MiB of one frame that does not end."""
    reader.feed(start)
    for _ in range(20):
        reader.feed(b"x" * 1024 * 1024)


@pytest.mark.parametrize("dialect", NAMES)
def test_what_a_reader_holds_is_bounded_by_what_it_was_given(dialect: str) -> None:
    for exchange in cases(dialect, framed=True):
        data = b"".join(examples(exchange.answer, exchange.id)[:20])
        tracemalloc.start()
        try:
            read_stream(exchange, data)
        except HostFault:
            pass
        finally:
            _, peak = tracemalloc.get_traced_memory()
            tracemalloc.stop()
        assert peak < 60 * len(data) + 1_000_000
