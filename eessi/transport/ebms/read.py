"""From a tree to values: tolerant of prefixes, order and additions, strict on what identity and routing hang on.

Text is always the whole text of an element: a comment inside cannot cut a value in two.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Mapping

from lxml import etree

from eessi import _xml
from eessi.errors import InputError, LimitExceeded
from eessi.transport.ebms.model import (
    Agreement,
    Envelope,
    ErrorSignal,
    Failure,
    PartInfo,
    Party,
    PartyId,
    Property,
    PullRequest,
    ReceiptSignal,
    SignedReference,
    Unit,
    UserMessage,
)
from eessi.transport.limits import DEFAULT_LIMITS, Limits
from eessi.transport.names import DEFAULT_MPC, DS, EB, EBBP, EXC_C14N, SOAP11, SOAP12, clark
from eessi.transport.refusal import Refused

__all__ = ["inclusive_prefixes", "read_envelope", "read_reference", "read_user_message", "text", "when"]

_E = f"{{{EB}}}"
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:\S+")
_SIGNALS = ("Receipt", "Error", "PullRequest")


def text(element: etree._Element) -> str:
    """The whole text of an element, comments left out, blanks around it taken off."""
    if len(element) == 0:
        return (element.text or "").strip()
    return str(element.xpath("string()")).strip()


def when(timestamp: str) -> dt.datetime | None:
    """The moment that a header names; without a zone it is UTC, as the standard asks. ``None`` for what is no moment."""
    found = re.fullmatch(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d+))?(Z|[+-]\d\d:\d\d)?", timestamp)
    if not found:
        return None
    base, fraction, zone = found.groups()
    try:
        moment = dt.datetime.fromisoformat(
            f"{base}.{(fraction or '0')[:6]:0<6}{'+00:00' if zone in (None, 'Z') else zone}"
        )
    except ValueError:
        return None
    return moment


def _invalid(detail: str) -> Refused:
    return Refused("EBMS:0009", detail, finding="AS4-HEADER")


def read_envelope(data: bytes, *, limits: Limits = DEFAULT_LIMITS) -> Envelope:
    """Read an envelope.

    :raises Refused: EBMS:0009 for what is no envelope or has no valid header, EBMS:0003 for SOAP 1.1 or two user
        messages, EBMS:0004 over a limit.
    """
    try:
        root = _xml.parse(data, comments=True, limits=_xml.Limits(bytes=limits.envelope, depth=limits.depth))
    except LimitExceeded as error:
        raise Refused("EBMS:0004", error.reason, finding="AS4-LIMIT") from None
    except InputError as error:
        raise _invalid(f"the envelope cannot be read: {error.reason}") from None
    if root.tag == clark(SOAP11, "Envelope"):
        raise Refused("EBMS:0003", "the envelope is SOAP 1.1; AS4 here is SOAP 1.2", finding="AS4-SOAP")
    if root.tag != clark(SOAP12, "Envelope"):
        raise _invalid("the root element is no SOAP envelope")
    header, body = _only(root, clark(SOAP12, "Header")), _body(root)
    fault = body.find(clark(SOAP12, "Fault"))
    found = [] if header is None else header.findall(f"{_E}Messaging")
    if len(found) != 1:
        if fault is not None and not found:
            reason = fault.find(f".//{clark(SOAP12, 'Text')}")
            return Envelope(root, header, body, None, fault="" if reason is None else text(reason))
        raise _invalid("there is no eb:Messaging header" if not found else "there is more than one eb:Messaging header")
    warnings: list[str] = []
    units = tuple(_units(found[0], warnings, limits))
    role = found[0].get(clark(SOAP12, "role"))
    return Envelope(root, header, body, found[0], units, role, tuple(warnings))


def _only(root: etree._Element, tag: str) -> etree._Element | None:
    found = root.findall(tag)
    if len(found) > 1:
        raise _invalid(f"the envelope has more than one {_xml.local_name(found[0])}")
    return found[0] if found else None


def _body(root: etree._Element) -> etree._Element:
    bodies = [child for child in _xml.elements(root) if _xml.local_name(child) == "Body"]
    if len(bodies) != 1:
        raise _invalid("the envelope must have one Body")
    return bodies[0]  # one vendor writes it in the namespace of SOAP 1.1; coverage is demanded all the same


def _units(messaging: etree._Element, warnings: list[str], limits: Limits) -> Iterator[Unit]:
    children = list(_xml.elements(messaging))
    if not children:
        raise _invalid("eb:Messaging is empty")
    if len(children) > limits.units:
        raise Refused("EBMS:0004", f"eb:Messaging has more than {limits.units} units", finding="AS4-LIMIT")
    if sum(child.tag == f"{_E}UserMessage" for child in children) > 1:
        raise Refused("EBMS:0003", "eb:Messaging has more than one UserMessage", finding="AS4-HEADER")
    for child in children:
        if child.tag == f"{_E}UserMessage":
            yield read_user_message(child, warnings, limits)
        elif child.tag == f"{_E}SignalMessage":
            yield _signal(child, limits)
        else:
            raise _invalid("eb:Messaging holds an element that is neither UserMessage nor SignalMessage")


def _required(parent: etree._Element, path: str, what: str) -> str:
    element = parent.find(path)
    value = "" if element is None else text(element)
    if not value:
        raise _invalid(f"{what} is missing or empty")
    return value


def _optional(parent: etree._Element, path: str) -> str | None:
    element = parent.find(path)
    return None if element is None else text(element) or None


def read_user_message(
    element: etree._Element,
    warnings: list[str] | None = None,
    limits: Limits = DEFAULT_LIMITS,
    *,
    routing: bool = False,
) -> UserMessage:
    """Read ``eb:UserMessage``, or the element of the same build in a routing header.

    :param warnings: gets a line for each required element that is missing but does not stop reading.
    :param routing: a routing header, which may leave out MessageInfo.
    :raises Refused: EBMS:0009 without id, parties or service; EBMS:0003 for an agreement that is no URI.
    """
    noted = warnings if warnings is not None else []
    top = _children(element)
    info = _children(top.get(f"{_E}CollaborationInfo"))
    if not info:
        raise _invalid("CollaborationInfo is missing")
    service = info.get(f"{_E}Service")
    if service is None or not text(service):
        raise _invalid("Service is missing or empty")
    action, conversation = _value(info, "Action"), _value(info, "ConversationId")
    noted += [
        f"{name} is missing" for name, value in (("Action", action), ("ConversationId", conversation)) if not value
    ]
    head, parties = _children(top.get(f"{_E}MessageInfo")), _children(top.get(f"{_E}PartyInfo"))
    message_id = _value(head, "MessageId")
    if message_id is None and not routing:
        raise _invalid("MessageId is missing or empty")
    payloads = top.get(f"{_E}PayloadInfo")
    return UserMessage(
        message_id=message_id or "",
        timestamp=_value(head, "Timestamp") or "",
        ref_to=_value(head, "RefToMessageId"),
        sender=_party(parties.get(f"{_E}From"), "From"),
        receiver=_party(parties.get(f"{_E}To"), "To"),
        service=text(service),
        service_type=service.get("type"),
        action=action,
        conversation_id=conversation,
        agreement=_agreement(info.get(f"{_E}AgreementRef")),
        mpc=element.get("mpc"),
        properties=_properties(top.get(f"{_E}MessageProperties"), limits),
        parts=_part_infos([] if payloads is None else payloads.findall(f"{_E}PartInfo"), limits),
    )


def _children(element: etree._Element | None) -> dict[str, etree._Element]:
    """The child elements by name; of several with one name the first."""
    found: dict[str, etree._Element] = {}
    for child in () if element is None else element:
        if isinstance(child.tag, str):
            found.setdefault(child.tag, child)
    return found


def _value(children: Mapping[str, etree._Element], name: str) -> str | None:
    child = children.get(f"{_E}{name}")
    return None if child is None else text(child) or None


def _party(element: etree._Element | None, what: str) -> Party:
    if element is None:
        raise _invalid(f"the party {what} is missing")
    ids, role = [], None
    for child in element:
        if child.tag == f"{_E}PartyId":
            ids.append(PartyId(text(child), child.get("type")))
        elif child.tag == f"{_E}Role" and role is None:
            role = text(child) or None
    if not ids or not all(one.value for one in ids):
        raise _invalid(f"the party {what} has no PartyId")
    return Party(tuple(ids), role)


def _agreement(element: etree._Element | None) -> Agreement | None:
    if element is None or (not text(element) and not element.get("pmode")):
        return None
    value = text(element)
    if value and element.get("type") is None and not _URI.fullmatch(value):
        raise Refused("EBMS:0003", "an AgreementRef without type must be a URI", finding="AS4-HEADER")
    return Agreement(value, element.get("type"), element.get("pmode"))


def _properties(parent: etree._Element | None, limits: Limits) -> tuple[Property, ...]:
    found = [] if parent is None else parent.findall(f"{_E}Property")
    if len(found) > limits.properties:
        raise Refused("EBMS:0004", f"there are more than {limits.properties} properties", finding="AS4-LIMIT")
    return tuple(Property(one.get("name", ""), text(one), one.get("type")) for one in found)


def _part_infos(elements: list[etree._Element], limits: Limits) -> tuple[PartInfo, ...]:
    if len(elements) > limits.parts:
        raise Refused("EBMS:0004", f"PayloadInfo names more than {limits.parts} parts", finding="AS4-LIMIT")
    parts = tuple(PartInfo(one.get("href"), _properties(one.find(f"{_E}PartProperties"), limits)) for one in elements)
    hrefs = [part.href for part in parts]
    if len(set(hrefs)) != len(hrefs):
        raise Refused("EBMS:0003", "PayloadInfo names the same part twice", finding="AS4-PART")
    return parts


def _signal(element: etree._Element, limits: Limits) -> Unit:
    message_id = _required(element, f"{_E}MessageInfo/{_E}MessageId", "MessageId")
    timestamp = _optional(element, f"{_E}MessageInfo/{_E}Timestamp") or ""
    ref_to = _optional(element, f"{_E}MessageInfo/{_E}RefToMessageId")
    kinds = [child for child in _xml.elements(element) if child.tag in {f"{_E}{kind}" for kind in _SIGNALS}]
    if not kinds or len({child.tag for child in kinds}) > 1:
        raise _invalid("a SignalMessage must hold a receipt, errors or a pull request")
    first = kinds[0]
    if first.tag == f"{_E}Error":
        return ErrorSignal(message_id, timestamp, ref_to, tuple(_failure(one) for one in kinds))
    if len(kinds) > 1:
        raise _invalid("a SignalMessage holds the same signal twice")
    if first.tag == f"{_E}PullRequest":
        return PullRequest(message_id, timestamp, first.get("mpc") or DEFAULT_MPC)
    return _receipt(first, message_id, timestamp, ref_to, limits)


def _failure(element: etree._Element) -> Failure:
    code, severity = element.get("errorCode"), element.get("severity")
    if not code or not severity:
        raise _invalid("an Error lacks its code or its severity")
    return Failure(
        code=code,
        severity=severity.casefold(),
        name=element.get("shortDescription"),
        category=element.get("category"),
        detail=_optional(element, f"{_E}ErrorDetail"),
        description=_optional(element, f"{_E}Description"),
        ref_to=element.get("refToMessageInError") or None,
        origin=element.get("origin"),
    )


def _receipt(
    element: etree._Element, message_id: str, timestamp: str, ref_to: str | None, limits: Limits
) -> ReceiptSignal:
    information = element.find(clark(EBBP, "NonRepudiationInformation"))
    parts = [] if information is None else information.findall(clark(EBBP, "MessagePartNRInformation"))
    if len(parts) > limits.references:
        raise Refused("EBMS:0004", f"a receipt has more than {limits.references} references", finding="AS4-LIMIT")
    references = tuple(read_reference(one) for part in parts for one in part.findall(clark(DS, "Reference")))
    foreign = not references and any(
        _xml.local_name(one) in {"NonRepudiationInformation", "MessagePartNRInformation"}
        for one in element.iter(etree.Element)
    )
    copied = element.find(f"{_E}UserMessage")
    repeated = None if copied is None else read_user_message(copied, limits=limits)
    return ReceiptSignal(message_id, timestamp, ref_to, references, repeated, foreign)


def read_reference(element: etree._Element) -> SignedReference:
    """Read a ``ds:Reference``: URI, transforms with their prefix lists, digest method and value.

    :raises Refused: EBMS:0009 when a part of it is missing.
    """
    found = _children(element)
    method, value = found.get(_DIGEST_METHOD), found.get(_DIGEST_VALUE)
    uri = element.get("URI")
    if method is None or value is None or uri is None:
        raise _invalid("a ds:Reference lacks its URI, digest method or digest value")
    listed = found.get(_TRANSFORMS)
    transforms = tuple(
        (one.get("Algorithm", ""), tuple(sorted(inclusive_prefixes(one))) if len(one) else ())
        for one in (() if listed is None else listed.iterchildren(_TRANSFORM))
    )
    return SignedReference(uri, transforms, method.get("Algorithm", ""), "".join(text(value).split()))


_DIGEST_METHOD, _DIGEST_VALUE = clark(DS, "DigestMethod"), clark(DS, "DigestValue")
_TRANSFORMS, _TRANSFORM = clark(DS, "Transforms"), clark(DS, "Transform")


def inclusive_prefixes(element: etree._Element) -> list[str]:
    """The prefixes that exclusive canonicalisation shall keep, as a transform or method names them."""
    found = element.find(clark(EXC_C14N, "InclusiveNamespaces"))
    return (found.get("PrefixList") or "").split() if found is not None else []
