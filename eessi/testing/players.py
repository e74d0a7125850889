"""Simulated institutions: each has its own case, its own documents and its own end of the network.

A :class:`Player` does what an institution's system does with a document, by the public functions of the toolkit only:
ask its case, check the document, put it into an envelope, send it; and on arrival parse, check again, ask its own case.
Nothing is shared between two players but the bytes on the network.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from random import Random

import attrs

from eessi.buc import Case, Event, buc
from eessi.errors import EessiError, InputError, PeerViolation, ProcessError, SecurityError
from eessi.findings import Verdict
from eessi.ids import Action, BucId, CaseId, CdmVersion, InstitutionId, Role, SedType
from eessi.schemas import Registry
from eessi.sed import Attachment, Header, Message, Sed, parse, validate
from eessi.sed.header import Party as HeaderParty
from eessi.testing.faults import Fault, FaultKind, spoiled
from eessi.transport import Parcel, Part, Transport

__all__ = ["NO_DETAILS", "Arrival", "Details", "Held", "Player", "Refusal", "Sending", "Waiting"]


@attrs.frozen(slots=True)
class Held:
    """A document in a player's case: its set id, the SED in its newest version, its header, and whose it is."""

    name: str
    set_id: str
    version: int
    sed: Sed
    header: Header
    mine: bool


@attrs.frozen(slots=True)
class Refusal:
    """Why something did not happen: plain words, and the id of the rule or finding behind them."""

    reason: str
    rule: str | None = None


@attrs.frozen(slots=True)
class Sending:
    """What became of a document that a player wanted to send. ``refusal`` is set when it never left.

    ``check`` is the sender's own; ``None`` for one that came from a real system, which checks by itself.
    """

    name: str
    sed: Sed
    check: Verdict | None
    header: Header | None = None
    messages: Mapping[InstitutionId, str] = attrs.field(factory=dict, hash=False)
    parent_id: str | None = None
    refusal: Refusal | None = None


@attrs.frozen(slots=True)
class Arrival:
    """What a player made of a parcel. ``rejection`` is set when it did not take it into its case.

    ``answer`` is the administrative SED that the process answers with, where it names one.
    """

    message_id: str
    check: Verdict | None
    header: Header | None = None
    sed: Sed | None = None
    rejection: Refusal | None = None
    answer: str | None = None


@attrs.frozen(slots=True)
class Details:
    """What the content of a document tells the process, for both sides of an exchange.

    :param facts: named facts. :param participant: the institution that X005 adds, X006 removes, X007 or X100 puts in
        another's place. :param parts: number of sub-documents of a bulk document.
    :param parent_id: set id of the document that this one answers. The element of the header for it is not public, so it
        is told beside the message.
    """

    facts: Mapping[str, bool] = attrs.field(factory=dict, hash=False)
    participant: InstitutionId | None = None
    parts: int = 0
    parent_id: str | None = None


NO_DETAILS = Details()


def _nobody(institution: InstitutionId) -> frozenset[str]:
    return frozenset()


def _always(receiver: InstitutionId) -> Refusal | None:
    return None


@attrs.frozen(slots=True)
class Waiting:
    """A parcel that a fault holds back: until a moment, or until another message has overtaken it (``due`` is ``None``)."""

    parcel: Parcel
    due: dt.datetime | None


