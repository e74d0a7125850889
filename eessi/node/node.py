"""An institution at work: one object that binds cases, documents, directory, schemas, transport and store.

Everything that changes a case and everything that must be sent because of it is written in one transaction: after a crash
at any moment both are there, or neither.
"""

from __future__ import annotations

import datetime as dt
import json
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from logging import INFO, WARNING
from typing import Final

import attrs

from eessi.buc import Case, Event, Moves, WhyNot, buc
from eessi.errors import EessiError, StoreError, UsageError
from eessi.findings import Outcome, Verdict
from eessi.ids import BucId, CaseId, CdmVersion, InstitutionId, Role
from eessi.node.files import Row, open_attachments, open_parts, seal_attachments, seal_parts
from eessi.node.intake import (
    OVERTAKEN,
    Content,
    Held,
    Incoming,
    ReadContent,
    Signers,
    any_signer,
    apply_to,
    content_of,
    event_for,
    new_case,
    read_parcel,
    told,
)
from eessi.node.keys import days_between, pin_digest, pin_digests
from eessi.node.log import Line, write_line
from eessi.node.outgoing import DocumentRefused, Draft, Sent, headers, part_of, same_version, sending_event
from eessi.node.signals import Received, SignalType
from eessi.node.stored import ERASED, CaseMoved, Stored, add_events, load, open_case
from eessi.node.vault import Vault, about_document
from eessi.octets import Octets
from eessi.schemas import Registry
from eessi.sed import Attachment, Header, Message, Sed, parse, validate
from eessi.sed.header_xml import HeaderForm
from eessi.stores import DEFAULT_TENANT, Store, Unit
from eessi.stores.cases import CaseRow, CaseRows, DocumentRow, HeldRow, SignalRow
from eessi.stores.mail import moment_key
from eessi.transport import Parcel
from eessi.transport.engine import Engine
from eessi.transport.outbox import Ready
from eessi.transport.wire import Answer as HttpAnswer

__all__ = ["Node"]


_TRIES: Final = 5
"""How often a document is composed anew because its case moved meanwhile and the caller did not say what it had seen."""


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


