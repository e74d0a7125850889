"""Where an element belongs among its siblings, by the tree of a package."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eessi.schemas.structure import Choice, Element

if TYPE_CHECKING:
    from eessi.schemas.structure import Particle, Structure

__all__ = ["Place", "may_be_empty", "root_place"]


class Place:
    """An element of the tree together with its ancestors, so that a recursive group finds its children again."""

    __slots__ = ("_ancestors", "_below", "element")

    def __init__(self, element: Element, ancestors: tuple[Element, ...] = ()) -> None:
        self._ancestors = ancestors
        self.element = element
        self._below: dict[str, tuple[int, Place]] | None = None

    @property
    def opened(self) -> Element:
        """The element whose children count: for a recursive group the ancestor of the same type."""
        if not self.element.recursive:
            return self.element
        same = (one for one in reversed(self._ancestors) if one.type_name == self.element.type_name)
        return next(same, self.element)

    def _children(self) -> dict[str, tuple[int, Place]]:
        if self._below is None:
            opened = self.opened
            line = (*self._ancestors, opened)
            below: dict[str, tuple[int, Place]] = {}
            for number, element in enumerate(opened.elements()):
                if element.name not in below:
                    below[element.name] = (number, Place(element, line))
            self._below = below
        return self._below

    def child(self, name: str) -> Place | None:
        """The place of a child, ``None`` where the tree names no such child."""
        found = self._children().get(name)
        return found[1] if found is not None else None

    def names(self) -> tuple[str, ...]:
        """Names of all children in order."""
        return tuple(self._children())

    def rank(self, name: str) -> int:
        """Position of a child; unknown ones stand behind all others."""
        found = self._children().get(name)
        return found[0] if found is not None else 1_000_000


def may_be_empty(element: Element) -> bool:
    """Whether the tree allows the element to stand there with nothing inside: a group without required children, or a
    text without a least length."""
    if element.kind == "group":
        return not element.recursive and all(_may_be_absent(particle) for particle in element.children)
    facets = element.facets
    if element.kind != "leaf" or facets is None:
        return False
    free = not facets.patterns and not facets.enumeration and not facets.length and not facets.min_length
    return free and facets.base in ("string", "normalizedString", "token")


def _may_be_absent(particle: Particle) -> bool:
    if not isinstance(particle, Choice):
        return particle.min == 0
    return particle.min == 0 or any(all(_may_be_absent(inner) for inner in branch) for branch in particle.branches)


def root_place(structure: Structure | None) -> Place | None:
    """The place of the root element, ``None`` without a tree."""
    return Place(structure.root) if structure is not None else None
