"""What the signature of a full copy proves: verified, not signed, undetermined, or broken; never silently taken for good.

A copy arrives as a signed message, and may carry a signature of its own, as every SED may. Whether it does is seen while
it is read; proving it needs the whole document in memory, so that beyond a limit it is *undetermined*.
"""

from __future__ import annotations

import enum
from typing import Final

import attrs

from eessi.errors import EessiError, MissingExtra, SecurityError
from eessi.trust import SecurityPolicy

__all__ = ["MOST_PROVED", "CopySignature", "SignatureState", "judged"]

MOST_PROVED: Final = 64 * 1024 * 1024
"""Largest document, in bytes, whose signature is proved; proving takes about twenty times as much memory (measured: 457 MiB for 22.5)."""


class SignatureState(enum.StrEnum):
    """What is known of a copy's signature."""

    VERIFIED = "verified"
    NOT_SIGNED = "not-signed"
    UNDETERMINED = "undetermined"
    BROKEN = "broken"


@attrs.frozen(slots=True)
class CopySignature:
    """The state, why it is that, and who signed: subject and SHA-256 thumbprint of the certificate, where that is known."""

    state: SignatureState
    why: str = ""
    signer: str | None = None
    thumbprint: str | None = None

    @property
    def text(self) -> str:
        """State and reason in a few words."""
        words = self.state.value.replace("-", " ")
        return f"{words}: {self.why}" if self.why else words


NOT_SIGNED: Final = CopySignature(SignatureState.NOT_SIGNED)


def judged(data: bytes | None, policy: SecurityPolicy | None = None, most: int = MOST_PROVED) -> CopySignature:
    """Prove the signature of a copy that carries one.

    :param data: the document; ``None`` when it was too large to keep.
    :param policy: whose signatures are accepted. Without certificates in it a signature that holds is undetermined: it is
        not known who signed.
    :param most: what counted as too large, in bytes.
    """
    if data is None:
        return CopySignature(SignatureState.UNDETERMINED, f"larger than {most / 2**20:.0f} MiB, so it was not proved")
    from eessi.sed import Sed, parse
    from eessi.sed.signature import verify

    try:
        document = parse(data)
        verified = verify(document if isinstance(document, Sed) else document.sed, policy)
    except MissingExtra as error:
        return CopySignature(SignatureState.UNDETERMINED, str(error))
    except SecurityError as error:
        return CopySignature(SignatureState.BROKEN, str(error))
    except EessiError as error:
        return CopySignature(
            SignatureState.UNDETERMINED, f"no document of a form whose signature can be proved: {error}"
        )
    if not verified.trusted:
        why = "the signature holds; who signed was not judged, as no trusted certificate was named"
        return CopySignature(SignatureState.UNDETERMINED, why, verified.subject, verified.thumbprint)
    return CopySignature(SignatureState.VERIFIED, "", verified.subject, verified.thumbprint)
