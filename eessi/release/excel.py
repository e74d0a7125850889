"""Excel sheets that go out to people and come back: one header row, plain text cells, nothing that a spreadsheet would run."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final
from zipfile import BadZipFile

from eessi.errors import InputError, LimitExceeded, MissingExtra

if TYPE_CHECKING:
    from openpyxl.worksheet.worksheet import Worksheet

__all__ = ["Cell", "read_sheet", "safe_cell", "write_sheet", "write_sheets"]

_FORMULA: Final = "=+-@\t\r"
MOST_ROWS: Final = 1_000_000


Cell = str | int | dt.date | None


def write_sheet(
    file: Path, title: str, columns: Sequence[str], rows: Iterable[Sequence[Cell]], *, widths: Sequence[int]
) -> None:
    """Write one sheet. A text that begins like a formula gets an apostrophe in front, and loses it again when read.

    :raises MissingExtra: when openpyxl is not installed.
    """
    write_sheets(file, [(title, columns, rows, widths)])


def write_sheets(
    file: Path, sheets: Iterable[tuple[str, Sequence[str], Iterable[Sequence[Cell]], Sequence[int]]]
) -> None:
    """Write several sheets, each with its title, columns, rows and widths; see :func:`write_sheet`.

    :raises MissingExtra: when openpyxl is not installed.
    """
    try:
        from openpyxl import Workbook
    except ModuleNotFoundError:
        raise MissingExtra("release", "writing Excel files") from None
    book = Workbook()
    for sheet in book.worksheets:
        book.remove(sheet)
    for title, columns, rows, widths in sheets:
        _fill(book.create_sheet(title[:31]), columns, rows, widths)
    book.save(file)


def _fill(sheet: Worksheet, columns: Sequence[str], rows: Iterable[Sequence[Cell]], widths: Sequence[int]) -> None:
    from openpyxl.styles import Alignment, Font
    from openpyxl.utils import get_column_letter

    sheet.append(list(columns))
    for cell in sheet[1]:
        cell.font = Font(bold=True)
    for row in rows:
        sheet.append([safe_cell(cell) for cell in row])
    for row_cells in sheet.iter_rows(min_row=2):
        for cell in row_cells:
            cell.alignment = Alignment(wrap_text=True, vertical="top")
    for index, width in enumerate(widths, start=1):
        sheet.column_dimensions[get_column_letter(index)].width = width
    sheet.freeze_panes = "A2"
    sheet.auto_filter.ref = sheet.dimensions


def read_sheet(file: Path, columns: Sequence[str]) -> list[tuple[int, dict[str, str]]]:
    """Rows of the first sheet as text, with their numbers; empty rows are passed over. The file is closed when this returns.

    :raises InputError: not an Excel file, or a column is missing; with the name of the column.
    """
    try:
        from openpyxl import load_workbook
    except ModuleNotFoundError:
        raise MissingExtra("release", "reading Excel files") from None
    try:
        with file.open("rb") as opened:
            book = load_workbook(opened, read_only=True, data_only=True)
            return list(_rows(book.worksheets[0].iter_rows(values_only=True), file, columns))
    except (OSError, BadZipFile, KeyError, ValueError) as error:
        raise InputError(f"not an Excel file: {type(error).__name__}", source=str(file)) from None


def _rows(
    cells: Iterable[Sequence[object]], file: Path, columns: Sequence[str]
) -> Iterator[tuple[int, dict[str, str]]]:
    rows = iter(cells)
    header = [str(cell or "").strip() for cell in next(rows, ())]
    for column in columns:
        if column not in header:
            raise InputError(f"the column {column!r} is missing", source=str(file))
    where = {column: header.index(column) for column in columns}
    for number, row in enumerate(rows, start=2):
        if number > MOST_ROWS:
            raise LimitExceeded(f"more than {MOST_ROWS:,} rows", limit="rows", source=str(file))
        values = {column: _plain(row[index]) if index < len(row) else "" for column, index in where.items()}
        if any(values.values()):
            yield number, values


def safe_cell(cell: Cell) -> Cell:
    """A cell that no spreadsheet runs: a text that begins like a formula gets an apostrophe in front."""
    return f"'{cell}" if isinstance(cell, str) and cell[:1] and cell[0] in _FORMULA else cell


def _plain(cell: object) -> str:
    text = "" if cell is None else str(cell)
    return text[1:] if text.startswith("'") and text[1:2] and text[1] in _FORMULA else text
