"""Words inside findings and refusals: every language says all of them, none says what the code no longer does."""

from __future__ import annotations

import ast
import pickle
import string
from functools import cache
from pathlib import Path

import pytest

import eessi
from eessi.findings import Finding, NotChecked, Outcome, Phrase, Verdict, said
from eessi.findings.phrases import all_of, any_of
from eessi.findings.report import Judged
from eessi.findings.report_json import as_json
from eessi.findings.report_junit import as_junit
from eessi.findings.report_sarif import as_sarif
from eessi.findings.report_text import as_text
from eessi.findings.texts import languages, phrases_of
from eessi.pages.verdict import verdict_report
from tests.schemas.samples import judge

OTHERS = [lang for lang in languages() if lang != "en"]
SAME = {"certificate", "document", "signature", "source", "structure", "info", "Verdicts"}
"""Words that another language may share with English."""


def _holes(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


@cache
def in_the_code() -> dict[str, set[str]]:
    """English template -> names of the values it is made with, read from the source of the package."""
    found: dict[str, set[str]] = {}
    for file in sorted(Path(eessi.__file__).parent.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Phrase"):
                continue
            (template,) = node.args
            where = f"{file.name}, line {node.lineno}"
            if file.name == "phrases.py" and not isinstance(template, ast.Constant):
                continue  # a phrase made again from its parts
            assert isinstance(template, ast.Constant), f"{where}: the English text must stand there as it is"
            assert isinstance(template.value, str), where
            names = {word.arg or "**" for word in node.keywords}
            if names or file.name != "conditions.py":  # that one holds a table of templates, filled where a test fails
                assert names == _holes(template.value), f"{where}: values and place holders differ"
            found[template.value] = names
    return found


def test_there_are_phrases() -> None:
    assert len(in_the_code()) > 80


@pytest.mark.parametrize("lang", OTHERS)
class TestCatalogues:
    def test_every_phrase_is_said(self, lang: str) -> None:
        assert set(in_the_code()) - set(phrases_of(lang)) == set()

    def test_nothing_is_said_that_the_code_does_not_say(self, lang: str) -> None:
        assert set(phrases_of(lang)) - set(in_the_code()) == set()

    def test_place_holders_are_those_of_english(self, lang: str) -> None:
        for english, own in phrases_of(lang).items():
            assert _holes(own) == _holes(english), english

    def test_it_is_another_language(self, lang: str) -> None:
        assert {english for english, own in phrases_of(lang).items() if own == english} <= SAME


def test_english_is_the_text_itself() -> None:
    phrase = Phrase("line {line}", line=3)
    assert phrase == "line 3"
    assert phrase.said("en") == "line 3"
    assert phrase.said("de") == "Zeile 3"
    assert phrase.said("xx") == phrase.said("../de") == "line 3"
    assert type(phrase.said("en")) is str


def test_a_template_of_a_table_is_filled_later() -> None:
    phrase = Phrase("there are fewer valid {sed} than {other}").filled(sed="A002", other="A001", number=None)
    assert (phrase, phrase.said("fr")) == (
        "there are fewer valid A002 than A001",
        "il y a moins de A002 valides que de A001",
    )


def test_lists_of_words() -> None:
    assert [any_of(["a"]), any_of(["a", "b", "a"])] == ["a", "a or b"]
    assert said(all_of(["a", "b", "c"]), "de") == "a und b und c"


def test_a_phrase_may_stand_in_another() -> None:
    why = Phrase("{why} on {day}", why=Phrase("not asked for"), day="2026-01-01")
    assert (why, why.said("de")) == ("not asked for on 2026-01-01", "nicht verlangt am 2026-01-01")


def test_data_is_the_same_in_every_language() -> None:
    assert said("error", "de") == "error"
    assert Phrase("line {line}", line="{x}").said("de") == "Zeile {x}"


def test_phrases_travel_between_processes() -> None:
    back = pickle.loads(pickle.dumps(Phrase("line {line}", line=3)))
    assert (back, back.said("de")) == ("line 3", "Zeile 3")


class TestReports:
    """German through and through: no English word is left where a person reads."""

    VERDICT = judge(("2026-06-30", "30/06/2026x"), ("<familyName>Testperson</familyName>", "<familyName/>"), rules=True)
    RESULTS = (
        Judged("a.xml", VERDICT),
        Judged(
            "b.xml", Verdict(Outcome.UNDETERMINED, (), (NotChecked(Phrase("document"), Phrase("it cannot be read")),))
        ),
    )

    def test_findings(self) -> None:
        found = {finding.id: finding for finding in self.VERDICT.findings}
        assert said(found["SCH-DATE-FORM"].got or "", "de") == "Text mit 11 Zeichen"
        assert [said(text, "de") for text in found["SCH-DATE-FORM"].expected] == ["ein Datum als JJJJ-MM-TT"]
        assert Finding("SCH-NAMESPACE", expected=(Phrase("no namespace"),)).message("de")

    @pytest.mark.parametrize("report", [as_json, as_junit, as_sarif, as_text, verdict_report])
    def test_no_english_is_left(self, report: object) -> None:
        text = str(report(self.RESULTS, lang="de"))  # type: ignore[operator]
        for english in ("text of", "a date as", "not checked", "cannot be read", "got ", "hint:", "line 1", "Nothing"):
            assert english not in text, english
        assert "es kann nicht gelesen werden" in text
        assert "gültig" in text or report is as_json or report is as_junit or report is as_sarif

    def test_keys_of_json_stay(self) -> None:
        assert '"verdict": "undetermined"' in as_json(self.RESULTS, lang="de")
        assert '"what": "document"' in as_json(self.RESULTS, lang="de")
