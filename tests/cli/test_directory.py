"""``eessi directory``: the contract of its commands, exit codes and JSON shapes."""

from __future__ import annotations

import datetime as dt
import json
from io import BytesIO
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from eessi.cli.program import run
from eessi.directory import Directory
from eessi.directory.rights import system_account
from eessi.directory.syn001_writer import syn001_bytes
from tests.directory.test_store_contract import FIRST, HOSTILE, SECOND


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("EESSI_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def first(tmp_path: Path) -> Path:
    file = tmp_path / "first.xml"
    file.write_bytes(FIRST)
    return file


@pytest.fixture
def second(tmp_path: Path) -> Path:
    file = tmp_path / "second.xml"
    file.write_bytes(SECOND)
    return file


Out = pytest.CaptureFixture[str]


def ask(out: Out, *words: str, code: int = 0) -> Any:
    """Run a command for its JSON."""
    out.readouterr()
    assert run(["directory", *words, "--format", "json"]) == code, out.readouterr().err
    document = json.loads(out.readouterr().out)
    assert next(iter(document)) == "schema_version"
    return document


def fails(out: Out, *words: str, code: int) -> str:
    """Run a command that ends with an error: one line, no traceback."""
    out.readouterr()
    assert run(["directory", *words]) == code
    error = out.readouterr().err
    assert error.startswith("eessi: ")
    assert error.count("\n") == 1
    assert "Traceback" not in error
    return error


# --- find ------------------------------------------------------------------------------------------------------------


def test_find_in_json_is_the_contract(capsys: Out) -> None:
    document = ask(capsys, "find", "LA_BUC_01", "--country", "BE", "--from", "synthetic")
    assert set(document) == {"schema_version", "matches", "left_out", "hints"}
    assert [row["institution"] for row in document["matches"]] == ["BE:SYNTH001", "BE:SYNTH012"]
    assert {"institution", "reason"} <= set(document["left_out"][0])
    assert len(document["left_out"]) == 11
    assert len({row["reason"] for row in document["left_out"]}) == 10


def test_find_folds_a_country_and_says_so(capsys: Out) -> None:
    document = ask(capsys, "find", "--buc", "LA_BUC_01", "--country", "GR", "--role", "CP", "--from", "synthetic")
    assert [row["institution"] for row in document["matches"]] == ["EL:SYNTH001"]
    assert "EL" in document["hints"][0]


def test_find_nobody_ends_with_1_and_a_reason(capsys: Out) -> None:
    document = ask(capsys, "find", "R_BUC_01", "--country", "FR", "--from", "synthetic", code=1)
    assert document["matches"] == []
    assert document["left_out"]
    assert document["hints"]


def test_find_by_name(capsys: Out) -> None:
    document = ask(capsys, "find", "S_BUC_01", "--country", "BE", "--name", "siknes", "--from", "synthetic")
    assert [row["institution"] for row in document["matches"]] == ["BE:SYNTH002"]


def test_find_in_words(capsys: Out) -> None:
    assert run(["directory", "find", "LA_BUC_01", "--country", "BE", "--from", "synthetic"]) == 0
    text = capsys.readouterr().out
    assert "match: BE:SYNTH001  Synthetic Belgian Liaison Office, by BE:APBE91" in text
    assert "out:   BE:SYNTH016  is competent for LA_BUC_01 but not ready" in text


def test_find_reads_standard_input(capsys: Out, monkeypatch: pytest.MonkeyPatch) -> None:
    from io import TextIOWrapper

    monkeypatch.setattr("sys.stdin", TextIOWrapper(BytesIO(FIRST)))
    assert run(["directory", "find", "LA_BUC_01", "--country", "BE", "--from", "-"]) == 0


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("find",), 2, "name a process"),
        (("find", "nonsense", "--from", "synthetic"), 2, "unknown BUC code"),
        (("find", "S_BUC_01", "--role", "Bystander", "--from", "synthetic"), 2, "unknown role"),
        (("find", "S_BUC_01", "--on", "tomorrow"), 2, "is not a date"),
        (("find", "S_BUC_01"), 2, "eessi directory import"),
        (("find", "S_BUC_01", "--from", "nowhere.xml"), 4, "nowhere.xml"),
        (("find", "S_BUC_01", "--tenant", "other"), 5, "no tenant"),
        (("find", "S_BUC_01", "--store", "mysql://x/y"), 2, "no store of the toolkit"),
        (("find", "S_BUC_01", "--store", "nowhere/x.db"), 5, "no folder"),
        (("show", "NOBODY"), 2, ""),
        (("lint", "nowhere.xml"), 4, "nowhere.xml"),
        (("import", "nowhere.xml"), 4, "nowhere.xml"),
        (("import", "x", "--zone", "Mars/Base"), 2, "no time zone"),
        (("propose",), 2, "name the edited Excel sheet"),
        (("approve", "7"), 2, "unknown proposal"),
        (("rollback",), 1, "no earlier copy"),
        (("export", "--from", "synthetic", "--format", "xlsx"), 2, "--output"),
        (("export", "--from", "synthetic", "--format", "syn001", "--country", "FR"), 2, "full copy"),
        (("history", "FR:SYNTH001"), 2, "eessi directory import"),
        (("contacts", "remove", "x"), 2, "unknown contact"),
    ],
)
def test_errors_are_one_line_with_the_right_code(capsys: Out, words: tuple[str, ...], code: int, said: str) -> None:
    assert said in fails(capsys, *words, code=code)


