"""The only XML parser and serialiser of the toolkit.

Input comes from strangers: no network, no entities, no DTD, a short list of encodings, and named limits.
Bytes in, tree or clear error out. :func:`parse` reads one document, :func:`stream` walks a large one piece by piece,
:func:`positions` gives lines and columns, which libxml2 does not keep.
"""

from __future__ import annotations

import itertools
import os
import re
import threading
from collections.abc import Collection, Iterator
from typing import BinaryIO, Final, NamedTuple, TypedDict, cast
from xml.parsers import expat

from lxml import etree

from eessi.errors import InputError, LimitExceeded

__all__ = [
    "DEFAULT_LIMITS",
    "STREAM_LIMITS",
    "Limits",
    "canonical",
    "elements",
    "local_name",
    "namespace_of",
    "parse",
    "positions",
    "quoted",
    "serialise",
    "stream",
    "text_of",
]


class Limits(NamedTuple):
    """How much of a stranger's document is read before it is refused.

    ``bytes``: size of the document. ``depth``: nesting of elements (a count); libxml2 stops at 256 by itself, far above
    any SED (S071 4.4.0 needs 8). ``markup``: number of ``<``, because a tree of empty elements takes thirty times its
    bytes. libxml2 adds 10,000,000 bytes for one text or attribute value and 50,000 for a name; both come back as
    :class:`~eessi.errors.LimitExceeded`. A named tuple, because loading attrs would add a third to the time of the first
    document.
    """

    bytes: int = 64 * 1024 * 1024
    depth: int = 256
    markup: int = 4_000_000


DEFAULT_LIMITS: Final = Limits()
STREAM_LIMITS: Final = Limits(bytes=4 * 1024 * 1024 * 1024, markup=1_000_000_000)
"""Limits of :func:`stream`, which keeps only what is being looked at."""

_LIBXML2_DEPTH: Final = 256
_CHUNK: Final = 1 << 16
_PROLOG_MAX: Final = 1 << 20
_ENCODINGS: Final = re.compile(
    r"utf-?8|utf-?16(?:le|be)?|(?:us-)?ascii|iso-?8859-(?:[1-9]|1[0-6])|latin-?[1-9]|windows-125[0-8]|cp125[0-8]", re.I
)
_PLAIN: Final = re.compile(
    rb"""(?:\xef\xbb\xbf)?
    (?:<\?xml\s+version\s*=\s*["']1\.[01]["'](?:\s+encoding\s*=\s*["'][uU][tT][fF]-8["'])?
       (?:\s+standalone\s*=\s*["'](?:yes|no)["'])?\s*\?>)?
    \s*<[A-Za-z_]""",
    re.X,
)
"""A document that is plainly UTF-8 and comes to its root at once, without a DTD: nothing more to look at."""

_DECLARATION: Final = re.compile(rb"<\?xml\s[^>]{0,200}?\sencoding\s*=\s*[\"']([^\"'>]{0,60})[\"']")
_MISC: Final = re.compile(rb"\s+|<\?.*?\?>|<!--.*?-->", re.S)
_DOCTYPE: Final = b"<!DOCTYPE"
_UTF32: Final = (b"\x00\x00\xfe\xff", b"\xff\xfe\x00\x00", b"\x00\x00\x00<", b"<\x00\x00\x00")
_UTF16: Final = (
    (b"\xff\xfe", "utf-16-le"),
    (b"\xfe\xff", "utf-16-be"),
    (b"<\x00", "utf-16-le"),
    (b"\x00<", "utf-16-be"),
)
_CUT_OFF: Final = frozenset(
    expat.errors.codes[text]
    for text in (
        expat.errors.XML_ERROR_NO_ELEMENTS,
        expat.errors.XML_ERROR_UNCLOSED_TOKEN,
        expat.errors.XML_ERROR_PARTIAL_CHAR,
        expat.errors.XML_ERROR_UNCLOSED_CDATA_SECTION,
    )
)
_LOCAL = threading.local()


class _Hardened(TypedDict):
    resolve_entities: bool
    no_network: bool
    load_dtd: bool
    dtd_validation: bool
    attribute_defaults: bool
    huge_tree: bool


_HARDENED: Final = _Hardened(
    resolve_entities=False,
    no_network=True,
    load_dtd=False,
    dtd_validation=False,
    attribute_defaults=False,
    huge_tree=False,
)
"""What every parser of foreign bytes has in common: nothing is fetched, expanded or allowed to grow."""


