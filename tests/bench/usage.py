"""What usage costs: receipts a second with and without sums, and how long questions take over many receipts.

Receipts go through the ledger's own way into the store. Where they are more than `--absorb`, the rest are added as sums
alone, in as many rows as that many receipts would make; receipts themselves would take gigabytes and tell the same.

Usage: usage.py [--absorb 200000] [--receipts 10000000] [--days 90] [--batch 2000] [--json FILE]
"""

from __future__ import annotations

import argparse
import math
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import NamedTuple
from zoneinfo import ZoneInfo

import msgspec
from rich.console import Console
from rich.table import Table

from hortus.app.clock import SystemClock
from hortus.canon.usage import COUNTS, Usage
from hortus.ledger.ports import Batch, StoreUnavailable
from hortus.receipts.records import Caller, JournalRecord, Opened, Settled
from hortus.receipts.rollups import DAY_MS, QUARTER_MS, Period, Question, Span, periods_between
from hortus.receipts.segment import START, Position
from hortus.store.absorbing import JournalTable
from hortus.store.database import Store, open_store
from hortus.store.receipts import ReceiptTable

BEGIN_MS = 1_790_812_800_000  # 2026-10-01
PROJECTS, KEYS, ROUTES, ENDPOINTS = 40, 400, 12, 25
KINDS = 3000
"""Ways of asking that occur: a key, a route, an endpoint, an outcome. Few are used much, most little (Zipf's law)."""
MOST_BARE = 200_000
"""Receipts that are absorbed without sums, to compare."""
OFFICE_HOURS = range(8, 18)
"""In these come 4 of 5 requests, as in offices."""


class Without:
    """Stands for the sums where they are left out."""

    def add(self, connection: object, done: object) -> None:
        """Do nothing."""


def kinds(random: Random) -> list[tuple[Opened, str]]:
    """Return what requests have in common, with the status in which they end."""
    found = []
    for number in range(KINDS):
        key, endpoint = random.randrange(KEYS), random.randrange(ENDPOINTS)
        opened = Opened(
            receipt_id="",
            attempt=1,
            at_ms=0,
            caller=Caller(f"key_{key:020}", f"prj_{key % PROJECTS:020}"),
            dialect=("openai_chat", "anthropic_messages")[key % 2],
            operation="chat",
            route=f"route-{random.randrange(ROUTES)}",
            endpoint=f"model-{endpoint}@host-{endpoint % 6}",
            model=f"maker-{endpoint % 8}/model-{endpoint}",
            host=f"host-{endpoint % 6}",
            is_stream=True,
            request_id="req",
            input_bytes=900,
            snapshot_version=1,
            currency=("EUR", "USD")[endpoint % 2],
            price_id="row",
            maker=f"maker-{endpoint % 8}",
        )
        found.append((opened, "completed" if number % 20 else "failed"))
    return found


def weights() -> list[float]:
    """Return how often each kind occurs."""
    return [1 / rank**1.1 for rank in range(1, KINDS + 1)]


def requests(count: int, *, days: int, random: Random) -> Iterator[tuple[Opened, Settled]]:
    """Yield requests in the order of time."""
    some = kinds(random)
    chosen = random.choices(some, weights(), k=count)
    moments = sorted(moment(days, random) for _ in range(count))
    for number, ((opened, status), at_ms) in enumerate(zip(chosen, moments, strict=True)):
        name = f"rcp_{number:020}"
        usage = Usage(random.randrange(50, 6000), random.randrange(900), random.randrange(50), random.randrange(99))
        cost = Decimal(usage.input_tokens) * Decimal("0.00000015") + usage.output_tokens * Decimal("0.0000006")
        begun = msgspec.structs.replace(opened, receipt_id=name, at_ms=at_ms)
        yield begun, Settled(name, 1, at_ms + 2000, status, is_last=True, usage=usage, cost=cost, first_byte_ms=300)


