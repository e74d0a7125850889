"""A store and its units of work, the same over SQLite and PostgreSQL."""

from __future__ import annotations

import datetime as dt
import functools
import hashlib
import sqlite3
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Final, Protocol, cast

from eessi.errors import MissingExtra, StoreError, UsageError

try:
    import sqlalchemy as sa
except ModuleNotFoundError:
    raise MissingExtra("stores", "keeping state in a database") from None

from sqlalchemy.pool import StaticPool

from eessi.stores.base import TENANT

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection, CursorResult, Dialect, Engine
    from sqlalchemy.engine.interfaces import DBAPIConnection
    from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection
    from sqlalchemy.sql.compiler import SQLCompiler

__all__ = ["DEFAULT_TENANT", "Store", "Unit", "url_of"]

DEFAULT_TENANT: Final = "default"
_BUSY_SECONDS: Final = 30
_BUSY_PAUSE: Final = 0.01
_ROWS_AT_ONCE: Final = 1000
_TRUSTED_SECONDS: Final = 1.0
"""How long after its last use a connection is taken to be alive without being asked."""

_BEGIN: Final = {
    ("sqlite", "write"): "BEGIN IMMEDIATE",
    ("sqlite", "read"): "BEGIN",
    ("postgresql", "write"): "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE",
    ("postgresql", "read"): "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
}


@functools.lru_cache(maxsize=256)
def _compiled(statement: sa.Executable, dialect: Dialect) -> tuple[str, tuple[str, ...] | None, Mapping[str, object]]:
    """The text of a statement, the order of its parameters where the driver takes them by place, and the values that the
    dialect itself gives to some of them.
    """
    compiled = cast("SQLCompiler", statement.compile(dialect=dialect))  # type: ignore[attr-defined]  # every statement has it
    fixed = {name: value for name, value in compiled.params.items() if value is not None}
    return str(compiled), tuple(compiled.positiontup) if compiled.positiontup else None, fixed


class _Driver(Protocol):
    """What both drivers offer: a :class:`sqlite3.Connection`, a ``psycopg.Connection``."""

    def execute(self, text: str, values: object = ...) -> _Cursor: ...
    def commit(self) -> None: ...
    def rollback(self) -> None: ...


class _Cursor(Protocol):
    rowcount: int

    def fetchall(self) -> list[tuple[object, ...]]: ...


