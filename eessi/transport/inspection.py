"""A stored file looked at: a message, a fragment, a payload or a gateway's file, and its report as plain data."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING

import attrs
from lxml import etree

from eessi import _xml
from eessi.errors import InputError
from eessi.findings import Finding, NotChecked, Phrase, Severity
from eessi.octets import sha256_of
from eessi.transport import wss
from eessi.transport.ebms import Envelope, ErrorSignal, PullRequest, ReceiptSignal, Unit, UserMessage
from eessi.transport.judge import Judgement, Result, judge
from eessi.transport.limits import DEFAULT_LIMITS
from eessi.transport.mime import MimePart
from eessi.transport.multihop import read_routing
from eessi.transport.names import SOAP11, SOAP12, XENC, clark
from eessi.transport.policy import EnvelopePolicy
from eessi.transport.refusal import Refused
from eessi.transport.spool import AS4NET, read_submit

if TYPE_CHECKING:
    from cryptography import x509

__all__ = ["Inspection", "inspect"]


@attrs.frozen(slots=True)
class Inspection:
    """A judgement with the kind of thing that was looked at.

    :param kind: ``user``, ``receipt``, ``error``, ``pull``, ``bundle``, ``fault``, ``unreadable`` or, for what is no
        message, ``key``, ``document``, ``submit``.
    """

    kind: str
    judgement: Judgement

    def report(self, *, lang: str = "en", show_values: bool = False) -> dict[str, object]:
        """The report as JSON data: ``result``, ``code``, ``parts``, ``header``, ``signature``, ``findings``, ``not_checked``.

        Values of properties are left out unless ``show_values``.
        """
        judged = self.judgement
        return {
            "result": judged.result.value,
            "code": judged.code,
            "kind": self.kind,
            "encrypted": judged.encrypted,
            "parts": _parts(judged),
            "header": _header(judged.envelope, show_values),
            "signature": _signature(judged.signed),
            "findings": [_finding(one, lang) for one in judged.findings],
            "not_checked": [{"what": one.what, "why": one.why} for one in judged.not_checked],
        }


def inspect(
    data: bytes,
    content_type: str | None = None,
    *,
    keys: Sequence[wss.KeyPair] = (),
    trust: Sequence[x509.Certificate] = (),
    require: frozenset[str] = frozenset(),
    on: dt.datetime | None = None,
) -> Inspection:
    """Take a stored file apart and judge it as a receiver would, with the date given.

    :param content_type: as HTTP had it; read off the file where it is absent.
    :param trust: certificates that may have signed; without any the certificate is not judged.
    :param require: ``signed`` and ``encrypted``: what is demanded.
    :raises InputError: when the file is empty.
    """
    if not data.strip():
        raise InputError("the file is empty; a message was expected", offset=0)
    apart = _no_message(data)
    if apart is not None:
        return apart
    policy = EnvelopePolicy.reading(signed="signed" in require, encrypted="encrypted" in require)
    others = tuple(one for key in keys for one in key.others)
    signers = (lambda _envelope, _on: tuple(trust)) if trust else None
    judged = judge(data, content_type, policy=policy, keys=keys, known=(*trust, *others), signers=signers, on=on)
    return Inspection(_kind(judged.envelope), judged)


def _kind(envelope: Envelope | None) -> str:
    if envelope is None:
        return "unreadable"
    if envelope.messaging is None:
        return "fault"
    if len(envelope.units) > 1:
        return "bundle"
    kinds = {UserMessage: "user", ReceiptSignal: "receipt", ErrorSignal: "error", PullRequest: "pull"}
    return kinds[type(envelope.units[0])]


def _no_message(data: bytes) -> Inspection | None:
    """What is well-formed XML and no envelope: told by its root, so that the reader learns what it is."""
    text = data.removeprefix(b"\xef\xbb\xbf").lstrip()
    if not text.startswith(b"<") or len(text) > DEFAULT_LIMITS.message:
        return None
    try:
        root = _xml.parse(text, comments=True)
    except InputError:
        return None
    if root.tag in {clark(SOAP12, "Envelope"), clark(SOAP11, "Envelope")}:
        return None
    if root.tag == f"{{{AS4NET}}}SubmitMessage":
        return _submit(root)
    if root.tag == clark(XENC, "EncryptedKey"):
        return _encrypted_key(root)
    name = _xml.local_name(root)
    if name == "StandardBusinessDocument":
        return _read("document", "a business document without envelope; eessi validate judges it")
    return _refused("unreadable", Refused("EBMS:0009", "the root element is no SOAP envelope", finding="AS4-KIND"))


def _read(kind: str, detail: str) -> Inspection:
    finding = Finding("AS4-KIND", Severity.INFO, params={"detail": detail, "code": ""})
    why = NotChecked(Phrase("envelope"), Phrase("the file holds no message"))
    return Inspection(kind, Judgement(Result.PARSE, findings=(finding,), not_checked=(why,)))


def _refused(kind: str, refused: Refused, code: str | None = None) -> Inspection:
    finding = Finding(refused.finding, params={"detail": refused.detail, "code": refused.code})
    return Inspection(kind, Judgement(Result.REJECT, code if kind == "submit" else refused.code, findings=(finding,)))


def _submit(root: etree._Element) -> Inspection:
    try:
        read_submit(root)
    except Refused as refused:
        return _refused("submit", refused)
    return _read("submit", "a gateway's submit message, not yet an AS4 message")


def _encrypted_key(root: etree._Element) -> Inspection:
    try:
        transport = wss.key_transport_of(root)
    except Refused as refused:
        return _refused("key", refused)
    return _read("key", f"only an encrypted key, wrapped with {transport.algorithm} and {transport.mask}")


# --- the report ------------------------------------------------------------------------------------------------------


def _finding(finding: Finding, lang: str) -> dict[str, object]:
    return {
        "id": finding.id,
        "severity": finding.severity.value,
        "code": finding.params.get("code") or None,
        "message": finding.message(lang),
        "hint": finding.hint(lang),
    }


def _parts(judged: Judgement) -> list[dict[str, object]]:
    if judged.packed is None:
        return []
    payloads = {one.id: one for one in judged.payloads}
    rows: list[dict[str, object]] = [_part(judged.packed.root, "envelope")]
    for part in judged.packed.parts:
        payload = payloads.get(part.content_id or "")
        more: dict[str, object] = {}
        if payload is not None:
            more = {"mime_type": payload.mime_type, "compressed": payload.compressed, "plain_bytes": payload.size}
        rows.append({**_part(part, "payload"), **more})
    return rows


def _part(part: MimePart, role: str) -> dict[str, object]:
    return {
        "role": role,
        "content_id": part.content_id,
        "content_type": part.content_type,
        "bytes": len(part.body),
        "sha256": sha256_of(part.body).hex(),
    }


def _header(envelope: Envelope | None, show_values: bool) -> dict[str, object] | None:
    if envelope is None:
        return None
    try:
        routing = read_routing(envelope)
    except Refused:
        routing = None
    return {
        "multihop": envelope.multihop,
        "fault": envelope.fault is not None,
        "routing": None if routing is None else {**_user(routing.message, show_values), "wsa_action": routing.action},
        "units": [_unit(unit, show_values) for unit in envelope.units],
    }


def _unit(unit: Unit, show_values: bool) -> dict[str, object]:
    common: dict[str, object] = {"message_id": unit.message_id, "timestamp": unit.timestamp}
    if isinstance(unit, UserMessage):
        return {"kind": "user", **common, **_user(unit, show_values)}
    if isinstance(unit, PullRequest):
        return {"kind": "pull", **common, "mpc": unit.mpc}
    common["ref_to"] = unit.ref_to
    if isinstance(unit, ReceiptSignal):
        return {
            "kind": "receipt",
            **common,
            "references": [one.uri for one in unit.references],
            "copy_of_message": unit.copied is not None,
        }
    errors = [
        {"code": one.code, "severity": one.severity, "name": one.name, "category": one.category, "ref_to": one.ref_to}
        for one in unit.failures
    ]
    return {"kind": "error", **common, "errors": errors}


def _user(message: UserMessage, show_values: bool) -> dict[str, object]:
    return {
        "message_id": message.message_id or None,
        "ref_to": message.ref_to,
        "from": [{"id": one.value, "type": one.type} for one in message.sender.ids],
        "to": [{"id": one.value, "type": one.type} for one in message.receiver.ids],
        "service": message.service,
        "service_type": message.service_type,
        "action": message.action,
        "conversation_id": message.conversation_id,
        "agreement": None if message.agreement is None else message.agreement.value,
        "mpc": message.mpc,
        "properties": [
            {"name": one.name, **({"value": one.value} if show_values else {})} for one in message.properties
        ],
        "parts": [
            {
                "href": part.href,
                "properties": {one.name: one.value for one in part.properties if show_values or _plain(one.name)},
            }
            for part in message.parts
        ],
    }


def _plain(name: str) -> bool:
    return name.casefold() in {"mimetype", "compressiontype", "characterset", "parttype"}


def _signature(signed: wss.Signed | None) -> dict[str, object] | None:
    if signed is None:
        return None
    certificate = signed.certificate
    return {
        "algorithm": signed.algorithm,
        "token": signed.token,
        "checked": certificate is not None and not signed.reflowed,
        "covers": {
            "messaging": signed.messaging,
            "body": signed.body,
            "parts": sorted(signed.parts),
            "blocks": list(signed.blocks),
        },
        "references": [
            {"uri": one.uri, "digest_method": one.digest_method, "digest": one.digest} for one in signed.references
        ],
        "certificate": None
        if certificate is None
        else {
            "sha256": wss.fingerprint(certificate),
            "serial": str(certificate.serial_number),
            "not_before": certificate.not_valid_before_utc.isoformat(),
            "not_after": certificate.not_valid_after_utc.isoformat(),
        },
    }
