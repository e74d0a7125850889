"""A message taken apart and judged: what it is, what is proved about it, and the ebMS error it deserves.

The same code looks at stored files and at what comes over the wire; only the :class:`~eessi.transport.policy.EnvelopePolicy`
differs. Cheap checks of form come before costly ones of cryptography.
"""

from __future__ import annotations

import datetime as dt
import enum
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING
from urllib.parse import unquote

import attrs

from eessi.findings import Finding, NotChecked, Phrase, Severity
from eessi.octets import Octets
from eessi.transport import wss
from eessi.transport.ebms import Envelope, PartInfo, ReceiptSignal, UserMessage, read_envelope
from eessi.transport.limits import Limits
from eessi.transport.mime import MimePart, Packed, unpack
from eessi.transport.names import GZIP, WSU, clark
from eessi.transport.payload import Payload, check_character_set, compression_of, decompressed
from eessi.transport.policy import EnvelopePolicy, Signers
from eessi.transport.refusal import Refused
from eessi.transport.wss.keys import validity
from eessi.transport.wss.signature import content_class

if TYPE_CHECKING:
    from cryptography import x509

__all__ = ["Judgement", "Result", "judge"]


class Result(enum.StrEnum):
    """What becomes of a message.

    ``accept``: complete, and every claim it makes is proved. ``parse``: it can be read, but nothing is proved, as for an
    unsigned signal or a stored copy that is not what went over the wire. ``reject``: it is refused.
    """

    ACCEPT = "accept"
    PARSE = "parse"
    REJECT = "reject"


@attrs.frozen(slots=True)
class Judgement:
    """What is known about a message.

    :param code: the ebMS error it deserves, for ``reject`` only.
    :param payloads: in the order of the header, decrypted and verified.
    :param signed: what the signature covers; ``None`` when there is none or it was not reached.
    """

    result: Result
    code: str | None = None
    packed: Packed | None = None
    envelope: Envelope | None = None
    signed: wss.Signed | None = None
    encrypted: bool = False
    payloads: tuple[Payload, ...] = ()
    findings: tuple[Finding, ...] = ()
    not_checked: tuple[NotChecked, ...] = ()

    @property
    def detail(self) -> str:
        """The reason in one line; empty when there is nothing to say."""
        return self.findings[0].message() if self.findings else ""


def judge(
    data: Octets,
    content_type: str | None = None,
    *,
    policy: EnvelopePolicy,
    keys: Sequence[wss.KeyPair] = (),
    known: Iterable[x509.Certificate] = (),
    signers: Signers | None = None,
    on: dt.datetime | None = None,
) -> Judgement:
    """Take a message apart and judge it. Never raises for what a stranger sends.

    :param keys: own keys, for decryption.
    :param known: certificates that key identifiers may point at, beside those pinned.
    :param signers: gives the pinned certificates of the claimed sender; without it the certificate is not judged.
    :param on: the moment for which certificates must be valid; ``None`` leaves validity open.
    """
    case = _Case(policy, keys, tuple(known), signers, on)
    try:
        case.run(data, content_type)
    except Refused as refused:
        case.refuse(refused)
    return case.judgement()


