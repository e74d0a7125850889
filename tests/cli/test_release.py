"""The coordinator's commands: exit codes, JSON shapes, and one clear line for what cannot be done."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from eessi.cli.program import run

SED = ["--sed", "A001"]


def call(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    code = run(words)
    out, err = capsys.readouterr()
    return code, out, err


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EESSI_HOME", str(tmp_path / "home"))


def test_diff_says_what_breaks_with_a_witness(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = call(capsys, "diff", "sandbox:1.0", "sandbox:1.1", *SED, "--format", "json")
    document = json.loads(out)
    assert code == 1
    assert document["schema_version"] == 1
    for change in document["changes"]:
        assert {"id", "class", "direction", "sed", "path", "old", "new"} <= change.keys()
        if change["class"] == "refused":
            assert change["proved"]
            assert change["witness"].startswith("<?xml")
    assert document["summary"]["refused"] == sum(c["class"] == "refused" for c in document["changes"])


def test_diff_of_a_package_with_itself_is_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = call(capsys, "diff", "sandbox:1.0", "sandbox:1.0", *SED)
    assert code == 0
    assert "nothing changed" in out


def test_diff_of_trees_known_in_part_is_undetermined(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = call(capsys, "diff", "open:4.4", "open:4.4", *SED)
    assert code == 3
    assert "Not compared" in out


def test_diff_fails_on_what_it_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert call(capsys, "diff", "sandbox:1.0", "sandbox:1.1", *SED, "--fail-on", "never")[0] == 0


@pytest.mark.parametrize("form", ["html", "md", "xlsx"])
def test_diff_writes_other_forms(form: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / f"difference.{form}"
    code, _, err = call(capsys, "diff", "sandbox:1.0", "sandbox:1.1", *SED, "--format", form, "--output", str(file))
    assert (code, err) == (1, "")
    written = file.read_bytes()
    assert written.startswith(b"PK") if form == "xlsx" else b"CHG-CODE-WITHDRAWN" in written


def test_diff_writes_witnesses_to_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["diff", "sandbox:1.0", "sandbox:1.1", *SED, "--witness-dir", str(tmp_path), "--format", "json"]
    _, out, _ = call(capsys, *words)
    named = [change["witness"] for change in json.loads(out)["changes"] if change["class"] == "refused"]
    assert named
    assert all(Path(name).read_bytes().startswith(b"<?xml") for name in named)


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["diff", "nothing:1", "sandbox:1.1"], 2, "unknown package 'nothing:1'"),
        (["diff", "./nowhere", "sandbox:1.1"], 4, "nowhere: no such file or folder"),
        (["diff", "sandbox:1.0", "sandbox:1.1", "--sed", "Q999"], 2, "Q999"),
        (["impact", "sandbox:1.0", "sandbox:1.1", "nowhere"], 4, "nowhere: no such file or folder"),
        (["migrate", "nowhere.xml", "--to", "sandbox:1.1"], 4, "nowhere.xml: no such file"),
        (["labels", "export", "texts.txt", "--language", "fr"], 4, "texts.txt: write to a file that ends in"),
        (["signoff", "status", "nowhere.json"], 4, "nowhere.json: no such file"),
    ],
)
def test_bad_input_gets_one_clear_line(
    words: list[str],
    code: int,
    says: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    got, out, err = call(capsys, *words)
    assert got == code
    assert says in err
    assert len(err.strip().splitlines()) == 1
    assert out == ""


def document(version: str, body: str) -> str:
    person = (
        "<Person><PersonIdentification><familyName>Test</familyName><forename>Ada</forename>"
        "<dateBirth>1980-01-15</dateBirth><sex><value>02</value></sex></PersonIdentification></Person>"
    )
    return f'<s:A001 xmlns:s="urn:eessi-toolkit:sandbox:{version}:A001">{person}{body}</s:A001>'


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    folder = tmp_path / "archive"
    folder.mkdir()
    for number in range(6):
        (folder / f"good{number}.xml").write_text(document("1.0", ""))
    for number in range(3):
        outcome = "<Decision><outcome><value>04</value></outcome></Decision>"
        (folder / f"bad{number}.xml").write_text(document("1.0", outcome))
    (folder / "before.xml").write_text(document("1.0", "<nonsense/>"))
    (folder / "broken.xml").write_text("<a><b>")
    return folder


def test_impact_groups_by_cause(archive: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = call(capsys, "impact", "sandbox:1.0", "sandbox:1.1", str(archive), "--format", "json")
    found = json.loads(out)
    assert code == 1
    counts = {
        key: found["documents"][key] for key in ("checked", "accepted", "refused", "refused_before", "undetermined")
    }
    assert counts == {"checked": 11, "accepted": 6, "refused": 3, "refused_before": 1, "undetermined": 1}
    causes = {(cause["change"], cause["path"]): cause["count"] for cause in found["causes"]}
    assert causes[("CHG-CODE-WITHDRAWN", "Decision/outcome")] == 3
    assert "Ada" not in out


def test_impact_in_several_processes_says_the_same(archive: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["impact", "sandbox:1.0", "sandbox:1.1", str(archive), "--format", "json"]
    assert call(capsys, *words)[1] == call(capsys, *words, "--jobs", "2")[1]


def test_impact_goes_on_where_it_stopped(archive: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    journal = tmp_path / "journal.ndjson"
    words = ["impact", "sandbox:1.0", "sandbox:1.1", str(archive), "--format", "json", "--journal", str(journal)]
    whole = call(capsys, *words)[1]
    lines = journal.read_text().splitlines(keepends=True)
    journal.write_text("".join(lines[:5]) + lines[5][:20])  # stopped in the middle of a line
    assert call(capsys, *words)[1] == whole
    assert len(journal.read_text().splitlines()) == len(lines)
    journal.write_bytes("".join(lines[:5]).encode() + b'{"file": "Li\xc3')  # stopped in the middle of a character
    assert call(capsys, *words)[1] == whole


def test_migrate_reports_loss_and_work(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "a001.xml"
    file.write_text(document("1.0", "<Decision><outcome><value>04</value></outcome></Decision>"))
    code, out, _ = call(capsys, "migrate", str(file), "--to", "sandbox:1.1", "--format", "json")
    found = json.loads(out)
    assert code == 1
    assert [loss["change"] for loss in found["losses"]] == ["CHG-CODE-WITHDRAWN"]
    assert "content" not in found["losses"][0]
    assert {item["path"] for item in found["todo"]} >= {"Decision/outcome"}


def test_migrate_refuses_to_guess(root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "a001.xml"
    file.write_text('<s:A001 xmlns:s="http://ec.europa.eu/eessi/ns/4_4/A001" sedGVer="4" sedVer="4"/>')
    code, _, err = call(capsys, "migrate", str(file), "--to", "sandbox:1.1")
    assert code == 2
    assert "only as observed" in err


def test_labels_and_signoff_end_to_end(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    texts = tmp_path / "fr.xlsx"
    assert call(capsys, "labels", "export", str(texts), "--sed", "A001", "--language", "fr")[0] == 0
    code, out, _ = call(capsys, "labels", "check", "--sed", "A001", "--language", "fr", "--format", "json")
    assert code == 1
    assert {"rule", "key", "message"} <= json.loads(out)["problems"][0].keys()
    kept = tmp_path / "kept.po"
    assert (
        call(capsys, "labels", "import", str(texts), "--into", str(kept), "--sed", "A001", "--language", "fr")[0] == 0
    )
    assert "Demande de dérogation" in kept.read_text()

    asked = ["signoff", "ask", str(tmp_path / "r.json"), "--version", "cdm:4.4", "--organisation", "Fund A"]
    assert call(capsys, *asked, "--sed", "A001", "--buc", "LA_BUC_01", "--out", str(tmp_path / "sheets"))[0] == 0
    assert (tmp_path / "sheets" / "Fund-A.xlsx").exists()
    code, out, _ = call(capsys, "signoff", "status", str(tmp_path / "r.json"), "--format", "json")
    assert code == 1
    assert json.loads(out)["open"] == [
        {"organisation": "Fund A", "item": "A001"},
        {"organisation": "Fund A", "item": "LA_BUC_01"},
    ]