# --- import, show, diff, history, rollback ---------------------------------------------------------------------------


def test_a_copy_comes_into_force_and_is_asked(capsys: Out, first: Path, second: Path, own_home: Path) -> None:
    loaded = ask(capsys, "import", str(first), "--by", "ann")
    assert set(loaded) == {"schema_version", "copy", "changed", "findings", "reconciliation", "summary"}
    assert (loaded["copy"]["seq"], loaded["copy"]["version"], loaded["copy"]["loaded_by"]) == (1, "1.9.0", "ann")
    assert (own_home / "eessi.db").is_file()
    assert not ask(capsys, "import", str(first))["changed"]
    assert ask(capsys, "import", str(second))["copy"]["seq"] == 2

    shown = ask(capsys, "show", "FR:SYNTH002", "--on", "2026-06-01")
    assert shown["institution"]["names"] == [["en", "Renamed Fund"]]
    assert shown["route"]["access_point"] == "FR:APFR91"
    gone = ask(capsys, "show", "BE:SYNTH010")
    assert (gone["kept"], gone["route"]) == (True, None)
    assert "not in force" in gone["no_route"]

    changes = ask(capsys, "diff", "1", "2")["changes"]
    assert {tuple(row) for row in changes} == {("id", "class", "institution", "what", "old", "new")}
    assert [(row["what"], row["class"], row["institution"]) for row in changes] == [
        ("institution_missing", "substantial", "BE:SYNTH010"),
        ("name_removed", "editorial", "FR:SYNTH002"),
        ("name_changed", "editorial", "FR:SYNTH002"),
    ]
    assert changes[2]["old"] == "Synthetic French Sickness Fund"
    assert changes == ask(capsys, "diff", str(first), str(second))["changes"]

    versions = ask(capsys, "history", "BE:SYNTH010")["versions"]
    assert [(row["first"], row["last"], row["state"]) for row in versions] == [(1, 1, "listed"), (2, 2, "kept")]
    assert [row["seq"] for row in ask(capsys, "history")["copies"]] == [1, 2]

    then = ask(capsys, "find", "P_BUC_01", "--country", "BE", "--on", "2026-01-15", "--known-on", "2026-01-15")
    assert [row["institution"] for row in then["matches"]] == ["BE:SYNTH010"]

    assert ask(capsys, "rollback", "--by", "bob")["copies"][0]["origin"] == "rollback to 1"
    assert ask(capsys, "show", "BE:SYNTH010")["kept"] is False
    events = ask(capsys, "history", "--events")["events"]
    assert (events[0]["action"], events[0]["who"]) == ("copy-loaded", "ann")
    assert events[-1]["action"] == "copy-rolled-back"


