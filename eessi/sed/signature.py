"""The signature of a SED: enveloped XAdES over the SED as a document of its own.

Written in the form of the Commission's DSS library, as met in documents of CDM 4.0 (wire facts, section 9): the document
reference has the enveloped-signature transform and exclusive canonicalisation without comments, a second reference covers
the SignedProperties; SHA-256 and RSA-SHA256. The older form of 2017, without the exclusive transform, is accepted on reading.

Verification takes the bytes as they came. It accepts exactly this shape and nothing else: one signature, the last child of
the root, two references, to the whole document and to its own properties, no id twice. So there is no element that a
signature could cover while another one is read.
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import functools
import hashlib
import re
import secrets
from typing import TYPE_CHECKING, Final, cast
from xml.sax.saxutils import escape

import attrs
from lxml import etree

from eessi import _xml
from eessi.errors import MissingExtra, SecurityError, UsageError
from eessi.findings import Outcome
from eessi.sed.document import Sed
from eessi.trust import ENVELOPED, EXCLUSIVE_C14N, INCLUSIVE_C14N, RSA_SHA256, SHA256, SecurityPolicy, Verified

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.x509 import Certificate

    from eessi.schemas import Registry

__all__ = ["SignatureParts", "check_parts", "sign", "verify"]

_DS: Final = "http://www.w3.org/2000/09/xmldsig#"
_XADES: Final = "http://uri.etsi.org/01903/v1.3.2#"
_PROPERTIES_TYPE: Final = "http://uri.etsi.org/01903#SignedProperties"
_SIGNATURE: Final = f"{{{_DS}}}Signature"
_ALL_IDS: Final = etree.XPath("//@Id | //@ID | //@id | //@xml:id", smart_strings=False)
_HASHES: Final = {"sha256": "sha256", "sha384": "sha384", "sha512": "sha512"}
_PROLOG_PI: Final = re.compile(rb"(?:\xef\xbb\xbf)?<\?xml\s[^>]*\?>")


@functools.cache
def _ds(path: str) -> str:
    return "/".join(f"{{{_DS}}}{step}" for step in path.split("/"))


def _cryptography() -> None:
    try:
        import cryptography  # noqa: F401
    except ImportError:
        raise MissingExtra("signature", "signing and verifying SEDs") from None


def sign(
    sed: Sed,
    key: RSAPrivateKey,
    certificate: Certificate,
    *,
    signing_time: dt.datetime,
    registry: Registry | None = None,
    loopback: bool = False,
) -> Sed:
    """Sign a SED with an institution's business certificate; its bytes stay as they are around the signature.

    A document that goes out must be proved: ``registry`` must find it valid by an exact package. Sandbox documents and
    those that no exact package proves are signed only when the caller says that they stay in house.

    :param signing_time: stands in the signature as claimed; with a time zone.
    :param registry: the packages that must prove the document.
    :param loopback: the document is for a test and never leaves the house; nothing is then asked of it.
    :raises SecurityError: when the document is not proved, or key and certificate do not belong together.
    :raises UsageError: when the document is signed already, or the time has no zone.
    :raises MissingExtra: without the extra ``signature``.
    """
    _cryptography()
    if sed.is_signed:
        raise UsageError("the document is signed already; take its signature out first")
    if signing_time.tzinfo is None:
        raise UsageError("the signing time has no time zone")
    if not loopback:
        _must_be_proved(sed, registry)
    _must_belong_together(key, certificate)
    data, at = _closing_tag(sed)
    text = _signature_text(_digest(SHA256, _octets(data, sed.root)), key, certificate, signing_time)
    signed = data[:at] + text.encode() + data[at:]
    return Sed(_xml.parse(signed), signed)


def _must_be_proved(sed: Sed, registry: Registry | None) -> None:
    from eessi.schemas import validate_tree

    if sed.is_sandbox:
        raise SecurityError("a sandbox document is never signed for others; say loopback for a test in house")
    verdict = validate_tree(sed.root, registry, data=sed.data) if registry is not None else None
    if verdict is None or verdict.outcome is not Outcome.VALID:
        outcome = "not checked" if verdict is None else str(verdict.outcome)
        raise SecurityError(
            f"{sed.name} {sed.version} is {outcome}; only what an exact package proves valid is signed for others"
        )


def _must_belong_together(key: RSAPrivateKey, certificate: Certificate) -> None:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey

    public = certificate.public_key()
    if not isinstance(key, RSAPrivateKey) or not isinstance(public, RSAPublicKey):
        raise SecurityError("only RSA keys sign SEDs")
    if key.public_key().public_numbers() != public.public_numbers():
        raise SecurityError("the key does not belong to the certificate")


def _closing_tag(sed: Sed) -> tuple[bytes, int]:
    """The bytes to sign and where the signature belongs in them; rewritten only where they are not UTF-8 or ``<a/>``."""
    data = sed.data
    prefix = f"{sed.root.prefix}:" if sed.root.prefix else ""
    name = f"{prefix}{sed.name}".encode()
    pattern = rb"</" + re.escape(name) + rb"\s*>(?:\s|<!--(?:(?!-->).)*-->|<\?(?:(?!\?>).)*\?>)*\Z"
    found = re.search(pattern, data, re.DOTALL) if _is_utf8(sed.root) else None
    if found:
        return data, found.start()
    if not len(sed.root) and not sed.root.text:
        raise UsageError("an empty document is not signed")
    data = _xml.serialise(sed.root)
    return data, data.rindex(b"</")


def _is_utf8(root: etree._Element) -> bool:
    return (root.getroottree().docinfo.encoding or "UTF-8").upper() in ("UTF-8", "UTF8", "ASCII", "US-ASCII")


def _octets(data: bytes, root: etree._Element) -> bytes:
    """The canonical form of an unsigned document. Its instructions count, so a tree without them will not do."""
    start = _PROLOG_PI.match(data)
    if b"<?" in data[start.end() if start else 0 :]:
        root = _xml.parse(data, comments=True)
        return etree.tostring(root.getroottree(), method="c14n", exclusive=True, with_comments=False)
    return etree.tostring(root, method="c14n", exclusive=True, with_comments=False)


def _digest(method: str, octets: bytes) -> str:
    name = _HASHES[method.rpartition("#")[2].removeprefix("rsa-")]
    return base64.b64encode(hashlib.new(name, octets).digest()).decode()


_METHOD: Final = f'<ds:DigestMethod Algorithm="{SHA256}"></ds:DigestMethod>'
_EXCLUSIVE: Final = f'<ds:Transform Algorithm="{EXCLUSIVE_C14N}"></ds:Transform>'


def _signature_text(digest: str, key: RSAPrivateKey, certificate: Certificate, time: dt.datetime) -> str:
    """The signature as XML text, already in canonical form, so that its parts are hashed as they stand."""
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15

    id = f"id-{secrets.token_hex(16)}"
    der = certificate.public_bytes(serialization.Encoding.DER)
    properties = _properties(id, der, certificate, time, "", "")
    hashed = _properties(id, der, certificate, time, f' xmlns:xades="{_XADES}"', f' xmlns:ds="{_DS}"')
    info = (
        f'<ds:CanonicalizationMethod Algorithm="{EXCLUSIVE_C14N}"></ds:CanonicalizationMethod>'
        f'<ds:SignatureMethod Algorithm="{RSA_SHA256}"></ds:SignatureMethod>'
        f'<ds:Reference Id="r-id-1" Type="" URI=""><ds:Transforms><ds:Transform Algorithm="{ENVELOPED}"></ds:Transform>'
        f"{_EXCLUSIVE}</ds:Transforms>{_METHOD}<ds:DigestValue>{digest}</ds:DigestValue></ds:Reference>"
        f'<ds:Reference Type="{_PROPERTIES_TYPE}" URI="#xades-{id}"><ds:Transforms>{_EXCLUSIVE}</ds:Transforms>{_METHOD}'
        f"<ds:DigestValue>{_digest(SHA256, hashed.encode())}</ds:DigestValue></ds:Reference></ds:SignedInfo>"
    )
    value = key.sign(f'<ds:SignedInfo xmlns:ds="{_DS}">{info}'.encode(), PKCS1v15(), hashes.SHA256())
    return (
        f'<ds:Signature xmlns:ds="{_DS}" Id="{id}"><ds:SignedInfo>{info}'
        f'<ds:SignatureValue Id="value-{id}">{base64.b64encode(value).decode()}</ds:SignatureValue>'
        f"<ds:KeyInfo><ds:X509Data><ds:X509Certificate>{base64.b64encode(der).decode()}</ds:X509Certificate></ds:X509Data>"
        f'</ds:KeyInfo><ds:Object><xades:QualifyingProperties xmlns:xades="{_XADES}" Target="#{id}">{properties}'
        "</xades:QualifyingProperties></ds:Object></ds:Signature>"
    )


def _properties(id: str, der: bytes, certificate: Certificate, time: dt.datetime, xades: str, ds: str) -> str:
    """The SignedProperties; ``xades`` and ``ds`` declare the prefixes where the canonical form does, or are empty."""
    moment = time.astimezone(dt.UTC).replace(microsecond=0).strftime("%Y-%m-%dT%H:%M:%SZ")
    return (
        f'<xades:SignedProperties{xades} Id="xades-{id}"><xades:SignedSignatureProperties>'
        f"<xades:SigningTime>{moment}</xades:SigningTime><xades:SigningCertificate><xades:Cert><xades:CertDigest>"
        f'<ds:DigestMethod{ds} Algorithm="{SHA256}"></ds:DigestMethod>'
        f"<ds:DigestValue{ds}>{_digest(SHA256, der)}</ds:DigestValue></xades:CertDigest><xades:IssuerSerial>"
        f"<ds:X509IssuerName{ds}>{escape(_signer(der).issuer)}</ds:X509IssuerName>"
        f"<ds:X509SerialNumber{ds}>{certificate.serial_number}</ds:X509SerialNumber></xades:IssuerSerial></xades:Cert>"
        "</xades:SigningCertificate></xades:SignedSignatureProperties><xades:SignedDataObjectProperties>"
        '<xades:DataObjectFormat ObjectReference="#r-id-1"><xades:MimeType>application/octet-stream</xades:MimeType>'
        "</xades:DataObjectFormat></xades:SignedDataObjectProperties></xades:SignedProperties>"
    )


@attrs.frozen(slots=True)
class SignatureParts:
    """What a ``ds:Signature`` says that can be checked without the document.

    :param digest: digest of the document that the signature claims. :param digest_method: its algorithm.
    :param exclusive: whether the document is canonicalised exclusively. :param prefixes: of its InclusiveNamespaces.
    :param certificate: the signer's certificate (DER). :param signing_time: as claimed.
    """

    digest: str
    digest_method: str
    exclusive: bool
    prefixes: tuple[str, ...]
    certificate: bytes
    signing_time: dt.datetime | None


def verify(sed: Sed, policy: SecurityPolicy | None = None) -> Verified:
    """Prove the signature of a SED over its bytes as they came.

    :param policy: what is accepted; the default asks for RSA with SHA-2 and judges no certificate.
    :returns: what was signed, by whom and when; :attr:`Verified.not_checked` says what the policy left open.
    :raises SecurityError: when there is no signature, or it does not hold, or covers something else than the document.
    :raises MissingExtra: without the extra ``signature``.
    """
    _cryptography()
    policy = policy or SecurityPolicy()
    data = sed.data
    start = _PROLOG_PI.match(data)
    plain = b"<?" not in data[start.end() if start else 0 :]
    root = _xml.parse(data, comments=not plain)
    signature = _only_signature(root)
    _check_ids(root)
    parts = check_parts(signature, policy)
    _take_out(signature)
    node: etree._Element | etree._ElementTree[etree._Element] = root if plain else root.getroottree()
    octets = etree.tostring(
        node, method="c14n", exclusive=parts.exclusive, with_comments=False,
        inclusive_ns_prefixes=list(parts.prefixes) or None,
    )  # fmt: skip
    if _digest(parts.digest_method, octets) != parts.digest:
        raise SecurityError("the document was changed after it was signed: its digest differs")
    return _verified(octets, root, parts, policy)


def _only_signature(root: etree._Element) -> etree._Element:
    found = list(root.iter(_SIGNATURE))
    if not found:
        raise SecurityError("the document is not signed")
    if len(found) > 1:
        raise SecurityError("the document holds more than one signature")
    last = next((child for child in reversed(root) if isinstance(child.tag, str)), None)
    if found[0] is not last:
        raise SecurityError("the signature is not the last child of the document")
    return found[0]


def _check_ids(root: etree._Element) -> None:
    """No id twice: which element a reference means must not be a matter of who looks."""
    found = cast("list[str]", _ALL_IDS(root))
    if len(set(found)) < len(found):
        raise SecurityError("the document uses an id twice")


def _take_out(signature: etree._Element) -> None:
    """Remove the signature and keep the white space behind it, which is signed."""
    parent, tail = signature.getparent(), signature.tail
    assert parent is not None
    before = signature.getprevious()
    if tail and before is not None:
        before.tail = (before.tail or "") + tail
    elif tail:
        parent.text = (parent.text or "") + tail
    signature.tail = None
    parent.remove(signature)


def check_parts(signature: etree._Element, policy: SecurityPolicy) -> SignatureParts:
    """Check a ``ds:Signature`` element in itself: form, algorithms, its own properties, and its value.

    :returns: what it claims about the document, still to be compared with it.
    :raises SecurityError: when it does not hold.
    """
    info = _one(signature, _ds("SignedInfo"))
    document, properties = _references(info, signature)
    transforms = _transforms(document)
    names = [name for name, _ in transforms]
    if names not in ([ENVELOPED], [ENVELOPED, EXCLUSIVE_C14N], [ENVELOPED, INCLUSIVE_C14N]):
        raise SecurityError("the document reference has transforms other than enveloped-signature and canonicalisation")
    exclusive = names[-1] == EXCLUSIVE_C14N
    if not exclusive and not policy.inclusive:
        raise SecurityError("the signature has the older, inclusive form, which the policy does not accept")
    method, digest = _digest_of(document, policy)
    certificate = _certificate(signature)
    _check_properties(signature, properties, policy)
    _check_value(signature, info, certificate, policy)
    prefixes = transforms[-1][1] if exclusive else ()
    return SignatureParts(digest, method, exclusive, prefixes, certificate, _signing_time(signature))


def _one(parent: etree._Element, path: str) -> etree._Element:
    found = parent.findall(path)
    if len(found) != 1:
        raise SecurityError(f"the signature has {len(found)} of {path.rpartition('}')[2]}, not one")
    return found[0]


def _references(info: etree._Element, signature: etree._Element) -> tuple[etree._Element, etree._Element]:
    """The reference to the document and the one to the properties; there may be no others."""
    found = info.findall(_ds("Reference"))
    documents = [one for one in found if one.get("URI") == ""]
    properties = [one for one in found if one.get("Type") == _PROPERTIES_TYPE]
    if len(found) != 2 or len(documents) != 1 or len(properties) != 1 or documents == properties:
        raise SecurityError("the signature does not cover the document and its own properties, and nothing else")
    return documents[0], properties[0]


def _transforms(reference: etree._Element) -> list[tuple[str, tuple[str, ...]]]:
    found = []
    for transform in reference.findall(_ds("Transforms/Transform")):
        inclusive = transform.find(f"{{{EXCLUSIVE_C14N}}}InclusiveNamespaces")
        prefixes = tuple((inclusive.get("PrefixList") or "").split()) if inclusive is not None else ()
        if len(transform) > (inclusive is not None):
            raise SecurityError("a transform has parameters that are not accepted")
        found.append((transform.get("Algorithm") or "", prefixes))
    return found


def _digest_of(reference: etree._Element, policy: SecurityPolicy) -> tuple[str, str]:
    method = _one(reference, _ds("DigestMethod")).get("Algorithm") or ""
    if method not in policy.digest_methods:
        raise SecurityError(f"the digest algorithm {method[:80]!r} is not accepted")
    return method, "".join((_one(reference, _ds("DigestValue")).text or "").split())


def _decoded(text: str | None, what: str) -> bytes:
    try:
        return base64.b64decode("".join((text or "").split()), validate=True)
    except (binascii.Error, ValueError):
        raise SecurityError(f"{what} is not base64") from None


def _certificate(signature: etree._Element) -> bytes:
    """The signer's certificate: of those in KeyInfo the one whose digest the properties name."""
    paths = _ds("KeyInfo/X509Data/X509Certificate")
    found = [_decoded(node.text, "a certificate in the signature") for node in signature.findall(paths)]
    cert = f"{{{_DS}}}Object/{{{_XADES}}}QualifyingProperties/{{{_XADES}}}SignedProperties/{{{_XADES}}}SignedSignatureProperties"
    digest = _one(signature, f"{cert}/{{{_XADES}}}SigningCertificate/{{{_XADES}}}Cert/{{{_XADES}}}CertDigest")
    method = _one(digest, _ds("DigestMethod")).get("Algorithm") or ""
    value = "".join((_one(digest, _ds("DigestValue")).text or "").split())
    if method not in SecurityPolicy().digest_methods:
        raise SecurityError(f"the digest algorithm {method[:80]!r} is not accepted")
    matching = [der for der in found if _digest(method, der) == value]
    if not matching:
        raise SecurityError("the signature does not bring the certificate that its properties name")
    return matching[0]


