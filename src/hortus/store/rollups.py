"""Usage added up: each receipt once, in the transaction that writes it, so that questions stay quick with millions.

Written by the ledger beside receipts (`absorbing.py`), read through `ReceiptTable.usage`. The grain is in `schema.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from decimal import ROUND_FLOOR, Decimal
from functools import reduce
from operator import attrgetter
from typing import Any

import msgspec
from sqlalchemy import Connection, Dialect, RowMapping, Select, bindparam, case, func, select
from sqlalchemy.dialects.sqlite import Insert, insert
from sqlalchemy.sql.elements import ColumnElement

from hortus.base.money import EXACT
from hortus.canon.errors import UnknownRoute
from hortus.canon.usage import COUNTS, Usage
from hortus.receipts.folding import INTERRUPTED, REFUSED
from hortus.receipts.records import Attempt, Receipt
from hortus.receipts.rollups import (
    DAY_MS,
    MOST_GROUPS,
    QUARTER_MS,
    Answer,
    Cost,
    Group,
    Question,
    Sums,
    TooMany,
    quarter_before,
    stored_ranges,
)
from hortus.store.prepared import Prepared, Row
from hortus.store.schema import KIND_COLUMNS, SUM_COLUMNS, receipts, usage_kinds, usage_sums

_KIND = (*KIND_COLUMNS, "is_estimated")
_COLUMN_OF = {"project": "project_id", "key": "key_id"}
_MICRO_DIGITS, _FEMTO_DIGITS = 6, 15
_MOST_MICRO = 10**15
"""Amounts from a thousand million up are kept as text: whole numbers of the database have an end."""

_counts_of = attrgetter(*COUNTS)
_NO_COUNTS = (0,) * len(COUNTS)
_NO_COST = Decimal(0)


class RollUps:
    """Adds receipts to the stored sums."""

    def __init__(self, dialect: Dialect) -> None:
        kinds = insert(usage_kinds).values(dict.fromkeys(_KIND)).on_conflict_do_nothing()
        self._add_kinds = Prepared(kinds, dialect)
        self._add_sums = Prepared(_upsert(), dialect)

    def add(self, connection: Connection, done: Iterable[Receipt]) -> None:
        """Add receipts that the same transaction writes for the first time."""
        rows = list(_rows(done))
        self._add_kinds.run_for_each(connection, list({kind for _, _, kind, _ in rows}))
        sums = [(span_ms, start_ms, *kind, *values) for span_ms, start_ms, kind, values in rows]
        self._add_sums.run_for_each(connection, sums)


def _upsert() -> Insert:
    """Return the statement that adds a row of sums; its parameters are span, start, kind and sums, in this order."""
    this_kind = [usage_kinds.c[name] == bindparam(f"kind_{name}") for name in _KIND]
    kind_id = select(usage_kinds.c.id).where(*this_kind).scalar_subquery()
    values = {one.name: kind_id if one.name == "kind_id" else bindparam(one.name) for one in usage_sums.columns}
    statement = insert(usage_sums).values(values)
    old, new = usage_sums.c, statement.excluded
    whole = {name: old[name] + new[name] for name in (*SUM_COLUMNS, "cost_micro", "cost_femto")}
    rest = case((new.cost_rest.is_(None), old.cost_rest), else_=func.decimal_add(old.cost_rest, new.cost_rest))
    return statement.on_conflict_do_update(index_elements=usage_sums.primary_key, set_={**whole, "cost_rest": rest})


Parts = list[tuple[tuple[int, ...], Decimal]]


def _rows(done: Iterable[Receipt]) -> Iterator[tuple[int, int, Row, Row]]:
    """Yield span, start, kind and sums of everything that receipts add to."""
    quarters: dict[tuple[int, Row], Parts] = {}
    for receipt in done:
        start_ms = quarter_before(receipt.opened_at_ms)
        for kind, counts, cost in _parts(receipt):
            quarters.setdefault((start_ms, kind), []).append((counts, cost))
    days: dict[tuple[int, Row], Parts] = {}
    for (start_ms, kind), parts in quarters.items():
        part = _add_up(parts)
        days.setdefault((start_ms - start_ms % DAY_MS, kind), []).append(part)
        yield QUARTER_MS, start_ms, kind, _values(part)
    for (start_ms, kind), parts in days.items():
        yield DAY_MS, start_ms, kind, _values(_add_up(parts))


def _parts(receipt: Receipt) -> Iterator[tuple[Row, tuple[int, ...], Decimal]]:
    """Yield what each attempt adds to; the last one brings the request, a refusal has but that."""
    attempts = receipt.attempts
    asked = _asked(receipt)
    if not attempts:
        yield (*asked, "", "", "", "", receipt.status, "", False), (1, 0, 0, 0, 0, 0, 0, *_NO_COUNTS), _NO_COST
    for attempt in attempts:
        of = (attempt.endpoint, attempt.model, attempt.maker or "", attempt.host, attempt.status)
        kind = (*asked, *of, attempt.currency or "", _is_estimated(attempt))
        yield kind, _counts(attempt, is_last=attempt is attempts[-1]), attempt.cost or _NO_COST


def _asked(receipt: Receipt) -> Row:
    """Return who asked for which route in which dialect; a name that is no route's is none.

    Callers can make up any number of those.
    """
    caller = receipt.caller
    route = None if not receipt.attempts and receipt.error_code == UnknownRoute.code else receipt.route
    words = (caller.project_id, caller.key_id, route, receipt.dialect, receipt.operation)
    return tuple([word or "" for word in words])


def _is_estimated(attempt: Attempt) -> bool:
    return attempt.status == INTERRUPTED or (attempt.usage is not None and attempt.usage.is_estimated)


def _counts(attempt: Attempt, *, is_last: bool) -> tuple[int, ...]:
    has_ended, has_begun = attempt.settled_at_ms is not None, attempt.first_byte_ms is not None
    took_ms = attempt.settled_at_ms - attempt.opened_at_ms if attempt.settled_at_ms is not None else 0
    units = _counts_of(attempt.usage) if attempt.usage is not None else _NO_COUNTS
    return (is_last, 1, attempt.cost is None, took_ms, has_ended, attempt.first_byte_ms or 0, has_begun, *units)


def _add_up(parts: Parts) -> tuple[tuple[int, ...], Decimal]:
    counts = tuple(map(sum, zip(*[counts for counts, _ in parts], strict=True)))
    return counts, reduce(EXACT.add, [cost for _, cost in parts])


def _values(part: tuple[tuple[int, ...], Decimal]) -> Row:
    counts, cost = part
    return (*counts, *_split(cost))


def _split(cost: Decimal) -> tuple[int, int, str | None]:
    """Return an amount as millionths, 1e-15ths and text: the database adds whole numbers exactly, and quickly.

    >>> _split(Decimal("1.0000020000000040000"))
    (1000002, 4, None)
    >>> _split(Decimal("0.00000000000000000025"))
    (0, 0, '0.00000000000000000025')
    """
    micro = _floor(cost, _MICRO_DIGITS)
    if abs(micro) > _MOST_MICRO:
        return 0, 0, format(cost, "f")
    rest = EXACT.subtract(cost, Decimal(micro).scaleb(-_MICRO_DIGITS))
    femto = _floor(rest, _FEMTO_DIGITS)
    rest = EXACT.subtract(rest, Decimal(femto).scaleb(-_FEMTO_DIGITS))
    return micro, femto, format(rest.normalize(EXACT), "f") if rest else None


def _floor(amount: Decimal, digits: int) -> int:
    return int(amount.scaleb(digits, EXACT).to_integral_value(ROUND_FLOOR))


def _join(row: RowMapping) -> Decimal:
    """Return the amount that some rows' columns of cost add up to."""
    micro = Decimal(row["cost_micro"]).scaleb(-_MICRO_DIGITS, EXACT)
    femto = Decimal(row["cost_femto"]).scaleb(-_FEMTO_DIGITS, EXACT)
    return reduce(EXACT.add, (micro, femto, Decimal(row["cost_rest"] or 0)))


