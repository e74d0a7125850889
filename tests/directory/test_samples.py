"""The two synthetic full copies of the reference facts: their difference and the look-ups on them."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest

from eessi.directory import Directory


@pytest.fixture(scope="module")
def facts(shared: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((shared / "directory" / "sample_syn001_diff.json").read_text(encoding="utf-8"))
    return found


@pytest.fixture(scope="module")
def copies(shared: Path) -> dict[str, Directory]:
    return {name: Directory.load(shared / "directory" / f"sample_syn001_{name}.xml") for name in ("v1", "v2")}


def test_the_difference_is_the_expected_one_word_by_word(facts: dict[str, Any], copies: dict[str, Directory]) -> None:
    """Kinds, words, values and order; the notes of the expected file speak to people and are no words of a change."""
    expected = [{name: word for name, word in row.items() if name != "note"} for row in facts["changes"]]
    difference = copies["v1"].diff(copies["v2"])
    assert difference.as_words() == expected
    assert [list(row) for row in difference.as_words()] == [list(row) for row in expected]


def test_every_look_up_gives_the_expected_institutions(facts: dict[str, Any], copies: dict[str, Directory]) -> None:
    assert len(facts["lookups"]) == 7
    for row in facts["lookups"]:
        directory = copies[row["copy"]]
        assert directory.head.created is not None
        on = dt.date.fromisoformat(row["on"]) if "on" in row else directory.head.created.date()
        found = directory.find(row["buc"], row["role"], row["country"], on)
        assert list(found.institutions) == row["expect"], row


def test_the_reasons_are_those_the_facts_name(copies: dict[str, Directory]) -> None:
    out = copies["v1"].find("LA_BUC_02", "CounterParty", "SE", dt.date(2026, 1, 10)).left_out
    assert [(each.institution.id, each.reason.value) for each in out] == [("SE:0001", "not-ready")]
    found = copies["v1"].find("P_BUC_01", "CounterParty", "GR", dt.date(2026, 1, 10))
    assert "EL" in found.hints[0]
    early = copies["v2"].find("FB_BUC_01", "CounterParty", "FR", dt.date(2026, 1, 31)).left_out
    assert [(each.reason.value, each.day) for each in early] == [("not-yet", dt.date(2026, 2, 1))]


def test_the_difference_applied_to_one_copy_gives_the_other(copies: dict[str, Directory]) -> None:
    old, new = copies["v1"], copies["v2"]
    assert old.apply(old.diff(new)) == new
    assert new.apply(new.diff(old)) == old
    assert not old.diff(old)


def test_a_body_that_vanished_is_kept_closed_on_the_day_of_the_new_copy(copies: dict[str, Directory]) -> None:
    after = copies["v2"].after(copies["v1"])
    gone = after.get("DE:000000039")
    assert "DE:000000039" not in after
    assert gone.period.end == dt.date(2026, 2, 10)
    out = after.find("S_BUC_01", "CounterParty", "DE", dt.date(2026, 2, 20)).left_out
    assert [(each.institution.id, each.reason.value) for each in out] == [("DE:000000039", "no-longer")]


def test_versions_are_ordered_by_number(copies: dict[str, Directory]) -> None:
    old, new = copies["v1"].version, copies["v2"].version
    assert old is not None
    assert new is not None
    assert old < new


def test_the_copies_themselves_have_no_defect(copies: dict[str, Directory]) -> None:
    assert [copy.findings for copy in copies.values()] == [(), ()]
