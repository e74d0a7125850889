"""May we switch: yes only where somebody answers for it, no with who blocks, unknown where nobody said anything."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import pytest

from eessi.cli.program import run
from eessi.directory import Directory
from eessi.directory.readiness import Declared
from eessi.directory.readiness_table import read_declared_file as read_declared
from eessi.errors import DefinitionError, InputError, UnknownCode
from eessi.release.ready import Answer, CampaignResult, plan, read_campaigns
from eessi.release.timeline import days_of, plan_svg

DAY = dt.date(2026, 11, 25)


@pytest.fixture(scope="module")
def directory() -> Directory:
    return Directory.synthetic()


def declared(mode: str = "electronic", cdm: str | None = "4.4", since: str = "2026-01-01") -> Declared:
    return Declared(
        country="BE", buc="LA_BUC_02", mode=mode, since=dt.date.fromisoformat(since), source="letter of the country", cdm=cdm  # type: ignore[arg-type]
    )  # fmt: skip


def answer(
    directory: Directory, version: str | None, *rows: Declared, tests: tuple[CampaignResult, ...] = ()
) -> Answer:
    found = plan(directory, DAY, bucs=["LA_BUC_02"], countries=["BE"], version=version, declared=rows, campaigns=tests)
    assert (found.rows[0].todo is None) == (found.outcome is Answer.YES)
    return found.outcome


def test_nobody_said_anything_is_unknown(directory: Directory) -> None:
    assert answer(directory, "4.4") is Answer.UNKNOWN


def test_declared_in_that_version_is_a_yes(directory: Directory) -> None:
    assert answer(directory, "4.4", declared()) is Answer.YES
    assert answer(directory, "4.3", declared()) is Answer.YES


def test_declared_in_an_older_version_only_is_a_no(directory: Directory) -> None:
    assert answer(directory, "4.4", declared(cdm="4.3")) is Answer.NO


def test_declared_for_later_is_not_yet(directory: Directory) -> None:
    assert answer(directory, "4.4", declared(since="2027-01-01")) is Answer.UNKNOWN


def test_paper_is_a_no(directory: Directory) -> None:
    assert answer(directory, None, declared(mode="paper", cdm=None)) is Answer.NO


def test_a_failed_campaign_stands_against_a_declared_yes(directory: Directory) -> None:
    failed = CampaignResult(country="BE", buc="LA_BUC_02", passed=False, day=DAY, campaign="exit")
    assert answer(directory, "4.4", declared(), tests=(failed,)) is Answer.NO
    again = failed.model_copy(update={"passed": True, "day": DAY - dt.timedelta(days=1)})
    assert answer(directory, "4.4", declared(), tests=(failed, again)) is Answer.NO
    later = failed.model_copy(update={"passed": False, "day": DAY + dt.timedelta(days=1)})
    assert answer(directory, "4.4", declared(), tests=(again, later)) is Answer.YES


def test_who_blocks_is_named(directory: Directory) -> None:
    found = plan(directory, DAY, bucs=["LA_BUC_01"], countries=["BE"])
    assert found.rows[0].mode == "partly"
    assert found.rows[0].blockers
    for blocker in found.rows[0].blockers:
        left = directory.find("LA_BUC_01", "Counterparty", "BE", DAY).left_out
        assert blocker in [str(one.institution.id) for one in left]


def test_all_countries_unless_told(directory: Directory) -> None:
    assert len(plan(directory, DAY, bucs=["LA_BUC_01"]).rows) == 32


def test_the_picture_says_the_same_in_words(directory: Directory) -> None:
    plans = [plan(directory, day, bucs=["LA_BUC_01"], countries=["BE", "FR"]) for day in days_of(DAY, 3)]
    picture = plan_svg(plans)
    assert picture.count("<rect") == 8
    assert "Transition plan: 2 rows on 4 days from 2026-11-25 to 2027-02-01" in picture


def test_rows_are_read_from_csv_and_json(tmp_path: Path) -> None:
    csv = tmp_path / "declared.csv"
    csv.write_text(
        "# agreed with the countries\ncountry,buc,mode,since,source,cdm\nGR,LA_BUC_02,electronic,2026-01-01,letter,4.4\n"
    )
    assert read_declared(csv)[0].country == "EL"
    tests = tmp_path / "campaigns.json"
    tests.write_text(
        json.dumps([{"country": "BE", "buc": "LA_BUC_02", "passed": True, "day": "2026-01-01", "campaign": "exit"}])
    )
    assert read_campaigns(tests)[0].passed


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("country,buc,passed,day,campaign\nBE,LA_BUC_02,perhaps,2026-01-01,exit\n", "row 2: passed"),
        ("country,buc,passed,day,campaign\nBE,LA_BUC_02,true,soon,exit\n", "row 2: day"),
    ],
)
def test_a_bad_row_is_named(text: str, says: str, tmp_path: Path) -> None:
    file = tmp_path / "d.csv"
    file.write_text(text)
    with pytest.raises(DefinitionError, match=says):
        read_campaigns(file)
    with pytest.raises(InputError, match="no such file"):
        read_campaigns(tmp_path / "nowhere.csv")


def test_a_body_is_asked_for_by_itself(directory: Directory) -> None:
    both = [
        Declared(country="BE", buc="LA_BUC_02", mode="paper", since=DAY, source="country"),
        Declared(country="BE", buc="LA_BUC_02", mode="electronic", since=DAY, source="body", institution="BE:SYNTH001"),
    ]
    asked = ["BE:SYNTH001", "BE:SYNTH012"]
    found = plan(directory, DAY, bucs=["LA_BUC_02"], institutions=asked, declared=both)
    assert [(row.institution, row.answer, row.source) for row in found.rows] == [
        ("BE:SYNTH001", Answer.YES, "body"),
        ("BE:SYNTH012", Answer.NO, "country"),
    ]
    with pytest.raises(UnknownCode, match="did you mean BE:SYNTH001"):
        plan(directory, DAY, bucs=["LA_BUC_02"], institutions=["BE:synth001"])


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = tmp_path / "declared.csv"
    rows.write_text("country,buc,mode,since,source,cdm\nBE,LA_BUC_02,electronic,2026-01-01,letter,4.4\n")
    words = [
        "ready",
        "--from",
        "synthetic",
        "--buc",
        "LA_BUC_02",
        "--country",
        "BE",
        "--version",
        "4.4",
        "--on",
        "2026-11-25",
    ]
    assert run([*words, "--format", "json"]) == 3
    capsys.readouterr()
    assert run([*words, "--declared", str(rows), "--format", "json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["schema_version"] == 1
    assert document["answer"] == "yes"
    page = tmp_path / "ready.html"
    run([*words, "--format", "html", "--output", str(page)])
    assert "<svg" in page.read_text()
