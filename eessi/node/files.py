"""Attachments in the store: each sealed with its name and flags, bound to its document or message and its place.

Small content stands in the row of its name. Large content follows in rows of its own, piece by piece: it is never in memory
as a whole, neither when it is sealed nor when it is opened.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import ClassVar, TypeVar

import attrs
from pydantic import BaseModel, ConfigDict

from eessi.errors import StoreError
from eessi.node.vault import Vault
from eessi.octets import LARGE, PIECE, Bulk, Octets
from eessi.sed import Attachment
from eessi.transport import Part

__all__ = ["Row", "open_attachments", "open_parts", "seal_attachments", "seal_parts"]

Row = Callable[[int], bytes | None]
"""Gives a sealed row by its number, counted from 1; ``None`` behind the last."""


class _Label(BaseModel):
    """:param spread: size of large content and of its pieces, in bytes."""

    model_config = ConfigDict(extra="forbid", frozen=True, from_attributes=True)
    kind: ClassVar[str]
    spread: tuple[int, int] | None = None

    @classmethod
    def place(cls, about: str, no: int) -> str:
        """What a sealed row is bound to."""
        return f"{about}\x00{cls.kind}\x00{no}"


class _AttachmentLabel(_Label):
    kind = "attachment"
    identifier: str
    file_name: str
    media_type: str
    medical: bool
    section: str | None


class _PartLabel(_Label):
    kind = "part"
    id: str
    mime_type: str
    properties: Mapping[str, str]


_L = TypeVar("_L", bound=_Label)


def seal_attachments(vault: Vault, attachments: Iterable[Attachment], about: str) -> Iterator[bytes]:
    """The rows for the attachments of the document that ``about`` names."""
    return _sealed(vault, ((_AttachmentLabel.model_validate(one), one.content) for one in attachments), about)


def open_attachments(vault: Vault, row: Row, about: str) -> tuple[Attachment, ...]:
    """What :func:`seal_attachments` made for the same document; large content is read when it is asked for.

    :raises SecurityError: when they were made for another one, or changed.
    """
    opened = _opened(vault, row, about, _AttachmentLabel)
    return tuple(Attachment(content=content, **label.model_dump(exclude={"spread"})) for label, content in opened)


def seal_parts(vault: Vault, parts: Iterable[Part], about: str) -> Iterator[bytes]:
    """The rows for the parts beside the message that ``about`` names."""
    return _sealed(vault, ((_PartLabel.model_validate(one), one.content) for one in parts), about)


def open_parts(vault: Vault, row: Row, about: str) -> tuple[Part, ...]:
    """What :func:`seal_parts` made for the same message; large content is read when it is asked for.

    :raises SecurityError: when they were made for another one, or changed.
    """
    opened = _opened(vault, row, about, _PartLabel)
    return tuple(Part(data=content, **label.model_dump(exclude={"spread"})) for label, content in opened)


def _sealed(vault: Vault, labelled: Iterable[tuple[_Label, Octets]], about: str) -> Iterator[bytes]:
    """Each label on a line of its own, then the content; JSON holds no line break."""
    no = 0
    for label, content in labelled:
        no += 1
        large = isinstance(content, Bulk) and len(content) >= LARGE
        said = label.model_copy(update={"spread": (len(content), PIECE)}) if large else label
        head = said.model_dump_json(exclude_defaults=True).encode() + b"\n"
        yield vault.seal(head if large else head + bytes(content), label.place(about, no))
        for at in range(0, len(content), PIECE) if large else ():
            no += 1
            yield vault.seal(content[at : at + PIECE], label.place(about, no))


def _opened(vault: Vault, row: Row, about: str, kind: type[_L]) -> Iterator[tuple[_L, Octets]]:
    no = 1
    while (body := row(no)) is not None:
        head, _, content = vault.open(body, kind.place(about, no)).partition(b"\n")
        label = kind.model_validate_json(head)
        no += 1
        if label.spread is None:
            yield label, content
            continue
        size, piece = label.spread
        yield label, Bulk(_Pieces(vault, row, about, kind, no, piece), 0, size)
        no += -(-size // piece)


@attrs.frozen(slots=True, eq=False)
class _Pieces:
    """Content in rows, from number ``first`` on; each is opened when it is read."""

    vault: Vault
    row: Row
    about: str
    kind: type[_Label]
    first: int
    piece: int

    def read(self, at: int, size: int) -> bytes:
        no = self.first + at // self.piece
        body = self.row(no)
        if body is None:
            raise StoreError("a stored file is not complete; its case may have been erased while it was read")
        start = at % self.piece
        return self.vault.open(body, self.kind.place(self.about, no))[start : start + size]
