"""Make the tables of the practice packages ``sandbox:1.0`` and ``sandbox:1.1``.

    python tools/make_sandbox_packages.py ../shared/reference

All SED codes of the catalogue, each with one plain body of the project's own in the project's own namespace, so that
every process can be replayed and every tool shown. Nothing here is EESSI. The differences between 1.0 and 1.1 are
invented, one of each kind, and written down in ``CHANGES`` so that tests can hold the comparison to them.
"""

from __future__ import annotations

import copy
import json
import sys
from pathlib import Path
from typing import Any

from make_open_package import HERE, write_table

Row = dict[str, Any]
PACKAGES = HERE / "eessi" / "schemas" / "packages"
SOURCE = "invented for practice; codes of SEDs from the catalogue of public sources"

CHANGES = (
    ("*", "Person/PersonIdentification/familyNameAtBirth", "element-added", "optional"),
    ("*", "Person/PersonIdentification/placeBirth", "element-removed", "was optional"),
    ("*", "Person/PersonIdentification/sex", "code-added", "03"),
    ("*", "Decision/outcome", "code-withdrawn", "04"),
    ("*", "Decision/outcome", "code-label-changed", "03: text only"),
    ("*", "Decision/reason", "facet-tightened", "length 500 to 250"),
    ("*", "Institution/institutionName", "facet-relaxed", "length 100 to 155"),
    ("*", "Period", "moved", "behind Institution"),
    ("*", "Institution/contact", "made-optional", "min 1 to 0"),
    ("*", "remark", "made-repeatable", "max 1 to unbounded"),
    ("A001", "Decision/legalBasis", "element-added", "required"),
    ("A011", "Decision/decisionDate", "made-required", "min 0 to 1"),
    ("S072", "Period/UnlimitedPeriod", "branch-added", "a third kind of period"),
    ("X001", "Decision/reason", "renamed", "to motive"),
)
"""SED (``*`` for all), path in 1.0 (in 1.1 where added), kind, what: everything that differs between the two versions."""

TYPES_1_0: dict[str, Row] = {
    "NameType": {"base": "string", "min_length": 1, "max_length": 155},
    "PinType": {"base": "string", "min_length": 1, "max_length": 65},
    "DateType": {"base": "date"},
    "InstitutionIDType": {"base": "string", "pattern": "[A-Z]{2}:[A-Za-z0-9]{1,50}"},
    "InstitutionNameType": {"base": "string", "min_length": 1, "max_length": 100},
    "ContactType": {"base": "string", "min_length": 1, "max_length": 155},
    "ReasonType": {"base": "string", "min_length": 1, "max_length": 500},
    "RemarkType": {"base": "string", "min_length": 1, "max_length": 1000},
}

COUNTRIES = {
    "AT": "Austria", "BE": "Belgium", "BG": "Bulgaria", "CH": "Switzerland", "CY": "Cyprus", "CZ": "Czechia",
    "DE": "Germany", "DK": "Denmark", "EE": "Estonia", "EL": "Greece", "ES": "Spain", "FI": "Finland", "FR": "France",
    "HR": "Croatia", "HU": "Hungary", "IE": "Ireland", "IS": "Iceland", "IT": "Italy", "LI": "Liechtenstein",
    "LT": "Lithuania", "LU": "Luxembourg", "LV": "Latvia", "MT": "Malta", "NL": "Netherlands", "NO": "Norway",
    "PL": "Poland", "PT": "Portugal", "RO": "Romania", "SE": "Sweden", "SI": "Slovenia", "SK": "Slovakia",
    "UK": "United Kingdom",
}  # fmt: skip

CODES_1_0: dict[str, dict[str, str]] = {
    "SexType": {"01": "Male", "02": "Female", "98": "Unknown"},
    "CountryType": COUNTRIES,
    "OutcomeType": {"01": "Agreed", "02": "Refused", "03": "Answer pending", "04": "Withdrawn"},
    "LegalBasisType": {"16": "Article 16", "12": "Article 12", "99": "Other"},
}


def group(name: str, children: list[Row], low: int = 1, high: int | str = 1) -> Row:
    return {"name": name, "kind": "group", "min": low, "max": high, "children": children}


def leaf(name: str, type_: str, low: int = 1, high: int | str = 1) -> Row:
    return {"name": name, "kind": "leaf", "min": low, "max": high, "type": type_}


def code(name: str, type_: str, low: int = 1) -> Row:
    return {"name": name, "kind": "code", "min": low, "max": 1, "type": type_}


def choice(children: list[Row]) -> Row:
    return {"choice": True, "min": 1, "max": 1, "children": children}


