"""The directory as an Excel workbook that people edit and hand back."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from io import BytesIO
from itertools import zip_longest
from typing import TYPE_CHECKING, BinaryIO, Final
from zipfile import BadZipFile

import attrs

from eessi.directory.difference import Content
from eessi.directory.folding import Folding
from eessi.directory.sheets import SHEETS, Cell, Row, check_columns, content_from, sheets_of
from eessi.errors import InputError, LimitExceeded, MissingExtra, UsageError

if TYPE_CHECKING:
    from openpyxl.worksheet._write_only import WriteOnlyWorksheet
    from openpyxl.worksheet.worksheet import Worksheet

    from eessi.directory.directory import Directory

__all__ = [
    "Edited",
    "content_of_workbook",
    "read_numbered",
    "read_rows",
    "read_workbook",
    "write_table",
    "write_workbook",
]

_MOST_ROWS: Final = 1_048_575
_MOST_CELL: Final = 32_767
_MOST_UNPACKED: Final = 1024**3
_ABOUT: Final = "about"


def write_workbook(directory: Directory, *, country: str | None = None) -> bytes:
    """The directory, or one country of it, as an Excel workbook.

    Identifiers are text cells, so leading zeros stay; a text that begins like a formula stays a text.

    :raises UsageError: when a sheet would have more rows than Excel holds; choose a country then.
    :raises MissingExtra: without openpyxl (extra ``directory``).
    """
    Workbook = _openpyxl()
    book = Workbook(write_only=True)
    for name, rows in sheets_of(directory, country).items():
        if len(rows) > _MOST_ROWS:
            raise UsageError(f"{len(rows):,} rows of {name} are more than a sheet holds; choose a country")
        languages = sorted({key for row in rows for key in row if key.startswith("name")})
        _fill(book.create_sheet(name), (*SHEETS[name], *(languages if name == "institutions" else ())), rows)
    about = book.create_sheet(_ABOUT)
    head = directory.head
    _fill(
        about,
        ("what", "value"),
        [
            {"what": "country", "value": country},
            {"what": "version", "value": head.version},
            {"what": "created", "value": head.created.isoformat() if head.created else None},
        ],
    )
    file = BytesIO()
    book.save(file)
    return file.getvalue()


def _fill(sheet: WriteOnlyWorksheet, columns: tuple[str, ...], rows: list[dict[str, Cell]]) -> None:
    from openpyxl.cell import WriteOnlyCell

    sheet.freeze_panes = "B2"
    sheet.append(list(columns))
    for row in rows:
        cells: list[object] = []
        for column in columns:
            value = row.get(column)
            if isinstance(value, str):
                cell = WriteOnlyCell(sheet, value=_fitting(value))
                cell.data_type, cell.number_format = "s", "@"
                cells.append(cell)
            elif isinstance(value, dt.date):
                cell = WriteOnlyCell(sheet, value=dt.datetime.combine(value, dt.time()))
                cell.number_format = "yyyy-mm-dd"
                cells.append(cell)
            else:
                cells.append(value)
        sheet.append(cells)


def _fitting(text: str) -> str:
    if len(text) > _MOST_CELL:
        raise UsageError(f"a text of {len(text):,} characters is longer than a cell holds; nothing is cut silently")
    return str(text)


@attrs.frozen(slots=True)
class Edited:
    """A workbook handed back: its sheets, the country it was exported for, the version of the copy it came from."""

    sheets: Mapping[str, Sequence[Row]]
    country: str | None
    version: str | None

    def content(self, folding: Folding, base: Content) -> Content:
        """The content of ``base`` with the sheets in place of what they carry."""
        return content_from(self.sheets, folding, base, self.country)


def read_workbook(data: bytes, *, name: str | None = None) -> Edited:
    """An edited workbook.

    :raises InputError: when it is no workbook of the directory, or a column was renamed or removed.
    """
    sheets = read_rows(BytesIO(data), name=name)
    if "institutions" not in sheets:
        raise InputError("the workbook has no sheet 'institutions'", source=name)
    check_columns(sheets, name)
    about = {str(row.get("what")): row.get("value") for row in sheets.get(_ABOUT, [])}
    country, version = about.get("country"), about.get("version")
    return Edited(sheets, country if isinstance(country, str) else None, None if version is None else str(version))


def content_of_workbook(data: bytes, folding: Folding, base: Content, *, name: str | None = None) -> Content:
    """The content of ``base`` as an edited workbook wants it.

    :raises InputError: when it is no workbook of the directory.
    """
    return read_workbook(data, name=name).content(folding, base)


def read_rows(file: BinaryIO, *, name: str | None = None) -> dict[str, list[dict[str, Cell]]]:
    """The rows of every sheet, by the names in its first line; empty rows left out.

    :raises InputError: when it is no workbook.
    :raises LimitExceeded: when it unpacks to more than a gigabyte.
    """
    numbered = read_numbered(file, name=name)
    return {sheet: [row for _, row in rows] for sheet, rows in numbered.items()}


def read_numbered(file: BinaryIO, *, name: str | None = None) -> dict[str, list[tuple[int, dict[str, Cell]]]]:
    """The rows of every sheet as :func:`read_rows` gives them, each with its number as Excel shows it.

    :raises InputError: when it is no workbook.
    :raises LimitExceeded: when it unpacks to more than a gigabyte.
    """
    from zipfile import ZipFile

    from openpyxl import load_workbook
    from openpyxl.utils.exceptions import InvalidFileException

    _openpyxl()
    try:
        with ZipFile(file) as packed:
            if sum(entry.file_size for entry in packed.infolist()) > _MOST_UNPACKED:
                raise LimitExceeded("the workbook unpacks to more than 1 GiB", limit="unpacked bytes", source=name)
        file.seek(0)
        book = load_workbook(file, read_only=True, data_only=True)
        found = {sheet.title.strip().lower(): list(_rows(sheet)) for sheet in book.worksheets}
        book.close()
    except (BadZipFile, InvalidFileException, KeyError, ValueError, EOFError, OSError) as error:
        what = "cut short or damaged" if isinstance(error, (BadZipFile, EOFError)) else type(error).__name__
        text = f"this is no Excel workbook that can be read ({what}); save it again as .xlsx"
        raise InputError(text, source=name) from None
    return found


def _rows(sheet: Worksheet) -> Iterator[tuple[int, dict[str, Cell]]]:
    rows = sheet.iter_rows(values_only=True)
    head = next(rows, None)
    if head is None:
        return
    names = [str(cell).strip().lower() if cell is not None else "" for cell in head]
    for number, row in enumerate(rows, start=2):
        # the reader leaves out empty cells at the end of a row: they are empty, not absent
        cells = {name: _cell(value) for name, value in zip_longest(names, row[: len(names)]) if name}
        if any(value is not None for value in cells.values()):
            yield number, cells


def _cell(value: object) -> Cell:
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, dt.datetime):
        return value.date()
    return value if isinstance(value, dt.date) else str(value)


def _openpyxl() -> type:
    try:
        from openpyxl import Workbook
    except ModuleNotFoundError:
        raise MissingExtra("directory", "Excel workbooks") from None
    return Workbook


def write_table(title: str, columns: Sequence[str], rows: Sequence[Mapping[str, Cell]]) -> bytes:
    """One table as an Excel workbook; texts stay texts.

    :raises MissingExtra: without openpyxl (extra ``directory``).
    """
    book = _openpyxl()(write_only=True)
    _fill(book.create_sheet(title), tuple(columns), [dict(row) for row in rows])
    file = BytesIO()
    book.save(file)
    return file.getvalue()
