"""The directory as tables for people: what stands in which column, and how edited rows become records again.

Sheets: ``institutions``, ``competences``, ``legal competences``, ``relations``, ``links``. Everything they do not carry (addresses, endpoints,
certificates) is kept from the record that was exported.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Final, Literal

import attrs

from eessi.directory.difference import Content
from eessi.directory.folding import Folding
from eessi.directory.national import legal_words
from eessi.directory.records import (
    ALWAYS,
    AccessPoint,
    Competence,
    Contact,
    Institution,
    LegalCompetence,
    Link,
    Relation,
    link_order,
)
from eessi.errors import InputError
from eessi.ids import InstitutionId, Period, fold_country, nearest

if TYPE_CHECKING:
    from eessi.directory.directory import Directory

__all__ = ["SHEETS", "Cell", "Row", "check_columns", "content_from", "institution_from", "sheets_of"]

Cell = str | bool | dt.date | None
Row = Mapping[str, Cell]

SHEETS: Final[Mapping[str, tuple[str, ...]]] = {
    "institutions": (
        "id", "country", "short_name", "start", "end", "public", "liaison", "functions",
        "emails", "phones", "faxes", "urls",
    ),
    "competences": ("id", "buc", "role", "start", "end", "ready", "row"),
    "legal competences": ("id", "risk", "benefit", "scheme", "area"),
    "relations": ("id", "relation", "other"),
    "links": ("access_point", "id", "start", "end"),
}  # fmt: skip
"""Columns of each sheet; ``institutions`` has one more, ``name xx``, for every language met."""

_SEPARATOR: Final = "; "


def sheets_of(directory: Directory, country: str | None = None) -> dict[str, list[dict[str, Cell]]]:
    """The rows of every sheet, of one country or of all."""
    wanted = fold_country(country) if country else None
    chosen = [each for each in directory if wanted in (None, each.country)]
    ids = {each.id for each in chosen}
    return {
        "institutions": [_institution_row(each) for each in chosen],
        "competences": [_competence_row(each.id, row) for each in chosen for row in each.competences],
        "legal competences": [
            {"id": each.id, **attrs.asdict(row)} for each in chosen for row in each.legal_competences
        ],
        "relations": [
            {"id": each.id, "relation": relation.kind, "other": relation.other}
            for each in chosen
            for relation in each.relations
        ],
        "links": [
            {"access_point": point.id, "id": link.institution, **_days(link.period)}
            for point in directory.access_points.values()
            for link in point.links
            if link.institution in ids
        ],
    }


def _institution_row(each: Institution) -> dict[str, Cell]:
    row: dict[str, Cell] = {
        "id": each.id,
        "country": each.country,
        "short_name": each.short_name,
        **_days(each.period),
        "public": each.is_public,
        "liaison": each.is_liaison,
        "functions": _SEPARATOR.join(each.functions) or None,
    }
    for field in ("emails", "phones", "faxes", "urls"):
        row[field] = _SEPARATOR.join(getattr(each.contact, field)) or None
    for name in reversed(each.names):
        row[f"name {name.language}".strip()] = name.text
    return row


def _competence_row(id: InstitutionId, row: Competence) -> dict[str, Cell]:
    return {
        "id": id,
        "buc": row.buc,
        "role": row.role.in_directory,
        **_days(row.period),
        "ready": row.is_ready,
        "row": row.id,
    }


def _days(period: Period) -> dict[str, Cell]:
    return {"start": None if period.start == ALWAYS.start else period.start, "end": period.end}


def check_columns(sheets: Mapping[str, Sequence[Row]], source: str | None = None) -> None:
    """Let sheets pass whose columns are all known, and which lack none whose loss would empty a field unseen.

    :raises InputError: with the column, and the one that was probably meant.
    """
    for name, columns in SHEETS.items():
        given = sheets[name][0] if sheets.get(name) else None
        if given is None:
            continue
        for column in given:
            is_name = name == "institutions" and (column == "name" or column.startswith("name "))
            if column not in columns and not is_name:
                near = nearest(column, columns)
                hint = f"; did you mean {near!r}?" if near else f"; known are {', '.join(columns)}"
                raise InputError(f"the sheet {name!r} has an unknown column {column!r}{hint}", source=source)
        needed = ("id",) if name == "institutions" else tuple(column for column in columns if column != "row")
        missing = [column for column in needed if column not in given]
        if missing:
            raise InputError(f"the sheet {name!r} has no column {', '.join(missing)}", source=source)


# --- from rows to records --------------------------------------------------------------------------------------------


def content_from(
    sheets: Mapping[str, Sequence[Row]], folding: Folding, base: Content, country: str | None = None
) -> Content:
    """The content of ``base`` with the sheets in place of what they carry.

    :param country: the sheets hold this country only; others stay as they are. An institution of that country without a
        row is gone.
    :raises InputError: when a needed column is missing.
    """
    wanted = fold_country(country) if country else None
    institutions = {id: each for id, each in base.institutions.items() if wanted not in (None, each.country)}
    rows_of = {
        name: _grouped(sheets[name], name) if name in sheets else None for name in SHEETS if name != "institutions"
    }
    for row in sheets.get("institutions", ()):
        each = institution_from(row, folding, base.institutions)
        if each is None:
            continue
        if wanted not in (None, each.country):
            folding.defects.refuse("DIR-SHEET-COUNTRY", each.id, each.country, expected=str(wanted))
            continue
        if each.id in institutions:
            folding.defects.report("DIR-DOUBLE-RECORD", each.id)
        competences, relations, legal = rows_of["competences"], rows_of["relations"], rows_of["legal competences"]
        if competences is not None:
            each = attrs.evolve(each, competences=_competences(competences.pop(each.id, []), folding, each.id))
        if legal is not None:
            each = attrs.evolve(each, legal_competences=_legal(legal.pop(each.id, []), folding, each.id))
        if relations is not None:
            each = attrs.evolve(each, relations=_relations(relations.pop(each.id, []), folding))
        institutions[each.id] = each
    points = dict(base.access_points)
    links = rows_of["links"]
    if links is not None:
        served = {id for id in institutions if wanted in (None, institutions[id].country)}
        gone = {id for id in base.institutions if id not in institutions}
        points = _relinked(points, served | gone, links, folding)
        links.clear()
    for left in rows_of.values():
        for id in left or ():
            folding.defects.refuse("DIR-ROW-WITHOUT-INSTITUTION", id)
    ordered = {id: institutions[id] for id in sorted(institutions)}
    return Content(ordered, points, base.certificates, base.central_node)


def institution_from(
    row: Row, folding: Folding, base: Mapping[InstitutionId, Institution] | None = None
) -> Institution | None:
    """The institution of a row, over its record in ``base`` where it has one; ``None`` when its id is refused."""
    id = folding.institution_id(_text(row.get("id")))
    if id is None:
        return None
    old = (base or {}).get(id) or Institution(id, id.country)
    changes: dict[str, object] = {}
    if "country" in row:
        changes["country"] = folding.country(_text(row["country"]) or None, id)
    if "short_name" in row:
        changes["short_name"] = _text(row["short_name"]) or None
    if "start" in row or "end" in row:
        changes["period"] = _period(row, folding, id)
    for column, field in (("public", "is_public"), ("liaison", "is_liaison")):
        if row.get(column) is not None:
            changes[field] = _flag(row[column], folding, f"{id}/{column}")
    if "functions" in row:
        changes["functions"] = _functions(_list(row["functions"]), folding, id)
    parts = {name: _list(row[name]) for name in ("emails", "phones", "faxes", "urls") if name in row}
    if parts:
        changes["contact"] = _evolved_contact(old.contact, parts)
    names = [(key[5:].strip(), _raw(value)) for key, value in row.items() if key == "name" or key.startswith("name ")]
    if names:
        order = {name.language: index for index, name in enumerate(old.names)}
        given = [(language, text) for language, text in names if text.strip()]
        given.sort(key=lambda pair: order.get(pair[0].lower(), len(order)))
        changes["names"] = folding.names(given, id)
    return _evolved(old, changes)


def _evolved(old: Institution, changes: Mapping[str, object]) -> Institution:
    return attrs.evolve(old, **changes)  # type: ignore[arg-type]  # each value was made for its field above


def _evolved_contact(old: Contact, parts: Mapping[str, tuple[str, ...]]) -> Contact:
    return attrs.evolve(old, **parts)


def _grouped(rows: Iterable[Row], sheet: str) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        if "id" not in row:
            raise InputError(f"the sheet {sheet!r} has no column 'id'")
        if _text(row["id"]):
            found[_text(row["id"])].append(row)
    return found


def _competences(rows: Iterable[Row], folding: Folding, id: InstitutionId) -> tuple[Competence, ...]:
    found = []
    for row in rows:
        buc, role = folding.buc(_text(row.get("buc")), id), folding.role(_text(row.get("role")), id)
        if buc is not None and role is not None:
            path = f"{id}/{buc}"
            if row.get("ready") is None:
                folding.defects.report("DIR-READY-UNKNOWN", path, "no readiness", expected="true or false")
            ready = row.get("ready") is not None and _flag(row["ready"], folding, path)
            found.append(
                Competence(buc, role, _period(row, folding, f"{id}/{buc}"), ready, _text(row.get("row")) or None)
            )
    return folding.competences(found, id)


def _functions(words: Iterable[str], folding: Folding, id: InstitutionId) -> tuple[str, ...]:
    return tuple(found for word in words if (found := _legal_word(word, "functions", folding, id)) is not None)


def _legal(rows: Iterable[Row], folding: Folding, id: InstitutionId) -> tuple[LegalCompetence, ...]:
    """The rows in the order given; equal ones once. A row without any word would mean everything and is refused."""
    found = []
    for row in rows:
        risk, benefit, scheme, area = (_text(row.get(name)) or None for name in ("risk", "benefit", "scheme", "area"))
        if not (risk or benefit or scheme or area):
            folding.defects.refuse("DIR-LEGAL-EMPTY", id)
            continue
        known_risk = _legal_word(risk, "risks", folding, id) if risk else None
        known_benefit = _legal_word(benefit, "benefits", folding, id) if benefit else None
        if (known_risk is None) == (risk is None) and (known_benefit is None) == (benefit is None):
            found.append(LegalCompetence(known_risk, known_benefit, scheme, area))
    return tuple(dict.fromkeys(found))


def _legal_word(
    word: str, table: Literal["functions", "risks", "benefits"], folding: Folding, id: InstitutionId
) -> str | None:
    """The key of a word, whether its key or its name was written; refused with the nearest one when unknown."""
    known = legal_words(table)
    by_fold = {key.casefold(): key for key in known} | {name.casefold(): key for key, name in known.items()}
    found = by_fold.get(word.casefold()) or by_fold.get(word.casefold().replace(" ", "_"))
    if found is None:
        likely = nearest(word, known) or ", ".join(known)
        folding.defects.refuse("DIR-LEGAL-WORD", id, word[:40], expected=likely)
    return found


def _relations(rows: Iterable[Row], folding: Folding) -> tuple[Relation, ...]:
    found = []
    for row in rows:
        other = folding.institution_id(_text(row.get("other")))
        if other is not None:
            found.append(Relation(other, _text(row.get("relation"))))
    return tuple(found)


def _relinked(
    points: Mapping[InstitutionId, AccessPoint],
    served: set[InstitutionId],
    links: Mapping[str, Sequence[Row]],
    folding: Folding,
) -> dict[InstitutionId, AccessPoint]:
    new: dict[InstitutionId, list[Link]] = {
        id: [link for link in point.links if link.institution not in served] for id, point in points.items()
    }
    for text, rows in links.items():
        id = folding.institution_id(text)
        for row in rows:
            at = folding.institution_id(_text(row.get("access_point")))
            if id is None or at is None:
                continue
            if at not in new or id not in served:
                folding.defects.refuse("DIR-LINK-UNKNOWN", f"{at}/{id}")
                continue
            new[at].append(Link(id, _period(row, folding, f"{at}/{id}")))
    return {id: attrs.evolve(point, links=tuple(sorted(new[id], key=link_order))) for id, point in points.items()}


def _period(row: Row, folding: Folding, path: str) -> Period:
    start, end = _day_text(row.get("start")), _day_text(row.get("end"))
    return folding.period(start, end, path) if start or end else ALWAYS


def _day_text(cell: Cell) -> str | None:
    if isinstance(cell, dt.datetime):
        return cell.date().isoformat()
    if isinstance(cell, dt.date):
        return cell.isoformat()
    return _text(cell) or None


def _raw(cell: Cell) -> str:
    return "" if cell is None else str(cell)


def _text(cell: Cell) -> str:
    return _raw(cell).strip()


_YES: Final = frozenset({"true", "1", "1.0", "yes", "y", "oui", "ja", "vrai", "wahr", "x"})
_NO: Final = frozenset({"false", "0", "0.0", "no", "n", "non", "nein", "faux", "falsch", "-"})


def _flag(cell: Cell, folding: Folding, path: str) -> bool:
    """Yes or no in the words people write; another word is refused and counts as no until it is mended."""
    if isinstance(cell, bool):
        return cell
    word = _text(cell).lower()
    if word not in _YES | _NO:
        folding.defects.refuse("DIR-FLAG", path, word[:40], expected="true or false")
    return word in _YES


def _list(cell: Cell) -> tuple[str, ...]:
    return tuple(part.strip() for part in _text(cell).split(";") if part.strip())
