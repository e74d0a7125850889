"""The tables at work: what an event opens, withdraws, suspends, resumes and offers again on one side."""

from __future__ import annotations

from collections.abc import Mapping

from eessi.buc.conditions import Answer, judge, surviving
from eessi.buc.definition import Effect, SendRow, Trigger
from eessi.buc.event import Document
from eessi.buc.judging import World
from eessi.buc.program import FREE, Slot
from eessi.buc.state import Frame, Side, State
from eessi.ids import Role

__all__ = ["ancestor", "apply_effects", "first_side", "open_offers"]

_NO_FACTS: Mapping[str, bool] = {}
_OWN_ACTS = frozenset({"draft_created", "sent"})
"""What binds another participant, where two documents exclude each other. Where only one excludes the other, the other
may have been sent first and been overtaken."""


def first_side(frame: Frame, role: Role) -> Side:
    side = Side(frame.program.sides[role], {}, {})
    opens = side.rules.opens["case_start"].get("")
    if opens is not None:
        for sed, slot in opens.free:
            side.open[sed] = {FREE: slot}
        for row, _ in opens.rest:
            side.offer(Slot(row, "@start"))
    return side


def open_offers(frame: Frame, state: State, side: Side, happened: str, document: Document) -> None:
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
        target = ancestor(state, document, trigger.reply_to)
        if target is None or target.status == "cancelled":
            return None
        anchor = answered = target.id
        shut = side.shut.get(row.sed, {}).get(anchor)
        if shut is not None and shut.why in ("used", "drafted") and not trigger.again:
            user = state.documents.get(shut.by)
            if user is not None and user.status != "cancelled":
                return None
    return Slot(row, anchor, answered, document.id, needs, trigger.days)  # type: ignore[arg-type]  # conditions


def ancestor(state: State, document: Document, sed: str) -> Document | None:
    item: Document | None = document
    while item is not None and item.sed != sed:
        item = state.documents.get(item.parent_id) if item.parent_id is not None else None
    return item


def apply_effects(frame: Frame, state: State, side: Side, happened: str, document: Document, *, ours: bool) -> None:
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
