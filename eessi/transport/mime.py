"""Multipart/related read and written byte for byte (RFC 2046, RFC 2387; SOAP with Attachments).

A part's bytes are everything between the blank line and the line end before the next boundary; a signature depends on
each of them, so no mail parser touches them. What real products send is read all the same: no ``start``, no content id,
``Content-Id``, bare LF, a byte order mark before the first boundary, base64 parts. Stored files may carry the HTTP or
MIME head in front.
"""

from __future__ import annotations

import base64
import binascii
import quopri
import re
import secrets
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

import attrs

from eessi.octets import Bulk, Octets, Spool, cut, pieces_of, spooled
from eessi.transport.limits import DEFAULT_LIMITS, Limits
from eessi.transport.names import SOAP_TYPE
from eessi.transport.refusal import Refused

__all__ = ["MimePart", "Packed", "media_type", "pack", "parameters", "unpack"]

_BOM = b"\xef\xbb\xbf"
_WORD = r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_PARAMETER = re.compile(rf';\s*({_WORD})\s*=\s*("(?:[^"\\\r\n]|\\.)*"|[^\s;"]+)')
_HEADER = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,100}[ \t]*:")
_HTTP = re.compile(rb"HTTP/\d(?:\.\d)? \d{3}[^\r\n]*\r?\n")
_LINE_END, _CRLF_END, _LF_END = re.compile(rb"[ \t]*(\r?\n)"), re.compile(rb"[ \t]*\r\n"), re.compile(rb"[ \t]*\n")
_LINE = 998
"""Longest line of a frame (RFC 5322, 2.1.1): as many blanks may follow a boundary."""

_BOUNDARY = re.compile(r"[0-9A-Za-z'()+_,\-./:=? ]{0,69}[0-9A-Za-z'()+_,\-./:=?]")
"""Characters of RFC 2046, 5.1.1; 70 at most."""


def _broken(detail: str) -> Refused:
    return Refused("EBMS:0007", detail, finding="AS4-MIME")


def _too_much(detail: str) -> Refused:
    return Refused("EBMS:0004", detail, finding="AS4-LIMIT")


@attrs.frozen(slots=True)
class MimePart:
    """One part: its headers as written, in order, and its content after the transfer encoding was taken off."""

    headers: tuple[tuple[str, str], ...]
    body: Octets = attrs.field(repr=False)

    @classmethod
    def of(cls, body: Octets, content_type: str, content_id: str | None = None) -> MimePart:
        """A part as this toolkit writes it: type, id in angle brackets, binary transfer encoding."""
        headers = [("Content-Type", content_type), ("Content-Transfer-Encoding", "binary")]
        if content_id is not None:
            headers.append(("Content-ID", f"<{content_id}>"))
        return cls(tuple(headers), body)

    def header(self, name: str) -> str | None:
        """The first header of that name, letter case aside."""
        wanted = name.casefold()
        return next((value for key, value in self.headers if key.casefold() == wanted), None)

    @property
    def content_id(self) -> str | None:
        """The content id without its angle brackets."""
        value = self.header("Content-ID")
        if value is None:
            return None
        value = value.strip()
        return value[1:-1] if value.startswith("<") and value.endswith(">") else value

    @property
    def content_type(self) -> str:
        """The whole content type; ``application/octet-stream`` where there is none."""
        return self.header("Content-Type") or "application/octet-stream"


@attrs.frozen(slots=True)
class Packed:
    """A message as it lies on the wire: the SOAP part and the others.

    :param multipart: whether it was multipart/related; otherwise the root is all there is.
    :param line_end: what ended the lines of the multipart frame, ``\\r\\n`` as the rules say or ``\\n``.
    :param content_type: of the whole.
    :param http_status: where a stored response carried its HTTP head.
    """

    root: MimePart
    parts: tuple[MimePart, ...] = ()
    multipart: bool = False
    line_end: str = "\r\n"
    content_type: str = SOAP_TYPE
    http_status: int | None = None


def media_type(content_type: str) -> str:
    """The type without its parameters, in small letters: ``multipart/related``."""
    return content_type.split(";", 1)[0].strip().casefold()


def parameters(content_type: str) -> dict[str, str]:
    """The parameters of a content type, names in small letters, quotes taken off."""
    found: dict[str, str] = {}
    for name, value in _PARAMETER.findall(content_type):
        plain = re.sub(r"\\(.)", r"\1", value[1:-1]) if value.startswith('"') else value
        found.setdefault(name.casefold(), plain)
    return found


