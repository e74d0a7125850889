"""Keeping and erasing cases over SQLite and PostgreSQL: holds, where imported cases came from, contents taken out.

Tables and row values, no rules: what may be erased, and when, is known by the rooms above.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

import attrs
import sqlalchemy as sa
from sqlalchemy import Column, MetaData, String, Table, Text

from eessi.stores.cases import ATTACHMENT, CASE, DOCUMENT, HELD, HELD_PART, KEY
from eessi.stores.mail import BULK, IN, OUT
from eessi.stores.store import Unit

__all__ = ["METADATA", "HoldRow", "ImportRow", "KeepingRows"]

METADATA: Final = MetaData()

HOLD: Final = Table(
    "case_hold",
    METADATA,
    Column("tenant", String(64), primary_key=True),
    Column("case_id", String(64), primary_key=True),
    Column("at", String(40), nullable=False),
    Column("who", String(120), nullable=False),
    Column("reason", Text, nullable=False),
)
IMPORT: Final = Table(
    "case_import",
    METADATA,
    Column("tenant", String(64), primary_key=True),
    Column("case_id", String(64), primary_key=True),
    Column("at", String(40), nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("report", Text, nullable=False),
)

_ON_THE_WAY: Final = ("queued", "sending", "taken")


@attrs.frozen(slots=True)
class HoldRow:
    """A case that may not be erased, whatever the rules say, and who said so."""

    case_id: str
    at: str
    who: str
    reason: str


@attrs.frozen(slots=True)
class ImportRow:
    """Where an imported case came from. ``sha256`` is of everything that was read, ``report`` JSON of what was not understood."""

    case_id: str
    at: str
    sha256: str
    report: str


class KeepingRows:
    """The tables of keeping inside one unit of work."""

    def __init__(self, unit: Unit) -> None:
        self._unit = unit

    # --- holds ---

    def set_hold(self, row: HoldRow) -> None:
        """Put a case under a hold; a second one takes the place of the first."""
        self.lift_hold(row.case_id)
        self._unit.insert(HOLD, [attrs.asdict(row)])

    def lift_hold(self, case_id: str) -> bool:
        """Take a hold away; whether there was one."""
        return self._unit.execute(sa.delete(HOLD).where(self._of(HOLD, case_id))).rowcount > 0

    def holds(self) -> Iterator[HoldRow]:
        """All holds, oldest first."""
        for row in self._unit.execute(self._unit.own(HOLD).order_by(HOLD.c.at, HOLD.c.case_id)).mappings():
            yield HoldRow(**_fields(row))

    def hold(self, case_id: str) -> HoldRow | None:
        """The hold a case is under."""
        row = self._unit.execute(self._unit.own(HOLD).where(HOLD.c.case_id == case_id)).mappings().first()
        return None if row is None else HoldRow(**_fields(row))

    # --- imports ---

    def add_import(self, row: ImportRow) -> None:
        """Remember where a case came from."""
        self._unit.insert(IMPORT, [attrs.asdict(row)])

    def imported(self, case_id: str) -> ImportRow | None:
        """Where a case came from, if it was imported."""
        row = self._unit.execute(self._unit.own(IMPORT).where(IMPORT.c.case_id == case_id)).mappings().first()
        return None if row is None else ImportRow(**_fields(row))

    # --- erasing ---

    def is_on_the_way(self, case_id: str) -> bool:
        """Whether a message of the case waits to be sent, receipted or applied."""
        out = self._unit.own(OUT, OUT.c.message_id).where(
            OUT.c.conversation_id == case_id, OUT.c.kind == "user", OUT.c.state.in_(_ON_THE_WAY)
        )
        into = self._unit.own(IN, IN.c.message_id).where(IN.c.conversation_id == case_id, IN.c.state == "waiting")
        held = self._unit.own(HELD, HELD.c.message_id).where(HELD.c.case_id == case_id, HELD.c.state == "held")
        return any(self._unit.execute(query.limit(1)).first() is not None for query in (out, into, held))

    def erase_contents(self, case_id: str) -> int:
        """Take every content of a case out: documents, attachments, messages, search keys, national number, report of its import.

        Digests, ids and moments stay. The number of document versions emptied.
        """
        empty = {"body": b""}
        ids = self._message_ids(case_id)
        count = self._unit.execute(sa.update(DOCUMENT).where(self._of(DOCUMENT, case_id)).values(**empty)).rowcount
        self._unit.execute(sa.update(HELD).where(self._of(HELD, case_id)).values(**empty))
        for batch in _batches(ids):
            given_up = sa.and_(self._among(OUT, batch), OUT.c.state == "failed")
            self._unit.execute(sa.delete(OUT).where(given_up))  # else it could be sent again, empty
            for table in (OUT, IN):
                self._unit.execute(sa.update(table).where(self._among(table, batch)).values(**empty))
            for table in (HELD_PART, BULK):
                self._unit.execute(sa.delete(table).where(self._among(table, batch)))
        self._unit.execute(sa.delete(ATTACHMENT).where(self._of(ATTACHMENT, case_id)))
        self._unit.execute(sa.delete(KEY).where(self._of(KEY, case_id)))
        self._unit.execute(sa.update(CASE).where(self._of(CASE, case_id)).values(national_number=None))
        self._unit.execute(sa.update(IMPORT).where(self._of(IMPORT, case_id)).values(report="[]"))
        return count

    def _message_ids(self, case_id: str) -> list[str]:
        documents = self._unit.own(DOCUMENT, DOCUMENT.c.message_ids).where(DOCUMENT.c.case_id == case_id)
        held = self._unit.own(HELD, HELD.c.message_id).where(HELD.c.case_id == case_id)
        found = {one for ids in self._unit.execute(documents).scalars() for one in str(ids).split()}
        return sorted(found | {str(one) for one in self._unit.execute(held).scalars()})

    def _among(self, table: Table, ids: list[str]) -> sa.ColumnElement[bool]:
        return sa.and_(table.c.tenant == self._unit.tenant, table.c.message_id.in_(ids))

    def _of(self, table: Table, case_id: str) -> sa.ColumnElement[bool]:
        return sa.and_(table.c.tenant == self._unit.tenant, table.c.case_id == case_id)


def _fields(row: sa.RowMapping) -> dict[str, str]:
    return {key: value for key, value in row.items() if key != "tenant"}


def _batches(ids: Iterable[str], size: int = 500) -> Iterator[list[str]]:
    """Some databases bound the number of values in one statement."""
    rest = list(ids)
    for start in range(0, len(rest), size):
        yield rest[start : start + size]
