"""The list of SEDs, row by row against the facts it was made from."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from eessi.errors import UnknownCode
from eessi.ids import BucId, SedType
from eessi.sed import all_seds, find_sed


def test_row_by_row(shared: Path) -> None:
    facts = json.loads((shared / "catalogue" / "seds.json").read_text(encoding="utf-8"))
    rows = {row.code: row for row in all_seds()}
    assert len(rows) == len(facts) == 280
    for fact in facts:
        row = rows[fact["code"]]
        assert row.title == fact["title_en"], fact["code"]
        assert (row.sector, row.series, row.administrative) == (fact["sector"], fact["series"], fact["administrative"])
        if fact["title_en"]:
            title = row.titles["en"]
            assert (title.basis, title.source, title.confidence) == (
                fact["title_basis"], fact["title_source"], fact["title_confidence"],
            )  # fmt: skip
        assert {lang: title.text for lang, title in row.titles.items() if lang != "en"} == (fact["titles"] or {})
        assert row.direction == fact["direction"]["summary"]
        assert dict(row.senders) == fact["direction"]["sender_by_buc"]
        assert row.bucs == tuple(fact["bucs"])
        assert row.starter_of == tuple(fact["starter_of"])
        assert row.horizontal_in == tuple(fact["horizontal_in"])
        assert row.legal_basis == tuple(fact["legal_basis"] or ())
        assert row.cdm_versions == tuple(fact["cdm_versions"])
        assert row.form_versions == tuple(fact["model_versions_on_published_forms"])
        assert row.confidence == fact["confidence"]
        assert row.sources == tuple(fact["sources"])


def test_codes_are_words_of_the_field() -> None:
    for row in all_seds():
        assert SedType(row.code).series == row.series
        for buc in (*row.bucs, *row.starter_of, *row.horizontal_in):
            assert BucId(buc) == buc
        assert set(row.starter_of) <= set(row.bucs) | set(row.horizontal_in), row.code


def test_finding_a_row() -> None:
    assert find_sed("a001").title == "Request for Exception"
    assert find_sed("A001").title_in("fr") == "Demande de dérogation"
    assert find_sed("A001").title_in("xx") == "Request for Exception"
    assert find_sed("A001").titles["fr"].is_official
    assert find_sed("DA016").title is None
    with pytest.raises(UnknownCode, match="did you mean DA012C"):
        find_sed("DA012CC")