def unpack(data: Octets, content_type: str | None = None, *, limits: Limits = DEFAULT_LIMITS) -> Packed:
    """Take a message apart.

    :param content_type: from the HTTP header; where it is absent, the head or the first boundary in ``data`` tells.
    :raises Refused: EBMS:0007 for a broken frame, EBMS:0004 over a limit.
    """
    if len(data) > limits.message:
        raise _too_much(f"the message has {len(data):,} bytes; the limit is {limits.message:,}")
    status = None
    if content_type is None:
        content_type, data, status = _head(data, limits)
    if media_type(content_type).startswith("multipart/"):
        return _multipart(data, content_type, limits, status)
    if len(data) > limits.envelope + len(_BOM):
        raise _too_much(f"the envelope has {len(data):,} bytes; the limit is {limits.envelope:,}")
    body = bytes(data).removeprefix(_BOM)
    root = MimePart((("Content-Type", content_type),), body)
    return Packed(root, content_type=content_type, http_status=status)


def _head(data: Octets, limits: Limits) -> tuple[str, Octets, int | None]:
    """Content type, body and HTTP status of a stored message, told from its first bytes."""
    lead = data[: 2 * limits.part_headers]
    status, at = None, len(lead) - len(lead.removeprefix(_BOM))
    first = _HTTP.match(lead, at)
    if first:
        status, at = int(first[0].split(None, 2)[1]), first.end()
    if first or _HEADER.match(lead, at):
        headers, start = _headers(data, at, limits)
        found = next((value for name, value in headers if name.casefold() == "content-type"), None)
        return found or SOAP_TYPE, cut(data, start, len(data)), status
    lead = lead[at:].lstrip()
    if lead.startswith(b"--"):
        line = lead[: 2 + 70 + 8].split(b"\n", 1)[0].rstrip(b"\r \t")
        return f'multipart/related; boundary="{line[2:].decode("latin-1")}"', data, status
    return SOAP_TYPE, data, status


def _multipart(data: Octets, content_type: str, limits: Limits, status: int | None) -> Packed:
    values = parameters(content_type)
    boundary = values.get("boundary", "")
    if not _BOUNDARY.fullmatch(boundary):
        raise _broken("the content type names no boundary, or one that the rules do not allow")
    parts, line_end = _split(data, boundary.encode("ascii"), limits)
    start = values.get("start", "").strip()
    start = start[1:-1] if start.startswith("<") and start.endswith(">") else start
    index = _index(parts, start)
    root = parts[index]
    if len(root.body) > limits.envelope:
        raise _too_much(f"the envelope has {len(root.body):,} bytes; the limit is {limits.envelope:,}")
    root = MimePart(root.headers, bytes(root.body).removeprefix(_BOM))
    return Packed(root, tuple(parts[:index] + parts[index + 1 :]), True, line_end, content_type, status)


def _index(parts: Sequence[MimePart], start: str) -> int:
    return next((index for index, part in enumerate(parts) if start and part.content_id == start), 0)


def _split(data: Octets, boundary: bytes, limits: Limits) -> tuple[list[MimePart], str]:
    position, line_end = _first(data, boundary)
    mark = line_end + b"--" + boundary
    parts: list[MimePart] = []
    while True:
        headers, start = _headers(data, position, limits)
        end, following = _next(data, mark, start - len(line_end))
        parts.append(_decoded(headers, cut(data, min(start, end), end)))
        if len(parts) > limits.parts:
            raise _too_much(f"the message has more than {limits.parts} parts")
        if following is None:
            return parts, line_end.decode()
        position = following


def _first(data: Octets, boundary: bytes) -> tuple[int, bytes]:
    """Where the first part begins, and the line end of this message, read off the first boundary line."""
    mark = b"--" + boundary
    at = data.find(mark)
    while at != -1:
        opens_line = at == 0 or data[at - 1 : at] == b"\n" or (at == len(_BOM) and data[:at] == _BOM)
        after = at + len(mark)
        tail = _LINE_END.match(data[after : after + _LINE])
        if opens_line and tail:
            return after + tail.end(), tail[1]
        at = data.find(mark, at + 1)
    raise _broken("no line opens the boundary that the content type names")


