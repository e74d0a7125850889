"""The directory's tables over SQLite and PostgreSQL."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Final, TypeVar, cast

import attrs
import sqlalchemy as sa
from sqlalchemy import Column, Index, Integer, LargeBinary, MetaData, String, Table, Text

from eessi.stores.directory_rows import ContactRow, CopyRow, EventRow, NationalRow, ReadinessRow, RecordRow
from eessi.stores.store import Unit

__all__ = ["METADATA", "DirectoryRows"]

_Row = TypeVar("_Row")

METADATA: Final = MetaData()

COPY: Final = Table(
    "directory_copy",
    METADATA,
    Column("tenant", String(64), primary_key=True),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("version", String(64)),
    Column("created", String(40)),
    Column("sender", String(64)),
    Column("environment", String(16)),
    Column("source", Text),
    Column("origin", String(64), nullable=False),
    Column("institutions", Integer, nullable=False),
    Column("head", Text, nullable=False),
    Column("findings", Text, nullable=False),
    Column("loaded_at", String(40), nullable=False),
    Column("loaded_by", String(200), nullable=False),
)
BODY: Final = Table(
    "directory_body",
    METADATA,
    Column("tenant", String(64), primary_key=True),
    Column("digest", String(64), primary_key=True),
    Column("body", LargeBinary, nullable=False),
)
RECORD: Final = Table(
    "directory_record",
    METADATA,
    Column("tenant", String(64), primary_key=True),
    Column("kind", String(16), primary_key=True),
    Column("id", String(80), primary_key=True),
    Column("from_seq", Integer, primary_key=True, autoincrement=False),
    Column("to_seq", Integer),
    Column("country", String(8)),
    Column("digest", String(64), nullable=False),
    Index("directory_record_by_country", "tenant", "country", "kind"),
)
EVENT: Final = Table(
    "directory_event",
    METADATA,
    Column("tenant", String(64), primary_key=True),
    Column("no", Integer, primary_key=True, autoincrement=False),
    Column("at", String(40), nullable=False),
    Column("who", String(200), nullable=False),
    Column("action", String(32), nullable=False),
    Column("proposal", Integer),
    Column("body", Text, nullable=False),
    Index("directory_event_by_proposal", "tenant", "proposal"),
)
CONTACT: Final = Table(
    "directory_contact",
    METADATA,
    Column("tenant", String(64), primary_key=True),
    Column("key", String(64), primary_key=True),
    Column("institution", String(80), nullable=False),
    Column("buc", String(40)),
    Column("kind", String(16), nullable=False),
    Column("body", Text, nullable=False),
)
READINESS: Final = Table(
    "directory_readiness",
    METADATA,
    Column("tenant", String(64), primary_key=True),
    Column("key", String(64), primary_key=True),
    Column("country", String(8), nullable=False),
    Column("institution", String(80)),
    Column("buc", String(40), nullable=False),
    Column("cdm", String(16)),
    Column("mode", String(16), nullable=False),
    Column("since", String(10), nullable=False),
    Column("source", Text, nullable=False),
)
NATIONAL: Final = Table(
    "directory_national",
    METADATA,
    Column("tenant", String(64), primary_key=True),
    Column("institution", String(80), primary_key=True),
    Column("no", Integer, primary_key=True, autoincrement=False),
    Column("at", String(40), nullable=False),
    Column("body", Text, nullable=False),
)

_AT_ONCE: Final = 500


class DirectoryRows:
    """The directory's rows of one tenant, inside a unit of work."""

    def __init__(self, unit: Unit) -> None:
        self._unit = unit

    def lock(self) -> None:
        """Let no other load or change of this tenant pass until the unit ends."""
        self._unit.lock("directory")

    def copies(self) -> list[CopyRow]:
        """All copies, oldest first."""
        return [_made(CopyRow, row) for row in self._all(COPY, COPY.c.seq)]

    def add_copy(self, row: CopyRow) -> None:
        """Add the next copy."""
        self._unit.insert(COPY, [attrs.asdict(row)])

    def rows(self, seq: int) -> Iterator[RecordRow]:
        """The records of a copy, without their bodies."""
        statement = self._unit.own(RECORD, RECORD.c.kind, RECORD.c.id, RECORD.c.country, RECORD.c.digest)
        for row in self._unit.execute(statement.where(_stands(seq))):
            yield RecordRow(*cast("tuple[str, str, str | None, str]", tuple(row)))

    def bodies(
        self, seq: int, *, kinds: Iterable[str] | None = None, country: str | None = None
    ) -> Iterator[tuple[str, str, bytes]]:
        """Kind, key and body of the records of a copy, ordered by kind and key; walk it to its end."""
        statement = self._with_bodies(RECORD.c.kind, RECORD.c.id).where(_stands(seq))
        statement = statement.order_by(RECORD.c.kind, RECORD.c.id)
        if kinds is not None:
            statement = statement.where(RECORD.c.kind.in_(list(kinds)))
        if country is not None:
            statement = statement.where(RECORD.c.country == country)
        result = self._unit.execute(statement.execution_options(yield_per=_AT_ONCE))
        try:
            for kind, key, body in cast("Iterable[tuple[str, str, bytes]]", result):
                yield kind, key, bytes(body)
        finally:
            result.close()

    def body(self, seq: int, kind: str, id: str) -> bytes | None:
        """The body of one record of a copy."""
        wanted = sa.and_(_stands(seq), RECORD.c.kind == kind, RECORD.c.id == id)
        found = self._unit.execute(self._with_bodies().where(wanted)).scalar_one_or_none()
        return None if found is None else bytes(cast(bytes, found))

    def _with_bodies(self, *columns: Column[object]) -> sa.Select[tuple[object, ...]]:
        joined = sa.and_(BODY.c.tenant == RECORD.c.tenant, BODY.c.digest == RECORD.c.digest)
        return self._unit.own(RECORD, *columns, BODY.c.body).join(BODY, joined)

    def history(self, kind: str, id: str) -> list[tuple[int, int | None, bytes]]:
        """Every body a record had: first copy, first copy without it, body."""
        statement = self._with_bodies(RECORD.c.from_seq, RECORD.c.to_seq)
        statement = statement.where(RECORD.c.kind == kind, RECORD.c.id == id).order_by(RECORD.c.from_seq)
        rows = cast("Iterable[tuple[int, int | None, bytes]]", self._unit.execute(statement))
        return [(first, last, bytes(body)) for first, last, body in rows]

    def add_records(self, seq: int, records: Iterable[tuple[RecordRow, bytes | None]]) -> None:
        """Records that stand from this copy on; a body of ``None`` is already stored."""
        several = iter(records)
        while batch := list(islice(several, _AT_ONCE)):
            new = {row.digest: body for row, body in batch if body is not None}
            if new:
                wanted = self._unit.own(BODY, BODY.c.digest).where(BODY.c.digest.in_(list(new)))
                for known in self._unit.execute(wanted).scalars():
                    del new[str(known)]
            self._unit.insert(BODY, ({"digest": digest, "body": body} for digest, body in new.items()))
            self._unit.insert(RECORD, ({**attrs.asdict(row), "from_seq": seq} for row, _ in batch))

    def end_records(self, seq: int, keys: Iterable[tuple[str, str]]) -> None:
        """Records (kind, key) that do not stand in this copy any more."""
        statement = (
            sa.update(RECORD)
            .where(RECORD.c.tenant == self._unit.tenant, RECORD.c.to_seq.is_(None))
            .where(RECORD.c.kind == sa.bindparam("a_kind"), RECORD.c.id == sa.bindparam("an_id"))
            .values(to_seq=seq)
        )
        several = iter(keys)
        while batch := list(islice(several, _AT_ONCE)):
            self._unit.execute(statement, [{"a_kind": kind, "an_id": id} for kind, id in batch])

    def events(self, proposal: int | None = None) -> list[EventRow]:
        """The log, oldest first; of one proposal where it is named."""
        where = EVENT.c.proposal == proposal if proposal is not None else sa.true()
        return [_made(EventRow, row) for row in self._all(EVENT, EVENT.c.no, where=where)]

    def last_event(self) -> int:
        """Number of the newest event; 0 when there is none."""
        return self._unit.last_no(EVENT)

    def add_event(self, row: EventRow) -> None:
        """Append to the log."""
        self._unit.insert(EVENT, [attrs.asdict(row)])

    def contacts(self) -> list[ContactRow]:
        """All contacts, ordered by institution, process and key."""
        rows = self._all(CONTACT, CONTACT.c.institution, CONTACT.c.key)
        found = [_made(ContactRow, row) for row in rows]
        return sorted(found, key=lambda row: (row.institution, row.buc or "", row.key))

    def put_contact(self, row: ContactRow) -> None:
        """Add a contact or replace the one of the same key."""
        self.remove_contact(row.key)
        self._unit.insert(CONTACT, [attrs.asdict(row)])

    def remove_contact(self, key: str) -> bool:
        """Remove a contact; whether there was one."""
        statement = sa.delete(CONTACT).where(CONTACT.c.tenant == self._unit.tenant, CONTACT.c.key == key)
        return bool(self._unit.execute(statement).rowcount)

    def readiness(self) -> list[ReadinessRow]:
        """All readiness rows, ordered by country, process and day."""
        order = (READINESS.c.country, READINESS.c.buc, READINESS.c.since, READINESS.c.key)
        return [_made(ReadinessRow, row) for row in self._all(READINESS, *order)]

    def put_readiness(self, rows: Iterable[ReadinessRow]) -> None:
        """Add rows; one of the same country, institution, process, version and day is replaced."""
        new = {readiness_key(row): row for row in rows}
        self.remove_readiness(new.values())
        self._unit.insert(READINESS, ({**attrs.asdict(row), "key": key} for key, row in new.items()))

    def remove_readiness(self, rows: Iterable[ReadinessRow]) -> int:
        """Remove the rows of the same country, institution, process, version and day; how many there were."""
        keys = iter({readiness_key(row) for row in rows})
        gone = 0
        while batch := list(islice(keys, _AT_ONCE)):
            mine = sa.and_(READINESS.c.tenant == self._unit.tenant, READINESS.c.key.in_(batch))
            gone += self._unit.execute(sa.delete(READINESS).where(mine)).rowcount
        return gone

    def national(self) -> list[NationalRow]:
        """What countries keep of their bodies, oldest first."""
        return [_made(NationalRow, row) for row in self._all(NATIONAL, NATIONAL.c.no, NATIONAL.c.institution)]

    def put_national(self, rows: Iterable[NationalRow]) -> None:
        """Add rows; what stood before stays readable."""
        self._unit.insert(NATIONAL, (attrs.asdict(row) for row in rows))

    def _all(
        self, table: Table, *order: Column[object], where: sa.ColumnElement[bool] | None = None
    ) -> list[dict[str, object]]:
        statement = self._unit.own(table).order_by(*order)
        if where is not None:
            statement = statement.where(where)
        return [dict(row) for row in self._unit.execute(statement).mappings()]


def readiness_key(row: ReadinessRow) -> str:
    """What makes a readiness row the same: everything but mode and source."""
    parts = (row.country, row.institution or "", row.buc, row.cdm or "", row.since)
    return hashlib.sha256("|".join(parts).encode()).hexdigest()


def _stands(seq: int) -> sa.ColumnElement[bool]:
    return sa.and_(RECORD.c.from_seq <= seq, sa.or_(RECORD.c.to_seq.is_(None), RECORD.c.to_seq > seq))


def _made(row_type: type[_Row], row: dict[str, object]) -> _Row:
    names = {field.name for field in attrs.fields(cast("type[attrs.AttrsInstance]", row_type))}
    make = cast("Callable[..., _Row]", row_type)
    return make(**{name: value for name, value in row.items() if name in names})
