"""What the folders of jobs hold on the disk; those of earlier jobs are measured when control starts."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("jobs", sa.Column("held_bytes", sa.BigInteger()))
    op.create_index(op.f("ix_jobs_project_id_held_bytes_id"), "jobs", ["project_id", "held_bytes", "id"])
