"""From schema files to the resolved structure of a SED: one canonical tree, whatever the layout of the files.

Includes, imports, redefinitions, groups, extensions and restrictions are worked in; a sequence inside a sequence is
opened; a pattern that lists words becomes the list. What XML Schema can say and the tree cannot is named in
``Structure.unmodelled``, never dropped silently.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import attrs
from lxml import etree

from eessi.errors import PackageError
from eessi.ids import CdmVersion, SedType
from eessi.schemas.codetexts import code_list, labels_of
from eessi.schemas.declarations import BUILTIN, Declarations, Declared, Scope
from eessi.schemas.documents import UNFOLDED, XS, DocumentSet, qualified
from eessi.schemas.facets import SimpleTypes
from eessi.schemas.particles import repeated, sequence
from eessi.schemas.structure import (
    Choice,
    CodeList,
    Element,
    Facets,
    Fidelity,
    Kind,
    Particle,
    Structure,
    Unique,
)

__all__ = ["resolve"]

_SIGNATURE: Final = "{http://www.w3.org/2000/09/xmldsig#}Signature"
_ROOT_ATTRIBUTES: Final = {"sedPackage": "string", "sedGVer": "int", "sedVer": "int"}


def resolve(
    documents: DocumentSet,
    main: str,
    sed: SedType,
    version: CdmVersion,
    *,
    fidelity: Fidelity = Fidelity.EXACT,
    open: bool = False,
    order_known: bool = True,
) -> Structure:
    """Resolve the SED whose document element is declared in ``main``.

    :raises PackageError: when something is missing or means nothing.
    """
    declarations = Declarations.of(documents, main)
    namespace = documents.document(main).target
    builder = _Builder(declarations, SimpleTypes(declarations))
    try:
        root = builder.root(qualified(namespace, sed))
    except RecursionError:
        raise PackageError(f"{documents.package}: the definitions of {sed} in {main} go round in a circle") from None
    return Structure(
        sed=sed,
        version=version,
        namespace=namespace or "",
        root=root,
        fidelity=fidelity,
        open=open,
        order_known=order_known,
        unmodelled=tuple(dict.fromkeys(builder.unmodelled)),
    )


@attrs.frozen(slots=True)
class _Body:
    """What a type contributes to every element that has it."""

    kind: Kind
    children: tuple[Particle, ...] = ()
    facets: Facets | None = None
    codes: CodeList | None = None
    value_max: int | None = 1
    unordered: bool = False
    attributes: tuple[tuple[str, str, bool], ...] = ()
    notes: tuple[str, ...] = ()
    repeats: frozenset[str] = frozenset()
    """Types further up that this body enters again: with these it means something only at its place."""
    enters: frozenset[str] = frozenset()
    """Types opened inside: where one of them stands further up, this body would be another."""
    size: int = 0
    """Elements below, counted as often as they appear."""


@attrs.define(slots=True)
class _Below:
    """Gathered while the content of one type is worked out."""

    notes: list[str] = attrs.field(factory=list)
    repeats: set[str] = attrs.field(factory=set)
    enters: set[str] = attrs.field(factory=set)
    size: int = 0


_EMPTY: Final = _Body(Kind.GROUP)


@attrs.define(slots=True, eq=False)
class _Builder:
    declarations: Declarations
    simple: SimpleTypes
    bodies: dict[str, _Body] = attrs.field(factory=dict)
    entered: list[str] = attrs.field(factory=list)
    unmodelled: list[str] = attrs.field(factory=list)
    particles: int = 0

    # elements

    def root(self, name: str) -> Element:
        declared = self.declarations.find("element", name)
        element, body = self._declared_element(declared.node, declared.scope, 1, 1, in_namespace=False)
        self.unmodelled += [f"{element.name}: {note}" for note in body.notes]
        if {(name, base) for name, base, needed in body.attributes if not needed} != set(
            _ROOT_ATTRIBUTES.items()
        ) or any(needed for _, _, needed in body.attributes):
            shown = ", ".join(sorted(name for name, _, _ in body.attributes)) or "none"
            if element.children or body.attributes:
                self.unmodelled.append(f"{element.name}: attributes of the root: {shown}")
        return element

    def _element(self, node: etree._Element, scope: Scope, below: _Below) -> Particle | None:
        low, high = occurs(node)
        if high == 0:
            return None
        reference = node.get("ref")
        if reference is None:
            form = node.get("form") or ("qualified" if scope.qualifies_elements else "unqualified")
            return self._local(node, scope, low, high, below, in_namespace=form == "qualified")
        name = scope.qname(node, reference)
        if name == _SIGNATURE:
            return Element(name="Signature", kind=Kind.SIGNATURE, min=low, max=high)
        members = [name, *self._substitutes(name)]
        found = [
            member
            for member in (self.declarations.find("element", key) for key in members)
            if member.node.get("abstract") not in ("true", "1")
        ]
        elements = [self._local(member.node, member.scope, 1, 1, below, in_namespace=True) for member in found]
        if len(elements) == 1:
            return attrs.evolve(elements[0], min=low, max=high)
        return Choice(tuple((element,) for element in elements), low, high)

    def _substitutes(self, name: str) -> list[str]:
        direct = self.declarations.substitutes.get(name, [])
        return direct + [deeper for member in direct for deeper in self._substitutes(member)]

    def _local(
        self,
        node: etree._Element,
        scope: Scope,
        low: int,
        high: int | None,
        below: _Below,
        *,
        in_namespace: bool,
    ) -> Element:
        element, body = self._declared_element(node, scope, low, high, in_namespace=in_namespace)
        notes = below.notes
        notes += [f"{element.name}: {note}" if ": " not in note else f"{element.name}/{note}" for note in body.notes]
        if body.attributes:
            notes.append(f"{element.name}: attributes {', '.join(sorted(name for name, _, _ in body.attributes))}")
        if node.get("fixed") is not None:
            notes.append(f"{element.name}: fixed value")
        below.repeats |= body.repeats
        below.enters |= body.enters
        below.size += 1 + body.size
        if below.size > UNFOLDED:
            raise PackageError(f"{self.declarations.package}: the schema unfolds to more than {UNFOLDED:,} elements")
        return element

    def _declared_element(
        self, node: etree._Element, scope: Scope, low: int, high: int | None, *, in_namespace: bool
    ) -> tuple[Element, _Body]:
        body, type_name, recursive = self._type_of(node, scope)
        uniques, unique_values, notes = self._constraints(node, body)
        if notes:
            body = attrs.evolve(body, notes=(*body.notes, *notes))
        element = Element(
            name=str(node.get("name")),
            kind=body.kind,
            min=low,
            max=high,
            children=() if recursive else body.children,
            facets=body.facets,
            codes=_named_list(body.codes, str(node.get("name"))),
            value_max=body.value_max,
            unique_values=unique_values,
            type_name=type_name,
            labels=labels_of(node),
            recursive=recursive,
            nillable=node.get("nillable") in ("true", "1"),
            default=node.get("default"),
            namespace=scope.namespace if in_namespace else None,
            unordered=body.unordered,
            uniques=uniques,
        )
        return element, body

    def _type_of(self, node: etree._Element, scope: Scope) -> tuple[_Body, str | None, bool]:
        """Body, name and whether the type is entered again."""
        named = node.get("type")
        if named is not None:
            return self._named_type(scope.qname(node, named), None)
        for child in node:
            if child.tag == f"{XS}simpleType":
                return self._leaf(child, scope, [node]), None, False
            if child.tag == f"{XS}complexType":
                return self._complex(Declared(child, scope), texts=[node]), None, False
        head = node.get("substitutionGroup")
        if head is not None:
            declared = self.declarations.find("element", scope.qname(node, head))
            return self._type_of(declared.node, declared.scope)
        return attrs.evolve(_EMPTY, notes=("takes anything (xsd:anyType)",)), None, False

    def _constraints(self, node: etree._Element, body: _Body) -> tuple[tuple[Unique, ...], bool, list[str]]:
        uniques, values, notes = [], False, []
        for rule in node:
            if rule.tag not in (f"{XS}unique", f"{XS}key", f"{XS}keyref"):
                continue
            selectors = [str(part.get("xpath", "")).strip() for part in rule if part.tag == f"{XS}selector"]
            fields = tuple(str(part.get("xpath", "")).strip() for part in rule if part.tag == f"{XS}field")
            selector = selectors[0] if selectors else ""
            if (
                rule.tag == f"{XS}unique"
                and body.kind is Kind.CODE
                and selector in ("value", "./value")
                and fields == (".",)
            ):
                values = True
            elif rule.tag == f"{XS}keyref" or ":" in selector + "".join(fields):
                notes.append(f"identity constraint {rule.get('name')}")
            else:
                uniques.append(Unique(selector, fields, rule.tag == f"{XS}key"))
        return tuple(sorted(uniques, key=repr)), values, notes

    # types

    def _named_type(self, name: str, at: Declared | None) -> tuple[_Body, str | None, bool]:
        namespace, _, local = name.removeprefix("{").rpartition("}")
        if namespace == BUILTIN:
            if local == "anyType":
                return attrs.evolve(_EMPTY, notes=("takes anything (xsd:anyType)",)), None, False
            return _Body(Kind.LEAF, facets=self.simple.builtin(local)), None, False
        if name in self.entered and at is None:
            return _Body(Kind.GROUP, repeats=frozenset((name,))), local, True
        known = self.bodies.get(name) if at is None else None
        if known is not None and known.enters.isdisjoint(self.entered):
            return known, local, False
        declared = self.declarations.find("type", name, at)
        self.entered.append(name)
        try:
            if declared.node.tag == f"{XS}simpleType":
                body = self._leaf(declared.node, declared.scope, [], at=declared)
            else:
                body = self._complex(declared)
        finally:
            self.entered.pop()
        body = attrs.evolve(body, repeats=body.repeats - {name}, enters=body.enters | {name})
        body = attrs.evolve(body, codes=_named_list(body.codes, local.replace("Multiple", "")))
        if at is None and not body.repeats & set(self.entered):
            self.bodies[name] = body
        return body, local, False

    def _leaf(
        self, node: etree._Element, scope: Scope, texts: list[etree._Element], at: Declared | None = None
    ) -> _Body:
        facets, notes, sources = self.simple.facets(Declared(node, scope, at.original if at else None))
        codes = code_list(facets, [*sources, *texts], always=False)
        return _Body(Kind.LEAF, facets=facets, codes=codes, notes=tuple(notes))

    def _complex(self, declared: Declared, texts: Iterable[etree._Element] = ()) -> _Body:
        node = declared.node
        content = next(
            (child for child in node if child.tag in (f"{XS}simpleContent", f"{XS}complexContent")),
            None,
        )
        below = _Below(["abstract type"] if node.get("abstract") in ("true", "1") else [])
        if node.get("mixed") in ("true", "1"):
            below.notes.append("mixed content")
        if content is None:
            body = self._model(node, declared, below)
        elif content.tag == f"{XS}simpleContent":
            body = self._simple_content(content, declared, below)
        else:
            body = self._complex_content(content, declared, below)
        return _recognise_code(body, [node, *texts])

    def _model(self, parent: etree._Element, at: Declared, below: _Below) -> _Body:
        """Particles and attributes right below ``parent``."""
        children: tuple[Particle, ...] = ()
        unordered = False
        for node in parent:
            if node.tag in (f"{XS}sequence", f"{XS}choice", f"{XS}group", f"{XS}all"):
                unordered = unordered or self._is_all(node, at)
                children += self._particle(node, at, below)
        return _Body(
            Kind.GROUP,
            children=children,
            unordered=unordered and len(children) > 1,
            attributes=self._attributes(parent, at, below),
            notes=tuple(below.notes),
            repeats=frozenset(below.repeats),
            enters=frozenset(below.enters),
            size=below.size,
        )

    def _is_all(self, node: etree._Element, at: Declared) -> bool:
        if node.tag == f"{XS}group":
            group = self.declarations.find("group", at.scope.qname(node, str(node.get("ref"))), at)
            return any(self._is_all(child, group) for child in group.node)
        return bool(node.tag == f"{XS}all")

    def _simple_content(self, content: etree._Element, at: Declared, below: _Below) -> _Body:
        step = _derivation(content)
        base, _, _ = self._named_type(at.scope.qname(step, str(step.get("base"))), at)
        if base.kind is not Kind.LEAF:
            raise PackageError(
                f"{self.declarations.package}: line {step.sourceline}: simple content of a type without text"
            )
        facets = self.simple.restrict(base.facets or Facets(), step)
        attributes = (*base.attributes, *self._attributes(step, at, below))
        codes = code_list(facets, [at.node, step], always=False) or base.codes
        return attrs.evolve(base, facets=facets, codes=codes, attributes=attributes, notes=(*base.notes, *below.notes))

    def _complex_content(self, content: etree._Element, at: Declared, below: _Below) -> _Body:
        if content.get("mixed") in ("true", "1"):
            below.notes.append("mixed content")
        step = _derivation(content)
        base_name = at.scope.qname(step, str(step.get("base")))
        if base_name == qualified(BUILTIN, "anyType"):
            base = _EMPTY
        else:
            base, _, _ = self._named_type(base_name, at)
        base = _opened(base)
        own = self._model(step, at, below)
        attributes = {name: (name, type_, needed) for name, type_, needed in (*base.attributes, *own.attributes)}
        if step.tag == f"{XS}extension":
            children = (*base.children, *own.children)
            notes = [*base.notes, *own.notes]
            unordered = (base.unordered or own.unordered) and len(children) > 1
        else:
            children, notes, unordered = own.children, list(own.notes), own.unordered
        return _Body(
            Kind.GROUP,
            children=children,
            unordered=unordered,
            attributes=tuple(attributes.values()),
            notes=tuple(dict.fromkeys(notes)),
            repeats=base.repeats | own.repeats,
            enters=base.enters | own.enters,
            size=base.size + own.size,
        )

    # particles

    def _particle(self, node: etree._Element, at: Declared, below: _Below) -> tuple[Particle, ...]:
        low, high = occurs(node)
        if high == 0:
            return ()
        self.particles += 1
        if self.particles > UNFOLDED:
            raise PackageError(f"{self.declarations.package}: the schema unfolds to more than {UNFOLDED:,} elements")
        if node.tag == f"{XS}element":
            element = self._element(node, at.scope, below)
            return (element,) if element else ()
        if node.tag == f"{XS}any":
            below.notes.append("takes further elements (xsd:any)")
            return ()
        if node.tag == f"{XS}group":
            group = self.declarations.find("group", at.scope.qname(node, str(node.get("ref"))), at)
            inside = [part for child in group.node for part in self._particle(child, group, below)]
            return repeated(sequence(inside), low, high)
        if node.tag in (f"{XS}sequence", f"{XS}all"):
            inside = [part for child in node for part in self._particle(child, at, below)]
            return repeated(sequence(inside), low, high)
        if node.tag == f"{XS}choice":
            branches = [self._particle(child, at, below) for child in node if child.tag in _PARTICLES]
            return _choice(branches, low, high)
        return ()

    # attributes

    def _attributes(self, parent: etree._Element, at: Declared, below: _Below) -> tuple[tuple[str, str, bool], ...]:
        found: list[tuple[str, str, bool]] = []
        for node in parent:
            if node.tag == f"{XS}attribute" and node.get("use") != "prohibited":
                found.append(self._attribute(node, at))
            elif node.tag == f"{XS}attributeGroup":
                group = self.declarations.find("attributeGroup", at.scope.qname(node, str(node.get("ref"))), at)
                found += self._attributes(group.node, group, below)
            elif node.tag == f"{XS}anyAttribute":
                below.notes.append("takes further attributes (xsd:anyAttribute)")
        return tuple(found)

    def _attribute(self, node: etree._Element, at: Declared) -> tuple[str, str, bool]:
        needed = node.get("use") == "required"
        reference = node.get("ref")
        if reference is not None:
            name = at.scope.qname(node, reference)
            return name, "", needed
        named = node.get("type")
        base = "" if named is None else at.scope.qname(node, named)
        if named is not None and not base.startswith(f"{{{BUILTIN}}}"):
            body, _, _ = self._named_type(base, None)
            plain = body.facets is not None and body.facets == Facets(base=body.facets.base)
            return str(node.get("name")), body.facets.base if plain and body.facets else base, needed
        preset = "" if node.get("default") is None and node.get("fixed") is None else " with a preset value"
        return str(node.get("name")), base.rpartition("}")[2] + preset, needed


_PARTICLES: Final = frozenset(f"{XS}{name}" for name in ("element", "any", "group", "sequence", "choice", "all"))


def occurs(node: etree._Element) -> tuple[int, int | None]:
    """``minOccurs`` and ``maxOccurs`` of a particle; ``None`` for unbounded."""
    low, high = node.get("minOccurs", "1").strip(), node.get("maxOccurs", "1").strip()
    try:
        return int(low), None if high == "unbounded" else int(high)
    except ValueError:
        raise PackageError(f"line {node.sourceline}: minOccurs or maxOccurs is not a number") from None


def _derivation(content: etree._Element) -> etree._Element:
    for child in content:
        if child.tag in (f"{XS}extension", f"{XS}restriction"):
            return child
    raise PackageError(f"line {content.sourceline}: neither extension nor restriction")


def _choice(branches: list[tuple[Particle, ...]], low: int, high: int | None) -> tuple[Particle, ...]:
    """A choice in its plain form: inner choices opened, an empty branch said as optional, a lone branch as it is."""
    opened: list[tuple[Particle, ...]] = []
    for branch in branches:
        inner = branch[0] if len(branch) == 1 else None
        if isinstance(inner, Choice) and len(inner.branches) > 1 and (inner.min, inner.max) == (1, 1):
            opened += inner.branches
        else:
            opened.append(branch)
    filled = [branch for branch in opened if branch]
    if len(filled) < len(opened):
        low = 0
    if not filled:
        return ()
    if len(filled) == 1:
        return repeated(filled[0], low, high)
    return (Choice(tuple(filled), low, high),)


def _named_list(codes: CodeList | None, name: str) -> CodeList | None:
    """The list under the name of its type or, without one, of its element."""
    return attrs.evolve(codes, name=name) if codes and not codes.name else codes


def _recognise_code(body: _Body, texts: list[etree._Element]) -> _Body:
    """A group whose only child is a leaf ``value`` that must occur is a code."""
    if body.kind is not Kind.GROUP or body.attributes or len(body.children) != 1 or body.unordered:
        return body
    value = body.children[0]
    if not isinstance(value, Element) or value.name != "value" or value.kind is not Kind.LEAF:
        return body
    plain = Element(
        name="value", kind=Kind.LEAF, max=value.max, facets=value.facets, codes=value.codes, type_name=value.type_name
    )
    if attrs.evolve(value, labels={}) != plain:
        return body
    codes = code_list(value.facets or Facets(), texts, always=True, known=value.codes)
    return attrs.evolve(body, kind=Kind.CODE, children=(), facets=value.facets, codes=codes, value_max=value.max)


def _opened(body: _Body) -> _Body:
    """A code as the group with ``value`` that it was, where a type is derived from it."""
    if body.kind is not Kind.CODE:
        return body
    value = Element(name="value", kind=Kind.LEAF, max=body.value_max, facets=body.facets, codes=body.codes)
    return attrs.evolve(body, kind=Kind.GROUP, children=(value,), facets=None, codes=None, value_max=1)
