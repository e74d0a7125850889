"""Official files as they come: names, versions, patch levels, missing parts, national additions, transactions."""

from __future__ import annotations

import io
import shutil
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from lxml import etree

from eessi.errors import ContentChanged, InputError, PackageError
from eessi.ids import CdmVersion
from eessi.schemas import CdmPackage, Fidelity, Origin, Registry
from eessi.schemas.importer import package_of
from eessi.schemas.xsdwriter import write
from tests.schemas.documents import NEAR_MISSES, S071
from tests.schemas.splitter import LAYOUTS
from tests.schemas.test_registry import schema_text

Files = dict[str, bytes]


@pytest.fixture(scope="module")
def ours() -> bytes:
    """The shipped S071 as an official-looking schema: without our mark."""
    structure = Registry.default().structure("S071", "4.4")
    assert structure is not None
    text = write(structure)
    return (text[: text.index("<xsd:annotation>")] + text[text.index("</xsd:annotation>") + 17 :]).encode()


def folder(path: Path, files: Files) -> Path:
    for name, data in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(data)
    return path


def zipped(path: Path, files: Files) -> Path:
    target = path / "cdm.zip"
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return target


def tarred(path: Path, files: Files, mode: str = "w:gz") -> Path:
    target = path / "cdm.tar.gz"
    with tarfile.open(target, mode) as archive:  # type: ignore[call-overload]  # the modes are right
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return target


PACKINGS: dict[str, Callable[[Path, Files], Path]] = {
    "folder": folder,
    "zip": zipped,
    "tar.gz": tarred,
    "tar": lambda path, files: tarred(path, files, "w"),
    "tar.xz": lambda path, files: tarred(path, files, "w:xz"),
}


@pytest.mark.parametrize("packing", PACKINGS)
@pytest.mark.parametrize("layout", ["included", "imported", "renamed"])
def test_every_packing_of_every_layout(packing: str, layout: str, ours: bytes, tmp_path: Path) -> None:
    source = PACKINGS[packing](tmp_path, LAYOUTS[layout](ours))
    registry = Registry.load(source)
    found = registry.find("S071", "4.4")
    assert found is not None
    assert (found.coordinates, found.fidelity, found.package.origin) == ("cdm:4.4.0", Fidelity.EXACT, Origin.OFFICIAL)
    schema = registry.schema_of(found)
    assert schema.validate(etree.fromstring(S071))
    assert not schema.validate(etree.fromstring(NEAR_MISSES["town missing"]))


def test_the_hash_is_that_of_the_content_however_packed(ours: bytes, tmp_path: Path) -> None:
    files = LAYOUTS["included"](ours)
    hashes = set()
    for name, pack in PACKINGS.items():
        (tmp_path / name).mkdir()
        hashes.add(CdmPackage.import_from(pack(tmp_path / name, files)).hash)
    deeper = {f"CDM 4.4/xsd/{path}": data for path, data in files.items()}
    (tmp_path / "deeper").mkdir()
    hashes.add(CdmPackage.import_from(zipped(tmp_path / "deeper", deeper)).hash)
    assert len(hashes) == 1


def test_a_folder_is_read_below_subfolders_and_other_files_are_passed_over(ours: bytes, tmp_path: Path) -> None:
    folder(tmp_path, {"a/b/S071-4.4.xsd": ours, "readme.txt": b"hello", "a/picture.png": b"\x89PNG"})
    assert [file.path for file in CdmPackage.import_from(tmp_path).files()] == ["S071-4.4.xsd"]


def test_a_single_file_may_be_named(ours: bytes, tmp_path: Path) -> None:
    folder(tmp_path, LAYOUTS["redefined"](ours))
    package = CdmPackage.import_from(tmp_path / "S071-4.4.xsd")
    assert [file.path for file in package.files()] == ["S071-4.4.xsd", "core-4.4.xsd"]
    assert CdmPackage.import_from(tmp_path / "S071-4.4.xsd").hash == package.hash


