"""Cases are searched by the day they were opened or changed."""

from __future__ import annotations

from alembic import op

revision = "cases_0003"
down_revision = "cases_0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the indexes."""
    op.create_index("case_head_by_change", "case_head", ["tenant", "changed_at"])
    op.create_index("case_head_by_opening", "case_head", ["tenant", "opened_at"])


def downgrade() -> None:
    """Remove the indexes."""
    op.drop_index("case_head_by_change", "case_head")
    op.drop_index("case_head_by_opening", "case_head")
