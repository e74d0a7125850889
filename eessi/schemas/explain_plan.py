"""A structure made ready for walking: per element its name as lxml writes it, its content model and its value check."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Final

from eessi.schemas.explain_models import Model
from eessi.schemas.explain_values import STRINGS, Check, checker
from eessi.schemas.recognition import SIGNATURE
from eessi.schemas.structure import Choice, CodeList, Element, Facets, Kind, Particle, Structure

__all__ = ["SIGNATURE", "Node", "plan_of"]

_HELD: Final = 64
_SHORT: Final = 40
_WAYS: Final = 200
_VALUE: Final = "value"
_CACHE: OrderedDict[int, tuple[Structure, Node]] = OrderedDict()
_LOCK: Final = threading.Lock()


Step = tuple[bool, int, int, frozenset[str], "Node"]
"""Of a child: whether it is a leaf, least and greatest length at once allowed, texts at once allowed, its node."""

Way = tuple[Step, ...]
"""The steps of the children of a group, in their order."""


class Node:
    """One element of a structure. A code is a group with the single child ``value``."""

    __slots__ = (
        "_children",
        "_model",
        "_up",
        "blanks_matter",
        "check",
        "codes",
        "element",
        "is_leaf",
        "kind",
        "of_code",
        "one_value",
        "step",
        "tag",
        "unique",
        "ways",
    )  # fmt: skip

    def __init__(self, element: Element, up: Node | None, *, of_code: Element | None = None) -> None:
        self.element = element
        self.kind = element.kind
        self.tag = tag_of(element)
        self.of_code = of_code
        self.codes: CodeList | None = (of_code or element).codes
        self.check: Check | None = _check_of(element, self.codes) if element.kind is Kind.LEAF else None
        self.is_leaf = self.kind is Kind.LEAF
        self.one_value = element.kind is Kind.CODE and element.value_max == 1 and not element.uniques
        self.blanks_matter = element.facets is not None and element.facets.base not in STRINGS
        self.unique = bool(element.unique_values or element.uniques)
        self.ways: dict[tuple[str, ...], Way] = {}
        allowed, low, high = _quick(element, self.codes)
        self.step: Step = (self.is_leaf, low, high, allowed, self)
        self._up = up
        self._children: dict[str, Node] | None = None
        self._model: Model | None = None

    @property
    def particles(self) -> tuple[Particle, ...]:
        """The content: that of the ancestor of the same type where the structure stops at a recursion."""
        element = self.element
        if element.kind is Kind.CODE:
            return (_value_of(element),)
        if element.recursive and not element.children:
            above = self._up
            while above is not None:
                if above.element.type_name == element.type_name and above.element.children:
                    return above.element.children
                above = above._up
        return element.children

    @property
    def children(self) -> dict[str, Node]:
        """The nodes of the children by name."""
        if self._children is None:
            self._open()
        assert self._children is not None
        return self._children

    def way(self, names: tuple[str, ...]) -> Way | None:
        """The steps of children with these names, ``None`` when they may not stand here so. Short ways are kept."""
        if not self.model.accepts(names):
            return None
        children = self.children
        way = tuple(children[name].step for name in names)
        if len(names) <= _SHORT and len(self.ways) < _WAYS:
            self.ways[names] = way
        return way

    @property
    def model(self) -> Model:
        """The content model of the children."""
        if self._model is None:
            self._open()
        assert self._model is not None
        return self._model

    def _open(self) -> None:
        particles = self.particles
        below = list(_elements(particles))
        code = self.element if self.kind is Kind.CODE else None
        self._children = {tag_of(element): Node(element, self, of_code=code) for element in below}
        self._model = Model(
            particles, {id(element): tag_of(element) for element in below}, unordered=self.element.unordered
        )


def tag_of(element: Element) -> str:
    """Name of an element as lxml writes it."""
    if element.kind is Kind.SIGNATURE and element.namespace is None:
        return SIGNATURE
    return f"{{{element.namespace}}}{element.name}" if element.namespace else element.name


def _elements(particles: tuple[Particle, ...]) -> list[Element]:
    found: list[Element] = []
    for particle in particles:
        if isinstance(particle, Choice):
            for branch in particle.branches:
                found += _elements(branch)
        else:
            found.append(particle)
    return found


def _value_of(code: Element) -> Element:
    return Element(name=_VALUE, kind=Kind.LEAF, min=1, max=code.value_max, facets=code.facets)


def _facets_of(element: Element, codes: CodeList | None) -> Facets | None:
    facets = element.facets
    if codes is not None and (facets is None or not (facets.enumeration or facets.patterns)):
        return Facets(enumeration=codes.values)
    return facets


def _check_of(element: Element, codes: CodeList | None) -> Check | None:
    facets = _facets_of(element, codes)
    if facets is None:
        return None
    check = checker(facets)
    if element.default is None:
        return check
    return lambda text: check(text) if text else None  # an empty element has its default value


def _quick(element: Element, codes: CodeList | None) -> tuple[frozenset[str], int, int]:
    """What can be said at once: the texts of a plain list, and the lengths of a plain string; empty where it needs a check.

    For a code these are the texts of its one ``value``.
    """
    facets = _facets_of(element, codes)
    if element.default is not None:
        return frozenset(), 1, 0
    if facets is None or facets.base != "string" or facets.patterns or facets.white_space not in (None, "preserve"):
        return frozenset(), 1, 0
    if facets.length is not None:
        return frozenset(), 1, 0
    if facets.enumeration:
        plain = facets.min_length is None and facets.max_length is None
        return (frozenset(facets.enumeration) if plain else frozenset()), 1, 0
    return frozenset(), facets.min_length or 0, 1 << 62 if facets.max_length is None else facets.max_length


def plan_of(structure: Structure) -> Node:
    """The root node of ``structure``, kept for the structures used last."""
    key = id(structure)
    with _LOCK:
        held = _CACHE.get(key)
        if held is not None and held[0] is structure:
            _CACHE.move_to_end(key)
            return held[1]
        node = Node(structure.root, None)
        _CACHE[key] = (structure, node)
        if len(_CACHE) > _HELD:
            _CACHE.popitem(last=False)
    return node
