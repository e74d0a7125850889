"""Cases in a store, as their number grows: find one and its moves, append an event, list work by deadline.

Run: ``python -m benchmarks.node [--quick] [--output FILE.json]``. Baseline: the same SQL through Python's sqlite3 alone, with the
JSON of the events decoded; SQLite in a file, WAL.
"""

from __future__ import annotations

import datetime as dt
import json
import sqlite3
import tempfile
from pathlib import Path

import attrs
import sqlalchemy as sa

from benchmarks.harness import Case, Goal, arguments, measure, report, write_results
from eessi.buc import Event
from eessi.buc.record import event_json
from eessi.node.stored import add_events, load
from eessi.stores import Store
from eessi.stores.cases import CASE, EVENT, CaseRow, EventRow
from eessi.stores.mail import moment_key

NOW = dt.datetime(2026, 1, 5, 8, 0, tzinfo=dt.UTC)
MOVES, BARE_MOVES = "find one, its allowed moves", "sqlite3: head and events, JSON decoded"
APPEND, BARE_APPEND = "append an event", "sqlite3: read, update head, insert event"
WORK, BARE_WORK = "list 50 by deadline", "sqlite3: the same query"
CORE = "SQLAlchemy Core: the same statements, nothing else"

HEAD = sa.select(CASE).where(CASE.c.tenant == sa.bindparam("tenant"), CASE.c.case_id == sa.bindparam("case_id"))
EVENTS = (
    sa.select(EVENT)
    .where(EVENT.c.tenant == sa.bindparam("tenant"), EVENT.c.case_id == sa.bindparam("case_id"))
    .order_by(EVENT.c.no)
)
DUE = (
    sa.select(CASE)
    .where(CASE.c.tenant == sa.bindparam("tenant"), CASE.c.due_at <= sa.bindparam("due"))
    .order_by(CASE.c.due_at)
    .limit(50)
)


def case_id(number: int) -> str:
    return f"{number:08x}-0000-4000-8000-000000000000"


def filled(file: Path, count: int) -> Store:
    """A store with that many open cases of two events each."""
    store = Store.open(file)
    events = [
        Event("sent", sed="A001", document_id="d1", at=NOW),
        Event("received", sed="A011", document_id="d2", parent_id="d1", at=NOW, sender="BE:SYNTH001"),
    ]
    bodies = [json.dumps({"opening": {"me": "FR:SYNTH001", "counterparties": ["BE:SYNTH001"]}}, sort_keys=True)]
    bodies += [json.dumps(event_json(event), sort_keys=True) for event in events]
    with store.begin() as unit:
        unit.insert(CASE, (attrs.asdict(head(number)) for number in range(count)))
        unit.insert(EVENT, (attrs.asdict(row) for number in range(count) for row in chain(case_id(number), bodies)))
    return store


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


def cases(store: Store, file: Path, count: int) -> dict[str, list[Case]]:
    from eessi.stores.cases import CaseRows

    bare = sqlite3.connect(file, isolation_level=None)
    bare.execute("PRAGMA journal_mode=WAL")
    step = max(1, count // 97)

    def bare_moves(number: int) -> list[object]:
        key = case_id(number * step % count)
        bare.execute("SELECT * FROM case_head WHERE tenant='default' AND case_id=?", (key,)).fetchone()
        rows = bare.execute(
            "SELECT body FROM case_event WHERE tenant='default' AND case_id=? ORDER BY no", (key,)
        ).fetchall()
        return [json.loads(row[0]) for row in rows]

    def moves(number: int) -> frozenset[str]:
        with store.read() as unit:
            found = load(CaseRows(unit), case_id(number * step % count))
        return frozenset(map(str, found.case.allowed(NOW.date(), {}).seds))

    def core_moves(number: int) -> list[object]:
        key = {"tenant": "default", "case_id": case_id(number * step % count)}
        with store.read() as unit:
            unit.connection.execute(HEAD, key).first()
            return [json.loads(str(row[4])) for row in unit.connection.execute(EVENTS, key)]

    def core_work(_: int) -> list[object]:
        with store.read() as unit:
            return list(unit.connection.execute(DUE, {"tenant": "default", "due": "2026-06-01"}))

    appended = iter(range(10**9))

    def bare_append(number: int) -> int:
        key = case_id((number * step + 1) % count)
        bare.execute("BEGIN IMMEDIATE")
        revision = bare.execute(
            "SELECT revision FROM case_head WHERE tenant='default' AND case_id=?", (key,)
        ).fetchone()[0]
        bare.execute(
            "UPDATE case_head SET changed_at=? WHERE tenant='default' AND case_id=? AND revision=?",
            ("x", key, revision),
        )
        values = ("bench", f"{key}{next(appended)}", 0, "x", "{}", "h")
        bare.execute("INSERT INTO case_event (tenant, case_id, no, at, body, hash) VALUES (?,?,?,?,?,?)", values)
        bare.execute("COMMIT")
        return revision

    def append(number: int) -> int:
        key = case_id((number * step + 2) % count)
        with store.begin() as unit:
            rows = CaseRows(unit)
            before = load(rows, key)
            document = f"h{next(appended)}"
            after = before.case.apply(Event("sent", sed="H001", document_id=document, at=NOW))
            return add_events(rows, before, after, NOW, None).revision

    def bare_work(_: int) -> list[object]:
        query = "SELECT * FROM case_head WHERE tenant='default' AND due_at<=? ORDER BY due_at LIMIT 50"
        return bare.execute(query, ("2026-06-01",)).fetchall()

    def work(_: int) -> tuple[CaseRow, ...]:
        with store.read() as unit:
            return tuple(CaseRows(unit).find(due_before="2026-06-01", limit=50))

    def fifty(_: int, result: object) -> None:
        assert len(result) == min(50, count)  # type: ignore[arg-type]  # a list or a tuple

    def closes(_: int, result: object) -> None:
        assert "X001" in result  # type: ignore[operator]  # a set of SEDs

    def three(_: int, result: object) -> None:
        assert len(result) >= 3  # type: ignore[arg-type]  # a list

    def revised(_: int, result: object) -> None:
        assert isinstance(result, int)
        assert result >= 2

    return {
        BARE_MOVES: [
            Case(BARE_MOVES, bare_moves, three),
            Case(CORE, core_moves, three),
            Case(MOVES, moves, closes),
        ],
        BARE_APPEND: [Case(BARE_APPEND, bare_append, revised), Case(APPEND, append, revised)],
        BARE_WORK: [Case(BARE_WORK, bare_work, fifty), Case(CORE, core_work, fifty), Case(WORK, work, fifty)],
    }


def main() -> None:
    options = arguments("cases in a store")
    tables = []
    for count in (1_000, 10_000) if options.quick else (1_000, 10_000, 100_000):
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "cases.db"
            store = filled(file, count)
            for baseline, pair in cases(store, file, count).items():
                outcome = measure(pair, 8, baseline=baseline, rounds=options.rounds, sample=0.005)
                goals = [Goal(pair[-1].name, 3.0)]
                tables.append(report(f"{count:,} cases: {pair[-1].name}", outcome, goals))
            store.close()
    write_results("node", tables, options.output)


if __name__ == "__main__":
    main()
