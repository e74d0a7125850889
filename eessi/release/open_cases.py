"""Open cases against new definitions: which may go on under them, and which event stands against the others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import attrs

from eessi.buc import Buc, CaseState, buc
from eessi.buc.comparing import compare_case
from eessi.errors import UnknownCode
from eessi.ids import CdmVersion
from eessi.node.stored import load
from eessi.stores import DEFAULT_TENANT, Store
from eessi.stores.cases import CaseRows

__all__ = ["CaseImpact", "assess_cases"]

_OPEN = (CaseState.OPEN, CaseState.CLOSED_LOCALLY)


@attrs.frozen(slots=True)
class CaseImpact:
    """What a new definition does to one open case.

    :param possible: whether its whole history fits. :param event: number of the first event that does not, and why.
    :param lost: :param gained: SEDs that may be sent only before, only after.
    """

    case_id: str
    buc: str
    possible: bool
    event: int | None
    rule: str | None
    why: str | None
    lost: tuple[str, ...]
    gained: tuple[str, ...]


def assess_cases(
    store: Store,
    *,
    tenant: str = DEFAULT_TENANT,
    definitions: Mapping[str, Buc] | None = None,
    version: str | CdmVersion | None = None,
) -> Iterator[CaseImpact]:
    """Look at every open case of a store, one at a time.

    :param definitions: new definitions by code; those that ship for the others.
    :param version: CDM version of the processes that the cases shall move to; their own unless told.
    """
    new = definitions or {}
    with store.read(tenant) as unit:
        rows = CaseRows(unit)
        for state in _OPEN:
            for head in rows.find(state=str(state), limit=10**9):
                yield _one(rows, head.case_id, head.buc, new, version)


def _one(
    rows: CaseRows, case_id: str, code: str, new: Mapping[str, Buc], version: str | CdmVersion | None
) -> CaseImpact:
    case = load(rows, case_id).case
    try:
        target = new[code] if code in new else buc(code)
    except UnknownCode as error:
        return CaseImpact(case_id, code, False, 0, None, str(error), (), ())
    found = compare_case(case, target, version)
    against = found.against
    return CaseImpact(
        case_id,
        code,
        found.possible,
        None if against is None else against.number,
        None if against is None else against.rule,
        None if against is None else against.text,
        tuple(map(str, found.lost)),
        tuple(map(str, found.gained)),
    )
