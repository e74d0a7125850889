"""The tables of the job engine: made once, then brought up by procrastinate's own scripts, which are written down as they run."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING, Final

from eessi.errors import MissingExtra, StoreError

try:
    from procrastinate.schema import SchemaManager
except ModuleNotFoundError:
    raise MissingExtra("postgresql", "several workers on one store") from None

if TYPE_CHECKING:
    from psycopg import Connection

__all__ = ["bring_jobs_up_to_date", "job_scripts"]

_SCRIPTS: Final = files("procrastinate.sql").joinpath("migrations")

_NOTE: Final = "INSERT INTO eessi_job_script (name) VALUES (%s)"
_LOCK: Final = 7_307_842_192
"""Key of the PostgreSQL lock under which one process makes the tables while others wait."""


def job_scripts() -> tuple[str, ...]:
    """The names of the scripts of the installed procrastinate, in the order in which they run.

    Their names begin with version and number, which is their order by procrastinate's documentation.
    """
    return tuple(sorted(entry.name for entry in _SCRIPTS.iterdir() if entry.name.endswith(".sql")))


def bring_jobs_up_to_date(connection: Connection[tuple[object, ...]]) -> tuple[str, ...]:
    """Make the tables, or run the scripts that they lack; the names of those that ran or that the new tables contain.

    Each script and the note that it ran are one transaction: some scripts use what another one must have committed.

    :param connection: in autocommit mode.
    :raises StoreError: when tables are there and nothing says which version made them, or they are newer.
    """
    connection.execute("SELECT pg_advisory_lock(%s)", (_LOCK,))
    try:
        return _bring_up_to_date(connection)
    finally:
        connection.execute("SELECT pg_advisory_unlock(%s)", (_LOCK,))


def _bring_up_to_date(connection: Connection[tuple[object, ...]]) -> tuple[str, ...]:
    made = _exists(connection, "procrastinate_jobs")
    if made and not _exists(connection, "eessi_job_script"):
        raise StoreError(
            "the database has tables of procrastinate and nothing says which version made them; drop them (jobs are made "
            "again from the rows of the store) or give the node a database of its own"
        )
    connection.execute("CREATE TABLE IF NOT EXISTS eessi_job_script (name text PRIMARY KEY)")
    known = {str(row[0]) for row in connection.execute("SELECT name FROM eessi_job_script")}
    newer = sorted(known - set(job_scripts()))
    if newer:
        raise StoreError(f"the tables of the jobs are of a newer procrastinate ({newer[-1]}); update it")
    missing = tuple(name for name in job_scripts() if name not in known)
    if not made:
        with connection.transaction():
            connection.execute(SchemaManager.get_schema())
            for name in missing:
                connection.execute(_NOTE, (name,))
        return missing
    for name in missing:
        with connection.transaction():
            connection.execute(_SCRIPTS.joinpath(name).read_text(encoding="utf-8"))
            connection.execute(_NOTE, (name,))
    return missing


def _exists(connection: Connection[tuple[object, ...]], table: str) -> bool:
    found = connection.execute("SELECT to_regclass(%s)", (table,)).fetchone()
    return found is not None and found[0] is not None
