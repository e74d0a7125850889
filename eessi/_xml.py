"""The only XML parser and serialiser of the toolkit.

Input comes from strangers: no network, no entities, no DTD, and named limits. Bytes in, tree or clear error out.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from typing import Final, cast

import attrs
from lxml import etree

from eessi.errors import InputError, LimitExceeded

__all__ = ["DEFAULT_LIMITS", "Limits", "canonical", "local_name", "namespace_of", "parse", "serialise"]


@attrs.frozen(slots=True)
class Limits:
    """How much of a stranger's document is read before it is refused.

    ``bytes``: size of the document. ``depth``: nesting of elements; libxml2 itself stops at 256, far above any SED
    (S071 4.4.0 needs 8). Sizes are bytes, depth is a count.
    """

    bytes: int = 64 * 1024 * 1024
    depth: int = 200


DEFAULT_LIMITS: Final = Limits()

_DOCTYPE = re.compile(rb"<!DOCTYPE", re.IGNORECASE)
_LOCAL = threading.local()


def _parser(*, comments: bool) -> etree.XMLParser:
    """One parser per thread: a parser shared between threads is slower than one thread alone."""
    name = "with_comments" if comments else "bare"
    parser = getattr(_LOCAL, name, None)
    if parser is None:
        parser = etree.XMLParser(
            resolve_entities=False,
            no_network=True,
            load_dtd=False,
            dtd_validation=False,
            attribute_defaults=False,
            huge_tree=False,
            remove_comments=not comments,
            remove_pis=not comments,
        )
        setattr(_LOCAL, name, parser)
    return cast(etree.XMLParser, parser)


def parse(
    data: bytes, *, source: str | None = None, comments: bool = False, limits: Limits = DEFAULT_LIMITS
) -> etree._Element:
    """Parse a document and return its root element.

    Comments and processing instructions are dropped unless ``comments`` is true: a comment inside a leaf would cut
    its text in two. Keep them where a signature is computed over the bytes.

    :param data: the document, in any encoding that XML declares.
    :param source: name for error messages.
    :raises InputError: not XML, truncated, wrong encoding, DTD or entities inside; with the line where known.
    :raises LimitExceeded: larger or deeper than ``limits``.
    """
    if not data or not data.strip():
        raise InputError("the input is empty; an XML document was expected", source=source, offset=0)
    if len(data) > limits.bytes:
        raise LimitExceeded(
            f"the document has {len(data):,} bytes; the limit is {limits.bytes:,}",
            limit="bytes",
            source=source,
            offset=limits.bytes,
        )
    try:
        root = etree.fromstring(data, _parser(comments=comments))
    except etree.XMLSyntaxError as error:
        raise _explain(error, data, source) from None
    except (ValueError, LookupError) as error:
        raise InputError(f"the document cannot be decoded: {error}", source=source) from None
    info = root.getroottree().docinfo
    if info.doctype or info.internalDTD is not None:
        found = _DOCTYPE.search(data)
        raise InputError(
            "a DTD is not allowed; remove the DOCTYPE", source=source, offset=found.start() if found else None
        )
    return root


def _explain(error: etree.XMLSyntaxError, data: bytes, source: str | None) -> InputError:
    line = error.lineno or None
    if _DOCTYPE.search(data[:65536]):
        found = _DOCTYPE.search(data)
        return InputError(
            "a DTD is not allowed; remove the DOCTYPE", source=source, offset=found.start() if found else None
        )
    text = " ".join((error.msg or "not well-formed").split(", line")[0].split())
    if (
        "depth" in text.lower()
        or "xmlParseElementChildren" in text
        or error.code == etree.ErrorTypes.ERR_RESOURCE_LIMIT
    ):
        return LimitExceeded("the document is nested too deeply", limit="depth", source=source, line=line)
    head = data.lstrip()[:1]
    if head not in (b"<", b"\xef", b"\xfe", b"\xff", b"\x00"):
        return InputError("this is not XML: the first character is not '<'", source=source, offset=0)
    return InputError(f"the XML is not well-formed: {text}", source=source, line=line)


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
