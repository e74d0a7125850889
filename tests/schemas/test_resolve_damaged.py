"""Whatever happens to a schema's text, it is read, or refused with one clear line: never a traceback, never a hang."""

from __future__ import annotations

import random
import secrets

import pytest
from lxml import etree

from eessi.errors import EessiError, PackageError
from eessi.schemas import Registry
from eessi.schemas.compiled import compile_schema
from eessi.schemas.importer import package_of
from tests.schemas.large import single_files

ATTRIBUTES = (
    "name",
    "type",
    "ref",
    "base",
    "minOccurs",
    "maxOccurs",
    "value",
    "schemaLocation",
    "namespace",
    "xpath",
    "use",
    "form",
)
VALUES = (
    "",
    " ",
    "S071",
    "s:S071",
    "x:y",
    ":",
    "-1",
    "99999999999999999999",
    "unbounded",
    "xsd:string",
    "xsd:nothing",
    "(((",
    "[z-a]",
    "\\",
    "a" * 5000,
    "é",
)


def damaged(data: bytes, draw: random.Random) -> bytes:
    """The schema with one to four random changes: in the tree, or now and then in its bytes."""
    if draw.random() < 0.15:
        at = draw.randrange(len(data))
        return data[:at] + bytes(draw.choices(range(256), k=draw.randint(0, 8))) + data[at + draw.randint(0, 8) :]
    root = etree.fromstring(data)
    for _ in range(draw.randint(1, 4)):
        nodes = [node for node in root.iter() if isinstance(node.tag, str)]
        node, other = draw.choice(nodes), draw.choice(nodes)
        parent = node.getparent()
        what = draw.randrange(7)
        if what == 0 and parent is not None:
            parent.remove(node)
        elif what == 1 and parent is not None:
            parent.insert(0, etree.fromstring(etree.tostring(node)))
        elif what == 2:
            node.set(draw.choice(ATTRIBUTES), draw.choice(VALUES))
        elif what == 3 and node.attrib:
            del node.attrib[draw.choice(list(node.attrib))]
        elif what == 4:
            node.tag = other.tag
        elif what == 5 and node not in other.iterancestors() and node is not other and parent is not None:
            other.append(node)
        elif what == 6:
            node.set("name", str(other.get("name")))
    return etree.tostring(root)


def attempt(data: bytes) -> str:
    """``read``, or the line of the error."""
    try:
        package = package_of({"A001-4.5.0.xsd": data}, source="damaged")
        for entry in package.entries():
            structure = package.content.structure(entry, entry.version)
            assert sum(1 for _ in structure.walk()) >= 0
            compile_schema(package.content.sources(entry, None), where="damaged")
    except EessiError as error:
        return str(error)
    return "read"


def run(count: int) -> None:
    seed = secrets.randbits(32)
    draw = random.Random(seed)
    (text,) = single_files(1).values()
    texts = [text, *Texts.more()]
    results = [attempt(damaged(draw.choice(texts), draw)) for _ in range(count)]
    assert not [result for result in results if "\n" in result]
    assert results.count("read") >= count // 20, f"seed {seed}: nothing was left to read"
    assert len(set(results)) >= count // 10, f"seed {seed}: too few kinds of damage"


class Texts:
    """Schemas to damage."""

    @staticmethod
    def more() -> list[bytes]:
        from eessi.schemas.xsdwriter import write
        from tests.schemas.splitter import LAYOUTS

        structure = Registry.default().structure("S071", "4.4")
        assert structure is not None
        ours = write(structure).encode()
        return [
            LAYOUTS[name](ours)["S071-4.4.xsd"]
            for name in ("grouped", "extended", "restricted", "enumerated", "renamed")
        ]


def doubling_groups(depth: int) -> bytes:
    """Each group twice in the one above: the schema is small, what it unfolds to is not."""
    space = "http://ec.europa.eu/eessi/ns/4_5/A001"
    groups = "".join(
        f'<xsd:group name="G{n}"><xsd:sequence><xsd:group ref="s:G{n + 1}"/><xsd:group ref="s:G{n + 1}"/></xsd:sequence></xsd:group>'
        for n in range(depth)
    )
    last = (
        f'<xsd:group name="G{depth}"><xsd:sequence><xsd:element name="x" type="xsd:string"/></xsd:sequence></xsd:group>'
    )
    root = '<xsd:element name="A001"><xsd:complexType><xsd:group ref="s:G0"/></xsd:complexType></xsd:element>'
    head = f'<xsd:schema xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns:s="{space}" targetNamespace="{space}" version="4.5.0">'
    return f"{head}{groups}{last}{root}</xsd:schema>".encode()


def test_a_schema_that_unfolds_without_end_is_refused_before_it_is_compiled() -> None:
    package = package_of({"A001-4.5.0.xsd": doubling_groups(60)}, source="bomb")
    (entry,) = package.entries()
    with pytest.raises(PackageError, match="unfolds to more than 100,000"):
        package.content.sources(entry, None)
    with pytest.raises(PackageError, match="unfolds to more than 100,000"):
        package.content.structure(entry, entry.version)


def test_types_that_unfold_without_end_are_refused() -> None:
    doubled = "".join(
        f'<xsd:complexType name="V{n}"><xsd:sequence><xsd:element name="a" type="s:V{n + 1}"/><xsd:element name="b" type="s:V{n + 1}"/>'
        "</xsd:sequence></xsd:complexType>"
        for n in range(40)
    )
    last = '<xsd:complexType name="V40"><xsd:sequence/></xsd:complexType><xsd:element name="A001" type="s:V0"/></xsd:schema>'
    head = doubling_groups(0).decode().partition("<xsd:group")[0]
    assert "unfolds to more than" in attempt((head + doubled + last).encode())


def test_damaged_schemas() -> None:
    run(120)


@pytest.mark.long
def test_many_damaged_schemas() -> None:
    run(2_000)
