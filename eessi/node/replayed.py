"""Histories that were replayed lately, so that the same history is not replayed again at every look.

What is kept is the outcome of a pure function: a case follows from its head and its events, and the last hash of a chain
that was verified just now stands for all of them. So nothing has to be thrown away when a case moves, in this process or
in another: it has another hash then. Only replays are kept, never what a step claims its case has become.
"""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from collections.abc import Sequence
from typing import Final, TypedDict

import attrs

from eessi.buc import Case, buc
from eessi.buc.case import Misfit
from eessi.buc.record import read_event_text
from eessi.ids import InstitutionId
from eessi.stores.cases import CaseRow, EventRow

__all__ = ["ERASED", "MOST_KEPT", "Opening", "replayed", "replayed_anew"]

ERASED: Final = "erased"
"""State of a head whose contents were taken out, and key of its last event. Its history stays, so that the chain of its
events can be verified."""

MOST_KEPT: Final = 1000
"""Histories that a process keeps, those asked for last; one with ten documents takes about 20 KB."""

_Outcome = tuple[Case, tuple[Misfit, ...]]
_Key = tuple[str, str, str, str]


class Opening(TypedDict):
    """What the first row of a history says."""

    me: str
    counterparties: list[str]


_kept: OrderedDict[_Key, _Outcome] = OrderedDict()
_lock: Final = threading.Lock()


def replayed(head: CaseRow, events: Sequence[EventRow]) -> _Outcome:
    """The case that a history comes to, and its misfits: only what is not known yet is replayed.

    :param events: a whole chain that the caller has verified; not empty.
    """
    for last in reversed(range(len(events))):
        key = (events[last].hash, head.buc, head.version, head.role)
        with _lock:
            known = _kept.get(key)
            if known is not None:
                _kept.move_to_end(key)
        if known is not None:
            break
    else:
        return _keep(head, events, replayed_anew(head, events))
    return known if last + 1 == len(events) else _keep(head, events, _continued(*known, events, last + 1))


def replayed_anew(head: CaseRow, events: Sequence[EventRow]) -> _Outcome:
    """The same, from the first event, whatever is known."""
    return _continued(_begun(head, json.loads(events[0].body)["opening"]), (), events, 1)


def _keep(head: CaseRow, events: Sequence[EventRow], outcome: _Outcome) -> _Outcome:
    with _lock:
        _kept[(events[-1].hash, head.buc, head.version, head.role)] = outcome
        while len(_kept) > MOST_KEPT:
            _kept.popitem(last=False)
    return outcome


def _continued(case: Case, misfits: tuple[Misfit, ...], events: Sequence[EventRow], start: int) -> _Outcome:
    rest = events[start:]
    if rest and _is_erasure(rest[-1]):
        rest = rest[:-1]
    case, found = case.retrace(read_event_text(event.body) for event in rest)
    return case, (*misfits, *(attrs.evolve(one, number=one.number + start - 1) for one in found))


def _is_erasure(event: EventRow) -> bool:
    return event.body.startswith(f'{{"{ERASED}"')


def _begun(head: CaseRow, opening: Opening) -> Case:
    return buc(head.buc).start(
        as_=head.role,
        version=head.version,
        case_id=head.case_id,
        me=InstitutionId(opening["me"]),
        counterparties=tuple(InstitutionId(one) for one in opening["counterparties"]),
    )
