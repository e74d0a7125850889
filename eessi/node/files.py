"""Attachments in the store: each sealed with its name and flags, bound to its document or message and its place."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from pydantic import BaseModel, ConfigDict

from eessi.node.vault import Vault
from eessi.sed import Attachment
from eessi.transport import Part

__all__ = ["open_attachments", "open_parts", "seal_attachments", "seal_parts"]


class _Label(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _AttachmentLabel(_Label):
    identifier: str
    file_name: str
    media_type: str
    medical: bool
    section: str | None


class _PartLabel(_Label):
    id: str
    mime_type: str
    properties: Mapping[str, str]


def seal_attachments(vault: Vault, attachments: Iterable[Attachment], about: str) -> Iterator[bytes]:
    """The attachments of the document that ``about`` names, sealed."""
    for no, one in enumerate(attachments, 1):
        label = _AttachmentLabel(
            identifier=one.identifier,
            file_name=one.file_name,
            media_type=one.media_type,
            medical=one.medical,
            section=one.section,
        )
        yield vault.seal(_joined(label, one.content), _place(about, "attachment", no))


def open_attachments(vault: Vault, sealed: Iterable[bytes], about: str) -> tuple[Attachment, ...]:
    """What :func:`seal_attachments` made for the same document.

    :raises SecurityError: when they were made for another one, or changed.
    """
    found = []
    for no, body in enumerate(sealed, 1):
        label, content = _apart(vault.open(body, _place(about, "attachment", no)))
        found.append(Attachment(content=content, **_AttachmentLabel.model_validate_json(label).model_dump()))
    return tuple(found)


def seal_parts(vault: Vault, parts: Iterable[Part], about: str) -> Iterator[bytes]:
    """The parts beside the message that ``about`` names, sealed."""
    for no, one in enumerate(parts, 1):
        label = _PartLabel(id=one.id, mime_type=one.mime_type, properties=one.properties)
        yield vault.seal(_joined(label, one.data), _place(about, "part", no))


def open_parts(vault: Vault, sealed: Iterable[bytes], about: str) -> tuple[Part, ...]:
    """What :func:`seal_parts` made for the same message.

    :raises SecurityError: when they were made for another one, or changed.
    """
    found = []
    for no, body in enumerate(sealed, 1):
        label, content = _apart(vault.open(body, _place(about, "part", no)))
        found.append(Part(data=content, **_PartLabel.model_validate_json(label).model_dump()))
    return tuple(found)


def _place(about: str, kind: str, no: int) -> str:
    return f"{about}\x00{kind}\x00{no}"


def _joined(label: _Label, content: bytes) -> bytes:
    """The label on a line of its own, then the content; JSON holds no line break."""
    return label.model_dump_json().encode() + b"\n" + content


def _apart(data: bytes) -> tuple[bytes, bytes]:
    label, _, content = data.partition(b"\n")
    return label, content
