"""The chain of receipts: their places in it, checkpoints, acts, and stubs of what was let go."""

from __future__ import annotations

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass  # its tables come with its owner
