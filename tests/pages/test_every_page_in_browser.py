"""Every page that a command writes, in a real browser: it opens from disk, asks for nothing, is read by all, and prints."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import click
import pytest
from axe_playwright_python.sync_playwright import Axe
from pypdf import PdfReader

import eessi
from eessi.buc import Case, Event, record
from eessi.cli.program import program
from tests.pages.conftest import Opened

pytestmark = pytest.mark.peers

COMMANDS = {
    "verdicts": "validate {docs} --format html -o verdicts.html",
    "verdicts-fr": "validate {docs} --format html --lang fr --show-values -o verdicts-fr.html",
    "sed": "sed render {docs}/s071.xml --format html -o sed.html",
    "sed-masked": "sed render {docs}/s071.xml --mask-personal --lang de --format html -o sed-masked.html",
    "sed-compare": "sed compare {docs}/s071.xml {docs}/s071-damaged.xml --show-values --format html -o sed-compare.html",
    "difference": "diff sandbox:1.0 sandbox:1.1 --sed A001 --sed S071 --format html --fail-on never -o difference.html",
    "impact": "impact sandbox:1.0 sandbox:1.1 {made} --format html -o impact.html",
    "ready": "ready --from synthetic --buc LA_BUC_01 --country BE --country FR --format html -o ready.html",
    "buc": "buc show LA_BUC_01 --format html -o buc.html",
    "buc-picture": "buc diagram S_BUC_01 --format html -o buc-picture.html",
    "buc-sequence": "buc diagram LA_BUC_01 --kind sequence --format html -o buc-sequence.html",
    "buc-map": "buc diagram --kind map --format html -o buc-map.html",
    "case": "case show {case} --format html -o case.html",
    "timeline": "message timeline {message} --store fr/eessi.db --format html -o timeline.html",
    "run": "replay {scenarios}/la_buc_01.buc.yaml --quiet --report run.html",
    "campaign": "campaign exit --buc S_BUC_01 --quiet --report campaign.html",
}
SITE = {
    "site-index": "site/index.html",
    "site-exact-sed": "site/sed/S071.html",
    "site-observed-sed": "site/sed/P4000.html",
    "site-buc": "site/buc/LA_BUC_01.html",
    "site-changed-sed": "changed/sed/A001.html",
    "site-changed-index": "changed/index.html",
}
PAGES = sorted([*COMMANDS, *SITE])
PAPER = 718
"""Width of an A4 page in CSS pixels, less the browser's margins of 1 cm."""


def a_request() -> bytes:
    person = {"familyName": "Testperson", "forename": "Ada", "dateBirth": "1980-01-15", "sex": "02"}
    content = {"Person": {"PersonIdentification": person}}
    return eessi.serialise(eessi.build("A001", content, version="1.0", registry=eessi.Registry.default()))


def a_case() -> Case:
    case = eessi.buc("LA_BUC_01").start("CaseOwner", "4.3", me="FR:OWNER01", counterparties=["BE:OTHER01"])
    return case.apply(Event("sent", sed="A001", document_id="a")).apply(Event("received", sed="A011", parent_id="a"))


def run(words: str, folder: Path) -> str:
    env = {**os.environ, "EESSI_HOME": str(folder / "home"), "NO_COLOR": "1"}
    command = [str(Path(sys.executable).parent / "eessi"), *words.split()]
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)
    assert done.returncode in (0, 1, 3), f"eessi {words}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def folder(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with every page, each written by its command; what commands need is made first."""
    folder = tmp_path_factory.mktemp("pages")
    examples = root / "examples"
    (folder / "made").mkdir()
    (folder / "made" / "a001.xml").write_bytes(a_request())
    (folder / "case.json").write_text(record.dump(a_case()), encoding="utf-8")
    run("access-point init ap", folder)
    run("node init fr --access-point ap/access-point.toml --institution FR:0100000001", folder)
    run("node send made/a001.xml --config fr/node.toml --buc LA_BUC_01 --to BE:0203980409", folder)
    listed = json.loads(run("message list --store fr/eessi.db --format json", folder))
    names = {
        "docs": examples / "documents",
        "scenarios": examples / "scenarios",
        "made": folder / "made",
        "case": folder / "case.json",
        "message": listed["messages"][0]["message"],
    }
    for command in COMMANDS.values():
        run(command.format(**names), folder)
    run("site open:4.4 --out site", folder)
    run("site sandbox:1.1 --since sandbox:1.0 --out changed", folder)
    return folder