def test_the_published_folder(official_s071: Path, tmp_path: Path) -> None:
    for place in (official_s071, official_s071.parent):
        package = CdmPackage.import_from(place)
        assert package.coordinates == "cdm:4.4.0"
        assert len(package.files()) == 3
        assert [trouble for _, trouble in package.check() if trouble] == []
    for name in ("S071-4.4.xsd", "S071-4.4.0-20241203T114212.xsd", "s071-4.4.xsd"):
        shutil.rmtree(tmp_path / "one", ignore_errors=True)
        folder(tmp_path / "one", {name: (official_s071 / "S071-4.4.xsd").read_bytes()})
        (entry,) = CdmPackage.import_from(tmp_path / "one").entries()
        assert entry.version == CdmVersion(4, 4, 0)


def test_without_signature_schemas_ours_are_used(official_s071: Path, shared: Path) -> None:
    """The published schema alone; a signed document is judged all the same."""
    package = package_of({"S071-4.4.xsd": (official_s071 / "S071-4.4.xsd").read_bytes()}, source="alone")
    schema = Registry().add(package).schema("S071", "4.4")
    assert schema is not None
    signature = (shared / "as4" / "xades" / "sed-signature-2020.xml").read_text()
    signed = S071.replace("</s:S071>", signature + "</s:S071>")
    assert schema.validate(etree.fromstring(signed)), schema.error_log
    assert not schema.validate(etree.fromstring(signed.replace("SignatureValue", "SignatureWorth")))


def test_a_standard_schema_with_a_dtd_is_replaced_by_ours_and_noted(ours: bytes) -> None:
    dtd = b'<!DOCTYPE schema PUBLIC "-//W3C//DTD XMLSchema 200102//EN" "http://www.w3.org/2001/XMLSchema.dtd"><schema/>'
    package = package_of({"S071-4.4.xsd": ours, "xmldsig-core-schema.xsd": dtd}, source="dtd")
    assert "DTD" in package.notes[0]
    assert [trouble for _, trouble in package.check() if trouble] == []


def test_what_is_not_needed_does_no_harm(tmp_path: Path) -> None:
    """Schemas of other things, other files, even broken links to them: passed over, and counted in a note."""
    files = {
        "S071-4.4.xsd": schema_text(),
        "xml.xsd": b"<!DOCTYPE schema SYSTEM 'x.dtd'><schema/>",
        "soap/other.xsd": b'<xsd:schema xmlns:xsd="http://www.w3.org/2001/XMLSchema"><xsd:include schemaLocation="lost.xsd"/></xsd:schema>',
        "guide.pdf": b"%PDF",
    }
    folder(tmp_path, files)
    (tmp_path / "lost.pdf").symlink_to(tmp_path / "nowhere")
    package = CdmPackage.import_from(tmp_path)
    assert package.notes == (
        "xml.xsd: has a DTD and is not read",
        "1 schema files belong to no SED and no transaction",
    )
    assert [trouble for _, trouble in package.check() if trouble] == []


def test_several_patch_levels_in_one_package() -> None:
    files = {
        f"{folder}/S071-4.4.{patch}.xsd": schema_text(version=f"4.4.{patch}") for folder, patch in (("a", 0), ("b", 1))
    }
    package = package_of(files, source="patches")
    assert [str(entry.version) for entry in package.entries()] == ["4.4.0", "4.4.1"]
    assert package.version == "4.4.1"


def test_two_different_files_for_one_version_are_refused() -> None:
    files = {"a/S071-4.4.xsd": schema_text(), "b/S071-4.4.xsd": schema_text(longest=66)}
    with pytest.raises(ContentChanged, match=r"a/S071-4\.4\.xsd and b/S071-4\.4\.xsd are both S071 4\.4\.0 and differ"):
        package_of(files, source="twice")


