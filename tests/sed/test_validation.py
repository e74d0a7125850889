"""The face of checking: what a file holds, and the verdict on it."""

from __future__ import annotations

from pathlib import Path

import pytest

import eessi
from eessi.errors import InputError
from eessi.findings import Outcome, Verdict
from eessi.ids import CdmVersion, SedType
from eessi.schemas import CdmPackage, Registry
from eessi.schemas.generator import generate
from eessi.sed import Kind, Message, build, parse, read_rina_json, recognise, serialise, validate, write_rina_json
from eessi.sed.header import Header, Party
from tests.sed.test_builder import FULL


@pytest.fixture(scope="module")
def valid(registry: Registry) -> bytes:
    return serialise(build("S071", FULL, version="4.4", registry=registry))


def ids(verdict: Verdict) -> list[str]:
    return [finding.id for finding in verdict.findings]


def unchecked(verdict: Verdict) -> set[str]:
    return {entry.what for entry in verdict.not_checked}


def test_one_verdict_for_bytes_path_and_sed(valid: bytes, tmp_path: Path, registry: Registry) -> None:
    file = tmp_path / "s071.xml"
    file.write_bytes(valid)
    verdicts = {validate(form, registry) for form in (valid, file, str(file), parse(valid))}
    (verdict,) = verdicts
    assert verdict.outcome is Outcome.VALID
    assert (verdict.sed, verdict.cdm, verdict.package, verdict.fidelity) == ("S071", "4.4", "open:4.4", "exact")
    assert {"signature", "attachments", "business rules", "process"} <= unchecked(verdict)


def test_the_face_validates_with_the_packages_that_ship(valid: bytes) -> None:
    assert eessi.validate(valid).outcome is Outcome.VALID


def test_a_valid_sed_in_json(valid: bytes, registry: Registry) -> None:
    sed = parse(valid)
    assert not isinstance(sed, Message)
    verdict = validate(write_rina_json(sed, registry).encode(), registry)
    assert verdict.outcome is Outcome.VALID
    assert "order of elements" in unchecked(verdict)


def test_empty_members_of_a_draft_are_findings(registry: Registry) -> None:
    draft = b'{"S071": {"sedGVer": "4", "sedVer": "4", "Person": {"PersonIdentification": {"familyName": "", "sex": null}}}}'
    verdict = validate(draft, registry)
    assert verdict.outcome is Outcome.INVALID
    assert [one.path for one in verdict.findings if one.id == "DOC-EMPTY"] == [
        "S071/Person/PersonIdentification/familyName",
        "S071/Person/PersonIdentification/sex",
    ]
    assert all(one.line is None for one in verdict.findings)


def test_json_without_version_needs_one(registry: Registry) -> None:
    with pytest.raises(InputError, match="--version"):
        validate(b'{"S071": {}}', registry)
    assert validate(b'{"S071": {}}', registry, cdm="4.4").outcome is Outcome.INVALID


def test_a_valid_sed_in_a_message_that_names_another(valid: bytes, registry: Registry) -> None:
    sed = parse(valid)
    assert not isinstance(sed, Message)
    head = Header(
        sender=Party("FR:0100000001"),
        receivers=(Party("BE:0203980409"),),
        sed=SedType("S072"),
        sed_version=CdmVersion(4, 4),
    )
    message = Message.compose(head, sed)
    verdict = validate(message, registry)
    assert verdict.outcome is Outcome.INVALID
    assert "DOC-VERSION" in ids(verdict)
    assert validate(message.data, registry) == verdict
    right = Message.compose(
        Header(
            sender=Party("FR:0100000001"),
            receivers=(Party("BE:0203980409"),),
            sed=SedType("S071"),
            sed_version=CdmVersion(4, 4),
        ),
        sed,
    )
    fine = validate(right, registry)
    assert fine.outcome is Outcome.VALID
    assert "envelope schema" in unchecked(fine)


def test_lines_of_a_damaged_message_are_those_of_the_file(valid: bytes, registry: Registry) -> None:
    damaged = valid.replace(b"<sex><value>02", b"\n\n<sex><value>77")
    sed = parse(damaged)
    assert not isinstance(sed, Message)
    head = Header(sender=Party("FR:0100000001"), receivers=(Party("BE:0203980409"),))
    message = Message.compose(head, sed)
    found = next(one for one in validate(message, registry).findings if one.id == "SCH-CODE")
    assert found.line is not None
    assert b"77" in message.data.splitlines()[found.line - 1]
    assert found.path == "S071/Person/PersonIdentification/sex"


def test_attributes_that_name_another_version(valid: bytes, registry: Registry) -> None:
    verdict = validate(valid.replace(b'sedVer="4"', b'sedVer="2"'), registry)
    assert ids(verdict) == ["DOC-ATTRIBUTES"]
    assert verdict.outcome is Outcome.VALID
    (finding,) = verdict.findings
    line = valid.splitlines()[(finding.line or 0) - 1]
    assert line[(finding.column or 0) - 1 :].startswith(b"<s:S071")


def test_findings_about_the_envelope_stand_in_the_file(valid: bytes, registry: Registry) -> None:
    """Line and column of the node in the message, or of the part around it where the node is missing."""
    head = Header(sender=Party("FR:0100000001"), receivers=(Party("BE:0203980409"),), created="yesterday", sed="S072")
    sed = parse(valid.replace(b'sedVer="4"', b'sedVer="2"'))
    assert not isinstance(sed, Message)
    message = Message.compose(head, sed)
    found = {finding.id: finding for finding in validate(message, registry).findings}
    lines = message.data.splitlines()

    def at(id: str) -> bytes:
        return lines[(found[id].line or 0) - 1][(found[id].column or 0) - 1 :]

    assert at("DOC-ATTRIBUTES").startswith(b"<s:S071")
    assert b"Type>S072" in at("DOC-VERSION")[:30]
    assert b"yesterday" in at("MSG-TIME")[:60]
    assert found["MSG-MISSING"].line


