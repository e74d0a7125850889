"""A tenant's key: documents are sealed with it, and what is searched for is turned into digests that tell nothing without it."""

from __future__ import annotations

import hmac
import os
import unicodedata
from hashlib import sha256
from pathlib import Path
from typing import Final, Self

from eessi.errors import InputError, MissingExtra, SecurityError, UsageError

__all__ = ["KEY_BYTES", "Vault", "about_document"]

KEY_BYTES: Final = 32
"""Length of a tenant key, for AES-256-GCM (NIST SP 800-38D) by way of HKDF (RFC 5869)."""

_NONCE: Final = 12


class Vault:
    """Seals and opens contents, and makes search digests, under one tenant key.

    :param key: 32 random bytes. Sealing and searching use keys of their own, derived from it.
    :raises UsageError: for a key of another length.
    """

    def __init__(self, key: bytes) -> None:
        if len(key) != KEY_BYTES:
            raise UsageError(f"a tenant key has {KEY_BYTES} bytes; this one has {len(key)}")
        try:
            from cryptography.hazmat.primitives.ciphers.aead import AESGCM
        except ModuleNotFoundError:
            raise MissingExtra("transport", "encrypting stored documents") from None
        self._cipher = AESGCM(_derived(key, b"eessi-toolkit seal"))
        self._search = _derived(key, b"eessi-toolkit search")

    @classmethod
    def generate(cls) -> Self:
        """A vault with a new random key that is kept nowhere: for tests and demonstrations."""
        return cls(os.urandom(KEY_BYTES))

    @classmethod
    def from_file(cls, file: Path, *, create: bool = False) -> Self:
        """Read the key from a file of 32 bytes that only its owner may read.

        :param create: make the file with a new random key when there is none.
        :raises InputError: when there is no such file. :raises SecurityError: when others may read it.
        """
        if create and not file.exists():
            file.parent.mkdir(parents=True, exist_ok=True)
            handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "wb") as target:
                target.write(os.urandom(KEY_BYTES))
        try:
            mode = file.stat().st_mode
            key = file.read_bytes()
        except OSError as error:
            raise InputError(f"the tenant key cannot be read: {error.strerror}", source=str(file)) from None
        if mode & 0o077:
            raise SecurityError(f"{file}: others may read the tenant key; allow only its owner (chmod 600)")
        return cls(key)

    def seal(self, data: bytes, about: str) -> bytes:
        """Encrypt ``data``, bound to what it is ``about`` (tenant, case, document): it opens nowhere else."""
        nonce = os.urandom(_NONCE)
        return nonce + self._cipher.encrypt(nonce, data, about.encode())

    def open(self, sealed: bytes, about: str) -> bytes:
        """Decrypt what :meth:`seal` made for the same subject.

        :raises SecurityError: another key, another subject, or changed bytes; which of them is not told.
        """
        from cryptography.exceptions import InvalidTag

        try:
            return self._cipher.decrypt(sealed[:_NONCE], sealed[_NONCE:], about.encode())
        except (InvalidTag, ValueError):
            raise SecurityError("a stored document cannot be opened with the key of this tenant") from None

    def digest(self, kind: str, value: str) -> str:
        """Digest to find ``value`` by: letter case, accents, spaces and separators do not count."""
        plain = unicodedata.normalize("NFKD", value).casefold()
        bare = "".join(sign for sign in plain if sign.isalnum())
        return hmac.new(self._search, f"{kind}\x00{bare}".encode(), sha256).hexdigest()


def about_document(tenant: str, case_id: str, document_id: str, version: int) -> str:
    """What a sealed document is bound to: it opens for no other tenant, case, document or version."""
    return f"{tenant}\x00{case_id}\x00{document_id}\x00{version}"


def _derived(key: bytes, purpose: bytes) -> bytes:
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    return HKDF(algorithm=SHA256(), length=32, salt=None, info=purpose).derive(key)
