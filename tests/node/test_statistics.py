"""Numbers reproduce from the event log; decisions are typed, sourced, pseudonymous unless asked otherwise."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
from collections import Counter
from pathlib import Path

import pytest
import sqlalchemy as sa

from eessi.cli.program import run
from eessi.errors import DefinitionError
from eessi.node.decisions import COLUMNS, DECISION_SEDS, decisions, load_decision_paths
from eessi.node.evidence import check_store
from eessi.node.keeping import erase
from eessi.node.statistics import statistics_of
from eessi.schemas import Registry
from eessi.sed import Sed, read_rina_json
from eessi.stores import Store
from eessi.stores.cases import CaseRows
from eessi.transport.corners import FourCorners
from tests.node.conftest import BE, FR, Pair, pair_of, sandbox
from tests.node.test_keeping import closed
from tests.node.test_node import started

PERSON = {
    "PersonIdentification": {
        "familyName": "Testperson", "forename": "Ada", "dateBirth": "1980-01-15", "sex": {"value": ["02"]},
        "PINPersonInEachInstitution": {"PersonalIdentificationNumber": [
            {"country": {"value": ["FR"]}, "personalIdentificationNumber": "TEST-0001"},
            {"country": {"value": ["BE"]}, "personalIdentificationNumber": "TEST-9"}]},
    },
    "AdditionalInformationPerson": {"nationality": {"value": ["FR", "BE"]}},
}  # fmt: skip
A003 = {
    "Person": PERSON,
    "DecisionLegislationApplicable": {
        "memberStateWhichLegislationApplies": {"value": ["FR"]},
        "PeriodForWhichDecisionApplies": {"FixedPeriod": {"startDate": "2026-01-01", "endDate": "2026-12-31"}},
    },
    "PlaceWork": {"CountriesWork": [{"countryWork": {"value": ["BE"]}}, {"countryWork": {"value": ["NL"]}}]},
    "ArticleRegulationECNo8832004Or9872009": {"articleRegulationECNo8832004Or9872009": {"value": ["13_1_a"]}},
}


def a003(**changes: object) -> Sed:
    """Synthetic, in the tree that one client's mapping shows (4.4)."""
    return read_rina_json(json.dumps({"A003": {**A003, **changes}}), version="4.4", registry=Registry.default())


def decided(pair: Pair, **changes: object) -> str:
    case_id = str(pair.fr.start("LA_BUC_02", [BE], version="4.4"))
    pair.fr.send(case_id, a003(**changes))
    return case_id


def test_counts_are_those_of_the_event_log(pair: Pair) -> None:
    """A plain count over the raw log gives the same numbers."""
    closed(pair)
    started(pair)
    for node in (pair.fr, pair.be):
        found = statistics_of(node.store)
        plain: Counter[tuple[str, str]] = Counter()
        with node.store.read() as unit:
            for body in unit.execute(sa.text("SELECT body FROM case_event")).scalars():
                event = json.loads(str(body))
                if event.get("kind") in ("sent", "received"):
                    plain[(event["sed"], "OUT" if event["kind"] == "sent" else "IN")] += 1
        counted: Counter[tuple[str, str]] = Counter()
        for row in found.documents:
            counted[(row.sed, row.direction)] += row.documents
        assert counted == plain
        assert sum(one.cases for one in found.cases) == 2
        assert check_store(node.store) == ()


def test_both_sides_count_the_days_to_an_answer(pair: Pair) -> None:
    """What came in names no parent; the side that asked must know the days all the same."""
    case_id = started(pair)
    [came] = pair.be.receive()
    pair.corners.advance(dt.timedelta(days=4))
    pair.be.send(case_id, sandbox("A011"), parent_id=came.document_id)
    pair.run()
    for node in (pair.fr, pair.be):
        [delay] = statistics_of(node.store).delays
        assert (delay.sed, delay.answer, delay.pairs, round(delay.median)) == ("A001", "A011", 1, 4)


def test_a_head_that_says_something_else_than_its_history_is_found(pair: Pair) -> None:
    case_id = started(pair)
    with pair.fr.store.begin() as unit:
        unit.execute(sa.text("UPDATE case_head SET state = 'closed'"))
    assert check_store(pair.fr.store) == (f"case {case_id}: its head says closed, its history open",)


def test_erasing_changes_no_number_of_documents(pair: Pair) -> None:
    case_id = closed(pair)
    before = statistics_of(pair.fr.store)
    erase(pair.fr.store, case_id, who="w", reason="r", now=pair.corners.now)
    after = statistics_of(pair.fr.store)
    assert (after.documents, after.delays) == (before.documents, before.delays)
    assert [one.state for one in after.cases] == ["erased"]


def test_a_document_counts_for_the_country_it_goes_to(pair: Pair) -> None:
    """Two counterparties in two countries; one document goes to one of them."""
    case_id = str(pair.fr.start("H_BUC_01", [BE, "NL:SYNTH001"], version="4.3"))
    with pair.fr.store.begin() as unit:
        from eessi.buc import Event
        from eessi.node.stored import add_events, load

        rows = CaseRows(unit)
        before = load(rows, case_id)
        sent = Event("sent", sed="H001", document_id="d1", at=pair.corners.now, receivers=(BE,))
        add_events(rows, before, before.case.apply(sent), pair.corners.now, None)
    [row] = statistics_of(pair.fr.store).documents
    assert (row.country, row.verdict, row.documents) == ("BE", "no content", 1)


