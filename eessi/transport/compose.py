"""Messages and signals built, signed and packed: values in, bytes out. Ids and time are arguments."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

import attrs

from eessi import _xml
from eessi.errors import UsageError
from eessi.octets import Octets
from eessi.transport import wss
from eessi.transport.ebms import (
    Agreement,
    ErrorSignal,
    Failure,
    PartInfo,
    Party,
    Property,
    PullRequest,
    ReceiptSignal,
    SignedReference,
    UserMessage,
    write_envelope,
)
from eessi.transport.mime import MimePart, pack
from eessi.transport.multihop import Routing, add_routing
from eessi.transport.names import GZIP, NEXT_MSH
from eessi.transport.parcel import Parcel, Part
from eessi.transport.payload import compress, part_properties
from eessi.transport.pmode import PMode
from eessi.transport.refusal import ebms_code

if TYPE_CHECKING:
    from cryptography import x509

__all__ = ["Packet", "compose_error", "compose_pull", "compose_receipt", "compose_user", "stamp", "user_message"]

_SAFE = re.compile(r"[A-Za-z0-9._@+-]{1,150}")


@attrs.frozen(slots=True)
class Packet:
    """Bytes ready for the wire.

    :param references: what was signed, to be compared with the receipt.
    """

    message_id: str
    content_type: str
    body: Octets = attrs.field(repr=False)
    references: tuple[SignedReference, ...] = ()


def stamp(moment: dt.datetime) -> str:
    """A moment as the wire writes it: UTC, milliseconds, ``Z``."""
    return moment.astimezone(dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def user_message(parcel: Parcel, pmode: PMode, now: dt.datetime) -> UserMessage:
    """The header of a parcel under a P-Mode."""
    business, packaging = pmode.business, pmode.packaging
    infos = [_info(packaging.payload_id, "application/xml", packaging.payload_part_type, packaging.compress, ())]
    for part in parcel.attachments:
        more = tuple(Property(name, value) for name, value in part.properties.items())
        kind = packaging.attachment_part_type
        infos.append(_info(_content_id(part), part.mime_type, kind, packaging.compress, more))
    properties: tuple[Property, ...] = ()
    if packaging.originator_properties:
        properties = (Property("originalSender", parcel.sender), Property("finalRecipient", parcel.receiver))
    return UserMessage(
        message_id=parcel.message_id,
        timestamp=stamp(now),
        sender=Party.of(parcel.sender, business.party_type, business.from_role),
        receiver=Party.of(parcel.receiver, business.party_type, business.to_role),
        service=business.service,
        service_type=business.service_type,
        action=business.action,
        conversation_id=parcel.conversation_id or parcel.message_id,
        agreement=None if business.agreement is None else Agreement(business.agreement),
        mpc=business.mpc,
        properties=properties,
        parts=tuple(infos),
    )


def _info(id: str, mime_type: str, part_type: str, compressed: bool, more: tuple[Property, ...]) -> PartInfo:
    kind = (Property("PartType", part_type),) if part_type else ()
    return PartInfo(f"cid:{id}", (*kind, *part_properties(mime_type, compressed=compressed, more=more)))


def _content_id(part: Part) -> str:
    if not _SAFE.fullmatch(part.id):
        raise UsageError("the id of an attachment has letters, digits and . _ @ + - only, 150 at most")
    return part.id


def compose_user(
    parcel: Parcel,
    pmode: PMode,
    key: wss.KeyPair,
    now: dt.datetime,
    *,
    encryption: x509.Certificate | None = None,
) -> Packet:
    """Build a business message: compress, sign, encrypt, pack.

    :raises UsageError: the parcel has no id, two parts with one id, or encryption is agreed without certificate.
    """
    if not parcel.message_id:
        raise UsageError("a parcel needs its message id before it is built")
    message = user_message(parcel, pmode, now)
    parts = _parts(parcel, pmode)
    id = _token(parcel.message_id)
    envelope = write_envelope((message,), ids=_ids(id), role=NEXT_MSH if pmode.multihop.enabled else None)
    suite = wss.suite(pmode.security.suite)
    references: tuple[SignedReference, ...] = ()
    if pmode.security.sign:
        references = wss.sign(envelope, parts, key, id=id, suite=suite, reference=pmode.security.key_reference)
    if pmode.security.encrypt:
        if encryption is None:
            raise UsageError("encryption is agreed, but the receiver has no certificate for it")
        how = pmode.security.encryption_reference
        parts = list(wss.encrypt(envelope, parts, encryption, id=id, suite=suite, reference=how))
    content_type, body = pack(_xml.serialise(envelope.root), parts)
    return Packet(parcel.message_id, content_type, body, references)


def _parts(parcel: Parcel, pmode: PMode) -> list[MimePart]:
    contents: list[tuple[str, str, Octets]] = [(pmode.packaging.payload_id, "application/xml", parcel.payload)]
    contents += [(_content_id(part), part.mime_type, part.content) for part in parcel.attachments]
    ids = [id for id, _, _ in contents]
    if len(set(ids)) != len(ids):
        raise UsageError("two parts of a parcel have the same id")
    if pmode.packaging.compress:
        return [MimePart.of(compress(data), GZIP, id) for id, _, data in contents]
    return [MimePart.of(data, mime_type, id) for id, mime_type, data in contents]


def _token(message_id: str) -> str:
    """An XML id made from a message id."""
    return re.sub(r"[^A-Za-z0-9_.-]", "_", message_id)[:120]


def _ids(id: str) -> dict[str, str]:
    return {"messaging": f"messaging-{id}", "body": f"body-{id}"}


def _signal(
    unit: ReceiptSignal | ErrorSignal | PullRequest, pmode: PMode, key: wss.KeyPair, routing: Routing | None
) -> Packet:
    id = _token(unit.message_id)
    envelope = write_envelope((unit,), ids=_ids(id), role=NEXT_MSH if routing is not None else None)
    blocks = () if routing is None else add_routing(envelope, routing, id=id)
    references = wss.sign(
        envelope,
        (),
        key,
        id=id,
        suite=wss.suite(pmode.security.suite),
        reference=pmode.security.key_reference,
        blocks=blocks if pmode.multihop.sign else (),
    )
    content_type, body = pack(_xml.serialise(envelope.root))
    return Packet(unit.message_id, content_type, body, references)


def compose_receipt(
    ref_to: str,
    references: Sequence[SignedReference],
    pmode: PMode,
    key: wss.KeyPair,
    now: dt.datetime,
    *,
    message_id: str,
    routing: Routing | None = None,
    copied: UserMessage | None = None,
) -> Packet:
    """Build a signed receipt that repeats the references of the message it confirms.

    :param copied: repeated instead, for a message that was not signed.
    """
    return _signal(ReceiptSignal(message_id, stamp(now), ref_to, tuple(references), copied), pmode, key, routing)


def compose_error(
    code: str,
    detail: str,
    pmode: PMode,
    key: wss.KeyPair,
    now: dt.datetime,
    *,
    message_id: str,
    ref_to: str | None = None,
    routing: Routing | None = None,
) -> Packet:
    """Build a signed error signal. ``detail`` goes over the wire: no personal data, no cause of a failed decryption."""
    row = ebms_code(code)
    failure = Failure(row.code, row.severity, row.name, row.category, detail, row.text, ref_to)
    return _signal(ErrorSignal(message_id, stamp(now), ref_to, (failure,)), pmode, key, routing)


def compose_pull(mpc: str, pmode: PMode, key: wss.KeyPair, now: dt.datetime, *, message_id: str) -> Packet:
    """Build a signed pull request; its signature is the authorisation."""
    return _signal(PullRequest(message_id, stamp(now), mpc), pmode, key, None)
