"""Routing through access points (ebMS 3.0 Part 2, section 2; AS4 profile section 4).

A user message is routed by its own header, marked for the next intermediary. A receipt or an error carries a routing
header beside it: the parties turned round, the action with ``.response``, the channel with a suffix. Products write it
differently, so every form is read and the form written is a choice.
"""

from __future__ import annotations

import attrs
from lxml import etree

from eessi.transport.ebms.model import Envelope, PullRequest, UserMessage
from eessi.transport.ebms.read import read_user_message, text
from eessi.transport.ebms.write import write_user_message
from eessi.transport.names import (
    DEFAULT_MPC,
    EB,
    EBINT,
    ICLOUD,
    NEXT_MSH,
    ONE_WAY_ERROR,
    ONE_WAY_RECEIPT,
    SOAP12,
    WSA,
    WSU,
    clark,
)
from eessi.transport.refusal import Refused

__all__ = ["Routing", "RoutingForm", "add_routing", "read_routing", "reply_routing", "route_of"]

_SUFFIXES = (".receipt", ".error", ".response")


@attrs.frozen(slots=True)
class RoutingForm:
    """How a routing header is written.

    :param receipt_suffix: appended to the channel for a receipt; ``.receipt`` by the AS4 profile 4.4, ``.response`` in
        one capture, nothing in AS4.NET.
    :param error_suffix: the same for an error.
    :param copy: MessageInfo, properties and PayloadInfo of the message are repeated, as the captures and Holodeck B2B do.
    :param sign: the addressing headers are covered by the signature, as phase4 does and the captures do not.
    """

    receipt_suffix: str = ".receipt"
    error_suffix: str = ".error"
    copy: bool = True
    sign: bool = False


@attrs.frozen(slots=True)
class Routing:
    """Where a message or signal wants to go.

    :param message: parties, service, action and channel that intermediaries look at.
    :param action: ``wsa:Action`` of a routed signal.
    """

    message: UserMessage
    to: str | None = None
    action: str | None = None

    @property
    def base_mpc(self) -> str:
        """The channel without the suffix of a signal."""
        mpc = self.message.mpc or DEFAULT_MPC
        return next((mpc.removesuffix(suffix) for suffix in _SUFFIXES if mpc.endswith(suffix)), mpc)


def reply_routing(message: UserMessage, *, error: bool, form: RoutingForm | None = None) -> Routing:
    """The routing of a receipt or error about ``message``, back to its sender."""
    chosen = form or RoutingForm()
    suffix = chosen.error_suffix if error else chosen.receipt_suffix
    turned = attrs.evolve(
        message,
        sender=message.receiver,
        receiver=message.sender,
        action=f"{message.action or ''}.response",
        agreement=None,
        ref_to=None,
        mpc=(message.mpc or DEFAULT_MPC) + suffix,
    )
    if not chosen.copy:
        turned = attrs.evolve(turned, message_id="", timestamp="", properties=(), parts=())
    return Routing(turned, ICLOUD, ONE_WAY_ERROR if error else ONE_WAY_RECEIPT)


def add_routing(envelope: Envelope, routing: Routing, *, id: str) -> tuple[etree._Element, ...]:
    """Put the addressing headers in front of ``eb:Messaging``; returns them, for a signature that covers them.

    :param id: makes their ids unique in the envelope.
    """
    assert envelope.header is not None
    to = etree.Element(clark(WSA, "To"), nsmap={"wsa": WSA})
    to.set(clark(SOAP12, "role"), NEXT_MSH)
    to.text = routing.to or ICLOUD
    action = etree.Element(clark(WSA, "Action"), nsmap={"wsa": WSA})
    action.text = routing.action or ONE_WAY_RECEIPT
    routed = etree.Element(clark(EBINT, "RoutingInput"), nsmap={"ebint": EBINT, "eb": EB, "wsa": WSA})
    routed.set(clark(WSA, "IsReferenceParameter"), "true")
    routed.set(clark(SOAP12, "role"), NEXT_MSH)
    routed.set(clark(SOAP12, "mustUnderstand"), "true")
    write_user_message(etree.SubElement(routed, clark(EBINT, "UserMessage")), routing.message)
    blocks = (to, action, routed)
    for name, block in zip(("to", "action", "routing"), blocks, strict=True):
        block.set(clark(WSU, "Id"), f"{name}-{id}")
    envelope.header[:0] = blocks
    return blocks


def read_routing(envelope: Envelope) -> Routing | None:
    """The routing header of a signal, in any of the forms met; ``None`` when there is none.

    :raises Refused: EBMS:0009 when there is more than one, or it names no parties.
    """
    found = [] if envelope.header is None else envelope.header.findall(clark(EBINT, "RoutingInput"))
    if not found:
        return None
    if len(found) > 1:
        raise Refused("EBMS:0009", "there is more than one routing header", finding="AS4-HEADER")
    message = found[0].find(clark(EBINT, "UserMessage"))
    if message is None:
        message = found[0].find(clark(EB, "UserMessage"))
    if message is None:
        raise Refused("EBMS:0009", "the routing header is empty", finding="AS4-HEADER")
    assert envelope.header is not None
    to, action = (envelope.header.find(clark(WSA, name)) for name in ("To", "Action"))
    return Routing(
        read_user_message(message, routing=True),
        None if to is None else text(to),
        None if action is None else text(action),
    )


def route_of(envelope: Envelope) -> Routing | None:
    """What an intermediary routes by: the user message's own header, or the routing header of a signal.

    ``None`` for a pull request, which is addressed to the intermediary itself, and for a signal without routing.

    :raises Refused: EBMS:0009 for a broken routing header.
    """
    message = envelope.user_message
    if message is not None:
        return Routing(message)
    if any(isinstance(unit, PullRequest) for unit in envelope.units):
        return None
    return read_routing(envelope)