def body_1_0() -> list[Row]:
    """The plain body of version 1.0; only ``Person`` is required, so that any SED can be filled in a line."""
    pin = group(
        "PersonalIdentificationNumber",
        [code("country", "CountryType"), leaf("personalIdentificationNumber", "PinType")],
        1,
        "unbounded",
    )
    person = group(
        "PersonIdentification",
        [
            leaf("familyName", "NameType"),
            leaf("forename", "NameType"),
            leaf("dateBirth", "DateType"),
            code("sex", "SexType"),
            leaf("placeBirth", "NameType", 0),
            group("PINPersonInEachInstitution", [pin], 0),
        ],
    )
    nationality = {**code("nationality", "CountryType", 0), "multiple": True, "unique": True}
    fixed = group("FixedPeriod", [leaf("startDate", "DateType"), leaf("endDate", "DateType")])
    return [
        group("Person", [person, group("AdditionalInformationPerson", [nationality], 0)]),
        group("Period", [choice([fixed, group("OpenPeriod", [leaf("startDate", "DateType")])])], 0),
        group(
            "Institution",
            [
                leaf("institutionID", "InstitutionIDType"),
                leaf("institutionName", "InstitutionNameType"),
                leaf("contact", "ContactType"),
            ],
            0,
        ),
        group(
            "Decision",
            [code("outcome", "OutcomeType"), leaf("decisionDate", "DateType", 0), leaf("reason", "ReasonType", 0)],
            0,
        ),
        leaf("remark", "RemarkType", 0),
        {"name": "Signature", "kind": "signature", "min": 0, "max": 1},
    ]


def child(rows: list[Row], path: str) -> Row:
    first, _, rest = path.partition("/")
    found = next(row for row in rows if row.get("name") == first)
    return child(found["children"], rest) if rest else found


def tables_1_1() -> tuple[dict[str, list[Row]], dict[str, Row], dict[str, dict[str, str]]]:
    """Bodies by name, types and codes of version 1.1: ``CHANGES`` applied to 1.0."""
    body, types, codes = body_1_0(), copy.deepcopy(TYPES_1_0), copy.deepcopy(CODES_1_0)
    person = child(body, "Person/PersonIdentification")["children"]
    person.insert(4, leaf("familyNameAtBirth", "NameType", 0))
    person.remove(child(person, "placeBirth"))
    codes["SexType"] = {"01": "Male", "02": "Female", "03": "Neither", "98": "Unknown"}
    codes["OutcomeType"] = {"01": "Agreed", "02": "Refused", "03": "Decision pending"}
    types["ReasonType"]["max_length"] = 250
    types["InstitutionNameType"]["max_length"] = 155
    body.insert(2, body.pop(1))
    child(body, "Institution/contact")["min"] = 0
    child(body, "remark")["max"] = "unbounded"
    bodies = {"plain": body} | {code: copy.deepcopy(body) for code in ("A001", "A011", "S072", "X001")}
    child(bodies["A001"], "Decision")["children"].append(code("legalBasis", "LegalBasisType"))
    child(bodies["A011"], "Decision/decisionDate")["min"] = 1
    child(bodies["S072"], "Period")["children"][0]["children"].append(
        group("UnlimitedPeriod", [leaf("startDate", "DateType"), leaf("reason", "ReasonType")])
    )
    child(bodies["X001"], "Decision/reason")["name"] = "motive"
    return bodies, types, codes


def flat(rows: list[Row], depth: int = 0) -> list[Row]:
    out: list[Row] = []
    for row in rows:
        out.append({"d": depth, **{key: value for key, value in row.items() if key != "children"}})
        out += flat(row.get("children", []), depth + 1)
    return out


def write_package(
    version: str,
    seds: list[str],
    bodies: dict[str, list[Row]],
    types: dict[str, Row],
    codes: dict[str, dict[str, str]],
) -> None:
    target = PACKAGES / f"sandbox-{version}"
    for old in target.rglob("*.jsonl"):
        old.unlink()
    type_rows = ({"type": name, **row, "source": SOURCE} for name, row in types.items())
    write_table(target / "types.jsonl", f"Basic types of the practice package {version}.", SOURCE, type_rows)
    code_rows = ({"list": name, "multiple": False, "codes": row, "source": SOURCE} for name, row in codes.items())
    write_table(target / "codes.jsonl", f"Code lists of the practice package {version}.", SOURCE, code_rows)
    for name, body in bodies.items():
        about = f"Body {name!r} of the practice package {version}; not EESSI."
        write_table(target / "trees" / f"{name}.jsonl", about, SOURCE, flat(body))
    entries = (
        {
            "sed": sed,
            "versions": [version],
            "stated": version,
            "fidelity": "sandbox",
            "order_known": True,
            "tree": sed if sed in bodies else "plain",
            "source": SOURCE,
        }
        for sed in seds
    )
    write_table(
        target / "entries.jsonl",
        f"All SED codes with a plain body of our own, version {version}; for practice only, never EESSI.",
        SOURCE,
        entries,
        package="sandbox",
        version=version,
        releases=[version],
    )


def main(reference: Path) -> None:
    catalogue = json.loads((reference / "catalogue" / "seds.json").read_text(encoding="utf-8"))
    seds = [row["code"] for row in catalogue]
    assert len(seds) == len(set(seds)) == 280
    write_package("1.0", seds, {"plain": body_1_0()}, TYPES_1_0, CODES_1_0)
    write_package("1.1", seds, *tables_1_1())
    print(f"{len(seds)} SEDs in sandbox-1.0 and sandbox-1.1")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