def moment(days: int, random: Random) -> int:
    """Return an instant, four of five in office hours."""
    hour = random.choice(OFFICE_HOURS) if random.random() < 0.8 else random.randrange(24)
    return BEGIN_MS + random.randrange(days) * DAY_MS + hour * 3_600_000 + random.randrange(3_600_000)


class Took(NamedTuple):
    """Seconds for one receipt."""

    wall_s: float
    cpu_s: float


def absorb(path: Path, records: list[JournalRecord], *, batch: int, has_sums: bool) -> tuple[Store, Took]:
    """Take records into a new store as the ledger does; return it and how long that took."""
    store = open_store(path, clock=SystemClock())
    journal = JournalTable(store)
    if not has_sums:
        journal._roll_ups = Without()  # type: ignore[assignment]
    begun, used = time.perf_counter(), time.process_time()
    for begin in range(0, len(records), batch):
        some = tuple(records[begin : begin + batch])
        start = Position(begin, str(begin)) if begin else START
        end = Position(begin + len(some), str(begin + len(some)))
        journal.absorb(Batch("w-1.journal", "w", start, end, some))
    count = len(records) / 2
    return store, Took((time.perf_counter() - begun) / count, (time.process_time() - used) / count)


def fill(store: Store, count: int, *, days: int, random: Random) -> int:
    """Write the rows of sums that `count` receipts would make; return how many.

    How many of the quarters of an hour a kind occurs in follows from how often it does (Poisson).
    """
    chances = weights()
    whole = sum(chances)
    columns = ", ".join(COUNTS)
    sql = (
        "INSERT OR REPLACE INTO usage_sums (span_ms, start_ms, kind_id,"  # noqa: S608 -- names of columns
        " requests, attempts, without_cost, took_ms,"
        f" took_count, first_byte_ms, first_byte_count, {columns}, cost_micro, cost_femto)"
        f" VALUES (?, ?, ?, ?, ?, 0, ?, ?, ?, ?, {', '.join('?' * len(COUNTS))}, ?, ?)"
    )
    with store.writing() as connection:
        ids = list(connection.exec_driver_sql("SELECT id FROM usage_kinds").scalars())
    written = 0
    for day in range(days):
        rows = []
        for rank, chance in enumerate(chances):
            kind = ids[rank % len(ids)] if rank < len(ids) else None
            if kind is None:
                break
            of_day = 0
            for quarter in range(96):
                share = 0.8 / 40 * (quarter // 4 in OFFICE_HOURS) + 0.2 / 96
                expected = count * chance / whole / days * share
                if random.random() < 1 - math.exp(-expected):
                    number = max(1, round(expected))
                    of_day += number
                    rows.append(row(QUARTER_MS, BEGIN_MS + day * DAY_MS + quarter * QUARTER_MS, kind, number))
            if of_day:
                rows.append(row(DAY_MS, BEGIN_MS + day * DAY_MS, kind, of_day))
        with store.writing() as connection:
            connection.exec_driver_sql(sql, rows)
        written += len(rows)
    return written


def row(span_ms: int, start_ms: int, kind: int, number: int) -> tuple[int, ...]:
    """Return a row of sums of `number` usual requests."""
    units = (3000, 450, 25, 50, *[0] * (len(COUNTS) - 4))
    each = (number, number, number * 2000, number, number * 300, number, *(unit * number for unit in units))
    return (span_ms, start_ms, kind, *each, number * 720, number * 123_000)


def questions(days: int) -> dict[str, Question]:
    """Return what is asked."""
    end_ms = BEGIN_MS + days * DAY_MS
    month = (end_ms - 30 * DAY_MS, end_ms)
    everything = (BEGIN_MS, end_ms)
    berlin = ZoneInfo("Europe/Berlin")

    def by(words: str, bounds: tuple[int, int], span: Span | None = None, zone: object = UTC) -> Question:
        periods = periods_between(*bounds, span=span, zone=zone) if span else (Period("", *bounds),)  # type: ignore[arg-type]
        return Question(periods, by=tuple(words.split()))

    return {
        "30 days by project": by("project", month),
        "30 days by key, model": by("key model", month),
        "30 days by day": by("", month, "day"),
        "30 days by day of Berlin": by("", month, "day", berlin),
        "30 days by hour": by("", month, "hour"),
        f"{days} days by project": by("project", everything),
        f"{days} days by month of Berlin": by("", everything, "month", berlin),
        f"{days} days by day, project": by("project", everything, "day"),
        f"{days} days by day of Berlin": by("", everything, "day", berlin),
    }


def seconds_of(call: Callable[[], object], times: int = 3) -> float:
    """Return the least CPU time of some runs: how long it takes where nothing else runs and its pages are cached."""
    found = []
    for _ in range(times):
        begun = time.process_time()
        call()
        found.append(time.process_time() - begun)
    return min(found)


def ask(store: Store, days: int) -> dict[str, float]:
    """Return how long each question takes."""
    table = ReceiptTable(store)
    return {name: seconds_of(lambda asked=asked: table.usage(asked)) for name, asked in questions(days).items()}


def size_of(store: Store) -> tuple[int, int]:
    """Return rows of sums, and their bytes with those of their kinds."""
    with store.reading() as connection:
        rows = connection.exec_driver_sql("SELECT count(*) FROM usage_sums").scalar_one()
        size = connection.exec_driver_sql("SELECT sum(pgsize) FROM dbstat WHERE name LIKE '%usage%'").scalar_one()
    return rows, size


def measure(folder: Path, options: argparse.Namespace) -> dict[str, object]:
    """Return all figures."""
    pairs = list(requests(options.absorb, days=options.days, random=Random(4)))
    records: list[JournalRecord] = [record for pair in pairs for record in pair]
    del pairs
    some = records[: 2 * min(options.absorb, MOST_BARE)]
    bare, without = absorb(folder / "bare.sqlite", some, batch=options.batch, has_sums=False)
    bare.close()
    (folder / "bare.sqlite").unlink()
    store, whole = absorb(folder / "store.sqlite", records, batch=options.batch, has_sums=True)
    found: dict[str, object] = {
        "receipts/s without sums": round(1 / without.wall_s),
        "receipts/s with sums": round(1 / whole.wall_s),
        "CPU µs a receipt without sums": round(without.cpu_s * 1e6, 1),
        "CPU µs a receipt with sums": round(whole.cpu_s * 1e6, 1),
    }
    found[f"at {options.absorb:,} receipts"] = figures(store, options.days)
    if options.receipts > options.absorb:
        fill(store, options.receipts, days=options.days, random=Random(5))
        found[f"at {options.receipts:,} receipts"] = figures(store, options.days)
    store.close()
    return found


def figures(store: Store, days: int) -> dict[str, object]:
    """Return size and seconds."""
    try:
        rows, size = size_of(store)
    except StoreUnavailable:  # SQLite may be built without dbstat
        rows, size = 0, 0
    times = {name: round(seconds, 4) for name, seconds in ask(store, days).items()}
    return {"rows of sums": rows, "MB of sums": round(size / 1e6, 1), **times}


def show(found: dict[str, object]) -> None:
    """Write the figures as tables."""
    console = Console(width=110)
    sizes = {name: value for name, value in found.items() if isinstance(value, dict)}
    plain = Table("absorbing", "")
    for name, value in found.items():
        if name not in sizes:
            plain.add_row(name, f"{value:,}")
    console.print(plain)
    asked = Table("asking (CPU s)", *sizes)
    for name in next(iter(sizes.values()), {}):
        asked.add_row(name, *[f"{one[name]:,}" for one in sizes.values()])
    console.print(asked)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--absorb", type=int, default=200_000)
    parser.add_argument("--receipts", type=int, default=10_000_000)
    parser.add_argument("--days", type=int, default=90)
    parser.add_argument("--batch", type=int, default=2000, help="records")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = measure(Path(folder), options)
    show(found)
    if options.json is not None:
        options.json.write_bytes(msgspec.json.format(msgspec.json.encode(found), indent=2))


if __name__ == "__main__":
    sys.exit(main())
