"""NAV JSON: known names reach their places, everything else is named in the report."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from eessi.errors import DefinitionError, InputError
from eessi.ids import CdmVersion
from eessi.schemas import Registry
from eessi.sed import Sed
from eessi.sed.json_text import JsonValue, load_json
from eessi.sed.losses import LossKind, LossReport
from eessi.sed.nav_json import NavNames, read_nav_json, shipped_names
from eessi.sed.rina_json import version_of

READABLE = {
    "ep-eux-P4000-RINA.json",
    "eux-rina-api-dokument-f001-acl44.json",
    "melosys-sedA001.json",
    "melosys-sedA008.json",
    "prefill-H120-NAV.json",
    "prefill-P6000-NAV.json",
}


def report_of(sed: Sed) -> LossReport:
    assert sed.report is not None
    return sed.report


def leaves(value: JsonValue, path: str = "") -> Iterator[tuple[str, str]]:
    """Every leaf with the path the reader shows."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from leaves(inner, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        for number, inner in enumerate(value, 1):
            yield from leaves(inner, f"{path}[{number}]")
    else:
        yield path, str(value)


def test_row_by_row_against_the_inventory(samples: Path) -> None:
    seds = json.loads((samples / "elements.json").read_text(encoding="utf-8"))["seds"]
    names = shipped_names()
    count = 0
    for code, sed in seds.items():
        wanted = {
            (path, node["nav"].removeprefix("$").replace("[x]", "[]"), node["kind"] == "code")
            for path, node in nodes(sed["elements"])
        }
        found = {(pair.sed, pair.nav, pair.code) for pair in names.pairs.get(code, ())}
        assert found == wanted, code
        assert all(pair.sources and set(pair.sources) <= set(sed["sources"]) for pair in names.pairs.get(code, ()))
        count += len(found)
    assert count == sum(len(pairs) for pairs in names.pairs.values()) > 1000


def nodes(elements: list[dict], path: str = "") -> Iterator[tuple[str, dict]]:  # type: ignore[type-arg]  # parsed JSON
    for element in elements:
        here = f"{path}/{element['name']}".lstrip("/") if "name" in element else path
        if element.get("nav"):
            yield here, element
        yield from nodes(element.get("children") or element.get("choice") or [], here)


def test_every_pair_leads_to_its_place(registry: Registry) -> None:
    """One value per pair: it stands exactly where its row says."""
    names = shipped_names()
    for code, pairs in names.pairs.items():
        targets: dict[str, list[str]] = {}
        for pair in pairs:
            targets.setdefault(pair.nav, []).append(pair.sed)
        for nav, places in targets.items():
            document: JsonValue = "77"
            for step in reversed(nav.split(".")):
                document = {step.removesuffix("[]"): [document] if step.endswith("[]") else document}
            assert isinstance(document, dict)
            text = json.dumps({"sed": code, "sedGVer": "4", "sedVer": "4", **document})
            sed = read_nav_json(text, registry=registry)
            assert {path for path, _ in sed.items()} == set(places), f"{code} {nav}"


@pytest.mark.parametrize("name", sorted(READABLE))
def test_samples_with_known_names(name: str, samples: Path, registry: Registry) -> None:
    text = (samples / "samples-json" / "nav" / name).read_text(encoding="utf-8")
    document = load_json(text)
    assert isinstance(document, dict)
    sed = read_nav_json(text, version=None if version_of(document) else "4.3", registry=registry)
    told = {entry.path for entry in report_of(sed).entries}
    values = set(dict(sed.items()).values())
    body = {key: value for key, value in document.items() if not key.startswith("sed")}
    missing = [
        path for path, value in leaves(body) if path not in told and value not in values and not coded(path, value)
    ]
    assert missing == []
    assert len(list(sed.items())) > 15


def coded(path: str, value: str) -> bool:
    """Leaves whose word becomes a code, so that its text changes."""
    return value in ("ja", "nei") or path.rpartition(".")[2] in ("land", "kjoenn", "type")


def test_all_other_samples_are_refused_by_name(samples: Path, registry: Registry) -> None:
    others = [file for file in (samples / "samples-json" / "nav").iterdir() if file.name not in READABLE]
    assert len(others) == 21
    for file in others:
        with pytest.raises(InputError, match=r"NAV names of \w+ are not known"):
            read_nav_json(file.read_bytes(), version="4.3", registry=registry)


