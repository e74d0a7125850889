"""What comes in: judged, stored, then receipted, then handed over. A duplicate gets the same receipt and goes no further.

A receipt is a legal act (Decision E6), so it is given only for what is durably stored, and in the same transaction.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

import attrs

from eessi.errors import UsageError
from eessi.ids import InstitutionId
from eessi.octets import Bulk, Octets, sha256_of
from eessi.stores import Unit
from eessi.stores.mail import InRow, MailRows, moment_key
from eessi.transport.bulk_rows import body_of, keep, row_body
from eessi.transport.compose import Packet, compose_error, compose_receipt
from eessi.transport.ebms import Envelope, ErrorSignal, PullRequest, ReceiptSignal, UserMessage
from eessi.transport.judge import Judgement, Result, judge
from eessi.transport.multihop import Routing, reply_routing
from eessi.transport.names import TEST_ACTION, TEST_SERVICE
from eessi.transport.outbox import Outbox, references_of
from eessi.transport.parcel import Parcel, Part
from eessi.transport.policy import EnvelopePolicy
from eessi.transport.refusal import Refused, ebms_code
from eessi.transport.wire import Answer

if TYPE_CHECKING:
    from cryptography import x509

__all__ = ["Inbox", "Taken"]

_ID_MAX = 255
"""Longest message and conversation id that is kept; real ones have 36 to 80 characters."""


@attrs.frozen(slots=True)
class Taken:
    """What became of something that came in.

    :param answer: what goes back over the same connection.
    :param message_id: of the user message inside, where there is one.
    :param code: the ebMS error it was refused with.
    """

    answer: Answer
    message_id: str | None = None
    code: str | None = None
    duplicate: bool = False


class Inbox:
    """The incoming side of one institution; receipts and errors go out through its outbox.

    :param policy: demands on messages; by default those of the P-Mode.

    ``arrived``, where it is set, is called with the unit of work that stores a message to be handed over, with the id of the
    message and of its conversation: what has to follow comes into being with the message, or not at all.
    """

    arrived: Callable[[Unit, str, str], None] | None = None

    def __init__(self, outbox: Outbox, *, policy: EnvelopePolicy | None = None) -> None:
        security = outbox.pmode.security
        self.outbox = outbox
        self.store, self.tenant, self.identity = outbox.store, outbox.tenant, outbox.identity
        self.partners, self.pmode = outbox.partners, outbox.pmode
        self.policy = policy or EnvelopePolicy(
            require_signed=security.require_signed,
            require_encrypted=security.require_encrypted,
        )

    # --- judging ---

    def signers(self, envelope: Envelope, on: dt.datetime | None) -> Sequence[x509.Certificate]:
        """The certificates pinned for every unit of an envelope: one that is pinned for all of them may sign it."""
        moment = on or dt.datetime.now(dt.UTC)
        common: list[x509.Certificate] | None = None
        for unit in envelope.units:
            allowed = self._pinned(unit, moment)
            common = allowed if common is None else [one for one in common if one in allowed]
        return common or []

    def _pinned(
        self, unit: UserMessage | ReceiptSignal | ErrorSignal | PullRequest, on: dt.datetime
    ) -> list[x509.Certificate]:
        if isinstance(unit, PullRequest):
            return []
        if isinstance(unit, UserMessage):
            types = {self.pmode.business.party_type, None}
            known = [one for one in unit.sender.ids if one.type in types]
            return self._of(known[0].value, on) if len(unit.sender.ids) == len(known) == 1 else []
        with self.store.read(self.tenant) as work:
            row = MailRows(work).out(unit.ref_to) if unit.ref_to else None
        found = [] if row is None else self._of(row.receiver, on)
        if isinstance(unit, ErrorSignal):
            link = self.partners.access_point(on)
            found += [] if link is None else list(link.certificates)
        return found

    def _of(self, institution: str, on: dt.datetime) -> list[x509.Certificate]:
        partner = self.partners.partner(institution, on)
        return [] if partner is None else list(partner.certificates)

    def judge(self, data: Octets, content_type: str | None, now: dt.datetime) -> Judgement:
        """Judge something that came in, by our policy and the pinned certificates."""
        return judge(data, content_type, policy=self.policy, keys=self.identity.keys, signers=self.signers, on=now)

    # --- taking in ---

    def take(
        self,
        data: Octets,
        content_type: str | None,
        now: dt.datetime,
        *,
        pulled: bool = False,
        answering: str | None = None,
    ) -> Taken:
        """Take in whatever a partner or an access point sends: a message, a signal or several bundled.

        :param pulled: it came as an answer to a pull request, so that receipts and errors go out as messages of their own.
        :param answering: it is the HTTP answer to this message of ours.

        Never raises for what a stranger sends; the answer says what they get.

        :raises StoreError: when it could not be stored; then nothing was receipted.
        """
        judged = self.judge(data, content_type, now)
        envelope = judged.envelope
        if envelope is None or envelope.messaging is None:
            return Taken(Answer(400), code=judged.code)
        message = envelope.user_message
        if judged.result is not Result.ACCEPT and not self._unsigned_error(judged, answering):
            return self._refuse(envelope, message, judged.code or "EBMS:0004", judged.detail, now, pulled=pulled)
        try:
            if message is not None:
                self._check(message)
        except Refused as refused:
            return self._refuse(envelope, message, refused.code, refused.detail, now, pulled=pulled)
        self._signals(envelope, _evidence(judged, data), now)
        if message is None:
            return Taken(Answer(202))
        return self._message(message, judged, data, content_type or "", now, pulled)

    def _unsigned_error(self, judged: Judgement, answering: str | None) -> bool:
        """An unsigned error counts only where the P-Mode says so, alone, and in the answer to the very message it is about."""
        units = () if judged.envelope is None else judged.envelope.units
        about = {unit.ref_to for unit in units if isinstance(unit, ErrorSignal)}
        about |= {one.ref_to for unit in units if isinstance(unit, ErrorSignal) for one in unit.failures}
        only_errors = bool(units) and all(isinstance(unit, ErrorSignal) for unit in units)
        allowed = self.pmode.security.unsigned_errors and judged.code == "EBMS:0103"
        return allowed and only_errors and answering is not None and about <= {answering, None} and about != {None}

    def _check(self, message: UserMessage) -> None:
        """What our agreement says about a message that is proved to come from its sender.

        :raises Refused: EBMS:0003 for another receiver, EBMS:0010 for another service or action.
        """
        if self.identity.institution not in {one.value for one in message.receiver.ids}:
            raise Refused("EBMS:0003", "the message is for another receiver", finding="AS4-HEADER")
        if max(len(message.message_id), len(message.conversation_id or "")) > _ID_MAX:
            raise Refused("EBMS:0009", f"an id has more than {_ID_MAX} characters", finding="AS4-LIMIT")
        if _is_test(message):
            return
        business = self.pmode.business
        if (message.service, message.service_type, message.action) != (
            business.service,
            business.service_type,
            business.action,
        ):
            raise Refused("EBMS:0010", "no processing mode fits service and action", finding="AS4-HEADER")

    def _message(
        self, message: UserMessage, judged: Judgement, data: Octets, content_type: str, now: dt.datetime, pulled: bool
    ) -> Taken:
        digest = _content_digest(judged)
        with self.store.begin(self.tenant) as unit:
            rows = MailRows(unit)
            known = rows.received(message.message_id)
            if known is not None:
                if known.digest != digest or known.sender != message.sender.id:
                    detail = "the message id was used before for other content"
                    return self._refuse(judged.envelope, message, "EBMS:0003", detail, now, rows, pulled=pulled)
                rows.note(message.message_id, moment_key(now), "duplicate")
                packet = Packet(_receipt_id(message.message_id), known.receipt_type, known.receipt)
                return attrs.evolve(self._hand_out(packet, message, now, rows, pulled), duplicate=True)
            packet = self._receipt(message, judged, now)
            rows.add_in(self._row(message, data, content_type, digest, packet, now))
            keep(rows, "in", message.message_id, data)
            proof = f"{message.sender.id}, {len(data)} bytes, {'pulled' if pulled else 'pushed'}"
            rows.note(message.message_id, moment_key(now), "received", proof)
            if self.arrived is not None and not _is_test(message):
                self.arrived(unit, message.message_id, message.conversation_id or "")
            return self._hand_out(packet, message, now, rows, pulled)

    def _row(
        self, message: UserMessage, data: Octets, content_type: str, digest: str, packet: Packet, now: dt.datetime
    ) -> InRow:
        return InRow(
            message.message_id,
            message.sender.id,
            message.conversation_id or "",
            moment_key(now),
            content_type,
            row_body(data),
            digest,
            "test" if _is_test(message) else "waiting",
            packet.content_type,
            bytes(packet.body),
            moment_key(now),
        )

    def _receipt(self, message: UserMessage, judged: Judgement, now: dt.datetime) -> Packet:
        references = () if judged.signed is None else judged.signed.references
        return compose_receipt(
            message.message_id,
            references,
            self.pmode,
            self.identity.key,
            now,
            message_id=_receipt_id(message.message_id),
            routing=self._routing(judged.envelope, message, error=False),
            copied=None if references else message,
        )

    def _routing(self, envelope: Envelope | None, message: UserMessage, *, error: bool) -> Routing | None:
        if envelope is None or not envelope.multihop:
            return None
        return reply_routing(message, error=error, form=self.pmode.multihop.form)

    def _hand_out(self, packet: Packet, message: UserMessage, now: dt.datetime, rows: MailRows, pulled: bool) -> Taken:
        """Give the receipt: in the answer, or as a signal of its own through the access point."""
        if self.pmode.receipt.pattern == "response" and not pulled:
            return Taken(Answer(200, packet.content_type, packet.body), message.message_id)
        url = self._signal_url(message.sender.id, now)
        if url is not None:
            waiting = rows.out(packet.message_id)
            if waiting is None:
                self.outbox.queue_signal(rows, packet, "receipt", message.sender.id, url, message.message_id, now)
            elif waiting.state != "queued":
                rows.change_out(packet.message_id, state="queued", next_at=moment_key(now), attempts=0)
        return Taken(Answer(202), message.message_id)

    def _signal_url(self, receiver: str, now: dt.datetime) -> str | None:
        link = self.partners.access_point(now)
        if link is not None:
            return link.outbox_url
        partner = self.partners.partner(receiver, now)
        return None if partner is None else partner.url

    # --- signals ---

    def _signals(self, envelope: Envelope, data: bytes, now: dt.datetime) -> None:
        for unit in envelope.units:
            if isinstance(unit, ReceiptSignal):
                self._take_receipt(unit, data, now)
            elif isinstance(unit, ErrorSignal):
                self._take_error(unit, data, now)

    def _take_receipt(self, receipt: ReceiptSignal, data: bytes, now: dt.datetime) -> None:
        """Confirm the message, if the receipt repeats exactly what was signed."""
        with self.store.begin(self.tenant) as unit:
            rows = MailRows(unit)
            row = rows.out(receipt.ref_to) if receipt.ref_to else None
            if row is None or row.kind != "user":
                rows.note(_short(receipt.ref_to), moment_key(now), "stray_receipt", "for a message that was not sent")
                return
            sent = references_of(row)
            if sent and set(receipt.references) != sent:
                detail = "EBMS:0302 InvalidReceipt: its references are not those that were sent"
                rows.note(row.message_id, moment_key(now), "invalid_receipt", detail, data)
                return
            if not self.outbox.receipted(rows, row, now, data):
                rows.note(row.message_id, moment_key(now), "receipt_again")

    def _take_error(self, error: ErrorSignal, data: bytes, now: dt.datetime) -> None:
        reason = "; ".join(f"{one.code} {one.name or ''}".strip()[:200] for one in error.failures)
        failure = any(one.severity == "failure" for one in error.failures)
        ref_to = error.ref_to or next((one.ref_to for one in error.failures if one.ref_to), None)
        with self.store.begin(self.tenant) as unit:
            rows = MailRows(unit)
            row = rows.out(ref_to) if ref_to else None
            if row is None:
                rows.note(_short(ref_to), moment_key(now), "stray_error", reason)
            elif not failure or not self.outbox.refused(rows, row, reason, now, data):
                rows.note(row.message_id, moment_key(now), "warning", reason, data)

    # --- refusing ---

    def _refuse(
        self,
        envelope: Envelope | None,
        message: UserMessage | None,
        code: str,
        detail: str,
        now: dt.datetime,
        rows: MailRows | None = None,
        *,
        pulled: bool = False,
    ) -> Taken:
        """Refuse a message with a signed error; signals are never answered, so that two sides cannot fall into a loop."""
        message_id = message.message_id if message is not None else _first_id(envelope)
        if rows is None:
            with self.store.begin(self.tenant) as unit:
                return self._refuse(envelope, message, code, detail, now, MailRows(unit), pulled=pulled)
        row = ebms_code(code)
        rows.note(_short(message_id), moment_key(now), "refused", f"{code} {row.name}: {detail}")
        if message is None:
            request = envelope is not None and any(isinstance(unit, PullRequest) for unit in envelope.units)
            return Taken(Answer(403 if request else 400), message_id, code)
        packet = compose_error(
            code,
            detail,
            self.pmode,
            self.identity.key,
            now,
            message_id=self.outbox.new_id(),
            ref_to=message.message_id,
            routing=self._routing(envelope, message, error=True),
        )
        url = self._signal_url(message.sender.id, now) if pulled or self.pmode.receipt.pattern == "callback" else None
        known = self.partners.partner(message.sender.id, now) is not None
        if url is None or not known:
            return Taken(Answer(200, packet.content_type, packet.body), message_id, code)
        self.outbox.queue_signal(rows, packet, "error", message.sender.id, url, _short(message.message_id), now)
        return Taken(Answer(202), message_id, code)

    # --- handing over ---

    def waiting(self, now: dt.datetime) -> Iterator[Parcel]:
        """The messages waiting, oldest first. One counts as handed over when the next one is asked for."""
        while (parcel := self.next()) is not None:
            yield parcel
            self.delivered(parcel.message_id, now)

    def next(self, message_id: str | None = None) -> Parcel | None:
        """The oldest message waiting; hand it over with :meth:`delivered`, in a unit that asks :meth:`is_waiting` before.

        :param message_id: this message instead, if it is waiting.
        """
        with self.store.read(self.tenant) as unit:
            rows = MailRows(unit)
            row = rows.waiting() if message_id is None else rows.received(message_id)
            if row is None or row.state != "waiting":
                return None
            body = self._body(rows, row)
        return self._parcel(row, body)

    def is_waiting(self, unit: Unit, message_id: str) -> bool:
        """Whether a message was not handed over yet; in a unit that writes, it stays so until the unit ends."""
        row = MailRows(unit).received(message_id)
        return row is not None and row.state == "waiting"

    def delivered(
        self, message_id: str, now: dt.datetime, *, reason: str | None = None, unit: Unit | None = None
    ) -> None:
        """The application has the message; ``reason`` says why it was put into quarantine instead.

        :param unit: a unit of work of the caller, so that what the message changed is stored together with this.
        :raises UsageError: for an id that did not come in.
        """
        with self.outbox.unit(unit) as work:
            rows = MailRows(work)
            row = rows.received(message_id)
            if row is None:
                raise UsageError(f"no message {message_id} came in")
            if row.state != "waiting":
                return
            state, step = ("delivered", "delivered") if reason is None else ("quarantined", "quarantined")
            rows.change_in(message_id, state=state, since=moment_key(now), reason=reason)
            rows.note(message_id, moment_key(now), step, reason or "")

    def _body(self, rows: MailRows, row: InRow) -> Octets:
        return body_of(rows, self.store, self.tenant, "in", row.message_id, row.body)

    def _parcel(self, row: InRow, body: Octets) -> Parcel:
        """The parcel inside stored bytes; they were judged when they came in. It stands without the store: whoever has it
        may read its parts inside a unit of work of their own.
        """
        policy = attrs.evolve(self.policy, require_signed=False, require_encrypted=False, strict=False)
        judged = judge(body, row.content_type or None, policy=policy, keys=self.identity.keys)
        message = None if judged.envelope is None else judged.envelope.user_message
        if message is None or judged.result is Result.REJECT:
            raise UsageError(
                f"stored message {row.message_id} can no longer be opened; is the decryption key still there?"
            )
        contents = [(one, one.copy(limits=policy.limits)) for one in judged.payloads]
        attachments = tuple(
            Part(
                one.id,
                content,
                one.mime_type,
                {item.name: item.value for item in one.info.properties if _own(item.name)},
            )
            for one, content in contents[1:]
        )
        payload = bytes(contents[0][1]) if contents else b""
        return Parcel(
            InstitutionId(row.sender),
            self.identity.institution,
            payload,
            attachments,
            row.message_id,
            row.conversation_id,
        )


def _own(name: str) -> bool:
    return name not in {"MimeType", "CompressionType", "PartType"}


def _is_test(message: UserMessage) -> bool:
    """The test service of ebMS (5.2.2): answered with a receipt, never handed over."""
    return message.service == TEST_SERVICE and message.action == TEST_ACTION


def _receipt_id(message_id: str) -> str:
    """One message has one receipt, so its id follows from the message's."""
    return f"{hashlib.sha256(message_id.encode()).hexdigest()[:32]}@receipt"


def _first_id(envelope: Envelope | None) -> str | None:
    return envelope.units[0].message_id if envelope is not None and envelope.units else None


def _short(message_id: str | None) -> str:
    return (message_id or "")[:_ID_MAX]


def _content_digest(judged: Judgement) -> str:
    """What identifies the content of a message: a retry may be signed again, but its payloads keep their digests."""
    digest = hashlib.sha256()
    for payload in sorted(judged.payloads, key=lambda one: one.id):
        digest.update(hashlib.sha256(payload.id.encode()).digest() + sha256_of(payload.body))
    return digest.hexdigest()


def _evidence(judged: Judgement, data: Octets) -> bytes:
    """What is kept of a signal: all that came, or the signed envelope alone when it came bundled with large parts."""
    if not isinstance(data, Bulk):
        return data
    return b"" if judged.packed is None else bytes(judged.packed.root.body)
