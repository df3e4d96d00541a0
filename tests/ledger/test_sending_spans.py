"""Traces on their way: batches, collectors that are away, full, broken or silent, and the end of the ledger."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager

import msgspec
import pytest
from prometheus_client import CollectorRegistry

from hortus.app.tracing import Tracing, sending_spans
from hortus.ledger.spans import Pace, SpanSender
from hortus.receipts.folding import fold
from hortus.receipts.records import Receipt
from hortus.telemetry.meters import LedgerMeters
from hortus.transport.settings import TransportSettings
from ledger.otlp_collector import Answer, Gathering, attributes_of, gathering
from receipts.journal_examples import opened, settled

QUICK = Pace(
    most_waiting=100, most_at_once=10, every_s=0.01, first_retry_s=0.01, longest_retry_s=0.02, end_within_s=30.0
)
NOT_SAMPLED = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00"


def receipts(count: int, *, start: int = 0, traceparent: str | None = None) -> list[Receipt]:
    made = []
    for number in range(start, start + count):
        begin = msgspec.structs.replace(opened(f"rcp_{number}"), traceparent=traceparent)
        receipt = fold([begin, settled(f"rcp_{number}")])
        assert receipt is not None
        made.append(receipt)
    return made


class Figures:
    """Meters of their own, and what they show."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self.meters = LedgerMeters(self._registry)

    def spans(self, outcome: str) -> float:
        self.meters.flush(spans_waiting=0)
        return self._registry.get_sample_value("hortus_spans_total", {"outcome": outcome}) or 0

    def unsampled(self) -> float:
        self.meters.flush(spans_waiting=0)
        return self._registry.get_sample_value("hortus_spans_unsampled_total") or 0


@asynccontextmanager
async def sending(url: str, figures: Figures, *, pace: Pace = QUICK) -> AsyncIterator[SpanSender]:
    tracing = Tracing(
        url=f"{url}/v1/traces",
        headers={"content-type": "application/json", "x-key": "secret"},
        transport=TransportSettings(),
        pace=pace,
    )
    in_thread: Callable[[Callable[[], object]], object] = asyncio.to_thread
    async with sending_spans(tracing, figures.meters, in_thread=in_thread) as sender:
        assert sender is not None
        yield sender


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110 -- what is waited for happens in other threads too
            await asyncio.sleep(0.005)


def ids_at(collector: Gathering) -> list[str]:
    """Return the receipts of which the collector has spans, once for each span of a request."""
    return [attributes_of(span)["hortus.receipt.id"] for span in collector.spans if span.kind == 2]


async def test_spans_of_stored_receipts_arrive_in_batches() -> None:
    figures = Figures()
    with gathering() as collector:
        async with sending(collector.url, figures) as sender:
            sender.offer(receipts(25))
            await until(lambda: figures.spans("sent") == 50)
    assert sorted(ids_at(collector)) == sorted(f"rcp_{number}" for number in range(25))
    assert len(collector.bodies) == 3
    assert sender.waiting == 0


async def test_a_collector_is_asked_as_it_wants() -> None:
    with gathering() as collector:
        async with sending(collector.url, Figures()) as sender:
            sender.offer(receipts(1))
    path, headers = collector.heads[0]
    assert path == "/v1/traces"
    assert (headers["content-type"], headers["x-key"]) == ("application/json", "secret")


@pytest.mark.parametrize("status", [429, 502, 503, 504])
async def test_a_collector_that_is_busy_is_asked_again(status: int) -> None:
    figures = Figures()
    with gathering(Answer(status), Answer(status, headers={"retry-after": "0"})) as collector:
        async with sending(collector.url, figures) as sender:
            sender.offer(receipts(1))
            await until(lambda: figures.spans("sent") == 2)
    assert len(collector.bodies) == 3
    assert len(set(collector.bodies)) == 1


async def test_retry_after_is_heeded() -> None:
    figures, other = Figures(), Figures()
    with gathering(Answer(503, headers={"retry-after": "3600"})) as patient, gathering(*[Answer(503)] * 5) as hasty:
        async with sending(patient.url, figures) as sender:
            sender.offer(receipts(1))
            await until(lambda: patient.bodies)
            async with sending(hasty.url, other) as second:
                second.offer(receipts(1))
                await until(lambda: other.spans("sent") == 2)  # after five retries
            assert len(patient.bodies) == 1
        assert len(patient.bodies) == 2  # the end waits for nothing
    assert figures.spans("sent") == 2


@pytest.mark.parametrize("status", [400, 401, 413, 500, 302])
async def test_what_a_collector_refuses_is_not_sent_again(status: int, caplog: pytest.LogCaptureFixture) -> None:
    figures = Figures()
    with gathering(Answer(status), Answer(status)) as collector:
        async with sending(collector.url, figures) as sender:
            sender.offer(receipts(20))
            await until(lambda: figures.spans("refused") == 40)
            sender.offer(receipts(1, start=20))
            await until(lambda: figures.spans("sent") == 2)
    assert len(collector.bodies) == 3
    warnings = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert len(warnings) == 1
    assert f"answers {status}; spans are not sent again" in warnings[0]


