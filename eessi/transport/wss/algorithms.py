"""Algorithms in named suites, so that a second suite can be added beside the first."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import Final

import attrs
from cryptography.hazmat.primitives import hashes

from eessi.errors import UnknownCode
from eessi.transport import names

__all__ = ["DIGESTS", "EDELIVERY_1_15", "MASKS", "SIGNATURES", "SUITES", "Suite", "suite"]

_Table = Mapping[str, Callable[[], hashes.HashAlgorithm]]

DIGESTS: Final = {names.SHA256: hashlib.sha256, names.SHA384: hashlib.sha384, names.SHA512: hashlib.sha512}
"""Digest identifier -> hash, for references of a signature. SHA-1 is not among them."""

SIGNATURES: Final[_Table] = {
    names.RSA_SHA256: hashes.SHA256,
    names.RSA_SHA384: hashes.SHA384,
    names.RSA_SHA512: hashes.SHA512,
}
"""Signature identifier -> hash; all RSA PKCS#1 v1.5."""

OAEP_DIGESTS: Final[_Table] = {
    names.SHA1: hashes.SHA1,
    names.SHA256: hashes.SHA256,
    names.SHA384: hashes.SHA384,
    names.SHA512: hashes.SHA512,
}
"""Hash of RSA-OAEP; SHA-1 is still what a missing element means, and safe in this place."""

MASKS: Final[_Table] = {
    names.MGF1_SHA1: hashes.SHA1,
    names.MGF1_SHA256: hashes.SHA256,
    names.MGF1_SHA384: hashes.SHA384,
    names.MGF1_SHA512: hashes.SHA512,
}
"""Mask function of RSA-OAEP -> hash."""

CIPHERS: Final = {names.AES128_GCM: 16, names.AES256_GCM: 32}
"""Data encryption identifier -> key size in bytes."""


@attrs.frozen(slots=True)
class Suite:
    """The algorithms that are written together."""

    name: str
    signature: str
    digest: str
    cipher: str
    key_transport: str
    oaep_digest: str | None
    mask: str | None


EDELIVERY_1_15: Final = Suite(
    "edelivery-1.15",
    names.RSA_SHA256,
    names.SHA256,
    names.AES128_GCM,
    names.RSA_OAEP,
    names.SHA256,
    names.MGF1_SHA256,
)
"""European Commission, eDelivery AS4 1.15; its signature is that of the published EESSI samples."""

SUITES: Final = {EDELIVERY_1_15.name: EDELIVERY_1_15}


def suite(name: str) -> Suite:
    """The suite of that name.

    :raises UnknownCode: for a name that is not in :data:`SUITES`.
    """
    if name not in SUITES:
        raise UnknownCode("algorithm suite", name, next(iter(SUITES)))
    return SUITES[name]
