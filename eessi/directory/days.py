"""Instants of the directory read as days, and the versions of its copies.

Source: directory facts, sections 5 and 8 and the quirks utc-midnight, four-timestamp-formats, very-old-start,
far-future-end and version-compared-as-text.
"""

from __future__ import annotations

import datetime as dt
import functools
import re
import zoneinfo
from typing import Final

import attrs

from eessi.ids import Period

__all__ = [
    "DEFAULT_ZONE",
    "OPEN_FROM_YEAR",
    "CopyVersion",
    "day_of",
    "day_text",
    "instant_of",
    "instant_text",
    "period_of",
]

DEFAULT_ZONE: Final = "Europe/Oslo"
"""Zone in which an instant is read as a day: every known start is a midnight of it, written in UTC."""

OPEN_FROM_YEAR: Final = 2200
"""An end in this year or later means *open*: 2200-01-01 is written where there is none."""

_UNKNOWN = frozenset({"", "NULL", "null", "None"})
_LOCAL = re.compile(r"(\d{2})/(\d{2})/(\d{4})(?: (\d{2}):(\d{2}):(\d{2}))?")


@functools.lru_cache(maxsize=65536)
def instant_of(text: str) -> dt.datetime | None:
    """Read an instant in any of the four formats met; ``NULL`` and blanks mean unknown.

    An instant written without an offset comes back without one.

    :raises ValueError: when the text is none of them.
    """
    text = text.strip()
    if text in _UNKNOWN:
        return None
    local = _LOCAL.fullmatch(text)
    if local:
        day, month, year, hour, minute, second = (int(part or 0) for part in local.groups())
        return dt.datetime(year, month, day, hour, minute, second)
    return dt.datetime.fromisoformat(text)


def instant_text(instant: dt.datetime | None) -> str | None:
    """An instant as it is written: UTC with ``Z``; one without an offset stays without."""
    if instant is None:
        return None
    if instant.tzinfo is None:
        return instant.isoformat()
    return instant.astimezone(dt.UTC).isoformat().replace("+00:00", "Z")


@functools.lru_cache(maxsize=65536)
def day_of(text: str, zone: str = DEFAULT_ZONE) -> dt.date | None:
    """The local day of an instant, or the day itself where only a day is written.

    ``2017-12-31T23:00:00Z`` is a midnight in Oslo and means 2018-01-01.

    :param zone: IANA name of the zone of the copy.
    :raises ValueError: when the text is no instant and no day.
    """
    instant = instant_of(text)
    if instant is None:
        return None
    if instant.tzinfo is None:
        return instant.date()
    return instant.astimezone(_zone(zone)).date()


@functools.lru_cache(maxsize=65536)
def period_of(start: str | None, end: str | None, zone: str = DEFAULT_ZONE) -> Period:
    """The period between two instants: the end is the first moment no longer covered; an unknown start is the first day.

    :raises ValueError: when one of them is no instant and no day.
    """
    first = day_of(start, zone) if start is not None else None
    last = day_of(end, zone) if end is not None else None
    if last is not None and last.year >= OPEN_FROM_YEAR:
        last = None
    return Period(first or dt.date.min, last)


@functools.lru_cache(maxsize=4096)
def day_text(day: dt.date, zone: str = DEFAULT_ZONE) -> str:
    """The instant at which ``day`` begins in the zone, in UTC, as SYN001 writes it."""
    if day == dt.date.min:
        return "NULL"
    begin = dt.datetime.combine(day, dt.time(), _zone(zone)).astimezone(dt.UTC)
    return begin.strftime("%Y-%m-%dT%H:%M:%SZ").rjust(20, "0")


@functools.cache
def _zone(name: str) -> zoneinfo.ZoneInfo:
    return zoneinfo.ZoneInfo(name)


@functools.total_ordering
@attrs.frozen(slots=True, eq=False)
class CopyVersion:
    """Version of a full copy, ``4.10.0``: ordered by number, suffix and build part ignored."""

    text: str

    @property
    def key(self) -> tuple[int, ...]:
        """The numbers in it, without trailing zeros."""
        bare = re.split(r"[-+]", self.text.strip().removeprefix("v"), maxsplit=1)[0]
        numbers = [int(part) for part in re.findall(r"\d+", bare)]
        while numbers and numbers[-1] == 0:
            numbers.pop()
        return tuple(numbers)

    def __eq__(self, other: object) -> bool:
        return self.key == other.key if isinstance(other, CopyVersion) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.key)

    def __lt__(self, other: CopyVersion) -> bool:
        return self.key < other.key

    def __str__(self) -> str:
        return self.text
