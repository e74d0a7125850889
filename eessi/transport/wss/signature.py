"""Signatures over the header, the body and every part (WS-Security 1.1 with the SwA profile; AS4 profile 5.1).

Verifying returns what was signed and by which certificate; nothing else of the message may be believed. The digests are
taken from the tree as it was received. A reference counts only when it resolves to the one ``eb:Messaging`` of the
header, the one Body, another block of the header, or a part that PayloadInfo names.
"""

from __future__ import annotations

import base64
import hmac
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Literal
from urllib.parse import quote, unquote

import attrs
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import padding
from lxml import etree

from eessi import _xml
from eessi.errors import InputError
from eessi.octets import Bulk
from eessi.transport.ebms.model import Envelope, SignedReference
from eessi.transport.ebms.read import inclusive_prefixes, read_reference
from eessi.transport.ebms.write import write_reference
from eessi.transport.limits import DEFAULT_LIMITS, Limits
from eessi.transport.mime import MimePart, media_type
from eessi.transport.names import ATTACHMENT_CONTENT, DS, EXC_C14N, SOAP12, WSSE, WSU, clark
from eessi.transport.refusal import Refused
from eessi.transport.wss.algorithms import DIGESTS, EDELIVERY_1_15, SIGNATURES, Suite
from eessi.transport.wss.keys import KeyPair, key_bits, rsa_key
from eessi.transport.wss.tokens import decoded, find_certificates, token_kind, write_reference_to, write_token

__all__ = ["Signed", "canonical_part", "ids_of", "security_header", "sign", "signature_of", "verify"]

MINIMUM_BITS = 2048
"""Smallest RSA key that is accepted (eDelivery AS4 1.15, security; ENISA)."""

_XML_TYPE = re.compile(r"(text/xml|application/xml|(application|image)/[^;\s]*\+xml)", re.IGNORECASE)


_LINE_END = re.compile(rb"\r\n|\r|\n")


@attrs.frozen(slots=True)
class Signed:
    """What a signature covers.

    :param certificate: the one whose key made the signature; ``None`` when none is known, so that it was not checked.
    :param references: every reference under SignedInfo, digests verified; this is what a receipt repeats.
    :param parts: content ids of the parts that are covered.
    :param reflowed: the digest of the header fits only when blanks between elements are taken out: the file was
        pretty-printed after it was signed, so it is no proof.
    """

    algorithm: str
    token: str | None
    references: tuple[SignedReference, ...]
    certificate: x509.Certificate | None
    messaging: bool
    body: bool
    parts: frozenset[str]
    blocks: tuple[str, ...] = ()
    reflowed: bool = False


def _failed(detail: str, finding: str = "AS4-SIGNATURE") -> Refused:
    return Refused("EBMS:0101", detail, finding=finding)


_BEARERS = etree.XPath("//*[@u:Id or @Id]", namespaces={"u": WSU})


def ids_of(root: etree._Element) -> dict[str, list[etree._Element]]:
    """Every ``wsu:Id`` and ``Id`` of the tree, with the elements that bear it."""
    found: dict[str, list[etree._Element]] = {}
    wsu_id = clark(WSU, "Id")
    for element in _BEARERS(root):
        for value in {element.get(wsu_id), element.get("Id")} - {None}:
            found.setdefault(str(value), []).append(element)
    return found


def security_header(envelope: Envelope) -> etree._Element | None:
    """The one ``wsse:Security`` that is meant for the receiver.

    :raises Refused: EBMS:0101 when there are two.
    """
    if envelope.header is None:
        return None
    found = envelope.header.findall(clark(WSSE, "Security"))
    if len(found) > 1:
        raise _failed("there is more than one security header")
    return found[0] if found else None


def signature_of(security: etree._Element | None) -> etree._Element | None:
    """The one signature in a security header.

    :raises Refused: EBMS:0101 when there are two.
    """
    found = [] if security is None else security.findall(clark(DS, "Signature"))
    if len(found) > 1:
        raise _failed("there is more than one signature")
    return found[0] if found else None


def check_algorithms(envelope: Envelope) -> None:
    """Look at the names of the algorithms alone: cheap, so it comes before anything is computed.

    :raises Refused: EBMS:0101 for more than one security header or signature, or an algorithm that is not accepted.
    """
    signature = signature_of(security_header(envelope))
    if signature is not None:
        _algorithm(_signed_info(signature))


def _signed_info(signature: etree._Element) -> etree._Element:
    found = signature.findall(clark(DS, "SignedInfo"))
    if len(found) != 1:
        raise _failed("the signature must have one SignedInfo")
    return found[0]


def content_class(content_type: str) -> str:
    """How the content of a part is digested by its type: ``xml`` as canonical XML, ``text`` with CRLF, ``raw`` as it is."""
    kind = content_type.strip()
    if _XML_TYPE.match(kind):
        return "xml"
    return "text" if media_type(kind).startswith("text/") else "raw"


