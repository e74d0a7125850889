"""Law: what the writer writes resolves to the structure it was written from."""

from __future__ import annotations

import string

import attrs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from eessi.errors import PackageError, UsageError
from eessi.ids import CdmVersion, SedType
from eessi.schemas import Choice, Code, CodeList, Element, Facets, Fidelity, Kind, Particle, Registry, Structure, Unique
from eessi.schemas.compiled import SIGNATURE_SCHEMAS, SchemaSources, compile_schema, signature_schema
from eessi.schemas.documents import DocumentSet
from eessi.schemas.importer import package_of
from eessi.schemas.resolve import resolve
from eessi.schemas.xsdwriter import write

NAMESPACE = "http://ec.europa.eu/eessi/ns/4_4/S999"
WORDS = st.sampled_from(["01", "02", "98", "EL", "A.B", "a|b", "x(y)", "*", "a-b", "né", "A^", "$1", "[z]", "q\\d"])
NAMES = st.text(string.ascii_letters, min_size=1, max_size=6).filter(lambda name: name != "value")
LABELS = st.dictionaries(st.sampled_from(["en", "fr", "de"]), st.sampled_from(["Sex", "a < b & c", "Éire"]), max_size=2)
TYPE_NAMES = st.one_of(st.none(), st.sampled_from(["AType", "BType", "S999", "odd name", "1st"]))


def read(text: str, sed: str = "S999") -> Structure:
    files = {"main.xsd": text.encode()}
    documents = DocumentSet(("main.xsd",), files.__getitem__)
    return resolve(documents, "main.xsd", SedType(sed), CdmVersion(4, 4, 0))


def structure_of(children: tuple[Particle, ...], **more: object) -> Structure:
    root = Element(name="S999", kind=Kind.GROUP, children=children, **more)  # type: ignore[arg-type]  # passed through
    return Structure(SedType("S999"), CdmVersion(4, 4, 0), NAMESPACE, root)


@st.composite
def facets(draw: st.DrawFn) -> Facets:
    base = draw(st.sampled_from(["string", "date", "int", "token", "decimal", "boolean"]))
    if base == "string" and draw(st.booleans()):
        words = tuple(draw(st.lists(WORDS, min_size=1, max_size=4, unique=True)))
        return Facets(enumeration=words, patterns=draw(patterns()))
    if base == "string":
        low = draw(st.one_of(st.none(), st.integers(1, 3)))
        high = draw(st.one_of(st.none(), st.integers(3, 200)))
        return Facets(min_length=low, max_length=high, patterns=draw(patterns()))
    if base == "int":
        return Facets(
            base="int",
            min_inclusive=draw(st.sampled_from([None, "0", "-5"])),
            total_digits=draw(st.sampled_from([None, 3])),
        )
    if base == "decimal":
        return Facets(
            base="decimal",
            fraction_digits=draw(st.sampled_from([None, 2])),
            enumeration=draw(st.sampled_from([(), ("1", "2.50")])),
        )
    return Facets(base=base)


def patterns() -> st.SearchStrategy[tuple[str, ...]]:
    one = st.sampled_from([r"[A-Z]{2}:\w+", r"\d{4}", "[^<&\"']*", "(AT|BE):[0-9]+"])
    return st.lists(one, max_size=2, unique=True).map(tuple)


@st.composite
def occurs(draw: st.DrawFn) -> tuple[int, int | None]:
    low = draw(st.integers(0, 2))
    return low, draw(st.one_of(st.none(), st.integers(max(low, 1), 4)))


@st.composite
def leaves(draw: st.DrawFn, name: str) -> Element:
    low, high = draw(occurs())
    own = draw(facets())
    codes = None
    if own.enumeration and draw(st.booleans()):
        codes = CodeList("", tuple(Code(word, {"en": f"text of {word}"}) for word in own.enumeration))
    return Element(
        name=name, kind=Kind.LEAF, min=low, max=high, facets=own, codes=codes, labels=draw(LABELS),
        type_name=draw(TYPE_NAMES), nillable=draw(st.booleans()), default=draw(st.sampled_from([None, "x", "<&"])),
    )  # fmt: skip


@st.composite
def codes(draw: st.DrawFn, name: str) -> Element:
    low, high = draw(occurs())
    words = tuple(draw(st.lists(WORDS, max_size=4, unique=True)))
    return Element(
        name=name, kind=Kind.CODE, min=low, max=high, facets=Facets(enumeration=words),
        codes=CodeList("", tuple(Code(word, draw(LABELS)) for word in words)) if words else None,
        value_max=draw(st.sampled_from([1, None, 3])), unique_values=draw(st.booleans()), type_name=draw(TYPE_NAMES),
    )  # fmt: skip


