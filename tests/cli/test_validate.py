"""``eessi validate``, ``explain`` and ``schema``: exit codes, formats, one line per trouble, nothing personal."""

from __future__ import annotations

import io
import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
from lxml import etree

from eessi.cli.program import run
from eessi.findings import known_ids
from eessi.findings.report import Judged
from tests.hostile import CORPUS
from tests.schemas.samples import S071, damaged

BAD = damaged(("<town>Athina</town>", ""), ("Ada", "Geheim" * 30))


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EESSI_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("NO_COLOR", "1")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    where = tmp_path / "in"
    (where / "deeper").mkdir(parents=True)
    (where / "good.xml").write_bytes(S071)
    (where / "deeper" / "bad.XML").write_bytes(BAD)
    (where / "notes.txt").write_text("not looked at")
    return where


def put(folder: Path, name: str, data: bytes) -> str:
    file = folder / name
    file.write_bytes(data)
    return str(file)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (S071, 0),
        (BAD, 1),
        (S071.replace(b"/4_4/", b"/4_9/"), 3),
        (b'<s:P4000 xmlns:s="http://ec.europa.eu/eessi/ns/4_2/P4000"/>', 3),
        (b"<html/>", 1),
        (b"", 4),
        (b"\x89PNG\r\n", 4),
        (S071[:400], 4),
        (b"{", 4),
        (b'{"sed": 1}', 4),
    ],
)
def test_exit_codes(tmp_path: Path, data: bytes, code: int) -> None:
    assert run(["validate", put(tmp_path, "x.xml", data)]) == code


def test_missing_file_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["validate", "no/such/file.xml"]) == 4
    captured = capsys.readouterr()
    assert captured.err == "eessi: no/such/file.xml: no such file\n"
    assert captured.out.strip() == ""


