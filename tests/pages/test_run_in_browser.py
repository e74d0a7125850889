"""The page in a real browser: no error, no request, no accessibility violation, fit for paper and small screens."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from axe_playwright_python.sync_playwright import Axe

from eessi.pages import campaign_report, run_report
from eessi.testing import Scenario, run
from eessi.testing.campaigns import Options, find_kit, run_kit
from eessi.testing.coverage import joined
from tests.pages.conftest import Opened

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.peers


@pytest.fixture(scope="module")
def report(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = root / "examples" / "scenarios"
    runs = [run(Scenario.load(folder / name)) for name in ("s_buc_01.buc.yaml", "la_buc_01.buc.yaml")]
    path = tmp_path_factory.mktemp("report") / "run.html"
    path.write_text(run_report(*runs, coverage=joined(runs).model_dump(mode="json")), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def campaign(tmp_path_factory: pytest.TempPathFactory) -> Path:
    record = run_kit(find_kit("moveit"), Options(messages=3))
    path = tmp_path_factory.mktemp("campaign") / "moveit.html"
    path.write_text(campaign_report(record.model_dump(mode="json")), encoding="utf-8")
    return path


@pytest.fixture
def shown(report: Path) -> Path:
    return report


def test_it_opens_from_disk_without_error_or_request(opened: Opened, report: Path) -> None:
    page, messages, requests = opened
    assert page.locator("svg.sequence").count() == 2
    assert messages == []
    assert requests == [report.as_uri()]


def test_axe_finds_no_violation(opened: Opened) -> None:
    page, _, _ = opened
    page.evaluate("document.querySelectorAll('details').forEach(part => part.open = true)")
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    assert len(found.response["passes"]) > 20


def test_axe_finds_no_violation_in_a_campaign(opened: Opened, campaign: Path) -> None:
    page, messages, requests = opened
    page.goto(campaign.as_uri())
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    assert messages == []
    assert requests[-1] == campaign.as_uri()
    page.set_viewport_size({"width": 375, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 375


def test_everything_is_reached_by_keyboard(opened: Opened) -> None:
    page, _, _ = opened
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    seen = set()
    for _ in range(60):
        page.keyboard.press("Tab")
        seen.add(page.evaluate("document.activeElement.tagName.toLowerCase()"))
    assert {"a", "summary", "div"} <= seen


def test_nothing_runs_over_on_a_narrow_screen(opened: Opened) -> None:
    page, _, _ = opened
    page.set_viewport_size({"width": 375, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 375


def test_on_paper_the_folded_parts_are_open(browser: Browser, report: Path) -> None:
    page = browser.new_page()
    page.goto(report.as_uri())
    page.emulate_media(media="print")
    height = page.evaluate(
        "document.querySelector('details:not([open]) > :not(summary)').getBoundingClientRect().height"
    )
    assert height > 10
    assert page.pdf().startswith(b"%PDF-")
    page.close()
