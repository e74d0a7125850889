"""The ways in which a security header points at a certificate: token, key identifier, issuer and serial number."""

from __future__ import annotations

import base64
import binascii
import functools
from collections.abc import Iterable, Mapping

from cryptography import x509
from cryptography.utils import CryptographyDeprecationWarning
from lxml import etree

from eessi.transport.ebms.read import text
from eessi.transport.names import BASE64_BINARY, DS, WSSE, WSU, X509_PATH, X509_SKI, X509_V3, clark
from eessi.transport.wss.keys import der, matches_issuer_serial, subject_key_identifier

__all__ = ["find_certificates", "token_kind", "write_reference_to", "write_token"]

STR = clark(WSSE, "SecurityTokenReference")


def decoded(element: etree._Element) -> bytes | None:
    """The bytes of a base64 element, ``None`` when it is none."""
    try:
        return base64.b64decode("".join(text(element).split()), validate=True)
    except (binascii.Error, ValueError):
        return None


def token_kind(key_info: etree._Element | None) -> str | None:
    """How the certificate is named: ``BinarySecurityToken``, ``KeyIdentifier``, ``X509Data`` or ``None``."""
    reference = None if key_info is None else key_info.find(STR)
    if reference is None:
        return None if key_info is None or key_info.find(clark(DS, "X509Data")) is None else "X509Data"
    for tag, name in (
        (clark(WSSE, "Reference"), "BinarySecurityToken"),
        (clark(WSSE, "KeyIdentifier"), "KeyIdentifier"),
        (clark(DS, "X509Data"), "X509Data"),
    ):
        if reference.find(tag) is not None:
            return name
    return None


def find_certificates(
    key_info: etree._Element | None,
    ids: Mapping[str, list[etree._Element]],
    known: Iterable[x509.Certificate],
) -> list[x509.Certificate]:
    """The certificates that a ``ds:KeyInfo`` points at: carried in the message, or among those ``known`` here.

    Whether one is trusted is not asked here.
    """
    if key_info is None:
        return []
    holder = key_info.find(STR)
    holder = key_info if holder is None else holder
    reference = holder.find(clark(WSSE, "Reference"))
    if reference is not None:
        targets = ids.get((reference.get("URI") or "").removeprefix("#"), [])
        return _from_token(targets[0]) if len(targets) == 1 else []
    identifier = holder.find(clark(WSSE, "KeyIdentifier"))
    if identifier is not None:
        wanted = decoded(identifier) if identifier.get("ValueType") == X509_SKI else None
        return [one for one in known if wanted and subject_key_identifier(one) == wanted]
    data = holder.find(clark(DS, "X509Data"))
    return [] if data is None else _from_x509_data(data, known)


def _from_x509_data(data: etree._Element, known: Iterable[x509.Certificate]) -> list[x509.Certificate]:
    serial = data.find(clark(DS, "X509IssuerSerial"))
    if serial is not None:
        issuer, number = serial.find(clark(DS, "X509IssuerName")), serial.find(clark(DS, "X509SerialNumber"))
        if issuer is None or number is None:
            return []
        return [one for one in known if matches_issuer_serial(one, text(issuer), text(number))]
    ski = data.find(clark(DS, "X509SKI"))
    if ski is not None:
        wanted = decoded(ski)
        return [one for one in known if wanted and subject_key_identifier(one) == wanted]
    carried = data.find(clark(DS, "X509Certificate"))
    return [] if carried is None else _load(decoded(carried))


def _from_token(token: etree._Element) -> list[x509.Certificate]:
    if token.tag != clark(WSSE, "BinarySecurityToken"):
        return []
    data = decoded(token)
    if data is None or token.get("ValueType") == X509_PATH:
        return _load_path(data)
    return _load(data)


def _load(data: bytes | None) -> list[x509.Certificate]:
    found = None if data is None or len(data) > _CERTIFICATE_MAX else _certificate(data)
    return [] if found is None else [found]


_CERTIFICATE_MAX = 64 * 1024


@functools.lru_cache(maxsize=256)
def _certificate(data: bytes) -> x509.Certificate | None:
    """Partners send the same certificate with every message; the last few stay read.

    One whose serial number is not positive is none (RFC 5280, 4.1.2.2); the library still reads it, with a warning.
    """
    try:
        found = x509.load_der_x509_certificate(data)
        return found if found.serial_number > 0 else None
    except (ValueError, x509.InvalidVersion, CryptographyDeprecationWarning):
        return None


def _load_path(data: bytes | None) -> list[x509.Certificate]:
    """The last certificate of a PKIPath, a DER sequence of certificates with the signer's at the end (X.509, PkiPath)."""
    if data is None or data[:1] != b"\x30":
        return []
    try:
        position, end = _content(data, 0)
        last = b""
        while position < end:
            _, finish = _content(data, position)
            last, position = data[position:finish], finish
    except IndexError:
        return []
    return _load(last)


def _content(data: bytes, at: int) -> tuple[int, int]:
    """Start and end of the content of the DER element at ``at``."""
    length, start = data[at + 1], at + 2
    if length & 0x80:
        size = length & 0x7F
        length, start = int.from_bytes(data[start : start + size], "big"), start + size
    if start + length > len(data):
        raise IndexError
    return start, start + length


def write_token(security: etree._Element, certificate: x509.Certificate, id: str) -> None:
    """Put the certificate into the header as a BinarySecurityToken."""
    token = etree.SubElement(
        security, clark(WSSE, "BinarySecurityToken"), EncodingType=BASE64_BINARY, ValueType=X509_V3
    )
    token.set(clark(WSU, "Id"), id)
    token.text = base64.b64encode(der(certificate)).decode()


def write_reference_to(key_info: etree._Element, certificate: x509.Certificate, method: str, token_id: str) -> None:
    """Point at the certificate: ``bst`` (the token ``token_id``), ``ski`` or ``issuer_serial``."""
    reference = etree.SubElement(key_info, STR, nsmap={"wsse": WSSE})
    if method == "bst":
        etree.SubElement(reference, clark(WSSE, "Reference"), URI=f"#{token_id}", ValueType=X509_V3)
    elif method == "ski":
        identifier = etree.SubElement(
            reference, clark(WSSE, "KeyIdentifier"), EncodingType=BASE64_BINARY, ValueType=X509_SKI
        )
        identifier.text = base64.b64encode(subject_key_identifier(certificate)).decode()
    else:
        data = etree.SubElement(reference, clark(DS, "X509Data"))
        serial = etree.SubElement(data, clark(DS, "X509IssuerSerial"))
        etree.SubElement(serial, clark(DS, "X509IssuerName")).text = certificate.issuer.rfc4514_string()
        etree.SubElement(serial, clark(DS, "X509SerialNumber")).text = str(certificate.serial_number)
