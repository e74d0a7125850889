"""Keys and certificates made on the spot for tests and demonstrations; the production guard keeps them on this machine."""

from __future__ import annotations

import datetime as dt
import functools
from typing import TYPE_CHECKING

from eessi.transport.guard import DEMO_MARK
from eessi.transport.wss.keys import KeyPair

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric import rsa

__all__ = ["demo_key"]


@functools.lru_cache(maxsize=256)
def demo_key(
    name: str, *, since: dt.datetime | None = None, days: int = 3650, bits: int = 2048, marked: bool = True
) -> KeyPair:
    """A key with a self-signed certificate; the same one for the same arguments in one process.

    :param since: first moment of validity; 2020 by default, so that it holds in replayed time too.
    :param marked: carry the mark that the production guard looks for.
    """
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.x509.oid import NameOID

    key = _key(name, bits)
    parts = [x509.NameAttribute(NameOID.COMMON_NAME, name)]
    if marked:
        parts.append(x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, DEMO_MARK))
    subject = x509.Name(parts)
    start = since or dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + dt.timedelta(days=days))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    return KeyPair(key, certificate)


@functools.lru_cache(maxsize=64)
def _key(name: str, bits: int) -> rsa.RSAPrivateKey:
    """One key per name and process: making one takes a tenth of a second."""
    from cryptography.hazmat.primitives.asymmetric import rsa

    return rsa.generate_private_key(public_exponent=65537, key_size=bits)