def _check_properties(signature: etree._Element, reference: etree._Element, policy: SecurityPolicy) -> None:
    properties = _one(signature, f"{{{_DS}}}Object/{{{_XADES}}}QualifyingProperties/{{{_XADES}}}SignedProperties")
    holder = properties.getparent()
    id = properties.get("Id")
    if not id or reference.get("URI") != f"#{id}":
        raise SecurityError("the signature refers to properties other than its own")
    if holder is None or holder.get("Target") != f"#{signature.get('Id')}":
        raise SecurityError("the properties belong to another signature")
    transforms = _transforms(reference)
    if [name for name, _ in transforms] not in ([EXCLUSIVE_C14N], [INCLUSIVE_C14N], []):
        raise SecurityError("the reference to the properties has transforms other than canonicalisation")
    method, digest = _digest_of(reference, policy)
    name, prefixes = transforms[0] if transforms else (INCLUSIVE_C14N, ())
    if _digest(method, _canonical(properties, name, prefixes)) != digest:
        raise SecurityError("the properties of the signature were changed: their digest differs")


def _canonical(element: etree._Element, method: str, prefixes: tuple[str, ...]) -> bytes:
    exclusive = method == EXCLUSIVE_C14N
    return etree.tostring(
        element, method="c14n", exclusive=exclusive, with_comments=False,
        inclusive_ns_prefixes=list(prefixes) or None,
    )  # fmt: skip


