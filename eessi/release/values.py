"""Compare what a leaf or a code may hold in two versions: base type, facets, patterns, code lists."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal, InvalidOperation
from typing import Final

from eessi.release.change import Change, Direction
from eessi.schemas.structure import Element, Facets, Kind

__all__ = ["compare_values"]

_MORE_IS_LOOSER: Final = ("max_length", "max_inclusive", "max_exclusive", "total_digits", "fraction_digits")
_LESS_IS_LOOSER: Final = ("min_length", "min_inclusive", "min_exclusive")

_WIDER: Final = {
    "string": {"normalizedString", "token", "date", "dateTime", "int", "integer", "decimal", "boolean", "anyURI"},
    "decimal": {"integer", "int", "long", "short", "nonNegativeInteger", "positiveInteger"},
    "integer": {"int", "long", "short", "nonNegativeInteger", "positiveInteger"},
    "long": {"int", "short"},
    "int": {"short"},
    "nonNegativeInteger": {"positiveInteger"},
    "normalizedString": {"token"},
}
"""Base type -> base types whose every value it allows too (XML Schema 1.0 part 2, section 3)."""


def compare_values(sed: str, path: str, old: Element, new: Element) -> Iterator[Change]:
    """Changes between two leaves, or two codes, at the same place."""
    yield from _repeats(sed, path, old, new)
    was, now = old.facets or Facets(), new.facets or Facets()
    yield from _base(sed, path, was, now)
    yield from _codes(sed, path, _words(old), _words(new))
    yield from _labels(sed, path, old, new)
    yield from _bounds(sed, path, was, now)
    if sorted(was.patterns) != sorted(now.patterns):
        yield _pattern(sed, path, was, now)


def _repeats(sed: str, path: str, old: Element, new: Element) -> Iterator[Change]:
    if new.kind is not Kind.CODE:
        return
    if old.value_max != new.value_max:
        more = new.value_max is None or (old.value_max is not None and new.value_max > old.value_max)
        id = "CHG-CODES-REPEAT" if more else "CHG-CODES-SINGLE"
        yield Change.of(id, sed, path, old=_many(old.value_max), new=_many(new.value_max))
    if old.unique_values != new.unique_values and (old.value_max, new.value_max) != (1, 1):
        id = "CHG-UNIQUE-ADDED" if new.unique_values else "CHG-UNIQUE-REMOVED"
        changed_with = {old.value_max, new.value_max} == {1, None}
        if not changed_with:  # a single code cannot repeat, so the rule says nothing there
            yield Change.of(id, sed, path)


def _base(sed: str, path: str, was: Facets, now: Facets) -> Iterator[Change]:
    if was.base == now.base:
        return
    direction = Direction.BOTH
    if was.base in _WIDER.get(now.base, ()):
        direction = Direction.OLD
    elif now.base in _WIDER.get(was.base, ()):
        direction = Direction.NEW
    yield Change.of("CHG-TYPE", sed, path, old=was.base, new=now.base, direction=direction)


def _words(element: Element) -> tuple[str, ...] | None:
    if element.codes is not None:
        return element.codes.values
    if element.facets is not None and element.facets.enumeration:
        return element.facets.enumeration
    return None


def _codes(sed: str, path: str, was: tuple[str, ...] | None, now: tuple[str, ...] | None) -> Iterator[Change]:
    if was is None and now is None:
        return
    if was is None or now is None:
        id = "CHG-FACET-TIGHTENED" if was is None else "CHG-FACET-LOOSENED"
        yield Change.of(id, sed, path, old=_list(was), new=_list(now), facet="the list of codes")
        return
    for code in now:
        if code not in was:
            yield Change.of("CHG-CODE-ADDED", sed, path, new=code)
    for code in was:
        if code not in now:
            yield Change.of("CHG-CODE-WITHDRAWN", sed, path, old=code)


def _list(codes: tuple[str, ...] | None) -> str | None:
    return None if codes is None else f"{len(codes)} codes"


def _labels(sed: str, path: str, old: Element, new: Element) -> Iterator[Change]:
    if old.codes is None or new.codes is None:
        return
    before = {code.value: code.labels.get("en") for code in old.codes.codes}
    for code in new.codes.codes:
        if code.value in before and before[code.value] != (now := code.labels.get("en")):
            yield Change.of("CHG-CODE-RELABELLED", sed, path, old=before[code.value], new=now, code=code.value)


def _bounds(sed: str, path: str, was: Facets, now: Facets) -> Iterator[Change]:
    for facet in (*_MORE_IS_LOOSER, *_LESS_IS_LOOSER, "length"):
        before, after = getattr(was, facet), getattr(now, facet)
        if before == after or _same_number(before, after):
            continue
        spelled = facet.replace("_", " ")
        if facet == "length" and before is not None and after is not None:
            yield Change.of("CHG-PATTERN", sed, path, old=f"length {before}", new=f"length {after}")
            continue
        looser = _looser(facet, before, after)
        id = "CHG-FACET-LOOSENED" if looser else "CHG-FACET-TIGHTENED"
        yield Change.of(id, sed, path, old=_text(before), new=_text(after), facet=spelled)


def _looser(facet: str, before: object, after: object) -> bool:
    if after is None:
        return True
    if before is None:
        return False
    key: Callable[[object], tuple[int, object]] = _ordered
    more = key(after) > key(before)
    return more if facet in _MORE_IS_LOOSER else not more


def _ordered(value: object) -> tuple[int, object]:
    try:
        return (0, Decimal(str(value)))
    except InvalidOperation:
        return (1, str(value))


def _same_number(before: object, after: object) -> bool:
    return before is not None and after is not None and _ordered(before) == _ordered(after)


def _pattern(sed: str, path: str, was: Facets, now: Facets) -> Change:
    old, new = frozenset(was.patterns), frozenset(now.patterns)
    id, direction = "CHG-PATTERN", Direction.BOTH
    if old < new:
        direction = Direction.NEW
    elif new < old:
        direction = Direction.OLD
    return Change.of(
        id, sed, path, old=" and ".join(sorted(old)) or None, new=" and ".join(sorted(new)) or None, direction=direction
    )


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _many(count: int | None) -> str:
    return "unbounded" if count is None else str(count)
