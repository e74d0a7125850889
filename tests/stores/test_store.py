"""The unit of work: all or nothing, readers undisturbed, tenants apart, tables as the migrations make them."""

from __future__ import annotations

import re
import sqlite3
import threading
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from eessi.errors import StoreError, UsageError
from eessi.stores import Store, Unit
from eessi.stores import store as store_module
from eessi.stores.cases import CaseRows
from eessi.stores.directory import DirectoryRows
from eessi.stores.directory_rows import CopyRow
from eessi.stores.rooms import ROOMS, all_metadata, metadata_of
from eessi.stores.store import _engine, url_of
from eessi.stores.versions import migrate_to, newest_revisions, revisions_of


def row(seq: int) -> CopyRow:
    return CopyRow(seq=seq, loaded_at="2026-01-01T00:00:00+00:00", loaded_by="test")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "store.db"


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.peers)])
def place(request: pytest.FixtureRequest, file: Path) -> str:
    """Where the store lives: the same promises hold in both databases."""
    return str(file) if request.param == "sqlite" else str(request.getfixturevalue("postgresql"))


@pytest.fixture
def store(place: str) -> Iterator[Store]:
    with Store.open(place) as store:
        yield store


def seqs(store: Store, tenant: str = "default") -> list[int]:
    with store.read(tenant) as unit:
        return [copy.seq for copy in DirectoryRows(unit).copies()]


def test_the_migrations_make_exactly_the_tables_of_the_rooms(store: Store) -> None:
    """What Alembic would still have to change is nothing, and the newest revision of every room is reached."""
    with store.read() as unit:
        context = MigrationContext.configure(unit.connection, opts={"compare_type": True})
        assert compare_metadata(context, all_metadata()) == []
        assert revisions_of(unit.connection) == newest_revisions()


def test_every_table_begins_its_key_with_the_tenant() -> None:
    for room in ROOMS:
        for table in metadata_of(room).tables.values():
            assert next(iter(table.primary_key.columns)).name == "tenant", table.name


def test_a_unit_that_raises_leaves_nothing(store: Store) -> None:
    with store.begin() as unit:
        DirectoryRows(unit).add_copy(row(1))

    def twice() -> None:
        with store.begin() as unit:
            for seq in (2, 3, 2):
                DirectoryRows(unit).add_copy(row(seq))

    with pytest.raises(StoreError, match=r"(?i)unique"):
        twice()
    assert seqs(store) == [1]


def test_a_reader_keeps_its_picture_while_a_writer_commits(store: Store) -> None:
    with store.read() as unit:
        before = DirectoryRows(unit)
        assert before.copies() == []

        def write() -> None:
            with store.begin() as writing:
                DirectoryRows(writing).add_copy(row(1))

        writer = threading.Thread(target=write)
        writer.start()
        writer.join(timeout=20)
        assert not writer.is_alive(), "the reader made the writer wait"
        assert before.copies() == []
    assert seqs(store) == [1]


