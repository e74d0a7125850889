"""Two full copies compared: every change named, and the changes applied to the first give the second.

SYN001 is always full, so what changed has to be found here (directory facts, section 7.2). What finer words cannot say
exactly is said by one change of the whole field, so nothing is lost.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Final, TypeVar, cast

import attrs

from eessi.directory.change import Change, Word, in_order
from eessi.directory.days import instant_text
from eessi.directory.records import (
    AccessPoint,
    Address,
    CentralNode,
    Certificate,
    Competence,
    Contact,
    Endpoint,
    Institution,
    LegalCompetence,
    Link,
    Relation,
    Translation,
    competence_order,
    link_order,
)
from eessi.ids import BucId, InstitutionId, Period, Role

if TYPE_CHECKING:
    from eessi.directory.syn001 import CopyHead

__all__ = ["Content", "Difference", "apply_changes", "compare"]

_Key = TypeVar("_Key", bound=str)
_Record = TypeVar("_Record")


@attrs.frozen(slots=True)
class Content:
    """What is compared: the records of a copy by their keys."""

    institutions: Mapping[InstitutionId, Institution]
    access_points: Mapping[InstitutionId, AccessPoint]
    certificates: Mapping[str, Certificate]
    central_node: CentralNode | None = None


@attrs.frozen(slots=True)
class Difference:
    """All changes from one copy to another, in the order of the table of kinds."""

    old: CopyHead
    new: CopyHead
    changes: tuple[Change, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.changes)

    def __len__(self) -> int:
        return len(self.changes)

    def as_words(self) -> list[dict[str, object]]:
        """The changes as JSON rows."""
        return [change.as_words() for change in self.changes]


def compare(old: Content, new: Content) -> tuple[Change, ...]:
    """Every change from ``old`` to ``new``."""
    changes: list[Change] = []
    for id, institution in new.institutions.items():
        before = old.institutions.get(id)
        if before is None:
            changes.append(Change.of("institution_added", institution, id=id))
        elif before is not institution and before != institution:
            changes += _institution(before, institution)
    changes += [Change.of("institution_missing", id=id) for id in old.institutions if id not in new.institutions]
    changes += _access_points(old.access_points, new.access_points)
    changes += _certificates(old.certificates, new.certificates)
    changes += _central_node(old.central_node, new.central_node)
    return in_order(changes)


# --- institutions ----------------------------------------------------------------------------------------------------

_PLAIN_FIELDS: Final = tuple(
    field.name
    for field in attrs.fields(Institution)
    if field.name not in ("id", "period", "names", "contact", "relations", "legal_competences", "competences")
)


def _institution(old: Institution, new: Institution) -> list[Change]:
    changes = _period("institution", old.period, new.period, id=new.id)
    for name, fine in _FINE.items():
        before, after = getattr(old, name), getattr(new, name)
        if before != after:
            found = list(in_order(fine(old, new)))  # as they will be applied
            exact = getattr(_change_institution(old, found), name) == after
            changes += found if exact else [_field("institution", new.id, name, before, after)]
    for name in _PLAIN_FIELDS:
        before, after = getattr(old, name), getattr(new, name)
        if before != after:
            changes.append(_field("institution", new.id, name, before, after))
    return changes


def _field(what: str, id: InstitutionId, name: str, old: object, new: object) -> Change:
    return Change.of(f"{what}_field_changed", new, id=id, field=name, old=_word(old), new=_word(new))


def _word(value: object) -> Word:
    """A field's value as a word of a change; structured values as short texts."""
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, tuple):
        return tuple(str(_word(item)) for item in value)
    if isinstance(value, Endpoint):
        return f"{value.pattern} {value.channel}"
    if isinstance(value, Translation):
        return f"{value.language}: {value.text}"
    if isinstance(value, Period):
        return f"{_day(value.start)} to {_day(value.end) or 'open'}"
    if isinstance(value, Relation):
        return f"{value.kind} {value.other}"
    if isinstance(value, Competence):
        return f"{value.buc} {value.role.in_directory} {_word(value.period)}{'' if value.is_ready else ' not ready'}"
    if isinstance(value, LegalCompetence):
        return ", ".join(part or "any" for part in attrs.astuple(value))
    if isinstance(value, (Address, Contact)):
        texts = [item for part in attrs.astuple(value, recurse=False) if part for item in _texts(part)]
        return ", ".join(texts)
    return str(value)


