"""Functions and legal competence: kept beside the copies, edited in Excel, in force once approved, never wiped by a copy."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import attrs
import pytest

from eessi.directory import Directory, Institution, LegalCompetence
from eessi.directory.control import ArrivalState, ChangeControl, ProposalState, notice
from eessi.directory.defects import Defects
from eessi.directory.difference import Content, compare
from eessi.directory.folding import Folding
from eessi.directory.national import legal_words, legally_competent
from eessi.directory.store import DirectoryStore
from eessi.directory.syn001_writer import syn001_bytes
from eessi.directory.workbook import read_workbook, write_workbook
from eessi.errors import InputError, UnknownCode
from eessi.ids import InstitutionId

ID = InstitutionId("FR:SYNTH002")
KIND, CASH = LegalCompetence("sickness", "in_kind", "employed", "13"), LegalCompetence("family", None, None, "national")


@pytest.fixture(params=["memory:", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[DirectoryStore]:
    place = request.param if request.param == "memory:" else tmp_path / "n.db"
    with DirectoryStore.open(place) as store:
        store.load(syn001_bytes(Directory.synthetic()))
        yield store


def with_law(directory: Directory, *rows: LegalCompetence, functions: tuple[str, ...] = ()) -> Content:
    each = attrs.evolve(directory.institutions[ID], legal_competences=rows, functions=functions)
    return attrs.evolve(directory.content, institutions={**directory.institutions, ID: each})


def later(directory: Directory, version: str, content: Content | None = None) -> bytes:
    head = attrs.evolve(directory.head, version=version, created=None)
    return syn001_bytes(Directory(content or directory.content, head=head))


def of(store: DirectoryStore, **which: Any) -> Institution:
    return store.directory(**which).institutions[ID]


def test_what_is_approved_stays_through_the_next_copies(store: DirectoryStore) -> None:
    """SYN001 has no place for it; a daily copy that wiped it out would make the sheet pointless."""
    control = ChangeControl(store)
    control.propose(with_law(store.directory(), KIND, functions=("liaison_body",)), by="ann")
    assert of(store).legal_competences == ()
    control.approve(1, by="bob")
    assert (of(store).legal_competences, of(store).functions) == ((KIND,), ("liaison_body",))

    plain = Directory.synthetic()
    moved = attrs.evolve(plain.institutions[ID], short_name="NEW")
    store.load(later(plain, "1.1.0", attrs.evolve(plain.content, institutions={**plain.institutions, ID: moved})))
    assert (of(store).short_name, of(store).legal_competences) == ("NEW", (KIND,))
    assert of(store, seq=1).legal_competences == (KIND,), "it was in force while the first copy was"
    assert store.directory("FR").institutions[ID].legal_competences == (KIND,)

    control.propose(with_law(store.directory(), CASH), by="ann")
    control.approve(2, by="bob")
    assert (of(store).legal_competences, of(store).functions) == ((CASH,), ())
    assert of(store, seq=1).legal_competences == (KIND,)


def test_no_copy_can_show_it_so_it_neither_arrives_nor_misses(store: DirectoryStore) -> None:
    control = ChangeControl(store)
    control.propose(with_law(store.directory(), KIND, functions=("institution",)), by="ann")
    control.approve(1, by="bob")
    keyed = [(row["action"], row["what"]) for row in control.keying_sheet(by="cid")]
    assert keyed == [
        ("institution_field_changed", "functions"),
        ("legal_competence_added", "sickness in_kind employed 13"),
    ]
    states = {arrival.state for arrival in control.reconcile(Directory.synthetic())}
    assert states == {ArrivalState.NOT_CARRIED}
    assert control.get(1).state is ProposalState.ARRIVED


def test_a_legal_competence_is_a_substantial_change(store: DirectoryStore) -> None:
    base = store.directory()
    (change,) = compare(base.content, with_law(base, KIND))
    assert change.text == f"{ID} is competent for sickness, in_kind, employed, 13 (risk, benefit, scheme, area)"
    assert [each.id for each in notice([change], dt.date(2026, 3, 1))] == ["DIR-NOTICE"]
    assert Directory(base.content).apply([change]).institutions[ID].legal_competences == (KIND,)
    back = compare(with_law(base, KIND, CASH), with_law(base, CASH))
    assert Directory(with_law(base, KIND, CASH)).apply(back).institutions[ID].legal_competences == (CASH,)


# --- the sheet -------------------------------------------------------------------------------------------------------


def edited(directory: Directory, *rows: tuple[object, ...], functions: str | None = None) -> tuple[Content, Defects]:
    from openpyxl import load_workbook

    book = load_workbook(BytesIO(write_workbook(directory, country="FR")))
    for row in rows:
        book["legal competences"].append(row)
    if functions is not None:
        sheet = book["institutions"]
        at = [cell.value for cell in sheet[1]].index("functions")
        next(row for row in sheet.iter_rows(min_row=2) if row[0].value == ID)[at].value = functions
    file = BytesIO()
    book.save(file)
    defects = Defects()
    return read_workbook(file.getvalue()).content(Folding(defects), directory.content), defects


def test_the_sheet_goes_out_and_comes_back() -> None:
    directory = Directory(with_law(Directory.synthetic(), KIND, CASH, functions=("institution", "liaison_body")))
    content, defects = edited(directory)
    assert content == directory.content
    assert not defects.refused


def test_a_row_is_added_in_keys_or_in_names() -> None:
    content, defects = edited(
        Directory.synthetic(),
        (ID, "Sickness benefits", "Benefits in kind", "employed", "13"),
        (ID, "FAMILY", None, None, "national"),
        (ID, "family", "", "", " national "),
        functions="Liaison body; competent institution",
    )
    each = content.institutions[ID]
    assert each.legal_competences == (KIND, CASH)
    assert each.functions == ("liaison_body", "competent_institution")
    assert not defects.refused


@pytest.mark.parametrize(
    ("row", "id", "got"),
    [
        ((ID, "sicknes", None, None, None), "DIR-LEGAL-WORD", "sicknes"),
        ((ID, None, "in coins", None, None), "DIR-LEGAL-WORD", "in coins"),
        ((ID, " ", None, None, None), "DIR-LEGAL-EMPTY", None),
        (("FR:NOBODY1", "family", None, None, None), "DIR-ROW-WITHOUT-INSTITUTION", None),
    ],
)
def test_what_does_not_fit_is_refused(row: tuple[object, ...], id: str, got: str | None) -> None:
    content, defects = edited(Directory.synthetic(), row)
    assert [(finding.id, finding.got) for finding in defects if finding.severity == "error"] == [(id, got)]
    assert content.institutions[ID].legal_competences == ()


def test_the_words_of_the_law_have_unique_keys_and_names() -> None:
    sizes = {table: len(legal_words(table)) for table in ("functions", "risks", "benefits")}  # type: ignore[arg-type]
    assert sizes == {"functions": 7, "risks": 10, "benefits": 2}
    for table in sizes:
        names = legal_words(table)  # type: ignore[arg-type]  # a name of the tables above
        assert len({name.casefold() for name in names.values()}) == len(names)


def test_the_functions_are_those_of_the_facts(shared: Path) -> None:
    import json

    rows = json.loads((shared / "directory" / "functions.json").read_text(encoding="utf-8"))["functions"]
    assert set(legal_words("functions")) == {row["key"] for row in rows if row["kind"].startswith("legal")}


# --- sheets of an earlier copy, and bad ones -------------------------------------------------------------------------


def sheet_of(directory: Directory, change: dict[str, str] | None = None) -> bytes:
    from openpyxl import load_workbook

    book = load_workbook(BytesIO(write_workbook(directory, country="FR")))
    sheet = book["institutions"]
    names = [cell.value for cell in sheet[1]]
    for row in sheet.iter_rows(min_row=2):
        if row[0].value == ID:
            for column, value in (change or {}).items():
                row[names.index(column)].value = value
    file = BytesIO()
    book.save(file)
    return file.getvalue()


def test_a_sheet_of_an_earlier_copy_takes_nothing_back_that_came_since(store: DirectoryStore) -> None:
    sheet = sheet_of(store.directory(), {"short_name": "MINE"})
    plain = Directory.synthetic()
    other = InstitutionId("FR:SYNTH001")
    came = attrs.evolve(plain.institutions[other], short_name="CAME")
    content = attrs.evolve(plain.content, institutions={**plain.institutions, other: came})
    store.load(later(plain, "1.1.0", content))
    control = ChangeControl(store)
    changes = control.preview(control.edit(read_workbook(sheet), Folding()))
    assert [(change.subject, change["new"]) for change in changes] == [(ID, "MINE")]


def test_a_sheet_whose_entries_changed_since_is_refused(store: DirectoryStore) -> None:
    sheet = sheet_of(store.directory(), {"short_name": "MINE"})
    plain = Directory.synthetic()
    moved = attrs.evolve(plain.institutions[ID], short_name="CAME")
    store.load(later(plain, "1.1.0", attrs.evolve(plain.content, institutions={**plain.institutions, ID: moved})))
    with pytest.raises(InputError, match=f"{ID} changed in a copy later than version 1.0.0"):
        ChangeControl(store).edit(read_workbook(sheet), Folding())


def test_a_sheet_of_an_unknown_copy_is_refused(store: DirectoryStore) -> None:
    plain = Directory.synthetic()
    sheet = sheet_of(Directory(plain.content, head=attrs.evolve(plain.head, version="0.5.0")))
    with pytest.raises(InputError, match=r"comes from version 0\.5\.0"):
        ChangeControl(store).edit(read_workbook(sheet), Folding())


def spoilt(name: str, column: str, new: str | None) -> bytes:
    from openpyxl import load_workbook

    book = load_workbook(BytesIO(write_workbook(Directory.synthetic(), country="FR")))
    sheet = book[name]
    at = [cell.value for cell in sheet[1]].index(column) + 1
    if new is None:
        sheet.delete_cols(at)
    else:
        sheet.cell(1, at).value = new
    file = BytesIO()
    book.save(file)
    return file.getvalue()


@pytest.mark.parametrize(
    ("name", "column", "new", "text"),
    [
        ("institutions", "short_name", "shortname", "unknown column 'shortname'; did you mean 'short_name'"),
        ("institutions", "id", None, "no column id"),
        ("competences", "end", None, "no column end"),
        ("competences", "ready", "notes of mine", "unknown column 'notes of mine'; known are id"),
        ("links", "start", None, "no column start"),
    ],
)
def test_a_column_lost_or_renamed_empties_no_field(name: str, column: str, new: str | None, text: str) -> None:
    with pytest.raises(InputError, match=text):
        read_workbook(spoilt(name, column, new))


def test_a_row_of_another_country_changes_nothing() -> None:
    from openpyxl import load_workbook

    book = load_workbook(BytesIO(write_workbook(Directory.synthetic(), country="FR")))
    book["institutions"].append(["BE:SYNTH001", "BE", "MINE"])
    file = BytesIO()
    book.save(file)
    defects = Defects()
    base = Directory.synthetic().content
    content = read_workbook(file.getvalue()).content(Folding(defects), base)
    assert content.institutions[InstitutionId("BE:SYNTH001")] == base.institutions[InstitutionId("BE:SYNTH001")]
    assert [finding.id for finding in defects if finding.severity == "error"] == ["DIR-SHEET-COUNTRY"]


@pytest.mark.parametrize(
    ("word", "ready"), [("oui", True), ("nein", False), ("0", False), ("x", True), ("maybe", None)]
)
def test_yes_and_no_in_the_words_people_write(word: str, ready: bool | None) -> None:
    from openpyxl import load_workbook

    book = load_workbook(BytesIO(write_workbook(Directory.synthetic(), country="EL")))
    sheet = book["competences"]
    at = [cell.value for cell in sheet[1]].index("ready")
    for row in sheet.iter_rows(min_row=2):
        row[at].value = word
    file = BytesIO()
    book.save(file)
    defects = Defects()
    content = read_workbook(file.getvalue()).content(Folding(defects), Directory.synthetic().content)
    found = {row.is_ready for row in content.institutions[InstitutionId("EL:SYNTH001")].competences}
    refused = {finding.id for finding in defects if finding.severity == "error"}
    assert (found, refused) == (({ready}, set()) if ready is not None else ({False}, {"DIR-FLAG"}))


# --- asking ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({}, [KIND, CASH]),
        ({"risk": "sickness"}, [KIND]),
        ({"risk": "Family", "benefit": "in_cash"}, [CASH]),
        ({"area": "13"}, [KIND]),
        ({"scheme": "EMPLOYED", "area": "national"}, [CASH]),
        ({"risk": "old_age"}, []),
    ],
)
def test_who_is_competent_in_the_words_of_the_law(asked: dict[str, str], found: list[LegalCompetence]) -> None:
    """A word that a row leaves out covers every one; a word that differs leaves the row out."""
    bodies = with_law(Directory.synthetic(), KIND, CASH).institutions.values()
    assert [row for _, row in legally_competent(bodies, **asked)] == found  # type: ignore[arg-type]  # all are texts


def test_a_misspelt_risk_is_no_empty_answer() -> None:
    with pytest.raises(UnknownCode, match="did you mean sickness"):
        list(legally_competent([], risk="sicknes"))
