"""The model checker finds what is wrong, and says what it did not look at."""

from __future__ import annotations

import attrs
import pytest

import eessi
from eessi.buc import checking
from eessi.buc.checking import Bounds, check
from eessi.buc.definition import Buc, Trigger
from eessi.buc.exploring import explore
from eessi.errors import UsageError
from eessi.findings import Outcome
from eessi.ids import CdmVersion, Role, SedType

CODES = [code for code in eessi.buc.loading.codes() if not code.startswith("AD_")]
BILATERAL = [code for code in CODES if not eessi.buc(code).is_multilateral]
SMALL = Bounds(states=500)


@pytest.mark.parametrize("code", CODES)
def test_nothing_is_refuted(code: str) -> None:
    """Cut early: no offence among the first states; `make test-long` explores to the bound of the command."""
    result = check(eessi.buc(code), bounds=SMALL)
    assert [item for item in result.counterexamples if item.waiver is None] == []
    assert result.states > 10
    assert result.outcome is (Outcome.VALID if result.complete else Outcome.UNDETERMINED)


@pytest.mark.long
@pytest.mark.parametrize("code", CODES)
def test_nothing_is_refuted_up_to_the_bound(code: str) -> None:
    result = check(eessi.buc(code))
    assert [item for item in result.counterexamples if item.waiver is None] == []


@pytest.mark.parametrize("code", ["S_BUC_01", "S_BUC_24", "AW_BUC_10b", "M_BUC_02"])
def test_small_processes_are_proved(code: str) -> None:
    result = check(eessi.buc(code))
    assert result.complete
    assert result.outcome is Outcome.VALID


def test_a_cut_search_proves_nothing() -> None:
    result = check(eessi.buc("S_BUC_01"), bounds=Bounds(states=20))
    assert not result.complete
    assert result.outcome is Outcome.UNDETERMINED


def test_a_closing_that_crossed_a_reopening_is_settled_by_one_more() -> None:
    """The bound of one document forbids that one, not the process."""
    result = check(eessi.buc("R_BUC_01"), bounds=Bounds(many=1))
    assert result.counterexamples == ()
    assert result.complete


def named_part(buc: Buc, name: str) -> checking._Part:
    return next(part for part in checking._parts(buc, max(buc.versions)) if part.name == name)


def test_documents_that_come_after_a_closing_are_explored() -> None:
    buc = eessi.buc("UB_BUC_03")
    space = explore(named_part(buc, "block reopen").buc, "4.3", Bounds(states=3_000), closing=True)
    runs = {space.path(number) for number in range(len(space.nodes))}
    assert any(_in_order(run, "X001", "receives X001", "sends A002", "receives A002") for run in runs), "it crossed"
    assert any(_in_order(run, "sends X004", "receives X004", "sends A002", "receives A002") for run in runs)


def test_own_copies_are_closed_archived_and_opened_while_documents_arrive() -> None:
    part = named_part(eessi.buc("S_BUC_24"), "own copies")
    space = explore(part.buc, "4.3", Bounds(), closing=True)
    assert space.complete
    arrivals = set()
    for start, ends in enumerate(space.steps):
        for end in ends:
            before, after = (space.cases[space.nodes[number].cases[1]] for number in (start, end))
            new = {item.sed for item in after.documents.values() if not item.mine} - {
                item.sed for item in before.documents.values()
            }
            arrivals |= {(str(before.state), str(after.state), str(sed)) for sed in new}
    assert ("closed locally", "open", "A003") in arrivals
    assert ("archived", "archived", "A003") in arrivals, "restoring is the institution's own decision"


def _in_order(run: tuple[str, ...], *wanted: str) -> bool:
    steps = iter(run)
    return all(any(word in step for step in steps) for word in wanted)


