"""A case as one participant sees it: definition, history, participant. Frozen; each event makes a new one."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType

import attrs

from eessi.buc import details, local, reasons, rules
from eessi.buc.conditions import Answer
from eessi.buc.definition import Buc
from eessi.buc.event import Document, Event, Participant
from eessi.buc.judging import judge_slot
from eessi.buc.moves import Move, Moves, WhyNot
from eessi.buc.state import CaseState, Frame, State
from eessi.errors import NotAllowed, PeerViolation, ProcessError, UsageError
from eessi.ids import CaseId, CdmVersion, InstitutionId, Role, SedType

__all__ = ["Case", "Misfit", "start"]

_NO_FACTS: Mapping[str, bool] = {}


@attrs.frozen(slots=True)
class Misfit:
    """An event of a history that the process does not allow: its number from 1, the rule, and why."""

    number: int
    event: Event
    rule: str
    text: str


@attrs.frozen(slots=True, eq=False)
class Case:
    """A case of one process, seen by one participant.

    Two cases are equal when their process, version, role, participants and history are.
    Made by :meth:`eessi.buc.Buc.start`; changed only by :meth:`apply`, which returns another case.
    """

    _frame: Frame = attrs.field(repr=False)
    _state: State = attrs.field(repr=False)

    @property
    def buc(self) -> Buc:
        """The definition this case runs on."""
        return self._frame.buc

    @property
    def version(self) -> CdmVersion:
        """CDM version of the case."""
        return self._frame.version

    @property
    def assumed(self) -> bool:
        """Whether the rows used are those of an older version, because none are known for this one."""
        return self._frame.assumed

    @property
    def role(self) -> Role:
        """Our role."""
        return self._frame.role

    @property
    def me(self) -> InstitutionId | None:
        """Our institution, where it was named."""
        return self._state.participants[self._frame.me].institution

    @property
    def id(self) -> CaseId | None:
        """International id of the case."""
        return self._frame.id

    @property
    def state(self) -> CaseState:
        """Where our copy of the case stands."""
        return self._state.status

    @property
    def history(self) -> tuple[Event, ...]:
        """All events, oldest first."""
        return self._state.events()

    @property
    def documents(self) -> Mapping[str, Document]:
        """The documents by id, oldest first; deleted drafts are gone."""
        return MappingProxyType(self._state.documents)

    @property
    def participants(self) -> tuple[Participant, ...]:
        """Everybody who takes or took part, we first named as the case was started."""
        return tuple(self._state.participants.values())

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Case):
            return NotImplemented
        return self._identity() == other._identity()

    def __hash__(self) -> int:
        return hash((self.buc.code, self.version, self.role, self._state.length))

    def _identity(self) -> tuple[object, ...]:
        frame = self._frame
        return (frame.buc.code, frame.version, frame.role, frame.id, frame.participants, self.history)

    def __repr__(self) -> str:
        return (
            f"<Case {self.buc.code} {self.version} {self.role}: {self.state}, {len(self._state.documents)} documents>"
        )

    def apply(self, event: Event) -> Case:
        """The case after ``event``. A second delivery of the same document gives this very case back.

        :raises NotAllowed: when the event is our own and the process does not allow it now; nothing has changed.
        :raises PeerViolation: when a received document was not allowed; its ``answer`` is the SED to send back. A message
            that overtook an earlier one is refused as well (rule ``BUC-NOT-YET`` or ``BUC-PARENT``): try it again when
            the missing one has come, before answering.
        """
        state = rules.step(self._frame, self._state, event)
        return self if state is self._state else Case(self._frame, state)

    def replay(self, events: Iterable[Event]) -> Case:
        """The case after several events."""
        case = self
        for event in events:
            case = case.apply(event)
        return case

    def admit(self, event: Event) -> Case:
        """The case with an event that happened although the process did not allow it.

        For histories from elsewhere; :meth:`apply` is the way of one's own steps. Nothing is checked, the event is
        recorded, and offers follow from it as far as its SED belongs to the process.
        """
        return Case(self._frame, rules.admit(self._frame, self._state, event))

    def retrace(self, events: Iterable[Event]) -> tuple[Case, tuple[Misfit, ...]]:
        """The case after events that have happened: each applied or, where the process does not allow it, admitted.

        The second value lists those that were admitted, with the rule against each.
        """
        case, misfits = self, []
        for number, event in enumerate(events, 1):
            try:
                case = case.apply(event)
            except ProcessError as error:
                rule = error.rule if isinstance(error, (NotAllowed, PeerViolation)) else None
                misfits.append(Misfit(number, event, rule or "", str(error)))
                case = case.admit(event)
        return case, tuple(misfits)

    def as_of(self, moment: dt.date | dt.datetime | int) -> Case:
        """The case as it was: after so many events, or with the events up to a day or moment.

        :raises UsageError: when a day is asked for and an event has no date.
        """
        events = self.history
        if isinstance(moment, int):
            return self.begin().retrace(events[:moment])[0]
        kept = []
        for event in events:
            if event.at is None:
                raise UsageError("an event of this case has no date: ask by number of events")
            at = event.at if isinstance(moment, dt.datetime) else event.at.date()
            if at > moment:
                break
            kept.append(event)
        return self.begin().retrace(kept)[0]

    def begin(self) -> Case:
        """The same case before its first event."""
        return Case(self._frame, rules.opening_state(self._frame))

    def allowed(self, on: dt.date | None = None, facts: Mapping[str, bool] | None = None) -> Moves:
        """All moves of our side: what is allowed on that day, what depends on something, and what is not allowed.

        :param on: the day; without it, moves with a waiting time *depend* on it.
        :param facts: what is known of the content of documents, ``{"R005.final": True}``, beside what the events told.
            An unknown fact never makes a yes.
        """
        return Moves(self, on, dict(facts) if facts else _NO_FACTS)

    def next_day(self, on: dt.date) -> dt.date | None:
        """The next day, after ``on``, on which a move of ours becomes possible by waiting alone."""
        days = []
        for slot in self._state.own.slots():
            if slot.days is not None:
                answer, _, earliest = judge_slot(self._frame, self._state, slot, on, _NO_FACTS)
                if answer is not Answer.YES and earliest is not None and earliest > on:
                    days.append(earliest)
        return min(days, default=None)

    def _moves(self, on: dt.date | None, stated: Mapping[str, bool]) -> Iterator[Move]:
        offered = self._state.own.open
        for slot in self._state.own.slots():
            answer, names, earliest = judge_slot(self._frame, self._state, slot, on, stated)
            kind = "send" if slot.parent is None else "reply"
            yield Move(self, kind, slot.row.sed, answer, slot, None, names, earliest, None, on, stated)
        for sed in self._frame.program.rows.get(self.role, ()):
            if sed not in offered:
                yield Move(self, "send", sed, Answer.NO, on=on, stated=stated)
        yield from self._changes_of_documents(on)
        for action, found in local.refusals(self._frame, self._state):
            yield Move(self, action, None, Answer.YES if found is None else Answer.NO, found=found)

    def _sendable(self, on: dt.date | None, stated: Mapping[str, bool]) -> frozenset[SedType]:
        """What :attr:`Moves.seds` says, without making the moves."""
        frame, state = self._frame, self._state
        plain = state.status is CaseState.OPEN
        found = set()
        for sed, offers in state.own.open.items():
            for slot in offers.values():
                if (plain and slot.days is None and not slot.needs and not slot.row.while_closed) or judge_slot(
                    frame, state, slot, on, stated
                )[0] is Answer.YES:
                    found.add(sed)
        rows = frame.program.rows.get(frame.role, {})
        for draft in state.documents.values():
            mine = draft.status == "new" and draft.mine and draft.sed in rows
            if mine and local.draft_answer(frame, state, draft, on) is Answer.YES:
                found.add(draft.sed)
        return frozenset(found)

    def _changes_of_documents(self, on: dt.date | None) -> Iterator[Move]:
        state = self._state
        rows = self._frame.program.rows.get(self.role, {})
        for document in state.documents.values():
            row = rows.get(document.sed)  # none for a document that was admitted although its process does not know it
            if not document.mine or row is None:
                continue
            if document.status == "new":
                answer = local.draft_answer(self._frame, state, document, on)
                yield Move(self, "draft", document.sed, answer, None, document.id, on=on)
            elif document.status == "sent" and state.status is CaseState.OPEN and row.update:
                blocked = "update" in state.blocked.get(document.id, ())
                yield Move(self, "update", document.sed, Answer.NO if blocked else Answer.YES, None, document.id)

    def why_not(
        self,
        move: Move | str,
        on: dt.date | None = None,
        facts: Mapping[str, bool] | None = None,
        *,
        parent_id: str | None = None,
    ) -> WhyNot | None:
        """Why a move is not allowed; ``None`` when it is.

        :param move: a SED code, a case action (``close``, ``reopen``, ``archive``, ``restore``, ``delete``) or a move from
            :meth:`allowed`.
        :param parent_id: the document it would answer or concern.
        :raises UnknownCode: when it is neither an action nor a SED code.
        """
        stated = facts or _NO_FACTS
        frame, state = self._frame, self._state
        if isinstance(move, Move):
            if move.kind in ("update", "draft") and move.document_id is not None:
                return self._why_not_document(move, on, stated)
            if move.sed is None:
                return local.refuse(frame, state, local.CASE_MOVES[move.kind])
            if move.slot is not None:
                return self._why_not_slot(move, on, stated)
            return self._why_not_sed(move.sed, on, stated, None)
        if move in local.CASE_MOVES:
            return local.refuse(frame, state, local.CASE_MOVES[move])
        return self._why_not_sed(SedType(move), on, stated, parent_id)

    def _why_not_sed(
        self, sed: SedType, on: dt.date | None, stated: Mapping[str, bool], parent_id: str | None
    ) -> WhyNot | None:
        frame, state = self._frame, self._state
        offers = state.own.open.get(sed)
        if offers:
            slots = list(offers.values()) if parent_id is None else [offers[parent_id]] if parent_id in offers else []
            answers = [(slot, judge_slot(frame, state, slot, on, stated)[0]) for slot in slots]
            if any(answer is Answer.YES for _, answer in answers):
                return None
            depends = next((slot for slot, answer in answers if answer is Answer.DEPENDS), None)
            best = depends if depends is not None else next(iter(slots), None)
            if best is not None:
                return reasons.explain_slot(frame, state, best, on, stated)
        return reasons.explain(frame, state, sed, parent_id, on, stated)

    def _why_not_slot(self, move: Move, on: dt.date | None, stated: Mapping[str, bool]) -> WhyNot | None:
        assert move.slot is not None
        if judge_slot(self._frame, self._state, move.slot, on, stated)[0] is Answer.YES:
            return None
        return reasons.explain_slot(self._frame, self._state, move.slot, on, stated)

    def _why_not_document(self, move: Move, on: dt.date | None, stated: Mapping[str, bool]) -> WhyNot | None:
        document = self._state.documents[move.document_id or ""]
        if move.kind == "draft":
            return details.explain_draft(self._frame, self._state, document, on, stated)
        event = Event("sent", document_id=document.id, version=document.version + 1)
        return details.explain_update(self._frame, self._state, document, event, mine=True)


def start(
    buc: Buc,
    role: Role,
    version: CdmVersion,
    *,
    case_id: str | None,
    me: InstitutionId | None,
    others: tuple[InstitutionId, ...],
) -> Case:
    """A case with nothing in it yet; see :meth:`eessi.buc.Buc.start`."""
    if role not in (Role.CASE_OWNER, Role.COUNTERPARTY, Role.INTELLIGENT_RA):
        raise UsageError(f"a case is started as CaseOwner, Counterparty or IntelligentRA, not as {role}")
    resolved, assumed = buc.resolve(version)
    program = buc.program(resolved)
    counterparties = list(others)
    if not buc.is_multilateral and len(counterparties) > 1:
        raise UsageError(f"{buc.code} is bilateral: name one counterparty")
    people: list[Participant] = []
    if role is Role.CASE_OWNER:
        people.append(_person(me, role, "CaseOwner"))
        people += [_person(item, Role.COUNTERPARTY, str(item)) for item in counterparties] or [
            _person(None, Role.COUNTERPARTY, "Counterparty")
        ]
    else:
        people.append(_person(me, role, str(role)))
        people.append(_person(None, Role.CASE_OWNER, "CaseOwner"))
        people += [_person(item, Role.COUNTERPARTY, str(item)) for item in counterparties if item != me]
    number = None if case_id is None else CaseId(case_id)
    frame = Frame(buc, program, version.released, assumed, role, people[0].key, number, tuple(people))
    return Case(frame, rules.opening_state(frame))


def _person(institution: InstitutionId | None, role: Role, otherwise: str) -> Participant:
    return Participant(otherwise if institution is None else str(institution), role, institution)
