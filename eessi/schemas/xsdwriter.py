"""From a structure back to XML Schema text: what the shipped packages are compiled from and exported as.

Law: ``resolve(write(s)) == s`` for every structure without open content and without ``unmodelled`` parts. An open
structure is written as a root that takes anything, since it describes and never refuses. How well the tree is known
stands in the schema as ``appinfo``, so that an exported schema cannot come back as an exact one.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from lxml import etree

from eessi._xml import quoted
from eessi.errors import UsageError
from eessi.schemas.structure import CodeList, Element, Facets, Kind, Particle, Structure
from eessi.schemas.words import literal_pattern

__all__ = ["DS", "FIDELITY_SOURCE", "LABEL_SOURCE", "XADES", "XSD", "fidelity_mark", "write"]

XSD: Final = "http://www.w3.org/2001/XMLSchema"
DS: Final = "http://www.w3.org/2000/09/xmldsig#"
XADES: Final = "http://uri.etsi.org/01903/v1.3.2#"
FIDELITY_SOURCE: Final = "urn:eessi-toolkit:fidelity"
LABEL_SOURCE: Final = "urn:eessi-toolkit:label"

_ROOT_ATTRIBUTES: Final = (
    '<xsd:attribute name="sedPackage" type="xsd:string"/>'
    '<xsd:attribute name="sedGVer" type="xsd:int"/>'
    '<xsd:attribute name="sedVer" type="xsd:int"/>'
)
_FACET_NAMES: Final = (
    ("length", "length"),
    ("min_length", "minLength"),
    ("max_length", "maxLength"),
    ("white_space", "whiteSpace"),
    ("min_inclusive", "minInclusive"),
    ("max_inclusive", "maxInclusive"),
    ("min_exclusive", "minExclusive"),
    ("max_exclusive", "maxExclusive"),
    ("total_digits", "totalDigits"),
    ("fraction_digits", "fractionDigits"),
)


def fidelity_mark(root: etree._Element) -> list[str]:
    """What :func:`write` put down about how well the tree is known (``["observed", "open", "unordered"]``), or nothing."""
    for note in root.iterchildren(f"{{{XSD}}}annotation"):
        for info in note.iterchildren(f"{{{XSD}}}appinfo"):
            if info.get("source") == FIDELITY_SOURCE:
                return (info.text or "").split()
    return []


def write(structure: Structure, *, annotations: bool = True) -> str:
    """The schema of a SED as text, with ``XAdES.xsd`` and ``xmldsig-core-schema.xsd`` imported beside it.

    :param annotations: write code texts and labels; leave them out to compile faster.
    :raises UsageError: for what a single schema document cannot say (elements of a foreign namespace).
    """
    return _Writer(structure, annotations).text()


class _Writer:
    """Writes one schema; holds the types written so far and the named types around the present place."""

    def __init__(self, structure: Structure, annotations: bool) -> None:
        self.structure = structure
        self.annotations = annotations
        self.definitions: list[str] = []
        self.named: dict[str, object] = {}
        self.path: list[tuple[str | None, str]] = []
        self.constraints = 0

    def text(self) -> str:
        structure = self.structure
        root = structure.root
        if structure.open:
            body = f'<xsd:element name="{root.name}"/>'
        else:
            content = self._content(root, root_attributes=True)
            body = (
                f'<xsd:element name="{root.name}">{self._notes(root.labels)}{content}{self._unique(root)}</xsd:element>'
            )
        return (
            '<?xml version="1.0" encoding="UTF-8"?>\n'
            f'<xsd:schema xmlns:xsd="{XSD}" xmlns:s="{structure.namespace}" xmlns:ds="{DS}" '
            f'targetNamespace="{structure.namespace}" elementFormDefault="unqualified" version="{structure.version}">'
            f'<xsd:annotation><xsd:appinfo source="{FIDELITY_SOURCE}">{structure.fidelity}'
            f"{' open' if structure.open else ''}{'' if structure.order_known else ' unordered'}</xsd:appinfo></xsd:annotation>"
            f'<xsd:import namespace="{XADES}" schemaLocation="XAdES.xsd"/>'
            f'<xsd:import namespace="{DS}" schemaLocation="xmldsig-core-schema.xsd"/>'
            f"{''.join(self.definitions)}{body}</xsd:schema>\n"
        )

    def _element(self, element: Element) -> str:
        occurs = _occurs(element.min, element.max)
        if element.kind is Kind.SIGNATURE:
            return f'<xsd:element ref="ds:Signature"{occurs}/>'
        if element.namespace not in (None, self.structure.namespace):
            raise UsageError(f"the element {element.name} of namespace {element.namespace} needs a schema of its own")
        form = ' form="qualified"' if element.namespace else ""
        more = ' nillable="true"' if element.nillable else ""
        if element.default is not None:
            more += f" default={quoted(element.default)}"
        type_name, inline = self._type(element)
        typed = f' type="{type_name}"' if type_name else ""
        inside = self._notes(element.labels) + inline + self._unique(element)
        head = f'<xsd:element name="{element.name}"{form}{occurs}{typed}{more}'
        return f"{head}>{inside}</xsd:element>" if inside else f"{head}/>"

    def _type(self, element: Element) -> tuple[str | None, str]:
        """Name of the element's type, or its definition in place where it has no name."""
        if element.recursive:
            return self._ancestor(element), ""
        if element.kind is Kind.LEAF:
            return self._simple(element)
        if not element.type_name:
            return None, self._content(element)
        body = _body(element)
        name = self._name(element.type_name, body)
        if name not in self.named:
            self.named[name] = body
            self.path.append((element.type_name, name))
            definition = self._content(element, name=name)
            self.path.pop()
            self.definitions.append(definition)
        return f"s:{name}", ""

    def _name(self, wanted: str, body: object) -> str:
        """A free or fitting name: the same name for the same body, another one where two types share a label."""
        base = wanted if wanted.isidentifier() or wanted.replace("-", "_").replace(".", "_").isidentifier() else "Type"
        name, number = base, 1
        while name in self.named and (self.named[name] != body or _is_open(body)):
            number += 1
            name = f"{base}_{number}"
        return name

    def _ancestor(self, element: Element) -> str:
        for label, name in reversed(self.path):
            if label == element.type_name:
                return f"s:{name}"
        raise UsageError(f"{element.name} repeats a type that stands nowhere above it")

    def _content(self, element: Element, *, name: str | None = None, root_attributes: bool = False) -> str:
        """The complex type of a group or code."""
        named = f' name="{name}"' if name else ""
        notes, attributes = "", _ROOT_ATTRIBUTES if root_attributes else ""
        if element.kind is Kind.CODE:
            notes = self._code_notes(element.codes)
            facets = element.facets or Facets()
            value = _simple_type(facets, self._texts(element.codes, facets))
            particles = f'<xsd:element name="value"{_occurs(1, element.value_max)}>{value}</xsd:element>'
        else:
            particles = "".join(map(self._particle, element.children))
        model = "all" if element.unordered else "sequence"
        return f"<xsd:complexType{named}>{notes}<xsd:{model}>{particles}</xsd:{model}>{attributes}</xsd:complexType>"

    def _particle(self, particle: Particle) -> str:
        if isinstance(particle, Element):
            return self._element(particle)
        occurs = _occurs(particle.min, particle.max)
        if len(particle.branches) == 1:
            return f"<xsd:sequence{occurs}>{''.join(map(self._particle, particle.branches[0]))}</xsd:sequence>"
        return f"<xsd:choice{occurs}>{''.join(map(self._branch, particle.branches))}</xsd:choice>"

    def _branch(self, branch: tuple[Particle, ...]) -> str:
        inside = "".join(map(self._particle, branch))
        return inside if len(branch) == 1 else f"<xsd:sequence>{inside}</xsd:sequence>"

    def _simple(self, element: Element) -> tuple[str | None, str]:
        facets = element.facets or Facets()
        if facets == Facets(base=facets.base) and not element.codes:
            return f"xsd:{facets.base}", ""
        texts = self._texts(element.codes, facets)
        if not element.type_name:
            return None, _simple_type(facets, texts, self._code_notes(element.codes))
        body = (facets, element.codes)
        name = self._name(element.type_name, body)
        if name not in self.named:
            self.named[name] = body
            self.definitions.append(_simple_type(facets, texts, self._code_notes(element.codes), name=name))
        return f"s:{name}", ""

    def _texts(self, codes: CodeList | None, facets: Facets) -> bool:
        return bool(self.annotations and codes and facets.enumeration)

    def _unique(self, element: Element) -> str:
        rules: list[tuple[str, str, tuple[str, ...]]] = [("unique", "value", (".",))] if element.unique_values else []
        rules += [("key" if rule.key else "unique", rule.selector, rule.fields) for rule in element.uniques]
        return "".join(map(self._constraint, rules))

    def _constraint(self, rule: tuple[str, str, Iterable[str]]) -> str:
        kind, selector, fields = rule
        self.constraints += 1
        paths = "".join(f"<xsd:field xpath={quoted(field)}/>" for field in fields)
        return (
            f'<xsd:{kind} name="UniqueConstraint{self.constraints}"><xsd:selector xpath={quoted(selector)}/>'
            f"{paths}</xsd:{kind}>"
        )

    def _notes(self, labels: dict[str, str]) -> str:
        if not self.annotations or not labels:
            return ""
        texts = "".join(
            f'<xsd:documentation source="{LABEL_SOURCE}" xml:lang={quoted(lang)}>{_escape(text)}</xsd:documentation>'
            for lang, text in labels.items()
        )
        return f"<xsd:annotation>{texts}</xsd:annotation>"

    def _code_notes(self, codes: CodeList | None) -> str:
        if not self.annotations or not codes:
            return ""
        languages = dict.fromkeys(lang for code in codes.codes for lang in code.labels)
        texts = "".join(
            f"<xsd:documentation xml:lang={quoted(lang)}>"
            + "".join(
                f"<CodeListEntry><value>{_escape(code.value)}</value>"
                f"<definition>{_escape(code.labels[lang])}</definition></CodeListEntry>"
                for code in codes.codes
                if lang in code.labels
            )
            + "</xsd:documentation>"
            for lang in languages
        )
        return f"<xsd:annotation>{texts}</xsd:annotation>" if texts else ""


