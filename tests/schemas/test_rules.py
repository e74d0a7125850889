"""Rules beyond the schema: what they warn of, and that a broken rule never breaks a verdict."""

from __future__ import annotations

import datetime as dt
import sys
from importlib.metadata import EntryPoint, EntryPoints

import pytest
from lxml import etree

from eessi import _xml
from eessi.findings import Finding, NotChecked, Outcome, Severity, known_ids
from eessi.ids import COUNTRIES, CdmVersion, SedType
from eessi.schemas import Element, Kind, Registry, Structure, rules, validate_bytes
from eessi.schemas.explain_places import Draft
from eessi.schemas.rules import OWN_RULES, RuleCannotCheck, Subject, apply_rules
from eessi.schemas.rules_codes import codes_table
from eessi.schemas.rules_numbers import pin_table
from tests.schemas.samples import S071, damaged, judge

STRUCTURE = Structure(SedType("P2000"), CdmVersion(4, 2), "urn:test", Element("P2000", Kind.GROUP))


def warn(content: str, attributes: str = "") -> list[tuple[str, str | None]]:
    data = f"<P2000 {attributes}>{content}</P2000>".encode()
    findings, not_checked = apply_rules(_xml.parse(data), STRUCTURE, data=data, today=dt.date(2026, 1, 1))
    assert not not_checked
    assert all(finding.severity is Severity.WARNING for finding in findings)
    assert all(finding.line == 1 and finding.column for finding in findings)
    return [(finding.id, finding.path) for finding in findings]


def pin(country: str, number: str) -> str:
    return f"<Pin><country><value>{country}</value></country><personalIdentificationNumber>{number}</personalIdentificationNumber></Pin>"


def birth(day: str, country: str) -> str:
    return (
        f"<p><dateBirth>{day}</dateBirth>"
        f"<Place><PlaceBirth><country><value>{country}</value></country></PlaceBirth></Place></p>"
    )


def test_every_rule_has_its_texts() -> None:
    assert set(OWN_RULES) == set(rules._own_rules())
    assert set(OWN_RULES) <= set(known_ids())


@pytest.mark.parametrize(
    ("content", "found"),
    [
        ("<a><startDate>2026-02-01</startDate><endDate>2026-01-31</endDate></a>", [("RUL-PERIOD", "P2000/a/endDate")]),
        ("<a><startDate>2026-02-01Z</startDate><endDate>2026-02-01</endDate></a>", []),
        ("<a><endDate>2026-01-31</endDate></a>", []),
        ("<a><startDate>x</startDate><endDate>2026-01-31</endDate></a>", []),
        ("<dateBirth>2026-01-02</dateBirth>", [("RUL-BIRTH", "P2000/dateBirth")]),
        ("<dateBirth>2026-01-01</dateBirth>", []),
        ("<country><value>GB</value></country>", [("RUL-COUNTRY", "P2000/country/value")]),
        ("<Country>GR</Country>", [("RUL-COUNTRY", "P2000/Country")]),
        ("<country><value>EL</value></country><nationality><value>UK</value></nationality>", []),
        (birth("1995-01-01", "SUHH"), [("RUL-CODE-DAY", "P2000/p/Place/PlaceBirth/country/value")]),
        (birth("1991-01-01", "SUHH"), []),
        (birth("1995-01-01", "EE"), []),
        (birth("unknown", "SUHH"), []),
        ("<PlaceBirth><country><value>DDDE</value></country></PlaceBirth>", []),
        ("<b><Amount><currency><value>HRK</value></currency></Amount><endDate>2023-02-01</endDate></b>",
         [("RUL-CODE-DAY", "P2000/b/Amount/currency/value")]),
        ("<b><Amount><currency>HRK</currency></Amount><endDate>2022-02-01</endDate><startDate>2024-01-01</startDate></b>",
         [("RUL-PERIOD", "P2000/b/endDate")]),
        ("<b><Amount><currency>HRK</currency></Amount></b><endDate>2023-02-01</endDate>", []),
        ("<b><Amount><currency>EUR</currency></Amount><endDate>1990-02-01</endDate></b>", []),
        ("<institutionID>BE:0203980409</institutionID>", []),
        ("<institutionID>XX:0203980409</institutionID>", [("RUL-INSTITUTION", "P2000/institutionID")]),
        ("<InstitutionID>BE 02</InstitutionID>", [("RUL-INSTITUTION", "P2000/InstitutionID")]),
        ("<IBAN>BE68 5390 0754 7034</IBAN><BICSWIFT>GKCCBEBB</BICSWIFT>", []),
        ("<IBAN>BE68 5390 0754 7035</IBAN><BICSWIFT>GKCC</BICSWIFT>", [("RUL-IBAN", "P2000/IBAN"), ("RUL-BIC", "P2000/BICSWIFT")]),
        (pin("NL", "111222333"), []),
        (pin("NL", "111222334"), [("RUL-PIN", "P2000/Pin/personalIdentificationNumber")]),
        (pin("FR", "295109912611193"), []),
        (pin("GR", "1"), [("RUL-COUNTRY", "P2000/Pin/country/value"), ("RUL-PIN", "P2000/Pin/personalIdentificationNumber")]),
        (pin("DE", "anything"), []),
        ("<personalIdentificationNumber>1</personalIdentificationNumber>", []),
    ],
)  # fmt: skip
def test_what_the_rules_warn_of(content: str, found: list[tuple[str, str]]) -> None:
    assert warn(content) == found


