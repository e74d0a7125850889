"""Rules about days: periods that end before they begin, births that have not happened yet."""

from __future__ import annotations

from collections.abc import Iterator

from eessi.findings import Phrase
from eessi.schemas.explain_places import Draft
from eessi.schemas.explain_values import date_of
from eessi.schemas.rules import Subject

__all__ = ["birth_in_future", "period_order"]


def period_order(subject: Subject) -> Iterator[Draft]:
    """A period may not end before it starts (startDate and endDate side by side)."""
    for end in subject.named("endDate"):
        start = subject.beside(end, "startDate")
        first = date_of(subject.text(start)) if start is not None else None
        last = date_of(subject.text(end))
        if first is not None and last is not None and last < first:
            yield subject.warning("RUL-PERIOD", end, expected=(Phrase("a day not before {name}", name="startDate"),))


def birth_in_future(subject: Subject) -> Iterator[Draft]:
    """Nobody in a document is born after today."""
    for birth in subject.named("dateBirth"):
        day = date_of(subject.text(birth))
        if day is not None and day > subject.today:
            yield subject.warning("RUL-BIRTH", birth, expected=(Phrase("a day that has passed"),))
