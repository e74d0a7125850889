"""What a national workflow system is told: CloudEvents with ids only, never a person's data."""

from __future__ import annotations

import enum
import json
from collections.abc import Mapping

import attrs

from eessi.ids import InstitutionId
from eessi.stores.cases import SignalRow

__all__ = ["SignalType", "as_cloud_event"]


class SignalType(enum.StrEnum):
    """Kinds of signals."""

    CASE_OPENED = "eessi.case.opened"
    CASE_CHANGED = "eessi.case.changed"
    CASE_CLOSED = "eessi.case.closed"
    CASE_ERASED = "eessi.case.erased"
    MOVE_ALLOWED = "eessi.move.allowed"
    SED_SENT = "eessi.sed.sent"
    SED_RECEIVED = "eessi.sed.received"
    MESSAGE_HELD = "eessi.message.held"
    MESSAGE_STUCK = "eessi.message.stuck"
    DEADLINE_NEAR = "eessi.deadline.near"


def as_cloud_event(row: SignalRow, me: InstitutionId, tenant: str) -> Mapping[str, object]:
    """A signal in the JSON form of CloudEvents 1.0. ``id`` is the same on every delivery, so that a receiver can tell a repeat."""
    event: dict[str, object] = {
        "specversion": "1.0",
        "id": f"{tenant}/{row.no}",
        "source": f"urn:eessi-toolkit:node:{me}",
        "type": row.type,
        "time": row.at,
        "datacontenttype": "application/json",
        "data": json.loads(row.data),
    }
    if row.case_id is not None:
        event["subject"] = row.case_id
    return event


@attrs.frozen(slots=True)
class Received:
    """A document that came in and was applied to its case; what the application works on."""

    signal: int
    case_id: str
    sed: str
    document_id: str
    version: int
    sender: str
    opened: bool