def test_diff_can_fail_a_job(capsys: Out, first: Path, second: Path) -> None:
    assert run(["directory", "diff", str(first), str(second), "--fail-on", "substantial", "--quiet"]) == 1
    assert run(["directory", "diff", str(first), str(first), "--fail-on", "editorial"]) == 0


def test_a_suspicious_copy_is_refused_with_1_and_logged(capsys: Out, first: Path, tmp_path: Path) -> None:
    run(["directory", "import", str(first)])
    for rule, data in HOSTILE.items():
        file = tmp_path / f"{rule}.bin"
        file.write_bytes(data)
        assert f"accept '{rule}'" in fails(capsys, "import", str(file), code=1)
    assert len(ask(capsys, "history")["copies"]) == 1
    assert [row["action"] for row in ask(capsys, "history", "--events")["events"]].count("copy-refused") == len(HOSTILE)
    older = tmp_path / "older.bin"
    assert run(["directory", "import", str(older), "--accept", "older"]) == 0


@pytest.mark.parametrize(
    "data", [b"", b"\x89PNG\r\n", FIRST[:500], b'<!DOCTYPE a [<!ENTITY b "c">]><IRSync>&b;</IRSync>']
)
def test_a_damaged_copy_is_4_and_leaves_the_old_one(capsys: Out, first: Path, tmp_path: Path, data: bytes) -> None:
    run(["directory", "import", str(first)])
    file = tmp_path / "damaged"
    file.write_bytes(data)
    fails(capsys, "import", str(file), code=4)
    assert len(ask(capsys, "history")["copies"]) == 1


def test_the_suggestion_of_a_wrong_id(capsys: Out) -> None:
    assert "did you mean BE:SYNTH001" in fails(capsys, "show", "BE:synth001", "--from", "synthetic", code=2)


# --- lint, export ----------------------------------------------------------------------------------------------------


def test_lint_names_faults_and_fails_on_errors(capsys: Out) -> None:
    document = ask(capsys, "lint", "synthetic", "--on", "2026-06-01", code=1)
    found = {(row["path"], row["id"]) for row in document["findings"]}
    assert ("BE:SYNTH020", "DIR-CERT-EXPIRED") in found
    assert ("FR:SYNTH018", "DIR-NO-ENDPOINT") in found
    assert document["summary"]["error"] > 0
    assert run(["directory", "lint", "synthetic", "--fail-on", "never", "--quiet"]) == 0
    only = ask(capsys, "lint", "synthetic", "--country", "EL", "--on", "2026-06-01")
    assert only["findings"] == []


@pytest.mark.parametrize("format", ["syn001", "json", "csv"])
def test_an_export_is_read_again(tmp_path: Path, format: str) -> None:
    file = tmp_path / "export"
    assert run(["directory", "export", "--from", "synthetic", "--format", format, "--output", str(file)]) == 0
    again = Directory.load(file)
    assert list(again.institutions) == list(Directory.synthetic().institutions)
    assert format == "csv" or again == Directory.synthetic()