def canonical_part(part: MimePart, content_type: str | None = None, *, limits: Limits = DEFAULT_LIMITS) -> bytes:
    """What of a part is digested (SwA profile 1.1.1, 5.4.2): by its type, canonical XML, text with CRLF, or the bytes.

    :param content_type: overrides the part's own, for a part that was encrypted.
    :raises Refused: EBMS:0101 for a part that is said to be XML and cannot be read as XML.
    """
    kind = (content_type or part.content_type).strip()
    form = content_class(kind)
    if form == "xml":
        if len(part.body) > limits.document:
            raise Refused("EBMS:0004", f"an XML part has more than {limits.document:,} bytes", finding="AS4-LIMIT")
        try:
            root = _xml.parse(
                bytes(part.body).removeprefix(b"\xef\xbb\xbf"),
                comments=True,
                limits=_xml.Limits(bytes=limits.document, depth=_xml.DEFAULT_LIMITS.depth),
            )
        except InputError:
            raise _failed("a part is said to be XML and cannot be read", "AS4-PART") from None
        return _canonical(root.getroottree(), ())
    if form == "text":
        return _LINE_END.sub(b"\r\n", bytes(part.body))
    return bytes(part.body)


def verify(
    envelope: Envelope,
    parts: Mapping[str, MimePart],
    *,
    known: Iterable[x509.Certificate] = (),
    types: Mapping[str, str] | None = None,
    absent_parts: bool = False,
    minimum_bits: int = MINIMUM_BITS,
    limits: Limits = DEFAULT_LIMITS,
) -> Signed | None:
    """Verify the signature of an envelope; ``None`` when it has none. Coverage and trust are judged by the caller.

    :param parts: content id -> part, after decryption.
    :param known: certificates that key identifiers and issuer and serial may point at.
    :param types: content id -> type before encryption.
    :param minimum_bits: smallest RSA key that is accepted.
    :param absent_parts: the parts are not at hand (a stored envelope): their references are left unchecked.
    :raises Refused: EBMS:0101 for everything that is wrong with it.
    """
    signature = signature_of(security_header(envelope))
    if signature is None:
        return None
    info = _signed_info(signature)
    ids = ids_of(envelope.root)
    if any(len(bearers) > 1 for bearers in ids.values()):
        raise _failed("two elements have the same id", "AS4-WRAPPING")
    algorithm = _algorithm(info)
    check = _Check(envelope, parts, types or {}, ids, absent_parts, limits)
    references = check.references(info)
    signer, reflowed = _check_value(
        signature, info, algorithm, find_certificates(signature.find(clark(DS, "KeyInfo")), ids, known), check.reflowed
    )
    if signer is not None and key_bits(signer) < minimum_bits:
        raise _failed(f"the signer's key has less than {minimum_bits} bits", "AS4-ALGORITHM")
    return Signed(
        algorithm,
        token_kind(signature.find(clark(DS, "KeyInfo"))),
        references,
        signer,
        check.messaging,
        check.body,
        frozenset(check.covered),
        tuple(check.blocks),
        reflowed,
    )


def _algorithm(info: etree._Element) -> str:
    canonical, method = info.find(clark(DS, "CanonicalizationMethod")), info.find(clark(DS, "SignatureMethod"))
    if canonical is None or canonical.get("Algorithm") != EXC_C14N:
        raise _failed("SignedInfo is not canonicalised exclusively", "AS4-ALGORITHM")
    algorithm = "" if method is None else method.get("Algorithm", "")
    if algorithm not in SIGNATURES:
        raise _failed("the signature algorithm is not accepted", "AS4-ALGORITHM")
    return algorithm


def _canonical(element: etree._Element | etree._ElementTree[etree._Element], prefixes: Sequence[str]) -> bytes:
    """Exclusive canonical form without comments.

    :raises Refused: EBMS:0101 for what has none, such as a relative namespace name.
    """
    try:
        return etree.tostring(
            element, method="c14n", exclusive=True, with_comments=False, inclusive_ns_prefixes=list(prefixes) or None
        )
    except etree.C14NError:
        raise _failed("a part of the message has no canonical form") from None


def _digest(data: bytes, method: str) -> bytes:
    return DIGESTS[method](data).digest()


def _part_digest(part: MimePart, method: str, content_type: str | None = None, *, limits: Limits) -> bytes:
    """As :func:`_digest` of :func:`canonical_part`; large content that is not XML is read piece by piece."""
    form = content_class(content_type or part.content_type)
    if not isinstance(part.body, Bulk) or form == "xml":
        return _digest(canonical_part(part, content_type, limits=limits), method)
    digest = DIGESTS[method](b"")
    for piece in _with_crlf(part.body.pieces()) if form == "text" else part.body.pieces():
        digest.update(piece)
    return digest.digest()


