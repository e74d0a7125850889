"""Why an event is refused although its SED may be sent: what it carries and names, its draft, its version."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

import attrs

from eessi.buc.conditions import Answer
from eessi.buc.definition import SendRow
from eessi.buc.event import Document, Event
from eessi.buc.judging import judge_slot
from eessi.buc.moves import Remedy, WhyNot
from eessi.buc.reasons import answer_to, explain_slot, gate, refusal
from eessi.buc.state import Frame, State
from eessi.findings import Phrase

__all__ = ["explain_details", "explain_draft", "explain_update"]


def explain_details(frame: Frame, state: State, row: SendRow, event: Event) -> WhyNot | None:
    """Attachments, sub-documents, receivers and the participants that an administrative SED names."""
    common = (frame, row.sed)
    if event.attachments and row.block is None and not row.attachments:
        return refusal(
            common,
            "BUC-ATTACHMENTS",
            Phrase("{sed} takes no attachments in {buc}", sed=row.sed, buc=frame.buc.code),
            remedies=(Remedy("give", "attachments"),),
        )
    if event.parts and not row.bulk:
        return refusal(
            common,
            "BUC-BULK",
            Phrase("{sed} takes no sub-documents in {buc}", sed=row.sed, buc=frame.buc.code),
            remedies=(Remedy("give", "parts"),),
        )
    if event.kind in ("sent", "drafted") and event.version != 1:
        return refusal(
            common,
            "BUC-VERSION",
            Phrase("the first version of a document has the number 1"),
            remedies=(Remedy("give", "version"),),
        )
    if event.receivers is not None and event.kind == "sent":
        refused = _receivers(frame, state, row, event)
        if refused is not None:
            return refused
    return _named_participant(frame, state, row, event)


def _receivers(frame: Frame, state: State, row: SendRow, event: Event) -> WhyNot | None:
    assert event.receivers is not None
    common = (frame, row.sed)
    active = {item.institution for item in state.participants.values() if item.active and item.key != frame.me}
    unnamed = None in active
    strange = [item for item in event.receivers if item not in active and item != event.participant]
    if strange and not unnamed and state.starter is not None:
        return refusal(
            common,
            "BUC-RECEIVER",
            Phrase("a receiver takes no part in the case"),
            remedies=(Remedy("give", "receivers"),),
        )
    if state.starter is None and not frame.buc.is_multilateral and len(event.receivers) > 1:
        return refusal(
            common,
            "BUC-RECEIVER",
            Phrase("{buc} is bilateral: one counterparty", buc=frame.buc.code),
            remedies=(Remedy("give", "receivers"),),
        )
    return None


def _named_participant(frame: Frame, state: State, row: SendRow, event: Event) -> WhyNot | None:
    if row.effect not in ("add", "remove", "forward"):
        return None
    common = (frame, row.sed)
    if event.participant is None:
        if event.kind == "received":
            return None
        return refusal(
            common,
            "BUC-PARTICIPANT",
            Phrase("{sed} concerns an institution: name it (participant)", sed=row.sed),
            remedies=(Remedy("give", "participant"),),
        )
    known = next((item for item in state.participants.values() if item.institution == event.participant), None)
    taking_part = known is not None and known.active
    if row.effect == "remove":
        author = frame.role if event.kind != "received" else None
        if event.kind != "received" and not taking_part and known is not None:
            return refusal(
                common,
                "BUC-PARTICIPANT",
                Phrase("the institution takes no part in the case"),
                remedies=(Remedy("give", "participant"),),
            )
        if author in frame.program.only_itself and known is not None and known.key != frame.me:
            return refusal(
                common,
                "BUC-PARTICIPANT",
                Phrase("the {role} may remove only itself", role=frame.role),
                remedies=(Remedy("give", "participant"),),
            )
    elif taking_part and event.kind != "received":
        return refusal(
            common,
            "BUC-PARTICIPANT",
            Phrase("the institution takes part in the case already"),
            remedies=(Remedy("give", "participant"),),
        )
    return None


def explain_draft(
    frame: Frame, state: State, draft: Document, on: dt.date | None, facts: Mapping[str, bool]
) -> WhyNot | None:
    """Why a draft may not be sent now; ``None`` when it may."""
    row = frame.program.rows[frame.role][draft.sed]
    if "send" in state.blocked.get(draft.id, frozenset()):
        text = Phrase("another document excludes this {sed}: delete the draft", sed=draft.sed)
        return WhyNot("BUC-WITHDRAWN", text, sed=draft.sed,
                      remedies=(Remedy("delete", draft.id),), assumed=frame.assumed)  # fmt: skip
    shut = state.own.shut.get(draft.sed, {}).get(draft.slot or "")
    slot = shut.slot if shut is not None else state.own.open.get(draft.sed, {}).get(draft.slot or "")
    if slot is None:
        return gate(frame, state, row)
    answer, _, _ = judge_slot(frame, state, slot, on, facts)
    return None if answer is Answer.YES else explain_slot(frame, state, slot, on, facts)


def explain_update(frame: Frame, state: State, known: Document, event: Event, *, mine: bool) -> WhyNot | None:
    """Why a new version of a document may not come now; ``None`` when it may."""
    found = _explain_update(frame, state, known, event, mine=mine)
    return found if found is None or mine else attrs.evolve(found, answer=answer_to(frame, known.sed))


def _explain_update(frame: Frame, state: State, known: Document, event: Event, *, mine: bool) -> WhyNot | None:
    common = (frame, known.sed)
    if known.mine is not mine:
        text = Phrase("only its author sends new versions of a document")
        return refusal(common, "BUC-DOCUMENT", text)
    if event.sed is not None and event.sed != known.sed:
        text = Phrase("the document of that id is a {sed}, not a {other}", sed=known.sed, other=event.sed)
        return refusal(common, "BUC-DOCUMENT", text)
    if known.status == "cancelled":
        return refusal(common, "BUC-CANCELLED", Phrase("the {sed} was invalidated", sed=known.sed))
    role = frame.role if mine else state.participants[known.author].role
    row = frame.program.rows.get(role, {}).get(known.sed)
    if row is None or not row.update:
        text = Phrase("{sed} takes no new versions in {buc}", sed=known.sed, buc=frame.buc.code)
        return refusal(common, "BUC-NOT-UPDATABLE", text)
    if mine and event.version != known.version + 1:
        return refusal(
            common,
            "BUC-VERSION",
            Phrase("the next version of this {sed} is {number}", sed=known.sed, number=known.version + 1),
            remedies=(Remedy("give", "version"),),
        )
    if mine:
        barred = gate(frame, state, row)
        if barred is not None:
            return barred
        if "update" in state.blocked.get(known.id, frozenset()):
            text = Phrase("a later document fixed this {sed}: no new versions", sed=known.sed)
            return refusal(common, "BUC-WITHDRAWN", text)
    return None
