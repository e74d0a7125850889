"""Process bugs to plant: each changes one row of a definition as a programmer might get it wrong."""

from __future__ import annotations

from collections.abc import Iterator

import attrs

from eessi.buc import Buc, SendRow, buc
from eessi.buc.definition import Trigger
from eessi.ids import Role

__all__ = ["planted_bugs"]

PROCESSES = ("S_BUC_01", "LA_BUC_01", "LA_BUC_02", "H_BUC_01", "P_BUC_02", "R_BUC_01", "UB_BUC_01", "FB_BUC_01")


def _with_row(process: Buc, old: SendRow, new: SendRow | None) -> Buc:
    rows = tuple(new if row is old else row for row in process.rows)
    return attrs.evolve(process, rows=tuple(row for row in rows if row is not None))


def _swapped(row: SendRow) -> SendRow:
    def other(role: Role) -> Role:
        return role.opposite if role in (Role.CASE_OWNER, Role.COUNTERPARTY) else role

    return attrs.evolve(
        row,
        by=tuple(other(role) for role in row.by),
        after=tuple(attrs.evolve(trigger, role=other(trigger.role)) for trigger in row.after),
    )


def _other_event(trigger: Trigger) -> Trigger:
    return attrs.evolve(trigger, event={"sent": "received", "received": "sent"}.get(trigger.event, trigger.event))


def planted_bugs(process: Buc) -> Iterator[tuple[str, Buc]]:
    """Every change of one row: a name and the wrong process."""
    for row in process.rows:
        name = f"{process.code} {row.sed}"
        if not row.starter:
            yield f"{name} is forgotten", _with_row(process, row, None)
            yield (
                f"{name} waits 30 days",
                _with_row(
                    process, row, attrs.evolve(row, after=tuple(attrs.evolve(one, days=30) for one in row.after))
                ),
            )
            yield (
                f"{name} looks at the wrong side",
                _with_row(process, row, attrs.evolve(row, after=tuple(_other_event(one) for one in row.after))),
            )
        yield f"{name} is sent by the other role", _with_row(process, row, _swapped(row))
        yield (
            f"{name} may be sent again and again" if row.once else f"{name} may be sent once",
            _with_row(process, row, attrs.evolve(row, once=not row.once)),
        )
        yield (
            f"{name} takes updates" if not row.update else f"{name} takes no updates",
            _with_row(process, row, attrs.evolve(row, update=not row.update)),
        )
    for effect in process.effects:
        rest = tuple(one for one in process.effects if one is not effect)
        yield (
            f"{process.code} forgets that {effect.sed} {effect.effect}s {effect.target}",
            attrs.evolve(process, effects=rest),
        )
    if process.local_close:
        yield f"{process.code} cannot be closed locally", attrs.evolve(process, local_close=())
    for included in process.included:
        rest_included = tuple(one for one in process.included if one is not included)
        yield f"{process.code} forgets the block {included.block}", attrs.evolve(process, included=rest_included)


def all_planted() -> list[tuple[str, Buc, Buc]]:
    """Name, right process, wrong process."""
    return [(name, buc(code), wrong) for code in PROCESSES for name, wrong in planted_bugs(buc(code))]