class _Case:
    def __init__(
        self,
        policy: EnvelopePolicy,
        keys: Sequence[wss.KeyPair],
        known: tuple[x509.Certificate, ...],
        signers: Signers | None,
        on: dt.datetime | None,
    ) -> None:
        self.policy, self.keys, self.known, self.signers, self.on = policy, keys, known, signers, on
        self.packed: Packed | None = None
        self.envelope: Envelope | None = None
        self.signed: wss.Signed | None = None
        self.encrypted = False
        self.payloads: tuple[Payload, ...] = ()
        self.findings: list[Finding] = []
        self.not_checked: list[NotChecked] = []
        self.code: str | None = None
        self.unproved = False

    def judgement(self) -> Judgement:
        result = Result.REJECT if self.code else Result.PARSE if self.unproved else Result.ACCEPT
        return Judgement(
            result,
            self.code,
            self.packed,
            self.envelope,
            self.signed,
            self.encrypted,
            self.payloads,
            tuple(self.findings),
            tuple(self.not_checked),
        )

    def refuse(self, refused: Refused) -> None:
        self.code = refused.code
        self.findings.insert(0, Finding(refused.finding, params={"detail": refused.detail, "code": refused.code}))

    def doubt(self, code: str, detail: str, finding: str) -> None:
        """Nothing is proved here: refused when strict, else read with a warning."""
        if self.policy.strict:
            raise Refused(code, detail, finding=finding)
        self.unproved = True
        self.findings.append(Finding(finding, Severity.WARNING, params={"detail": detail, "code": code}))

    def run(self, data: Octets, content_type: str | None) -> None:
        self.packed = unpack(data, content_type, limits=self.policy.limits)
        envelope = self.envelope = read_envelope(bytes(self.packed.root.body), limits=self.policy.limits)
        message = envelope.user_message
        for warning in envelope.warnings:
            self.doubt("EBMS:0009", warning, "AS4-HEADER")
        if envelope.messaging is None:
            self.doubt("EBMS:0009", "a SOAP fault without an ebMS header", "AS4-HEADER")
        wss.check_algorithms(envelope)
        parts = _by_id(self.packed.parts)
        stored = not self.packed.multipart
        infos = self._form(envelope, message, parts, stored)
        types: dict[str, str] = {}
        absent = stored and bool(infos)
        self.encrypted = wss.is_encrypted(envelope)
        if self.encrypted and self.policy.intermediary:
            self._signature(envelope, {}, types, infos, absent=True)
            return
        if self.encrypted and not absent:
            opened = wss.decrypt(envelope, parts, self.keys)
            parts, types = dict(opened.parts), dict(opened.types)
        if self.policy.require_encrypted and not {_find(info, parts) for info in infos} <= set(types):
            raise Refused("EBMS:0103", "a part came in clear although encryption is agreed", finding="AS4-CLEAR")
        self._signature(envelope, parts, types, infos, absent)
        if absent:
            self.doubt("EBMS:0011", "the parts that the header names are not in this file", "AS4-PART")
        else:
            limits = self.policy.limits
            whole = limits.of_document()
            self.payloads = tuple(
                self._payload(info, parts, types, limits if number else whole) for number, info in enumerate(infos)
            )
        self._proof(envelope, message)

    def _form(
        self, envelope: Envelope, message: UserMessage | None, parts: dict[str, MimePart], stored: bool
    ) -> tuple[PartInfo, ...]:
        """The parts that the header names, each checked; what does not belong is refused."""
        infos = () if message is None else message.parts
        ids = {envelope.body.get(name) for name in (clark(WSU, "Id"), "Id", "id")} - {None}
        inside = [info for info in infos if info.href is not None and info.href.removeprefix("#") in ids]
        if len(envelope.body) and envelope.messaging is not None:
            if not inside:
                raise Refused("EBMS:0002", "there is a payload in the SOAP body", finding="AS4-BODY")
            self.doubt("EBMS:0002", "the payload stands in the SOAP body", "AS4-BODY")
        infos = tuple(info for info in infos if info not in inside)
        for info in infos:
            _check_href(info)
            compression_of(info)
            check_character_set(info)
        if stored:
            return infos
        for info in infos:
            if _find(info, parts) is None:
                raise Refused("EBMS:0011", "a part that the header names is missing", finding="AS4-PART")
        surplus = set(parts) - {found for info in infos if (found := _find(info, parts))}
        if surplus:
            raise Refused("EBMS:0003", "there is a part that the header does not name", finding="AS4-PART")
        return infos

    def _signature(
        self,
        envelope: Envelope,
        parts: dict[str, MimePart],
        types: dict[str, str],
        infos: tuple[PartInfo, ...],
        absent: bool,
    ) -> None:
        # the part's own type is not signed; that a part is compressed is, and then its bytes are what was signed
        packed = {found: GZIP for info in infos if compression_of(info) and (found := _find(info, parts))}
        types = {**types, **packed}
        for info in infos:
            _check_class(info, parts, types)
        pinned = () if self.signers is None else tuple(self.signers(envelope, self.on))
        signed = self.signed = wss.verify(
            envelope,
            parts,
            known=(*self.known, *pinned, *(key.certificate for key in self.keys)),
            types=types,
            absent_parts=absent,
            minimum_bits=self.policy.minimum_bits,
            limits=self.policy.limits,
        )
        if signed is None:
            if self.policy.require_signed:
                raise Refused("EBMS:0103", "the message is not signed", finding="AS4-UNSIGNED")
            self.not_checked.append(NotChecked(Phrase("signature"), Phrase("the message is not signed")))
            return
        if not signed.messaging or not signed.body:
            raise Refused("EBMS:0101", "the signature does not cover header and body", finding="AS4-COVERAGE")
        uncovered = set() if absent else {_find(info, parts) for info in infos} - signed.parts
        if uncovered:
            raise Refused("EBMS:0101", "the signature does not cover every part", finding="AS4-COVERAGE")
        if signed.reflowed:
            self.doubt("EBMS:0101", "the file was pretty-printed after it was signed", "AS4-LAYOUT")
        elif signed.certificate is None:
            self.doubt("EBMS:0101", "the certificate of the signer is not at hand", "AS4-TRUST")
        self._trust(signed, pinned)

    def _trust(self, signed: wss.Signed, pinned: tuple[x509.Certificate, ...]) -> None:
        if self.signers is None:
            self.not_checked.append(NotChecked(Phrase("certificate"), Phrase("no trusted certificate was given")))
            return
        certificate = signed.certificate
        if certificate is None:
            self.not_checked.append(
                NotChecked(Phrase("certificate"), Phrase("the signer's certificate is not at hand"))
            )
            return
        if certificate not in pinned:
            raise Refused(
                "EBMS:0101", "the signer's certificate is not the one known for the sender", finding="AS4-TRUST"
            )
        if self.on is None:
            self.not_checked.append(NotChecked(Phrase("validity of the certificate"), Phrase("no date was given")))
            return
        first, last = validity(certificate)
        if not first <= self.on <= last:
            raise Refused("EBMS:0101", "the signer's certificate is not valid on that day", finding="AS4-TRUST")

    def _payload(self, info: PartInfo, parts: dict[str, MimePart], types: dict[str, str], limits: Limits) -> Payload:
        """One payload; the first is the business document, which is handed over in memory as a whole."""
        content_id = _find(info, parts)
        assert content_id is not None
        part = parts[content_id]
        compressed = compression_of(info)
        size = len(part.body)
        if compressed:
            size = sum(len(piece) for piece in decompressed(part.body, limits=limits))
        elif size > limits.plain:
            raise Refused("EBMS:0004", "a payload is too large", finding="AS4-LIMIT")
        mime_type = info.property("MimeType") or types.get(content_id) or part.content_type
        return Payload(content_id, part.body, mime_type, compressed, size, info)

    def _proof(self, envelope: Envelope, message: UserMessage | None) -> None:
        """Without signature only a complete message with payloads, byte for byte as packed, stands for itself."""
        if self.signed is not None:
            if any(isinstance(unit, ReceiptSignal) and unit.foreign for unit in envelope.units):
                self.doubt("EBMS:0302", "the receipt's references are in an unknown namespace", "AS4-RECEIPT")
            return
        if message is None or not self.payloads or len(envelope.units) > 1:
            if not self.unproved:
                self.doubt("EBMS:0103", "nothing in this message is signed", "AS4-UNSIGNED")
        elif self.packed is not None and self.packed.line_end != "\r\n":
            self.doubt(
                "EBMS:0007", "the lines of the frame end in LF: parts may not be byte for byte as sent", "AS4-MIME"
            )


