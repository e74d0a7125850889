"""What happened to a message or a case, step by step, and the proof of it, verifiable without network.

The journal of messages and the history of each case are chains of hashes: a row that was changed, added in the middle or left
out breaks the chain behind it. Receipts stand in it as they were received, signed by the far institution.
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final, Literal

import attrs
from pydantic import BaseModel, ConfigDict, ValidationError

from eessi.errors import DefinitionError, InputError, UnknownCode
from eessi.node.stored import ERASED, replay
from eessi.stores import DEFAULT_TENANT, Store
from eessi.stores.cases import CaseRow, CaseRows, DocumentRow, EventRow
from eessi.stores.mail import JournalRow, MailRows, moment_of

__all__ = ["Evidence", "Step", "check_store", "export", "timeline", "verify_file"]


@attrs.frozen(slots=True)
class Step:
    """One step of a message or case. ``proof`` is the SHA-256 of the evidence behind it, if there is one."""

    at: dt.datetime
    message_id: str | None
    step: str
    detail: str
    proof: str | None = None


_FIRST: Final = {"received": 0, "checked": 1}
"""What comes first of steps in the same moment: a message is judged when it has come, and before it is queued."""


def timeline(store: Store, subject: str, *, tenant: str = DEFAULT_TENANT) -> tuple[Step, ...]:
    """The steps of a message, by its id, or of a case with all its messages, in order of time.

    :raises UnknownCode: when the tenant has neither.
    """
    with store.read(tenant) as unit:
        mail, rows = MailRows(unit), CaseRows(unit)
        if rows.case(subject) is not None:
            steps = list(_of_case(mail, rows, subject))
        else:
            steps = [*_of_message(mail, rows, subject), *map(_step, mail.journal(subject))]
    if not steps:
        raise UnknownCode("message or case", subject)
    return tuple(sorted(steps, key=lambda step: (step.at, _FIRST.get(step.step, len(_FIRST)))))


def _step(row: JournalRow) -> Step:
    proof = None if row.evidence is None else hashlib.sha256(row.evidence).hexdigest()
    return Step(moment_of(row.at), row.message_id, row.step, row.detail, proof)


def _of_case(mail: MailRows, rows: CaseRows, case_id: str) -> Iterator[Step]:
    for event in rows.events(case_id):
        body = json.loads(event.body)
        words = " ".join(str(body[key]) for key in ("kind", "sed", "document_id") if key in body)
        yield Step(moment_of(event.at), None, "case", words or ("erased" if ERASED in body else "opened"), event.hash)
    for document in rows.documents(case_id):
        ids = document.message_ids.split()
        yield _checked(document, ids[0] if ids else None)
        for message_id in ids:
            yield from (_step(row) for row in mail.journal(message_id))
    yield from _reads(rows, case_id)
    for held in (*rows.held(case_id=case_id), *rows.held(state="applied", case_id=case_id)):
        yield Step(moment_of(held.at), held.message_id, held.state, f"{held.rule}: {held.reason}")


def _of_message(mail: MailRows, rows: CaseRows, message_id: str) -> Iterator[Step]:
    known = mail.out(message_id) or mail.received(message_id)
    if known is not None and known.conversation_id:
        for document in rows.documents(known.conversation_id):
            if message_id in document.message_ids.split():
                yield _checked(document, message_id)
                yield from _reads(rows, document.case_id, document.document_id, message_id)


def _checked(document: DocumentRow, message_id: str | None) -> Step:
    """When a version of a document was judged, with the SHA-256 of what was judged."""
    said = f"{document.sed} {document.document_id} version {document.version}: {document.verdict}"
    return Step(moment_of(document.at), message_id, "checked", said, document.sha256)


def _reads(rows: CaseRows, case_id: str, document: str | None = None, message_id: str | None = None) -> Iterator[Step]:
    """When documents of a case, or this one of them, were read; who did stands in the log of reads alone."""
    for access in rows.accesses(case_id):
        if access.document_id is not None and document in (None, access.document_id):
            what = "read" if access.what == "document" else access.what.removeprefix("document ")
            yield Step(moment_of(access.at), message_id, "read", f"{access.document_id}: {what}")


# export ----------------------------------------------------------------------------------------------------------------


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Row(_Strict):
    no: int
    message_id: str
    at: str
    step: str
    detail: str
    evidence: str | None
    hash: str

    def row(self) -> JournalRow:
        proof = None if self.evidence is None else base64.b64decode(self.evidence)
        return JournalRow(self.no, self.message_id, self.at, self.step, self.detail, proof, self.hash)


class _Event(_Strict):
    case_id: str
    no: int
    at: str
    body: str
    hash: str


class Evidence(_Strict):
    """The journal up to a moment and the histories of some cases, with every receipt as it was received.

    The journal begins at its first row: only a whole chain can be verified.
    """

    schema_version: Literal[1] = 1
    tenant: str
    journal: tuple[_Row, ...]
    events: tuple[_Event, ...]


def export(store: Store, *, cases: Iterable[str] = (), tenant: str = DEFAULT_TENANT) -> Evidence:
    """Everything needed to prove what was sent and received. It holds receipts and ids, no document.

    :raises UnknownCode: for a case that the tenant does not have.
    """
    with store.read(tenant) as unit:
        rows = CaseRows(unit)
        events = []
        for case_id in cases:
            if rows.case(case_id) is None:
                raise UnknownCode("case", case_id)
            events += [_Event(**attrs.asdict(event)) for event in rows.events(case_id)]
        journal = tuple(_exported(row) for row in MailRows(unit).journal())
    return Evidence(tenant=tenant, journal=journal, events=tuple(events))


def _exported(row: JournalRow) -> _Row:
    proof = None if row.evidence is None else base64.b64encode(row.evidence).decode()
    return _Row(
        no=row.no, message_id=row.message_id, at=row.at, step=row.step, detail=row.detail, evidence=proof, hash=row.hash
    )


def verify_file(file: Path) -> tuple[str, ...]:
    """What does not fit in an exported file; empty when every chain is whole.

    :raises InputError: when it cannot be read. :raises DefinitionError: when it is no evidence.
    """
    try:
        found = Evidence.model_validate_json(file.read_bytes())
    except FileNotFoundError:
        raise InputError("no such file", source=str(file)) from None
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        key = ".".join(str(part) for part in first["loc"])
        raise DefinitionError(str(first["msg"]), file=str(file), key=key or None) from None
    events = [EventRow(e.case_id, e.no, e.at, e.body, e.hash) for e in found.events]
    return (*_journal_troubles(row.row() for row in found.journal), *_event_troubles(events))


def check_store(store: Store, *, tenant: str = DEFAULT_TENANT) -> tuple[str, ...]:
    """The same for everything that a store holds of a tenant; and whether each head says what its history comes to."""
    with store.read(tenant) as unit:
        rows = CaseRows(unit)
        troubles = list(_journal_troubles(MailRows(unit).journal()))
        for head in rows.find(limit=10**9):
            events = list(rows.events(head.case_id))
            found = list(_event_troubles(events))
            troubles += found
            if not events or events[-1].no != head.revision:
                troubles.append(f"case {head.case_id}: its history ends at another event than its head says")
            elif not found and (state := _replayed(head, events)) != head.state:
                troubles.append(f"case {head.case_id}: its head says {head.state}, its history {state}")
    return tuple(troubles)


def _replayed(head: CaseRow, events: list[EventRow]) -> str:
    if any(ERASED in json.loads(event.body) for event in events):
        return ERASED
    return str(replay(head, events).case.state)


def _journal_troubles(rows: Iterable[JournalRow]) -> Iterator[str]:
    before = ""
    for number, row in enumerate(rows, start=1):
        if row.no != number:
            yield f"journal: row {number} is missing"
            return
        if row.hash != row.hash_after(before):
            yield f"journal: row {number} was changed after it was written"
            return
        before = row.hash


def _event_troubles(events: Iterable[EventRow]) -> Iterator[str]:
    before: dict[str, tuple[int, str]] = {}
    for event in events:
        number, last = before.get(event.case_id, (-1, ""))
        if event.no != number + 1:
            yield f"case {event.case_id}: event {number + 1} is missing"
            return
        if event.hash != event.hash_after(last):
            yield f"case {event.case_id}: event {event.no} was changed after it was written"
            return
        before[event.case_id] = (event.no, event.hash)