@st.composite
def groups(draw: st.DrawFn, name: str, depth: int, above: tuple[str, ...]) -> Element:
    low, high = draw(occurs())
    type_name = draw(TYPE_NAMES)
    if above and draw(st.integers(0, 4)) == 0:
        return Element(
            name=name, kind=Kind.GROUP, min=0, max=high, type_name=draw(st.sampled_from(above)), recursive=True
        )
    inside = (*above, type_name) if type_name else above
    children = draw(contents(depth - 1, inside))
    unordered = len(children) > 1 and draw(st.booleans())
    if unordered:
        children = tuple(
            attrs.evolve(child, min=min(child.min, 1), max=1) for child in children if isinstance(child, Element)
        )
    uniques = draw(st.sampled_from([(), (Unique("n0/b", ("c", "d")),), (Unique("n1", (".",), key=True),)]))
    return Element(
        name=name, kind=Kind.GROUP, min=low, max=high, children=children, type_name=type_name,
        unordered=unordered and len(children) > 1, uniques=uniques,
    )  # fmt: skip


@st.composite
def contents(draw: st.DrawFn, depth: int, above: tuple[str, ...] = ()) -> tuple[Particle, ...]:
    names = draw(st.lists(NAMES, min_size=1, max_size=7, unique=True))
    return canonical(draw, [draw(elements(name, depth, above)) for name in names])


def elements(name: str, depth: int, above: tuple[str, ...]) -> st.SearchStrategy[Element]:
    kinds = [leaves(name), codes(name)]
    if depth > 0:
        kinds.append(groups(name, depth, above))
    return st.one_of(*kinds)


def canonical(draw: st.DrawFn, parts: list[Element]) -> tuple[Particle, ...]:
    """Put some of the elements into choices and repeated sequences, in the plain form the resolver gives."""
    found: list[Particle] = []
    while parts:
        what = draw(st.integers(0, 3))
        low, high = draw(occurs())
        if what == 0 and len(parts) >= 3:
            a, b, c = parts[:3]
            parts = parts[3:]
            found.append(Choice(((a,), (b, c)), low, high))
        elif what == 1 and len(parts) >= 2 and (low, high) != (1, 1):
            found.append(Choice((tuple(parts[:2]),), low, high))
            parts = parts[2:]
        elif what == 2 and len(parts) >= 4 and (low, high) != (1, 1):
            a, b, c, d = parts[:4]
            parts = parts[4:]
            found.append(Choice(((Choice(((a,), (b,)), low, high),), (c, Choice(((d, a),), 0, None)))))
        else:
            found.append(parts.pop(0))
    return tuple(found)


@settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
@given(contents(3), LABELS)
def test_what_is_written_resolves_to_itself(children: tuple[Particle, ...], labels: dict[str, str]) -> None:
    structure = structure_of(children, labels=labels)
    text = write(structure)
    found = read(text)
    assert found.unmodelled == ()
    assert found == structure
    assert read(write(found)) == found


@settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
@given(contents(2))
def test_leaving_out_annotations_changes_texts_only(children: tuple[Particle, ...]) -> None:
    structure = structure_of(children)
    bare = read(write(structure, annotations=False))

    def without_texts(particle: Particle) -> Particle:
        if isinstance(particle, Choice):
            return attrs.evolve(
                particle, branches=tuple(tuple(map(without_texts, branch)) for branch in particle.branches)
            )
        lists = particle.codes and CodeList("", tuple(Code(code.value) for code in particle.codes.codes))
        return attrs.evolve(
            particle, labels={}, codes=lists if particle.kind is Kind.CODE else None,
            children=tuple(map(without_texts, particle.children)),
        )  # fmt: skip

    assert bare.root.children == tuple(map(without_texts, structure.root.children))


BODIES = {"A001", "A011", "S072", "X001", "S071", "P2000", "SYN005"}
"""One SED for each body of the practice packages, and a few more."""


@pytest.mark.parametrize("package", ["open:4.4", "sandbox:1.0", "sandbox:1.1"])
def test_every_shipped_closed_structure_obeys_the_law(package: str) -> None:
    registry = Registry.default()
    checked = 0
    for entry in registry.package(package).entries():
        if entry.sed not in BODIES:
            continue
        structure = registry.structure(entry.sed, entry.version, package=package)
        assert structure is not None
        if structure.open:
            continue
        packed = package_of({f"{entry.sed}.xsd": write(structure).encode()}, source="written")
        (again,) = packed.entries()
        assert packed.content.structure(again, again.version) == structure
        checked += 1
    assert checked == (1 if package == "open:4.4" else len(BODIES))


