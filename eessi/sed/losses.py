"""What a change of form could not carry over, dropped or had to guess: one list, never silence."""

from __future__ import annotations

import enum
from collections.abc import Iterable

import attrs

__all__ = ["Loss", "LossKind", "LossReport"]


class LossKind(enum.StrEnum):
    """What happened to a part on its way into another form."""

    EMPTY = "empty member dropped"
    NULL = "null dropped"
    OUTSIDE = "stands outside the document and was not taken over"
    SIGNATURE = "signature not carried over"
    ATTRIBUTE = "attribute not carried over"
    COMMENT = "comment or processing instruction not carried over"
    TEXT = "text between elements not carried over"
    UNMAPPED = "no place known in the other form; not taken over"
    ORDER = "order guessed"
    LIST = "list or single member guessed"
    NAME = "name guessed"
    CODE = "code guessed"
    NUMBER = "number written as text"
    UNKNOWN = "not in the known tree; kept"
    VERSION = "version set by the caller"


_LOST = {
    LossKind.EMPTY,
    LossKind.NULL,
    LossKind.OUTSIDE,
    LossKind.SIGNATURE,
    LossKind.ATTRIBUTE,
    LossKind.COMMENT,
    LossKind.TEXT,
    LossKind.UNMAPPED,
}
_GUESSED = {LossKind.ORDER, LossKind.LIST, LossKind.NAME, LossKind.CODE}


@attrs.frozen(slots=True)
class Loss:
    """One entry: kind, readable path, and a detail free of personal data."""

    kind: LossKind
    path: str
    detail: str = ""

    def __str__(self) -> str:
        return f"{self.path}: {self.kind}" + (f" ({self.detail})" if self.detail else "")


@attrs.frozen(slots=True)
class LossReport:
    """All entries of one conversion."""

    entries: tuple[Loss, ...] = ()

    @property
    def lost(self) -> tuple[Loss, ...]:
        """What the result no longer holds."""
        return tuple(entry for entry in self.entries if entry.kind in _LOST)

    @property
    def guessed(self) -> tuple[Loss, ...]:
        """What nobody has said: an order, a list, a name that the toolkit chose."""
        return tuple(entry for entry in self.entries if entry.kind in _GUESSED)

    @property
    def is_lossless(self) -> bool:
        """Whether nothing was lost and nothing guessed."""
        return not self.lost and not self.guessed

    def of(self, *kinds: LossKind) -> tuple[Loss, ...]:
        """The entries of some kinds."""
        return tuple(entry for entry in self.entries if entry.kind in kinds)

    def joined(self, more: Iterable[Loss]) -> LossReport:
        """This report with further entries."""
        return LossReport((*self.entries, *more))
