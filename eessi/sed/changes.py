"""Changed copies of a SED, and what a tree does not name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from lxml import etree

from eessi import _xml
from eessi._xml import local_name
from eessi.errors import UnknownCode, UsageError
from eessi.sed.document import Sed
from eessi.sed.order import Place, root_place
from eessi.sed.paths import SIGNATURE, Step, children, is_code, select, steps_of

if TYPE_CHECKING:
    from eessi.schemas import Registry

__all__ = ["replaced", "unknown_paths"]

Value = str | Sequence[str] | Mapping[str, object] | None


def replaced(sed: Sed, path: str, value: Value, registry: Registry | None) -> Sed:
    """See :meth:`Sed.replace`."""
    steps = steps_of(path, sed.name)
    if not steps:
        raise UsageError("name a path below the root; the root itself cannot be replaced")
    root = _xml.parse(sed.data, comments=True)
    for signature in root.findall(SIGNATURE):
        _remove(signature)
    structure = registry.structure(sed.type, sed.version) if registry is not None else None
    found = select(root, steps)
    if value is None:
        if not found:
            raise UnknownCode("path", path)
        for element in found:
            _remove(element)
        return _changed(root)
    if len(found) > 1:
        raise UsageError(f"{path} meets {len(found)} elements; name one by its index")
    place = root_place(structure)
    element = found[0] if found else _create(root, steps, place, path)
    for name, _ in steps:
        place = place.child(name) if place is not None else None
    _fill(element, value, place, path)
    return _changed(root)


def _changed(root: etree._Element) -> Sed:
    """The copy keeps comments and processing instructions in its bytes, as the original does."""
    data = _xml.serialise(root)
    return Sed(_xml.parse(data), data)


def _remove(element: etree._Element) -> None:
    parent = element.getparent()
    assert parent is not None
    before = element.getprevious()
    if element.tail and element.tail.strip():
        if before is not None:
            before.tail = (before.tail or "") + element.tail
        else:
            parent.text = (parent.text or "") + element.tail
    parent.remove(element)


def _create(root: etree._Element, steps: tuple[Step, ...], place: Place | None, path: str) -> etree._Element:
    """The element at a path, made with all groups on the way, each where the tree wants it."""
    here = root
    for number, (name, index) in enumerate(steps, 1):
        same = [child for child in children(here) if local_name(child) == name]
        wanted = index or 1
        if len(same) >= wanted and (number < len(steps) or index is not None or same):
            here = same[wanted - 1]
        else:
            if place is None or wanted > len(same) + 1:
                raise UnknownCode("path", path)
            here = _insert(here, name, place)
        place = place.child(name) if place is not None else None
    return here


def _insert(parent: etree._Element, name: str, place: Place) -> etree._Element:
    if place.child(name) is None:
        raise UnknownCode("path", name, _near(name, place))
    element = etree.Element(name)
    rank = place.rank(name)
    behind = [number for number, child in enumerate(parent) if place.rank(local_name(child)) <= rank]
    parent.insert(behind[-1] + 1 if behind else 0, element)
    return element


def _near(name: str, place: Place) -> str | None:
    from eessi.ids import nearest

    return nearest(name, place.names())


def _fill(element: etree._Element, value: Value, place: Place | None, path: str) -> None:
    coded = place.element.kind == "code" if place is not None else is_code(element)
    if isinstance(value, Mapping):
        if coded or (place is not None and place.element.kind == "leaf"):
            raise UsageError(f"{path} holds a text, not a group")
        from eessi.sed.builder import fill_group

        _clear(element)
        fill_group(element, value, place, path)
        return
    texts = [value] if isinstance(value, str) else list(value or ())
    if coded:
        _clear(element)
        for text in texts:
            _set(etree.SubElement(element, "value"), text, path)
        return
    if len(texts) != 1:
        raise UsageError(f"{path} holds one text; {len(texts)} were given")
    if next(children(element), None) is not None or (place is not None and place.element.kind == "group"):
        raise UsageError(f"{path} is a group; give a mapping")
    _clear(element)
    _set(element, texts[0], path)


def _clear(element: etree._Element) -> None:
    for child in list(element):
        element.remove(child)
    element.text = None


def _set(element: etree._Element, text: str, path: str) -> None:
    try:
        element.text = text
    except ValueError:
        raise UsageError(f"{path}: the text holds characters that XML does not allow") from None


def unknown_paths(sed: Sed, registry: Registry, package: str | None) -> tuple[str, ...]:
    """See :meth:`Sed.unknown`."""
    structure = registry.structure(sed.type, sed.version, package=package)
    found: list[str] = []
    _unknown(sed.root, root_place(structure), "", found)
    return tuple(found)


def _unknown(element: etree._Element, place: Place | None, path: str, found: list[str]) -> None:
    counts: dict[str, int] = {}
    parts = list(children(element))
    names = [local_name(part) for part in parts]
    for part, name in zip(parts, names, strict=True):
        counts[name] = counts.get(name, 0) + 1
        step = f"{name}[{counts[name]}]" if names.count(name) > 1 else name
        here = f"{path}/{step}" if path else step
        below = place.child(name) if place is not None else None
        if below is None:
            found.append(here)
        elif below.element.kind == "group":
            _unknown(part, below, here, found)
        elif below.element.kind == "code":
            found.extend(f"{here}/{local_name(child)}" for child in children(part) if local_name(child) != "value")
        elif len(part):
            found.extend(f"{here}/{local_name(child)}" for child in children(part))