def test_an_open_structure_comes_back_open_and_never_exact() -> None:
    structure = Registry.default().structure("A001", "4.4")
    assert structure is not None
    (entry,) = package_of({"A001-4.4.xsd": write(structure).encode()}, source="written").entries()
    assert entry.fidelity is Fidelity.OBSERVED
    assert not entry.order_known


def recursive() -> Structure:
    """x: AType {a: BType {b: AType again}, leaf}, y: BType {b: AType {a: BType again}}."""
    leaf = Element(name="leaf", kind=Kind.LEAF, facets=Facets())
    again_a = Element(name="b", kind=Kind.GROUP, min=0, type_name="AType", recursive=True)
    again_b = Element(name="a", kind=Kind.GROUP, min=0, type_name="BType", recursive=True)
    inner_b = Element(name="a", kind=Kind.GROUP, min=0, type_name="BType", children=(again_a,))
    inner_a = Element(name="b", kind=Kind.GROUP, min=0, type_name="AType", children=(again_b, leaf))
    x = Element(name="x", kind=Kind.GROUP, type_name="AType", children=(inner_b, leaf))
    y = Element(name="y", kind=Kind.GROUP, type_name="BType", children=(inner_a,))
    return structure_of((x, y))


def test_types_that_contain_each_other() -> None:
    structure = recursive()
    assert read(write(structure)) == structure


def test_a_recursive_schema_compiles_and_validates_to_any_depth() -> None:
    from lxml import etree

    schema = compile_schema(
        SchemaSources(
            "m.xsd", {"m.xsd": write(recursive()).encode(), **dict(map(signature_schema, SIGNATURE_SCHEMAS))}
        ),
        where="recursive",
    )
    nested = "<a><b>" * 20 + "<leaf/>" + "</b></a><leaf/>".join([""] * 20) + "</b></a>"
    document = f'<s:S999 xmlns:s="{NAMESPACE}"><x>{nested}<leaf/></x><y/></s:S999>'
    assert schema.validate(etree.fromstring(document)), schema.error_log
    assert not schema.validate(etree.fromstring(document.replace("<leaf/>", "<leaf/><leaf/>", 1)))


def test_mutually_recursive_official_types_resolve() -> None:
    body = """
      <xsd:complexType name="A"><xsd:sequence><xsd:element name="b" type="s:B" minOccurs="0"/></xsd:sequence></xsd:complexType>
      <xsd:complexType name="B"><xsd:sequence><xsd:element name="a" type="s:A" minOccurs="0"/></xsd:sequence></xsd:complexType>
      <xsd:element name="S999"><xsd:complexType><xsd:sequence><xsd:element name="x" type="s:A"/><xsd:element name="y" type="s:B"/>
      </xsd:sequence></xsd:complexType></xsd:element>"""
    found = read(schema(body))
    assert [path for path, _ in found.walk()] == ["x", "x/b", "x/b/a", "y", "y/a", "y/a/b"]
    assert [element.recursive for _, element in found.walk()] == [False, False, True, False, False, True]
    assert read(write(found)).root == found.root


def schema(body: str, head: str = "") -> str:
    return (
        '<xsd:schema xmlns:xsd="http://www.w3.org/2001/XMLSchema" '
        f'xmlns:s="{NAMESPACE}" targetNamespace="{NAMESPACE}" version="4.4.0" {head}>{body}</xsd:schema>'
    )


