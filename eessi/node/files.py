"""Attachments in the store: each sealed with its name and flags, bound to its document or message and its place."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import ClassVar, TypeVar

from pydantic import BaseModel, ConfigDict

from eessi.node.vault import Vault
from eessi.sed import Attachment
from eessi.transport import Part

__all__ = ["open_attachments", "open_parts", "seal_attachments", "seal_parts"]


class _Label(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, from_attributes=True)
    kind: ClassVar[str]

    @classmethod
    def place(cls, about: str, no: int) -> str:
        """What a sealed content is bound to."""
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
    """The attachments of the document that ``about`` names, sealed."""
    return _sealed(vault, ((_AttachmentLabel.model_validate(one), one.content) for one in attachments), about)


def open_attachments(vault: Vault, sealed: Iterable[bytes], about: str) -> tuple[Attachment, ...]:
    """What :func:`seal_attachments` made for the same document.

    :raises SecurityError: when they were made for another one, or changed.
    """
    opened = _opened(vault, sealed, about, _AttachmentLabel)
    return tuple(Attachment(content=content, **label.model_dump()) for label, content in opened)


def seal_parts(vault: Vault, parts: Iterable[Part], about: str) -> Iterator[bytes]:
    """The parts beside the message that ``about`` names, sealed."""
    return _sealed(vault, ((_PartLabel.model_validate(one), one.data) for one in parts), about)


def open_parts(vault: Vault, sealed: Iterable[bytes], about: str) -> tuple[Part, ...]:
    """What :func:`seal_parts` made for the same message.

    :raises SecurityError: when they were made for another one, or changed.
    """
    return tuple(
        Part(data=content, **label.model_dump()) for label, content in _opened(vault, sealed, about, _PartLabel)
    )


def _sealed(vault: Vault, labelled: Iterable[tuple[_Label, bytes]], about: str) -> Iterator[bytes]:
    """Each label on a line of its own, then the content; JSON holds no line break."""
    for no, (label, content) in enumerate(labelled, 1):
        yield vault.seal(label.model_dump_json().encode() + b"\n" + content, label.place(about, no))


def _opened(vault: Vault, sealed: Iterable[bytes], about: str, kind: type[_L]) -> Iterator[tuple[_L, bytes]]:
    for no, body in enumerate(sealed, 1):
        label, _, content = vault.open(body, kind.place(about, no)).partition(b"\n")
        yield kind.model_validate_json(label), content
