"""``eessi sed``: the list, one SED, skeletons, and documents in another form."""

from __future__ import annotations

import json
import sys
from io import BytesIO, TextIOWrapper
from pathlib import Path

import jsonschema
import pytest

from eessi.cli.program import run
from eessi.sed.json_text import load_json

NAV = '{"sed": "A001", "sedGVer": "4", "sedVer": "4", "nav": {"bruker": {"person": {"kjoenn": "k"}}, "x": "1"}}'
RINA = '{"A001": {"sedGVer": "4", "sedVer": "4", "Person": {"PersonIdentification": {"sex": {"value": ["02"]}}}}}'


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EESSI_HOME", str(tmp_path / "home"))


def test_list_in_json_is_the_contract(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["sed", "list", "--format", "json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["schema_version"] == 1
    assert len(document["seds"]) == 280
    rows = {row["code"]: row for row in document["seds"]}
    assert rows["S071"] == {
        "code": "S071", "sector": "S", "title": rows["S071"]["title"], "bucs": rows["S071"]["bucs"], "fidelity": "exact",
    }  # fmt: skip
    assert rows["A001"]["bucs"] == ["LA_BUC_01"]
    assert rows["DA016"]["title"] is None
    assert {row["fidelity"] for row in document["seds"]} <= {"exact", "observed", "mapped", "named", None}


def test_list_can_be_narrowed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["sed", "list", "--sector", "la"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 13
    assert run(["sed", "list", "--buc", "la_buc_01", "--search", "exception", "--format", "json"]) == 0
    assert {row["code"] for row in json.loads(capsys.readouterr().out)["seds"]} == {"A001", "A002", "A011"}
    assert run(["sed", "list", "--lang", "fr", "--search", "dérogation", "--format", "json"]) == 0
    assert "A001" in {row["code"] for row in json.loads(capsys.readouterr().out)["seds"]}


def test_show(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["sed", "show", "a001", "--version", "4.4"]) == 0
    text = capsys.readouterr().out
    assert "Request for Exception" in text
    assert "Demande de dérogation" in text
    assert "familyName" in text
    assert run(["sed", "show", "S071", "--version", "4.4", "--format", "json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["trees"][0] == {"package": "open:4.4", "version": "4.4.0", "fidelity": "exact"}
    sex = next(row for row in document["elements"] if row["path"] == "Person/PersonIdentification/sex")
    assert (sex["kind"], sex["min"], sex["max"], sex["codes"]) == ("code", 1, 1, ["01", "02", "98"])


def test_show_says_what_it_does_not_know(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["sed", "show", "A0001"]) == 2
    assert "did you mean" in capsys.readouterr().err
    assert run(["sed", "show", "A001", "--version", "4.9"]) == 2
    assert "known: 1.0 (sandbox:1.0)" in capsys.readouterr().err


def test_new_writes_a_skeleton(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert run(["sed", "new", "A001", "--version", "4.4"]) == 0
    assert "<!-- seen; code; 01 Male, 02 Female, 98 Unknown -->" in capsys.readouterr().out
    file = tmp_path / "new.xml"
    assert run(["sed", "new", "S071", "--version", "1.0", "-o", str(file)]) == 0
    assert "A sandbox document" in file.read_text(encoding="utf-8")
    capsys.readouterr()
    assert run(["sed", "new", "A001"]) == 0
    captured = capsys.readouterr()
    assert captured.err == "A001 in version 4.4, the only one known\n"
    assert 'xmlns:s="http://ec.europa.eu/eessi/ns/4_4/A001"' in captured.out
    assert run(["sed", "new", "P4000"]) == 2
    assert "known are 3.1, 4.0" in capsys.readouterr().err
    assert run(["sed", "new", "A002"]) == 2
    assert "only those of the sandbox" in capsys.readouterr().err


def test_convert_there_and_back(samples_a001: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    xml, back = tmp_path / "a001.xml", tmp_path / "a001.json"
    assert run(["sed", "convert", str(samples_a001), "--to", "xml", "-o", str(xml)]) == 0
    assert run(["sed", "convert", str(xml), "--to", "json", "-o", str(back)]) == 0
    assert load_json(back.read_bytes()) == load_json(samples_a001.read_bytes())
    assert "guessed" in capsys.readouterr().err


@pytest.fixture
def samples_a001(shared: Path) -> Path:
    return shared / "cdm" / "samples-json" / "rina" / "A001-4.4.json"


def test_convert_tells_losses(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "nav.json"
    file.write_text(NAV, encoding="utf-8")
    assert run(["sed", "convert", str(file), "--to", "json", "--format", "json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["from"], document["to"], document["sed"], document["cdm"]) == ("nav-json", "json", "A001", "4.4")
    assert document["lossless"] is False
    assert {"kind": "unmapped", "path": "nav.x", "detail": "no row knows this path"} in document["report"]
    assert json.loads(document["document"])["A001"]["Person"]["PersonIdentification"]["sex"] == {"value": ["02"]}
    assert run(["sed", "convert", str(file), "--to", "xml", "--strict"]) == 1
    assert "nav.x: no place known" in capsys.readouterr().err


def test_convert_reads_standard_input(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "stdin", TextIOWrapper(BytesIO(RINA.encode())))
    assert run(["sed", "convert", "-", "--to", "xml", "--strict"]) == 0
    captured = capsys.readouterr()
    assert "<sex><value>02</value></sex>" in captured.out
    assert captured.err == ""


def test_convert_takes_a_message_apart(shared: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    message = shared / "cdm" / "samples-xml" / "P4000-sbdh-3.1.xml"
    sed = tmp_path / "sed.xml"
    assert run(["sed", "convert", str(message), "--to", "xml", "-o", str(sed)]) == 0
    assert sed.read_bytes() in message.read_bytes()
    assert "StandardBusinessDocumentHeader" in capsys.readouterr().err
    assert run(["sed", "convert", str(message), "--to", "json", "--part", "header"]) == 0
    assert json.loads(capsys.readouterr().out)["documentIdentification"]["type"] == "P4000"
    header = shared / "cdm" / "samples-json" / "rina" / "sbdhWithAttachments.json"
    assert run(["sed", "convert", str(header), "--to", "xml", "--part", "header"]) == 0
    assert "<sbdh:CaseAction>Start</sbdh:CaseAction>" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("data", "code", "why"),
    [
        (b'{"A001": {}}', 4, "--version"),
        (b'{"sedType": "F002", "sedVersjon": "4.2"}', 4, "front end"),
        (b'{"sender": {}, "documentIdentification": {}}', 4, "--part header"),
        (b'{"items": [{"subdocuments": []}]}', 4, "sub-documents"),
        (b'{"a": 1}', 4, "no SED"),
        (b"<html/>", 4, "neither a SED"),
        (b"", 4, "empty"),
        (b"\x89PNG\r\n\x1a\n", 4, "PNG"),
        (b'{"A001": ', 4, "not well-formed"),
    ],
)
def test_bad_input_is_one_line(
    data: bytes, code: int, why: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "input"
    file.write_bytes(data)
    assert run(["sed", "convert", str(file), "--to", "xml"]) == code
    captured = capsys.readouterr()
    assert why in captured.err
    assert len(captured.err.splitlines()) == 1
    assert captured.out == ""


def test_wrong_use(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["sed", "convert", str(tmp_path / "absent"), "--to", "xml"]) == 4
    assert "no such file" in capsys.readouterr().err
    file = tmp_path / "a.json"
    file.write_text(RINA, encoding="utf-8")
    assert run(["sed", "convert", str(file), "--to", "xml", "--part", "header"]) == 2
    assert run(["sed", "convert", str(file), "--to", "xml", "-o", str(tmp_path / "no" / "x")]) == 2
    assert run(["sed", "convert", str(file), "--to", "pdf"]) == 2


def test_the_group_offers_its_commands(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["sed", "--help"]) == 0
    text = capsys.readouterr().out
    for name in ("list", "show", "new", "convert"):
        assert f"  {name} " in text
    assert run(["sed", "nonsense"]) == 2


@pytest.mark.parametrize(
    ("name", "command"),
    [
        ("sed-list", ["sed", "list"]),
        ("sed-show", ["sed", "show", "S071", "--version", "4.4"]),
        ("sed-show", ["sed", "show", "DA016"]),
        ("sed-convert", ["sed", "convert", "examples/documents/a001-rina.json", "--to", "xml"]),
    ],
)
def test_outputs_obey_their_published_schemas(
    name: str, command: list[str], root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(root)
    assert run(["schema", name]) == 0
    schema = json.loads(capsys.readouterr().out)
    assert run([*command, "--format", "json"]) == 0
    document = json.loads(capsys.readouterr().out)
    jsonschema.validate(document, schema)
    assert next(iter(document)) == "schema_version"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**document, "schema_version": 2}, schema)
