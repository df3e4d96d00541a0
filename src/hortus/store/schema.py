"""The tables of the store, as `migrations` builds them; amounts are text, instants are milliseconds (UTC)."""

from __future__ import annotations

from decimal import Decimal

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
)
from typing_extensions import override

from hortus.canon.usage import COUNTS

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}
"""Names of indexes and constraints, so that later migrations can refer to them."""

TABLES = MetaData(naming_convention=NAMING)


class Amount(TypeDecorator[Decimal]):
    """An exact decimal, kept as text: SQLite has no decimal type, and a float is not money."""

    impl = Text
    cache_ok = True

    @override
    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> str | None:
        return None if value is None else format(value, "f")

    @override
    def process_result_value(self, value: str | None, dialect: Dialect) -> Decimal | None:
        return None if value is None else Decimal(value)


def _usage_columns() -> list[Column[int] | Column[bool]]:
    """Tokens that are asked for often; all empty where usage is unknown. The rest is in `more_usage`, as JSON."""
    return [
        Column("input_tokens", BigInteger),
        Column("output_tokens", BigInteger),
        Column("cached_input_tokens", BigInteger),
        Column("reasoning_tokens", BigInteger),
        Column("is_estimated", Boolean),
    ]


counters = Table(
    "counters",
    TABLES,
    Column("name", Text, primary_key=True),
    Column("value", BigInteger, nullable=False),
)

organisations = Table(
    "organisations",
    TABLES,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("created_at_ms", BigInteger, nullable=False),
)

secret_checks = Table(
    "secret_checks",
    TABLES,
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("check_digest", Text, nullable=False),
)

projects = Table(
    "projects",
    TABLES,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("routes", Text, nullable=False),
    Column("origin", Text, nullable=False),
    Column("created_at_ms", BigInteger, nullable=False),
    Column("retired_at_ms", BigInteger),
    Column("loss", Text, nullable=False, server_default="standard"),
    Column("policy", Text, nullable=False, server_default="anywhere"),
    Column("shadow_policy", Text),
    Column("keep_content_days", Integer, nullable=False, server_default="0"),
)

keys = Table(
    "keys",
    TABLES,
    Column("id", Text, primary_key=True),
    Column("project_id", Text, ForeignKey("projects.id"), nullable=False, index=True),
    Column("name", Text, nullable=False),
    Column("digest", Text, nullable=False, unique=True),
    Column("digest_scheme", Text, nullable=False),
    Column("secret_version", Integer, nullable=False),
    Column("hint", Text, nullable=False),
    Column("created_at_ms", BigInteger, nullable=False),
    Column("expires_at_ms", BigInteger),
    Column("revoked_at_ms", BigInteger),
)

