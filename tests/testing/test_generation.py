"""Scenarios made from a process walk all of it, their twins try what is refused, and both pass when they are played."""

from __future__ import annotations

import pytest

from eessi.buc import all_bucs, buc
from eessi.directory import Directory
from eessi.schemas import Registry
from eessi.testing import run
from eessi.testing.coverage import joined
from eessi.testing.generation import cover, negative_twin, scenario_of, write_scenario
from eessi.testing.planning import PARTIES, Planner, World

SECTOR = [process.code for process in all_bucs() if not process.is_administrative]
SAMPLE = ["S_BUC_01", "LA_BUC_01", "H_BUC_01", "LA_BUC_06", "R_BUC_02", "AW_BUC_10a", "UB_BUC_01"]

NO_WAY = {
    "AW_BUC_04c": {"Counterparty sends X013"},
    "AW_BUC_06a": {"Counterparty sends X013"},
    "AW_BUC_06b": {"Counterparty sends X013"},
    "AW_BUC_06c": {"Counterparty sends X013"},
    "AW_BUC_09a": {"Counterparty sends X013"},
    "AW_BUC_09b": {"Counterparty sends X013"},
}
"""Steps to which there is no way: X013 answers an X012 that nobody may send in these bilateral processes."""


def test_nearly_every_step_of_all_processes_is_covered() -> None:
    total = missed = 0
    for code in SECTOR:
        found = cover(code)
        assert set(found.missed) <= NO_WAY.get(code, set()), code
        total += found.total
        missed += len(found.missed)
    assert len(SECTOR) == 99
    assert total > 1900
    assert missed <= 6


def play(code: str, registry: Registry, directory: Directory) -> None:
    found = cover(code)
    runs = [run(scenario, registry=registry, directory=directory) for scenario in found.scenarios()]
    for played in runs:
        assert played.passed, (code, [(step.text, step.failures) for step in played.failures])
    covered = joined(runs)
    assert covered.total - len(covered.covered) == len(found.missed)
    for scenario in found.scenarios(negative=True):
        played = run(scenario, registry=registry, directory=directory)
        assert played.passed, (code, [(step.text, step.failures) for step in played.failures])
        assert any(" may not send " in step.text for step in played.steps)


@pytest.fixture(scope="module")
def registry() -> Registry:
    return Registry.default()


@pytest.fixture(scope="module")
def directory() -> Directory:
    return Directory.synthetic()


@pytest.mark.parametrize("code", SAMPLE)
def test_the_scenarios_and_their_twins_pass_when_played(code: str, registry: Registry, directory: Directory) -> None:
    play(code, registry, directory)


@pytest.mark.long
@pytest.mark.parametrize("code", [code for code in SECTOR if code not in SAMPLE])
def test_those_of_all_other_processes_too(code: str, registry: Registry, directory: Directory) -> None:
    play(code, registry, directory)


def test_a_twin_sends_what_the_other_side_must_reject(registry: Registry, directory: Directory) -> None:
    found = cover("LA_BUC_01")
    endings = [
        exchange.ending
        for scenario in found.scenarios(negative=True)
        for exchange in run(scenario, registry=registry, directory=directory).exchanges
    ]
    assert endings.count("rejected") > 10


def test_a_covering_set_is_small() -> None:
    found = cover("LA_BUC_01")
    assert found.total > 40
    assert len(found.worlds) <= 8


def test_the_text_is_a_file_like_any_other() -> None:
    found = cover("S_BUC_01")
    text = write_scenario(found.buc, found.version, found.worlds[0])
    scenario = scenario_of(text)
    assert scenario.buc == "S_BUC_01"
    assert text.startswith("# Generated")
    assert "may not send" in negative_twin(found.buc, found.version, found.worlds[0])


def test_a_way_back_to_a_waiting_time() -> None:
    definition = buc("LA_BUC_01")
    world = Planner(definition, max(definition.versions)).way("FR", "X009")
    assert world is not None
    assert world.walked >= {(PARTIES["FR"][0], "A001")}


def test_no_way_where_there_is_none() -> None:
    definition = buc("LA_BUC_01")
    planner = Planner(definition, max(definition.versions))
    assert planner.way("BE", "A001") is None
    assert planner.way("FR", "P2000") is None


def test_a_world_is_never_changed() -> None:
    definition = buc("LA_BUC_01")
    begin = World.begin(definition, max(definition.versions))
    move = next(begin.moves("FR", "A001"))
    after = begin.send("FR", move, {})
    assert begin.actions == ()
    assert not begin.cases["BE"].documents
    assert after.cases["BE"].documents
