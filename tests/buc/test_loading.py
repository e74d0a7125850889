"""Loading never runs code; what breaks the form is an error with file and key."""

from __future__ import annotations

from pathlib import Path

import pytest

import eessi
from eessi.buc import load_definition, load_definitions
from eessi.errors import DefinitionError

NATIONAL = """
format = 1
code = "FR_BUC_PENSION"
sector = "FR"
title = "A national process, invented for this test"
participants = "bilateral"
versions = ["4.3"]
confidence = "low"
sources = ["test"]

[closing]
local = ["CaseOwner"]

[administrative]
remind = { by = ["CaseOwner"] }

[[send]]
sed = "P2000"
by = ["CaseOwner"]
starter = true
repeat = "once"
after = [{ role = "CaseOwner", event = "case_start" }]
source = "test"
confidence = "low"

[[send]]
sed = "P5000"
by = ["Counterparty"]
repeat = "once"
after = [{ role = "Counterparty", event = "received", sed = "P2000", reply_to = "P2000" }]
source = "test"
confidence = "low"
"""


def test_a_national_process_runs_like_any_other(tmp_path: Path) -> None:
    (tmp_path / "pension.toml").write_text(NATIONAL, encoding="utf-8")
    own = load_definitions(tmp_path)
    case = own["FR_BUC_PENSION"].start("CaseOwner", "4.4")
    assert case.assumed
    case = case.apply(eessi.Event("sent", sed="P2000")).apply(eessi.Event("received", sed="P5000"))
    assert case.allowed().seds == {"X009"}
    assert "FR_BUC_PENSION" not in eessi.buc.loading.codes(), "what ships is not changed"


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ("repeat = ", "repeats = ", "send.0.repeat"),
        ('title = "A', 'colour = "red"\ntitle = "A', "colour"),
        ('repeat = "once"', 'repeat = "twice"', "send.0.repeat"),
        ('role = "CaseOwner", event', 'role = "Owner", event', "send.0.after.0.role"),
        ('event = "case_start"', 'event = "case_begin"', "send.0.after.0.event"),
        ("starter = true", 'starter = "__import__(1)"', "send.0.starter"),
        ('sed = "P2000", reply_to', 'sed = "P2100", reply_to', "send P5000.after"),
        ('reply_to = "P2000"', 'reply_to = "P2100"', "send P5000.after"),
        ('reply_to = "P2000"', 'condition = "moon is full"', "send P5000.after"),
        ("remind = ", "remindd = ", "administrative.remindd"),
        ("starter = true\n", "", "send.starter"),
        ('by = ["Counterparty"]', 'by = ["CaseOwner"]', "send P5000.after"),
        ('sed = "P5000"', 'sed = "P2000"\nstarter = false', None),
        ("format = 1", "format = 2", "format"),
        ('versions = ["4.3"]', 'versions = ["new"]', None),
        ('sed = "P5000"', 'sed = "five"', None),
        ("format = 1", "format = = 1", None),
    ],
)
def test_broken_definitions(old: str, new: str, key: str | None) -> None:
    assert old in NATIONAL
    text = NATIONAL.replace(old, new, 1)
    if new.startswith('sed = "P2000"\n'):  # a second row for the same SED and role
        text = text.replace('by = ["Counterparty"]', 'by = ["CaseOwner"]').replace("Counterparty", "CaseOwner")
    with pytest.raises(DefinitionError) as caught:
        load_definition(text, file="pension.toml")
    assert caught.value.file == "pension.toml"
    if key is not None:
        assert caught.value.key == key
    assert "\n" not in str(caught.value)


def test_folders_that_hold_nothing_useful(tmp_path: Path) -> None:
    with pytest.raises(DefinitionError, match="no such folder"):
        load_definitions(tmp_path / "absent")
    with pytest.raises(DefinitionError, match="no definition"):
        load_definitions(tmp_path)
    (tmp_path / "a.toml").write_bytes(b'name = "Li\xe8ge"')
    with pytest.raises(DefinitionError, match=r"a\.toml: cannot be read"):
        load_definitions(tmp_path)
    (tmp_path / "a.toml").write_text(NATIONAL, encoding="utf-8")
    (tmp_path / "b.toml").write_text(NATIONAL, encoding="utf-8")
    with pytest.raises(DefinitionError, match="two files"):
        load_definitions(tmp_path)


def test_own_facts_and_conditions(tmp_path: Path) -> None:
    text = NATIONAL.replace('reply_to = "P2000"', 'condition = "P2000 is complete"')
    (tmp_path / "pension.toml").write_text(text, encoding="utf-8")
    with pytest.raises(DefinitionError, match="no condition is called"):
        load_definitions(tmp_path)
    conditions = """
format = 1
[[fact]]
name = "P2000.complete"
text = "the P2000 is complete"
[[condition]]
name = "P2000 is complete"
facts = { "P2000.complete" = true }
"""
    (tmp_path / "conditions.toml").write_text(conditions, encoding="utf-8")
    case = load_definitions(tmp_path)["FR_BUC_PENSION"].start("Counterparty", "4.3")
    case = case.apply(eessi.Event("received", sed="P2000"))
    assert [str(move.sed) for move in case.allowed().depends] == ["P5000"]
    (tmp_path / "conditions.toml").write_text(
        conditions.replace('"P2000.complete" =', '"P2000.done" ='), encoding="utf-8"
    )
    with pytest.raises(DefinitionError, match="unknown fact"):
        load_definitions(tmp_path)
    (tmp_path / "conditions.toml").write_text(conditions + 'history = [{ test = "eval" }]\n', encoding="utf-8")
    with pytest.raises(DefinitionError, match="no history test"):
        load_definitions(tmp_path)


def test_every_condition_is_used_and_every_fact_is_in_one() -> None:
    known = eessi.buc.loading.conditions()
    used = {
        trigger.condition
        for buc in eessi.buc.all_bucs()
        for trigger in (*(t for row in buc.rows for t in row.after), *(t for item in buc.included for t in item.after))
    }
    used |= {effect.condition for buc in eessi.buc.all_bucs() for effect in buc.effects}
    assert used - {None} == set(known.rows)
    named = {fact for rows in known.rows.values() for row in rows for fact in row.facts}
    assert set(known.facts) - named == {"X003.agreed", "X004.reopen"}


def test_every_definition_unfolds_in_every_version() -> None:
    for buc in eessi.buc.all_bucs():
        for version in buc.versions:
            if not buc.is_administrative:
                assert buc.program(version).seds
