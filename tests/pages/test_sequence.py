"""The diagram is well-formed, says everything in words too, and lets no text break out of it."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from eessi.pages.sequence import TONES, Arrow, Gap, Lane, Mark, Note, Row, Stop, draw, in_words

LANES = (Lane("FR", ("Caisse", "case owner")), Lane("BE", ("Mutualité",)), Lane("DE"))
ROWS: tuple[Row, ...] = (
    Stop("FR", "BE", "S071", "the element sex is missing", "2", "run1-step2"),
    Arrow("FR", "BE", "S071", "Request", "3", "run1-step3", Mark("proved valid", "good"), Mark("proved valid", "good")),
    Gap("5 days pass"),
    Arrow("BE", "FR", "S072", at_receiver=Mark("not taken", "bad")),
    Stop("FR", "DE", "X001", "no endpoint", far=True),
    Note("FR", "closes its own copy", ends=True),
)
SVG = "{http://www.w3.org/2000/svg}"


def test_the_words_say_what_the_picture_shows() -> None:
    assert in_words(ROWS) == [
        "FR wants to send S071 to BE, but it never leaves: the element sex is missing.",
        "FR sends S071 to BE (FR: proved valid; BE: proved valid).",
        "5 days pass.",
        "BE sends S072 to FR (FR: not taken).",
        "FR wants to send X001 to DE, but it does not arrive: no endpoint.",
        "FR: closes its own copy.",
    ]


def test_a_screen_reader_finds_title_and_description() -> None:
    svg = etree.fromstring(draw(LANES, ROWS, title="The case", id="seq1"))
    assert svg.get("role") == "group"  # it holds links
    assert etree.fromstring(draw(LANES, (Gap("a day"),), title="t")).get("role") == "img"
    assert svg.get("aria-labelledby") == "seq1-title seq1-desc"
    assert svg.findtext(f"{SVG}title") == "The case"
    assert svg.findtext(f"{SVG}desc") == " ".join(in_words(ROWS))


def test_steps_are_links_to_the_page() -> None:
    svg = etree.fromstring(draw(LANES, ROWS, title="t"))
    assert [link.get("href") for link in svg.iter(f"{SVG}a")] == ["#run1-step2", "#run1-step3"]


def test_every_row_has_its_own_height_and_the_last_fits() -> None:
    svg = etree.fromstring(draw(LANES, ROWS, title="t"))
    height = float(svg.get("viewBox", "").split()[3])
    lines = [
        float(line.get("y1", "0"))
        for line in svg.iter(f"{SVG}line")
        if line.get("class") not in ("seq-line", "seq-end")
    ]
    assert all(before < after for before, after in pairwise(lines))
    assert lines[-1] < height


def test_a_closed_case_has_a_bar_that_ends() -> None:
    svg = etree.fromstring(draw(LANES, ROWS, title="t"))
    france, belgium = [bar for bar in svg.iter(f"{SVG}rect") if bar.get("class") == "seq-open"]
    end = [float(bar.get("y", "")) + float(bar.get("height", "")) for bar in (france, belgium)]
    assert end[0] < end[1]


TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff"), max_size=60)


@given(TEXT, TEXT, st.sampled_from(TONES))
def test_no_text_breaks_out(text: str, other: str, tone: str) -> None:
    rows = (
        Arrow("FR", "BE", text, other, "1", other, Mark(text, tone), Mark(other, tone)),
        Stop("FR", "BE", text, other, far=bool(len(text) % 2)),
        Gap(text),
        Note("BE", other, tone=tone),
    )
    svg = etree.fromstring(draw((Lane("FR", (text,)), Lane("BE", (other,))), rows, title=text))
    known = {f"{SVG}{name}" for name in ("svg", "title", "desc", "text", "line", "rect", "path", "circle", "a")}
    assert {element.tag for element in svg.iter()} <= known
    assert svg.findtext(f"{SVG}title") == text


@pytest.mark.parametrize("count", [1, 2, 5])
def test_any_number_of_participants_fits_the_width(count: int) -> None:
    lanes = [Lane(f"P{number}") for number in range(count)]
    svg = etree.fromstring(draw(lanes, (), title="t"))
    places = [float(text.get("x", "0")) for text in svg.iter(f"{SVG}text")]
    assert len(set(places)) == count
    assert all(0 < place < 920 for place in places)