def test_an_export_for_clients(capsys: Out) -> None:
    assert run(["directory", "export", "--from", "synthetic", "--as", "client", "--country", "gr"]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert set(row) == {"id", "navn", "akronym", "landkode", "tilegnetBucs"}
    assert row["id"] == "EL:SYNTH001"


# --- the round trip of a change --------------------------------------------------------------------------------------


def test_the_round_trip_through_excel(capsys: Out, first: Path, tmp_path: Path) -> None:
    """Export, edit, preview, propose, approve by another, key, and see it arrive."""
    from openpyxl import load_workbook

    run(["directory", "import", str(first)])
    sheet = tmp_path / "france.xlsx"
    assert run(["directory", "export", "--format", "xlsx", "--country", "FR", "--output", str(sheet)]) == 0
    assert ask(capsys, "propose", str(sheet))["changes"] == []

    book = load_workbook(sheet)
    rows = book["institutions"]
    head = [cell.value for cell in rows[1]]
    row = next(row for row in rows.iter_rows(min_row=2) if row[0].value == "FR:SYNTH002")
    row[head.index("end")].value = dt.datetime(2020, 6, 1)
    book.save(sheet)

    preview = ask(capsys, "propose", str(sheet))
    assert [(change["what"], change["new"]) for change in preview["changes"]] == [("institution_end_set", "2020-06-01")]
    assert [notice["id"] for notice in preview["notices"]] == ["DIR-NOTICE"]
    assert ask(capsys, "propose", "--list")["proposals"] == []

    made = ask(capsys, "propose", str(sheet), "--yes", "--by", "ann", "--reason", "merger")["proposals"][0]
    assert (made["no"], made["state"], made["by"], made["reason"]) == (1, "proposed", "ann", "merger")
    assert "another person" in fails(capsys, "approve", "1", "--by", "ann", code=1)
    assert "not approved" in fails(capsys, "export", "--as", "keying", "--proposal", "1", code=1)
    assert ask(capsys, "approve", "1", "--by", "bob")["proposals"][0]["decided_by"] == "bob"

    keyed = ask(capsys, "export", "--as", "keying")["rows"]
    assert [(row["institution"], row["action"], row["new"]) for row in keyed] == [
        ("FR:SYNTH002", "institution_end_set", "2020-06-01")
    ]

    missing = tmp_path / "missing.xml"
    missing.write_bytes(SECOND)
    arrivals = ask(capsys, "import", str(missing))["reconciliation"]
    assert [(row["id"], row["state"]) for row in arrivals] == [("institution_end_set:FR:SYNTH002", "missing")]
    arrived = tmp_path / "arrived.xml"
    arrived.write_bytes(_ended())
    arrivals = ask(capsys, "import", str(arrived))["reconciliation"]
    assert [row["state"] for row in arrivals] == ["arrived"]
    assert ask(capsys, "propose", "--list")["proposals"][0]["state"] == "arrived"


def _ended() -> bytes:
    import attrs

    from eessi.ids import InstitutionId, Period

    base = Directory.synthetic()
    id = InstitutionId("FR:SYNTH002")
    each = base.institutions[id]
    closed = attrs.evolve(each, period=Period(each.period.start, dt.date(2020, 6, 1)))
    content = attrs.evolve(base.content, institutions={**base.institutions, id: closed})
    return syn001_bytes(
        Directory(
            content, head=attrs.evolve(base.head, version="3.0.0", created=dt.datetime(2026, 12, 1, tzinfo=dt.UTC))
        )
    )


def test_a_sheet_with_errors_proposes_nothing(capsys: Out, first: Path, tmp_path: Path) -> None:
    from openpyxl import load_workbook

    run(["directory", "import", str(first)])
    sheet = tmp_path / "france.xlsx"
    run(["directory", "export", "--format", "xlsx", "--country", "FR", "--output", str(sheet)])
    book = load_workbook(sheet)
    next(row for row in book["competences"].iter_rows(min_row=2))[2].value = "Boss"
    book.save(sheet)
    capsys.readouterr()
    assert run(["directory", "propose", str(sheet), "--yes"]) == 4
    assert "DIR-ROLE-UNKNOWN" in capsys.readouterr().err
    assert ask(capsys, "propose", "--list")["proposals"] == []


@pytest.mark.parametrize(
    ("start", "end", "id"),
    [
        (dt.datetime(2026, 6, 1), dt.datetime(2026, 1, 1), "DIR-PERIOD-EMPTY"),
        ("next summer", None, "DIR-DATE-UNREADABLE"),
    ],
)
def test_days_that_cannot_be_meant_are_not_proposed(
    capsys: Out, first: Path, tmp_path: Path, start: object, end: object, id: str
) -> None:
    from openpyxl import load_workbook

    run(["directory", "import", str(first)])
    sheet = tmp_path / "france.xlsx"
    run(["directory", "export", "--format", "xlsx", "--country", "FR", "--output", str(sheet)])
    book = load_workbook(sheet)
    names = [cell.value for cell in book["institutions"][1]]
    row = next(row for row in book["institutions"].iter_rows(min_row=2) if row[0].value == "FR:SYNTH002")
    row[names.index("start")].value, row[names.index("end")].value = start, end
    book.save(sheet)
    capsys.readouterr()
    assert run(["directory", "propose", str(sheet), "--yes"]) == 4
    error = capsys.readouterr().err
    assert id in error
    assert "nothing was proposed" in error
    assert ask(capsys, "propose", "--list")["proposals"] == []


def test_what_a_copy_says_of_its_signature_is_printed(capsys: Out, first: Path) -> None:
    capsys.readouterr()
    assert run(["directory", "import", str(first)]) == 0
    assert "\nsignature: not signed\n" in capsys.readouterr().out
    assert "no verified signature (not signed)" in fails(capsys, "import", str(first), "--must-be-signed", code=1)
    assert ask(capsys, "history")["copies"][0]["signature"] == "not signed"


def test_a_policy_in_the_home_folder_holds(capsys: Out, first: Path, tmp_path: Path, own_home: Path) -> None:
    run(["directory", "import", str(first)])
    (own_home / "directory.toml").write_text('[rights]\napprove = ["bob"]', encoding="utf-8")
    fails(capsys, "approve", "1", "--by", "eve", code=2)
    assert "may not put copies in force" in fails(capsys, "import", str(first), "--by", "eve", code=1)
    assert "may not put copies in force" in fails(capsys, "rollback", code=1)
    refused = [row for row in ask(capsys, "history", "--events")["events"] if row["action"] == "copy-refused"]
    assert [(row["who"], row["rule"], row["identity"]["origin"]) for row in refused] == [
        ("eve", "may-not-load", "argument"),
        (system_account(), "may-not-load", "operating-system"),
    ]
    (own_home / "directory.toml").write_text("nonsense =", encoding="utf-8")
    fails(capsys, "approve", "1", "--by", "eve", code=5)


# --- contacts --------------------------------------------------------------------------------------------------------


def test_contacts_show_no_personal_value_unless_asked(capsys: Out, tmp_path: Path) -> None:
    table = tmp_path / "contacts.csv"
    table.write_text(
        "institution,buc,kind,name,email\nFR:SYNTH001,S_BUC_01,business,Invented Ann,ann@fr.example\n", encoding="utf-8"
    )
    assert ask(capsys, "contacts", "add", str(table))["added"] == 1
    (row,) = ask(capsys, "contacts", "list", "--buc", "S_BUC_01")["contacts"]
    assert set(row) == {"key", "institution", "buc", "kind"}
    (row,) = ask(capsys, "contacts", "list", "--show-values")["contacts"]
    assert row["name"] == "Invented Ann"
    assert "--show-values" in fails(capsys, "contacts", "list", "--format", "csv", code=2)
    assert run(["directory", "contacts", "remove", row["key"]]) == 0
    assert ask(capsys, "contacts", "list")["contacts"] == []


# --- published schemas -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "words", "code"),
    [
        ("directory-find", ("find", "S_BUC_01", "--country", "FR", "--from", "synthetic"), 0),
        ("directory-show", ("show", "FR:SYNTH001", "--from", "synthetic"), 0),
        ("directory-diff", ("diff", "synthetic", "synthetic"), 0),
        ("directory-lint", ("lint", "synthetic", "--on", "2026-06-01"), 1),
        ("directory-import", ("import", "FILE"), 0),
        ("directory-history", ("history",), 0),
        ("directory-proposals", ("propose", "--list"), 0),
    ],
)
def test_every_document_fits_its_published_schema(
    capsys: Out, first: Path, name: str, words: tuple[str, ...], code: int
) -> None:
    run(["directory", "import", str(first)])
    document = ask(capsys, *(str(first) if word == "FILE" else word for word in words), code=code)
    assert run(["schema", name]) == 0
    jsonschema.validate(document, json.loads(capsys.readouterr().out))


