"""What goes out: stored first, then sent, and kept until the far institution has receipted it.

The row is the truth. One message has one id for ever and its stored bytes are sent again as they are. *Taken* by the
next node is not *receipted* by the far institution; between the two lie seconds or a day.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import uuid
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from typing import Final

import attrs

from eessi.errors import UsageError
from eessi.ids import InstitutionId
from eessi.octets import Octets, pieces_of
from eessi.stores import DEFAULT_TENANT, Store, Unit
from eessi.stores.mail import NEVER, MailRows, OutRow, moment_key, moment_of
from eessi.transport.bulk_rows import body_of, keep, row_body
from eessi.transport.compose import Packet, compose_user
from eessi.transport.ebms import SignedReference
from eessi.transport.guard import Guard
from eessi.transport.identity import Identity, Partners
from eessi.transport.names import TEST_ACTION, TEST_SERVICE
from eessi.transport.parcel import Delivery, Parcel, Receipt, State
from eessi.transport.pmode import PMode

__all__ = ["MOVES", "Outbox", "Outgoing", "Ready"]

MOVES: Final[dict[State, frozenset[State]]] = {
    State.QUEUED: frozenset({State.SENDING, State.FAILED, State.RECEIPTED}),
    State.SENDING: frozenset({State.QUEUED, State.TAKEN, State.RECEIPTED, State.FAILED}),
    State.TAKEN: frozenset({State.RECEIPTED, State.FAILED, State.QUEUED}),
    State.FAILED: frozenset({State.QUEUED, State.RECEIPTED}),
    State.RECEIPTED: frozenset(),
}
"""State -> states that may follow. A late receipt confirms even a message that was given up; nothing follows a receipt."""

_BLOCKING: Final[dict[str, tuple[str, ...]]] = {
    "none": (),
    "taken": ("queued", "sending"),
    "receipted": ("queued", "sending", "taken"),
}
_LEASE: Final = dt.timedelta(minutes=5)
"""How long a row that is being sent is left to its worker; after a crash it goes out again."""

_TRANSIENT_STATUS: Final = frozenset({408, 425, 429})


@attrs.frozen(slots=True)
class Outgoing:
    """A row on its way to the wire."""

    message_id: str
    url: str
    content_type: str
    body: Octets = attrs.field(repr=False)
    attempt: int = 1


@attrs.frozen(slots=True)
class Ready:
    """A parcel that is signed and packed, and not yet stored."""

    parcel: Parcel
    row: OutRow
    body: Octets = attrs.field(repr=False)


class Outbox:
    """The outgoing side of one institution.

    :param ids: makes message ids; by default random ones.
    """

    def __init__(
        self,
        store: Store,
        identity: Identity,
        partners: Partners,
        pmode: PMode,
        *,
        tenant: str = DEFAULT_TENANT,
        guard: Guard | None = None,
        ids: Callable[[], str] | None = None,
    ) -> None:
        self.store, self.identity, self.partners, self.pmode, self.tenant = store, identity, partners, pmode, tenant
        self.guard = guard or Guard()
        self.new_id = ids or (lambda: f"{uuid.uuid4()}@{identity.institution.replace(':', '.')}")

    @property
    def _blocking(self) -> tuple[str, ...]:
        """States of an earlier message that hold up the later ones of its conversation."""
        return _BLOCKING[self.pmode.ordering.per_conversation]

    def unit(self, given: Unit | None = None) -> AbstractContextManager[Unit]:
        """The given unit of work, or one of our own."""
        return self.store.begin(self.tenant) if given is None else nullcontext(given)

    def submit(self, parcel: Parcel, now: dt.datetime, *, unit: Unit | None = None, proved: bool = False) -> str:
        """Store a parcel for sending and return its message id. Nothing goes over the wire here.

        :param unit: a unit of work of the caller, so that a case event and the message are stored together.
        :param proved: an exact schema has proved the document valid; off loopback nothing else is sent.
        :raises UsageError: not our parcel, unknown receiver, an id used before for other content.
        :raises SecurityError: the production guard refuses it.
        """
        return self.put(self.ready(parcel, now, proved=proved), now, unit=unit)

    def ready(self, parcel: Parcel, now: dt.datetime, *, proved: bool = False) -> Ready:
        """Sign and pack a parcel without storing anything: what takes long needs no lock. :meth:`put` stores it.

        Parameters and errors are those of :meth:`submit`.
        """
        if parcel.sender != self.identity.institution:
            raise UsageError(f"this is the outbox of {self.identity.institution}; the parcel is from {parcel.sender}")
        identified = attrs.evolve(parcel, message_id=parcel.message_id or self.new_id())
        return Ready(identified, *self._row(identified, now, proved))

    def put(self, ready: Ready, now: dt.datetime, *, unit: Unit | None = None) -> str:
        """Store what :meth:`ready` made, and return its message id.

        :raises UsageError: an id used before for other content.
        """
        parcel, row = ready.parcel, ready.row
        with self.unit(unit) as work:
            rows = MailRows(work)
            known = rows.out(parcel.message_id)
            if known is not None:
                return _same(known, parcel)
            if self._blocking and rows.is_held_up(row.conversation_id, self._blocking):
                row = attrs.evolve(row, held=1, next_at=NEVER)
            rows.add_out(row)
            keep(rows, "out", row.message_id, ready.body)
            rows.note(parcel.message_id, moment_key(now), "queued", parcel.receiver)
        return parcel.message_id

    def ping(self, receiver: InstitutionId, now: dt.datetime) -> str:
        """Store a message to the test service of ``receiver``: it is receipted and goes to nobody (ebMS 3.0 Core, 5.2.2).

        :raises UsageError: when the directory does not know the receiver, or there is no way to it.
        """
        business = self.pmode.business.model_copy(
            update={"service": TEST_SERVICE, "service_type": None, "action": TEST_ACTION}
        )
        parcel = Parcel(self.identity.institution, receiver, b"<ping/>", message_id=self.new_id())
        row, _ = self._row(parcel, now, proved=True, pmode=self.pmode.model_copy(update={"business": business}))
        with self.unit() as work:
            rows = MailRows(work)
            rows.add_out(row)
            rows.note(row.message_id, moment_key(now), "queued", f"{receiver}, test service")
        return row.message_id

    def _row(self, parcel: Parcel, now: dt.datetime, proved: bool, pmode: PMode | None = None) -> tuple[OutRow, Octets]:
        partner = self.partners.partner(parcel.receiver, now)
        if partner is None:
            raise UsageError(f"the directory knows no institution {parcel.receiver}")
        link = self.partners.access_point(now)
        url = link.outbox_url if link is not None and partner.url is None else partner.url
        if url is None:
            raise UsageError(f"there is no way to {parcel.receiver}: no access point and no address of its own")
        self.guard.check_sending(url, self.identity, partner, proved=proved)
        packet = compose_user(parcel, pmode or self.pmode, self.identity.key, now, encryption=partner.encryption)
        row = out_row(packet, "user", parcel.conversation_id, parcel.receiver, url, now, digest_of(parcel))
        return row, packet.body

    def next(self, now: dt.datetime) -> Outgoing | None:
        """The next message or signal that may go out, reserved for the caller for five minutes; ``None`` for nothing."""
        with self.store.begin(self.tenant) as unit:
            rows = MailRows(unit)
            row = rows.due(moment_key(now))
            if row is None:
                return None
            attempt = row.attempts + 1
            rows.change_out(
                row.message_id,
                state=State.SENDING.value,
                attempts=attempt,
                next_at=moment_key(now + _LEASE),
                since=moment_key(now),
            )
            rows.note(row.message_id, moment_key(now), "sent", f"attempt {attempt}")
            body = body_of(rows, self.store, self.tenant, "out", row.message_id, row.body)
        return Outgoing(row.message_id, row.url, row.content_type, body, attempt)

    def taken(self, message_id: str, now: dt.datetime) -> None:
        """The next node has taken the message; for a business message the wait for the receipt begins."""
        with self.store.begin(self.tenant) as unit:
            rows = MailRows(unit)
            row = rows.out(message_id)
            if row is None or row.state != State.SENDING:
                return
            deadline = moment_key(now + dt.timedelta(hours=self.pmode.receipt.hours)) if row.kind == "user" else None
            rows.set_circuit(row.url, 0, "")
            self._move(rows, row, State.TAKEN, now, "taken", deadline=deadline)

    def failed_hop(self, message_id: str, reason: str, now: dt.datetime, *, fatal: bool = False) -> None:
        """The next node did not take the message: try again later, or give up."""
        with self.store.begin(self.tenant) as unit:
            rows = MailRows(unit)
            row = rows.out(message_id)
            if row is None or row.state != State.SENDING:
                return
            retry = self.pmode.retry
            if fatal or row.attempts >= retry.attempts:
                self._move(rows, row, State.FAILED, now, "failed", reason=reason)
                return
            failures = rows.circuit(row.url)[0] + 1
            until = now + dt.timedelta(seconds=retry.circuit_seconds)
            rows.set_circuit(row.url, failures, moment_key(until) if failures >= retry.circuit_failures else "")
            again = now + dt.timedelta(seconds=retry.pause(row.attempts))
            self._move(rows, row, State.QUEUED, now, "postponed", reason=reason, next_at=moment_key(again))

    def tick(self, now: dt.datetime) -> tuple[str, ...]:
        """Messages whose receipt did not come in time: sent again as often as the P-Mode says, then given up (EBMS:0301).

        Returns the ids of those given up.
        """
        key = moment_key(now)
        with self.store.read(self.tenant) as unit:
            if next(MailRows(unit).outs(State.TAKEN.value, before=key), None) is None:
                return ()
        lost = []
        with self.store.begin(self.tenant) as unit:
            rows = MailRows(unit)
            for row in list(rows.outs(State.TAKEN.value, before=key)):
                resent = sum(one.step == "resent" for one in rows.journal(row.message_id))
                if resent < self.pmode.receipt.resends:
                    rows.change_out(row.message_id, attempts=0)
                    self._move(rows, row, State.QUEUED, now, "resent", next_at=key, deadline=None)
                else:
                    reason = "EBMS:0301 MissingReceipt: no receipt came in time"
                    self._move(rows, row, State.FAILED, now, "failed", reason=reason)
                    lost.append(row.message_id)
        return tuple(lost)

    def receipted(self, rows: MailRows, row: OutRow, now: dt.datetime, evidence: bytes) -> bool:
        """The far institution has the message; false when that was known already."""
        if State.RECEIPTED not in MOVES[State(row.state)]:
            return False
        self._move(rows, row, State.RECEIPTED, now, "receipted", reason=None, evidence=evidence, deadline=None)
        return True

    def refused(self, rows: MailRows, row: OutRow, reason: str, now: dt.datetime, evidence: bytes) -> bool:
        """The far side refuses the message for good; false when it was receipted or given up already."""
        if State(row.state) in {State.RECEIPTED, State.FAILED}:
            return False
        self._move(rows, row, State.FAILED, now, "failed", reason=reason, evidence=evidence)
        return True

    def _move(
        self,
        rows: MailRows,
        row: OutRow,
        to: State,
        now: dt.datetime,
        step: str,
        *,
        evidence: bytes | None = None,
        **changes: str | None,
    ) -> None:
        assert to in MOVES[State(row.state)], f"{row.state} -> {to}"
        rows.change_out(row.message_id, state=to.value, since=moment_key(now), **changes)
        rows.note(row.message_id, moment_key(now), step, changes.get("reason") or "", evidence)
        if row.kind == "user" and row.state in self._blocking and to.value not in self._blocking:
            rows.release(row.conversation_id, moment_key(now))

    def queue_signal(
        self, rows: MailRows, packet: Packet, kind: str, receiver: str, url: str, ref_to: str, now: dt.datetime
    ) -> None:
        """Store a receipt or error for sending, in the unit of work of its cause."""
        row = out_row(
            packet, kind, f"signal:{ref_to}", receiver, url, now, hashlib.sha256(bytes(packet.body)).hexdigest()
        )
        rows.add_out(attrs.evolve(row, ref_to=ref_to))

    def status(self, message_id: str) -> Delivery:
        """How far a message has come.

        :raises UsageError: for an id that was not sent from here.
        """
        with self.store.read(self.tenant) as unit:
            rows = MailRows(unit)
            row = rows.out(message_id)
            if row is None:
                raise UsageError(f"{self.identity.institution} sent no message {message_id}")
            proofs = [one for one in rows.journal(message_id) if one.step == "receipted"]
        receipt = None
        if proofs:
            by = InstitutionId(row.receiver)
            receipt = Receipt(message_id, by, moment_of(proofs[0].at), proofs[0].evidence or b"")
        return Delivery(message_id, State(row.state), moment_of(row.since), receipt, row.reason)

    def dead(self) -> tuple[Delivery, ...]:
        """The messages that were given up, with their reasons."""
        with self.store.read(self.tenant) as unit:
            return tuple(
                Delivery(row.message_id, State.FAILED, moment_of(row.since), None, row.reason)
                for row in MailRows(unit).outs(State.FAILED.value)
                if row.kind == "user"
            )

    def redrive(
        self, now: dt.datetime, message_ids: Iterable[str] | None = None, *, dry_run: bool = False
    ) -> tuple[str, ...]:
        """Send given-up messages again, the stored bytes under the same id; the ids concerned.

        :param message_ids: only these; all by default.
        :param dry_run: change nothing.
        """
        wanted = None if message_ids is None else set(message_ids)
        with self.store.begin(self.tenant) as unit:
            rows = MailRows(unit)
            chosen = [
                row
                for row in rows.outs(State.FAILED.value)
                if row.kind == "user" and (wanted is None or row.message_id in wanted)
            ]
            for row in () if dry_run else chosen:
                rows.change_out(row.message_id, attempts=0)
                self._move(
                    rows, row, State.QUEUED, now, "redriven", next_at=moment_key(now), reason=None, deadline=None
                )
        return tuple(row.message_id for row in chosen)


def out_row(
    packet: Packet, kind: str, conversation_id: str, receiver: str, url: str, now: dt.datetime, digest: str
) -> OutRow:
    """The row of a packet that is to be sent at once."""
    key = moment_key(now)
    references = json.dumps([attrs.astuple(one) for one in packet.references])
    return OutRow(
        packet.message_id,
        kind,
        conversation_id or packet.message_id,
        receiver,
        url,
        packet.content_type,
        row_body(packet.body),
        references,
        digest,
        State.QUEUED.value,
        0,
        key,
        key,
        key,
    )


def references_of(row: OutRow) -> frozenset[SignedReference]:
    """The references that were signed in a sent message."""
    return frozenset(
        SignedReference(uri, tuple((name, tuple(prefixes)) for name, prefixes in transforms), method, digest)
        for uri, transforms, method, digest in json.loads(row.references)
    )


def digest_of(parcel: Parcel) -> str:
    """A digest of everything in a parcel, so that one id never names two contents."""
    digest = hashlib.sha256()
    said: list[Octets] = [parcel.sender.encode(), parcel.receiver.encode(), parcel.conversation_id.encode()]
    said.append(parcel.payload)
    for part in parcel.attachments:
        said += [
            part.id.encode(),
            part.mime_type.encode(),
            repr(sorted(part.properties.items())).encode(),
            part.content,
        ]
    for one in said:
        digest.update(len(one).to_bytes(8, "big"))
        for piece in pieces_of(one):
            digest.update(piece)
    return digest.hexdigest()


def _same(known: OutRow, parcel: Parcel) -> str:
    if known.digest != digest_of(parcel):
        raise UsageError(f"message {parcel.message_id} was already sent with other content; give it its own id")
    return known.message_id


def is_transient(status: int) -> bool:
    """Whether an HTTP status asks to try again: 5xx, 408, 425, 429."""
    return status >= 500 or status in _TRANSIENT_STATUS
