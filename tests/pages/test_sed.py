"""The pages of documents: well-formed, escaped, self-contained, readable without a mouse."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from lxml import html

from eessi import _xml
from eessi.cli.program import run
from eessi.pages.sed import sed_comparison, sed_page
from eessi.schemas import Registry
from eessi.sed import Sed
from eessi.sed.render import PERSONAL, compare_readings, read_out
from tests.sed.grown import document
from tests.sed.test_records import structure_of


@pytest.fixture
def registry() -> Registry:
    return Registry.default()


@pytest.fixture
def data() -> bytes:
    text = document(structure_of(Registry.default(), "S071"), 3, fill=1.0)
    start, end = text.index(b"<familyName>") + 12, text.index(b"</familyName>")
    return text[:start] + b"&lt;script&gt;alert('x')&lt;/script&gt;" + text[end:]


def sed_of(data: bytes) -> Sed:
    return Sed(_xml.parse(data), data)


def test_a_page_to_read(data: bytes, registry: Registry) -> None:
    page = sed_page(read_out(sed_of(data), registry))
    tree = html.fromstring(page)
    assert "<script>alert" not in page
    assert "<script>alert('x')</script>" in tree.text_content()
    assert tree.get("lang") == "en"
    assert len(tree.xpath("//h1")) == 1
    assert tree.xpath("//main[@id='content']")
    levels = [int(node.tag[1]) for node in tree.xpath("//h1|//h2|//h3|//h4|//h5|//h6")]
    assert all(later - earlier <= 1 for earlier, later in itertools.pairwise(levels))
    assert not tree.xpath("//@src|//link[@rel='stylesheet']|//script")
    assert tree.xpath("//span[@class='own']")
    assert tree.xpath("//span[@class='meaning'][text()='Male' or text()='Female' or text()='Unknown']")
    assert "@media print" in page
    for _, text in sed_of(data).items():
        assert text.strip() in tree.text_content() or not text.strip()


def test_empty_parts_are_folded(registry: Registry) -> None:
    page = sed_page(read_out(sed_of(document(structure_of(registry, "S071"), 3, fill=0.0)), registry))
    assert html.fromstring(page).xpath("//details/summary[contains(text(), 'empty')]")


def test_masked_values_are_not_in_the_page(data: bytes, registry: Registry) -> None:
    page = sed_page(read_out(sed_of(data), registry, mask=[PERSONAL]))
    assert "alert(" not in page
    assert "not shown" in page


def test_two_documents_side_by_side(data: bytes, registry: Registry) -> None:
    other = data.replace(b"alert", b"other")
    left, right = read_out(sed_of(data), registry), read_out(sed_of(other), registry)
    tree = html.fromstring(sed_comparison(left, right, compare_readings(left, right), names=("<old>", "new")))
    assert "1 difference." in tree.text_content()
    assert len(tree.xpath("//tr[@class='changed']")) == 1
    assert tree.xpath("//th[@scope='col'][text()='<old>']")


def test_the_commands(data: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one, other = tmp_path / "one.xml", tmp_path / "other.xml"
    one.write_bytes(data)
    other.write_bytes(data.replace(b"alert", b"other"))
    for form in ("text", "json", "html"):
        assert run(["sed", "render", str(one), "--format", form]) == 0
        assert "alert(" in capsys.readouterr().out
        assert run(["sed", "render", str(one), "--format", form, "--mask-personal"]) == 0
        assert "alert(" not in capsys.readouterr().out
        assert run(["sed", "compare", str(one), str(one), "--format", form]) == 0
        capsys.readouterr()
        assert run(["sed", "compare", str(one), str(other), "--format", form]) == 1
        shown = capsys.readouterr().out
        assert "familyName" in shown
        assert "alert(" not in shown
        assert run(["sed", "compare", str(one), str(other), "--format", form, "--show-values"]) == 1
        assert "alert(" in capsys.readouterr().out
    assert run(["sed", "render", str(tmp_path / "none.xml")]) == 4
