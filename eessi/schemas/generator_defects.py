"""Near-misses: one defect put into a valid document, labelled with the finding it deserves."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable, Iterator
from typing import Final

import attrs
from lxml import etree

from eessi import _xml
from eessi.schemas.explain_codes import nearest_code
from eessi.schemas.explain_models import likeness
from eessi.schemas.explain_places import path_of
from eessi.schemas.explain_plan import Node
from eessi.schemas.explain_values import STRINGS
from eessi.schemas.structure import Choice, Element, Kind, Structure

__all__ = ["DEFECTS", "Broken", "Defective"]


@attrs.frozen(slots=True)
class Broken:
    """What a defect broke: id of the finding it deserves, and where."""

    rule: str
    path: str


class Defective:
    """A valid document about to be damaged. ``root`` may be replaced by the defect."""

    def __init__(self, root: etree._Element, plan: Node, structure: Structure, source: random.Random) -> None:
        self.root = root
        self.plan = plan
        self.structure = structure
        self.source = source

    def walk(self) -> Iterator[tuple[etree._Element, Node]]:
        """Every element with its node, the root first."""
        stack = [(self.root, self.plan)]
        while stack:
            element, node = stack.pop()
            yield element, node
            if node.kind in (Kind.GROUP, Kind.CODE):
                stack += [
                    (child, node.children[str(child.tag)]) for child in element if str(child.tag) in node.children
                ]

    def pick(self, fits: Callable[[etree._Element, Node], bool]) -> tuple[etree._Element, Node] | None:
        """A random place that fits."""
        places = [(element, node) for element, node in self.walk() if fits(element, node)]
        return self.source.choice(places) if places else None

    def groups(self) -> list[tuple[etree._Element, Node]]:
        """Groups, in random order."""
        found = [
            (element, node) for element, node in self.walk() if node.kind is Kind.GROUP and not node.element.unordered
        ]
        self.source.shuffle(found)
        return found

    def leaf(self, fits: Callable[[Node], bool] = lambda node: True) -> tuple[etree._Element, Node] | None:
        """A random plain leaf."""
        return self.pick(lambda _, node: node.kind is Kind.LEAF and node.of_code is None and fits(node))

    def code(self, fits: Callable[[Node], bool] = lambda node: True) -> tuple[etree._Element, Node] | None:
        """A random code element."""
        return self.pick(lambda _, node: node.kind is Kind.CODE and fits(node))

    def at(self, element: etree._Element) -> str:
        """Readable path."""
        return path_of(element, self.root)


def _names(element: etree._Element) -> list[str]:
    return [str(child.tag) for child in element]


def _parent(element: etree._Element) -> etree._Element:
    parent = element.getparent()
    assert parent is not None
    return parent


def _missing(document: Defective) -> Broken | None:
    for element, node in document.groups():
        required = [child for child in element if _stands_alone(node, str(child.tag))]
        document.source.shuffle(required)
        for child in required:
            if element.findall(str(child.tag)) != [child]:
                continue
            last = child.getnext() is None
            path = document.at(child)
            _take_out(child)
            return Broken("SCH-MISSING-LAST" if last else "SCH-MISSING", path)
    return None


def _stands_alone(node: Node, tag: str) -> bool:
    """Whether an element is required and stands outside any choice."""
    child = node.children.get(tag)
    return child is not None and child.element.min > 0 and any(particle is child.element for particle in node.particles)


def _take_out(child: etree._Element) -> None:
    before, parent = child.getprevious(), _parent(child)
    if child.getnext() is None and before is not None:
        before.tail = child.tail
    elif child.getnext() is None:
        parent.text = child.tail
    parent.remove(child)


def _choices(node: Node) -> list[Choice]:
    return [particle for particle in node.particles if isinstance(particle, Choice) and len(particle.branches) > 1
            and particle.max == 1 and all(len(branch) == 1 and isinstance(branch[0], Element) for branch in particle.branches)]  # fmt: skip


def _choice_never(document: Defective) -> Broken | None:
    for element, node in document.groups():
        for choice in _choices(node):
            if not choice.min or any(branch[0].min == 0 for branch in choice.branches):
                continue
            names = {inner.name for inner in choice.elements()}
            chosen = [child for child in element if str(child.tag) in names]
            if chosen:
                for child in chosen:
                    _take_out(child)
                return Broken("SCH-CHOICE-NONE", document.at(element))
    return None


def _choice_twice(document: Defective) -> Broken | None:
    from eessi.schemas.generator import Size, _Maker

    for element, node in document.groups():
        for choice in _choices(node):
            names = {inner.name for inner in choice.elements()}
            chosen = [child for child in element if str(child.tag) in names]
            if len(chosen) != 1:
                continue
            other = document.source.choice(sorted(names - {str(chosen[0].tag)}))
            second = etree.Element(other)
            below = node.children[other]
            if below.kind is Kind.LEAF:
                continue
            _Maker(document.source, Size.MINIMAL, 1)._fill(second, below, ())
            second.tail = chosen[0].tail
            chosen[0].addnext(second)
            return Broken("SCH-CHOICE-BOTH", document.at(second))
    return None


def _extra(document: Defective) -> Broken | None:
    for element, node in document.groups():
        name = document.source.choice(("remarkInternal", "Zusatz", "xFlag", "legacyCode"))
        if name in node.children or any(likeness(name, known) >= 0.6 for known in node.children):
            continue
        stranger = etree.Element(name)
        stranger.text = "synthetic"
        at = document.source.randint(0, len(element))
        element.insert(at, stranger)
        if at:
            stranger.tail = element[at - 1].tail
        return Broken("SCH-UNEXPECTED", document.at(stranger))
    return None


def _misplaced(document: Defective) -> Broken | None:
    for element, node in document.groups():
        children = list(element)
        if len(children) < 2:
            continue
        for _ in range(10):
            child, target = document.source.sample(children, 2)
            tails = [one.tail for one in children]
            document.source.choice((target.addprevious, target.addnext))(child)
            for one, tail in zip(element, tails, strict=True):
                one.tail = tail
            if not node.model.accepts(_names(element)):
                return Broken("SCH-ORDER", document.at(child))
            element[:] = children
            for one, tail in zip(children, tails, strict=True):
                one.tail = tail
    return None


def _misspelt(document: Defective) -> Broken | None:
    place = document.pick(lambda element, node: element is not document.root and len(node.element.name) >= 4)
    if place is None:
        return None
    element, node = place
    name = node.element.name
    known = set(_parent_node(document, element).children)
    for _ in range(20):
        at = document.source.randrange(1, len(name) - 1)
        wrong = document.source.choice((
            name[:at] + name[at + 1] + name[at] + name[at + 2 :], name[:at] + name[at + 1 :], name[:at] + name[at] + name[at:],
        ))  # fmt: skip
        near = max(known, key=lambda other: likeness(wrong, other))
        if (
            wrong not in known
            and wrong.casefold() != name.casefold()
            and near == name
            and likeness(wrong, name) >= 0.75
        ):
            element.tag = wrong
            return Broken("SCH-NAME", document.at(element))
    return None


def _parent_node(document: Defective, element: etree._Element) -> Node:
    parent = _parent(element)
    return next(node for other, node in document.walk() if other is parent)


def _letter_case(document: Defective) -> Broken | None:
    place = document.pick(lambda element, node: element is not document.root)
    if place is None:
        return None
    element, node = place
    name = node.element.name
    options = [name[0].swapcase() + name[1:], name.upper(), name.lower()]
    wrong = document.source.choice([option for option in options if option != name])
    if wrong in _parent_node(document, element).children:
        return None
    element.tag = wrong
    return Broken("SCH-CASE", document.at(element))


def _code_value(document: Defective, make: Callable[[Node, str], str | None], rule: str) -> Broken | None:
    for _ in range(30):
        place = document.code(lambda node: bool(node.children["value"].check))
        if place is None:
            return None
        element, node = place
        value = node.children["value"]
        child = document.source.choice(list(element))
        wrong = make(value, child.text or "")
        if wrong is not None and value.check is not None and value.check(wrong) is not None:
            child.text = wrong
            return Broken(rule, document.at(element if node.element.value_max == 1 else child))
    return None


def _values(node: Node) -> tuple[str, ...]:
    facets = node.element.facets
    return (facets.enumeration if facets is not None else ()) or (node.codes.values if node.codes is not None else ())


def _wrong_code(document: Defective) -> Broken | None:
    def make(node: Node, text: str) -> str | None:
        wrong = document.source.choice(("77", "QQ", "X9", "00"))
        return wrong if nearest_code(wrong, _values(node), node.codes)[0] is None else None

    return _code_value(document, make, "SCH-CODE")


def _iso_country(document: Defective) -> Broken | None:
    def make(node: Node, text: str) -> str | None:
        return {"EL": "GR", "UK": "GB"}.get(text)

    return _code_value(document, make, "SCH-CODE-NEAR")


def _code_label(document: Defective) -> Broken | None:
    def make(node: Node, text: str) -> str | None:
        labels = [code.label for code in node.codes.codes if code.value == text] if node.codes is not None else []
        same = (
            [code for code in node.codes.codes if code.label == labels[0]] if node.codes is not None and labels else []
        )
        return labels[0] if len(same) == 1 and labels[0] != text else None

    return _code_value(document, make, "SCH-CODE-NEAR")


def _unwrapped_code(document: Defective) -> Broken | None:
    place = document.pick(lambda element, node: node.kind is Kind.CODE and len(element) == 1)
    if place is None:
        return None
    element = place[0]
    text = element[0].text
    element.remove(element[0])
    element.text = text
    return Broken("SCH-UNWRAPPED", document.at(element))


def _wrapped_leaf(document: Defective) -> Broken | None:
    place = document.leaf(lambda node: node.check is not None)
    if place is None:
        return None
    element = place[0]
    text, element.text = element.text, None
    etree.SubElement(element, "value").text = text
    return Broken("SCH-WRAPPED", document.at(element))


def _leaf_children(document: Defective) -> Broken | None:
    place = document.leaf()
    if place is None:
        return None
    etree.SubElement(place[0], "b").text = "x"
    return Broken("SCH-CHILDREN", document.at(place[0]))


def _text_value(
    document: Defective, fits: Callable[[Node], bool], make: Callable[[Node, str], str | None], rule: str
) -> Broken | None:
    for _ in range(20):
        place = document.leaf(lambda node: node.check is not None and fits(node))
        if place is None:
            return None
        element, node = place
        wrong = make(node, element.text or "")
        if wrong is not None and node.check is not None and node.check(wrong) is not None:
            element.text = wrong
            return Broken(rule, document.at(element))
    return None


def _is_text(node: Node) -> bool:
    facets = node.element.facets
    return facets is not None and facets.base in STRINGS


def _pattern(document: Defective) -> Broken | None:
    return _text_value(
        document,
        lambda node: bool(node.element.facets and node.element.facets.patterns),
        lambda node, text: document.source.choice((text.replace(":", "-"), text + "!", text[:2], text + "0123456789")),
        "SCH-PATTERN",
    )


def _too_long(document: Defective) -> Broken | None:
    def make(node: Node, text: str) -> str | None:
        facets = node.element.facets
        assert facets is not None
        assert facets.max_length is not None
        return (text or "x") + "y" * (facets.max_length + document.source.randint(1, 9) - len(text))

    return _text_value(document, lambda node: _is_text(node) and bool(node.element.facets and node.element.facets.max_length),
                       make, "SCH-TOO-LONG")  # fmt: skip


def _empty(document: Defective) -> Broken | None:
    return _text_value(
        document,
        lambda node: _is_text(node) and bool(node.element.facets and node.element.facets.min_length),
        lambda node, text: "",
        "SCH-EMPTY",
    )


def _is_date(node: Node) -> bool:
    return node.element.facets is not None and node.element.facets.base == "date"


def _impossible_date(document: Defective) -> Broken | None:
    return _text_value(
        document,
        _is_date,
        lambda node, text: text[:5] + document.source.choice(("02-30", "04-31", "13-01", "11-00")),
        "SCH-DATE-IMPOSSIBLE",
    )


def _date_form(document: Defective) -> Broken | None:
    def make(node: Node, text: str) -> str | None:
        if len(text) != 10:
            return None
        year, month, day = text.split("-")
        return document.source.choice((f"{day}.{month}.{year}", f"{year}{month}{day}", f"{text}T00:00:00"))

    return _text_value(document, _is_date, make, "SCH-DATE-FORM")


def _blanks(document: Defective) -> Broken | None:
    def make(node: Node, text: str) -> str | None:
        return document.source.choice((" {}", "{} ", "\n{}\n")).format(text) if text in _values(node) else None

    return _code_value(document, make, "SCH-CODE-BLANKS")


def _child_namespace(document: Defective) -> Broken | None:
    place = document.pick(lambda element, node: element is not document.root)
    if place is None:
        return None
    element = place[0]
    element.tag = f"{{{document.structure.namespace}}}{_xml.local_name(element)}"
    return Broken("SCH-NAMESPACE", document.at(element))


def _default_namespace(document: Defective) -> Broken | None:
    """A default namespace on the root, which captures every child: the commonest slip of all."""
    text = _xml.serialise(document.root).replace(b"xmlns:s=", b"xmlns=").replace(b"<s:", b"<").replace(b"</s:", b"</")
    document.root = _xml.parse(text)
    return Broken("SCH-NAMESPACE", document.at(document.root[0]))


def _root_namespace(document: Defective) -> Broken | None:
    name = _xml.local_name(document.root)
    right = document.structure.namespace
    wrong = document.source.choice(
        (right + "x", right.lower() + "/", "urn:example:sed", right.removesuffix(name) + "Q999")
    )
    text = _xml.serialise(document.root).replace(right.encode(), wrong.encode(), 1)
    document.root = _xml.parse(text)
    return Broken("DOC-NAMESPACE", name)


def _repeated_code(document: Defective) -> Broken | None:
    place = document.code(lambda node: node.element.unique_values)
    if place is None:
        return None
    element = place[0]
    twin = copy.deepcopy(document.source.choice(list(element)))
    last = element[-1]
    element.append(twin)
    twin.tail = last.tail
    return Broken("SCH-DUPLICATE", document.at(twin))


def _repeated_element(document: Defective) -> Broken | None:
    for element, node in document.groups():
        children = list(element)
        document.source.shuffle(children)
        for child in children:
            twin = copy.deepcopy(child)
            child.addnext(twin)
            if not node.model.accepts(_names(element)):
                return Broken("SCH-REPEATED", document.at(twin))
            element.remove(twin)
    return None


def _attribute(document: Defective) -> Broken | None:
    place = document.pick(lambda element, node: element is not document.root)
    if place is None:
        return None
    place[0].set(document.source.choice(("id", "lang", "version")), "1")
    return Broken("SCH-ATTRIBUTE", document.at(place[0]))


def _root_attribute_value(document: Defective) -> Broken | None:
    name = document.source.choice(("sedGVer", "sedVer"))
    document.root.set(name, document.source.choice(("4.4", "four", "v4", "")))
    return Broken("SCH-ATTRIBUTE-VALUE", f"{_xml.local_name(document.root)}/@{name}")


def _stray_text(document: Defective) -> Broken | None:
    place = document.pick(lambda element, node: node.kind is Kind.GROUP and len(element) > 0)
    if place is None:
        return None
    element = place[0]
    child = document.source.choice(list(element))
    child.tail = "synthetic" + (child.tail or "")
    return Broken("SCH-TEXT", document.at(element))


def _level(document: Defective) -> Broken | None:
    """The wrapper of a list or group left out."""
    for element, node in document.groups():
        for child in list(element):
            below = node.children[str(child.tag)]
            inner = list(child)
            if below.kind is not Kind.GROUP or len(inner) != 1 or str(inner[0].tag) in node.children:
                continue
            if not below.model.accepts([str(inner[0].tag)]):
                continue
            inner[0].tail = child.tail
            element.replace(child, inner[0])
            return Broken("SCH-LEVEL", document.at(inner[0]))
    return None


def _level_of_several(document: Defective) -> Broken | None:
    """The wrapper left out around several children, as programs with flat records do."""
    for element, node in document.groups():
        for child in list(element):
            below = node.children[str(child.tag)]
            inner = list(child)
            names = [str(one.tag) for one in inner]
            others = {
                name for tag, other in node.children.items() if tag != child.tag for name in (tag, *_inside(other))
            }
            if below.kind is not Kind.GROUP or len(set(names)) < 2 or len(element.findall(str(child.tag))) > 1:
                continue
            if str(child.tag) in names or others & set(below.children):
                continue
            for one in inner:
                child.addprevious(one)
            inner[-1].tail = child.tail
            element.remove(child)
            return Broken("SCH-LEVEL", document.at(inner[0]))
    return None


def _inside(node: Node) -> tuple[str, ...]:
    return tuple(node.children) if node.kind is Kind.GROUP else ()


def _level_too_many(document: Defective) -> Broken | None:
    """A list element that the schema does not have, around the entries of a list."""
    for element, node in document.groups():
        for child in list(element):
            tag = str(child.tag)
            same = element.findall(tag)
            wrapper = f"{_xml.local_name(child)}s"
            if node.children[tag].kind is not Kind.GROUP or wrapper in node.children:
                continue
            if any(likeness(wrapper, other) > likeness(wrapper, tag) for other in node.children if other != tag):
                continue
            made = etree.Element(wrapper)
            same[0].addprevious(made)
            for one in same:
                made.append(one)
            made.tail, same[-1].tail = same[-1].tail, None
            return Broken("SCH-LEVEL-EXTRA", document.at(made))
    return None


DEFECTS: Final[dict[str, Callable[[Defective], Broken | None]]] = {
    "missing": _missing,
    "choice-never": _choice_never,
    "choice-twice": _choice_twice,
    "extra": _extra,
    "misplaced": _misplaced,
    "misspelt": _misspelt,
    "letter-case": _letter_case,
    "level": _level,
    "level-of-several": _level_of_several,
    "level-too-many": _level_too_many,
    "repeated-element": _repeated_element,
    "wrong-code": _wrong_code,
    "iso-country": _iso_country,
    "code-label": _code_label,
    "blanks": _blanks,
    "unwrapped-code": _unwrapped_code,
    "wrapped-leaf": _wrapped_leaf,
    "leaf-children": _leaf_children,
    "repeated-code": _repeated_code,
    "pattern": _pattern,
    "too-long": _too_long,
    "empty": _empty,
    "impossible-date": _impossible_date,
    "date-form": _date_form,
    "child-namespace": _child_namespace,
    "default-namespace": _default_namespace,
    "root-namespace": _root_namespace,
    "attribute": _attribute,
    "root-attribute": _root_attribute_value,
    "stray-text": _stray_text,
}
"""Kind of near-miss -> what puts it in; ``None`` where the document offers no place for it."""
