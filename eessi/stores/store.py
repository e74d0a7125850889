"""A store and its units of work, the same over SQLite and PostgreSQL."""

from __future__ import annotations

import datetime as dt
import functools
import hashlib
import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

from eessi.errors import MissingExtra, StoreError, UsageError

try:
    import sqlalchemy as sa
except ModuleNotFoundError:
    raise MissingExtra("stores", "keeping state in a database") from None

from sqlalchemy.pool import StaticPool

from eessi.stores.base import TENANT

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection, CursorResult, Dialect, Engine
    from sqlalchemy.sql.compiler import SQLCompiler

__all__ = ["DEFAULT_TENANT", "Store", "Unit", "url_of"]

DEFAULT_TENANT: Final = "default"
_BUSY_SECONDS: Final = 30
_BUSY_PAUSE: Final = 0.01
_ROWS_AT_ONCE: Final = 1000


@functools.lru_cache(maxsize=256)
def _compiled(statement: sa.Executable, dialect: Dialect) -> tuple[str, tuple[str, ...] | None, Mapping[str, object]]:
    """The text of a statement, the order of its parameters where the driver takes them by place, and the values that the
    dialect itself gives to some of them.
    """
    compiled = cast("SQLCompiler", statement.compile(dialect=dialect))  # type: ignore[attr-defined]  # every statement has it
    fixed = {name: value for name, value in compiled.params.items() if value is not None}
    return str(compiled), tuple(compiled.positiontup) if compiled.positiontup else None, fixed


class Unit:
    """One transaction for one tenant. All rooms write through the same unit, so that they succeed or fail together.

    Made by :meth:`Store.begin` and :meth:`Store.read`; of no use after the block has ended.
    """

    def __init__(self, connection: Connection, tenant: str, *, writes: bool) -> None:
        self.connection = connection
        self.tenant = tenant
        self.writes = writes

    def execute(
        self, statement: sa.Executable, parameters: Sequence[Mapping[str, object]] | None = None
    ) -> CursorResult[tuple[object, ...]]:
        """Run a statement of SQLAlchemy Core.

        :raises StoreError: when the database refuses it.
        """
        try:
            if parameters is None:
                return self.connection.execute(statement)
            return self.connection.execute(statement, parameters)
        except sa.exc.SQLAlchemyError as error:
            raise _store_error(error) from None

    def fetch(self, statement: sa.Executable, **values: object) -> CursorResult[tuple[object, ...]]:
        """Run a statement that was built once, with the tenant and these values bound.

        :raises StoreError: when the database refuses it.
        """
        try:
            return self.connection.execute(statement, {"tenant": self.tenant, **values})
        except sa.exc.SQLAlchemyError as error:
            raise _store_error(error) from None

    def rows(self, statement: sa.Executable, **values: object) -> list[tuple[object, ...]]:
        """All rows of a statement that was built once, by the driver's own cursor: a third of the time of :meth:`fetch`.

        For reads that are done most often. Values go in and come out as the driver has them: for columns of text and whole
        numbers only.

        :raises StoreError: when the database refuses it.
        """
        dialect = self.connection.dialect
        text, order, fixed = _compiled(statement, dialect)
        given = {**fixed, "tenant": self.tenant, **values}
        try:
            cursor = self.connection.connection.cursor()
            try:
                cursor.execute(text, given if order is None else [given[name] for name in order])
                return cast("list[tuple[object, ...]]", cursor.fetchall())
            finally:
                cursor.close()
        except dialect.loaded_dbapi.Error as error:
            raise _store_error(error) from None

    def insert(self, table: sa.Table, rows: Iterable[Mapping[str, object]]) -> int:
        """Insert rows for this tenant, in batches; the number of rows."""
        count = 0
        batch: list[dict[str, object]] = []
        for row in rows:
            batch.append({**row, "tenant": self.tenant})
            if len(batch) >= _ROWS_AT_ONCE:
                self.execute(sa.insert(table), batch)
                count, batch = count + len(batch), []
        if batch:
            self.execute(sa.insert(table), batch)
        return count + len(batch)

    def own(
        self, table: sa.Table, *columns: sa.ColumnElement[object] | sa.Column[object]
    ) -> sa.Select[tuple[object, ...]]:
        """A select over this tenant's rows of a table; narrow it further with ``where``."""
        return sa.select(*(columns or table.c)).where(table.c.tenant == self.tenant)

    def last_no(self, table: sa.Table) -> int:
        """Greatest number (column ``no``) of this tenant's rows of a table; 0 when there is none."""
        newest = sa.select(sa.func.max(table.c.no)).where(table.c.tenant == self.tenant)
        return cast("int | None", self.execute(newest).scalar()) or 0

    def lock(self, name: str) -> None:
        """Let no other unit that asks for the same lock of this tenant pass until this one ends.

        SQLite has one writer anyway; PostgreSQL takes an advisory lock of the transaction.
        """
        if self.connection.dialect.name == "postgresql":
            key = int.from_bytes(hashlib.sha256(f"{self.tenant}/{name}".encode()).digest()[:8], "big", signed=True)
            self.execute(sa.select(sa.func.pg_advisory_xact_lock(key)))


