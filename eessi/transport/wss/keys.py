"""Own keys and other people's certificates, and how a message points at them."""

from __future__ import annotations

import datetime as dt
import functools
import re
from collections.abc import Iterable

import attrs
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key, pkcs12

from eessi.errors import InputError

__all__ = ["KeyPair", "fingerprint", "load_certificates", "matches_issuer_serial", "subject_key_identifier"]


@attrs.frozen(slots=True, eq=False)
class KeyPair:
    """A private key with its certificate. It never shows its key: not in ``repr``, not in an error.

    :param others: further certificates of the same file: issuers, partners.
    """

    private_key: rsa.RSAPrivateKey = attrs.field(repr=False)
    certificate: x509.Certificate = attrs.field(repr=lambda one: fingerprint(one)[:16])
    others: tuple[x509.Certificate, ...] = attrs.field(default=(), repr=False)

    @classmethod
    def load(cls, data: bytes, password: str | None = None, *, source: str | None = None) -> KeyPair:
        """Read a PKCS#12 file, or PEM with key and certificate.

        :raises InputError: unreadable, wrong password, no RSA key inside.
        """
        secret = None if password is None else password.encode()
        try:
            if b"-----BEGIN" in data:
                key: object = load_pem_private_key(data, secret if b"ENCRYPTED" in data else None)
                first, *others = x509.load_pem_x509_certificates(data)
            else:
                key, found, more = pkcs12.load_key_and_certificates(data, secret)
                if found is None:
                    raise ValueError
                first, others = found, list(more)
        except (ValueError, TypeError):
            raise InputError(
                "the key file cannot be read: wrong password, or no PKCS#12 or PEM file with key and certificate",
                source=source,
            ) from None
        if not isinstance(key, rsa.RSAPrivateKey):
            raise InputError("the key is no RSA key; only RSA is used here", source=source)
        return cls(key, first, tuple(others))


def load_certificates(data: bytes, *, source: str | None = None) -> tuple[x509.Certificate, ...]:
    """Read certificates from PEM (one or more) or DER.

    :raises InputError: when there is none.
    """
    try:
        if b"-----BEGIN" in data:
            return tuple(x509.load_pem_x509_certificates(data))
        return (x509.load_der_x509_certificate(data),)
    except ValueError:
        raise InputError("there is no certificate in this file; PEM or DER was expected", source=source) from None


@functools.lru_cache(maxsize=1024)
def rsa_key(certificate: x509.Certificate) -> rsa.RSAPublicKey | None:
    """The RSA key of a certificate, ``None`` for any other kind and for one that cannot be read."""
    try:
        key = certificate.public_key()
    except (ValueError, UnsupportedAlgorithm):
        return None
    return key if isinstance(key, rsa.RSAPublicKey) else None


def key_bits(certificate: x509.Certificate) -> int:
    """Size of the certificate's RSA key in bits; 0 for any other kind of key."""
    key = rsa_key(certificate)
    return 0 if key is None else key.key_size


@functools.lru_cache(maxsize=1024)
def validity(certificate: x509.Certificate) -> tuple[dt.datetime, dt.datetime]:
    """First and last moment for which a certificate is valid."""
    return certificate.not_valid_before_utc, certificate.not_valid_after_utc


def fingerprint(certificate: x509.Certificate) -> str:
    """SHA-256 of the certificate, 64 hexadecimal digits."""
    return certificate.fingerprint(hashes.SHA256()).hex()


def der(certificate: x509.Certificate) -> bytes:
    """The certificate as DER."""
    return certificate.public_bytes(Encoding.DER)


def subject_key_identifier(certificate: x509.Certificate) -> bytes:
    """The identifier in the certificate, or the one computed from its key (RFC 5280, 4.2.1.2)."""
    try:
        return certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
    except (x509.ExtensionNotFound, ValueError):
        key = certificate.public_key()
        if isinstance(key, rsa.RSAPublicKey):
            return x509.SubjectKeyIdentifier.from_public_key(key).digest
        return b""


def matches_issuer_serial(certificate: x509.Certificate, issuer: str, serial: str) -> bool:
    """Whether issuer and serial number, as a message writes them, point at this certificate.

    Products write the issuer in both orders and with different names for the same attribute, so its values are compared as a set.
    """
    if not re.fullmatch(r"\d{1,60}", serial.strip()) or int(serial) != certificate.serial_number:
        return False
    own = {_fold(str(attribute.value)) for attribute in certificate.issuer}
    return own == {_fold(value) for value in _values(issuer)}


def _values(name: str) -> Iterable[str]:
    for relative in re.split(r"(?<!\\)[,;+]", name):
        _, _, value = relative.partition("=")
        yield re.sub(r"\\(.)", r"\1", value.strip().strip('"'))


def _fold(value: str) -> str:
    return " ".join(value.split()).casefold()
