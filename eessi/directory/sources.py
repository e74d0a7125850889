"""Which reader reads a source: recognised by its first bytes, never by its name."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from importlib.resources import files
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from eessi.directory.folding import Folding
from eessi.directory.syn001 import CopyHead, Record, read_syn001
from eessi.errors import InputError

__all__ = ["known_bucs", "read"]


def read(source: bytes | str | Path | BinaryIO, folding: Folding, *, name: str | None = None) -> Iterator[Record]:
    """Read a source of any known kind record by record.

    :raises InputError: when there is no such file, or it is of no known kind, or damaged.
    """
    if isinstance(source, (str, Path)):
        label = name or str(source)
        try:
            with open(source, "rb") as file:
                yield from _read(file, folding, label)
        except OSError as error:
            raise InputError(f"cannot be read: {error.strerror}", source=label) from None
        return
    yield from _read(BytesIO(source) if isinstance(source, bytes) else source, folding, name)


def _read(file: BinaryIO, folding: Folding, name: str | None) -> Iterator[Record]:
    if not file.seekable():
        file = BytesIO(file.read())
    begin = file.tell()
    head = file.read(4096)
    file.seek(begin)
    if head.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"<" or head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        yield from read_syn001(file, folding, name=name)
        return
    if head.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b"["):
        from eessi.directory.client_json import read_json

        yield from read_json(file, folding, name=name)
        return
    if head.startswith(b"PK\x03\x04"):
        yield from _workbook(file.read(), folding, name)
        return
    if not head.strip():
        raise InputError("the input is empty; a copy of the directory was expected", source=name, offset=0)
    if b"\0" not in head and re.match(rb"(?:\xef\xbb\xbf)?(?:#[^\n]*\n)*[\w \"]+[,;\t]", head):
        from eessi.directory.csv_table import read_csv

        yield from read_csv(file, folding, name=name)
        return
    raise InputError(
        "this is no copy of the directory: SYN001, client JSON, CSV or Excel was expected", source=name, offset=0
    )


def _workbook(data: bytes, folding: Folding, name: str | None) -> Iterator[Record]:
    from eessi.directory.difference import Content
    from eessi.directory.workbook import content_of_workbook

    content = content_of_workbook(data, folding, Content({}, {}, {}), name=name)
    yield CopyHead(has_endpoints=False)
    yield from content.institutions.values()


@functools.cache
def known_bucs() -> frozenset[str]:
    """The process codes of the directory (``data/bucs.txt``)."""
    text = files("eessi.directory").joinpath("data", "bucs.txt").read_text(encoding="utf-8")
    return frozenset(line for line in text.split() if "_BUC_" in line)