def _texts(part: object) -> Iterable[str]:
    if isinstance(part, tuple):
        return [item.text if isinstance(item, Translation) else str(item) for item in part]
    return [part] if isinstance(part, str) else []


def _day(day: dt.date | None) -> str | None:
    return None if day is None else "unknown" if day == dt.date.min else day.isoformat()


def _period(what: str, old: Period, new: Period, **key: Word) -> list[Change]:
    changes = []
    if old.start != new.start:
        changes.append(Change.of(f"{what}_start_changed", new, **key, old=_day(old.start), new=_day(new.start)))
    if old.end == new.end:
        return changes
    if old.end is None:
        changes.append(Change.of(f"{what}_end_set", new, **key, end=_day(new.end)))
    elif new.end is None:
        changes.append(Change.of(f"{what}_end_removed", new, **key, old=_day(old.end)))
    else:
        changes.append(Change.of(f"{what}_end_changed", new, **key, old=_day(old.end), new=_day(new.end)))
    return changes


def _names(old: Institution, new: Institution) -> list[Change]:
    before, after = ({name.language: name for name in each.names} for each in (old, new))
    changes = []
    for language, name in after.items():
        was = before.get(language)
        if was is None:
            changes.append(Change.of("name_added", name, id=new.id, language=language, new=name.text))
        elif was != name:
            changes.append(Change.of("name_changed", name, id=new.id, language=language, old=was.text, new=name.text))
    gone = [language for language in before if language not in after]
    return changes + [
        Change.of("name_removed", id=new.id, language=language, old=before[language].text) for language in gone
    ]


_CONTACT_FIELDS: Final = {"urls": "url", "emails": "email", "faxes": "fax", "phones": "phone"}


def _contact(old: Institution, new: Institution) -> list[Change]:
    changes = []
    for name, word in _CONTACT_FIELDS.items():
        before, after = getattr(old.contact, name), getattr(new.contact, name)
        if before != after:
            changes.append(
                Change.of("contact_changed", after, id=new.id, field=word, old=_one(before), new=_one(after))
            )
    return changes


def _one(values: tuple[str, ...]) -> Word:
    return None if not values else values[0] if len(values) == 1 else values


def _relations(old: Institution, new: Institution) -> list[Change]:
    return [
        Change.of(kind, relation, id=new.id, other=relation.other, relation=relation.kind)
        for kind, here, there in (
            ("relation_removed", old.relations, new.relations),
            ("relation_added", new.relations, old.relations),
        )
        for relation in here
        if relation not in there
    ]


def _legal(old: Institution, new: Institution) -> list[Change]:
    return [
        Change.of(kind, row, id=new.id, **attrs.asdict(row))
        for kind, here, there in (
            ("legal_competence_removed", old.legal_competences, new.legal_competences),
            ("legal_competence_added", new.legal_competences, old.legal_competences),
        )
        for row in here
        if row not in there
    ]


def _competences(old: Institution, new: Institution) -> list[Change]:
    before, after = _by_process(old.competences), _by_process(new.competences)
    changes: list[Change] = []
    for process in sorted({*before, *after}):
        was, now = before.get(process, []), after.get(process, [])
        if was == now:
            continue
        if len(was) == len(now) == 1:
            changes += _competence(new.id, was[0], now[0])
            continue
        changes += [_row("competence_removed", new.id, row) for row in was if row not in now]
        changes += [_row("competence_added", new.id, row) for row in now if row not in was]
    return changes


def _by_process(rows: Sequence[Competence]) -> dict[tuple[BucId, Role], list[Competence]]:
    found: dict[tuple[BucId, Role], list[Competence]] = {}
    for row in rows:
        found.setdefault((row.buc, row.role), []).append(row)
    return found


