"""Cases in a store, as their number grows: find one and its moves, append an event, list work by deadline.

Run: ``python -m benchmarks.node [--quick] [--output FILE.json]``; on PostgreSQL too, where its programs are installed.

Baseline: the same SQL by the driver alone (sqlite3, psycopg), with the JSON of the events decoded. It makes no moves, checks no
hashes and knows no process. The same commits: SQLite in a file, WAL, synchronous FULL; PostgreSQL as it comes.
Two readings of *find one*, since a process keeps the histories that it replayed lately: a case that it looked at before,
and one that it has never seen. Time is that of the processor for this side; what waits for the disk or for the server shows
in the tables *by the clock on the wall*.
"""

from __future__ import annotations

import datetime as dt
import itertools
import json
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import attrs

from benchmarks.harness import Case, Goal, arguments, measure, report, write_results
from eessi.buc import Event
from eessi.buc.record import event_json
from eessi.node.stored import add_events, load
from eessi.stores import Store
from eessi.stores.cases import CASE, EVENT, KEY, CaseRow, CaseRows, EventRow
from eessi.stores.mail import moment_key
from tests.peers import postgresql

NOW = dt.datetime(2026, 1, 5, 8, 0, tzinfo=dt.UTC)
BARE_MOVES, KNOWN, NEW = "bare: head and events, JSON decoded", "find one seen before, its moves", "find one, its moves"
BARE_NUMBER, NUMBER = "bare: by a keyed digest, head and events", "find one by a number, its moves"
BARE_APPEND, APPEND = "bare: read, update head, insert event", "append an event"
BARE_WORK, WORK = "bare: the same query", "list 50 by deadline"
Tables = list[tuple[str, list[dict[str, object]]]]


class Cursor(Protocol):
    def fetchone(self) -> Sequence[object] | None: ...
    def fetchall(self) -> list[Sequence[object]]: ...


Run = Callable[[str, Sequence[object]], Cursor]
"""One statement by the driver alone, its values by place."""


def case_id(number: int) -> str:
    return f"{number:08x}-0000-4000-8000-000000000000"


def digest(number: int) -> str:
    return f"{number:064x}"


def fill(store: Store, count: int) -> None:
    """That many open cases of two events and one search key each."""
    events = [
        Event("sent", sed="A001", document_id="d1", at=NOW),
        Event("received", sed="A011", document_id="d2", parent_id="d1", at=NOW, sender="BE:SYNTH001"),
    ]
    bodies = [json.dumps({"opening": {"me": "FR:SYNTH001", "counterparties": ["BE:SYNTH001"]}}, sort_keys=True)]
    bodies += [json.dumps(event_json(event), sort_keys=True) for event in events]
    with store.begin() as unit:
        unit.insert(CASE, (attrs.asdict(head(number)) for number in range(count)))
        unit.insert(EVENT, (attrs.asdict(row) for number in range(count) for row in chain(case_id(number), bodies)))
        unit.insert(KEY, ({"case_id": case_id(number), "digest": digest(number)} for number in range(count)))


def head(number: int) -> CaseRow:
    due = (dt.date(2026, 2, 1) + dt.timedelta(days=number % 300)).isoformat()
    key = moment_key(NOW)
    return CaseRow(
        case_id(number), "LA_BUC_01", "4.3", "CaseOwner", "FR:SYNTH001", "BE:SYNTH001", "open", 2, key, key, due
    )


def chain(case: str, bodies: list[str]) -> list[EventRow]:
    rows: list[EventRow] = []
    before = ""
    for number, body in enumerate(bodies):
        row = EventRow(case, number, moment_key(NOW), body)
        row = attrs.evolve(row, hash=row.hash_after(before))
        before = row.hash
        rows.append(row)
    return rows


