"""``eessi case``: import, show, allowed, why-not."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

import eessi
from eessi.buc import Event, record
from eessi.cli.program import run


@pytest.fixture
def file(tmp_path: Path) -> str:
    case = eessi.buc("LA_BUC_03").start("CaseOwner", "4.4", me="FR:OWNER01", counterparties=["BE:OTHER01"])
    case = case.apply(Event("sent", sed="A008", document_id="a"))
    path = tmp_path / "case.json"
    path.write_text(record.dump(case), encoding="utf-8")
    return str(path)


def test_show(capsys: pytest.CaptureFixture[str], file: str) -> None:
    assert run(["case", "show", file]) == 0
    assert "LA_BUC_03 4.4, CaseOwner: open" in capsys.readouterr().out
    assert run(["case", "show", file, "--format", "json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["assumed"] is True
    assert [row["sed"] for row in document["documents"]] == ["A008"]
    assert run(["case", "show", file, "--format", "html"]) == 0
    assert "<svg" in capsys.readouterr().out


def test_allowed(capsys: pytest.CaptureFixture[str], file: str) -> None:
    assert run(["case", "allowed", file, "--format", "json", "--on", "2026-06-01"]) == 0
    document = json.loads(capsys.readouterr().out)
    answers = {row["sed"]: row["answer"] for row in document["moves"] if row["kind"] == "send"}
    assert answers["X001"] == "depends", "the day of the A008 is not known"
    assert answers["X005"] == "yes"
    assert document["assumed"] is True
    assert all(row["reasons"] for row in document["moves"] if row["answer"] != "yes")
    assert run(["case", "allowed", file]) == 0
    assert "assumed" in capsys.readouterr().out


def test_why_not(capsys: pytest.CaptureFixture[str], file: str) -> None:
    assert run(["case", "why-not", file, "X005"]) == 0
    assert run(["case", "why-not", file, "A008"]) == 1
    assert "BUC-USED" in capsys.readouterr().out
    assert run(["case", "why-not", file, "X001", "--format", "json"]) == 3
    document = json.loads(capsys.readouterr().out)
    assert document["allowed"] is False
    assert document["rule"] == "BUC-DATE-UNKNOWN"
    assert run(["case", "why-not", file, "close"]) == 1
    assert run(["case", "why-not", file, "hello"]) == 2
    assert run(["case", "why-not", file, "X001", "--fact", "R005.final"]) == 2


def test_refusals_in_another_language(capsys: pytest.CaptureFixture[str], file: str) -> None:
    assert run(["case", "why-not", file, "A008", "--lang", "de"]) == 1
    assert "A008 darf" in capsys.readouterr().out
    assert run(["case", "why-not", file, "X001", "--lang", "fr"]) == 3
    told = capsys.readouterr().out
    assert "X001 peut être envoyé" in told
    assert " attendre day" in told or " donner at" in told
    assert run(["case", "allowed", file, "--lang", "de", "--format", "json"]) == 0
    reasons = [reason for move in json.loads(capsys.readouterr().out)["moves"] for reason in move["reasons"]]
    assert reasons
    assert not [reason for reason in reasons if " may " in reason or " is " in reason or " the " in reason]


def test_facts_are_stated(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    case = (
        eessi.buc("S_BUC_01")
        .start("CaseOwner", "4.3")
        .apply(Event("sent", sed="S071"))
        .apply(Event("received", sed="S072"))
    )
    path = tmp_path / "case.json"
    path.write_text(record.dump(case), encoding="utf-8")
    assert run(["case", "why-not", str(path), "S073"]) == 3
    assert run(["case", "why-not", str(path), "S073", "--fact", "S072.section_7_filled=yes"]) == 0
    assert run(["case", "why-not", str(path), "S073", "--fact", "S072.section_7_filled=no"]) == 1
    capsys.readouterr()


@pytest.mark.parametrize("command", ["show", "allowed", "import"])
@pytest.mark.parametrize("content", [None, b"", b"\x89PNG", b"{", b"[]", b'{"schema_version": 9}'])
def test_unreadable(capsys: pytest.CaptureFixture[str], tmp_path: Path, command: str, content: bytes | None) -> None:
    path = tmp_path / "input.json"
    if content is not None:
        path.write_bytes(content)
    assert run(["case", command, str(path)]) == 4
    found = capsys.readouterr()
    assert found.out == ""
    assert found.err.count("\n") == 1
    assert "input.json" in found.err


def test_import(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    history = {
        "case": {"buc": "P_BUC_03", "version": "v4.2", "owner": "NO:OWNER01"},
        "events": [
            {"at": "2026-01-01", "type": "P2200", "direction": "OUT", "from": "NO:OWNER01", "to": ["DE:OTHER01"]},
            {"at": "2026-01-02", "type": "P3000_DE", "direction": "OUT", "from": "NO:OWNER01", "to": ["DE:OTHER01"]},
        ],
    }
    source, target = tmp_path / "history.json", tmp_path / "case.json"
    source.write_text(json.dumps(history), encoding="utf-8")
    assert run(["case", "import", str(source), "--output", str(target)]) == 0
    assert "P3000_DE" in capsys.readouterr().err
    jsonschema.Draft202012Validator(record.schema()).validate(json.loads(target.read_text(encoding="utf-8")))
    assert run(["case", "show", str(target), "--as-of", "2026-01-01"]) == 0
    assert "P3000" not in capsys.readouterr().out
    assert run(["case", "import", str(source), "--format", "json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert list(document) == ["schema_version", "case", "misfits", "not_understood"]


def test_record(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """The scenario of a case, replayed, ends where the case stands."""
    case = eessi.buc("LA_BUC_01").start("CaseOwner", "4.3", me="FR:OWNER01", counterparties=["BE:OTHER01"])
    case = case.apply(Event("sent", sed="A001", document_id="a", receivers=("BE:OTHER01",)))
    case = case.apply(Event("received", sed="A011", parent_id="a", sender="BE:OTHER01"))
    source, target = tmp_path / "case.json", tmp_path / "recorded.buc.yaml"
    source.write_text(record.dump(case), encoding="utf-8")
    assert run(["case", "record", str(source), "--output", str(target)]) == 0
    text = target.read_text(encoding="utf-8")
    assert "OWNER01" not in text, "institutions are invented"
    assert run(["replay", str(target)]) == 0
    assert "A011" in capsys.readouterr().out