def _by_id(parts: Iterable[MimePart]) -> dict[str, MimePart]:
    found: dict[str, MimePart] = {}
    for part in parts:
        content_id = part.content_id
        if content_id is None:
            raise Refused("EBMS:0007", "a part has no content id", finding="AS4-MIME")
        if content_id in found:
            raise Refused("EBMS:0007", "two parts have the same content id", finding="AS4-MIME")
        found[content_id] = part
    return found


def _check_href(info: PartInfo) -> None:
    href = info.href or ""
    if href.startswith("cid:") and len(href) > len("cid:"):
        return
    if ":" in href:
        raise Refused("EBMS:0011", "a payload lies outside the message; it is never fetched", finding="AS4-PART")
    raise Refused("EBMS:0009", "the header names a part that no part can be", finding="AS4-PART")


def _check_class(info: PartInfo, parts: dict[str, MimePart], types: dict[str, str]) -> None:
    """A part may not be digested more loosely than the type in the signed header says.

    :raises Refused: EBMS:0003.
    """
    content_id, said = _find(info, parts), info.property("MimeType")
    if content_id is None or said is None or content_id in types:
        return
    form = content_class(parts[content_id].content_type)
    if form not in {"raw", content_class(said)}:
        raise Refused("EBMS:0003", "a part has another type than the header says", finding="AS4-PART")


def _find(info: PartInfo, parts: dict[str, MimePart]) -> str | None:
    wanted = (info.href or "").removeprefix("cid:")
    return next((one for one in (wanted, unquote(wanted)) if one in parts), None)