def test_each_fault_is_tried_literally_where_nothing_is_reduced() -> None:
    """Reordered, delivered twice, lost and sent again, with two messages on their way and one fault in a run."""
    one = named_part(eessi.buc("AW_BUC_10b"), "block reject")
    space = explore(one.buc, "4.3", Bounds(), closing=False, reduced=False)
    assert space.complete
    words = " ".join(step for number in range(len(space.nodes)) for step in space.path(number))
    assert "is lost on the way" in words
    assert "is sent again" in words
    assert "which will come again" in words
    assert max(len(node.flight) for node in space.nodes) == 2
    assert max(node.faults for node in space.nodes) == 1
    assert (checking._explored(one.buc, CdmVersion.parse("4.3"), space, False)[2]) == ()


def test_an_administrative_process_is_checked_inside_others() -> None:
    with pytest.raises(UsageError):
        check(eessi.buc("AD_BUC_01"))


def test_every_waiver_is_needed() -> None:
    """A waiver that waives nothing any more has to go."""
    for waiver in checking.waivers():
        found = check(eessi.buc(waiver.buc)).counterexamples
        assert any(item.waiver == waiver for item in found), waiver


def with_row(buc: Buc, sed: str, **changes: object) -> Buc:
    rows = tuple(attrs.evolve(row, **changes) if row.sed == sed else row for row in buc.rows)  # type: ignore[arg-type]  # test data
    return attrs.evolve(buc, rows=rows)


def offences(buc: Buc) -> set[tuple[str, str]]:
    return {(item.property, item.subject) for item in check(buc, bounds=SMALL).counterexamples if item.waiver is None}


def test_a_reply_that_nothing_opens() -> None:
    never = (Trigger(Role.COUNTERPARTY, "received", SedType("S050"), reply_to=SedType("S050")),)
    found = offences(with_row(eessi.buc("S_BUC_01"), "S072", after=never))
    assert ("reachable", "Counterparty S072") in found
    assert ("replies", "S072 to S050") in found


def test_a_case_that_nobody_may_close() -> None:
    assert ("closable", "*") in offences(attrs.evolve(eessi.buc("S_BUC_05"), local_close=()))


def test_a_dead_end() -> None:
    buc = attrs.evolve(eessi.buc("S_BUC_05"), local_close=(), included=())
    rows = tuple(row for row in buc.rows if row.kind == "main")
    assert ("no-dead-end", "*") in offences(attrs.evolve(buc, rows=rows))


def test_a_lost_exclusion_is_shown_by_its_shortest_run() -> None:
    """The A011 no longer withdraws the A002; the A002 still withdraws the A011."""
    buc = eessi.buc("LA_BUC_01")
    effects = tuple(item for item in buc.effects if not (item.sed == "A011" and item.event == "draft_created"))
    found = check(attrs.evolve(buc, effects=effects), bounds=SMALL).counterexamples
    (first, *_) = [item for item in found if item.property == "exclusion"]
    assert first.subject == "A002 A011"
    assert [step.split(" ", 1)[1] for step in first.steps] == [
        "sends A001", "receives A001", "drafts A011 to A001", "drafts A002 to A001", "sends A011 to A001", "sends A002 to A001",
    ]  # fmt: skip


def test_steps_of_a_counterexample_can_be_walked() -> None:
    """The shortest list of steps that leads to the offence, in words."""
    found = check(eessi.buc("H_BUC_08")).counterexamples
    (first,) = [item for item in found if item.property == "agreement"]
    assert first.waiver is not None
    assert [step.split()[1] for step in first.steps] == ["sends", "sends", "receives"]


def test_cones_hold_what_can_change_their_rows() -> None:
    buc = eessi.buc("LA_BUC_01")
    version = max(buc.versions)
    rows = [row for item in buc.rows if (row := item.at(version)) is not None]
    effects = [effect for items in buc.program(version).effects.values() for effect in items]
    cones = checking._cones(buc, rows, effects)
    assert {"A001", "A002", "A011"} in cones
    assert {"A005", "A006"} in cones
    assert set().union(*cones) == {str(row.sed) for row in rows}
    for cone in cones:
        for effect in effects:
            if effect.target in cone and effect.sed in {row.sed for row in rows}:
                assert effect.sed in cone