@pytest.mark.parametrize(
    ("attributes", "count"),
    [('sedGVer="4" sedVer="2"', 0), ('sedGVer="4" sedVer="4"', 1), ('sedGVer="4"', 0), ("", 0)],
)
def test_root_attributes_repeat_the_namespace(attributes: str, count: int) -> None:
    assert warn("", attributes) == [("DOC-ATTRIBUTES", "P2000")] * count


def test_table_of_numbers_is_right() -> None:
    for country, row in pin_table().items():
        assert country in COUNTRIES
        assert row["module"].startswith("stdnum.")
        assert callable(__import__(row["module"], fromlist=["is_valid"]).is_valid)
        assert row["name"]
        assert row["source"]


def test_table_of_codes_is_right() -> None:
    """Former countries are those of the CDM, each once; what took the place of one is a code of today."""
    structure = Registry.default().structure("S071", "4.4")
    assert structure is not None
    places = [
        node.codes.values
        for node in _codes(structure.root)
        if node.type_name == "EESSIWorldCountryHistoricType" and node.codes
    ]
    former = {code for code in places[0] if len(code) == 4}
    table = codes_table()
    assert set(table) == {"country", "currency"}
    assert set(table["country"]) == former
    for kind, rows in table.items():
        for code, row in rows.items():
            assert set(row) <= {"until", "now", "source"}, code
            assert 1970 < int(row["until"]) < 2026, code
            assert row["source"]
            now = row.get("now")
            assert now is None or (now in places[0] if kind == "country" else now not in rows), code


def _codes(element: Element) -> list[Element]:
    return [element, *(below for child in element.elements() for below in _codes(child))]


def _names_asked(count: int, monkeypatch: pytest.MonkeyPatch) -> int:
    """How often a name is looked at in a document with one long list of numbers, births and amounts."""
    asked = 0
    local_name = _xml.local_name

    def counted(element: etree._Element) -> str:
        nonlocal asked
        asked += 1
        return local_name(element)

    item = "<personalIdentificationNumber>1</personalIdentificationNumber>"  # no country beside it, and no start
    item += "<endDate>2026-01-31</endDate><currency>HRK</currency>"
    item += "<PlaceBirth><country><value>SUHH</value></country></PlaceBirth>"
    root = _xml.parse(f"<P2000><list>{item * count}</list></P2000>".encode())
    monkeypatch.setattr(_xml, "local_name", counted)
    found, _ = apply_rules(root, STRUCTURE, today=dt.date(2026, 1, 1))
    monkeypatch.undo()
    assert len(found) == count  # the currencies
    return asked


def test_work_grows_as_the_document_does(monkeypatch: pytest.MonkeyPatch) -> None:
    """Siblings in a list of thousands look at each other once, not each at all the others."""
    assert _names_asked(400, monkeypatch) < 2.5 * _names_asked(200, monkeypatch)


