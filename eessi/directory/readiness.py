"""Who exchanges which process how: electronically, in which version, or still on paper, and since when.

The transition is per process and country (Decisions E5 and E7): a country is enabled for a process when it can send and
receive all its messages. The directory says per body whether it is ready; what it cannot say (versions, dates agreed,
paper) is declared in rows that are kept beside it, each with its source. A declared row of a body stands before one of
its country, and the later row before the earlier.
"""

from __future__ import annotations

import datetime as dt
import enum
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Literal, Self

import attrs
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from eessi.directory.directory import Directory, known_bucs
from eessi.directory.records import Competence, Institution
from eessi.directory.rights import User
from eessi.directory.store import DirectoryStore
from eessi.errors import UnknownCode
from eessi.findings import Finding, Severity
from eessi.ids import COUNTRIES, BucId, CdmVersion, InstitutionId, Role, fold_country
from eessi.stores.directory_rows import ReadinessRow

__all__ = ["Declared", "Mode", "Readiness", "ReadinessBook", "ReadinessChange", "Readinesses", "readiness_of"]


class Mode(enum.StrEnum):
    """How a process is exchanged."""

    ELECTRONIC = "electronic"
    PARTLY = "partly"
    PAPER = "paper"
    UNKNOWN = "unknown"


class Declared(BaseModel):
    """A row that somebody answers for: country or body, process, version, mode, first day, source."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)

    country: str
    buc: str
    mode: Literal["electronic", "paper"]
    since: dt.date
    source: str = Field(min_length=1)
    institution: str | None = None
    cdm: str | None = None

    @field_validator("country")
    @classmethod
    def _country(cls, value: str) -> str:
        folded = fold_country(value)
        if folded not in COUNTRIES:
            raise ValueError(f"{value!r} is no country of the directory")
        return folded

    @field_validator("buc")
    @classmethod
    def _buc(cls, value: str) -> str:
        return BucId(value)

    @field_validator("institution")
    @classmethod
    def _institution(cls, value: str | None) -> str | None:
        return InstitutionId(value) if value else None

    @field_validator("cdm")
    @classmethod
    def _cdm(cls, value: str | None) -> str | None:
        return str(CdmVersion.parse(value)) if value else None

    @model_validator(mode="after")
    def _one_country(self) -> Self:
        if self.institution and fold_country(self.institution.partition(":")[0]) != self.country:
            raise ValueError(f"{self.institution} is no body of {self.country}")
        if self.mode == "paper" and self.cdm:
            raise ValueError("paper has no version; leave the version out")
        return self

    @property
    def subject(self) -> tuple[str, str, str, str, str]:
        """What makes two rows speak of the same thing: everything but mode and source."""
        return (self.country, self.buc, self.institution or "", self.since.isoformat(), self.cdm or "")


@attrs.frozen(slots=True)
class Readiness:
    """How one country, or one body, exchanges one process on a day.

    ``since`` is the first day of the row or competence it rests on, ``source`` says what that is. ``version`` is the
    newest declared CDM version, ``None`` where nobody declared one. ``blockers`` are the bodies that are competent and not
    ready.
    """

    country: str
    buc: BucId
    mode: Mode
    since: dt.date | None
    source: str
    institution: InstitutionId | None = None
    version: CdmVersion | None = None
    blockers: tuple[InstitutionId, ...] = ()


# --- the answer ------------------------------------------------------------------------------------------------------

_Place = tuple[str, str]


class Readinesses:
    """Copy and declared rows side by side, arranged by process and country for many questions.

    :param declared: rows that somebody answers for.
    """

    def __init__(self, directory: Directory, declared: Iterable[Declared] = ()) -> None:
        self._declared: dict[_Place, list[Declared]] = defaultdict(list)
        for row in declared:
            self._declared[row.buc, row.country].append(row)
        self._competent: dict[_Place, list[tuple[Institution, Competence]]] = defaultdict(list)
        for each in directory:
            for competence in each.competences:
                if competence.role is not Role.INTELLIGENT_RA:
                    self._competent[competence.buc, each.country].append((each, competence))
        self._known = directory

    def of(
        self,
        buc: str,
        country: str,
        on: dt.date | None = None,
        *,
        institution: str | None = None,
        version: CdmVersion | str | None = None,
    ) -> Readiness:
        """How a country, or one of its bodies, exchanges a process on a day.

        With ``version``, only what is declared for that version or a later one counts as electronic; without a declared
        version the answer is unknown, never a yes.

        :raises UnknownCode: for a process code of no known form.
        """
        day = on or dt.date.today()
        code, land = BucId(buc), fold_country(country)
        body = InstitutionId(institution) if institution else None
        mine = [
            row for row in self._declared.get((code, land), ()) if row.since <= day and row.institution in (None, body)
        ]
        mine.sort(key=lambda row: (row.institution is not None, row.since, row.mode == "paper"))
        seen = self._in_copy(code, land, day, body)
        if mine:
            row = mine[-1]
            seen = attrs.evolve(seen, mode=Mode(row.mode), since=row.since, source=row.source)
        seen = attrs.evolve(seen, version=_newest(mine))
        if version is None or seen.mode in (Mode.PAPER, Mode.UNKNOWN):
            return seen
        return _for_version(seen, CdmVersion.parse(version))

    def _in_copy(self, buc: BucId, country: str, on: dt.date, body: InstitutionId | None) -> Readiness:
        """What the copy itself says: ready both to open and to answer is electronic, nobody ready is paper."""
        rows = [
            (each, row)
            for each, row in self._competent.get((buc, country), ())
            if body in (None, each.id) and each.period.covers(on) and row.period.covers(on)
        ]
        if not rows:
            who = "no body is" if body is None else f"{body} is not"
            return Readiness(country, buc, Mode.UNKNOWN, None, f"{who} competent in this copy", body)
        ready = {row.role for _, row in rows if row.is_ready}
        blockers = {each.id for each, row in rows if not row.is_ready}
        days = [row.period.start for _, row in rows if row.is_ready and row.period.start != dt.date.min]
        if ready == {Role.CASE_OWNER, Role.COUNTERPARTY}:
            mode = Mode.PARTLY if blockers else Mode.ELECTRONIC
        else:
            mode = Mode.PARTLY if ready else Mode.PAPER
        source, first = "the directory's readiness flags", min(days, default=None)
        return Readiness(country, buc, mode, first, source, body, None, tuple(sorted(blockers)))

    def doubts(self, on: dt.date | None = None) -> Iterator[Finding]:
        """Where declared rows and the copy cannot both be right on a day, today when absent.

        Declared electronic while nobody is ready, declared paper while everybody is, a body or process the directory does
        not know. The declared row is followed all the same; somebody answers for it.
        """
        day = on or dt.date.today()
        for rows in self._declared.values():
            for row in rows:
                path = "/".join(part for part in (row.institution or row.country, row.buc) if part)
                if row.buc not in known_bucs():
                    yield Finding("DIR-BUC-UNKNOWN", Severity.WARNING, path=path, got=row.buc)
                if row.institution and row.institution not in self._known:
                    yield Finding("DIR-READY-BODY", Severity.WARNING, path=path, got=row.institution)
                    continue
                seen = self._in_copy(BucId(row.buc), row.country, max(day, row.since), _body(row))
                against = {"electronic": (Mode.PAPER, Mode.UNKNOWN), "paper": (Mode.ELECTRONIC,)}[row.mode]
                if seen.mode in against and self._stands(row, day):
                    yield Finding("DIR-READY-DOUBT", Severity.WARNING, path=path, got=row.mode, expected=(seen.mode,))

    def _stands(self, row: Declared, day: dt.date) -> bool:
        """Whether no later row of the same subject has replaced this one by a day."""
        return not any(
            row.since < other.since <= day and other.institution == row.institution
            for other in self._declared[row.buc, row.country]
        )


def _body(row: Declared) -> InstitutionId | None:
    return InstitutionId(row.institution) if row.institution else None


def _newest(rows: list[Declared]) -> CdmVersion | None:
    """The newest version declared by the body itself, else by its country; what was declared before a return to paper is over."""
    for own in (True, False):
        level = [row for row in rows if (row.institution is not None) == own]
        last_paper = max((row.since for row in level if row.mode == "paper"), default=dt.date.min)
        found = [CdmVersion.parse(row.cdm) for row in level if row.cdm and row.since > last_paper]
        if found:
            return max(found)
        if level and level[-1].mode == "paper":
            return None
    return None


def _for_version(seen: Readiness, wanted: CdmVersion) -> Readiness:
    if seen.version is None:
        return attrs.evolve(seen, mode=Mode.UNKNOWN, source=f"nobody declared a version; {seen.source}")
    if seen.version.released >= wanted.released:
        return seen
    return attrs.evolve(seen, mode=Mode.PAPER, source=f"up to version {seen.version} only; {seen.source}")


def readiness_of(
    directory: Directory,
    buc: str,
    country: str,
    on: dt.date | None = None,
    *,
    institution: str | None = None,
    version: CdmVersion | str | None = None,
    declared: Iterable[Declared] = (),
) -> Readiness:
    """How a country, or one of its bodies, exchanges a process on a day; for many questions see :class:`Readinesses`.

    :raises UnknownCode: for a process code of no known form.
    """
    return Readinesses(directory, declared).of(buc, country, on, institution=institution, version=version)


# --- the book --------------------------------------------------------------------------------------------------------


@attrs.frozen(slots=True)
class ReadinessChange:
    """What a declaration did to one row: ``old`` is ``None`` for a new one, ``new`` for one taken back.

    ``at`` and ``by`` are when and by whom; both ``None`` in a preview.
    """

    old: Declared | None
    new: Declared | None
    at: dt.datetime | None = None
    by: str | None = None

    @property
    def row(self) -> Declared:
        """The row it is about: the new one, else the one taken back."""
        row = self.new or self.old
        assert row is not None
        return row

    @property
    def action(self) -> str:
        """``added``, ``changed`` or ``withdrawn``."""
        return "withdrawn" if self.new is None else "added" if self.old is None else "changed"


class ReadinessBook:
    """The declared rows of one tenant, and what became of them."""

    def __init__(self, store: DirectoryStore) -> None:
        self._store = store

    def preview(self, rows: Iterable[Declared]) -> tuple[ReadinessChange, ...]:
        """What declaring these rows would change; rows that stand already are left out."""
        return _changes({row.subject: row for row in self.rows()}, rows)

    def declare(
        self, rows: Iterable[Declared], *, by: str | User | None, instead_of: Iterable[Declared] = (), reason: str = ""
    ) -> tuple[ReadinessChange, ...]:
        """Add rows, or replace those of the same subject and day; what changed. All or none, logged with old and new.

        :param instead_of: rows taken back at the same time; they stay in the history.
        :raises UnknownCode: when one of those to take back does not stand.
        """
        with self._store.begin() as storage:
            storage.lock()
            stand = {row.subject: row for row in map(_declared, storage.readiness())}
            changes = list(_changes(stand, rows))
            storage.put_readiness([_stored(each.row) for each in changes])
            for row in instead_of:
                if row.subject not in stand:
                    raise UnknownCode("declared row", " ".join(part for part in row.subject if part))
                changes.append(ReadinessChange(stand[row.subject], None))
            storage.remove_readiness([_stored(each.row) for each in changes if each.new is None])
            if not changes:
                return ()
            body: dict[str, object] = {
                "changes": [{"old": _plain(each.old), "new": _plain(each.new)} for each in changes],
                "reason": reason,
            }
            event = self._store.append(storage, User.of(by), "readiness-declared", body)
        at = dt.datetime.fromisoformat(event.at)
        return tuple(attrs.evolve(each, at=at, by=event.who) for each in changes)

    def rows(self, *, known_on: dt.date | None = None) -> tuple[Declared, ...]:
        """All declared rows, ordered by country, process and day.

        :param known_on: those that stood at the end of this day, whatever came later.
        """
        if known_on is None:
            with self._store.read() as storage:
                return tuple(map(_declared, storage.readiness()))
        stood: dict[tuple[str, ...], Declared] = {}
        for change in self.history():
            if change.at is not None and change.at.date() <= known_on:
                if change.new is None:
                    stood.pop(change.row.subject, None)
                else:
                    stood[change.row.subject] = change.new
        return tuple(sorted(stood.values(), key=lambda row: (row.country, row.buc, row.since, row.subject)))

    def history(
        self, *, buc: str | None = None, country: str | None = None, institution: str | None = None
    ) -> tuple[ReadinessChange, ...]:
        """Everything that was declared and taken back, oldest first, of a process, a country, a body."""
        wanted = (BucId(buc) if buc else None, fold_country(country) if country else None, institution or None)
        with self._store.read() as storage:
            events = [event for event in storage.events() if event.action == "readiness-declared"]
        return tuple(
            ReadinessChange(_read(one["old"]), _read(one["new"]), dt.datetime.fromisoformat(event.at), event.who)
            for event in events
            for one in json.loads(event.body)["changes"]
            for row in [one["new"] or one["old"]]
            if all(
                want in (None, row.get(name))
                for want, name in zip(wanted, ("buc", "country", "institution"), strict=True)
            )
        )


def _changes(
    stand: dict[tuple[str, str, str, str, str], Declared], rows: Iterable[Declared]
) -> tuple[ReadinessChange, ...]:
    wanted = {row.subject: row for row in rows}
    return tuple(
        ReadinessChange(stand.get(subject), row) for subject, row in wanted.items() if stand.get(subject) != row
    )


def _stored(row: Declared) -> ReadinessRow:
    return ReadinessRow(row.country, row.institution, row.buc, row.cdm, row.mode, row.since.isoformat(), row.source)


def _declared(row: ReadinessRow) -> Declared:
    return Declared.model_validate(attrs.asdict(row))


def _plain(row: Declared | None) -> dict[str, object] | None:
    return None if row is None else row.model_dump(mode="json", exclude_none=True)


def _read(plain: dict[str, object] | None) -> Declared | None:
    return None if plain is None else Declared.model_validate(plain)
