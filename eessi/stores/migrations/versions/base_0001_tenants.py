"""Tenants; one called ``default`` from the beginning."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa
from alembic import op

revision = "base_0001"
down_revision = None
branch_labels = ("base",)
depends_on = None


def upgrade() -> None:
    """Create the table and its first row."""
    tenant = op.create_table(
        "tenant",
        sa.Column("tenant", sa.String(64), primary_key=True),
        sa.Column("created_at", sa.String(32), nullable=False),
    )
    now = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
    op.bulk_insert(tenant, [{"tenant": "default", "created_at": now}])


def downgrade() -> None:
    """Remove the table."""
    op.drop_table("tenant")
