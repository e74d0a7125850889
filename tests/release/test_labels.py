"""Texts go out to people and come back without loss; what needs a look is found, each rule by its smallest case."""

from __future__ import annotations

from pathlib import Path

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eessi.errors import InputError
from eessi.release.label_files import read_texts, write_texts
from eessi.release.labels import RULES, ReviewState, Text, check, collect, merge, own_wording
from eessi.schemas import Registry

OK = Text("element:S071/x", "Family name", False, "Nom de famille", ReviewState.REVIEWED)


def rules(*texts: Text) -> list[str]:
    return [problem.rule for problem in check(texts)]


@pytest.mark.parametrize(
    ("rule", "texts"),
    [
        ("missing", [attrs.evolve(OK, text="", state=ReviewState.MISSING)]),
        ("source-changed", [attrs.evolve(OK, state=ReviewState.SOURCE_CHANGED)]),
        ("unreviewed", [attrs.evolve(OK, state=ReviewState.UNREVIEWED)]),
        ("place-holders", [attrs.evolve(OK, source="{name} is missing", text="il manque {nom}")]),
        ("length", [attrs.evolve(OK, source="Sex", text="Le sexe de la personne concernée par la demande")]),
        ("terminology", [OK, attrs.evolve(OK, key="element:A001/x", text="Patronyme")]),
        ("spaces", [attrs.evolve(OK, text="Nom  de famille")]),
    ],
)
def test_each_rule_finds_its_smallest_case(rule: str, texts: list[Text]) -> None:
    assert rules(*texts) == [rule]


def test_every_rule_is_documented_and_has_a_case() -> None:
    assert set(RULES) == {"missing", "source-changed", "unreviewed", "place-holders", "length", "terminology", "spaces"}


def test_a_good_text_is_not_mentioned() -> None:
    assert rules(OK) == []


def test_a_changed_source_keeps_the_translation_and_marks_it() -> None:
    (merged,) = merge([attrs.evolve(OK, source="Last name", text="", state=ReviewState.MISSING)], [OK])
    assert (merged.text, merged.state) == ("Nom de famille", ReviewState.SOURCE_CHANGED)


def test_an_empty_text_never_overwrites() -> None:
    (merged,) = merge([OK], [attrs.evolve(OK, text="", state=ReviewState.MISSING)])
    assert merged == OK


def test_own_wording_is_readable_and_marked() -> None:
    assert own_wording("dateBirth") == "Date birth"
    assert own_wording("PINPersonInEachInstitution") == "PIN person in each institution"
    texts = {text.key: text for text in collect(Registry.default().package("open:4.4"), "fr", ["A001", "S071"])}
    assert texts["element:S071/Person/PersonIdentification/familyName"].own
    assert not texts["code:EESSISexType/01"].own
    assert texts["title:A001"].text == "Demande de dérogation"
    assert texts["title:A001"].state is ReviewState.UNREVIEWED


texts = st.builds(
    Text,
    key=st.from_regex(r"element:[A-Z][0-9]{3}/[a-z]{1,8}", fullmatch=True),
    source=st.text(st.characters(min_codepoint=33, max_codepoint=0x2FF), min_size=1, max_size=40),
    own=st.booleans(),
    text=st.text(st.characters(min_codepoint=33, max_codepoint=0x2FF), min_size=1, max_size=40),
    state=st.sampled_from([ReviewState.UNREVIEWED, ReviewState.REVIEWED]),
    reviewer=st.sampled_from(["", "M. Exemple"]),
)


@pytest.mark.parametrize("ending", [".xlsx", ".po"])
@given(rows=st.lists(texts, max_size=6, unique_by=lambda text: text.key))
def test_out_and_back_is_the_same(rows: list[Text], ending: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    file = tmp_path_factory.mktemp("texts") / f"fr{ending}"
    write_texts(rows, file, lang="fr", package="open:4.4")
    assert list(read_texts(file)) == rows


@pytest.mark.parametrize("ending", [".xlsx", ".po", ".txt"])
def test_a_damaged_file_gets_one_clear_line(ending: str, tmp_path: Path) -> None:
    file = tmp_path / f"bad{ending}"
    file.write_bytes(b"\x89PNG not a table")
    with pytest.raises(InputError) as caught:
        read_texts(file)
    assert str(file) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_formula_is_text(tmp_path: Path) -> None:
    from openpyxl import load_workbook

    row = attrs.evolve(OK, text="=1+1")
    file = tmp_path / "fr.xlsx"
    write_texts([row], file, lang="fr", package="p:1")
    sheet = load_workbook(file).worksheets[0]
    assert sheet["D2"].value == "'=1+1"
    assert read_texts(file)[0].text == "=1+1"


@pytest.mark.parametrize("ending", [".xlsx", ".po"])
def test_another_country_stands_beside_and_does_not_come_back(ending: str, tmp_path: Path) -> None:
    file = tmp_path / f"fr{ending}"
    write_texts([OK], file, lang="fr", package="p:1", beside=[attrs.evolve(OK, text="Nom patronymique")])
    assert read_texts(file) == (OK,)
    if ending == ".po":
        assert "Nom patronymique" in file.read_text(encoding="utf-8")
    else:
        from openpyxl import load_workbook

        assert load_workbook(file).worksheets[0]["H2"].value == "Nom patronymique"
