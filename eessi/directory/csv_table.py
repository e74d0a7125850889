"""The directory as one flat CSV table: a row per competence, the institution's columns repeated.

Columns: ``id, country, short_name, names, institution_start, institution_end, public, liaison, buc, role, start, end,
ready, row``; ``names`` is ``en=...|fr=...``. An institution without competences has one row without ``buc``. Lists that
hold identifiers only (``id, country, short_name, registered``) are read too.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from typing import BinaryIO, Final

import attrs

from eessi.directory.difference import Content
from eessi.directory.folding import Folding
from eessi.directory.records import ALWAYS, Institution
from eessi.directory.sheets import Cell, content_from
from eessi.directory.syn001 import CopyHead, Record
from eessi.errors import InputError

__all__ = ["COLUMNS", "plain_csv", "read_csv", "write_csv"]

COLUMNS: Final = (
    "id", "country", "short_name", "names", "institution_start", "institution_end", "public", "liaison",
    "buc", "role", "start", "end", "ready", "row",
)  # fmt: skip

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "'")


def write_csv(institutions: Iterable[Institution]) -> str:
    """Institutions as CSV text (comma, quotes where needed, CRLF).

    A text that a spreadsheet would take for a formula gets an apostrophe in front; :func:`read_csv` takes it away.
    """
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerow(COLUMNS)
    for each in institutions:
        start = "" if each.period.start == ALWAYS.start else each.period.start.isoformat()
        names = "|".join(f"{name.language}={_escaped(name.text)}" for name in each.names)
        own = [each.id, each.country, each.short_name or "", names, start, each.period.end or ""]
        own += [_word(each.is_public), _word(each.is_liaison)]
        if not each.competences:
            writer.writerow([_safe(str(cell)) for cell in own] + [""] * 6)
        for row in each.competences:
            start = "" if row.period.start == ALWAYS.start else row.period.start.isoformat()
            cells = [row.buc, row.role.in_directory, start, row.period.end or "", _word(row.is_ready), row.id or ""]
            writer.writerow([_safe(str(cell)) for cell in [*own, *cells]])
    return file.getvalue()


def plain_csv(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Any table as CSV text; a text that a spreadsheet would take for a formula gets an apostrophe in front."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([_safe(cell) for cell in row] for row in rows)
    return file.getvalue()


def _word(flag: bool) -> str:
    return "true" if flag else "false"


def _safe(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA) else text


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("|", "\\p")


def _unescaped(text: str) -> str:
    return text.replace("\\p", "|").replace("\\\\", "\\")


def read_csv(file: BinaryIO, folding: Folding, *, name: str | None = None) -> Iterator[Record]:
    """Read a table; separators ``,`` ``;`` and tabs, UTF-8, or Windows-1252 with a report.

    :raises InputError: when it has no column ``id``.
    """
    data = file.read()
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        folding.defects.report("DIR-ENCODING", name or "", f"byte {error.start} is not UTF-8", expected="UTF-8")
        text = data.decode("cp1252", errors="replace")
    lines = io.StringIO(text, newline="")
    first = lines.readline()
    while first.startswith("#"):
        first = lines.readline()
    separator = max(",;\t", key=first.count)
    columns = [column.strip().lower() for column in next(csv.reader([first], delimiter=separator), [])]
    if "id" not in columns:
        raise InputError("this table has no column 'id'", source=name, line=1)
    yield CopyHead(has_endpoints=False)
    try:
        rows = [
            dict(zip(columns, map(_plain, row), strict=False)) for row in csv.reader(lines, delimiter=separator) if row
        ]
    except csv.Error as error:
        raise InputError(f"this table cannot be read: {error}", source=name) from None
    yield from _records(rows, folding)


def _plain(cell: str) -> str:
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(_FORMULA) else cell


def _records(rows: list[dict[str, str]], folding: Folding) -> Iterator[Institution]:
    first: dict[str, dict[str, Cell]] = {}
    competences: list[dict[str, Cell]] = []
    names: dict[str, list[tuple[str, str]]] = {}
    for row in rows:
        id = row["id"].strip()
        if row.get("buc"):
            own: dict[str, Cell] = {"id": id}
            own |= {key: row.get(key) or None for key in ("buc", "role", "start", "end", "ready", "row")}
            competences.append(own)
        if id not in first:
            keys = ("id", "country", "short_name", "public", "liaison")
            first[id] = {key: row[key] or None for key in keys if key in row}
            if "institution_start" in row or "institution_end" in row:
                first[id] |= {"start": row.get("institution_start") or None, "end": row.get("institution_end") or None}
            parts = row.get("names", "").split("|")
            names[id] = [(part.partition("=")[0], _unescaped(part.partition("=")[2])) for part in parts if "=" in part]
    content = content_from(
        {"institutions": list(first.values()), "competences": competences}, folding, Content({}, {}, {})
    )
    for each in content.institutions.values():
        yield attrs.evolve(each, names=folding.names(names.get(each.id, []), each.id))
