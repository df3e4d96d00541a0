"""Policies of projects, and what they ask to be kept."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("projects", sa.Column("policy", sa.Text(), nullable=False, server_default="anywhere"))
    op.add_column("projects", sa.Column("shadow_policy", sa.Text()))
    op.add_column("projects", sa.Column("keep_content_days", sa.Integer(), nullable=False, server_default="0"))
