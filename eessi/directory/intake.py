"""What a new copy must satisfy before it replaces the one in force, and the spool it waits in until then.

A copy is read to its end, outside any transaction, before one row is written: a damaged or hostile one never touches the
store. Only records that changed are kept meanwhile, on disk when they are many.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import struct
import tempfile
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator
from io import SEEK_END
from pathlib import Path
from typing import IO, BinaryIO, Final, Literal

import attrs

from eessi.directory.codec import KIND_OF, body_of
from eessi.directory.copy_signature import NOT_SIGNED, CopySignature, SignatureState
from eessi.directory.days import CopyVersion
from eessi.directory.defects import Defects
from eessi.directory.records import AccessPoint, CentralNode, Certificate, Environment, Institution
from eessi.directory.syn001 import CopyHead, Record
from eessi.errors import InputError, NotAllowed, StoreError
from eessi.stores.directory_rows import CopyRow, RecordRow

__all__ = ["CENTRAL_NODE", "MOST_LOST", "Accepted", "Intake", "pack", "small_enough", "unpack"]

CENTRAL_NODE: Final = "EU:CSN01"
"""The only sender of a full copy (directory facts, sections 1 and 7.1)."""

MOST_LOST: Final = 0.1
"""Share of the institutions, of all or of one country with ten or more, that may vanish with one copy."""

Accepted = Literal["older", "same-version", "environment", "sender", "loss", "endpoints"]
"""Objections to a copy that a person may set aside."""

_IN_MEMORY: Final = 16 * 1024 * 1024


def small_enough(source: bytes | str | Path | BinaryIO, most: int) -> bytes | None:
    """The document where it is small enough to prove its signature, so that what is read is what is proved; else ``None``.

    :raises InputError: when there is no such file.
    """
    if isinstance(source, bytes):
        return source if len(source) <= most else None
    if not isinstance(source, (str, Path)):
        return None if _size_of(source, most) > most else source.read()
    try:
        with open(source, "rb") as file:
            return None if _size_of(file, most) > most else file.read()
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", source=str(source)) from None


def _size_of(file: BinaryIO, most: int) -> int:
    """Bytes left in a file; a stream that cannot say it counts as large."""
    if not file.seekable():
        return most + 1
    at = file.tell()
    size = file.seek(0, SEEK_END) - at
    file.seek(at)
    return size


def pack(body: bytes) -> bytes:
    """A record's body as it is stored."""
    return zlib.compress(body, 3)


def unpack(body: bytes) -> bytes:
    """A stored body as it was.

    :raises StoreError: when the bytes are damaged.
    """
    try:
        return zlib.decompress(body)
    except zlib.error:
        raise StoreError("a stored record cannot be read: its bytes are damaged") from None


