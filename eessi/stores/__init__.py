"""One unit of work over SQLite and PostgreSQL: tables and migrations, no rules.

::

    store = Store.open("sqlite:///eessi.db")            # or a path, postgresql://..., memory:
    with store.begin("default") as unit:                # one transaction for every room; all or nothing
        DirectoryRows(unit).add_copy(...)
    with store.read("default") as unit:                 # one consistent picture, undisturbed by writers
        ...

Each room of the toolkit that keeps state has a module here with its tables (registered in :mod:`eessi.stores.rooms`), its
row values and the functions that read and write them, and a chain of migrations ``migrations/versions/<room>_NNNN_*.py``.
Every table begins its key with the tenant. What the rows mean is known by the rooms above, never here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from eessi.stores.memory import MemoryStore
    from eessi.stores.store import DEFAULT_TENANT, Store, Unit

__all__ = ["DEFAULT_TENANT", "MemoryStore", "Store", "Unit"]

_HOMES = {
    "DEFAULT_TENANT": "eessi.stores.store",
    "MemoryStore": "eessi.stores.memory",
    "Store": "eessi.stores.store",
    "Unit": "eessi.stores.store",
}


def __getattr__(name: str) -> object:
    import importlib

    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'eessi.stores' has no attribute {name!r}")
    return getattr(importlib.import_module(home), name)
