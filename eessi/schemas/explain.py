"""The rich gear: why a document is refused, from the resolved structure alone.

Walks the tree once beside its :class:`~eessi.schemas.structure.Structure`. Groups whose children stand rightly cost one
regular expression; the others go to :mod:`eessi.schemas.explain_repairs`. Written for clear words and for speed: a
general schema engine would need some seventy times the work of the fast gear to say less.
"""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final

from lxml import etree

from eessi import _xml
from eessi.findings import Finding, Fix, Phrase, Severity
from eessi.schemas.explain_codes import code_list_text, nearest_code
from eessi.schemas.explain_places import Draft, finish, masked, path_of
from eessi.schemas.explain_plan import Node, Way, plan_of
from eessi.schemas.explain_repairs import Group, explain_group
from eessi.schemas.explain_values import checker, date_of
from eessi.schemas.structure import Element, Facets, Kind, Structure
from eessi.schemas.validation import TooLong

__all__ = ["TooLong", "explain_tree"]

_XSI: Final = "{http://www.w3.org/2001/XMLSchema-instance}"
_ROOT_ATTRIBUTES: Final = frozenset({"sedPackage", "sedGVer", "sedVer"})
_IS_INT: Final = checker(Facets(base="int"))
_STRAY_TEXT: Final = etree.XPath("boolean(descendant-or-self::*[*]/text()[normalize-space()])", smart_strings=False)
_BLANK: Final = " \t\r\n"
_DAY_FIRST = re.compile(r"([0-9]{1,2})([./-])([0-9]{1,2})\2([0-9]{4})")
_WITH_TIME = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})[T ][0-9]{2}:.*")
_PLAIN_DATE = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})")


def explain_tree(
    root: etree._Element, structure: Structure, *, data: bytes | None = None, seconds: float | None = None
) -> tuple[Finding, ...]:
    """Everything that is wrong with a SED by its structure, in document order.

    Severities are those of an exact structure; the caller lowers them where the package does not know better. Nothing of
    the tree is changed.

    :param root: the SED's root element, whose name and namespace have been judged already.
    :param data: the bytes the whole tree was read from, for lines and columns.
    :param seconds: how long the walk may take.
    :raises TooLong: when it took longer and nothing had been found; else what was found, and VAL-CUT-SHORT.
    """
    walk = _OpenWalk if structure.open else _Walk
    walking = walk(root, structure, seconds)
    try:
        walking.run(plan_of(structure), data)
    except TooLong:
        if not walking.drafts:
            raise
        cut = Draft("VAL-CUT-SHORT", root, _xml.local_name(root), severity=Severity.WARNING)
        walking.drafts.append(cut)
    return finish(walking.drafts, root, data)