class Store:
    """A database with the tables of every room, brought to the newest version when it is opened."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._tenants = frozenset[str]()

    @classmethod
    def open(cls, url: str | Path, *, migrate: bool = True) -> Store:
        """Open, and where needed create, a store.

        :param url: ``sqlite:///file``, a path of a file, ``postgresql://...``; ``sqlite://`` lives in memory.
        :param migrate: bring the tables to the newest version; otherwise an older store is refused.
        :raises StoreError: when it cannot be opened, is newer than this toolkit, or older and not to be migrated.
        :raises MissingExtra: without SQLAlchemy or the driver.
        """
        store = cls(_engine(url_of(url)))
        try:
            from eessi.stores.versions import bring_up_to_date

            bring_up_to_date(store._engine, migrate=migrate)
            store._tenants = store._known_tenants()
        except sa.exc.SQLAlchemyError as error:
            store.close()
            raise _store_error(error) from None
        except StoreError:
            store.close()
            raise
        return store

    @property
    def dialect(self) -> str:
        """``sqlite`` or ``postgresql``."""
        return self._engine.dialect.name

    @contextmanager
    def begin(self, tenant: str = DEFAULT_TENANT) -> Iterator[Unit]:
        """A unit that writes: committed when the block ends, undone when it raises.

        :raises StoreError: unknown tenant, or the database is busy, unreachable or full.
        """
        with self._transaction(tenant, writes=True) as unit:
            yield unit

    @contextmanager
    def read(self, tenant: str = DEFAULT_TENANT) -> Iterator[Unit]:
        """A unit that reads one consistent picture; writers neither disturb it nor wait for it.

        :raises StoreError: unknown tenant, or the database cannot be reached.
        """
        with self._transaction(tenant, writes=False) as unit:
            yield unit

    @contextmanager
    def _transaction(self, tenant: str, *, writes: bool) -> Iterator[Unit]:
        if tenant not in self._tenants:
            self._tenants = self._known_tenants()
            if tenant not in self._tenants:
                raise StoreError(f"the store has no tenant {tenant!r}; create it first")
        try:
            with self._engine.connect() as connection, _options(connection, writes=writes).begin():
                yield Unit(connection, tenant, writes=writes)
        except sa.exc.SQLAlchemyError as error:
            raise _store_error(error) from None

    def create_tenant(self, tenant: str) -> None:
        """Add a tenant; nothing happens when it is there already.

        :raises UsageError: when the name is empty or longer than 64 characters.
        """
        if not tenant or len(tenant) > 64:
            raise UsageError("a tenant's name has 1 to 64 characters")
        with self._engine.connect() as connection, _options(connection, writes=True).begin():
            if connection.execute(sa.select(TENANT).where(TENANT.c.tenant == tenant)).first() is None:
                now = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
                connection.execute(sa.insert(TENANT), [{"tenant": tenant, "created_at": now}])
        self._tenants = self._tenants | {tenant}

    @property
    def tenants(self) -> tuple[str, ...]:
        """Names of the tenants, sorted."""
        return tuple(sorted(self._known_tenants()))

    def _known_tenants(self) -> frozenset[str]:
        with self._engine.connect() as connection, _options(connection, writes=False).begin():
            return frozenset(connection.execute(sa.select(TENANT.c.tenant)).scalars())

    def close(self) -> None:
        """Give back all connections."""
        self._engine.dispose()

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def url_of(place: str | Path) -> str:
    """The database URL of a file path or URL.

    :raises UsageError: for a scheme that is neither SQLite nor PostgreSQL.
    """
    text = str(place)
    if isinstance(place, Path) or "://" not in text:
        return f"sqlite:///{text}"
    scheme, _, rest = text.partition("://")
    if scheme in ("postgresql", "postgres"):
        return f"postgresql+psycopg://{rest}"
    if scheme not in ("sqlite", "postgresql+psycopg"):
        raise UsageError(f"{scheme}:// is no store of the toolkit; use sqlite:///FILE or postgresql://HOST/NAME")
    return text


def _engine(url: str) -> Engine:
    if url.startswith("postgresql"):
        try:
            return sa.create_engine(url, pool_pre_ping=True)
        except ModuleNotFoundError:
            raise MissingExtra("postgresql", "a PostgreSQL store") from None
    in_memory = url in ("sqlite://", "sqlite:///:memory:")
    if not in_memory:
        file = Path(url.removeprefix("sqlite:///"))
        if not file.parent.is_dir():
            raise StoreError(f"{file}: there is no folder {file.parent}")
    arguments = {"timeout": _BUSY_SECONDS, "check_same_thread": False}
    if in_memory:
        engine = sa.create_engine(url, connect_args=arguments, poolclass=StaticPool)
    else:
        engine = sa.create_engine(url, connect_args=arguments)
    sa.event.listen(engine, "connect", _on_sqlite_connect)
    sa.event.listen(engine, "begin", _on_sqlite_begin)
    return engine


def _on_sqlite_connect(connection: object, _: object) -> None:
    """The driver must not begin transactions by itself; writers keep readers undisturbed (WAL) and commits are durable."""
    connection.isolation_level = None  # type: ignore[attr-defined]  # a sqlite3.Connection
    cursor = connection.cursor()  # type: ignore[attr-defined]  # a sqlite3.Connection
    _write_ahead(cursor)
    for pragma in ("synchronous = FULL", "foreign_keys = ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _write_ahead(cursor: sqlite3.Cursor) -> None:
    """Switch the file to WAL. SQLite does not apply its busy timeout here: of several that switch a new file at the
    same moment it refuses all but one at once, so those wait by themselves.
    """
    until = time.monotonic() + _BUSY_SECONDS
    while True:
        try:
            cursor.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                raise
            time.sleep(_BUSY_PAUSE)


def _on_sqlite_begin(connection: Connection) -> None:
    writes = connection.get_execution_options().get("eessi_writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _options(connection: Connection, *, writes: bool) -> Connection:
    if connection.dialect.name == "postgresql":
        level = "READ COMMITTED" if writes else "REPEATABLE READ"
        return connection.execution_options(isolation_level=level, postgresql_readonly=not writes)
    return connection.execution_options(eessi_writes=writes)


def _store_error(error: Exception) -> StoreError:
    cause = getattr(error, "orig", None) or error
    lines = str(cause).strip().splitlines()
    return StoreError(f"the store failed: {lines[0] if lines else type(cause).__name__}")