def _row(kind: str, id: InstitutionId, row: Competence) -> Change:
    return Change.of(
        kind,
        row,
        id=id,
        buc=row.buc,
        role=row.role.in_directory,
        start=_day(row.period.start),
        end=_day(row.period.end),
        ready=row.is_ready,
    )


def _competence(id: InstitutionId, old: Competence, new: Competence) -> list[Change]:
    key: dict[str, Word] = {"id": id, "buc": new.buc, "role": new.role.in_directory}
    changes = []
    if old.is_ready != new.is_ready:
        changes.append(Change.of("competence_ready_changed", new, **key, old=old.is_ready, new=new.is_ready))
    changes += [attrs.evolve(change, payload=new) for change in _period("competence", old.period, new.period, **key)]
    if old.id != new.id:
        changes.append(Change.of("competence_renamed", new, **key, old=old.id, new=new.id))
    return changes


_FINE: Final[dict[str, Callable[[Institution, Institution], list[Change]]]] = {
    "names": _names,
    "contact": _contact,
    "relations": _relations,
    "legal_competences": _legal,
    "competences": _competences,
}

# --- access points, links, certificates ------------------------------------------------------------------------------


def _access_points(old: Mapping[InstitutionId, AccessPoint], new: Mapping[InstitutionId, AccessPoint]) -> list[Change]:
    changes: list[Change] = []
    for id, point in new.items():
        before = old.get(id)
        if before is None:
            changes.append(Change.of("access_point_added", attrs.evolve(point, links=()), id=id))
            continue
        for field in attrs.fields(AccessPoint):
            was, now = getattr(before, field.name), getattr(point, field.name)
            if field.name != "links" and was != now:
                changes.append(_field("access_point", id, field.name, was, now))
    changes += [Change.of("access_point_missing", id=id) for id in old if id not in new]
    return changes + _links(old, new)


_Placed = tuple[InstitutionId, Link]


def _links(old: Mapping[InstitutionId, AccessPoint], new: Mapping[InstitutionId, AccessPoint]) -> list[Change]:
    before, after = _links_by_institution(old), _links_by_institution(new)
    changes: list[Change] = []
    for id in sorted({*before, *after}):
        was, now = before.get(id, []), after.get(id, [])
        if was == now:
            continue
        gone, come = [link for link in was if link not in now], [link for link in now if link not in was]
        for placed in list(gone):
            same = [link for link in come if link[0] == placed[0]]
            if len(same) == 1 and sum(link[0] == placed[0] for link in gone) == 1:
                changes.append(_link_changed(id, placed, same[0]))
                gone.remove(placed)
                come.remove(same[0])
        if len(gone) == len(come) == 1:
            changes.append(
                Change.of("access_point_link_moved", (gone[0][1], come[0][1]), id=id, old=gone[0][0], new=come[0][0])
            )
            continue
        changes += [Change.of("access_point_link_removed", link, id=id, access_point=point) for point, link in gone]
        changes += [Change.of("access_point_link_added", link, id=id, access_point=point) for point, link in come]
    return changes


def _links_by_institution(points: Mapping[InstitutionId, AccessPoint]) -> dict[InstitutionId, list[_Placed]]:
    found = defaultdict(list)
    for id, point in points.items():
        for link in point.links:
            found[link.institution].append((id, link))
    return found


def _link_changed(id: InstitutionId, old: _Placed, new: _Placed) -> Change:
    was, now = old[1].period, new[1].period
    if was.start == now.start and was.end is None:
        return Change.of("access_point_link_end_set", (old[1], new[1]), id=id, access_point=new[0], end=_day(now.end))
    return Change.of(
        "access_point_link_changed", (old[1], new[1]), id=id, access_point=new[0], old=_word(was), new=_word(now)
    )