def _check_value(signature: etree._Element, info: etree._Element, certificate: bytes, policy: SecurityPolicy) -> None:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

    canonicalisation = _one(info, _ds("CanonicalizationMethod"))
    name = canonicalisation.get("Algorithm") or ""
    if name not in (EXCLUSIVE_C14N, INCLUSIVE_C14N):
        raise SecurityError(f"the canonicalisation {name[:80]!r} is not accepted")
    inclusive = canonicalisation.find(f"{{{EXCLUSIVE_C14N}}}InclusiveNamespaces")
    prefixes = tuple((inclusive.get("PrefixList") or "").split()) if inclusive is not None else ()
    method = _one(info, _ds("SignatureMethod")).get("Algorithm") or ""
    if method not in policy.signature_methods:
        raise SecurityError(f"the signature algorithm {method[:80]!r} is not accepted")
    public = _signer(certificate).certificate.public_key()
    if not isinstance(public, RSAPublicKey) or public.key_size < policy.minimum_rsa_bits:
        raise SecurityError(f"the key is not RSA of at least {policy.minimum_rsa_bits} bits")
    hashed = {"rsa-sha256": hashes.SHA256(), "rsa-sha384": hashes.SHA384(), "rsa-sha512": hashes.SHA512()}
    value = _decoded(_one(signature, _ds("SignatureValue")).text, "the signature value")
    try:
        public.verify(value, _canonical(info, name, prefixes), PKCS1v15(), hashed[method.rpartition("#")[2]])
    except (InvalidSignature, KeyError):
        raise SecurityError("the signature value does not match: another key signed, or it was changed") from None