@pytest.mark.parametrize(
    ("body", "noted"),
    [
        ('<xsd:any namespace="##other" processContents="lax"/>', "any"),
        ('<xsd:element name="a"><xsd:complexType><xsd:attribute name="id"/></xsd:complexType></xsd:element>', "attributes id"),
        ('<xsd:element name="a" type="xsd:string" fixed="x"/>', "fixed"),
        ('<xsd:element name="a"/>', "anyType"),
        ('<xsd:element name="a"><xsd:simpleType><xsd:list itemType="xsd:int"/></xsd:simpleType></xsd:element>', "list"),
        ('<xsd:element name="a"><xsd:simpleType><xsd:union memberTypes="xsd:int xsd:date"/></xsd:simpleType></xsd:element>', "union"),
        ('<xsd:element name="a"><xsd:complexType mixed="true"/></xsd:element>', "mixed"),
    ],
)  # fmt: skip
def test_what_the_tree_cannot_say_is_named(body: str, noted: str) -> None:
    attributes = '<xsd:attribute name="sedPackage" type="xsd:string"/><xsd:attribute name="sedGVer" type="xsd:int"/><xsd:attribute name="sedVer" type="xsd:int"/>'
    content = f"<xsd:complexType><xsd:sequence>{body}</xsd:sequence>{attributes}</xsd:complexType>"
    found = read(schema(f'<xsd:element name="S999">{content}</xsd:element>'))
    assert len(found.unmodelled) == 1
    assert noted in found.unmodelled[0]


def test_root_attributes_other_than_the_usual_three_are_named() -> None:
    found = read(
        schema(
            '<xsd:element name="S999"><xsd:complexType><xsd:sequence><xsd:element name="a" type="xsd:int"/></xsd:sequence></xsd:complexType></xsd:element>'
        )
    )
    assert found.unmodelled == ("S999: attributes of the root: none",)


@pytest.mark.parametrize(
    "body",
    [
        '<xsd:element name="S999" type="s:Nowhere"/>',
        '<xsd:element name="S999" type="q:Undeclared"/>',
        '<xsd:element name="S999"><xsd:complexType><xsd:group ref="s:None"/></xsd:complexType></xsd:element>',
        '<xsd:complexType name="A"><xsd:complexContent><xsd:extension base="s:B"/></xsd:complexContent></xsd:complexType>'
        '<xsd:complexType name="B"><xsd:complexContent><xsd:extension base="s:A"/></xsd:complexContent></xsd:complexType>'
        '<xsd:element name="S999" type="s:A"/>',
        '<xsd:group name="G"><xsd:sequence><xsd:group ref="s:G"/></xsd:sequence></xsd:group>'
        '<xsd:element name="S999"><xsd:complexType><xsd:group ref="s:G"/></xsd:complexType></xsd:element>',
        '<xsd:simpleType name="A"><xsd:restriction base="s:B"/></xsd:simpleType><xsd:simpleType name="B">'
        '<xsd:restriction base="s:A"/></xsd:simpleType><xsd:element name="S999" type="s:A"/>',
        '<xsd:element name="S999"><xsd:complexType><xsd:sequence><xsd:element name="a" type="xsd:int" minOccurs="few"/></xsd:sequence></xsd:complexType></xsd:element>',
        '<xsd:element name="S998" type="xsd:string"/>',
    ],
)  # fmt: skip
def test_a_schema_that_means_nothing_is_one_clear_error(body: str) -> None:
    with pytest.raises(PackageError) as caught:
        read(schema(body))
    assert "\n" not in str(caught.value)


def test_qualified_children_and_references_keep_their_namespace() -> None:
    body = """<xsd:element name="Shared" type="xsd:string"/>
      <xsd:element name="S999"><xsd:complexType><xsd:sequence><xsd:element ref="s:Shared"/>
      <xsd:element name="plain" type="xsd:string"/><xsd:element name="qualified" type="xsd:string" form="qualified"/>
      </xsd:sequence></xsd:complexType></xsd:element>"""
    found = read(schema(body))
    assert [(child.name, child.namespace) for child in found.root.elements()] == [
        ("Shared", NAMESPACE),
        ("plain", None),
        ("qualified", NAMESPACE),
    ]
    assert read(write(found)).root.children == found.root.children


def test_substitution_groups_are_choices() -> None:
    body = """<xsd:element name="Head" abstract="true"/><xsd:element name="One" type="xsd:int" substitutionGroup="s:Head"/>
      <xsd:element name="Two" type="xsd:date" substitutionGroup="s:Head"/>
      <xsd:element name="S999"><xsd:complexType><xsd:sequence><xsd:element ref="s:Head" maxOccurs="2"/></xsd:sequence></xsd:complexType></xsd:element>"""
    (choice,) = read(schema(body)).root.children
    assert isinstance(choice, Choice)
    assert (choice.min, choice.max) == (1, 2)
    assert [element.name for element in choice.elements()] == ["One", "Two"]


def test_a_foreign_namespace_cannot_be_written_in_one_document() -> None:
    foreign = Element(name="a", kind=Kind.LEAF, facets=Facets(), namespace="urn:other")
    with pytest.raises(UsageError, match="urn:other"):
        write(structure_of((foreign,)))