class _Walk:
    def __init__(self, root: etree._Element, structure: Structure, seconds: float | None) -> None:
        self.root = root
        self.structure = structure
        self.drafts: list[Draft] = []
        self.strays: dict[str, list[etree._Element]] = {}
        self.has_attributes = self.has_text = self.has_comments = True
        self.deadline = None if seconds is None else time.monotonic() + seconds

    def run(self, plan: Node, data: bytes | None) -> list[Draft]:
        self.has_text = bool(_STRAY_TEXT(self.root))
        if data is not None:
            behind = data.find(b">", data.find(_xml.local_name(self.root).encode())) if b"\x00" not in data[:8] else 0
            self.has_attributes = data.find(b"=", behind) >= 0
            self.has_comments = b"<!" in data or data.find(b"<?", 2) >= 0 or not behind
        self.root_attributes()
        self.xsi_attributes(self.root, plan)
        self.group(plan, self.root)
        for namespace, found in self.strays.items():
            self.stray(namespace, found)
        return self.drafts

    def add(self, id: str, element: etree._Element, **more: object) -> None:
        self.drafts.append(Draft(id, element, path_of(element, self.root), **more))  # type: ignore[arg-type]  # fields of Draft by name

    def group(self, node: Node, element: etree._Element) -> None:
        """A group or a code: stray text, order of the children, then each child."""
        self.tick()
        children = element[:]
        if self.has_comments:
            children = [child for child in children if isinstance(child.tag, str)]
        names: tuple[str, ...] = tuple([child.tag for child in children])  # type: ignore[misc]  # elements have names of type str
        if not children and node.kind is Kind.CODE and self.unwrapped(node, element):
            return
        if self.has_text or not children:
            self.stray_text(element)
        way = node.ways.get(names) or node.way(names)
        if way is None:
            self.each(self.mend(node, element, children, names))
        elif self.has_attributes or self.has_text:
            self.each((child, step[4]) for child, step in zip(children, way, strict=True))
        else:
            self.plain(children, way)
        if node.unique:
            self.identity(node, element)

    def each(self, pairs: Iterable[tuple[etree._Element, Node]]) -> None:
        """Every child with all that may be wrong about it."""
        for child, below in pairs:
            if self.has_attributes and not self.attributes(child, below):
                continue
            if below.is_leaf:
                self.leaf(below, child)
            elif below.kind is not Kind.SIGNATURE:
                self.group(below, child)

    def tick(self) -> None:
        if self.deadline is not None and time.monotonic() > self.deadline:
            raise TooLong

    def plain(self, children: list[etree._Element], way: Way) -> None:
        """Every child where the document has no attributes and no stray text: the common case, with few calls for what is right."""
        for child, (is_leaf, low, high, allowed, below) in zip(children, way, strict=True):
            if is_leaf:
                if not len(child):
                    text = child.text or ""
                    if low <= len(text) <= high or text in allowed:
                        continue
                self.leaf(below, child)
                continue
            if allowed and len(child) == 1:
                value = child[0]
                if value.text in allowed and value.tag == "value" and not len(value):
                    continue
            inner = child[:]
            usual = below.ways.get(tuple([one.tag for one in inner]))  # type: ignore[misc]  # names of type str
            if usual and not below.unique:
                self.plain(inner, usual)
            elif below.kind is not Kind.SIGNATURE:
                self.group(below, child)

    def mend(
        self, node: Node, element: etree._Element, children: list[etree._Element], names: tuple[str, ...]
    ) -> Sequence[tuple[etree._Element, Node]]:
        bare = list(names)
        for index, name in enumerate(names):
            local = name.rpartition("}")[2]
            if name not in node.children and name.startswith("{") and local in node.children:
                bare[index] = local
                self.strays.setdefault(name[1:].partition("}")[0], []).append(children[index])
        group = Group(node, element, self.root, children, bare, self.drafts)
        if tuple(bare) != names and node.model.accepts(bare):
            return [(child, node.children[name]) for child, name in zip(children, bare, strict=True)]
        explain_group(group)
        return group.pairs

    def stray(self, namespace: str, found: list[etree._Element]) -> None:
        """One finding for all elements of a namespace that does not belong below the root."""
        path = path_of(found[0], self.root)
        whole = f"{_xml.local_name(self.root)}//{{{namespace}}}*"
        fix = Fix(
            "rename", path if len(found) == 1 else whole, _xml.local_name(found[0]) if len(found) == 1 else "*", True
        )
        params = {"count": str(len(found))}
        self.drafts.append(Draft("SCH-NAMESPACE", found[0], path, got=namespace, expected=(Phrase("no namespace"),),
                                 params=params, fix=fix))  # fmt: skip

    def stray_text(self, element: etree._Element) -> None:
        """Text between the children of a group."""
        texts = [element.text, *[child.tail for child in element]]
        stray = "".join(text for text in texts if text and text.strip(_BLANK))
        if stray:
            self.add("SCH-TEXT", element, got=masked(stray), value=stray.strip())

    def root_attributes(self) -> None:
        """The three attributes of the root; the two numbers repeat what the namespace says."""
        version = self.structure.version
        stated = {"sedGVer": version.major, "sedVer": version.minor}
        for name in self.root.keys():  # noqa: SIM118  # an element iterates over its children, not its attributes
            if str(name) not in _ROOT_ATTRIBUTES:
                self.attribute(self.root, str(name))
            elif name in stated and _IS_INT(value := self.root.get(name, "")) is not None:
                path = f"{path_of(self.root, self.root)}/@{name}"
                right = str(stated[str(name)])
                self.drafts.append(
                    Draft(
                        "SCH-ATTRIBUTE-VALUE",
                        self.root,
                        path,
                        got=masked(value, code=True),
                        value=value,
                        expected=(right,),
                        params={"attribute": str(name)},
                        fix=Fix("replace", path, right, determined=True),
                    )
                )

    def attributes(self, element: etree._Element, node: Node) -> bool:
        """Attributes below the root, where none but those of XML Schema itself may stand; false for a nil element."""
        for name in element.keys():  # noqa: SIM118  # an element iterates over its children, not its attributes
            if not str(name).startswith(_XSI) and not _is_code_as_attribute(node, element, str(name)):
                self.attribute(element, str(name))
        return self.xsi_attributes(element, node)

    def xsi_attributes(self, element: etree._Element, node: Node) -> bool:
        """``xsi:nil`` and ``xsi:type``; false for a nil element, whose content is not looked at."""
        stated = element.get(f"{_XSI}type")
        if stated is not None and stated.strip(_BLANK).rpartition(":")[2] != node.element.type_name:
            path = f"{path_of(element, self.root)}/@type"
            fix = Fix("remove", path, f"{_XSI}type")
            self.drafts.append(Draft("SCH-XSI-TYPE", element, path, got=masked(stated), value=stated, fix=fix))
        nil = element.get(f"{_XSI}nil")
        if nil is not None and not node.element.nillable:
            self.add("SCH-NIL", element)
            return bool(len(element) or element.text)  # nothing more to say of an element that is only nil
        return nil is None or nil.strip(_BLANK) not in ("true", "1")

    def attribute(self, element: etree._Element, name: str) -> None:
        if name.startswith(_XSI):
            return
        self.tick()
        path = f"{path_of(element, self.root)}/@{name.rpartition('}')[2]}"
        self.drafts.append(Draft("SCH-ATTRIBUTE", element, path, got=name.rpartition("}")[2],
                                 params={"attribute": name.rpartition("}")[2]}, fix=Fix("remove", path, name)))  # fmt: skip

    def unwrapped(self, node: Node, element: etree._Element) -> bool:
        """A code written without its ``value``: told as such when there is text, else the value is simply missing."""
        text = _xml.text_of(element)
        if not text.strip(_BLANK) and _is_code_as_attribute(node, element, "value"):
            text = element.get("value", "")
            return self.unwrapped_text(node, element, text)
        return self.unwrapped_text(node, element, text)

    def unwrapped_text(self, node: Node, element: etree._Element, text: str) -> bool:
        bare = text.strip(_BLANK)
        if not bare:
            return False
        value = node.children["value"]
        codes = _values(value)
        known = value.check is None or value.check(bare) is None
        near = bare if known else nearest_code(bare, codes, node.codes)[0]
        example = near or (codes[0] if codes else "01")
        name = node.element.name
        fix = Fix("wrap", path_of(element, self.root), near, determined=known) if near is not None else None
        self.add("SCH-UNWRAPPED", element, got=masked(bare, code=True), value=text, expected=(f"<value>{example}</value>",),
                 params={"example": f"<{name}><value>{example}</value></{name}>"}, fix=fix,
                 reference=node.element.type_name)  # fmt: skip
        return True

    def leaf(self, node: Node, element: etree._Element) -> None:
        if len(element):
            if any(isinstance(child.tag, str) for child in element):
                self.not_a_leaf(node, element)
                return
            text = _xml.text_of(element)
        else:
            text = element.text or ""
        if node.check is None:
            return
        fault = node.check(text)
        if fault is not None:
            self.value(node, element, text, *fault)
        elif node.blanks_matter and text and (text[0] <= " " or text[-1] <= " "):
            self.blanks(element, text)

    def blanks(self, element: etree._Element, text: str) -> None:
        """Blanks around a date or number: right by the standard, yet refused by some readers, libxml2 among them."""
        path = path_of(element, self.root)
        fix = Fix("replace", path, text.strip(_BLANK), determined=True)
        self.add("SCH-BLANKS", element, got=masked(text), value=text, severity=Severity.WARNING, fix=fix)

    def not_a_leaf(self, node: Node, element: etree._Element) -> None:
        children = list(_xml.elements(element))
        path = path_of(element, self.root)
        name = node.element.name
        if [_xml.local_name(child) for child in children] == ["value"] and not len(children[0]):
            inner = _xml.text_of(children[0])
            fine = node.check is None or node.check(inner) is None
            self.add("SCH-WRAPPED", element, got="value", params={"example": f"<{name}>...</{name}>"},
                     fix=Fix("unwrap", path, determined=True) if fine else None)  # fmt: skip
            return
        self.add("SCH-CHILDREN", element, got=", ".join(sorted({_xml.local_name(child) for child in children})[:5]))

    def value(self, node: Node, element: etree._Element, text: str, id: str, params: dict[str, str]) -> None:
        """A value that its facets do not allow."""
        self.tick()
        facets = node.element.facets or Facets()
        if id in ("SCH-DATE-FORM", "SCH-TYPE") and not text.strip(_BLANK):
            id, params = "SCH-EMPTY", {}
        path = path_of(element, self.root)
        code = node.of_code is not None
        fixed = self.mended_value(node, facets, text)
        fix = Fix("replace", path, fixed, determined=True) if fixed is not None else None
        expected: tuple[str, ...] = ()
        if id == "SCH-CODE":
            id, expected, params, fix = self.code(node, text, path, fix)
        elif id in ("SCH-DATE-FORM", "SCH-DATE-IMPOSSIBLE"):
            expected = (Phrase("a date as YYYY-MM-DD"),)
        elif "limit" in params:
            expected = (params["limit"],)
        elif "type" in params:
            expected = (params["type"],)
        elif "pattern" in params:
            expected = (params["pattern"],)
        at = element
        got = masked(text, code=code)
        if id in ("SCH-CODE-NEAR", "SCH-CODE-BLANKS") and fix is not None and fix.determined:
            got = " ".join(text.split())  # a code, its meaning or its ISO form: nobody's data
        if id.startswith("SCH-CODE"):
            params = {**params, "shown": _shown(got)}
        if node.of_code is not None and node.of_code.value_max == 1:
            at, path = _parent(element), path.rpartition("/")[0]
        self.drafts.append(Draft(id, at, path, got=got, value=text, expected=expected,
                                 params=params, fix=fix, reference=(node.of_code or node.element).type_name))  # fmt: skip

    def code(
        self, node: Node, text: str, path: str, fix: Fix | None
    ) -> tuple[str, tuple[str, ...], dict[str, str], Fix | None]:
        codes = _values(node)
        near, sure = nearest_code(text, codes, node.codes)
        params = {"codes": code_list_text(codes, node.codes)}
        if near is None:
            return "SCH-CODE", codes, params, fix
        label = next((code.label for code in node.codes.codes if code.value == near), near) if node.codes else near
        params |= {"near": near, "label": Phrase("the nearest code") if label == near else label}
        expected = (near, *(code for code in codes if code != near))
        id = "SCH-CODE-BLANKS" if text.strip(_BLANK) == near else "SCH-CODE-NEAR"
        return id, expected, params, Fix("replace", path, near, determined=True) if sure else fix

    def mended_value(self, node: Node, facets: Facets, text: str) -> str | None:
        """The allowed value that follows from the text: blanks cut, a date in another order, a number with a comma."""
        candidates = [text.strip(_BLANK + "\u00a0")]
        if facets.base == "date":
            candidates += _dates_meant(text.strip())
        elif facets.base == "decimal":
            candidates.append(text.strip().replace(",", "."))
        fine = [value for value in candidates if value != text and node.check is not None and node.check(value) is None]
        return fine[0] if fine else None

    def identity(self, node: Node, element: etree._Element) -> None:
        """The same code twice, or another identity constraint broken."""
        if node.element.unique_values:
            seen: Counter[str] = Counter()
            for child in _xml.elements(element):
                text = _xml.text_of(child)
                seen[text] += 1
                if seen[text] > 1:
                    got = masked(text, code=True)
                    self.add("SCH-DUPLICATE", child, got=got, value=text, params={"shown": _shown(got)},
                             fix=Fix("remove", path_of(child, self.root), determined=True))  # fmt: skip
        for unique in node.element.uniques:
            self.unique(element, unique.selector, unique.fields)

    def unique(self, element: etree._Element, selector: str, fields: tuple[str, ...]) -> None:
        seen: set[tuple[str, ...]] = set()
        for chosen in _select(element, selector):
            found = [_select(chosen, field) for field in fields]
            if not all(found):
                continue
            key = tuple(_xml.text_of(nodes[0]) for nodes in found)
            if key in seen:
                self.add("SCH-UNIQUE", chosen, params={"fields": ", ".join(fields)})
            seen.add(key)


