"""The directory: copies, records and their bodies, events, contacts, readiness."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "directory_0001"
down_revision = None
branch_labels = ("directory",)
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "directory_copy",
        sa.Column("tenant", sa.String(64), primary_key=True),
        sa.Column("seq", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("version", sa.String(64)),
        sa.Column("created", sa.String(40)),
        sa.Column("sender", sa.String(64)),
        sa.Column("environment", sa.String(16)),
        sa.Column("source", sa.Text),
        sa.Column("origin", sa.String(64), nullable=False),
        sa.Column("institutions", sa.Integer, nullable=False),
        sa.Column("head", sa.Text, nullable=False),
        sa.Column("findings", sa.Text, nullable=False),
        sa.Column("loaded_at", sa.String(40), nullable=False),
        sa.Column("loaded_by", sa.String(200), nullable=False),
    )
    op.create_table(
        "directory_body",
        sa.Column("tenant", sa.String(64), primary_key=True),
        sa.Column("digest", sa.String(64), primary_key=True),
        sa.Column("body", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "directory_record",
        sa.Column("tenant", sa.String(64), primary_key=True),
        sa.Column("kind", sa.String(16), primary_key=True),
        sa.Column("id", sa.String(80), primary_key=True),
        sa.Column("from_seq", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("to_seq", sa.Integer),
        sa.Column("country", sa.String(8)),
        sa.Column("digest", sa.String(64), nullable=False),
    )
    op.create_index("directory_record_by_country", "directory_record", ["tenant", "country", "kind"])
    op.create_table(
        "directory_event",
        sa.Column("tenant", sa.String(64), primary_key=True),
        sa.Column("no", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("at", sa.String(40), nullable=False),
        sa.Column("who", sa.String(200), nullable=False),
        sa.Column("action", sa.String(32), nullable=False),
        sa.Column("proposal", sa.Integer),
        sa.Column("body", sa.Text, nullable=False),
    )
    op.create_index("directory_event_by_proposal", "directory_event", ["tenant", "proposal"])
    op.create_table(
        "directory_contact",
        sa.Column("tenant", sa.String(64), primary_key=True),
        sa.Column("key", sa.String(64), primary_key=True),
        sa.Column("institution", sa.String(80), nullable=False),
        sa.Column("buc", sa.String(40)),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("body", sa.Text, nullable=False),
    )
    op.create_table(
        "directory_readiness",
        sa.Column("tenant", sa.String(64), primary_key=True),
        sa.Column("key", sa.String(64), primary_key=True),
        sa.Column("country", sa.String(8), nullable=False),
        sa.Column("institution", sa.String(80)),
        sa.Column("buc", sa.String(40), nullable=False),
        sa.Column("cdm", sa.String(16)),
        sa.Column("mode", sa.String(16), nullable=False),
        sa.Column("since", sa.String(10), nullable=False),
        sa.Column("source", sa.Text, nullable=False),
    )


def downgrade() -> None:
    """Remove the tables."""
    for table in ("readiness", "contact", "event", "record", "body", "copy"):
        op.drop_table(f"directory_{table}")
