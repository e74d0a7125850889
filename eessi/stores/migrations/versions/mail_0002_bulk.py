"""Large bodies in pieces."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "mail_0002"
down_revision = "mail_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "mail_bulk",
        sa.Column("tenant", sa.String(64), primary_key=True),
        sa.Column("box", sa.String(8), primary_key=True),
        sa.Column("message_id", sa.String(255), primary_key=True),
        sa.Column("start", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("data", sa.LargeBinary, nullable=False),
    )


def downgrade() -> None:
    """Remove the table."""
    op.drop_table("mail_bulk")
