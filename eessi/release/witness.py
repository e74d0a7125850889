"""Witnesses: for a change that breaks somebody, a document that one version accepts and the other refuses.

A witness is judged by the compiled schemas of both versions, never by our own comparison; it is minimal in the sense that
no single step (dropping one element, one attribute or one character) leaves a witness of the same change.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

import attrs
from lxml import etree

from eessi import _xml
from eessi.release.change import Change, Direction
from eessi.release.content import (
    Automaton,
    automaton,
    restricted,
    shortest,
    shortest_between,
    shortest_ordered,
    with_optional,
)
from eessi.release.samples import sample_values
from eessi.schemas.structure import Element, Kind, Structure

__all__ = ["Side", "Witness", "build", "error_places", "find_witness", "rerooted"]

_TRIES: Final = 64
"""Most candidate documents tried for one change."""


@attrs.frozen(slots=True)
class Side:
    """One version of a SED: its resolved tree and its compiled schema."""

    structure: Structure
    schema: etree.XMLSchema


@attrs.frozen(slots=True)
class Witness:
    """A document and the side that refuses it (``old`` or ``new``).

    :param isolated: whether that side complains at the place of the change; false where other changes around it are so
        many that it already complains before it gets there. Such a witness holds the changed part and is not made smaller.
    """

    document: bytes
    refused_by: Direction
    isolated: bool = True


def find_witness(change: Change, old: Side, new: Side) -> Witness | None:
    """A minimal document that shows ``change``, or ``None`` when none was found.

    Tries the side that the change says refuses first; where both refuse, the new side's receiver first.
    """
    sides: list[tuple[Side, Side, Direction]] = []
    for refusing in (Direction.NEW, Direction.OLD):
        if change.direction not in (refusing, Direction.BOTH):
            continue
        accepts, refuses = (old, new) if refusing is Direction.NEW else (new, old)
        sides.append((accepts, refuses, refusing))
    for accepts, refuses, refusing in sides:
        found = _search(change, accepts, refuses, refusing, _scope(change))
        if found is not None:
            return Witness(_xml.serialise(found), refusing)
    for accepts, refuses, refusing in sides:
        found = _search(change, accepts, refuses, refusing, None)
        if found is not None:
            return Witness(_xml.serialise(found), refusing, isolated=False)
    return None


def _search(
    change: Change, accepts: Side, refuses: Side, refusing: Direction, scope: Sequence[str] | None
) -> etree._Element | None:
    for index, root in enumerate(_candidates(change, accepts, refuses, refusing)):
        if index >= _TRIES:
            return None
        if _shows(root, accepts, refuses, scope):
            return root if scope is None else _smallest(root, lambda tree: _shows(tree, accepts, refuses, scope))
    return None


def _scope(change: Change) -> tuple[str, ...]:
    """Paths at which the refusing side must complain: the place of the change or its parent."""
    paths = {change.path, change.old_path or change.path}
    return tuple(sorted(paths | {path.rpartition("/")[0] for path in paths}))


def _shows(root: etree._Element, accepts: Side, refuses: Side, scope: Sequence[str] | None) -> bool:
    if not accepts.schema.validate(root):
        return False
    if refuses.schema.validate(rerooted(root, refuses.structure.namespace)):
        return False
    if scope is None:
        return True
    places = error_places(refuses.schema.error_log)
    return any(place in scope or place.rpartition("/")[0] in scope for place in places)


def error_places(log: Iterable[etree._LogEntry]) -> set[str]:
    """Paths below the root at which a compiled schema complained."""
    return {_plain(entry.path or "") for entry in log}


def _plain(xpath: str) -> str:
    """``/s:S071/Person/Address[2]/town`` -> ``Person/Address/town``; a trailing ``value`` belongs to its code."""
    steps = re.sub(r"\[\d+\]", "", xpath).split("/")[2:]
    return "/".join(steps[:-1] if steps and steps[-1] == "value" else steps)


def rerooted(root: etree._Element, namespace: str, *, keep: bool = True) -> etree._Element:
    """The document with its root in another namespace.

    :param keep: leave ``root`` as it was; without, its children are moved, which is faster.
    """
    moved = etree.Element(f"{{{namespace}}}{_xml.local_name(root)}", dict(root.attrib), nsmap={"s": namespace})
    moved.text = root.text
    moved.extend([copy.deepcopy(child) for child in root] if keep else list(root))
    return moved


def _smallest(root: etree._Element, still: Callable[[etree._Element], bool]) -> etree._Element:
    shrunk = True
    while shrunk:
        shrunk = False
        for smaller in _steps(root):
            if still(smaller):
                root, shrunk = smaller, True
                break
    return root


def _steps(root: etree._Element) -> Iterator[etree._Element]:
    """Every document that is one step smaller."""
    count = sum(1 for _ in root.iter(etree.Element))
    for index in range(1, count):
        smaller = copy.deepcopy(root)
        node = list(smaller.iter(etree.Element))[index]
        parent = node.getparent()
        if parent is not None:
            parent.remove(node)
            yield smaller
    for name in root.attrib:
        smaller = copy.deepcopy(root)
        del smaller.attrib[name]
        yield smaller
    for index, node in enumerate(root.iter(etree.Element)):
        if node.text and len(node) == 0 and len(node.text) > 1:
            smaller = copy.deepcopy(root)
            list(smaller.iter(etree.Element))[index].text = node.text[:-1]
            yield smaller


# candidates -----------------------------------------------------------------------------------------------------------


@attrs.frozen(slots=True)
class _Target:
    """What the document must show at the place of the change."""

    word: tuple[str, ...] | None = None
    values: tuple[str, ...] | None = None
    nil: bool = False


def _candidates(change: Change, accepts: Side, refuses: Side, refusing: Direction) -> Iterator[etree._Element]:
    path = change.path if refusing is Direction.OLD else (change.old_path or change.path)
    if path and accepts.structure.find(path) is None:
        path = path.rpartition("/")[0]  # the place exists on the refusing side only
    for place, target in _targets(change, path, accepts, refuses, refusing):
        yield build(accepts.structure, place, word=target.word, values=target.values, nil=target.nil)


def _targets(
    change: Change, path: str, accepts: Side, refuses: Side, refusing: Direction
) -> Iterator[tuple[str, _Target]]:
    here = accepts.structure.find(path) or accepts.structure.root
    if change.id == "CHG-NILLABLE":
        yield path, _Target(nil=True)
    elif _about_children(change):
        place, other_place = _group_paths(change, refusing)
        group, other = accepts.structure.find(place), refuses.structure.find(other_place)
        if group is not None:
            for word in _words(change, group, other, refusing):
                yield place, _Target(word=word)
    elif here.kind is Kind.GROUP:
        yield path, _Target(word=shortest(automaton(here.children)))
    else:
        there = refuses.structure.find(change.old_path or change.path) or refuses.structure.find(change.path)
        for values in sample_values(here, there, change.id):
            yield path, _Target(values=values)


def _group_paths(change: Change, refusing: Direction) -> tuple[str, str]:
    """Path of the group that changed, on the accepting and on the refusing side."""
    new, old = change.path, change.old_path or change.path
    if change.id not in _OF_THE_GROUP:
        new, old = new.rpartition("/")[0], old.rpartition("/")[0]
    return (old, new) if refusing is Direction.NEW else (new, old)


_OF_THE_GROUP: Final = frozenset(
    {
        "CHG-ORDER",
        "CHG-CONTENT",
        "CHG-CHOICE-MADE",
        "CHG-CHOICE-DISSOLVED",
        "CHG-CHOICE-REQUIRED",
        "CHG-CHOICE-OPTIONAL",
    }
)
"""Changes whose path is the group; that of all others is the child."""

_OF_CHILDREN: Final = ("CHG-ELEMENT-", "CHG-REQUIRED-", "CHG-MIN-", "CHG-MAX-")


def _about_children(change: Change) -> bool:
    return change.id in _OF_THE_GROUP or change.id.startswith(_OF_CHILDREN)


def _words(change: Change, group: Element, other: Element | None, refusing: Direction) -> Iterator[tuple[str, ...]]:
    """Orders of children that show the change, the most telling first."""
    model = automaton(group.children)
    there = automaton(other.children) if other is not None else None
    found = [*_telling(change, group, other, model, refusing)]
    if there is not None:
        found.append(shortest_between(model, there))
    for word in found:
        if word is not None:
            yield word


def _telling(
    change: Change, group: Element, other: Element | None, model: Automaton, refusing: Direction
) -> Iterator[tuple[str, ...] | None]:
    name = (change.path if refusing is Direction.OLD else (change.old_path or change.path)).rpartition("/")[2]
    if change.id in ("CHG-MIN-RAISED", "CHG-MIN-LOWERED"):
        most = int((change.new if refusing is Direction.NEW else change.old) or 1) - 1
        yield shortest(model, name=name, at_most=most)
    elif change.id in ("CHG-MAX-RAISED", "CHG-MAX-LOWERED"):
        limit = (change.new if refusing is Direction.NEW else change.old) or "0"
        yield shortest(model, name=name, at_least=int(limit) + 1)
    elif change.id in ("CHG-CHOICE-MADE", "CHG-CHOICE-DISSOLVED", "CHG-ORDER"):
        one, _, two = change.params.get("pair", "").partition(" ")
        yield shortest_ordered(model, one, two)
        yield shortest_ordered(model, two, one)
    elif change.id in ("CHG-CHOICE-REQUIRED", "CHG-CHOICE-OPTIONAL"):
        without = {e.name for e in group.elements()} - set(change.params.get("names", "").split(", "))
        yield shortest(automaton(restricted(group.children, frozenset(without))))
    elif group.child(name) is not None:
        yield shortest(model, name=name, at_least=1)
    elif other is not None:  # the refusing side misses what this side does not have
        missed = change.path.rpartition("/")[2]
        lenient = automaton(with_optional(other.children, missed))
        yield shortest_between(model, automaton(other.children), also=lenient)


# documents ------------------------------------------------------------------------------------------------------------


def build(
    structure: Structure,
    path: str = "",
    *,
    word: tuple[str, ...] | None = None,
    values: tuple[str, ...] | None = None,
    nil: bool = False,
) -> etree._Element:
    """The smallest document of ``structure`` that reaches ``path`` and shows the given children or values, or nil, there."""
    root = etree.Element(f"{{{structure.namespace}}}{structure.sed}", nsmap={"s": structure.namespace})
    _Writer(structure, word, values, nil).fill(root, structure.root, [step for step in path.split("/") if step])
    return root


@attrs.frozen(slots=True)
class _Writer:
    structure: Structure
    word: tuple[str, ...] | None
    values: tuple[str, ...] | None
    nil: bool

    def fill(self, node: etree._Element, element: Element, steps: list[str] | None) -> None:
        """Fill ``node``; ``steps`` lead to the target, an empty list is the target itself, ``None`` is off the way."""
        if self.nil and steps == []:
            node.set("{http://www.w3.org/2001/XMLSchema-instance}nil", "true")
        elif element.kind is Kind.GROUP:
            self._group(node, element, steps)
        elif element.kind is not Kind.SIGNATURE:
            texts = self.values if steps == [] and self.values is not None else _first(element)
            if element.kind is Kind.LEAF:
                node.text = texts[0] if texts else ""
            else:
                for text in texts:
                    etree.SubElement(node, "value").text = text

    def _group(self, node: etree._Element, element: Element, steps: list[str] | None) -> None:
        if element.recursive:
            return
        model = automaton(element.children)
        if steps == [] and self.word is not None:
            word: tuple[str, ...] | None = self.word
        elif steps:
            word = shortest(model, name=steps[0], at_least=1)
        else:
            word = shortest(model)
        towards = steps[0] if steps else None
        for name in word or ():
            child = element.child(name)
            if child is None:
                continue
            below = etree.SubElement(node, name)
            if name == towards and steps:
                self.fill(below, child, steps[1:])
                towards = None
            else:
                self.fill(below, child, None)


def _first(element: Element) -> tuple[str, ...]:
    return next(iter(sample_values(element, None, "")), ("x",))
