"""Reports of verdicts: the JSON contract, JUnit and text; nothing lost, nothing personal told."""

from __future__ import annotations

import json

import attrs
import jsonschema
import pytest
from lxml import etree

from eessi.errors import InputError
from eessi.findings import Finding, Fix, NotChecked, Outcome, Severity, Verdict
from eessi.findings.report import Judged, count
from eessi.findings.report_json import VerdictDocument, VerdictLine, as_json, as_ndjson
from eessi.findings.report_junit import as_junit
from eessi.findings.report_text import as_text

SECRET = "Testperson-Geheim"
BAD = Verdict(
    Outcome.INVALID,
    (
        Finding("SCH-CODE-NEAR", path="S071/Person/sex", line=12, column=7, got="GR", value="GR", expected=("EL", "AT"),
                params={"shown": "`GR`", "near": "EL", "label": "Greece", "codes": "EL Greece"}, fix=Fix("replace", "S071/Person/sex/value", "EL", True)),
        Finding("SCH-TOO-LONG", path="S071/Person/familyName", line=3, column=1, got="text of 17 characters", value=SECRET,
                expected=("155",), params={"limit": "155", "length": "200"},
                fix=Fix("replace", "S071/Person/familyName", SECRET, True)),
        Finding("RUL-PERIOD", Severity.WARNING, path="S071/x/endDate", line=4),
    ),
    (NotChecked("signature", "no certificate was given"),),
    sed="S071", cdm="4.4", package="open:4.4", fidelity="exact",
)  # fmt: skip
RESULTS = [
    Judged("good.xml", Verdict(Outcome.VALID, sed="S071", cdm="4.4", package="open:4.4", fidelity="exact")),
    Judged("bad.xml", BAD),
    Judged("open.xml", Verdict(Outcome.UNDETERMINED, (), (NotChecked("structure", "no package knows it"),), sed="P4000", cdm="3.1")),
    Judged.refused("x.png", InputError("this is not XML", offset=0)),
]  # fmt: skip


def test_counts() -> None:
    assert count(RESULTS) == {"valid": 1, "invalid": 1, "undetermined": 2, "unreadable": 1}


@pytest.mark.parametrize(("index", "code"), [(0, 0), (1, 1), (2, 3), (3, 4)])
def test_exit_codes(index: int, code: int) -> None:
    assert RESULTS[index].exit_code() == code


def test_fail_on_lowers_the_bar_and_a_broken_package_is_5() -> None:
    warned = attrs.evolve(RESULTS[0], verdict=attrs.evolve(RESULTS[0].verdict, findings=(BAD.findings[2],)))
    assert warned.exit_code() == 0
    assert warned.exit_code(Severity.WARNING) == 1
    broken = Verdict(Outcome.UNDETERMINED, (Finding("VAL-PACKAGE", Severity.WARNING, params={"reason": "x"}),))
    assert Judged("a", broken).exit_code() == 5


class TestJson:
    def test_shape_is_the_contract(self) -> None:
        document = json.loads(as_json(RESULTS))
        assert list(document) == ["schema_version", "results", "summary"]
        bad = document["results"][1]
        assert [key for key in bad if key != "schema_version"] == [
            "file", "sed", "cdm", "package", "fidelity", "verdict", "findings", "not_checked",
        ]  # fmt: skip
        assert bad["verdict"] == "invalid"
        finding = bad["findings"][0]
        contract = {"id", "severity", "path", "line", "column", "message", "got", "expected", "hint"}
        assert contract <= set(finding)
        assert finding["message"] == "`GR` is not a code here; Greece is `EL`"
        assert finding["expected"] == ["EL", "AT"]
        assert bad["not_checked"] == [{"what": "signature", "why": "no certificate was given"}]
        assert document["summary"]["undetermined"] == 2

    @pytest.mark.parametrize("show_values", [False, True])
    def test_published_schema_accepts_it(self, show_values: bool) -> None:
        schema = VerdictDocument.model_json_schema(mode="serialization")
        jsonschema.validate(json.loads(as_json(RESULTS, show_values=show_values)), schema)
        line = VerdictLine.model_json_schema(mode="serialization")
        for judged in RESULTS:
            jsonschema.validate(json.loads(as_ndjson(judged, show_values=show_values)), line)

    def test_published_schema_refuses_another_shape(self) -> None:
        document = json.loads(as_json(RESULTS))
        document["results"][0]["verdict"] = "fine"
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(document, VerdictDocument.model_json_schema(mode="serialization"))

    def test_personal_values_only_on_request(self) -> None:
        assert SECRET not in as_json(RESULTS)
        assert SECRET in as_json(RESULTS, show_values=True)
        assert SECRET not in as_ndjson(RESULTS[1])
        assert json.loads(as_json(RESULTS))["results"][1]["findings"][0]["fix"]["value"] == "EL"

    def test_one_line_each(self) -> None:
        assert all("\n" not in as_ndjson(judged) for judged in RESULTS)


class TestJunit:
    def test_numbers_and_kinds(self) -> None:
        root = etree.fromstring(as_junit(RESULTS).encode())
        assert dict(root.attrib) == {"name": "eessi", "tests": "4", "failures": "1", "errors": "1", "skipped": "1"}
        kinds = [[child.tag for child in case] for case in root.iter("testcase")]
        assert kinds == [[], ["failure"], ["skipped"], ["error"]]
        failure = root.find(".//failure")
        assert failure is not None
        assert failure.get("message") == "`GR` is not a code here; Greece is `EL`"
        assert "line 12" in (failure.text or "")
        assert SECRET not in as_junit(RESULTS)

    def test_characters_that_xml_cannot_hold(self) -> None:
        etree.fromstring(as_junit([attrs.evolve(RESULTS[0], file="a\x00\x1b\ud800.xml")]).encode())


class TestText:
    def test_lines_for_people(self) -> None:
        text = as_text(RESULTS).plain
        assert "bad.xml: invalid  S071 4.4 by open:4.4 (exact)" in text
        assert "line 12, column 7: S071/Person/sex" in text
        assert "not checked: structure: no package knows it" in text
        assert text.endswith("1 valid, 1 invalid, 2 undetermined, 1 unreadable")
        assert "x.png" not in text  # told on standard error
        assert SECRET not in text
        assert SECRET in as_text(RESULTS, show_values=True).plain

    def test_other_languages(self) -> None:
        assert "Greece ist `EL`" in as_text(RESULTS, lang="de").plain
