"""By which policy a receipt was judged, and what it and the guards said; whether content is kept."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name in ("policy", "rulings", "findings", "shadow", "cached_from"):
        op.add_column("receipts", sa.Column(name, sa.Text()))
    op.add_column("attempts", sa.Column("is_kept", sa.Boolean()))
