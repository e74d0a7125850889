"""A SED as something to read: labels, values and code texts in order, ready for a page or a screen reader.

Labels and code texts come from the package in the language asked for. Where it has none, the words are made from the
element's name and marked as the toolkit's own, so that nobody takes them for the official wording.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING

import attrs
from lxml import etree

from eessi._xml import local_name
from eessi.schemas.structure import Element, Kind, Structure
from eessi.sed.paths import children, is_code, text_of
from eessi.sed.personal import tells

if TYPE_CHECKING:
    from eessi.schemas import Registry
    from eessi.sed.document import Sed

__all__ = ["PERSONAL", "Difference", "Entry", "Reading", "Value", "compare_readings", "hide", "own_words", "read_out"]

PERSONAL = "personal"
"""Among the paths to mask: everything that tells about a person."""


@attrs.frozen(slots=True)
class Value:
    """A text to show; for a code its meaning beside it. ``masked``: the text is replaced by its kind."""

    text: str
    meaning: str | None = None
    code: bool = False
    masked: bool = False


@attrs.frozen(slots=True)
class Entry:
    """A line or a group of the document.

    :param path: readable path below the root, with indexes. :param own: the label is the toolkit's own wording.
    :param values: of a leaf or code. :param entries: of a group.
    :param empty: labels of parts that the schema offers and the document leaves out.
    :param known: the package knows this element.
    """

    path: str
    name: str
    label: str
    own: bool
    values: tuple[Value, ...] = ()
    entries: tuple[Entry, ...] = ()
    empty: tuple[str, ...] = ()
    known: bool = True

    @property
    def is_group(self) -> bool:
        """Whether it holds other entries."""
        return not self.values


@attrs.frozen(slots=True)
class Reading:
    """A whole document to read.

    :param title: of the SED in ``lang``, ``None`` where no source gives one. :param own_title: it is not an official one.
    :param package: coordinates of the package that gave labels and order; ``None`` where none knows the SED.
    """

    code: str
    version: str
    lang: str
    title: str | None
    own_title: bool
    sandbox: bool
    signed: bool
    package: str | None
    fidelity: str | None
    entries: tuple[Entry, ...]
    empty: tuple[str, ...]


def own_words(name: str) -> str:
    """Words made from an element's name: ``familyNameAtBirth`` becomes ``Family name at birth``."""
    words = re.findall(r"[A-Z]{2,}(?=[A-Z][a-z]|\b|\d|$)|[A-Z]?[a-z]+|[A-Z]+|\d+", name)
    spoken = " ".join(word if len(word) > 1 and word.isupper() else word.lower() for word in words)
    return spoken[:1].upper() + spoken[1:] if spoken else name


def read_out(
    sed: Sed, registry: Registry, *, lang: str = "en", package: str | None = None, mask: Collection[str] = ()
) -> Reading:
    """A document as labels and values.

    :param lang: language of labels and code texts, as far as the package has it.
    :param mask: schema paths, without indexes, whose values are not shown (``Person/PersonIdentification`` masks
        everything below); :data:`PERSONAL` masks all that tells about a person.
    """
    found = registry.find(sed.type, sed.version, package=package)
    structure = registry.structure_of(found) if found is not None else None
    title, own = _title(sed, lang)
    reader = _Reader(lang, frozenset(mask), structure)
    entries = reader.inside(sed.root, structure.root if structure else None, "", "")
    return Reading(
        code=sed.name,
        version=str(sed.version),
        lang=lang,
        title=title,
        own_title=own,
        sandbox=sed.is_sandbox,
        signed=sed.is_signed,
        package=found.coordinates if found is not None else None,
        fidelity=str(found.fidelity) if found is not None else None,
        entries=entries,
        empty=reader.left_out(sed.root, structure.root if structure else None),
    )


def _title(sed: Sed, lang: str) -> tuple[str | None, bool]:
    from eessi.errors import UnknownCode
    from eessi.sed.catalogue import find_sed

    try:
        row = find_sed(sed.type)
    except UnknownCode:
        return None, False
    title = row.titles.get(lang) or row.titles.get("en")
    return (title.text, not title.is_official) if title is not None else (None, False)