def test_help_lists_every_command(capsys: Out) -> None:
    assert run(["directory", "--help"]) == 0
    text = capsys.readouterr().out
    for word in [
        "import",
        "find",
        "show",
        "diff",
        "lint",
        "history",
        "export",
        "contacts",
        "propose",
        "approve",
        "rollback",
    ]:
        assert f"\n  {word}" in text, word


def test_contacts_come_in_from_excel_too(capsys: Out, tmp_path: Path) -> None:
    from openpyxl import Workbook

    book = Workbook()
    book.active.append(["institution", "buc", "kind", "name", "phone"])
    book.active.append(["FR:SYNTH001", "LA_BUC_01", "business", "Invented Name", 33100])
    book.save(tmp_path / "c.xlsx")
    assert ask(capsys, "contacts", "add", str(tmp_path / "c.xlsx"))["added"] == 1
    (row,) = ask(capsys, "contacts", "list", "--show-values")["contacts"]
    assert (row["buc"], row["phone"]) == ("LA_BUC_01", "33100")
    book.active.append(["FR:SYNTH001", "LA_BUC_01", "boss", "Invented Name"])
    book.save(tmp_path / "c.xlsx")
    error = fails(capsys, "contacts", "add", str(tmp_path / "c.xlsx"), code=4)
    assert "3" in error
    assert "Invented" not in error


