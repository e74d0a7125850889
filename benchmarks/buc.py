"""Cases against a dict table that does the same work by hand, and against state-machine libraries where installed.

The dict table is what one would write for a single process without a library: offers per side, replies per document,
exclusions, documents and history, and a new state for every event. Run: ``python benchmarks/buc.py``.
"""

from __future__ import annotations

import datetime as dt
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

import eessi.buc
from benchmarks.harness import Case, Goal, arguments, measure, report, write_results
from eessi.buc import Event

AT = dt.datetime(2026, 1, 1, 12, tzinfo=dt.UTC)
ROUND = ("A005", "A006", "A008", "H001", "H002", "H005", "H006")
PARENT = {"A006": "A005", "H002": "H001", "H006": "H005", "A011": "A001", "A002": "A001"}


def events() -> list[Event]:
    """Fifty events of an LA_BUC_01 as its owner sees it: we ask, they answer, and the other way round."""
    found = [
        Event("sent", sed="A001", document_id="d0", at=AT),
        Event("received", sed="A011", document_id="d1", parent_id="d0", at=AT),
    ]
    latest: dict[str, str] = {}
    while len(found) < 50:
        for sed in ROUND:
            kind = ("sent", "received")[(len(found) + (sed in PARENT)) % 2]
            if sed in PARENT:
                kind = (
                    "received"
                    if next(e for e in found if e.document_id == latest[PARENT[sed]]).kind == "sent"
                    else "sent"
                )
            number = f"d{len(found)}"
            found.append(Event(kind, sed=sed, document_id=number, parent_id=latest.get(PARENT.get(sed, "")), at=AT))
            latest[sed] = number
    return found[:50]


# ---- by hand: the same rows as a dict of tuples ----------------------------------------------------------------------


def by_hand() -> tuple[dict[str, Any], dict[tuple[str, str, str], Any], dict[tuple[str, str], Any]]:
    """Tables (side, what happened, SED) -> offers and exclusions, taken from the definition, and the first state."""
    program = eessi.buc.buc("LA_BUC_01").program("4.3")
    opens: dict[tuple[str, str, str], Any] = {}
    for (role, happened, sed), found in program.opens.items():
        rows = [(slot.row.sed, "", False) for _, slot in (*found.free, *found.free_for_starter)]
        rows += [(row.sed, "parent", row.once) for row in found.answers]
        rows += [(row.sed, "parent" if trigger.reply_to else "", row.once) for row, trigger in found.rest]
        opens[str(role), happened, str(sed)] = tuple(rows)
    once = {(str(role), str(sed)): row.once for role, rows in program.rows.items() for sed, row in rows.items()}
    closes = {
        (str(role), str(effect.sed)): str(effect.target)
        for (role, happened, _), found in program.effects.items()
        for effect in found
        if happened == "draft_created"
    }
    state = {"CaseOwner": {("A001", ""): True}, "Counterparty": {}, "documents": {}, "history": None, "status": "new"}
    return state, opens, {"once": once, "closes": closes}  # type: ignore[dict-item]


STATE, OPENS, RULES = by_hand()
OTHER = {"CaseOwner": "Counterparty", "Counterparty": "CaseOwner"}


def hand(state: dict[str, Any], event: Event) -> dict[str, Any]:
    """One event: guard, offers of both sides, documents, history; a new state."""
    number, sed, parent = event.document_id, event.sed, event.parent_id
    if number in state["documents"]:
        return state
    side = "CaseOwner" if event.kind == "sent" else "Counterparty"
    other = OTHER[side]
    key = (sed, parent or "")
    if key not in state[side] or state["status"] == "closed":
        raise ValueError(f"{sed} is not allowed")
    mine, theirs = state[side].copy(), state[other].copy()
    if RULES["once"][side, sed]:  # type: ignore[index]
        del mine[key]
    excluded = RULES["closes"].get((side, sed))  # type: ignore[attr-defined]
    if excluded is not None:
        mine.pop((excluded, parent), None)
    for new, anchor, _ in OPENS.get((side, "sent", sed), ()):
        mine[new, number if anchor else ""] = True
    for new, anchor, _ in OPENS.get((other, "received", sed), ()):
        theirs[new, number if anchor else ""] = True
    documents = state["documents"].copy()
    documents[number] = (sed, event.kind, parent, event.at, event.facts)
    status = "closed" if sed == "X001" else "open"
    return {side: mine, other: theirs, "documents": documents, "history": (state["history"], event), "status": status}