def test_the_same_file_twice_is_noted() -> None:
    package = package_of({"a/S071-4.4.xsd": schema_text(), "b/S071-4.4.xsd": schema_text()}, source="twice")
    assert len(package.entries()) == 1
    assert package.notes == ("b/S071-4.4.xsd: the same as a/S071-4.4.xsd",)


@pytest.mark.parametrize(
    ("change", "name", "message"),
    [
        (
            (b'version="4.4.0"', b'version="4.3.0"'),
            "S071.xsd",
            "4.4 by its namespace but 4.3.0 by its version attribute",
        ),
        ((b"", b""), "S071-4.3.xsd", "4.4 by its namespace but 4.3 by its file name"),
        ((b"", b""), "S071-4.4.1.xsd", "4.4.0 by its version attribute but 4.4.1 by its file name"),
    ],
)
def test_versions_that_contradict_each_other(change: tuple[bytes, bytes], name: str, message: str) -> None:
    with pytest.raises(PackageError, match=message.replace(".", r"\.")):
        package_of({name: schema_text().replace(*change)}, source="contradiction")


def test_a_patch_level_may_stand_in_the_name_only() -> None:
    (entry,) = package_of(
        {"S071-4.4.2.xsd": schema_text().replace(b'version="4.4.0"', b'version="4.4"')}, source="x"
    ).entries()
    assert entry.version == CdmVersion(4, 4, 2)


@pytest.mark.parametrize(
    "reference",
    ['<xsd:include schemaLocation="core.xsd"/>', '<xsd:import namespace="urn:core" schemaLocation="core.xsd"/>'],
)
def test_a_missing_part_is_named(reference: str) -> None:
    text = schema_text().replace(b"<xsd:import", reference.encode() + b"<xsd:import", 1)
    with pytest.raises(PackageError, match=r"S071-4\.4\.xsd needs core\.xsd") as caught:
        package_of({"S071-4.4.xsd": text}, source="cdm.zip")
    assert caught.value.exit_code == 5


@pytest.mark.parametrize(
    "location",
    ["http://example.org/x/core.xsd", "..\\core\\core.xsd", "file:///etc/core.xsd", "CORE.XSD", "../../core.xsd"],
)
def test_a_part_is_found_by_its_name_wherever_it_says_it_is(location: str) -> None:
    core = b'<xsd:schema xmlns:xsd="http://www.w3.org/2001/XMLSchema"/>'
    text = schema_text().replace(b"<xsd:import", f'<xsd:include schemaLocation="{location}"/><xsd:import'.encode(), 1)
    package = package_of({"seds/S071-4.4.xsd": text, "core/core.xsd": core}, source="cdm.zip")
    assert [trouble for _, trouble in package.check() if trouble] == []


@pytest.mark.parametrize(
    "location", ["file:///etc/passwd", "/etc/passwd", "../../../../etc/passwd", "http://localhost:1/x.xsd"]
)
def test_nothing_outside_the_package_is_ever_read(location: str) -> None:
    text = schema_text().replace(b"<xsd:import", f'<xsd:include schemaLocation="{location}"/><xsd:import'.encode(), 1)
    with pytest.raises(PackageError, match="is not in the package"):
        package_of({"S071-4.4.xsd": text}, source="cdm.zip")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "empty"),
        (b"not xml", "not XML"),
        (b"<xsd:schema", "cut off"),
        (b"<other/>", "not an XML schema"),
        (b'<!DOCTYPE s [<!ENTITY x SYSTEM "file:///etc/passwd">]><s>&x;</s>', "DTD"),
        (b'<!DOCTYPE s [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><s>&b;</s>', "DTD"),
        ("<a/>".encode("utf-16"), "."),
    ],
)
def test_a_file_that_is_no_schema(data: bytes, message: str) -> None:
    with pytest.raises(PackageError, match=message) as caught:
        package_of({"S071-4.4.xsd": data}, source="cdm.zip")
    assert "\n" not in str(caught.value)


