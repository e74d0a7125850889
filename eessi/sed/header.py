"""The header of a message (SBDH) as a frozen value, whatever form it was written in.

Read by name in any order, unknown parts kept. Forms to write are data (``data/headers.toml``): a later form is a new
list of rows, not new code. Sources: CDM wire facts, sections 8 and 10.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import TypeVar

import attrs

from eessi.errors import EessiError
from eessi.ids import Action, BucId, CaseId, CdmVersion, InstitutionId, Role, SedType

__all__ = ["AUTHORITY", "AttachmentEntry", "Header", "Kept", "Party", "normal_id", "same_id"]

AUTHORITY = "urn:eu:europa:ec:dgempl:eessi:ir"

_T = TypeVar("_T")


def normal_id(text: str) -> str:
    """An id for comparing: a UUID with or without hyphens, in any letter case, becomes 32 small hexadecimal digits."""
    bare = text.strip().replace("-", "").lower()
    return bare if len(bare) == 32 and bare.isalnum() else text.strip()


def same_id(one: str | None, other: str | None) -> bool:
    """Whether two ids are the same, however they are written; ``None`` equals nothing."""
    return one is not None and other is not None and normal_id(one) == normal_id(other)


@attrs.frozen(slots=True)
class Party:
    """Sender or receiver: institution id as written, role, and the authority that gave the id."""

    id: str
    role: Role | None = None
    authority: str | None = AUTHORITY

    @property
    def institution(self) -> InstitutionId:
        """The id as an institution id.

        :raises UsageError: when it has not the form ``CC:LOCAL``.
        """
        return InstitutionId(self.id)


@attrs.frozen(slots=True)
class AttachmentEntry:
    """What a header says about one attachment; the content travels beside the message."""

    identifier: str
    file_name: str
    media_type: str | None = None
    medical: bool | None = None
    section: str | None = None


@attrs.frozen(slots=True)
class Kept:
    """A part of a header that has no field here: where it stood and its text. Nothing is dropped."""

    path: str
    text: str


@attrs.frozen(slots=True, kw_only=True)
class Header:
    """Who sends which document of which case to whom.

    :param instance_id: this message, new each time. :param set_id: the document over all its versions.
    :param sed_version: version of the document's type; ``type_version`` of header 1.0, where both differ, is kept apart.
    :param created: time of creation as written; :attr:`created_at` reads it.
    :param protected: whether the case concerns a protected person; ``None`` where the header does not say.
    :param kept: parts without a field: unknown elements, and values that are not of their field's form.
    """

    sender: Party
    receivers: tuple[Party, ...]
    sed: SedType | None = None
    sed_version: CdmVersion | None = None
    buc: BucId | None = None
    buc_version: CdmVersion | None = None
    action: Action | None = None
    case_id: CaseId | None = None
    instance_id: str | None = None
    set_id: str | None = None
    related_set_id: str | None = None
    document_version: int | None = None
    created: str | None = None
    protected: bool | None = None
    attachments: tuple[AttachmentEntry, ...] = ()
    header_version: str = "1.1"
    type_version: CdmVersion | None = None
    schema_location: str | None = None
    kept: tuple[Kept, ...] = ()

    @property
    def receiver(self) -> Party | None:
        """The first receiver, the only one of most messages."""
        return self.receivers[0] if self.receivers else None

    @property
    def created_at(self) -> dt.datetime | None:
        """Time of creation; ``None`` where it is missing or not a date and time."""
        return moment(self.created)

    @property
    def transaction(self) -> str | None:
        """Name of the transaction schema, ``SYNC_SUC_01-4.2-DataSource-DataDestination-Start-SYN001-4.2.xsd``.

        ``None`` where a part is missing, and for header 1.0, whose versions are counted otherwise.
        """
        to = self.receiver.role if self.receiver else None
        parts = (self.buc, self.buc_version, self.sender.role, to, self.action, self.sed, self.sed_version)
        known = self.header_version != "1.0" and None not in parts
        return "-".join(str(part) for part in parts) + ".xsd" if known else None


def moment(text: str | None) -> dt.datetime | None:
    """Read an XML date and time; ``None`` where it is none."""
    if not text:
        return None
    try:
        return dt.datetime.fromisoformat(text.strip())
    except ValueError:
        return None


def word(make: Callable[[str], _T], text: str | None, path: str, kept: list[Kept]) -> _T | None:
    """Turn text into a word of the field; text that is not one is kept under its path."""
    if not text:
        return None
    try:
        return make(text)
    except (EessiError, ValueError):
        kept.append(Kept(path, text))
        return None
