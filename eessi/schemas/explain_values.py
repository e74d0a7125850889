"""Whether a text is allowed by facets, and if not, by which rule it fails.

Written against XML Schema 1.0 part 2 in plain Python for the types that EESSI documents use (string, date, int,
decimal, boolean); every other built-in type is asked of libxml2, one small compiled schema per facet set.
"""

from __future__ import annotations

import calendar
import datetime as dt
import functools
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Final
from xml.sax.saxutils import quoteattr

from lxml import etree

from eessi.findings import Phrase
from eessi.schemas.explain_patterns import to_python
from eessi.schemas.structure import Facets

__all__ = ["Fault", "checker", "collapse", "date_of", "usual_day"]

Fault = tuple[str, dict[str, str]]
"""Id of the finding and the values for its text."""

Check = Callable[[str], Fault | None]

STRINGS: Final = frozenset({"string", "normalizedString", "token"})
INTEGERS: Final = {
    "byte": (-(2**7), 2**7 - 1),
    "short": (-(2**15), 2**15 - 1),
    "int": (-(2**31), 2**31 - 1),
    "long": (-(2**63), 2**63 - 1),
    "integer": (None, None),
    "nonNegativeInteger": (0, None),
    "positiveInteger": (1, None),
    "nonPositiveInteger": (None, 0),
    "negativeInteger": (None, -1),
    "unsignedByte": (0, 2**8 - 1),
    "unsignedShort": (0, 2**16 - 1),
    "unsignedInt": (0, 2**32 - 1),
    "unsignedLong": (0, 2**64 - 1),
}
"""Integer types with their least and greatest value (XML Schema part 2, section 3.3)."""

_DATE = re.compile(r"(-?)([0-9]{4,})-([0-9]{2})-([0-9]{2})(Z|[+-](?:(?:0[0-9]|1[0-3]):[0-5][0-9]|14:00))?")
usual_day = re.compile(r"[12][0-9]{3}-(?:0[1-9]|1[0-2])-(?:0[1-9]|1[0-9]|2[0-8])Z?").fullmatch
"""Dates that are right in every month; most are of this form, and asking for it is cheaper than reckoning."""

_INTEGER = re.compile(r"[+-]?[0-9]+")
_DECIMAL = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)")
_BLANKS = re.compile(r"[ \t\r\n]+")


def collapse(text: str) -> str:
    """White space as XML Schema collapses it for every type but strings."""
    return _BLANKS.sub(" ", text).strip(" ")


def date_of(text: str) -> dt.date | None:
    """The day that a lexically right ``xsd:date`` names, time zone ignored; ``None`` when it is none or outside years 1 to 9999."""
    found = _DATE.fullmatch(collapse(text))
    if not found or found[1]:
        return None
    try:
        return dt.date(int(found[2]), int(found[3]), int(found[4]))
    except ValueError:
        return None


@functools.lru_cache(maxsize=4096)
def checker(facets: Facets) -> Check:
    """A function that gives ``None`` for an allowed text and else the rule it breaks."""
    if facets.base in STRINGS:
        return _string_checker(facets)
    steps: list[Check] = []
    if facets.base == "date" and not _has_bounds(facets):
        steps.append(_date)
    elif facets.base in INTEGERS:
        steps.append(_integer(*INTEGERS[facets.base], base=facets.base))
        steps += _bounds(facets)
    elif facets.base == "decimal":
        steps.append(_decimal)
        steps += _bounds(facets)
    elif facets.base == "boolean":
        steps.append(lambda text: None if text in ("true", "false", "1", "0") else ("SCH-TYPE", {"type": "boolean"}))
    else:
        return _by_libxml2(facets)
    steps += _lexical(facets)
    if facets.base == "date" and len(steps) == 1:
        return lambda text: None if usual_day(text) else _date(collapse(text))
    return lambda text: _first(steps, collapse(text))


def _has_bounds(facets: Facets) -> bool:
    return any((facets.min_inclusive, facets.max_inclusive, facets.min_exclusive, facets.max_exclusive))


def _first(steps: list[Check], text: str) -> Fault | None:
    for step in steps:
        fault = step(text)
        if fault is not None:
            return fault
    return None


def _string_checker(facets: Facets) -> Check:
    steps = _lexical(facets)
    low = facets.length if facets.length is not None else facets.min_length or 0
    high = facets.length if facets.length is not None else facets.max_length
    space = facets.white_space or {"normalizedString": "replace", "token": "collapse"}.get(facets.base, "preserve")

    def check(text: str) -> Fault | None:
        if space != "preserve":
            text = collapse(text) if space == "collapse" else re.sub(r"[\t\r\n]", " ", text)
        size = len(text)
        if size < low:
            return ("SCH-EMPTY", {}) if not size else ("SCH-TOO-SHORT", {"limit": str(low), "length": str(size)})
        if high is not None and size > high:
            return ("SCH-TOO-LONG", {"limit": str(high), "length": str(size)})
        return _first(steps, text) if steps else None

    return check


