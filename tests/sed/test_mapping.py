"""The mapping kit: declared sources, no guessed code, a true table of origins."""

from __future__ import annotations

import csv
import io

import attrs
import pytest

from eessi.errors import UsageError
from eessi.findings import Outcome
from eessi.schemas import Registry
from eessi.sed import BuildError, validate
from eessi.sed.mapping import CodeMap, SedMapping, coded, computed, constant, copy, each

SEX = CodeMap("sex", {"F": "02", "M": "01"}, source="civil register, table 12")
LAND = CodeMap("countries", {"GRC": "EL", "GBR": "UK"}, source="ISO 3166 alpha-3")
PERSON = "Person/PersonIdentification"
PINS = f"{PERSON}/PINPersonInEachInstitution/PersonalIdentificationNumber"


def iso_date(year: object, month: object, day: object) -> str:
    """Year, month and day as one date.

    A second paragraph that the table leaves out.
    """
    return f"{year}-{month:02}-{day:02}"


MAPPING = SedMapping(
    "S071",
    "4.4",
    (
        copy(f"{PERSON}/familyName", "person.surname", required=True),
        copy(f"{PERSON}/forename", "person.given"),
        computed(f"{PERSON}/dateBirth", ("born.y", "born.m", "born.d"), iso_date),
        coded(f"{PERSON}/sex", "gender", SEX),
        coded("Person/AdditionalInformationPerson/nationality", "nations", LAND),
        each(PINS, "pins", copy("personalIdentificationNumber", "number"), coded("country", "land", LAND)),
        copy("AddressOfPersonForWhomAnEntitlementDocument/Address/town", "town"),
        constant("AddressOfPersonForWhomAnEntitlementDocument/Address/country", "EL", "we serve residents of Greece"),
        constant("StatusPerson/status", "01", "this office insures workers only"),
        copy("PeriodEntitlement/OpenPeriod/startDate", "since"),
        constant("PeriodEntitlement/OpenPeriod/typeOpenPeriod", "01", "open until revoked"),
    ),
)
RECORD: dict[str, object] = {
    "person": {"surname": "Testperson", "given": "Ada", "hobby": "chess"},
    "born": {"y": 1980, "m": 1, "d": 15},
    "gender": "F",
    "nations": ["GRC", "GBR"],
    "pins": [{"number": "T1", "land": "GRC"}, {"number": "T2", "land": "GBR", "kind": "x"}],
    "town": "Athina",
    "since": "2026-01-01",
}


def test_a_record_becomes_a_valid_sed(registry: Registry) -> None:
    sed = MAPPING.apply(RECORD, registry=registry)
    assert validate(sed, registry).outcome is Outcome.VALID
    assert sed[f"{PERSON}/dateBirth"] == "1980-01-15"
    assert sed.values("Person/AdditionalInformationPerson/nationality") == ("EL", "UK")
    assert sed.values(f"{PINS}/country") == ("EL", "UK")


def test_every_problem_comes_at_once(registry: Registry) -> None:
    broken = {
        **RECORD,
        "person": {},
        "gender": "X",
        "born": {"y": 1980, "m": None, "d": 15},
        "pins": [{"number": "T1", "land": "FRA"}],
        "nations": ["GRC", "FRA"],
        "since": "soon",
    }
    with pytest.raises(BuildError) as caught:
        MAPPING.apply(broken, registry=registry)
    found = {(one.id, one.path) for one in caught.value.findings}
    assert {
        ("MAP-SOURCE", f"S071/{PERSON}/familyName"),
        ("MAP-CODE", f"S071/{PERSON}/sex"),
        ("MAP-CODE", f"S071/{PINS}[1]/country"),
        ("MAP-CODE", "S071/Person/AdditionalInformationPerson/nationality"),
        ("MAP-FAILED", f"S071/{PERSON}/dateBirth"),
    } <= found
    assert any(path == "S071/PeriodEntitlement/OpenPeriod/startDate" for _, path in found)
    assert all("soon" not in one.message() for one in caught.value.findings)


def test_an_unmapped_code_is_an_error_even_in_a_draft(registry: Registry) -> None:
    with pytest.raises(BuildError, match="no row in the table sex"):
        MAPPING.apply({**RECORD, "gender": "X"}, registry=registry, draft=True)
    sed = MAPPING.apply(
        {"person": {"surname": "T"}, "born": {"y": 1980, "m": 1, "d": 1}}, registry=registry, draft=True
    )
    assert f"{PERSON}/sex" not in sed


def test_a_list_must_be_a_list(registry: Registry) -> None:
    with pytest.raises(BuildError) as caught:
        MAPPING.apply({**RECORD, "pins": "T1"}, registry=registry)
    assert ("MAP-LIST", f"S071/{PINS}") in {(one.id, one.path) for one in caught.value.findings}


def test_the_table_of_origins() -> None:
    rows = {row.target: row for row in MAPPING.lineage()}
    assert attrs.astuple(rows[f"{PERSON}/sex"])[1:] == ("code", "gender", "sex", "civil register, table 12")
    assert attrs.astuple(rows[f"{PERSON}/dateBirth"])[1:] == (
        "computed", "born.y, born.m, born.d", "iso_date", "Year, month and day as one date.",
    )  # fmt: skip
    assert rows[f"{PINS}[]/country"].sources == "pins[].land"
    assert rows["StatusPerson/status"].note == "this office insures workers only"
    table = list(csv.DictReader(io.StringIO(MAPPING.lineage_csv())))
    assert len(table) == len(rows) == 12
    assert table[0] == {
        "target": f"{PERSON}/familyName",
        "how": "copy",
        "sources": "person.surname",
        "by": "",
        "note": "",
    }


def test_a_function_sees_only_what_it_declares(registry: Registry) -> None:
    seen: list[tuple[object, ...]] = []

    def spy(*values: object) -> str:
        seen.append(values)
        return "x"

    mapping = SedMapping("A001", "4.9", (computed("a", ("gender", "absent"), spy),))
    mapping.apply(RECORD, registry=registry, as_given=True)
    assert seen == [("F", None)]


def test_fields_that_no_rule_reads() -> None:
    assert MAPPING.unread(RECORD) == ("person.hobby", "pins[].kind")


def test_rules_are_checked_without_data(registry: Registry) -> None:
    assert MAPPING.check(registry) == ()
    wrong = SedMapping(
        "S071",
        "4.4",
        (
            copy(f"{PERSON}/familyNam", "x"),
            coded(f"{PERSON}/sex", "g", CodeMap("wrong", {"F": "2"}, source="nowhere")),
            each(PINS, "pins", copy("contry", "x")),
            copy("Nowhere/at/all", "x"),
        ),
    )
    found = [(one.id, one.path, one.expected) for one in wrong.check(registry)]
    assert found == [
        ("MAP-TARGET", f"S071/{PERSON}/familyNam", ("familyName",)),
        ("MAP-VALUE", f"S071/{PERSON}/sex", ()),
        ("MAP-TARGET", f"S071/{PINS}/contry", ("country",)),
        ("MAP-TARGET", "S071/Nowhere/at/all", ()),
    ]
    assert all(one.message() for one in wrong.check(registry))
    with pytest.raises(UsageError):
        SedMapping("A001", "4.9", ()).check(registry)


def test_a_constant_needs_a_reason() -> None:
    with pytest.raises(UsageError, match="say why"):
        constant("a", "1", "")
