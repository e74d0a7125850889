"""Two versions of a process side by side, and whether a running case may move to another definition."""

from __future__ import annotations

import datetime as dt
import enum
from collections.abc import Iterable, Iterator

import attrs

from eessi.buc.case import Case, Misfit
from eessi.buc.definition import Buc, Effect, SendRow, Trigger
from eessi.buc.event import Event
from eessi.buc.pages import told
from eessi.ids import CdmVersion, Role, SedType

__all__ = ["Change", "ChangeKind", "Removal", "compare", "compare_case"]

_FLAGS = (
    "attachments",
    "update",
    "invalidate",
    "reject",
    "clarify",
    "bulk",
    "choose_receivers",
    "again_after_invalidation",
)


class ChangeKind(enum.StrEnum):
    """What a change means for those who follow the process."""

    NEW = "new"
    WITHDRAWN = "withdrawn"
    MOVED = "moved"
    LOOSENED = "loosened"
    TIGHTENED = "tightened"


@attrs.frozen(slots=True)
class Change:
    """One difference: what kind, whose move, and the difference in words."""

    kind: ChangeKind
    role: Role | None
    sed: SedType | None
    text: str


@attrs.frozen(slots=True)
class Removal:
    """Whether a running case may move to another definition.

    :param against: the first event of its history that the new definition does not allow; ``None`` when it may move.
    :param lost: SEDs that may be sent now and not after the move.
    :param gained: SEDs that may be sent only after the move.
    """

    case: Case
    against: Misfit | None
    lost: tuple[SedType, ...]
    gained: tuple[SedType, ...]

    @property
    def possible(self) -> bool:
        """Whether the whole history fits the new definition."""
        return self.against is None


def compare(
    old: Buc, new: Buc, old_version: str | CdmVersion | None = None, new_version: str | CdmVersion | None = None
) -> tuple[Change, ...]:
    """What changed from one definition to another; each in its newest version unless one is named.

    :raises UsageError: for a version older than every known one.
    """
    before = old.program(old_version if old_version is not None else max(old.versions))
    after = new.program(new_version if new_version is not None else max(new.versions))
    changes: list[Change] = []
    for role in before.rows:
        mine, theirs = before.rows[role], after.rows[role]
        for sed in mine:
            if sed not in theirs:
                changes.append(Change(ChangeKind.WITHDRAWN, role, sed, f"the {role} may no longer send {sed}"))
            else:
                changes.extend(_rows(role, mine[sed], theirs[sed], old, new))
        changes.extend(
            Change(ChangeKind.NEW, role, sed, f"the {role} may send {sed}") for sed in theirs if sed not in mine
        )
    changes.extend(_effects(before.effects.values(), after.effects.values()))
    changes.extend(_closing(old, new))
    return tuple(changes)


def _rows(role: Role, old: SendRow, new: SendRow, old_buc: Buc, new_buc: Buc) -> Iterator[Change]:
    sed = new.sed
    if old.once is not new.once:
        kind = ChangeKind.TIGHTENED if new.once else ChangeKind.LOOSENED
        yield Change(kind, role, sed, f"{sed}: {'once' if new.once else 'any number'} instead of the other")
    for flag in _FLAGS:
        if getattr(old, flag) is not getattr(new, flag):
            kind = ChangeKind.LOOSENED if getattr(new, flag) else ChangeKind.TIGHTENED
            word = "now" if getattr(new, flag) else "no longer"
            yield Change(kind, role, sed, f"{sed}: {word} {flag.replace('_', ' ')}")
    yield from _triggers(role, sed, _plain(old, role), _plain(new, role), old_buc, new_buc)


def _plain(row: SendRow, role: Role) -> dict[Trigger, None]:
    return {
        attrs.evolve(item, since=None, until=None, source=None, note=None): None
        for item in row.after
        if item.role is role
    }


def _occasion(trigger: Trigger) -> tuple[object, ...]:
    return (trigger.event, trigger.sed, trigger.reply_to)


def _triggers(
    role: Role, sed: SedType, old: Iterable[Trigger], new: Iterable[Trigger], old_buc: Buc, new_buc: Buc
) -> Iterator[Change]:
    gone = {_occasion(item): item for item in old if item not in set(new)}
    come = {_occasion(item): item for item in new if item not in set(old)}
    for occasion in [key for key in gone if key in come]:
        yield from _sharpened(role, sed, gone.pop(occasion), come.pop(occasion), new_buc)
    if gone and come:
        was = "; ".join(told(item, old_buc) for item in gone.values())
        text = f"{sed} moved from ({was}) to ({'; '.join(told(item, new_buc) for item in come.values())})"
        yield Change(ChangeKind.MOVED, role, sed, text)
        return
    for item in gone.values():
        yield Change(ChangeKind.TIGHTENED, role, sed, f"{sed} is no longer opened by: {told(item, old_buc)}")
    for item in come.values():
        yield Change(ChangeKind.LOOSENED, role, sed, f"{sed} is also opened by: {told(item, new_buc)}")


