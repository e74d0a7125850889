"""Records as plain JSON values and back, exactly: for stores, exports and digests.

Canonical: the same record always gives the same bytes, so that a digest tells whether it changed.
"""

from __future__ import annotations

import datetime as dt
import functools
import json
from collections.abc import Callable, Hashable, Mapping
from typing import Any, Final, cast

import attrs

from eessi.directory.records import (
    AccessPoint,
    Address,
    CentralNode,
    Certificate,
    Competence,
    Contact,
    Endpoint,
    Environment,
    Institution,
    LegalCompetence,
    Link,
    Relation,
    Translation,
)
from eessi.directory.syn001 import CopyHead, Record
from eessi.errors import StoreError
from eessi.ids import BucId, InstitutionId, Period, Role

__all__ = ["KIND_OF", "body_of", "from_plain", "head_from_plain", "head_to_plain", "record_of", "to_plain"]

KIND_OF: Final[Mapping[type, str]] = {
    Institution: "institution",
    AccessPoint: "access_point",
    Certificate: "certificate",
    CentralNode: "central_node",
}
"""Record type -> its name in stores and exports."""

_Plain = dict[str, object]


def body_of(record: Record) -> bytes:
    """The record as canonical bytes.

    :raises TypeError: for a :class:`CopyHead`, which is no record of its own.
    """
    return json.dumps(to_plain(record), ensure_ascii=False, separators=(",", ":")).encode()


def record_of(kind: str, body: bytes) -> Record:
    """The record of a kind from its bytes.

    :raises StoreError: when the bytes are no such record.
    """
    try:
        return from_plain(kind, json.loads(body))
    except (ValueError, KeyError, TypeError, IndexError) as error:
        raise StoreError(f"a stored {kind} cannot be read: {type(error).__name__}") from None


def to_plain(record: Record) -> _Plain:
    """The record as JSON values; fields at their default are left out."""
    if type(record) not in KIND_OF:
        raise TypeError(f"{type(record).__name__} is no record")
    plain: _Plain = {}
    for name, default in _defaults(cast(Hashable, type(record))):
        value = getattr(record, name)
        if value != default:
            plain[name] = _value_to_plain(value)
    return plain


@functools.cache
def _defaults(record_type: Hashable) -> tuple[tuple[str, object], ...]:
    fields = attrs.fields(cast("type[attrs.AttrsInstance]", record_type))
    return tuple((field.name, None if field.default is attrs.NOTHING else field.default) for field in fields)


def _value_to_plain(value: object) -> object:
    if isinstance(value, tuple):
        return [_value_to_plain(item) for item in value]
    if isinstance(value, Competence):
        end = value.period.end
        row = [value.buc, value.role.in_directory, value.period.start.isoformat(), end.isoformat() if end else None]
        return [*row, value.is_ready, value.id]
    if isinstance(value, Period):
        return [value.start.isoformat(), value.end.isoformat() if value.end else None]
    if isinstance(value, dt.datetime):
        return value.isoformat()
    if isinstance(value, (Endpoint, Translation, Relation, Link, Contact, Address, LegalCompetence)):
        return [_value_to_plain(part) for part in attrs.astuple(value, recurse=False)]
    return value


def from_plain(kind: str, plain: _Plain) -> Record:
    """The record of a kind from JSON values.

    :raises ValueError: for an unknown kind or a value that is none of its field.
    :raises KeyError: when a needed field is missing.
    """
    values: dict[str, Any] = dict(plain)
    for name, read in _READERS.items():
        if name in values:
            values[name] = read(values[name])
    values["id"] = InstitutionId(values["id"]) if kind != "certificate" else None
    if kind == "institution":
        return Institution(**values)
    if kind == "access_point":
        return AccessPoint(**values)
    if kind == "central_node":
        return CentralNode(**values)
    if kind == "certificate":
        del values["id"]
        return Certificate(**values)
    raise ValueError(f"{kind!r} is no kind of record")


_Row = list[Any]


def _strings(row: _Row) -> tuple[str, ...]:
    return tuple(str(item) for item in row)


def _names(row: _Row) -> tuple[Translation, ...]:
    return tuple(Translation(language, text) for language, text in row)


@functools.lru_cache(maxsize=65536)
def _period(start: str, end: str | None) -> Period:
    return Period(dt.date.fromisoformat(start), dt.date.fromisoformat(end) if end else None)


@functools.lru_cache(maxsize=4096)
def _process(buc: str, role: str) -> tuple[BucId, Role]:
    return BucId(buc), Role.parse(role)


def _competences(rows: _Row) -> tuple[Competence, ...]:
    return tuple(
        Competence(*_process(buc, role), _period(start, end), ready, name)
        for buc, role, start, end, ready, name in rows
    )


def _endpoint(row: _Row) -> Endpoint:
    return Endpoint(*row)


def _addresses(rows: _Row) -> tuple[Address, ...]:
    return tuple(Address(_names(street), _names(town), code, visitor) for street, town, code, visitor in rows)


_READERS: Final[Mapping[str, Callable[[Any], object]]] = {
    "names": _names,
    "period": lambda row: _period(*row),
    "addresses": _addresses,
    "contact": lambda row: Contact(*(tuple(part) for part in row)),
    "relations": lambda rows: tuple(Relation(InstitutionId(other), kind) for other, kind in rows),
    "competences": _competences,
    "links": lambda rows: tuple(Link(InstitutionId(id), _period(*period)) for id, period in rows),
    "legal_competences": lambda rows: tuple(LegalCompetence(*row) for row in rows),
    "functions": _strings,
    "ebms_certificates": _strings,
    "business_certificates": _strings,
    "external_tls_certificates": _strings,
    "internal_tls_certificates": _strings,
    "tls_certificates": _strings,
    "business_endpoint": _endpoint,
    "system_endpoint": _endpoint,
    "valid_from": dt.datetime.fromisoformat,
    "valid_to": dt.datetime.fromisoformat,
}


def head_to_plain(head: CopyHead) -> _Plain:
    """Where a copy comes from, as JSON values."""
    plain = attrs.asdict(head)
    plain["created"] = head.created.isoformat() if head.created else None
    return plain


def head_from_plain(plain: _Plain) -> CopyHead:
    """Where a copy comes from, from JSON values.

    :raises ValueError: when a value is none of its field.
    """
    known = {field.name for field in attrs.fields(CopyHead)}
    values: dict[str, Any] = {name: value for name, value in plain.items() if name in known}
    if values.get("created"):
        values["created"] = dt.datetime.fromisoformat(values["created"])
    if values.get("environment"):
        values["environment"] = Environment(values["environment"])
    return CopyHead(**values)