def _is_code_as_attribute(node: Node, element: etree._Element, name: str) -> bool:
    """``<sex value="02"/>``: told as a code without its wrapping, not as an attribute too many and a value missing."""
    bare = name == "value" and node.kind is Kind.CODE and not len(element) and not (element.text or "").strip(_BLANK)
    return bare and bool(element.get(name, "").strip(_BLANK))


def _shown(got: str) -> str:
    return got if isinstance(got, Phrase) else f"`{got}`"


def _parent(element: etree._Element) -> etree._Element:
    parent = element.getparent()
    assert parent is not None
    return parent


def _select(element: etree._Element, path: str) -> list[etree._Element]:
    """The nodes of a selector or field: the small XPath of identity constraints, names without prefixes."""
    try:
        return element.findall(path) if path != "." else [element]
    except (SyntaxError, KeyError):
        return []  # what this reading does not know is left to the fast gear


def _values(node: Node) -> tuple[str, ...]:
    facets = node.element.facets
    if facets is not None and facets.enumeration:
        return facets.enumeration
    return node.codes.values if node.codes is not None else ()


def _dates_meant(text: str) -> list[str]:
    """Days that a text names in another order; only where there is no second reading."""
    found = _DAY_FIRST.fullmatch(text)
    if found:
        day, mark, month, year = int(found[1]), found[2], int(found[3]), found[4]
        if mark == "." or day > 12:
            return [f"{year}-{month:02}-{day:02}"]
        return []
    for form in (_WITH_TIME, _PLAIN_DATE):
        found = form.fullmatch(text)
        if found:
            meant = "-".join(found.groups())
            return [meant] if date_of(meant) else []
    return []


