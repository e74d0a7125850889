"""Attachments: type by content, size caps, safe names, medical flag."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path
from typing import BinaryIO, Final

import attrs

from eessi.errors import LimitExceeded, UsageError
from eessi.octets import LARGE, Bulk, Octets, stream_of
from eessi.sed.header import AttachmentEntry

__all__ = ["MAX_ATTACHMENT", "MAX_TOTAL", "Attachment", "check_total", "media_type_of", "safe_name"]

MAX_ATTACHMENT: Final = 20 * 1024 * 1024
"""Default cap of one attachment in bytes; the toolkit's own choice, to be set to what the parties agree."""

MAX_TOTAL: Final = 60 * 1024 * 1024
"""Default cap of all attachments of a message in bytes; the toolkit's own choice."""

_MAGIC: Final = (
    (b"%PDF-", "application/pdf"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"II*\x00", "image/tiff"),
    (b"MM\x00*", "image/tiff"),
    (b"{\\rtf", "application/rtf"),
    (b"PK\x03\x04", "application/zip"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/x-ole-storage"),
    (b"\x1f\x8b", "application/gzip"),
    (b"MZ", "application/x-msdownload"),
    (b"\x7fELF", "application/x-executable"),
)
_OFFICE: Final = (
    (b"word/", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    (b"xl/", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    (b"ppt/", "application/vnd.openxmlformats-officedocument.presentationml.presentation"),
)
_RESERVED: Final = {"CON", "PRN", "AUX", "NUL", *(f"{name}{n}" for name in ("COM", "LPT") for n in range(1, 10))}
_FORBIDDEN = re.compile(r'[\x00-\x1f\x7f<>:"/\\|?*]')


def media_type_of(content: Octets) -> str:
    """Media type by the content alone; what a name or a header claims plays no part.

    ``application/octet-stream`` where nothing is recognised. The first bytes decide, as registered for each format.
    """
    lead = content[:4096]
    for magic, media_type in _MAGIC:
        if lead.startswith(magic):
            return _office(content) if media_type == "application/zip" else media_type
    head = lead[:512].lstrip(b"\xef\xbb\xbf \t\r\n")
    if head.startswith((b"<?xml", b"<")) and not head[:14].lower().startswith((b"<!doctype html", b"<html")):
        return "text/xml"
    if head[:14].lower().startswith((b"<!doctype html", b"<html")):
        return "text/html"
    return "text/plain" if lead and _is_text(lead) else "application/octet-stream"


def _office(content: Octets) -> str:
    """What a zip holds, by the names in its directory; no part is unpacked."""
    import zipfile

    try:
        with stream_of(content) as stream, zipfile.ZipFile(stream) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError):
        return "application/zip"
    if "[Content_Types].xml" not in names:
        return "application/zip"
    for folder, media_type in _OFFICE:
        if any(name.startswith(folder.decode()) for name in names):
            return media_type
    return "application/zip"


def _is_text(head: bytes) -> bool:
    if b"\x00" in head:
        return False
    try:
        head.decode("utf-8")
    except UnicodeDecodeError as error:
        return error.start >= len(head) - 3
    return True


def safe_name(name: str, *, fallback: str = "attachment") -> str:
    """A file name that is safe on every system: no folders, no control or reserved characters, at most 150 bytes.

    The ending is kept. Names that only look different (composed and decomposed letters) become one.
    """
    text = unicodedata.normalize("NFC", name)
    text = re.split(r"[/\\]", text)[-1]
    text = "".join(letter for letter in text if unicodedata.category(letter) not in ("Cf", "Cc", "Cs", "Co"))
    text = _FORBIDDEN.sub("_", text).strip(" .")
    stem, dot, ending = text.rpartition(".")
    if not dot:
        stem, ending = text, ""
    ending = ending[:16]
    if not stem or stem.split(".")[0].upper() in _RESERVED:
        stem = f"{fallback}_{stem}" if stem else fallback
    room = 150 - len(ending.encode()) - 1
    stem = stem.encode()[:room].decode(errors="ignore")
    return f"{stem}.{ending}" if ending else stem


@attrs.frozen(slots=True)
class Attachment:
    """A file beside a message, with its content.

    Large content need not be in memory: :meth:`read` leaves it in its file, and what comes back from a node's store is read
    from there; :meth:`open` gives it as a file to read.

    :param file_name: already safe; :meth:`of` makes it so.
    :param media_type: found from the content.
    :param medical: medical data, for authorised medical staff only.
    :param section: part of the SED that it belongs to, where one is named.
    """

    identifier: str
    file_name: str
    media_type: str
    content: Octets = attrs.field(repr=False)
    medical: bool = False
    section: str | None = None

    @classmethod
    def of(
        cls,
        content: Octets,
        file_name: str,
        *,
        identifier: str | None = None,
        medical: bool = False,
        section: str | None = None,
        limit: int = MAX_ATTACHMENT,
    ) -> Attachment:
        """Take a file in: its type is read from the content, its name made safe.

        :param limit: largest size in bytes.
        :raises LimitExceeded: when the file is larger than ``limit``.
        :raises UsageError: when it is empty.
        """
        if not content:
            raise UsageError(f"the attachment {safe_name(file_name)!r} is empty")
        if len(content) > limit:
            raise LimitExceeded(
                f"the attachment has {len(content):,} bytes; the limit is {limit:,}",
                limit="attachment",
                source=safe_name(file_name),
            )
        name = safe_name(file_name)
        if identifier is None:
            import uuid

            identifier = uuid.uuid4().hex
        return cls(identifier, name, media_type_of(content), content, medical, section)

    @classmethod
    def read(
        cls,
        path: Path,
        *,
        file_name: str | None = None,
        identifier: str | None = None,
        medical: bool = False,
        section: str | None = None,
        limit: int = MAX_ATTACHMENT,
    ) -> Attachment:
        """Take a file in as it lies: it is read when it is packed and stored, and must not change until then.

        :param file_name: by default that of ``path``.
        :param limit: largest size in bytes.
        :raises InputError: when it cannot be opened. :raises LimitExceeded: :raises UsageError: as in :meth:`of`.
        """
        lying, name = Bulk.of(path), file_name or path.name
        content = lying if len(lying) >= LARGE else bytes(lying)
        return cls.of(content, name, identifier=identifier, medical=medical, section=section, limit=limit)

    @property
    def data(self) -> bytes:
        """The whole content in memory, however large; :meth:`open` reads it in pieces."""
        return bytes(self.content)

    def open(self) -> BinaryIO:
        """The content as a file to read, at its beginning."""
        return stream_of(self.content)

    @property
    def entry(self) -> AttachmentEntry:
        """What the header says about this file."""
        return AttachmentEntry(self.identifier, self.file_name, self.media_type, self.medical, self.section)


def check_total(attachments: tuple[Attachment, ...], limit: int = MAX_TOTAL) -> None:
    """Refuse a set of attachments that is too large together.

    :raises LimitExceeded: with the sizes in bytes.
    """
    total = sum(len(part.content) for part in attachments)
    if total > limit:
        raise LimitExceeded(f"the attachments have {total:,} bytes; the limit is {limit:,}", limit="attachments")
