"""The hash chain of what is written down: each row covers itself and the row before it, so that none can go or change unseen."""

from __future__ import annotations

import hashlib
import json
from typing import Final

__all__ = ["chained"]

_as_list: Final = json.JSONEncoder(ensure_ascii=False).encode


def chained(before: str, *fields: str | int | None) -> str:
    """The hash of a row: SHA-256, in hex, over the hash before it and its own fields as one JSON list."""
    return hashlib.sha256(_as_list([before, *fields]).encode()).hexdigest()