def test_worst_of_several_wins_and_nothing_is_lost(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    picture = put(folder, "x.png", b"\x89PNG\r\n")
    assert run(["validate", str(folder), picture, "--format", "json"]) == 4
    captured = capsys.readouterr()
    document = json.loads(captured.out)
    assert [(Path(result["file"]).name, result["verdict"]) for result in document["results"]] == [
        ("bad.XML", "invalid"),
        ("good.xml", "valid"),
        ("x.png", "undetermined"),
    ]
    assert document["summary"] == {"valid": 1, "invalid": 1, "undetermined": 1, "unreadable": 1}
    assert captured.err.count("\n") == 1


def test_damaged_s071_names_line_path_expectation_and_hint(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["validate", put(tmp_path, "x.xml", BAD)]) == 1
    text = capsys.readouterr().out
    assert "SCH-MISSING  line 15, column 7: S071/AddressOfPersonForWhomAnEntitlementDocument/Address/town" in text
    assert "`town` is missing; it is required before `country`" in text
    assert "hint: add `town` in `Address`" in text
    assert "Geheim" not in text


def test_values_on_request(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["validate", put(tmp_path, "x.xml", BAD), "--show-values"]) == 1
    assert "GeheimGeheim" in capsys.readouterr().out


@pytest.mark.parametrize("format", ["text", "json", "ndjson", "junit", "sarif", "html"])
def test_every_format_tells_the_same_and_no_value(
    format: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["validate", str(folder), "--format", format]) == 1
    text = capsys.readouterr().out
    assert "SCH-MISSING" in text
    assert "Geheim" not in text
    assert "good.xml" in text


def test_json_obeys_the_published_schema(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["schema", "verdict"]) == 0
    schema = json.loads(capsys.readouterr().out)
    run(["validate", str(folder), "--format", "json"])
    jsonschema.validate(json.loads(capsys.readouterr().out), schema)
    assert run(["schema", "verdict-line"]) == 0
    line = json.loads(capsys.readouterr().out)
    run(["validate", str(folder), "--format", "ndjson"])
    rows = capsys.readouterr().out.splitlines()
    assert len(rows) == 2
    for row in rows:
        jsonschema.validate(json.loads(row), line)


def test_output_file_and_quiet(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "report.html"
    assert run(["validate", str(folder), "--format", "html", "--output", str(out)]) == 1
    assert capsys.readouterr().out == ""
    assert out.read_text().startswith("<!doctype html>")
    assert run(["validate", str(folder), "--quiet"]) == 1
    assert capsys.readouterr().out == ""


def test_standard_input(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(S071)))
    assert run(["validate", "-"]) == 0
    assert capsys.readouterr().out.startswith("-: valid")


def test_several_processes_give_the_same(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for number in range(6):
        put(folder, f"copy{number}.xml", S071)
    assert run(["validate", str(folder), "--format", "json"]) == 1
    one = capsys.readouterr().out
    assert run(["validate", str(folder), "--format", "json", "--jobs", "2"]) == 1
    assert capsys.readouterr().out == one


def test_resume_tells_the_whole(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["validate", str(folder), "--format", "ndjson"]) == 1
    whole = capsys.readouterr().out
    rows = whole.splitlines()
    assert [json.loads(row)["verdict"] for row in rows] == ["invalid", "valid"]
    before = tmp_path / "before.ndjson"
    before.write_text(rows[0] + "\n" + rows[1][:40])  # broken off in the middle of a line
    words = ["validate", str(folder), "--format", "ndjson", "--resume", str(before)]
    assert run(words) == 1, "what was invalid before the break still counts"
    assert capsys.readouterr().out == whole
    before.write_text("no json\n" + rows[0])
    assert run(words) == 4


def test_resume_counts_what_could_not_be_read(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    put(folder, "a.xml", b"PNG")
    assert run(["validate", str(folder), "--format", "ndjson"]) == 4
    before = tmp_path / "before.ndjson"
    before.write_text(capsys.readouterr().out)
    assert run(["validate", str(folder), "--format", "ndjson", "--resume", str(before)]) == 4
    assert capsys.readouterr().out == before.read_text()
    assert run(["validate", str(folder), "--resume", str(before)]) == 2


def test_a_killed_run_over_processes_resumes_to_the_same_report(folder: Path, tmp_path: Path) -> None:
    for number in range(900):
        put(folder, f"f{number:03}.xml", (S071, BAD, b"<a/>")[number % 3])
    words = [
        sys.executable,
        "-c",
        "from eessi.cli import main; main()",
        "validate",
        str(folder),
        "--format",
        "ndjson",
        "--jobs",
        "2",
    ]
    whole = subprocess.run(words, capture_output=True, check=False)
    broken = tmp_path / "broken.ndjson"
    running = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, process_group=0)
    assert running.stdout is not None
    lines = [running.stdout.readline() for _ in range(40)]
    os.killpg(running.pid, signal.SIGKILL)  # the run and its workers
    rest = running.communicate()[0]
    assert running.returncode == -signal.SIGKILL
    broken.write_bytes(b"".join(lines) + rest)
    assert 40 <= len(broken.read_bytes().splitlines()) < 902
    resumed = subprocess.run([*words, "--resume", str(broken)], capture_output=True, check=False)
    assert resumed.stdout == whole.stdout
    assert resumed.returncode == whole.returncode == 1


def test_a_killed_worker_ends_in_one_line(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The system takes a process away when memory runs out; nothing of it may count as valid."""
    from eessi.cli import validate as module

    judge = module._Judge.__call__

    def struck(self: module._Judge, file: str) -> Judged:
        if "bad" in file:
            os.kill(os.getpid(), signal.SIGKILL)
        return judge(self, file)

    monkeypatch.setattr(module._Judge, "__call__", struck)
    assert run(["validate", str(folder), "--jobs", "2"]) == 3
    told = capsys.readouterr()
    assert "bad.XML: undetermined" in told.out
    assert "good.xml: valid" in told.out
    assert told.err == ""


def test_fail_on_and_rules(tmp_path: Path) -> None:
    file = put(tmp_path, "x.xml", damaged(("2026-06-30", "2025-06-30")))
    assert run(["validate", file]) == 0
    assert run(["validate", file, "--fail-on", "warning"]) == 1
    assert run(["validate", file, "--fail-on", "warning", "--no-rules"]) == 0


def test_languages(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(["validate", put(tmp_path, "x.xml", BAD), "--lang", "fr"])
    assert "`town` manque ; il est obligatoire avant `country`" in capsys.readouterr().out


@pytest.mark.parametrize(
    "words",
    [["validate"], ["validate", "x", "--format", "nonsense"], ["validate", "x", "--package", "cdm:9.9"],
     ["validate", "x", "--package", "//"], ["validate", "x", "--as-of", "tomorrow"], ["explain"], ["explain", "SCH-NOTHING"],
     ["schema", "verdicts"], ["validate", "x", "--jobs", "0"]],
)  # fmt: skip
def test_wrong_usage(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(words) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "Traceback" not in captured.err


def test_folder_without_documents_is_wrong_usage(tmp_path: Path) -> None:
    assert run(["validate", str(tmp_path)]) == 2


def test_hostile_corpus_one_line_each(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(*arguments: object, **more: object) -> None:
        raise AssertionError("the network was touched")

    monkeypatch.setattr(socket, "socket", refuse)
    for name, hostile in CORPUS.items():
        code = run(["validate", "--quiet", put(tmp_path, f"{name}.xml", hostile.make())])
        captured = capsys.readouterr()
        assert code == 4, name
        assert captured.err.count("\n") == 1, (name, captured.err)
        assert captured.err.startswith("eessi: "), name
        (tmp_path / f"{name}.xml").unlink()


def test_deep_json_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["validate", put(tmp_path, "deep.json", b'{"a":' * 100_000)]) == 4
    assert capsys.readouterr().err.count("\n") == 1


def test_a_broken_package_is_5(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from eessi.errors import PackageError
    from eessi.schemas import Registry

    def broken(self: object, found: object) -> object:
        raise PackageError("hash differs")

    monkeypatch.setattr(Registry, "schema_of", broken)
    assert run(["validate", put(tmp_path, "x.xml", damaged(("Ada", "Eva")))]) == 5


class TestExplain:
    @pytest.mark.parametrize("id", known_ids())
    def test_every_id(self, id: str, capsys: pytest.CaptureFixture[str]) -> None:
        assert run(["explain", id.lower()]) == 0
        text = capsys.readouterr().out
        assert text.startswith(id)
        assert "why:" in text

    def test_json_and_languages(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert run(["explain", "SCH-CODE", "--format", "json", "--lang", "de"]) == 0
        document = json.loads(capsys.readouterr().out)
        assert document["schema_version"] == 1
        assert document["id"] == "SCH-CODE"
        assert document["hint"] == "die Codes sind {codes}"
        run(["schema", "explain"])
        jsonschema.validate(document, json.loads(capsys.readouterr().out))

    def test_unreviewed_texts_say_so(self, capsys: pytest.CaptureFixture[str]) -> None:
        run(["explain", "SCH-CODE", "--lang", "de"])
        assert "hat noch kein Mensch geprüft" in capsys.readouterr().out


class TestReal:
    """The samples of the reference facts."""

    def test_envelope_of_cdm_3_1(self, shared: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert run(["validate", str(shared / "cdm" / "samples-xml" / "P4000-sbdh-3.1.xml"), "--format", "json"]) == 3
        (result,) = json.loads(capsys.readouterr().out)["results"]
        assert (result["sed"], result["cdm"], result["verdict"]) == ("P4000", "3.1", "undetermined")
        assert "structure" in {entry["what"] for entry in result["not_checked"]}
        assert {finding["severity"] for finding in result["findings"]} <= {"warning", "info"}

    def test_rina_json(self, shared: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert (
            run(["validate", str(shared / "cdm" / "samples-json" / "rina" / "A001-4.4.json"), "--format", "json"]) == 3
        )
        (result,) = json.loads(capsys.readouterr().out)["results"]
        assert (result["sed"], result["verdict"]) == ("A001", "undetermined")


def test_page_is_self_contained_and_marked_up(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(["validate", str(folder), "--format", "html"])
    page = capsys.readouterr().out
    root = etree.HTML(page)
    assert not root.xpath("//script | //link[@href != 'data:,'] | //img | //*[@src]")
    assert root.xpath("string(//html/@lang)") == "en"
    assert root.xpath("count(//h1)") == 1
    assert root.xpath("count(//th[@scope='col'])") == 4
    assert root.xpath("boolean(//table/caption)")
    assert "undetermined" in page.lower()


def test_page_escapes_what_documents_say(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    name = "a<script>alert(1)</script>.xml"
    put(tmp_path, name.replace("/", "_"), BAD)
    run(["validate", str(tmp_path), "--format", "html"])
    assert "<script>" not in capsys.readouterr().out


def test_interrupted_run_is_130(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from eessi.cli import validate as module

    def stop(self: object, file: str) -> object:
        raise KeyboardInterrupt

    monkeypatch.setattr(module._Judge, "__call__", stop)
    assert run(["validate", put(tmp_path, "x.xml", S071)]) == 130


def test_as_a_process_without_terminal(tmp_path: Path) -> None:
    file = put(tmp_path, "x.xml", BAD)
    done = subprocess.run(
        [sys.executable, "-c", "from eessi.cli import main; main()", "validate", file],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1
    assert "\x1b[" not in done.stdout
    assert done.stderr == ""
