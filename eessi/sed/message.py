"""The message: header, document and attachments; in XML a ``StandardBusinessDocument``."""

from __future__ import annotations

import re

import attrs
from lxml import etree

from eessi import _xml
from eessi.errors import InputError
from eessi.sed.attachments import Attachment
from eessi.sed.codec import SBDH_NAMESPACE, alone
from eessi.sed.document import Sed
from eessi.sed.header import Header
from eessi.sed.header_xml import HeaderForm, form_for, header_element, read_header

__all__ = ["Message", "read_message"]

_HEADER = f"{{{SBDH_NAMESPACE}}}StandardBusinessDocumentHeader"
_DOCUMENT = f"{{{SBDH_NAMESPACE}}}StandardBusinessDocument"
_BEFORE = re.compile(rb"(?:\s+|<\?.*?\?>|<!--.*?-->)*", re.S)
_BEHIND = re.compile(rb"(?:<\?(?:(?!\?>).)*\?>|<!--(?:(?!-->).)*-->)\Z", re.S)
_SCHEMA_LOCATION = "{http://www.w3.org/2001/XMLSchema-instance}schemaLocation"


@attrs.frozen(slots=True, eq=False)
class Message:
    """A SED on its way: who sends it to whom, in which case.

    :param attachments: with their content where it is known; the header lists what belongs to the message.
    :param data: the ``StandardBusinessDocument`` as bytes: those that were read, or written by :meth:`compose`.
    """

    header: Header
    sed: Sed
    data: bytes = attrs.field(repr=False)
    attachments: tuple[Attachment, ...] = ()

    @classmethod
    def compose(
        cls,
        header: Header,
        sed: Sed,
        attachments: tuple[Attachment, ...] = (),
        *,
        forms: tuple[HeaderForm, ...] = (),
    ) -> Message:
        """Put a document into an envelope; the bytes of the SED stand in it unchanged.

        The header's entries for ``attachments`` are added where they are missing.

        :param forms: further header forms, for a header version that the toolkit does not ship.
        :raises UsageError: when the header cannot be written in its form without loss.
        """
        listed = {entry.identifier for entry in header.attachments}
        missing = tuple(part.entry for part in attachments if part.identifier not in listed)
        if missing:
            header = attrs.evolve(header, attachments=(*header.attachments, *missing))
        return cls(header, sed, _envelope(header, sed, forms), attachments)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Message):
            return NotImplemented
        return self.data == other.data and self.attachments == other.attachments

    def __hash__(self) -> int:
        return hash(self.data)


def _envelope(header: Header, sed: Sed, forms: tuple[HeaderForm, ...]) -> bytes:
    element = header_element(header, form_for(header.header_version or "1.1", forms))
    head = etree.tostring(element, encoding="UTF-8", xml_declaration=False, pretty_print=True)
    location = header.schema_location or (f"{SBDH_NAMESPACE} {header.transaction}" if header.transaction else None)
    shell = etree.Element(_DOCUMENT, nsmap={"sbdh": SBDH_NAMESPACE, "xsi": "http://www.w3.org/2001/XMLSchema-instance"})
    if location:
        shell.set(_SCHEMA_LOCATION, location)
    opening = etree.tostring(shell, encoding="UTF-8", xml_declaration=False).removesuffix(b"/>") + b">"
    return b"".join(
        (
            b'<?xml version="1.0" encoding="UTF-8"?>\n',
            opening,
            b"\n",
            head,
            _body(sed),
            b"\n</sbdh:StandardBusinessDocument>\n",
        )
    )


def _body(sed: Sed) -> bytes:
    """The bytes of the SED element in UTF-8, without declaration and whatever else stands around it."""
    data = sed.data
    info = sed.root.getroottree().docinfo
    plain = (info.encoding or "UTF-8").upper() in ("UTF-8", "US-ASCII", "ASCII")
    if not plain or data[:3] == b"\xef\xbb\xbf" or not data.lstrip().startswith(b"<"):
        return etree.tostring(_xml.parse(data, comments=True), encoding="UTF-8", xml_declaration=False)
    start = _BEFORE.match(data)
    body = data[start.end() if start else 0 :].rstrip()
    while tail := _BEHIND.search(body):
        body = body[: tail.start()].rstrip()
    return body


def read_message(root: etree._Element, data: bytes, *, source: str | None = None) -> Message:
    """A message from the root of a parsed ``StandardBusinessDocument`` and its bytes.

    :raises InputError: when it holds no header, no SED, or more than one document.
    """
    children = list(_xml.elements(root))
    heads = [child for child in children if _xml.local_name(child) == "StandardBusinessDocumentHeader"]
    bodies = [child for child in children if child not in heads]
    if not heads:
        raise InputError("the StandardBusinessDocument has no header", source=source)
    if len(bodies) != 1:
        how_many = "no document" if not bodies else f"{len(bodies)} documents"
        raise InputError(f"the StandardBusinessDocument carries {how_many}; expected one SED", source=source)
    header = read_header(heads[0], _location(root))
    return Message(header, Sed(alone(bodies[0]), envelope=data, source=source), data)


def _location(root: etree._Element) -> str | None:
    value = root.get(_SCHEMA_LOCATION)
    return None if value is None else str(value)
