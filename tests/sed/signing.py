"""Keys and certificates of an invented institution, made anew for every run of the tests."""

from __future__ import annotations

import datetime as dt
import functools

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa

NOW = dt.datetime(2026, 3, 1, 12, 30, 15, tzinfo=dt.UTC)


@functools.cache
def _key(number: int) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def key(number: int = 0) -> rsa.RSAPrivateKey:
    """The key of that number."""
    return _key(number)


@functools.cache
def _certificate(number: int, issuer: int | None, name: str) -> x509.Certificate:
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name),
                         x509.NameAttribute(x509.NameOID.COUNTRY_NAME, "BE")])  # fmt: skip
    by = subject if issuer is None else certificate(issuer, name="Authority").subject
    builder = x509.CertificateBuilder(by, subject, key(number).public_key(), 4711 + number)
    builder = builder.not_valid_before(NOW - dt.timedelta(days=10)).not_valid_after(NOW + dt.timedelta(days=10))
    return builder.sign(key(number if issuer is None else issuer), hashes.SHA256())


def certificate(
    number: int = 0, issuer: int | None = None, name: str = "Institution of Tests & Sons <BE>"
) -> x509.Certificate:
    """The certificate of the key of that number, self-signed or issued by another one."""
    return _certificate(number, issuer, name)
