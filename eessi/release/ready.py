"""May we switch: who can exchange which process in which version, electronically or on paper, on a day, and who blocks.

Joins three sources: the directory (competent and ready bodies), declared rows (versions and dates that somebody answers for) and
campaign results (what was tried and passed). What nobody declared is *unknown*, never a yes.
"""

from __future__ import annotations

import datetime as dt
import enum
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Literal, TypeVar

import attrs
from pydantic import BaseModel, ConfigDict, ValidationError

from eessi.directory import Directory
from eessi.directory.readiness import Declared, Mode, Readiness, Readinesses
from eessi.errors import DefinitionError, InputError
from eessi.ids import COUNTRIES, BucId, CdmVersion, fold_country

_Model = TypeVar("_Model", bound=BaseModel)

__all__ = ["Answer", "CampaignResult", "Plan", "Row", "plan", "read_campaigns"]


class Answer(enum.StrEnum):
    """Whether this exchange may go electronically on that day."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


class CampaignResult(BaseModel):
    """What a test campaign showed for a country and process: ``passed`` or not, on which day, in which version."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    country: str
    buc: str
    passed: bool
    day: dt.date
    cdm: str | None = None
    campaign: Literal["moveit", "exit", "testit"]


@attrs.frozen(slots=True)
class Row:
    """One country, or one body of it, and a process.

    :param institution: the body asked about; ``None`` where the country as a whole is.
    :param todo: what to do about a no or an unknown; ``None`` for a yes.
    """

    country: str
    buc: str
    answer: Answer
    mode: str
    since: dt.date | None
    version: str | None
    source: str
    blockers: tuple[str, ...]
    tested: tuple[str, ...]
    todo: str | None
    institution: str | None = None


@attrs.frozen(slots=True)
class Plan:
    """The answer for a day, row by row."""

    on: dt.date
    version: str | None
    rows: tuple[Row, ...]

    def of(self, answer: Answer) -> tuple[Row, ...]:
        """The rows with one answer."""
        return tuple(row for row in self.rows if row.answer is answer)

    @property
    def outcome(self) -> Answer:
        """Yes when every row is; no when one is; else unknown."""
        if self.of(Answer.NO):
            return Answer.NO
        return Answer.UNKNOWN if self.of(Answer.UNKNOWN) else Answer.YES


def plan(
    directory: Directory,
    on: dt.date,
    *,
    bucs: Sequence[str],
    countries: Sequence[str] | None = None,
    institutions: Sequence[str] = (),
    version: str | None = None,
    declared: Iterable[Declared] = (),
    campaigns: Iterable[CampaignResult] = (),
) -> Plan:
    """Who can exchange these processes on a day.

    :param countries: all 32 by default; none but those of ``institutions`` where these are named.
    :param institutions: bodies to answer for one by one instead of by country. :param version: CDM version that both sides must speak; without it only the way of
        exchange is looked at.

    :raises UnknownCode: for a body the directory does not know, with the likely one.
    """
    ready = Readinesses(directory, declared)
    tests = tuple(campaigns)
    bodies = [directory.get(id) for id in institutions]
    asked: list[tuple[str, str | None]] = [(each.country, str(each.id)) for each in bodies] or [
        (fold_country(land), None) for land in countries or COUNTRIES
    ]
    wanted = None if version is None else str(CdmVersion.parse(version).released)
    found = [_row(ready, on, str(BucId(code)), land, body, wanted, tests) for code in bucs for land, body in asked]
    return Plan(on, wanted, tuple(found))


def _row(
    ready: Readinesses,
    on: dt.date,
    code: str,
    land: str,
    institution: str | None,
    version: str | None,
    tests: tuple[CampaignResult, ...],
) -> Row:
    state = ready.of(code, land, on, institution=institution, version=version)
    mine = [t for t in tests if t.buc == code and fold_country(t.country) == land and t.day <= on]
    mine = [
        t
        for t in mine
        if version is None or t.cdm is None or CdmVersion.parse(t.cdm).same_minor(CdmVersion.parse(version))
    ]
    failed = [t for t in _latest(mine) if not t.passed]
    answer = _answer(state.mode)
    if failed and answer is Answer.YES:
        answer = Answer.NO
    return Row(
        land,
        code,
        answer,
        str(state.mode),
        state.since,
        None if state.version is None else str(state.version),
        state.source,
        tuple(str(one) for one in state.blockers),
        tuple(f"{t.campaign} {'passed' if t.passed else 'failed'} on {t.day}" for t in _latest(mine)),
        _todo(answer, state, failed, version),
        institution,
    )


def _latest(tests: Iterable[CampaignResult]) -> list[CampaignResult]:
    """The last result of each campaign."""
    last: dict[str, CampaignResult] = {}
    for test in sorted(tests, key=lambda one: one.day):
        last[test.campaign] = test
    return [last[name] for name in sorted(last)]


def _answer(mode: Mode) -> Answer:
    return {Mode.ELECTRONIC: Answer.YES, Mode.PARTLY: Answer.NO, Mode.PAPER: Answer.NO, Mode.UNKNOWN: Answer.UNKNOWN}[
        mode
    ]


def _todo(answer: Answer, state: Readiness, failed: Sequence[CampaignResult], version: str | None) -> str | None:
    if answer is Answer.YES:
        return None
    if failed:
        return f"repeat the campaign {failed[0].campaign} once its cause is mended"
    if state.mode is Mode.PAPER:
        return "exchange on paper until the country announces the process" + (
            f" in version {version}" if version else ""
        )
    if state.mode is Mode.PARTLY:
        return "address only bodies that are ready; ask the others for their date"
    if state.version is None and version is not None:
        return f"ask the country which version it runs and declare it; needed: {version}"
    return "nobody is competent in this copy: load a newer copy of the directory, or ask the country"


# sources ---------------------------------------------------------------------------------------------------------------


def read_campaigns(file: Path) -> tuple[CampaignResult, ...]:
    """Campaign results from CSV or JSON: country, buc, campaign, passed, day, and optionally cdm."""
    return tuple(_valid(CampaignResult, row, file, number) for number, row in _table(file))


def _valid(kind: type[_Model], row: Mapping[str, object], file: Path, number: int) -> _Model:
    try:
        return kind.model_validate(row)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise DefinitionError(str(first["msg"]), file=f"{file}: row {number}", key=key or None) from None


def _table(file: Path) -> list[tuple[int, Mapping[str, object]]]:
    import csv

    try:
        text = file.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise InputError("no such file", source=str(file)) from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot be read: {error}", source=str(file)) from None
    if file.suffix == ".json":
        try:
            rows = json.loads(text)
        except json.JSONDecodeError as error:
            raise InputError(f"not JSON: {error.msg}", source=str(file), offset=error.pos) from None
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise InputError("a list of rows was expected", source=str(file))
        return list(enumerate(rows, start=1))
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return [
        (number, {key: value for key, value in row.items() if value not in ("", None)})
        for number, row in enumerate(csv.DictReader(lines), start=2)
    ]
