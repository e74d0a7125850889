"""Explorer and a second, independent reading of the catalogue agree on every reachable state of the main flows."""

from __future__ import annotations

import datetime as dt
import json
from collections import Counter, deque
from pathlib import Path
from typing import Any

import attrs
import pytest

import eessi
from eessi.buc import Answer, Case, Event, Moves, reasons
from eessi.errors import NotAllowed
from tests.buc.reader import OTHER, Reader

VERSION = "4.2"
"""The catalogue describes the 4.2 definitions; what differs before and after stands in its notes."""

ROLES = {"case_owner": "CaseOwner", "counterparty": "Counterparty"}
CODES = [code for code in eessi.buc.loading.codes() if not code.startswith("AD_")]
STATES = 120
"""States compared per process here; two open offers of a kind count as many, so that the number of all is finite."""


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


def explore(code: str, row: dict[str, Any], states: int) -> int:
    """Compare every state within the number, breadth first; the number of states compared."""
    seds = {item["sed"] for item in row["flow"]}
    buc = eessi.buc(code)
    cases = {side: buc.start(as_=role, version=VERSION) for side, role in ROLES.items()}
    queue = deque([(cases, Reader(row))])
    seen = {signature(queue[0][1])}
    checked: set[tuple[str, str]] = set()
    compared = 0
    while queue and compared < states:
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
                assert offers(cases[side], seds) == expected, f"{code}, {side}, after {path}"
        for slot in list(reader.open):
            after = reader.send(slot)
            if slot[:2] not in checked:
                checked.add(slot[:2])
                check_draft(cases[slot[0]], row, slot[0], slot[1], reader.open[slot][2])
                check_document(advance(cases, reader, slot)[0], row, slot[0], f"d{len(reader.docs)}")
            mark = signature(after)
            if mark not in seen:
                seen.add(mark)
                queue.append(advance(cases, reader, slot))
    return compared


def check_draft(case: Case, row: dict[str, Any], side: str, sed: str, parent: int | None) -> None:
    """What a draft excludes, and that deleting it gives everything back."""
    answered = None if parent is None else f"d{parent}"
    before = offers(case, {item["sed"] for item in row["flow"]})
    if (sed, answered, False) not in before:
        return
    drafted = case.apply(Event("drafted", sed=sed, document_id="draft", parent_id=answered))
    kind = None if parent is None else case.documents[f"d{parent}"].sed
    for effect in row["effects"]:
        fits = effect.get("only_if_parent") in (None, kind) and effect["target_sed"] != sed
        if fits and (effect["role"], effect["event"], effect["sed"]) == (side, "draft_created", sed):
            left = {move.parent_id for move in drafted.allowed().yes if move.sed == effect["target_sed"]}
            assert answered not in left, (sed, effect["target_sed"])
    deleted = drafted.apply(Event("draft_deleted", document_id="draft"))
    assert offers(deleted, {item["sed"] for item in row["flow"]}) == before, f"after deleting the draft of {sed}"


def check_ended(cases: dict[str, Case], row: dict[str, Any], side: str, number: str) -> None:
    """Administrative moves that a document ends."""
    document = cases[side].documents[number]
    parent = document.parent_id
    kind = None if parent is None else cases[side].documents[parent].sed
    for effect in row["effects"]:
        if (effect["role"], effect["event"], effect["sed"]) != (side, "sent", document.sed):
            continue
        if (
            effect["target_sed"][0] == "X"
            and effect["target_sed"] != "X008"
            and effect.get("only_if_parent") in (None, kind)
        ):
            for move in cases[side].allowed().yes:
                ended = move.sed == effect["target_sed"] and (not effect.get("scope") or move.parent_id == parent)
                assert not ended, f"{document.sed} ends {move.sed}"


