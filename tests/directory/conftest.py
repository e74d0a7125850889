"""Stores over both databases."""

from __future__ import annotations

from tests.peers.postgresql import postgresql, postgresql_server

__all__ = ["postgresql", "postgresql_server"]
