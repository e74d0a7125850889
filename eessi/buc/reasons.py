"""Why a SED may not be sent now: the rule, what is missing, who may do it, when, and what to do about it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Final

import attrs

from eessi.buc.conditions import Answer, describe, failing_test, related
from eessi.buc.definition import HistoryTest, SendRow, Trigger
from eessi.buc.event import Document, Event
from eessi.buc.judging import World, judge_slot
from eessi.buc.moves import Remedy, WhyNot
from eessi.buc.program import Slot
from eessi.buc.state import CaseState, Frame, Shut, Side, State
from eessi.findings import Phrase
from eessi.findings.phrases import all_of, any_of
from eessi.ids import Role, SedType

__all__ = [
    "DONE",
    "STATES",
    "answer_to",
    "explain",
    "explain_peer",
    "explain_slot",
    "gate",
    "refusal",
    "unknown_parent",
]


STATES: Final = {
    CaseState.NEW: Phrase("new"),
    CaseState.OPEN: Phrase("open"),
    CaseState.CLOSED: Phrase("closed"),
    CaseState.CLOSED_LOCALLY: Phrase("closed locally"),
    CaseState.ARCHIVED: Phrase("archived"),
    CaseState.FORWARDED: Phrase("forwarded"),
    CaseState.LEFT: Phrase("left"),
    CaseState.DELETED: Phrase("deleted"),
}
"""States of a case as words of a sentence."""

DONE: Final = {
    "sent": Phrase("sent"),
    "received": Phrase("received"),
    "cancelled": Phrase("cancelled"),
    "update_received": Phrase("received in a new version"),
    "invalidated_by_sender": Phrase("invalidated by its sender"),
    "invalidation_received": Phrase("invalidated by its sender"),
}
"""What happened to a document, as words of a sentence."""


def refusal(
    about: tuple[Frame, SedType],
    rule: str,
    text: str,
    *,
    missing: tuple[SedType, ...] = (),
    facts: tuple[str, ...] = (),
    earliest: dt.date | None = None,
    remedies: tuple[Remedy, ...] = (),
    depends: bool = False,
) -> WhyNot:
    """A refusal of a SED in a case, for the given rule and reason."""
    frame, sed = about
    return WhyNot(
        rule,
        text,
        sed=sed,
        missing=missing,
        facts=facts,
        earliest=earliest,
        remedies=remedies,
        depends=depends,
        assumed=frame.assumed,
    )


def explain(
    frame: Frame,
    state: State,
    sed: str | None,
    parent: str | None,
    on: dt.date | None,
    facts: Mapping[str, bool],
) -> WhyNot:
    """Why our side may not write ``sed`` now; called when no open offer fits."""
    if sed is None:
        return WhyNot("BUC-DOCUMENT", Phrase("no document of that id is in the case; name the SED"))
    code = SedType(sed)
    row = frame.program.rows.get(frame.role, {}).get(code)
    if row is None:
        return _not_ours(frame, code)
    barred = gate(frame, state, row)
    if barred is not None:
        return barred
    offers = state.own.open.get(code, {})
    if offers:
        return _wrong_parent(frame, state, row, offers, parent)
    shut = state.own.shut.get(code, {})
    relevant = [item for key, item in shut.items() if parent is None or key == parent]
    if relevant:
        return _shut(frame, state, row, relevant[-1])
    return _not_yet(frame, state, row, parent)


def explain_slot(frame: Frame, state: State, slot: Slot, on: dt.date | None, facts: Mapping[str, bool]) -> WhyNot:
    """Why an open offer may not be used now: state of the case, waiting time or facts."""
    barred = gate(frame, state, slot.row, facts)
    if barred is not None:
        return barred
    answer, names, earliest = judge_slot(frame, state, slot, on, facts)
    sed = slot.row.sed
    common = (frame, sed)
    if names:
        told, remedies = _facts_wanted(frame, state, slot, facts)
        if answer is Answer.DEPENDS:
            return refusal(
                common,
                "BUC-FACT-UNKNOWN",
                Phrase(
                    "{sed} depends on whether {told}", sed=sed, told=all_of(_told(frame, name, True) for name in names)
                ),
                facts=names,
                depends=True,
                remedies=remedies,
            )
        return refusal(
            common,
            "BUC-FACT",
            Phrase("{sed} may be sent only when {told}", sed=sed, told=told),
            facts=names,
            remedies=_other_document(frame, slot, told),
        )
    opener = state.documents[slot.opened_by or ""]
    waits = Phrase(
        "{sed} may be sent {days} days after {opener} was {done}",
        sed=sed, days=slot.days or 0, opener=opener.sed, done=DONE.get(opener.status, opener.status),
    )  # fmt: skip
    if earliest is None:
        return refusal(
            common,
            "BUC-DATE-UNKNOWN",
            Phrase("{waits}; that day is not known", waits=waits),
            depends=True,
            remedies=(Remedy("give", "at"),),
        )
    if on is None:
        return refusal(
            common,
            "BUC-DATE-UNKNOWN",
            Phrase("{waits}: from {day} on; give the day", waits=waits, day=earliest.isoformat()),
            depends=True,
            earliest=earliest,
            remedies=(Remedy("wait", "day", on=earliest),),
        )
    return refusal(
        common,
        "BUC-TOO-EARLY",
        Phrase("{waits}: from {day} on", waits=waits, day=earliest.isoformat()),
        earliest=earliest,
        remedies=(Remedy("wait", "day", on=earliest),),
    )


def _facts_wanted(frame: Frame, state: State, slot: Slot, stated: Mapping[str, bool]) -> tuple[str, tuple[Remedy, ...]]:
    """The facts an offer needs: in words, and one remedy for each alternative, those still possible first."""
    world = World(state.documents, state.participants)
    opener = state.documents.get(slot.opened_by) if slot.opened_by else None
    texts: list[str] = []
    remedies: list[Remedy] = []
    for row in slot.needs:
        wanted: list[tuple[str | None, str, bool]] = []
        against = False
        for name, value in row.facts.items():
            document = related(world, name.partition(".")[0], opener)
            known = stated.get(name) if document is None or name not in document.facts else document.facts[name]
            against = against or known is (not value)
            wanted.append((None if document is None else document.id, name, value))
        for test in row.history:
            if test.facts:
                wanted.extend(_earlier_facts(world, test, opener))
        text = all_of(_told(frame, name, value) for _, name, value in wanted)
        texts.append(text)
        found = Remedy("state", "facts", facts=tuple(wanted), text=text)
        if against:
            remedies.append(found)
        else:
            remedies.insert(0, found)
    return any_of(texts), tuple(remedies)


def _earlier_facts(world: World, test: HistoryTest, opener: Document | None) -> list[tuple[str | None, str, bool]]:
    """Facts of earlier documents that make a test hold: of one of them for ``some_earlier``, of all for ``no_earlier``."""
    subject = related(world, test.sed or "", opener)
    earlier = []
    for item in world.documents.values():
        if subject is not None and item.id == subject.id:
            break
        if item.sed == test.sed and item.is_valid:
            earlier.append(item)
    some = test.test == "some_earlier"
    return [
        (item.id, name, value if some else not value)
        for item in (earlier[:1] if some else earlier)
        for name, value in test.facts.items()
    ]


def _told(frame: Frame, name: str, value: bool) -> str:
    fact = frame.buc.conditions.facts.get(name)
    text = fact.text if fact is not None else name
    return text if value else Phrase("it is not so that {text}", text=text)


def _other_document(frame: Frame, slot: Slot, told: str) -> tuple[Remedy, ...]:
    """A fact of a document does not change; only another document, or a new version of it, can tell otherwise."""
    remedies = []
    for trigger in slot.row.after:
        if trigger.sed is not None and trigger.role is frame.role and trigger.condition is not None:
            do = "send" if trigger.event == "sent" else "receive"
            text = Phrase("another {sed}, or a new version of it: {told}", sed=trigger.sed, told=told)
            remedies.append(Remedy(do, trigger.sed, role=_author(frame, trigger), text=text))
    return tuple(remedies)


def _author(frame: Frame, trigger: Trigger) -> Role:
    if trigger.event == "sent" or trigger.sed is None:
        return trigger.role
    senders = frame.program.senders(trigger.sed)
    return trigger.role.opposite if trigger.role.opposite in senders else senders[0]


def _not_ours(frame: Frame, sed: SedType) -> WhyNot:
    system = [
        send.sed for item in frame.buc.included for send in frame.buc.blocks[item.block].sends if send.opens == "system"
    ]
    if sed in system:
        text = Phrase("{sed} is made by systems, not sent by an institution", sed=sed)
        return WhyNot("BUC-SYSTEM", text, sed=sed, assumed=frame.assumed)
    senders = frame.program.senders(sed)
    if senders:
        text = Phrase("{sed} is sent by the {who}, not by the {role}", sed=sed, who=any_of(senders), role=frame.role)
        return WhyNot(
            "BUC-ROLE", text, sed=sed, role=senders[0],
            remedies=(Remedy("act_as", senders[0], role=senders[0]),), assumed=frame.assumed,
        )  # fmt: skip
    text = Phrase(
        "{sed} is not part of {buc} in CDM {cdm}", sed=sed, buc=frame.buc.code, cdm=str(frame.program.version)
    )
    return WhyNot("BUC-UNKNOWN-SED", text, sed=sed, assumed=frame.assumed)


def gate(frame: Frame, state: State, row: SendRow, facts: Mapping[str, bool] | None = None) -> WhyNot | None:
    """Why the state of the case alone forbids a row."""
    status = state.status
    if row.while_closed:
        if status is CaseState.CLOSED:
            return None
        if status in (CaseState.OPEN, CaseState.NEW):
            text = Phrase("{sed} is sent only in a case that was closed with X001", sed=row.sed)
            return WhyNot("BUC-CASE-STATE", text, sed=row.sed,
                          missing=(SedType("X001"),), remedies=_closing(frame), assumed=frame.assumed)  # fmt: skip
    elif status in (CaseState.OPEN, CaseState.NEW):
        return None
    elif status is CaseState.CLOSED and state.undecided is not None and (facts is None or "X004.reopen" not in facts):
        return WhyNot(
            "BUC-FACT-UNKNOWN", Phrase("the case is closed; whether the X004 reopened it is not known"), sed=row.sed,
            facts=("X004.reopen",), depends=True, assumed=frame.assumed,
            remedies=(Remedy("state", "facts", facts=((state.undecided, "X004.reopen", True),)),),
        )  # fmt: skip
    elif status is CaseState.CLOSED and state.undecided is not None and facts is not None and facts["X004.reopen"]:
        return None
    text = Phrase("the case is {state}", state=STATES[status])
    return WhyNot("BUC-CASE-STATE", text, sed=row.sed, remedies=_state_remedies(frame, state),
                  assumed=frame.assumed)  # fmt: skip


def _closing(frame: Frame) -> tuple[Remedy, ...]:
    senders = frame.program.senders("X001")
    return tuple(Remedy("send" if role is frame.role else "receive", "X001", role=role) for role in senders)


def _state_remedies(frame: Frame, state: State) -> tuple[Remedy, ...]:
    if state.status is CaseState.CLOSED_LOCALLY:
        return (Remedy("do", "reopen"),)
    if state.status is CaseState.ARCHIVED:
        return (Remedy("do", "restore"),)
    if state.status is CaseState.CLOSED and frame.program.senders("X004"):
        return (
            Remedy("receive", "X004", role=frame.role.opposite, text=Phrase("X002, X003 and an X004 that reopens it")),
        )
    return ()


def _wrong_parent(frame: Frame, state: State, row: SendRow, offers: Mapping[str, Slot], parent: str | None) -> WhyNot:
    parents = [slot.parent for slot in offers.values() if slot.parent is not None]
    common = (frame, row.sed)
    if parent is None:
        text = Phrase(
            "{sed} could answer {number} documents: the event must name which (parent_id)",
            sed=row.sed, number=len(parents),
        )  # fmt: skip
        remedies = tuple(Remedy("give", "parent_id", parent_id=item) for item in parents)
        return refusal(common, "BUC-PARENT", text, remedies=remedies)
    if not parents:
        return refusal(
            common,
            "BUC-PARENT",
            Phrase("{sed} answers no document here: leave parent_id out", sed=row.sed),
            remedies=(Remedy("give", "parent_id"),),
        )
    shut = state.own.shut.get(row.sed, {}).get(parent)
    if shut is not None:
        return _shut(frame, state, row, shut)
    known = state.documents.get(parent)
    text = Phrase("{sed} cannot answer the document named, which is not in the case", sed=row.sed)
    if known is not None:
        text = Phrase("{sed} cannot answer the {other} named", sed=row.sed, other=known.sed)
    return refusal(
        common,
        "BUC-PARENT",
        text,
        remedies=tuple(Remedy("give", "parent_id", parent_id=item) for item in parents),
    )


def _shut(frame: Frame, state: State, row: SendRow, shut: Shut) -> WhyNot:
    """Why an offer that was open once is not open now."""
    by = state.documents.get(shut.by)
    name = by.sed if by is not None else Phrase("document")
    common = (frame, row.sed)
    if shut.why == "drafted":
        return refusal(
            common,
            "BUC-DRAFTED",
            Phrase("a draft of {sed} is there already: send or delete it", sed=row.sed),
            remedies=(Remedy("delete", shut.by),),
        )
    if shut.why == "used":
        remedies = _after_use(frame, state, row, by)
        text = Phrase("{sed} may be sent once, and was", sed=row.sed)
        if shut.slot.parent:
            text = Phrase("{sed} may be sent once for each document it answers, and was", sed=row.sed)
        return refusal(common, "BUC-USED", text, remedies=remedies)
    if by is not None and by.sed == "X008":
        gone = state.documents.get(by.parent_id or "")
        return refusal(
            common,
            "BUC-CANCELLED",
            Phrase("the {sed} it would answer was invalidated", sed=gone.sed if gone else Phrase("document")),
            remedies=_openers(frame, state, row),
        )
    rule = "BUC-WITHDRAWN" if shut.why == "withdrawn" else "BUC-SUSPENDED"
    if by is not None and by.status == "new":
        text = Phrase("the draft of {other} excludes {sed}", other=name, sed=row.sed)
        return refusal(common, rule, text, remedies=(Remedy("delete", by.id),))
    remedies = _undo(frame, state, row, by) + _openers(frame, state, row)
    text = Phrase("the {other} excludes {sed}", other=name, sed=row.sed)
    if by is not None and by.status == "cancelled":
        text = Phrase("the {other} was invalidated, which withdrew {sed}", other=name, sed=row.sed)
    return refusal(common, rule, text, remedies=remedies)


def _after_use(frame: Frame, state: State, row: SendRow, by: Document | None) -> tuple[Remedy, ...]:
    found = []
    if by is not None and by.is_valid and row.invalidate and row.again_after_invalidation and by.mine:
        text = Phrase("invalidate the {sed} sent", sed=row.sed)
        found.append(Remedy("send", "X008", role=frame.role, parent_id=by.id, text=text))
    return (*found, *_openers(frame, state, row))


def _undo(frame: Frame, state: State, row: SendRow, by: Document | None) -> tuple[Remedy, ...]:
    """Invalidating the document that excludes this one, where that offers it again."""
    if by is None or not by.is_valid:
        return ()
    mine = by.mine
    event = "invalidated_by_sender" if mine else "invalidation_received"
    effects = frame.program.effects.get((frame.role, event, by.sed), ())
    if any(item.target == row.sed and item.effect in ("offer", "resume") for item in effects):
        do = "send" if mine else "receive"
        return (Remedy(do, "X008", role=frame.role if mine else frame.role.opposite, parent_id=by.id),)
    return ()


def _openers(frame: Frame, state: State, row: SendRow) -> tuple[Remedy, ...]:
    """Documents that would open the row (again), as far as somebody may still send them."""
    found: dict[tuple[str, str], Remedy] = {}
    for trigger in row.after:
        if (
            trigger.role is not frame.role
            or trigger.sed is None
            or not _may_still_open(frame, state, trigger, {row.sed})
        ):
            continue
        do = "send" if trigger.event == "sent" else "receive"
        text = "" if trigger.event != "update_received" else Phrase("a new version of the {sed}", sed=trigger.sed)
        found.setdefault((do, trigger.sed), Remedy(do, trigger.sed, role=_author(frame, trigger), text=text))
    there = {item.sed for item in state.documents.values() if item.is_valid}
    return tuple(sorted(found.values(), key=lambda remedy: remedy.what in there))  # first what has not happened yet


def _may_still_open(frame: Frame, state: State, trigger: Trigger, asked: set[SedType]) -> bool:
    """Whether the document of a trigger can still come, from the side that would send it."""
    assert trigger.sed is not None
    if trigger.starter and state.starter is not None:
        return False
    if trigger.event == "update_received":
        return any(item.sed == trigger.sed and item.is_valid for item in state.documents.values())
    sides = [state.own, *state.peers.values()]
    there = [side for side in sides if side.role is trigger.role]
    if trigger.event == "sent":
        authors = there
    elif trigger.role is state.own.role:
        authors = sides[1:]
    else:
        authors = sides if len(there) > 1 else [side for side in sides if side.role is not trigger.role]
    return any(_may_still_send(frame, state, side, trigger.sed, asked) for side in authors)


def _may_still_send(frame: Frame, state: State, side: Side, sed: SedType, asked: set[SedType]) -> bool:
    row = frame.program.rows.get(side.role, {}).get(sed)
    if row is None or sed in asked:
        return False
    offers = side.open.get(sed, {}).values()
    if any(slot.parent is None or state.documents[slot.parent].status != "cancelled" for slot in offers):
        return True
    for shut in side.shut.get(sed, {}).values():
        by = state.documents.get(shut.by)
        if by is None or not by.is_valid:
            continue
        if shut.why == "used" and row.invalidate and row.again_after_invalidation:
            return True
        undone = frame.program.effects.get((side.role, "invalidated_by_sender", by.sed), ())
        if any(item.target == sed and item.effect in ("offer", "resume") for item in undone):
            return True
    further = asked | {sed}
    return any(
        _may_still_open(frame, state, trigger, further)
        for trigger in row.after
        if trigger.role is side.role and trigger.sed is not None
    )


def _not_yet(frame: Frame, state: State, row: SendRow, parent: str | None) -> WhyNot:
    """The row was never opened: what has not happened yet, or happened without its condition."""
    common = (frame, row.sed)
    triggers = [item for item in row.after if item.role is frame.role]
    failed = _failed_condition(frame, state, triggers)
    remedies = _openers(frame, state, row)
    missing = tuple(dict.fromkeys(item.sed for item in triggers if item.sed is not None))
    if failed is not None:
        blocked, others = failed
        text = Phrase("{sed} is possible only when {told}", sed=row.sed, told=blocked)
        if others:
            text = Phrase("{first}, or once {told}", first=text, told=any_of(_awaited(others)))
        return refusal(common, "BUC-CONDITION", text, missing=missing, remedies=remedies)
    if not triggers:
        return refusal(
            common, "BUC-NOT-YET", Phrase("nothing lets the {role} send {sed} here", role=frame.role, sed=row.sed)
        )
    events = _awaited(triggers)
    if not events:
        text = Phrase("{sed} opens a case, and this one is open already", sed=row.sed)
        return refusal(common, "BUC-NOT-YET", text)
    text = Phrase("{sed} is possible once {told}", sed=row.sed, told=any_of(events))
    return refusal(common, "BUC-NOT-YET", text, missing=missing, remedies=remedies)


def _awaited(triggers: Iterable[Trigger]) -> list[str]:
    """What has to happen, any one of it, the SEDs of one kind of event together: *A002 or A011 was received*."""
    seds: dict[str, list[str]] = {}
    for item in triggers:
        if item.sed is not None:
            seds.setdefault(item.event, []).append(item.sed)
    return [Phrase("{sed} was {done}", sed=any_of(names), done=DONE.get(event, event)) for event, names in seds.items()]


def _failed_condition(
    frame: Frame, state: State, triggers: Iterable[Trigger]
) -> tuple[str, tuple[Trigger, ...]] | None:
    """What stood against a trigger that has happened, and the triggers for other documents."""
    world = World(state.documents, state.participants)
    for trigger in triggers:
        if trigger.condition is None:
            continue
        for item in reversed(state.documents.values()):
            if item.sed == trigger.sed and item.mine is (trigger.event == "sent"):
                for row in frame.buc.conditions.rows[trigger.condition]:
                    failed = failing_test(row, world, item)
                    if failed is not None:
                        others = tuple(other for other in triggers if other.sed not in (trigger.sed, None))
                        return describe(failed), others
    return None


# ---- the other side --------------------------------------------------------------------------------------------------


def answer_to(frame: Frame, sed: str | None) -> SedType:
    """The SED that tells the other side that its document was not acceptable: X011 where offered, otherwise X050."""
    own = frame.program.rows.get(frame.role, {}).get(SedType("X011"))
    if own is not None and any(trigger.sed == sed for trigger in own.after):
        return SedType("X011")
    return SedType("X050")


def unknown_parent(frame: Frame, event: Event) -> WhyNot:
    """A received document answers one that is not here."""
    return WhyNot(
        "BUC-PARENT", Phrase("{sed} answers a document that is not in the case (yet)", sed=event.sed or ""), sed=event.sed,
        answer=SedType("X050"), assumed=frame.assumed, remedies=(Remedy("receive", "parent", parent_id=event.parent_id),),
    )  # fmt: skip


def explain_peer(frame: Frame, state: State, side: Side, event: Event) -> WhyNot:
    """Why the other side could not send what we received."""
    assert event.sed is not None
    mirrored = attrs.evolve(frame, role=side.role)
    their_state = state.copy()
    their_state.own = side
    their_state.status = state.status if state.status is CaseState.NEW else CaseState.OPEN
    row = frame.program.rows.get(side.role, {}).get(event.sed)
    if row is not None and row.while_closed:
        their_state.status = CaseState.CLOSED
    found = explain(mirrored, their_state, event.sed, event.parent_id, None, event.facts)
    if found.rule == "BUC-PARENT" and row is not None:
        slot = next(iter(side.open.get(event.sed, {}).values()), None)
        if slot is not None and slot.needs:
            found = explain_slot(mirrored, their_state, slot, None, event.facts)
    answer = answer_to(frame, event.sed) if frame.program.senders(event.sed) else SedType("X050")
    text = Phrase("the {role} sent {sed}, but {told}", role=side.role, sed=event.sed, told=found.text)
    return attrs.evolve(found, text=text, answer=answer)
