"""When each channel of the access point last answered."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "channels_0001"
down_revision = None
branch_labels = ("channels",)
depends_on = None


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "pull_channel",
        sa.Column("tenant", sa.String(64), primary_key=True),
        sa.Column("channel", sa.String(255), primary_key=True),
        sa.Column("answered_at", sa.String(40), nullable=False),
    )
