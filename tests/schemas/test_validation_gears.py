"""Both gears agree: on damaged documents of S071, and on documents of structures drawn at random.

The fast gear is libxml2 over a compiled schema, the rich gear walks the structure; neither knows the other. xmlschema is
asked as a third where they differ.
"""

from __future__ import annotations

import os
import random
from collections import Counter

import attrs
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from lxml import etree

from eessi import _xml
from eessi.errors import PackageError, UsageError
from eessi.findings import Outcome, Severity
from eessi.schemas import Choice, Particle, Registry, Structure, validate_bytes
from eessi.schemas.compiled import SIGNATURE_SCHEMAS, SchemaSources, compile_schema, signature_schema
from eessi.schemas.explain import explain_tree
from eessi.schemas.generator import Size, generate
from eessi.schemas.generator_defects import DEFECTS
from eessi.schemas.xsdwriter import write
from tests.schemas.mutator import Documents
from tests.schemas.test_resolve_law import contents, structure_of

SEED = int(os.environ.get("EESSI_SEED") or random.SystemRandom().randrange(2**40))


def _agree(count: int) -> Counter[str]:
    registry = Registry.default()
    structure = registry.structure("S071", "4.4")
    assert structure is not None
    documents = Documents(structure, SEED)
    outcomes: Counter[str] = Counter()
    for number in range(count):
        data = _xml.serialise(documents.next())
        verdict = validate_bytes(data, registry, thorough=True)
        outcomes[verdict.outcome] += 1
        if verdict.outcome is Outcome.UNDETERMINED:
            ids = {finding.id for finding in verdict.findings}
            where = f"seed {SEED}, document {number}: {ids}"
            assert "DOC-NO-SCHEMA" in ids or {"SCH-GEARS", "SCH-BLANKS"} <= ids, where
    return outcomes


def test_damaged_documents_of_s071() -> None:
    """The only known difference: libxml2 refuses blanks around a date, which the standard cuts; told as such."""
    outcomes = _agree(1500)
    assert outcomes[Outcome.VALID] > 300
    assert outcomes[Outcome.INVALID] > 300
    assert outcomes[Outcome.UNDETERMINED] < 30


@pytest.mark.long
def test_very_many_damaged_documents_of_s071() -> None:
    _agree(100_000)


def test_blanks_around_a_date_are_told_and_mended() -> None:
    from eessi.findings.mending import apply_fix
    from tests.schemas.samples import damaged

    data = damaged(("2026-06-30", " 2026-06-30 "))
    verdict = validate_bytes(data, Registry.default())
    assert [finding.id for finding in verdict.findings] == ["SCH-GEARS", "SCH-BLANKS"]
    assert validate_bytes(apply_fix(data, verdict.findings[1]), Registry.default()).is_valid


def _compiled(structure: Structure) -> etree.XMLSchema:
    files = {"m.xsd": write(structure).encode(), **dict(map(signature_schema, SIGNATURE_SCHEMAS))}
    try:
        return compile_schema(SchemaSources("m.xsd", files), where="drawn at random")
    except PackageError:
        assume(False)  # not deterministic, which no official schema is either
        raise


def _rich_accepts(data: bytes, structure: Structure) -> bool:
    findings = explain_tree(_xml.parse(data), structure, data=data)
    return not any(finding.severity is Severity.ERROR for finding in findings)


def _plain(particle: Particle) -> Particle:
    """Without default values and identity constraints, which rarely fit the rest when all is drawn at random."""
    if isinstance(particle, Choice):
        return attrs.evolve(particle, branches=tuple(tuple(map(_plain, branch)) for branch in particle.branches))
    return attrs.evolve(particle, default=None, uniques=(), children=tuple(map(_plain, particle.children)))


def _drawn(children: tuple[Particle, ...]) -> Structure:
    return structure_of(tuple(map(_plain, children)))


COMMON = settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))


@COMMON
@given(contents(2), st.randoms(use_true_random=False), st.sampled_from(Size))
def test_documents_of_any_structure_are_accepted_by_both(
    children: tuple[Particle, ...], source: random.Random, size: Size
) -> None:
    structure = _drawn(children)
    schema = _compiled(structure)
    try:
        data = generate(structure, source, size=size).data
    except UsageError:
        return  # facets that leave no value
    assert schema.validate(_xml.parse(data)), schema.error_log
    assert _rich_accepts(data, structure)


