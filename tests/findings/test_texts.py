"""The message catalogues, row by row: complete, consistent, and marked until a person has reviewed them."""

from __future__ import annotations

import string

import pytest

from eessi.errors import UnknownCode
from eessi.findings import Finding, explain, known_ids, text_of
from eessi.findings.texts import complete_families, is_reviewed, languages

PARTS = ("message", "hint", "why", "mend")
NO_HINT_NEEDED = {"MSG-UNKNOWN"}
"""Where nothing is to be done."""


def _holes(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


@pytest.mark.parametrize("id", known_ids())
def test_english_rows_are_complete(id: str) -> None:
    row = explain(id)
    for part in (*PARTS, "source"):
        if part == "hint" and id in NO_HINT_NEEDED:
            continue
        assert row.get(part), f"{id} lacks {part}"
        assert "\n" not in row[part]
        _holes(row[part])


def test_languages_are_there() -> None:
    assert {"de", "en", "fr"} <= set(languages())


@pytest.mark.parametrize("lang", [lang for lang in languages() if lang != "en"])
class TestTranslations:
    def test_every_family_is_said_to_be_complete(self, lang: str) -> None:
        assert set(complete_families(lang)) == {id.partition("-")[0] for id in known_ids()}

    def test_every_id_has_every_part(self, lang: str) -> None:
        for id in known_ids():
            for part in PARTS:
                english, own = text_of(id, part), text_of(id, part, lang)
                if not english:
                    continue
                assert own != english or len(english) < 12, f"{lang}: {id} lacks {part}"

    def test_place_holders_are_those_of_english(self, lang: str) -> None:
        from eessi.findings.texts import _catalogue

        for id, row in _catalogue(lang).items():
            assert id in known_ids(), f"{lang}: {id} is not a finding id"
            for part, text in row.items():
                assert _holes(text) == _holes(_catalogue("en")[id][part]), f"{lang}: {id} {part}"

    def test_unreviewed_until_a_person_signs(self, lang: str) -> None:
        assert not is_reviewed(lang)


def test_english_is_the_source() -> None:
    assert is_reviewed("en")
    assert "SCH" in complete_families("en")


def test_unknown_language_falls_back_to_english() -> None:
    assert text_of("SCH-TEXT", "hint", "xx") == text_of("SCH-TEXT", "hint")
    assert text_of("SCH-TEXT", "hint", "../en") == text_of("SCH-TEXT", "hint")


def test_unknown_id_names_the_nearest() -> None:
    with pytest.raises(UnknownCode, match="SCH-MISSING"):
        explain("SCH-MISING")
    with pytest.raises(UnknownCode):
        text_of("SCH-MISING", "message")


def test_letter_case_of_ids_does_not_matter() -> None:
    assert explain("sch-missing")["id"] == "SCH-MISSING"


def test_braces_in_values_are_left_alone() -> None:
    finding = Finding("SCH-PATTERN", path="S071/a", params={"pattern": "[A-Z]{4,10}"})
    assert finding.hint() == "the form is [A-Z]{4,10}"
    assert (
        Finding("SCH-NAME", path="a", got="{x}", params={"wanted": "{y.z}"}).message()
        == "`{x}` is not a name here; `{y.z}` is"
    )
