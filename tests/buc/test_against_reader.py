"""Explorer and a second, independent reading of the catalogue agree on every reachable state of the main flows."""

from __future__ import annotations

import json
from collections import Counter, deque
from pathlib import Path
from typing import Any

import pytest

import eessi
from eessi.buc import Answer, Case, Event, reasons
from tests.buc.reader import OTHER, Reader

VERSION = "4.2"
"""The catalogue describes the 4.2 definitions; what differs before and after stands in its notes."""

ROLES = {"case_owner": "CaseOwner", "counterparty": "Counterparty"}
CODES = [code for code in eessi.buc.loading.codes() if not code.startswith("AD_")]
STATES = 400
"""States compared per process at most: two open offers of a kind count as many, so that the number is finite."""


@pytest.fixture(scope="module")
def catalogue(shared: Path) -> dict[str, dict[str, Any]]:
    rows = json.loads((shared / "catalogue" / "bucs.json").read_text(encoding="utf-8"))
    return {row["code"]: row for row in rows}


def offers(case: Case, main: set[str]) -> set[tuple[str, str | None, bool]]:
    """Our main-flow moves: SED, document answered, whether facts decide (some of which may be known by now)."""
    found = set()
    for move in case.allowed():
        if move.sed in main and move.slot is not None:
            assert move.sed is not None
            assert move.slot.needs or move.answer is Answer.YES
            found.add((str(move.sed), move.parent_id, bool(move.slot.needs)))
    return found


def signature(reader: Reader) -> frozenset[tuple[object, int]]:
    """What can still happen: open offers by SED and by what they answer, none, one or many; and what was sent."""
    open_ = Counter(
        (side, sed, None if parent is None else reader.docs[parent][1], depends)
        for (side, sed, _), (_, depends, parent) in reader.open.items()
    )
    sent = Counter(("sent", doc[0], doc[1]) for doc in reader.docs)
    return frozenset((key, min(number, 2)) for key, number in [*open_.items(), *sent.items()])


def notes(case: Case, sed: str, parent: str | None) -> list[Event]:
    """The facts that make a conditional move possible; an earlier note is corrected."""
    move = case.allowed().find(sed, parent)
    assert move is not None
    assert move.slot is not None
    if not move.slot.needs:
        return []
    _, remedies = reasons._facts_wanted(case._frame, case._state, move.slot, {})
    return [Event("noted", document_id=item, facts={name: value}) for item, name, value in remedies[0].facts]


def advance(cases: dict[str, Case], reader: Reader, slot: tuple[str, str, Any]) -> tuple[dict[str, Case], Reader]:
    side, sed, _ = slot
    parent = reader.open[slot][2]
    number, answered = f"d{len(reader.docs)}", None if parent is None else f"d{parent}"
    details: dict[str, Any] = {"sed": sed, "document_id": number, "parent_id": answered}
    told = notes(cases[side], sed, answered)
    after = {
        side: cases[side].replay([*told, Event("sent", **details)]),
        OTHER[side]: cases[OTHER[side]].replay([*told, Event("received", **details)]),
    }
    return after, reader.send(slot)


@pytest.mark.parametrize("code", CODES)
def test_same_moves_on_every_reachable_state(code: str, catalogue: dict[str, dict[str, Any]]) -> None:
    row = catalogue[code]
    main = {item["sed"] for item in row["flow"]}
    buc = eessi.buc(code)
    cases = {side: buc.start(as_=role, version=VERSION) for side, role in ROLES.items()}
    queue = deque([(cases, Reader(row))])
    seen = {signature(queue[0][1])}
    compared = 0
    while queue and compared < STATES:
        cases, reader = queue.popleft()
        compared += 1
        for side in OTHER:
            expected = {
                (sed, None if parent is None else f"d{parent}", depends)
                for who, sed, parent, depends in reader.moves()
                if who == side
            }
            path = [f"{doc[0]} {doc[1]}" for doc in reader.docs]
            if reader.docs or side == "case_owner":
                assert offers(cases[side], main) == expected, f"{code}, {side}, after {path}"
        for slot in list(reader.open):
            after = reader.send(slot)
            mark = signature(after)
            if mark not in seen:
                seen.add(mark)
                queue.append(advance(cases, reader, slot))
    assert compared >= 2, "nothing was explored"
