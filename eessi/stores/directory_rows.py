"""What the directory keeps, as plain rows: copies, the records of each copy, events, contacts and readiness.

A record's body is stored once however many copies hold it; ``from_seq`` and ``to_seq`` say in which copies it stands
(the first included, the last not). What a body means is the directory's business.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol

import attrs

__all__ = ["ContactRow", "CopyRow", "DirectoryStorage", "EventRow", "NationalRow", "ReadinessRow", "RecordRow"]


@attrs.frozen(slots=True)
class CopyRow:
    """A full copy that was loaded. ``seq`` counts from 1; instants are ISO text in UTC."""

    seq: int
    loaded_at: str
    loaded_by: str
    version: str | None = None
    created: str | None = None
    sender: str | None = None
    environment: str | None = None
    source: str | None = None
    origin: str = "load"
    institutions: int = 0
    head: str = "{}"
    findings: str = "[]"


@attrs.frozen(slots=True)
class RecordRow:
    """One record of a copy: its kind, key, country where it has one, and the SHA-256 of its body."""

    kind: str
    id: str
    country: str | None
    digest: str


@attrs.frozen(slots=True)
class EventRow:
    """Something that was done or refused; never changed afterwards."""

    no: int
    at: str
    who: str
    action: str
    proposal: int | None
    body: str


@attrs.frozen(slots=True)
class ContactRow:
    """A person or desk to turn to for an organisation, for one process or for all."""

    key: str
    institution: str
    buc: str | None
    kind: str
    body: str


@attrs.frozen(slots=True)
class ReadinessRow:
    """Who exchanges a process in which version and how, since when."""

    country: str
    institution: str | None
    buc: str
    cdm: str | None
    mode: str
    since: str
    source: str


@attrs.frozen(slots=True)
class NationalRow:
    """What a country keeps of a body and no copy carries, from the log entry ``no`` on."""

    institution: str
    no: int
    at: str
    body: str


class DirectoryStorage(Protocol):
    """The directory's rows inside one unit of work."""

    def lock(self) -> None:
        """Let no other load or change of this tenant pass until the unit ends."""

    def copies(self) -> list[CopyRow]:
        """All copies, oldest first; the last is the one in force."""

    def add_copy(self, row: CopyRow) -> None:
        """Add the next copy."""

    def rows(self, seq: int) -> Iterator[RecordRow]:
        """The records of a copy, without their bodies."""

    def bodies(
        self, seq: int, *, kinds: Iterable[str] | None = None, country: str | None = None
    ) -> Iterator[tuple[str, str, bytes]]:
        """Kind, key and body of the records of a copy, ordered by kind and key; walk it to its end."""

    def body(self, seq: int, kind: str, id: str) -> bytes | None:
        """The body of one record of a copy."""

    def history(self, kind: str, id: str) -> list[tuple[int, int | None, bytes]]:
        """Every body a record had: first copy, first copy without it, body."""

    def add_records(self, seq: int, records: Iterable[tuple[RecordRow, bytes | None]]) -> None:
        """Records that stand from this copy on; a body of ``None`` is already stored."""

    def end_records(self, seq: int, keys: Iterable[tuple[str, str]]) -> None:
        """Records (kind, key) that do not stand in this copy any more."""

    def events(self, proposal: int | None = None) -> list[EventRow]:
        """The log, oldest first; of one proposal where it is named."""

    def last_event(self) -> int:
        """Number of the newest event; 0 when there is none."""

    def add_event(self, row: EventRow) -> None:
        """Append to the log."""

    def contacts(self) -> list[ContactRow]:
        """All contacts, ordered by institution, process and key."""

    def put_contact(self, row: ContactRow) -> None:
        """Add a contact or replace the one of the same key."""

    def remove_contact(self, key: str) -> bool:
        """Remove a contact; whether there was one."""

    def readiness(self) -> list[ReadinessRow]:
        """All readiness rows, ordered by country, process and day."""

    def put_readiness(self, rows: Iterable[ReadinessRow]) -> None:
        """Add rows; one of the same country, institution, process, version and day is replaced."""

    def remove_readiness(self, rows: Iterable[ReadinessRow]) -> int:
        """Remove the rows of the same country, institution, process, version and day; how many there were."""

    def national(self) -> list[NationalRow]:
        """What countries keep of their bodies, oldest first."""

    def put_national(self, rows: Iterable[NationalRow]) -> None:
        """Add rows; what stood before stays readable."""
