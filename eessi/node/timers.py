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
        count = 0
        for out in mail.outs("queued", "sending", "taken"):
            if out.kind == "user" and now - moment_of(out.created_at) > stuck_after:
                count += _say_stuck(rows, now, out.message_id, out.receiver, out.conversation_id or None)
        for case in rows.untold((now + ahead).date().isoformat()):
            if rows.deadline_told(case):
                _say(rows, now, SignalType.DEADLINE_NEAR, case.case_id, {"on": str(case.due_at)})
                count += 1
    return count


def _say_stuck(rows: CaseRows, now: dt.datetime, message_id: str, receiver: str, case_id: str | None) -> int:
    said = rows.signals(types=[SignalType.MESSAGE_STUCK], case_id=case_id)
    if any(json.loads(one.data)["message_id"] == message_id for one in said):
        return 0
    _say(rows, now, SignalType.MESSAGE_STUCK, case_id, {"message_id": message_id, "receiver": receiver})
    return 1


def _say(rows: CaseRows, now: dt.datetime, type: SignalType, case_id: str | None, data: dict[str, str]) -> None:
    rows.add_signal(moment_key(now), type, case_id, json.dumps(data, sort_keys=True))
