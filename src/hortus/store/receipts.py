"""Receipts in the store: taken over from the journal exactly once, and read by people and exports."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from itertools import groupby
from typing import Any

import msgspec
from sqlalchemy import Connection, RowMapping, Select, and_, func, null, or_, select
from sqlalchemy.sql.elements import ColumnElement

from hortus.canon.usage import Usage
from hortus.receipts.records import Attempt, Caller, Hold, Receipt
from hortus.receipts.rollups import Answer, Question, quarter_before
from hortus.store.database import Store
from hortus.store.rollups import count_apart, read_usage
from hortus.store.rows import USAGE_COLUMNS
from hortus.store.schema import attempts, projects, receipts
from hortus.store.sent import Sent, read_sent

_LISTS = ("adaptations", "losses", "answer_losses", "rates")
_JUDGED = ("rulings", "findings", "shadow")
_HOLDS = ("holds", "charges")
_PLAIN_ATTEMPT = frozenset(Attempt.__struct_fields__) - {"usage", *_LISTS, *_HOLDS}
_PLAIN_RECEIPT = frozenset(Receipt.__struct_fields__) - {"usage", "caller", "attempts", "project", *_JUDGED}


class Totals(msgspec.Struct, frozen=True):
    """What a set of receipts adds up to.

    Attributes:
        costs: Sum by currency, of the receipts whose cost is known.
        without_cost: Receipts whose cost is unknown.
    """

    count: int
    input_tokens: int
    output_tokens: int
    costs: dict[str, Decimal]
    without_cost: int


class ReceiptTable:
    """Reads receipts. Writing is the ledger's affair (`store/absorbing.py`)."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def receipt(self, receipt_id: str) -> Receipt | None:
        """Return one receipt with its attempts, None while its request runs or if there is none."""
        with self._store.reading() as connection:
            rows = connection.execute(_select().where(receipts.c.receipt_id == receipt_id)).mappings().all()
            return next(iter(_with_attempts(connection, rows)), None)

    def receipts(
        self,
        *,
        project: str | None = None,
        route: str | None = None,
        limit: int = 20,
        before: str | None = None,
        status: str | None = None,
        since_ms: int | None = None,
    ) -> list[Receipt]:
        """Return receipts, newest first.

        Args:
            project: Name of a project.
            route: Name of a route.
            limit: How many at most.
            before: Id of a receipt; only older ones are returned. An unknown id is older than nothing.
            status: Such as `completed` or `refused`.
            since_ms: Opened at this instant (UTC) or later.
        """
        query = _select().where(*_conditions(project=project, route=route, status=status, since_ms=since_ms))
        with self._store.reading() as connection:
            if before is not None:
                query = query.where(_older_than(connection, before))
            query = query.order_by(receipts.c.opened_at_ms.desc(), receipts.c.receipt_id.desc()).limit(limit)
            return list(_with_attempts(connection, connection.execute(query).mappings().all()))

    def totals(
        self,
        *,
        project: str | None = None,
        route: str | None = None,
        status: str | None = None,
        since_ms: int | None = None,
    ) -> Totals:
        """Add up the receipts that `receipts` would return without a limit."""
        sums = [func.coalesce(func.sum(receipts.c[name]), 0).label(name) for name in ("input_tokens", "output_tokens")]
        query = (
            select(receipts.c.currency, receipts.c.cost.is_(None).label("is_unknown"))
            .add_columns(func.count().label("count"), func.decimal_sum(receipts.c.cost).label("cost"), *sums)
            .where(*_conditions(project=project, route=route, status=status, since_ms=since_ms))
            .group_by(receipts.c.currency, receipts.c.cost.is_(None))
        )
        with self._store.reading() as connection:
            rows = connection.execute(query).mappings().all()
        return Totals(
            count=sum(row["count"] for row in rows),
            input_tokens=sum(row["input_tokens"] for row in rows),
            output_tokens=sum(row["output_tokens"] for row in rows),
            costs={row["currency"]: Decimal(row["cost"]) for row in rows if row["currency"] and not row["is_unknown"]},
            without_cost=sum(row["count"] for row in rows if row["is_unknown"]),
        )

    def usage(self, question: Question) -> Answer:
        """Return the usage that is asked for, out of sums that were added up as receipts arrived.

        Raises:
            hortus.receipts.rollups.TooMany: The groups are more than anybody can use.
        """
        with self._store.reading() as connection:
            return read_usage(connection, question)

    def sent(self, *, project_id: str, since_ms: int) -> Sent:
        """Return what a project sent since an instant, and what its policy or guards refused, summed up."""
        with self._store.reading() as connection:
            return read_sent(connection, project_id=project_id, since_ms=since_ms)

    def receipts_without_usage(self, since_ms: int) -> int:
        """Return how many receipts since an instant are not in the sums of usage: 0, or something is wrong."""
        with self._store.reading() as connection:
            return count_apart(connection, quarter_before(since_ms))


