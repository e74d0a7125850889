"""From bytes that arrived to an event of a case, or the reason why not. Nothing is stored here."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Protocol

import attrs

from eessi.buc import Case, Event, buc
from eessi.errors import EessiError, InputError, PeerViolation, SecurityError, UnknownCode
from eessi.findings import Outcome, Verdict, text_of
from eessi.ids import InstitutionId, Role
from eessi.node.log import Line
from eessi.schemas import Registry
from eessi.sed import Attachment, Header, Message, Sed, parse, validate
from eessi.sed.attachments import media_type_of, safe_name
from eessi.sed.header import AttachmentEntry
from eessi.sed.signature import verify
from eessi.transport import Parcel, Part
from eessi.trust import SecurityPolicy

__all__ = [
    "Content",
    "Held",
    "Incoming",
    "Signers",
    "any_signer",
    "attachments_of",
    "content_of",
    "event_for",
    "new_case",
    "read_parcel",
    "told",
]

OVERTAKEN = frozenset({"BUC-NOT-YET", "BUC-PARENT", "NODE-NO-CASE"})
"""Rules that a message breaks which overtook an earlier one: it is tried again when its case has moved."""


class Held(EessiError):
    """A message cannot be applied; it is kept with the reason. ``answer`` is the SED to send back, if any."""

    exit_code = 1

    def __init__(
        self,
        rule: str,
        reason: str | None = None,
        *,
        answer: str | None = None,
        case_id: str | None = None,
        **values: str,
    ) -> None:
        self.rule = rule
        self.reason = reason or text_of(rule, "message", "en", values)
        self.answer = answer
        self.case_id = case_id
        super().__init__(self.reason)


@attrs.frozen(slots=True)
class Content:
    """What a document says about its case beyond its type.

    :param facts: named facts, ``{"R005.final": True}``. :param participant: :param replaces: as in :class:`eessi.buc.Event`.
    """

    facts: Mapping[str, bool] = attrs.field(factory=dict)
    participant: str | None = None
    replaces: str | None = None


class ReadContent(Protocol):
    """Reads from a document what its process needs to know; an institution gives its own for official SEDs."""

    def __call__(self, sed: Sed) -> Content: ...


_NAMES_PARTICIPANT = ("X005", "X006", "X007", "X100")


def content_of(sed: Sed) -> Content:
    """The default reader: the participant that sandbox documents of X005, X006, X007 and X100 name; no facts.

    Where official documents say these things is not public, so nothing is read from them: what depends on a fact stays
    undetermined until the caller states it.
    """
    if sed.is_sandbox and sed.type in _NAMES_PARTICIPANT:
        return Content(participant=sed.get("Institution/institutionID"))
    return Content()


@attrs.frozen(slots=True)
class Incoming:
    """A message that was read and checked, before its case is looked at.

    :param message: with the attachments that came beside it.
    """

    parcel: Parcel
    message: Message
    verdict: Verdict
    content: Content


class Signers(Protocol):
    """What the signature of a document must be like when it comes from a sender at a moment.

    The policy names the certificates that may have signed; one that names none proves that nothing was changed after
    signing, and leaves open who signed.
    """

    def __call__(self, sender: InstitutionId, at: dt.datetime, /) -> SecurityPolicy: ...


def any_signer(sender: InstitutionId, at: dt.datetime) -> SecurityPolicy:
    """The default: a signature must hold, whoever made it."""
    return SecurityPolicy()


def read_parcel(
    parcel: Parcel,
    me: InstitutionId,
    registry: Registry,
    reader: ReadContent,
    signers: Signers,
    at: dt.datetime,
) -> Incoming:
    """Read what came in and check it: form, addresses of envelope and header, document, its signature where it has one.

    :param signers: asked what the signature must be like, where there is one, when it comes at the moment ``at``.
    :raises Held: when it goes no further; with the rule and, where the header tells it, the case.
    """
    try:
        message = parse(parcel.payload)
    except InputError as error:
        raise Held("NODE-UNREADABLE", reason=f"{text_of('NODE-UNREADABLE', 'message')}: {error.reason}") from None
    except EessiError as error:
        raise Held("NODE-UNREADABLE", reason=f"{text_of('NODE-UNREADABLE', 'message')}: {error}") from None
    if not isinstance(message, Message):
        raise Held("NODE-NO-HEADER")
    header = message.header
    case_id = None if header.case_id is None else str(header.case_id)
    if header.sender.id != parcel.sender:
        raise Held("NODE-SENDER", case_id=case_id, header=header.sender.id, envelope=str(parcel.sender))
    if all(party.id != me for party in header.receivers):
        raise Held("NODE-RECEIVER", case_id=case_id, me=str(me))
    if case_id is None or header.buc is None:
        raise Held("NODE-NO-HEADER", case_id=case_id)
    verdict = validate(message, registry)
    if verdict.outcome is Outcome.INVALID:
        first = verdict.errors[0]
        where = f" at {first.path}" if first.path else ""
        raise Held("NODE-INVALID", case_id=case_id, sed=str(message.sed.type), first=f"{first.id}{where}")
    if message.sed.is_signed:  # whether documents are signed is the partners' agreement
        _prove(message.sed, signers(parcel.sender, at), case_id)
    message = attrs.evolve(message, attachments=attachments_of(header, parcel.attachments))
    return Incoming(parcel, message, verdict, _content(message.sed, reader, case_id))


def _prove(sed: Sed, policy: SecurityPolicy, case_id: str) -> None:
    """A document that is signed must be what was signed."""
    try:
        verify(sed, policy)
    except SecurityError as error:
        raise Held("NODE-SIGNATURE", case_id=case_id, sed=str(sed.type), why=str(error)) from None


def attachments_of(header: Header, parts: Sequence[Part]) -> tuple[Attachment, ...]:
    """The attachments that came with a message: content from the parts, names and flags from the header or the parts.

    What neither says to be medical or not counts as medical, so that only those with the right see it.

    :raises Held: when the header lists a file that did not come.
    """
    entries = {entry.identifier: entry for entry in header.attachments}
    missing = entries.keys() - {part.id for part in parts}
    if missing:
        case_id = None if header.case_id is None else str(header.case_id)
        raise Held("NODE-ATTACHMENT", case_id=case_id, missing=str(len(missing)), listed=str(len(entries)))
    return tuple(_attachment(part, entries.get(part.id)) for part in parts)


def _attachment(part: Part, entry: AttachmentEntry | None) -> Attachment:
    said = part.properties
    medical = entry.medical if entry else None
    return Attachment(
        part.id,
        safe_name(entry.file_name if entry else said.get("fileName", part.id)),
        media_type_of(part.content),
        part.content,
        said.get("isMedical") != "false" if medical is None else medical,
        entry.section if entry else said.get("sectionReference"),
    )


def _content(sed: Sed, reader: ReadContent, case_id: str) -> Content:
    try:
        return reader(sed)
    except Exception as error:  # the reader is the institution's own code; its defect must not stop the inbox
        raise Held("NODE-READER", case_id=case_id, sed=str(sed.type), kind=type(error).__name__) from error


def event_for(incoming: Incoming, now: dt.datetime) -> Event:
    """The event that this message is in its case."""
    header = incoming.message.header
    return Event(
        "received",
        sed=incoming.message.sed.type,
        document_id=header.set_id or header.instance_id,
        version=header.document_version or 1,
        at=now,
        sender=incoming.parcel.sender,
        facts=incoming.content.facts,
        participant=incoming.content.participant,
        replaces=incoming.content.replaces,
        attachments=max(len(header.attachments), len(incoming.message.attachments)),
    )


def new_case(incoming: Incoming, me: InstitutionId) -> Case:
    """The case that a starter SED opens at the counterparty.

    :raises Held: when the process is unknown or this SED does not open it: its starter may still be on the way.
    """
    header = incoming.message.header
    case_id = str(header.case_id)
    try:
        process = buc(str(header.buc))
    except UnknownCode as error:
        raise Held("NODE-NO-CASE", reason=str(error), case_id=case_id) from None
    if incoming.message.sed.type not in process.starters:
        raise Held("NODE-NO-CASE", case_id=case_id, sed=str(incoming.message.sed.type), buc=str(process.code))
    version = header.buc_version or incoming.message.sed.version
    return process.start(as_=Role.COUNTERPARTY, version=version, case_id=case_id, me=me)


def apply_to(case: Case, event: Event) -> Case:
    """The case after the other side's event.

    :raises Held: when the process does not allow it.
    """
    try:
        return case.apply(event)
    except PeerViolation as error:
        answer = None if error.answer is None else str(error.answer)
        raise Held(error.rule or "BUC-NOT-YET", reason=str(error), answer=answer, case_id=str(case.id)) from None


def told(incoming: Incoming | Held) -> Line:
    """What a line of the log says of a message that came in."""
    if isinstance(incoming, Held):
        return Line() if incoming.case_id is None else Line(case=incoming.case_id)
    header = incoming.message.header
    document = header.set_id or header.instance_id or ""
    return Line(case=str(header.case_id), document=document, sed=str(incoming.message.sed.type))
