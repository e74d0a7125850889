"""The outbox, the inbox and the hash-chained journal of messages, over SQLite and PostgreSQL: tables, no rules."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, cast

import attrs
import sqlalchemy as sa
from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, MetaData, String, Table, Text

from eessi.stores.chain import chained
from eessi.stores.store import Unit

__all__ = ["METADATA", "NEVER", "InRow", "JournalRow", "MailRows", "OutRow", "moment_key", "moment_of"]

METADATA: Final = MetaData()

OUT: Final = Table(
    "mail_out",
    METADATA,
    Column("tenant", String(64), primary_key=True),
    Column("message_id", String(255), primary_key=True),
    Column("no", Integer, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("conversation_id", String(255), nullable=False),
    Column("receiver", String(80), nullable=False),
    Column("url", Text, nullable=False),
    Column("content_type", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("references", Text, nullable=False),
    Column("digest", String(64), nullable=False),
    Column("state", String(16), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("next_at", String(40), nullable=False),
    Column("created_at", String(40), nullable=False),
    Column("since", String(40), nullable=False),
    Column("deadline", String(40)),
    Column("ref_to", String(255)),
    Column("reason", Text),
    Column("held", Integer, nullable=False),
    Index("mail_out_due", "tenant", "state", "next_at"),
    Index("mail_out_deadlines", "tenant", "state", "deadline"),
    Index("mail_out_by_conversation", "tenant", "conversation_id", "no"),
    Index("mail_out_by_no", "tenant", "no", unique=True),
)
IN: Final = Table(
    "mail_in",
    METADATA,
    Column("tenant", String(64), primary_key=True),
    Column("message_id", String(255), primary_key=True),
    Column("no", Integer, nullable=False),
    Column("sender", String(80), nullable=False),
    Column("conversation_id", String(255), nullable=False),
    Column("received_at", String(40), nullable=False),
    Column("content_type", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("digest", String(64), nullable=False),
    Column("state", String(16), nullable=False),
    Column("receipt_type", Text, nullable=False),
    Column("receipt", LargeBinary, nullable=False),
    Column("since", String(40), nullable=False),
    Column("reason", Text),
    Index("mail_in_waiting", "tenant", "state", "no"),
    Index("mail_in_by_no", "tenant", "no", unique=True),
)
NEVER: Final = "9999-12-31T23:59:59.999999Z"
"""Due time of a held row: it lies outside every look-up of what is due."""

JOURNAL: Final = Table(
    "mail_journal",
    METADATA,
    Column("tenant", String(64), primary_key=True),
    Column("no", Integer, primary_key=True, autoincrement=False),
    Column("message_id", String(255), nullable=False),
    Column("at", String(40), nullable=False),
    Column("step", String(24), nullable=False),
    Column("detail", Text, nullable=False),
    Column("evidence", LargeBinary),
    Column("hash", String(64), nullable=False),
    Index("mail_journal_by_message", "tenant", "message_id", "no"),
)
BULK: Final = Table(
    "mail_bulk",
    METADATA,
    Column("tenant", String(64), primary_key=True),
    Column("box", String(8), primary_key=True),
    Column("message_id", String(255), primary_key=True),
    Column("start", BigInteger, primary_key=True, autoincrement=False),
    Column("data", LargeBinary, nullable=False),
)
"""Large bodies in pieces, each by the place where it begins; the ``body`` of their row is empty then."""

CIRCUIT: Final = Table(
    "mail_circuit",
    METADATA,
    Column("tenant", String(64), primary_key=True),
    Column("url", String(500), primary_key=True),
    Column("failures", Integer, nullable=False),
    Column("until", String(40), nullable=False),
)


def moment_key(moment: dt.datetime) -> str:
    """A moment as text that sorts like the moments: UTC with microseconds."""
    return moment.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def moment_of(key: str) -> dt.datetime:
    """The moment behind a key."""
    return dt.datetime.fromisoformat(key)


@attrs.frozen(slots=True)
class OutRow:
    """One message or signal that goes out; ``body`` is sent as it stands, however often.

    :param kind: ``user``, ``receipt`` or ``error``.
    :param references: what was signed, as JSON.
    :param digest: of the content handed in, so that one id never names two messages.
    :param held: 1 while an earlier message of the conversation holds it up.
    """

    message_id: str
    kind: str
    conversation_id: str
    receiver: str
    url: str
    content_type: str
    body: bytes = attrs.field(repr=False)
    references: str
    digest: str
    state: str
    attempts: int
    next_at: str
    created_at: str
    since: str
    deadline: str | None = None
    ref_to: str | None = None
    reason: str | None = None
    held: int = 0
    no: int = 0


@attrs.frozen(slots=True)
class InRow:
    """One message that came in, with the receipt that was given for it."""

    message_id: str
    sender: str
    conversation_id: str
    received_at: str
    content_type: str
    body: bytes = attrs.field(repr=False)
    digest: str
    state: str
    receipt_type: str
    receipt: bytes = attrs.field(repr=False)
    since: str
    reason: str | None = None
    no: int = 0


@attrs.frozen(slots=True)
class JournalRow:
    """One step of one message. ``hash`` covers this row and the hash before it."""

    no: int
    message_id: str
    at: str
    step: str
    detail: str
    evidence: bytes | None = attrs.field(repr=False)
    hash: str

    def hash_after(self, before: str) -> str:
        """The hash this row must have behind a row with the hash ``before``."""
        proof = hashlib.sha256(self.evidence).hexdigest() if self.evidence is not None else None
        return chained(before, self.no, self.message_id, self.at, self.step, self.detail, proof)


class MailRows:
    """The mail tables inside one unit of work."""

    def __init__(self, unit: Unit) -> None:
        self._unit = unit
        if unit.writes:
            unit.lock("mail")

    # --- outbox ---

    def add_out(self, row: OutRow) -> OutRow:
        """Add a row behind all others."""
        numbered = attrs.evolve(row, no=self._unit.last_no(OUT) + 1)
        self._unit.insert(OUT, [attrs.asdict(numbered)])
        return numbered

    def out(self, message_id: str) -> OutRow | None:
        """The row of that id."""
        row = self._unit.execute(self._unit.own(OUT).where(OUT.c.message_id == message_id)).mappings().first()
        return None if row is None else _out_row(row)

    def change_out(self, message_id: str, **changes: object) -> None:
        """Change fields of a row."""
        where = sa.and_(OUT.c.tenant == self._unit.tenant, OUT.c.message_id == message_id)
        self._unit.execute(sa.update(OUT).where(where).values(**changes))

    def is_held_up(self, conversation_id: str, blocking: Sequence[str]) -> bool:
        """Whether a user message of the conversation is in one of the ``blocking`` states."""
        query = sa.select(sa.literal(1)).where(
            OUT.c.tenant == self._unit.tenant,
            OUT.c.conversation_id == conversation_id,
            OUT.c.kind == "user",
            OUT.c.state.in_(blocking),
        )
        return self._unit.execute(query.limit(1)).first() is not None

    def release(self, conversation_id: str, now: str) -> str | None:
        """Let the earliest held message of a conversation go; its id."""
        query = self._unit.own(OUT, OUT.c.message_id).where(OUT.c.conversation_id == conversation_id, OUT.c.held == 1)
        found = cast("str | None", self._unit.execute(query.order_by(OUT.c.no).limit(1)).scalar())
        if found is not None:
            self.change_out(found, held=0, next_at=now)
        return found

    def due(self, now: str) -> OutRow | None:
        """The first row that may go out: not held, its time has come, its circuit is closed.

        Rows that another worker holds are passed over.
        """
        open_circuit = sa.exists().where(
            CIRCUIT.c.tenant == OUT.c.tenant, CIRCUIT.c.url == OUT.c.url, CIRCUIT.c.until > now
        )
        query = (
            self._unit.own(OUT)
            .where(OUT.c.state.in_(("queued", "sending")), OUT.c.held == 0, OUT.c.next_at <= now, sa.not_(open_circuit))
            .order_by(
                OUT.c.no + 0
            )  # an expression, so that the few due rows are sorted and the many done ones not read
            .limit(1)
            .with_for_update(skip_locked=True, of=OUT)
        )
        row = self._unit.execute(query).mappings().first()
        return None if row is None else _out_row(row)

    def outs(self, *states: str, before: str | None = None) -> Iterator[OutRow]:
        """Rows in one of the states, oldest first and without their bodies; with ``before``, those whose deadline has
        passed then.
        """
        columns = [column for column in OUT.c if column.name != "body"]
        query = self._unit.own(OUT, *columns).where(OUT.c.state.in_(states)).order_by(OUT.c.no)
        if before is not None:
            query = query.where(OUT.c.deadline <= before)
        for row in self._unit.execute(query).mappings():
            yield _out_row(row)

    def next_moment(self) -> str | None:
        """When the next row wants to go out."""
        query = sa.select(sa.func.min(OUT.c.next_at)).where(
            OUT.c.tenant == self._unit.tenant, OUT.c.state.in_(("queued", "sending")), OUT.c.held == 0
        )
        return cast("str | None", self._unit.execute(query).scalar())

    # --- large bodies ---

    def add_bulk(self, box: str, message_id: str, pieces: Iterable[bytes]) -> None:
        """Add a body in pieces; ``box`` is ``out``, ``in`` or ``hop``."""
        at = 0
        for piece in pieces:
            self._unit.insert(BULK, [{"box": box, "message_id": message_id, "start": at, "data": piece}])
            at += len(piece)

    def bulk_length(self, box: str, message_id: str) -> int:
        """Bytes of a body that was added in pieces."""
        query = sa.select(BULK.c.start + sa.func.length(BULK.c.data)).where(self._bulk(box, message_id))
        return cast("int | None", self._unit.execute(query.order_by(BULK.c.start.desc()).limit(1)).scalar()) or 0

    def bulk(self, box: str, message_id: str, at: int) -> bytes:
        """What follows ``at`` in the piece around it; empty behind the end."""
        query = sa.select(BULK.c.start, BULK.c.data).where(self._bulk(box, message_id), BULK.c.start <= at)
        row = self._unit.execute(query.order_by(BULK.c.start.desc()).limit(1)).mappings().first()
        return b"" if row is None else cast(bytes, row["data"])[at - cast(int, row["start"]) :]

    def drop_bulk(self, box: str, message_id: str) -> None:
        """Take a body out that was added in pieces."""
        self._unit.execute(sa.delete(BULK).where(self._bulk(box, message_id)))

    def _bulk(self, box: str, message_id: str) -> sa.ColumnElement[bool]:
        return sa.and_(BULK.c.tenant == self._unit.tenant, BULK.c.box == box, BULK.c.message_id == message_id)

    # --- circuits ---

    def circuit(self, url: str) -> tuple[int, str]:
        """Failures in a row at an address, and until when it is left alone."""
        query = self._unit.own(CIRCUIT).where(CIRCUIT.c.url == url[:500])
        row = self._unit.execute(query).mappings().first()
        return (0, "") if row is None else (cast(int, row["failures"]), cast(str, row["until"]))

    def set_circuit(self, url: str, failures: int, until: str) -> None:
        """Remember failures at an address; none forgets it."""
        where = sa.and_(CIRCUIT.c.tenant == self._unit.tenant, CIRCUIT.c.url == url[:500])
        self._unit.execute(sa.delete(CIRCUIT).where(where))
        if failures:
            self._unit.insert(CIRCUIT, [{"url": url[:500], "failures": failures, "until": until}])

    # --- inbox ---

    def add_in(self, row: InRow) -> InRow:
        """Add a row behind all others."""
        numbered = attrs.evolve(row, no=self._unit.last_no(IN) + 1)
        self._unit.insert(IN, [attrs.asdict(numbered)])
        return numbered

    def received(self, message_id: str) -> InRow | None:
        """The row of that id."""
        row = self._unit.execute(self._unit.own(IN).where(IN.c.message_id == message_id)).mappings().first()
        return None if row is None else _in_row(row)

    def waiting(self) -> InRow | None:
        """The oldest message that was not yet handed over."""
        query = self._unit.own(IN).where(IN.c.state == "waiting").order_by(IN.c.no).limit(1)
        row = self._unit.execute(query).mappings().first()
        return None if row is None else _in_row(row)

    def count_waiting(self) -> int:
        """Messages that were not yet handed over."""
        query = sa.select(sa.func.count()).where(IN.c.tenant == self._unit.tenant, IN.c.state == "waiting")
        return cast(int, self._unit.execute(query).scalar())

    def ins(self, *states: str) -> Iterator[InRow]:
        """Messages that came in, oldest first; only those in one of the states, where some are named."""
        query = self._unit.own(IN).order_by(IN.c.no)
        if states:
            query = query.where(IN.c.state.in_(states))
        for row in self._unit.execute(query).mappings():
            yield _in_row(row)

    def change_in(self, message_id: str, **changes: object) -> None:
        """Change fields of a row."""
        where = sa.and_(IN.c.tenant == self._unit.tenant, IN.c.message_id == message_id)
        self._unit.execute(sa.update(IN).where(where).values(**changes))

    # --- journal ---

    def note(self, message_id: str, at: str, step: str, detail: str = "", evidence: bytes | None = None) -> JournalRow:
        """Write a step behind all others and chain it to them."""
        query = self._unit.own(JOURNAL).order_by(JOURNAL.c.no.desc()).limit(1)
        last = self._unit.execute(query).mappings().first()
        number, before = (0, "") if last is None else (cast(int, last["no"]), cast(str, last["hash"]))
        row = JournalRow(number + 1, message_id, at, step, detail, evidence, "")
        row = attrs.evolve(row, hash=row.hash_after(before))
        self._unit.insert(JOURNAL, [attrs.asdict(row)])
        return row

    def journal(self, message_id: str | None = None) -> Iterator[JournalRow]:
        """The steps of one message, or of all, in order."""
        query = self._unit.own(JOURNAL).order_by(JOURNAL.c.no)
        if message_id is not None:
            query = query.where(JOURNAL.c.message_id == message_id)
        for row in self._unit.execute(query).mappings():
            yield JournalRow(
                cast(int, row["no"]),
                cast(str, row["message_id"]),
                cast(str, row["at"]),
                cast(str, row["step"]),
                cast(str, row["detail"]),
                cast("bytes | None", row["evidence"]),
                cast(str, row["hash"]),
            )


def _fields(row: sa.RowMapping) -> dict[str, object]:
    return {key: value for key, value in row.items() if key != "tenant"}


def _out_row(row: sa.RowMapping) -> OutRow:
    return OutRow(**{"body": b"", **_fields(row)})  # type: ignore[arg-type]  # the columns are the fields


def _in_row(row: sa.RowMapping) -> InRow:
    return InRow(**_fields(row))  # type: ignore[arg-type]  # the columns are the fields
