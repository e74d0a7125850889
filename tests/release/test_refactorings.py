"""Refactorings of the published S071 schema that change nothing about its documents: the comparison reports nothing.

Each refactoring is applied at several places; the table below makes 65 of them.
"""

from __future__ import annotations

import copy
import random
from collections.abc import Callable
from pathlib import Path

import pytest
from lxml import etree

from eessi.release.difference import compare_packages
from eessi.schemas import CdmPackage

XSD = "http://www.w3.org/2001/XMLSchema"
Q = f"{{{XSD}}}"
TARGET = "http://ec.europa.eu/eessi/ns/4_4/S071"
Files = dict[str, bytes]


def text(root: etree._Element) -> bytes:
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")


def named(root: etree._Element, tag: str) -> list[etree._Element]:
    return [node for node in root if node.tag == f"{Q}{tag}" and node.get("name")]


def users(root: etree._Element, name: str) -> list[etree._Element]:
    return [n for n in root.iter(etree.Element) for a in ("type", "base") if (n.get(a) or "").split(":")[-1] == name]


def prefix(root: etree._Element) -> str:
    return next(p for p, uri in root.nsmap.items() if uri == TARGET and p)


def pick(found: list[etree._Element], n: int) -> etree._Element:
    return found[(n * 7) % len(found)]


def rename_type(root: etree._Element, n: int) -> Files:
    chosen = pick(named(root, "complexType") + named(root, "simpleType"), n)
    old = str(chosen.get("name"))
    for node in users(root, old):
        for attribute in ("type", "base"):
            if (node.get(attribute) or "").split(":")[-1] == old:
                node.set(attribute, f"{prefix(root)}:Renamed{n}")
    chosen.set("name", f"Renamed{n}")
    return {"S071-4.4.xsd": text(root)}


def inline_type(root: etree._Element, n: int) -> Files:
    elements = [
        e for e in root.iter(f"{Q}element") if ":" in (e.get("type") or "") and not e.get("type", "").startswith("xsd:")
    ]
    elements = [e for e in elements if not _recursive(root, str(e.get("type")).split(":")[-1])]
    chosen = pick(elements, n)
    name = str(chosen.attrib.pop("type")).split(":")[-1]
    body = copy.deepcopy(next(t for t in root if t.get("name") == name))
    del body.attrib["name"]
    at = 1 if len(chosen) and chosen[0].tag == f"{Q}annotation" else 0
    chosen.insert(at, body)
    return {"S071-4.4.xsd": text(root)}


def _recursive(root: etree._Element, name: str, seen: frozenset[str] = frozenset()) -> bool:
    if name in seen:
        return True
    found = next((t for t in root if t.get("name") == name), None)
    if found is None:
        return False
    below = {(e.get("type") or "").split(":")[-1] for e in found.iter(f"{Q}element")}
    return any(_recursive(root, other, seen | {name}) for other in below)


def reorder_declarations(root: etree._Element, n: int) -> Files:
    imports = [node for node in root if node.tag in (f"{Q}import", f"{Q}include", f"{Q}annotation")]
    rest = [node for node in root if node not in imports]
    random.Random(n).shuffle(rest)
    for node in [*imports, *rest]:
        root.append(node)
    return {"S071-4.4.xsd": text(root)}


def other_prefixes(root: etree._Element, n: int) -> Files:
    source = text(root).decode()
    old = prefix(root)
    new = f"ns{n}"
    source = (
        source.replace(f"xmlns:{old}=", f"xmlns:{new}=").replace(f'"{old}:', f'"{new}:').replace(f"'{old}:", f"'{new}:")
    )
    if n % 2:
        source = (
            source.replace("xmlns:xsd=", "xmlns:x=")
            .replace("<xsd:", "<x:")
            .replace("</xsd:", "</x:")
            .replace('"xsd:', '"x:')
        )
    return {"S071-4.4.xsd": source.encode()}


def split_files(root: etree._Element, n: int) -> Files:
    types = [node for node in root if node.tag in (f"{Q}complexType", f"{Q}simpleType")]
    files: Files = {}
    parts = [types[index :: n + 1] for index in range(n + 1)]
    for index, part in enumerate(parts):
        piece = etree.Element(root.tag, dict(root.attrib), nsmap=root.nsmap)
        if n == 4:
            del piece.attrib["targetNamespace"]  # a chameleon takes the namespace of whoever includes it
            piece = etree.Element(root.tag, dict(piece.attrib), nsmap=dict(root.nsmap))
        for node in root.iterchildren(f"{Q}import"):
            piece.append(copy.deepcopy(node))
        if n != 4:
            for other in range(len(parts)):
                if other != index:
                    piece.append(etree.Element(f"{Q}include", schemaLocation=f"part{other}.xsd"))
        for node in part:
            piece.append(node)
        files[f"part{index}.xsd"] = text(piece)
    at = len([node for node in root if node.tag == f"{Q}import"])
    for index in range(len(parts)):
        root.insert(at, etree.Element(f"{Q}include", schemaLocation=f"part{index}.xsd"))
    return {**files, "S071-4.4.xsd": text(root)}


def _sequences(root: etree._Element) -> list[etree._Element]:
    return [s for s in root.iter(f"{Q}sequence") if len(s) > 1 and all(c.tag == f"{Q}element" for c in s)]