def _sharpened(role: Role, sed: SedType, old: Trigger, new: Trigger, buc: Buc) -> Iterator[Change]:
    if old.days != new.days:
        longer = (new.days or 0) > (old.days or 0)
        kind = ChangeKind.TIGHTENED if longer else ChangeKind.LOOSENED
        yield Change(kind, role, sed, f"{sed}: waiting time {new.days or 0} days instead of {old.days or 0}")
    limits = ("starter", "unparented", "parent", "own_request", "condition")
    differing = [name for name in limits if getattr(old, name) != getattr(new, name)]
    if differing:
        fewer = all(not getattr(old, name) for name in differing)
        more = all(not getattr(new, name) for name in differing)
        kind = ChangeKind.TIGHTENED if fewer else ChangeKind.LOOSENED if more else ChangeKind.MOVED
        yield Change(kind, role, sed, f"{sed}: now {told(new, buc)}")


def _effects(old: Iterable[Iterable[Effect]], new: Iterable[Iterable[Effect]]) -> Iterator[Change]:
    def plain(groups: Iterable[Iterable[Effect]]) -> dict[Effect, None]:
        items = (item for group in groups for item in group)
        return {attrs.evolve(item, since=None, until=None, source="", confidence=""): None for item in items}

    before, after = plain(old), plain(new)
    for effect in [item for item in before if item not in after]:
        kind = ChangeKind.LOOSENED if effect.effect in ("withdraw", "suspend") else ChangeKind.TIGHTENED
        text = f"{effect.event.replace('_', ' ')} {effect.sed} no longer {_does(effect)} {effect.target}"
        yield Change(kind, effect.role, effect.target, text)
    for effect in [item for item in after if item not in before]:
        kind = ChangeKind.TIGHTENED if effect.effect in ("withdraw", "suspend") else ChangeKind.LOOSENED
        text = f"{effect.event.replace('_', ' ')} {effect.sed} now {_does(effect)} {effect.target}"
        yield Change(kind, effect.role, effect.target, text)


def _does(effect: Effect) -> str:
    return {"withdraw": "withdraws", "suspend": "suspends", "resume": "resumes", "offer": "offers"}[effect.effect]


def _closing(old: Buc, new: Buc) -> Iterator[Change]:
    for role in (Role.CASE_OWNER, Role.COUNTERPARTY):
        before, after = role in old.local_close, role in new.local_close
        if before is not after:
            kind = ChangeKind.LOOSENED if after else ChangeKind.TIGHTENED
            word = "may now" if after else "may no longer"
            yield Change(kind, role, None, f"the {role} {word} close its own copy")
    if old.participants != new.participants:
        kind = ChangeKind.LOOSENED if new.is_multilateral else ChangeKind.TIGHTENED
        yield Change(kind, None, None, f"{new.participants} instead of {old.participants}")


def compare_case(case: Case, new: Buc, version: str | CdmVersion | None = None) -> Removal:
    """Whether a running case may move to another definition: its history is told again under the new rows.

    :raises UsageError: when the new definition has no rows for the version.
    """
    frame = case._frame
    others = [
        str(item.institution)
        for item in frame.participants
        if item.role is Role.COUNTERPARTY and item.key != frame.me and item.institution is not None
    ]
    me = next(item.institution for item in frame.participants if item.key == frame.me)
    begun = new.start(
        case.role, version if version is not None else case.version, me=me, counterparties=others,
        case_id=None if case.id is None else str(case.id),
    )  # fmt: skip
    moved, misfits = begun.retrace(_numbered(case))
    day = max((event.at.date() for event in case.history if event.at is not None), default=None)
    now, then = _sendable(case, day), _sendable(moved, day)
    against = misfits[0] if misfits else None
    return Removal(moved, against, tuple(sorted(now - then)), tuple(sorted(then - now)))


def _sendable(case: Case, day: dt.date | None) -> frozenset[SedType]:
    """What may be sent, new or as a new version."""
    moves = case.allowed(on=day)
    return moves.seds | {move.sed for move in moves.updates if move.sed is not None}


def _numbered(case: Case) -> list[Event]:
    """The history with the ids and parents that were inferred, so that it is told again exactly as it went."""
    documents = list(case.documents.values())
    events = []
    for event in case.history:
        if event.kind in ("sent", "received") and event.document_id is None and documents:
            document = next((item for item in documents if item.sed == event.sed), None)
            if document is not None:
                documents.remove(document)
                event = attrs.evolve(event, document_id=document.id, parent_id=document.parent_id)
        events.append(event)
    return events