def test_the_day_of_the_verdict_is_the_day_of_the_rules() -> None:
    later = damaged(("1980-01-15", "2027-01-15"))
    for as_of, ids in ((dt.date(2026, 1, 1), ["RUL-BIRTH"]), (dt.date(2028, 1, 1), [])):
        verdict = validate_bytes(later, Registry.default(), rules=True, as_of=as_of)
        assert [finding.id for finding in verdict.findings] == ids


def test_warnings_leave_the_outcome_alone_and_do_not_repeat_the_schema() -> None:
    verdict = judge(("2026-06-30", "2025-06-30"), rules=True)
    assert verdict.outcome is Outcome.VALID
    assert [finding.id for finding in verdict.findings] == ["RUL-PERIOD"]
    verdict = judge(("<country><value>EL", "<country><value>GR"), rules=True)
    assert [finding.id for finding in verdict.findings] == ["SCH-CODE-NEAR"]


def test_values_stay_masked() -> None:
    data = f"<P2000>{pin('NL', '111222334')}<IBAN>BE99</IBAN></P2000>".encode()
    for finding in apply_rules(_xml.parse(data), None, data=data)[0]:
        assert "111222334" not in finding.message() + (finding.got or "") + repr(finding)
        assert "BE99" not in finding.message() + (finding.got or "")


def _apply(**named: object) -> tuple[tuple[Finding, ...], tuple[NotChecked, ...]]:
    return apply_rules(_xml.parse(S071), None, data=S071, rules=list(named.items()))  # type: ignore[arg-type]  # rules by name


def test_a_rule_that_breaks_is_listed_and_the_others_go_on() -> None:
    def broken(subject: Subject) -> list[Draft]:
        raise ZeroDivisionError

    def lacking(subject: Subject) -> list[Draft]:
        raise RuleCannotCheck("no table of dossiers")

    def fine(subject: Subject) -> list[Draft]:
        return [subject.warning("RUL-PERIOD", town) for town in subject.named("TOWN")]

    findings, not_checked = _apply(BROKEN=broken, LACKING=lacking, FINE=fine)
    assert [finding.path for finding in findings] == ["S071/AddressOfPersonForWhomAnEntitlementDocument/Address/town"]
    assert [(entry.what, entry.why) for entry in not_checked] == [
        ("rule BROKEN", "it stopped: ZeroDivisionError"),
        ("rule LACKING", "no table of dossiers"),
    ]


def test_rules_of_other_distributions(monkeypatch: pytest.MonkeyPatch) -> None:
    points = EntryPoints(
        [
            EntryPoint("NAT-TOWN", "tests.schemas.test_rules:national_rule", rules.GROUP),
            EntryPoint("NAT-GONE", "no_such_module:rule", rules.GROUP),
        ]
    )
    monkeypatch.setattr("importlib.metadata.entry_points", lambda group: points if group == rules.GROUP else ())
    rules.rules_by_entry_point.cache_clear()
    try:
        findings, not_checked = apply_rules(_xml.parse(S071), None, data=S071)
    finally:
        rules.rules_by_entry_point.cache_clear()
    assert "RUL-PERIOD" in {finding.id for finding in findings}
    assert [entry.what for entry in not_checked] == ["rule NAT-GONE"]


def national_rule(subject: Subject) -> list[Draft]:
    return [subject.warning("RUL-PERIOD", town) for town in subject.named("town")]


def test_without_stdnum_the_numbers_are_not_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    from eessi.schemas import rules_numbers

    rules_numbers._is_valid.cache_clear()
    for name in [name for name in sys.modules if name.split(".")[0] == "stdnum"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "stdnum", None)
    try:
        data = damaged(
            (
                "</sex>",
                "</sex><PINPersonInEachInstitution>"
                + pin("NL", "1").replace("Pin", "PersonalIdentificationNumber")
                + "</PINPersonInEachInstitution>",
            )
        )
        verdict = _judge_with_rules(data)
    finally:
        rules_numbers._is_valid.cache_clear()
    assert verdict == [("rule RUL-PIN", "python-stdnum is not installed: pip install 'eessi-toolkit[rules]'")]


def _judge_with_rules(data: bytes) -> list[tuple[str, str]]:
    from eessi.schemas import validate_bytes

    verdict = validate_bytes(data, Registry.default(), rules=True)
    return [(entry.what, entry.why) for entry in verdict.not_checked if entry.what.startswith("rule")]