async def test_what_a_collector_takes_in_part_is_counted() -> None:
    figures = Figures()
    body = b'{"partialSuccess": {"rejectedSpans": "3", "errorMessage": "x"}}'
    with gathering(Answer(body=body), Answer(body=b"\x08\x01 no JSON")) as collector:
        async with sending(collector.url, figures) as sender:
            sender.offer(receipts(10))
            await until(lambda: figures.spans("sent") == 17)
            sender.offer(receipts(1))
            await until(lambda: figures.spans("sent") == 19)
    assert figures.spans("refused") == 3


@pytest.fixture
def nobody() -> Iterator[str]:
    """An address where nobody listens, and nobody else can begin to."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"


async def test_while_the_collector_is_away_the_newest_are_kept(nobody: str, caplog: pytest.LogCaptureFixture) -> None:
    figures = Figures()
    async with sending(nobody, figures) as sender:
        sender.offer(receipts(QUICK.most_at_once))
        await until(lambda: caplog.records)  # these are in hand
        sender.offer(receipts(150, start=100))
        sender.offer(receipts(10, start=250))
        await until(lambda: figures.spans("dropped") == 120)
        assert sender.waiting == QUICK.most_waiting + QUICK.most_at_once
    assert figures.spans("dropped") == 120 + 2 * (QUICK.most_waiting + QUICK.most_at_once)
    said = [record.getMessage() for record in caplog.records]
    assert len(said) == 3
    assert "answers nothing; spans are sent again" in said[0]
    assert "spans are dropped" in said[1]
    assert "220 spans were not sent" in said[2]


async def test_a_collector_that_comes_back_gets_what_waited(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "hortus.spans")
    figures = Figures()
    with gathering(*[Answer(503)] * 3) as collector:
        async with sending(collector.url, figures) as sender:
            sender.offer(receipts(30))
            await until(lambda: figures.spans("sent") == 60)
    assert set(ids_at(collector)) == {f"rcp_{number}" for number in range(30)}
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]


async def test_what_waits_at_the_end_is_sent() -> None:
    figures = Figures()
    with gathering() as collector:
        async with sending(collector.url, figures, pace=msgspec.structs.replace(QUICK, every_s=3600.0)) as sender:
            await asyncio.sleep(0)  # it has begun to rest
            sender.offer(receipts(25))
    assert len(ids_at(collector)) == 25
    assert figures.spans("sent") == 50


async def test_a_silent_collector_does_not_hold_up_the_end() -> None:
    figures = Figures()
    with gathering() as collector:
        collector.hold.clear()
        pace = msgspec.structs.replace(QUICK, end_within_s=0.05)
        async with asyncio.timeout(30), sending(collector.url, figures, pace=pace) as sender:
            sender.offer(receipts(15))
            await until(lambda: collector.bodies)
        collector.hold.set()
    assert figures.spans("dropped") == 30
    assert figures.spans("sent") == 0


async def test_a_busy_collector_is_tried_once_more_at_the_end(caplog: pytest.LogCaptureFixture) -> None:
    figures = Figures()
    pace = msgspec.structs.replace(QUICK, first_retry_s=3600.0, longest_retry_s=3600.0)
    with gathering(Answer(503), Answer(503)) as collector:
        async with sending(collector.url, figures, pace=pace) as sender:
            sender.offer(receipts(1))
            await until(lambda: caplog.records)
    assert len(collector.bodies) == 2
    assert figures.spans("dropped") == 2


async def test_receipts_of_callers_that_record_nothing_are_counted_and_left_out() -> None:
    figures = Figures()
    with gathering() as collector:
        async with sending(collector.url, figures) as sender:
            sender.offer([*receipts(3, traceparent=NOT_SAMPLED), *receipts(1, start=3)])
            await until(lambda: figures.spans("sent") == 2)
    assert ids_at(collector) == ["rcp_3"]
    assert figures.unsampled() == 3


async def test_a_receipt_that_cannot_be_drawn_takes_nothing_down(caplog: pytest.LogCaptureFixture) -> None:
    figures = Figures()
    broken = msgspec.structs.replace(receipts(1)[0], route="\ud800")  # no JSON can hold it
    with gathering() as collector:
        async with sending(collector.url, figures) as sender:
            sender.offer([broken])
            await until(lambda: caplog.records)
            assert "receipts are not touched" in caplog.records[0].getMessage()
    assert collector.bodies == []
    assert figures.spans("dropped") == 2


async def test_without_a_collector_there_is_no_sender() -> None:
    async with sending_spans(None, Figures().meters, in_thread=asyncio.to_thread) as sender:
        assert sender is None
