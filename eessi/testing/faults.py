"""What goes wrong between institutions, by name: for one message, or as the lasting habit of a counterparty.

A fault of a message changes the bytes or the way of one message as it leaves; the sender's own case believes that all
is well, as in reality. A habit is what a simulated counterparty does with whatever it receives.
"""

from __future__ import annotations

import datetime as dt
import enum
import re
from typing import Final

import attrs

from eessi.errors import UsageError
from eessi.ids import CdmVersion, InstitutionId, nearest
from eessi.sed import Header, Message, Sed
from eessi.sed.header import Party

__all__ = ["ENDINGS", "Fault", "FaultKind", "Habit", "read_fault", "spoiled"]


class FaultKind(enum.StrEnum):
    """What may happen to one message."""

    LOST = "lost"
    LATE = "late"
    OUT_OF_ORDER = "out of order"
    DUPLICATE = "duplicate"
    UNREADABLE = "unreadable"
    WRONG_VERSION = "wrong version"
    WRONG_SENDER = "wrong sender"
    WRONG_CASE = "wrong case"
    WRONG_RECEIVER = "wrong receiver"
    NO_ENVELOPE = "no envelope"
    WRONG_SIGNATURE = "wrong signature"


ENDINGS: Final = {
    FaultKind.LOST: "lost",
    FaultKind.LATE: "late",
    FaultKind.OUT_OF_ORDER: "late",
    FaultKind.DUPLICATE: "delivered",
}
"""How a message with a fault ends unless the scenario expects otherwise; those not named here are rejected on arrival."""


class Habit(enum.StrEnum):
    """What a simulated counterparty does by itself with every document it receives in its main flow.

    One that *cleans up* does nothing by day; when a night passes it invalidates everything it has ever sent, at once.
    """

    ANSWERS = "answers"
    SILENT = "silent"
    REFUSES = "refuses"
    ASKS_BACK = "asks back"
    BUSINESS_EXCEPTION = "business exception"
    FORWARDS = "forwards"
    CLEANS_UP = "cleans up"


@attrs.frozen(slots=True)
class Fault:
    """A fault of one message; ``by`` is how late it comes."""

    kind: FaultKind
    by: dt.timedelta = dt.timedelta()


_FIRST_TEXT = re.compile(rb">([^<>\s][^<>]*)</")

_FORM = re.compile(r"(?P<name>[a-z ]+?)(?: by (?P<count>[0-9]{1,4}) (?P<unit>hour|day|week)s?)?")
_UNIT: Final = {"hour": dt.timedelta(hours=1), "day": dt.timedelta(days=1), "week": dt.timedelta(weeks=1)}


def read_fault(text: str) -> Fault:
    """Read ``duplicate``, ``late by 3 days`` or another name of :class:`FaultKind`.

    :raises UsageError: for a name that is none, with the nearest one.
    """
    words = " ".join(text.replace("_", " ").split()).lower()
    found = _FORM.fullmatch(words)
    names = [kind.value for kind in FaultKind]
    if found is None or found["name"] not in names:
        near = nearest(words, names)
        raise UsageError(
            f"no fault is called {text!r}; " + (f"did you mean {near}?" if near else f"known: {', '.join(names)}")
        )
    kind = FaultKind(found["name"])
    if found["count"] is None:
        return Fault(kind, dt.timedelta(days=1) if kind is FaultKind.LATE else dt.timedelta())
    if kind is not FaultKind.LATE:
        raise UsageError(f"only 'late' takes a span, not {kind.value!r}")
    return Fault(kind, int(found["count"]) * _UNIT[found["unit"]])


def spoiled(kind: FaultKind, message: Message) -> bytes:
    """The bytes of a message with a fault in them; unchanged for faults of the way.

    :raises UsageError: when the message has no such part to spoil.
    """
    header = message.header
    match kind:
        case FaultKind.UNREADABLE:
            return message.data[: len(message.data) * 2 // 3]
        case FaultKind.NO_ENVELOPE:
            return message.sed.data
        case FaultKind.WRONG_SIGNATURE:
            return _changed_after_signing(message)
        case FaultKind.WRONG_VERSION:
            return _with(message, buc_version=_other_version(header.buc_version))
        case FaultKind.WRONG_SENDER:
            return _with(message, sender=attrs.evolve(header.sender, id=_other(header.sender.id)))
        case FaultKind.WRONG_RECEIVER:
            return _with(message, receivers=tuple(_stranger(party) for party in header.receivers))
        case FaultKind.WRONG_CASE:
            return _with(message, case_id="00000000-0000-4000-8000-000000000000")
        case _:
            return message.data


def _with(message: Message, **changes: object) -> bytes:
    header: Header = attrs.evolve(message.header, schema_location=None, **changes)  # type: ignore[arg-type]  # fields of Header
    sed: Sed = message.sed
    return Message.compose(header, sed, message.attachments).data


def _changed_after_signing(message: Message) -> bytes:
    """One letter added to the first text of the document, its signature left as it was."""
    if not message.sed.is_signed:
        raise UsageError("only a signed document can have a wrong signature; add sign: true")
    start = message.data.index(b"</sbdh:StandardBusinessDocumentHeader>")
    found = _FIRST_TEXT.search(message.data, start)
    if found is None:
        raise UsageError("the document has no text that could be changed")
    at = found.end(1)
    return message.data[:at] + b"x" + message.data[at:]


def _other_version(version: CdmVersion | None) -> CdmVersion:
    return CdmVersion(4, 1) if version is None or not version.same_minor(CdmVersion(4, 1)) else CdmVersion(4, 2)


def _other(id: str) -> InstitutionId:
    return InstitutionId(f"{id[:2]}:OTHER1")


def _stranger(party: Party) -> Party:
    return attrs.evolve(party, id=_other(party.id))
