"""Cases of RINA into the store: history, documents, attachments, search keys, with a report of what was not understood.

Each case is one transaction: it is there as a whole or not at all. A case that is there already is left alone, so that an
import that was broken off is simply run again. Nothing is signalled: what happened elsewhere is no news to the application.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Iterator
from hashlib import sha256
from pathlib import Path

import attrs

from eessi.buc import Case, Event
from eessi.buc.case import Misfit
from eessi.buc.rina import Imported, NotUnderstood, read_rina_case
from eessi.errors import BrokenData, EessiError, InputError
from eessi.findings import Outcome
from eessi.ids import Action, Role
from eessi.node.files import seal_attachments
from eessi.node.keys import pin_digests
from eessi.node.rina_export import Export, ListedAttachment, cases_below, read_export
from eessi.node.stored import add_events, load, open_case
from eessi.node.vault import Vault, about_document
from eessi.schemas import Registry
from eessi.sed import Attachment, Header, Message, Party, Sed, parse, read_rina_json, validate
from eessi.sed.attachments import safe_name
from eessi.stores import DEFAULT_TENANT, Store, Unit
from eessi.stores.cases import CaseRows, DocumentRow
from eessi.stores.keeping import ImportRow, KeepingRows
from eessi.stores.mail import moment_key

__all__ = ["ImportReport", "import_case", "import_cases"]

_LIMITS = {"case_id": 64, "document_id": 80}
"""Longest ids that the store holds, in characters."""


@attrs.frozen(slots=True)
class ImportReport:
    """What became of one case of an export.

    :param outcome: ``imported``; ``unchanged`` (the same export is in the store already); ``different`` (this case is in the
        store, from another export or from the node itself, and was left alone); ``refused`` (nothing was written; ``why``).
    :param documents: versions of documents with content. :param attachments: files kept; one that is
        only listed is kept as its entry, with no content.
    :param misfits: events that the process does not allow; they are in the case all the same.
    """

    source: str
    outcome: str
    case_id: str | None = None
    documents: int = 0
    attachments: int = 0
    misfits: tuple[Misfit, ...] = ()
    not_understood: tuple[NotUnderstood, ...] = ()
    why: str | None = None


def import_cases(
    store: Store,
    vault: Vault,
    paths: Iterable[Path],
    now: dt.datetime,
    *,
    me: str | None = None,
    tenant: str = DEFAULT_TENANT,
    registry: Registry | None = None,
) -> Iterator[ImportReport]:
    """Import every case below some files and folders, one after the other; a case that is refused does not stop the others.

    :param me: our institution, where the exports do not tell it.
    :raises InputError: for a path that does not exist. :raises StoreError: when the store cannot be written.
    """
    known = registry or Registry.default()
    for file in cases_below(paths):
        try:
            export = read_export(file)
            if export is not None:
                yield import_case(store, vault, export, now, me=me, tenant=tenant, registry=known)
        except InputError as error:
            yield ImportReport(str(file), "refused", why=error.reason)


def import_case(
    store: Store,
    vault: Vault,
    export: Export,
    now: dt.datetime,
    *,
    me: str | None = None,
    tenant: str = DEFAULT_TENANT,
    registry: Registry | None = None,
) -> ImportReport:
    """Import one case that was read.

    :raises StoreError: when the store cannot be written.
    """
    try:
        found = read_rina_case(export.history, me=me, source=export.source)
        _fit(found.case)
    except EessiError as error:
        why = error.reason if isinstance(error, InputError) else str(error)
        return ImportReport(export.source, "refused", why=why)
    work = _Case(vault, tenant, registry or Registry.default(), export, found, now)
    work.read_documents()
    with store.begin(tenant) as unit:
        return work.write(unit)


def _fit(case: Case) -> None:
    if case.id is None:
        raise InputError("the case has no id (internationalId or id)")
    if case.me is None:
        raise InputError("the export does not tell which institution is ours; say it (me)")
    ids = [("case_id", str(case.id)), *(("document_id", event.document_id or "") for event in case.history)]
    for kind, id in ids:
        if len(id) > _LIMITS[kind] or not id.isprintable():
            raise InputError(
                f"a {kind.replace('_', ' ')} is longer than {_LIMITS[kind]} characters or has signs that no id has"
            )


@attrs.define(slots=True)
class _Document:
    event: Event
    message: Message
    attachments: tuple[Attachment, ...]
    medical: bool
    outcome: Outcome


@attrs.define(slots=True)
class _Case:
    vault: Vault
    tenant: str
    registry: Registry
    export: Export
    found: Imported
    now: dt.datetime
    notes: list[NotUnderstood] = attrs.field(factory=list)
    documents: list[_Document] = attrs.field(factory=list)

    def read_documents(self) -> None:
        """What the documents say, before anything is written; what cannot be read is noted."""
        self.notes += [*self.found.not_understood, *self.export.notes]
        newest: dict[str, Event] = {}
        drafts = set()
        for event in self.found.case.history:
            if event.document_id is None:
                continue
            drafts.add(event.document_id) if event.kind == "drafted" else drafts.discard(event.document_id)
            if event.kind in ("sent", "received"):
                newest[event.document_id] = event
        for id, content in self.export.contents.items():
            where = f"document {id}"
            if id in newest:
                self._document(where, newest[id], content)
            elif id in drafts:
                self.notes.append(NotUnderstood(where, "content", "a draft: only that it exists is kept"))
            else:
                self.notes.append(NotUnderstood(where, "content", "its document is not in the history"))
        for id, event in newest.items():
            if id not in self.export.contents:
                self.notes.append(
                    NotUnderstood(f"document {id}", "content", "not in the export: the history alone is kept")
                )
            elif event.version > 1:
                why = f"the export holds one version; it is kept as version {event.version}"
                self.notes.append(NotUnderstood(f"document {id}", "earlier versions", why))

    def _document(self, where: str, event: Event, content: object) -> None:
        listed = self.export.attachments.get(str(event.document_id), ())
        try:
            message = self._message(event, content)
            kept = tuple(map(_attachment, listed))
            outcome = validate(message, self.registry).outcome
        except EessiError as error:
            why = error.reason if isinstance(error, InputError) else str(error)
            self.notes.append(NotUnderstood(where, "content", why))
            return
        if message.sed.type != event.sed:
            self.notes.append(
                NotUnderstood(where, "content", f"a {message.sed.type}, where the history says {event.sed}")
            )
            return
        medical = any(one.medical for one in listed) or any(one.medical for one in message.header.attachments)
        self.documents.append(_Document(event, message, kept, medical, outcome))

    def _message(self, event: Event, content: object) -> Message:
        if isinstance(content, bytes):
            parsed = parse(content)
            if isinstance(parsed, Message):
                return parsed
            sed = parsed
        else:
            text = json.dumps(content, ensure_ascii=False)
            sed = read_rina_json(text, version=self.found.case.version, registry=self.registry)
        return Message.compose(self._header(event, sed), sed)

    def _header(self, event: Event, sed: Sed) -> Header:
        case = self.found.case
        people = {str(p.institution): p.role for p in case.participants if p.institution is not None}
        me = str(case.me)
        sender = me if event.kind == "sent" else str(event.sender or next((p for p in people if p != me), me))
        others = [str(one) for one in event.receivers or ()] or [p for p in people if p != sender] or [sender]
        document = f"{event.document_id}"
        return Header(
            sender=Party(sender, people.get(sender, Role.COUNTERPARTY)),
            receivers=tuple(Party(one, people.get(one, Role.COUNTERPARTY)) for one in others),
            sed=sed.type,
            sed_version=sed.version,
            buc=case.buc.code,
            buc_version=case.version,
            action=Action.UPDATE if event.version > 1 else Action.NEW,
            case_id=case.id,
            instance_id=f"{document}/{event.version}",
            set_id=document,
            document_version=event.version,
            created=None if event.at is None else event.at.isoformat(timespec="seconds"),
            header_version="1.1",
        )

    def write(self, unit: Unit) -> ImportReport:
        """Write the case, or leave alone what is there.

        :raises BrokenData: when what was written does not read back as what was imported; nothing stays then.
        """
        rows, keeping, case = CaseRows(unit), KeepingRows(unit), self.found.case
        case_id = str(case.id)
        if rows.case(case_id) is not None:
            before = keeping.imported(case_id)
            same = before is not None and before.sha256 == self.export.sha256
            why = None if same else "this case is in the store already, from elsewhere; it was left alone"
            return ImportReport(self.export.source, "unchanged" if same else "different", case_id, why=why)
        moments = [event.at for event in case.history if event.at is not None]
        first, last = min(moments, default=self.now), max(moments, default=self.now)
        stored = open_case(rows, case.begin(), first)
        add_events(rows, stored, case, last, case.next_day(self.now.date()))
        for document in self.documents:
            self._keep(rows, case_id, document)
        report = json.dumps([{"where": note.where, "why": note.why} for note in self.notes], ensure_ascii=False)
        keeping.add_import(ImportRow(case_id, moment_key(self.now), self.export.sha256, report))
        if load(rows, case_id, anew=True).case != case:
            raise BrokenData(f"case {case_id} does not read back from the store as it was imported")
        return ImportReport(
            self.export.source, "imported", case_id, len(self.documents),
            sum(bool(part.content) for one in self.documents for part in one.attachments), self.found.misfits, tuple(self.notes),
        )  # fmt: skip

    def _keep(self, rows: CaseRows, case_id: str, document: _Document) -> None:
        event, id = document.event, str(document.event.document_id)
        about = about_document(self.tenant, case_id, id, event.version)
        rows.add_document(
            DocumentRow(
                case_id, id, event.version, str(document.message.sed.type), "OUT" if event.kind == "sent" else "IN",
                moment_key(event.at or self.now), "", sha256(document.message.data).hexdigest(),
                id in self.export.protected or bool(document.message.header.protected), document.medical,
                str(document.outcome), self.vault.seal(document.message.data, about),
            )
        )  # fmt: skip
        rows.add_attachments(case_id, id, event.version, seal_attachments(self.vault, document.attachments, about))
        rows.add_keys(case_id, pin_digests(self.vault, document.message.sed))


def _attachment(one: ListedAttachment) -> Attachment:
    """The file, or the entry of the list with nothing in it, where the export has only that."""
    if one.content is None:
        return Attachment(one.identifier, safe_name(one.file_name), one.media_type or "", b"", one.medical, one.section)
    return Attachment.of(
        one.content, one.file_name, identifier=one.identifier, medical=one.medical, section=one.section
    )
