"""A document in another version: by the rules that the comparison gives, plus a small hand-written map.

Nothing is lost silently and nothing is invented: what has no place in the new version stands in the loss report, what only a
person can decide in the to-do list.
"""

from __future__ import annotations

import copy
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import attrs
from lxml import etree

from eessi import _xml
from eessi.errors import DefinitionError, UnknownCode, UsageError
from eessi.release.change import Change
from eessi.release.compare import compare_structures, effective_bounds
from eessi.release.content import automaton, names_of
from eessi.schemas import Registry
from eessi.schemas.structure import Element, Fidelity, Kind, Structure
from eessi.sed import Message, Sed

__all__ = ["Loss", "Migrated", "MigrationMap", "ToDo", "migrate", "migrate_document"]


@attrs.frozen(slots=True)
class Loss:
    """Content that the new version has no place for. ``change`` is the id of the change behind it.

    ``content`` is the lost part as XML; it may hold personal values and is never printed by default.
    """

    path: str
    change: str
    content: bytes = attrs.field(repr=False)


@attrs.frozen(slots=True)
class ToDo:
    """Something that only a person, or a system that knows more than the document, can decide."""

    path: str
    what: str
    change: str | None = None


@attrs.frozen(slots=True)
class Migrated:
    """The document in the new version, what was lost, what is left to do."""

    document: bytes
    losses: tuple[Loss, ...]
    todo: tuple[ToDo, ...]


@attrs.frozen(slots=True)
class MigrationMap:
    """The hand-written part: where paths went, and which code replaces which.

    :param paths: old path -> new path, below the root.
    :param codes: old path -> {old code: new code}.
    """

    paths: Mapping[str, str] = attrs.field(factory=dict)
    codes: Mapping[str, Mapping[str, str]] = attrs.field(factory=dict)

    @classmethod
    def load(cls, file: Path) -> MigrationMap:
        """Read a TOML file with the tables ``[paths]`` and ``[codes."path"]``.

        :raises DefinitionError: for anything else, with file and key.
        """
        try:
            table = tomllib.loads(file.read_text(encoding="utf-8"))
        except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise DefinitionError(f"not a TOML table: {error}", file=str(file)) from None
        for key in table.keys() - {"paths", "codes"}:
            raise DefinitionError("unknown table; use [paths] and [codes]", file=str(file), key=key)
        paths, codes = table.get("paths", {}), table.get("codes", {})
        for key, value in paths.items():
            if not isinstance(value, str):
                raise DefinitionError("a path was expected", file=str(file), key=f"paths.{key}")
        for key, row in codes.items():
            if not isinstance(row, dict) or not all(isinstance(code, str) for code in row.values()):
                raise DefinitionError("a table of codes was expected", file=str(file), key=f"codes.{key}")
        return cls(paths, codes)


def migrate(root: etree._Element, old: Structure, new: Structure, given: MigrationMap | None = None) -> Migrated:
    """Write the document ``root`` of version ``old`` in version ``new``. A signature is dropped: it signed other bytes.

    :param root: the SED element; it is not changed.
    """
    rules = _Rules.of(compare_structures(old, new), given or MigrationMap())
    work = _Work(old, new, rules)
    moved = etree.Element(f"{{{new.namespace}}}{new.sed}", nsmap={"s": new.namespace})
    for name, value in root.attrib.items():
        moved.set(name, _root_attribute(str(name), str(value), old, new))
    work.group(root, moved, old.root, new.root, "", "")
    work.place_moved(moved)
    work.missing(moved, new.root, "")
    return Migrated(_xml.serialise(moved), tuple(work.losses), tuple(work.todo))


def _root_attribute(name: str, value: str, old: Structure, new: Structure) -> str:
    swap = {"sedGVer": (old.version.major, new.version.major), "sedVer": (old.version.minor, new.version.minor)}
    before, after = swap.get(name, (None, None))
    return str(after) if before is not None and value == str(before) else value


@attrs.frozen(slots=True)
class _Rules:
    """What the comparison says, by old path."""

    renamed: Mapping[str, str]
    moved: Mapping[str, str]
    by_path: Mapping[str, tuple[Change, ...]]
    codes: Mapping[str, Mapping[str, str]]

    @classmethod
    def of(cls, changes: Iterable[Change], given: MigrationMap) -> _Rules:
        renamed, moved = {}, dict(given.paths)
        by_path: dict[str, tuple[Change, ...]] = {}
        for change in changes:
            was = change.old_path or change.path
            by_path[was] = (*by_path.get(was, ()), change)
            if change.id == "CHG-ELEMENT-RENAMED" and was not in moved:
                renamed[was] = change.path.rpartition("/")[2]
            elif change.id == "CHG-ELEMENT-MOVED":
                moved.setdefault(was, change.path)
        return cls(renamed, moved, by_path, given.codes)

    def why(self, path: str, *ids: str) -> str:
        """Id of the change at a path, for the report."""
        found = [change.id for change in self.by_path.get(path, ())]
        return next((id for id in found if id in ids), found[0] if found else ids[0])


