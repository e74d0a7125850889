"""Random trees for properties of the comparison; all invented."""

from __future__ import annotations

import attrs
from hypothesis import strategies as st

from eessi.ids import CdmVersion, SedType
from eessi.schemas.structure import Choice, Code, CodeList, Element, Facets, Kind, Particle, Structure

NAMES = [f"name{letter}" for letter in "ABCDEFGH"]
CODES = ("01", "02", "03", "98", "99")


def structure(*children: Particle, version: str = "4.4", namespace: str = "urn:test") -> Structure:
    return Structure(
        SedType("S071"), CdmVersion.parse(version), namespace, Element("S071", Kind.GROUP, children=children)
    )


def leaf(name: str, low: int = 1, high: int | None = 1, **facets: object) -> Element:
    return Element(name, Kind.LEAF, low, high, facets=Facets(**facets))  # type: ignore[arg-type]  # facets by name


def code(name: str, *values: str, low: int = 1, high: int | None = 1, several: bool = False) -> Element:
    codes = CodeList("List", tuple(Code(value, {"en": f"text {value}"}) for value in values))
    facets = Facets(enumeration=values)
    return Element(name, Kind.CODE, low, high, facets=facets, codes=codes, value_max=None if several else 1)


def group(name: str, *children: Particle, low: int = 1, high: int | None = 1) -> Element:
    return Element(name, Kind.GROUP, low, high, children=children)


occurs = st.sampled_from([(1, 1), (0, 1), (1, None), (0, None), (1, 3)])


@st.composite
def particles(draw: st.DrawFn, depth: int = 2, names: tuple[str, ...] = tuple(NAMES)) -> tuple[Particle, ...]:
    """Children with distinct names; choices and groups among them."""
    chosen = list(draw(st.permutations(names)))[: draw(st.integers(1, 5))]
    made: list[Particle] = []
    while chosen:
        name = chosen.pop()
        if chosen and draw(st.integers(0, 4)) == 0:
            other = chosen.pop()
            low = draw(st.integers(0, 1))
            made.append(Choice(((draw(elements(name, depth)),), (draw(elements(other, depth)),)), min=low))
        else:
            made.append(draw(elements(name, depth)))
    return tuple(made)


@st.composite
def elements(draw: st.DrawFn, name: str, depth: int) -> Element:
    low, high = draw(occurs)
    kind = draw(st.sampled_from(["leaf", "code", "group"] if depth else ["leaf", "code"]))
    if kind == "leaf":
        return leaf(name, low, high, max_length=draw(st.sampled_from([None, 10, 65])), min_length=1)
    if kind == "code":
        return code(
            name, *draw(st.lists(st.sampled_from(CODES), min_size=1, max_size=4, unique=True)), low=low, high=high
        )
    return attrs.evolve(group(name, *draw(particles(depth - 1))), min=low, max=high)


structures = particles().map(lambda children: structure(*children))
