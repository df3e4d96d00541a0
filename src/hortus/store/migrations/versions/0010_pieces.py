"""What is charged beyond tokens is added up too: pages, characters, portions of rankings."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name in ("pages", "characters", "search_units"):
        op.add_column("usage_sums", sa.Column(name, sa.BigInteger(), nullable=False, server_default="0"))
