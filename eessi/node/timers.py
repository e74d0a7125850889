"""What happens because time passes: deadlines that come near, messages that hang. Time is an argument."""

from __future__ import annotations

import datetime as dt
import json

from eessi.node.signals import SignalType
from eessi.stores import DEFAULT_TENANT, Store
from eessi.stores.cases import CaseRows
from eessi.stores.mail import MailRows, moment_key, moment_of

__all__ = ["tick"]


def tick(
    store: Store,
    now: dt.datetime,
    *,
    tenant: str = DEFAULT_TENANT,
    ahead: dt.timedelta = dt.timedelta(days=7),
    stuck_after: dt.timedelta = dt.timedelta(hours=24),
) -> int:
    """Signal each deadline that lies within ``ahead`` and each message that has waited too long, once; the number signalled.

    A deadline is the next day on which waiting alone opens a move of the case (a closing after 60 days, for one).
    """
    with store.begin(tenant) as unit:
        mail, rows = MailRows(unit), CaseRows(unit)  # mail first, as everywhere: two units never wait for each other
        said = {_key(row.type, row.case_id, row.data) for row in rows.signals(types=_TYPES)}
        count = 0
        for case in rows.find(due_before=(now + ahead).date().isoformat(), limit=10**9):
            count += _say(rows, said, now, SignalType.DEADLINE_NEAR, case.case_id, {"on": str(case.due_at)})
        for out in mail.outs("queued", "sending", "taken"):
            if out.kind == "user" and now - moment_of(out.created_at) > stuck_after:
                data = {"message_id": out.message_id, "receiver": out.receiver}
                count += _say(rows, said, now, SignalType.MESSAGE_STUCK, out.conversation_id or None, data)
    return count


_TYPES = (SignalType.DEADLINE_NEAR, SignalType.MESSAGE_STUCK)


def _key(type: str, case_id: str | None, data: str) -> tuple[str, str | None, str]:
    return (str(type), case_id, data)


def _say(
    rows: CaseRows,
    said: set[tuple[str, str | None, str]],
    now: dt.datetime,
    type: SignalType,
    case_id: str | None,
    data: dict[str, str],
) -> int:
    text = json.dumps(data, sort_keys=True)
    key = _key(type, case_id, text)
    if key in said:
        return 0
    said.add(key)
    rows.add_signal(moment_key(now), type, case_id, text)
    return 1