def of_finding(store: Store, bare: Run, count: int) -> list[Case]:
    """By its id; seen before, or never."""
    step = max(1, count // 97)

    def bare_moves(number: int) -> list[object]:
        key = (case_id(number * step % count),)
        bare("SELECT * FROM case_head WHERE tenant='default' AND case_id=?", key).fetchone()
        rows = bare("SELECT body FROM case_event WHERE tenant='default' AND case_id=? ORDER BY no", key).fetchall()
        return [json.loads(str(row[0])) for row in rows]

    def moves(number: int, *, anew: bool = False) -> frozenset[str]:
        with store.glance() as unit:
            found = load(CaseRows(unit), case_id(number * step % count), anew=anew)
        return frozenset(found.case.allowed(NOW.date(), {}).seds)

    def first_moves(number: int) -> frozenset[str]:
        return moves(number, anew=True)

    return [Case(BARE_MOVES, bare_moves, three), Case(KNOWN, moves, closes), Case(NEW, first_moves, closes)]


def of_numbers(store: Store, bare: Run, count: int) -> list[Case]:
    """By a personal identification number, as its keyed digest; a case that was never seen."""
    step = max(1, count // 89)
    query = (
        "SELECT h.* FROM case_head h JOIN case_key k ON k.tenant = h.tenant AND k.case_id = h.case_id "
        "WHERE k.tenant='default' AND k.digest=?"
    )

    def bare_moves(number: int) -> list[object]:
        row = bare(query, (digest(number * step % count),)).fetchone()
        assert row is not None
        rows = bare("SELECT body FROM case_event WHERE tenant='default' AND case_id=? ORDER BY no", (row[1],))
        return [json.loads(str(one[0])) for one in rows.fetchall()]

    def moves(number: int) -> frozenset[str]:
        with store.read() as unit:
            (found,) = CaseRows(unit).find(digest=digest(number * step % count))
            return frozenset(load(CaseRows(unit), found.case_id, anew=True).case.allowed(NOW.date(), {}).seds)

    return [Case(BARE_NUMBER, bare_moves, three), Case(NUMBER, moves, closes)]


def of_appending(store: Store, bare: Run, count: int) -> list[Case]:
    """Each time to another case, so that histories stay short. The bare rows have the length of real ones."""
    numbers, bare_numbers = itertools.cycle(range(0, count, 2)), itertools.cycle(range(1, count, 2))
    body = json.dumps(event_json(Event("sent", sed="H001", document_id="h123456", at=NOW)), sort_keys=True)
    made = itertools.count()

    def bare_append(_: int) -> int:
        key, moment = case_id(next(bare_numbers)), moment_key(NOW)
        bare("BEGIN" if store.dialect == "postgresql" else "BEGIN IMMEDIATE", ())
        row = bare("SELECT revision FROM case_head WHERE tenant='default' AND case_id=?", (key,)).fetchone()
        assert row is not None
        assert isinstance(row[0], int)
        update = "UPDATE case_head SET changed_at=?, revision=? WHERE tenant='default' AND case_id=? AND revision=?"
        bare(update, (moment, row[0] + 1, key, row[0]))
        insert = "INSERT INTO case_event (tenant, case_id, no, at, body, hash) VALUES (?,?,?,?,?,?)"
        bare(insert, ("bench", key, 1_000_000 + next(made), moment, body, digest(0)))
        bare("COMMIT", ())
        return row[0] + 1

    def append(_: int) -> int:
        with store.begin() as unit:
            rows = CaseRows(unit)
            before = load(rows, case_id(next(numbers)))
            after = before.case.apply(Event("sent", sed="H001", document_id=f"h{next(made)}", at=NOW))
            return add_events(rows, before, after, NOW, after.next_day(NOW.date())).revision

    return [Case(BARE_APPEND, bare_append, revised), Case(APPEND, append, revised)]


def of_work(store: Store, bare: Run, count: int) -> list[Case]:
    """The cases with the nearest deadlines."""

    def bare_work(_: int) -> list[Sequence[object]]:
        query = "SELECT * FROM case_head WHERE tenant='default' AND due_at<=? ORDER BY due_at LIMIT 50"
        return bare(query, ("2026-06-01",)).fetchall()

    def work(_: int) -> tuple[CaseRow, ...]:
        with store.glance() as unit:
            return tuple(CaseRows(unit).find(due_before="2026-06-01", limit=50))

    def fifty(_: int, result: object) -> None:
        assert isinstance(result, (list, tuple))
        assert len(result) == min(50, count)

    return [Case(BARE_WORK, bare_work, fifty), Case(WORK, work, fifty)]


def closes(_: int, result: object) -> None:
    assert isinstance(result, frozenset)
    assert "X001" in result


def three(_: int, result: object) -> None:
    assert isinstance(result, list)
    assert len(result) >= 3


def revised(_: int, result: object) -> None:
    assert isinstance(result, int)
    assert result >= 3


@contextmanager
def sqlite() -> Iterator[tuple[str, Store, Run]]:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "cases.db"
        with Store.open(file) as store:
            bare = sqlite3.connect(file, isolation_level=None)
            bare.execute("PRAGMA synchronous = FULL")
            yield "SQLite", store, bare.execute
            bare.close()


@contextmanager
def postgres(server: str) -> Iterator[tuple[str, Store, Run]]:
    import psycopg

    with postgresql.database(server) as url, Store.open(url) as store, psycopg.connect(url, autocommit=True) as bare:

        def run(text: str, values: Sequence[object]) -> Cursor:
            return bare.execute(text.replace("?", "%s"), values)  # type: ignore[arg-type]  # texts of this file

        yield "PostgreSQL", store, run


def tables_of(
    name: str, store: Store, bare: Run, count: int, rounds: int
) -> Iterator[tuple[str, list[dict[str, object]]]]:
    fill(store, count)
    if store.dialect == "postgresql":
        bare("ANALYZE", ())
    for make in (of_finding, of_numbers, of_appending, of_work):
        cases = make(store, bare, count)
        goals = [Goal(case.name, 3.0) for case in cases[1:]]
        for words, clock in (("", time.thread_time), (", by the clock on the wall", time.perf_counter)):
            outcomes = measure(cases, 8, baseline=cases[0].name, rounds=rounds, sample=0.005, clock=clock)
            yield report(f"{name}, {count:,} cases: {cases[-1].name}{words}", outcomes, goals)


def main() -> None:
    options = arguments("cases in a store")
    tables: Tables = []
    counts = (1_000, 10_000) if options.quick else (1_000, 10_000, 100_000)
    for count in counts:
        with sqlite() as (name, store, bare):
            tables += tables_of(name, store, bare, count, options.rounds)
    if postgresql.binaries() is None:
        print("PostgreSQL is not installed here: not measured")
    else:
        with postgresql.server() as server:
            for count in counts:
                with postgres(server) as (name, store, bare):
                    tables += tables_of(name, store, bare, count, options.rounds)
    write_results("node", tables, options.output)


if __name__ == "__main__":
    main()
