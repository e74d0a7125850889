"""``eessi buc``: shapes and exit codes of the contract."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from lxml import etree

import eessi
from eessi.buc import Event, record
from eessi.cli.program import run


def out(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    code = run(["buc", *words])
    return code, capsys.readouterr().out


def test_list(capsys: pytest.CaptureFixture[str]) -> None:
    code, text = out(capsys, "list", "--format", "json")
    document = json.loads(text)
    assert code == 0
    assert list(document) == ["schema_version", "bucs"]
    assert len(document["bucs"]) == 111
    assert set(document["bucs"][0]) == {"code", "sector", "title", "participants", "starters", "confidence"}
    _, text = out(capsys, "list", "--sector", "la")
    assert text.count("LA_BUC_0") == 6
    _, text = out(capsys, "list", "--lang", "nb", "--sector", "LA")
    assert "Anmodning om unntak" in text


@pytest.mark.parametrize("format", ["text", "json", "md", "html"])
def test_show(capsys: pytest.CaptureFixture[str], format: str) -> None:
    code, text = out(capsys, "show", "S_BUC_01", "--format", format)
    assert code == 0
    assert "S073" in text
    if format == "json":
        assert json.loads(text)["starters"] == ["S071"]


def test_a_version_that_is_not_known_is_assumed(capsys: pytest.CaptureFixture[str]) -> None:
    _, text = out(capsys, "show", "S_BUC_01", "--version", "4.4")
    assert "assumed from 4.3" in text


@pytest.mark.parametrize(
    "words",
    [["show", "S_BUC_99"], ["show", "S_BUC_01", "--version", "4.0"], ["diagram"], ["show"], ["check", "AD_BUC_01"]],
)
def test_wrong_usage(capsys: pytest.CaptureFixture[str], words: list[str]) -> None:
    assert run(["buc", *words]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_diagrams(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert out(capsys, "diagram", "S_BUC_01")[1].startswith("flowchart")
    assert out(capsys, "diagram", "S_BUC_01", "--kind", "sequence")[1].startswith("sequenceDiagram")
    assert "H_BUC_01" in out(capsys, "diagram", "--kind", "map")[1]
    etree.fromstring(out(capsys, "diagram", "S_BUC_01", "--format", "svg")[1])
    assert set(json.loads(out(capsys, "diagram", "S_BUC_01", "--format", "json")[1])) == {
        "schema_version",
        "mermaid",
        "svg",
    }
    case = eessi.buc("S_BUC_01").start("Counterparty", "4.3").apply(Event("received", sed="S071"))
    file = tmp_path / "case.json"
    file.write_text(record.dump(case), encoding="utf-8")
    assert "class S072 open" in out(capsys, "diagram", "S_BUC_01", "--case", str(file))[1]
    assert run(["buc", "diagram", "S_BUC_02", "--case", str(file)]) == 2
    assert "is a case of S_BUC_01, not of S_BUC_02" in capsys.readouterr().err


def test_check(capsys: pytest.CaptureFixture[str]) -> None:
    code, text = out(capsys, "check", "S_BUC_24")
    assert code == 0
    assert "bounds: at most 2 documents" in text
    assert "valid" in text
    assert "complete" in text
    code, text = out(capsys, "check", "S_BUC_24", "--states", "30", "--format", "json")
    document = json.loads(text)
    assert code == 3, "a cut search is undetermined"
    assert document["results"][0]["outcome"] == "undetermined"
    assert document["results"][0]["complete"] is False


def test_check_refutes(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    source = Path(eessi.buc.loading.__file__).parent / "definitions" / "S_BUC_24.toml"
    text = source.read_text(encoding="utf-8").replace('local = ["CaseOwner", "Counterparty"]', "local = []")
    (tmp_path / "own.toml").write_text(text.replace("S_BUC_24", "FR_BUC_OWN"), encoding="utf-8")
    code, found = out(capsys, "check", "FR_BUC_OWN", "--definitions", str(tmp_path))
    assert code == 1
    assert "closable *: nobody can ever close the case" in found


def test_a_definition_that_is_not_utf8(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_bytes(b'name = "Li\xe8ge"')
    assert run(["buc", "compare", str(tmp_path / "own.toml"), "UB_BUC_01"]) == 4
    assert "own.toml: not UTF-8 (byte 10)" in capsys.readouterr().err


def test_compare(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    code, text = out(capsys, "compare", "UB_BUC_01@4.1", "UB_BUC_01@4.2", "--format", "json")
    assert code == 0
    assert {row["kind"] for row in json.loads(text)["changes"]} == {"loosened"}
    case = (
        eessi.buc("UB_BUC_01").start("CaseOwner", "4.2").replay([Event("sent", sed="U003"), Event("sent", sed="U001")])
    )
    file = tmp_path / "case.json"
    file.write_text(record.dump(case), encoding="utf-8")
    code, text = out(capsys, "compare", "UB_BUC_01@4.2", "UB_BUC_01@4.1", "--case", str(file))
    assert code == 1
    assert "may not move: event 2" in text
    assert out(capsys, "compare", "UB_BUC_01@4.2", "UB_BUC_01@4.2", "--case", str(file)) == (
        0,
        "no difference\nthe case may move\n",
    )


def test_a_broken_definition(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text("format = 1\ncolour = 'red'\n", encoding="utf-8")
    assert run(["buc", "list", "--definitions", str(tmp_path)]) == 5
    assert "own.toml" in capsys.readouterr().err
