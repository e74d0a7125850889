"""What an event does to a case: the way of each kind of event; :mod:`eessi.buc.offers` applies the tables on the way.

A process is tables (:mod:`eessi.buc.program`): *role, event, SED* to the offers that open and the effects on other
offers. Each participant has a side: the offers open to it. An own event must find an open offer on our side, a received
one on the side of its sender; then the tables are applied to every side that saw it. A missing offer *is* the error.

What does not fit a row, and why:

* The other side is judged only by what it must have known: its own documents. What we sent may have crossed its message,
  so an offer that only our message withdrew is not held against it. Nor is a closed case: its X001, or ours, may have
  overtaken the message.
* A participant that was removed or replaced may have sent its message before it knew: it is still accepted.
* What the history must say (*all F019 received*) is asked on our side only: theirs may have been in another order.
* A document that is there already, in a version that is not newer, was delivered twice: nothing happens.
* Drafting and sending in one step is drafting, then sending: exclusions that bite from the draft on bite as well.
* A cancelled document cannot be answered any more by us; an answer of another may have crossed the X008.
* A document that opened the case is *the starter* for ever, also after its invalidation.
* Answers to a document are one per counterparty, since every participant has its own side.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping

import attrs

from eessi.buc import details, reasons
from eessi.buc.conditions import Answer, judge
from eessi.buc.definition import SendRow
from eessi.buc.event import Document, Event
from eessi.buc.judging import World, judge_slot
from eessi.buc.moves import WhyNot
from eessi.buc.offers import apply_effects, first_side, open_offers
from eessi.buc.people import case_effect, named, replaced
from eessi.buc.program import FREE, Slot
from eessi.buc.state import CaseState, Frame, Side, State
from eessi.errors import NotAllowed, PeerViolation
from eessi.findings import Phrase
from eessi.ids import Role, SedType

__all__ = ["admit", "opening_state", "step"]

_NO_FACTS: Mapping[str, bool] = {}


def opening_state(frame: Frame) -> State:
    """The state of a case in which nothing has happened."""
    state = State.__new__(State)
    state.status = state.was = CaseState.NEW
    state.documents = {}
    state.participants = {item.key: item for item in frame.participants}
    state.history = None
    state.length = 0
    state.starter = state.undecided = None
    state.blocked = {}
    sides = {item.key: first_side(frame, item.role) for item in frame.participants}
    state.own = sides.pop(frame.me)
    state.peers = sides
    return state


def step(frame: Frame, state: State, event: Event) -> State:
    """The state after ``event``; the very same state when the event was a second delivery.

    :raises NotAllowed: for an own event that the process does not allow now.
    :raises PeerViolation: for a received one; it carries the SED to answer with.
    """
    if event.kind == "sent":
        return _sent(frame, state, event)
    if event.kind == "received":
        return _received(frame, state, event)
    from eessi.buc import local

    return local.step(frame, state, event)


def admit(frame: Frame, state: State, event: Event) -> State:
    """The state after an event that happened although the process did not allow it: recorded, and the tables act."""
    new = state.copy()
    if event.kind not in ("sent", "received") or event.sed is None:
        _record(new, event)
        return new
    known = new.documents.get(event.document_id) if event.document_id is not None else None
    if known is not None:
        new.documents[known.id] = known._replace(version=max(event.version, known.version))
        _record(new, event)
        return new
    mine = event.kind == "sent"
    author = frame.me if mine else _likely_sender(frame, new, event)
    number = event.document_id if event.document_id is not None else _number(state, event.sed)
    parent = event.parent_id if event.parent_id in new.documents else None
    document = Document(
        number, event.sed, event.kind, author, mine, event.version, parent, event.at, state.starter is None, None,
        _own_facts(event, event.sed), () if event.receivers is None else named(frame, new, event.receivers),
    )  # fmt: skip
    new.documents[number] = document
    role = frame.role if mine else new.participants[author].role
    row = frame.program.rows.get(role, {}).get(event.sed) or SendRow(event.sed, (), ())
    if mine:
        new.own = new.own.copy()
        _dispatch(frame, new, document, event, row)
    else:
        _arrive(frame, new, document, None, event, row)
    _record(new, event)
    return new


def _likely_sender(frame: Frame, state: State, event: Event) -> str:
    try:
        return _sender(frame, state, event)
    except PeerViolation:
        return next(iter(state.peers))


# ---- own documents ---------------------------------------------------------------------------------------------------


def _sent(frame: Frame, state: State, event: Event) -> State:
    known = state.documents.get(event.document_id) if event.document_id is not None else None
    if known is not None:
        if known.mine and known.status == "new":
            return _send_draft(frame, state, event, known)
        return _update(frame, state, event, known, mine=True)
    new, document, slot = _written(frame, state, event, "sent")
    _enter(frame, new, document, slot, event)
    return new


def _written(frame: Frame, state: State, event: Event, status: str) -> tuple[State, Document, Slot]:
    """A new document of ours, draft or sent, after all checks."""
    slot = _own_slot(frame, state, event)
    if slot is None:
        raise _not_allowed(reasons.explain(frame, state, event.sed, event.parent_id, _day(event), event.facts))
    row = slot.row
    if state.status is not CaseState.OPEN or slot.days is not None or slot.needs or row.while_closed:
        stated = _stated(event, row.sed)
        answer, _, _ = judge_slot(frame, state, slot, _day(event), stated)
        if answer is not Answer.YES:
            raise _not_allowed(reasons.explain_slot(frame, state, slot, _day(event), stated))
    if event.attachments or event.parts or row.block or event.receivers is not None or event.version != 1:
        refused = details.explain_details(frame, state, row, event)
        if refused is not None:
            raise _not_allowed(refused)
    new = state.copy()
    number = event.document_id if event.document_id is not None else _number(state, row.sed)
    receivers = () if event.receivers is None else named(frame, new, event.receivers)
    document = Document(
        number, row.sed, status, frame.me, True, 1, slot.parent, event.at, state.starter is None, slot.anchor,
        _own_facts(event, row.sed), receivers,
    )  # fmt: skip
    return new, document, slot


def _own_slot(frame: Frame, state: State, event: Event) -> Slot | None:
    assert event.sed is not None
    offers = state.own.open.get(event.sed)
    if not offers:
        return None
    found = offers.get(FREE if event.parent_id is None else event.parent_id)
    if found is not None:
        return found

    def usable(slot: Slot) -> bool:
        assert event.sed is not None
        return judge_slot(frame, state, slot, _day(event), _stated(event, event.sed))[0] is Answer.YES

    return _pick(offers, event.parent_id, state.documents, usable)


def _pick(
    offers: Mapping[str, Slot], parent: str | None, documents: Mapping[str, Document], usable: Callable[[Slot], bool]
) -> Slot | None:
    """The offer that a document uses: by its parent, or the only one that fits."""
    if parent is not None:
        found = offers.get(parent)
        if found is None and parent in documents:  # X004: one answer for all replies to the same request
            above = offers.get(documents[parent].parent_id or FREE)
            found = above if above is not None and above.parent is not None and above.row.block is not None else None
        return found
    free = offers.get(FREE)
    if free is not None or len(offers) == 1:
        return free if free is not None else next(iter(offers.values()))
    unparented = [slot for slot in offers.values() if slot.parent is None]
    if unparented:
        return next(filter(usable, unparented), unparented[0])
    return None


def _enter(frame: Frame, state: State, document: Document, slot: Slot, event: Event) -> None:
    """Put a new document of ours into the case and let the tables act."""
    state.documents[document.id] = document
    side = state.own = state.own.copy()
    if slot.row.once:
        side.close(slot, "used" if document.status == "sent" else "drafted", document.id)
    if document.sed in side.rules.stirring:
        apply_effects(frame, state, side, "draft_created", document, ours=True)
    if document.status == "sent":
        _dispatch(frame, state, document, event, slot.row)
    _record(state, event)


def _send_draft(frame: Frame, state: State, event: Event, draft: Document) -> State:
    refused = details.explain_draft(frame, state, draft, _day(event), _stated(event, draft.sed))
    if refused is not None:
        raise _not_allowed(refused)
    row = frame.program.rows[frame.role][draft.sed]
    if event.attachments or event.parts or row.block or event.receivers is not None:
        refused = details.explain_details(frame, state, row, event)
        if refused is not None:
            raise _not_allowed(refused)
    new = state.copy()
    receivers = draft.receivers if event.receivers is None else named(frame, new, event.receivers)
    document = draft._replace(
        status="sent", at=event.at, facts={**draft.facts, **_own_facts(event, draft.sed)}, receivers=receivers,
        starter=state.starter is None,
    )  # fmt: skip
    new.documents[draft.id] = document
    side = new.own = new.own.copy()
    shut = side.shut.get(draft.sed, {}).get(draft.slot or "")
    if shut is not None and shut.why == "drafted":
        side.close(shut.slot, "used", draft.id)
    _dispatch(frame, new, document, event, row)
    _record(new, event)
    return new


def _dispatch(frame: Frame, state: State, document: Document, event: Event, row: SendRow) -> None:
    """A document of ours leaves: our side has sent it, the sides of its receivers receive it."""
    if state.starter is None:
        state.starter = document.id
        state.status = CaseState.OPEN
    sed = document.sed
    if sed in state.own.rules.stirring:
        apply_effects(frame, state, state.own, "sent", document, ours=True)
    open_offers(frame, state, state.own, "sent", document)
    state.peers = peers = state.peers.copy()
    for key in peers:
        if not document.receivers or key in document.receivers:
            peers[key] = side = peers[key].copy()
            if sed in side.rules.stirring:
                apply_effects(frame, state, side, "received", document, ours=False)
            open_offers(frame, state, side, "received", document)
    if row.effect is not None:
        case_effect(frame, state, row.effect, document, event)


# ---- documents of others ---------------------------------------------------------------------------------------------


def _received(frame: Frame, state: State, event: Event) -> State:
    known = state.documents.get(event.document_id) if event.document_id is not None else None
    if known is not None:
        if not known.mine and event.version <= known.version:
            return state
        return _update(frame, state, event, known, mine=False)
    new = state.copy()
    sender = _sender(frame, new, event)
    side = new.peers[sender]
    assert event.sed is not None
    row = side.rules.rows.get(event.sed)
    slot = None
    if row is None:
        if not _system(frame, event.sed):
            raise _violation(reasons.explain_peer(frame, state, side, event))
        row = _system_row(frame, event.sed)
    else:
        slot = _peer_slot(frame, new, side, row, event)
    parent = slot.parent if slot is not None else event.parent_id
    number = event.document_id if event.document_id is not None else _number(state, event.sed)
    document = Document(
        number, event.sed, "received", sender, False, event.version, parent, event.at, state.starter is None,
        None if slot is None else slot.anchor, _own_facts(event, event.sed),
        () if event.receivers is None else named(frame, new, event.receivers),
    )  # fmt: skip
    new.documents[number] = document
    _arrive(frame, new, document, slot, event, row)
    _record(new, event)
    return new


def _arrive(frame: Frame, state: State, document: Document, slot: Slot | None, event: Event, row: SendRow) -> None:
    """A document of another participant has come: its author has sent it, we and its other receivers receive it."""
    author = document.author
    state.peers = peers = state.peers.copy()
    side = peers[author] = peers[author].copy()
    if slot is not None and row.once:
        side.close(slot, "used", document.id)
    if state.starter is None:
        state.starter = document.id
        state.status = CaseState.OPEN
    elif state.status is CaseState.CLOSED_LOCALLY:
        state.status = CaseState.OPEN
    if document.sed in side.rules.stirring:
        apply_effects(frame, state, side, "draft_created", document, ours=False)
        apply_effects(frame, state, side, "sent", document, ours=False)
    open_offers(frame, state, side, "sent", document)
    for key in peers:
        if key != author and (not document.receivers or key in document.receivers):
            peers[key] = other = peers[key].copy()
            apply_effects(frame, state, other, "received", document, ours=False)
            open_offers(frame, state, other, "received", document)
    state.own = state.own.copy()
    if document.sed in state.own.rules.stirring:
        apply_effects(frame, state, state.own, "received", document, ours=True)
    open_offers(frame, state, state.own, "received", document)
    if row.effect is not None:
        case_effect(frame, state, row.effect, document, event)


def _sender(frame: Frame, state: State, event: Event) -> str:
    """Key of the participant that sent a received document; learns its name where it had none."""
    if event.sender is None:
        active = [key for key in state.peers if state.participants[key].active]
        if len(active) == 1:
            return active[0]
        if state.starter is None:
            return next(key for key in active if state.participants[key].role is Role.CASE_OWNER)
        raise _violation(
            WhyNot(
                "BUC-SENDER", Phrase("several institutions take part: the event must name its sender"), sed=event.sed
            )
        )
    found = next((key for key, item in state.participants.items() if item.institution == event.sender), None)
    if found is None:
        found = next((key for key, item in state.participants.items() if event.sender in item.former), None)
    if found is not None and found != frame.me:
        return found
    unnamed = [key for key in state.peers if state.participants[key].institution is None]
    if state.starter is None:
        unnamed = [key for key in unnamed if state.participants[key].role is Role.CASE_OWNER] or unnamed
    if unnamed and found is None:
        state.participants = {
            **state.participants, unnamed[0]: attrs.evolve(state.participants[unnamed[0]], institution=event.sender)
        }  # fmt: skip
        return unnamed[0]
    if event.sed is not None and _system(frame, event.sed):
        acting = replaced(state, event)
        if acting is not None:
            return acting
    raise _violation(
        WhyNot("BUC-SENDER", Phrase("the sender takes no part in the case"), sed=event.sed, answer=SedType("X050"))
    )


def _system(frame: Frame, sed: str) -> bool:
    return any(
        send.sed == sed and send.opens == "system"
        for item in frame.buc.included
        for send in frame.buc.blocks[item.block].sends
    )


def _system_row(frame: Frame, sed: SedType) -> SendRow:
    for item in frame.buc.included:
        for send in frame.buc.blocks[item.block].sends:
            if send.sed == sed:
                return SendRow(sed, (), (), once=False, block=item.block, effect=send.effect, source=send.source)
    raise AssertionError(sed)


def _peer_slot(frame: Frame, state: State, side: Side, row: SendRow, event: Event) -> Slot:
    """The offer that a received document uses.

    :raises PeerViolation: when its sender, knowing its own documents, could not send it.
    """
    parent = event.parent_id
    if parent is not None and parent not in state.documents:
        raise _violation(reasons.unknown_parent(frame, event))
    offers = side.open.get(row.sed)

    slot = None if offers is None else offers.get(FREE if parent is None else parent)
    if slot is None or slot.needs:
        slot = _peer_search(state, offers, parent, event)
    if slot is None:
        raise _violation(reasons.explain_peer(frame, state, side, event))
    if not (event.attachments or event.parts or row.block):
        return slot
    refused = details.explain_details(frame, state, row, event)
    if refused is not None:
        raise _violation(attrs.evolve(refused, answer=reasons.answer_to(frame, event.sed)))
    return slot


def _peer_search(state: State, offers: Mapping[str, Slot] | None, parent: str | None, event: Event) -> Slot | None:
    """An offer that fits less plainly, and against which no fact stands."""

    def usable(slot: Slot) -> bool:
        return _peer_judges(state, slot, event) is not Answer.NO

    if not offers:
        return None
    slot = _pick(offers, parent, state.documents, usable)
    if slot is None and parent is not None and not any(item.parent for item in offers.values()):
        slot = _pick(offers, None, state.documents, usable)
    return slot if slot is not None and usable(slot) else None


def _peer_judges(state: State, slot: Slot, event: Event) -> Answer:
    """Whether facts stand against an offer of another participant; what we do not know it may know."""
    if not slot.needs:
        return Answer.YES
    opener = state.documents.get(slot.opened_by) if slot.opened_by else None
    world = World(state.documents, state.participants)
    return judge(slot.needs, world, opener, _stated(event, slot.row.sed))[0]


# ---- new versions ----------------------------------------------------------------------------------------------------


def _update(frame: Frame, state: State, event: Event, known: Document, *, mine: bool) -> State:
    refused = details.explain_update(frame, state, known, event, mine=mine)
    if refused is not None:
        raise _not_allowed(refused) if mine else _violation(refused)
    new = state.copy()
    document = known._replace(version=event.version, facts={**known.facts, **_own_facts(event, known.sed)}
    )  # fmt: skip
    new.documents[known.id] = document
    sides = [key for key in new.peers if key != known.author]
    new.peers = peers = new.peers.copy()
    for key in sides:
        if not document.receivers or key in document.receivers:
            peers[key] = side = peers[key].copy()
            apply_effects(frame, new, side, "update_received", document, ours=False)
            open_offers(frame, new, side, "update_received", document)
    if not mine:
        new.own = new.own.copy()
        apply_effects(frame, new, new.own, "update_received", document, ours=True)
        open_offers(frame, new, new.own, "update_received", document)
    _record(new, event)
    return new


# ---- small parts -----------------------------------------------------------------------------------------------------


def _number(state: State, sed: str) -> str:
    """An id for a document that came without one, unique in its case."""
    number = len(state.documents) + 1
    while f"{sed}-{number}" in state.documents:
        number += 1
    return f"{sed}-{number}"


def _own_facts(event: Event, sed: str) -> Mapping[str, bool]:
    if not event.facts:
        return _NO_FACTS
    return {name: value for name, value in event.facts.items() if name.partition(".")[0] == sed}


def _stated(event: Event, sed: str) -> Mapping[str, bool]:
    """What an event tells about earlier documents; facts of its own type speak of the new document alone."""
    if not event.facts:
        return _NO_FACTS
    return {name: value for name, value in event.facts.items() if name.partition(".")[0] != sed}


def _record(state: State, event: Event) -> None:
    state.history = (state.history, event)
    state.length += 1


def _day(event: Event) -> dt.date | None:
    return None if event.at is None else event.at.date()


def _not_allowed(found: WhyNot) -> NotAllowed:
    return NotAllowed(found.text, rule=found.rule)


def _violation(found: WhyNot) -> PeerViolation:
    return PeerViolation(found.text, rule=found.rule, answer=found.answer)
