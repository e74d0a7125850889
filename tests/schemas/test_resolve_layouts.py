"""Same meaning, same tree, whatever the layout of the files; and the same documents pass."""

from __future__ import annotations

from pathlib import Path

import pytest
from lxml import etree

from eessi.ids import CdmVersion, SedType
from eessi.schemas import Registry
from eessi.schemas.compiled import SIGNATURE_SCHEMAS, compile_schema, signature_schema
from eessi.schemas.importer import package_of
from eessi.schemas.xsdwriter import write
from tests.schemas.documents import NEAR_MISSES, S071
from tests.schemas.splitter import LAYOUTS


@pytest.fixture(scope="module")
def ours() -> bytes:
    """The shipped S071 as one schema file."""
    structure = Registry.default().structure("S071", "4.4")
    assert structure is not None
    return write(structure).encode()


@pytest.fixture(scope="module")
def published(official_s071: Path) -> bytes:
    return (official_s071 / "S071-4.4.xsd").read_bytes()


def holds(files: dict[str, bytes]) -> None:
    package = package_of(files, source="layout")
    (entry,) = package.entries()
    assert (entry.sed, entry.version) == (SedType("S071"), CdmVersion(4, 4, 0))
    found = package.content.structure(entry, entry.version)
    expected = Registry.default().structure("S071", "4.4")
    assert expected is not None
    assert found.unmodelled == ()
    assert found == expected
    schema = compile_schema(package.content.sources(entry, None), where="layout")
    assert schema.validate(etree.fromstring(S071)), schema.error_log
    for what, document in NEAR_MISSES.items():
        assert not schema.validate(etree.fromstring(document)), what


@pytest.mark.parametrize("layout", LAYOUTS)
def test_our_schema_in_another_layout_is_the_same_tree(layout: str, ours: bytes) -> None:
    holds(LAYOUTS[layout](ours))


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_published_schema_in_another_layout_is_the_same_tree(layout: str, published: bytes) -> None:
    holds(LAYOUTS[layout](published))


def test_the_published_schema_as_it_is(official_s071: Path) -> None:
    holds({file.name: file.read_bytes() for file in official_s071.iterdir()})


def test_two_imported_documents_of_one_namespace_that_do_not_know_each_other(ours: bytes, tmp_path: Path) -> None:
    """libxml2 by itself reads the first only; here both are read."""
    files = LAYOUTS["imported"](ours)
    files["core/types.xsd"] = files["core/types.xsd"].replace(b'<xsd:include schemaLocation="basic.xsd"/>', b"")
    holds(files)
    for name, data in [*files.items(), *map(signature_schema, SIGNATURE_SCHEMAS)]:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(data)
    with pytest.raises(etree.XMLSchemaParseError, match="does not resolve"):
        etree.XMLSchema(etree.parse(tmp_path / "S071-4.4.0-20241203T114212.xsd"))


def test_layouts_can_be_combined(ours: bytes) -> None:
    """An extension of enumerated types, taken apart into included files."""
    once = LAYOUTS["enumerated"](ours)["S071-4.4.xsd"]
    twice = LAYOUTS["extended"](once)["S071-4.4.xsd"]
    holds(LAYOUTS["included"](twice))


def test_the_splitter_really_splits(ours: bytes) -> None:
    """Each layout differs from the others, or these tests would prove nothing."""
    seen = {name: tuple(sorted(LAYOUTS[name](ours).items())) for name in LAYOUTS}
    assert len(set(seen.values())) == len(LAYOUTS)
    assert b"complexType name=" not in b"".join(data for _, data in seen["inlined"])
    assert b"extension" in b"".join(data for _, data in seen["extended"])
    assert b"redefine" in b"".join(data for _, data in seen["redefined"])