class Intake:
    """One copy on its way in: the records that differ from those in force, and what is known about the whole.

    :param known: (kind, key) -> digest of the records in force.
    """

    def __init__(self, known: dict[tuple[str, str], str], defects: Defects) -> None:
        self.known = known
        self.defects = defects
        self.head = CopyHead()
        self.seen: set[tuple[str, str]] = set()
        self.changed: set[tuple[str, str]] = set()
        self.signature = NOT_SIGNED
        self.institutions = 0
        self.marks: Counter[Environment | None] = Counter()
        self._spool: IO[bytes] = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115  # closed in close()

    def read(self, records: Iterable[Record]) -> None:
        """Take in all records of the copy.

        :raises InputError: when the source is damaged.
        """
        for record in records:
            if isinstance(record, CopyHead):
                self.head = record
            else:
                self._take(record)

    def _take(self, record: Institution | AccessPoint | Certificate | CentralNode) -> None:
        key = (KIND_OF[type(record)], key_of(record))
        if key in self.seen:
            self.defects.report("DIR-DOUBLE-RECORD", key[1])
            return
        self.seen.add(key)
        if isinstance(record, Institution):
            self.institutions += 1
            self.marks[record.environment] += 1
        body = body_of(record)
        digest = hashlib.sha256(body).hexdigest()
        if self.known.get(key) != digest:
            self.changed.add(key)
            self._write(RecordRow(*key, getattr(record, "country", None), digest), pack(body))

    def _write(self, row: RecordRow, body: bytes) -> None:
        head = json.dumps(attrs.astuple(row)).encode()
        self._spool.write(struct.pack(">II", len(head), len(body)) + head + body)

    def records(self) -> Iterator[tuple[RecordRow, bytes]]:
        """The records that are new or changed, in the order they came."""
        self._spool.seek(0)
        while sizes := self._spool.read(8):
            head, body = struct.unpack(">II", sizes)
            row = RecordRow(*json.loads(self._spool.read(head)))
            yield row, self._spool.read(body)

    @property
    def gone(self) -> list[tuple[str, str]]:
        """Keys of the records in force that the copy does not hold; institutions kept from earlier copies stay."""
        return sorted(key for key in self.known if key not in self.seen and key[0] != "kept")

    @property
    def environment(self) -> Environment:
        """The environment of the copy: as its source says, else the mark of most names, else production."""
        if self.head.environment:
            return self.head.environment
        marked = {mark: count for mark, count in self.marks.items() if mark is not None}
        if sum(marked.values()) * 2 <= self.institutions:
            return Environment.PRODUCTION
        return max(marked, key=lambda mark: marked[mark])

    def close(self) -> None:
        """Forget the spooled records."""
        self._spool.close()

    # --- objections --------------------------------------------------------------------------------------------------

    def check_signature(self, signature: CopySignature, must_be_signed: bool) -> None:
        """Take in what the copy's signature proves, or refuse it; nobody may set that aside.

        :raises NotAllowed: when the signature is broken, or is asked for and not verified; ``rule`` is ``signature``.
        """
        self.signature = signature
        if signature.state is SignatureState.BROKEN:
            raise NotAllowed(f"the copy is refused: its signature is broken: {signature.why}", rule="signature")
        if must_be_signed and signature.state is not SignatureState.VERIFIED:
            raise NotAllowed(f"the copy is refused: it has no verified signature ({signature.text})", rule="signature")

    def check(self, before: CopyRow | None, countries: Counter[str], accept: Iterable[str]) -> None:
        """Let the copy pass, or say why not.

        :param before: the copy in force.
        :param countries: institutions in force per country.
        :param accept: objections set aside by a person.
        :raises InputError: when the copy holds no institution.
        :raises NotAllowed: with the objection as ``rule``.
        """
        if not self.institutions:
            raise InputError("the copy holds no institution; it cannot replace anything")
        waived = set(accept)
        for rule, text in self._objections(before, countries):
            if rule not in waived:
                raise NotAllowed(f"the copy is refused: {text}; accept {rule!r} to load it all the same", rule=rule)

    def _objections(self, before: CopyRow | None, countries: Counter[str]) -> Iterator[tuple[Accepted, str]]:
        if self.head.sender is not None and self.head.sender != CENTRAL_NODE:
            yield "sender", f"it was sent by {self.head.sender}, not by {CENTRAL_NODE}"
        if before is None:
            return
        if before.environment and self.environment.value != before.environment:
            yield "environment", f"it is {self.environment.value}, the copy in force is {before.environment}"
        if json.loads(before.head).get("has_endpoints") and not self.head.has_endpoints:
            yield "endpoints", "it carries no access points, the copy in force does"
        yield from self._age(before)
        yield from self._loss(countries)

    def _age(self, before: CopyRow) -> Iterator[tuple[Accepted, str]]:
        if self.head.version and before.version:
            new, old = CopyVersion(self.head.version), CopyVersion(before.version)
            if new < old:
                yield "older", f"version {new} is older than {old}"
            elif new == old and (self.changed or self.gone):
                yield "same-version", f"version {new} is in force already, with other content"
        if self.head.created and before.created:
            created = dt.datetime.fromisoformat(before.created)
            if _aware(self.head.created) < _aware(created):
                yield "older", f"it was made on {self.head.created:%Y-%m-%d}, the copy in force on {created:%Y-%m-%d}"

    def _loss(self, countries: Counter[str]) -> Iterator[tuple[Accepted, str]]:
        lost = Counter(key[1][:2] for key in self.gone if key[0] == "institution")
        total = countries.total()
        if total and lost.total() > max(1, total * MOST_LOST):
            yield "loss", f"{lost.total()} of {total} institutions would vanish"
            return
        for country, count in sorted(lost.items()):
            if countries[country] >= 10 and count > countries[country] * MOST_LOST:
                yield "loss", f"{count} of {countries[country]} institutions of {country} would vanish"


def key_of(record: Institution | AccessPoint | Certificate | CentralNode) -> str:
    """What identifies a record: its id, or the thumbprint of a certificate."""
    return record.thumbprint if isinstance(record, Certificate) else record.id


def _aware(instant: dt.datetime) -> dt.datetime:
    return instant if instant.tzinfo else instant.replace(tzinfo=dt.UTC)
