"""Where an element belongs among its siblings, by the tree of a package."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from eessi.schemas.structure import Element, Structure

__all__ = ["Place", "root_place"]


class Place:
    """An element of the tree together with its ancestors, so that a recursive group finds its children again."""

    __slots__ = ("_ancestors", "_ranks", "element")

    def __init__(self, element: Element, ancestors: tuple[Element, ...] = ()) -> None:
        self._ancestors = ancestors
        self.element = element
        self._ranks: dict[str, int] | None = None

    @property
    def opened(self) -> Element:
        """The element whose children count: for a recursive group the ancestor of the same type."""
        if not self.element.recursive:
            return self.element
        same = (one for one in reversed(self._ancestors) if one.type_name == self.element.type_name)
        return next(same, self.element)

    def child(self, name: str) -> Place | None:
        """The place of a child, ``None`` where the tree names no such child."""
        found = self.opened.child(name)
        return Place(found, (*self._ancestors, self.opened)) if found is not None else None

    def names(self) -> tuple[str, ...]:
        """Names of all children in order."""
        return tuple(element.name for element in self.opened.elements())

    def rank(self, name: str) -> int:
        """Position of a child; unknown ones stand behind all others."""
        if self._ranks is None:
            ranks: dict[str, int] = {}
            for number, known in enumerate(self.names()):
                ranks.setdefault(known, number)
            self._ranks = ranks
        return self._ranks.get(name, len(self._ranks))


def root_place(structure: Structure | None) -> Place | None:
    """The place of the root element, ``None`` without a tree."""
    return Place(structure.root) if structure is not None else None