class _OpenWalk(_Walk):
    """For structures that are only partly known: what they do not name is reported, never refused, and order says nothing."""

    def mend(
        self, node: Node, element: etree._Element, children: list[etree._Element], names: tuple[str, ...]
    ) -> Sequence[tuple[etree._Element, Node]]:
        known = node.children
        pairs: list[tuple[etree._Element, Node]] = []
        for child, name in zip(children, names, strict=True):
            local = name.rpartition("}")[2]
            below = known.get(name) or known.get(local)
            if below is not None:
                pairs.append((child, below))
            elif known:
                self.unnamed(node, child, local)
        for tag, below in known.items():
            if below.element.known and _surely_required(node.particles, below.element) and tag not in names:
                path = f"{path_of(element, self.root)}/{below.element.name}"
                params = {"parent": node.element.name}
                self.drafts.append(Draft("SCH-MISSING-LAST", element, path, got=Phrase("nothing"), expected=(below.element.name,),
                                         params=params))  # fmt: skip
        return pairs

    def unnamed(self, node: Node, child: etree._Element, local: str) -> None:
        same = next((tag for tag in node.children if tag.casefold() == local.casefold()), None)
        if same is not None:
            self.add("SCH-CASE", child, got=local, expected=(same,), params={"wanted": same})
        else:
            self.add("SCH-UNNAMED", child, got=local, severity=Severity.INFO, params={"parent": node.element.name})

    def attributes(self, element: etree._Element, node: Node) -> bool:
        return element.get(f"{_XSI}nil") not in ("true", "1")

    def stray_text(self, element: etree._Element) -> None:
        """Said only where the structure is exact."""


def _surely_required(particles: Sequence[object], element: Element) -> bool:
    """Whether an element stands outside any choice and must occur."""
    return element.min > 0 and any(particle is element for particle in particles)
