"""Outbox, inbox, journal and circuits."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "mail_0001"
down_revision = None
branch_labels = ("mail",)
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "mail_out",
        sa.Column("tenant", sa.String(64), primary_key=True),
        sa.Column("message_id", sa.String(255), primary_key=True),
        sa.Column("no", sa.Integer, nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("conversation_id", sa.String(255), nullable=False),
        sa.Column("receiver", sa.String(80), nullable=False),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("content_type", sa.Text, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("references", sa.Text, nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("next_at", sa.String(40), nullable=False),
        sa.Column("created_at", sa.String(40), nullable=False),
        sa.Column("since", sa.String(40), nullable=False),
        sa.Column("deadline", sa.String(40)),
        sa.Column("ref_to", sa.String(255)),
        sa.Column("reason", sa.Text),
        sa.Column("held", sa.Integer, nullable=False),
    )
    op.create_index("mail_out_due", "mail_out", ["tenant", "state", "next_at"])
    op.create_index("mail_out_deadlines", "mail_out", ["tenant", "state", "deadline"])
    op.create_index("mail_out_by_conversation", "mail_out", ["tenant", "conversation_id", "no"])
    op.create_index("mail_out_by_no", "mail_out", ["tenant", "no"], unique=True)
    op.create_table(
        "mail_in",
        sa.Column("tenant", sa.String(64), primary_key=True),
        sa.Column("message_id", sa.String(255), primary_key=True),
        sa.Column("no", sa.Integer, nullable=False),
        sa.Column("sender", sa.String(80), nullable=False),
        sa.Column("conversation_id", sa.String(255), nullable=False),
        sa.Column("received_at", sa.String(40), nullable=False),
        sa.Column("content_type", sa.Text, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("receipt_type", sa.Text, nullable=False),
        sa.Column("receipt", sa.LargeBinary, nullable=False),
        sa.Column("since", sa.String(40), nullable=False),
        sa.Column("reason", sa.Text),
    )
    op.create_index("mail_in_waiting", "mail_in", ["tenant", "state", "no"])
    op.create_index("mail_in_by_no", "mail_in", ["tenant", "no"], unique=True)
    op.create_table(
        "mail_journal",
        sa.Column("tenant", sa.String(64), primary_key=True),
        sa.Column("no", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("message_id", sa.String(255), nullable=False),
        sa.Column("at", sa.String(40), nullable=False),
        sa.Column("step", sa.String(24), nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
        sa.Column("evidence", sa.LargeBinary),
        sa.Column("hash", sa.String(64), nullable=False),
    )
    op.create_index("mail_journal_by_message", "mail_journal", ["tenant", "message_id", "no"])
    op.create_table(
        "mail_circuit",
        sa.Column("tenant", sa.String(64), primary_key=True),
        sa.Column("url", sa.String(500), primary_key=True),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("until", sa.String(40), nullable=False),
    )


def downgrade() -> None:
    """Remove the tables."""
    for table in ("mail_circuit", "mail_journal", "mail_in", "mail_out"):
        op.drop_table(table)
