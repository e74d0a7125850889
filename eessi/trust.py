"""What is accepted as proof, as data, and what a proof says. How it is checked lives with the signature itself.

Algorithms are named by the identifiers of XML Signature 1.1 and RFC 9231.
"""

from __future__ import annotations

import datetime as dt
from typing import Final

import attrs

__all__ = [
    "ENVELOPED",
    "EXCLUSIVE_C14N",
    "INCLUSIVE_C14N",
    "RSA_SHA256",
    "SHA256",
    "SecurityPolicy",
    "Verified",
]

SHA256: Final = "http://www.w3.org/2001/04/xmlenc#sha256"
SHA384: Final = "http://www.w3.org/2001/04/xmldsig-more#sha384"
SHA512: Final = "http://www.w3.org/2001/04/xmlenc#sha512"
RSA_SHA256: Final = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
RSA_SHA384: Final = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha384"
RSA_SHA512: Final = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512"
ENVELOPED: Final = "http://www.w3.org/2000/09/xmldsig#enveloped-signature"
EXCLUSIVE_C14N: Final = "http://www.w3.org/2001/10/xml-exc-c14n#"
INCLUSIVE_C14N: Final = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"


@attrs.frozen(slots=True)
class SecurityPolicy:
    """What a signature must be like to be accepted.

    :param signature_methods: acceptable signature algorithms. SHA-1 is in none of the defaults.
    :param digest_methods: acceptable digest algorithms.
    :param minimum_rsa_bits: shortest acceptable RSA key.
    :param inclusive: accept the older form of 2017, whose document reference has no exclusive canonicalisation.
    :param trusted: SHA-256 thumbprints, in hex, of the certificates that may have signed, as the institution directory
        lists them. Empty: the certificate is not judged, and :attr:`Verified.trusted` is ``None``.
    :param issuers: certificates (DER) that may have issued the signer's certificate directly, beside ``trusted``.
    :param on: the day on which the certificate must be valid; ``None``: validity is not judged.
    """

    signature_methods: frozenset[str] = frozenset({RSA_SHA256, RSA_SHA384, RSA_SHA512})
    digest_methods: frozenset[str] = frozenset({SHA256, SHA384, SHA512})
    minimum_rsa_bits: int = 2048
    inclusive: bool = True
    trusted: frozenset[str] = frozenset()
    issuers: tuple[bytes, ...] = ()
    on: dt.date | None = None


@attrs.frozen(slots=True)
class Verified:
    """A signature that holds: what was signed, by whom, when.

    :param signed: the canonical bytes that the signature covers. Use these, not the document around them.
    :param root: name of the signed root element.
    :param subject: the signer, as its certificate names it (RFC 4514). :param issuer: who issued the certificate.
    :param serial: serial number of the certificate. :param thumbprint: its SHA-256, in hex.
    :param certificate: the certificate (DER).
    :param signing_time: when it was signed, as the signer claims; ``None`` when it does not say.
    :param exclusive: the current form; ``False`` for the older one of 2017.
    :param trusted: the policy names this certificate or its issuer; ``None`` when the policy names none.
    :param not_checked: what was not judged, in words.
    """

    signed: bytes = attrs.field(repr=False)
    root: str
    subject: str
    issuer: str
    serial: int
    thumbprint: str
    certificate: bytes = attrs.field(repr=False)
    signing_time: dt.datetime | None
    exclusive: bool
    trusted: bool | None
    not_checked: tuple[str, ...] = ()
