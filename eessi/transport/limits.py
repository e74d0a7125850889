"""How much of a stranger's message is read before it is refused."""

from __future__ import annotations

import functools
from typing import Final

import attrs

__all__ = ["DEFAULT_LIMITS", "Limits"]


@attrs.frozen(slots=True)
class Limits:
    """Named limits; sizes in bytes, the rest counts.

    :param message: size of a whole message as it comes from the wire.
    :param document: size of what has to be in memory as a whole: an XML part that a signature covers, the business
        document. Anything else is read in pieces.
    :param envelope: size of the SOAP envelope. A real one with signature has 6 to 10 KiB.
    :param depth: nesting of elements in the envelope and in an XML part that a signature covers. A real envelope has 11.
    :param parts: MIME parts, the envelope included.
    :param part_headers: size of the headers of one part.
    :param units: messages and signals bundled in one header.
    :param properties: properties of one message or one part.
    :param references: signed references.
    :param plain: size of one payload after decompression.
    :param ratio: how many bytes one compressed byte may become; applies above ``ratio_floor``. Deflate reaches 1,032.
    """

    message: int = 1024 * 1024 * 1024
    document: int = 64 * 1024 * 1024
    envelope: int = 1024 * 1024
    depth: int = 40
    parts: int = 100
    part_headers: int = 16 * 1024
    units: int = 50
    properties: int = 200
    references: int = 250
    plain: int = 1024 * 1024 * 1024
    ratio: int = 200
    ratio_floor: int = 4 * 1024 * 1024

    @functools.cache  # noqa: B019  # one per policy
    def of_document(self) -> Limits:
        """The limits of a payload that is handed over in memory as a whole."""
        return attrs.evolve(self, plain=min(self.plain, self.document))


DEFAULT_LIMITS: Final = Limits()
