"""The national list of people and desks to turn to, per organisation and process.

Kept beside the European data and never sent with it: no writer of copies can see it. Names and addresses are personal
values; the log names keys only.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterable, Mapping
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, ValidationError, field_validator

from eessi.directory.rights import User
from eessi.directory.store import DirectoryStore
from eessi.errors import InputError, UnknownCode, UsageError
from eessi.ids import BucId, InstitutionId
from eessi.stores.directory_rows import ContactRow

__all__ = ["COLUMNS", "ContactBook", "Referent"]

COLUMNS: Final = ("key", "institution", "buc", "kind", "name", "email", "phone", "note")


class Referent(BaseModel):
    """Someone to turn to: ``business`` for the process, ``technical`` for the exchange.

    ``buc`` of ``None`` stands for all processes. The key is made from organisation, process, kind and name.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)

    institution: str
    kind: Literal["business", "technical"]
    name: str
    buc: str | None = None
    email: str | None = None
    phone: str | None = None
    note: str | None = None

    @field_validator("institution")
    @classmethod
    def _institution(cls, value: str) -> str:
        return InstitutionId(value)

    @field_validator("buc")
    @classmethod
    def _buc(cls, value: str | None) -> str | None:
        return BucId(value) if value else None

    @field_validator("email", "phone", "note")
    @classmethod
    def _none(cls, value: str | None) -> str | None:
        return value or None

    @property
    def key(self) -> str:
        """What makes two entries the same one."""
        parts = (self.institution, self.buc or "", self.kind, self.name.casefold())
        return hashlib.sha256("|".join(parts).encode()).hexdigest()[:16]


class ContactBook:
    """The contacts of one tenant."""

    def __init__(self, store: DirectoryStore) -> None:
        self._store = store

    def add(self, referent: Referent, *, by: str | User) -> str:
        """Add a contact, or replace the one of the same key; the key."""
        self.add_all([referent], by=by)
        return referent.key

    def add_all(self, referents: Iterable[Referent], *, by: str | User) -> int:
        """Add several in one unit: all or none; their number."""
        count = 0
        with self._store.begin() as rows:
            for each in referents:
                body = each.model_dump_json(exclude={"institution", "kind", "buc"}, exclude_none=True)
                rows.put_contact(ContactRow(each.key, each.institution, each.buc, each.kind, body))
                event: dict[str, object] = {"key": each.key, "institution": each.institution, "kind": each.kind}
                self._store.append(rows, by, "contact-added", event)
                count += 1
        return count

    def remove(self, key: str, *, by: str | User) -> None:
        """Remove a contact.

        :raises UnknownCode: when there is none of that key.
        """
        with self._store.begin() as rows:
            if not rows.remove_contact(key):
                raise UnknownCode("contact", key)
            self._store.append(rows, by, "contact-removed", {"key": key})

    def find(
        self, institution: str | None = None, buc: str | None = None, kind: str | None = None
    ) -> tuple[Referent, ...]:
        """The contacts of an organisation, for a process, of a kind.

        Those entered for all processes answer for each of them, after those entered for the process itself.
        """
        wanted = BucId(buc) if buc else None
        with self._store.read() as rows:
            found = [_referent(row) for row in rows.contacts()]
        chosen = [
            each
            for each in found
            if institution in (None, each.institution) and kind in (None, each.kind) and wanted in (None, each.buc)
        ]
        if wanted:
            chosen += [
                each
                for each in found
                if each.buc is None and institution in (None, each.institution) and kind in (None, each.kind)
            ]
        return tuple(chosen)


def _referent(row: ContactRow) -> Referent:
    import json

    return Referent(institution=row.institution, buc=row.buc, kind=row.kind, **json.loads(row.body))  # type: ignore[arg-type]  # checked by the model


def read_referents(data: bytes, *, name: str | None = None) -> tuple[Referent, ...]:
    """Contacts from a table, CSV in UTF-8 or the first sheet of an Excel workbook.

    :raises InputError: with the row of the first entry that does not fit; values are not repeated.
    """
    if not data.startswith(b"PK\x03\x04"):
        try:
            return referents_from_csv(data.decode("utf-8-sig"), name=name)
        except UnicodeDecodeError as error:
            raise InputError("the table is not in UTF-8", source=name, offset=error.start) from None
    from eessi.directory.workbook import read_numbered

    rows = next(iter(read_numbered(io.BytesIO(data), name=name).values()), [])
    _columns_must_do(rows[0][1] if rows else (), name)
    return tuple(
        _from_cells({key: "" if cell is None else str(cell) for key, cell in row.items()}, number, name)
        for number, row in rows
    )


def _columns_must_do(columns: Iterable[str], name: str | None) -> None:
    missing = {"institution", "kind", "name"} - set(columns)
    if missing:
        raise InputError(f"the table of contacts has no column {', '.join(sorted(missing))}", source=name, line=1)


def referents_from_csv(text: str, *, name: str | None = None) -> tuple[Referent, ...]:
    """Contacts from a table with the columns of :data:`COLUMNS`; ``key`` is ignored.

    :raises InputError: with the line of the first row that does not fit; values are not repeated.
    """
    lines = io.StringIO(text.removeprefix("\ufeff"), newline="")
    first = lines.readline()
    separator = max(",;\t", key=first.count)
    columns = [column.strip().lower() for column in next(csv.reader([first], delimiter=separator), [])]
    _columns_must_do(columns, name)
    found = []
    for number, row in enumerate(csv.reader(lines, delimiter=separator), start=2):
        if any(cell.strip() for cell in row):
            cells = dict(zip(columns, row, strict=False))
            found.append(_from_cells(cells, number, name))
    return tuple(found)


def _from_cells(cells: Mapping[str, str], number: int, name: str | None) -> Referent:
    try:
        return Referent.model_validate({key: cells[key] or None for key in COLUMNS[1:] if key in cells})
    except ValidationError as error:
        where = ", ".join(str(part) for part in error.errors()[0]["loc"])
        raise InputError(f"a contact does not fit at {where}", source=name, line=number) from None
    except UsageError as error:
        raise InputError(str(error), source=name, line=number) from None


def referents_to_csv(referents: Iterable[Referent]) -> str:
    """Contacts as a table with the columns of :data:`COLUMNS`."""
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerow(COLUMNS)
    for each in referents:
        cells = (each.key, each.institution, each.buc, each.kind, each.name, each.email, each.phone, each.note)
        writer.writerow([_safe(str(cell or "")) for cell in cells])
    return file.getvalue()


def _safe(text: str) -> str:
    """A text that a spreadsheet would take for a formula gets a blank in front; telephone numbers keep their plus."""
    return f" {text}" if text.startswith(("=", "@", "\t")) else text