def test_decisions_are_typed_and_each_column_has_its_source(pair: Pair) -> None:
    decided(pair)
    found = decisions(pair.fr.store, pair.fr.vault)
    [row] = found.rows
    assert (row["sed"], row["legislation"], row["article"], row["countries_of_work"]) == (
        "A003",
        "FR",
        "13_1_a",
        "BE NL",
    )
    assert (row["period_start"], row["period_end"]) == (dt.date(2026, 1, 1), dt.date(2026, 12, 31))
    assert (row["sex"], row["birth"], row["nationality"], row["date"]) == ("02", 1980, "FR BE", dt.date(2026, 1, 5))
    assert "TEST" not in repr(found)
    assert "Testperson" not in repr(found)
    assert [one.column for one in found.columns] == [name for name in COLUMNS if name in row]
    assert "previous_decision" not in row, "what no document says is absent"
    sources = {one.column: one.sources for one in found.columns}
    assert sources["legislation"] == ("DecisionLegislationApplicable/memberStateWhichLegislationApplies (melosys)",)
    assert all(sources.values())


def test_one_person_has_one_pseudonym_and_the_numbers_only_when_asked(pair: Pair) -> None:
    decided(pair)
    turned = json.loads(json.dumps(PERSON))
    turned["PersonIdentification"]["PINPersonInEachInstitution"]["PersonalIdentificationNumber"].reverse()
    decided(pair, Person=turned)
    first, second = decisions(pair.fr.store, pair.fr.vault).rows
    assert first["person"] == second["person"]
    clear = decisions(pair.fr.store, pair.fr.vault, pseudonyms=False).rows[0]
    assert (clear["person"], clear["birth"]) == ("BE:TEST-9 FR:TEST-0001", dt.date(1980, 1, 15))


def test_what_is_no_date_is_told_and_left_out(pair: Pair) -> None:
    period = {"PeriodForWhichDecisionApplies": {"FixedPeriod": {"startDate": "soon", "endDate": "2026-12-31"}}}
    case_id = decided(pair, DecisionLegislationApplicable=period)
    found = decisions(pair.fr.store, pair.fr.vault)
    assert "period_start" not in found.rows[0]
    assert found.not_read[0].startswith(f"{case_id}/")
    assert "soon" not in repr(found.not_read)


def test_every_path_of_the_table_stands_in_a_tree_that_ships() -> None:
    registry = Registry.default()
    for row in load_decision_paths():
        for form in row.forms:
            trees = [registry.structure(sed, "4.4" if form == "eessi" else "1.0") for sed in row.seds]
            assert any(tree is not None and tree.find(row.path) is not None for tree in trees), row.id


def test_paths_of_your_own(pair: Pair, tmp_path: Path) -> None:
    decided(pair)
    file = tmp_path / "mine.toml"
    file.write_text(
        'format = 1\n[[rule]]\nid = "a003-legislation"\nseds = ["A003"]\ncolumn = "legislation"\ntype = "code"\nsource = "mine"\n'
        'path = "PlaceWork/CountriesWork/countryWork"\n'
    )
    [row] = decisions(pair.fr.store, pair.fr.vault, paths=load_decision_paths(file)).rows
    assert row["legislation"] == "BE NL"
    file.write_text(
        'format = 1\n[[rule]]\nid = "x"\nseds = ["A999"]\ncolumn = "sex"\ntype = "code"\nsource = "m"\npath = "p"\n'
    )
    with pytest.raises(DefinitionError, match=r"rule\.1\.seds"):
        load_decision_paths(file)


def test_sandbox_documents_and_erased_ones(pair: Pair) -> None:
    case_id = closed(pair)
    [row] = decisions(pair.fr.store, pair.fr.vault).rows
    assert (row["sed"], row["sex"], row["birth"]) == ("A011", "02", 1980)
    assert "legislation" not in row, "a sandbox document does not say, so nothing is said"
    erase(pair.fr.store, case_id, who="w", reason="r", now=pair.corners.now)
    found = decisions(pair.fr.store, pair.fr.vault)
    assert (found.rows, found.erased, found.columns) == ((), 1, ())
    assert set(DECISION_SEDS) == {"A003", "A009", "A010", "A011", "A012"}


def test_the_command_in_csv_and_excel(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from openpyxl import load_workbook

    with Store.open(tmp_path / "fr.db") as fr, Store.open("sqlite://") as be:
        pair = pair_of(FourCorners(FR, BE, stores=(fr, be)))
        article = {"articleRegulationECNo8832004Or9872009": {"value": ["=HYPERLINK(1)"]}}
        decided(pair, ArticleRegulationECNo8832004Or9872009=article)
    key = tmp_path / "key"
    key.write_bytes(bytes(32))
    key.chmod(0o600)
    words = ["decisions", "--store", str(tmp_path / "fr.db"), "--key-file", str(key), "--format"]
    assert run([*words, "csv"]) == 0
    [row] = csv.DictReader(io.StringIO(capsys.readouterr().out))
    assert (row["legislation"], row["period_start"], row["article"]) == ("FR", "2026-01-01", "'=HYPERLINK(1)")
    file = tmp_path / "d.xlsx"
    assert run([*words, "xlsx", "-o", str(file)]) == 0
    book = load_workbook(file)
    assert book.sheetnames == ["decisions", "sources"]
    header, first = list(book["decisions"].iter_rows(values_only=True))
    found = dict(zip(header, first, strict=True))
    assert found["period_start"] == dt.datetime(2026, 1, 1), "a day is a day in the sheet, not a text"
    assert run([*words, "json"]) == 0
    assert json.loads(capsys.readouterr().out)["columns"][0] == {"column": "case_id", "meaning": "case", "sources": ["head of case and document"]}  # fmt: skip
    assert run([*words, "xlsx"]) == 2
