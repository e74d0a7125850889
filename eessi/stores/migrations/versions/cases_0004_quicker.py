"""Deadlines that nobody was told of are found without reading the others; search keys are found by their whole value.

Without statistics, which SQLite has only when somebody asks for them, an index that covers the question is the only one
that is surely taken.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "cases_0004"
down_revision = "cases_0003"
branch_labels = None
depends_on = None

_TOLD = """
    UPDATE case_head SET untold_due = due_at WHERE due_at IS NOT NULL AND NOT EXISTS (
        SELECT 1 FROM case_signal WHERE case_signal.tenant = case_head.tenant AND case_signal.case_id = case_head.case_id
        AND case_signal.type = 'eessi.deadline.near' AND case_signal.data = '{"on": "' || case_head.due_at || '"}')
"""


def upgrade() -> None:
    """Add the column, filled from what was told; make the indexes."""
    op.add_column("case_head", sa.Column("untold_due", sa.String(40)))
    op.create_index("case_signal_by_type", "case_signal", ["tenant", "type", "case_id"])
    op.get_bind().exec_driver_sql(_TOLD)
    op.create_index("case_head_by_untold_due", "case_head", ["tenant", "untold_due"])
    for name, table, column in _BY_VALUE:
        op.drop_index(name, table)
        op.create_index(name, table, ["tenant", column, "case_id"])


_BY_VALUE = (
    ("case_key_by_digest", "case_key", "digest"),
    ("case_partner_by_institution", "case_partner", "institution"),
)


def downgrade() -> None:
    """Go back to the narrower indexes; which deadlines were told stands in the signals."""
    for name, table, column in _BY_VALUE:
        op.drop_index(name, table)
        op.create_index(name, table, ["tenant", column])
    op.drop_index("case_head_by_untold_due", "case_head")
    op.drop_index("case_signal_by_type", "case_signal")
    op.drop_column("case_head", "untold_due")
