"""What an event does to a case. Everything about transitions lives here.

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
from collections.abc import Callable, Iterable, Mapping

import attrs

from eessi.buc import reasons
from eessi.buc.conditions import Answer, judge, surviving
from eessi.buc.definition import Effect, SendRow, Trigger
from eessi.buc.event import Document, Event, Participant
from eessi.buc.judging import World, judge_slot
from eessi.buc.moves import WhyNot
from eessi.buc.program import FREE, Slot
from eessi.buc.state import CaseState, Frame, Side, State
from eessi.errors import NotAllowed, PeerViolation
from eessi.ids import InstitutionId, Role, SedType

__all__ = ["admit", "opening_state", "step"]

_NO_FACTS: Mapping[str, bool] = {}
_OWN_ACTS = frozenset({"draft_created", "sent"})
"""What binds another participant, where two documents exclude each other. Where only one excludes the other, the other
may have been sent first and been overtaken."""


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
    sides = {item.key: _first_side(frame, item.role) for item in frame.participants}
    state.own = sides.pop(frame.me)
    state.peers = sides
    return state


def _first_side(frame: Frame, role: Role) -> Side:
    side = Side(frame.program.sides[role], {}, {})
    opens = side.rules.opens["case_start"].get("")
    if opens is not None:
        for sed, slot in opens.free:
            side.open[sed] = {FREE: slot}
        for row, _ in opens.rest:
            side.offer(Slot(row, "@start"))
    return side


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
        _own_facts(event, event.sed), () if event.receivers is None else _named(frame, new, event.receivers),
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
        refused = reasons.explain_details(frame, state, row, event)
        if refused is not None:
            raise _not_allowed(refused)
    new = state.copy()
    number = event.document_id if event.document_id is not None else _number(state, row.sed)
    receivers = () if event.receivers is None else _named(frame, new, event.receivers)
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
        _effects(frame, state, side, "draft_created", document, ours=True)
    if document.status == "sent":
        _dispatch(frame, state, document, event, slot.row)
    _record(state, event)


def _send_draft(frame: Frame, state: State, event: Event, draft: Document) -> State:
    refused = reasons.explain_draft(frame, state, draft, _day(event), _stated(event, draft.sed))
    if refused is not None:
        raise _not_allowed(refused)
    row = frame.program.rows[frame.role][draft.sed]
    if event.attachments or event.parts or row.block or event.receivers is not None:
        refused = reasons.explain_details(frame, state, row, event)
        if refused is not None:
            raise _not_allowed(refused)
    new = state.copy()
    receivers = draft.receivers if event.receivers is None else _named(frame, new, event.receivers)
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
        _effects(frame, state, state.own, "sent", document, ours=True)
    _open(frame, state, state.own, "sent", document)
    state.peers = peers = state.peers.copy()
    for key in peers:
        if not document.receivers or key in document.receivers:
            peers[key] = side = peers[key].copy()
            if sed in side.rules.stirring:
                _effects(frame, state, side, "received", document, ours=False)
            _open(frame, state, side, "received", document)
    if row.effect is not None:
        _case_effect(frame, state, row.effect, document, event)


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
        () if event.receivers is None else _named(frame, new, event.receivers),
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
        _effects(frame, state, side, "draft_created", document, ours=False)
        _effects(frame, state, side, "sent", document, ours=False)
    _open(frame, state, side, "sent", document)
    for key in peers:
        if key != author and (not document.receivers or key in document.receivers):
            peers[key] = other = peers[key].copy()
            _effects(frame, state, other, "received", document, ours=False)
            _open(frame, state, other, "received", document)
    state.own = state.own.copy()
    if document.sed in state.own.rules.stirring:
        _effects(frame, state, state.own, "received", document, ours=True)
    _open(frame, state, state.own, "received", document)
    if row.effect is not None:
        _case_effect(frame, state, row.effect, document, event)


def _sender(frame: Frame, state: State, event: Event) -> str:
    """Key of the participant that sent a received document; learns its name where it had none."""
    if event.sender is None:
        active = [key for key in state.peers if state.participants[key].active]
        if len(active) == 1:
            return active[0]
        if state.starter is None:
            return next(key for key in active if state.participants[key].role is Role.CASE_OWNER)
        raise _violation(
            WhyNot("BUC-SENDER", "several institutions take part: the event must name its sender", sed=event.sed)
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
        replaced = _replaced(state, event)
        if replaced is not None:
            return replaced
    raise _violation(
        WhyNot("BUC-SENDER", "the sender takes no part in the case", sed=event.sed, answer=SedType("X050"))
    )


def _replaced(state: State, event: Event) -> str | None:
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
    refused = reasons.explain_details(frame, state, row, event)
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
    refused = reasons.explain_update(frame, state, known, event, mine=mine)
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
            _effects(frame, new, side, "update_received", document, ours=False)
            _open(frame, new, side, "update_received", document)
    if not mine:
        new.own = new.own.copy()
        _effects(frame, new, new.own, "update_received", document, ours=True)
        _open(frame, new, new.own, "update_received", document)
    _record(new, event)
    return new


# ---- tables at work --------------------------------------------------------------------------------------------------


def _open(frame: Frame, state: State, side: Side, happened: str, document: Document) -> None:
    """Open everything that this event opens on one side."""
    opens = side.rules.opens[happened].get(document.sed)
    if opens is None:
        return
    offers, shut = side.open, side.shut
    for group in (opens.free, opens.free_for_starter) if document.starter else (opens.free,):
        for sed, slot in group:
            inner = offers.get(sed)
            if inner is None:
                offers[sed] = {FREE: slot}
            elif FREE not in inner:
                offers[sed] = {**inner, FREE: slot}
            if sed in shut and FREE in shut[sed]:
                side.offer(slot)
    number = document.id
    for row in opens.answers:
        sed = row.sed
        inner = offers.get(sed)
        slot = Slot(row, number, number, number)
        offers[sed] = {number: slot} if inner is None else {**inner, number: slot}
    for row, trigger in opens.rest:
        offered = _offer(frame, state, side, row, trigger, document)
        if offered is not None:
            side.offer(offered)


def _offer(frame: Frame, state: State, side: Side, row: SendRow, trigger: Trigger, document: Document) -> Slot | None:
    if trigger.starter and not document.starter:
        return None
    parent = state.documents.get(document.parent_id) if document.parent_id is not None else None
    if trigger.unparented and document.parent_id is not None:
        return None
    if trigger.parent is not None and (parent is None or parent.sed != trigger.parent):
        return None
    if trigger.own_request and (parent is None or (parent.mine is not (side is state.own))):
        return None
    needs: tuple[object, ...] = ()
    if trigger.condition is not None:
        world = World(state.documents, state.participants)
        rows = frame.buc.conditions.rows[trigger.condition]
        left = surviving(rows, world, document)
        if left is None and side is state.own:
            return None
        if left is None:  # what another participant had in hand when it wrote, we cannot know
            left = tuple(row for row in rows if row.facts)
        needs = left
    if trigger.reply_to is None:
        anchor = FREE if not row.once and not needs and trigger.days is None else f"@{document.id}"
        answered = None
    else:
        target = _ancestor(state, document, trigger.reply_to)
        if target is None or target.status == "cancelled":
            return None
        anchor = answered = target.id
        shut = side.shut.get(row.sed, {}).get(anchor)
        if shut is not None and shut.why in ("used", "drafted") and not trigger.again:
            user = state.documents.get(shut.by)
            if user is not None and user.status != "cancelled":
                return None
    return Slot(row, anchor, answered, document.id, needs, trigger.days)  # type: ignore[arg-type]  # conditions


def _ancestor(state: State, document: Document, sed: str) -> Document | None:
    item: Document | None = document
    while item is not None and item.sed != sed:
        item = state.documents.get(item.parent_id) if item.parent_id is not None else None
    return item


def _effects(frame: Frame, state: State, side: Side, happened: str, document: Document, *, ours: bool) -> None:
    """Withdraw, suspend, resume and offer what this event says, on one side."""
    effects = side.rules.effects[happened].get(document.sed)
    if not effects:
        return
    for effect in effects:
        if effect.starter and not document.starter:
            continue
        parent = state.documents.get(document.parent_id) if document.parent_id is not None else None
        if effect.parent is not None and (parent is None or parent.sed != effect.parent):
            continue
        if effect.condition is not None:
            world = World(state.documents, state.participants)
            rows = surviving(frame.buc.conditions.rows[effect.condition], world, document)
            if rows is None or (rows and judge(rows, world, document, _NO_FACTS)[0] is not Answer.YES):
                continue
        if effect.effect == "offer":
            _offer_again(frame, state, side, effect, document)
        elif effect.effect == "resume":
            _resume(state, side, effect, document)
        elif ours or (
            happened in _OWN_ACTS and (side.role, str(effect.sed), str(effect.target)) in frame.program.mutual
        ):
            _withdraw(state, side, effect, document)


def _concerns(state: State, effect: Effect, document: Document, parent: str | None) -> bool:
    if effect.same_parent and parent != document.parent_id:
        return False
    if effect.target_parents:
        target = state.documents.get(parent) if parent is not None else None
        return target is not None and target.sed in effect.target_parents
    return True


def _withdraw(state: State, side: Side, effect: Effect, document: Document) -> None:
    why = "withdrawn" if effect.effect == "withdraw" else "suspended"
    if "create" in effect.operations:
        for slot in list(side.open.get(effect.target, {}).values()):
            if _concerns(state, effect, document, slot.parent):
                side.close(slot, why, document.id)
        for shut in list(side.shut.get(effect.target, {}).values()):
            if shut.why == "suspended" and why == "withdrawn" and _concerns(state, effect, document, shut.slot.parent):
                side.close(shut.slot, why, document.id)
    rest = frozenset(effect.operations) - {"create"}
    if rest:
        blocked = dict(state.blocked)
        for item in state.documents.values():
            mine = item.mine is (side is state.own)
            if item.sed == effect.target and mine and _concerns(state, effect, document, item.parent_id):
                blocked[item.id] = blocked.get(item.id, frozenset()) | rest
        state.blocked = blocked


def _resume(state: State, side: Side, effect: Effect, document: Document) -> None:
    for shut in list(side.shut.get(effect.target, {}).values()):
        if shut.why == "suspended" and _concerns(state, effect, document, shut.slot.parent):
            side.offer(shut.slot)
    blocked = {
        number: operations
        for number, operations in state.blocked.items()
        if not (
            state.documents[number].sed == effect.target
            and _concerns(state, effect, document, state.documents[number].parent_id)
        )
    }
    state.blocked = blocked


def _offer_again(frame: Frame, state: State, side: Side, effect: Effect, document: Document) -> None:
    row = side.rules.rows.get(effect.target)
    if row is None or "create" not in effect.operations:
        return
    if effect.same_parent and document.parent_id is not None:
        anchor, parent = document.parent_id, document.parent_id
    else:
        offers = side.open.get(effect.target, {})
        if any(slot.parent is None for slot in offers.values()):
            return
        anchor, parent = (FREE if not row.once else f"@{document.id}"), None
    shut = side.shut.get(effect.target, {}).get(anchor)
    if shut is not None and shut.why in ("used", "drafted"):
        user = state.documents.get(shut.by)
        if user is not None and user.status != "cancelled":
            return
    side.offer(Slot(row, anchor, parent, document.id))


# ---- effects of administrative documents on the case -----------------------------------------------------------------


def _case_effect(frame: Frame, state: State, effect: str, document: Document, event: Event) -> None:
    if effect == "close":
        state.status = CaseState.CLOSED
        state.undecided = None
    elif effect == "reopen":
        _reopen(state, document)
    elif effect == "invalidate":
        _invalidate(frame, state, document)
    elif effect == "add":
        if event.participant is not None:
            _join(frame, state, event.participant, Role.COUNTERPARTY)
    elif effect == "remove":
        _leave(frame, state, event.participant)
    elif effect == "forward":
        _forward(frame, state, document, event)
    else:
        _replace(state, document.author, event)


def _reopen(state: State, document: Document) -> None:
    """X004: a yes opens the case again, unless the one who closed it has closed it once more since."""
    closed = _ancestor(state, document, "X001")
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
        _effects(frame, state, side, happened, cancelled, ours=key == frame.me)


def _recreate(side: Side, cancelled: Document) -> None:
    shut = side.shut.get(cancelled.sed, {}).get(cancelled.slot or FREE)
    if shut is not None and shut.why == "used" and shut.by == cancelled.id and shut.slot.row.again_after_invalidation:
        side.offer(shut.slot)


def _all_sides(frame: Frame, state: State) -> Iterable[tuple[str, Side]]:
    yield frame.me, state.own
    for key in list(state.peers):
        state.peers[key] = side = state.peers[key].copy()
        yield key, side


def _join(frame: Frame, state: State, institution: InstitutionId, role: Role) -> None:
    """A participant joins; it may send whatever a receiver of everything so far may send."""
    known = next((key for key, item in state.participants.items() if item.institution == institution), None)
    key = known or str(institution)
    state.participants = {**state.participants, key: Participant(key, role, institution)}
    if key in state.peers or key == frame.me:
        return
    side = _first_side(frame, role)
    state.peers = {**state.peers, key: side}
    for document in list(state.documents.values()):
        if document.is_valid and not (document.sed.is_administrative):
            _open(frame, state, side, "received", document)


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
        key = _replaced(state, event) or key
    old = state.participants[key]
    if event.participant is not None and event.participant != old.institution:
        former = old.former if old.institution is None else (*old.former, old.institution)
        replaced = attrs.evolve(old, institution=event.participant, former=former)
        state.participants = {**state.participants, key: replaced}


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


def _named(frame: Frame, state: State, institutions: tuple[InstitutionId, ...]) -> tuple[str, ...]:
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
            named = attrs.evolve(state.participants[found], institution=institution)
            state.participants = {**state.participants, found: named}
        if found is None and state.starter is None:
            _join(frame, state, institution, Role.COUNTERPARTY)
            found = str(institution)
        if found is not None:
            keys.append(found)
    return tuple(keys)


def _is_unnamed_counterparty(state: State, key: str) -> bool:
    item = state.participants[key]
    return item.institution is None and item.role is Role.COUNTERPARTY


def _record(state: State, event: Event) -> None:
    state.history = (state.history, event)
    state.length += 1


def _day(event: Event) -> dt.date | None:
    return None if event.at is None else event.at.date()


def _not_allowed(found: WhyNot) -> NotAllowed:
    return NotAllowed(found.text, rule=found.rule)


def _violation(found: WhyNot) -> PeerViolation:
    return PeerViolation(found.text, rule=found.rule, answer=found.answer)
