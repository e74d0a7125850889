"""The directory that is kept: every copy ever loaded, the one in force, and the way back.

A load is one transaction over records that were read, compared and judged before; readers see the old copy until it is
committed, and the new one afterwards, never a mixture.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import BinaryIO, Final, cast

import attrs

from eessi.directory.codec import body_of, head_from_plain, head_to_plain, record_of
from eessi.directory.copy_signature import MOST_PROVED, NOT_SIGNED, CopySignature, SignatureState, judged
from eessi.directory.days import DEFAULT_ZONE
from eessi.directory.difference import Content, Difference
from eessi.directory.directory import Directory, known_bucs
from eessi.directory.folding import Folding
from eessi.directory.intake import Accepted, Intake, pack, small_enough, unpack
from eessi.directory.look_up import Found
from eessi.directory.national import keep_national, with_national
from eessi.directory.records import AccessPoint, CentralNode, Certificate, Environment, Institution
from eessi.directory.rights import User
from eessi.directory.sources import read
from eessi.errors import EessiError, NotAllowed, StoreError, UnknownCode, UsageError
from eessi.findings import Finding, Severity
from eessi.ids import InstitutionId, Period, Role, fold_country
from eessi.stores.directory_rows import CopyRow, DirectoryStorage, EventRow, RecordRow
from eessi.trust import SecurityPolicy

__all__ = ["Copy", "DirectoryStore", "Loaded", "NoCopy", "Version"]

_RECORDS: Final = ("institution", "access_point", "certificate", "central_node")
_COUNTED: Final = ("institution",)


@attrs.frozen(slots=True)
class Copy:
    """A copy that was loaded, or restored by a rollback.

    ``created`` is when the central node made it, ``loaded_at`` when it came into force here.
    """

    seq: int
    version: str | None
    created: dt.datetime | None
    loaded_at: dt.datetime
    loaded_by: str
    environment: Environment | None
    institutions: int
    source: str | None
    origin: str
    signature: CopySignature

    @property
    def day(self) -> dt.date:
        """The day from which the copy says what was known: when it was made, else when it was loaded."""
        return (self.created or self.loaded_at).date()


@attrs.frozen(slots=True)
class Loaded:
    """Result of a load: the copy now in force, whether anything changed, and the defects found while reading."""

    copy: Copy
    changed: bool
    findings: tuple[Finding, ...] = ()
    written: int = 0


@attrs.frozen(slots=True)
class Version:
    """An institution as it stood in consecutive copies; ``institution`` is ``None`` while it was in none of them."""

    first: Copy
    last: Copy
    institution: Institution | None
    is_kept: bool = False


class NoCopy(UsageError, LookupError):
    """The store holds no copy to ask."""


class DirectoryStore:
    """Copies of the directory in a store, for one tenant.

    :param begin: opens a unit that writes.
    :param read: opens a unit that reads.
    :param now: the clock.
    """

    def __init__(
        self,
        begin: Callable[[], AbstractContextManager[DirectoryStorage]],
        read: Callable[[], AbstractContextManager[DirectoryStorage]],
        *,
        now: Callable[[], dt.datetime] | None = None,
        close: Callable[[], None] = lambda: None,
    ) -> None:
        self.begin = begin
        self.read = read
        self.now = now or (lambda: dt.datetime.now(dt.UTC))
        self.close = close

    @classmethod
    def open(
        cls,
        place: str | Path = "memory:",
        *,
        tenant: str = "default",
        now: Callable[[], dt.datetime] | None = None,
    ) -> DirectoryStore:
        """Open a store: ``memory:``, the path of a SQLite file, ``sqlite:///FILE`` or ``postgresql://HOST/NAME``.

        :raises StoreError: when it cannot be opened.
        :raises MissingExtra: when the database library is not installed.
        """
        if place == "memory:":
            from eessi.stores.memory import MemoryStore

            memory = MemoryStore()
            memory.create_tenant(tenant)
            return cls(lambda: memory.begin(tenant), lambda: memory.read(tenant), now=now)
        from eessi.stores.directory import DirectoryRows
        from eessi.stores.store import Store

        store = Store.open(place)

        @contextmanager
        def begin() -> Iterator[DirectoryStorage]:
            with store.begin(tenant) as unit:
                yield DirectoryRows(unit)

        @contextmanager
        def reading() -> Iterator[DirectoryStorage]:
            with store.read(tenant) as unit:
                yield DirectoryRows(unit)

        return cls(begin, reading, now=now, close=store.close)

    def __enter__(self) -> DirectoryStore:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # --- copies ------------------------------------------------------------------------------------------------------

    def copies(self) -> tuple[Copy, ...]:
        """All copies, oldest first; the last one is in force."""
        with self.read() as rows:
            return tuple(_copy(row) for row in rows.copies())

    def load(
        self,
        source: bytes | str | Path | BinaryIO,
        *,
        by: str | User | None = None,
        accept: Iterable[Accepted] = (),
        zone: str = DEFAULT_ZONE,
        strict: bool = False,
        name: str | None = None,
        trust: SecurityPolicy | None = None,
        must_be_signed: bool = False,
        prove_up_to: int = MOST_PROVED,
    ) -> Loaded:
        """Read a full copy and put it in force.

        The source is read to its end and judged first. A refusal changes nothing but the log.

        :param by: who loads it; the user of the operating system when absent.
        :param accept: objections set aside: ``older``, ``same-version``, ``environment``, ``sender``, ``loss``,
            ``endpoints``.
        :param trust: whose signature on a copy is accepted; without it, nobody's signature counts as verified.
        :param must_be_signed: refuse a copy whose signature is not verified. A broken signature is always refused.
        :param prove_up_to: largest document, in bytes, that is kept whole to prove its signature.
        :raises InputError: when the source is damaged, hostile or empty.
        :raises NotAllowed: when the copy must not replace the one in force; ``rule`` is the objection.
        :raises StoreError: when the store fails, or another load came in between.
        """
        who = User.of(by)
        label = name or (str(source) if isinstance(source, (str, Path)) else None)
        folding = Folding(zone=zone, strict=strict, known_bucs=known_bucs())
        with self.read() as rows:
            before = _last(rows)
            known = {(row.kind, row.id): row.digest for row in rows.rows(before.seq)} if before else {}
            countries = (
                Counter(row.country or "" for row in rows.rows(before.seq) if row.kind in _COUNTED)
                if before
                else Counter()
            )
        intake = Intake(known, folding.defects)
        try:
            data = small_enough(source, prove_up_to)
            intake.read(read(data if data is not None else source, folding, name=label))
            intake.check_signature(
                judged(data, trust, prove_up_to) if intake.head.is_signed else NOT_SIGNED, must_be_signed
            )
            intake.check(before, countries, accept)
            if before is not None and not intake.changed and not intake.gone and intake.head.version == before.version:
                said: dict[str, object] = {
                    "source": label,
                    "version": intake.head.version,
                    "signature": intake.signature.text,
                }
                self.log(who, "copy-unchanged", said)
                same = attrs.evolve(_copy(before), signature=intake.signature)
                return Loaded(same, False, folding.defects.findings)
            copy = self._put(intake, before, who, label)
        except EessiError as error:
            self.log(who, "copy-refused", {"source": label, "reason": str(error), "rule": getattr(error, "rule", None)})
            raise
        finally:
            intake.close()
        return Loaded(copy, True, folding.defects.findings, len(intake.changed))

    def _put(self, intake: Intake, before: CopyRow | None, who: User, label: str | None) -> Copy:
        seq = before.seq + 1 if before else 1
        findings = [attrs.asdict(finding, filter=_said) for finding in intake.defects.findings]
        row = CopyRow(
            seq=seq,
            version=intake.head.version,
            created=intake.head.created.isoformat() if intake.head.created else None,
            sender=intake.head.sender,
            environment=intake.environment.value,
            source=label,
            institutions=intake.institutions,
            head=json.dumps({**head_to_plain(intake.head), "signature": attrs.asdict(intake.signature)}),
            findings=json.dumps(findings),
            loaded_at=self.now().isoformat(),
            loaded_by=who.name,
        )
        with self.begin() as rows:
            rows.lock()
            last = _last(rows)
            if (last.seq if last else 0) != seq - 1:
                raise StoreError("another copy was loaded in the meantime; load again")
            self._write(rows, intake, before, row)
            event: dict[str, object] = {
                "seq": seq,
                "version": row.version,
                "source": label,
                "changed": len(intake.changed),
                "signature": intake.signature.text,
            }
            self.append(rows, who, "copy-loaded", event)
        return _copy(row)

    def _write(self, rows: DirectoryStorage, intake: Intake, before: CopyRow | None, row: CopyRow) -> None:
        day = _copy(row).day
        gone = intake.gone
        kept = [self._close(rows, before, id, day) for kind, id in gone if kind == "institution" and before]
        back = [("kept", id) for kind, id in intake.seen if kind == "institution" and ("kept", id) in intake.known]
        replaced = [key for key in intake.changed if key in intake.known]
        rows.end_records(row.seq, [*gone, *back, *replaced])
        rows.add_records(row.seq, intake.records())
        rows.add_records(row.seq, kept)
        rows.add_copy(row)

    def _close(self, rows: DirectoryStorage, before: CopyRow | None, id: str, day: dt.date) -> tuple[RecordRow, bytes]:
        assert before is not None
        stored = rows.body(before.seq, "institution", id)
        assert stored is not None
        each = cast(Institution, record_of("institution", unpack(stored)))
        ends = [day] if each.period.end is None else [day, each.period.end]
        closed = attrs.evolve(each, period=Period(each.period.start, max(min(ends), each.period.start)))
        body = body_of(closed)
        return RecordRow("kept", id, each.country, hashlib.sha256(body).hexdigest()), pack(body)

    def rollback(self, to: int | None = None, *, by: str | User | None = None) -> Copy:
        """Put an earlier copy in force again, as a new one; nothing is deleted.

        :param to: number of the copy; the one before the last when absent.
        :raises NotAllowed: when there is no such earlier copy.
        """
        who = User.of(by)
        with self.begin() as rows:
            rows.lock()
            copies = {row.seq: row for row in rows.copies()}
            last = max(copies, default=0)
            target = to if to is not None else last - 1
            if target not in copies or target >= last:
                raise NotAllowed(f"there is no earlier copy {target} to go back to", rule="no-such-copy")
            now = {(row.kind, row.id): row for row in rows.rows(last)}
            then = {(row.kind, row.id): row for row in rows.rows(target)}
            wrong = [key for key, row in now.items() if then.get(key) != row]
            rows.end_records(last + 1, wrong)
            rows.add_records(last + 1, ((row, None) for key, row in then.items() if now.get(key) != row))
            row = attrs.evolve(
                copies[target],
                seq=last + 1,
                origin=f"rollback to {target}",
                loaded_at=self.now().isoformat(),
                loaded_by=who.name,
            )
            rows.add_copy(row)
            self.append(rows, who, "copy-rolled-back", {"seq": row.seq, "from": last, "to": target})
        return _copy(row)

    # --- asking ------------------------------------------------------------------------------------------------------

    def directory(self, country: str | None = None, *, seq: int | None = None) -> Directory:
        """The copy in force, or an earlier one, in memory; of one country only where that is enough.

        :raises NoCopy: when none was loaded yet.
        :raises UnknownCode: when there is no such copy.
        """
        with self.read() as rows:
            copies = rows.copies()
            wanted = seq if seq is not None else len(copies)
            row = next((row for row in copies if row.seq == wanted), None)
            if row is None:
                raise (
                    NoCopy("no copy was loaded yet") if seq is None else UnknownCode("copy of the directory", str(seq))
                )
            after = next((copy.loaded_at for copy in copies if copy.seq == row.seq + 1), None)
            return _directory(rows, row, fold_country(country) if country else None, after)

    def find(
        self,
        buc: str,
        role: str = Role.COUNTERPARTY,
        country: str | None = None,
        on: dt.date | None = None,
        *,
        known_on: dt.date | None = None,
    ) -> Found:
        """Who may take a role in a process on a day, by the copy in force or by what was known on another day.

        :param known_on: answer from the copy that was the newest on that day; with ``on`` the same day, this is who was
            competent then as everybody saw it then.
        :raises UnknownCode: when no copy is that old.
        """
        seq = None if known_on is None else self.copy_of(known_on).seq
        return self.directory(country, seq=seq).find(buc, role, country, on)

    def copy_of(self, day: dt.date) -> Copy:
        """The copy that said what was known on a day: the last one made on or before it; rolled-back ones do not count.

        :raises UnknownCode: when no copy is that old.
        """
        found = [copy for copy in _in_effect(self.copies()) if copy.day <= day]
        if not found:
            raise UnknownCode("copy of the directory", f"of {day}")
        return found[-1]

    def history(self, id: str) -> tuple[Version, ...]:
        """How an institution stood in the copies, oldest first; copies without it, between others, are one version too."""
        with self.read() as rows:
            copies = [_copy(row) for row in rows.copies()]
            spans = [(first, last, body, False) for first, last, body in rows.history("institution", id)]
            spans += [(first, last, body, True) for first, last, body in rows.history("kept", id)]
        by_seq = {copy.seq: copy for copy in copies}
        versions: list[Version] = []
        next_seq = None
        for first, last, body, is_kept in sorted(spans, key=lambda span: span[0]):
            until = (last or len(copies) + 1) - 1
            if next_seq is not None and first > next_seq:
                versions.append(Version(by_seq[next_seq], by_seq[first - 1], None))
            institution = cast(Institution, record_of("institution", unpack(body)))
            versions.append(Version(by_seq[first], by_seq[until], institution, is_kept))
            next_seq = until + 1
        return tuple(versions)

    def diff(self, old: int, new: int | None = None) -> Difference:
        """Every change from one stored copy to another, the one in force when absent."""
        return self.directory(seq=old).diff(self.directory(seq=new))

    # --- the log -----------------------------------------------------------------------------------------------------

    def log(self, who: str | User, action: str, body: dict[str, object], *, proposal: int | None = None) -> None:
        """Append to the log in a unit of its own."""
        with self.begin() as rows:
            self.append(rows, who, action, body, proposal=proposal)

    def append(
        self,
        rows: DirectoryStorage,
        who: str | User,
        action: str,
        body: dict[str, object],
        *,
        proposal: int | None = None,
    ) -> EventRow:
        """Append to the log inside a unit that is open."""
        rows.lock()
        no = rows.last_event() + 1
        user = User.of(who)
        said = json.dumps({**body, "identity": user.as_words()}, ensure_ascii=False)
        row = EventRow(no, self.now().isoformat(), user.name, action, proposal, said)
        rows.add_event(row)
        return row

    def keep_national(
        self,
        rows: DirectoryStorage,
        old: Mapping[InstitutionId, Institution],
        new: Mapping[InstitutionId, Institution],
    ) -> None:
        """Put functions and legal competence of an approved change in force, inside the unit that logged it."""
        keep_national(rows, self.now().isoformat(), old, new)

    def events(self) -> tuple[EventRow, ...]:
        """Everything that was done or refused, oldest first."""
        with self.read() as rows:
            return tuple(rows.events())


def _last(rows: DirectoryStorage) -> CopyRow | None:
    copies = rows.copies()
    return copies[-1] if copies else None


def _copy(row: CopyRow) -> Copy:
    return Copy(
        seq=row.seq,
        version=row.version,
        created=dt.datetime.fromisoformat(row.created) if row.created else None,
        loaded_at=dt.datetime.fromisoformat(row.loaded_at),
        loaded_by=row.loaded_by,
        environment=Environment(row.environment) if row.environment else None,
        institutions=row.institutions,
        source=row.source,
        origin=row.origin,
        signature=_signature(json.loads(row.head).get("signature")),
    )


def _signature(plain: Mapping[str, str | None] | None) -> CopySignature:
    if plain is None:
        return CopySignature(SignatureState.UNDETERMINED, "nobody looked at it when this copy was loaded")
    signer, thumbprint = plain["signer"], plain["thumbprint"]
    return CopySignature(SignatureState(str(plain["state"])), plain["why"] or "", signer, thumbprint)


def _in_effect(copies: Iterable[Copy]) -> list[Copy]:
    """The copies without those that a rollback took back."""
    found: list[Copy] = []
    for copy in copies:
        if copy.origin.startswith("rollback to "):
            target = int(copy.origin.rpartition(" ")[2])
            found = [each for each in found if each.seq < target]
        found.append(copy)
    return found


def _directory(rows: DirectoryStorage, row: CopyRow, country: str | None, after: str | None) -> Directory:
    institutions: dict[InstitutionId, Institution] = {}
    kept: dict[InstitutionId, Institution] = {}
    points: dict[InstitutionId, AccessPoint] = {}
    certificates: dict[str, Certificate] = {}
    node = None
    for kind, id, stored in _bodies(rows, row.seq, country):
        record = record_of("institution" if kind == "kept" else kind, unpack(stored))
        if isinstance(record, Institution):
            (kept if kind == "kept" else institutions)[record.id] = record
        elif isinstance(record, AccessPoint):
            points[record.id] = record
        elif isinstance(record, Certificate):
            certificates[id] = record
        elif isinstance(record, CentralNode):
            node = record
    head = head_from_plain(json.loads(row.head))
    national = rows.national()
    return Directory(
        Content(with_national(institutions, national, after) if national else institutions, points, certificates, node),
        head=head,
        kept=kept,
        findings=[_finding(plain) for plain in json.loads(row.findings)],
        has_endpoints=head.has_endpoints,
        environment=Environment(row.environment) if row.environment else None,
    )


def _bodies(rows: DirectoryStorage, seq: int, country: str | None) -> Iterator[tuple[str, str, bytes]]:
    if country is None:
        yield from rows.bodies(seq)
        return
    yield from rows.bodies(seq, kinds=["institution", "kept"], country=country)
    yield from rows.bodies(seq, kinds=["access_point", "certificate", "central_node"])


def _said(field: attrs.Attribute[object], value: object) -> bool:
    """Personal values stay out of the store of findings."""
    return field.name in ("id", "severity", "path", "got", "expected", "params") and bool(value)


def _finding(plain: dict[str, object]) -> Finding:
    expected = cast("list[str]", plain.get("expected", []))
    return Finding(
        str(plain["id"]),
        severity=Severity(str(plain["severity"])),
        path=cast("str | None", plain.get("path")),
        got=cast("str | None", plain.get("got")),
        expected=tuple(expected),
        params=cast("dict[str, str]", plain.get("params", {})),
    )