class _Reader:
    def __init__(self, lang: str, mask: frozenset[str], structure: Structure | None) -> None:
        self.lang = lang
        self.mask = mask
        self.structure = structure

    def label(self, name: str, node: Element | None) -> tuple[str, bool]:
        given = (node.labels.get(self.lang) or node.labels.get("en")) if node is not None else None
        return (given, False) if given else (own_words(name), True)

    def inside(self, parent: etree._Element, node: Element | None, path: str, plain: str) -> tuple[Entry, ...]:
        names = [local_name(child) for child in children(parent)]
        seen: dict[str, int] = {}
        entries = []
        for child in children(parent):
            name = local_name(child)
            seen[name] = seen.get(name, 0) + 1
            step = f"{name}[{seen[name]}]" if names.count(name) > 1 else name
            below = node.child(name) if node is not None else None
            here, schema = (f"{path}/{step}", f"{plain}/{name}") if path else (step, name)
            entries.append(self.entry(child, below, here, schema))
        return tuple(entries)

    def entry(self, element: etree._Element, node: Element | None, path: str, plain: str) -> Entry:
        name = local_name(element)
        label, own = self.label(name, node)
        known = node is not None
        if is_code(element) and (node is None or node.kind is not Kind.GROUP):
            values = tuple(self.code(text_of(value), node, plain) for value in children(element))
            return Entry(path, name, label, own, values=values, known=known)
        if next(children(element), None) is None and (node is None or node.kind is not Kind.GROUP):
            return Entry(path, name, label, own, values=(self.text(name, text_of(element), plain),), known=known)
        entries = self.inside(element, node, path, plain)
        return Entry(path, name, label, own, entries=entries, empty=self.left_out(element, node), known=known)

    def masked(self, plain: str) -> bool:
        return any(plain == path or plain.startswith(f"{path}/") for path in self.mask)

    def code(self, text: str, node: Element | None, plain: str) -> Value:
        if self.masked(plain):
            return Value("code", code=True, masked=True)
        row = next((code for code in node.codes.codes if code.value == text), None) if node and node.codes else None
        meaning = (row.labels.get(self.lang) or row.labels.get("en")) if row is not None else None
        return Value(text, meaning, code=True)

    def text(self, name: str, text: str, plain: str) -> Value:
        kind = tells(name, text)
        if self.masked(plain) or (PERSONAL in self.mask and kind.personal):
            return Value(str(kind), masked=True)
        return Value(text)

    def left_out(self, element: etree._Element, node: Element | None) -> tuple[str, ...]:
        """Labels of what the schema offers here and the document has not."""
        if node is None:
            return ()
        there = {local_name(child) for child in children(element)}
        names = dict.fromkeys(part.name for part in node.elements() if part.kind is not Kind.SIGNATURE)
        return tuple(self.label(name, node.child(name))[0] for name in names if name not in there)


@attrs.frozen(slots=True)
class Difference:
    """One line of two documents side by side. ``kind``: ``same``, ``changed``, ``added`` (right only), ``removed``."""

    depth: int
    label: str
    own: bool
    path: str
    left: tuple[Value, ...] | None
    right: tuple[Value, ...] | None
    kind: str
    is_group: bool


def compare_readings(left: Reading, right: Reading) -> tuple[Difference, ...]:
    """Two documents line by line: what both have stands in one line, at its place in the order of the left one.

    Entries of a list are set against each other by content first, so that one entry more does not shift the others.
    """
    return tuple(_compared(left.entries, right.entries, 0))


def _compared(left: Sequence[Entry], right: Sequence[Entry], depth: int) -> Iterable[Difference]:
    for one, other in _paired(left, right):
        shown = one or other
        assert shown is not None
        yield _line(one, other, shown, depth)
        if one is not None and other is not None and one.is_group and other.is_group:
            yield from _compared(one.entries, other.entries, depth + 1)
        elif shown.is_group or (one is not None and other is not None and one.is_group != other.is_group):
            yield from _compared(one.entries if one else (), other.entries if other else (), depth + 1)


def _line(one: Entry | None, other: Entry | None, shown: Entry, depth: int) -> Difference:
    same = one is not None and other is not None and _content(one) == _content(other)
    kind = "same" if same else "added" if one is None else "removed" if other is None else "changed"
    return Difference(
        depth, shown.label, shown.own, shown.path, one.values if one else None, other.values if other else None, kind, shown.is_group
    )  # fmt: skip


def _content(entry: Entry) -> object:
    return (entry.name, entry.values, tuple(_content(inner) for inner in entry.entries))


def _paired(left: Sequence[Entry], right: Sequence[Entry]) -> list[tuple[Entry | None, Entry | None]]:
    """Entries of the same name in one line; within a name equal ones first, then the rest in order."""
    pairs: list[tuple[Entry | None, Entry | None]] = []
    names = list(dict.fromkeys([*(entry.name for entry in left), *(entry.name for entry in right)]))
    for name in names:
        ours = [entry for entry in left if entry.name == name]
        theirs = [entry for entry in right if entry.name == name]
        partner: dict[int, Entry] = {}
        for number, entry in enumerate(ours):
            match = next((other for other in theirs if _content(other) == _content(entry)), None)
            if match is not None:
                partner[number] = match
                theirs.remove(match)
        for number, entry in enumerate(ours):
            if number in partner:
                pairs.append((entry, partner[number]))
            else:
                pairs.append((entry, theirs.pop(0) if theirs else None))
        pairs.extend((None, other) for other in theirs)
    return pairs


def hide(lines: Iterable[Difference], mask: Collection[str]) -> tuple[Difference, ...]:
    """The same lines with the values at some paths hidden; what differs was found before and stays said.

    :param mask: as for :func:`read_out`.
    """
    return tuple(
        attrs.evolve(line, left=_hidden(line, line.left, mask), right=_hidden(line, line.right, mask)) for line in lines
    )


def _hidden(line: Difference, values: tuple[Value, ...] | None, mask: Collection[str]) -> tuple[Value, ...] | None:
    if values is None:
        return None
    plain = re.sub(r"\[\d+\]", "", line.path)
    named = any(plain == path or plain.startswith(f"{path}/") for path in mask)
    name = plain.rpartition("/")[2]
    found = []
    for value in values:
        kind = "code" if value.code else str(tells(name, value.text))
        personal = not value.code and PERSONAL in mask and tells(name, value.text).personal
        found.append(Value(kind, code=value.code, masked=True) if (named or personal) and not value.masked else value)
    return tuple(found)
