"""What a document of ours is in its case, before it is sent: its event, its version, whom it goes to, what goes beside it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Sequence

import attrs

from eessi.buc import Case, Event
from eessi.errors import EessiError, NotAllowed, UsageError
from eessi.findings import Verdict
from eessi.ids import Action, CaseId, InstitutionId
from eessi.node.intake import Content
from eessi.sed import Attachment, Header, Party, Sed
from eessi.transport import Part

__all__ = ["DocumentRefused", "Draft", "Sent", "addressees", "headers", "part_of", "same_version", "sending_event"]


class DocumentRefused(EessiError):
    """A document of ours is invalid and was not sent; ``verdict`` says why."""

    exit_code = 1

    def __init__(self, verdict: Verdict) -> None:
        self.verdict = verdict
        first = verdict.errors[0]
        more = f" (and {len(verdict.errors) - 1} more)" if len(verdict.errors) > 1 else ""
        super().__init__(f"{verdict.sed} is invalid and was not sent: {first.path or ''}: {first.message()}{more}")


@attrs.frozen(slots=True)
class Sent:
    """A document on its way: stored, to be sent, never lost."""

    case_id: CaseId
    document_id: str
    version: int
    message_ids: tuple[str, ...]
    verdict: Verdict


@attrs.frozen(slots=True)
class Draft:
    """What is to be sent, whatever the case is like when it is."""

    sed: Sed
    verdict: Verdict
    said: Content
    document_id: str
    parent_id: str | None
    receivers: Sequence[str] | None
    attachments: tuple[Attachment, ...]
    protected: bool


def same_version(case: Case, sed: Sed) -> None:
    """A SED is sent in the version of its case; those of the sandbox have no such tie.

    :raises NotAllowed: when it is of another version.
    """
    if not sed.is_sandbox and not sed.version.same_minor(case.version):
        raise NotAllowed(
            f"the case runs under CDM {case.version} and this {sed.type} is of CDM {sed.version}; a SED uses the "
            "version of its case",
            rule="NODE-VERSION",
        )


def sending_event(
    case: Case,
    sed: Sed,
    document_id: str,
    parent_id: str | None,
    receivers: Sequence[str] | None,
    said: Content,
    attachments: int,
    now: dt.datetime,
) -> Event:
    """The event that sending this document is: a new one, or the next version of one that was sent."""
    known = case.documents.get(document_id)
    return Event(
        "sent",
        sed=sed.type,
        document_id=document_id,
        parent_id=parent_id,
        version=1 if known is None or known.status == "new" else known.version + 1,
        at=now,
        receivers=None if receivers is None else tuple(InstitutionId(one) for one in receivers),
        facts=said.facts,
        participant=None if said.participant is None else InstitutionId(said.participant),
        replaces=None if said.replaces is None else InstitutionId(said.replaces),
        attachments=attachments,
    )


def addressees(before: Case, after: Case, event: Event, me: InstitutionId) -> Iterator[tuple[Party, Action]]:
    """One party per message, with what the message does at its end: each has its own id, all carry the same document.

    :raises UsageError: when nobody is left.
    """
    people = {p.institution: p for case in (before, after) for p in case.participants if p.active and p.institution}
    wanted = event.receivers or tuple(one for one in people if one != me)
    if not wanted:
        raise UsageError("nobody is left in this case to send to")
    action = Action.START if not before.history else Action.UPDATE if event.version > 1 else Action.NEW
    for receiver in wanted:
        other = people.get(receiver)
        yield Party(str(receiver), other.role if other else after.role.opposite), action


def part_of(attachment: Attachment) -> Part:
    """The part that carries an attachment, with what the receiver must know about it.

    The properties are named as in the header's JSON form: its XML form has no known place for them.
    """
    properties = {"fileName": attachment.file_name, "isMedical": str(attachment.medical).lower()}
    if attachment.section is not None:
        properties["sectionReference"] = attachment.section
    return Part(attachment.identifier, attachment.content, attachment.media_type, properties)


def headers(
    before: Case,
    after: Case,
    draft: Draft,
    done: Event,
    me: InstitutionId,
    new_id: Callable[[], str],
    now: dt.datetime,
    header_version: str,
) -> Iterator[Header]:
    """One header per addressee."""
    for party, action in addressees(before, after, done, me):
        yield Header(
            sender=Party(str(me), after.role),
            receivers=(party,),
            sed=draft.sed.type,
            sed_version=draft.sed.version,
            buc=after.buc.code,
            buc_version=after.version,
            action=action,
            case_id=after.id,
            instance_id=new_id(),
            set_id=done.document_id,
            document_version=done.version,
            created=now.isoformat(timespec="seconds"),
            protected=draft.protected or None,
            header_version=header_version,
        )
