"""Who exchanges which process how: electronically, in which version, or still on paper, and since when.

The transition is per process and country (Decisions E5 and E7): a country is enabled for a process when it can send and
receive all its messages. The directory says per body whether it is ready; what it cannot say (versions, dates agreed,
paper) is declared in rows that are kept beside it. A declared row of a body stands before one of its country, and the
later row before the earlier.
"""

from __future__ import annotations

import datetime as dt
import enum
from collections.abc import Iterable
from typing import Literal

import attrs
from pydantic import BaseModel, ConfigDict, field_validator

from eessi.directory.directory import Directory
from eessi.directory.store import DirectoryStore
from eessi.ids import BucId, CdmVersion, InstitutionId, Role, fold_country
from eessi.stores.directory_rows import ReadinessRow

__all__ = ["Declared", "Mode", "Readiness", "ReadinessBook", "readiness_of"]


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
    source: str
    institution: str | None = None
    cdm: str | None = None

    @field_validator("country")
    @classmethod
    def _country(cls, value: str) -> str:
        return fold_country(value)

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


class ReadinessBook:
    """The declared rows of one tenant."""

    def __init__(self, store: DirectoryStore) -> None:
        self._store = store

    def declare(self, rows: Iterable[Declared], *, by: str) -> int:
        """Add rows, or replace those of the same subject and day; their number."""
        declared = list(rows)
        with self._store.begin() as storage:
            storage.put_readiness(
                ReadinessRow(
                    each.country, each.institution, each.buc, each.cdm, each.mode, each.since.isoformat(), each.source
                )
                for each in declared
            )
            self._store.append(storage, by, "readiness-declared", {"rows": len(declared)})
        return len(declared)

    def rows(self) -> tuple[Declared, ...]:
        """All declared rows, ordered by country, process and day."""
        with self._store.read() as storage:
            return tuple(Declared(**attrs.asdict(row)) for row in storage.readiness())


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
    """How a country, or one of its bodies, exchanges a process on a day.

    With ``version``, only what is declared for that version or a later one counts as electronic; without a declared
    version the answer is unknown, never a yes.

    :raises UnknownCode: for a process code of no known form, or a body the directory does not know.
    """
    day = on or dt.date.today()
    code, land = BucId(buc), fold_country(country)
    body = InstitutionId(institution) if institution else None
    mine = [
        row
        for row in declared
        if (row.buc, row.country) == (code, land) and row.since <= day and row.institution in (None, body)
    ]
    mine.sort(key=lambda row: (row.institution is not None, row.since))
    seen = _from_directory(directory, code, land, day, body)
    electronic = [row for row in mine if row.mode == "electronic" and row.cdm]
    newest = max((CdmVersion.parse(row.cdm) for row in electronic if row.cdm), default=None)
    row = mine[-1] if mine else None
    if row is not None:
        seen = attrs.evolve(seen, mode=Mode(row.mode), since=row.since, source=row.source)
    seen = attrs.evolve(seen, version=newest)
    if version is None or seen.mode in (Mode.PAPER, Mode.UNKNOWN):
        return seen
    wanted = CdmVersion.parse(version).released
    if newest is None:
        return attrs.evolve(seen, mode=Mode.UNKNOWN, source=f"nobody declared a version; {seen.source}")
    return (
        seen
        if newest.released >= wanted
        else attrs.evolve(seen, mode=Mode.PAPER, source=f"up to version {newest} only")
    )


def _from_directory(
    directory: Directory, buc: BucId, country: str, on: dt.date, body: InstitutionId | None
) -> Readiness:
    """What the copy itself says: ready both to open and to answer is electronic, nobody ready is paper."""
    since: list[dt.date] = []
    blockers: set[InstitutionId] = set()
    ready: set[Role] = set()
    competent = False
    for each in directory:
        if each.country != country or body not in (None, each.id) or not each.period.covers(on):
            continue
        for row in each.competences:
            if row.buc != buc or row.role is Role.INTELLIGENT_RA or not row.period.covers(on):
                continue
            competent = True
            if row.is_ready:
                ready.add(row.role)
                since.append(row.period.start)
            else:
                blockers.add(each.id)
    first = min((day for day in since if day != dt.date.min), default=None)
    if not competent:
        return Readiness(country, buc, Mode.UNKNOWN, None, "no body is competent in this copy", body)
    if ready == {Role.CASE_OWNER, Role.COUNTERPARTY}:
        mode = Mode.PARTLY if blockers else Mode.ELECTRONIC
    else:
        mode = Mode.PARTLY if ready else Mode.PAPER
    return Readiness(country, buc, mode, first, "the directory's readiness flags", body, None, tuple(sorted(blockers)))
