"""Records, a clock and seeded entropy for tests of journal, ledger and store."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from random import Random

from hortus.canon.usage import Usage
from hortus.receipts.reading import read_portion
from hortus.receipts.records import Caller, JournalRecord, Opened, Refused, Settled
from hortus.receipts.segment import START, Position

CALLER = Caller(key_id="key_1", project_id="prj_1")


class StepClock:
    """Goes on by one millisecond at each look, unless told otherwise."""

    def __init__(self, now_ms: int = 1_795_000_000_000) -> None:
        self.instant_ms = now_ms

    def now_ms(self) -> int:
        self.instant_ms += 1
        return self.instant_ms

    def monotonic_s(self) -> float:
        self.instant_ms += 1
        return self.instant_ms / 1000

    def pass_by(self, seconds: float) -> None:
        self.instant_ms += int(seconds * 1000)


def opened(receipt_id: str, attempt: int = 1, *, reserved: str | None = "0.5", route: str = "seedling") -> Opened:
    return Opened(
        receipt_id=receipt_id,
        attempt=attempt,
        at_ms=1000 + attempt,
        caller=CALLER,
        dialect="openai_chat",
        operation="chat",
        route=route,
        endpoint=f"endpoint-{attempt}",
        model="seedling",
        host="local",
        is_stream=True,
        request_id=f"req-{receipt_id}",
        input_bytes=321,
        snapshot_version=7,
        reserved=Decimal(reserved) if reserved else None,
        currency="EUR",
        price_id="row",
        adaptations=("model_name",),
    )


def settled(
    receipt_id: str, attempt: int = 1, *, is_last: bool = True, status: str = "completed", cost: str | None = "0.25"
) -> Settled:
    return Settled(
        receipt_id=receipt_id,
        attempt=attempt,
        at_ms=2000 + attempt,
        status=status,
        is_last=is_last,
        http_status=200,
        usage=Usage(input_tokens=11, output_tokens=22, cached_input_tokens=3),
        cost=Decimal(cost) if cost else None,
        first_byte_ms=5,
        output_bytes=99,
        host_request_id="host-1",
        served_model="seedling-1",
    )


def refused(receipt_id: str) -> Refused:
    return Refused(
        receipt_id=receipt_id,
        at_ms=1500,
        caller=Caller(),
        http_status=401,
        error_code="invalid_api_key",
        request_id=f"req-{receipt_id}",
    )


def entropy_of(seed: int) -> Random:
    return Random(seed)


def read_all(
    file: Path, *, is_finished: bool = True, start: Position = START
) -> tuple[list[JournalRecord], Position, int]:
    """Return all records of a segment, where they end, and the length of a torn tail."""
    records: list[JournalRecord] = []
    while True:
        portion = read_portion(file, start, is_finished=is_finished)
        records += portion.records
        start = portion.end
        if portion.is_all:
            return records, start, portion.torn_bytes


def segments_of(directory: Path) -> list[Path]:
    """Return the segments in a directory, oldest first (names of one writer sort by time)."""
    return sorted(directory.glob("*.journal"))