def move_into_group(root: etree._Element, n: int) -> Files:
    chosen = pick(_sequences(root), n)
    group = etree.SubElement(root, f"{Q}group", name=f"Group{n}")
    inner = etree.SubElement(group, f"{Q}sequence")
    for child in list(chosen):
        inner.append(child)
    etree.SubElement(chosen, f"{Q}group", ref=f"{prefix(root)}:Group{n}")
    return {"S071-4.4.xsd": text(root)}


def nest_sequence(root: etree._Element, n: int) -> Files:
    chosen = pick(_sequences(root), n)
    inner = etree.Element(f"{Q}sequence")
    children = list(chosen)
    chosen.insert(0, inner)
    for child in children[: 1 + n % (len(children) - 1)]:
        inner.append(child)
    return {"S071-4.4.xsd": text(root)}


def derive_by_extension(root: etree._Element, n: int) -> Files:
    types = [
        t
        for t in named(root, "complexType")
        if t.find(f"{Q}sequence") is not None and t.find(f"{Q}sequence") in _sequences(root)
    ]
    chosen = pick(types, n)
    sequence = chosen.find(f"{Q}sequence")
    assert sequence is not None
    base = etree.SubElement(root, f"{Q}complexType", name=f"Base{n}")
    base_sequence = etree.SubElement(base, f"{Q}sequence")
    base_sequence.append(sequence[0])
    chosen.remove(sequence)
    content = etree.SubElement(chosen, f"{Q}complexContent")
    extension = etree.SubElement(content, f"{Q}extension", base=f"{prefix(root)}:Base{n}")
    extension.append(sequence)
    return {"S071-4.4.xsd": text(root)}


def two_step_restriction(root: etree._Element, n: int) -> Files:
    types = [t for t in named(root, "simpleType") if len(t.findall(f"{Q}restriction/*")) > 1]
    chosen = pick(types, n)
    restriction = chosen.find(f"{Q}restriction")
    assert restriction is not None
    base = etree.SubElement(root, f"{Q}simpleType", name=f"Step{n}")
    first = etree.SubElement(base, f"{Q}restriction", base=str(restriction.get("base")))
    first.append(restriction[0])
    restriction.set("base", f"{prefix(root)}:Step{n}")
    return {"S071-4.4.xsd": text(root)}


def write_out_occurs(root: etree._Element, n: int) -> Files:
    for index, node in enumerate(root.iter(f"{Q}element", f"{Q}sequence", f"{Q}choice")):
        parent = node.getparent()
        if index % (n + 1) == 0 and parent is not None and parent is not root and parent.tag != f"{Q}group":
            node.set("minOccurs", node.get("minOccurs", "1"))
            node.set("maxOccurs", node.get("maxOccurs", "1"))
    return {"S071-4.4.xsd": text(root)}


def remarks(root: etree._Element, n: int) -> Files:
    for index, node in enumerate(list(root)):
        if index % (n + 1) == 0:
            node.addprevious(etree.Comment(f" remark {index} "))
    return {"S071-4.4.xsd": text(root)}


def other_encoding(root: etree._Element, n: int) -> Files:
    encodings = ("UTF-16", "ISO-8859-1", "US-ASCII", "ISO-8859-15", "windows-1252")
    return {"S071-4.4.xsd": etree.tostring(root, xml_declaration=True, encoding=encodings[n])}


def indented_otherwise(root: etree._Element, n: int) -> Files:
    etree.indent(root, space="\t" * n + " ")
    return {"S071-4.4.xsd": text(root)}


def other_file_name(root: etree._Element, n: int) -> Files:
    return {f"S071-4.4.0-2024120{n + 1}T114212.xsd": text(root)}


TABLE: list[tuple[Callable[[etree._Element, int], Files], int]] = [
    (refactoring, n)
    for refactoring in (
        rename_type,
        inline_type,
        reorder_declarations,
        other_prefixes,
        split_files,
        move_into_group,
        nest_sequence,
        derive_by_extension,
        two_step_restriction,
        write_out_occurs,
        remarks,
        other_encoding,
        indented_otherwise,
        other_file_name,
    )
    for n in range(5)
]


@pytest.fixture(scope="module")
def original(official_s071: Path) -> CdmPackage:
    return CdmPackage.import_from(official_s071, name="original")


@pytest.mark.parametrize(("refactoring", "n"), TABLE, ids=lambda value: getattr(value, "__name__", str(value)))
def test_nothing_is_reported(
    refactoring: Callable[[etree._Element, int], Files],
    n: int,
    original: CdmPackage,
    official_s071: Path,
    tmp_path: Path,
) -> None:
    root = etree.parse(official_s071 / "S071-4.4.xsd").getroot()
    before = text(root)
    for name, data in refactoring(root, n).items():
        (tmp_path / name).write_bytes(data)
    written = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    assert written != {"S071-4.4.xsd": before}, "the refactoring did something"
    for beside in ("XAdES.xsd", "xmldsig-core-schema.xsd"):
        (tmp_path / beside).write_bytes((official_s071 / beside).read_bytes())
    found = compare_packages(original, CdmPackage.import_from(tmp_path, name="refactored"))
    assert found.compared == ("S071",)
    assert [(change.id, change.path, change.old, change.new) for change in found.changes] == []


def test_the_table_holds_at_least_sixty() -> None:
    assert len(TABLE) >= 60


def test_against_the_open_package_nothing_but_texts_differ(original: CdmPackage) -> None:
    from eessi.schemas import Registry

    found = compare_packages(original, Registry.default().package("open:4.4"), seds=["S071"])
    assert found.compared == ("S071",)
    assert {str(change.cls) for change in found.changes} <= {"documentation"}