def check_document(cases: dict[str, Case], row: dict[str, Any], side: str, number: str) -> None:
    """What may be done with a document that was just sent, by its sender and by its receiver."""
    document = cases[side].documents[number]
    flow = next(item for item in row["flow"] if item["sed"] == document.sed and item["sender"] in (side, "either"))
    mine, theirs = cases[side].allowed(), cases[OTHER[side]].allowed()

    def offered(moves: Moves, sed: str) -> bool:
        return any(move.sed == sed and move.parent_id == number and move.answer is Answer.YES for move in moves)

    check_ended(cases, row, side, number)
    lost = {effect["target_sed"] for effect in row["effects"] if effect["event"] in ("sent", "draft_created")}
    assert offered(mine, "X008") == flow["invalidatable"], document.sed
    assert offered(theirs, "X011") == flow["rejectable"], document.sed
    assert offered(theirs, "X012") == flow["clarifiable"], document.sed
    update = mine.find(document.sed, kind="update")
    assert (update is not None and update.answer is Answer.YES) == flow["updatable"], document.sed
    for name, detail in (("attachments", {"attachments": 1}), ("bulk", {"parts": 2})):
        draft = attrs.evolve(cases[side].history[-1], **detail)
        before = cases[side].as_of(len(cases[side].history) - 1)
        if flow[name]:
            before.apply(draft)
        else:
            with pytest.raises(NotAllowed):
                before.apply(draft)
    kind = None if document.parent_id is None else cases[side].documents[document.parent_id].sed
    for effect in row["effects"]:
        about = (effect["role"], effect["event"], effect["sed"]) == (side, "invalidated_by_sender", document.sed)
        fits = effect["effect"] in ("offer", "resume") and "condition" not in effect
        if about and fits and effect.get("only_if_parent") in (None, kind):
            after = cases[side].apply(Event("sent", sed="X008", parent_id=number)).allowed()
            where = {move.parent_id for move in after.yes if move.sed == effect["target_sed"] and move.kind != "update"}
            wanted = where & {document.parent_id} if effect.get("scope") else where
            assert wanted, f"{document.sed} invalidated offers {effect['target_sed']}"
    if flow["invalidatable"] and document.sed not in lost and flow["repeat_rule"] != "any_time":
        again = cases[side].apply(Event("sent", sed="X008", parent_id=number)).allowed()
        there = any(move.sed == document.sed and move.slot is not None for move in again)
        waits = any(move.sed == document.sed and move.slot is not None for move in mine)
        itself = {"event": "invalidated_by_sender", "sed": document.sed, "effect": "offer", "target_sed": document.sed}
        effects = any(itself.items() <= effect.items() for effect in row["effects"])
        assert there == (flow["recreate_after_invalidation"] or waits or effects), document.sed


@pytest.mark.parametrize("code", CODES)
def test_same_moves_on_every_reachable_state(code: str, catalogue: dict[str, dict[str, Any]]) -> None:
    assert explore(code, catalogue[code], STATES) >= 2, "nothing was explored"


@pytest.mark.parametrize("code", CODES)
def test_same_moves_with_horizontal_processes(code: str, catalogue: dict[str, dict[str, Any]]) -> None:
    row = catalogue[code]
    assert explore(code, {**row, "flow": row["flow"] + row["horizontal_subprocesses"]}, 25) >= 2
    if not needed_elsewhere(row):
        starters = [item for item in row["flow"] if item["starter"]]
        for group in groups(row["horizontal_subprocesses"]):
            assert explore(code, {**row, "flow": starters + group, "effects": []}, 60) >= 2