@attrs.frozen(slots=True)
class _Signer:
    """A certificate and what is said about it; the same institutions sign again and again."""

    certificate: Certificate
    thumbprint: str
    subject: str
    issuer: str


@functools.lru_cache(maxsize=256)
def _signer(der: bytes) -> _Signer:
    loaded = _loaded(der)
    return _Signer(
        loaded, hashlib.sha256(der).hexdigest(), loaded.subject.rfc4514_string(), loaded.issuer.rfc4514_string()
    )


def _loaded(certificate: bytes) -> Certificate:
    """The library still reads a serial number that is not positive (RFC 5280, 4.1.2.2), with a warning."""
    from cryptography.utils import CryptographyDeprecationWarning
    from cryptography.x509 import InvalidVersion, load_der_x509_certificate

    try:
        found = load_der_x509_certificate(certificate)
        if found.serial_number > 0:
            return found
    except (ValueError, InvalidVersion, CryptographyDeprecationWarning):
        pass
    raise SecurityError("the certificate in the signature cannot be read")


def _signing_time(signature: etree._Element) -> dt.datetime | None:
    text = signature.findtext(f".//{{{_XADES}}}SignedSignatureProperties/{{{_XADES}}}SigningTime")
    try:
        return dt.datetime.fromisoformat(text.strip()) if text else None
    except ValueError:
        raise SecurityError("the signing time is not a moment") from None


