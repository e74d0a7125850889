"""A store that lives in memory, without a database library: for tests, demonstrations and one-off questions.

The same promises as a database store: a unit is committed whole or not at all, and readers keep the picture they began
with.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import attrs

from eessi.errors import StoreError
from eessi.stores.directory_rows import ContactRow, CopyRow, EventRow, NationalRow, ReadinessRow, RecordRow

__all__ = ["MemoryDirectoryRows", "MemoryStore"]


@attrs.define(slots=True)
class _State:
    """Rows of one tenant. A unit that writes works on a copy of these containers; their rows are frozen."""

    copies: list[CopyRow] = attrs.field(factory=list)
    records: dict[tuple[str, str], list[tuple[int, int | None, RecordRow]]] = attrs.field(factory=dict)
    bodies: dict[str, bytes] = attrs.field(factory=dict)
    events: list[EventRow] = attrs.field(factory=list)
    contacts: dict[str, ContactRow] = attrs.field(factory=dict)
    readiness: dict[tuple[str, ...], ReadinessRow] = attrs.field(factory=dict)
    national: list[NationalRow] = attrs.field(factory=list)

    def copy(self) -> _State:
        records = {key: list(rows) for key, rows in self.records.items()}
        return _State(
            list(self.copies),
            records,
            dict(self.bodies),
            list(self.events),
            dict(self.contacts),
            dict(self.readiness),
            list(self.national),
        )


class MemoryStore:
    """Tenants and their rows in memory."""

    def __init__(self) -> None:
        self._states = {"default": _State()}
        self._writing = threading.RLock()

    @contextmanager
    def begin(self, tenant: str = "default") -> Iterator[MemoryDirectoryRows]:
        """A unit that writes: taken over when the block ends, forgotten when it raises."""
        with self._writing:
            state = self._state(tenant).copy()
            yield MemoryDirectoryRows(state)
            self._states[tenant] = state

    @contextmanager
    def read(self, tenant: str = "default") -> Iterator[MemoryDirectoryRows]:
        """A unit that reads the picture of its beginning."""
        yield MemoryDirectoryRows(self._state(tenant))

    def create_tenant(self, tenant: str) -> None:
        """Add a tenant; nothing happens when it is there already."""
        self._states.setdefault(tenant, _State())

    def close(self) -> None:
        """Nothing has to be given back."""

    def _state(self, tenant: str) -> _State:
        if tenant not in self._states:
            raise StoreError(f"the store has no tenant {tenant!r}; create it first")
        return self._states[tenant]


class MemoryDirectoryRows:
    """The directory's rows of one tenant, in memory."""

    def __init__(self, state: _State) -> None:
        self._state = state

    def lock(self) -> None:
        """Only one unit writes at a time anyway."""

    def copies(self) -> list[CopyRow]:
        """All copies, oldest first."""
        return list(self._state.copies)

    def add_copy(self, row: CopyRow) -> None:
        """Add the next copy."""
        self._state.copies.append(row)

    def rows(self, seq: int) -> Iterator[RecordRow]:
        """The records of a copy, without their bodies."""
        for versions in self._state.records.values():
            for first, last, row in versions:
                if first <= seq and (last is None or last > seq):
                    yield row

    def bodies(
        self, seq: int, *, kinds: Iterable[str] | None = None, country: str | None = None
    ) -> Iterator[tuple[str, str, bytes]]:
        """Kind, key and body of the records of a copy, ordered by kind and key; walk it to its end."""
        wanted = frozenset(kinds) if kinds is not None else None
        for row in sorted(self.rows(seq), key=lambda row: (row.kind, row.id)):
            if wanted is not None and row.kind not in wanted:
                continue
            if country in (None, row.country):
                yield row.kind, row.id, self._state.bodies[row.digest]

    def body(self, seq: int, kind: str, id: str) -> bytes | None:
        """The body of one record of a copy."""
        for first, last, row in self._state.records.get((kind, id), []):
            if first <= seq and (last is None or last > seq):
                return self._state.bodies[row.digest]
        return None

    def history(self, kind: str, id: str) -> list[tuple[int, int | None, bytes]]:
        """Every body a record had: first copy, first copy without it, body."""
        versions = self._state.records.get((kind, id), [])
        return [(first, last, self._state.bodies[row.digest]) for first, last, row in versions]

    def add_records(self, seq: int, records: Iterable[tuple[RecordRow, bytes | None]]) -> None:
        """Records that stand from this copy on; a body of ``None`` is already stored."""
        for row, body in records:
            if body is not None:
                self._state.bodies.setdefault(row.digest, body)
            self._state.records.setdefault((row.kind, row.id), []).append((seq, None, row))

    def end_records(self, seq: int, keys: Iterable[tuple[str, str]]) -> None:
        """Records (kind, key) that do not stand in this copy any more."""
        for key in keys:
            versions = self._state.records[key]
            first, _, row = versions[-1]
            versions[-1] = (first, seq, row)

    def events(self, proposal: int | None = None) -> list[EventRow]:
        """The log, oldest first; of one proposal where it is named."""
        return [row for row in self._state.events if proposal in (None, row.proposal)]

    def last_event(self) -> int:
        """Number of the newest event; 0 when there is none."""
        return self._state.events[-1].no if self._state.events else 0

    def add_event(self, row: EventRow) -> None:
        """Append to the log."""
        self._state.events.append(row)

    def contacts(self) -> list[ContactRow]:
        """All contacts, ordered by institution, process and key."""
        return sorted(self._state.contacts.values(), key=lambda row: (row.institution, row.buc or "", row.key))

    def put_contact(self, row: ContactRow) -> None:
        """Add a contact or replace the one of the same key."""
        self._state.contacts[row.key] = row

    def remove_contact(self, key: str) -> bool:
        """Remove a contact; whether there was one."""
        return self._state.contacts.pop(key, None) is not None

    def readiness(self) -> list[ReadinessRow]:
        """All readiness rows, ordered by country, process and day."""
        return [self._state.readiness[key] for key in sorted(self._state.readiness)]

    def put_readiness(self, rows: Iterable[ReadinessRow]) -> None:
        """Add rows; one of the same country, institution, process, version and day is replaced."""
        for row in rows:
            self._state.readiness[_readiness_key(row)] = row

    def remove_readiness(self, rows: Iterable[ReadinessRow]) -> int:
        """Remove the rows of the same country, institution, process, version and day; how many there were."""
        return sum(self._state.readiness.pop(_readiness_key(row), None) is not None for row in rows)

    def national(self) -> list[NationalRow]:
        """What countries keep of their bodies, oldest first."""
        return sorted(self._state.national, key=lambda row: (row.no, row.institution))

    def put_national(self, rows: Iterable[NationalRow]) -> None:
        """Add rows; what stood before stays readable."""
        self._state.national += rows


def _readiness_key(row: ReadinessRow) -> tuple[str, ...]:
    return (row.country, row.buc, row.since, row.institution or "", row.cdm or "")