def load_receipts(connection: Connection, ids: Sequence[str]) -> dict[str, Receipt]:
    """Return the receipts of these ids that there are, without the names of their projects."""
    rows = connection.execute(select(receipts, null().label("project")).where(receipts.c.receipt_id.in_(ids)))
    return {one.receipt_id: one for one in _with_attempts(connection, rows.mappings().all())}


def _select() -> Select[Any]:
    return select(receipts, projects.c.name.label("project")).join_from(
        receipts, projects, projects.c.id == receipts.c.project_id, isouter=True
    )


def _conditions(
    *, project: str | None, route: str | None, status: str | None, since_ms: int | None
) -> Iterator[ColumnElement[bool]]:
    if project is not None:
        named = select(projects.c.id).where(projects.c.name == project).scalar_subquery()
        yield receipts.c.project_id == named
    if route is not None:
        yield receipts.c.route == route
    if status is not None:
        yield receipts.c.status == status
    if since_ms is not None:
        yield receipts.c.opened_at_ms >= since_ms


def _older_than(connection: Connection, receipt_id: str) -> ColumnElement[bool]:
    mark = connection.execute(select(receipts.c.opened_at_ms).where(receipts.c.receipt_id == receipt_id)).scalar()
    opened_at_ms = -1 if mark is None else mark
    same = and_(receipts.c.opened_at_ms == opened_at_ms, receipts.c.receipt_id < receipt_id)
    return or_(receipts.c.opened_at_ms < opened_at_ms, same)


def _with_attempts(connection: Connection, rows: Sequence[RowMapping]) -> Iterator[Receipt]:
    ids = [row["receipt_id"] for row in rows]
    query = select(attempts).where(attempts.c.receipt_id.in_(ids)).order_by(attempts.c.receipt_id, attempts.c.number)
    found = connection.execute(query).mappings() if ids else ()
    of_receipt = {
        receipt_id: tuple(_to_attempt(row) for row in group)
        for receipt_id, group in groupby(found, key=lambda row: str(row["receipt_id"]))
    }
    for row in rows:
        yield _to_receipt(row, of_receipt.get(row["receipt_id"], ()))


def _to_receipt(row: RowMapping, tried: Iterable[Attempt]) -> Receipt:
    return Receipt(
        **{name: row[name] for name in _PLAIN_RECEIPT},
        **_lists(row, _JUDGED),
        project=row["project"],
        caller=Caller(key_id=row["key_id"], project_id=row["project_id"]),
        usage=_to_usage(row),
        attempts=tuple(tried),
    )


def _to_attempt(row: RowMapping) -> Attempt:
    lists: dict[str, Any] = _lists(row, _LISTS)
    lists |= {name: msgspec.json.decode(row[name] or "[]", type=tuple[Hold, ...]) for name in _HOLDS}
    return Attempt(**{name: row[name] for name in _PLAIN_ATTEMPT}, **lists, usage=_to_usage(row))


def _lists(row: RowMapping, names: tuple[str, ...]) -> dict[str, Any]:
    return {name: msgspec.json.decode(row[name] or "[]", type=tuple[str, ...]) for name in names}


def _to_usage(row: RowMapping) -> Usage | None:
    if row["input_tokens"] is None:
        return None
    return Usage(**{name: row[name] for name in USAGE_COLUMNS}, **msgspec.json.decode(row["more_usage"] or "{}"))