def read_usage(connection: Connection, question: Question) -> Answer:
    """Return the usage that is asked for, in groups.

    Raises:
        TooMany: The groups are more than MOST_GROUPS.
    """
    ranges = msgspec.json.encode(stored_ranges(question.periods)).decode()
    found: dict[tuple[Any, ...], list[RowMapping]] = {}
    for row in connection.execute(_query(question), {"ranges": ranges}).mappings():
        found.setdefault((row["place"], *(row[_COLUMN_OF.get(name, name)] for name in question.by)), []).append(row)
        if len(found) > MOST_GROUPS:
            raise TooMany
    groups = [Group(question.periods[place], tuple(names), _sums(rows)) for (place, *names), rows in found.items()]
    return Answer(tuple(groups), _sums([row for rows in found.values() for row in rows]))


def count_apart(connection: Connection, since_ms: int) -> int:
    """Return how many receipts since the beginning of a quarter of an hour are not in the sums; 0, or there is a fault.

    Below 0 where the sums hold more than there are.
    """
    written = select(func.count()).select_from(receipts).where(receipts.c.opened_at_ms >= since_ms)
    recent = (usage_sums.c.span_ms == QUARTER_MS) & (usage_sums.c.start_ms >= since_ms)
    added = select(func.coalesce(func.sum(usage_sums.c.requests), 0)).where(recent)
    return int(connection.execute(select(written.scalar_subquery() - added.scalar_subquery())).scalar_one())


