"""From values to a tree."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from lxml import etree

from eessi import _xml
from eessi.transport.ebms.model import (
    Envelope,
    Failure,
    Property,
    PullRequest,
    ReceiptSignal,
    SignedReference,
    Unit,
    UserMessage,
)
from eessi.transport.names import DS, EB, EBBP, EXC_C14N, SOAP12, WSU, clark
from eessi.transport.refusal import ebms_code

__all__ = ["write_envelope", "write_reference", "write_user_message"]

_E = f"{{{EB}}}"


def _add(
    parent: etree._Element, name: str, value: str | None = None, attributes: Mapping[str, str | None] | None = None
) -> etree._Element:
    tag = name if name.startswith("{") else f"{{{_xml.namespace_of(parent)}}}{name}"
    child: etree._Element = etree.SubElement(parent, tag)
    for key, item in (attributes or {}).items():
        if item is not None:
            child.set(key, item)
    if value is not None:
        child.text = value
    return child


def write_envelope(units: Iterable[Unit], *, ids: Mapping[str, str], role: str | None = None) -> Envelope:
    """Build an unsigned envelope.

    :param ids: ``messaging`` and ``body``: the ``wsu:Id`` of the two elements that are signed.
    :param role: SOAP role of the header; the next intermediary for multi-hop.
    """
    root = etree.Element(clark(SOAP12, "Envelope"), nsmap={"env": SOAP12})
    header = etree.SubElement(root, clark(SOAP12, "Header"))
    messaging = etree.SubElement(header, f"{_E}Messaging", nsmap={"eb": EB, "wsu": WSU})
    messaging.set(clark(SOAP12, "mustUnderstand"), "true")
    if role is not None:
        messaging.set(clark(SOAP12, "role"), role)
    messaging.set(clark(WSU, "Id"), ids["messaging"])
    body = etree.SubElement(root, clark(SOAP12, "Body"), nsmap={"wsu": WSU})
    body.set(clark(WSU, "Id"), ids["body"])
    written = tuple(units)
    for unit in written:
        _write_unit(messaging, unit)
    return Envelope(root, header, body, messaging, written, role)


def _write_unit(messaging: etree._Element, unit: Unit) -> None:
    if isinstance(unit, UserMessage):
        write_user_message(_add(messaging, "UserMessage"), unit)
        return
    signal = _add(messaging, "SignalMessage")
    info = _add(signal, "MessageInfo")
    _add(info, "Timestamp", unit.timestamp)
    _add(info, "MessageId", unit.message_id)
    if isinstance(unit, PullRequest):
        _add(signal, "PullRequest", attributes={"mpc": unit.mpc})
        return
    if unit.ref_to:
        _add(info, "RefToMessageId", unit.ref_to)
    if isinstance(unit, ReceiptSignal):
        _write_receipt(_add(signal, "Receipt"), unit)
    else:
        for failure in unit.failures:
            _write_failure(signal, failure)


def write_user_message(element: etree._Element, message: UserMessage) -> None:
    """Fill ``element`` (``eb:UserMessage`` or its like in a routing header) with ``message``."""
    if message.mpc is not None:
        element.set("mpc", message.mpc)
    if message.message_id:
        info = _add(element, f"{_E}MessageInfo")
        _add(info, "Timestamp", message.timestamp)
        _add(info, "MessageId", message.message_id)
        if message.ref_to:
            _add(info, "RefToMessageId", message.ref_to)
    parties = _add(element, f"{_E}PartyInfo")
    for name, party in (("From", message.sender), ("To", message.receiver)):
        side = _add(parties, name)
        for one in party.ids:
            _add(side, "PartyId", one.value, {"type": one.type})
        if party.role is not None:
            _add(side, "Role", party.role)
    collaboration = _add(element, f"{_E}CollaborationInfo")
    if message.agreement is not None:
        agreement = message.agreement
        _add(collaboration, "AgreementRef", agreement.value, {"type": agreement.type, "pmode": agreement.pmode})
    _add(collaboration, "Service", message.service, {"type": message.service_type})
    _add(collaboration, "Action", message.action or "")
    _add(collaboration, "ConversationId", message.conversation_id or "")
    if message.properties:
        _write_properties(_add(element, f"{_E}MessageProperties"), message.properties)
    if message.parts:
        payloads = _add(element, f"{_E}PayloadInfo")
        for part in message.parts:
            written = _add(payloads, "PartInfo", attributes={"href": part.href})
            if part.properties:
                _write_properties(_add(written, "PartProperties"), part.properties)


def _write_properties(parent: etree._Element, properties: Iterable[Property]) -> None:
    for one in properties:
        _add(parent, "Property", one.value, {"name": one.name, "type": one.type})


def _write_receipt(element: etree._Element, receipt: ReceiptSignal) -> None:
    if receipt.copied is not None:
        write_user_message(_add(element, f"{_E}UserMessage"), receipt.copied)
    if not receipt.references:
        return
    information = etree.SubElement(element, clark(EBBP, "NonRepudiationInformation"), nsmap={"ebbp": EBBP, "ds": DS})
    for reference in receipt.references:
        part = _add(information, "MessagePartNRInformation")
        write_reference(part, reference)


def write_reference(parent: etree._Element, reference: SignedReference) -> None:
    """Append a ``ds:Reference`` with the meaning of ``reference``."""
    written = etree.SubElement(parent, clark(DS, "Reference"), URI=reference.uri)
    if reference.transforms:
        transforms = _add(written, "Transforms")
        for algorithm, prefixes in reference.transforms:
            transform = _add(transforms, "Transform", attributes={"Algorithm": algorithm})
            if prefixes:
                listed = etree.SubElement(transform, clark(EXC_C14N, "InclusiveNamespaces"), nsmap={"ec": EXC_C14N})
                listed.set("PrefixList", " ".join(prefixes))
    _add(written, "DigestMethod", attributes={"Algorithm": reference.digest_method})
    _add(written, "DigestValue", reference.digest)


def _write_failure(signal: etree._Element, failure: Failure) -> None:
    row = ebms_code(failure.code) if failure.name is None or failure.category is None else None
    element = _add(
        signal,
        "Error",
        attributes={
            "origin": failure.origin or "ebMS",
            "category": failure.category or (row.category if row else None),
            "errorCode": failure.code,
            "severity": failure.severity,
            "refToMessageInError": failure.ref_to,
            "shortDescription": failure.name or (row.name if row else None),
        },
    )
    if failure.description:
        description = _add(element, "Description", failure.description)
        description.set("{http://www.w3.org/XML/1998/namespace}lang", "en")
    if failure.detail:
        _add(element, "ErrorDetail", failure.detail)
