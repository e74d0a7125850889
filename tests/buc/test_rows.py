"""Every row of the definitions equals the catalogue, and what the catalogue only tells as a note is marked as such."""

from __future__ import annotations

import importlib.util
import json
import tomllib
from pathlib import Path
from typing import Any

import pytest

import eessi
from eessi.buc import loading

CODES = loading.codes()
ROLES = {"case_owner": "CaseOwner", "counterparty": "Counterparty"}
NOTED = {"changes", "since"}
"""Columns that carry what the catalogue tells in its version notes."""


@pytest.fixture(scope="module")
def catalogue(shared: Path) -> dict[str, dict[str, Any]]:
    rows = json.loads((shared / "catalogue" / "bucs.json").read_text(encoding="utf-8"))
    return {row["code"]: row for row in rows}


@pytest.fixture(scope="module")
def conditions(root: Path) -> dict[str, str]:
    """Wording of the catalogue -> name of the condition, from the script that made the files."""
    spec = importlib.util.spec_from_file_location("make_buc_definitions", root / "tools" / "make_buc_definitions.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found: dict[str, str] = module.CONDITIONS
    return found


def table(code: str) -> dict[str, Any]:
    path = Path(loading.__file__).parent / "definitions" / f"{code}.toml"
    return tomllib.loads(path.read_text(encoding="utf-8"))


def test_all_processes_are_there(catalogue: dict[str, dict[str, Any]]) -> None:
    assert set(CODES) == set(catalogue)
    assert len(CODES) == 111


@pytest.mark.parametrize("code", CODES)
def test_head(code: str, catalogue: dict[str, dict[str, Any]]) -> None:
    row, buc = catalogue[code], eessi.buc(code)
    assert buc.title == row["name_en"]
    assert buc.participants == row["participants"]
    assert list(buc.starters) == row["starter_seds"]
    assert buc.confidence == row["confidence"]
    assert list(map(str, buc.versions)) == row["cdm_versions"]
    assert list(buc.legal_basis) == row["legal_basis"]
    assert list(buc.notes) == row["notes"]
    assert list(buc.version_notes) == row["version_notes"]


def expected_trigger(row: dict[str, Any], conditions: dict[str, str]) -> dict[str, Any]:
    names = {
        "sed": "sed", "as_reply_to": "reply_to", "only_if_case_starter": "starter", "delay_days": "days",
        "only_if_trigger_has_no_parent": "unparented", "only_if_parent_of_trigger": "parent",
    }  # fmt: skip
    out = {"role": ROLES[row["role"]], "event": row["event"]}
    out |= {new: row[old] for old, new in names.items() if old in row}
    if "custom_handler" in row:
        out |= {"reply_to": {"DA073R": "DA071", "S053R": "S051"}[row["sed"]], "again": True}
    if "condition" in row:
        out["condition"] = conditions[row["condition"]].format(sed=row.get("sed"))
    return out


def bare(trigger: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in trigger.items() if key not in ("since", "until", "source", "note")}


@pytest.mark.parametrize("code", CODES)
def test_rows(code: str, catalogue: dict[str, dict[str, Any]], conditions: dict[str, str]) -> None:
    if code.startswith("AD_"):
        buc = eessi.buc(code)
        assert buc.block is not None
        assert [send.sed for send in buc.blocks[buc.block].sends] == [row["sed"] for row in catalogue[code]["flow"]]
        return
    own = table(code)
    for kind, key in (("send", "flow"), ("horizontal", "horizontal_subprocesses")):
        rows = [row for row in own.get(kind, []) if row["source"] == "dmt"]
        extra = [row for row in own.get(kind, []) if row["source"] != "dmt"]
        assert all("since" in row and row["confidence"] == "low" for row in extra), (
            "a row beside the catalogue says why"
        )
        assert [row["sed"] for row in rows] == [row["sed"] for row in catalogue[code][key]]
        for row, fact in zip(rows, catalogue[code][key], strict=True):
            compare_row(row, fact, conditions)


def compare_row(row: dict[str, Any], fact: dict[str, Any], conditions: dict[str, str]) -> None:
    senders = list(ROLES.values()) if fact["sender"] == "either" else [ROLES[fact["sender"]]]
    assert row["by"] == senders
    assert row.get("starter", False) == fact["starter"]
    assert row["repeat"] == ("any_time" if fact["repeat_rule"] == "any_time" else "once")
    assert row.get("process") == fact.get("subprocess_of")
    triggers = [item for item in row["after"] if "source" not in item]
    assert [bare(item) for item in triggers] == [expected_trigger(item, conditions) for item in fact["available_after"]]
    flags = {
        "attachments": "attachments", "update": "updatable", "invalidate": "invalidatable", "reject": "rejectable",
        "clarify": "clarifiable", "bulk": "bulk", "choose_receivers": "recipient_choice",
        "again_after_invalidation": "recreate_after_invalidation",
    }  # fmt: skip
    assert {name: row.get(name, False) for name in flags} == {name: fact[old] for name, old in flags.items()}
    replies = {item.get("reply_to") for item in triggers} - {None}
    assert replies == set(fact["reply_to"] or ())
    assert fact["optional"] or fact["starter"]


@pytest.mark.parametrize("code", [code for code in CODES if not code.startswith("AD_")])
def test_effects(code: str, catalogue: dict[str, dict[str, Any]], conditions: dict[str, str]) -> None:
    own = [row for row in table(code).get("effects", []) if row["source"] == "dmt"]
    for row, fact in zip(own, catalogue[code]["effects"], strict=True):
        assert (row["role"], row["event"], row["sed"]) == (ROLES[fact["role"]], fact["event"], fact["sed"])
        assert (row["effect"], row["target"]) == (fact["effect"], fact["target_sed"])
        operations = {"create" if item == "create_reply" else item for item in fact["operations"]}
        assert set(row["operations"]) == ({"create", "send", "update"} if operations == {"any"} else operations)
        assert row.get("parent") == fact.get("only_if_parent")
        assert row.get("same_parent", False) == ("scope" in fact)
        assert row.get("starter", False) == fact.get("only_if_case_starter", False)
        assert row.get("condition") == (conditions[fact["condition"]] if "condition" in fact else None)


@pytest.mark.parametrize("code", [code for code in CODES if not code.startswith("AD_")])
def test_administrative_blocks(code: str, catalogue: dict[str, dict[str, Any]], conditions: dict[str, str]) -> None:
    """What the blocks unfold to is what the catalogue lists, SED by SED and role by role."""
    fact, program = catalogue[code]["admin_seds"], eessi.buc(code).program("4.3")
    unfolded = {sed for sed in program.seds if sed.is_administrative}
    assert unfolded == set(fact) - {"X050", "X100"}
    for sed in ("X001", "X002", "X003", "X004", "X005", "X006", "X007", "X009", "X010"):
        assert list(program.senders(sed)) == [ROLES[role] for role in fact.get(sed, {}).get("may_send", [])], sed
    for sed in ("X008", "X011", "X012"):
        for side in program.rows:
            for trigger in program.rows[side].get(eessi.SedType(sed), NOTHING).after:
                assert trigger.sed in fact[sed]["target_seds"]
        reached = {
            item.sed for side in program.rows for item in program.rows[side].get(eessi.SedType(sed), NOTHING).after
        }
        assert reached == set(fact.get(sed, {}).get("target_seds", []))
    itself = fact.get("X006", {}).get("counterparty_may_remove_only_itself", False)
    assert ("Counterparty" in program.only_itself) == itself
    closing = catalogue[code]["closing_rule"]
    assert list(eessi.buc(code).local_close) == [ROLES[role] for role in closing["local_close_by"]]
    listed = [row for item in eessi.buc(code).included if item.block == "close" for row in item.after]
    wanted = closing["global_close"]["available_after"] if closing["global_close"] else []
    for trigger, row in zip(listed, wanted, strict=True):
        assert (trigger.role, trigger.event, trigger.sed) == (ROLES[row["role"]], row["event"], row["sed"])
        assert trigger.days == row.get("delay_days")
        assert trigger.condition == (conditions[row["condition"]] if "condition" in row else None)


NOTHING = eessi.buc.SendRow(eessi.SedType("X001"), (), ())


def test_timers_and_practice_stand_apart(shared: Path, catalogue: dict[str, dict[str, Any]]) -> None:
    """A waiting time is a rule; one country's days without activity are a practice and change no answer."""
    timers = json.loads((shared / "catalogue" / "actions.json").read_text(encoding="utf-8"))["timers"]
    found = {
        (buc.code, trigger.sed, trigger.days)
        for buc in eessi.buc.all_bucs()
        for item in buc.included
        for trigger in item.after
        if trigger.days is not None
    }
    assert found == {(row["buc"], row["after"].split()[0], row["days"]) for row in timers}
    practised = {code for code, row in catalogue.items() if row["closing_rule"] and "practice" in row["closing_rule"]}
    assert {buc.code for buc in eessi.buc.all_bucs() if buc.practices} == practised
    assert all(item.country == "NO" for buc in eessi.buc.all_bucs() for item in buc.practices)


def test_every_source_is_explained() -> None:
    known = set(loading.sources())
    for buc in eessi.buc.all_bucs():
        assert set(buc.sources) <= known
        for row in (*buc.rows, *buc.effects):
            assert row.source
            assert row.confidence


def test_version_notes_that_change_rows() -> None:
    """The notes on versions are rows: what a version did not have is not offered in it."""

    def row(code: str, sed: str, version: str, role: str = "CaseOwner") -> Any:
        return eessi.buc(code).program(version).rows[eessi.Role(role)].get(eessi.SedType(sed))

    assert row("AW_BUC_01b", "DA003A", "4.1", "Counterparty") is None
    assert row("AW_BUC_01b", "DA003A", "4.2", "Counterparty") is not None
    assert row("AW_BUC_01b", "X009", "4.1") is None
    assert row("AW_BUC_02", "DA003", "4.1").update is False
    assert row("AW_BUC_02", "DA003", "4.2").update is True
    assert row("AW_BUC_04a", "DA007", "4.1", "Counterparty").update is True
    assert row("AW_BUC_04a", "DA007", "4.2", "Counterparty").update is False
    assert row("H_BUC_04", "H021", "4.1", "Counterparty").invalidate is False
    assert row("H_BUC_04", "H021", "4.2", "Counterparty").invalidate is True
    assert row("P_BUC_03", "X006", "4.1", "Counterparty") is None
    assert row("P_BUC_03", "X006", "4.2", "Counterparty") is not None
    assert row("S_BUC_18", "S050", "4.2") is None
    assert row("S_BUC_18", "S050", "4.3") is not None
    assert not any(item.reply_to for item in row("LA_BUC_01", "H004", "4.2").after)
    assert all(item.reply_to == "H003" for item in row("LA_BUC_01", "H004", "4.3").after)
    assert len(row("UB_BUC_01", "U001", "4.1").after) == 1
    assert len(row("UB_BUC_01", "U001", "4.2").after) == 3
    owner = eessi.Role.COUNTERPARTY
    assert owner not in eessi.buc("P_BUC_01").program("4.1").only_itself
    assert owner in eessi.buc("P_BUC_01").program("4.2").only_itself
    assert not eessi.buc("S_BUC_23").program("4.1").effects
    assert eessi.buc("S_BUC_23").program("4.2").effects
