"""The directory: what a country keeps of its bodies and no copy carries, one row per approved change."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "directory_0002"
down_revision = "directory_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "directory_national",
        sa.Column("tenant", sa.String(64), primary_key=True),
        sa.Column("institution", sa.String(80), primary_key=True),
        sa.Column("no", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("at", sa.String(40), nullable=False),
        sa.Column("body", sa.Text, nullable=False),
    )


def downgrade() -> None:
    """Remove the table."""
    op.drop_table("directory_national")
