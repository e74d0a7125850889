"""Attachments: the content says what they are, and no name is trusted."""

from __future__ import annotations

import io
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eessi.errors import LimitExceeded, UsageError
from eessi.sed.attachments import Attachment, check_total, media_type_of, safe_name


def zipped(*names: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in names:
            archive.writestr(name, "x")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("content", "media_type"),
    [
        (b"%PDF-1.7 ...", "application/pdf"),
        (b"\x89PNG\r\n\x1a\n....", "image/png"),
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"II*\x00", "image/tiff"),
        (b'<?xml version="1.0"?><a/>', "text/xml"),
        (b"\xef\xbb\xbf <a/>", "text/xml"),
        (b"<!DOCTYPE html><html></html>", "text/html"),
        ("Grüße".encode(), "text/plain"),
        (b"\x00\x01\x02", "application/octet-stream"),
        (b"MZ\x90", "application/x-msdownload"),
        (zipped("[Content_Types].xml", "word/document.xml"),
         "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
        (zipped("[Content_Types].xml", "xl/workbook.xml"),
         "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        (zipped("word/document.xml"), "application/zip"),
        (b"PK\x03\x04broken", "application/zip"),
    ],
)  # fmt: skip
def test_type_by_content(content: bytes, media_type: str) -> None:
    assert media_type_of(content) == media_type


def test_a_lying_name_changes_nothing() -> None:
    part = Attachment.of(b"MZ\x90\x00", "report.pdf")
    assert part.media_type == "application/x-msdownload"
    assert part.entry.media_type == part.media_type


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("report.pdf", "report.pdf"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\x\\note.txt", "note.txt"),
        ("a:b*c?.pdf", "a_b_c_.pdf"),
        ("CON.txt", "attachment_CON.txt"),
        ("", "attachment"),
        ("...", "attachment"),
        ("invoice\u202efdp.exe", "invoicefdp.exe"),
        ("e\u0301t\u00e9.pdf", "\u00e9t\u00e9.pdf"),
        ("nul\x00l.txt", "null.txt"),
    ],
)
def test_names_are_made_safe(name: str, safe: str) -> None:
    assert safe_name(name) == safe


@settings(deadline=None, database=None)
@given(st.text(max_size=400))
def test_safe_names_stay_safe(name: str) -> None:
    safe = safe_name(name)
    assert safe
    assert len(safe.encode()) <= 150
    assert not set(safe) & set('<>:"/\\|?*\x00')
    assert safe not in (".", "..")
    assert safe_name(safe) == safe


def test_sizes_are_capped() -> None:
    with pytest.raises(LimitExceeded, match="limit is 3"):
        Attachment.of(b"1234", "a.txt", limit=3)
    with pytest.raises(UsageError, match="empty"):
        Attachment.of(b"", "a.txt")
    parts = (Attachment.of(b"1234", "a.txt"), Attachment.of(b"1234", "b.txt"))
    check_total(parts, limit=8)
    with pytest.raises(LimitExceeded):
        check_total(parts, limit=7)


def test_the_repr_shows_no_content() -> None:
    assert "secret" not in repr(Attachment.of(b"secret text", "a.txt"))
