"""The ebMS 3.0 header as values."""

from __future__ import annotations

import attrs
from lxml import etree

from eessi.transport.names import NEXT_MSH

__all__ = [
    "Agreement",
    "Envelope",
    "ErrorSignal",
    "Failure",
    "PartInfo",
    "Party",
    "PartyId",
    "Property",
    "PullRequest",
    "ReceiptSignal",
    "SignedReference",
    "Unit",
    "UserMessage",
]


@attrs.frozen(slots=True)
class PartyId:
    """Identifier of a party and the kind of identifier it is."""

    value: str
    type: str | None = None


@attrs.frozen(slots=True)
class Party:
    """A party with its role; most have one identifier."""

    ids: tuple[PartyId, ...]
    role: str | None = None

    @classmethod
    def of(cls, value: str, type: str | None = None, role: str | None = None) -> Party:
        """A party with one identifier."""
        return cls((PartyId(value, type),), role)

    @property
    def id(self) -> str:
        """The first identifier."""
        return self.ids[0].value


@attrs.frozen(slots=True)
class Property:
    """A named value of a message or of a part."""

    name: str
    value: str
    type: str | None = None


@attrs.frozen(slots=True)
class Agreement:
    """The agreement a message refers to."""

    value: str
    type: str | None = None
    pmode: str | None = None


@attrs.frozen(slots=True)
class PartInfo:
    """What the header says about one payload.

    :param href: ``cid:…`` for a MIME part, ``#…`` for the body, ``None`` where the attribute is absent.
    """

    href: str | None
    properties: tuple[Property, ...] = ()

    def property(self, name: str) -> str | None:
        """Value of the first property of that name, letter case aside."""
        return next((one.value for one in self.properties if one.name.casefold() == name.casefold()), None)


@attrs.frozen(slots=True)
class UserMessage:
    """A business message's header.

    :param timestamp: as written; :func:`when` reads it.
    """

    message_id: str
    timestamp: str
    sender: Party
    receiver: Party
    service: str
    action: str | None
    conversation_id: str | None
    service_type: str | None = None
    ref_to: str | None = None
    agreement: Agreement | None = None
    mpc: str | None = None
    properties: tuple[Property, ...] = ()
    parts: tuple[PartInfo, ...] = ()


@attrs.frozen(slots=True)
class SignedReference:
    """One ``ds:Reference``: what was signed, how it was transformed, and its digest. Two are equal when they mean the same."""

    uri: str
    transforms: tuple[tuple[str, tuple[str, ...]], ...]
    digest_method: str
    digest: str


@attrs.frozen(slots=True)
class ReceiptSignal:
    """An acknowledgement.

    :param references: the non-repudiation information: the references of the message that is acknowledged.
    :param copied: the user message repeated, in receipts for messages that were not signed.
    :param foreign: whether non-repudiation information stood there in a namespace that the rules do not know;
        it is no proof.
    """

    message_id: str
    timestamp: str
    ref_to: str | None
    references: tuple[SignedReference, ...] = ()
    copied: UserMessage | None = None
    foreign: bool = False


@attrs.frozen(slots=True)
class Failure:
    """One error inside an error signal."""

    code: str
    severity: str
    name: str | None = None
    category: str | None = None
    detail: str | None = None
    description: str | None = None
    ref_to: str | None = None
    origin: str | None = None


@attrs.frozen(slots=True)
class ErrorSignal:
    """An error or warning about a message."""

    message_id: str
    timestamp: str
    ref_to: str | None
    failures: tuple[Failure, ...]


@attrs.frozen(slots=True)
class PullRequest:
    """A request for the next message of a channel."""

    message_id: str
    timestamp: str
    mpc: str


Unit = UserMessage | ReceiptSignal | ErrorSignal | PullRequest
"""One message or signal inside ``eb:Messaging``."""


@attrs.frozen(slots=True)
class Envelope:
    """A SOAP envelope with its ebMS header.

    :param root: the tree as received; digests are taken from it and from nothing else.
    :param messaging: the one ``eb:Messaging``; ``None`` for a bare SOAP fault.
    :param warnings: deviations from the schema that do not stop reading.
    :param fault: text of a SOAP fault.
    """

    root: etree._Element = attrs.field(repr=False, eq=False)
    header: etree._Element | None = attrs.field(repr=False, eq=False)
    body: etree._Element = attrs.field(repr=False, eq=False)
    messaging: etree._Element | None = attrs.field(repr=False, eq=False)
    units: tuple[Unit, ...] = ()
    role: str | None = None
    warnings: tuple[str, ...] = ()
    fault: str | None = None

    @property
    def user_message(self) -> UserMessage | None:
        """The user message, where there is one."""
        return next((unit for unit in self.units if isinstance(unit, UserMessage)), None)

    @property
    def multihop(self) -> bool:
        """Whether the header is addressed to the next intermediary."""
        return self.role == NEXT_MSH
