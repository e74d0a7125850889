"""Seeded changes of every kind on a real tree: each function changes one thing and says what must be found."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

import attrs

from eessi.schemas.structure import Choice, Code, CodeList, Element, Facets, Kind, Particle, Structure

Wanted = tuple[str, str]
"""Id and path of the change that must be found."""


def places(structure: Structure, want: Callable[[Element], bool]) -> list[tuple[str, Element]]:
    return [(path, e) for path, e in structure.walk() if e.kind is not Kind.SIGNATURE and not e.recursive and want(e)]


def changed(structure: Structure, path: str, change: Callable[[Element], Element | None]) -> Structure:
    """The structure with the element at ``path`` changed, or dropped where ``change`` gives ``None``."""
    return attrs.evolve(structure, root=_changed(structure.root, path.split("/") if path else [], change))


def _changed(element: Element, steps: list[str], change: Callable[[Element], Element | None]) -> Element:
    if not steps:
        made = change(element)
        assert made is not None
        return made
    return attrs.evolve(element, children=tuple(_particles(element.children, steps, change)))


def _particles(
    particles: tuple[Particle, ...], steps: list[str], change: Callable[[Element], Element | None]
) -> Iterator[Particle]:
    for particle in particles:
        if isinstance(particle, Choice):
            yield attrs.evolve(particle, branches=tuple(tuple(_particles(b, steps, change)) for b in particle.branches))
        elif particle.name != steps[0]:
            yield particle
        elif len(steps) > 1:
            yield _changed(particle, steps[1:], change)
        elif (made := change(particle)) is not None:
            yield made


def parent(path: str) -> str:
    return path.rpartition("/")[0]


def sequence_groups(structure: Structure) -> list[tuple[str, Element]]:
    """Groups whose children are a plain sequence of single elements."""

    def plain(element: Element) -> bool:
        return (
            element.kind is Kind.GROUP
            and all(isinstance(c, Element) for c in element.children)
            and len(element.children) > 1
        )

    return places(structure, plain)


def in_sequence(structure: Structure, want: Callable[[Element], bool]) -> list[tuple[str, Element]]:
    """Elements that stand directly in a plain sequence, so that nothing else changes with them."""
    groups = {path for path, _ in sequence_groups(structure)} | {""}
    direct = {c.name for c in structure.root.children if isinstance(c, Element)}
    return [(p, e) for p, e in places(structure, want) if parent(p) in groups and (parent(p) or p in direct)]


Mutation = Callable[[Structure, random.Random], tuple[Structure, Wanted] | None]
MUTATIONS: dict[str, Mutation] = {}


def mutation(function: Mutation) -> Mutation:
    MUTATIONS[function.__name__] = function
    return function


def pick(found: list[tuple[str, Element]], rng: random.Random) -> tuple[str, Element] | None:
    return rng.choice(found) if found else None


def _added(structure: Structure, rng: random.Random, low: int) -> tuple[Structure, Wanted] | None:
    chosen = pick(sequence_groups(structure), rng)
    if chosen is None:
        return None
    path, _ = chosen
    new = Element("entirelyNewThing", Kind.LEAF, low, 1, facets=Facets(max_length=10))
    at = rng.randrange(3)

    def add(element: Element) -> Element:
        children = list(element.children)
        children.insert(min(at, len(children)), new)
        return attrs.evolve(element, children=tuple(children))

    id = "CHG-REQUIRED-ADDED" if low else "CHG-ELEMENT-ADDED"
    return changed(structure, path, add), (id, f"{path}/entirelyNewThing")


@mutation
def element_added(structure: Structure, rng: random.Random) -> tuple[Structure, Wanted] | None:
    return _added(structure, rng, 0)


@mutation
def required_added(structure: Structure, rng: random.Random) -> tuple[Structure, Wanted] | None:
    return _added(structure, rng, 1)


def _removed(structure: Structure, rng: random.Random, required: bool) -> tuple[Structure, Wanted] | None:
    chosen = pick(in_sequence(structure, lambda e: e.required is required), rng)
    if chosen is None:
        return None
    id = "CHG-REQUIRED-REMOVED" if required else "CHG-ELEMENT-REMOVED"
    return changed(structure, chosen[0], lambda _: None), (id, chosen[0])


@mutation
def element_removed(structure: Structure, rng: random.Random) -> tuple[Structure, Wanted] | None:
    return _removed(structure, rng, False)


@mutation
def required_removed(structure: Structure, rng: random.Random) -> tuple[Structure, Wanted] | None:
    return _removed(structure, rng, True)


@mutation
def renamed(structure: Structure, rng: random.Random) -> tuple[Structure, Wanted] | None:
    chosen = pick(in_sequence(structure, lambda e: True), rng)
    if chosen is None:
        return None
    path, element = chosen
    name = element.name + "New"
    place = f"{parent(path)}/{name}".lstrip("/")
    return changed(structure, path, lambda e: attrs.evolve(e, name=name)), ("CHG-ELEMENT-RENAMED", place)


@mutation
def moved(structure: Structure, rng: random.Random) -> tuple[Structure, Wanted] | None:
    found = in_sequence(structure, lambda e: not e.required)
    rng.shuffle(found)
    groups = sequence_groups(structure)
    rng.shuffle(groups)
    for path, element in found:
        for target, group in groups:
            inside = target == path or target.startswith(f"{path}/")
            if target != parent(path) and not inside and group.child(element.name) is None:
                without = changed(structure, path, lambda _: None)
                put = changed(without, target, lambda e, x=element: attrs.evolve(e, children=(*e.children, x)))  # type: ignore[misc]
                return put, ("CHG-ELEMENT-MOVED", f"{target}/{element.name}")
    return None


def _occurs(
    structure: Structure,
    rng: random.Random,
    want: Callable[[Element], bool],
    low: int | None,
    high: int | None,
    id: str,
) -> tuple[Structure, Wanted] | None:
    chosen = pick(in_sequence(structure, want), rng)
    if chosen is None:
        return None

    def change(element: Element) -> Element:
        return attrs.evolve(element, min=element.min if low is None else low, max=high)

    return changed(structure, chosen[0], change), (id, chosen[0])


@mutation
def min_raised(structure: Structure, rng: random.Random) -> tuple[Structure, Wanted] | None:
    return _occurs(structure, rng, lambda e: e.min == 0 and e.max == 1, 1, 1, "CHG-MIN-RAISED")


@mutation
def min_lowered(structure: Structure, rng: random.Random) -> tuple[Structure, Wanted] | None:
    return _occurs(structure, rng, lambda e: e.min == 1 and e.max == 1, 0, 1, "CHG-MIN-LOWERED")


@mutation
def max_raised(structure: Structure, rng: random.Random) -> tuple[Structure, Wanted] | None:
    return _occurs(structure, rng, lambda e: e.max == 1, None, None, "CHG-MAX-RAISED")


@mutation
def max_lowered(structure: Structure, rng: random.Random) -> tuple[Structure, Wanted] | None:
    chosen = pick(places(structure, lambda e: e.max is None), rng)
    if chosen is None:
        return None
    return changed(structure, chosen[0], lambda e: attrs.evolve(e, max=2)), ("CHG-MAX-LOWERED", chosen[0])


def _neighbours(structure: Structure, rng: random.Random, low: int) -> tuple[str, int, Element] | None:
    found = [
        (path, index, group)
        for path, group in sequence_groups(structure)
        for index in range(len(group.children) - 1)
        if all(c.min == low and c.max == 1 for c in group.children[index : index + 2])
    ]
    return rng.choice(found) if found else None


def _joined(
    structure: Structure, rng: random.Random, low: int, choice_min: int, id: str
) -> tuple[Structure, Wanted] | None:
    chosen = _neighbours(structure, rng, low)
    if chosen is None:
        return None
    path, index, _ = chosen

    def join(element: Element) -> Element:
        pair = [attrs.evolve(c, min=1) for c in element.children[index : index + 2]]
        choice = Choice(tuple((one,) for one in pair), min=choice_min)
        return attrs.evolve(element, children=(*element.children[:index], choice, *element.children[index + 2 :]))

    return changed(structure, path, join), (id, path)


@mutation
def choice_made(structure: Structure, rng: random.Random) -> tuple[Structure, Wanted] | None:
    return _joined(structure, rng, 0, 0, "CHG-CHOICE-MADE")


@mutation
def choice_required(structure: Structure, rng: random.Random) -> tuple[Structure, Wanted] | None:
    return _joined(structure, rng, 0, 1, "CHG-CHOICE-REQUIRED")


def _choices(structure: Structure) -> list[tuple[str, int, Choice]]:
    groups = [("", structure.root), *places(structure, lambda e: e.kind is Kind.GROUP)]
    return [
        (path, index, child)
        for path, group in groups
        for index, child in enumerate(group.children)
        if isinstance(child, Choice) and child.max == 1 and all(len(branch) == 1 for branch in child.branches)
    ]


@mutation
def choice_dissolved(structure: Structure, rng: random.Random) -> tuple[Structure, Wanted] | None:
    found = _choices(structure)
    if not found:
        return None
    path, index, choice = rng.choice(found)
    loose = tuple(attrs.evolve(e, min=0) for e in choice.elements())

    def open_(element: Element) -> Element:
        return attrs.evolve(element, children=(*element.children[:index], *loose, *element.children[index + 1 :]))

    return changed(structure, path, open_), ("CHG-CHOICE-DISSOLVED", path)


@mutation
def choice_optional(structure: Structure, rng: random.Random) -> tuple[Structure, Wanted] | None:
    found = [row for row in _choices(structure) if row[2].min == 1]
    if not found:
        return None
    path, index, choice = rng.choice(found)
    loose = attrs.evolve(choice, min=0)

    def open_(element: Element) -> Element:
        return attrs.evolve(element, children=(*element.children[:index], loose, *element.children[index + 1 :]))

    return changed(structure, path, open_), ("CHG-CHOICE-OPTIONAL", path)


@mutation
def order(structure: Structure, rng: random.Random) -> tuple[Structure, Wanted] | None:
    chosen = pick(sequence_groups(structure), rng)
    if chosen is None:
        return None

    def swap(element: Element) -> Element:
        first, second, *rest = element.children
        return attrs.evolve(element, children=(second, first, *rest))

    return changed(structure, chosen[0], swap), ("CHG-ORDER", chosen[0])


def _leaf(structure: Structure, rng: random.Random, want: Callable[[Facets], bool]) -> tuple[str, Element] | None:
    return pick(places(structure, lambda e: e.kind is Kind.LEAF and want(e.facets or Facets())), rng)


def _facet(
    structure: Structure, rng: random.Random, want: Callable[[Facets], bool], new: Callable[[Facets], Facets], id: str
) -> tuple[Structure, Wanted] | None:
    chosen = _leaf(structure, rng, want)
    if chosen is None:
        return None
    path, element = chosen
    facets = new(element.facets or Facets())
    return changed(structure, path, lambda e: attrs.evolve(e, facets=facets)), (id, path)


@mutation
def kind(structure: Structure, rng: random.Random) -> tuple[Structure, Wanted] | None:
    chosen = pick(places(structure, lambda e: e.kind is Kind.LEAF), rng)
    if chosen is None:
        return None
    codes = CodeList("New", (Code("01", {"en": "one"}), Code("02", {"en": "two"})))
    facets = Facets(enumeration=("01", "02"))
    return (
        changed(structure, chosen[0], lambda e: attrs.evolve(e, kind=Kind.CODE, facets=facets, codes=codes)),
        ("CHG-KIND", chosen[0]),
    )


@mutation
def type_changed(structure: Structure, rng: random.Random) -> tuple[Structure, Wanted] | None:
    return _facet(structure, rng, lambda f: f.base == "date", lambda f: Facets(base="dateTime"), "CHG-TYPE")


@mutation
def type_widened(structure: Structure, rng: random.Random) -> tuple[Structure, Wanted] | None:
    return _facet(structure, rng, lambda f: f.base == "date", lambda f: Facets(), "CHG-TYPE")


@mutation
def max_length_tightened(structure: Structure, rng: random.Random) -> tuple[Structure, Wanted] | None:
    def tighter(facets: Facets) -> Facets:
        return attrs.evolve(facets, max_length=(facets.max_length or 0) - 1)

    return _facet(structure, rng, lambda f: (f.max_length or 0) > 3, tighter, "CHG-FACET-TIGHTENED")


@mutation
def max_length_loosened(structure: Structure, rng: random.Random) -> tuple[Structure, Wanted] | None:
    return _facet(
        structure,
        rng,
        lambda f: f.max_length is not None,
        lambda f: attrs.evolve(f, max_length=None),
        "CHG-FACET-LOOSENED",
    )


@mutation
def min_length_tightened(structure: Structure, rng: random.Random) -> tuple[Structure, Wanted] | None:
    return _facet(
        structure, rng, lambda f: f.min_length == 1, lambda f: attrs.evolve(f, min_length=3), "CHG-FACET-TIGHTENED"
    )


@mutation
def min_length_loosened(structure: Structure, rng: random.Random) -> tuple[Structure, Wanted] | None:
    return _facet(
        structure, rng, lambda f: f.min_length == 1, lambda f: attrs.evolve(f, min_length=0), "CHG-FACET-LOOSENED"
    )


@mutation
def pattern(structure: Structure, rng: random.Random) -> tuple[Structure, Wanted] | None:
    def other(facets: Facets) -> Facets:
        return attrs.evolve(facets, patterns=("[A-Z]{4}[0-9]{2}",), max_length=None)

    return _facet(structure, rng, lambda f: bool(f.patterns), other, "CHG-PATTERN")


def _codes(
    structure: Structure, rng: random.Random, change: Callable[[Element], Element], id: str, several: bool | None = None
) -> tuple[Structure, Wanted] | None:
    def want(element: Element) -> bool:
        fits = several is None or (element.value_max is None) is several
        return element.kind is Kind.CODE and element.codes is not None and len(element.codes.codes) > 1 and fits

    chosen = pick(places(structure, want), rng)
    return None if chosen is None else (changed(structure, chosen[0], change), (id, chosen[0]))


def _with_codes(element: Element, codes: tuple[Code, ...]) -> Element:
    assert element.codes is not None
    facets = attrs.evolve(element.facets or Facets(), enumeration=tuple(code.value for code in codes))
    return attrs.evolve(element, codes=CodeList(element.codes.name, codes), facets=facets)


@mutation
def code_added(structure: Structure, rng: random.Random) -> tuple[Structure, Wanted] | None:
    def add(element: Element) -> Element:
        assert element.codes is not None
        return _with_codes(element, (*element.codes.codes, Code("777", {"en": "a new code"})))

    return _codes(structure, rng, add, "CHG-CODE-ADDED")


@mutation
def code_withdrawn(structure: Structure, rng: random.Random) -> tuple[Structure, Wanted] | None:
    def drop(element: Element) -> Element:
        assert element.codes is not None
        return _with_codes(element, element.codes.codes[:-1])

    return _codes(structure, rng, drop, "CHG-CODE-WITHDRAWN")


@mutation
def code_relabelled(structure: Structure, rng: random.Random) -> tuple[Structure, Wanted] | None:
    def relabel(element: Element) -> Element:
        assert element.codes is not None
        first, *rest = element.codes.codes
        return _with_codes(element, (Code(first.value, {"en": "something else"}), *rest))

    return _codes(structure, rng, relabel, "CHG-CODE-RELABELLED")


@mutation
def codes_repeat(structure: Structure, rng: random.Random) -> tuple[Structure, Wanted] | None:
    return _codes(structure, rng, lambda e: attrs.evolve(e, value_max=None), "CHG-CODES-REPEAT", several=False)


@mutation
def codes_single(structure: Structure, rng: random.Random) -> tuple[Structure, Wanted] | None:
    return _codes(
        structure, rng, lambda e: attrs.evolve(e, value_max=1, unique_values=False), "CHG-CODES-SINGLE", several=True
    )


@mutation
def unique_removed(structure: Structure, rng: random.Random) -> tuple[Structure, Wanted] | None:
    chosen = pick(places(structure, lambda e: e.unique_values), rng)
    if chosen is None:
        return None
    return changed(structure, chosen[0], lambda e: attrs.evolve(e, unique_values=False)), (
        "CHG-UNIQUE-REMOVED",
        chosen[0],
    )


@mutation
def default(structure: Structure, rng: random.Random) -> tuple[Structure, Wanted] | None:
    chosen = _leaf(structure, rng, lambda f: f.base == "string" and not f.patterns)
    if chosen is None:
        return None
    return changed(structure, chosen[0], lambda e: attrs.evolve(e, default="none")), ("CHG-DEFAULT", chosen[0])


@mutation
def annotation(structure: Structure, rng: random.Random) -> tuple[Structure, Wanted] | None:
    chosen = pick(places(structure, lambda e: True), rng)
    if chosen is None:
        return None
    return changed(structure, chosen[0], lambda e: attrs.evolve(e, labels={"en": "Another label"})), (
        "CHG-ANNOTATION",
        chosen[0],
    )
