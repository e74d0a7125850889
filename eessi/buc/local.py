"""Events that no other institution sees: drafts, closing our own copy, the archive, facts learned later."""

from __future__ import annotations

import datetime as dt
import functools

from eessi.buc import rules
from eessi.buc.conditions import Answer
from eessi.buc.definition import Buc
from eessi.buc.event import Document, Event
from eessi.buc.moves import Remedy, WhyNot
from eessi.buc.offers import apply_effects
from eessi.buc.reasons import STATES
from eessi.buc.state import CaseState, Frame, State
from eessi.errors import NotAllowed
from eessi.findings import Phrase
from eessi.findings.phrases import any_of
from eessi.ids import Role

__all__ = ["CASE_MOVES", "draft_answer", "refusals", "refuse", "step"]

CASE_MOVES = {
    "close": "closed",
    "reopen": "reopened",
    "archive": "archived",
    "restore": "restored",
    "delete": "deleted",
}
"""Case actions without a SED, and the event each one makes. Source: actions.json of the catalogue (case transitions)."""

_TO = {
    "closed": CaseState.CLOSED_LOCALLY,
    "reopened": CaseState.OPEN,
    "archived": CaseState.ARCHIVED,
    "deleted": CaseState.DELETED,
}


def step(frame: Frame, state: State, event: Event) -> State:
    """The state after a local event.

    :raises NotAllowed: when the case does not allow it now.
    """
    if event.kind == "drafted":
        return _drafted(frame, state, event)
    if event.kind == "draft_deleted":
        return _draft_deleted(frame, state, event)
    if event.kind == "noted":
        return _noted(state, event)
    refused = refuse(frame, state, event.kind)
    if refused is not None:
        raise NotAllowed(refused.text, rule=refused.rule)
    new = state.copy()
    new.was = state.status
    new.status = state.was if event.kind == "restored" else _TO[event.kind]
    rules._record(new, event)
    return new


def refuse(frame: Frame, state: State, kind: str) -> WhyNot | None:
    """Why a case action is not possible now; ``None`` when it is. ``kind`` is that of the event."""
    return _refuse(frame.buc, frame.role, state.status, kind)


def _refuse(buc: Buc, role: Role, status: CaseState, kind: str) -> WhyNot | None:
    if kind == "closed":
        return _refuse_close(buc, role, status)
    if kind == "reopened" and status is not CaseState.CLOSED_LOCALLY:
        closable = status is CaseState.OPEN and role in buc.local_close
        return _state_refusal(
            Phrase("a copy that is {state} was not closed locally", state=STATES[status]),
            ("close",) if closable else (),
        )
    if kind == "archived" and status not in (CaseState.CLOSED, CaseState.CLOSED_LOCALLY):
        return WhyNot(
            "BUC-CASE-STATE", Phrase("only a closed case can be archived, this one is {state}", state=STATES[status]),
            remedies=_ways_to_close(buc, role) if status is CaseState.OPEN else (),
        )  # fmt: skip
    if kind == "restored" and status is not CaseState.ARCHIVED:
        return _state_refusal(
            Phrase("only an archived case can be restored, this one is {state}", state=STATES[status]), ("archive",)
        )
    if kind == "deleted":
        if role is not Role.CASE_OWNER:
            return WhyNot("BUC-ROLE", Phrase("only the case owner can delete a case"), role=Role.CASE_OWNER,
                          remedies=(Remedy("act_as", Role.CASE_OWNER, role=Role.CASE_OWNER),))  # fmt: skip
        if status is not CaseState.NEW:
            return WhyNot("BUC-CASE-STATE", Phrase("a case can be deleted only before its first document is sent"))
    return None


def refusals(frame: Frame, state: State) -> tuple[tuple[str, WhyNot | None], ...]:
    """Every case action with what stands against it now; all cases of one role in one state share the answers."""
    return _refusals(frame.buc, frame.role, state.status)


@functools.lru_cache(maxsize=4096)
def _refusals(buc: Buc, role: Role, status: CaseState) -> tuple[tuple[str, WhyNot | None], ...]:
    return tuple((action, _refuse(buc, role, status, kind)) for action, kind in CASE_MOVES.items())


def _closers(buc: Buc) -> tuple[Role, ...]:
    """The roles that may close the case for all."""
    return next((item.by for item in buc.included if item.block == "close"), ())


