"""Limits' pools and the leases of them that writers hold."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "pools",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("limit_id", sa.Text(), nullable=False),
        sa.Column("measure", sa.Text(), nullable=False),
        sa.Column("start_ms", sa.BigInteger(), nullable=False),
        sa.Column("end_ms", sa.BigInteger()),
        sa.Column("granted", sa.Text(), nullable=False),
        sa.Column("spent", sa.Text(), nullable=False),
        sa.Column("alerted_percent", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("is_weighed", sa.Boolean(), nullable=False, server_default="1"),
        sa.PrimaryKeyConstraint("id", name="pk_pools"),
    )
    op.create_index("ix_pools_is_weighed", "pools", ["is_weighed"])
    op.create_index("ix_pools_limit_id_start_ms", "pools", ["limit_id", "start_ms"])
    op.create_index("ix_pools_measure_end_ms", "pools", ["measure", "end_ms"])
    op.create_table(
        "leases",
        sa.Column("pool", sa.Text(), nullable=False),
        sa.Column("writer", sa.Text(), nullable=False),
        sa.Column("granted", sa.Text(), nullable=False),
        sa.Column("spent", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("pool", "writer", name="pk_leases"),
    )
    op.create_index("ix_leases_writer", "leases", ["writer"])