@pytest.mark.parametrize(
    "root",
    [b"<html/>", b"<S071/>", b'<s:S071 xmlns:s="http://ec.europa.eu/eessi/ns/4_4/S072"/>'],
)
def test_a_wrong_root_or_namespace_is_invalid_without_any_tree(root: bytes, bare: Registry) -> None:
    verdict = validate(root, bare)
    assert verdict.outcome is Outcome.INVALID
    assert ids(verdict)[0] in ("DOC-ROOT", "DOC-NAMESPACE")


def test_a_message_with_a_wrong_document_is_invalid(bare: Registry) -> None:
    body = b'<x:StandardBusinessDocument xmlns:x="u"><x:StandardBusinessDocumentHeader/>%s</x:StandardBusinessDocument>'
    for root in (b"<html/>", b'<s:S071 xmlns:s="http://wrong"/>'):
        verdict = validate(body % root, bare)
        assert verdict.outcome is Outcome.INVALID
        assert ids(verdict)[0] in ("DOC-ROOT", "DOC-NAMESPACE")


def test_nothing_known_is_undetermined(valid: bytes, bare: Registry) -> None:
    assert validate(valid, bare).outcome is Outcome.UNDETERMINED


def test_the_sbdh_sample_is_undetermined(samples: Path, registry: Registry) -> None:
    verdict = validate(samples / "samples-xml" / "P4000-sbdh-3.1.xml", registry)
    assert (verdict.outcome, verdict.sed, verdict.cdm) == (Outcome.UNDETERMINED, "P4000", "3.1")


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "empty"),
        (b"\x89PNG\r\n\x1a\n", "not XML|decode|encod"),
        (b"<a>", "cut off"),
        (b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "DTD"),
        (b'{"sed": "A001", "nav": {}}', "nav-json"),
        (b'{"sedType": "F002"}', "neessi-json"),
        (b"[1]", "json"),
    ],
)
def test_what_is_no_document_cannot_be_read(data: bytes, why: str, registry: Registry) -> None:
    with pytest.raises(InputError, match=why):
        validate(data, registry)


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b'<s:S071 xmlns:s="http://ec.europa.eu/eessi/ns/4_4/S071"/>', Kind.SED),
        (b'<x:StandardBusinessDocument xmlns:x="u"/>', Kind.SBDH),
        (b"<html/>", Kind.OTHER_XML),
        (b'\xef\xbb\xbf {"A001": {}}', Kind.RINA_JSON),
        ('{"A001": {}}'.encode("utf-16"), Kind.RINA_JSON),
        (b'[{"A001": {}}]', Kind.RINA_JSON),
        (b'{"sender": {}, "documentIdentification": {}}', Kind.RINA_HEADER),
        (b'{"items": [{"subdocuments": []}]}', Kind.RINA_SUBDOCUMENTS),
        (b'{"sed": "P2000", "pensjon": {}}', Kind.NAV_JSON),
        (b'{"nav": {}}', Kind.NAV_JSON),
        (b'{"sedType": "F002", "sedVersjon": "4.2"}', Kind.NEESSI_JSON),
        (b'{"a": 1}', Kind.OTHER_JSON),
        (b"[]", Kind.OTHER_JSON),
    ],
)  # fmt: skip
def test_recognition_is_by_content(data: bytes, kind: Kind) -> None:
    assert recognise(data) is kind


def test_every_sample_is_recognised(samples: Path) -> None:
    folders = {"nav": Kind.NAV_JSON, "neessi": Kind.NEESSI_JSON, "rina-nav-mapping": Kind.RINA_JSON}
    for folder, kind in folders.items():
        files = sorted((samples / "samples-json" / folder).iterdir())
        assert files
        for file in files:
            assert recognise(file.read_bytes()) is kind, file.name


@pytest.fixture(scope="module")
def official(official_s071: Path, registry: Registry) -> Registry:
    return registry.add(CdmPackage.import_from(official_s071, name="cdm", version="4.4.0"))


def test_an_imported_package_goes_first(valid: bytes, official: Registry) -> None:
    verdict = validate(valid, official)
    assert (verdict.outcome, verdict.package, verdict.fidelity) == (Outcome.VALID, "cdm:4.4.0", "exact")
    sed = build("S071", FULL, version="4.4", registry=official)
    assert serialise(sed) == valid
    assert validate(write_rina_json(sed, official).encode(), official).outcome is Outcome.VALID


def test_a_damaged_document_names_line_path_expectation_and_hint(valid: bytes, official: Registry) -> None:
    damaged = valid.replace(b"<sex><value>02", b"\n<sex><value>77")
    (finding,) = validate(damaged, official).findings
    assert (finding.id, finding.path, finding.line) == ("SCH-CODE", "S071/Person/PersonIdentification/sex", 3)
    assert finding.expected[:3] == ("01", "02", "98")
    assert finding.hint()


def test_documents_of_an_imported_package_keep_the_laws_of_json(official: Registry) -> None:
    structure = official.structure("S071", "4.4", package="cdm:4.4.0")
    assert structure is not None
    for seed in range(40):
        sed = parse(generate(structure, seed, size="full" if seed % 2 else "typical").data)
        assert not isinstance(sed, Message)
        back = read_rina_json(write_rina_json(sed, official), registry=official)
        assert back.same_content(sed)
        assert back.report is not None
        assert back.report.is_lossless