def _certificates(old: Mapping[str, Certificate], new: Mapping[str, Certificate]) -> list[Change]:
    changes = [Change.of("certificate_removed", thumbprint=print_) for print_ in old if print_ not in new]
    added = tuple(sorted(print_ for print_ in new if print_ not in old))
    if added:
        changes.append(Change.of("certificate_added", tuple(new[print_] for print_ in added), thumbprints=added))
    for print_, certificate in new.items():
        before = old.get(print_)
        if before is None or before == certificate:
            continue
        if (before.valid_to, before.period.end) != (certificate.valid_to, certificate.period.end):
            payload = (certificate.valid_to, certificate.period)
            changes.append(
                Change.of(
                    "certificate_expiry_changed",
                    payload,
                    thumbprint=print_,
                    valid_to=instant_text(certificate.valid_to),
                )
            )
        for field in attrs.fields(Certificate):
            was, now = getattr(before, field.name), getattr(certificate, field.name)
            if field.name not in ("valid_to", "period") and was != now:
                words = {"field": field.name, "old": _word(was), "new": _word(now)}
                changes.append(Change.of("certificate_changed", certificate, thumbprint=print_, **words))
        if not any(change["thumbprint"] == print_ for change in changes[-1:]):
            words = {"field": "period", "old": _word(before.period), "new": _word(certificate.period)}
            changes.append(Change.of("certificate_changed", certificate, thumbprint=print_, **words))
    return changes


def _central_node(old: CentralNode | None, new: CentralNode | None) -> list[Change]:
    if old == new:
        return []
    id = (new or old).id  # type: ignore[union-attr]  # one of them is a node, else they were equal
    return [Change.of("central_node_changed", new, id=id, field=field) for field in _node_fields(old, new)[:1]]


def _node_fields(old: CentralNode | None, new: CentralNode | None) -> list[str]:
    names = [field.name for field in attrs.fields(CentralNode)]
    return [", ".join(name for name in names if getattr(old, name, None) != getattr(new, name, None))]


# --- applying --------------------------------------------------------------------------------------------------------


def apply_changes(content: Content, changes: Iterable[Change]) -> Content:
    """The content after the changes; those of things that are not there are skipped.

    :raises KeyError: for a kind that the table does not hold.
    """
    institutions, points = dict(content.institutions), dict(content.access_points)
    certificates, node = dict(content.certificates), content.central_node
    by_institution: dict[InstitutionId, list[Change]] = defaultdict(list)
    for change in changes:
        if change.kind.startswith("certificate_"):
            _change_certificates(certificates, change)
        elif change.kind.startswith("access_point_"):
            _change_access_points(points, change)
        elif change.kind == "central_node_changed":
            node = cast("CentralNode | None", change.payload)
        elif change.kind == "institution_added":
            institutions[InstitutionId(str(change["id"]))] = cast(Institution, change.payload)
        elif change.kind == "institution_missing":
            institutions.pop(InstitutionId(str(change["id"])), None)
        else:
            by_institution[InstitutionId(str(change["id"]))].append(change)
    for id, own in by_institution.items():
        if id in institutions:
            institutions[id] = _change_institution(institutions[id], own)
    return Content(_sorted(institutions), _sorted(points), _sorted(certificates), node)


def _sorted(records: Mapping[_Key, _Record]) -> dict[_Key, _Record]:
    return {key: records[key] for key in sorted(records)}


def _with(record: _Record, field: str, value: object) -> _Record:
    evolve = cast(Callable[..., _Record], attrs.evolve)
    return evolve(record, **{field: value})


def _change_institution(institution: Institution, changes: Iterable[Change]) -> Institution:
    for change in changes:
        field, value = _new_value(institution, change)
        institution = _with(institution, field, value)
    return institution


