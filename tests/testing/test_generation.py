"""Scenarios made from a process walk all of it, their twins try what is refused, and both pass when they are played."""

from __future__ import annotations

from pathlib import Path

import pytest

from eessi.buc import all_bucs, buc
from eessi.directory import Directory
from eessi.ids import Role
from eessi.schemas import Registry
from eessi.testing import Scenario, run
from eessi.testing.coverage import joined
from eessi.testing.generation import cover, negative_twin, scenario_of, write_scenario
from eessi.testing.planning import PARTIES, UPDATE, Planner, World

SECTOR = [process.code for process in all_bucs() if not process.is_administrative]
SAMPLE = ["S_BUC_01", "LA_BUC_01", "H_BUC_01", "LA_BUC_06", "R_BUC_02", "AW_BUC_10a", "UB_BUC_01"]

NO_WAY = {"AW_BUC_04c", "AW_BUC_06a", "AW_BUC_06b", "AW_BUC_06c", "AW_BUC_09a", "AW_BUC_09b"}
UNREACHABLE = {"Counterparty sends X013", "CaseOwner receives X013"}
"""Steps to which there is no way: X013 answers an X012 that nobody may send in these bilateral processes."""


def test_every_step_of_all_processes_and_administrative_blocks_is_covered_but_for_six_dead_rows() -> None:
    total, updated = 0, 0
    known: dict[str, set[tuple[Role, str]]] = {}
    walked: dict[str, set[tuple[Role, str]]] = {}
    for code in SECTOR:
        found = cover(code)
        assert set(found.missed) == (UNREACHABLE if code in NO_WAY else set()), code
        total += found.total
        done = {step for world in found.worlds for step in world.walked}
        updated += sum(sed.startswith(UPDATE) for _, sed in done)
        for role, rows in found.buc.program(found.version).rows.items():
            for sed, row in rows.items():
                if row.block is not None:
                    known.setdefault(row.block, set()).add((role, str(sed)))
                    walked.setdefault(row.block, set()).update({(role, str(sed))} & done)
    assert (len(SECTOR), total) == (99, 4356)
    blocks = {str(process.block) for process in all_bucs() if process.is_administrative}
    assert len(blocks) == 12
    assert blocks - set(known) == {"update", "exception", "change"}
    assert known == walked
    assert updated == 646, "the block 'update' has no SED of its own: it is the next version of any"


def test_what_only_systems_send_is_walked_by_a_shipped_scenario(root: Path) -> None:
    played = run(Scenario.load(root / "examples" / "scenarios" / "systems.buc.yaml"))
    assert played.passed, played.failures
    assert [exchange.document.sed for exchange in played.exchanges] == ["A001", "X050", "X100"]


def play(code: str, registry: Registry, directory: Directory) -> None:
    found = cover(code)
    runs = [run(scenario, registry=registry, directory=directory) for scenario in found.scenarios()]
    for played in runs:
        assert played.passed, (code, [(step.text, step.failures) for step in played.failures])
    covered = joined(runs, [found.version])
    assert covered.total - covered.covered == len(found.missed)
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
    assert found.total == 135
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
