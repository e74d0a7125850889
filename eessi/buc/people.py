"""What administrative documents do to a case and to those who take part in it."""

from __future__ import annotations

from collections.abc import Iterable

import attrs

from eessi.buc.event import Document, Event, Participant
from eessi.buc.offers import ancestor, apply_effects, first_side, open_offers
from eessi.buc.program import FREE
from eessi.buc.state import CaseState, Frame, Side, State
from eessi.ids import InstitutionId, Role

__all__ = ["case_effect", "join", "named", "replaced"]


def case_effect(frame: Frame, state: State, effect: str, document: Document, event: Event) -> None:
    if effect == "close":
        state.status = CaseState.CLOSED
        state.undecided = None
    elif effect == "reopen":
        _reopen(state, document)
    elif effect == "invalidate":
        _invalidate(frame, state, document)
    elif effect == "add":
        if event.participant is not None:
            join(frame, state, event.participant, Role.COUNTERPARTY)
    elif effect == "remove":
        _leave(frame, state, event.participant)
    elif effect == "forward":
        _forward(frame, state, document, event)
    else:
        _replace(state, document.author, event)


def _reopen(state: State, document: Document) -> None:
    """X004: a yes opens the case again, unless the one who closed it has closed it once more since."""
    closed = ancestor(state, document, "X001")
    if closed is not None:
        closings = [item for item in state.documents.values() if item.sed == "X001" and item.author == closed.author]
        if closings[-1].id != closed.id:
            return
    decided = document.facts.get("X004.reopen")
    if decided:
        state.status = CaseState.OPEN
        state.undecided = None
    elif decided is None:
        state.undecided = document.id


def _invalidate(frame: Frame, state: State, order: Document) -> None:
    """X008: its target is cancelled, may be sent again where its row says so, and can no longer be answered."""
    target = state.documents.get(order.parent_id) if order.parent_id is not None else None
    if target is None:
        return
    cancelled = target._replace(status="cancelled")
    state.documents[target.id] = cancelled
    for key, side in _all_sides(frame, state):
        written = key == target.author
        if written:
            _recreate(side, cancelled)
        if key == frame.me:  # an answer of another may have crossed the X008
            for offers in list(side.open.values()):
                for slot in list(offers.values()):
                    if slot.parent == target.id and not slot.row.while_closed and slot.row.sed != "X013":
                        side.close(slot, "withdrawn", order.id)
        happened = "invalidated_by_sender" if written else "invalidation_received"
        apply_effects(frame, state, side, happened, cancelled, ours=key == frame.me)


def _recreate(side: Side, cancelled: Document) -> None:
    shut = side.shut.get(cancelled.sed, {}).get(cancelled.slot or FREE)
    if shut is not None and shut.why == "used" and shut.by == cancelled.id and shut.slot.row.again_after_invalidation:
        side.offer(shut.slot)


def _all_sides(frame: Frame, state: State) -> Iterable[tuple[str, Side]]:
    yield frame.me, state.own
    for key in list(state.peers):
        state.peers[key] = side = state.peers[key].copy()
        yield key, side


def join(frame: Frame, state: State, institution: InstitutionId, role: Role) -> None:
    """A participant joins; it may send whatever a receiver of everything so far may send."""
    known = next((key for key, item in state.participants.items() if item.institution == institution), None)
    key = known or str(institution)
    state.participants = {**state.participants, key: Participant(key, role, institution)}
    if key in state.peers or key == frame.me:
        return
    side = first_side(frame, role)
    state.peers = {**state.peers, key: side}
    for document in list(state.documents.values()):
        if document.is_valid and not (document.sed.is_administrative):
            open_offers(frame, state, side, "received", document)


def _leave(frame: Frame, state: State, institution: InstitutionId | None) -> None:
    for key, item in state.participants.items():
        if item.institution is not None and item.institution == institution:
            state.participants = {**state.participants, key: attrs.evolve(item, active=False)}
            if key == frame.me:
                state.status = CaseState.LEFT
            return


def _forward(frame: Frame, state: State, document: Document, event: Event) -> None:
    """X007: the sender's copy is archived; for the others another institution takes its part."""
    if document.mine:
        state.status = CaseState.FORWARDED
    elif event.participant is not None:
        _replace(state, document.author, event)
        side = state.peers[document.author]
        row = next((slot for slot in side.shut.get(document.sed, {}).values()), None)
        if row is not None:
            side.offer(row.slot)


def _replace(state: State, key: str, event: Event) -> None:
    """Another institution takes the part of a participant, with everything that one sent and may send."""
    if event.replaces is not None:
        key = replaced(state, event) or key
    old = state.participants[key]
    if event.participant is not None and event.participant != old.institution:
        former = old.former if old.institution is None else (*old.former, old.institution)
        taken = attrs.evolve(old, institution=event.participant, former=former)
        state.participants = {**state.participants, key: taken}


def replaced(state: State, event: Event) -> str | None:
    """The participant that X100 takes out: the one named, or the only one of the country of the new one."""
    named = event.replaces or event.sender
    for key, item in state.participants.items():
        if key in state.peers and item.active and item.institution is not None and item.institution == named:
            return key
    wanted = event.participant or event.sender
    same = [
        key
        for key in state.peers
        if (item := state.participants[key]).active
        and (item.institution is None or (wanted is not None and item.institution.country == wanted.country))
    ]
    return same[0] if len(same) == 1 else None


def named(frame: Frame, state: State, institutions: tuple[InstitutionId, ...]) -> tuple[str, ...]:
    """Keys of receivers; the first document of a case may name participants."""
    keys = []
    nameless = frame.role is not Role.CASE_OWNER and state.participants[frame.me].institution is None
    for institution in institutions:
        found = next((key for key, item in state.participants.items() if item.institution == institution), None)
        if found is None and nameless:
            if len(institutions) > 1:
                continue  # one of them are we, and nobody said which
            found = frame.me
        if found is None:
            found = next((key for key in state.peers if _is_unnamed_counterparty(state, key)), None)
        if found is not None and state.participants[found].institution is None:
            person = attrs.evolve(state.participants[found], institution=institution)
            state.participants = {**state.participants, found: person}
        if found is None and state.starter is None:
            join(frame, state, institution, Role.COUNTERPARTY)
            found = str(institution)
        if found is not None:
            keys.append(found)
    return tuple(keys)


def _is_unnamed_counterparty(state: State, key: str) -> bool:
    item = state.participants[key]
    return item.institution is None and item.role is Role.COUNTERPARTY
