"""What happens in a case, and the documents that come of it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

import attrs

from eessi.errors import UsageError
from eessi.ids import InstitutionId, Role, SedType

__all__ = ["DOCUMENT_KINDS", "KINDS", "Document", "Event", "Participant"]

DOCUMENT_KINDS: Final = ("drafted", "draft_deleted", "sent", "received")
CASE_KINDS: Final = ("closed", "reopened", "archived", "restored", "deleted")
KINDS: Final = (*DOCUMENT_KINDS, *CASE_KINDS, "noted")
"""``closed`` and ``reopened`` are local, without a SED; ``noted`` adds facts about a document that is there already."""


def _institution(value: str | None) -> InstitutionId | None:
    return None if value is None else InstitutionId(value)


def _institutions(values: Iterable[str] | str | None) -> tuple[InstitutionId, ...] | None:
    if values is None:
        return None
    return tuple(InstitutionId(value) for value in ([values] if isinstance(values, str) else values))


def _kind(value: str) -> str:
    if value not in KINDS:
        raise UsageError(f"no event is called {value!r}; it is one of {', '.join(KINDS)}")
    return value


def _sed(value: str | None) -> SedType | None:
    return value if value is None or type(value) is SedType else SedType(value)


@attrs.frozen(slots=True)
class Event:
    """One thing that happened, seen from our side.

    :param kind: one of :data:`KINDS`.
    :param sed: type of the document; may be left out when ``document_id`` is known already.
    :param document_id: id of the document; made from type and number when left out.
    :param parent_id: id of the document that this one answers or concerns (X008, X011, X012: their target).
        May be left out where only one document fits.
    :param version: number of the version of the document, from 1; a higher one than before is an update.
    :param at: moment of sending or receiving; needed where the process has a waiting time.
    :param sender: institution that sent a received document; may be left out where there is only one other.
    :param receivers: institutions it was sent to; everybody in the case when left out.
    :param facts: what the content of documents tells, ``{"R005.final": True}``; see ``conditions.toml``.
    :param participant: institution that X005 adds, X006 removes, X007 or X100 puts in another's place.
    :param replaces: institution that X100 takes out; the sender when left out.
    :param attachments: number of attachments.
    :param parts: number of sub-documents of a bulk document.
    """

    kind: str = attrs.field(converter=_kind)
    sed: SedType | None = attrs.field(default=None, converter=_sed)
    document_id: str | None = None
    parent_id: str | None = None
    version: int = attrs.field(default=1, validator=attrs.validators.ge(1))
    at: dt.datetime | None = None
    sender: InstitutionId | None = attrs.field(default=None, converter=_institution)
    receivers: tuple[InstitutionId, ...] | None = attrs.field(default=None, converter=_institutions)
    facts: Mapping[str, bool] = attrs.field(factory=dict, hash=False)
    participant: InstitutionId | None = attrs.field(default=None, converter=_institution)
    replaces: InstitutionId | None = attrs.field(default=None, converter=_institution)
    attachments: int = 0
    parts: int = 0

    def __attrs_post_init__(self) -> None:
        if self.kind in DOCUMENT_KINDS and self.sed is None and self.document_id is None:
            raise UsageError(f"the event {self.kind!r} needs a SED or the id of a document")


@attrs.frozen(slots=True)
class Participant:
    """An institution in a case. ``institution`` is ``None`` while nobody has named it.

    :param active: false once it was removed.
    :param former: institutions that had this part before; their messages may have crossed the change.
    """

    key: str
    role: Role
    institution: InstitutionId | None = None
    active: bool = True
    former: tuple[InstitutionId, ...] = ()


class Document(NamedTuple):
    """A document of the case. A named tuple, since every event makes one.

    :param status: ``new`` (a draft), ``sent``, ``received`` or ``cancelled``.
    :param author: key of the participant that wrote it.
    :param starter: whether it opened the case.
    :param slot: the offer that it used, as a key of the side of its author.
    """

    id: str
    sed: SedType
    status: str
    author: str
    mine: bool
    version: int
    parent_id: str | None
    at: dt.datetime | None
    starter: bool
    slot: str | None
    facts: Mapping[str, bool]
    receivers: tuple[str, ...] = ()

    @property
    def direction(self) -> str:
        """``OUT`` for our own, ``IN`` for a received one, as RINA writes it."""
        return "OUT" if self.mine else "IN"

    @property
    def is_valid(self) -> bool:
        """Sent or received, and not invalidated since."""
        return self.status in ("sent", "received")
