"""The JSON in which client applications hold the directory, and the toolkit's own.

Read: the answer of a look-up service (``id, navn, akronym, landkode, tilegnetBucs``), organisations as RINA stores them
(``id, countryCode, assignedBUCs``), lists grouped by role and day (``institutions`` with ``assignments``) or with names
only, and the toolkit's export. Written: the look-up answer, and the export. Source: directory facts, sections 4.2, 4.3
and 5.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, BinaryIO

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from eessi.directory.codec import KIND_OF, from_plain, head_from_plain, head_to_plain, to_plain
from eessi.directory.days import day_text
from eessi.directory.folding import Folding
from eessi.directory.records import ALWAYS, Competence, Environment, Institution
from eessi.directory.syn001 import CopyHead, Record
from eessi.errors import InputError
from eessi.ids import InstitutionId

if TYPE_CHECKING:
    from eessi.directory.directory import Directory

__all__ = ["read_json", "write_answer", "write_export"]


class _Loose(BaseModel):
    model_config = ConfigDict(extra="ignore", populate_by_name=True)


class _Assigned(_Loose):
    """A competence, as the look-up service or RINA writes it."""

    buc: str = Field(alias="bucType")
    role: str
    start: str | None = None
    end: str | None = None
    ready: bool | None = None


class _AnswerRow(_Assigned):
    role: str = Field(alias="institusjonsrolle")
    start: str | None = Field(default=None, alias="gyldigStartDato")
    ready: bool | None = Field(default=None, alias="eessiklar")


class _RinaRow(_Assigned):
    role: str = Field(alias="applicationRole")
    start: str | None = Field(default=None, alias="validityStartDate")
    end: str | None = Field(default=None, alias="validityEndDate")
    ready: bool | None = Field(default=None, alias="isEESSIReady")


class _Answer(_Loose):
    id: str
    name: str | None = Field(default=None, alias="navn")
    short_name: str | None = Field(default=None, alias="akronym")
    country: str | None = Field(default=None, alias="landkode")
    rows: list[_AnswerRow] = Field(default=[], alias="tilegnetBucs")


class _Rina(_Loose):
    id: str
    name: str | None = None
    short_name: str | None = Field(default=None, alias="acronym")
    country: str | None = Field(default=None, alias="countryCode")
    start: str | None = Field(default=None, alias="activeSince")
    end: str | None = Field(default=None, alias="activeTo")
    until: str | None = Field(default=None, alias="activeUntil")
    rows: list[_RinaRow] = Field(default=[], alias="assignedBUCs")


class _Group(_Loose):
    role: str
    start: str | None = None
    bucs: list[str]


class _Process(_Loose):
    buc: str
    role: str


class _Name(_Loose):
    text: str
    language: str | None = None
    acronym: str | None = None


class _Listed(_Loose):
    id: str
    country: str | None = None
    names: list[_Name] = []
    short_name: str | None = Field(default=None, alias="short_name_2021")
    assignments: list[_Group] = []
    not_ready: list[_Process] = []


def read_json(file: BinaryIO, folding: Folding, *, name: str | None = None) -> Iterator[Record]:
    """Read a JSON source of any known shape; a record that does not fit is refused, the others stand.

    :raises InputError: not JSON, or of no known shape.
    """
    try:
        data = json.loads(file.read().decode("utf-8-sig"))
    except json.JSONDecodeError as error:
        raise InputError(f"this is not JSON: {error.msg}", source=name, offset=error.pos) from None
    except (UnicodeDecodeError, RecursionError) as error:
        raise InputError(f"this is not JSON: {type(error).__name__}", source=name) from None
    if isinstance(data, dict) and "records" in data:
        yield from _read_export(data, folding, name)
        return
    rows: object = data
    environment = None
    if isinstance(data, dict):
        rows = data.get("institutions", [data])
        environment = _environment(data.get("environment"))
    if not isinstance(rows, list) or not all(isinstance(row, dict) and "id" in row for row in rows):
        raise InputError("this JSON holds no list of institutions", source=name)
    yield CopyHead(has_endpoints=False, environment=environment)
    for row in rows:
        record = _record(row, folding)
        if record is not None:
            yield record


def _environment(word: object) -> Environment | None:
    return Environment(word) if isinstance(word, str) and word in {each.value for each in Environment} else None


def _record(row: dict[str, Any], folding: Folding) -> Institution | None:
    path = str(row.get("id"))[:60]
    try:
        if "assignments" in row or "names" in row:
            return _listed(_Listed.model_validate(row), folding)
        body = _Rina.model_validate(row) if "countryCode" in row else _Answer.model_validate(row)
    except ValidationError as error:
        where = "/".join(str(part) for part in error.errors()[0]["loc"])
        folding.defects.refuse("DIR-RECORD-SHAPE", path, where)
        return None
    id = folding.institution_id(body.id)
    if id is None:
        return None
    period = folding.period(body.start, body.end or body.until, id) if isinstance(body, _Rina) else ALWAYS
    rows = [made for each in body.rows if (made := _competence(each, folding, id)) is not None]
    return Institution(
        id=id,
        country=folding.country(body.country, id),
        names=folding.names([("", body.name)] if body.name is not None else [], id),
        short_name=body.short_name,
        period=period,
        competences=folding.competences(rows, id),
    )


def _competence(row: _Assigned, folding: Folding, id: InstitutionId) -> Competence | None:
    path = f"{id}/{row.buc[:40]}"
    buc, role = folding.buc(row.buc, id), folding.role(row.role, id)
    if buc is None or role is None:
        return None
    if row.ready is None:
        folding.defects.report("DIR-READY-UNKNOWN", path, "no readiness", expected="true or false")
    return Competence(buc, role, folding.period(row.start, row.end, path), bool(row.ready))


def _listed(row: _Listed, folding: Folding) -> Institution | None:
    id = folding.institution_id(row.id)
    if id is None:
        return None
    not_ready = {(folding.buc(each.buc, id), folding.role(each.role, id)) for each in row.not_ready}
    competences = []
    for group in row.assignments:
        role = folding.role(group.role, id)
        for code in group.bucs:
            buc = folding.buc(code, id)
            if buc is not None and role is not None:
                period = folding.period(group.start, None, f"{id}/{code[:40]}")
                competences.append(Competence(buc, role, period, (buc, role) not in not_ready))
    names = [(each.language or "", each.text) for each in row.names]
    if len(set(names)) > 1 and len({language for language, _ in names}) == 1:
        folding.defects.report("DIR-NAMES-MANY", id, f"{len(set(names))} names")
    short = row.short_name or next((each.acronym for each in row.names if each.acronym), None)
    return Institution(
        id=id,
        country=folding.country(row.country or id.country, id),
        names=folding.names(list(dict.fromkeys(names)), id),
        short_name=short,
        competences=folding.competences(competences, id),
    )


def _read_export(data: dict[str, Any], folding: Folding, name: str | None) -> Iterator[Record]:
    head = data.get("head")
    try:
        yield head_from_plain(head if isinstance(head, dict) else {})
        for row in TypeAdapter(list[dict[str, Any]]).validate_python(data["records"]):
            yield from_plain(str(row.get("kind")), {key: value for key, value in row.items() if key != "kind"})
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"this is no export of the directory: {type(error).__name__}", source=name) from None


def write_answer(institutions: Iterable[Institution], *, zone: str) -> list[dict[str, object]]:
    """Institutions in the shape of a look-up service's answer; what it cannot carry (ends, contacts) is left out."""
    return [
        {
            "id": each.id,
            "navn": each.name(),
            "akronym": each.short_name,
            "landkode": each.country,
            "tilegnetBucs": [
                {
                    "bucType": row.buc,
                    "institusjonsrolle": row.role.in_directory,
                    "gyldigStartDato": _client_instant(row.period.start, zone),
                    "eessiklar": row.is_ready,
                }
                for row in each.competences
            ],
        }
        for each in institutions
    ]


def _client_instant(day: dt.date, zone: str) -> str | None:
    return None if day == dt.date.min else day_text(day, zone).replace("Z", ".000+0000")


def write_export(directory: Directory) -> dict[str, object]:
    """The whole copy as JSON values, exact both ways."""
    content = directory.content
    records: list[Record] = [
        *([content.central_node] if content.central_node else []),
        *content.institutions.values(),
        *content.access_points.values(),
        *content.certificates.values(),
    ]
    return {
        "head": head_to_plain(directory.head),
        "records": [{"kind": KIND_OF[type(record)], **to_plain(record)} for record in records],
    }
