"""What commands and other programs are told, as JSON documents with a published schema."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from eessi.directory.change import Change
from eessi.directory.codec import to_plain
from eessi.directory.control import Arrival, Proposal, notice
from eessi.directory.directory import Directory
from eessi.directory.look_up import Found, Match, Route
from eessi.directory.reasons import LeftOut
from eessi.directory.records import Institution
from eessi.directory.store import Copy, Loaded, Version
from eessi.errors import NotAllowed
from eessi.findings import Finding

__all__ = [
    "ChangeRow",
    "DiffDocument",
    "FindDocument",
    "HistoryDocument",
    "ImportDocument",
    "LintDocument",
    "ProposalsDocument",
    "ShowDocument",
    "change_rows",
    "diff_document",
    "find_document",
    "history_document",
    "import_document",
    "lint_document",
    "proposals_document",
    "show_document",
]


class _Row(BaseModel):
    model_config = ConfigDict(frozen=True, populate_by_name=True)


class _Document(_Row):
    schema_version: Literal[1] = 1


class FindingRow(_Row):
    """A defect of a record; ``path`` is its institution or part."""

    id: str
    severity: str
    path: str | None
    message: str
    hint: str | None
    count: int = 1


class MatchRow(_Row):
    """An institution that may be addressed, and how."""

    institution: str
    name: str
    short_name: str | None
    country: str
    since: dt.date | None
    until: dt.date | None
    access_point: str | None
    endpoint: str | None
    channel: str | None
    score: float
    warnings: list[str]


class LeftOutRow(_Row):
    """An institution that may not, and why."""

    institution: str
    reason: str
    text: str
    day: dt.date | None


class FindDocument(_Document):
    """Output of ``eessi directory find``."""

    matches: list[MatchRow]
    left_out: list[LeftOutRow]
    hints: list[str]


class ChangeRow(_Row):
    """One change; ``class`` is substantial, technical or editorial."""

    id: str
    change_class: str = Field(alias="class")
    institution: str | None
    what: str
    old: str | bool | list[str] | None
    new: str | bool | list[str] | None


class DiffDocument(_Document):
    """Output of ``eessi directory diff``, and the preview of ``eessi directory propose``."""

    changes: list[ChangeRow]
    summary: dict[str, int]
    notices: list[FindingRow] = []


class CopyRow(_Row):
    """A copy that was loaded."""

    seq: int
    version: str | None
    created: dt.datetime | None
    loaded_at: dt.datetime
    loaded_by: str
    environment: str | None
    institutions: int
    origin: str
    signature: str


class ArrivalRow(_Row):
    """An approved change held against the new copy."""

    proposal: int
    id: str
    state: str
    found: str | None


class ImportDocument(_Document):
    """Output of ``eessi directory import``."""

    copy_: CopyRow = Field(alias="copy")
    changed: bool
    findings: list[FindingRow]
    reconciliation: list[ArrivalRow]
    summary: dict[str, int]


class LintDocument(_Document):
    """Output of ``eessi directory lint``."""

    findings: list[FindingRow]
    summary: dict[str, int]


class RouteRow(_Row):
    """How an institution is reached."""

    access_point: str | None
    endpoint: str | None
    channel: str | None
    until: dt.date | None
    certificates: list[dict[str, str | None]]


class ShowDocument(_Document):
    """Output of ``eessi directory show``."""

    institution: dict[str, object]
    kept: bool
    route: RouteRow | None
    no_route: str | None
    predecessors: list[str]
    successors: list[str]


class VersionRow(_Row):
    """An institution as it stood from one copy to another."""

    first: int
    last: int
    from_day: dt.date
    to_day: dt.date
    state: Literal["listed", "kept", "absent"]
    changes: list[ChangeRow]


class HistoryDocument(_Document):
    """Output of ``eessi directory history``."""

    institution: str | None = None
    versions: list[VersionRow] = []
    copies: list[CopyRow] = []
    events: list[dict[str, object]] = []


class ProposalRow(_Row):
    """A proposal and where it stands."""

    no: int
    state: str
    by: str
    at: dt.datetime
    reason: str
    decided_by: str | None
    decided_at: dt.datetime | None
    same_account: bool
    changes: list[ChangeRow]
    notices: list[FindingRow]


class ProposalsDocument(_Document):
    """Output of ``eessi directory approve`` and of ``propose`` once a proposal is made."""

    proposals: list[ProposalRow]


def finding_rows(findings: Iterable[Finding], lang: str = "en") -> list[FindingRow]:
    """Findings as rows, texts in a language."""
    return [
        FindingRow(
            id=each.id,
            severity=each.severity.value,
            path=each.path,
            message=each.message(lang),
            hint=each.hint(lang),
            count=int(each.params.get("count", "1")),
        )
        for each in findings
    ]


def match_row(match: Match) -> MatchRow:
    """A match as a row."""
    each, route, period = match.institution, match.route, match.competence.period
    return MatchRow(
        institution=each.id,
        name=each.name(),
        short_name=each.short_name,
        country=each.country,
        since=None if period.start == dt.date.min else period.start,
        until=period.end,
        access_point=route.access_point.id if route.access_point else None,
        endpoint=route.endpoint.channel if route.endpoint else None,
        channel=route.channel.channel if route.channel else None,
        score=match.score,
        warnings=list(match.warnings),
    )


def left_out_row(out: LeftOut) -> LeftOutRow:
    """An institution left out as a row."""
    return LeftOutRow(institution=out.institution.id, reason=out.reason.value, text=out.text, day=out.day)


def find_document(found: Found) -> FindDocument:
    """An answer of the directory as a document; nothing is cut off."""
    return FindDocument(
        matches=[match_row(each) for each in found.matches],
        left_out=[left_out_row(each) for each in found.left_out],
        hints=list(found.hints),
    )


def change_row(change: Change) -> ChangeRow:
    """A change as a row."""
    words = change.as_words()
    new = words.get("new", words.get("end", words.get("valid_to")))
    if change.kind == "access_point_link_moved":
        new = words["new"]
    id = words.get("id")
    return ChangeRow.model_validate(
        {
            "id": change.id,
            "class": change.change_class.value,
            "institution": id if isinstance(id, str) else None,
            "what": change.kind,
            "old": words.get("old"),
            "new": new,
        }
    )


def change_rows(changes: Iterable[Change]) -> list[ChangeRow]:
    """Changes as rows."""
    return [change_row(change) for change in changes]


def diff_document(changes: Sequence[Change], notices: Iterable[Finding] = (), lang: str = "en") -> DiffDocument:
    """Changes as a document, counted by class."""
    counts = Counter(change.change_class.value for change in changes)
    summary = {name: counts[name] for name in ("substantial", "technical", "editorial")}
    return DiffDocument(changes=change_rows(changes), summary=summary, notices=finding_rows(notices, lang))


def copy_row(copy: Copy) -> CopyRow:
    """A copy as a row."""
    return CopyRow(
        seq=copy.seq,
        version=copy.version,
        created=copy.created,
        loaded_at=copy.loaded_at,
        loaded_by=copy.loaded_by,
        environment=copy.environment.value if copy.environment else None,
        institutions=copy.institutions,
        origin=copy.origin,
        signature=copy.signature.text,
    )


def import_document(loaded: Loaded, arrivals: Iterable[Arrival], lang: str = "en") -> ImportDocument:
    """The result of a load as a document."""
    rows = [
        ArrivalRow(proposal=each.proposal, id=each.change.id, state=each.state.value, found=each.found)
        for each in arrivals
    ]
    return ImportDocument.model_validate(
        {
            "copy": copy_row(loaded.copy),
            "changed": loaded.changed,
            "findings": finding_rows(loaded.findings, lang),
            "reconciliation": rows,
            "summary": _severities(loaded.findings),
        }
    )


def lint_document(findings: Sequence[Finding], lang: str = "en") -> LintDocument:
    """Findings as a document, counted by severity."""
    return LintDocument(findings=finding_rows(findings, lang), summary=_severities(findings))


def _severities(findings: Iterable[Finding]) -> dict[str, int]:
    counts = Counter(each.severity.value for each in findings)
    return {name: counts[name] for name in ("error", "warning", "info")}


def show_document(directory: Directory, institution: Institution, on: dt.date) -> ShowDocument:
    """One institution with its route on a day, and who came before and after it."""
    route, why = None, None
    try:
        route = _route_row(directory.route(institution, on))
    except NotAllowed as error:
        why = str(error)
    return ShowDocument(
        institution=to_plain(institution),
        kept=institution.id in directory.kept,
        route=route,
        no_route=why,
        predecessors=list(directory.predecessors(institution.id)),
        successors=list(directory.successors(institution.id)),
    )


def _route_row(route: Route) -> RouteRow:
    return RouteRow(
        access_point=route.access_point.id if route.access_point else None,
        endpoint=route.endpoint.channel if route.endpoint else None,
        channel=route.channel.channel if route.channel else None,
        until=route.until,
        certificates=[{"thumbprint": each.thumbprint, "pin": each.pin} for each in route.certificates],
    )


def history_document(id: str, versions: Sequence[Version]) -> HistoryDocument:
    """How an institution stood in the copies, each version with what changed from the one before."""
    from eessi.directory.difference import Content, compare

    rows = []
    before: Institution | None = None
    for each in versions:
        now = each.institution
        old, new = (Content({one.id: one} if one else {}, {}, {}) for one in (before, now))
        state: Literal["listed", "kept", "absent"] = "absent" if now is None else "kept" if each.is_kept else "listed"
        changes = compare(old, new)
        rows.append(
            VersionRow(
                first=each.first.seq,
                last=each.last.seq,
                from_day=each.first.day,
                to_day=each.last.day,
                state=state,
                changes=change_rows(changes),
            )
        )
        before = now
    return HistoryDocument(institution=id, versions=rows)


def proposals_document(proposals: Iterable[Proposal], on: dt.date, lang: str = "en") -> ProposalsDocument:
    """Proposals as a document, with the warnings about their notice."""
    return ProposalsDocument(
        proposals=[
            ProposalRow(
                no=each.no,
                state=each.state.value,
                by=each.by,
                at=each.at,
                reason=each.reason,
                decided_by=each.decided_by,
                decided_at=each.decided_at,
                same_account=each.same_account,
                changes=change_rows(each.changes),
                notices=finding_rows(notice(each.changes, on), lang),
            )
            for each in proposals
        ]
    )
