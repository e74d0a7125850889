"""Holds, and the erasing of a case: its contents go, its history stays so that the chain of its events can be verified."""

from __future__ import annotations

import datetime as dt
import json

from eessi.buc import CaseState
from eessi.errors import NotAllowed, UnknownCode
from eessi.node.signals import SignalType
from eessi.node.stored import add_erasure, load
from eessi.stores import DEFAULT_TENANT, Store, Unit
from eessi.stores.cases import CaseRow, CaseRows
from eessi.stores.keeping import HoldRow, KeepingRows
from eessi.stores.mail import MailRows, moment_key

__all__ = ["FINISHED", "erase", "erase_case", "hold", "holds", "lift", "why_kept"]

FINISHED: frozenset[str] = frozenset(
    {CaseState.CLOSED, CaseState.CLOSED_LOCALLY, CaseState.ARCHIVED, CaseState.FORWARDED, CaseState.LEFT}
)
"""States in which nothing is expected any more; only from these a case can be erased."""


def hold(store: Store, case_id: str, *, who: str, reason: str, now: dt.datetime, tenant: str = DEFAULT_TENANT) -> None:
    """Keep a case from being erased until :func:`lift`, whatever the rules say (a dispute, a court, an audit).

    :raises UnknownCode: when the tenant has no such case.
    """
    with store.begin(tenant) as unit:
        if CaseRows(unit).case(case_id) is None:
            raise UnknownCode("case", case_id)
        KeepingRows(unit).set_hold(HoldRow(case_id, moment_key(now), who, reason))


def lift(store: Store, case_id: str, *, tenant: str = DEFAULT_TENANT) -> None:
    """End a hold.

    :raises UnknownCode: when the case is under none.
    """
    with store.begin(tenant) as unit:
        if not KeepingRows(unit).lift_hold(case_id):
            raise UnknownCode("hold on the case", case_id)


def holds(store: Store, *, tenant: str = DEFAULT_TENANT) -> tuple[HoldRow, ...]:
    """All holds of a tenant, oldest first."""
    with store.read(tenant) as unit:
        return tuple(KeepingRows(unit).holds())


def why_kept(keeping: KeepingRows, head: CaseRow) -> str | None:
    """Why a case may not be erased now; ``None`` when it may."""
    if head.state not in FINISHED:
        return f"the case is {head.state}; only a finished case is erased"
    found = keeping.hold(head.case_id)
    if found is not None:
        return f"under a hold since {found.at[:10]}"
    if keeping.is_on_the_way(head.case_id):
        return "a message of the case waits to be sent, receipted or applied"
    return None


def erase(
    store: Store,
    case_id: str,
    *,
    who: str,
    reason: str,
    now: dt.datetime,
    rule: str = "by hand",
    tenant: str = DEFAULT_TENANT,
) -> int:
    """Take all contents of a finished case out of a store, in one transaction; the number of document versions emptied.

    Documents, messages, search keys and the national number go; ids, digests, moments and the history stay.

    :param who: :param reason: stand in the history of the case, so they must name no person.
    :raises UnknownCode: when the tenant has no such case.
    :raises NotAllowed: while it is open, under a hold, or a message of it is on its way. Nothing has changed then.
    """
    with store.begin(tenant) as unit:
        MailRows(unit)  # mail first, as everywhere: two units never wait for each other
        return erase_case(unit, case_id, who=who, reason=reason, rule=rule, now=now)


def erase_case(unit: Unit, case_id: str, *, who: str, reason: str, rule: str, now: dt.datetime) -> int:
    """:func:`erase` inside a unit of work that is open already."""
    rows, keeping = CaseRows(unit), KeepingRows(unit)
    head = rows.case(case_id)
    if head is None:
        raise UnknownCode("case", case_id)
    kept = why_kept(keeping, head)
    if kept is not None:
        raise NotAllowed(f"case {case_id} is not erased: {kept}", rule="NODE-KEPT")
    add_erasure(rows, load(rows, case_id), now, {"rule": rule, "reason": reason, "who": who})
    count = keeping.erase_contents(case_id)
    rows.add_signal(moment_key(now), SignalType.CASE_ERASED, case_id, json.dumps({"rule": rule}))
    return count