def _query(question: Question) -> Select[Any]:
    sums, kinds = usage_sums.c, usage_kinds.c
    ranges = func.json_each(bindparam("ranges")).table_valued("value", name="ranges")
    place, sign, span_ms, start_ms, end_ms = (func.json_extract(ranges.c.value, f"$[{index}]") for index in range(5))
    within = (sums.span_ms == span_ms) & (sums.start_ms >= start_ms) & (sums.start_ms < end_ms)
    wanted = {_COLUMN_OF.get(name, name): value for name, value in question.only.items()}
    if question.currency is not None:
        wanted["currency"] = question.currency
    by = [place.label("place"), *(kinds[_COLUMN_OF.get(name, name)] for name in question.by)]
    by += [kinds.currency, kinds.is_estimated]
    query = (
        select(*by, *_added(sign))
        .select_from(ranges.join(usage_sums, within).join(usage_kinds, kinds.id == sums.kind_id))
        .group_by(*by)
        .having(func.sum(sign * (sums.requests + sums.attempts)) > 0)  # what was only in hours that are taken off
    )
    if wanted:  # as a list of ids: a condition on the joined table tempts SQLite to begin there
        these = usage_kinds.alias("these").c
        ids = select(these.id).where(*[these[name] == value for name, value in wanted.items()])
        query = query.where(sums.kind_id.in_(ids))
    return query


def _added(sign: ColumnElement[Any]) -> Iterator[ColumnElement[Any]]:
    sums = usage_sums.c
    for name in (*SUM_COLUMNS, "cost_micro", "cost_femto"):
        yield func.sum(sign * sums[name]).label(name)
    rest = case((sign < 0, "-" + sums.cost_rest), else_=sums.cost_rest)
    yield func.decimal_sum(rest).filter(sums.cost_rest.is_not(None)).label("cost_rest")
    yield func.sum(case((usage_kinds.c.status == REFUSED, sign * sums.requests), else_=0)).label("refused")


def _sums(rows: Sequence[RowMapping]) -> Sums:
    """Return what some rows add up to: one a currency, and one for what of it is estimated."""
    added = {name: sum(row[name] for row in rows) for name in (*SUM_COLUMNS, "refused")}
    costs: dict[str, Cost] = {}
    for row in rows:
        if row["currency"]:
            amount = _join(row)
            before = costs.get(row["currency"], _NOTHING)
            estimated = EXACT.add(before.estimated, amount) if row["is_estimated"] else before.estimated
            costs[row["currency"]] = Cost(EXACT.add(before.amount, amount), estimated)
    usage = Usage(**{name: added.pop(name) for name in COUNTS})
    estimated = sum(row["attempts"] for row in rows if row["is_estimated"])
    return Sums(**added, estimated=estimated, usage=usage, costs=costs)


_NOTHING = Cost(_NO_COST, _NO_COST)
