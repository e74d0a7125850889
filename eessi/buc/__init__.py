"""Processes (BUCs) and cases: which SED may come next, and why another may not.

The definitions are rows in ``definitions/*.toml``; one interpreter walks them. The room itself can be called::

    case = eessi.buc("LA_BUC_01").start(as_="CaseOwner", version="4.3")
    case.allowed(on=today, facts={})
    case = case.apply(eessi.Event("sent", sed="A001"))
    case.why_not("X001", on=today)
"""

from __future__ import annotations

import sys
from types import ModuleType

from eessi.buc.case import Case
from eessi.buc.conditions import Answer
from eessi.buc.definition import Buc, Effect, SendRow, Trigger
from eessi.buc.event import Document, Event, Participant
from eessi.buc.loading import administrative_blocks, all_bucs, buc, load_definition, load_definitions
from eessi.buc.moves import Move, Moves, Remedy, WhyNot
from eessi.buc.state import CaseState

__all__ = [
    "Answer",
    "Buc",
    "Case",
    "CaseState",
    "Document",
    "Effect",
    "Event",
    "Move",
    "Moves",
    "Participant",
    "Remedy",
    "SendRow",
    "Trigger",
    "WhyNot",
    "administrative_blocks",
    "all_bucs",
    "buc",
    "load_definition",
    "load_definitions",
]


class _CallableRoom(ModuleType):
    """``eessi.buc("LA_BUC_01")``: the name of the room is also the verb that everybody reaches for first."""

    def __call__(self, code: str) -> Buc:
        return buc(code)


sys.modules[__name__].__class__ = _CallableRoom
