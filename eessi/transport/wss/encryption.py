"""Encryption of parts (XML Encryption 1.1 with the SwA profile; AS4 profile 5.1.6; eDelivery AS4 1.15).

One key for all parts, sent along under the receiver's certificate. A part becomes 12 bytes of initialisation vector,
the ciphertext and 16 bytes of tag. Every failure to decrypt is answered alike, without a cause.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from urllib.parse import quote, unquote

import attrs
from cryptography import x509
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import GCM
from lxml import etree

from eessi.errors import UsageError
from eessi.octets import Bulk, Octets, Spool
from eessi.transport import names
from eessi.transport.ebms.model import Envelope
from eessi.transport.mime import MimePart
from eessi.transport.names import DS, WSSE, WSSE11, WSU, XENC, XENC11, clark
from eessi.transport.refusal import Refused
from eessi.transport.wss.algorithms import CIPHERS, EDELIVERY_1_15, MASKS, OAEP_DIGESTS, Suite
from eessi.transport.wss.keys import KeyPair
from eessi.transport.wss.signature import ensure_security, ids_of, security_header
from eessi.transport.wss.tokens import decoded, find_certificates, write_reference_to, write_token

__all__ = ["Decrypted", "KeyTransport", "decrypt", "encrypt", "is_encrypted", "key_transport_of"]

_IV = 12
_TAG = 16


@attrs.frozen(slots=True)
class KeyTransport:
    """How the content key was wrapped; a missing element means SHA-1 (XML Encryption 1.1, 5.5.2)."""

    algorithm: str
    digest: str
    mask: str
    declared_digest: str | None
    declared_mask: str | None


@attrs.frozen(slots=True)
class Decrypted:
    """Parts in clear.

    :param types: content id -> type before encryption, for those that were encrypted.
    :param recipient: the certificate they were encrypted for.
    """

    parts: Mapping[str, MimePart]
    types: Mapping[str, str]
    recipient: x509.Certificate


def _failed() -> Refused:
    return Refused("EBMS:0102", "the message cannot be decrypted", finding="AS4-DECRYPTION")


def is_encrypted(envelope: Envelope) -> bool:
    """Whether the security header announces encrypted content."""
    security = security_header(envelope)
    return security is not None and any(
        security.find(clark(XENC, name)) is not None for name in ("EncryptedKey", "EncryptedData")
    )


def key_transport_of(encrypted_key: etree._Element) -> KeyTransport:
    """The key transport that an ``xenc:EncryptedKey`` declares, the four variants met in the field.

    :raises Refused: EBMS:0102 for any other.
    """
    method = encrypted_key.find(clark(XENC, "EncryptionMethod"))
    algorithm = "" if method is None else method.get("Algorithm", "")
    if method is None or algorithm not in {names.RSA_OAEP, names.RSA_OAEP_MGF1P}:
        raise _failed()
    digest, mask = method.find(clark(DS, "DigestMethod")), method.find(clark(XENC11, "MGF"))
    declared_digest = None if digest is None else digest.get("Algorithm")
    declared_mask = None if mask is None else mask.get("Algorithm")
    in_effect = names.MGF1_SHA1 if algorithm == names.RSA_OAEP_MGF1P else declared_mask or names.MGF1_SHA1
    found = KeyTransport(algorithm, declared_digest or names.SHA1, in_effect, declared_digest, declared_mask)
    if found.digest not in OAEP_DIGESTS or found.mask not in MASKS:
        raise _failed()
    return found


def decrypt(envelope: Envelope, parts: Mapping[str, MimePart], keys: Iterable[KeyPair]) -> Decrypted:
    """Decrypt every part that the security header lists.

    :param keys: own keys; during a roll-over more than one.
    :raises Refused: EBMS:0102, always with the same words.
    """
    security = security_header(envelope)
    if security is None:
        raise _failed()
    wrapped = security.findall(clark(XENC, "EncryptedKey"))
    data = security.findall(clark(XENC, "EncryptedData"))
    if len(wrapped) != 1 or not data:
        raise _failed()
    content_key, recipient = _unwrap(wrapped[0], envelope, keys)
    clear, types = dict(parts), dict[str, str]()
    for element in data:
        content_id, part, kind = _decrypt_one(element, parts, content_key)
        if content_id in types:
            raise _failed()
        clear[content_id], types[content_id] = part, kind
    return Decrypted(clear, types, recipient)


def _unwrap(wrapped: etree._Element, envelope: Envelope, keys: Iterable[KeyPair]) -> tuple[bytes, x509.Certificate]:
    own = list(keys)
    transport = key_transport_of(wrapped)
    named = find_certificates(
        wrapped.find(clark(DS, "KeyInfo")), ids_of(envelope.root), [key.certificate for key in own]
    )
    value = wrapped.find(f"{clark(XENC, 'CipherData')}/{clark(XENC, 'CipherValue')}")
    sealed = None if value is None else decoded(value)
    chosen = [key for key in own if key.certificate in named]
    if sealed is None or not chosen:
        raise _failed()
    oaep = padding.OAEP(padding.MGF1(MASKS[transport.mask]()), OAEP_DIGESTS[transport.digest](), None)
    for key in chosen:
        try:
            return key.private_key.decrypt(sealed, oaep), key.certificate
        except ValueError:
            continue
    raise _failed()


def _decrypt_one(
    element: etree._Element, parts: Mapping[str, MimePart], content_key: bytes
) -> tuple[str, MimePart, str]:
    method = element.find(clark(XENC, "EncryptionMethod"))
    reference = element.find(f"{clark(XENC, 'CipherData')}/{clark(XENC, 'CipherReference')}")
    size = CIPHERS.get("" if method is None else method.get("Algorithm", ""))
    uri = "" if reference is None else reference.get("URI", "")
    wanted = uri.removeprefix("cid:")
    content_id = next((one for one in (wanted, unquote(wanted)) if one in parts), None)
    if size is None or size != len(content_key) or content_id is None or not uri.startswith("cid:"):
        raise _failed()
    part = parts[content_id]
    if len(part.body) < _IV + _TAG:
        raise _failed()
    try:
        body = _opened(part.body, content_key)
    except InvalidTag:
        raise _failed() from None
    kind = element.get("MimeType") or part.content_type
    return content_id, attrs.evolve(part, body=body), kind


def encrypt(
    envelope: Envelope,
    parts: Sequence[MimePart],
    recipient: x509.Certificate,
    *,
    id: str,
    suite: Suite = EDELIVERY_1_15,
    reference: str = "issuer_serial",
    random: Callable[[int], bytes] = os.urandom,
) -> tuple[MimePart, ...]:
    """Encrypt every part for ``recipient`` and list them in the security header. Sign before, not after.

    :param id: makes the ids in the header unique.
    :param reference: how the receiver's certificate is named: ``issuer_serial``, ``ski`` or ``bst``.
    :returns: the parts as they go out.
    :raises UsageError: a certificate without RSA key, or nothing to encrypt.
    """
    public = recipient.public_key()
    if not isinstance(public, rsa.RSAPublicKey):
        raise UsageError("the receiver's certificate has no RSA key; encryption here is RSA-OAEP")
    if not parts:
        raise UsageError("there is nothing to encrypt; only parts are encrypted, never the header")
    content_key = random(CIPHERS[suite.cipher])
    security = ensure_security(envelope)
    sealed = [
        attrs.evolve(
            part,
            headers=_sealed_headers(part),
            body=_closed(part.body, content_key, random(_IV)),
        )
        for part in parts
    ]
    elements = [_data_element(part, number, id, suite) for number, part in enumerate(parts, 1)]
    wrapped = _key_element(recipient, public, content_key, id, suite, len(parts), reference)
    security[:0] = [wrapped, *elements]
    if reference == "bst":
        write_token(security, recipient, f"recipient-{id}")
        security.insert(0, security[-1])
    return tuple(sealed)


def _closed(body: Octets, key: bytes, vector: bytes) -> Octets:
    """Initialisation vector, ciphertext, tag."""
    if not isinstance(body, Bulk):
        return vector + AESGCM(key).encrypt(vector, body, None)
    cipher = Cipher(AES(key), GCM(vector)).encryptor()
    spool = Spool()
    spool.write(vector)
    for piece in body.pieces():
        spool.write(cipher.update(piece))
    spool.write(cipher.finalize() + cipher.tag)
    return spool.done()


def _opened(body: Octets, key: bytes) -> Octets:
    """The content in clear. What is large is written to a private file and given out only once its tag was right.

    :raises InvalidTag: anything was changed.
    """
    if not isinstance(body, Bulk):
        return AESGCM(key).decrypt(body[:_IV], body[_IV:], None)
    cipher = Cipher(AES(key), GCM(body[:_IV])).decryptor()
    spool = Spool()
    for piece in body.cut(_IV, len(body) - _TAG).pieces():
        spool.write(cipher.update(piece))
    spool.write(cipher.finalize_with_tag(body[len(body) - _TAG :]))
    return spool.done()


def _sealed_headers(part: MimePart) -> tuple[tuple[str, str], ...]:
    kept = [pair for pair in part.headers if pair[0].casefold() != "content-type"]
    return (("Content-Type", "application/octet-stream"), *kept)


def _key_element(
    recipient: x509.Certificate,
    public: rsa.RSAPublicKey,
    content_key: bytes,
    id: str,
    suite: Suite,
    count: int,
    reference: str,
) -> etree._Element:
    element = etree.Element(clark(XENC, "EncryptedKey"), nsmap={"xenc": XENC, "ds": DS, "wsse": WSSE}, Id=f"key-{id}")
    method = etree.SubElement(element, clark(XENC, "EncryptionMethod"), Algorithm=suite.key_transport)
    if suite.oaep_digest is not None:
        etree.SubElement(method, clark(DS, "DigestMethod"), Algorithm=suite.oaep_digest)
    if suite.mask is not None and suite.key_transport == names.RSA_OAEP:
        etree.SubElement(method, clark(XENC11, "MGF"), nsmap={"xenc11": XENC11}, Algorithm=suite.mask)
    write_reference_to(etree.SubElement(element, clark(DS, "KeyInfo")), recipient, reference, f"recipient-{id}")
    digest = OAEP_DIGESTS[suite.oaep_digest or names.SHA1]()
    mask: hashes.HashAlgorithm = MASKS[suite.mask or names.MGF1_SHA1]()
    sealed = public.encrypt(content_key, padding.OAEP(padding.MGF1(mask), digest, None))
    value = etree.SubElement(etree.SubElement(element, clark(XENC, "CipherData")), clark(XENC, "CipherValue"))
    value.text = base64.b64encode(sealed).decode()
    listed = etree.SubElement(element, clark(XENC, "ReferenceList"))
    for number in range(1, count + 1):
        etree.SubElement(listed, clark(XENC, "DataReference"), URI=f"#data-{id}-{number}")
    return element


def _data_element(part: MimePart, number: int, id: str, suite: Suite) -> etree._Element:
    element = etree.Element(
        clark(XENC, "EncryptedData"), nsmap={"xenc": XENC, "ds": DS, "wsse": WSSE}, Id=f"data-{id}-{number}"
    )
    element.set("MimeType", part.content_type)
    element.set("Type", names.ATTACHMENT_CONTENT_ONLY)
    etree.SubElement(element, clark(XENC, "EncryptionMethod"), Algorithm=suite.cipher)
    key_info = etree.SubElement(element, clark(DS, "KeyInfo"))
    token = etree.SubElement(key_info, clark(WSSE, "SecurityTokenReference"), nsmap={"wsse11": WSSE11, "wsu": WSU})
    token.set(clark(WSSE11, "TokenType"), names.ENCRYPTED_KEY)
    etree.SubElement(token, clark(WSSE, "Reference"), URI=f"#key-{id}")
    cipher = etree.SubElement(element, clark(XENC, "CipherData"))
    uri = "cid:" + quote(part.content_id or "", safe="@.-_+~!$&'()*,;=:/")
    reference = etree.SubElement(cipher, clark(XENC, "CipherReference"), URI=uri)
    transforms = etree.SubElement(reference, clark(XENC, "Transforms"))
    etree.SubElement(transforms, clark(DS, "Transform"), Algorithm=names.ATTACHMENT_CIPHERTEXT)
    return element