def groups(rows: list[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """Rows that open or answer each other, apart from those that do not."""
    found: list[list[dict[str, Any]]] = []
    for row in rows:
        near = {trigger["sed"] for trigger in row["available_after"]} | {row["sed"]}
        touching = [group for group in found if near & {item["sed"] for item in group}]
        found = [group for group in found if group not in touching]
        found.append([item for group in touching for item in group] + [row])
    return found


def needed_elsewhere(row: dict[str, Any]) -> bool:
    """Whether the horizontal rows or the starters depend on rows of the main flow, so that they cannot stand alone."""
    starters = {item["sed"] for item in row["flow"] if item["starter"]}
    own = starters | {item["sed"] for item in row["horizontal_subprocesses"]}
    triggers = {
        trigger.get("sed")
        for item in [*row["horizontal_subprocesses"], *(item for item in row["flow"] if item["starter"])]
        for trigger in item["available_after"]
    }
    return bool(triggers - own - {None}) or bool(row["effects"])


@pytest.mark.long
@pytest.mark.parametrize("code", CODES)
def test_same_moves_on_all_states(code: str, catalogue: dict[str, dict[str, Any]]) -> None:
    """To the end for nearly all processes; FB_BUC_01, P_BUC_10, R_BUC_07, S_BUC_19 and S_BUC_21 have more states."""
    assert explore(code, catalogue[code], 20_000) >= 2


@pytest.mark.parametrize("code", CODES)
def test_administrative_moves_after_the_first_document(code: str, catalogue: dict[str, dict[str, Any]]) -> None:
    """Who may close, reopen, add, remove, forward and remind, once the case is open."""
    row = catalogue[code]
    buc = eessi.buc(code)
    start = Event("sent", sed=row["starter_seds"][0], document_id="d0", at=MOMENT)
    immediate = not any(
        item.get("delay_days")
        for item in (row["closing_rule"]["global_close"] or {"available_after": []})["available_after"]
    )
    late = (MOMENT + dt.timedelta(days=100)).date()
    cases = {
        "case_owner": buc.start("CaseOwner", VERSION).apply(start),
        "counterparty": buc.start("Counterparty", VERSION).apply(attrs.evolve(start, kind="received")),
    }
    for side, case in cases.items():
        seds = case.allowed(on=late).seds
        for sed in ("X005", "X006", "X007", "X009", "X001"):
            assert (sed in seds) == (side in row["admin_seds"].get(sed, {}).get("may_send", [])), (side, sed)
        if immediate:
            assert ("X001" in case.allowed(on=MOMENT.date()).seds) == ("X001" in seds), "no waiting time"
        for system in ("X050", "X100"):
            assert case.apply(Event("received", sed=system)).state is case.state, "system messages come at any time"
        may_close = any(move.kind == "close" for move in case.allowed().yes)
        assert may_close == (side in row["closing_rule"]["local_close_by"])
        reminded = case.apply(Event("received", sed="X009")) if "X010" in seds_of(case) else None
        answers = side in row["admin_seds"].get("X010", {}).get("may_send", [])
        assert (reminded is not None and "X010" in reminded.allowed().seds) == answers
        for item in (
            row["closing_rule"]["global_close"]["available_after"] if row["closing_rule"]["global_close"] else []
        ):
            if item.get("delay_days") and side == "case_owner":
                early = (MOMENT + dt.timedelta(days=item["delay_days"] - 1)).date()
                due = (MOMENT + dt.timedelta(days=item["delay_days"])).date()
                assert "X001" not in case.allowed(on=early).seds
                assert "X001" in case.allowed(on=due).seds
        if "X001" in seds and row["closing_rule"]["reopen_by"]:
            close = Event("sent", sed="X001", at=MOMENT + dt.timedelta(days=100), document_id="x1")
            assert case.apply(close).allowed().seds == ({"X002"} if side in row["closing_rule"]["reopen_by"] else set())
            other = cases[OTHER[side]].apply(attrs.evolve(close, kind="received"))
            may = OTHER[side] in row["closing_rule"]["reopen_by"]
            assert other.allowed().seds == ({"X002"} if may else set())
    removable = row["admin_seds"].get("X006", {}).get("counterparty_may_remove_only_itself", False)
    if "X006" in cases["counterparty"].allowed().seds:
        case = buc.start("Counterparty", VERSION, me="BE:OTHER01").apply(
            attrs.evolve(start, kind="received", sender="FR:OWNER01", receivers=("BE:OTHER01", "DE:THIRD01"))
        )
        remove = Event("sent", sed="X006", participant="DE:THIRD01")
        if removable:
            with pytest.raises(NotAllowed, match="only itself"):
                case.apply(remove)
        else:
            case.apply(remove)


SENT_AGAIN = [
    code
    for code in CODES
    for row in eessi.buc(code).rows
    if row.sed == eessi.buc(code).starters[0] and row.starter and row.invalidate and row.again_after_invalidation
]


@pytest.mark.parametrize("code", SENT_AGAIN)
def test_a_starter_that_is_sent_again_is_answered_again(code: str, catalogue: dict[str, dict[str, Any]]) -> None:
    row = catalogue[code]
    first = next(item for item in row["flow"] if item["starter"])
    case = eessi.buc(code).start("Counterparty", VERSION)
    case = case.apply(Event("received", sed=first["sed"], document_id="a")).apply(
        Event("received", sed="X008", parent_id="a")
    )
    case = case.apply(Event("received", sed=first["sed"], document_id="b"))
    for item in row["flow"]:
        for trigger in item["available_after"]:
            opened = (trigger["role"], trigger["event"], trigger.get("sed")) == (
                "counterparty",
                "received",
                first["sed"],
            )
            if opened and trigger.get("as_reply_to") == first["sed"] and "condition" not in trigger:
                assert any(move.sed == item["sed"] and move.parent_id == "b" for move in case.allowed().yes), item[
                    "sed"
                ]


def seds_of(case: Case) -> set[str]:
    return {str(sed) for sed in case.buc.program(VERSION).rows[case.role]}


MOMENT = dt.datetime(2026, 1, 1, 12, tzinfo=dt.UTC)
