"""Who exchanges what, how and since when."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest

from eessi.directory import Directory
from eessi.directory.readiness import Declared, Mode, ReadinessBook, Readinesses, readiness_of
from eessi.directory.readiness_table import COLUMNS, read_declared, rows_of, write_declared_csv
from eessi.directory.store import DirectoryStore
from eessi.directory.workbook import write_table
from eessi.errors import InputError, UnknownCode
from eessi.ids import CdmVersion
from tests.directory.documents import competence, copy, institution

ON = dt.date(2026, 6, 1)


def directory(*competences: str) -> Directory:
    bodies = [institution(f"FR:SYNT00{number}", competences=rows) for number, rows in enumerate(competences, start=1)]
    return Directory.load(copy("".join(bodies)))


BOTH = competence(role="CaseOwner", id="1") + competence(role="CounterParty", id="2")


@pytest.mark.parametrize(
    ("rows", "mode", "blockers"),
    [
        ((BOTH,), Mode.ELECTRONIC, ()),
        ((competence(role="CaseOwner"),), Mode.PARTLY, ()),
        ((BOTH, competence(ready="false")), Mode.PARTLY, ("FR:SYNT002",)),
        ((competence(ready="false"),), Mode.PAPER, ("FR:SYNT001",)),
        ((competence(role="IntelligentRA"),), Mode.UNKNOWN, ()),
        ((competence("H_BUC_01"),), Mode.UNKNOWN, ()),
        ((competence(end="2020-12-31T23:00:00Z"),), Mode.UNKNOWN, ()),
    ],
)
def test_what_the_copy_itself_says(rows: tuple[str, ...], mode: Mode, blockers: tuple[str, ...]) -> None:
    found = readiness_of(directory(*rows), "S_BUC_01", "FR", ON)
    assert (found.mode, found.blockers) == (mode, blockers)
    assert (found.since == dt.date(2020, 1, 1)) == (mode in (Mode.ELECTRONIC, Mode.PARTLY))


def row(mode: str, since: str, **more: str) -> Declared:
    return Declared.model_validate(
        {"country": "FR", "buc": "S_BUC_01", "mode": mode, "since": since, "source": "notice", **more}
    )


def test_a_declared_row_stands_before_the_copy_from_its_day_on() -> None:
    rows = [row("paper", "2026-01-01"), row("electronic", "2026-07-01", cdm="4.4")]
    asked = directory(BOTH)
    days = [dt.date(2025, 12, 31), ON, dt.date(2026, 7, 1)]
    modes = [readiness_of(asked, "S_BUC_01", "FR", day, declared=rows).mode for day in days]
    assert modes == [Mode.ELECTRONIC, Mode.PAPER, Mode.ELECTRONIC]
    later = readiness_of(asked, "S_BUC_01", "FR", days[2], declared=rows)
    assert (later.version, later.since, later.source) == (CdmVersion(4, 4), dt.date(2026, 7, 1), "notice")


def test_a_row_of_a_body_stands_before_one_of_its_country() -> None:
    rows = [row("electronic", "2026-01-01"), row("paper", "2025-01-01", institution="FR:SYNT001")]
    asked = directory(BOTH, BOTH)
    assert readiness_of(asked, "S_BUC_01", "FR", ON, declared=rows, institution="FR:SYNT001").mode is Mode.PAPER
    assert readiness_of(asked, "S_BUC_01", "FR", ON, declared=rows, institution="FR:SYNT002").mode is Mode.ELECTRONIC


@pytest.mark.parametrize(
    ("cdm", "asked", "mode"),
    [
        ("4.4", "4.4", Mode.ELECTRONIC),
        ("4.4.1", "4.4", Mode.ELECTRONIC),
        ("4.3", "4.4", Mode.PAPER),
        (None, "4.4", Mode.UNKNOWN),
    ],
)
def test_a_version_is_never_guessed(cdm: str | None, asked: str, mode: Mode) -> None:
    more = {"cdm": cdm} if cdm else {}
    found = readiness_of(
        directory(BOTH), "S_BUC_01", "FR", ON, version=asked, declared=[row("electronic", "2026-01-01", **more)]
    )
    assert found.mode is mode


@pytest.fixture(params=["memory:", "sqlite"])
def book(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ReadinessBook]:
    days = iter(range(1, 28))

    def now() -> dt.datetime:
        return dt.datetime(2026, 3, next(days), 12, tzinfo=dt.UTC)

    place = request.param if request.param == "memory:" else tmp_path / "r.db"
    with DirectoryStore.open(place, now=now) as store:
        yield ReadinessBook(store)


def test_declared_rows_are_kept_and_replaced(book: ReadinessBook) -> None:
    one, two = row("paper", "2026-01-01"), row("electronic", "2026-07-01", cdm="v4.4", country="GR")
    assert [each.action for each in book.declare([one, two], by="test")] == ["added", "added"]
    assert two.country == "EL"
    assert set(book.rows()) == {one, two}
    again = row("electronic", "2026-01-01")
    book.declare([again], by="test")
    assert set(book.rows()) == {again, two}


# --- what stands, what stood, who said so ----------------------------------------------------------------------------


def test_the_history_keeps_what_was_replaced_and_taken_back(book: ReadinessBook) -> None:
    one, two = row("paper", "2026-01-01"), row("electronic", "2026-07-01", cdm="4.4")
    book.declare([one], by="ann")  # 1 March
    book.declare([one, two], by="ann")  # 2 March; the first stands already
    later = row("paper", "2026-01-01", source="letter 7")
    assert [(each.old, each.new) for each in book.declare([later], by="bob")] == [(one, later)]
    (gone,) = book.declare((), instead_of=[two], by="cid", reason="a mistake")
    assert (gone.action, gone.by, gone.row) == ("withdrawn", "cid", two)
    assert [(each.action, each.by) for each in book.history(country="FR")] == [
        ("added", "ann"),
        ("added", "ann"),
        ("changed", "bob"),
        ("withdrawn", "cid"),
    ]
    days = [dt.date(2026, 2, 28), *(dt.date(2026, 3, day) for day in (1, 2, 3, 4))]
    stood = [book.rows(known_on=day) for day in days]
    assert stood == [(), (one,), (one, two), (later, two), (later,)]
    assert book.rows() == (later,)
    assert book.history(country="BE") == book.history(institution="FR:SYNT001") == ()


def test_nothing_is_declared_where_one_row_cannot_be_taken_back(book: ReadinessBook) -> None:
    with pytest.raises(UnknownCode, match="declared row"):
        book.declare([row("paper", "2026-01-01")], by="ann", instead_of=[row("paper", "2026-05-01")])
    assert book.rows() == book.history() == ()


def test_a_preview_declares_nothing(book: ReadinessBook) -> None:
    one = row("paper", "2026-01-01")
    (change,) = book.preview([one])
    assert (change.action, change.at) == ("added", None)
    assert book.rows() == ()
    book.declare([one], by="ann")
    assert book.preview([one]) == ()


def test_a_version_ends_with_the_return_to_paper() -> None:
    rows = [row("electronic", "2026-01-01", cdm="4.4"), row("paper", "2026-05-01"), row("electronic", "2026-06-01")]
    found = readiness_of(directory(BOTH), "S_BUC_01", "FR", ON, version="4.4", declared=rows)
    assert (found.mode, found.version) == (Mode.UNKNOWN, None)


def test_of_two_rows_of_one_day_paper_counts() -> None:
    rows = [row("paper", "2026-01-01"), row("electronic", "2026-01-01", cdm="4.4")]
    for given in (rows, rows[::-1]):
        found = readiness_of(directory(BOTH), "S_BUC_01", "FR", ON, declared=given)
        assert (found.mode, found.version) == (Mode.PAPER, None)


def test_the_version_of_a_body_is_its_own() -> None:
    rows = [
        row("electronic", "2026-01-01", cdm="4.4"),
        row("electronic", "2026-01-01", cdm="4.3", institution="FR:SYNT001"),
    ]
    asked = directory(BOTH, BOTH)
    versions = [
        readiness_of(asked, "S_BUC_01", "FR", ON, declared=rows, institution=id).version
        for id in ("FR:SYNT001", "FR:SYNT002")
    ]
    assert versions == [CdmVersion(4, 3), CdmVersion(4, 4)]


@pytest.mark.parametrize(
    ("declared", "found"),
    [
        (row("electronic", "2026-01-01"), []),
        (row("paper", "2026-01-01"), ["DIR-READY-DOUBT"]),
        (row("electronic", "2026-01-01", buc="H_BUC_01"), ["DIR-READY-DOUBT"]),
        (row("electronic", "2026-01-01", buc="S_BUC_99"), ["DIR-BUC-UNKNOWN", "DIR-READY-DOUBT"]),
        (row("paper", "2026-01-01", institution="FR:NOBODY1"), ["DIR-READY-BODY"]),
    ],
)
def test_where_declaration_and_copy_cannot_both_be_right(declared: Declared, found: list[str]) -> None:
    assert [each.id for each in Readinesses(directory(BOTH), [declared]).doubts(ON)] == found


def test_a_row_that_a_later_one_replaced_raises_no_doubt() -> None:
    rows = [row("paper", "2020-01-01"), row("electronic", "2026-01-01")]
    assert list(Readinesses(directory(BOTH), rows).doubts(ON)) == []


# --- tables ----------------------------------------------------------------------------------------------------------

ROWS = (
    row("paper", "2026-01-01", source='notice "7"; page 2'),
    row("electronic", "2026-07-01", cdm="4.4", institution="FR:SYNT001"),
)


def test_tables_are_read_as_they_were_written() -> None:
    import json

    assert read_declared(write_declared_csv(ROWS).encode()) == ROWS
    assert read_declared(write_declared_csv(ROWS).replace(",", "\t").encode("utf-8-sig")) == ROWS
    assert read_declared(write_table("readiness", COLUMNS, rows_of(ROWS))) == ROWS
    assert read_declared(json.dumps([each.model_dump(mode="json") for each in ROWS]).encode()) == ROWS


HEAD = b"country;buc;mode;since;source\n"


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"", "the table is empty"),
        (b"country;buc\n", "no column mode, since, source"),
        (HEAD, "the table has no rows"),
        (HEAD + b"FR;S_BUC_01;paper;01/07/2026;x\n", "row 2: since is no day"),
        (HEAD + b"FR;S_BUC_01;fax;2026-07-01;x\n", "row 2: mode must be electronic or paper"),
        (HEAD + b"XX;S_BUC_01;paper;2026-07-01;x\n", "row 2: country 'XX' is no country of the directory"),
        (HEAD + b"FR;BUC;paper;2026-07-01;x\n", "row 2: unknown BUC"),
        (HEAD + b"FR;S_BUC_01;paper;2026-07-01;\n", "row 2: source is missing"),
        (HEAD + b"FR;S_BUC_01;paper;2026-07-01; \n", "row 2: source is empty"),
        (HEAD + b"\nFR;S_BUC_01;paper;2026-07-01;x\nFR;s_buc_01;electronic;2026-07-01;y\n", "row 4: says the same thing as row 3"),
        (b"country;institution;buc;mode;since;source\nFR;BE:SYNT001;S_BUC_01;paper;2026-07-01;x\n", "BE:SYNT001 is no body of FR"),
        (b"country;cdm;buc;mode;since;source\nFR;4.4;S_BUC_01;paper;2026-07-01;x\n", "paper has no version"),
        (b"colour;" + HEAD + b"red;FR;S_BUC_01;paper;2026-07-01;x\n", "row 2: colour is no column of this table"),
        ("country;buc;mode;since;source\nFR;S_BUC_01;paper;2026-07-01;é\n".encode("latin-1"), "not in UTF-8"),
        (b"[1]", "a list of rows was expected"),
        (b"[{", "this is no JSON"),
        (b"PK\x03\x04half a workbook", "cut short or damaged"),
        (b"\x89PNG\r\n\x00", "not in UTF-8"),
    ],
)  # fmt: skip
def test_a_table_that_does_not_fit_is_refused_whole(data: bytes, text: str) -> None:
    with pytest.raises(InputError, match=text):
        read_declared(data, name="table")


def test_every_bad_row_is_named_up_to_ten() -> None:
    with pytest.raises(InputError, match=r"12 of 12 rows do not fit: row 2: .*; row 11: .*; and 2 more"):
        read_declared(HEAD + b"FR;S_BUC_01;fax;2026-07-01;x\n" * 12)


def test_a_row_of_excel_has_the_number_that_excel_shows() -> None:
    from io import BytesIO

    from openpyxl import Workbook

    book = Workbook()
    sheet = book.active
    assert sheet is not None
    for cells in (["country", "buc", "mode", "since", "source"], [], ["FR", "S_BUC_01", "fax", "2026-07-01", "x"]):
        sheet.append(cells)
    sheet.cell(5, 1).value = "BE"
    file = BytesIO()
    book.save(file)
    with pytest.raises(InputError, match=r"row 3: mode .*; row 5: buc is missing"):
        read_declared(file.getvalue())