class Unit:
    """One transaction for one tenant. All rooms write through the same unit, so that they succeed or fail together.

    Made by :meth:`Store.begin`, :meth:`Store.read` and :meth:`Store.glance`; of no use after the block has ended.
    """

    def __init__(self, engine: Engine, held: PoolProxiedConnection, tenant: str, *, writes: bool) -> None:
        self._engine, self._held = engine, held
        self.driver = cast(_Driver, held.dbapi_connection)
        self.tenant = tenant
        self.writes = writes

    @functools.cached_property
    def connection(self) -> Connection:
        """The connection as SQLAlchemy has it. It is made when it is first asked for: what is done most often goes to the
        driver straight away, by :meth:`rows` and :meth:`change`, in the same transaction.
        """
        return sa.Connection(self._engine, self._held)

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

    def rows(self, statement: sa.Executable, **values: object) -> list[tuple[object, ...]]:
        """All rows of a statement that was built once, by the driver itself: a third of the time of :meth:`execute`.

        For reads that are done most often. The tenant and the values are bound by name; they go in and come out as the
        driver has them: for columns of text and whole numbers only.

        :raises StoreError: when the database refuses it.
        """
        try:
            return self._run(statement, values).fetchall()
        except self._engine.dialect.loaded_dbapi.Error as error:
            raise _store_error(error) from None

    def change(self, statement: sa.Executable, **values: object) -> int:
        """Run a statement that writes and was built once, as :meth:`rows` does; the number of rows it touched.

        :raises StoreError: when the database refuses it.
        """
        try:
            return self._run(statement, values).rowcount
        except self._engine.dialect.loaded_dbapi.Error as error:
            raise _store_error(error) from None

    def _run(self, statement: sa.Executable, values: Mapping[str, object]) -> _Cursor:
        text, order, fixed = _compiled(statement, self._engine.dialect)
        given = {**fixed, "tenant": self.tenant, **values}
        return self.driver.execute(text, given if order is None else [given[name] for name in order])

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
        if self._engine.dialect.name == "postgresql":
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

    def begin(self, tenant: str = DEFAULT_TENANT) -> AbstractContextManager[Unit]:
        """A unit that writes: committed when the block ends, undone when it raises.

        :raises StoreError: unknown tenant, or the database is busy, unreachable or full.
        """
        return _Block(self._engine, self._known(tenant), "write")

    def read(self, tenant: str = DEFAULT_TENANT) -> AbstractContextManager[Unit]:
        """A unit that reads one consistent picture; writers neither disturb it nor wait for it.

        :raises StoreError: unknown tenant, or the database cannot be reached.
        """
        return _Block(self._engine, self._known(tenant), "read")

    def glance(self, tenant: str = DEFAULT_TENANT) -> AbstractContextManager[Unit]:
        """A unit for a question that one statement answers: each statement has a picture of its own, so that nothing is
        begun or ended around it.

        :raises StoreError: unknown tenant, or the database cannot be reached.
        """
        return _Block(self._engine, self._known(tenant), None)

    def _known(self, tenant: str) -> str:
        if tenant not in self._tenants:
            self._tenants = self._known_tenants()
            if tenant not in self._tenants:
                raise StoreError(f"the store has no tenant {tenant!r}; create it first")
        return tenant

    def create_tenant(self, tenant: str) -> None:
        """Add a tenant; nothing happens when it is there already.

        :raises UsageError: when the name is empty or longer than 64 characters.
        """
        if not tenant or len(tenant) > 64:
            raise UsageError("a tenant's name has 1 to 64 characters")
        with self._engine.connect() as connection, connection.execution_options(eessi_writes=True).begin():
            if connection.execute(sa.select(TENANT).where(TENANT.c.tenant == tenant)).first() is None:
                now = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
                connection.execute(sa.insert(TENANT), [{"tenant": tenant, "created_at": now}])
        self._tenants = self._tenants | {tenant}

    @property
    def tenants(self) -> tuple[str, ...]:
        """Names of the tenants, sorted."""
        return tuple(sorted(self._known_tenants()))

    def _known_tenants(self) -> frozenset[str]:
        with self._engine.connect() as connection:
            return frozenset(connection.execute(sa.select(TENANT.c.tenant)).scalars())

    def close(self) -> None:
        """Give back all connections."""
        self._engine.dispose()

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class _Block:
    """The block of a ``with`` in which a unit lives: its connection is taken, its transaction begun and ended.

    A class, since a generator would cost more than the statement of a short question.
    """

    __slots__ = ("_engine", "_held", "_kind", "_tenant", "_unit")

    def __init__(self, engine: Engine, tenant: str, kind: str | None) -> None:
        self._engine, self._tenant, self._kind = engine, tenant, kind

    def __enter__(self) -> Unit:
        dialect = self._engine.dialect
        try:
            self._held = self._engine.raw_connection()
        except (sa.exc.SQLAlchemyError, dialect.loaded_dbapi.Error) as error:
            raise _store_error(error) from None
        self._unit = Unit(self._engine, self._held, self._tenant, writes=self._kind == "write")
        if self._kind is not None:
            try:
                self._unit.driver.execute(_BEGIN[dialect.name, self._kind])
            except dialect.loaded_dbapi.Error as error:
                self._end(undo=True)
                raise _store_error(error) from None
        return self._unit

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        if error is None and self._kind is not None:
            try:
                self._unit.driver.commit()
            except self._engine.dialect.loaded_dbapi.Error as refused:
                error = refused
        self._end(undo=error is not None or (self._kind is None and "connection" in vars(self._unit)))
        if isinstance(error, (sa.exc.SQLAlchemyError, self._engine.dialect.loaded_dbapi.Error)):
            raise _store_error(error) from None

    def _end(self, *, undo: bool) -> None:
        """Give the connection back, without a transaction; one on which that fails is thrown away."""
        if undo:
            try:
                self._unit.driver.rollback()
            except self._engine.dialect.loaded_dbapi.Error as lost:
                self._held.invalidate(lost)
        self._held.close()


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
    """The drivers begin nothing by themselves: blocks begin and end their transactions, and so does :func:`_on_begin`."""
    if url.startswith("postgresql"):
        try:
            engine = sa.create_engine(url, isolation_level="AUTOCOMMIT", pool_reset_on_return=None)
        except ModuleNotFoundError:
            raise MissingExtra("postgresql", "a PostgreSQL store") from None
        sa.event.listen(engine, "checkout", _on_checkout)
        sa.event.listen(engine, "checkin", _on_checkin)
    else:
        engine = _sqlite_engine(url)
        sa.event.listen(engine, "connect", _on_sqlite_connect)
    sa.event.listen(engine, "begin", _on_begin)
    return engine


def _sqlite_engine(url: str) -> Engine:
    arguments = {"timeout": _BUSY_SECONDS, "check_same_thread": False}
    if url in ("sqlite://", "sqlite:///:memory:"):
        return sa.create_engine(url, connect_args=arguments, poolclass=StaticPool, pool_reset_on_return=None)
    file = Path(url.removeprefix("sqlite:///"))
    if not file.parent.is_dir():
        raise StoreError(f"{file}: there is no folder {file.parent}")
    return sa.create_engine(url, connect_args=arguments, pool_reset_on_return=None)


def _on_checkout(driver: DBAPIConnection, record: ConnectionPoolEntry, _: object) -> None:
    """A connection that has lain idle may have been cut: it is asked first, and another one taken where it is dead."""
    used = record.info.get("used")
    if used is not None and time.monotonic() - used > _TRUSTED_SECONDS:
        try:
            cast(_Driver, driver).execute("SELECT 1")
        except Exception as error:  # noqa: BLE001  # whatever the driver says: without an answer it is of no use
            raise sa.exc.DisconnectionError(str(error)) from None


def _on_checkin(_: object, record: ConnectionPoolEntry) -> None:
    record.info["used"] = time.monotonic()


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


def _on_begin(connection: Connection) -> None:
    """SQLAlchemy begins a transaction: of its own (a migration, for one), or inside the one of a unit that has begun."""
    driver = connection.connection.driver_connection
    name = connection.dialect.name
    if name == "sqlite":
        began = cast(sqlite3.Connection, driver).in_transaction
    else:
        began = bool(driver.info.transaction_status)  # type: ignore[union-attr]  # a psycopg.Connection; 0 is idle
    if not began:
        writes = connection.get_execution_options().get("eessi_writes", False)
        connection.exec_driver_sql(_BEGIN[name, "write" if writes else "read"])


def _store_error(error: Exception) -> StoreError:
    cause = getattr(error, "orig", None) or error
    lines = str(cause).strip().splitlines()
    return StoreError(f"the store failed: {lines[0] if lines else type(cause).__name__}")
