"""Turns the single-file schema of a SED into the other layouts in which schemas may come.

Every layout says the same; each function returns the files of one layout by path. What these layouts look like
officially is not public, so each stands for one way in which XML Schema lets a schema be taken apart.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable

from lxml import etree

XSD = "http://www.w3.org/2001/XMLSchema"
XS = f"{{{XSD}}}"
CORE = "http://ec.europa.eu/eessi/ns/4_4/core"
SECTOR = "http://ec.europa.eu/eessi/ns/4_4/sickness"
Files = dict[str, bytes]


def read(text: bytes) -> etree._Element:
    return etree.fromstring(text, etree.XMLParser(remove_blank_text=True, remove_comments=True))


def text(root: etree._Element) -> bytes:
    return etree.tostring(root, encoding="UTF-8", xml_declaration=True)


def named(root: etree._Element, kind: str) -> dict[str, etree._Element]:
    return {str(node.get("name")): node for node in root.iterchildren(f"{XS}{kind}")}


def own(root: etree._Element, value: str) -> str | None:
    """Local name of a reference into the schema's own namespace; ``None`` for a built-in or foreign one."""
    prefix, _, local = value.rpartition(":")
    return local if root.nsmap.get(prefix or None) == root.get("targetNamespace") else None


def references(root: etree._Element) -> list[tuple[etree._Element, str, str]]:
    """Every attribute that names a type, group or element of the schema itself."""
    found = []
    for node in root.iter(f"{XS}*"):
        for attribute in ("type", "base", "ref"):
            value = node.get(attribute)
            if value is not None and (local := own(root, value)) is not None:
                found.append((node, attribute, local))
    return found


def with_prefixes(root: etree._Element, prefixes: dict[str | None, str]) -> etree._Element:
    """A copy under other prefixes, every reference rewritten."""
    by_space = {space: prefix for prefix, space in prefixes.items()}
    new = etree.Element(f"{XS}schema", dict(root.attrib), nsmap=prefixes)  # type: ignore[arg-type]  # None is the default prefix
    for child in root:
        new.append(copy.deepcopy(child))
    for node in new.iter(f"{XS}*"):
        for attribute in ("type", "base", "ref"):
            value = node.get(attribute)
            if value is not None:
                prefix, _, local = value.rpartition(":")
                space = root.nsmap.get(prefix or None, "")
                new_prefix = by_space.get(space)
                node.set(attribute, f"{new_prefix}:{local}" if new_prefix else local)
    etree.cleanup_namespaces(new, keep_ns_prefixes=[prefix for prefix in prefixes if prefix])
    return new


def renamed(schema: bytes) -> Files:
    """Other prefixes (XML Schema itself as default), top level in reverse, default occurrences left out."""
    root = read(schema)
    target = str(root.get("targetNamespace"))
    new = with_prefixes(root, {None: XSD, "tns": target, "dsig": "http://www.w3.org/2000/09/xmldsig#"})
    imports = [node for node in new if node.tag == f"{XS}import"]
    rest = [node for node in new if node.tag != f"{XS}import"]
    new[:] = [*imports, *reversed(rest)]
    for node in new.iter(f"{XS}element"):
        for attribute in ("minOccurs", "maxOccurs"):
            if node.get(attribute) == "1":
                del node.attrib[attribute]
    return {"S071-4.4.xsd": text(new)}


def _part(
    root: etree._Element, names: Callable[[str], bool], location: str | None
) -> tuple[etree._Element, list[etree._Element]]:
    """Take the named types of one kind out of ``root`` into a new schema that includes ``location``."""
    new = etree.Element(f"{XS}schema", dict(root.attrib), nsmap=root.nsmap)
    if location:
        etree.SubElement(new, f"{XS}include", schemaLocation=location)
    taken = [
        node for node in root if node.tag in (f"{XS}simpleType", f"{XS}complexType") and names(str(node.get("name")))
    ]
    new.extend(taken)
    return new, taken


def _include(root: etree._Element, location: str) -> None:
    node = etree.Element(f"{XS}include", schemaLocation=location)
    root.insert(0, node)