def test_a001_in_detail(samples: Path, registry: Registry) -> None:
    sed = read_nav_json((samples / "samples-json" / "nav" / "melosys-sedA001.json").read_bytes(), registry=registry)
    assert (sed.type, sed.version) == ("A001", CdmVersion(4, 1))
    assert sed["Person/PersonIdentification/sex"] == "01"
    assert sed.values("Person/AdditionalInformationPerson/nationality") == ("AT", "BG", "EL")
    assert sed.values("ApplicableLegislation/applicableLegislationRequestedSituation") == ("CZ", "EL", "UK")
    assert sed["MoreInformation/TypeRequest/amendmentIndicator"] == "1"
    report = report_of(sed)
    assert report.of(LossKind.NAME)[0].detail == "the names are those of version 4.4"
    assert "medlemskap.unntak.grunnlag.artikkel" in {entry.path for entry in report.of(LossKind.UNMAPPED)}
    assert "nav.bruker.person.pin[1].sektor" in {entry.path for entry in report.of(LossKind.CODE)}


def test_lists_keep_their_entries_apart(registry: Registry) -> None:
    employers = [
        {"navn": "One", "identifikator": [{"id": "11"}, {"id": "12"}], "adresse": {"land": "GR"}},
        {"navn": "Two", "identifikator": [{"id": "21"}], "adresse": {"land": "GB"}},
    ]
    text = json.dumps({"sed": "A001", "sedGVer": "4", "sedVer": "4", "nav": {"arbeidsgiver": employers}})
    sed = read_nav_json(text, registry=registry)
    at = "IdentificationEmployer/Employer"
    assert sed.values(f"{at}[1]/IdentificationNumbers/IdentificationNumber/number") == ("11", "12")
    assert sed[f"{at}[2]/IdentificationNumbers/IdentificationNumber/number"] == "21"
    assert sed.values(f"{at}/Address/country") == ("EL", "UK")
    assert report_of(sed).lost == ()


def test_a_list_where_one_value_belongs(registry: Registry) -> None:
    text = json.dumps(
        {
            "sed": "A001",
            "sedGVer": "4",
            "sedVer": "4",
            "medlemskap": {"unntak": [{"begrunnelse": "a"}, {"begrunnelse": "b"}]},
        }
    )
    sed = read_nav_json(text, registry=registry)
    assert sed["MoreInformation/justification"] == "a"
    assert [entry.path for entry in report_of(sed).lost] == ["medlemskap.unntak[2].begrunnelse"]


def test_empty_and_repeated_values_are_reported(registry: Registry) -> None:
    text = json.dumps(
        {
            "sed": "A001", "sedGVer": "4", "sedVer": "4",
            "nav": {"bruker": {"person": {"fornavn": "", "etternavn": None, "statsborgerskap": [{"land": "SE"}, {"land": "SE"}]}}},
        }
    )  # fmt: skip
    sed = read_nav_json(text, registry=registry)
    assert sed["Person/AdditionalInformationPerson/nationality"] == "SE"
    assert {(entry.kind, entry.path) for entry in report_of(sed).lost} == {
        (LossKind.EMPTY, "nav.bruker.person.fornavn"),
        (LossKind.NULL, "nav.bruker.person.etternavn"),
        (LossKind.UNMAPPED, "nav.bruker.person.statsborgerskap[2].land"),
    }


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('{"nav": {}}', "does not name its SED"),
        ('{"sed": "nonsense"}', "does not name its SED"),
        ('{"sed": "A010"}', "not known; known are"),
        ('{"sed": "A001"}', "--version"),
        ("[]", "does not name its SED"),
    ],
)
def test_what_cannot_be_read(text: str, why: str, registry: Registry) -> None:
    with pytest.raises(InputError, match=why):
        read_nav_json(text, registry=registry)


def test_another_table_can_be_given(tmp_path: Path, registry: Registry) -> None:
    table = tmp_path / "nav.toml"
    table.write_text(
        '[[sed]]\ncode = "A010"\nsources = ["own"]\npairs = [{ nav = "nav.x", sed = "Person/x", source = [1] }]\n',
        encoding="utf-8",
    )
    names = NavNames.load(table)
    sed = read_nav_json('{"sed": "A010", "nav": {"x": "1"}}', version="4.4", names=names, registry=registry)
    assert sed["Person/x"] == "1"
    table.write_text("[[sed]]\ncode = 1\n", encoding="utf-8")
    with pytest.raises(DefinitionError):
        NavNames.load(table)
