"""The tables every store has: its tenants."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, MetaData, String, Table

__all__ = ["METADATA", "TENANT"]

METADATA: Final = MetaData()

TENANT: Final = Table(
    "tenant",
    METADATA,
    Column("tenant", String(64), primary_key=True),
    Column("created_at", String(32), nullable=False),
)