def _simple_type(facets: Facets, texts: bool = False, notes: str = "", *, name: str | None = None) -> str:
    """A simple type: one restriction, and one more around it for each further pattern, since all must match."""
    named = f' name="{name}"' if name else ""
    rows = "".join(
        f"<xsd:{tag} value={quoted(str(value))}/>"
        for field, tag in _FACET_NAMES
        if (value := getattr(facets, field)) is not None
    )
    patterns = list(facets.patterns)
    words = literal_pattern(facets)
    if words is not None:
        patterns.insert(0, words)
    else:
        rows += "".join(f"<xsd:enumeration value={quoted(word)}/>" for word in facets.enumeration)
    first = f"<xsd:pattern value={quoted(patterns[0])}/>" if patterns else ""
    inner = f'<xsd:restriction base="xsd:{facets.base}">{rows}{first}</xsd:restriction>'
    for pattern in patterns[1:]:
        step = f"<xsd:simpleType>{inner}</xsd:simpleType><xsd:pattern value={quoted(pattern)}/>"
        inner = f"<xsd:restriction>{step}</xsd:restriction>"
    return f"<xsd:simpleType{named}>{notes if name or texts else ''}{inner}</xsd:simpleType>"


def _body(element: Element) -> Element:
    """What of an element belongs to its type."""
    return Element(
        name="",
        kind=element.kind,
        children=element.children,
        facets=element.facets,
        codes=element.codes,
        value_max=element.value_max,
        type_name=element.type_name,
        recursive=element.recursive,
        unordered=element.unordered,
    )


def _is_open(body: object, below: tuple[str | None, ...] = ()) -> bool:
    """Whether a body repeats a type that stands above it, so that its meaning depends on its place."""
    if not isinstance(body, Element):
        return False
    if body.recursive:
        return body.type_name not in below
    return any(_is_open(child, (*below, body.type_name)) for child in body.elements())


def _occurs(low: int, high: int | None) -> str:
    least = "" if low == 1 else f' minOccurs="{low}"'
    return least + ("" if high == 1 else f' maxOccurs="{"unbounded" if high is None else high}"')


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