objects = Table(
    "objects",
    TABLES,
    Column("kind", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("spec", Text, nullable=False),
    Column("origin", Text, nullable=False),
    Column("declared_where", Text),
    Column("created_at_ms", BigInteger, nullable=False),
    Column("updated_at_ms", BigInteger, nullable=False),
    Column("retired_at_ms", BigInteger),
)

receipts = Table(
    "receipts",
    TABLES,
    Column("receipt_id", Text, primary_key=True),
    Column("opened_at_ms", BigInteger, nullable=False),
    Column("settled_at_ms", BigInteger),
    Column("status", Text, nullable=False),
    Column("key_id", Text),
    Column("project_id", Text),
    Column("request_id", Text, nullable=False),
    Column("dialect", Text),
    Column("operation", Text),
    Column("route", Text),
    Column("model", Text),
    Column("endpoint", Text),
    Column("is_stream", Boolean, nullable=False),
    Column("http_status", Integer),
    Column("error_code", Text),
    *_usage_columns(),
    Column("cost", Amount),
    Column("currency", Text),
    Column("traceparent", Text),
    Column("snapshot_version", BigInteger),
    Column("maker", Text),
    Column("idempotency", Text),
    Column("request_digest", Text),
    Column("more_usage", Text),
    Column("seq", BigInteger),
    Column("policy", Text),
    Column("rulings", Text),
    Column("findings", Text),
    Column("shadow", Text),
    Column("cached_from", Text),
    Index(None, "opened_at_ms", "receipt_id"),
    Index(None, "project_id", "opened_at_ms", "receipt_id"),
)

attempts = Table(
    "attempts",
    TABLES,
    Column("receipt_id", Text, ForeignKey("receipts.receipt_id"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("endpoint", Text, nullable=False),
    Column("model", Text, nullable=False),
    Column("host", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("opened_at_ms", BigInteger, nullable=False),
    Column("settled_at_ms", BigInteger),
    Column("region", Text),
    Column("model_version", Text),
    Column("served_model", Text),
    Column("http_status", Integer),
    Column("error_code", Text),
    *_usage_columns(),
    Column("reserved", Amount),
    Column("cost", Amount),
    Column("currency", Text),
    Column("price_id", Text),
    Column("first_byte_ms", BigInteger),
    Column("host_request_id", Text),
    Column("adaptations", Text),
    Column("input_bytes", BigInteger),
    Column("output_bytes", BigInteger),
    Column("host_dialect", Text),
    Column("losses", Text),
    Column("answer_losses", Text),
    Column("maker", Text),
    Column("holds", Text),
    Column("charges", Text),
    Column("rates", Text),
    Column("answer_digest", Text),
    Column("more_usage", Text),
    Column("is_kept", Boolean),
)

segments = Table(
    "segments",
    TABLES,
    Column("name", Text, primary_key=True),
    Column("writer", Text, nullable=False),
    Column("end_offset", BigInteger, nullable=False),
    Column("end_chain", Text, nullable=False),
    Column("records", BigInteger, nullable=False),
    Column("damage", Text),
    Column("archived_at_ms", BigInteger),
)

waiting = Table(
    "waiting",
    TABLES,
    Column("receipt_id", Text, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("kind", Text, primary_key=True),
    Column("writer", Text, nullable=False, index=True),
    Column("record", LargeBinary, nullable=False),
)
"""Records of requests that are not over: the journal's tail, so that a segment can be left behind."""

KIND_COLUMNS = (
    "project_id", "key_id", "route", "dialect", "operation", "endpoint", "model", "maker", "host", "status", "currency",
)  # fmt: skip
"""By what usage is added up, with the time and whether it is estimated; empty text where there is none."""

SUM_COLUMNS = (
    "requests", "attempts", "without_cost", "took_ms", "took_count", "first_byte_ms", "first_byte_count", *COUNTS,
)  # fmt: skip

usage_kinds = Table(
    "usage_kinds",
    TABLES,
    Column("id", Integer, primary_key=True),
    *(Column(name, Text, nullable=False) for name in KIND_COLUMNS),
    Column("is_estimated", Boolean, nullable=False),
    UniqueConstraint(*KIND_COLUMNS, "is_estimated", name="uq_usage_kinds_all"),
)
"""Everything that two receipts can have in common; so a row of sums needs but one number for it."""

usage_sums = Table(
    "usage_sums",
    TABLES,
    Column("span_ms", BigInteger, primary_key=True, autoincrement=False),
    Column("start_ms", BigInteger, primary_key=True, autoincrement=False),
    Column("kind_id", Integer, ForeignKey("usage_kinds.id"), primary_key=True, autoincrement=False),
    *(Column(name, BigInteger, nullable=False) for name in SUM_COLUMNS),
    Column("cost_micro", BigInteger, nullable=False),
    Column("cost_femto", BigInteger, nullable=False),
    Column("cost_rest", Text),
    sqlite_with_rowid=False,
)
"""Usage added up, by the quarter of an hour and by the day (UTC) in which the request began.

The cost is exact: millionths, what is left in 1e-15ths, and as text what even that does not hold.
"""


def _seq() -> BigInteger:
    """Type of a place in the chain that is a primary key: SQLite's own row number where it is SQLite."""
    return BigInteger().with_variant(Integer, "sqlite")


chain = Table(
    "chain",
    TABLES,
    Column("seq", _seq(), primary_key=True, autoincrement=False),
    Column("code", Integer, nullable=False),
    Column("record_id", Text, nullable=False),
    Column("hash", LargeBinary, nullable=False),
)
"""Every entry of the chain (`receipts/chain.py`); its record is a receipt, an act or a note."""

chain_notes = Table(
    "chain_notes",
    TABLES,
    Column("seq", _seq(), primary_key=True, autoincrement=False),
    Column("record", LargeBinary, nullable=False),
)
"""Records that stand nowhere else: beginnings of segments, checkpoints, stubs."""

chain_segments = Table(
    "chain_segments",
    TABLES,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("first_seq", BigInteger, nullable=False),
    Column("began_at_ms", BigInteger, nullable=False),
    Column("previous", LargeBinary, nullable=False),
    Column("stub", LargeBinary),
)
"""Segments of the chain; of one with a stub, only that is left."""

acts = Table(
    "acts",
    TABLES,
    Column("act_id", Text, primary_key=True),
    Column("at_ms", BigInteger, nullable=False),
    Column("kind", Text, nullable=False),
    Column("project", Text),
    Column("seq", BigInteger, index=True),
    Column("record", LargeBinary, nullable=False),
    Index(None, "at_ms", "act_id"),
)
"""Administrative changes, written with the change itself; the ledger gives each its place (`seq`) in the chain."""

pools = Table(
    "pools",
    TABLES,
    Column("id", Text, primary_key=True),
    Column("limit_id", Text, nullable=False),
    Column("measure", Text, nullable=False),
    Column("start_ms", BigInteger, nullable=False),
    Column("end_ms", BigInteger),
    Column("granted", Amount, nullable=False),
    Column("spent", Amount, nullable=False),
    Column("alerted_percent", Integer, nullable=False, server_default="0"),
    Column("is_weighed", Boolean, nullable=False, server_default="1", index=True),
    Index(None, "limit_id", "start_ms"),
    Index(None, "measure", "end_ms"),
)
"""Limits in one period: what writers were given of them. Not weighed: spent of since alerts were looked for."""

leases = Table(
    "leases",
    TABLES,
    Column("pool", Text, primary_key=True),
    Column("writer", Text, primary_key=True, index=True),
    Column("granted", Amount, nullable=False),
    Column("spent", Amount, nullable=False),
)
"""What each living writer holds of a pool."""

claims = Table(
    "claims",
    TABLES,
    Column("project_id", Text, primary_key=True),
    Column("digest", Text, primary_key=True),
    Column("receipt_id", Text, nullable=False),
    Column("writer", Text, nullable=False, index=True),
    Column("state", Text, nullable=False),
    Column("at_ms", BigInteger, nullable=False, index=True),
)
"""Requests that came with an `Idempotency-Key`: its keyed digest, and how the one that came first stands."""

files = Table(
    "files",
    TABLES,
    Column("id", Text, primary_key=True),
    Column("project_id", Text, nullable=False),
    Column("deleted_at_ms", BigInteger),
    Column("record", Text, nullable=False),
    Index(None, "project_id", "id"),
)
"""Files that were brought for jobs."""

jobs = Table(
    "jobs",
    TABLES,
    Column("id", Text, primary_key=True),
    Column("project_id", Text, nullable=False),
    Column("state", Text, nullable=False, index=True),
    Column("record", Text, nullable=False),
    Column("held_bytes", BigInteger),
    Index(None, "project_id", "id"),
    Index(None, "project_id", "held_bytes", "id"),
)
"""Training runs; the last index has all that a sum of a project's needs, so that no record is read for it."""

job_events = Table(
    "job_events",
    TABLES,
    Column("job_id", Text, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("key", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("record", Text, nullable=False),
    UniqueConstraint("job_id", "key"),
)
"""What happened in them; a key names it once."""
