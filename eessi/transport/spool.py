"""Files that gateways exchange with applications.

So far the reading side of AS4.NET's submit message (``urn:cef:edelivery:eu:as4:messages``).
"""

from __future__ import annotations

import attrs
from lxml import etree

from eessi.transport.ebms.model import Property
from eessi.transport.ebms.read import text
from eessi.transport.refusal import Refused

__all__ = ["AS4NET", "SubmitMessage", "SubmitPayload", "read_submit"]

AS4NET = "urn:cef:edelivery:eu:as4:messages"
_N = f"{{{AS4NET}}}"


@attrs.frozen(slots=True)
class SubmitPayload:
    """A payload of a submit message; ``location`` is where the file lies, never opened by reading the message."""

    id: str
    mime_type: str
    location: str
    properties: tuple[Property, ...] = ()


@attrs.frozen(slots=True)
class SubmitMessage:
    """What an application asks a gateway to send."""

    pmode: str
    payloads: tuple[SubmitPayload, ...]
    message_id: str | None = None
    properties: tuple[Property, ...] = ()


def _invalid(detail: str) -> Refused:
    return Refused("EBMS:0009", detail, finding="AS4-HEADER")


def read_submit(root: etree._Element) -> SubmitMessage:
    """Read a submit message as the public samples write it.

    :raises Refused: without P-Mode, or with properties or payloads that the schema does not allow.
    """
    if root.tag != f"{_N}SubmitMessage":
        raise _invalid("the root element is no SubmitMessage")
    pmode = root.find(f"{_N}Collaboration/{_N}AgreementRef/{_N}PModeId")
    if pmode is None or not text(pmode):
        raise _invalid("the submit message names no P-Mode")
    message_id = root.find(f"{_N}MessageInfo/{_N}MessageId")
    return SubmitMessage(
        text(pmode),
        tuple(_payload(one) for one in root.findall(f"{_N}Payloads/{_N}Payload")),
        None if message_id is None else text(message_id) or None,
        _properties(root.find(f"{_N}MessageProperties"), "MessageProperty"),
    )


def _properties(parent: etree._Element | None, name: str) -> tuple[Property, ...]:
    found = [] if parent is None else [one for one in parent if isinstance(one.tag, str)]
    if any(one.tag != f"{_N}{name}" for one in found):
        raise _invalid(f"only {name} may stand among the properties")
    return tuple(Property(_need(one, "Name"), _need(one, "Value"), _may(one, "Type")) for one in found)


def _payload(element: etree._Element) -> SubmitPayload:
    properties = _properties(element.find(f"{_N}PayloadProperties"), "PayloadProperty")
    return SubmitPayload(_need(element, "Id"), _need(element, "MimeType"), _need(element, "Location"), properties)


def _may(element: etree._Element, name: str) -> str | None:
    child = element.find(f"{_N}{name}")
    return None if child is None else text(child) or None


def _need(element: etree._Element, name: str) -> str:
    value = _may(element, name)
    if value is None:
        raise _invalid(f"{name} is missing or empty")
    return value
