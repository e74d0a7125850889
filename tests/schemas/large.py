"""Official-looking packages as large as a real release: invented trees over the core components of S071. Synthetic.

The same seed gives the same package. Every SED comes with the structure it was made from, so that what is read back can be
compared.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

import attrs
from lxml import etree

from eessi.ids import CdmVersion, SedType
from eessi.schemas import Choice, Code, CodeList, Element, Facets, Kind, Particle, Registry, Structure
from eessi.schemas.xsdwriter import write
from tests.schemas.splitter import XS, own, read, references, with_prefixes_to_none

WORDS = (
    "Employer",
    "Benefit",
    "Claim",
    "Period",
    "Decision",
    "Pension",
    "Amount",
    "Bank",
    "Residence",
    "Activity",
    "Insurance",
    "Reason",
)
STEP = (
    '<xsd:schema xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns:s="{space}" xmlns:h="{header}" targetNamespace="{header}">'
    '<xsd:import namespace="{space}" schemaLocation="../{file}"/><xsd:element name="StandardBusinessDocument"><xsd:complexType>'
    '<xsd:sequence><xsd:element ref="s:{sed}"/></xsd:sequence></xsd:complexType></xsd:element></xsd:schema>'
)
HEADER = "http://eessi.dgempl.ec.europa.eu/namespaces/sbdh"


def structures(count: int, *, version: str = "4.5.0", seed: int = 1) -> Iterator[Structure]:
    """Invented trees for the first ``count`` SED codes."""
    cdm = CdmVersion.parse(version)
    base = Registry.default().structure("S071", "4.4")
    assert base is not None
    codes = [entry.sed for entry in Registry.default().package("sandbox:1.0").entries()][:count]
    assert len(codes) == count
    for number, sed in enumerate(codes):
        draw = random.Random(f"{seed}/{sed}")
        person, *_, signature = base.root.children
        invented = [_group(draw, f"{word}Details{index}", 3) for index, word in enumerate(draw.sample(WORDS, 6))]
        children: list[Particle] = [person, *invented[:4], Choice(((invented[4],), (invented[5],))), signature]
        root = Element(name=sed, kind=Kind.GROUP, children=tuple(children), type_name=sed)
        yield Structure(SedType(sed), cdm, cdm.namespace(sed), attrs.evolve(root, name=codes[number]))


def _group(draw: random.Random, name: str, depth: int) -> Element:
    children: list[Particle] = []
    for index in range(draw.randint(2, 5)):
        word = f"{draw.choice(WORDS)}{index}"
        if depth and draw.random() < 0.4:
            children.append(_group(draw, word, depth - 1))
        elif draw.random() < 0.4:
            children.append(_code(draw, word[0].lower() + word[1:]))
        else:
            longest = draw.choice((25, 65, 155, 255, 500))
            facets = draw.choice((Facets(base="date"), Facets(min_length=1, max_length=longest)))
            children.append(Element(word[0].lower() + word[1:], Kind.LEAF, draw.randint(0, 1), 1, facets=facets))
    many = draw.choice((1, 1, None))
    return Element(
        name, Kind.GROUP, draw.randint(0, 1), many, tuple(children), type_name=f"{name}{draw.randint(0, 10**9)}Type"
    )


def _code(draw: random.Random, name: str) -> Element:
    values = [f"{number:02}" for number in range(1, draw.randint(3, 30))]
    codes = CodeList("", tuple(Code(value, {"en": f"Invented meaning {value} of {name}"}) for value in values))
    return Element(
        name, Kind.CODE, draw.randint(0, 1), 1, facets=Facets(enumeration=tuple(values)), codes=codes,
        type_name=f"S{name}{draw.randint(0, 10**9)}Type",
    )  # fmt: skip


def official_text(structure: Structure) -> bytes:
    """The schema without the mark of our writer."""
    text = write(structure)
    return (text[: text.index("<xsd:annotation>")] + text[text.index("</xsd:annotation>") + 17 :]).encode()


def single_files(count: int, *, version: str = "4.5.0", seed: int = 1) -> dict[str, bytes]:
    """One file per SED, as S071 is published."""
    return {f"{s.sed}-{s.version}.xsd": official_text(s) for s in structures(count, version=version, seed=seed)}


def multi_files(count: int, *, version: str = "4.5.0", seed: int = 1, transactions: int = 0) -> dict[str, bytes]:
    """Core components once, without namespace; a file per SED that includes them; and schemas of process steps."""
    files: dict[str, bytes] = {}
    for structure in structures(count, version=version, seed=seed):
        root = read(official_text(structure))
        core = [node for node in root if str(node.get("name", "")).startswith("EESSI")]
        if "Core/EESSI-Core.xsd" not in files:
            files["Core/EESSI-Core.xsd"] = _core(root, core)
        for node in core:
            root.remove(node)
        root.insert(0, etree.Element(f"{XS}include", schemaLocation="../Core/EESSI-Core.xsd"))
        files[f"SEDs/{structure.sed}-{structure.version}.xsd"] = etree.tostring(root)
    seds = [path for path in files if path.startswith("SEDs/")]
    for number in range(transactions):
        path = seds[number % len(seds)]
        sed = path[5:].partition("-")[0]
        action = ("Start", "New", "Update")[number // len(seds) % 3]
        name = f"S_BUC_{number // (3 * len(seds)):02}-1.0-CaseOwner-Counterparty-{action}-{sed}-{version}.xsd"
        space = CdmVersion.parse(version).namespace(sed)
        files[f"Transactions/{name}"] = STEP.format(space=space, header=HEADER, file=path, sed=sed).encode()
    return files


def _core(root: etree._Element, parts: list[etree._Element]) -> bytes:
    new = etree.Element(f"{XS}schema", nsmap={"xsd": root.nsmap["xsd"], "s": root.nsmap["s"]})
    taken = etree.SubElement(new, "taken")
    for node in parts:
        taken.append(etree.fromstring(etree.tostring(node)))
    shell = etree.Element(f"{XS}schema", targetNamespace=str(root.get("targetNamespace")), nsmap=root.nsmap)
    shell.extend(list(taken))
    assert all(own(shell, str(node.get(attribute))) == local for node, attribute, local in references(shell))
    bare = with_prefixes_to_none(shell, {"xsd": root.nsmap["xsd"]})
    bare.attrib.pop("targetNamespace")
    return etree.tostring(bare)
