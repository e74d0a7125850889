"""The builder: plain data in, a valid document or all problems out."""

from __future__ import annotations

import datetime as dt
import decimal
import enum

import pytest
from lxml import etree

from eessi.errors import UnknownCode, UsageError
from eessi.findings import Outcome
from eessi.ids import CdmVersion, SedType
from eessi.schemas import Element, Kind, Registry, Structure
from eessi.sed import BuildError, build, serialise, validate
from eessi.sed.builder import fill_group, nested
from eessi.sed.losses import LossKind
from eessi.sed.order import root_place

FULL: dict[str, object] = {
    "StatusPerson/status": "01",
    "PeriodEntitlement": {"OpenPeriod": {"startDate": dt.date(2026, 1, 1), "typeOpenPeriod": "01"}},
    "AddressOfPersonForWhomAnEntitlementDocument/Address": {"country": "EL", "town": "Athina", "street": ""},
    "Person": {
        "AdditionalInformationPerson": {"nationality": ["EL", "UK"]},
        "PersonIdentification": {
            "sex": "02",
            "dateBirth": "1980-01-15",
            "forename": "Ada",
            "familyName": "Testperson",
            "familyNameAtBirth": None,
            "PINPersonInEachInstitution": {
                "PersonalIdentificationNumber": [
                    {"country": "EL", "personalIdentificationNumber": 123},
                    {"country": "UK", "personalIdentificationNumber": "T1"},
                ]
            },
        },
    },
}


def test_a_valid_s071_from_nested_data(registry: Registry) -> None:
    sed = build("S071", FULL, version="4.4", registry=registry)
    assert validate(sed, registry).outcome is Outcome.VALID
    assert b"<nationality><value>EL</value><value>UK</value></nationality>" in serialise(sed)
    assert sed["PeriodEntitlement/OpenPeriod/startDate"] == "2026-01-01"
    assert sed.values(
        "Person/PersonIdentification/PINPersonInEachInstitution/PersonalIdentificationNumber/personalIdentificationNumber"
    ) == ("123", "T1")
    assert "AddressOfPersonForWhomAnEntitlementDocument/Address/street" not in sed
    assert sed.attributes == {"sedGVer": "4", "sedVer": "4"}


def test_the_same_from_paths(registry: Registry) -> None:
    sed = build("S071", FULL, version="4.4", registry=registry)
    assert build("S071", dict(sed.items()), version="4.4", registry=registry) == sed
    dotted = {f"S071.{path.replace('/', '.')}": text for path, text in sed.items()}
    assert build("S071", dotted, version="4.4", registry=registry) == sed


def test_what_was_built_can_be_taken_apart(registry: Registry) -> None:
    sed = build("S071", FULL, version="4.4", registry=registry)
    content = sed.part_at()
    assert isinstance(content, dict)
    assert build("S071", content, version="4.4", registry=registry) == sed


def test_all_problems_come_at_once_with_their_paths(registry: Registry) -> None:
    broken = {
        "Person": {
            "PersonIdentification": {
                "familyNam": "x",
                "forename": {"a": "1"},
                "dateBirth": "1980-02-30",
                "sex": "77",
                "PINPersonInEachInstitution": "text",
            }
        },
        "StatusPerson": {"status": "01"},
        "Person/PersonIdentification/sex": "01",
        "a b": "1",
        "PeriodEntitlement": object(),
        "AddressOfPersonForWhomAnEntitlementDocument/Address/town": "x\x00",
    }
    with pytest.raises(BuildError) as caught:
        build("S071", broken, version="4.4", registry=registry)
    found = {(one.id, one.path) for one in caught.value.findings}
    person = "S071/Person/PersonIdentification"
    assert {
        ("BLD-UNKNOWN", f"{person}/familyNam"),
        ("BLD-SHAPE", f"{person}/forename"),
        ("BLD-SHAPE", f"{person}/PINPersonInEachInstitution"),
        ("BLD-TWICE", f"{person}/sex"),
        ("BLD-NAME", "S071/a b"),
        ("BLD-VALUE", "S071/PeriodEntitlement"),
        ("BLD-CHARACTER", "S071/AddressOfPersonForWhomAnEntitlementDocument/Address/town"),
        ("SCH-MISSING", f"{person}/familyName"),
    } <= found
    assert any(one.path == f"{person}/dateBirth" and one.id.startswith("SCH-DATE") for one in caught.value.findings)
    assert any(one.id == "SCH-CODE" and one.path == f"{person}/sex" for one in caught.value.findings)
    unknown = next(one for one in caught.value.findings if one.id == "BLD-UNKNOWN")
    assert unknown.expected == ("familyName",)
    assert "\n" not in str(caught.value)
    assert "Testperson" not in str(caught.value)
    assert all(one.message() for one in caught.value.findings)


def test_a_draft_is_not_proved(registry: Registry) -> None:
    sed = build("S071", {"Person/PersonIdentification/familyName": "T"}, version="4.4", registry=registry, draft=True)
    assert validate(sed, registry).outcome is Outcome.INVALID
    with pytest.raises(BuildError):
        build("S071", {"Persn": "x"}, version="4.4", registry=registry, draft=True)