@pytest.fixture
def shown(folder: Path, name: str) -> Path:
    return folder / SITE.get(name, f"{name}.html")


every_page = pytest.mark.parametrize("name", PAGES)


@every_page
def test_a_page_is_sound_on_the_screen(opened: Opened, name: str) -> None:
    """One test a page and colour scheme: a browser is slow to start, and each fault is told by its own line."""
    page, messages, requests = opened
    assert page.title()
    assert page.locator("h1").count() == 1
    page.evaluate("document.querySelectorAll('details').forEach(part => part.open = true)")
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    assert len(found.response["passes"]) > 10
    page.set_viewport_size({"width": 375, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 375
    assert messages == []
    assert requests == [page.url]


FOCUSABLE = "a[href], button, input, select, textarea, summary, [tabindex='0']"


@every_page
@pytest.mark.parametrize("opened", ["light"], indirect=True)
def test_all_that_can_be_used_is_reached_by_keyboard(opened: Opened, name: str) -> None:
    """In the order of the page, beginning with the link that leads past the head; parts that scroll are reached too."""
    page = opened.page
    page.evaluate(
        f"""() => {{ let number = 0;
        for (const part of document.querySelectorAll("{FOCUSABLE}")) if (part.checkVisibility()) part.dataset.order = number++; }}"""
    )
    wanted = page.locator("[data-order]").count()
    reached = []
    for _ in range(min(wanted, 40)):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.dataset.order"))
    assert reached == [str(number) for number in range(min(wanted, 40))]
    assert page.evaluate("document.querySelector('[data-order=\"0\"]').className") == "skip"
    out_of_reach = page.evaluate(
        """() => [...document.querySelectorAll("body *")].filter(part =>
        part.scrollWidth > part.clientWidth + 1 && getComputedStyle(part).overflowX === "auto"
        && !part.matches("[tabindex], [tabindex] *")).map(part => part.outerHTML.slice(0, 120))"""
    )
    assert out_of_reach == []


@every_page
@pytest.mark.parametrize("opened", ["light"], indirect=True)
def test_a_page_prints_whole(opened: Opened, name: str) -> None:
    page = opened.page
    page.emulate_media(media="print")
    page.set_viewport_size({"width": PAPER, "height": 1000})
    assert page.evaluate("document.documentElement.scrollWidth") <= PAPER, "something runs over the edge of the paper"
    cut = page.evaluate(
        """() => [...document.querySelectorAll("body *")].filter(part =>
        part.scrollWidth > part.clientWidth + 1 && ["auto", "hidden", "scroll"].includes(getComputedStyle(part).overflowX)
        && part.clientWidth > 1).map(part => part.outerHTML.slice(0, 120))"""
    )
    assert cut == [], "a part that scrolls on the screen is cut on paper"
    printed = PdfReader(BytesIO(page.pdf(format="A4", margin=dict.fromkeys(("top", "right", "bottom", "left"), "1cm"))))
    text = letters("".join(sheet.extract_text() for sheet in printed.pages))
    assert letters(page.locator("h1").inner_text()) in text
    last = page.evaluate(
        "[...document.querySelectorAll('h2, h3, td, dd, li, p')].filter(p => p.checkVisibility() && p.innerText.trim()).at(-1).innerText"
    )
    assert letters(last) in text, "the last words of the page are not on paper"


def letters(text: str) -> str:
    """Letters and digits alone: where lines and cells break is the paper's affair."""
    return re.sub(r"\W+", "", text).casefold()


def offers_html(command: click.Command, words: str) -> Iterator[str]:
    """Each command below this one that writes a page: by ``--format html``, or by ``--report``."""
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            assert below is not None
            yield from offers_html(below, f"{words} {name}".strip())
    for parameter in command.params:
        formats = parameter.type.choices if isinstance(parameter.type, click.Choice) else ()
        if "html" in formats or parameter.name == "report":
            yield words
            return


def test_each_command_that_writes_a_page_has_a_row_above() -> None:
    offered = set(offers_html(program, ""))
    assert offered == {words for words in offered if any(line.startswith(f"{words} ") for line in COMMANDS.values())}
    assert len(offered) > 10
