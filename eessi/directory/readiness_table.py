"""Declared readiness as tables that people fill: CSV, Excel, JSON; read whole, and every row that does not fit is named."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from eessi.directory.readiness import Declared
from eessi.directory.sheets import Cell
from eessi.errors import InputError, UsageError

__all__ = ["COLUMNS", "read_declared", "read_declared_file", "rows_of", "write_declared_csv"]

COLUMNS: Final = ("country", "institution", "buc", "mode", "cdm", "since", "source")
"""Columns of the table; ``institution`` and ``cdm`` may be empty or missing."""

_NEEDED: Final = ("country", "buc", "mode", "since", "source")
_SHEET: Final = "readiness"
_SHOWN: Final = 10


def read_declared_file(file: Path) -> tuple[Declared, ...]:
    """The rows of a file.

    :raises InputError: when it cannot be read, or rows do not fit; each with its number.
    """
    try:
        data = file.read_bytes()
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", source=str(file)) from None
    return read_declared(data, name=str(file))


def read_declared(data: bytes, *, name: str | None = None) -> tuple[Declared, ...]:
    """The rows of a table, recognised by its first bytes: Excel, JSON (a list of rows), else CSV in UTF-8.

    :raises InputError: when it is none of these, lacks a column, or rows do not fit; each with its number.
    """
    if not data.strip():
        raise InputError("the table is empty", source=name)
    if data.startswith(b"PK\x03\x04"):
        rows = _excel(data, name)
    elif data.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"[", b"{"):
        rows = _json(data, name)
    else:
        rows = _csv(data, name)
    missing = [column for column in _NEEDED if not any(column in row for _, row in rows)]
    if not rows:
        raise InputError(f"the table has no rows; its columns are {', '.join(COLUMNS)}", source=name)
    if missing:
        raise InputError(f"the table has no column {', '.join(missing)}", source=name)
    return _valid(rows, name)


_Rows = list[tuple[int, Mapping[str, object]]]


def _excel(data: bytes, name: str | None) -> _Rows:
    from eessi.directory.workbook import read_numbered

    sheets = read_numbered(io.BytesIO(data), name=name)
    return [(number, dict(row)) for number, row in sheets.get(_SHEET, next(iter(sheets.values()), []))]


def _json(data: bytes, name: str | None) -> _Rows:
    try:
        rows = json.loads(data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise InputError("the table is not in UTF-8", source=name, offset=error.start) from None
    except json.JSONDecodeError as error:
        raise InputError(f"this is no JSON: {error.msg}", source=name, offset=error.pos) from None
    if isinstance(rows, dict):
        rows = rows.get("rows")  # as `eessi directory readiness list --format json` writes it
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise InputError("a list of rows was expected", source=name)
    return list(enumerate(rows, start=1))


def _csv(data: bytes, name: str | None) -> _Rows:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError("the table is not in UTF-8; save it as CSV UTF-8", source=name, offset=error.start) from None
    if "\0" in text:
        raise InputError("this is no table: CSV, Excel or JSON was expected", source=name)
    lines = text.splitlines(keepends=True)
    begin = next((at for at, line in enumerate(lines) if line.strip() and not line.startswith("#")), len(lines))
    head = lines[begin] if begin < len(lines) else ""
    separator = max(",;\t", key=head.count)
    reader = csv.reader(lines[begin:], delimiter=separator)
    try:
        columns = [column.strip().lower() for column in next(reader, [])]
        rows: _Rows = []
        for cells in reader:
            if any(cell.strip() for cell in cells):
                rows.append((begin + reader.line_num, dict(zip(columns, cells, strict=False))))
    except csv.Error as error:
        raise InputError(f"this table cannot be read: {error}", source=name) from None
    missing = [column for column in _NEEDED if column not in columns]
    if missing:
        raise InputError(f"the table has no column {', '.join(missing)}", source=name, line=begin + 1)
    return rows


def _valid(rows: _Rows, name: str | None) -> tuple[Declared, ...]:
    found: dict[tuple[str, ...], tuple[int, Declared]] = {}
    wrong: list[str] = []
    for number, cells in rows:
        try:
            row = Declared.model_validate({key: cell for key, cell in cells.items() if cell not in ("", None) and key})
        except ValidationError as error:
            wrong.append(f"row {number}: {_why(error)}")
            continue
        except UsageError as error:
            wrong.append(f"row {number}: {error}")
            continue
        before = found.setdefault(row.subject, (number, row))
        if before[0] != number:
            wrong.append(f"row {number}: says the same thing as row {before[0]}")
    if wrong:
        more = f"; and {len(wrong) - _SHOWN} more" if len(wrong) > _SHOWN else ""
        text = f"{len(wrong)} of {len(rows)} rows do not fit: {'; '.join(wrong[:_SHOWN])}{more}"
        raise InputError(text, source=name)
    return tuple(row for _, row in found.values())


def _why(error: ValidationError) -> str:
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    text = {
        "missing": "is missing",
        "extra_forbidden": "is no column of this table",
        "literal_error": "must be electronic or paper",
        "string_too_short": "is empty",
    }.get(first["type"], first["msg"].removeprefix("Value error, "))
    if first["type"].startswith("date"):
        text = "is no day; write it like 2026-07-01"
    return f"{where} {text}" if where else text


def rows_of(declared: Iterable[Declared]) -> list[dict[str, Cell]]:
    """Rows for a sheet or a table, in the order of :data:`COLUMNS`."""
    return [{column: getattr(row, column) for column in COLUMNS} for row in declared]


def write_declared_csv(declared: Iterable[Declared]) -> str:
    """Rows as CSV text with the columns of :data:`COLUMNS`; a text that begins like a formula gets a blank in front."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in rows_of(declared):
        texts = ["" if cell is None else str(cell) for cell in row.values()]
        writer.writerow([f" {text}" if text.startswith(("=", "+", "-", "@", "\t")) else text for text in texts])
    return file.getvalue()
