"""Write the lock file of the shipped packages: ``python tools/lock_packages.py``, after the tables were made anew on purpose.

The content of a released version never changes; a test holds the tables to this lock.
"""

from __future__ import annotations

from pathlib import Path

from eessi.schemas import Registry
from eessi.schemas.lock import lock_text

TARGET = Path(__file__).resolve().parent.parent / "eessi" / "schemas" / "packages" / "lock.json"

if __name__ == "__main__":
    TARGET.write_text(lock_text(Registry.default().packages), encoding="utf-8")
