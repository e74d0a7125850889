"""From elements to the members of RINA JSON."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from lxml import etree

from eessi import _xml
from eessi._xml import local_name
from eessi.sed.document import Sed
from eessi.sed.json_text import JsonNumber, JsonValue
from eessi.sed.losses import Loss, LossKind
from eessi.sed.order import Place
from eessi.sed.paths import children, is_code, text_of
from eessi.sed.rina_json import Shape
from eessi.sed.trees import list_names, looks_like_list

if TYPE_CHECKING:
    from eessi.schemas import Registry

__all__ = ["JsonWriter"]

_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_NOTE = "eessi-toolkit-rina"


def _literal(text: str) -> JsonValue:
    """A number or boolean of JSON where the text is one."""
    if text in ("true", "false"):
        return text == "true"
    return JsonNumber(text) if _NUMBER.fullmatch(text) else text


def _beside_content(sed: Sed) -> int:
    """How many comments and processing instructions stand in the bytes of the document."""
    data = sed.data
    if b"<!--" not in data and data.find(b"<?", 1) < 0:
        return 0
    root = _xml.parse(data, comments=True)
    inside = sum(1 for _ in root.iter(etree.Comment, etree.ProcessingInstruction))
    outside = [node for before in (True, False) for node in root.itersiblings(preceding=before)]
    return inside + sum(1 for node in outside if getattr(node, "target", None) != _NOTE)


class JsonWriter:
    """Makes a JSON object of a tree."""

    def __init__(self, registry: Registry, shape: Shape, *, old: bool) -> None:
        self.registry = registry
        self.shape = shape
        self.old = old
        self.report: list[Loss] = []
        self.as_list: dict[str, bool] = {}
        self.named: dict[str, str] = {}

    def root_members(self, sed: Sed) -> dict[str, JsonValue]:
        """The root attributes as members; attributes of other namespaces and the signature have no form in JSON."""
        members: dict[str, JsonValue] = {}
        for key, value in sed.attributes.items():
            if key.startswith("{"):
                self.report.append(Loss(LossKind.ATTRIBUTE, f"{sed.name}/@{key.rpartition('}')[2]}"))
            else:
                members[key] = _literal(value) if f"@{key}" in self.shape.literals else value
        if (count := _beside_content(sed)) > 0:
            self.report.append(Loss(LossKind.COMMENT, sed.name, f"{count} of them"))
        if sed.is_signed:
            self.report.append(Loss(LossKind.SIGNATURE, f"{sed.name}/Signature"))
        return members

    def object(self, element: etree._Element, place: Place | None, path: str, exact: str) -> dict[str, JsonValue]:
        """The children of an element as members."""
        groups: dict[str, list[etree._Element]] = {}
        for child in children(element):
            groups.setdefault(local_name(child), []).append(child)
        if (element.text or "").strip() or any((child.tail or "").strip() for child in element):
            self.report.append(Loss(LossKind.TEXT, path))
        result: dict[str, JsonValue] = {}
        for name, group in groups.items():
            below = place.child(name) if place is not None else None
            here, shown = f"{exact}/{name}", f"{path}/{name}"
            values = [
                self.value(child, below, f"{shown}[{number}]" if len(group) > 1 else shown, f"{here}[{number}]")
                for number, child in enumerate(group, 1)
            ]
            as_list = self.is_list(element, name, group, below, shown, here)
            member = self.member_name(name, group, below, as_list, shown, here)
            self.as_list[here], self.named[here] = as_list, member
            result[member] = values if as_list else values[0]
        return result

    def value(self, element: etree._Element, place: Place | None, path: str, exact: str) -> JsonValue:
        """One element: an object, or the text of a leaf."""
        for key in element.attrib:
            self.report.append(Loss(LossKind.ATTRIBUTE, f"{path}/@{str(key).rpartition('}')[2]}"))
        if next(children(element), None) is not None:
            return self.object(element, place, path, exact)
        text = text_of(element)
        if place is not None and place.element.kind == "group" and not text.strip():
            return {}
        return _literal(text) if exact in self.shape.literals else text

    def is_list(
        self, parent: etree._Element, name: str, group: list[etree._Element], place: Place | None, path: str, exact: str
    ) -> bool:
        """Whether a member is an array: as it was read, as the tree says, else by what similar elements are."""
        if exact in self.shape.lists or len(group) > 1:
            return True
        if exact in self.shape.single:
            return False
        if name == "value" and is_code(parent):
            return True
        if place is not None:
            return place.element.is_list
        pair = (local_name(parent), name)
        as_list = looks_like_list(*pair) or pair in list_names(self.registry)
        self.report.append(Loss(LossKind.LIST, path, "list" if as_list else "single"))
        return as_list

    def member_name(
        self, name: str, group: list[etree._Element], place: Place | None, as_list: bool, path: str, exact: str
    ) -> str:
        """Name of the member. In CDM 3.1 leaves begin with a small letter and lists end in ``List``."""
        if exact in self.shape.names:
            return self.shape.names[exact]
        if not self.old:
            return name
        small = name if name[1:2].isupper() else name[0].lower() + name[1:]
        is_group = place is not None and place.element.kind == "group"
        is_leaf = not is_group and all(next(children(element), None) is None for element in group)
        spelled = f"{small}List" if as_list else small if is_leaf else name
        if spelled != name:
            self.report.append(Loss(LossKind.NAME, path, spelled))
        return spelled
