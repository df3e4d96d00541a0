"""Rows stand in the order of their tables' columns; prepared statements say what SQLAlchemy would, for any database."""

from __future__ import annotations

from decimal import Decimal

import pytest
from sqlalchemy import Dialect, select
from sqlalchemy.dialects import postgresql, sqlite

from hortus.canon.usage import Usage
from hortus.receipts.records import Attempt, Caller, Hold, Receipt
from hortus.store.prepared import Lookup, prepare_insert
from hortus.store.rows import USAGE_COLUMNS, attempt_row, receipt_row
from hortus.store.schema import attempts, receipts

USAGE = Usage(101, 102, 103, 104, is_estimated=True, cache_write_tokens=105, service_tier="flex")
ATTEMPT = Attempt(
    number=1,
    endpoint="e",
    model="m",
    host="h",
    status="s",
    opened_at_ms=2,
    settled_at_ms=3,
    region="r",
    model_version="v",
    served_model="sm",
    http_status=4,
    error_code="ec",
    usage=USAGE,
    reserved=Decimal("0.5"),
    cost=Decimal("0.25"),
    currency="EUR",
    price_id="p",
    first_byte_ms=5,
    host_request_id="hr",
    adaptations=("a",),
    input_bytes=6,
    output_bytes=7,
    host_dialect="hd",
    losses=("l",),
    answer_losses=("al",),
    maker="mk",
    holds=(Hold("l@1", Decimal("0.5")),),
    charges=(Hold("l@1", Decimal("0.25")),),
    rates=("rt",),
    answer_digest="ad",
    is_kept=True,
)
RECEIPT = Receipt(
    receipt_id="id",
    opened_at_ms=1,
    status="s",
    caller=Caller(key_id="k", project_id="p"),
    request_id="rq",
    settled_at_ms=2,
    dialect="d",
    operation="o",
    route="r",
    model="m",
    endpoint="e",
    is_stream=True,
    http_status=3,
    error_code="ec",
    usage=USAGE,
    cost=Decimal("0.125"),
    currency="EUR",
    traceparent="t",
    snapshot_version=4,
    attempts=(ATTEMPT,),
    maker="mk",
    idempotency="i",
    request_digest="rd",
    policy="po~1",
    rulings=("ru",),
    findings=("fi:1",),
    shadow=("sh",),
    cached_from="cf",
)
MORE_USAGE = '{"cache_write_tokens":105,"service_tier":"flex"}'
POSITIONAL = postgresql.dialect(paramstyle="format")


def test_a_receipts_row_stands_in_the_order_of_the_columns() -> None:
    row = dict(zip((column.name for column in receipts.columns), receipt_row(RECEIPT, 9), strict=True))
    held: dict[str, object] = {"seq": 9, "key_id": "k", "project_id": "p", "cost": "0.125", "more_usage": MORE_USAGE}
    held |= {"rulings": '["ru"]', "findings": '["fi:1"]', "shadow": '["sh"]'}
    for name in row.keys() - held.keys():
        held[name] = getattr(USAGE if name in USAGE_COLUMNS else RECEIPT, name)
    assert row == held


def test_an_attempts_row_stands_in_the_order_of_the_columns() -> None:
    row = dict(zip((column.name for column in attempts.columns), attempt_row("id", ATTEMPT), strict=True))
    held: dict[str, object] = {"receipt_id": "id", "reserved": "0.5", "cost": "0.25", "adaptations": '["a"]'}
    held |= {"losses": '["l"]', "answer_losses": '["al"]', "rates": '["rt"]', "more_usage": MORE_USAGE}
    held |= {"holds": '[{"pool":"l@1","amount":"0.5"}]', "charges": '[{"pool":"l@1","amount":"0.25"}]'}
    for name in row.keys() - held.keys():
        held[name] = getattr(USAGE if name in USAGE_COLUMNS else ATTEMPT, name)
    assert row == held


@pytest.mark.parametrize("amount", ["0", "0.25", "1E+3", "1E-9", "0.000000000000000000000000001", "-12.50"])
def test_amounts_are_spelled_as_the_schema_spells_them(amount: str) -> None:
    cost = receipts.c.cost.type.bind_processor(sqlite.dialect())
    assert cost is not None
    row = dict(zip((column.name for column in receipts.columns), receipt_row(_costing(Decimal(amount))), strict=True))
    assert row["cost"] == cost(Decimal(amount))
    assert "E" not in str(row["cost"])


@pytest.mark.parametrize("dialect", [sqlite.dialect(paramstyle="qmark"), POSITIONAL], ids=["sqlite", "postgresql"])
def test_statements_can_be_prepared_for_each_database(dialect: Dialect) -> None:
    prepare_insert(receipts, dialect)
    Lookup(select(receipts.c.receipt_id), receipts.c.receipt_id, dialect)


def test_a_database_whose_parameters_have_names_is_refused() -> None:
    with pytest.raises(TypeError, match="by position"):
        prepare_insert(receipts, sqlite.dialect(paramstyle="named"))


def _costing(cost: Decimal) -> Receipt:
    return Receipt(
        receipt_id="id", opened_at_ms=1, status="s", caller=Caller(), request_id="rq", cost=cost, currency="EUR"
    )