class Sex(enum.Enum):
    FEMALE = "02"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("x", "x"),
        (7, "7"),
        (True, "true"),
        (dt.date(2026, 2, 1), "2026-02-01"),
        (dt.datetime(2026, 2, 1, 9, tzinfo=dt.UTC), "2026-02-01T09:00:00+00:00"),
        (decimal.Decimal("1500.00"), "1500.00"),
        (decimal.Decimal("1E+3"), "1000"),
        (0.1, "0.1"),
        (1e21, "1000000000000000000000"),
        (Sex.FEMALE, "02"),
    ],
)
def test_values_have_one_spelling(value: object, text: str, registry: Registry) -> None:
    sed = build("A001", {"anything": value}, version="4.9", registry=registry, as_given=True)
    assert sed["anything"] == text


@pytest.mark.parametrize("value", [float("nan"), float("inf"), b"bytes", object(), {1, 2}, decimal.Decimal("NaN")])
def test_values_without_a_spelling_are_refused(value: object, registry: Registry) -> None:
    with pytest.raises(BuildError) as caught:
        build("A001", {"anything": value}, version="4.9", registry=registry, as_given=True)
    assert [one.id for one in caught.value.findings] == ["BLD-VALUE"]


def test_a_yes_no_code_from_a_boolean(registry: Registry) -> None:
    path = "RequestedForSituationsCoveredByArti8832004/FillInIfArticle10/teleworkFrameworkAgreement"
    sed = build("A001", {path: True}, version="4.4", registry=registry)
    assert sed[path] == "1"
    assert sed.count(f"{path}/value") == 1


def test_an_observed_tree_keeps_what_it_does_not_know(registry: Registry) -> None:
    sed = build(
        "A001", {"Novelty": {"x": "1"}, "Person/PersonIdentification/sex": "02"}, version="4.4", registry=registry
    )
    assert sed["Novelty/x"] == "1"
    assert sed.unknown(registry) == ("Novelty",)
    assert sed.report is not None
    assert [entry.path for entry in sed.report.of(LossKind.UNKNOWN)] == ["A001/Novelty"]
    assert sed.report.of(LossKind.ORDER)


def test_without_a_tree_only_on_request(registry: Registry) -> None:
    with pytest.raises(UsageError, match=r"no package knows the tree of A001 4\.9"):
        build("A001", {"b": "1"}, version="4.9", registry=registry)
    sed = build("A001", {"b": "1", "a": {"c": ["1", "2"]}}, version="4.9", registry=registry, as_given=True)
    assert list(sed.items()) == [("b", "1"), ("a/c[1]", "1"), ("a/c[2]", "2")]
    assert sed.report is not None
    assert [entry.detail for entry in sed.report.of(LossKind.ORDER)] == ["as given"]


def test_a_sandbox_document(registry: Registry) -> None:
    sed = build(
        "A001",
        {
            "Person": {
                "PersonIdentification": {"familyName": "T", "forename": "A", "dateBirth": "1980-01-15", "sex": "01"}
            }
        },
        version="1.0",
        registry=registry,
    )
    assert sed.is_sandbox
    assert sed.namespace == "urn:eessi-toolkit:sandbox:1.0:A001"
    assert validate(sed, registry).outcome is Outcome.UNDETERMINED


def test_unknown_codes_and_versions(registry: Registry) -> None:
    with pytest.raises(UnknownCode):
        build("nonsense", {}, version="4.4", registry=registry)
    with pytest.raises(UsageError):
        build("S071", {}, version="latest", registry=registry)


def test_an_element_that_repeats_too_often(registry: Registry) -> None:
    data = {**FULL, "StatusPerson": [{"status": "01"}, {"status": "01"}]}
    del data["StatusPerson/status"]
    with pytest.raises(BuildError) as caught:
        build("S071", data, version="4.4", registry=registry)
    assert any(one.path is not None and "StatusPerson" in one.path for one in caught.value.findings)


def test_path_keys_open_into_nested_data() -> None:
    assert nested({"a/b[2]/c": "1", "a/b[1]/c": "0", "a": {"d": "x"}}) == {
        "a": {"b": [{"c": "0"}, {"c": "1"}], "d": "x"}
    }
    with pytest.raises(BuildError):
        nested({"a": "1", "a/b": "2"})
    with pytest.raises(BuildError):
        nested({"a[1]": "1", "a/b": "2"})
    with pytest.raises(BuildError):
        nested({"a[5000]/b": "1"})


def test_a_code_element_that_repeats_and_one_that_takes_several() -> None:
    def code(name: str, most: int | None, values: int | None) -> Element:
        return Element(name, Kind.CODE, 0, most, value_max=values)

    root = Element("A001", Kind.GROUP, children=(code("one", None, 1), code("many", 1, None), code("both", None, None)))
    structure = Structure(SedType("A001"), CdmVersion(4, 9), "urn:x", root)
    element = etree.Element("A001")
    data = {"one": ["1", "2"], "many": ["1", "2"], "both": [["1", "2"], ["3"]]}
    fill_group(element, data, root_place(structure), "A001")
    assert etree.tostring(element) == (
        b"<A001><one><value>1</value></one><one><value>2</value></one>"
        b"<many><value>1</value><value>2</value></many>"
        b"<both><value>1</value><value>2</value></both><both><value>3</value></both></A001>"
    )
