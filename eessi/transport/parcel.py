"""What every transport carries, and the seam that the rest of the toolkit sees."""

from __future__ import annotations

import datetime as dt
import enum
from collections.abc import Iterator, Mapping
from typing import BinaryIO, Protocol

import attrs

from eessi.ids import InstitutionId
from eessi.octets import Octets, stream_of

__all__ = ["Delivery", "Parcel", "Part", "Receipt", "State", "Transport"]


@attrs.frozen(slots=True)
class Part:
    """One attachment, carried beside the business document as it is.

    Large content need not be in memory: ``Part("scan.tiff", Bulk.of(path), "image/tiff")`` is read from its file while it
    is packed, and what comes in large is a :class:`~eessi.octets.Bulk` again, to be read with :meth:`open`.

    :param id: unique in its parcel; becomes the content id on the wire.
    :param data: the content, in memory or in a file; kept as ``content``.
    :param mime_type: type of the content before compression, ``application/pdf``.
    :param properties: further part properties, name to value.
    """

    id: str
    content: Octets = attrs.field(repr=False, alias="data")
    mime_type: str = "application/octet-stream"
    properties: Mapping[str, str] = attrs.field(factory=dict, hash=False)

    @property
    def data(self) -> bytes:
        """The whole content in memory, however large; :meth:`open` reads it in pieces."""
        return bytes(self.content)

    def open(self) -> BinaryIO:
        """The content as a file to read, at its beginning."""
        return stream_of(self.content)


@attrs.frozen(slots=True)
class Parcel:
    """One business message on its way to one receiver. A transport never opens the payload.

    :param payload: the bytes of the business document (header and SED); untouched from end to end.
    :param message_id: identity of the message for ever; a resend keeps it. Empty: the transport gives it one.
    :param conversation_id: groups the messages of one case; delivery keeps their order.
    """

    sender: InstitutionId
    receiver: InstitutionId
    payload: bytes = attrs.field(repr=False)
    attachments: tuple[Part, ...] = ()
    message_id: str = ""
    conversation_id: str = ""


class State(enum.StrEnum):
    """How far a sent message has come. ``taken`` by the access point is not ``receipted`` by the institution."""

    QUEUED = "queued"
    SENDING = "sending"
    TAKEN = "taken"
    RECEIPTED = "receipted"
    FAILED = "failed"


@attrs.frozen(slots=True)
class Receipt:
    """The far institution's acknowledgement: the legal delivery (Administrative Commission Decision E6).

    :param evidence: the signed receipt as received; empty where the transport has none (in memory).
    """

    message_id: str
    by: InstitutionId
    at: dt.datetime
    evidence: bytes = attrs.field(default=b"", repr=False)


@attrs.frozen(slots=True)
class Delivery:
    """What is known about a sent message.

    :param reason: why it failed, one line, with the ebMS code where there is one.
    """

    message_id: str
    state: State
    since: dt.datetime
    receipt: Receipt | None = None
    reason: str | None = None


class Transport(Protocol):
    """One institution's way to all others. Adapters: in memory, AS4, spool folder."""

    def send(self, parcel: Parcel) -> str:
        """Take a parcel for sending and return its message id; it is stored, not yet delivered.

        :raises UsageError: a parcel that is not from this institution, or one already sent with other content.
        :raises TransportError: it could not be taken.
        """
        ...

    def receive(self) -> Iterator[Parcel]:
        """The parcels waiting, oldest first, each delivered once and in order per conversation.

        A parcel counts as handed over when the caller asks for the next one; a caller that breaks off gets it again.
        """
        ...

    def status(self, message_id: str) -> Delivery:
        """How far a sent message has come.

        :raises UsageError: for a message that was not sent from here.
        """
        ...