def main() -> int:
    chosen = arguments(__doc__ or "")
    steps = events()
    case = eessi.buc.buc("LA_BUC_01").start("CaseOwner", "4.3")
    cases, states = [case], [STATE]
    for event in steps:
        cases.append(cases[-1].apply(event))
        states.append(hand(states[-1], event))

    def check_case(number: int, found: Any) -> None:
        assert len(found.documents) == number + 1
        assert found == cases[number + 1]

    def check_hand(number: int, found: Any) -> None:
        assert found == states[number + 1]
        mine = {(str(slot.row.sed), slot.anchor) for slot in cases[number + 1]._state.own.slots()}
        assert {(sed, anchor) for sed, anchor in found["CaseOwner"]} == {
            (sed, "" if anchor[:1] == "@" else anchor) for sed, anchor in mine
        }

    tables = []
    outcomes = measure(
        [
            Case("dict table, the same by hand", lambda i: hand(states[i], steps[i]), check_hand),
            Case("case.apply(event)", lambda i: cases[i].apply(steps[i]), check_case),
            *machines(steps),
        ],
        50,
        baseline="dict table, the same by hand",
        rounds=chosen.rounds,
    )
    goals = [Goal("case.apply(event)", must=4.0)]
    goals += [
        Goal("case.apply(event)", must=100.0, against=one.name)
        for one in outcomes
        if one.name.startswith("python-statemachine")
    ]
    tables.append(report("One event with guard and history, LA_BUC_01, 50 events", outcomes, goals))

    full = cases[-1]
    wanted = len(full.allowed(on=AT.date()))

    def check_moves(number: int, found: Any) -> None:
        assert len(found) == wanted
        assert all(move.answer for move in found)

    outcomes = measure(
        [
            Case("one event", lambda i: cases[i].apply(steps[i]), check_case),
            Case("all moves after 50 events", lambda i: list(full.allowed(on=AT.date())), check_moves),
        ],
        50,
        baseline="one event",
        rounds=chosen.rounds,
    )
    tables.append(
        report(
            f"All {wanted} moves of a case after 50 events",
            outcomes,
            [Goal("all moves after 50 events", must=60.0, aim=20.0)],
        )
    )
    write_results("buc", tables, chosen.output)
    return 0


def machines(steps: list[Event]) -> list[Case]:
    """The same process as a machine of python-statemachine; only where it is installed.

    One event per SED, as its documentation advises; guard and record are the dict table's, done in place, so that what is
    compared is the machine around them.
    """
    try:
        from statemachine import State, StateMachine
    except ImportError:
        return []

    seds = sorted({str(key[1]) for key in RULES["once"]} - {"A001", "X001"})  # type: ignore[call-overload]  # keys are pairs

    def may(self: Any, step: Event) -> bool:
        return (step.sed, step.parent_id or "") in self.state["CaseOwner" if step.kind == "sent" else "Counterparty"]

    def record(self: Any, step: Event) -> None:
        self.state = hand(self.state, step)

    new, opened, closed = State(initial=True), State(), State(final=True)
    body: dict[str, Any] = {"new": new, "opened": opened, "closed": closed, "may": may, "record": record}
    body["A001"] = new.to(opened, cond="may", on="record")
    body["X001"] = opened.to(closed, cond="may", on="record")
    body |= {sed: opened.to.itself(cond="may", on="record") for sed in seds}
    Machine = type("Machine", (StateMachine,), body)
    machines_at: list[Any] = []

    def run(number: int) -> Any:
        if number == 0:
            machines_at[:] = [Machine()]
            machines_at[0].state = STATE
        machines_at[0].send(str(steps[number].sed), step=steps[number])
        return machines_at[0]

    def check(number: int, found: Any) -> None:
        assert len(found.state["documents"]) == number + 1

    return [Case("python-statemachine", run, check)]


if __name__ == "__main__":
    raise SystemExit(main())