def included(schema: bytes) -> Files:
    """Core components, sector file and SED file in one namespace, each in a folder of its own."""
    root = read(schema)
    core, _ = _part(root, lambda name: name.startswith("EESSI"), None)
    sector, _ = _part(root, lambda name: name != "S071", "../CoreComponents/EESSI-Core-4.4.xsd")
    _include(root, "../SectorComponents/Sickness-4.4.xsd")
    return {
        "CoreComponents/EESSI-Core-4.4.xsd": text(core),
        "SectorComponents/Sickness-4.4.xsd": text(sector),
        "SEDs/S071-4.4.0.xsd": text(root),
    }


def chameleon(schema: bytes) -> Files:
    """As ``included``, but core and sector have no namespace and take that of the SED."""
    files = included(schema)
    for path in list(files):
        if not path.startswith("SEDs/"):
            root = read(files[path])
            target = root.get("targetNamespace")
            prefixes = {prefix: space for prefix, space in root.nsmap.items() if space != target and prefix}
            new = with_prefixes_to_none(root, prefixes)
            del new.attrib["targetNamespace"]
            files[path] = text(new)
    return files


def with_prefixes_to_none(root: etree._Element, prefixes: dict[str, str]) -> etree._Element:
    """References into the own namespace lose their prefix."""
    marks = references(root)
    for node, attribute, local in marks:
        node.set(attribute, local)
    new = etree.Element(f"{XS}schema", dict(root.attrib), nsmap=prefixes)
    new.extend(list(root))
    return new


def imported(schema: bytes) -> Files:
    """Core components and sector components in namespaces of their own; the SED imports them.

    Core is in two files of the same namespace, both imported.
    """
    root = read(schema)
    target = str(root.get("targetNamespace"))
    spaces = {"s": target, "c": CORE, "k": SECTOR, "xsd": XSD, "ds": "http://www.w3.org/2000/09/xmldsig#"}
    homes = {}
    for node in root:
        name = node.get("name")
        if node.tag in (f"{XS}simpleType", f"{XS}complexType") and name:
            homes[name] = "c" if name.startswith("EESSI") else "s" if name == "S071" else "k"
    for node, attribute, local in references(root):
        node.set(attribute, f"{homes.get(local, 's')}:{local}")
    pieces: dict[str, list[etree._Element]] = {"simple": [], "c": [], "k": []}
    for node in list(root):
        home = homes.get(str(node.get("name"))) if node.tag in (f"{XS}simpleType", f"{XS}complexType") else None
        if home in ("c", "k"):
            pieces["simple" if home == "c" and node.tag == f"{XS}simpleType" else str(home)].append(node)
    signatures = [copy.deepcopy(node) for node in root if node.tag == f"{XS}import"]

    def build(space: str, parts: list[etree._Element], imports: list[tuple[str, str]], includes: list[str]) -> bytes:
        new = etree.Element(f"{XS}schema", targetNamespace=space, version="4.4.0", nsmap=spaces)
        for location in includes:
            etree.SubElement(new, f"{XS}include", schemaLocation=location)
        for wanted, location in imports:
            etree.SubElement(new, f"{XS}import", namespace=wanted, schemaLocation=location)
        new.extend(parts)
        return etree.tostring(new, encoding="UTF-8")

    main = build(
        target,
        [*signatures, *(node for node in root if node.tag != f"{XS}import")],
        [(SECTOR, "sickness.xsd"), (CORE, "core/types.xsd"), (CORE, "core/basic.xsd")],
        [],
    )
    return {
        "S071-4.4.0-20241203T114212.xsd": main,
        "sickness.xsd": build(SECTOR, pieces["k"], [(CORE, "core/types.xsd"), (CORE, "core/basic.xsd")], []),
        "core/types.xsd": build(CORE, pieces["c"], [], ["basic.xsd"]),
        "core/basic.xsd": build(CORE, pieces["simple"], [], []),
    }


