"""Keeping: cases that may not be erased, and where imported cases came from."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "keeping_0001"
down_revision = None
branch_labels = ("keeping",)
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "case_hold",
        sa.Column("tenant", sa.String(64), primary_key=True),
        sa.Column("case_id", sa.String(64), primary_key=True),
        sa.Column("at", sa.String(40), nullable=False),
        sa.Column("who", sa.String(120), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
    )
    op.create_table(
        "case_import",
        sa.Column("tenant", sa.String(64), primary_key=True),
        sa.Column("case_id", sa.String(64), primary_key=True),
        sa.Column("at", sa.String(40), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("report", sa.Text, nullable=False),
    )


def downgrade() -> None:
    """Remove the tables."""
    op.drop_table("case_import")
    op.drop_table("case_hold")
