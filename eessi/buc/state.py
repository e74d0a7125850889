"""The state of a case, kept as indexes that grow with each event, so that no question walks the whole history.

Nothing here decides anything; :mod:`eessi.buc.rules` does. A state is never changed once it is built: a step copies it
first, shallowly, and parts that did not change are shared by all versions of the case.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import attrs

from eessi.buc.definition import Buc
from eessi.buc.event import Document, Event, Participant
from eessi.buc.program import Program, SideRules, Slot
from eessi.ids import CaseId, CdmVersion, Role, SedType

__all__ = ["CaseState", "Frame", "Shut", "Side", "State"]


class CaseState(enum.StrEnum):
    """Where our copy of the case stands."""

    NEW = "new"
    OPEN = "open"
    CLOSED_LOCALLY = "closed locally"
    CLOSED = "closed"
    ARCHIVED = "archived"
    FORWARDED = "forwarded"
    LEFT = "left"
    DELETED = "deleted"


class Shut(NamedTuple):
    """An offer that is not open: ``used``, ``drafted``, ``withdrawn`` or ``suspended``, and the document that did it."""

    slot: Slot
    why: str
    by: str


class Side:
    """What one participant may send: open offers and shut ones, by SED and anchor."""

    __slots__ = ("open", "role", "rules", "shut")

    def __init__(
        self, rules: SideRules, open: dict[SedType, dict[str, Slot]], shut: dict[SedType, dict[str, Shut]]
    ) -> None:
        self.rules = rules
        self.role = rules.role
        self.open = open
        self.shut = shut

    def copy(self) -> Side:
        """A side that may be changed while a step is taken."""
        new = Side.__new__(Side)
        new.rules = self.rules
        new.role = self.role
        new.open = self.open.copy()
        new.shut = self.shut.copy()
        return new

    def offer(self, slot: Slot) -> None:
        """Open an offer, again if it was shut."""
        sed = slot.row.sed
        inner = self.open.get(sed)
        self.open[sed] = {**inner, slot.anchor: slot} if inner else {slot.anchor: slot}
        shut = self.shut.get(sed)
        if shut and slot.anchor in shut:
            self.shut[sed] = {anchor: item for anchor, item in shut.items() if anchor != slot.anchor}

    def close(self, slot: Slot, why: str, by: str) -> None:
        """Shut an offer."""
        sed = slot.row.sed
        inner = self.open.get(sed)
        if inner and slot.anchor in inner:
            left = {anchor: item for anchor, item in inner.items() if anchor != slot.anchor}
            if left:
                self.open[sed] = left
            else:
                del self.open[sed]
        self.shut[sed] = {**self.shut.get(sed, {}), slot.anchor: Shut(slot, why, by)}

    def slots(self) -> Iterator[Slot]:
        """All open offers."""
        for inner in self.open.values():
            yield from inner.values()


@attrs.frozen(slots=True, eq=False)
class Frame:
    """What stays the same through the life of a case."""

    buc: Buc
    program: Program
    version: CdmVersion
    assumed: bool
    role: Role
    me: str
    id: CaseId | None
    participants: tuple[Participant, ...]


class State:
    """Everything about a case that events change."""

    __slots__ = (
        "blocked", "documents", "history", "length", "own", "participants", "peers", "starter", "status",
        "undecided", "was",
    )  # fmt: skip

    status: CaseState
    was: CaseState
    own: Side
    peers: dict[str, Side]
    documents: dict[str, Document]
    participants: dict[str, Participant]
    history: tuple[object, Event] | None
    length: int
    starter: str | None
    undecided: str | None
    blocked: Mapping[str, frozenset[str]]

    def copy(self) -> State:
        """A state that may be changed while a step is taken; sides are copied when they are touched."""
        new = State.__new__(State)
        new.status = self.status
        new.was = self.was
        new.own = self.own
        new.peers = self.peers
        new.documents = self.documents.copy()
        new.participants = self.participants
        new.history = self.history
        new.length = self.length
        new.starter = self.starter
        new.undecided = self.undecided
        new.blocked = self.blocked
        return new

    def events(self) -> tuple[Event, ...]:
        """The history, oldest first."""
        found: list[Event] = []
        link = self.history
        while link is not None:
            found.append(link[1])
            link = link[0]  # type: ignore[assignment]  # a linked list of pairs
        return tuple(reversed(found))