def _lexical(facets: Facets) -> list[Check]:
    steps: list[Check] = []
    if facets.enumeration and (facets.base == "decimal" or facets.base in INTEGERS):
        numbers = frozenset(map(Decimal, facets.enumeration))
        steps.append(lambda text: None if Decimal(text) in numbers else ("SCH-CODE", {}))
    elif facets.enumeration:
        allowed = frozenset(facets.enumeration)
        steps.append(lambda text: None if text in allowed else ("SCH-CODE", {}))
    for pattern in facets.patterns:
        match = to_python(pattern).fullmatch
        steps.append(
            lambda text, match=match, pattern=pattern: None if match(text) else ("SCH-PATTERN", {"pattern": pattern})  # type: ignore[misc]  # mypy cannot type defaults in a lambda
        )
    return steps


def _date(text: str) -> Fault | None:
    found = _DATE.fullmatch(text)
    if not found:
        return ("SCH-DATE-FORM", {})
    year, month, day = int(found[2]), int(found[3]), int(found[4])
    if not year or (len(found[2]) > 4 and found[2].startswith("0")):
        return ("SCH-DATE-FORM", {})
    if not 1 <= month <= 12 or not 1 <= day <= _month_days(year, month):
        return ("SCH-DATE-IMPOSSIBLE", {})
    return None


def _month_days(year: int, month: int) -> int:
    return calendar.monthrange(2000 if calendar.isleap(year) else 2001, month)[1]


def _integer(low: int | None, high: int | None, *, base: str) -> Check:
    def check(text: str) -> Fault | None:
        if not _INTEGER.fullmatch(text) or len(text) > 4000:
            return ("SCH-TYPE", {"type": Phrase("whole number")})
        number = int(text)
        if (low is not None and number < low) or (high is not None and number > high):
            return ("SCH-RANGE", {"limit": base})
        return None

    return check


def _decimal(text: str) -> Fault | None:
    return None if _DECIMAL.fullmatch(text) else ("SCH-TYPE", {"type": Phrase("decimal number, with a point")})


def _bounds(facets: Facets) -> list[Check]:
    """Bounds and digits of a number whose form has been checked."""
    low, high, above, below = facets.min_inclusive, facets.max_inclusive, facets.min_exclusive, facets.max_exclusive
    tests: list[tuple[str | None, Phrase, Callable[[Decimal, Decimal], bool]]] = [
        (low, Phrase("at least {limit}", limit=low or ""), lambda number, limit: number >= limit),
        (high, Phrase("at most {limit}", limit=high or ""), lambda number, limit: number <= limit),
        (above, Phrase("more than {limit}", limit=above or ""), lambda number, limit: number > limit),
        (below, Phrase("less than {limit}", limit=below or ""), lambda number, limit: number < limit),
    ]
    steps: list[Check] = [_bound(limit, words, holds) for limit, words, holds in tests if limit is not None]
    if facets.total_digits is not None or facets.fraction_digits is not None:
        steps.append(_digits(facets.total_digits, facets.fraction_digits))
    return steps


def _bound(limit: str, words: Phrase, holds: Callable[[Decimal, Decimal], bool]) -> Check:
    def check(text: str) -> Fault | None:
        return None if holds(Decimal(text), Decimal(limit)) else ("SCH-RANGE", {"limit": words})

    return check


def _digits(total: int | None, fraction: int | None) -> Check:
    def check(text: str) -> Fault | None:
        whole, _, part = text.lstrip("+-").partition(".")
        whole, part = whole.lstrip("0"), part.rstrip("0")
        if fraction is not None and len(part) > fraction:
            return ("SCH-DIGITS", {"limit": Phrase("{number} after the point", number=fraction)})
        if total is not None and len(whole) + len(part) > total:
            return ("SCH-DIGITS", {"limit": Phrase("{number} in all", number=total)})
        return None

    return check


_FACET_NAMES: Final = {
    "length": "length",
    "min_length": "minLength",
    "max_length": "maxLength",
    "min_inclusive": "minInclusive",
    "max_inclusive": "maxInclusive",
    "min_exclusive": "minExclusive",
    "max_exclusive": "maxExclusive",
    "total_digits": "totalDigits",
    "fraction_digits": "fractionDigits",
}


def _by_libxml2(facets: Facets) -> Check:
    """A rarely used type (``dateTime``, ``anyURI``, ``base64Binary`` ...): the same engine as the fast gear decides."""
    rows = [
        f"<x:{name} value={quoteattr(str(value))}/>"
        for attribute, name in _FACET_NAMES.items()
        if (value := getattr(facets, attribute)) is not None
    ]
    rows += [f"<x:enumeration value={quoteattr(value)}/>" for value in facets.enumeration]
    rows += [f"<x:pattern value={quoteattr(value)}/>" for value in facets.patterns[:1]]
    text = (
        '<x:schema xmlns:x="http://www.w3.org/2001/XMLSchema"><x:element name="v"><x:simpleType>'
        f"<x:restriction base={quoteattr('x:' + facets.base)}>{''.join(rows)}</x:restriction>"
        "</x:simpleType></x:element></x:schema>"
    )
    schema = etree.XMLSchema(etree.fromstring(text))
    rest = [to_python(pattern).fullmatch for pattern in facets.patterns[1:]]

    def check(value: str) -> Fault | None:
        element = etree.Element("v")
        try:
            element.text = value
        except ValueError:
            return ("SCH-TYPE", {"type": facets.base})
        fine = schema.validate(element) and all(match(collapse(value)) for match in rest)
        return None if fine else ("SCH-TYPE", {"type": facets.base})

    return check