def _parser(*, comments: bool) -> etree.XMLParser:
    """One parser per thread: a parser shared between threads is slower than one thread alone."""
    name = "with_comments" if comments else "bare"
    parser = getattr(_LOCAL, name, None)
    if parser is None:
        parser = etree.XMLParser(**_HARDENED, remove_comments=not comments, remove_pis=not comments)
        setattr(_LOCAL, name, parser)
    return cast(etree.XMLParser, parser)


def parse(
    data: bytes, *, source: str | None = None, comments: bool = False, limits: Limits = DEFAULT_LIMITS
) -> etree._Element:
    """Parse a document and return its root element.

    Comments and processing instructions are dropped unless ``comments`` is true: a comment inside a leaf would cut
    its text in two. Keep them where a signature is computed over the bytes.

    :param data: the document, in UTF-8, UTF-16, ISO-8859-x or windows-125x.
    :param source: name for error messages.
    :raises InputError: not XML, truncated, wrong encoding, DTD or entities inside; with the byte offset where known.
    :raises LimitExceeded: larger or deeper than ``limits``.
    """
    _check_size(data, source, limits)
    if not _PLAIN.match(data):
        _examine(data, source)
    try:
        root = etree.fromstring(data, _parser(comments=comments))
    except etree.XMLSyntaxError as error:
        raise _explain(error, data, source) from None
    except (ValueError, LookupError) as error:
        raise InputError(f"the document cannot be decoded: {error}", source=source) from None
    if limits.depth < _LIBXML2_DEPTH:
        _check_depth(root, source, limits)
    return root


def _check_size(data: bytes, source: str | None, limits: Limits) -> None:
    if len(data) > limits.bytes:
        raise LimitExceeded(
            f"the document has {len(data):,} bytes; the limit is {limits.bytes:,}",
            limit="bytes",
            source=source,
            offset=limits.bytes,
        )
    if len(data) > limits.markup and data.count(b"<") > limits.markup:
        raise LimitExceeded(f"the document has more than {limits.markup:,} tags", limit="markup", source=source)


def _check_depth(root: etree._Element, source: str | None, limits: Limits) -> None:
    depth = 0
    for event, element in etree.iterwalk(root, events=("start", "end")):
        depth += 1 if event == "start" else -1
        if depth > limits.depth:
            raise LimitExceeded(
                f"the document is nested deeper than {limits.depth}",
                limit="depth",
                source=source,
                line=element.sourceline,
            )


def _examine(data: bytes, source: str | None) -> None:
    """Everything that :data:`_PLAIN` does not settle: encodings, byte order marks, binary files, a DTD in the prolog."""
    if not data.strip():
        raise InputError("the input is empty; an XML document was expected", source=source, offset=0)
    if data.startswith(_UTF32):
        raise InputError("UTF-32 is not accepted; write the document as UTF-8", source=source, offset=0)
    if data.startswith(b"\x4c\x6f\xa7\x94"):
        raise InputError("EBCDIC is not accepted; write the document as UTF-8", source=source, offset=0)
    wide = next((codec for mark, codec in _UTF16 if data.startswith(mark)), None)
    head = _narrow(data, wide, source) if wide else data[:_PROLOG_MAX]
    marked = not wide and head.startswith(b"\xef\xbb\xbf")
    head = head[3:] if marked else head
    if not head.lstrip().startswith(b"<"):
        raise InputError(f"this is not XML: {_looks_like(data)}", source=source, offset=0)
    _check_encoding(head, wide, marked, source)
    doctype = _doctype_at(head)
    if doctype is not None:
        at = doctype * (2 if wide else 1) + (3 if marked else 2 if data.startswith((b"\xff\xfe", b"\xfe\xff")) else 0)
        raise InputError("a DTD is not allowed; remove the DOCTYPE", source=source, offset=at)


def _narrow(data: bytes, codec: str, source: str | None) -> bytes:
    """The beginning of a UTF-16 document, one byte a character, the mark gone; offsets stay countable."""
    if len(data) % 2:
        raise InputError(
            "the document is UTF-16 and ends in the middle of a character", source=source, offset=len(data)
        )
    text = data[: 2 * _PROLOG_MAX].decode(codec, errors="replace").removeprefix("\ufeff")
    return text.encode("ascii", errors="replace")


