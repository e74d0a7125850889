"""Pictures hold what the rows say, and nothing else; each has a text alternative."""

from __future__ import annotations

import re

import pytest
from lxml import etree

import eessi
from eessi.buc import Event, pages, pictures
from eessi.pages.process import process_page

CODES = [code for code in eessi.buc.loading.codes() if not code.startswith("AD_")]
SVG = "{http://www.w3.org/2000/svg}"


@pytest.mark.parametrize("code", CODES)
def test_the_course_shows_every_row_and_every_trigger(code: str) -> None:
    buc = eessi.buc(code)
    rows = [row for item in buc.rows if (row := item.at(max(buc.versions))) is not None and row.kind == "main"]
    mermaid = pictures.state_mermaid(buc, "4.3")
    shown = set(re.findall(r"^  (\w+)\[", mermaid, re.MULTILINE)) - {"X001"}
    assert shown == {row.sed for row in rows}
    arrows = set(re.findall(r"^  (\w+) -\.?->(?:\|.*\|)? (\w+)$", mermaid, re.MULTILINE))
    wanted = {(str(item.sed or "start"), str(row.sed)) for row in rows for item in row.after}
    assert {arrow for arrow in arrows if arrow[1] != "X001"} == wanted
    svg = etree.fromstring(pictures.state_svg(buc, "4.3"))
    texts = {item.text for item in svg.iter(f"{SVG}text")}
    assert {str(row.sed) for row in rows} <= texts
    description = svg.findtext(f"{SVG}desc") or ""
    assert all(row.sed in description for row in rows)


@pytest.mark.parametrize("code", CODES)
def test_a_sequence_names_every_document(code: str) -> None:
    buc = eessi.buc(code)
    mermaid = pictures.sequence_mermaid(buc, "4.3")
    svg = pictures.sequence_svg(buc, "4.3")
    etree.fromstring(svg)
    for row in buc.rows:
        if row.kind == "main":
            assert f": {row.sed}\n" in mermaid
            assert row.sed in svg


def test_position_is_drawn_in() -> None:
    case = eessi.buc("S_BUC_01").start("Counterparty", "4.3").apply(Event("received", sed="S071"))
    svg = pictures.state_svg(case.buc, "4.3", case=case)
    assert "S071 (done)" in svg
    assert "S072 (may come next)" in svg
    assert "S073 (" not in svg.replace("S073 (owner", "")
    mermaid = pictures.state_mermaid(case.buc, "4.3", case=case)
    assert "class S071,start done" in mermaid or "class start,S071 done" in mermaid or "class S071 done" in mermaid
    assert "class S072 open" in mermaid
    assert "S073 open" not in mermaid
    covered = pictures.state_mermaid(case.buc, "4.3", covered=["S073"])
    assert "class S073 done" in covered
    sequence = pictures.sequence_mermaid(case.buc, "4.3", case=case)
    assert sequence.count("->>") == 1


def test_the_map_holds_every_containment() -> None:
    bucs = eessi.buc.all_bucs()
    mermaid = pictures.map_mermaid(bucs)
    assert "S_BUC_01 --> H_BUC_01[H_BUC_01]" in mermaid
    assert "LA_BUC_01 -.-> AD_BUC_02[AD_BUC_02]" in mermaid
    svg = etree.fromstring(pictures.map_svg(bucs))
    assert len(list(svg.iter(f"{SVG}line"))) == mermaid.count("->")


@pytest.mark.parametrize("code", eessi.buc.loading.codes())
def test_a_page_per_process(code: str) -> None:
    buc = eessi.buc(code)
    for page in (pages.as_text(buc, "4.3"), pages.as_markdown(buc, "4.3"), process_page(buc, "4.3")):
        assert code in page
        assert buc.confidence in page
        for row in pages.rows_at(buc, "4.3"):
            assert row.sed in page
    document = pages.as_json(buc, "4.4")
    assert document["assumed"] is True
    etree.HTML(process_page(buc, "4.3"))
