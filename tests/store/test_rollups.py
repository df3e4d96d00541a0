"""Usage added up: always what the receipts themselves add up to, whatever came in which order and whenever it broke."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from alembic import command
from alembic.config import Config
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from hortus.canon.usage import COUNTS, Usage
from hortus.ledger.ports import Batch, StoreUnavailable
from hortus.receipts.folding import fold
from hortus.receipts.records import Caller, JournalRecord, Receipt, Settled
from hortus.receipts.rollups import (
    DIMENSIONS,
    QUARTER_MS,
    SPANS,
    Answer,
    Cost,
    Period,
    Question,
    Span,
    Sums,
    TooMany,
    periods_between,
)
from hortus.receipts.segment import START, Position
from hortus.store import migrating, rollups
from hortus.store.absorbing import JournalTable
from hortus.store.database import EXACT, Store, open_store
from hortus.store.receipts import ReceiptTable
from hortus.store.rollups import _join, _split
from receipts.journal_examples import StepClock, opened, refused, settled

BEGIN_MS = int(datetime(2026, 10, 24, 20, tzinfo=UTC).timestamp() * 1000)  # before clocks go back in Europe
END_MS = BEGIN_MS + 60 * 3_600_000
ALWAYS = (Period("always", 0, END_MS * 2 - END_MS * 2 % QUARTER_MS),)

LAW = settings(
    max_examples=25,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)

amounts = st.one_of(
    st.none(),
    st.sampled_from([Decimal(0), Decimal("0.1"), Decimal("1e-7"), Decimal("12345678901.5"), Decimal("2.5e-16")]),
    st.decimals(min_value=0, max_value=100, places=21),
)
_YOUNGER = {"pages", "characters", "search_units"}
"""Counts that no receipt had before usage was added up."""

usages = st.none() | st.builds(
    Usage,
    **{name: st.integers(0, 10**9) for name in COUNTS},
    is_estimated=st.booleans(),
)


def as_it_was(records: list[JournalRecord]) -> list[JournalRecord]:
    """Return records as a release wrote them that did not add up yet."""
    return [
        replace(record, usage=replace(record.usage, **dict.fromkeys(_YOUNGER, 0)))
        if isinstance(record, Settled) and record.usage is not None
        else record
        for record in records
    ]


@st.composite
def requests(draw: Callable[[Any], Any]) -> list[JournalRecord]:
    """Draw the records of one request, without its id: none, one or two attempts, the last one perhaps never ended."""
    caller = Caller(draw(st.sampled_from([None, "key_1", "key_2"])), draw(st.sampled_from([None, "prj_1", "prj_2"])))
    at_ms = draw(st.integers(BEGIN_MS, END_MS - 1))
    count = draw(st.integers(0, 2))
    if not count:
        code = draw(st.sampled_from(["invalid_api_key", "model_not_found"]))
        return [replace(refused("?"), at_ms=at_ms, caller=caller, route="r", error_code=code)]
    records: list[JournalRecord] = []
    for number in range(1, count + 1):
        begun = opened("?", number, route=draw(st.sampled_from(["a", "b"])))
        currency = draw(st.sampled_from(["EUR", "USD", None]))
        maker = draw(st.sampled_from([None, "m"]))
        records.append(replace(begun, at_ms=at_ms + number, caller=caller, currency=currency, maker=maker))
        if number < count or draw(st.booleans()):
            status = draw(st.sampled_from(["completed", "failed", "timed_out"]))
            first_byte_ms = draw(st.none() | st.integers(0, 9000))
            ended = replace(settled("?", number, is_last=number == count), at_ms=at_ms + 5000, status=status)
            records.append(replace(ended, usage=draw(usages), cost=draw(amounts), first_byte_ms=first_byte_ms))
    return records


def with_ids(drawn: list[list[JournalRecord]]) -> list[JournalRecord]:
    return [replace(record, receipt_id=f"rcp_{number}") for number, group in enumerate(drawn) for record in group]


def batches(records: list[JournalRecord], cuts: set[int], *, segment: str = "w-1.journal") -> Iterator[Batch]:
    bounds = [0, *sorted(cut for cut in cuts if 0 < cut < len(records)), len(records)]
    for begin, end in pairwise(bounds):
        start = Position(begin, f"{begin}") if begin else START
        yield Batch(segment, "w", start, Position(end, f"{end}"), tuple(records[begin:end]))


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "store.sqlite"
    open_store(path, clock=StepClock()).close()
    return path


@pytest.fixture
def fresh(template: Path, tmp_path: Path) -> Iterator[Callable[[], Store]]:
    """Make empty stores, one for each example."""
    made: list[Store] = []

    def make() -> Store:
        if made:
            made.pop().close()
        for file in tmp_path.glob("store.sqlite*"):
            file.unlink()
        made.append(open_store(Path(shutil.copy(template, tmp_path / "store.sqlite")), clock=StepClock()))
        return made[-1]

    yield make
    made.pop().close()


def as_added(receipts: list[Receipt], by: tuple[str, ...]) -> dict[tuple[str, ...], Sums]:
    """Add receipts up one by one, the plain way."""
    found: defaultdict[tuple[str, ...], Any] = defaultdict(lambda: defaultdict(int))
    for receipt in receipts:
        route = "" if receipt.error_code == "model_not_found" else receipt.route
        common = {"project": receipt.caller.project_id, "key": receipt.caller.key_id, "route": route}
        common |= {"dialect": receipt.dialect, "operation": receipt.operation, "status": receipt.status}
        if not receipt.attempts:
            group = found[tuple(common.get(name) or "" for name in by)]
            group["requests"] += 1
            group["refused"] += 1
        for attempt in receipt.attempts:
            own = {name: getattr(attempt, name) for name in ("endpoint", "model", "maker", "host", "status")}
            group = found[tuple((common | own)[name] or "" for name in by)]
            is_estimated = attempt.status == "interrupted" or bool(attempt.usage and attempt.usage.is_estimated)
            group["requests"] += attempt is receipt.attempts[-1]
            group["attempts"] += 1
            group["estimated"] += is_estimated
            group["without_cost"] += attempt.cost is None
            if attempt.settled_at_ms is not None:
                group["took_ms"] += attempt.settled_at_ms - attempt.opened_at_ms
                group["took_count"] += 1
            if attempt.first_byte_ms is not None:
                group["first_byte_ms"] += attempt.first_byte_ms
                group["first_byte_count"] += 1
            for name in COUNTS:
                group["units", name] += getattr(attempt.usage, name) if attempt.usage else 0
            if attempt.currency:
                for name, amount in ("amount", attempt.cost), ("guessed", attempt.cost if is_estimated else None):
                    sums = group[name, attempt.currency]
                    group[name, attempt.currency] = EXACT.add(Decimal(sums), amount or Decimal(0))
    return {names: _to_sums(group) for names, group in found.items()}


def _to_sums(group: dict[Any, Any]) -> Sums:
    plain = {name: value for name, value in group.items() if isinstance(name, str)}
    usage = Usage(**{name[1]: value for name, value in group.items() if name[0] == "units"})
    costs = {name[1]: Cost(value, group["guessed", name[1]]) for name, value in group.items() if name[0] == "amount"}
    return Sums(**plain, usage=usage, costs=costs)


def by_names(answer: Answer) -> dict[tuple[str, ...], Sums]:
    found = {group.names: group.sums for group in answer.groups}
    assert len(found) == len(answer.groups)
    return found


@LAW
@given(
    drawn=st.lists(requests(), max_size=8),
    cuts=st.sets(st.integers(1, 30)),
    again=st.sets(st.integers(1, 30)),
    by=st.lists(st.sampled_from(DIMENSIONS), unique=True, max_size=4).map(tuple),
)
def test_sums_are_those_of_the_receipts_whatever_the_batches_and_however_often_they_come(
    fresh: Callable[[], Store],
    drawn: list[list[JournalRecord]],
    cuts: set[int],
    again: set[int],
    by: tuple[str, ...],
) -> None:
    store = fresh()
    journal, table = JournalTable(store), ReceiptTable(store)
    records = with_ids(drawn)
    for batch in batches(records, cuts):
        journal.absorb(batch)
    for batch in batches(records, again, segment="copy-1.journal"):
        journal.absorb(batch)
    journal.bury("w")
    receipts = table.receipts(limit=1000)
    assert len(receipts) == len(drawn)
    answer = table.usage(Question(ALWAYS, by=by))
    assert by_names(answer) == as_added(receipts, by)
    assert answer.total == as_added(receipts, ()).get((), Sums())


@LAW
@given(
    drawn=st.lists(requests(), min_size=1, max_size=8),
    span=st.sampled_from(SPANS),
    zone=st.sampled_from(["UTC", "Europe/Berlin", "Asia/Kolkata", "Asia/Kathmandu", "America/St_Johns"]),
    bounds=st.tuples(st.integers(BEGIN_MS, END_MS), st.integers(BEGIN_MS, END_MS)).map(sorted),
)
def test_each_period_of_any_zone_holds_the_receipts_that_began_in_it(
    fresh: Callable[[], Store], drawn: list[list[JournalRecord]], span: Span, zone: str, bounds: list[int]
) -> None:
    store = fresh()
    journal, table = JournalTable(store), ReceiptTable(store)
    journal.absorb(Batch("w-1.journal", "w", START, Position(1, "1"), tuple(with_ids(drawn))))
    journal.bury("w")
    since_ms, until_ms = (bound - bound % QUARTER_MS for bound in bounds)
    periods = periods_between(since_ms, until_ms, span=span, zone=ZoneInfo(zone))
    answer = table.usage(Question(periods, by=("route",)))
    receipts = table.receipts(limit=1000)
    expected = {
        (period, names): sums
        for period in periods
        for names, sums in as_added(
            [one for one in receipts if period.start_ms <= one.opened_at_ms < period.end_ms], ("route",)
        ).items()
    }
    assert {(group.period, group.names): group.sums for group in answer.groups} == expected


def test_a_batch_that_the_store_could_not_write_is_added_up_once(fresh: Callable[[], Store]) -> None:
    store = fresh()
    journal, table = JournalTable(store), ReceiptTable(store)
    batch = Batch("w-1.journal", "w", START, Position(1, "1"), (opened("a"), settled("a"), refused("b")))
    with store.writing() as connection:
        connection.exec_driver_sql(
            "CREATE TRIGGER broken AFTER INSERT ON usage_sums WHEN new.span_ms > 1000000"
            " BEGIN SELECT 1 FROM nowhere; END"
        )
    with pytest.raises(StoreUnavailable):
        journal.absorb(batch)
    assert table.usage(Question(ALWAYS)) == Answer((), Sums())
    with store.writing() as connection:
        connection.exec_driver_sql("DROP TRIGGER broken")
    journal.absorb(batch)
    assert table.usage(Question(ALWAYS)).total == as_added(table.receipts(), ())[()]


KILLED = """
import os, sys
from pathlib import Path
from hortus.app.clock import SystemClock
from hortus.ledger.ports import Batch
from hortus.receipts.segment import START, Position
from hortus.store.absorbing import JournalTable
from hortus.store.database import open_store
from hortus.store.rollups import RollUps
sys.path.insert(0, sys.argv[2])
from receipts.journal_examples import opened, settled