def _looks_like(data: bytes) -> str:
    known = (
        (b"\x89PNG", "it looks like a PNG picture"),
        (b"\xff\xd8\xff", "it looks like a JPEG picture"),
        (b"%PDF", "it looks like a PDF"),
        (b"PK\x03\x04", "it looks like a ZIP archive or an Office file"),
        (b"\x1f\x8b", "it looks like gzip data; unpack it first"),
        (b"{", "it looks like JSON"),
    )
    return next((text for mark, text in known if data.lstrip().startswith(mark)), "the first character is not '<'")


def _check_encoding(head: bytes, wide: str | None, marked: bool, source: str | None) -> None:
    found = _DECLARATION.match(head)
    if not found:
        return
    name = found[1].decode("ascii", errors="replace")
    if not _ENCODINGS.fullmatch(name):
        raise InputError(
            f"the encoding {name[:30]!r} is not accepted; write the document as UTF-8",
            source=source,
            offset=found.start(1),
        )
    says_wide = name.lower().replace("-", "").startswith("utf16")
    says_utf8 = name.lower().replace("-", "") in ("utf8", "ascii", "usascii")
    if says_wide != bool(wide) or (marked and not says_utf8):
        actual = "UTF-16" if wide else "UTF-8 with a byte order mark" if marked else "not UTF-16"
        raise InputError(
            f"the declaration says {name} but the bytes are {actual}; make them agree",
            source=source,
            offset=found.start(1) * (2 if wide else 1),
        )


def _doctype_at(head: bytes) -> int | None:
    """Offset of a DOCTYPE between the start and the root element."""
    here = 0
    while found := _MISC.match(head, here):
        here = found.end()
    return here if head[here : here + len(_DOCTYPE)].upper() == _DOCTYPE else None


_AMPERSAND: Final = "a bare & stands in a text; write it as &amp;"
_LESS_THAN: Final = "a < stands where no tag begins; in a text write it as &lt;"
_SLIPS: Final[dict[tuple[int, bool], str]] = {
    (etree.ErrorTypes.ERR_NAME_REQUIRED, True): _AMPERSAND,
    (etree.ErrorTypes.ERR_ENTITYREF_SEMICOL_MISSING, True): _AMPERSAND,
    (etree.ErrorTypes.ERR_NAME_REQUIRED, False): _LESS_THAN,
    (etree.ErrorTypes.ERR_LT_IN_ATTRIBUTE, False): "a < stands in the value of an attribute; write it as &lt;",
    (etree.ErrorTypes.ERR_UNDECLARED_ENTITY, False): "XML has no entity of that name; write the character itself",
    (etree.ErrorTypes.ERR_ATTRIBUTE_NOT_STARTED, False): "the value of an attribute stands without quotation marks",
}
"""The slips that programs make when they put XML together as text: code of libxml2, and whether it is about an ``&``."""


def _explain(error: etree.XMLSyntaxError, data: bytes, source: str | None) -> InputError:
    """What to raise for a fault that libxml2 saw.

    :raises MemoryError: when it was no fault of the document: no memory was left for reading it.
    """
    line = error.lineno or None
    text = " ".join((error.msg or "not well-formed").split(", line")[0].split())
    types = etree.ErrorTypes
    if error.code == types.ERR_NO_MEMORY:
        raise MemoryError
    if error.code in (types.ERR_RESOURCE_LIMIT, types.ERR_NAME_TOO_LONG):
        deep = "depth" in text.lower()
        what = f"nested deeper than {_LIBXML2_DEPTH}" if deep else "larger in one text, value or name than is allowed"
        return LimitExceeded(f"the document is {what}", limit="depth" if deep else "text", source=source, line=line)
    if error.code == types.ERR_UNSUPPORTED_ENCODING:
        return InputError("the encoding is not known; write the document as UTF-8", source=source, line=line)
    offset, cut = _fault_at(data)
    if cut or error.code == types.ERR_TAG_NOT_FINISHED:
        return InputError(f"the document is cut off: {_without_values(text)}", source=source, offset=offset, line=line)
    if error.code == types.ERR_DOCUMENT_END:
        return InputError("something follows the end of the document", source=source, offset=offset, line=line)
    if error.code in (types.ERR_INVALID_ENCODING, types.ERR_INVALID_CHAR):
        what = "a character is not allowed in XML or not valid in this encoding"
        return InputError(what, source=source, offset=offset, line=line)
    slip = _SLIPS.get((error.code, "EntityRef" in text))
    what = f"the XML is not well-formed: {slip or _without_values(text)}"
    return InputError(what, source=source, offset=offset, line=line)


