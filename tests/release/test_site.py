"""The site of a package: every SED and process has a page, links lead somewhere, nothing is loaded from elsewhere."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from pathlib import Path

import pytest

from eessi.cli.program import run
from eessi.errors import UsageError
from eessi.release.difference import compare_packages
from eessi.release.site import write_site
from eessi.schemas import Registry


class Links(HTMLParser):
    """Collects ids, links and anything that a browser would fetch."""

    def __init__(self) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.links: list[str] = []
        self.fetched: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if values.get("id"):
            self.ids.add(str(values["id"]))
        if tag == "a":
            self.links.append(str(values.get("href")))
        for key in ("src", "data", "srcset"):
            if values.get(key):
                self.fetched.append(str(values[key]))
        if tag == "link":
            self.fetched.append(str(values.get("href")))


def read(page: Path) -> Links:
    found = Links()
    found.feed(page.read_text(encoding="utf-8"))
    return found


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    registry = Registry.default()
    folder = tmp_path_factory.mktemp("site")
    package = registry.package("open:4.4")
    write_site(package, folder, difference=compare_packages(package, package, seds=["S071"], witnesses=False))
    return folder


def test_every_sed_and_process_has_a_page(site: Path) -> None:
    seds = {str(entry.sed) for entry in Registry.default().package("open:4.4").entries()}
    assert {page.stem for page in (site / "sed").glob("*.html")} == seds
    assert (site / "buc" / "S_BUC_01.html").exists()


def test_links_lead_somewhere_and_nothing_is_fetched(site: Path) -> None:
    pages = {page.resolve(): read(page) for page in site.rglob("*.html")}
    for page, found in pages.items():
        assert all(one.startswith("data:") for one in found.fetched), page
        for link in found.links:
            target, _, anchor = link.partition("#")
            there = (page.parent / target).resolve() if target else page
            assert there in pages, f"{page.name}: {link}"
            if anchor:
                assert anchor in pages[there].ids, f"{page.name}: {link}"


def test_the_search_index_points_at_elements(site: Path) -> None:
    text = (site / "index.html").read_text(encoding="utf-8")
    rows = json.loads(text.split('id="index">')[1].split("</script>")[0])
    pages = {page: read(site / page).ids for page in {row[2].partition("#")[0] for row in rows}}
    by_name = {row[0]: row[2] for row in rows}
    assert by_name["S071/Person/PersonIdentification/sex"] == "sed/S071.html#Person/PersonIdentification/sex"
    for row in rows:
        page, _, anchor = row[2].partition("#")
        assert not anchor or anchor in pages[page], row


def test_the_script_is_the_one_that_the_policy_allows(site: Path) -> None:
    import base64
    import hashlib

    text = (site / "index.html").read_text(encoding="utf-8")
    script = text.split("<script>")[1].split("</script>")[0]
    allowed = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{allowed}'" in text


def test_trees_known_in_part_say_so(site: Path) -> None:
    assert "This tree is not whole" in (site / "sed" / "A001.html").read_text(encoding="utf-8")
    assert "This tree is not whole" not in (site / "sed" / "S071.html").read_text(encoding="utf-8")
    assert "Nothing changed from open:4.4" in (site / "sed" / "S071.html").read_text(encoding="utf-8")


def test_other_files_are_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("keep me")
    with pytest.raises(UsageError, match="holds other files"):
        write_site(Registry.default().package("open:4.4"), tmp_path)


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["site", "sandbox:1.1", "--out", str(tmp_path / "s"), "--since", "sandbox:1.0"]) == 0
    assert "CHG-CODE-WITHDRAWN" in (tmp_path / "s" / "sed" / "A002.html").read_text(encoding="utf-8")
    assert run(["site", "nothing:1", "--out", str(tmp_path / "t")]) == 2
