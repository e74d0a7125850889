"""Entry point of Alembic: migrations run in the transaction of the connection they are given."""

from __future__ import annotations

from alembic import context

context.configure(connection=context.config.attributes["connection"], transaction_per_migration=False)
context.run_migrations()
