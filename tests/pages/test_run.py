"""The report of a run is one self-contained page with everything of the record, masked as the record is."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from lxml import etree
from pydantic import JsonValue

from eessi.pages import run_report
from eessi.testing import Run, Scenario, run


def parsed(page: str) -> etree._Element:
    return etree.fromstring(page, etree.HTMLParser())


@pytest.fixture(scope="module")
def runs(root: Path) -> list[Run]:
    folder = root / "examples" / "scenarios"
    return [run(Scenario.load(folder / name)) for name in ("s_buc_01.buc.yaml", "la_buc_01.buc.yaml")]


@pytest.fixture(scope="module")
def page(runs: list[Run]) -> str:
    return run_report(*runs)


def test_it_loads_nothing_and_runs_nothing(page: str) -> None:
    tree = parsed(page)
    assert not tree.xpath("//script[not(@type='application/json')] | //iframe | //object | //img | //form")
    links = tree.xpath("//@href | //@src | //@action | //@srcset")
    assert links
    assert all(str(link).startswith(("#", "data:,")) for link in links)
    assert not re.search(r"@import|url\(", page)
    (policy,) = tree.xpath("//meta[@http-equiv='Content-Security-Policy']/@content")
    assert str(policy).startswith("default-src 'none'")


def test_the_record_stands_inside(page: str, runs: list[Run]) -> None:
    (text,) = parsed(page).xpath("//script[@id='run-data']/text()")
    document = json.loads(str(text))
    assert document["schema_version"] == 1
    assert [Run.model_validate(entry) for entry in document["results"]] == runs


def test_every_step_verdict_and_gap_is_shown(page: str, runs: list[Run]) -> None:
    tree = parsed(page)
    shown = " ".join(str(tree.xpath("string()")).split())
    for number, played in enumerate(runs, 1):
        for step in played.steps:
            assert tree.xpath(f"//li[@id='run{number}-step{step.number}']")
        for line in played.not_checked:
            assert line in shown
        for party in played.parties:
            for move in party.moves:
                assert not move.sed or move.sed in shown
                assert all(reason.replace("`", "") in shown for reason in move.reasons)
    assert shown.count("proved valid") > 1


def test_every_link_has_its_target_and_every_id_is_unique(page: str) -> None:
    tree = parsed(page)
    ids = [str(id) for id in tree.xpath("//@id")]
    assert len(ids) == len(set(ids))
    fragments = {str(link)[1:] for link in tree.xpath("//@href") if str(link).startswith("#")}
    assert len(fragments) > 5
    assert fragments <= set(ids)


def test_names_of_persons_are_masked(page: str, runs: list[Run], root: Path) -> None:
    document = page[page.index("<h3>Step by step</h3>") :]
    assert "Exempleville" not in document
    shown = run(Scenario.load(root / "examples" / "scenarios" / "s_buc_01.buc.yaml"), show_values=True)
    assert "Exempleville" in run_report(shown, values_shown=True)


def test_a_record_gives_the_same_page_as_the_run(runs: list[Run]) -> None:
    record: dict[str, JsonValue] = json.loads(runs[0].model_dump_json())
    assert run_report(record) == run_report(runs[0])


def test_hostile_texts_stay_text(runs: list[Run]) -> None:
    evil = "</script><script>alert(1)</script><img src=x onerror=alert(1)>"
    record = runs[0].document() | {"scenario": evil, "about": evil, "not_checked": [evil]}
    page = run_report(record)
    assert "<script>alert" not in page
    assert "<img" not in page


def test_a_failed_run_says_so_first(runs: list[Run]) -> None:
    steps = list(runs[0].document()["steps"])  # type: ignore[arg-type]  # a list in the record
    steps[0] = {**steps[0], "passed": False, "failures": ["expected closed, it is open"]}  # type: ignore[dict-item]
    tree = parsed(run_report(runs[0].document() | {"steps": steps, "passed": False}))
    text = str(tree.xpath("string()"))
    assert "1 expectation not met" in " ".join(text.split())
    assert tree.xpath("//div[@class='notice bad']//a[@href='#run1-step1']")