def test_two_writers_follow_each_other(store: Store) -> None:
    """Each reads the last number and adds the next one: without a writer's lock both would add the same."""

    def add() -> None:
        with store.begin() as unit:
            rows = DirectoryRows(unit)
            rows.lock()
            rows.add_copy(row(len(rows.copies()) + 1))

    threads = [threading.Thread(target=add) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert seqs(store) == [1, 2, 3, 4, 5, 6]


def test_tenants_do_not_see_each_other(store: Store) -> None:
    store.create_tenant("other")
    store.create_tenant("other")
    with store.begin("other") as unit:
        DirectoryRows(unit).add_copy(row(1))
    assert seqs(store) == []
    assert seqs(store, "other") == [1]
    assert store.tenants == ("default", "other")


def test_an_unknown_tenant_is_an_error_and_no_new_tenant(store: Store) -> None:
    with pytest.raises(StoreError, match="no tenant 'typo'"), store.begin("typo"):
        pass
    assert store.tenants == ("default",)
    with pytest.raises(UsageError):
        store.create_tenant("")


def test_a_tenant_made_elsewhere_is_found(store: Store, place: str) -> None:
    with Store.open(place) as other:
        other.create_tenant("late")
    assert seqs(store, "late") == []


def test_opening_again_changes_nothing(store: Store, place: str) -> None:
    with store.begin() as unit:
        DirectoryRows(unit).add_copy(row(1))
    with Store.open(place, migrate=False) as again:
        assert seqs(again) == [1]


def older_versions() -> list[str]:
    """Every revision behind which its room has another one."""
    found = files("eessi.stores.migrations").joinpath("versions").iterdir()
    revisions = {"_".join(one.name.split("_")[:2]) for one in found if re.match("[a-z]+_[0-9]{4}_", one.name)}
    return sorted(revisions - newest_revisions())


def a_row(table: sa.Table) -> dict[str, object]:
    """A synthetic value for every column."""
    samples: dict[type, object] = {int: 1, str: "x", bytes: b"x", bool: True}
    return {column.name: samples[column.type.python_type] for column in table.c}


@pytest.mark.parametrize("revision", older_versions())
def test_a_store_of_an_older_version_is_brought_up_and_keeps_every_row(place: str, revision: str) -> None:
    room = revision.partition("_")[0]
    others = {one for one in newest_revisions() if one.partition("_")[0] != room}
    engine, old = _engine(url_of(place)), sa.MetaData()
    with engine.connect() as connection, connection.execution_options(eessi_writes=True).begin():
        migrate_to(connection, *others, revision)
        old.reflect(connection)
        tables = [table for table in old.sorted_tables if table.name != "alembic_version"]
        for table in tables:
            connection.execute(sa.insert(table), [a_row(table)])
    engine.dispose()
    with pytest.raises(StoreError, match="older version"):
        Store.open(place, migrate=False)
    with Store.open(place) as store, store.read() as unit:
        assert revisions_of(unit.connection) == newest_revisions()
        assert compare_metadata(MigrationContext.configure(unit.connection), all_metadata()) == []
        for table in tables:
            rows = [dict(row) for row in unit.execute(sa.select(table)).mappings()]
            assert a_row(table) in rows, table.name


def test_an_empty_database_is_refused_where_migration_is_not_allowed(place: str) -> None:
    with pytest.raises(StoreError, match="older version"):
        Store.open(place, migrate=False)


def test_a_store_of_the_future_is_refused(store: Store, place: str) -> None:
    with store.begin() as unit:
        unit.execute(sa.text("UPDATE alembic_version SET version_num = 'directory_9999' WHERE version_num LIKE 'dir%'"))
    with pytest.raises(StoreError, match="newer than this toolkit"):
        Store.open(place)


def test_several_may_open_an_empty_store_at_once(place: str) -> None:
    """One migrates, the others wait and find it done."""
    failed: list[BaseException] = []

    def open_it() -> None:
        try:
            Store.open(place).close()
        except StoreError as error:
            failed.append(error)

    threads = [threading.Thread(target=open_it) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert failed == []
    with Store.open(place, migrate=False) as store:
        assert store.tenants == ("default",)


def test_a_new_file_that_another_holds_is_waited_for(file: Path) -> None:
    """The smallest case: SQLite refuses the switch to write-ahead at once while another writes, whatever its timeout."""
    holder = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
    holder.execute("BEGIN IMMEDIATE")
    release = threading.Timer(0.3, lambda: holder.execute("COMMIT"))
    release.start()
    with Store.open(file) as store:
        assert store.tenants == ("default",)
    release.join()
    holder.close()


def test_what_is_no_database_is_one_clear_line(tmp_path: Path) -> None:
    file = tmp_path / "no.db"
    file.write_bytes(b"this is no database" * 100)
    with pytest.raises(StoreError, match="not a database") as caught:
        Store.open(file)
    assert "\n" not in str(caught.value)
    with pytest.raises(StoreError, match="no folder"):
        Store.open(tmp_path / "nowhere" / "x.db")


def test_urls() -> None:
    assert url_of("a.db") == "sqlite:///a.db"
    assert url_of("postgresql://host/name") == "postgresql+psycopg://host/name"
    with pytest.raises(UsageError):
        url_of("mysql://host/name")


def test_sqlite_writes_ahead_and_holds_references(file: Path) -> None:
    with Store.open(file) as store, store.read() as unit:
        assert unit.execute(sa.text("PRAGMA journal_mode")).scalar_one() == "wal"
        assert unit.execute(sa.text("PRAGMA foreign_keys")).scalar_one() == 1


def test_a_store_in_memory_of_the_database_library() -> None:
    with Store.open("sqlite://") as store:
        with store.begin() as unit:
            DirectoryRows(unit).add_copy(row(1))
        assert seqs(store) == [1]


def test_the_drivers_own_cursor_reads_what_core_reads(store: Store) -> None:
    """With a limit, to which SQLite's dialect adds an offset of its own, and with an error told as the store's."""
    from eessi.stores.cases import CASE

    columns = CASE.c
    statement = sa.select(columns.case_id, columns.revision).where(columns.tenant == sa.bindparam("tenant"))
    statement = statement.where(columns.due_at <= sa.bindparam("due")).order_by(columns.due_at)
    statement = statement.limit(sa.bindparam("limit"))
    row = {column.name: "x" for column in CASE.c} | {"revision": 7}
    with store.begin() as unit:
        unit.insert(CASE, [row | {"case_id": f"c{no}", "due_at": f"2026-01-0{no}"} for no in (3, 1, 2, 4)])
    with store.read() as unit:
        found = unit.rows(statement, due="2026-01-03", limit=2)
        assert found == [("c1", 7), ("c2", 7)]
        assert found == [
            tuple(one)
            for one in unit.connection.execute(statement, {"tenant": "default", "due": "2026-01-03", "limit": 2})
        ]
    missing = sa.select(sa.column("x")).select_from(sa.table("no_such_table"))
    with pytest.raises(StoreError, match="no_such_table"), store.read() as unit:
        unit.rows(missing)


def test_a_glance_leaves_nothing_begun(store: Store) -> None:
    """Whatever is asked in it, also through the database library; the connection serves the next unit as new."""
    query = sa.select(sa.literal(7))
    with store.glance() as unit:
        assert unit.rows(query) == [(7,)]
    with store.glance() as unit:
        assert unit.execute(query).scalar() == 7
    for _ in range(3):
        with store.begin() as unit:
            DirectoryRows(unit).add_copy(row(len(seqs(store)) + 1))
    assert seqs(store) == [1, 2, 3]


def test_an_error_inside_a_unit_leaves_its_connection_fit_for_use(store: Store) -> None:
    for _ in range(20):  # more often than the pool has connections
        with pytest.raises(StoreError), store.begin() as unit:
            unit.execute(sa.text("SELECT * FROM nowhere"))
    assert seqs(store) == []


def cut_all(place: str) -> None:
    """End all other connections to the same database, as a server that restarts does."""
    with Store.open(place) as store, store.begin() as unit:
        others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        unit.execute(sa.text(f"{others} WHERE pid <> pg_backend_pid() AND datname = current_database()"))


@pytest.mark.peers
def test_a_connection_that_was_cut_while_idle_is_replaced(postgresql: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_module, "_TRUSTED_SECONDS", 0.0)
    with Store.open(postgresql) as store:
        cut_all(postgresql)
        assert seqs(store) == []


@pytest.mark.peers
def test_a_connection_that_breaks_in_use_is_one_error_and_then_replaced(postgresql: str) -> None:
    def broken(unit: Unit) -> None:
        cut_all(postgresql)
        unit.rows(sa.select(sa.literal(1)))

    with Store.open(postgresql) as store:
        with pytest.raises(StoreError), store.read() as unit:
            broken(unit)
        assert seqs(store) == []


def test_deadlines_that_were_told_before_the_upgrade_are_not_told_again(place: str) -> None:
    engine = _engine(url_of(place))
    head = {"buc": "b", "version": "v", "role": "r", "me": "m", "partners": "p", "state": "open", "revision": 1,
            "opened_at": "x", "changed_at": "x", "tenant": "default"}  # fmt: skip
    dues = {"told": "2026-03-01", "moved": "2026-04-01", "never": "2026-03-01", "none": None}
    with engine.connect() as connection, connection.execution_options(eessi_writes=True).begin():
        migrate_to(connection, *(one for one in newest_revisions() if not one.startswith("cases_")), "cases_0003")
        old = sa.MetaData()
        old.reflect(connection)
        rows = [{**head, "case_id": name, "due_at": due} for name, due in dues.items()]
        connection.execute(sa.insert(old.tables["case_head"]), rows)
        said = {"tenant": "default", "at": "x", "type": "eessi.deadline.near", "state": "pending"}
        signals = [
            {**said, "no": no, "case_id": name, "data": '{"on": "2026-03-01"}'}
            for no, name in enumerate(("told", "moved"), 1)
        ]
        connection.execute(sa.insert(old.tables["case_signal"]), signals)
    engine.dispose()
    with Store.open(place) as store, store.read() as unit:
        assert {row.case_id for row in CaseRows(unit).untold("2999-01-01")} == {"moved", "never"}
