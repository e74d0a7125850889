"""Where a finding stands: readable paths, lines and columns; and how a value is shown without telling it."""

from __future__ import annotations

import itertools
import re
import threading
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final

import attrs
from lxml import etree

from eessi import _xml
from eessi.findings import Finding, Fix, Phrase, Severity

__all__ = ["Draft", "finish", "masked", "path_of"]

_LONG: Final = 64
_MOST_KEPT: Final = 500_000
_KEPT: Final = threading.local()
_SHORT_CODE: Final = re.compile(r"[A-Z0-9]{1,4}")


@attrs.define(slots=True)
class Draft:
    """A finding before its place is known. ``element`` is the node it stands at, ``below`` a name under it (or beside it)."""

    id: str
    element: etree._Element
    path: str
    got: str | None = None
    value: str | None = None
    expected: tuple[str, ...] = ()
    params: Mapping[str, str] = attrs.field(factory=dict)
    reference: str | None = None
    fix: Fix | None = None
    severity: Severity = Severity.ERROR


def step_of(element: etree._Element) -> str:
    """Name of an element as a step of a path, with its index where siblings share the name."""
    name = _xml.local_name(element)
    parent = element.getparent()
    if parent is None:
        return name
    same = parent.iterchildren(f"{{*}}{name}")  # in whatever namespace: a reader of the path sees local names only
    if next(same) is element and next(same, None) is None:
        return name
    return f"{name}[{_number_among(element, parent, name)}]"


def _number_among(element: etree._Element, parent: etree._Element, name: str) -> int:
    """Place among the siblings of the name; in long lists all siblings are counted once and kept until :func:`finish`."""
    before = sum(1 for _ in itertools.islice(element.itersiblings(f"{{*}}{name}", preceding=True), _LONG))
    if before < _LONG:
        return before + 1
    kept: dict[etree._Element, int] = _KEPT.__dict__.setdefault("places", {})
    if element not in kept:
        if len(kept) > _MOST_KEPT:
            kept.clear()
        seen: Counter[str] = Counter()
        for child in parent.iterchildren(etree.Element):
            local = _xml.local_name(child)
            seen[local] += 1
            kept[child] = seen[local]
    return kept[element]


def path_of(element: etree._Element, root: etree._Element) -> str:
    """Readable path from ``root`` to ``element``, both named."""
    steps: list[str] = []
    here: etree._Element | None = element
    while here is not None and here is not root:
        steps.append(step_of(here))
        here = here.getparent()
    return "/".join((_xml.local_name(root), *reversed(steps)))


def masked(text: str, *, code: bool = False) -> str:
    """What stood there, without telling a person's data: a short code as it is, else its type and length."""
    if code and _SHORT_CODE.fullmatch(text):
        return text
    if not text:
        return Phrase("empty")
    if len(text) == 1:
        return Phrase("text of 1 character")
    return Phrase("text of {number} characters", number=len(text))


def finish(drafts: Iterable[Draft], root: etree._Element, data: bytes | None) -> tuple[Finding, ...]:
    """Findings with their lines and columns, in document order."""
    _KEPT.__dict__.clear()
    drafts = list(drafts)
    if not drafts:
        return ()
    wanted = {draft.element for draft in drafts}
    numbers: dict[etree._Element, int] = {}
    for number, element in enumerate(root.getroottree().getroot().iter(etree.Element)):
        if element in wanted:
            numbers[element] = number
            if len(numbers) == len(wanted):
                break
    places = _xml.positions(data, frozenset(numbers.values())) if data is not None else {}
    ordered = sorted(drafts, key=lambda draft: numbers.get(draft.element, 0))
    return tuple(_finding(draft, places.get(numbers.get(draft.element, -1))) for draft in ordered)


def _finding(draft: Draft, place: tuple[int, int] | None) -> Finding:
    line, column = place or (draft.element.sourceline, None)
    return Finding(
        id=draft.id,
        severity=draft.severity,
        path=draft.path,
        line=line,
        column=column,
        got=draft.got,
        value=draft.value,
        expected=draft.expected,
        params=draft.params,
        reference=draft.reference,
        fix=draft.fix,
    )
