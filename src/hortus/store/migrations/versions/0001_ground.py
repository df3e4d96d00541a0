"""The first tables: organisation, projects, keys, declared objects, receipts and the journal's positions."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    _access()
    _objects()
    _receipts()
    _attempts()
    _journal()


def _access() -> None:
    op.create_table(
        "organisations",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("created_at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_organisations")),
    )
    op.create_table(
        "secret_checks",
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("check_digest", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("version", name=op.f("pk_secret_checks")),
    )
    op.create_table(
        "counters",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_counters")),
    )
    op.create_table(
        "projects",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("routes", sa.Text(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("created_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("retired_at_ms", sa.BigInteger()),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_projects")),
        sa.UniqueConstraint("name", name=op.f("uq_projects_name")),
    )
    op.create_table(
        "keys",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("project_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("digest_scheme", sa.Text(), nullable=False),
        sa.Column("secret_version", sa.Integer(), nullable=False),
        sa.Column("hint", sa.Text(), nullable=False),
        sa.Column("created_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("expires_at_ms", sa.BigInteger()),
        sa.Column("revoked_at_ms", sa.BigInteger()),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name=op.f("fk_keys_project_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_keys")),
        sa.UniqueConstraint("digest", name=op.f("uq_keys_digest")),
    )
    op.create_index(op.f("ix_keys_project_id"), "keys", ["project_id"])


def _objects() -> None:
    op.create_table(
        "objects",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("spec", sa.Text(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("declared_where", sa.Text()),
        sa.Column("created_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("updated_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("retired_at_ms", sa.BigInteger()),
        sa.PrimaryKeyConstraint("kind", "name", name=op.f("pk_objects")),
    )


def _receipts() -> None:
    op.create_table(
        "receipts",
        sa.Column("receipt_id", sa.Text(), nullable=False),
        sa.Column("opened_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("settled_at_ms", sa.BigInteger()),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("key_id", sa.Text()),
        sa.Column("project_id", sa.Text()),
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.Column("dialect", sa.Text()),
        sa.Column("operation", sa.Text()),
        sa.Column("route", sa.Text()),
        sa.Column("model", sa.Text()),
        sa.Column("endpoint", sa.Text()),
        sa.Column("is_stream", sa.Boolean(), nullable=False),
        sa.Column("http_status", sa.Integer()),
        sa.Column("error_code", sa.Text()),
        sa.Column("input_tokens", sa.BigInteger()),
        sa.Column("output_tokens", sa.BigInteger()),
        sa.Column("cached_input_tokens", sa.BigInteger()),
        sa.Column("reasoning_tokens", sa.BigInteger()),
        sa.Column("is_estimated", sa.Boolean()),
        sa.Column("cost", sa.Text()),
        sa.Column("currency", sa.Text()),
        sa.Column("traceparent", sa.Text()),
        sa.Column("snapshot_version", sa.BigInteger()),
        sa.PrimaryKeyConstraint("receipt_id", name=op.f("pk_receipts")),
    )
    op.create_index(op.f("ix_receipts_opened_at_ms_receipt_id"), "receipts", ["opened_at_ms", "receipt_id"])
    op.create_index(
        op.f("ix_receipts_project_id_opened_at_ms_receipt_id"), "receipts", ["project_id", "opened_at_ms", "receipt_id"]
    )


def _attempts() -> None:
    op.create_table(
        "attempts",
        sa.Column("receipt_id", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("endpoint", sa.Text(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("opened_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("settled_at_ms", sa.BigInteger()),
        sa.Column("region", sa.Text()),
        sa.Column("model_version", sa.Text()),
        sa.Column("served_model", sa.Text()),
        sa.Column("http_status", sa.Integer()),
        sa.Column("error_code", sa.Text()),
        sa.Column("input_tokens", sa.BigInteger()),
        sa.Column("output_tokens", sa.BigInteger()),
        sa.Column("cached_input_tokens", sa.BigInteger()),
        sa.Column("reasoning_tokens", sa.BigInteger()),
        sa.Column("is_estimated", sa.Boolean()),
        sa.Column("reserved", sa.Text()),
        sa.Column("cost", sa.Text()),
        sa.Column("currency", sa.Text()),
        sa.Column("price_id", sa.Text()),
        sa.Column("first_byte_ms", sa.BigInteger()),
        sa.Column("host_request_id", sa.Text()),
        sa.Column("adaptations", sa.Text()),
        sa.Column("input_bytes", sa.BigInteger()),
        sa.Column("output_bytes", sa.BigInteger()),
        sa.ForeignKeyConstraint(["receipt_id"], ["receipts.receipt_id"], name=op.f("fk_attempts_receipt_id")),
        sa.PrimaryKeyConstraint("receipt_id", "number", name=op.f("pk_attempts")),
    )


def _journal() -> None:
    op.create_table(
        "segments",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("writer", sa.Text(), nullable=False),
        sa.Column("end_offset", sa.BigInteger(), nullable=False),
        sa.Column("end_chain", sa.Text(), nullable=False),
        sa.Column("records", sa.BigInteger(), nullable=False),
        sa.Column("damage", sa.Text()),
        sa.Column("archived_at_ms", sa.BigInteger()),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_segments")),
    )
    op.create_table(
        "waiting",
        sa.Column("receipt_id", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("writer", sa.Text(), nullable=False),
        sa.Column("record", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("receipt_id", "number", "kind", name=op.f("pk_waiting")),
    )
    op.create_index(op.f("ix_waiting_writer"), "waiting", ["writer"])