@attrs.define(slots=True)
class Player:
    """One institution of a run.

    :param clock: gives the time of what the player does. :param random: gives its identifiers.
    :param signers: thumbprints of the certificates that may sign for an institution.
    :param reach: why an institution cannot take part today by the directory; ``None`` when it can.
    """

    name: str
    role: Role
    country: str
    institution: InstitutionId
    institution_name: str
    transport: Transport
    registry: Registry
    buc: BucId
    version: CdmVersion
    clock: Callable[[], dt.datetime]
    random: Random
    case: Case | None = None
    reach: Callable[[InstitutionId], Refusal | None] = _always
    signers: Callable[[InstitutionId], frozenset[str]] = _nobody
    documents: dict[str, Held] = attrs.field(factory=dict)
    outbox: list[Waiting] = attrs.field(factory=list)
    refused: list[Arrival] = attrs.field(factory=list)
    _counts: Counter[str] = attrs.field(factory=Counter, init=False)
    _names: dict[str, str] = attrs.field(factory=dict, init=False)

    def open_case(self, case_id: str | None, counterparties: tuple[InstitutionId, ...]) -> Case:
        """Open this player's own copy of the case; nothing is in it yet."""
        self.case = self.empty_case(case_id, counterparties)
        return self.case

    def empty_case(self, case_id: str | None, counterparties: tuple[InstitutionId, ...]) -> Case:
        """The case this player would begin with, given the other counterparties."""
        return buc(self.buc).start(
            as_=self.role, version=self.version, case_id=case_id, me=self.institution, counterparties=counterparties
        )

    def new_id(self) -> str:
        """An identifier (UUID, version 4) from the run's own random source."""
        return str(uuid.UUID(int=self.random.getrandbits(128), version=4))

    # sending ----------------------------------------------------------------------------------------------------

    def send(
        self,
        name: str,
        sed: Sed,
        receivers: Mapping[InstitutionId, Role],
        *,
        reply_to: str | None = None,
        update: bool = False,
        details: Details = NO_DETAILS,
        attachments: tuple[Attachment, ...] = (),
        unchecked: bool = False,
        fault: Fault | None = None,
    ) -> Sending:
        """Send a document to one or more institutions, or say why it stays.

        In this order: the check of the document, the directory, the rule of the process, the envelope, the network. When
        one of them refuses, the case is unchanged and nothing has left.

        :param name: by which the player keeps the document; :param reply_to: name of the document it answers.
        :param unchecked: send even what the own check or the own case refuses, as a faulty system would.
        :param fault: what goes wrong with the message after it has left.
        """
        check = validate(sed, self.registry)
        stays = _refused_by(check) if check.errors and not unchecked else self._unreachable(receivers)
        if stays is not None:
            return Sending(name, sed, check, refusal=stays)
        event = self._event(name, sed, receivers, reply_to, update, details, len(attachments))
        case = self.case or self.open_case(self.new_id(), _counterparties(receivers))
        try:
            after = case.apply(event)
        except ProcessError as error:
            if not unchecked:
                return Sending(name, sed, check, refusal=Refusal(str(error), getattr(error, "rule", None)))
            after = case
        message = Message.compose(self._header(sed, receivers, event, case), sed, attachments)
        messages = {receiver: self._post(message, receiver, fault) for receiver in receivers}
        self._overtaken(fault)
        self.case = after
        self._keep(Held(name, event.document_id or "", event.version, sed, message.header, mine=True))
        return Sending(name, sed, check, message.header, messages, event.parent_id)

    def _unreachable(self, receivers: Mapping[InstitutionId, Role]) -> Refusal | None:
        return next((refusal for one in receivers if (refusal := self.reach(one)) is not None), None)

    def _event(
        self,
        name: str,
        sed: Sed,
        receivers: Mapping[InstitutionId, Role],
        reply_to: str | None,
        update: bool,
        details: Details,
        attachments: int,
    ) -> Event:
        """What the own case is asked: a new document, or the next version of one that is there."""
        known = self.documents.get(name) if update else None
        return Event(
            "sent",
            sed=sed.type,
            document_id=known.set_id if known else self.new_id(),
            parent_id=self.documents[reply_to].set_id if reply_to in self.documents else None,
            version=known.version + 1 if known else 1,
            at=self.clock(),
            receivers=tuple(receivers),
            facts=details.facts,
            participant=details.participant,
            parts=details.parts,
            attachments=attachments,
        )

    def _header(self, sed: Sed, receivers: Mapping[InstitutionId, Role], event: Event, case: Case) -> Header:
        first = not case.documents
        return Header(
            sender=HeaderParty(self.institution, self.role),
            receivers=tuple(HeaderParty(receiver, role) for receiver, role in receivers.items()),
            sed=sed.type,
            sed_version=sed.version,
            buc=self.buc,
            buc_version=self.version,
            action=Action.START if first else Action.UPDATE if event.version > 1 else Action.NEW,
            case_id=CaseId(case.id) if case.id else None,
            instance_id=self.new_id(),
            set_id=event.document_id,
            document_version=event.version,
            created=self.clock().strftime("%Y-%m-%dT%H:%M:%SZ"),
        )

    def _post(self, message: Message, receiver: InstitutionId, fault: Fault | None) -> str:
        parts = tuple(Part(part.identifier, part.content, part.media_type) for part in message.attachments)
        parcel = Parcel(
            self.institution,
            receiver,
            spoiled(fault.kind, message) if fault else message.data,
            parts,
            message_id=f"{message.header.instance_id}@{receiver}",
            conversation_id=str(message.header.case_id or ""),
        )
        kind = fault.kind if fault else None
        if kind in (FaultKind.LATE, FaultKind.OUT_OF_ORDER):
            self.outbox.append(Waiting(parcel, self.clock() + fault.by if fault and fault.by else None))
        elif kind is not FaultKind.LOST:
            self.transport.send(parcel)
            if kind is FaultKind.DUPLICATE:
                self.transport.send(attrs.evolve(parcel, message_id=f"again-{parcel.message_id}"))
        return parcel.message_id

    def _overtaken(self, fault: Fault | None) -> None:
        """What waited to be overtaken leaves now."""
        if fault is None or fault.kind is not FaultKind.OUT_OF_ORDER:
            self.release(overtaken=True)

    def release(self, *, overtaken: bool = False) -> None:
        """Send what was held back until now, and what waited to be overtaken when it was."""
        ready = [one for one in self.outbox if (one.due is None and overtaken) or (one.due and one.due <= self.clock())]
        for one in ready:
            self.outbox.remove(one)
            self.transport.send(one.parcel)

    # receiving --------------------------------------------------------------------------------------------------

    def receive(self, details: Details = NO_DETAILS) -> Iterator[Arrival]:
        """Take in everything that has arrived, oldest first. What is not taken is kept in :attr:`refused`, never lost."""
        for parcel in self.transport.receive():
            arrival = self._take(parcel, details)
            if arrival.rejection is not None:
                self.refused.append(arrival)
            yield arrival

    def _take(self, parcel: Parcel, details: Details) -> Arrival:
        try:
            message = parse(parcel.payload)
        except InputError as error:
            return Arrival(parcel.message_id, None, rejection=Refusal(str(error), "DOC-UNREADABLE"))
        if not isinstance(message, Message):
            return Arrival(
                parcel.message_id,
                None,
                sed=message,
                rejection=Refusal("the document came without an envelope", "RUN-ENVELOPE"),
            )
        check = validate(message, self.registry)
        arrival = Arrival(parcel.message_id, check, message.header, message.sed)
        refusal = self._objection(message, parcel, check)
        if refusal is not None:
            return attrs.evolve(arrival, rejection=refusal)
        try:
            self._enter(message, details)
        except PeerViolation as error:
            return attrs.evolve(arrival, rejection=Refusal(str(error), error.rule), answer=error.answer)
        except EessiError as error:
            return attrs.evolve(arrival, rejection=Refusal(str(error), getattr(error, "rule", None)))
        return arrival

    def _objection(self, message: Message, parcel: Parcel, check: Verdict) -> Refusal | None:
        """What speaks against a message before the process is asked."""
        header = message.header
        if check.errors:
            return _refused_by(check)
        if header.sender.id != parcel.sender:
            return Refusal(f"the header names {header.sender.id} as sender, the network {parcel.sender}", "RUN-SENDER")
        gone = self.reach(parcel.sender)
        if gone is not None:
            return gone
        if all(party.id != self.institution for party in header.receivers):
            return Refusal("the header does not name this institution as a receiver", "RUN-RECEIVER")
        if message.sed.is_signed:
            refused = self._unproved(message.sed, header.sender.institution)
            if refused is not None:
                return refused
        if header.buc is not None and header.buc != self.buc:
            return Refusal(f"the message belongs to {header.buc}, the case is {self.buc}", "RUN-BUC")
        if header.buc_version is not None and not header.buc_version.same_minor(self.version):
            return Refusal(
                f"the message is of CDM {header.buc_version}, the case runs under {self.version}", "RUN-VERSION"
            )
        if (
            self.case is not None
            and header.case_id is not None
            and self.case.id
            and header.case_id != CaseId(self.case.id)
        ):
            return Refusal("the message belongs to another case", "RUN-CASE")
        return None

    def _unproved(self, sed: Sed, sender: InstitutionId) -> Refusal | None:
        """Why the signature of a document does not hold, or is not that of its sender."""
        from eessi.sed.signature import verify
        from eessi.trust import SecurityPolicy

        trusted = self.signers(sender) or frozenset({"nobody"})
        try:
            verify(sed, SecurityPolicy(trusted=trusted, on=self.clock().date()))
        except SecurityError as error:
            return Refusal(str(error), "RUN-SIGNATURE")
        return None

    def _enter(self, message: Message, details: Details) -> None:
        header = message.header
        sender = header.sender.institution
        roles = {party.institution: party.role for party in header.receivers if party.id != self.institution}
        case = self.case or self.open_case(header.case_id, _counterparties(roles))
        event = Event(
            "received",
            sed=message.sed.type,
            document_id=header.set_id,
            parent_id=details.parent_id,
            version=header.document_version or 1,
            at=self.clock(),
            sender=sender,
            facts=details.facts,
            participant=details.participant,
            parts=details.parts,
            attachments=len(header.attachments),
        )
        self.case = case.apply(event)
        name = self._name_for(message.sed.type, header.set_id or "")
        self._keep(Held(name, header.set_id or "", header.document_version or 1, message.sed, header, mine=False))

    def _keep(self, held: Held) -> None:
        """A document in its newest version, as the newest of all."""
        if self.documents.pop(held.name, None) is None:
            self._counts[held.sed.type] += 1
        self._names[held.set_id] = held.name
        self.documents[held.name] = held

    def newest(self) -> str:
        """Name of the document that came last, own or received."""
        return next(reversed(self.documents), "")

    def free_name(self, sed: SedType) -> str:
        """A name for a further document: its code, numbered from the second of that code on."""
        count = self._counts[sed]
        return str(sed) if not count else f"{sed}-{count + 1}"

    def _name_for(self, sed: SedType, set_id: str) -> str:
        """The name of a received document: that of its earlier version, else a new one."""
        return self._names.get(set_id) or self.free_name(sed)

    def mirror(self, header: Header, sed: Sed, details: Details, *, mine: bool) -> None:
        """Follow what a real system in this player's place has sent or received, as far as the process knows it."""
        try:
            if not mine:
                self._enter(Message(header, sed, b""), details)
                return
            case = self.case or self.open_case(header.case_id, ())
            name = self._name_for(sed.type, header.set_id or "")
            event = Event(
                "sent",
                sed=sed.type,
                document_id=header.set_id,
                parent_id=details.parent_id,
                version=header.document_version or 1,
                at=self.clock(),
                facts=details.facts,
                participant=details.participant,
            )
            self.case = case.apply(event)
            self._keep(Held(name, header.set_id or "", header.document_version or 1, sed, header, mine=True))
        except EessiError:
            return  # the other side's copy judges it; a mirror only follows

    def local(self, kind: str) -> None:
        """Close or reopen this player's own copy of the case (``closed``, ``reopened``).

        :raises NotAllowed: when the role may not, or not now.
        """
        case = self.case or self.open_case(None, ())
        self.case = case.apply(Event(kind, at=self.clock()))


def _counterparties(roles: Mapping[InstitutionId, Role | None]) -> tuple[InstitutionId, ...]:
    return tuple(institution for institution, role in roles.items() if role is Role.COUNTERPARTY)


def _refused_by(check: Verdict) -> Refusal:
    """The first three findings as one reason; the record of the check holds all of them with their places."""
    messages = list(dict.fromkeys(finding.message() for finding in check.errors))
    more = f" (and {len(messages) - 3} more)" if len(messages) > 3 else ""
    return Refusal("; ".join(messages[:3]) + more, check.errors[0].id)