journal = JournalTable(open_store(Path(sys.argv[1]), clock=SystemClock()))
really = journal._roll_ups.add
def add_and_die(connection, done):
    really(connection, done)
    os.kill(os.getpid(), 9)
if sys.argv[3] == "die":
    journal._roll_ups.add = add_and_die
journal.absorb(Batch("w-1.journal", "w", START, Position(1, "1"), (opened("a"), settled("a"))))
"""


def test_a_ledger_that_is_killed_before_its_commit_adds_nothing_up(template: Path, tmp_path: Path) -> None:
    path = Path(shutil.copy(template, tmp_path / "store.sqlite"))
    tests = str(Path(__file__).parents[1])
    ended = [
        subprocess.run([sys.executable, "-c", KILLED, path, tests, how], check=False, timeout=60).returncode
        for how in ("die", "die", "live")
    ]
    assert ended == [-9, -9, 0]
    store = open_store(path, clock=StepClock())
    table = ReceiptTable(store)
    total = table.usage(Question(ALWAYS)).total
    store.close()
    assert (total.requests, total.usage.input_tokens) == (1, 11)


@LAW
@given(drawn=st.lists(requests().map(as_it_was), min_size=1, max_size=12), by=st.sampled_from([DIMENSIONS, ()]))
def test_a_store_that_had_receipts_before_gets_the_sums_that_it_would_have(
    fresh: Callable[[], Store], drawn: list[list[JournalRecord]], by: tuple[str, ...]
) -> None:
    store = fresh()
    JournalTable(store).absorb(Batch("w-1.journal", "w", START, Position(1, "1"), tuple(with_ids(drawn))))
    JournalTable(store).bury("w")
    before = by_names(ReceiptTable(store).usage(Question(ALWAYS, by=by)))
    config = Config()
    config.set_main_option("script_location", str(Path(migrating.__file__).parent / "migrations"))
    with store.writing() as connection:
        for table in ("usage_sums", "usage_kinds"):
            connection.exec_driver_sql(f"DROP TABLE {table}")
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0005'")
        config.attributes["connection"] = connection
        command.upgrade(config, "0006")
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0009'")  # what is between is there
        command.upgrade(config, "0010")
    assert by_names(ReceiptTable(store).usage(Question(ALWAYS, by=by))) == before


@LAW
@given(amount=st.decimals(min_value=0, max_value=Decimal("1e20"), places=24))
def test_an_amount_comes_back_from_its_parts(amount: Decimal) -> None:
    micro, femto, rest = _split(amount)
    assert _join({"cost_micro": micro, "cost_femto": femto, "cost_rest": rest}) == amount  # type: ignore[arg-type]
    assert 0 <= femto < 10**9


def test_usage_is_chosen_by_value_and_currency(fresh: Callable[[], Store]) -> None:
    store = fresh()
    journal, table = JournalTable(store), ReceiptTable(store)
    dollars = replace(opened("b", route="other"), currency="USD")
    records = (opened("a"), settled("a"), dollars, settled("b"), refused("c"))
    journal.absorb(Batch("w-1.journal", "w", START, Position(1, "1"), records))
    assert table.usage(Question(ALWAYS, only={"route": "other"})).total.costs == {
        "USD": Cost(Decimal("0.25"), Decimal(0))
    }
    assert table.usage(Question(ALWAYS, currency="EUR")).total.requests == 1
    assert table.usage(Question(ALWAYS, only={"route": "none"})) == Answer((), Sums())
    assert table.usage(Question(ALWAYS)).total.requests == 3


def test_more_groups_than_anybody_reads_are_refused(
    fresh: Callable[[], Store], monkeypatch: pytest.MonkeyPatch
) -> None:
    store = fresh()
    records = [record for name in "abc" for record in (opened(name, route=name), settled(name))]
    JournalTable(store).absorb(Batch("w-1.journal", "w", START, Position(1, "1"), tuple(records)))
    monkeypatch.setattr(rollups, "MOST_GROUPS", 2)
    assert ReceiptTable(store).usage(Question(ALWAYS)).total.requests == 3
    with pytest.raises(TooMany):
        ReceiptTable(store).usage(Question(ALWAYS, by=("route",)))


def test_names_that_callers_made_up_are_no_kinds_of_usage(fresh: Callable[[], Store]) -> None:
    store = fresh()
    wrong = [replace(refused(name), error_code="model_not_found", route=name) for name in "abc"]
    JournalTable(store).absorb(Batch("w-1.journal", "w", START, Position(1, "1"), tuple(wrong)))
    answer = ReceiptTable(store).usage(Question(ALWAYS, by=("route",)))
    assert [(group.names, group.sums.requests) for group in answer.groups] == [(("",), 3)]


def test_the_whole_days_of_a_long_time_are_read_as_days(fresh: Callable[[], Store]) -> None:
    store = fresh()
    JournalTable(store).absorb(Batch("w-1.journal", "w", START, Position(1, "1"), (opened("a"), settled("a"))))
    with store.writing() as connection:
        connection.exec_driver_sql("DELETE FROM usage_sums WHERE span_ms = 900000")
    assert ReceiptTable(store).usage(Question(ALWAYS)).total.requests == 1


def test_an_attempt_whose_opening_was_lost_is_added_up_at_its_end() -> None:
    receipt = fold([settled("a")], is_writer_dead=True)
    assert receipt is not None
    rows = list(rollups._rows([receipt]))
    assert [(span_ms, start_ms) for span_ms, start_ms, _, _ in rows] == [(900_000, 0), (86_400_000, 0)]
