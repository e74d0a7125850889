"""Case exports of RINA as files: a case history in one of the public JSON shapes, and beside it what its documents say.

A case is a JSON file that :mod:`eessi.buc.rina` reads. For a document ``ID`` its content is taken from inside the case's own
entry, else from ``documents/ID.json``, ``documents/ID.xml``, ``ID.json`` or ``ID.xml`` beside the case; for an attachment
``ID`` from ``attachments/ID``. How RINA itself lays out the files of an export is not public; these names are ours.
Attachments are listed as the JSON form of the message header lists them (``identifier``, ``fileName``, ``isMedical``,
``sectionReference``, ``internetMediaTypeCode``).

Everything is a stranger's: sizes and nesting are bounded, a name that would lead out of the folder is refused.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

import attrs

from eessi._xml import DEFAULT_LIMITS
from eessi.buc.rina import NotUnderstood
from eessi.errors import InputError, LimitExceeded
from eessi.sed.attachments import MAX_ATTACHMENT
from eessi.sed.json_text import JsonValue, load_json
from eessi.sed.rina_json import find_sed

__all__ = ["Export", "ListedAttachment", "cases_below", "read_export"]

_SAFE: Final = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]{0,79}")
_MAX_CASE: Final = 20_000
"""Documents of one case; the largest public case has fewer than a hundred."""


@attrs.frozen(slots=True)
class ListedAttachment:
    """A file that a document lists; ``content`` where it lies in the export."""

    identifier: str
    file_name: str
    media_type: str | None
    medical: bool
    section: str | None
    content: bytes | None = attrs.field(repr=False)


@attrs.define(slots=True)
class Export:
    """One case of an export.

    :param sha256: of all bytes read, so that the same export is known again.
    :param contents: document id -> JSON or XML of its SED.
    """

    source: str
    history: Mapping[str, JsonValue]
    sha256: str
    contents: Mapping[str, JsonValue | bytes] = attrs.field(factory=dict)
    attachments: Mapping[str, tuple[ListedAttachment, ...]] = attrs.field(factory=dict)
    protected: frozenset[str] = frozenset()
    notes: tuple[NotUnderstood, ...] = ()


def cases_below(paths: Iterable[Path]) -> Iterator[Path]:
    """The files named, and the ``.json`` files below the folders named, without those of documents and attachments.

    :raises InputError: for a path that does not exist.
    """
    for path in paths:
        if path.is_dir():
            for file in sorted(path.rglob("*.json")):
                if file.is_file() and not {"documents", "attachments"} & set(file.relative_to(path).parts[:-1]):
                    yield file
        elif path.exists():
            yield path
        else:
            raise InputError("no such file or folder", source=str(path))


def read_export(file: Path) -> Export | None:
    """One case with everything that lies beside it; ``None`` for JSON that is no case history.

    :raises InputError: when it cannot be read, is no JSON, or a name in it would lead out of its folder.
    :raises LimitExceeded: too large, too deep, too many documents.
    """
    reader = _Reader(file)
    table = load_json(reader.bytes_of(file), source=str(file))
    if not isinstance(table, dict) or not ("documents" in table or ("case" in table and "events" in table)):
        return None
    documents = table.get("documents")
    rows = [row for row in documents if isinstance(row, dict)] if isinstance(documents, list) else []
    if len(rows) > _MAX_CASE:
        raise LimitExceeded(f"the case has {len(rows):,} documents; the limit is {_MAX_CASE:,}", limit="documents", source=str(file))  # fmt: skip
    for row in rows:
        reader.document(row)
    everywhere = _says_protected(table)
    protected = {id for id, one in reader.documents.items() if everywhere or _says_protected(one)}
    return Export(
        str(file), table, reader.sha256(), reader.contents, reader.attachments, frozenset(protected), tuple(reader.notes)
    )  # fmt: skip


def _says_protected(row: Mapping[str, JsonValue]) -> bool:
    inner = row.get("caseIdentification")
    return row.get("isProtectedPerson") is True or (isinstance(inner, dict) and inner.get("isProtectedPerson") is True)


class _Reader:
    def __init__(self, file: Path) -> None:
        self.folder = file.parent
        self.contents: dict[str, JsonValue | bytes] = {}
        self.attachments: dict[str, tuple[ListedAttachment, ...]] = {}
        self.documents: dict[str, dict[str, JsonValue]] = {}
        self.notes: list[NotUnderstood] = []
        self._digest = hashlib.sha256()

    def sha256(self) -> str:
        return self._digest.hexdigest()

    def bytes_of(self, file: Path, limit: int = DEFAULT_LIMITS.bytes) -> bytes:
        """The bytes of a file below the case's folder, counted into the digest with their length."""
        if not file.resolve().is_relative_to(self.folder.resolve()):
            raise InputError("leads out of the folder of its case", source=str(file))
        try:
            size = file.stat().st_size
            if size > limit:
                raise LimitExceeded(
                    f"the file has {size:,} bytes; the limit is {limit:,}", limit="bytes", source=str(file)
                )
            data = file.read_bytes()
        except OSError as error:
            raise InputError(f"cannot be read: {error.strerror}", source=str(file)) from None
        self._digest.update(len(data).to_bytes(8, "big") + data)
        return data

    def document(self, row: dict[str, JsonValue]) -> None:
        id = row.get("id")
        if not isinstance(id, str) or not id:
            return  # the reader of the history says so
        self.documents[id] = row
        self._attachments(id, row.get("attachments"))
        if len(find_sed(row)) == 1:
            self.contents[id] = row
        elif _SAFE.fullmatch(id):
            for place in (self.folder / "documents", self.folder):
                for ending in (".json", ".xml"):
                    file = place / f"{id}{ending}"
                    if id not in self.contents and file.is_file():
                        data = self.bytes_of(file)
                        self.contents[id] = data if ending == ".xml" else load_json(data, source=str(file))

    def _attachments(self, id: str, rows: JsonValue) -> None:
        where = f"document {id}"
        if rows is None or rows == []:
            return
        if not isinstance(rows, list):
            self.notes.append(NotUnderstood(where, "attachments", "not a list"))
            return
        found = []
        for number, row in enumerate(rows):
            identifier = row.get("identifier") if isinstance(row, dict) else None
            if not isinstance(row, dict) or not isinstance(identifier, str) or not _SAFE.fullmatch(identifier):
                self.notes.append(
                    NotUnderstood(f"{where}, attachments[{number}]", "attachment", "no usable identifier")
                )
                continue
            found.append(self._attachment(f"{where}, attachment {identifier}", identifier, row))
        self.attachments[id] = tuple(found)

    def _attachment(self, where: str, identifier: str, row: dict[str, JsonValue]) -> ListedAttachment:
        known = {"identifier", "fileName", "isMedical", "sectionReference", "internetMediaTypeCode"}
        for key in sorted(row.keys() - known):
            self.notes.append(NotUnderstood(where, key, "not a known key"))
        file = self.folder / "attachments" / identifier
        content = self.bytes_of(file, MAX_ATTACHMENT) if file.is_file() else None
        if content is None:
            self.notes.append(NotUnderstood(where, "content", "its file is not in the export: only listed"))
        name, section, media = (
            _text(row.get(key)) for key in ("fileName", "sectionReference", "internetMediaTypeCode")
        )
        medical = row.get("isMedical")
        if not isinstance(medical, bool):
            self.notes.append(NotUnderstood(where, "isMedical", "not said: kept as medical, the safer reading"))
        return ListedAttachment(identifier, name or identifier, media, medical is not False, section, content)


def _text(value: JsonValue) -> str | None:
    return value if isinstance(value, str) and value else None
