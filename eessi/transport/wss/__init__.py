"""WS-Security for AS4: sign, verify, encrypt, decrypt, on lxml and cryptography; no input, no output.

Needs the extra ``transport``.
"""

from __future__ import annotations

from eessi.errors import MissingExtra

try:
    import cryptography  # noqa: F401
except ModuleNotFoundError:
    raise MissingExtra("transport", "signing and encrypting messages") from None

from eessi.transport.wss.algorithms import EDELIVERY_1_15, SUITES, Suite, suite
from eessi.transport.wss.encryption import Decrypted, KeyTransport, decrypt, encrypt, is_encrypted, key_transport_of
from eessi.transport.wss.keys import KeyPair, fingerprint, load_certificates
from eessi.transport.wss.signature import Signed, canonical_part, check_algorithms, sign, verify

__all__ = [
    "EDELIVERY_1_15",
    "SUITES",
    "Decrypted",
    "KeyPair",
    "KeyTransport",
    "Signed",
    "Suite",
    "canonical_part",
    "check_algorithms",
    "decrypt",
    "encrypt",
    "fingerprint",
    "is_encrypted",
    "key_transport_of",
    "load_certificates",
    "sign",
    "suite",
    "verify",
]
