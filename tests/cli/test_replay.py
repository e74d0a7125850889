"""``eessi replay`` keeps its contract: exit codes, JSON shape, files beside, no personal values, no traceback."""

from __future__ import annotations

import io
import json
import shutil
from pathlib import Path

import pytest
from lxml import etree

from eessi.cli.program import run

SCENARIO = "examples/scenarios/la_buc_01.buc.yaml"


@pytest.fixture(autouse=True)
def _in_the_project(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(root)


def test_text_tells_a_newcomer_what_happens(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["replay", "examples/scenarios/s_buc_01.buc.yaml", SCENARIO]) == 0
    out = capsys.readouterr().out
    for words in (
        "structured electronic document",
        "refused, it never leaves FR",
        "What this run did not check",
        "sandbox:1.0",
    ):
        assert words in out
    assert "Exempleville" not in out
    assert "\x1b[" not in out


def test_json_has_the_shape_of_the_contract(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["replay", SCENARIO, "--format", "json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert next(iter(document)) == "schema_version"
    (result,) = document["results"]
    assert {"scenario", "passed", "steps", "coverage"} <= set(result)
    assert document["summary"]["passed"] == 1
    assert document["summary"]["undetermined"] == 3


def test_over_as4_every_message_has_its_receipt(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["replay", SCENARIO, "--transport", "as4", "--format", "json"]) == 0
    (result,) = json.loads(capsys.readouterr().out)["results"]
    ways = [way for step in result["steps"] if step["exchange"] for way in step["exchange"]["way"].values()]
    assert len(ways) == 3
    assert all("receipted" in way for way in ways)


def test_a_scenario_from_standard_input(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(root / "examples" / "scenarios")
    data = Path("la_buc_01.buc.yaml").read_bytes()
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(data)))
    assert run(["replay", "-", "-q"]) == 0
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"scenario: \xff")))
    assert run(["replay", "-"]) == 4
    assert "not UTF-8" in capsys.readouterr().err


def test_undetermined_counts_only_with_strict() -> None:
    assert run(["replay", SCENARIO, "-q"]) == 0
    assert run(["replay", SCENARIO, "-q", "--strict"]) == 3


def test_a_failed_scenario_gives_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copytree("examples/scenarios", tmp_path / "s")
    path = tmp_path / "s" / "la_buc_01.buc.yaml"
    path.write_text(path.read_text(encoding="utf-8") + "  - FR is open\n", encoding="utf-8")
    assert run(["replay", str(path)]) == 1
    assert "not as expected: expected open, the case of FR is closed" in capsys.readouterr().out


def test_the_files_beside(tmp_path: Path) -> None:
    report, junit, record = tmp_path / "r.html", tmp_path / "r.xml", tmp_path / "r.json"
    assert run(["replay", SCENARIO, "-q", "--report", str(report), "--junit", str(junit), "--json", str(record)]) == 0
    assert report.read_text(encoding="utf-8").startswith("<!doctype html>")
    suites = etree.fromstring(junit.read_bytes())
    assert suites.xpath("string(testsuite/@failures)") == "0"
    assert len(suites.findall(".//testcase")) == len(
        json.loads(record.read_text(encoding="utf-8"))["results"][0]["steps"]
    )


def test_comparing_with_an_earlier_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    record = tmp_path / "run.json"
    assert run(["replay", SCENARIO, "-q", "--json", str(record)]) == 0
    assert run(["replay", SCENARIO, "-q", "--seed", "99", "--compare", str(record)]) == 0
    document = json.loads(record.read_text(encoding="utf-8"))
    document["results"][0]["parties"][0]["state"] = "open"
    record.write_text(json.dumps(document), encoding="utf-8")
    assert run(["replay", SCENARIO, "--compare", str(record)]) == 1
    assert "parties[FR].state: 'open' became 'closed'" in capsys.readouterr().out


def test_coverage_below_the_limit_gives_1_and_says_where(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    record, page = tmp_path / "run.json", tmp_path / "run.html"
    files = ["--json", str(record), "--report", str(page)]
    assert run(["replay", SCENARIO, "-q", "--fail-under", "1", *files]) == 0
    covered = json.loads(record.read_text(encoding="utf-8"))["summary"]["coverage"]
    assert [(row["version"], row["role"]) for row in covered["roles"]] == [
        (version, role) for version in ("4.1", "4.2", "4.3", "4.4") for role in ("CaseOwner", "Counterparty")
    ]
    assert 0 < covered["covered"] < covered["total"]
    assert covered["covered"] == sum(row["covered"] for row in covered["roles"] if row["version"] == "4.4")
    table = etree.fromstring(page.read_text(encoding="utf-8"), etree.HTMLParser()).xpath(
        "//section[@aria-labelledby='coverage']//tbody/tr"
    )
    assert len(table) == 8
    assert "nothing walked" in str(table[0].xpath("string()"))
    assert "sends A002" in str(table[7].xpath("string()"))
    capsys.readouterr()
    assert run(["replay", SCENARIO, "-q", "--fail-under", "99"]) == 1
    err = capsys.readouterr().err
    assert "under 99.0%" in err
    assert "LA_BUC_01 4.1 CaseOwner: 0 of" in err


def test_coverage_of_chosen_versions() -> None:
    assert run(["replay", SCENARIO, "-q", "--cdm", "4.4", "--fail-under", "4"]) == 0
    assert run(["replay", SCENARIO, "-q", "--fail-under", "4"]) == 1, "the other versions count too"
    assert run(["replay", SCENARIO, "-q", "--cdm", "x"]) == 2


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["absent.buc.yaml"], 4, "absent.buc.yaml: no such file"),
        (["docs"], 4, "no *.buc.yaml in this folder"),
        (["README.md"], 5, "README.md"),
        ([SCENARIO, "--compare", "README.md"], 4, "not the JSON of a run"),
        ([], 2, "Missing argument"),
    ],
)
def test_bad_input_gives_one_clear_line(
    arguments: list[str], code: int, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["replay", *arguments]) == code
    err = capsys.readouterr().err
    assert says in err
    assert err.count("\n") == 1


def test_a_folder_is_walked(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["replay", "examples/scenarios", "--format", "json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["results"]) >= 2