def _with_crlf(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Every line end as CR LF; a CR at the end of a piece waits for what follows it."""
    held = b""
    for piece in pieces:
        text = held + piece
        held = b"\r" if text.endswith(b"\r") else b""
        yield _LINE_END.sub(b"\r\n", text[: len(text) - len(held)])
    yield held and b"\r\n"


class _Check:
    """One pass over the references of one signature."""

    def __init__(
        self,
        envelope: Envelope,
        parts: Mapping[str, MimePart],
        types: Mapping[str, str],
        ids: Mapping[str, list[etree._Element]],
        absent_parts: bool,
        limits: Limits,
    ) -> None:
        self.envelope, self.parts, self.types, self.ids = envelope, parts, types, ids
        self.absent_parts, self.limits = absent_parts, limits
        self.messaging = self.body = self.reflowed = False
        self.covered: set[str] = set()
        self.blocks: list[str] = []

    def references(self, info: etree._Element) -> tuple[SignedReference, ...]:
        elements = info.findall(clark(DS, "Reference"))
        if not elements:
            raise _failed("the signature covers nothing", "AS4-COVERAGE")
        if len(elements) > self.limits.references:
            raise Refused("EBMS:0004", f"more than {self.limits.references} references", finding="AS4-LIMIT")
        found = []
        for element in elements:
            try:
                reference = read_reference(element)
            except Refused as refused:
                raise _failed(refused.detail) from None
            self._one(reference)
            found.append(reference)
        if len({reference.uri for reference in found}) != len(found):
            raise _failed("the signature covers the same thing twice", "AS4-WRAPPING")
        return tuple(found)

    def _one(self, reference: SignedReference) -> None:
        if reference.digest_method not in DIGESTS:
            raise _failed("a digest algorithm is not accepted", "AS4-ALGORITHM")
        try:
            expected = base64.b64decode(reference.digest, validate=True)
        except ValueError:
            raise _failed("a digest value is not base64") from None
        if reference.uri.startswith("#"):
            self._element(reference, expected)
        elif reference.uri.startswith("cid:"):
            self._part(reference, expected)
        else:
            raise _failed("a reference points outside the message", "AS4-WRAPPING")

    def _element(self, reference: SignedReference, expected: bytes) -> None:
        bearers = self.ids.get(reference.uri[1:], [])
        if len(bearers) != 1:
            raise _failed("a reference points at no element", "AS4-WRAPPING")
        target = bearers[0]
        self._place(target)
        if len(reference.transforms) != 1 or reference.transforms[0][0] != EXC_C14N:
            raise _failed("a reference to an element must use exclusive canonicalisation alone", "AS4-ALGORITHM")
        prefixes = reference.transforms[0][1]
        if hmac.compare_digest(_digest(_canonical(target, prefixes), reference.digest_method), expected):
            return
        if hmac.compare_digest(_digest(_canonical(_unflowed(target), prefixes), reference.digest_method), expected):
            self.reflowed = True
            return
        raise _failed(f"{_xml.local_name(target)} was changed after it was signed", "AS4-DIGEST")

    def _place(self, target: etree._Element) -> None:
        """Where a signed element may stand: nowhere else can it be taken for something it is not."""
        if target is self.envelope.messaging:
            self.messaging = True
        elif target is self.envelope.body:
            self.body = True
        elif target.getparent() is self.envelope.header:
            self.blocks.append(str(target.tag))
        elif (parent := target.getparent()) is not None and parent.tag == clark(WSSE, "Security"):
            if parent.getparent() is not self.envelope.header:
                raise _failed("a reference points at an element in a strange place", "AS4-WRAPPING")
            self.blocks.append(str(target.tag))
        else:
            raise _failed("a reference points at an element in a strange place", "AS4-WRAPPING")

    def _part(self, reference: SignedReference, expected: bytes) -> None:
        if [algorithm for algorithm, _ in reference.transforms] != [ATTACHMENT_CONTENT]:
            raise _failed("a reference to a part must use the content transform alone", "AS4-ALGORITHM")
        wanted = reference.uri.removeprefix("cid:")
        content_id = next((one for one in (wanted, unquote(wanted)) if one in self.parts), None)
        if content_id is None:
            if self.absent_parts:
                return
            raise _failed("a signed part is not in the message", "AS4-PART")
        part, kind = self.parts[content_id], self.types.get(content_id)
        if not hmac.compare_digest(_part_digest(part, reference.digest_method, kind, limits=self.limits), expected):
            raise _failed("a part was changed after it was signed", "AS4-DIGEST")
        self.covered.add(content_id)


def _unflowed(element: etree._Element) -> etree._Element:
    """The element without the blanks that a pretty-printer adds; its namespaces in scope stay."""
    import copy

    path = element.getroottree().getelementpath(element)
    root = copy.deepcopy(element.getroottree().getroot())
    mirror = root if path == "." else root.find(path)
    if mirror is None:
        return element
    for one in mirror.iter():
        one.text = (one.text or "").strip() or None
        if one is not mirror:
            one.tail = (one.tail or "").strip() or None
    return mirror


def _check_value(
    signature: etree._Element,
    info: etree._Element,
    algorithm: str,
    candidates: Sequence[x509.Certificate],
    reflowed: bool,
) -> tuple[x509.Certificate | None, bool]:
    value = signature.find(clark(DS, "SignatureValue"))
    made = None if value is None else decoded(value)
    if made is None:
        raise _failed("the signature value is missing or not base64")
    method = info.find(clark(DS, "CanonicalizationMethod"))
    prefixes = inclusive_prefixes(method) if method is not None else []
    for form in (info, _unflowed(info)) if reflowed else (info,):
        text = _canonical(form, prefixes)
        for certificate in candidates:
            if _fits(certificate, made, text, algorithm):
                return certificate, reflowed
    if candidates and not reflowed:
        raise _failed("the signature value does not fit the certificate")
    if not candidates and token_kind(signature.find(clark(DS, "KeyInfo"))) not in {"KeyIdentifier", "X509Data"}:
        raise _failed("the signature names no certificate that can be read")
    return None, reflowed


def _fits(certificate: x509.Certificate, made: bytes, text: bytes, algorithm: str) -> bool:
    key = rsa_key(certificate)
    if key is None:
        raise _failed("the signer's key is no RSA key", "AS4-ALGORITHM")
    try:
        key.verify(made, text, padding.PKCS1v15(), SIGNATURES[algorithm]())
    except InvalidSignature:
        return False
    return True


def sign(
    envelope: Envelope,
    parts: Sequence[MimePart],
    key: KeyPair,
    *,
    id: str,
    suite: Suite = EDELIVERY_1_15,
    reference: Literal["bst", "ski", "issuer_serial"] = "bst",
    blocks: Sequence[etree._Element] = (),
) -> tuple[SignedReference, ...]:
    """Sign header, body and every part, and put the signature into the envelope's security header.

    :param id: makes the ids of token and signature unique in the envelope.
    :param blocks: further blocks of the header to cover; each needs a ``wsu:Id``.
    :returns: the references as signed, to be kept until the receipt repeats them.
    """
    security = ensure_security(envelope)
    if reference == "bst":
        write_token(security, key.certificate, f"token-{id}")
    signature = etree.SubElement(security, clark(DS, "Signature"), nsmap={"ds": DS})
    info = etree.SubElement(signature, clark(DS, "SignedInfo"))
    etree.SubElement(info, clark(DS, "CanonicalizationMethod"), Algorithm=EXC_C14N)
    etree.SubElement(info, clark(DS, "SignatureMethod"), Algorithm=suite.signature)
    references = tuple(_references(envelope, parts, suite, blocks))
    for one in references:
        write_reference(info, one)
    made = key.private_key.sign(_canonical(info, ()), padding.PKCS1v15(), SIGNATURES[suite.signature]())
    etree.SubElement(signature, clark(DS, "SignatureValue")).text = base64.b64encode(made).decode()
    write_reference_to(etree.SubElement(signature, clark(DS, "KeyInfo")), key.certificate, reference, f"token-{id}")
    return references


def ensure_security(envelope: Envelope) -> etree._Element:
    """The envelope's security header, made where there is none."""
    assert envelope.header is not None
    found = envelope.header.find(clark(WSSE, "Security"))
    if found is not None:
        return found
    security: etree._Element = etree.SubElement(
        envelope.header, clark(WSSE, "Security"), nsmap={"wsse": WSSE, "wsu": WSU}
    )
    security.set(clark(SOAP12, "mustUnderstand"), "true")
    return security


def _references(
    envelope: Envelope, parts: Sequence[MimePart], suite: Suite, blocks: Sequence[etree._Element]
) -> Iterable[SignedReference]:
    assert envelope.messaging is not None
    for element in (envelope.messaging, envelope.body, *blocks):
        digest = base64.b64encode(_digest(_canonical(element, ()), suite.digest)).decode()
        uri = "#" + str(element.get(clark(WSU, "Id")))
        yield SignedReference(uri, ((EXC_C14N, ()),), suite.digest, digest)
    for part in parts:
        digest = base64.b64encode(_part_digest(part, suite.digest, limits=DEFAULT_LIMITS)).decode()
        uri = "cid:" + quote(part.content_id or "", safe="@.-_+~!$&'()*,;=:/")
        yield SignedReference(uri, ((ATTACHMENT_CONTENT, ()),), suite.digest, digest)