def _ways_to_close(buc: Buc, role: Role) -> tuple[Remedy, ...]:
    """How a case that is open here comes to be closed: by closing our own copy, or for all."""
    if role in buc.local_close:
        return (Remedy("do", "close"),)
    return tuple(Remedy("send" if by is role else "receive", "X001", role=by) for by in _closers(buc))


def _for_all(buc: Buc, text: Phrase) -> Phrase:
    closers = _closers(buc)
    return (
        text
        if not closers
        else Phrase("{first}; X001 by the {role} closes it for all", first=text, role=any_of(closers))
    )


def _refuse_close(buc: Buc, role: Role, status: CaseState) -> WhyNot | None:
    if role not in buc.local_close:
        if buc.local_close:
            other = buc.local_close[0]
            text = _for_all(buc, Phrase("only the {role} may close its own copy in {buc}", role=other, buc=buc.code))
            return WhyNot("BUC-ROLE", text, role=other,
                          remedies=(Remedy("act_as", other, role=other),))  # fmt: skip
        return WhyNot("BUC-ACTION", _for_all(buc, Phrase("{buc} offers no local close", buc=buc.code)))
    if status is CaseState.NEW:
        remedies = tuple(
            Remedy("send" if role is Role.CASE_OWNER else "receive", sed, role=Role.CASE_OWNER) for sed in buc.starters
        )
        return WhyNot("BUC-NOT-YET", Phrase("a case can be closed once its first document was exchanged"),
                      missing=buc.starters, remedies=remedies)  # fmt: skip
    if status is not CaseState.OPEN:
        return _state_refusal(
            Phrase("the case is {state} already", state=STATES[status]),
            ("reopen",) if status is CaseState.CLOSED_LOCALLY else (),
        )
    return None


def _state_refusal(text: str, actions: tuple[str, ...]) -> WhyNot:
    return WhyNot("BUC-CASE-STATE", text, remedies=tuple(Remedy("do", action) for action in actions))


def _drafted(frame: Frame, state: State, event: Event) -> State:
    if event.document_id is not None and event.document_id in state.documents:
        raise NotAllowed(f"a document {event.document_id} is there already", rule="BUC-DOCUMENT")
    new, document, slot = rules._written(frame, state, event, "new")
    rules._enter(frame, new, document, slot, event)
    return new


def _draft_deleted(frame: Frame, state: State, event: Event) -> State:
    draft = _the_draft(state, event)
    new = state.copy()
    del new.documents[draft.id]
    side = new.own = new.own.copy()
    shut = side.shut.get(draft.sed, {}).get(draft.slot or "")
    if shut is not None and shut.by == draft.id:
        if state.blocked.get(draft.id, frozenset()) & {"send"}:
            side.close(shut.slot, "withdrawn", draft.id)
        else:
            side.offer(shut.slot)
    apply_effects(frame, new, side, "draft_deleted", draft, ours=True)
    new.blocked = {key: value for key, value in state.blocked.items() if key != draft.id}
    rules._record(new, event)
    return new


def _the_draft(state: State, event: Event) -> Document:
    if event.document_id is not None:
        found = state.documents.get(event.document_id)
    else:
        drafts = [item for item in state.documents.values() if item.status == "new" and item.sed == event.sed]
        found = drafts[0] if len(drafts) == 1 else None
    if found is None or found.status != "new":
        raise NotAllowed("there is no such draft", rule="BUC-DOCUMENT")
    return found


def _noted(state: State, event: Event) -> State:
    found = state.documents.get(event.document_id or "")
    if found is None:
        raise NotAllowed("facts are noted about a document of the case; give its id", rule="BUC-DOCUMENT")
    new = state.copy()
    new.documents[found.id] = found._replace(facts={**found.facts, **event.facts})
    if found.id == state.undecided and event.facts.get("X004.reopen") is not None:
        new.undecided = None
        if event.facts["X004.reopen"]:
            new.status = CaseState.OPEN
    rules._record(new, event)
    return new


def draft_answer(frame: Frame, state: State, draft: Document, on: dt.date | None) -> Answer:
    """Whether a draft may be sent now."""
    from eessi.buc import details

    found = details.explain_draft(frame, state, draft, on, {})
    if found is None:
        return Answer.YES
    return Answer.DEPENDS if found.depends else Answer.NO