@COMMON
@given(contents(2), st.integers(0, 2**32), st.sampled_from([kind for kind in DEFECTS if kind != "root-namespace"]))
def test_near_misses_of_any_structure_are_refused_by_both(children: tuple[Particle, ...], seed: int, kind: str) -> None:
    structure = _drawn(children)
    schema = _compiled(structure)
    try:
        made = generate(structure, seed, size=Size.FULL, near_miss=kind)
    except UsageError:
        return  # no place for this defect
    assert not schema.validate(made.root), (kind, made.path, made.data)
    assert not _rich_accepts(made.data, structure), (kind, made.path, made.data)


@COMMON
@given(contents(2), st.integers(0, 2**32))
def test_random_damage_to_documents_of_any_structure(children: tuple[Particle, ...], seed: int) -> None:
    structure = _drawn(children)
    schema = _compiled(structure)
    source = random.Random(seed)
    try:
        root = generate(structure, source, size=Size.FULL).root
    except UsageError:
        return
    elements = [element for element in root.iter(etree.Element) if element is not root]
    assume(elements)
    for _ in range(source.randint(1, 3)):
        element, other = source.choice(elements), source.choice(elements)
        parent = element.getparent()
        match source.randrange(5):
            case 0 if parent is not None:
                parent.remove(element)
            case 1:
                element.tag = other.tag
            case 2:
                element.text = other.text
            case 3 if (
                other not in list(element.iterancestors())
                and other is not element
                and element not in list(other.iterancestors())
            ):
                other.append(element)
            case _:
                element.text = source.choice(["", "x", "01", "2020-01-01", "12.345"])
    data = _xml.serialise(root)
    assert schema.validate(_xml.parse(data)) == _rich_accepts(data, structure), data


XSD = """<x:schema xmlns:x="http://www.w3.org/2001/XMLSchema" xmlns:s="http://ec.europa.eu/eessi/ns/4_4/S999"
 targetNamespace="http://ec.europa.eu/eessi/ns/4_4/S999" version="4.4.0">
 <x:element name="S999"><x:complexType><x:sequence>
  <x:element name="plain" type="x:date"/>
  <x:element name="Odd"><x:complexType><x:sequence><x:element name="a" type="x:string"/></x:sequence>
   <x:attribute name="lang" type="x:language" use="required"/></x:complexType></x:element>
  </x:sequence><x:attribute name="sedPackage" type="x:string"/><x:attribute name="sedGVer" type="x:int"/>
  <x:attribute name="sedVer" type="x:int"/></x:complexType></x:element>
</x:schema>"""
"""A national addition, invented: an attribute below the root, which no structure expresses."""


def _national(content: str) -> bytes:
    return f'<s:S999 xmlns:s="http://ec.europa.eu/eessi/ns/4_4/S999">{content}</s:S999>'.encode()


@pytest.fixture(scope="module")
def registry() -> Registry:
    from eessi.schemas.importer import package_of

    package = package_of({"S999-4.4.xsd": XSD.encode()}, source="invented")
    registry = Registry.default().add(package)
    structure = registry.structure("S999", "4.4")
    assert structure is not None
    assert structure.unmodelled
    return registry


class TestMoreThanTheStructureSays:
    def test_what_the_schema_allows_stays_valid(self, registry: Registry) -> None:
        data = _national('<plain>2026-01-01</plain><Odd lang="fr"><a/></Odd>')
        for thorough in (False, True):
            verdict = validate_bytes(data, registry, thorough=thorough)
            assert (verdict.outcome, verdict.findings) == (Outcome.VALID, ())

    def test_a_fault_elsewhere_is_told_for_sure(self, registry: Registry) -> None:
        verdict = validate_bytes(_national('<plain>x</plain><Odd lang="fr"><a/></Odd>'), registry)
        assert verdict.outcome is Outcome.INVALID
        assert [finding.id for finding in verdict.errors] == ["SCH-DATE-FORM"]

    def test_a_fault_the_structure_cannot_see_is_told_by_the_second_engine(self, registry: Registry) -> None:
        verdict = validate_bytes(_national("<plain>2026-01-01</plain><Odd><a/></Odd>"), registry)
        assert verdict.outcome is Outcome.INVALID
        assert [(finding.id, finding.path) for finding in verdict.errors] == [("SCH-OTHER", "S999/Odd")]
