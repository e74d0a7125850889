"""Client JSON, CSV and Excel: read as people and programs write them, and given back without loss."""

from __future__ import annotations

import datetime as dt
import json
from collections import Counter
from io import BytesIO
from pathlib import Path

import attrs
import pytest
from hypothesis import given, settings

from eessi.directory import Directory, Environment, Folding, Translation
from eessi.directory.client_json import write_answer
from eessi.directory.csv_table import write_csv
from eessi.directory.difference import Content
from eessi.directory.workbook import content_of_workbook, read_rows, write_table, write_workbook
from eessi.errors import InputError
from eessi.ids import Role
from tests.directory.strategies import LAW, directories

ON = dt.date(2020, 6, 1)


@pytest.fixture(scope="module")
def acceptance(shared: Path) -> Directory:
    return Directory.load(shared / "directory" / "institution_competences.json")


def test_the_acceptance_copy_has_all_its_competences(acceptance: Directory) -> None:
    rows = [row for each in acceptance for row in each.competences]
    assert len(rows) == 22_798
    assert len(acceptance) == 248
    roles = Counter(row.role for row in rows)
    assert roles == {Role.COUNTERPARTY: 11_460, Role.CASE_OWNER: 11_219, Role.INTELLIGENT_RA: 119}
    assert len({row.buc for row in rows}) == 99
    assert len({row.period.start for row in rows}) == 124
    assert min(row.period.start for row in rows) == dt.date(1934, 10, 25)
    assert acceptance.environment is Environment.ACCEPTANCE
    assert acceptance.findings == ()


def test_the_one_body_that_is_not_ready_is_left_out_with_its_reason(acceptance: Directory) -> None:
    found = acceptance.find("P_BUC_03", "CounterParty", "PL", ON)
    assert "PL:PL390050ER" not in found.institutions
    assert [(out.institution.id, out.reason.value) for out in found.left_out] == [("PL:PL390050ER", "not-ready")]
    everywhere = [
        out.institution.id
        for buc in {row.buc for each in acceptance for row in each.competences}
        for out in acceptance.find(buc, "CounterParty", on=ON).left_out
        if out.reason.value == "not-ready"
    ]
    assert everywhere == ["PL:PL390050ER"]


def test_a_routing_body_is_never_returned_for_a_counterparty(acceptance: Directory) -> None:
    """For all 99 processes: matches are exactly the ready counterparties, counted by hand."""
    bucs = sorted({row.buc for each in acceptance for row in each.competences})
    routing_only = 0
    for buc in bucs:
        found = acceptance.find(buc, "CounterParty", on=ON)
        wanted = {
            each.id
            for each in acceptance
            if any(row.buc == buc and row.role is Role.COUNTERPARTY and row.is_ready for row in each.competences)
        }
        assert set(found.institutions) == wanted
        for match in found:
            assert match.competence.role is Role.COUNTERPARTY
        for out in found.left_out:
            if out.reason.value == "routing-only":
                routing_only += 1
                assert {row.role for row in out.institution.competences if row.buc == buc} == {Role.INTELLIGENT_RA}
    assert routing_only > 0


def test_days_of_an_answer_are_read_in_oslo(shared: Path, acceptance: Directory) -> None:
    """The raw instants of the sample and the days of the regrouped list are the same days."""
    sample = Directory.load(shared / "directory" / "sample_eux_response.json")
    raw = json.loads((shared / "directory" / "sample_eux_response.json").read_text(encoding="utf-8"))
    assert sum(len(each["tilegnetBucs"]) for each in raw) == sum(len(each.competences) for each in sample)
    for each in sample:
        listed = {(row.buc, row.role): row.period.start for row in acceptance.get(each.id).competences}
        for row in each.competences:
            assert listed[row.buc, row.role] == row.period.start
    assert sample.get("PL:PL390050ER").competences[0].period.start == dt.date(1934, 10, 25)


def test_an_answer_is_written_in_the_shape_it_was_read(shared: Path) -> None:
    """Instants come back as local midnights of Oslo, in winter and in summer."""
    raw = json.loads((shared / "directory" / "sample_eux_response.json").read_text(encoding="utf-8"))
    written = write_answer(Directory.load(json.dumps(raw).encode()), zone="Europe/Oslo")

    def key(row: dict[str, str]) -> tuple[str, str]:
        return row["bucType"], row["institusjonsrolle"]

    for old, new in zip(sorted(raw, key=lambda each: each["id"]), written, strict=True):
        assert new["id"] == old["id"]
        assert new["landkode"] == old["landkode"]
        assert new["akronym"] == old["akronym"]
        assert new["tilegnetBucs"] == sorted(old["tilegnetBucs"], key=key)


def test_organisations_as_rina_stores_them() -> None:
    organisation = {
        "id": "FR:SYNT001",
        "countryCode": "FR",
        "name": "Synthetic Office",
        "acronym": "SYN",
        "activeSince": "2019-12-31T23:00:00.000+0000",
        "activeTo": None,
        "assignedBUCs": [
            {
                "bucType": "S_BUC_01",
                "applicationRole": "PO",
                "validityStartDate": "2019-12-31T23:00:00.000+0000",
                "validityEndDate": "2020-12-31T23:00:00.000+0000",
                "isEESSIReady": True,
            }
        ],
    }
    each = Directory.load(json.dumps([organisation]).encode()).get("FR:SYNT001")
    (row,) = each.competences
    assert (row.role, row.period.start, row.period.end) == (Role.CASE_OWNER, dt.date(2020, 1, 1), dt.date(2021, 1, 1))
    assert each.period.start == dt.date(2020, 1, 1)