class Node:
    """One institution of one tenant.

    :param engine: its end of AS4; its outbox and inbox live in the same ``store``.
    :param vault: seals documents and makes search keys.
    :param reader: reads from a document what its process needs; see :func:`eessi.node.intake.content_of`.
    :param signers: what the signature of a received document must be like; see :func:`eessi.node.intake.any_signer`.
    :param forms: header forms of the user's own schema; the first is written. Needed, for one, to say *protected person*.
    :param clock: the time, an argument so that tests own it.
    :param wake: called inside the unit of work for each message queued for sending; see :mod:`eessi.node.workers`.
    """

    def __init__(
        self,
        store: Store,
        engine: Engine,
        vault: Vault,
        *,
        registry: Registry | None = None,
        tenant: str = DEFAULT_TENANT,
        reader: ReadContent = content_of,
        signers: Signers = any_signer,
        forms: tuple[HeaderForm, ...] = (),
        clock: Callable[[], dt.datetime] = _now,
        new_id: Callable[[], str] = lambda: str(uuid.uuid4()),
        wake: Callable[[Unit], None] | None = None,
    ) -> None:
        if engine.outbox.store is not store or engine.outbox.tenant != tenant:
            raise UsageError(
                "the node and its engine must share one store and tenant, or they cannot share a transaction"
            )
        self.store, self.engine, self.vault, self.tenant = store, engine, vault, tenant
        self.registry = registry or Registry.default()
        self.me: Final = engine.identity.institution
        self.reader, self.signers, self.forms = reader, signers, forms
        self.clock, self.new_id, self.wake = clock, new_id, wake

    # --- cases ---

    def start(
        self,
        process: str,
        receivers: Sequence[str],
        *,
        version: str | CdmVersion,
        national_number: str | None = None,
    ) -> CaseId:
        """Open a case as its owner. Nothing is sent yet: :meth:`send` the starter SED.

        :param receivers: institutions that take part; one in a bilateral process.
        """
        others = tuple(InstitutionId(one) for one in receivers)
        case = buc(process).start(
            as_=Role.CASE_OWNER, version=version, case_id=self.new_id(), me=self.me, counterparties=others
        )
        with self.store.begin(self.tenant) as unit:
            open_case(CaseRows(unit), case, self.clock(), national_number=national_number)
            self._signal(CaseRows(unit), SignalType.CASE_OPENED, str(case.id), buc=str(case.buc.code))
        assert case.id is not None
        self._log("opened", {"case": str(case.id)})
        return case.id

    def case(self, case_id: str) -> Case:
        """A case as it stands now.

        :raises UnknownCode: when this tenant has no such case.
        """
        return self._stored(case_id).case

    def revision(self, case_id: str) -> int:
        """Number of the last event of a case; name it in :meth:`send` to act only on what was seen."""
        return self._stored(case_id).revision

    def _stored(self, case_id: str) -> Stored:
        with self.store.glance(self.tenant) as unit:
            return load(CaseRows(unit), str(CaseId(case_id)))

    def allowed(self, case_id: str, facts: Mapping[str, bool] | None = None) -> Moves:
        """What may be done in a case today."""
        return self.case(case_id).allowed(self.clock().date(), facts or {})

    def why_not(self, case_id: str, sed: str, facts: Mapping[str, bool] | None = None) -> WhyNot | None:
        """Why a SED may not be sent today; ``None`` when it may."""
        return self.case(case_id).why_not(sed, on=self.clock().date(), facts=facts or {})

    def find(
        self,
        *,
        pin: str | None = None,
        country: str | None = None,
        partner: str | None = None,
        process: str | None = None,
        state: str | None = None,
        national_number: str | None = None,
        due_before: dt.date | None = None,
        opened: tuple[dt.date | None, dt.date | None] = (None, None),
        changed: tuple[dt.date | None, dt.date | None] = (None, None),
        limit: int = 1000,
    ) -> tuple[CaseRow, ...]:
        """Heads of the cases that fit everything asked for.

        :param pin: a personal identification number, found through a keyed digest; with ``country`` where the document
            names one.
        :param opened: :param changed: first and last day, in UTC, both included; ``None`` leaves that end open.
        """
        digest = None if pin is None else pin_digest(self.vault, pin, country)
        with self.store.read(self.tenant) as unit:
            found = CaseRows(unit).find(
                digest=digest,
                partner=partner,
                buc=None if process is None else str(BucId(process)),
                state=state,
                national_number=national_number,
                due_before=None if due_before is None else due_before.isoformat(),
                opened=days_between(*opened),
                changed=days_between(*changed),
                limit=limit,
            )
            return tuple(found)

    # --- sending ---

    def send(
        self,
        case_id: str,
        sed: Sed,
        *,
        parent_id: str | None = None,
        document_id: str | None = None,
        receivers: Sequence[str] | None = None,
        attachments: Sequence[Attachment] = (),
        content: Content | None = None,
        protected: bool = False,
        seen: int | None = None,
    ) -> Sent:
        """Send a document in a case: check it, move the case and queue the messages, all or nothing.

        :param parent_id: the document it answers. :param document_id: of a document that is updated.
        :param receivers: some of the participants; all by default.
        :param seen: revision of the case that the caller looked at; refused when the case has moved since.
        :raises NotAllowed: when the process does not allow it now. :raises DocumentRefused: when it is invalid.
        :raises CaseMoved: when somebody else moved the case meanwhile.
        """
        verdict = validate(sed, self.registry)
        if verdict.outcome is Outcome.INVALID:
            raise DocumentRefused(verdict)
        said = self.reader(sed) if content is None else content
        draft = Draft(
            sed, verdict, said, document_id or self.new_id(), parent_id, receivers, tuple(attachments), protected
        )
        for left in reversed(range(_TRIES)):
            before = self._stored(case_id)
            self._unmoved(before, seen)
            try:
                return self._sent(before, draft)
            except CaseMoved:
                if seen is not None or not left:
                    raise
        raise AssertionError("the last try returns or raises")

    def _sent(self, before: Stored, draft: Draft) -> Sent:
        """Compose and sign first, since that takes longest and needs no lock; then write, if the case stands as it did."""
        sed, verdict = draft.sed, draft.verdict
        same_version(before.case, sed)
        now = self.clock()
        event = sending_event(
            before.case, sed, draft.document_id, draft.parent_id, draft.receivers, draft.said, len(draft.attachments), now
        )  # fmt: skip
        after = before.case.apply(event)
        done = after.history[-1]
        messages = [
            Message.compose(header, sed, draft.attachments, forms=self.forms)
            for header in self._headers(before.case, after, draft, done)
        ]
        ready = [self.engine.outbox.ready(self._parcel(one), now, proved=verdict.is_valid) for one in messages]
        with self.store.begin(self.tenant) as unit:
            rows = CaseRows(unit)
            ids = tuple(self._put(unit, one, now) for one in ready)
            self._keep(rows, before, after, done, sed, messages[0], ids, verdict, draft.protected, "OUT", now)
            data = {"sed": str(sed.type), "document_id": str(done.document_id), "version": str(done.version)}
            self._signal(rows, SignalType.SED_SENT, str(after.id), **data)
            self._changed(rows, before.case, after)
        assert after.id is not None
        sent = Sent(after.id, str(done.document_id), done.version, ids, verdict)
        line = Line(case=str(sent.case_id), document=sent.document_id, version=sent.version, sed=str(sed.type))
        self._log("sent", {**line, "messages": list(ids), "verdict": str(verdict.outcome)})
        return sent

    def _log(self, event: str, line: Line, *, level: int = INFO) -> None:
        """A line for the operators, behind the commit of what it tells."""
        write_line(event, {"tenant": self.tenant, **line}, level=level)

    def _headers(self, before: Case, after: Case, draft: Draft, done: Event) -> Iterator[Header]:
        version = self.forms[0].version if self.forms else "1.1"
        return headers(before, after, draft, done, self.me, self.new_id, self.clock(), version)

    def close(self, case_id: str) -> Case:
        """Close our own copy of a case, where its process allows that without a SED."""
        return self._without_document(case_id, Event("closed", at=self.clock()))

    def reopen(self, case_id: str) -> Case:
        """Reopen our own copy of a case that was closed without a SED."""
        return self._without_document(case_id, Event("reopened", at=self.clock()))

    def archive(self, case_id: str) -> Case:
        """Archive our own copy of a closed case."""
        return self._without_document(case_id, Event("archived", at=self.clock()))

    def _without_document(self, case_id: str, event: Event) -> Case:
        with self.store.begin(self.tenant) as unit:
            rows = CaseRows(unit)
            before = load(rows, str(CaseId(case_id)))
            after = before.case.apply(event)
            add_events(rows, before, after, self.clock(), self._due(after))
            self._changed(rows, before.case, after)
        return after

    def _unmoved(self, before: Stored, seen: int | None) -> None:
        if seen is not None and seen != before.revision:
            raise CaseMoved(before.case, before.revision)

    def _parcel(self, message: Message) -> Parcel:
        header = message.header
        parts = tuple(map(part_of, message.attachments))
        receiver = InstitutionId(header.receivers[0].id)
        return Parcel(self.me, receiver, message.data, parts, conversation_id=str(header.case_id))

    def _put(self, unit: Unit, ready: Ready, now: dt.datetime) -> str:
        message_id = self.engine.outbox.put(ready, now, unit=unit)
        if self.wake is not None:
            self.wake(unit)
        return message_id

    def _keep(
        self,
        rows: CaseRows,
        before: Stored,
        after: Case,
        event: Event,
        sed: Sed,
        message: Message,
        message_ids: Sequence[str],
        verdict: Verdict,
        protected: bool,
        direction: str,
        now: dt.datetime,
    ) -> None:
        """Write events, document with its attachments, and search keys of one step."""
        from hashlib import sha256

        stored = add_events(rows, before, after, now, self._due(after))
        case_id, document_id = stored.row.case_id, str(event.document_id)
        flags = [entry.medical for entry in message.header.attachments] + [one.medical for one in message.attachments]
        about = self._about(case_id, document_id, event.version)
        rows.add_document(
            DocumentRow(
                case_id,
                document_id,
                event.version,
                str(sed.type),
                direction,
                moment_key(now),
                " ".join(message_ids),
                sha256(message.data).hexdigest(),
                bool(protected or message.header.protected),
                any(flags),
                str(verdict.outcome),
                self.vault.seal(message.data, about),
            )
        )
        sealed = seal_attachments(self.vault, message.attachments, about)
        rows.add_attachments(case_id, document_id, event.version, sealed)
        rows.add_keys(case_id, pin_digests(self.vault, sed))

    def _about(self, case_id: str, document_id: str, version: int) -> str:
        return about_document(self.tenant, case_id, document_id, version)

    # --- receiving ---

    def take(self, body: Octets, content_type: str, now: dt.datetime) -> HttpAnswer:
        """Take in what came over our own HTTP address; a handler for :func:`eessi.transport.http_server.as4_app`."""
        taken = self.engine.take(body, content_type, now)
        if taken.message_id is not None and taken.code is None:
            self._log("arrived", {"message": taken.message_id})
        return taken.answer

    def step(self) -> bool:
        """Do one thing: send, pull, time out, or apply a message that came in. False when there was nothing to do."""
        return self.engine.step(self.clock()) or self.apply_next()

    def apply_next(self) -> bool:
        """Apply the oldest message that waits in the inbox, or hold it with the reason; false when none waits.

        Applying and acknowledging are one transaction: after a crash the message is either applied or waiting.
        """
        parcel = self.engine.inbox.next()
        if parcel is None:
            return False
        self._apply_parcel(parcel)
        return True

    def apply_message(self, message_id: str) -> bool:
        """Apply one message that waits in the inbox, or hold it with the reason; false when it does not wait any more."""
        parcel = self.engine.inbox.next(message_id)
        return parcel is not None and self._apply_parcel(parcel)

    def _apply_parcel(self, parcel: Parcel) -> bool:
        """Read and check first, since that takes longest and needs no lock; then write, if nobody else was faster."""
        now = self.clock()
        incoming = self._read(parcel)
        with self.store.begin(self.tenant) as unit:
            if not self.engine.inbox.is_waiting(unit, parcel.message_id):
                return False
            reason = self._take(unit, parcel, incoming, now)
            self.engine.inbox.delivered(parcel.message_id, now, reason=reason, unit=unit)
        line = Line(message=parcel.message_id, partner=str(parcel.sender), **told(incoming))
        if reason is None:
            self._log("applied", line)
        else:
            self._log("held", {**line, "rule": reason.partition(":")[0]}, level=WARNING)
        return True

    def _checked(self, parcel: Parcel) -> Incoming:
        return read_parcel(parcel, self.me, self.registry, self.reader, self.signers, self.clock())

    def _read(self, parcel: Parcel) -> Incoming | Held:
        try:
            return self._checked(parcel)
        except Held as held:
            return held
        except EessiError as error:
            return Held("NODE-BROKEN", reason=str(error))

    def _take(self, unit: Unit, parcel: Parcel, incoming: Incoming | Held, now: dt.datetime) -> str | None:
        """Apply one parcel and whatever it sets free; the reason when it is held."""
        rows = CaseRows(unit)
        try:
            if isinstance(incoming, Held):
                raise incoming
            case_id = self._receive_one(rows, incoming, now)
        except Held as held:
            self._hold(rows, parcel, held, now)
            return f"{held.rule}: {held.reason}"
        except StoreError:
            raise  # nothing can be written now: the message stays in the inbox
        except EessiError as error:  # whatever else is wrong with one message or case must not stop the others
            self._hold(rows, parcel, Held("NODE-BROKEN", reason=str(error)), now)
            return f"NODE-BROKEN: {error}"
        self._release(rows, case_id, now)
        return None

    def _receive_one(self, rows: CaseRows, incoming: Incoming, now: dt.datetime) -> str:
        case_id = str(incoming.message.header.case_id)
        opened = rows.case(case_id) is None
        if opened:
            fresh = new_case(incoming, self.me)
            after = apply_to(fresh, event_for(incoming, now))  # first of all: a case is opened only by what it allows
            before = open_case(rows, fresh, now)
            self._signal(rows, SignalType.CASE_OPENED, case_id, buc=str(fresh.buc.code))
        else:
            before = load(rows, case_id)
            if before.row.state == ERASED:
                raise Held("NODE-ERASED", case_id=case_id)
            after = apply_to(before.case, event_for(incoming, now))
        if after is not before.case:  # else it came before, under another message id
            self._record(rows, incoming, before, after, opened, now)
        return case_id

    def _record(
        self, rows: CaseRows, incoming: Incoming, before: Stored, after: Case, opened: bool, now: dt.datetime
    ) -> None:
        message, event = incoming.message, after.history[-1]
        protected = bool(message.header.protected)
        ids = [incoming.parcel.message_id]
        self._keep(rows, before, after, event, message.sed, message, ids, incoming.verdict, protected, "IN", now)
        received = Received(
            0,
            str(after.id),
            str(message.sed.type),
            str(event.document_id),
            event.version,
            str(incoming.parcel.sender),
            opened,
        )
        data = {k: v for k, v in attrs.asdict(received).items() if k not in ("signal", "case_id")}
        rows.add_signal(moment_key(now), SignalType.SED_RECEIVED, received.case_id, json.dumps(data, sort_keys=True))
        self._changed(rows, before.case, after)

    def _hold(self, rows: CaseRows, parcel: Parcel, held: Held, now: dt.datetime) -> None:
        about = self._about("", parcel.message_id, 0)
        sealed = self.vault.seal(parcel.payload, about)
        if rows.held_message(parcel.message_id) is None:
            rows.hold_parts(parcel.message_id, seal_parts(self.vault, parcel.attachments, about))
        row = HeldRow(
            parcel.message_id, moment_key(now), "held", held.rule, held.reason, str(parcel.sender), sealed, held.answer, held.case_id
        )  # fmt: skip
        rows.hold(row)
        self._signal(rows, SignalType.MESSAGE_HELD, held.case_id, message_id=parcel.message_id, rule=held.rule)

    def _release(self, rows: CaseRows, case_id: str, now: dt.datetime) -> None:
        """Try held messages of a case again that were held because they overtook what has come now."""
        moved = True
        while moved:
            moved = False
            for row in [one for one in rows.held(case_id=case_id) if one.rule in OVERTAKEN]:
                if self._try_again(rows, row, now):
                    moved = True

    def _try_again(self, rows: CaseRows, row: HeldRow, now: dt.datetime) -> bool:
        about = self._about("", row.message_id, 0)
        parts = open_parts(self.vault, lambda no: rows.held_part(row.message_id, no), about)
        payload = self.vault.open(row.body, about)
        parcel = Parcel(InstitutionId(row.sender), self.me, payload, parts, message_id=row.message_id)
        try:
            self._receive_one(rows, self._checked(parcel), now)
        except Held as held:
            rows.hold(attrs.evolve(row, rule=held.rule, reason=held.reason, answer=held.answer))
            return False
        rows.hold(attrs.evolve(row, state="applied", body=b""))  # the case has it now
        rows.drop_held_parts(row.message_id)
        return True

    def receive(self, handler: Callable[[Unit, Received], None] | None = None) -> Iterator[Received]:
        """Documents that came in and that the application has not taken yet, oldest first.

        A document counts as taken when the next one is asked for. With a ``handler``, what it writes through the unit of
        work and the taking are one transaction: exactly once, whatever happens in between.
        """
        while True:
            with self.store.begin(self.tenant) as unit:
                rows = CaseRows(unit)
                row = rows.next_signal([SignalType.SED_RECEIVED])
                if row is None:
                    return
                received = _received(row)
                if handler is not None:
                    handler(unit, received)
                    rows.signal_taken(row.no)
            yield received
            if handler is None:
                with self.store.begin(self.tenant) as unit:
                    CaseRows(unit).signal_taken(row.no)

    # --- held messages ---

    def held(self) -> tuple[HeldRow, ...]:
        """Messages that could not be applied, with their reasons, oldest first."""
        with self.store.read(self.tenant) as unit:
            return tuple(CaseRows(unit).held())

    def retry(self, message_id: str) -> bool:
        """Try a held message again, after its cause was mended; whether it was applied.

        :raises UsageError: when no such message is held.
        """
        with self.store.begin(self.tenant) as unit:
            rows = CaseRows(unit)
            row = rows.held_message(message_id)
            if row is None or row.state != "held":
                raise UsageError(f"no message {message_id} is held")
            if not self._try_again(rows, row, self.clock()):
                return False
            if row.case_id is not None:
                self._release(rows, row.case_id, self.clock())
            return True

    # --- documents ---

    def document(
        self, case_id: str, document_id: str, *, who: str, version: int | None = None, right: bool = False
    ) -> Message:
        """A document of a case with its attachments; the reading is written down. Large attachments are read from the store
        only when they are opened.

        :param who: who reads, as it shall stand in the log. :param right: may see protected and medical documents.
        :raises UsageError: when there is no such document, or it is hidden without the right.
        """
        with self.store.begin(self.tenant) as unit:
            rows = CaseRows(unit)
            row = rows.document(str(CaseId(case_id)), document_id, version)
            if row is None:
                raise UsageError(f"the case {case_id} has no document {document_id}")
            hidden = (row.protected or row.medical) and not right
            what = "document refused" if hidden else "document"
            rows.note_access(moment_key(self.clock()), who, what, row.case_id, row.document_id)
        line = Line(case=row.case_id, document=row.document_id, version=row.version)
        self._log("refused" if hidden else "read", line)
        if hidden:
            raise UsageError(f"document {document_id} is protected or medical; a right is needed to read it")
        if not row.body:
            raise UsageError(f"the contents of case {case_id} were erased")
        about = self._about(row.case_id, row.document_id, row.version)
        message = parse(self.vault.open(row.body, about))
        assert isinstance(message, Message)
        return attrs.evolve(message, attachments=open_attachments(self.vault, self._attachment_rows(row), about))

    def _attachment_rows(self, of: DocumentRow) -> Row:
        def row(no: int) -> bytes | None:
            with self.store.read(self.tenant) as unit:
                return CaseRows(unit).attachment(of.case_id, of.document_id, of.version, no)

        return row

    # --- what others are told ---

    def signals(self, *, after: int = 0) -> tuple[SignalRow, ...]:
        """All signals after a number, for :func:`eessi.node.as_cloud_event`."""
        with self.store.read(self.tenant) as unit:
            return tuple(CaseRows(unit).signals(after=after))

    def _signal(self, rows: CaseRows, type: SignalType, case_id: str | None, **data: str) -> None:
        rows.add_signal(moment_key(self.clock()), type, case_id, json.dumps(data, sort_keys=True))

    def _changed(self, rows: CaseRows, before: Case, after: Case) -> None:
        today = self.clock().date()
        new = after.allowed(today).seds - before.allowed(today).seds
        if new:
            self._signal(rows, SignalType.MOVE_ALLOWED, str(after.id), seds=" ".join(sorted(new)))
        if before.state is not after.state and before.history:
            closed = "closed" in str(after.state)
            kind = SignalType.CASE_CLOSED if closed else SignalType.CASE_CHANGED
            self._signal(rows, kind, str(after.id), state=str(after.state))

    def _due(self, case: Case) -> dt.date | None:
        return case.next_day(self.clock().date())


def _received(row: SignalRow) -> Received:
    data = json.loads(row.data)
    return Received(row.no, str(row.case_id), **data)
