"""Cases: heads, partners, events, documents, search keys, held messages, signals, reads."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "cases_0001"
down_revision = None
branch_labels = ("cases",)
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "case_head",
        sa.Column("tenant", sa.String(64), primary_key=True),
        sa.Column("case_id", sa.String(64), primary_key=True),
        sa.Column("buc", sa.String(24), nullable=False),
        sa.Column("version", sa.String(16), nullable=False),
        sa.Column("role", sa.String(24), nullable=False),
        sa.Column("me", sa.String(80), nullable=False),
        sa.Column("partners", sa.Text, nullable=False),
        sa.Column("state", sa.String(24), nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("opened_at", sa.String(40), nullable=False),
        sa.Column("changed_at", sa.String(40), nullable=False),
        sa.Column("due_at", sa.String(40)),
        sa.Column("national_number", sa.String(80)),
    )
    op.create_index("case_head_by_state", "case_head", ["tenant", "state", "changed_at"])
    op.create_index("case_head_by_buc", "case_head", ["tenant", "buc", "state"])
    op.create_index("case_head_by_due", "case_head", ["tenant", "due_at"])
    op.create_index("case_head_by_number", "case_head", ["tenant", "national_number"])
    op.create_table(
        "case_partner",
        sa.Column("tenant", sa.String(64), primary_key=True),
        sa.Column("case_id", sa.String(64), primary_key=True),
        sa.Column("institution", sa.String(80), primary_key=True),
    )
    op.create_index("case_partner_by_institution", "case_partner", ["tenant", "institution"])
    op.create_table(
        "case_event",
        sa.Column("tenant", sa.String(64), primary_key=True),
        sa.Column("case_id", sa.String(64), primary_key=True),
        sa.Column("no", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("at", sa.String(40), nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
    )
    op.create_table(
        "case_document",
        sa.Column("tenant", sa.String(64), primary_key=True),
        sa.Column("case_id", sa.String(64), primary_key=True),
        sa.Column("document_id", sa.String(80), primary_key=True),
        sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("sed", sa.String(16), nullable=False),
        sa.Column("direction", sa.String(3), nullable=False),
        sa.Column("at", sa.String(40), nullable=False),
        sa.Column("message_ids", sa.Text, nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("protected", sa.Boolean, nullable=False),
        sa.Column("medical", sa.Boolean, nullable=False),
        sa.Column("verdict", sa.String(16), nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "case_key",
        sa.Column("tenant", sa.String(64), primary_key=True),
        sa.Column("case_id", sa.String(64), primary_key=True),
        sa.Column("digest", sa.String(64), primary_key=True),
    )
    op.create_index("case_key_by_digest", "case_key", ["tenant", "digest"])
    op.create_table(
        "case_held",
        sa.Column("tenant", sa.String(64), primary_key=True),
        sa.Column("message_id", sa.String(255), primary_key=True),
        sa.Column("no", sa.Integer, nullable=False),
        sa.Column("at", sa.String(40), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("rule", sa.String(40), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("answer", sa.String(16)),
        sa.Column("case_id", sa.String(64)),
        sa.Column("sender", sa.String(80), nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
    )
    op.create_index("case_held_by_state", "case_held", ["tenant", "state", "no"])
    op.create_index("case_held_by_case", "case_held", ["tenant", "case_id", "state"])
    op.create_table(
        "case_signal",
        sa.Column("tenant", sa.String(64), primary_key=True),
        sa.Column("no", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("at", sa.String(40), nullable=False),
        sa.Column("type", sa.String(64), nullable=False),
        sa.Column("case_id", sa.String(64)),
        sa.Column("data", sa.Text, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
    )
    op.create_index("case_signal_by_state", "case_signal", ["tenant", "state", "no"])
    op.create_table(
        "case_access",
        sa.Column("tenant", sa.String(64), primary_key=True),
        sa.Column("no", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("at", sa.String(40), nullable=False),
        sa.Column("who", sa.String(120), nullable=False),
        sa.Column("what", sa.String(40), nullable=False),
        sa.Column("case_id", sa.String(64)),
        sa.Column("document_id", sa.String(80)),
    )
