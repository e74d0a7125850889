"""Skeletons: every element of the tree in its place, well-formed, ready to be filled."""

from __future__ import annotations

import pytest

from eessi.findings import Outcome
from eessi.schemas import Registry
from eessi.sed import Sed, parse, validate
from eessi.sed.skeleton import describe, skeleton

KNOWN = ("A001", "P2000", "S071", "U020", "X001", "F001")


@pytest.mark.parametrize("code", KNOWN)
def test_the_skeleton_holds_the_tree(code: str, registry: Registry) -> None:
    entry = next(entry for entry in registry.package("open:4.4").entries() if entry.sed == code)
    structure = registry.structure(code, entry.version)
    assert structure is not None
    text = skeleton(structure, package="open:4.4")
    sed = parse(text.encode())
    assert isinstance(sed, Sed)
    assert sed.namespace == structure.namespace
    assert sed.unknown(registry) == ()
    if "one of:" not in text:  # of a choice only the first branch is there
        missing = [path for path, element in structure.walk() if element.kind != "signature" and path not in sed]
        assert missing == []


def test_the_required_part_of_a_known_tree(registry: Registry) -> None:
    structure = registry.structure("S071", "4.4")
    assert structure is not None
    sed = parse(skeleton(structure, package="open:4.4", required_only=True).encode())
    assert isinstance(sed, Sed)
    assert "Person/PersonIdentification/familyName" in sed
    assert "Person/PersonIdentification/familyNameAtBirth" not in sed
    filled = sed
    for path, value in {
        "Person/PersonIdentification/familyName": "T",
        "Person/PersonIdentification/forename": "A",
        "Person/PersonIdentification/dateBirth": "1980-01-15",
        "Person/PersonIdentification/sex": "98",
        "AddressOfPersonForWhomAnEntitlementDocument/Address/town": "X",
        "AddressOfPersonForWhomAnEntitlementDocument/Address/country": "EL",
        "StatusPerson/status": "01",
        "PeriodEntitlement/FixedPeriod/startDate": "2026-01-01",
        "PeriodEntitlement/FixedPeriod/endDate": "2026-12-31",
    }.items():
        filled = filled.replace(path, value, registry)
    assert validate(filled, registry).outcome is Outcome.VALID


def test_comments_say_what_may_stand_there(registry: Registry) -> None:
    structure = registry.structure("S071", "4.4")
    assert structure is not None
    sex = structure.find("Person/PersonIdentification/sex")
    name = structure.find("Person/PersonIdentification/familyNameAtBirth")
    assert sex is not None
    assert name is not None
    assert describe(sex) == "required; code; 01 Male, 02 Female, 98 Unknown"
    assert describe(name) == "optional; text of 1 to 155"
    assert "one of: StatusPerson | StatusFamilyMember" in skeleton(structure, package="open:4.4")
