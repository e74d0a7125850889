"""Octets too many for memory: they lie in a file without a name or in the store, and are read in pieces.

A file without a name is private to its process and gone with it, also when that is killed: nothing is left to sweep, and
nobody else can open it. It lies where Python puts temporary files (``TMPDIR``); that place should not be a memory disk.
"""

from __future__ import annotations

import hashlib
import io
import os
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, Final, Protocol

import attrs

from eessi.errors import InputError

__all__ = ["LARGE", "PIECE", "Bulk", "Octets", "Spool", "pieces_of", "sha256_of", "spooled", "stream_of"]

PIECE: Final = 256 * 1024
"""How much is read at once, in bytes."""

LARGE: Final = 1024 * 1024
"""From this size on, in bytes, content is kept out of memory."""


class Source(Protocol):
    """Where octets lie."""

    def read(self, at: int, size: int) -> bytes:
        """Up to ``size`` bytes from ``at``; at least one where there is one."""
        ...


class _File:
    """An open file, closed when the last stretch of it is gone."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor, self._lock = descriptor, threading.Lock()

    def read(self, at: int, size: int) -> bytes:
        with self._lock:  # os.pread needs none, and is not on every system
            os.lseek(self.descriptor, at, os.SEEK_SET)
            return os.read(self.descriptor, size)

    def write(self, piece: bytes) -> None:
        """Behind what was written before."""
        with self._lock:
            os.lseek(self.descriptor, 0, os.SEEK_END)
            rest = memoryview(piece)
            while rest:
                rest = rest[os.write(self.descriptor, rest) :]

    def __del__(self) -> None:
        os.close(self.descriptor)


@attrs.frozen(slots=True, eq=False)
class Bulk:
    """A stretch of octets that is not held in memory. Reading leaves no position behind: several may read at once.

    :param length: in bytes.
    """

    source: Source = attrs.field(repr=False)
    start: int
    length: int

    @classmethod
    def of(cls, path: Path) -> Bulk:
        """The content of a file, to be read when it is needed; it must not change until then.

        :raises InputError: when it cannot be opened.
        """
        try:
            file = _File(os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0)))
        except OSError as error:
            raise InputError(f"{path.name}: cannot be read ({error.strerror})") from None
        return cls(file, 0, os.fstat(file.descriptor).st_size)

    def __len__(self) -> int:
        return self.length

    def __bytes__(self) -> bytes:
        return b"".join(self.pieces())

    def __getitem__(self, where: slice) -> bytes:
        """A short stretch, in memory."""
        start, end, _ = where.indices(self.length)
        return b"".join(self.cut(start, end).pieces())

    def cut(self, start: int, end: int) -> Bulk:
        """A part of this stretch, read only when it is needed."""
        return Bulk(self.source, self.start + start, max(0, end - start))

    def pieces(self) -> Iterator[bytes]:
        """The content from beginning to end, in pieces.

        :raises InputError: when the file became shorter.
        """
        at, end = self.start, self.start + self.length
        while at < end:
            piece = self.source.read(at, min(PIECE, end - at))
            if not piece:
                raise InputError("a file became shorter while it was read")
            at += len(piece)
            yield piece

    def find(self, wanted: bytes, start: int = 0, end: int | None = None) -> int:
        """Where ``wanted`` first stands, as :meth:`bytes.find` tells."""
        before, at = b"", start
        for piece in self.cut(start, self.length if end is None else min(end, self.length)).pieces():
            window = before + piece
            found = window.find(wanted)
            if found != -1:
                return at - len(before) + found
            at += len(piece)
            before = window[max(0, len(window) - len(wanted) + 1) :]
        return -1


Octets = bytes | Bulk
"""Content of any size."""


def pieces_of(data: Octets) -> Iterable[bytes]:
    """The content in pieces; what is in memory is one."""
    return data.pieces() if isinstance(data, Bulk) else (data,)


def sha256_of(data: Octets) -> bytes:
    """The SHA-256 of content of any size."""
    digest = hashlib.sha256()
    for piece in pieces_of(data):
        digest.update(piece)
    return digest.digest()


def cut(data: Octets, start: int, end: int) -> Octets:
    """A stretch of content, in memory when it is small."""
    if isinstance(data, Bulk) and end - start >= LARGE:
        return data.cut(start, end)
    return data[start:end]


class Spool:
    """Takes content piece by piece and keeps it out of memory once it is large."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._file: _File | None = None
        self.length = 0

    def write(self, piece: bytes) -> None:
        """Add a piece at the end."""
        self.length += len(piece)
        if self._file is None and self.length >= LARGE:
            self._file = _nameless()
            for earlier in self._pieces:
                self._file.write(earlier)
            self._pieces.clear()
        if self._file is None:
            self._pieces.append(piece)
        else:
            self._file.write(piece)

    def done(self) -> Octets:
        """All that was written; nothing may be written after this."""
        if self._file is None:
            return b"".join(self._pieces)
        return Bulk(self._file, 0, self.length)


def _nameless() -> _File:
    import tempfile  # not light, and seldom needed

    with tempfile.TemporaryFile() as file:
        return _File(os.dup(file.fileno()))


def spooled(pieces: Iterable[bytes]) -> Octets:
    """The pieces as one content, in memory only while it is small."""
    spool = Spool()
    for piece in pieces:
        spool.write(piece)
    return spool.done()


class _Reader(io.RawIOBase):
    def __init__(self, bulk: Bulk) -> None:
        self._bulk, self._at = bulk, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: len(self._bulk)}[whence]
        self._at = max(0, base + offset)
        return self._at

    def readinto(self, buffer: object) -> int:
        view = memoryview(buffer).cast("B")  # type: ignore[arg-type]  # the protocol of RawIOBase
        piece = next(iter(self._bulk.cut(self._at, min(self._at + len(view), len(self._bulk))).pieces()), b"")
        view[: len(piece)] = piece
        self._at += len(piece)
        return len(piece)


def stream_of(data: Octets) -> BinaryIO:
    """The content as a file to read, with a position of its own."""
    return io.BufferedReader(_Reader(data), PIECE) if isinstance(data, Bulk) else io.BytesIO(data)
