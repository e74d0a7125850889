"""A rule about codes that were in use for a time only: former countries and currencies, held against the days beside them."""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Callable, Iterator
from importlib.resources import files

from lxml import etree

from eessi import _xml
from eessi.schemas.explain_places import Draft
from eessi.schemas.explain_values import date_of
from eessi.schemas.rules import Subject

__all__ = ["code_in_use", "codes_table"]


@functools.cache
def codes_table() -> dict[str, dict[str, dict[str, str | int]]]:
    """Kind of code (``country``, ``currency``) -> code -> row of ``rules_codes.toml``."""
    text = files("eessi.schemas").joinpath("rules_codes.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def code_in_use(subject: Subject) -> Iterator[Draft]:
    """A code was in use on the day it is said of: a country at somebody's birth, a currency in the period of an amount.

    Without a day beside it a code is let be: a former country may well be named of the past.
    """
    births: _Earliest = {}
    for place in subject.named("PlaceBirth"):
        for country in _xml.elements(place):
            if _xml.local_name(country) == "country":
                yield from _judged(subject, country, "country", lambda at: _birth(at, subject.root, births))
    days: _Earliest = {}
    for currency in subject.named("currency"):
        yield from _judged(subject, currency, "currency", lambda at: _day_around(at, subject.root, days))


_Earliest = dict[etree._Element, int | None]
"""Group -> the earliest year told in it; kept, since the entries of a long list share their groups."""


def _judged(
    subject: Subject, element: etree._Element, kind: str, year_of: Callable[[etree._Element], int | None]
) -> Iterator[Draft]:
    for leaf in list(_xml.elements(element)) or [element]:
        code = _xml.text_of(leaf).strip()
        row = codes_table()[kind].get(code)
        if row is None:
            continue
        year = year_of(element)
        if year is not None and year > int(row["until"]):
            now = row.get("now")
            params = {"until": str(row["until"])}
            yield subject.warning(
                "RUL-CODE-DAY",
                leaf,
                got=code,
                expected=(str(now),) if now else (),
                params=params,
                reference=str(row["source"]),
            )


def _birth(element: etree._Element, root: etree._Element, kept: _Earliest) -> int | None:
    """The year of the birth told nearest to an element."""
    for group in element.iterancestors():
        if group not in kept:
            kept[group] = _earliest(child for child in _xml.elements(group) if _xml.local_name(child) == "dateBirth")
        if kept[group] is not None or group is root:
            return kept[group]
    return None


def _day_around(element: etree._Element, root: etree._Element, kept: _Earliest) -> int | None:
    """The earliest year in the nearest group that tells any day; the document as a whole is no such group."""
    for group in element.iterancestors():
        if group is root:
            break
        if group not in kept:
            kept[group] = _earliest(leaf for leaf in group.iter(etree.Element) if not len(leaf))
        if kept[group] is not None:
            return kept[group]
    return None


def _earliest(leaves: Iterator[etree._Element]) -> int | None:
    days = (date_of(_xml.text_of(leaf)) for leaf in leaves)
    return min((day.year for day in days if day is not None), default=None)
