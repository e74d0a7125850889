"""What is acceptable, as frozen data; how it is checked stands in :mod:`~eessi.transport.judge`."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

import attrs

from eessi.transport.limits import DEFAULT_LIMITS, Limits

if TYPE_CHECKING:
    from cryptography import x509

    from eessi.transport.ebms.model import Envelope

__all__ = ["EnvelopePolicy", "Signers"]


@attrs.frozen(slots=True)
class EnvelopePolicy:
    """Demands on a message from outside.

    :param require_signed: an unsigned message is refused (EBMS:0103).
    :param require_encrypted: parts that come in clear are refused (EBMS:0103).
    :param strict: whatever makes a proof impossible is refused; without it such a message is read and said to be
        without proof.
    :param minimum_bits: smallest RSA key of a signer.
    :param intermediary: encrypted parts are for somebody else: only header and body are verified, no part is opened.
    """

    require_signed: bool = True
    require_encrypted: bool = False
    strict: bool = True
    minimum_bits: int = 2048
    intermediary: bool = False
    limits: Limits = DEFAULT_LIMITS

    @classmethod
    def reading(cls, *, signed: bool = False, encrypted: bool = False) -> EnvelopePolicy:
        """For looking at stored messages: nothing is demanded but what the caller names."""
        return cls(require_signed=signed, require_encrypted=encrypted, strict=False, minimum_bits=1024)


class Signers(Protocol):
    """Whose certificate may have signed a message: pinned per party, by the directory and not by a chain alone."""

    def __call__(self, envelope: Envelope, on: dt.datetime | None) -> Sequence[x509.Certificate]:
        """The certificates pinned for whoever claims to have sent this; none refuses it."""
        ...