@attrs.define(slots=True)
class _Work:
    old: Structure
    new: Structure
    rules: _Rules
    losses: list[Loss] = attrs.field(factory=list)
    todo: list[ToDo] = attrs.field(factory=list)
    waiting: list[tuple[str, str, etree._Element, Element]] = attrs.field(factory=list)

    def group(
        self, node: etree._Element, made: etree._Element, old: Element, new: Element, path: str, new_path: str
    ) -> None:
        """Carry the children of ``node`` over into ``made``, in the order of the new version."""
        for child in _xml.elements(node):
            name = _xml.local_name(child)
            here = f"{path}/{name}".lstrip("/")
            was = old.child(name)
            if was is not None and was.kind is Kind.SIGNATURE:
                self.todo.append(ToDo(here, "the signature covered the old document; sign the new one"))
            elif here in self.rules.moved and was is not None:
                self.waiting.append((here, self.rules.moved[here], child, was))
            else:
                self._child(child, made, was, new, here, self.rules.renamed.get(here, name), new_path)
        self._order(made, new)
        self._too_many(made, new, new_path)

    def _child(
        self,
        child: etree._Element,
        made: etree._Element,
        was: Element | None,
        new: Element,
        here: str,
        name: str,
        new_path: str,
    ) -> None:
        now = new.child(name)
        if was is None or now is None or was.kind is not now.kind:
            id = self.rules.why(here, "CHG-ELEMENT-REMOVED", "CHG-REQUIRED-REMOVED", "CHG-KIND")
            self._lose(here, id, child)
            return
        there = f"{new_path}/{name}".lstrip("/")
        self._carry(child, etree.SubElement(made, name), was, now, here, there)

    def _carry(
        self, child: etree._Element, made: etree._Element, was: Element, now: Element, here: str, there: str
    ) -> None:
        for name, value in child.attrib.items():
            made.set(name, value)
        if now.kind is Kind.GROUP:
            self.group(child, made, was, now, here, there)
        elif now.kind is Kind.LEAF:
            made.text = "".join(child.itertext())
            self._check_value(made.text, now, here, there)
        else:
            self._codes(child, made, now, here, there)

    def _codes(self, child: etree._Element, made: etree._Element, now: Element, here: str, there: str) -> None:
        allowed = now.codes.values if now.codes else None
        replaced = self.rules.codes.get(here, {})
        for value in _xml.elements(child):
            code = "".join(value.itertext())
            code = replaced.get(code, code)
            if allowed is not None and code not in allowed:
                self._lose(here, "CHG-CODE-WITHDRAWN", value)
                self.todo.append(ToDo(there, f"choose a code that replaces {code}", "CHG-CODE-WITHDRAWN"))
            elif now.unique_values and code in [v.text for v in made]:
                self._lose(here, "CHG-UNIQUE-ADDED", value)
            else:
                etree.SubElement(made, "value").text = code
        if now.value_max == 1 and len(made) > 1:
            for extra in list(made)[1:]:
                self._lose(here, "CHG-CODES-SINGLE", extra)
                made.remove(extra)
            self.todo.append(ToDo(there, "only one code may stay; check that it is the right one", "CHG-CODES-SINGLE"))
        if len(made) == 0:
            parent = made.getparent()
            if parent is not None:
                parent.remove(made)

    def _check_value(self, text: str, now: Element, here: str, there: str) -> None:
        facets = now.facets
        if facets is None:
            return
        if facets.max_length is not None and len(text) > facets.max_length:
            what = f"the text has {len(text)} characters, {facets.max_length} are allowed; shorten it"
            self.todo.append(ToDo(there, what, "CHG-FACET-TIGHTENED"))
        elif facets.min_length is not None and len(text) < facets.min_length:
            what = f"the text has {len(text)} characters, {facets.min_length} are needed"
            self.todo.append(ToDo(there, what, "CHG-FACET-TIGHTENED"))
        elif any(c.id in ("CHG-TYPE", "CHG-PATTERN") for c in self.rules.by_path.get(here, ())):
            self.todo.append(ToDo(there, "the type or pattern of this value changed; check it", "CHG-TYPE"))

    def _lose(self, path: str, change: str, node: etree._Element) -> None:
        alone = copy.deepcopy(node)
        etree.cleanup_namespaces(alone)
        self.losses.append(Loss(path, change, etree.tostring(alone, with_tail=False)))

    def _order(self, made: etree._Element, new: Element) -> None:
        names = [_xml.local_name(child) for child in made]
        if automaton(new.children).allows(names):
            return
        rank = {name: index for index, name in reversed(list(enumerate(names_of(new.children))))}
        children = sorted(made, key=lambda child: rank.get(_xml.local_name(child), len(rank)))
        for child in children:
            made.append(child)  # appending moves the node

    def _too_many(self, made: etree._Element, new: Element, path: str) -> None:
        for element in new.elements():
            found = made.findall(element.name)
            if element.max is None or len(found) <= element.max or _repeats_elsewhere(new, element.name):
                continue
            place = f"{path}/{element.name}".lstrip("/")
            for extra in found[element.max :]:
                self._lose(place, "CHG-MAX-LOWERED", extra)
                made.remove(extra)
            what = f"only {element.max} may stay; check that the right ones did"
            self.todo.append(ToDo(place, what, "CHG-MAX-LOWERED"))

    def place_moved(self, root: etree._Element) -> None:
        """Put what moved where it belongs now, making the groups on the way."""
        for old_path, new_path, node, was in self.waiting:
            now = self.new.find(new_path)
            if now is None or now.kind is not was.kind:
                self._lose(old_path, "CHG-ELEMENT-MOVED", node)
                continue
            parent, element = root, self.new.root
            for step in new_path.split("/")[:-1]:
                found = parent.find(step)
                below = element.child(step)
                assert below is not None
                parent_before = parent
                parent = found if found is not None else etree.SubElement(parent, step)
                self._order(parent_before, element)
                element = below
            self._carry(node, etree.SubElement(parent, now.name), was, now, old_path, new_path)
            self._order(parent, element)

    def missing(self, made: etree._Element, new: Element, path: str) -> None:
        """What the new version requires and the document does not have, for a person to fill in."""
        self.todo += [
            ToDo(place, "fill in a value; it is required", "CHG-REQUIRED-ADDED") for place in _absent(made, new, path)
        ]
        for child in made:
            below = new.child(_xml.local_name(child))
            if below is not None and below.kind is Kind.GROUP and not below.recursive:
                self.missing(child, below, f"{path}/{below.name}".lstrip("/"))


