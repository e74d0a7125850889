"""Two versions of a process, and whether a running case may move."""

from __future__ import annotations

import attrs
import pytest

import eessi
from eessi.buc import Event
from eessi.buc.comparing import ChangeKind, compare, compare_case
from eessi.ids import Role, SedType

CODES = [code for code in eessi.buc.loading.codes() if not code.startswith("AD_")]


@pytest.mark.parametrize("code", CODES)
def test_a_process_does_not_differ_from_itself(code: str) -> None:
    assert compare(eessi.buc(code), eessi.buc(code)) == ()


@pytest.mark.parametrize("code", CODES)
def test_back_and_forth_are_opposite(code: str) -> None:
    """What is new one way is withdrawn the other way; what is loosened is tightened."""
    buc = eessi.buc(code)
    opposite = {
        ChangeKind.NEW: ChangeKind.WITHDRAWN, ChangeKind.WITHDRAWN: ChangeKind.NEW, ChangeKind.MOVED: ChangeKind.MOVED,
        ChangeKind.LOOSENED: ChangeKind.TIGHTENED, ChangeKind.TIGHTENED: ChangeKind.LOOSENED,
    }  # fmt: skip
    forth = sorted((item.kind, str(item.role), str(item.sed)) for item in compare(buc, buc, "4.1", "4.3"))
    back = sorted((opposite[item.kind], str(item.role), str(item.sed)) for item in compare(buc, buc, "4.3", "4.1"))
    assert forth == back


def test_kinds() -> None:
    ub = compare(eessi.buc("UB_BUC_01"), eessi.buc("UB_BUC_01"), "4.1", "4.2")
    assert {item.kind for item in ub} == {ChangeKind.LOOSENED}
    s18 = compare(eessi.buc("S_BUC_18"), eessi.buc("S_BUC_18"), "4.2", "4.3")
    assert (ChangeKind.NEW, Role.CASE_OWNER, "S050") in [(item.kind, item.role, item.sed) for item in s18]
    la = compare(eessi.buc("LA_BUC_01"), eessi.buc("LA_BUC_01"), "4.2", "4.3")
    assert {(item.kind, item.sed) for item in la} == {(ChangeKind.MOVED, SedType("H004"))}
    s23 = compare(eessi.buc("S_BUC_23"), eessi.buc("S_BUC_23"), "4.1", "4.2")
    assert {item.kind for item in s23} == {ChangeKind.TIGHTENED}


def test_closing_participants_and_repetition() -> None:
    old = eessi.buc("S_BUC_05")
    rows = tuple(attrs.evolve(row, once=False) if row.sed == "S045" else row for row in old.rows)
    new = attrs.evolve(old, rows=rows, local_close=(Role.CASE_OWNER,), participants="multilateral")
    kinds = {(item.kind, item.sed) for item in compare(old, new)}
    assert (ChangeKind.LOOSENED, SedType("S045")) in kinds
    assert (ChangeKind.TIGHTENED, None) in kinds
    assert (ChangeKind.LOOSENED, None) in kinds


def test_a_waiting_time() -> None:
    old = eessi.buc("LA_BUC_03")
    longer = tuple(
        attrs.evolve(item, after=tuple(attrs.evolve(trigger, days=60) for trigger in item.after))
        for item in old.included
    )
    (change,) = compare(old, attrs.evolve(old, included=longer))
    assert change.kind is ChangeKind.TIGHTENED
    assert "60 days instead of 30" in change.text


def test_a_running_case_and_the_event_that_stands_against_its_move() -> None:
    buc = eessi.buc("UB_BUC_01")
    case = buc.start("CaseOwner", "4.2").replay([Event("sent", sed="U003"), Event("sent", sed="U001")])
    removal = compare_case(case, buc, "4.1")
    assert not removal.possible
    assert removal.against is not None
    assert (removal.against.number, removal.against.event.sed) == (2, "U001")
    young = buc.start("CaseOwner", "4.2").replay([Event("sent", sed="U003")])
    moved = compare_case(young, buc, "4.1")
    assert moved.possible
    assert set(moved.lost) == {"U001", "U001CB", "U005"}
    assert moved.gained == ()
    back = compare_case(buc.start("CaseOwner", "4.1").replay([Event("sent", sed="U003")]), buc, "4.2")
    assert set(back.gained) == {"U001", "U001CB", "U005"}
