"""Whether an open offer may be used now: state of the case, waiting time, facts."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

from eessi.buc.conditions import Answer, judge
from eessi.buc.event import Document, Participant
from eessi.buc.program import Slot
from eessi.buc.state import CaseState, Frame, State

__all__ = ["World", "judge_slot"]


class World:
    """Documents and participants, as conditions ask for them."""

    __slots__ = ("documents", "participants")

    def __init__(self, documents: Mapping[str, Document], participants: Mapping[str, Participant]) -> None:
        self.documents = documents
        self.participants = participants


def judge_slot(
    frame: Frame, state: State, slot: Slot, on: dt.date | None, facts: Mapping[str, bool]
) -> tuple[Answer, tuple[str, ...], dt.date | None]:
    """Whether an open offer may be used now: the answer, the facts that decide, the first day."""
    status = state.status
    if slot.row.while_closed:
        if status is not CaseState.CLOSED:
            return Answer.NO, (), None
    elif status is not CaseState.OPEN and not (status is CaseState.NEW and slot.opened_by is None):
        if state.undecided is None or status is not CaseState.CLOSED:
            return Answer.NO, (), None
        decided = facts.get("X004.reopen")
        if decided is None:
            return Answer.DEPENDS, ("X004.reopen",), None
        if not decided:
            return Answer.NO, ("X004.reopen",), None
    earliest = None
    if slot.days is not None:
        opener = state.documents[slot.opened_by or ""]
        if opener.at is None or on is None:
            earliest = None if opener.at is None else opener.at.date() + dt.timedelta(days=slot.days)
            return Answer.DEPENDS, (), earliest
        earliest = opener.at.date() + dt.timedelta(days=slot.days)
        if on < earliest:
            return Answer.NO, (), earliest
    if slot.needs:
        opener = state.documents.get(slot.opened_by) if slot.opened_by else None  # type: ignore[assignment]
        answer, names = judge(slot.needs, World(state.documents, state.participants), opener, facts)
        return answer, names, earliest
    return Answer.YES, (), earliest
