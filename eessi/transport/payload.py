"""Payloads and their compression (AS4 profile 3.1): gzip only, opened under caps."""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Iterator

import attrs

from eessi.octets import Bulk, Octets, pieces_of, spooled
from eessi.transport.ebms.model import PartInfo, Property
from eessi.transport.limits import DEFAULT_LIMITS, Limits
from eessi.transport.names import GZIP
from eessi.transport.refusal import Refused

__all__ = ["Payload", "compress", "decompressed"]

_CHUNK = 64 * 1024


@attrs.frozen(slots=True)
class Payload:
    """One payload of a received message, decrypted, still compressed where it was sent so.

    :param mime_type: of the content, as the header says; the part's own type where it says nothing.
    :param size: bytes after decompression.
    """

    id: str
    body: Octets = attrs.field(repr=False)
    mime_type: str
    compressed: bool
    size: int
    info: PartInfo

    def content(self, *, limits: Limits = DEFAULT_LIMITS) -> bytes:
        """The payload as its sender had it, in memory.

        :raises Refused: EBMS:0303 when it cannot be decompressed, EBMS:0004 over a cap.
        """
        return bytes(self.octets(limits=limits))

    def octets(self, *, limits: Limits = DEFAULT_LIMITS) -> Octets:
        """The payload as its sender had it; kept out of memory when it is large.

        :raises Refused: EBMS:0303 when it cannot be decompressed, EBMS:0004 over a cap.
        """
        return self.copy(limits=limits) if self.compressed else self.body

    def copy(self, *, limits: Limits = DEFAULT_LIMITS) -> Octets:
        """As :meth:`octets`, and never a view on the message that it came in.

        :raises Refused: EBMS:0303 when it cannot be decompressed, EBMS:0004 over a cap.
        """
        return spooled(decompressed(self.body, limits=limits) if self.compressed else pieces_of(self.body))


def compress(data: Octets) -> Octets:
    """Gzip without a time stamp, so that equal content gives equal bytes."""
    if not isinstance(data, Bulk):
        return gzip.compress(data, compresslevel=6, mtime=0)
    return spooled(_compressed(data))


def _compressed(data: Bulk) -> Iterator[bytes]:
    engine = zlib.compressobj(6, zlib.DEFLATED, 31)
    for piece in data.pieces():
        yield engine.compress(piece)
    yield engine.flush()


def decompressed(data: Octets, *, limits: Limits = DEFAULT_LIMITS) -> Iterator[bytes]:
    """Pieces of the decompressed content; never more than ``limits`` allow, whatever ``data`` holds.

    :raises Refused: EBMS:0303 for damaged gzip, EBMS:0004 over a cap.
    """
    engine = zlib.decompressobj(wbits=31)
    coming = iter(pieces_of(data))
    rest, total = next(coming, b""), 0
    while True:
        try:
            piece = engine.decompress(rest, _CHUNK)
        except zlib.error:
            raise _damaged() from None
        total += len(piece)
        _check(total, len(data), limits)
        if piece:
            yield piece
        if engine.eof:
            rest = engine.unused_data or next(coming, b"")
            if not rest:
                return
            engine = zlib.decompressobj(wbits=31)
            continue
        rest = engine.unconsumed_tail or next(coming, b"")
        if not rest and not piece:
            raise _damaged()


def _check(total: int, sealed: int, limits: Limits) -> None:
    if total > limits.plain or (total > limits.ratio_floor and total > sealed * limits.ratio):
        raise Refused("EBMS:0004", "a payload becomes too large when it is decompressed", finding="AS4-LIMIT")


def _damaged() -> Refused:
    return Refused("EBMS:0303", "a payload is damaged: it cannot be decompressed", finding="AS4-COMPRESSION")


def compression_of(info: PartInfo) -> bool:
    """Whether the header says that this part is compressed.

    :raises Refused: EBMS:0003 for another compression than gzip, EBMS:0303 without the type of the content.
    """
    kind = info.property("CompressionType")
    if kind is None:
        return False
    if kind.strip().casefold() != GZIP:
        raise Refused("EBMS:0003", "the compression of a part is not gzip", finding="AS4-COMPRESSION")
    if not info.property("MimeType"):
        raise Refused("EBMS:0303", "a compressed part does not name the type of its content", finding="AS4-COMPRESSION")
    return True


_CHARACTER_SETS = re.compile(
    r"utf-?(?:8|16(?:le|be)?)|(?:us-)?ascii|iso-8859-(?:[1-9]|1[0-6])|windows-125[0-8]", re.IGNORECASE
)


def check_character_set(info: PartInfo) -> None:
    """A part may name the character set of its content; one that nobody knows is an error (eDelivery conformance).

    :raises Refused: EBMS:0003.
    """
    named = info.property("CharacterSet")
    if named is not None and not _CHARACTER_SETS.fullmatch(named):
        raise Refused("EBMS:0003", "a part names a character set that is not known", finding="AS4-PART")


def part_properties(mime_type: str, *, compressed: bool, more: tuple[Property, ...] = ()) -> tuple[Property, ...]:
    """The properties that describe a part."""
    described = [Property("MimeType", mime_type)]
    if compressed:
        described.append(Property("CompressionType", GZIP))
    return (*described, *more)