def _new_value(institution: Institution, change: Change) -> tuple[str, object]:
    """The field that a change touches, and its value after it."""
    kind, payload = change.kind, change.payload
    if kind == "institution_field_changed":
        return str(change["field"]), payload
    if kind.startswith("institution_"):
        period, new = institution.period, cast(Period, payload)
        return "period", Period(new.start, period.end) if kind.endswith("start_changed") else Period(
            period.start, new.end
        )
    if kind.startswith("name_"):
        return "names", _change_names(institution.names, change)
    if kind == "contact_changed":
        field = next(name for name, word in _CONTACT_FIELDS.items() if word == change["field"])
        return "contact", _with(institution.contact, field, payload)
    if kind == "relation_added":
        return "relations", (*institution.relations, payload)
    if kind == "relation_removed":
        return "relations", tuple(relation for relation in institution.relations if relation != payload)
    if kind == "legal_competence_added":
        return "legal_competences", (*institution.legal_competences, payload)
    if kind == "legal_competence_removed":
        return "legal_competences", tuple(row for row in institution.legal_competences if row != payload)
    return "competences", _change_competences(institution.competences, change)


def _change_names(names: tuple[Translation, ...], change: Change) -> tuple[Translation, ...]:
    if change.kind == "name_added":
        return (*names, cast(Translation, change.payload))
    kept = [name for name in names if change.kind != "name_removed" or name.language != change["language"]]
    if change.kind == "name_changed":
        new = cast(Translation, change.payload)
        kept = [new if name.language == new.language else name for name in kept]
    return tuple(kept)


def _change_competences(rows: tuple[Competence, ...], change: Change) -> tuple[Competence, ...]:
    new = cast(Competence, change.payload)
    if change.kind == "competence_removed":
        return tuple(row for row in rows if row != new)
    if change.kind == "competence_added":
        return tuple(sorted((*rows, new), key=competence_order))
    return tuple(_change_competence(row, change) if (row.buc, row.role) == (new.buc, new.role) else row for row in rows)


def _change_competence(row: Competence, change: Change) -> Competence:
    new = cast(Competence, change.payload)
    if change.kind == "competence_ready_changed":
        return attrs.evolve(row, is_ready=new.is_ready)
    if change.kind == "competence_renamed":
        return attrs.evolve(row, id=new.id)
    if change.kind == "competence_start_changed":
        return attrs.evolve(row, period=Period(new.period.start, row.period.end))
    return attrs.evolve(row, period=Period(row.period.start, new.period.end))


def _change_certificates(certificates: dict[str, Certificate], change: Change) -> None:
    if change.kind == "certificate_added":
        certificates.update({new.thumbprint: new for new in cast(tuple[Certificate, ...], change.payload)})
        return
    thumbprint = str(change["thumbprint"])
    certificate = certificates.pop(thumbprint, None)
    if change.kind == "certificate_removed" or certificate is None:
        return
    if change.kind == "certificate_expiry_changed":
        valid_to, period = cast(tuple[dt.datetime, Period], change.payload)
        certificates[thumbprint] = attrs.evolve(certificate, valid_to=valid_to, period=period)
    else:
        certificates[thumbprint] = cast(Certificate, change.payload)


def _change_access_points(points: dict[InstitutionId, AccessPoint], change: Change) -> None:
    id = InstitutionId(str(change["id"]))
    if change.kind == "access_point_added":
        points[id] = cast(AccessPoint, change.payload)
    elif change.kind == "access_point_missing":
        points.pop(id, None)
    elif change.kind == "access_point_field_changed":
        if id in points:
            points[id] = _with(points[id], str(change["field"]), change.payload)
    elif change.kind == "access_point_link_moved":
        gone, come = cast(tuple[Link, Link], change.payload)
        _relink(points, change["old"], gone, None)
        _relink(points, change["new"], None, come)
    elif change.kind == "access_point_link_added":
        _relink(points, change["access_point"], None, cast(Link, change.payload))
    elif change.kind == "access_point_link_removed":
        _relink(points, change["access_point"], cast(Link, change.payload), None)
    else:
        gone, come = cast(tuple[Link, Link], change.payload)
        _relink(points, change["access_point"], gone, come)


def _relink(points: dict[InstitutionId, AccessPoint], at: Word, gone: Link | None, come: Link | None) -> None:
    id = InstitutionId(str(at))
    if id not in points:
        return
    links = [link for link in points[id].links if link != gone]
    if come is not None:
        links.append(come)
    points[id] = attrs.evolve(points[id], links=tuple(sorted(links, key=link_order)))
