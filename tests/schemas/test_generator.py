"""Generated documents: repeatable, valid by every engine, of the wanted size, plainly synthetic."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
import xmlschema
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from eessi import _xml
from eessi.errors import UnknownCode, UsageError
from eessi.ids import CdmVersion, SedType
from eessi.schemas import Choice, Element, Facets, Kind, Registry, Structure, validate_bytes
from eessi.schemas.explain import explain_tree
from eessi.schemas.explain_patterns import sample, to_python
from eessi.schemas.generator import Size, generate, near_misses
from eessi.schemas.generator_strategies import documents, near_miss_documents


@pytest.fixture(scope="module")
def s071() -> Structure:
    structure = Registry.default().structure("S071", "4.4")
    assert structure is not None
    return structure


def test_same_seed_same_bytes(s071: Structure) -> None:
    assert generate(s071, 42).data == generate(s071, 42).data
    assert generate(s071, 42).data != generate(s071, 43).data
    assert generate(s071, 42, near_miss="any").data == generate(s071, 42, near_miss="any").data


@pytest.mark.parametrize("size", Size)
def test_generated_documents_are_valid(s071: Structure, size: Size) -> None:
    for seed in range(150):
        made = generate(s071, seed, size=size)
        verdict = validate_bytes(made.data, Registry.default(), thorough=True, rules=True)
        assert verdict.is_valid, (seed, verdict.findings)
        beyond = {finding.id for finding in verdict.findings} - {
            "RUL-PIN",
            "RUL-CODE-DAY",
        }  # numbers and births are made up
        assert not beyond, (seed, verdict.findings)


def test_generated_documents_are_valid_by_the_published_schema(s071: Structure, official_s071: Path) -> None:
    fast = etree.XMLSchema(etree.parse(str(official_s071 / "S071-4.4.xsd")))
    slow = xmlschema.XMLSchema10(str(official_s071 / "S071-4.4.xsd"))
    for seed in range(200):
        data = generate(s071, seed, size=random.Random(seed).choice(list(Size))).data
        assert fast.validate(_xml.parse(data)), (seed, fast.error_log)
        if seed % 20 == 0:
            assert slow.is_valid(data.decode())


def test_sizes(s071: Structure) -> None:
    minimal, typical, full = (len(generate(s071, 3, size=size).data) for size in Size)
    assert minimal < typical < full
    assert 3_000 < full < 9_000
    about = len(generate(s071, 3, about_bytes=50_000).data)
    assert 40_000 < about < 60_000
    assert validate_bytes(generate(s071, 3, about_bytes=50_000).data, Registry.default()).is_valid


def test_every_shipped_structure_can_be_filled() -> None:
    registry = Registry.default()
    for package in registry.packages:
        for entry in package.entries()[:60]:
            structure = registry.structure(entry.sed, entry.version, package=package.coordinates)
            assert structure is not None
            made = generate(structure, 1)
            assert explain_tree(made.root, structure, data=made.data) == (), entry


def test_unknown_near_miss_names_the_nearest(s071: Structure) -> None:
    with pytest.raises(UnknownCode, match="misspelt"):
        generate(s071, 1, near_miss="mispelt")


def test_no_place_for_a_defect_is_said() -> None:
    root = Element("X001", Kind.GROUP, children=(Element("a", Kind.LEAF),))
    structure = Structure(SedType("X001"), CdmVersion(4, 4), "urn:test", root)
    with pytest.raises(UsageError, match="no place"):
        generate(structure, 1, near_miss="repeated-code")


def test_recursion_choices_order_and_types_end_well() -> None:
    inner = Element("part", Kind.GROUP, min=0, max=None, type_name="Part", recursive=True)
    part = Element(
        "part", Kind.GROUP, children=(Element("n", Kind.LEAF, facets=Facets("int")), inner), type_name="Part"
    )
    bases = (
        "date",
        "dateTime",
        "boolean",
        "decimal",
        "long",
        "anyURI",
        "base64Binary",
        "gYear",
        "token",
        "duration",
        "time",
    )
    leaves = tuple(Element(f"v{base}", Kind.LEAF, facets=Facets(base)) for base in bases)
    choice = Choice(((Element("a", Kind.LEAF),), (Element("b", Kind.LEAF), Element("c", Kind.LEAF))), max=None)
    amount = Element(
        "amount", Kind.LEAF, facets=Facets("decimal", min_inclusive="0", total_digits=8, fraction_digits=2)
    )
    bag = Element("bag", Kind.GROUP, children=(Element("p", Kind.LEAF), Element("q", Kind.LEAF, min=0)), unordered=True)
    root = Element("X001", Kind.GROUP, children=(part, *leaves, choice, amount, bag))
    structure = Structure(SedType("X001"), CdmVersion(4, 4), "urn:test", root)
    for seed in range(60):
        made = generate(structure, seed, size=Size.FULL)
        assert explain_tree(made.root, structure, data=made.data) == (), seed


def test_facets_that_contradict_each_other_are_told() -> None:
    leaf = Element("a", Kind.LEAF, facets=Facets(patterns=("[a-z]{2}",), min_length=5))
    structure = Structure(SedType("X001"), CdmVersion(4, 4), "urn:test", Element("X001", Kind.GROUP, children=(leaf,)))
    with pytest.raises(UsageError, match="facets"):
        generate(structure, 1)


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(st.data())
def test_strategy_of_valid_documents(data: st.DataObject) -> None:
    structure = Registry.default().structure("S071", "4.4")
    assert structure is not None
    made = data.draw(documents(structure))
    assert validate_bytes(made.data, Registry.default()).is_valid


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_strategy_of_near_misses(data: st.DataObject) -> None:
    structure = Registry.default().structure("S071", "4.4")
    assert structure is not None
    made = data.draw(near_miss_documents(structure))
    assert made.near_miss in near_misses()
    assert not validate_bytes(made.data, Registry.default()).is_valid


class TestPatterns:
    @pytest.mark.parametrize(
        "pattern",
        ["(01|02|98){1}", "(AT|EU):[a-zA-Z0-9]{4,10}", r"\d{3}-\w+", r"[\i-[:]][\c-[:]]*", "a.c$^", r"[^\s,]+", r"\p{Lu}{2}",
         "", "a|", "[+-]?[0-9]*", r"\[\]\{\}\.", "[a-c-[b]]{5}", "(a(b|c)?)*", r"\S\D\W", "[\\-a]"],
    )  # fmt: skip
    def test_samples_match_by_libxml2_and_by_python(self, pattern: str) -> None:
        escaped = pattern.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;")
        schema = etree.XMLSchema(
            etree.fromstring(
                '<x:schema xmlns:x="http://www.w3.org/2001/XMLSchema"><x:element name="v"><x:simpleType>'
                f'<x:restriction base="x:string"><x:pattern value="{escaped}"/></x:restriction>'
                "</x:simpleType></x:element></x:schema>"
            )
        )
        source = random.Random(pattern)
        for _ in range(40):
            text = sample(pattern, source)
            assert to_python(pattern).fullmatch(text), text
            element = etree.Element("v")
            element.text = text
            assert schema.validate(element), text

    @pytest.mark.parametrize("pattern", ["(", "a{2", "[z-a]", "*", r"\q", "a)", r"\p{Nope}", "]"])
    def test_what_is_no_pattern_is_refused(self, pattern: str) -> None:
        from eessi.errors import PackageError

        with pytest.raises(PackageError):
            to_python(pattern)
