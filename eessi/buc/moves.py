"""Answers: what may be done now, and why something else may not."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, overload

import attrs

from eessi.buc.conditions import Answer
from eessi.buc.program import Slot
from eessi.findings import said
from eessi.ids import Role, SedType

if TYPE_CHECKING:
    from eessi.buc.case import Case

__all__ = ["Move", "Moves", "Remedy", "WhyNot"]


@attrs.frozen(slots=True)
class Remedy:
    """One thing to do so that the move becomes possible.

    :param do: ``send`` or ``receive`` a SED, ``state`` facts, ``wait`` until a day, ``give`` a detail of the event that
        is missing or wrong, ``act_as`` the other role, ``do`` a case action (``reopen``, ``restore``), ``delete`` a draft.
    :param what: the SED, the detail or the action.
    :param facts: facts that must be known so: id of the document, name and value of each.
    :param parent_id: document that the SED has to answer or concern.
    """

    do: str
    what: str
    role: Role | None = None
    facts: tuple[tuple[str | None, str, bool], ...] = ()
    on: dt.date | None = None
    parent_id: str | None = None
    text: str = ""


@attrs.frozen(slots=True)
class WhyNot:
    """Why a move is not allowed.

    :param rule: id of the rule; ``eessi explain`` tells more about it.
    :param text: one line, in English; :meth:`said` gives it in other languages.
    :param missing: SEDs that would open the move, any one of them.
    :param facts: facts that are not known or stand against it.
    :param role: the role that may do it, where ours may not.
    :param earliest: first day on which it may be done.
    :param remedies: what to do, any one of them; empty when nothing helps any more.
    :param depends: whether it is not known rather than forbidden.
    :param answer: SED to send back when the other side did it.
    :param assumed: whether the rows used are those of an older CDM version.
    """

    rule: str
    text: str
    sed: SedType | None = None
    missing: tuple[SedType, ...] = ()
    facts: tuple[str, ...] = ()
    role: Role | None = None
    earliest: dt.date | None = None
    remedies: tuple[Remedy, ...] = ()
    depends: bool = False
    answer: SedType | None = None
    assumed: bool = False

    def __str__(self) -> str:
        return self.text

    def said(self, lang: str) -> str:
        """The line of text in another language, or in English where that language lacks it."""
        return said(self.text, lang)


@attrs.frozen(slots=True, eq=False)
class Move:
    """Something that our side may do, or may not.

    :param kind: ``send``, ``reply``, ``update``, ``draft`` (send an existing draft) or a case action without a SED:
        ``close``, ``reopen``, ``archive``, ``restore``, ``delete``.
    :param document_id: the draft to send or the document to update.
    :param on: the day of the question.
    :param stated: the facts that were stated with the question.
    """

    case: Case = attrs.field(repr=False)
    kind: str
    sed: SedType | None
    answer: Answer
    slot: Slot | None = attrs.field(default=None, repr=False)
    document_id: str | None = None
    facts: tuple[str, ...] = ()
    earliest: dt.date | None = None
    found: WhyNot | None = attrs.field(default=None, repr=False)
    on: dt.date | None = attrs.field(default=None, repr=False)
    stated: Mapping[str, bool] | None = attrs.field(default=None, repr=False)

    @property
    def parent_id(self) -> str | None:
        """Id of the document it answers or concerns."""
        return None if self.slot is None else self.slot.parent

    @property
    def assumed(self) -> bool:
        """Whether the rows used are those of an older CDM version than the case's."""
        return self.case.assumed

    @property
    def why_not(self) -> WhyNot | None:
        """The rule in the way, on the day and with the facts that were asked with; ``None`` for a yes."""
        if self.answer is Answer.YES:
            return None
        if self.found is not None:
            return self.found
        return self.case.why_not(self, self.on, self.stated)

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why not, in lines of text; empty for a yes."""
        found = self.why_not
        return () if found is None else (found.text,)


class Moves(Sequence[Move]):
    """All moves of one side: first those that are allowed, then those that depend on something, then the others.

    The moves are made when they are first looked at; a case never changes, so it makes no difference when that is.
    """

    __slots__ = ("_case", "_found", "_on", "_stated")

    def __init__(self, case: Case, on: dt.date | None, stated: Mapping[str, bool]) -> None:
        self._case, self._on, self._stated = case, on, stated
        self._found: list[Move] | None = None

    @property
    def _moves(self) -> list[Move]:
        if self._found is None:
            order = {Answer.YES: 0, Answer.DEPENDS: 1, Answer.NO: 2}
            self._found = sorted(self._case._moves(self._on, self._stated), key=lambda move: order[move.answer])
        return self._found

    @property
    def assumed(self) -> bool:
        """Whether the rows used are those of an older CDM version than the case's."""
        return self._case.assumed

    @overload
    def __getitem__(self, index: int) -> Move: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Move]: ...
    def __getitem__(self, index: int | slice) -> Move | Sequence[Move]:
        return self._moves[index]

    def __len__(self) -> int:
        return len(self._moves)

    def __iter__(self) -> Iterator[Move]:
        return iter(self._moves)

    def _of(self, answer: Answer) -> tuple[Move, ...]:
        return tuple(move for move in self._moves if move.answer is answer)

    @property
    def yes(self) -> tuple[Move, ...]:
        """What may be done now."""
        return self._of(Answer.YES)

    @property
    def depends(self) -> tuple[Move, ...]:
        """What depends on a fact or a date that is not known."""
        return self._of(Answer.DEPENDS)

    @property
    def no(self) -> tuple[Move, ...]:
        """What may not be done now."""
        return self._of(Answer.NO)

    @property
    def seds(self) -> frozenset[SedType]:
        """The SEDs of which a new document may be sent now: written new, as a reply, or from a draft that is there.

        A new version of a document sent earlier is another thing and stands in :attr:`updates`.
        """
        return self._case._sendable(self._on, self._stated)

    @property
    def updates(self) -> tuple[Move, ...]:
        """The documents of which a new version may be sent now, one move each; ``document_id`` names the document."""
        return tuple(move for move in self._moves if move.answer is Answer.YES and move.kind == "update")

    def find(self, sed: str, parent_id: str | None = None, *, kind: str | None = None) -> Move | None:
        """The most favourable move with this SED; a new document, unless ``kind`` asks for an ``update``."""
        for move in self._moves:
            fits = move.kind == kind if kind is not None else move.kind != "update"
            if move.sed == sed and fits and (parent_id is None or move.parent_id == parent_id):
                return move
        return None
