"""What receipts say of money: makers, holds on budgets and what they took, all of the usage, digests."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("receipts", sa.Column("maker", sa.Text()))
    op.add_column("receipts", sa.Column("idempotency", sa.Text()))
    op.add_column("receipts", sa.Column("request_digest", sa.Text()))
    op.add_column("receipts", sa.Column("more_usage", sa.Text()))
    op.add_column("attempts", sa.Column("maker", sa.Text()))
    op.add_column("attempts", sa.Column("holds", sa.Text()))
    op.add_column("attempts", sa.Column("charges", sa.Text()))
    op.add_column("attempts", sa.Column("rates", sa.Text()))
    op.add_column("attempts", sa.Column("answer_digest", sa.Text()))
    op.add_column("attempts", sa.Column("more_usage", sa.Text()))