def test_a_record_that_does_not_fit_is_refused_and_the_others_stand() -> None:
    rows = [{"id": "FR:SYNT001", "landkode": "FR", "tilegnetBucs": "none"}, {"id": "FR:SYNT002", "landkode": "FR"}]
    directory = Directory.load(json.dumps(rows).encode())
    assert list(directory.institutions) == ["FR:SYNT002"]
    assert [finding.id for finding in directory.findings] == ["DIR-RECORD-SHAPE"]


def test_the_list_of_identifiers_is_read_as_a_table(shared: Path) -> None:
    directory = Directory.load(shared / "directory" / "institution_ids.csv")
    assert len(directory) == 7_455
    assert len({each.country for each in directory}) == 32
    assert all(each.id.is_official_form for each in directory)


@given(directories)
@settings(LAW, max_examples=40)
def test_a_csv_table_gives_back_what_it_carries(directory: Directory) -> None:
    again = Directory.load(write_csv(directory).encode())
    assert list(again.institutions) == list(directory.institutions)
    for each in directory:
        other = again.get(each.id)
        for field in ("country", "short_name", "names", "period", "is_public", "is_liaison", "competences"):
            assert getattr(other, field) == getattr(each, field), field


def test_a_table_with_semicolons_in_another_encoding_is_read_and_reported() -> None:
    text = "id;country;names;buc;role;start;ready\r\nFR:SYNT001;FR;fr=Caisse d'été;S_BUC_01;CP;31/01/2020;yes\r\n"
    directory = Directory.load(text.encode("cp1252"))
    each = directory.get("FR:SYNT001")
    assert each.name("fr") == "Caisse d'été"
    assert each.competences[0].period.start == dt.date(2020, 1, 31)
    assert "DIR-ENCODING" in [finding.id for finding in directory.findings]


def test_a_text_like_a_formula_is_none_in_either_table() -> None:
    each = attrs.evolve(
        Directory.synthetic().get("FR:SYNTH001"), names=(Translation("en", "=1+1"),), short_name="@SUM(A1)"
    )
    directory = Directory.of([each])
    table = write_csv(directory)
    assert ",'@SUM(A1)," in table
    assert Directory.load(table.encode()).get(each.id).short_name == "@SUM(A1)"
    from openpyxl import load_workbook

    book = load_workbook(BytesIO(write_workbook(directory)))
    cells = [cell for row in book["institutions"].iter_rows() for cell in row if cell.value in ("=1+1", "@SUM(A1)")]
    assert [cell.data_type for cell in cells] == ["s", "s"]
    assert content_of_workbook(write_workbook(directory), Folding(), directory.content) == directory.content


@given(directories)
@settings(LAW, max_examples=15)
def test_a_workbook_that_nobody_edited_changes_nothing(directory: Directory) -> None:
    folding = Folding()
    again = content_of_workbook(write_workbook(directory), folding, directory.content)
    assert Directory(directory.content).diff(Directory(again)).as_words() == []


def test_an_edited_workbook_says_what_was_edited() -> None:
    """Of one country only: its rows are replaced, everybody else stays."""
    from openpyxl import load_workbook

    base = Directory.synthetic()
    book = load_workbook(BytesIO(write_workbook(base, country="FR")))
    sheet = book["institutions"]
    head = [cell.value for cell in sheet[1]]
    ids = {str(row[0].value): row for row in sheet.iter_rows(min_row=2)}
    ids["FR:SYNTH002"][head.index("name en")].value = "Synthetic Fund"
    ids["FR:SYNTH002"][head.index("end")].value = dt.datetime(2027, 1, 1)
    row = next(row for row in book["competences"].iter_rows(min_row=2) if row[0].value == "FR:SYNTH016")
    row[5].value = True
    sheet.append(["FR:SYNTH099", "FR", "NEW", dt.datetime(2027, 1, 1), None, True, False])
    sheet.delete_rows(ids["FR:SYNTH010"][0].row)
    file = BytesIO()
    book.save(file)
    edited = content_of_workbook(file.getvalue(), Folding(), base.content)
    kinds = [(change.kind, change.subject) for change in base.diff(Directory(edited)).changes]
    assert kinds == [
        ("institution_added", "FR:SYNTH099"),
        ("institution_missing", "FR:SYNTH010"),
        ("institution_end_set", "FR:SYNTH002"),
        ("name_changed", "FR:SYNTH002"),
        ("competence_ready_changed", "FR:SYNTH016"),
    ] or kinds == [*kinds[:5], ("access_point_link_removed", "FR:SYNTH010")]


def test_rows_without_their_institution_are_refused() -> None:
    base = Directory.synthetic()
    folding = Folding()
    rows = [{"id": "FR:NOBODY1", "buc": "S_BUC_01", "role": "CP"}]
    from eessi.directory.sheets import content_from, sheets_of

    sheets = {**sheets_of(base), "competences": [*sheets_of(base)["competences"], *rows]}
    assert content_from(sheets, folding, base.content) == base.content
    assert [finding.id for finding in folding.defects.findings if finding.severity == "error"] == [
        "DIR-ROW-WITHOUT-INSTITUTION"
    ]


def test_a_workbook_without_the_sheet_is_refused() -> None:
    with pytest.raises(InputError, match="no sheet 'institutions'"):
        content_of_workbook(write_table("x", ("a",), [{"a": "b"}]), Folding(), Content({}, {}, {}))
    with pytest.raises(InputError, match="no Excel workbook"):
        read_rows(BytesIO(b"PK\x03\x04 nothing"))
