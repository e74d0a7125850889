"""The tables of the job engine are made, and brought up from what an older procrastinate made."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files

import pytest

from eessi.errors import StoreError
from tests.peers.postgresql import database

pytestmark = pytest.mark.peers
psycopg = pytest.importorskip("psycopg")
SHAPE = """
    SELECT 'column', table_name || '.' || column_name, data_type FROM information_schema.columns
        WHERE table_name LIKE 'procrastinate%'
    UNION ALL SELECT 'function', proname, pg_get_function_arguments(oid) FROM pg_proc WHERE proname LIKE 'procrastinate%'
    UNION ALL SELECT 'trigger', tgname, tgrelid::regclass::text FROM pg_trigger WHERE tgname LIKE 'procrastinate%'
    UNION ALL SELECT 'index', indexname, tablename FROM pg_indexes WHERE tablename LIKE 'procrastinate%'
    ORDER BY 1, 2, 3
"""
OLDEST = "03.00.00_50"
"""The oldest procrastinate that pyproject allows."""


@pytest.fixture
def two(postgresql_server: object) -> Iterator[tuple[str, str]]:
    with database(postgresql_server) as old, database(postgresql_server) as new:  # type: ignore[arg-type]
        yield old, new


def made_by_an_older_one(connection: object) -> None:
    folder = files("procrastinate.sql").joinpath("migrations")
    connection.execute("CREATE TABLE eessi_job_script (name text PRIMARY KEY)")  # type: ignore[attr-defined]
    for name in sorted(one.name for one in folder.iterdir() if one.name.endswith(".sql")):
        if name[: len(OLDEST)] <= OLDEST:
            connection.execute(folder.joinpath(name).read_text())  # type: ignore[attr-defined]
            connection.execute("INSERT INTO eessi_job_script VALUES (%s)", (name,))  # type: ignore[attr-defined]


def test_upgraded_tables_are_those_of_a_new_database_and_keep_their_jobs(two: tuple[str, str]) -> None:
    from eessi.node.job_tables import bring_jobs_up_to_date, job_scripts

    shapes = []
    for number, url in enumerate(two):
        with psycopg.connect(url, autocommit=True) as connection:
            if number == 0:
                made_by_an_older_one(connection)
                connection.execute("INSERT INTO procrastinate_jobs (queue_name, task_name) VALUES ('q', 'eessi.send')")
            ran = bring_jobs_up_to_date(connection)
            assert ran
            assert (ran == job_scripts()) is (number == 1)
            assert bring_jobs_up_to_date(connection) == (), "a second time there is nothing to do"
            shapes.append(connection.execute(SHAPE).fetchall())
            if number == 0:
                assert connection.execute("SELECT task_name, status::text FROM procrastinate_jobs").fetchall() == [
                    ("eessi.send", "todo")
                ]
    assert len(shapes[0]) > 40
    assert shapes[0] == shapes[1]


def test_tables_of_unknown_origin_or_of_the_future_are_refused(postgresql: str) -> None:
    from eessi.node.job_tables import bring_jobs_up_to_date

    with psycopg.connect(postgresql, autocommit=True) as connection:
        bring_jobs_up_to_date(connection)
        connection.execute("INSERT INTO eessi_job_script VALUES ('99.00.00_01_x.sql')")
        with pytest.raises(StoreError, match=r"newer procrastinate \(99"):
            bring_jobs_up_to_date(connection)
        connection.execute("DROP TABLE eessi_job_script")
        with pytest.raises(StoreError, match="nothing says which version"):
            bring_jobs_up_to_date(connection)
