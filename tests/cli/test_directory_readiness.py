"""``eessi directory readiness``, and ``eessi ready`` over what it keeps."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from eessi.cli.program import run
from eessi.directory import Directory
from eessi.directory.syn001_writer import syn001_bytes

HEAD = "country,institution,buc,mode,cdm,since,source\n"
ROWS = HEAD + "FR,,LA_BUC_01,electronic,4.4,2026-01-01,notice 12\nBE,,LA_BUC_01,paper,,2026-02-01,letter\n"

Out = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("EESSI_HOME", str(tmp_path / "home"))
    copy = tmp_path / "copy.xml"
    copy.write_bytes(syn001_bytes(Directory.synthetic()))
    assert run(["directory", "import", str(copy), "--quiet"]) == 0
    return tmp_path / "home"


@pytest.fixture
def table(tmp_path: Path) -> Path:
    file = tmp_path / "rows.csv"
    file.write_text(ROWS, encoding="utf-8")
    return file


def told(out: Out, *words: str, code: int = 0) -> Any:
    out.readouterr()
    assert run([*words, "--format", "json"]) == code
    return json.loads(out.readouterr().out)


def test_a_preview_first_then_declared_then_asked(capsys: Out, table: Path) -> None:
    preview = told(capsys, "directory", "readiness", "import", str(table))
    assert [each["action"] for each in preview["changes"]] == ["added", "added"]
    assert told(capsys, "directory", "readiness", "list")["rows"] == []
    done = told(capsys, "directory", "readiness", "import", str(table), "--yes", "--by", "ann")
    assert {each["by"] for each in done["changes"]} == {"ann"}
    rows = told(capsys, "directory", "readiness", "list", "--country", "fr")["rows"]
    assert [(row["country"], row["mode"], row["source"]) for row in rows] == [("FR", "electronic", "notice 12")]

    asked = ("ready", "--buc", "LA_BUC_01", "--on", "2026-06-01", "--version", "4.4")
    (france,) = told(capsys, *asked, "--country", "FR")["rows"]
    assert (france["answer"], france["since"], france["source"]) == ("yes", "2026-01-01", "notice 12")
    (belgium,) = told(capsys, *asked, "--country", "BE", code=1)["rows"]
    assert (belgium["answer"], belgium["mode"]) == ("no", "paper")
    (by_copy,) = told(capsys, *asked, "--country", "FR", "--from", "synthetic", code=3)["rows"]
    assert by_copy["answer"] == "unknown", "--from asks that copy alone"


def test_a_file_lies_over_the_store(capsys: Out, table: Path, tmp_path: Path) -> None:
    run(["directory", "readiness", "import", str(table), "--yes", "--quiet"])
    what_if = tmp_path / "what_if.csv"
    what_if.write_text(HEAD + "BE,,LA_BUC_01,electronic,4.4,2026-03-01,plan\n")
    words = ("ready", "--buc", "LA_BUC_01", "--on", "2026-06-01", "--version", "4.4", "--country", "BE")
    assert told(capsys, *words, "--declared", str(what_if))["rows"][0]["source"] == "plan"
    told(capsys, *words, code=1)


def test_a_body_alone(capsys: Out, table: Path) -> None:
    run(["directory", "readiness", "import", str(table), "--yes", "--quiet"])
    words = ("ready", "--buc", "LA_BUC_01", "--on", "2026-06-01", "--institution", "FR:SYNTH001")
    (row,) = told(capsys, *words)["rows"]
    assert (row["institution"], row["country"], row["answer"]) == ("FR:SYNTH001", "FR", "yes")
    assert run([*words, "--country", "FR"]) == 2


def test_edited_in_excel_and_taken_back_what_is_gone(capsys: Out, table: Path, tmp_path: Path) -> None:
    from openpyxl import load_workbook

    run(["directory", "readiness", "import", str(table), "--yes", "--quiet"])
    sheet = tmp_path / "rows.xlsx"
    assert run(["directory", "readiness", "list", "--country", "BE", "--format", "xlsx", "--output", str(sheet)]) == 0
    assert told(capsys, "directory", "readiness", "import", str(sheet))["changes"] == []
    book = load_workbook(sheet)
    book["readiness"].cell(2, 6).value = "2026-04-01"
    book.save(sheet)
    words = ("directory", "readiness", "import", str(sheet), "--replace")
    assert [each["action"] for each in told(capsys, *words)["changes"]] == ["added", "withdrawn"]
    told(capsys, *words, "--yes", "--by", "bob")
    rows = told(capsys, "directory", "readiness", "list")["rows"]
    assert [(row["country"], row["since"]) for row in rows] == [("BE", "2026-04-01"), ("FR", "2026-01-01")]
    history = told(capsys, "directory", "readiness", "history", "--country", "BE")["changes"]
    assert [each["action"] for each in history] == ["added", "added", "withdrawn"]


def test_taken_back_and_still_known_as_it_stood(capsys: Out, table: Path) -> None:
    run(["directory", "readiness", "import", str(table), "--yes", "--quiet"])
    told(capsys, "directory", "readiness", "withdraw", "--buc", "LA_BUC_01", "--country", "FR", "--by", "cid")
    assert [row["country"] for row in told(capsys, "directory", "readiness", "list")["rows"]] == ["BE"]
    capsys.readouterr()
    assert run(["directory", "readiness", "history", "--country", "FR"]) == 0
    text = capsys.readouterr().out
    assert "cid  withdrawn  FR LA_BUC_01: electronic 4.4 since 2026-01-01 (notice 12)" in text
    assert run(["directory", "readiness", "withdraw", "--buc", "LA_BUC_01", "--country", "FR"]) == 2
    assert run(["directory", "readiness", "withdraw", "--buc", "LA_BUC_01"]) == 2


def test_doubts_are_told_at_the_preview_and_when_asked(capsys: Out, tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    file.write_text(HEAD + "FR,FR:NOBODY1,LA_BUC_01,paper,,2026-01-01,x\n")
    capsys.readouterr()
    assert run(["directory", "readiness", "import", str(file)]) == 0
    assert "DIR-READY-BODY" in capsys.readouterr().err
    assert run(["directory", "readiness", "check"]) == 0
    run(["directory", "readiness", "import", str(file), "--yes", "--quiet"])
    assert told(capsys, "directory", "readiness", "check", code=1)["summary"]["warning"] == 1


def test_who_may_declare_is_data_and_the_refusal_is_logged(capsys: Out, table: Path, home: Path) -> None:
    (home / "directory.toml").write_text('identity = ["operating-system"]\n', encoding="utf-8")
    capsys.readouterr()
    assert run(["directory", "readiness", "import", str(table), "--yes", "--by", "ann"]) == 1
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "ann is known by argument only" in error
    assert told(capsys, "directory", "history", "--events")["events"][-1]["action"] == "declaration-refused"
    assert told(capsys, "directory", "readiness", "list")["rows"] == []


@pytest.mark.parametrize(
    ("text", "says"),
    [(HEAD + "FR,,LA_BUC_01,paper,,soon,x\n", "row 2: since"), ("", "empty"), ("a,b\n1,2\n", "no column country")],
)
def test_a_bad_table_is_one_line_and_4(capsys: Out, tmp_path: Path, text: str, says: str) -> None:
    file = tmp_path / "rows.csv"
    file.write_text(text)
    capsys.readouterr()
    assert run(["directory", "readiness", "import", str(file), "--yes"]) == 4
    error = capsys.readouterr().err
    assert says in error
    assert error.count("\n") == 1
    assert run(["directory", "readiness", "import", str(tmp_path / "nowhere.csv")]) == 4
