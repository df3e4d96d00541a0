"""What translation loses: which losses refuse a project's requests, and what each attempt lost."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("projects", sa.Column("loss", sa.Text(), nullable=False, server_default="standard"))
    op.add_column("attempts", sa.Column("host_dialect", sa.Text()))
    op.add_column("attempts", sa.Column("losses", sa.Text()))
    op.add_column("attempts", sa.Column("answer_losses", sa.Text()))