def _next(data: Octets, mark: bytes, position: int) -> tuple[int, int | None]:
    """End of the part that begins at ``position``, and where the next one begins; ``None`` after the last."""
    line_end = _CRLF_END if mark.startswith(b"\r") else _LF_END
    at = data.find(mark, position)
    while at != -1:
        after = at + len(mark)
        if data[after : after + 2] == b"--":
            return at, None
        tail = line_end.match(data[after : after + _LINE])
        if tail:
            return at, after + tail.end()
        at = data.find(mark, at + 1)
    raise _broken("the message ends before its last boundary; it was cut off")


def _headers(data: Octets, position: int, limits: Limits) -> tuple[list[tuple[str, str]], int]:
    """The header lines from ``position`` and where the content begins."""
    found: list[tuple[str, str]] = []
    start = position
    while True:
        end = data.find(b"\n", position, start + limits.part_headers)
        if end == -1:
            if len(data) - start > limits.part_headers:
                raise _too_much(f"the headers of a part have more than {limits.part_headers:,} bytes")
            raise _broken("the headers of a part do not end")
        line = data[position:end].rstrip(b"\r")
        position = end + 1
        if not line:
            return found, position
        if line[:1] in b" \t" and found:
            found[-1] = (found[-1][0], f"{found[-1][1]} {line.strip().decode('latin-1')}")
            continue
        if not _HEADER.match(line):
            raise _broken("a part has a line among its headers that is none")
        name, _, value = line.decode("latin-1").partition(":")
        found.append((name.strip(), value.strip()))


def _decoded(headers: Iterable[tuple[str, str]], body: Octets) -> MimePart:
    part = MimePart(tuple(headers), body)
    encoding = (part.header("Content-Transfer-Encoding") or "binary").strip().casefold()
    if encoding in {"binary", "8bit", "7bit"}:
        return part
    if encoding == "base64":
        try:
            return attrs.evolve(part, body=spooled(_from_base64(pieces_of(body))))
        except binascii.Error:
            raise _broken("a part is said to be base64 and is not") from None
    if encoding == "quoted-printable":
        if isinstance(body, Bulk):
            raise _too_much("a part is too large for the transfer encoding quoted-printable")
        return attrs.evolve(part, body=quopri.decodestring(body))
    raise _broken("a part has a transfer encoding that is not known")


def _from_base64(pieces: Iterable[bytes]) -> Iterator[bytes]:
    rest = b""
    for piece in pieces:
        rest += b"".join(piece.split())
        whole = (len(rest) - 1) // 4 * 4  # the last four may be padded, and nothing may follow those
        if whole > 0:
            if b"=" in rest[:whole]:
                raise binascii.Error
            yield base64.b64decode(rest[:whole], validate=True)
            rest = rest[whole:]
    yield base64.b64decode(rest, validate=True)


def pack(envelope: bytes, parts: Sequence[MimePart] = (), *, boundary: str | None = None) -> tuple[str, Octets]:
    """Write a message: content type and bytes. Without parts it is the plain envelope.

    :param boundary: chosen at random by default; it never occurs in the content.
    :raises Refused: EBMS:0007 when a given boundary occurs in the content or is not allowed.
    """
    if not parts:
        return f"{SOAP_TYPE}; charset=utf-8", envelope
    root = MimePart.of(envelope, f"{SOAP_TYPE}; charset=utf-8", "envelope@eessi-toolkit")
    every = [root, *parts]
    chosen = boundary or _free_boundary(every)
    mark = f"--{chosen}".encode("ascii")
    if any("\r" in value or "\n" in value for part in parts for pair in part.headers for value in pair):
        raise _broken("a header of a part holds a line end")
    if not _BOUNDARY.fullmatch(chosen) or (boundary and any(part.body.find(mark) != -1 for part in every)):
        raise _broken("the boundary is not allowed or occurs in the content")
    spool = Spool()
    for part in every:
        head = [mark + b"\r\n", *(f"{name}: {value}\r\n".encode("latin-1") for name, value in part.headers), b"\r\n"]
        for piece in chain((b"".join(head),), pieces_of(part.body), (b"\r\n",)):
            spool.write(piece)
    spool.write(mark + b"--\r\n")
    content_type = f'multipart/related; type="{SOAP_TYPE}"; boundary="{chosen}"; start="<{root.content_id}>"; start-info="{SOAP_TYPE}"'
    return content_type, spool.done()


def _free_boundary(parts: Sequence[MimePart]) -> str:
    while True:
        boundary = f"eessi-{secrets.token_hex(16)}"
        if all(part.body.find(boundary.encode()) == -1 for part in parts):
            return boundary