def inlined(schema: bytes) -> Files:
    """No named type left: every one stands in the element that has it."""
    root = read(schema)
    types = {**named(root, "simpleType"), **named(root, "complexType")}
    while marks := [mark for mark in references(root) if mark[1] == "type" and mark[0].getparent() is not None]:
        for node, attribute, local in marks:
            body = copy.deepcopy(types[local])
            del body.attrib["name"], node.attrib[attribute]
            after_note = 1 if len(node) and node[0].tag == f"{XS}annotation" else 0
            node.insert(after_note, body)
        if not [mark for mark in references(root) if mark[0].getparent() is not None]:
            break
    for definition in types.values():
        root.remove(definition)
    for number, rule in enumerate(root.iter(f"{XS}unique")):  # names of constraints must differ
        rule.set("name", f"unique{number}")
    return {"S071-4.4.xsd": text(root)}


def grouped(schema: bytes) -> Files:
    """Content in named groups, the root's attributes in an attribute group, extra nesting around it all."""
    root = read(schema)
    prefix = _own_prefix(root)
    for name, node in named(root, "complexType").items():
        content = node.find(f"{XS}sequence")
        if content is None or name.endswith("MultipleType"):
            continue
        group = etree.SubElement(root, f"{XS}group", name=f"{name}Group")
        wrapper = etree.Element(f"{XS}sequence")
        inner = etree.SubElement(wrapper, f"{XS}sequence", minOccurs="1", maxOccurs="1")
        node.replace(content, wrapper)
        etree.SubElement(inner, f"{XS}group", ref=f"{prefix}:{name}Group")
        group.append(content)
        attributes = node.findall(f"{XS}attribute")
        if attributes:
            holder = etree.SubElement(root, f"{XS}attributeGroup", name=f"{name}Attributes")
            for attribute in attributes:
                holder.append(attribute)
            etree.SubElement(node, f"{XS}attributeGroup", ref=f"{prefix}:{name}Attributes")
    return {"S071-4.4.xsd": text(root)}


def extended(schema: bytes) -> Files:
    """Every group of two or more parts as a base type with the first part and an extension with the others."""
    root = read(schema)
    prefix = _own_prefix(root)
    for name, node in named(root, "complexType").items():
        content = node.find(f"{XS}sequence")
        if content is None or len(content) < 2:
            continue
        base = etree.Element(f"{XS}complexType", name=f"{name}Base")
        etree.SubElement(base, f"{XS}sequence").append(content[0])
        node.addprevious(base)
        rest = etree.Element(f"{XS}complexContent")
        step = etree.SubElement(rest, f"{XS}extension", base=f"{prefix}:{name}Base")
        node.replace(content, rest)
        step.append(content)
        for attribute in node.findall(f"{XS}attribute"):
            step.append(attribute)
    return {"S071-4.4.xsd": text(root)}


def restricted(schema: bytes) -> Files:
    """Every group as a restriction of a looser one, every simple type as a restriction in two steps."""
    root = read(schema)
    prefix = _own_prefix(root)
    for name, node in named(root, "complexType").items():
        content = node.find(f"{XS}sequence")
        if content is None or any(child.tag != f"{XS}element" for child in content) or name == "S071":
            continue
        if any(child.find(f"{XS}{part}") is not None for child in content for part in ("simpleType", "unique")):
            continue  # a type in place is no restriction of another in place, and a restriction adds no constraint
        loose = etree.Element(f"{XS}complexType", name=f"{name}Loose")
        loose.append(copy.deepcopy(content))
        for child in loose[0]:
            child.set("minOccurs", "0")
        node.addprevious(loose)
        outer = etree.Element(f"{XS}complexContent")
        step = etree.SubElement(outer, f"{XS}restriction", base=f"{prefix}:{name}Loose")
        node.replace(content, outer)
        step.append(content)
    for name, node in named(root, "simpleType").items():
        step = node.find(f"{XS}restriction")
        longest = step.find(f"{XS}maxLength") if step is not None else None
        if step is None or longest is None:
            continue
        wide = etree.Element(f"{XS}simpleType", name=f"{name}Wide")
        first = etree.SubElement(wide, f"{XS}restriction", base=str(step.get("base")))
        etree.SubElement(first, f"{XS}maxLength", value="4000")
        node.addprevious(wide)
        step.set("base", f"{prefix}:{name}Wide")
    return {"S071-4.4.xsd": text(root)}