def _without_values(text: str) -> str:
    """A message of libxml2 names tags and attributes; whatever else it quotes is cut."""
    return re.sub(r"'[^']{40,}'", "'…'", text)[:160]


def _fault_at(data: bytes) -> tuple[int | None, bool]:
    """Byte offset of the first fault that expat sees, and whether the document simply ends too early."""
    reader = expat.ParserCreate()
    try:
        reader.Parse(data, True)
    except expat.ExpatError as error:
        cut = bool(data) and error.code in _CUT_OFF
        offset = len(data) if cut else reader.ErrorByteIndex
        return (offset if offset >= 0 else None), cut
    except (ValueError, LookupError):
        return None, False
    return None, False


def place_of(element: etree._Element, data: bytes | None) -> tuple[int | None, int | None]:
    """Line and column of one element, as :func:`positions` tells them; the line alone without the bytes.

    :param data: the bytes of the whole document that ``element`` belongs to.
    """
    if data is not None:
        every = element.getroottree().getroot().iter(etree.Element)
        number = next((number for number, other in enumerate(every) if other is element), 0)
        place = positions(data, {number}).get(number)
        if place is not None:
            return place
    return element.sourceline, None


def positions(data: bytes, wanted: Collection[int]) -> dict[int, tuple[int, int]]:
    """Line and column, both counted from 1, of the elements whose number in document order is ``wanted`` (root is 0).

    ``data`` must be a document that :func:`parse` has accepted: there is no DTD in it and its limits are kept.
    Columns count characters. Elements beyond the first fault that expat sees are left out.
    """
    if _PLAIN.match(data) and b"<!" not in data and b"\r" not in data and data.find(b"<?", 2) < 0:
        return _plain_positions(data, wanted)
    found: dict[int, tuple[int, int]] = {}
    last = max(wanted, default=-1)
    reader = expat.ParserCreate()
    count = 0

    def start(name: str, attributes: object) -> None:
        nonlocal count
        if count in wanted:
            found[count] = (reader.CurrentLineNumber, reader.CurrentColumnNumber + 1)
        if count == last:
            reader.StartElementHandler = None
        count += 1

    reader.StartElementHandler = start
    try:
        reader.Parse(data, True)
    except (expat.ExpatError, ValueError, LookupError):
        return found
    return found


_START_TAG: Final = re.compile(rb"<[^/?]")


def _plain_positions(data: bytes, wanted: Collection[int]) -> dict[int, tuple[int, int]]:
    """Where UTF-8 has neither comments nor CDATA, every ``<`` that is not of an end tag begins an element (XML 1.0, 2.4)."""
    found: dict[int, tuple[int, int]] = {}
    here = 3 if data.startswith(b"\xef\xbb\xbf") else 0
    tags = _START_TAG.finditer(data, here)
    before, line, column = -1, 1, 1
    for number in sorted(wanted):
        tag = next(itertools.islice(tags, number - before - 1, None), None)
        if tag is None:
            break
        before, at = number, tag.start()
        fresh = data.rfind(b"\n", here, at) + 1
        if fresh:
            line, column = line + data.count(b"\n", here, at), 1
        column += len(data[fresh or here : at].decode("utf-8", "replace"))
        found[number], here = (line, column), at
    return found


def stream(
    source: bytes | str | os.PathLike[str] | BinaryIO,
    *tags: str,
    name: str | None = None,
    limits: Limits = STREAM_LIMITS,
) -> Iterator[etree._Element]:
    """Yield every complete element of one of the ``tags`` in a large document, keeping only the one being looked at.

    An element is valid until the next one is asked for; it is then removed from the tree, while what lies beside
    it stays readable through ``getparent()``. Elements nested in a yielded one are not yielded again.

    :param source: bytes, a path, or a file open for reading bytes.
    :param tags: local names, in whatever namespace.
    :param name: name for error messages; a path names itself.
    :raises InputError: as :func:`parse`, at the point where the fault is met.
    :raises LimitExceeded: as :func:`parse`.
    """
    name = name or (str(source) if isinstance(source, str | os.PathLike) else None)
    wanted = frozenset(tags)
    parser = etree.XMLPullParser(
        ("start", "end"),
        tag=tuple(f"{{*}}{tag}" for tag in tags),  # filtered in C: a European directory has ten million other elements
        remove_comments=True,
        remove_pis=True,
        **_HARDENED,
    )
    inside: etree._Element | None = None
    done: etree._Element | None = None
    for chunk in _chunks(source, name, limits):
        for event, element in _events(parser, chunk, name):
            if local_name(element) not in wanted:
                continue
            if event == "start":
                inside = element if inside is None else inside
                continue
            if element is not inside:
                continue
            _drop(done)
            inside, done = None, element
            yield element
    _close(parser, name)


