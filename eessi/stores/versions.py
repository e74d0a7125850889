"""Versions of the tables: which one a store has, and the migrations that bring it to the newest.

Every room has its own chain of migrations in ``migrations/versions``, named ``<room>_NNNN_<what>.py`` with the revision
``<room>_NNNN``; a store is up to date when it stands at the last of every chain.
"""

from __future__ import annotations

import functools
import re
from importlib.resources import as_file, files

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from eessi.errors import MissingExtra, StoreError

__all__ = ["bring_up_to_date", "migrate_to", "newest_revisions", "revisions_of"]

_FILE = re.compile(r"(?P<revision>(?P<room>[a-z]+)_[0-9]{4})_\w+\.py")
_LOCK = 7_307_842_191
"""Key of the PostgreSQL lock under which one process migrates while others wait."""


@functools.cache
def newest_revisions() -> frozenset[str]:
    """The last revision of every room's chain."""
    newest: dict[str, str] = {}
    for name in sorted(entry.name for entry in files("eessi.stores.migrations").joinpath("versions").iterdir()):
        found = _FILE.fullmatch(name)
        if found:
            newest[found["room"]] = found["revision"]
    return frozenset(newest.values())


def revisions_of(connection: Connection) -> frozenset[str]:
    """The revisions at which a store stands; none for an empty database."""
    if not sa.inspect(connection).has_table("alembic_version"):
        return frozenset()
    return frozenset(connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalars())


def bring_up_to_date(engine: Engine, *, migrate: bool = True) -> None:
    """Run the migrations that a store lacks, all in one transaction; two processes at once do not collide.

    :raises StoreError: when the store is newer than this toolkit, or is old and ``migrate`` is false.
    """
    with engine.connect() as connection, connection.begin():
        if revisions_of(connection) == newest_revisions():
            return
    with engine.connect() as connection, connection.execution_options(eessi_writes=True).begin():
        if connection.dialect.name == "postgresql":
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
        found = revisions_of(connection)
        if found == newest_revisions():
            return
        if not migrate:
            raise StoreError("the store's tables are of an older version; open it once with migration allowed")
        unknown = sorted(revision for revision in found if not _is_known(revision))
        if unknown:
            raise StoreError(f"the store is newer than this toolkit ({', '.join(unknown)}); update eessi-toolkit")
        migrate_to(connection)


def _is_known(revision: str) -> bool:
    names = (entry.name for entry in files("eessi.stores.migrations").joinpath("versions").iterdir())
    return any(name.startswith(f"{revision}_") for name in names)


def migrate_to(connection: Connection, *revisions: str) -> None:
    """Run the migrations that lead to these revisions, one per room; to the newest of all where none are named."""
    try:
        from alembic import command
        from alembic.config import Config
    except ImportError:
        raise MissingExtra("stores", "bringing a store to the newest version") from None

    with as_file(files("eessi.stores.migrations")) as folder:
        config = Config()
        config.set_main_option("script_location", str(folder).replace("%", "%%"))
        config.set_main_option("path_separator", "os")
        config.attributes["connection"] = connection
        for revision in revisions or ("heads",):
            command.upgrade(config, revision)
