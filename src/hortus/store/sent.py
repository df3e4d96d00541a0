"""What was sent, by everything that a policy can look at afterwards: sums of receipts, for rehearsals."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
from sqlalchemy import Connection, and_, func, or_, select

from hortus.canon.errors import RefusedByGuard, RefusedByPolicy
from hortus.policy.facts import CHAT
from hortus.policy.rehearsing import Row
from hortus.store.schema import attempts, projects, receipts

_BY_RULES = (RefusedByPolicy.code, RefusedByGuard.code)
"""Refusals that other rules would undo; those of limits, keys and forms they would not."""


class Sent(msgspec.Struct, frozen=True):
    """Sums of receipts, and the marks of the policies that they were judged by."""

    rows: tuple[Row, ...]
    marks: frozenset[str]


def read_sent(connection: Connection, *, project_id: str, since_ms: int) -> Sent:
    """Return what a project sent since an instant, and what its policy or guards refused."""
    last = attempts.alias()
    newest = select(func.max(attempts.c.number)).where(attempts.c.receipt_id == receipts.c.receipt_id)
    alike = (
        projects.c.name, receipts.c.route, receipts.c.endpoint, receipts.c.policy, receipts.c.findings,
        receipts.c.operation, last.c.losses, last.c.adaptations, receipts.c.currency, receipts.c.cost.is_(None),
    )  # fmt: skip
    query = (
        select(*alike[:-1])
        .add_columns(func.count().label("requests"), func.max(last.c.input_bytes).label("largest"))
        .add_columns(func.decimal_sum(receipts.c.cost).label("cost"), func.count(receipts.c.cost).label("priced"))
        .join_from(receipts, projects, projects.c.id == receipts.c.project_id)
        .join(
            last,
            and_(last.c.receipt_id == receipts.c.receipt_id, last.c.number == newest.scalar_subquery()),
            isouter=True,
        )
        .where(receipts.c.project_id == project_id, receipts.c.opened_at_ms >= since_ms)
        .where(or_(receipts.c.endpoint.is_not(None), receipts.c.error_code.in_(_BY_RULES)))
        .where(receipts.c.route.is_not(None))
        .group_by(*alike)
    )
    found = connection.execute(query).mappings().all()
    marks = frozenset(row["policy"] for row in found if row["policy"] is not None)
    return Sent(tuple(_row(dict(row)) for row in found), marks)


def _row(found: dict[str, Any]) -> Row:
    return Row(
        project=found["name"],
        route=found["route"],
        endpoint=found["endpoint"],
        requests=found["requests"],
        largest_request_bytes=found["largest"] or 0,
        losses=_list(found["losses"]),
        findings=_list(found["findings"]),
        adaptations=_list(found["adaptations"]),
        cost=Decimal(found["cost"]) if found["priced"] else None,
        currency=found["currency"],
        operation=found["operation"] or CHAT,
    )


def _list(text: str | None) -> tuple[str, ...]:
    return msgspec.json.decode(text or "[]", type=tuple[str, ...])
