"""Planted process bugs are found by random walks within a fixed budget and shrunk to the shortest way, give or take a step."""

from __future__ import annotations

import attrs
import pytest

from eessi.buc import buc
from eessi.testing import load_scenarios, players, run, stage
from eessi.testing.hunting import Bug, hunt, scenario_text, shortest
from tests.testing.planted import all_planted

BUDGET = 300
"""Random walks per bug."""


def test_thirty_planted_bugs_are_found_and_shrunk() -> None:
    found: list[tuple[str, int]] = []
    for name, right, wrong in all_planted()[3::17]:
        version = max(right.versions)
        best = shortest(right, wrong, version, depth=3, boards=1500)
        if best is None:
            continue  # the change cannot be seen from outside within three steps, so it is no bug to be found here
        bug = hunt(right, wrong, version, walks=BUDGET)
        assert bug is not None, name
        found.append((name, len(bug.walk) - len(best.walk)))
        if len(found) == 30:
            break
    assert len(found) == 30
    assert all(0 <= more <= 1 for _, more in found), found


def test_the_bugs_are_of_many_kinds() -> None:
    kinds = {" ".join(name.split(" ")[2:]) for name, _, _ in all_planted() if "forgets" not in name}
    assert {"is forgotten", "waits 30 days", "looks at the wrong side", "is sent by the other role"} <= kinds
    assert len(all_planted()) > 500


def test_a_process_has_no_difference_from_itself() -> None:
    process = buc("LA_BUC_01")
    assert hunt(process, process, "4.3", walks=20) is None
    assert shortest(process, process, "4.3", depth=2) is None


@pytest.mark.parametrize("sed", ["A011", "X001", "A005"])
def test_a_bug_becomes_a_scenario_that_fails_where_the_bug_is(sed: str, monkeypatch: pytest.MonkeyPatch) -> None:
    process = buc("LA_BUC_01")
    wrong = attrs.evolve(
        process,
        rows=tuple(row for row in process.rows if row.sed != sed),
        included=tuple(one for one in process.included if one.block != "close" or sed != "X001"),
    )
    bug = hunt(process, wrong, "4.3")
    assert bug is not None
    (scenario,) = load_scenarios("bug.buc.yaml", scenario_text(process, "4.3", bug))
    assert len(scenario.steps) <= len(bug.walk) + 3
    assert run(scenario).passed
    for module in (players, stage):
        monkeypatch.setattr(module, "buc", lambda _code: wrong)
    assert not run(scenario).passed


def test_the_same_seed_finds_the_same_bug_and_says_where() -> None:
    process = buc("LA_BUC_01")
    wrong = attrs.evolve(process, rows=tuple(row for row in process.rows if row.sed != "A011"))
    bug = hunt(process, wrong, "4.3", seed=7)
    assert bug == hunt(process, wrong, "4.3", seed=7)
    assert isinstance(bug, Bug)
    assert str(bug) == (
        "Counterparty, CaseOwner send A001: send A011 is no, the process says yes"
    )  # fmt: skip