def test_nothing_to_import(tmp_path: Path) -> None:
    with pytest.raises(PackageError, match="no schema of a SED"):
        CdmPackage.import_from(tmp_path)
    with pytest.raises(InputError, match="no such file"):
        CdmPackage.import_from(tmp_path / "nowhere")
    (tmp_path / "picture.png").write_bytes(b"\x89PNG\r\n")
    with pytest.raises(InputError, match="neither a folder"):
        CdmPackage.import_from(tmp_path / "picture.png")


def national() -> Files:
    """A national addition: a document of its own, in a namespace of its own, and its process. Synthetic."""
    text = schema_text("N001", "1.0").replace(b"http://ec.europa.eu/eessi/ns", b"urn:example:national:N001")
    text = text.replace(b'unqualified" version="1.0"', b'unqualified" version="1.0.3"')
    step = b'<xsd:schema xmlns:xsd="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:example:envelope"><xsd:element name="Message"/></xsd:schema>'
    return {"N001.xsd": text, "NAT_XX_BUC_01-1.0-CaseOwner-Counterparty-New-N001-1.0.xsd": step}


def test_national_additions_stand_beside_the_official_ones() -> None:
    package = package_of(national(), source="national", name="national-xx")
    (entry,) = package.entries()
    assert (entry.sed, str(entry.version), entry.namespace) == ("N001", "1.0.3", "urn:example:national:N001")
    registry = Registry.default().add(package)
    schema = registry.schema("N001", "1.0")
    assert schema is not None
    assert schema.validate(etree.fromstring('<n:N001 xmlns:n="urn:example:national:N001"><town>x</town></n:N001>'))
    found = registry.find("S071", "4.4")
    assert found is not None
    assert found.coordinates == "open:4.4"


def test_transactions_by_name() -> None:
    registry = Registry.default().add(package_of(national(), source="national", name="national-xx"))
    name = "NAT_XX_BUC_01-1.0-CaseOwner-Counterparty-New-N001-1.0.xsd"
    found = registry.find_transaction(name)
    assert found is not None
    assert found[1].file == name
    schema = registry.transaction_schema(name)
    assert schema is not None
    assert schema.validate(etree.fromstring('<m:Message xmlns:m="urn:example:envelope"/>'))
    assert not schema.validate(etree.fromstring("<Message/>"))
    assert registry.find_transaction("P_BUC_05-1.0-CaseOwner-Counterparty-New-P4000-1.0.xsd") is None


def test_a_version_that_nothing_tells_must_be_given() -> None:
    text = (
        schema_text("N001", "1.0")
        .replace(b"http://ec.europa.eu/eessi/ns", b"urn:x:N001")
        .replace(b'unqualified" version="1.0"', b'unqualified"')
    )
    with pytest.raises(PackageError, match="--version"):
        package_of({"N001.xsd": text}, source="national")
    package = package_of({"N001.xsd": text}, source="national", version="2.1")
    assert str(package.entries()[0].version) == "2.1"


def test_an_exported_practice_or_open_schema_never_comes_back_as_official() -> None:
    for sed, version, fidelity, origin in (
        ("A001", "1.0", Fidelity.SANDBOX, Origin.SANDBOX),
        ("A001", "4.4", Fidelity.OBSERVED, Origin.OPEN),
        ("S071", "4.4", Fidelity.EXACT, Origin.OPEN),
    ):
        structure = Registry.default().structure(sed, version)
        assert structure is not None
        text = write(structure).encode()
        package = package_of({f"{sed}.xsd": text}, source="exported")
        assert package.origin is origin
        assert package.entries()[0].fidelity is fidelity
    sandbox = Registry.default().structure("A001", "1.0")
    assert sandbox is not None
    text = write(sandbox)
    unmarked = text[: text.index("<xsd:annotation>")] + text[text.index("</xsd:annotation>") + 17 :]
    assert package_of({"A001.xsd": unmarked.encode()}, source="exported").entries()[0].fidelity is Fidelity.SANDBOX
