"""Usage added up as receipts arrive; what was there before is added up now."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_KIND = (
    "project_id", "key_id", "route", "dialect", "operation", "endpoint", "model", "maker", "host", "status", "currency",
)  # fmt: skip
_IN_COLUMNS = ("input_tokens", "output_tokens", "cached_input_tokens", "reasoning_tokens")
_IN_JSON = (
    "cache_write_tokens", "cache_write_long_tokens", "input_audio_tokens", "cached_audio_tokens",
    "output_audio_tokens", "input_image_tokens", "output_image_tokens", "searches", "images", "seconds",
)  # fmt: skip
_COUNTED = (
    "requests", "attempts", "without_cost", "took_ms", "took_count", "first_byte_ms", "first_byte_count",
    *_IN_COLUMNS, *_IN_JSON,
)  # fmt: skip
_QUARTER_MS, _DAY_MS = 900_000, 86_400_000


def upgrade() -> None:
    op.create_table(
        "usage_kinds",
        sa.Column("id", sa.Integer(), nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in _KIND),
        sa.Column("is_estimated", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_usage_kinds")),
        sa.UniqueConstraint(*_KIND, "is_estimated", name=op.f("uq_usage_kinds_all")),
    )
    op.create_table(
        "usage_sums",
        sa.Column("span_ms", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("start_ms", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("kind_id", sa.Integer(), autoincrement=False, nullable=False),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in _COUNTED),
        sa.Column("cost_micro", sa.BigInteger(), nullable=False),
        sa.Column("cost_femto", sa.BigInteger(), nullable=False),
        sa.Column("cost_rest", sa.Text()),
        sa.PrimaryKeyConstraint("span_ms", "start_ms", "kind_id", name=op.f("pk_usage_sums")),
        sa.ForeignKeyConstraint(["kind_id"], ["usage_kinds.id"], name=op.f("fk_usage_sums_kind_id")),
        sqlite_with_rowid=False,
    )
    _add_up()


def _add_up() -> None:
    """Fill the tables from receipts; in the text column, for SQL cannot divide an amount exactly."""
    connection = op.get_bind()
    if connection.exec_driver_sql("SELECT 1 FROM receipts LIMIT 1").first() is None:
        return
    connection.exec_driver_sql(f"CREATE TEMP TABLE counted AS {_EACH}")
    kind = ", ".join((*_KIND, "is_estimated"))
    connection.exec_driver_sql(f"INSERT INTO usage_kinds ({kind}) SELECT DISTINCT {kind} FROM counted")  # noqa: S608 -- names of columns
    sums = ", ".join(f"sum({name})" for name in _COUNTED)
    for span_ms in (_QUARTER_MS, _DAY_MS):
        connection.exec_driver_sql(
            f"INSERT INTO usage_sums SELECT {span_ms}, at_ms - at_ms % {span_ms} AS start_ms, id, {sums}, 0, 0,"  # noqa: S608 -- names of columns
            f" decimal_sum(cost) FROM counted JOIN usage_kinds USING ({kind}) GROUP BY start_ms, id"
        )
    connection.exec_driver_sql("DROP TABLE counted")


_OF_RECEIPT = ("project_id", "key_id", "route", "dialect", "operation")
_OF_ATTEMPT = ("endpoint", "model", "maker", "host", "currency")

_NAMES = ", ".join(
    [f"coalesce(r.{name}, '') AS {name}" for name in _OF_RECEIPT if name != "route"]
    + [f"coalesce(a.{name}, '') AS {name}" for name in _OF_ATTEMPT]
)
_UNITS = ", ".join(
    [f"coalesce(a.{name}, 0) AS {name}" for name in _IN_COLUMNS]
    + [f"coalesce(json_extract(a.more_usage, '$.{name}'), 0) AS {name}" for name in _IN_JSON]
)
_EACH = (
    f"SELECT r.opened_at_ms AS at_ms, {_NAMES}, {_UNITS}, a.cost,"  # noqa: S608 -- names of columns
    " CASE WHEN a.number IS NULL AND r.error_code = 'model_not_found' THEN '' ELSE coalesce(r.route, '') END AS route,"
    " coalesce(a.status, r.status) AS status,"
    " coalesce(a.is_estimated, 0) OR coalesce(a.status, '') = 'interrupted' AS is_estimated,"
    " a.number IS NULL OR a.number = (SELECT max(number) FROM attempts WHERE receipt_id = r.receipt_id) AS requests,"
    " a.number IS NOT NULL AS attempts, a.number IS NOT NULL AND a.cost IS NULL AS without_cost,"
    " coalesce(a.settled_at_ms - a.opened_at_ms, 0) AS took_ms, a.settled_at_ms IS NOT NULL AS took_count,"
    " coalesce(a.first_byte_ms, 0) AS first_byte_ms, a.first_byte_ms IS NOT NULL AS first_byte_count"
    " FROM receipts r LEFT JOIN attempts a ON a.receipt_id = r.receipt_id"
)
"""One row for each attempt, and for each receipt without any."""