def _absent(made: etree._Element, group: Element, path: str) -> Iterator[str]:
    present = {_xml.local_name(child) for child in made}
    for particle in group.children:
        if isinstance(particle, Element):
            if particle.min > 0 and particle.name not in present:
                yield f"{path}/{particle.name}".lstrip("/")
        elif particle.min > 0:
            names = [element.name for element in particle.elements()]
            can_be_empty = any(automaton(branch).allows(()) for branch in particle.branches)
            if names and not can_be_empty and not present & set(names):
                yield f"{path}/{names[0]}".lstrip("/")


def _repeats_elsewhere(group: Element, name: str) -> bool:
    child = group.child(name)
    return child is not None and effective_bounds(group.children, name)[1] != child.max


def migrate_document(
    document: Sed | Message,
    registry: Registry,
    *,
    target: str,
    origin: str | None = None,
    given: MigrationMap | None = None,
) -> Migrated:
    """Migrate a parsed document between packages of a registry. Of a message, the SED inside; its header names a version too.

    :param target: :param origin: coordinates ``name:version``.
    :raises UnknownCode: when a package is missing or does not know the SED.
    :raises UsageError: when a tree is not exact: a guess would lose content without saying so.
    """
    sed = document if isinstance(document, Sed) else document.sed
    old = registry.find(sed.type, sed.version, package=origin)
    if old is None:
        raise UnknownCode(f"SED and version in {origin or 'the packages at hand'}", f"{sed.type} {sed.version}")
    entries = [entry for entry in registry.package(target).entries() if entry.sed == sed.type]
    if not entries:
        raise UnknownCode(f"SED in {target}", sed.type)
    new = registry.find(sed.type, max(entry.version for entry in entries), package=target)
    assert new is not None
    for found in (old, new):
        if found.fidelity not in (Fidelity.EXACT, Fidelity.SANDBOX):
            raise UsageError(
                f"{found.coordinates} knows {sed.type} only as {found.fidelity}; import the official package to migrate it"
            )
    return migrate(sed.root, registry.structure_of(old), registry.structure_of(new), given)