def redefined(schema: bytes) -> Files:
    """A core file with one type too wide and one group too short; the SED's file redefines both."""
    root = read(schema)
    prefix = _own_prefix(root)
    core, _ = _part(root, lambda name: name != "S071", None)
    redefine = etree.Element(f"{XS}redefine", schemaLocation="core-4.4.xsd")
    simple = named(core, "simpleType")["EESSITinyStringType"]
    longest = simple.find(f"{XS}restriction/{XS}maxLength")
    assert longest is not None
    figure = longest.get("value")
    longest.set("value", "4000")
    narrowed = etree.SubElement(redefine, f"{XS}simpleType", name="EESSITinyStringType")
    step = etree.SubElement(narrowed, f"{XS}restriction", base=f"{prefix}:EESSITinyStringType")
    etree.SubElement(step, f"{XS}maxLength", value=str(figure))
    group = named(core, "complexType")["SPersonEUAddressType"]
    content = group.find(f"{XS}sequence")
    assert content is not None
    longer = etree.SubElement(redefine, f"{XS}complexType", name="SPersonEUAddressType")
    outer = etree.SubElement(longer, f"{XS}complexContent")
    extension = etree.SubElement(outer, f"{XS}extension", base=f"{prefix}:SPersonEUAddressType")
    etree.SubElement(extension, f"{XS}sequence").append(content[1])
    root.insert(0, redefine)
    return {"core-4.4.xsd": text(core), "S071-4.4.xsd": text(root)}


def enumerated(schema: bytes) -> Files:
    """Codes as enumeration facets, each with its text; the value's type has a name."""
    root = read(schema)
    prefix = _own_prefix(root)
    for name, node in named(root, "complexType").items():
        value = node.find(f"{XS}sequence/{XS}element[@name='value']")
        note = node.find(f"{XS}annotation")
        if value is None or note is None:
            continue
        texts = {}
        for entry in note.iter("{*}CodeListEntry"):
            texts[entry.findtext("{*}value")] = entry.findtext("{*}definition")
        pattern = value.find(f"{XS}simpleType/{XS}restriction/{XS}pattern")
        assert pattern is not None
        words = re.sub(r"^\(|\)\{1\}$|\)$", "", str(pattern.get("value"))).split("|")
        holder = etree.Element(f"{XS}simpleType", name=f"{name}Values")
        step = etree.SubElement(holder, f"{XS}restriction", base=_builtin(root, "string"))
        for word in words:
            facet = etree.SubElement(step, f"{XS}enumeration", value=word)
            if word in texts:
                documentation = etree.SubElement(etree.SubElement(facet, f"{XS}annotation"), f"{XS}documentation")
                documentation.set("{http://www.w3.org/XML/1998/namespace}lang", "en")
                documentation.text = texts[word]
        node.addprevious(holder)
        node.remove(note)
        value.remove(value[0])
        value.set("type", f"{prefix}:{name}Values")
    return {"S071-4.4.xsd": text(root)}


def several_patterns(schema: bytes) -> Files:
    """Codes as one pattern facet each: several in one step mean *or*."""
    root = read(schema)
    for pattern in list(root.iter(f"{XS}pattern")):
        found = re.fullmatch(r"\(?([A-Za-z0-9|]+)\)?(?:\{1\})?", str(pattern.get("value")))
        if found:
            for word in found[1].split("|"):
                pattern.addprevious(etree.Element(f"{XS}pattern", value=word))
            parent = pattern.getparent()
            assert parent is not None
            parent.remove(pattern)
    return {"S071-4.4.xsd": text(root)}


def _own_prefix(root: etree._Element) -> str:
    return next(str(prefix) for prefix, space in root.nsmap.items() if space == root.get("targetNamespace"))


def _builtin(root: etree._Element, name: str) -> str:
    return f"{next(prefix for prefix, space in root.nsmap.items() if space == XSD)}:{name}"


LAYOUTS: dict[str, Callable[[bytes], Files]] = {
    function.__name__: function
    for function in (
        renamed,
        included,
        chameleon,
        imported,
        inlined,
        grouped,
        extended,
        restricted,
        redefined,
        enumerated,
        several_patterns,
    )
}
"""Every layout by name."""
