"""Cases as they are kept: opened by one row, moved by events, replayed when they are looked at."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable

import attrs

from eessi.buc import Case, Event
from eessi.buc.case import Misfit
from eessi.buc.record import event_json
from eessi.errors import BrokenData, ProcessError, UnknownCode
from eessi.node.replayed import ERASED, Opening, replayed, replayed_anew
from eessi.stores.cases import CaseRow, CaseRows, EventRow
from eessi.stores.mail import moment_key

__all__ = [
    "ERASED",
    "CaseErased",
    "CaseMoved",
    "Stored",
    "add_erasure",
    "add_events",
    "load",
    "open_case",
    "replay",
]


class CaseMoved(ProcessError):
    """Somebody else moved the case between looking and acting; nothing was changed.

    ``case`` is the case as it is now: ask it what is allowed and decide again.
    """

    def __init__(self, case: Case, revision: int) -> None:
        self.case = case
        self.revision = revision
        super().__init__(f"the case {case.id} has moved on to event {revision}; look at it again before acting")


class CaseErased(ProcessError):
    """The contents of the case were erased; nothing can happen in it any more."""

    def __init__(self, case_id: str) -> None:
        super().__init__(f"the contents of case {case_id} were erased; nothing can happen in it any more")


@attrs.frozen(slots=True)
class Stored:
    """A case, the number of its last event and the hash of that.

    :param misfits: events that the rows of this release do not allow any more; they happened, so they stay.
    """

    case: Case
    revision: int
    row: CaseRow
    hash: str
    misfits: tuple[Misfit, ...] = ()


def open_case(rows: CaseRows, case: Case, now: dt.datetime, *, national_number: str | None = None) -> Stored:
    """Store a case that has no events yet. Its first row says how it began."""
    if case.id is None or case.me is None:
        raise BrokenData("a stored case needs an id and an institution")
    at = moment_key(now)
    others = [str(p.institution) for p in case.participants if p.institution and p.institution != case.me]
    head = CaseRow(
        str(case.id), str(case.buc.code), str(case.version), str(case.role), str(case.me), " ".join(others),
        str(case.state), 0, at, at, None, national_number,
    )  # fmt: skip
    opening = Opening(me=str(case.me), counterparties=others)
    rows.add_case(head)
    first = rows.add_event(EventRow(head.case_id, 0, at, json.dumps({"opening": opening}, sort_keys=True)), "")
    return Stored(case, 0, head, first.hash)


def load(rows: CaseRows, case_id: str, *, anew: bool = False) -> Stored:
    """A case as its events make it.

    :param anew: replay them all, even when they were replayed lately.
    :raises UnknownCode: when this tenant has no such case.
    :raises BrokenData: when an event was changed after it was written.
    """
    head, events = rows.history(case_id)
    if head is None:
        raise UnknownCode("case", case_id)
    return _stored(head, events, anew=anew)


def replay(head: CaseRow, events: Iterable[EventRow]) -> Stored:
    """The case of a head, from its events in order, all replayed.

    :raises BrokenData: when there are none, or one was changed after it was written.
    """
    return _stored(head, list(events), anew=True)


def _stored(head: CaseRow, events: list[EventRow], *, anew: bool) -> Stored:
    before = ""
    for row in events:
        if row.hash != row.hash_after(before):
            raise BrokenData(f"the history of case {head.case_id} was changed after it was written, at event {row.no}")
        before = row.hash
    if not events:
        raise BrokenData(f"case {head.case_id} has no history")
    case, misfits = (replayed_anew if anew else replayed)(head, events)
    return Stored(case, head.revision, head, before, misfits)


def _text(event: Event) -> str:
    return json.dumps(event_json(event), ensure_ascii=False, sort_keys=True)


def add_events(rows: CaseRows, before: Stored, after: Case, now: dt.datetime, due_at: dt.date | None) -> Stored:
    """Write the events by which ``after`` is ahead of ``before``, and the new head.

    :raises CaseMoved: when another writer was faster. :raises CaseErased: when its contents were erased.
    """
    if before.row.state == ERASED:
        raise CaseErased(before.row.case_id)
    seen = before.revision
    fresh = after.history[len(before.case.history) :]
    others = [
        str(p.institution) for p in after.participants if p.active and p.institution and p.institution != after.me
    ]
    head = attrs.evolve(
        before.row,
        partners=" ".join(others),
        state=str(after.state),
        revision=seen + len(fresh),
        changed_at=moment_key(now),
        due_at=None if due_at is None else due_at.isoformat(),
    )
    if not rows.move_case(head, before.row):
        current = load(rows, before.row.case_id)
        raise CaseMoved(current.case, current.revision)
    last = before.hash
    for number, event in enumerate(fresh, start=seen + 1):
        last = rows.add_event(EventRow(head.case_id, number, moment_key(event.at or now), _text(event)), last).hash
    return Stored(after, head.revision, head, last)


def add_erasure(rows: CaseRows, before: Stored, now: dt.datetime, words: dict[str, str]) -> None:
    """Write down, behind the last event of a case, that its contents were erased, and why.

    :param words: rule, reason and who; never anything of the contents.
    :raises CaseMoved: when another writer was faster. :raises CaseErased: when they were erased before.
    """
    if before.row.state == ERASED:
        raise CaseErased(before.row.case_id)
    number = before.revision + 1
    head = attrs.evolve(
        before.row, state=ERASED, revision=number, changed_at=moment_key(now), due_at=None, national_number=None
    )
    if not rows.move_case(head, before.row):
        current = load(rows, head.case_id)
        raise CaseMoved(current.case, current.revision)
    body = json.dumps({ERASED: words}, sort_keys=True)
    rows.add_event(EventRow(head.case_id, number, moment_key(now), body), before.hash)
