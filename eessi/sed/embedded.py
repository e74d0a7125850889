"""The bytes of a SED inside its message, as a document of its own.

A signature covers the SED element alone, white space included (CDM wire facts, section 9), so the very bytes of the
element are taken wherever they can stand alone.
"""

from __future__ import annotations

import re
from xml.parsers import expat

from lxml import etree

from eessi import _xml
from eessi.errors import InputError

__all__ = ["cut_out"]

_ENCODING = re.compile(rb"(?:\xef\xbb\xbf)?(?:<\?xml\s[^>]*?encoding\s*=\s*[\"']([^\"']+)|\s*<)")
_HEAD = re.compile(rb"</(?:[^\s>:]+:)?StandardBusinessDocumentHeader\s*>\s*(?=<[^!?/])", re.S)
_PLAIN = (b"utf-8", b"utf8", b"us-ascii", b"ascii")


def cut_out(message: bytes, element: etree._Element) -> bytes:
    """The bytes of the SED in ``message``; ``element`` is the same SED as a tree.

    A piece that uses a prefix declared further up, or stands in an encoding that only the message declares, is
    written anew in UTF-8 from a tree that keeps comments and white space.
    """
    declared = _ENCODING.match(message)
    if declared is not None and (declared[1] or b"utf-8").lower() in _PLAIN:
        for piece in (_between(message), _slice(message)):
            if piece is not None and _stands_alone(piece, element):
                return piece
    tree = _xml.parse(message, comments=True)
    body = [child for child in _xml.elements(tree) if child.tag == element.tag]
    return etree.tostring(body[0], encoding="UTF-8", xml_declaration=False, with_tail=False)


def _between(message: bytes) -> bytes | None:
    """What stands between header and closing tag, where the message is written as usual; to be proved by the caller."""
    head = _HEAD.search(message)
    closing = message.rfind(b"</")
    end = message.rfind(b"</", 0, closing)
    last = message.find(b">", end, closing)
    return message[head.end() : last + 1] if head is not None and head.end() < end < last else None


def _slice(message: bytes) -> bytes | None:
    """From the first byte of the second child of the root to its last; ``None`` where expat cannot read the encoding."""
    parser = expat.ParserCreate()
    depth, children, start, end = 0, 0, -1, -1

    def opened(name: str, attributes: dict[str, str]) -> None:
        nonlocal depth, children, start
        depth += 1
        if depth == 2:
            children += 1
            if not name.endswith("StandardBusinessDocumentHeader"):
                start = parser.CurrentByteIndex

    def closed(name: str) -> None:
        nonlocal depth, end
        depth -= 1
        if depth == 1 and start >= 0 and end < 0:
            end = parser.CurrentByteIndex

    parser.StartElementHandler = opened
    parser.EndElementHandler = closed
    try:
        parser.Parse(message, True)
    except expat.ExpatError:
        return None
    if start < 0:
        return None
    if message[end : end + 2] != b"</":  # an empty element: both events stand at its start
        return message[start : message.index(b">", start) + 1] if message[start : start + 1] == b"<" else None
    return message[start : message.index(b">", end) + 1]


def _stands_alone(piece: bytes, element: etree._Element) -> bool:
    """The same bytes make the same texts; only names can change, when a prefix or default namespace is missing."""
    try:
        alone = _xml.parse(piece)
    except InputError:
        return False
    return alone.tag == element.tag and _xml.canonical(alone) == _xml.canonical(element)