def _verified(octets: bytes, root: etree._Element, parts: SignatureParts, policy: SecurityPolicy) -> Verified:
    signer = _signer(parts.certificate)
    certificate, thumbprint = signer.certificate, signer.thumbprint
    not_checked = []
    trusted: bool | None = None
    if policy.trusted or policy.issuers:
        trusted = thumbprint in {one.lower().replace(":", "") for one in policy.trusted} or _issued(certificate, policy)
        if not trusted:
            raise SecurityError("the signer's certificate is not one that the policy trusts")
    else:
        not_checked.append("whether the signer is trusted: the policy names no certificates")
    if policy.on is None:
        not_checked.append("whether the certificate was valid: the policy names no day")
    elif not certificate.not_valid_before_utc.date() <= policy.on <= certificate.not_valid_after_utc.date():
        raise SecurityError(f"the signer's certificate is not valid on {policy.on}")
    not_checked.append("whether the certificate was revoked")
    return Verified(
        signed=octets,
        root=_xml.local_name(root),
        subject=signer.subject,
        issuer=signer.issuer,
        serial=certificate.serial_number,
        thumbprint=thumbprint,
        certificate=parts.certificate,
        signing_time=parts.signing_time,
        exclusive=parts.exclusive,
        trusted=trusted,
        not_checked=tuple(not_checked),
    )


def _issued(certificate: Certificate, policy: SecurityPolicy) -> bool:
    from cryptography.exceptions import InvalidSignature

    for der in policy.issuers:
        try:
            certificate.verify_directly_issued_by(_loaded(der))
        except (ValueError, TypeError, InvalidSignature):
            continue
        return True
    return False
