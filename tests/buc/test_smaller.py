"""Smaller state spaces say the same as whole ones, wherever the whole one can be explored to its end."""

from __future__ import annotations

import attrs
import pytest

import eessi
from eessi.buc import checking
from eessi.buc.alone import alone
from eessi.buc.checking import Counterexample
from eessi.buc.definition import Buc, Trigger
from eessi.buc.exploring import Bounds, Space, explore
from eessi.ids import CdmVersion, Role, SedType

SMALL = ["S_BUC_01", "S_BUC_24", "AW_BUC_10b", "M_BUC_02", "LA_BUC_01", "H_BUC_01"]
BOUNDS = Bounds(states=4_000)


def spaces(buc: Buc, parties: int, bounds: Bounds) -> list[tuple[checking._Part, Space, Space, CdmVersion]]:
    """For each part that can be explored whole: the whole space, and what is explored in its place."""
    version = max(buc.versions)
    found = []
    for part in checking._parts(buc, version):
        drafts = frozenset(str(row.sed) for row in part.buc.effects if row.event in ("draft_created", "draft_deleted"))
        how = {"counterparties": parties, "drafts": drafts, "closing": part.closing}
        whole = explore(part.buc, version, bounds, reduced=False, **how)  # type: ignore[arg-type]  # test data
        if not whole.complete:
            continue
        single = {} if part.closing else alone(part.buc, version, bounds.many)
        less = explore(part.buc, version, bounds, single=single, **how)  # type: ignore[arg-type]  # test data
        found.append((part, whole, less, version))
    return found


def told(items: tuple[Counterexample, ...]) -> set[tuple[str, str]]:
    return {(item.property, item.subject) for item in items}


def compared(buc: Buc, parties: int, bounds: Bounds = BOUNDS) -> int:
    """Compare each part; the number of states saved."""
    saved = 0
    for part, whole, less, version in spaces(buc, parties, bounds):
        _, _, offences, unreached = checking._explored(part.buc, version, whole, part.closing)
        states, complete, found, left = checking._explored(part.buc, version, less, part.closing)
        assert complete, part.name
        assert told(found) == told(offences), part.name
        assert told(left) == told(unreached), part.name
        assert _kinds(less) == _kinds(whole), part.name
        saved += len(whole.nodes) - states
    return saved


def _kinds(space: Space) -> set[tuple[object, object, object]]:
    return {(edge.author, edge.sed, edge.parent) for edge in space.edges}


@pytest.mark.parametrize("code", SMALL)
def test_the_same_answers_from_fewer_states(code: str) -> None:
    assert compared(eessi.buc(code), 1) > 0


@pytest.mark.long
@pytest.mark.parametrize("code", [code for code in eessi.buc.loading.codes() if not code.startswith("AD_")])
def test_the_same_answers_for_every_process(code: str) -> None:
    buc = eessi.buc(code)
    for parties in (1, 2) if buc.is_multilateral else (1,):
        compared(buc, parties)


def test_two_counterparties_are_one_story_told_twice() -> None:
    """Small enough to be explored whole with two counterparties."""
    assert compared(eessi.buc("H_BUC_01"), 2) > 0


def broken(buc: Buc, sed: str, **changes: object) -> Buc:
    rows = tuple(attrs.evolve(row, **changes) if row.sed == sed else row for row in buc.rows)  # type: ignore[arg-type]  # test data
    return attrs.evolve(buc, rows=rows)


@pytest.mark.parametrize("parties", [1, 2])
def test_the_same_faults_are_found(parties: int) -> None:
    buc = eessi.buc("LA_BUC_01")
    never = (Trigger(Role.COUNTERPARTY, "received", SedType("A006"), reply_to=SedType("A006")),)
    compared(broken(buc, "A006", after=never), parties)
    compared(attrs.evolve(buc, local_close=(), included=()), parties)
    effects = tuple(item for item in buc.effects if not (item.sed == "A011" and item.event == "draft_created"))
    compared(attrs.evolve(buc, effects=effects), parties)


def test_a_renamed_path_can_be_walked() -> None:
    """Names in the steps are those of one run, also where the counterparties changed places on the way."""
    buc = eessi.buc("LA_BUC_01")
    version = max(buc.versions)
    (part,) = [part for part in checking._parts(buc, version) if part.name == "A001 A002 A011"]
    drafts = frozenset({"A002", "A011"})
    space = explore(part.buc, version, Bounds(states=3_000), counterparties=2, drafts=drafts)
    for number in range(0, len(space.nodes), 7):
        sent: set[str] = set()
        for step in space.path(number):
            who, what = step.split(" ", 1)
            if what.startswith("sends A0") and "to A001" in what:
                assert f"{who} receives A001" in sent, space.path(number)
            sent.add(step)


def part_named(code: str, name: str) -> tuple[Buc, CdmVersion]:
    buc = eessi.buc(code)
    version = max(buc.versions)
    return next(part.buc for part in checking._parts(buc, version) if part.name == name), version


@pytest.mark.parametrize(
    ("code", "name", "alone_there"),
    [
        ("LA_BUC_01", "A005 A006", {"A005", "A006"}),
        ("LA_BUC_01", "A001 A002 A011", set()),  # A002 and A011 exclude each other for each A001
        ("LA_BUC_01", "block remind", {"A001", "A002", "X009", "X010"}),
        ("LA_BUC_01", "block clarify", {"A001", "A002", "X012", "X013"}),
        ("LA_BUC_01", "block invalidate", set()),
        ("LA_BUC_01", "block add", {"A002"}),
        ("P_BUC_05", "P4000 P8000", {"P4000"}),  # a second P8000 of the owner can be taken for the opening one
        ("H_BUC_07", "H001 H002 H070", {"H001", "H002"}),  # invalidating the H070 withdraws H001, never the other way
        ("FB_BUC_01", "F001 F002 F004 F005", {"F004", "F005"}),  # F002 from all counterparties opens the owner's
        ("LA_BUC_02", "A003 A004 A007 A012", {"A007"}),
    ],
)
def test_kinds_that_cannot_touch(code: str, name: str, alone_there: set[str]) -> None:
    part, version = part_named(code, name)
    assert {sed for _, sed in alone(part, version, 2)} == alone_there


def test_a_kind_that_lets_its_author_send_the_next_is_explored_more_than_once() -> None:
    part, version = part_named("FB_BUC_01", "H120 H121")
    assert {sed: number for (_, sed), number in alone(part, version, 2).items()} == {"H120": 1, "H121": 2}


@pytest.mark.parametrize(
    ("code", "name", "bounds"),
    [
        ("P_BUC_05", "P4000 P8000", Bounds(flight=1, states=14_000)),
        ("FB_BUC_01", "H120 H121", Bounds(many=1, flight=1, states=14_000)),
        ("LA_BUC_01", "A005 A006", Bounds(many=1, flight=1, states=14_000)),
    ],
)
def test_the_same_answers_with_two_counterparties(code: str, name: str, bounds: Bounds) -> None:
    part, version = part_named(code, name)
    whole = explore(part, version, bounds, counterparties=2, closing=False, reduced=False)
    less = explore(part, version, bounds, counterparties=2, closing=False, single=alone(part, version, bounds.many))
    assert whole.complete
    assert less.complete
    assert len(less.nodes) * 3 < len(whole.nodes)
    assert _kinds(less) == _kinds(whole)
    for one, other in zip(
        checking._explored(part, version, whole, False)[2:],
        checking._explored(part, version, less, False)[2:],
        strict=True,
    ):
        assert told(one) == told(other)
