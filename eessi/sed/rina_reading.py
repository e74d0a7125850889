"""From the members of RINA JSON to elements."""

from __future__ import annotations

import re
from collections import Counter

from lxml import etree

from eessi.errors import InputError
from eessi.sed.json_text import JsonNumber, JsonValue
from eessi.sed.losses import Loss, LossKind
from eessi.sed.order import Place, may_be_empty
from eessi.sed.rina_json import Shape
from eessi.sed.trees import Tree

__all__ = ["TreeWriter"]

_NAME = re.compile(r"[^\W\d][\w.-]*")
_Member = tuple[str, str, JsonValue]


class TreeWriter:
    """Fills a tree from a JSON object and notes what XML will not say about it."""

    def __init__(self, tree: Tree | None, *, old: bool, wrap_codes: bool, source: str | None) -> None:
        self.tree = tree
        self.old = old
        self.wrap_codes = wrap_codes
        self.source = source
        self.report: list[Loss] = []
        self.lists: set[str] = set()
        self.single: set[str] = set()
        self.literals: set[str] = set()
        self.names: dict[str, str] = {}

    def shape(self) -> Shape:
        """What was noted on the way."""
        return Shape(frozenset(self.lists), frozenset(self.single), frozenset(self.literals), dict(self.names))

    def fill(
        self, parent: etree._Element, body: dict[str, JsonValue], place: Place | None, path: str, exact: str
    ) -> None:
        """Append the members of ``body``; ``exact`` is the path with every index, ``path`` the readable one."""
        members: list[_Member] = []
        for name, value in body.items():
            below = self.known(place, name, value)
            kept = self.without_empties(value, f"{path}/{name}", below)
            if kept is not None:
                members.append((self.element_name(name, kept, place), name, kept))
        twice = {name for name, count in Counter(name for name, _, _ in members).items() if count > 1}
        if twice:
            raise InputError(f"{path}: two members become the one element {min(twice)}", source=self.source)
        in_code = place is not None and place.element.kind == "code"
        for element_name, name, value in self.ordered(members, place, path):
            below = place.child(element_name) if place is not None else None
            if place is not None and below is None and not (in_code and element_name == "value"):
                self.report.append(Loss(LossKind.UNKNOWN, f"{path}/{element_name}"))
            here = f"{exact}/{element_name}"
            if self.old or name != element_name:
                self.names[here] = name
            self.append(parent, element_name, value, below, f"{path}/{element_name}", here)

    def append(
        self, parent: etree._Element, name: str, value: JsonValue, place: Place | None, path: str, exact: str
    ) -> None:
        """Append the element or elements of one member."""
        entries = value if isinstance(value, list) else [value]
        (self.lists if isinstance(value, list) else self.single).add(exact)
        for number, entry in enumerate(entries, 1):
            if isinstance(entry, list):
                raise InputError(f"{path}: an array inside an array has no form in XML", source=self.source)
            here = f"{exact}[{number}]"
            shown = f"{path}[{number}]" if len(entries) > 1 else path
            try:
                element = etree.SubElement(parent, name)
                if not isinstance(entry, dict):
                    self.leaf(element, entry, place, shown, here)
            except ValueError:
                raise InputError(f"{shown}: holds characters that XML does not allow", source=self.source) from None
            if isinstance(entry, dict):
                self.fill(element, entry, place, shown, here)

    def leaf(self, element: etree._Element, value: JsonValue, place: Place | None, path: str, exact: str) -> None:
        """Write a text, number or boolean."""
        text = str(value).lower() if isinstance(value, bool) else str(value)
        if isinstance(value, bool | JsonNumber):
            self.literals.add(exact)
            self.report.append(Loss(LossKind.NUMBER, path))
        if place is not None and place.element.kind == "code":
            self.report.append(Loss(LossKind.CODE, path, "a plain text where the tree has a code"))
            if self.wrap_codes:
                etree.SubElement(element, "value").text = text
                return
        element.text = text

    def known(self, place: Place | None, name: str, value: JsonValue) -> Place | None:
        """The place of a member in a tree that is exact; elsewhere nothing is known for sure."""
        if place is None or self.tree is None or self.tree.order_from is not None:
            return None
        return place.child(self.spelling(name, value, place) if self.old else name)

    def without_empties(self, value: JsonValue, path: str, place: Place | None) -> JsonValue:
        """The value without ``""``, ``null``, ``{}`` and ``[]``, each reported; ``None`` when nothing is left.

        An empty object stays where an exact tree allows the group to be empty, an empty text where it also requires
        the element: there the document says something by it.
        """
        if value is None:
            self.report.append(Loss(LossKind.NULL, path))
            return None
        if isinstance(value, bool) or value:
            if isinstance(value, list):
                kept: list[JsonValue] = [
                    left for entry in value if (left := self.without_empties(entry, path, place)) is not None
                ]
                return kept or None
            if isinstance(value, dict):
                rest: dict[str, JsonValue] = {
                    name: inner
                    for name, entry in value.items()
                    if (inner := self.without_empties(entry, f"{path}/{name}", self.known(place, name, entry)))
                    is not None
                }
                return rest or None
            return value
        if (
            place is not None
            and may_be_empty(place.element)
            and (value == {} or (value == "" and place.element.required))
        ):
            return value
        self.report.append(Loss(LossKind.EMPTY, path))
        return None

    def element_name(self, name: str, value: JsonValue, place: Place | None) -> str:
        """Name of the element for a member: the same, except in CDM 3.1.

        :raises InputError: when the member's name cannot be that of an element.
        """
        if not _NAME.fullmatch(name) or name[:3].lower() == "xml":
            raise InputError(f"the member {name[:40]!r} cannot be the name of an element", source=self.source)
        return self.spelling(name, value, place) if self.old else name

    def spelling(self, name: str, value: JsonValue, place: Place | None) -> str:
        """The name in the XML of CDM 3.1: a capital in front, without the ``List`` of JSON; the tree's spelling first."""
        bare = name[:-4] if name.endswith("List") and isinstance(value, list) and len(name) > 4 else name
        capital = bare[0].upper() + bare[1:]
        known = set(place.names()) if place is not None else set()
        return next((spelling for spelling in (capital, name, bare) if spelling in known), capital)

    def ordered(self, members: list[_Member], place: Place | None, path: str) -> list[_Member]:
        """The members in the order of the tree; unknown ones behind, as given."""
        if len(members) > 1:
            if place is None:
                self.report.append(Loss(LossKind.ORDER, path, "as given"))
            elif self.tree is not None and self.tree.order_from is not None:
                self.report.append(Loss(LossKind.ORDER, path, self.tree.order_from))
        return members if place is None else sorted(members, key=lambda member: place.rank(member[0]))
