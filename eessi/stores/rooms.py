"""The tables of all rooms, registered by room, so that migrations can be held against them."""

from __future__ import annotations

import functools
import importlib
from typing import Final

from sqlalchemy import MetaData

__all__ = ["ROOMS", "all_metadata", "metadata_of"]

ROOMS: Final = {
    "base": "eessi.stores.base",
    "directory": "eessi.stores.directory",
    "mail": "eessi.stores.mail",
    "cases": "eessi.stores.cases",
    "keeping": "eessi.stores.keeping",
    "channels": "eessi.stores.channels",
}
"""Room -> module whose ``METADATA`` holds its tables. A new room adds a row here and a first migration."""


@functools.cache
def metadata_of(room: str) -> MetaData:
    """The tables of one room."""
    found: MetaData = importlib.import_module(ROOMS[room]).METADATA
    return found


def all_metadata() -> list[MetaData]:
    """The tables of every room."""
    return [metadata_of(room) for room in ROOMS]