def _drop(element: etree._Element | None) -> None:
    parent = element.getparent() if element is not None else None
    if element is not None and parent is not None:
        parent.remove(element)


def _events(parser: etree.XMLPullParser, chunk: bytes, name: str | None) -> Iterator[tuple[str, etree._Element]]:
    try:
        parser.feed(chunk)
    except etree.XMLSyntaxError as error:
        yield from cast(Iterator[tuple[str, etree._Element]], parser.read_events())
        raise _in_stream(error, name) from None
    yield from cast(Iterator[tuple[str, etree._Element]], parser.read_events())


def _close(parser: etree.XMLPullParser, name: str | None) -> None:
    try:
        parser.close()
    except etree.XMLSyntaxError as error:
        raise _in_stream(error, name) from None


def _in_stream(error: etree.XMLSyntaxError, name: str | None) -> InputError:
    explained = _explain(error, b"", name)
    explained.offset = None
    return explained


def _chunks(source: bytes | str | os.PathLike[str] | BinaryIO, name: str | None, limits: Limits) -> Iterator[bytes]:
    """The bytes in pieces, the first one long enough to hold the prolog, which is examined here."""
    if isinstance(source, str | os.PathLike):
        try:
            with open(source, "rb") as file:
                yield from _chunks(file, name, limits)
        except OSError as error:
            raise InputError(f"cannot be read: {error.strerror}", source=name) from None
        return
    if isinstance(source, bytes):
        import io

        source = io.BytesIO(source)
    seen, tags, head = 0, 0, source.read(_PROLOG_MAX)
    if not _PLAIN.match(head):
        _examine(head, name)
    chunk = head
    while chunk:
        seen += len(chunk)
        tags += chunk.count(b"<")
        if seen > limits.bytes or tags > limits.markup:
            limit = "bytes" if seen > limits.bytes else "markup"
            raise LimitExceeded(f"the document is over the limit of {getattr(limits, limit):,} {limit}", limit=limit,
                                source=name, offset=seen)  # fmt: skip
        for start in range(0, len(chunk), _CHUNK):
            yield chunk[start : start + _CHUNK]
        chunk = source.read(_PROLOG_MAX)


def serialise(root: etree._Element, *, declaration: bool = True) -> bytes:
    """Write a tree as UTF-8 without touching its white space."""
    tree = root.getroottree() if root.getparent() is None else etree.ElementTree(root)
    return etree.tostring(tree, encoding="UTF-8", xml_declaration=declaration)


def canonical(root: etree._Element, *, comments: bool = False) -> bytes:
    """Exclusive canonical form (W3C exc-c14n), for comparing and signing."""
    return etree.tostring(root, method="c14n", exclusive=True, with_comments=comments)


def local_name(element: etree._Element) -> str:
    """Name of an element without its namespace; empty for comments and processing instructions."""
    tag = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def namespace_of(element: etree._Element) -> str:
    """Namespace of an element, empty where it has none."""
    tag = element.tag
    return tag[1:].partition("}")[0] if isinstance(tag, str) and tag.startswith("{") else ""


def elements(parent: etree._Element) -> Iterator[etree._Element]:
    """The child elements, without comments and processing instructions."""
    return (child for child in parent if isinstance(child.tag, str))


def text_of(leaf: etree._Element) -> str:
    """The text of a leaf, read through comments and processing instructions that may stand inside it."""
    if not len(leaf):
        return leaf.text or ""
    return (leaf.text or "") + "".join(child.tail or "" for child in leaf if not isinstance(child.tag, str))


def quoted(text: str) -> str:
    """A value as an attribute in quotes. (``xml.sax.saxutils`` says the same, and loads an HTTP client to do so.)"""
    for sign, entity in (
        ("&", "&amp;"),
        ("<", "&lt;"),
        (">", "&gt;"),
        ('"', "&quot;"),
        ("\n", "&#10;"),
        ("\r", "&#13;"),
        ("\t", "&#9;"),
    ):
        if sign in text:
            text = text.replace(sign, entity)
    return f'"{text}"'