# --- by name alone, and in the words of the law ----------------------------------------------------------------------


def test_a_body_is_found_by_name_alone(capsys: Out) -> None:
    found = ask(capsys, "find", "--name", "frnch penssion fund", "--from", "synthetic")
    assert found["matches"][0]["institution"] == "FR:SYNTH010"
    assert ask(capsys, "find", "--name", "zzzzqqqq", "--from", "synthetic", code=1)["matches"] == []
    assert run(["directory", "find", "--from", "synthetic"]) == 2


def test_legal_competence_by_sheet_and_by_question(capsys: Out, first: Path, tmp_path: Path) -> None:
    """Edited in Excel, proposed, approved, asked, and still there after the next copy."""
    from openpyxl import load_workbook

    run(["directory", "import", str(first)])
    assert ask(capsys, "legal", code=1)["rows"] == []
    sheet = tmp_path / "france.xlsx"
    run(["directory", "export", "--format", "xlsx", "--country", "FR", "--output", str(sheet)])
    book = load_workbook(sheet)
    book["legal competences"].append(["FR:SYNTH002", "Sickness benefits", "in_kind", "employed", "13"])
    book.save(sheet)
    ask(capsys, "propose", str(sheet), "--yes", "--by", "ann")
    assert ask(capsys, "legal", "--risk", "sickness", code=1)["rows"] == []
    ask(capsys, "approve", "1", "--by", "bob")
    (row,) = ask(capsys, "legal", "--risk", "sickness", "--country", "fr")["rows"]
    assert (row["institution"], row["area"]) == ("FR:SYNTH002", "13")
    second = tmp_path / "second.xml"
    second.write_bytes(SECOND)
    arrivals = ask(capsys, "import", str(second))["reconciliation"]
    assert [row["state"] for row in arrivals] == ["not-carried"]
    assert run(["directory", "show", "FR:SYNTH002"]) == 0
    assert "legal competence: risk sickness, benefit in_kind, scheme employed, area 13" in capsys.readouterr().out
    assert "did you mean sickness" in fails(capsys, "legal", "--risk", "sicknes", code=2)
