"""Values that a leaf or a code may hold, the telling ones first, for documents that show a change."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Iterator
from decimal import Decimal
from typing import Final

from eessi.schemas.explain_patterns import sample
from eessi.schemas.structure import Element, Facets, Kind

__all__ = ["sample_values"]

_SEED = 883
"""Samples are the same in every run."""


def sample_values(here: Element, there: Element | None, change: str) -> Iterator[tuple[str, ...]]:
    """Values for ``here``, each a tuple because a code may hold several; those that ``there`` may refuse come first."""
    if here.kind is Kind.CODE and change in ("CHG-CODES-REPEAT", "CHG-CODES-SINGLE"):
        words = _words(here) or tuple(_plain(here.facets or Facets()))
        yield tuple(words[:2])
    if here.kind is Kind.CODE and change in ("CHG-UNIQUE-ADDED", "CHG-UNIQUE-REMOVED"):
        words = _words(here) or tuple(_plain(here.facets or Facets()))
        yield (words[0], words[0])
    for value in _values(here, there):
        yield (value,)


def _words(element: Element) -> tuple[str, ...]:
    if element.codes is not None:
        return element.codes.values
    return element.facets.enumeration if element.facets is not None else ()


def _values(here: Element, there: Element | None) -> Iterator[str]:
    words, others = _words(here), _words(there) if there is not None else ()
    if words:
        yield from (word for word in words if word not in others)
        yield from (word for word in words if word in others)
        return
    facets = here.facets or Facets()
    if there is not None:
        yield from _edges(facets, there.facets or Facets())
    yield from _plain(facets)


def _edges(facets: Facets, other: Facets) -> Iterator[str]:
    """Values at the bounds of either side; whether they are allowed here is for the schema to say."""
    for side in (facets, other):
        for length in (side.min_length, side.max_length, side.length):
            if length is not None:
                yield from ("x" * n for n in (length, length + 1, length - 1) if n >= 0)
    yield from ("", "x", "x" * 300)
    for side in (facets, other):
        for bound in (side.min_inclusive, side.max_inclusive, side.min_exclusive, side.max_exclusive):
            yield from _around(bound, side.base)
        for digits in (side.total_digits, side.fraction_digits):
            if digits is not None:
                yield from (
                    "9" * (digits + 1),
                    "9" * max(digits, 1),
                    "0." + "9" * (digits + 1),
                    "0." + "9" * max(digits, 1),
                )
    yield from ("1", "0", "-1", "12345678901", "1.5", "true", "2000-01-31", "2000-01-31T00:00:00", "not a date")


def _around(bound: str | None, base: str) -> Iterator[str]:
    if bound is None:
        return
    yield bound
    try:
        number = Decimal(bound)
        yield from (str(number + 1), str(number - 1))
    except ArithmeticError:
        if base == "date":
            day = dt.date.fromisoformat(bound[:10])
            yield from ((day + dt.timedelta(days=1)).isoformat(), (day - dt.timedelta(days=1)).isoformat())


_EXAMPLES: Final = {
    "string": ("x", "text", "Text 1"),
    "date": ("2000-01-31",),
    "dateTime": ("2000-01-31T00:00:00",),
    "gYear": ("2000",),
    "gYearMonth": ("2000-01",),
    "time": ("12:00:00",),
    "boolean": ("true", "1"),
    "decimal": ("1", "0", "1.5"),
    "base64Binary": ("eA==",),
    "anyURI": ("urn:x",),
}
"""Values of the built-in types; numbers of other names behave like 1."""


def _plain(facets: Facets) -> Iterator[str]:
    """Values that should be allowed; whether they are is for the schema to say."""
    rng = random.Random(_SEED)  # noqa: S311  # samples, not secrets
    for pattern in facets.patterns:
        yield from (sample(pattern, rng) for _ in range(12))
    least = facets.length or facets.min_length or 0
    for bound in (facets.min_inclusive, facets.max_inclusive):
        if bound is not None:
            yield bound
    for example in _EXAMPLES.get(facets.base, ("1", "0")):
        yield example if facets.base != "string" else example.ljust(least, "x")[: facets.max_length]
    yield "x" * least
