"""Cases of an institution over SQLite and PostgreSQL: heads, events, documents, search keys, quarantine, signals, reads.

Tables and row values, no rules. Contents of documents arrive here sealed; search keys are keyed digests.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator
from typing import Final, TypeVar, cast

import attrs
import sqlalchemy as sa
from sqlalchemy import Boolean, Column, Index, Integer, LargeBinary, MetaData, String, Table, Text

from eessi.stores.chain import chained
from eessi.stores.store import Unit

__all__ = ["METADATA", "AccessRow", "CaseRow", "CaseRows", "DocumentRow", "EventRow", "HeldRow", "SignalRow"]

METADATA: Final = MetaData()

_Row = TypeVar("_Row")

CASE: Final = Table(
    "case_head",
    METADATA,
    Column("tenant", String(64), primary_key=True),
    Column("case_id", String(64), primary_key=True),
    Column("buc", String(24), nullable=False),
    Column("version", String(16), nullable=False),
    Column("role", String(24), nullable=False),
    Column("me", String(80), nullable=False),
    Column("partners", Text, nullable=False),
    Column("state", String(24), nullable=False),
    Column("revision", Integer, nullable=False),
    Column("opened_at", String(40), nullable=False),
    Column("changed_at", String(40), nullable=False),
    Column("due_at", String(40)),
    Column("national_number", String(80)),
    Column("untold_due", String(40)),
    Index("case_head_by_state", "tenant", "state", "changed_at"),
    Index("case_head_by_buc", "tenant", "buc", "state"),
    Index("case_head_by_due", "tenant", "due_at"),
    Index("case_head_by_untold_due", "tenant", "untold_due"),
    Index("case_head_by_number", "tenant", "national_number"),
    Index("case_head_by_change", "tenant", "changed_at"),
    Index("case_head_by_opening", "tenant", "opened_at"),
)
PARTNER: Final = Table(
    "case_partner",
    METADATA,
    Column("tenant", String(64), primary_key=True),
    Column("case_id", String(64), primary_key=True),
    Column("institution", String(80), primary_key=True),
    Index("case_partner_by_institution", "tenant", "institution", "case_id"),
)
EVENT: Final = Table(
    "case_event",
    METADATA,
    Column("tenant", String(64), primary_key=True),
    Column("case_id", String(64), primary_key=True),
    Column("no", Integer, primary_key=True, autoincrement=False),
    Column("at", String(40), nullable=False),
    Column("body", Text, nullable=False),
    Column("hash", String(64), nullable=False),
)
DOCUMENT: Final = Table(
    "case_document",
    METADATA,
    Column("tenant", String(64), primary_key=True),
    Column("case_id", String(64), primary_key=True),
    Column("document_id", String(80), primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("sed", String(16), nullable=False),
    Column("direction", String(3), nullable=False),
    Column("at", String(40), nullable=False),
    Column("message_ids", Text, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("protected", Boolean, nullable=False),
    Column("medical", Boolean, nullable=False),
    Column("verdict", String(16), nullable=False),
    Column("body", LargeBinary, nullable=False),
)
ATTACHMENT: Final = Table(
    "case_attachment",
    METADATA,
    Column("tenant", String(64), primary_key=True),
    Column("case_id", String(64), primary_key=True),
    Column("document_id", String(80), primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("no", Integer, primary_key=True, autoincrement=False),
    Column("body", LargeBinary, nullable=False),
)
KEY: Final = Table(
    "case_key",
    METADATA,
    Column("tenant", String(64), primary_key=True),
    Column("case_id", String(64), primary_key=True),
    Column("digest", String(64), primary_key=True),
    Index("case_key_by_digest", "tenant", "digest", "case_id"),
)
HELD: Final = Table(
    "case_held",
    METADATA,
    Column("tenant", String(64), primary_key=True),
    Column("message_id", String(255), primary_key=True),
    Column("no", Integer, nullable=False),
    Column("at", String(40), nullable=False),
    Column("state", String(16), nullable=False),
    Column("rule", String(40), nullable=False),
    Column("reason", Text, nullable=False),
    Column("answer", String(16)),
    Column("case_id", String(64)),
    Column("sender", String(80), nullable=False),
    Column("body", LargeBinary, nullable=False),
    Index("case_held_by_state", "tenant", "state", "no"),
    Index("case_held_by_case", "tenant", "case_id", "state"),
)
HELD_PART: Final = Table(
    "case_held_part",
    METADATA,
    Column("tenant", String(64), primary_key=True),
    Column("message_id", String(255), primary_key=True),
    Column("no", Integer, primary_key=True, autoincrement=False),
    Column("body", LargeBinary, nullable=False),
)
SIGNAL: Final = Table(
    "case_signal",
    METADATA,
    Column("tenant", String(64), primary_key=True),
    Column("no", Integer, primary_key=True, autoincrement=False),
    Column("at", String(40), nullable=False),
    Column("type", String(64), nullable=False),
    Column("case_id", String(64)),
    Column("data", Text, nullable=False),
    Column("state", String(16), nullable=False),
    Index("case_signal_by_state", "tenant", "state", "no"),
    Index("case_signal_by_type", "tenant", "type", "case_id"),
)
ACCESS: Final = Table(
    "case_access",
    METADATA,
    Column("tenant", String(64), primary_key=True),
    Column("no", Integer, primary_key=True, autoincrement=False),
    Column("at", String(40), nullable=False),
    Column("who", String(120), nullable=False),
    Column("what", String(40), nullable=False),
    Column("case_id", String(64)),
    Column("document_id", String(80)),
)


@attrs.frozen(slots=True)
class CaseRow:
    """The head of a case: what is searched and shown without replaying its events.

    :param partners: ids of the other institutions, separated by a space.
    :param revision: number of its last event; a writer names the one it saw.
    """

    case_id: str
    buc: str
    version: str
    role: str
    me: str
    partners: str
    state: str
    revision: int
    opened_at: str
    changed_at: str
    due_at: str | None = None
    national_number: str | None = None


@attrs.frozen(slots=True)
class EventRow:
    """One event of a case as JSON; ``hash`` covers it and the hash before it."""

    case_id: str
    no: int
    at: str
    body: str
    hash: str = ""

    def hash_after(self, before: str) -> str:
        """The hash this row must have behind a row with the hash ``before``."""
        return chained(before, self.case_id, self.no, self.at, self.body)


@attrs.frozen(slots=True)
class DocumentRow:
    """One version of a document; ``body`` is the sealed message. ``message_ids`` are separated by a space."""

    case_id: str
    document_id: str
    version: int
    sed: str
    direction: str
    at: str
    message_ids: str
    sha256: str
    protected: bool
    medical: bool
    verdict: str
    body: bytes = attrs.field(repr=False)


@attrs.frozen(slots=True)
class HeldRow:
    """A message that could not be applied, with the reason. ``state``: ``held``, ``applied`` or ``dropped``."""

    message_id: str
    at: str
    state: str
    rule: str
    reason: str
    sender: str
    body: bytes = attrs.field(repr=False)
    answer: str | None = None
    case_id: str | None = None
    no: int = 0


@attrs.frozen(slots=True)
class SignalRow:
    """Something that happened and that somebody outside is told. ``data`` is JSON with ids only."""

    no: int
    at: str
    type: str
    case_id: str | None
    data: str
    state: str = "pending"


@attrs.frozen(slots=True)
class AccessRow:
    """Who read what, and when."""

    no: int
    at: str
    who: str
    what: str
    case_id: str | None
    document_id: str | None


class CaseRows:
    """The case tables inside one unit of work."""

    def __init__(self, unit: Unit) -> None:
        self._unit = unit

    # --- heads ---

    def add_case(self, row: CaseRow) -> None:
        """Add the head of a new case, with its partners."""
        self._unit.insert(CASE, [{**attrs.asdict(row), "untold_due": row.due_at}])
        self._add_partners(row)

    def case(self, case_id: str) -> CaseRow | None:
        """The head of that case."""
        found = self._unit.rows(_CASE_BY_ID, case_id=case_id)
        return CaseRow(*found[0]) if found else None  # type: ignore[arg-type]  # the columns are the fields, in order

    def move_case(self, row: CaseRow, before: CaseRow) -> bool:
        """Write a head in the place of ``before``; false when another writer was faster."""
        values = {name: getattr(row, name) for name in _MOVING}
        where = {"at_tenant": self._unit.tenant, "at_case": row.case_id, "seen": before.revision}
        if self._unit.change(_MOVE_CASE, **values, **where) != 1:
            return False
        if row.partners != before.partners:
            mine = sa.and_(PARTNER.c.tenant == self._unit.tenant, PARTNER.c.case_id == row.case_id)
            self._unit.execute(sa.delete(PARTNER).where(mine))
            self._add_partners(row)
        return True

    def _add_partners(self, row: CaseRow) -> None:
        partners = sorted(set(row.partners.split()))
        self._unit.insert(PARTNER, [{"case_id": row.case_id, "institution": one} for one in partners])

    def find(
        self,
        *,
        digest: str | None = None,
        partner: str | None = None,
        buc: str | None = None,
        state: str | None = None,
        national_number: str | None = None,
        due_before: str | None = None,
        changed: tuple[str | None, str | None] = (None, None),
        opened: tuple[str | None, str | None] = (None, None),
        limit: int = 1000,
    ) -> Iterator[CaseRow]:
        """Heads that fit everything asked for, those with the nearest deadline first, then the latest changed.

        :param changed: :param opened: first moment and the moment behind the last one; ``None`` leaves that end open.
        """
        asked = {
            "digest": digest, "partner": partner, "buc": buc, "state": state, "national_number": national_number,
            "due_before": due_before, "changed_since": changed[0], "changed_until": changed[1],
            "opened_since": opened[0], "opened_until": opened[1],
        }  # fmt: skip
        given = {name: value for name, value in asked.items() if value is not None}
        for row in self._unit.rows(_finding(frozenset(given)), **given, limit=limit):
            yield CaseRow(*row)  # type: ignore[arg-type]  # the columns are the fields, in order

    def untold(self, until: str) -> Iterator[CaseRow]:
        """Heads with a deadline up to a day that nobody was told of, the nearest first."""
        for row in self._unit.rows(_UNTOLD, until=until):
            yield CaseRow(*row)  # type: ignore[arg-type]  # the columns are the fields, in order

    def deadline_told(self, row: CaseRow) -> bool:
        """Note that somebody is told of the deadline of this head; false when that was done, or the deadline has moved."""
        return self._unit.change(_TOLD, at_case=row.case_id, told=row.due_at) == 1

    def count(self) -> dict[tuple[str, str], int]:
        """Number of cases by process and state."""
        query = (
            sa.select(CASE.c.buc, CASE.c.state, sa.func.count().label("cases"))
            .where(CASE.c.tenant == self._unit.tenant)
            .group_by(CASE.c.buc, CASE.c.state)
        )
        rows = self._unit.execute(query).mappings()
        return {(str(row["buc"]), str(row["state"])): cast(int, row["cases"]) for row in rows}

    def add_keys(self, case_id: str, digests: Iterable[str]) -> None:
        """Make a case findable by keyed digests; those it has already are passed over."""
        mine = sa.and_(KEY.c.tenant == self._unit.tenant, KEY.c.case_id == case_id)
        held = {str(one) for one in self._unit.execute(sa.select(KEY.c.digest).where(mine)).scalars()}
        self._unit.insert(KEY, [{"case_id": case_id, "digest": one} for one in sorted(set(digests) - held)])

    # --- events ---

    def add_event(self, row: EventRow, before: str) -> EventRow:
        """Add an event behind the one with the hash ``before`` and chain it to that."""
        chained = EventRow(row.case_id, row.no, row.at, row.body, row.hash_after(before))
        self._unit.change(_ADD_EVENT, case_id=row.case_id, no=row.no, at=row.at, body=row.body, hash=chained.hash)
        return chained

    def history(self, case_id: str) -> tuple[CaseRow | None, list[EventRow]]:
        """The head of a case and its events, in order, as one picture by one statement."""
        found = self._unit.rows(_HISTORY_OF, case_id=case_id)
        if not found:
            return None, []
        events = [EventRow(case_id, *row[_HEAD:]) for row in found if row[_HEAD] is not None]  # type: ignore[arg-type]  # as below
        return CaseRow(*found[0][:_HEAD]), events  # type: ignore[arg-type]  # the columns are the fields, in order

    def events(self, case_id: str) -> Iterator[EventRow]:
        """The events of a case, in order."""
        for row in self._unit.rows(_EVENTS_OF, case_id=case_id):
            yield EventRow(*row)  # type: ignore[arg-type]  # the columns are the fields, in order

    # --- documents ---

    def add_document(self, row: DocumentRow) -> None:
        """Add one version of a document."""
        self._unit.insert(DOCUMENT, [attrs.asdict(row)])

    def documents(self, case_id: str) -> Iterator[DocumentRow]:
        """All documents of a case in all versions, in order of time."""
        query = self._unit.own(DOCUMENT).where(DOCUMENT.c.case_id == case_id)
        query = query.order_by(DOCUMENT.c.at, DOCUMENT.c.document_id, DOCUMENT.c.version)
        for row in self._unit.execute(query).mappings():
            yield _row(DocumentRow, row)

    def all_documents(self, seds: Iterable[str] | None = None) -> Iterator[DocumentRow]:
        """Every document of the tenant, oldest first; only of some types, where they are named."""
        query = self._unit.own(DOCUMENT).order_by(DOCUMENT.c.at, DOCUMENT.c.case_id, DOCUMENT.c.document_id)
        if seds is not None:
            query = query.where(DOCUMENT.c.sed.in_(tuple(seds)))
        for row in self._unit.execute(query).mappings():
            yield _row(DocumentRow, row)

    def verdicts(self, case_id: str) -> dict[tuple[str, int], str]:
        """The verdict of each version of the documents of a case, by document and version."""
        columns = (DOCUMENT.c.document_id, DOCUMENT.c.version, DOCUMENT.c.verdict)
        rows = self._unit.execute(self._unit.own(DOCUMENT, *columns).where(DOCUMENT.c.case_id == case_id))
        return {(str(id), cast(int, version)): str(verdict) for id, version, verdict in map(tuple, rows)}

    def seds_of(self, case_ids: Iterable[str]) -> dict[str, str]:
        """Message to the type of its document, for the documents of some cases."""
        columns = (DOCUMENT.c.message_ids, DOCUMENT.c.sed)
        found: dict[str, str] = {}
        for case_id in sorted(set(case_ids)):
            for ids, sed in map(
                tuple, self._unit.execute(self._unit.own(DOCUMENT, *columns).where(DOCUMENT.c.case_id == case_id))
            ):
                found |= dict.fromkeys(str(ids).split(), str(sed))
        return found

    def document_ids(self) -> Iterator[tuple[str, str, int, str]]:
        """Case, document, version and verdict of every document that has its content, oldest first, without that content."""
        columns = (DOCUMENT.c.case_id, DOCUMENT.c.document_id, DOCUMENT.c.version, DOCUMENT.c.verdict)
        query = self._unit.own(DOCUMENT, *columns).where(sa.func.length(DOCUMENT.c.body) > 0)
        query = query.order_by(DOCUMENT.c.at, DOCUMENT.c.case_id, DOCUMENT.c.document_id, DOCUMENT.c.version)
        yield from cast("Iterable[tuple[str, str, int, str]]", map(tuple, self._unit.execute(query)))

    def document(self, case_id: str, document_id: str, version: int | None = None) -> DocumentRow | None:
        """One version of a document, the newest unless told."""
        query = self._unit.own(DOCUMENT).where(DOCUMENT.c.case_id == case_id, DOCUMENT.c.document_id == document_id)
        if version is not None:
            query = query.where(DOCUMENT.c.version == version)
        row = self._unit.execute(query.order_by(DOCUMENT.c.version.desc()).limit(1)).mappings().first()
        return None if row is None else _row(DocumentRow, row)

    def add_attachments(self, case_id: str, document_id: str, version: int, bodies: Iterable[bytes]) -> None:
        """Add the sealed rows of the attachments of one version of a document, in their order, one at a time."""
        at = {"case_id": case_id, "document_id": document_id, "version": version}
        for no, body in enumerate(bodies, 1):
            self._unit.insert(ATTACHMENT, [{**at, "no": no, "body": body}])

    def attachment(self, case_id: str, document_id: str, version: int, no: int) -> bytes | None:
        """One sealed row of the attachments of one version of a document, counted from 1."""
        where = (ATTACHMENT.c.case_id == case_id, ATTACHMENT.c.document_id == document_id)
        query = self._unit.own(ATTACHMENT, ATTACHMENT.c.body).where(*where, ATTACHMENT.c.version == version)
        return cast("bytes | None", self._unit.execute(query.where(ATTACHMENT.c.no == no)).scalar())

    # --- held messages ---

    def hold_parts(self, message_id: str, bodies: Iterable[bytes]) -> None:
        """Keep the sealed rows of the parts of a message that was not held before, in their order, one at a time."""
        for no, body in enumerate(bodies, 1):
            self._unit.insert(HELD_PART, [{"message_id": message_id, "no": no, "body": body}])

    def held_part(self, message_id: str, no: int) -> bytes | None:
        """One sealed row of the parts of a held message, counted from 1."""
        query = self._unit.own(HELD_PART, HELD_PART.c.body).where(HELD_PART.c.message_id == message_id)
        return cast("bytes | None", self._unit.execute(query.where(HELD_PART.c.no == no)).scalar())

    def drop_held_parts(self, message_id: str) -> None:
        """Take the parts of a held message out: they lie with its document now."""
        mine = sa.and_(HELD_PART.c.tenant == self._unit.tenant, HELD_PART.c.message_id == message_id)
        self._unit.execute(sa.delete(HELD_PART).where(mine))

    def hold(self, row: HeldRow) -> None:
        """Keep a message that could not be applied; one that is held already keeps its place."""
        where = sa.and_(HELD.c.tenant == self._unit.tenant, HELD.c.message_id == row.message_id)
        values = {k: v for k, v in attrs.asdict(row).items() if k not in ("message_id", "no")}
        if self._unit.execute(sa.update(HELD).where(where).values(**values)).rowcount:
            return
        self._unit.insert(HELD, [attrs.asdict(attrs.evolve(row, no=self._unit.last_no(HELD) + 1))])

    def held(self, *, state: str = "held", case_id: str | None = None) -> Iterator[HeldRow]:
        """Held messages, oldest first."""
        query = self._unit.own(HELD).where(HELD.c.state == state).order_by(HELD.c.no)
        if case_id is not None:
            query = query.where(HELD.c.case_id == case_id)
        for row in self._unit.execute(query).mappings():
            yield _row(HeldRow, row)

    def held_message(self, message_id: str) -> HeldRow | None:
        """The held message of that id."""
        row = self._unit.execute(self._unit.own(HELD).where(HELD.c.message_id == message_id)).mappings().first()
        return None if row is None else _row(HeldRow, row)

    # --- signals ---

    def add_signal(self, at: str, type: str, case_id: str | None, data: str) -> SignalRow:
        """Add a signal behind all others."""
        self._unit.lock("signals")
        row = SignalRow(self._unit.last_no(SIGNAL) + 1, at, type, case_id, data)
        self._unit.insert(SIGNAL, [attrs.asdict(row)])
        return row

    def next_signal(self, types: Iterable[str] | None = None) -> SignalRow | None:
        """The oldest signal that nobody has taken; rows that another worker holds are passed over."""
        query = self._unit.own(SIGNAL).where(SIGNAL.c.state == "pending").order_by(SIGNAL.c.no).limit(1)
        if types is not None:
            query = query.where(SIGNAL.c.type.in_(tuple(types)))
        row = self._unit.execute(query.with_for_update(skip_locked=True)).mappings().first()
        return None if row is None else _row(SignalRow, row)

    def signals(
        self, *, after: int = 0, case_id: str | None = None, types: Iterable[str] | None = None
    ) -> Iterator[SignalRow]:
        """All signals after a number, taken or not; only of some types, where they are named."""
        query = self._unit.own(SIGNAL).where(SIGNAL.c.no > after).order_by(SIGNAL.c.no)
        if case_id is not None:
            query = query.where(SIGNAL.c.case_id == case_id)
        if types is not None:
            query = query.where(SIGNAL.c.type.in_(tuple(types)))
        for row in self._unit.execute(query).mappings():
            yield _row(SignalRow, row)

    def count_untaken(self) -> int:
        """Received documents that the application has not taken."""
        query = sa.select(sa.func.count()).where(
            SIGNAL.c.tenant == self._unit.tenant, SIGNAL.c.state == "pending", SIGNAL.c.type == "eessi.sed.received"
        )
        return cast(int, self._unit.execute(query).scalar())

    def signal_taken(self, no: int) -> None:
        """Mark a signal as taken."""
        where = sa.and_(SIGNAL.c.tenant == self._unit.tenant, SIGNAL.c.no == no)
        self._unit.execute(sa.update(SIGNAL).where(where).values(state="taken"))

    # --- reads ---

    def note_access(self, at: str, who: str, what: str, case_id: str | None, document_id: str | None = None) -> None:
        """Write down who read what."""
        self._unit.lock("access")
        row = AccessRow(self._unit.last_no(ACCESS) + 1, at, who, what, case_id, document_id)
        self._unit.insert(ACCESS, [attrs.asdict(row)])

    def accesses(self, case_id: str | None = None) -> Iterator[AccessRow]:
        """Who read what, in order."""
        query = self._unit.own(ACCESS).order_by(ACCESS.c.no)
        if case_id is not None:
            query = query.where(ACCESS.c.case_id == case_id)
        for row in self._unit.execute(query).mappings():
            yield _row(AccessRow, row)


def _columns(table: Table, kind: type[attrs.AttrsInstance]) -> list[sa.Column[object]]:
    """The columns of a table in the order of the fields of its row value, so that a row is made without names."""
    return [table.c[field.name] for field in attrs.fields(kind)]


def _own(
    table: Table, kind: type[attrs.AttrsInstance], *conditions: sa.ColumnElement[bool]
) -> sa.Select[tuple[object, ...]]:
    """A select that is built once: the tenant and whatever else changes are bound when it runs."""
    columns = cast("sa.Select[tuple[object, ...]]", sa.select(*_columns(table, kind)))
    return columns.where(table.c.tenant == sa.bindparam("tenant"), *conditions)


@functools.cache
def _finding(asked: frozenset[str]) -> sa.Select[tuple[object, ...]]:
    """The query for one choice of conditions, whose values are bound when it runs: built once."""
    tenant: sa.BindParameter[str] = sa.bindparam("tenant")
    query = _own(CASE, CaseRow).limit(sa.bindparam("limit"))
    for name, table, column in (("digest", KEY, KEY.c.digest), ("partner", PARTNER, PARTNER.c.institution)):
        if name in asked:
            query = query.join(table, sa.and_(table.c.tenant == CASE.c.tenant, table.c.case_id == CASE.c.case_id))
            query = query.where(table.c.tenant == tenant, column == sa.bindparam(name))
    for name in asked & {"buc", "state", "national_number"}:
        query = query.where(CASE.c[name] == sa.bindparam(name))
    for column in (CASE.c.changed_at, CASE.c.opened_at):
        word = column.name.removesuffix("_at")
        if f"{word}_since" in asked:
            query = query.where(column >= sa.bindparam(f"{word}_since"))
        if f"{word}_until" in asked:
            query = query.where(column < sa.bindparam(f"{word}_until"))
    if "due_before" in asked:
        return query.where(CASE.c.due_at <= sa.bindparam("due_before")).order_by(CASE.c.due_at)
    if not asked & {"digest", "partner", "buc", "national_number"}:
        return query.order_by(CASE.c.changed_at.desc())
    # an expression, so that the few rows found are sorted and not all cases walked in the order of their change
    return query.order_by((CASE.c.changed_at + "").desc())


_UNTOLD: Final = _own(CASE, CaseRow, CASE.c.untold_due <= sa.bindparam("until")).order_by(CASE.c.untold_due)
_TOLD: Final = (
    sa.update(CASE)
    .where(
        CASE.c.tenant == sa.bindparam("tenant"),
        CASE.c.case_id == sa.bindparam("at_case"),
        CASE.c.untold_due == sa.bindparam("told"),
    )
    .values(untold_due=sa.null())
)
_CASE_BY_ID: Final = _own(CASE, CaseRow, CASE.c.case_id == sa.bindparam("case_id"))
_EVENTS_OF: Final = _own(EVENT, EventRow, EVENT.c.case_id == sa.bindparam("case_id")).order_by(EVENT.c.no)
_HISTORY_OF: Final = (
    sa.select(*_columns(CASE, CaseRow), EVENT.c.no, EVENT.c.at, EVENT.c.body, EVENT.c.hash)
    .select_from(CASE.outerjoin(EVENT, sa.and_(EVENT.c.tenant == CASE.c.tenant, EVENT.c.case_id == CASE.c.case_id)))
    .where(CASE.c.tenant == sa.bindparam("tenant"), CASE.c.case_id == sa.bindparam("case_id"))
    .order_by(EVENT.c.no)
)
_HEAD: Final = len(attrs.fields(CaseRow))
_ADD_EVENT: Final = sa.insert(EVENT)
_MOVING: Final = ("partners", "state", "revision", "changed_at", "due_at", "national_number")
"""What may change in a head."""

_MOVE_CASE: Final = (
    sa.update(CASE)
    .where(
        CASE.c.tenant == sa.bindparam("at_tenant"),
        CASE.c.case_id == sa.bindparam("at_case"),
        CASE.c.revision == sa.bindparam("seen"),
    )
    .values(
        {name: sa.bindparam(name) for name in _MOVING}
        | {
            "untold_due": sa.case(
                (CASE.c.due_at == sa.bindparam("due_at"), CASE.c.untold_due), else_=sa.bindparam("due_at")
            )
        }
    )
)


def _row(kind: type[_Row], row: sa.RowMapping) -> _Row:
    return kind(**{key: value for key, value in row.items() if key != "tenant"})
