"""Changes under control: proposed by one person, approved by another, logged with every refused attempt.

Annex 4 of Regulation 987/2009 asks that every addition, change and removal be logged and that users be authorised before
each change. An approved change is keyed into the Commission's screens by hand (no upload is public), so it leaves as a
keying sheet, and the next full copy is held against it: arrived, differs, missing. The European copy itself is never
edited here.
"""

from __future__ import annotations

import calendar
import datetime as dt
import enum
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, cast

import attrs

from eessi.directory.change import Change, ChangeClass
from eessi.directory.codec import from_plain, to_plain
from eessi.directory.difference import Content, apply_changes, compare
from eessi.directory.directory import Directory
from eessi.directory.folding import Folding
from eessi.directory.national import FIELDS
from eessi.directory.records import AccessPoint, Institution
from eessi.directory.rights import Policy, Right, User, authorise
from eessi.directory.store import DirectoryStore
from eessi.directory.workbook import Edited
from eessi.errors import InputError, NotAllowed, UnknownCode, UsageError
from eessi.findings import Finding, Severity
from eessi.ids import InstitutionId, fold_country
from eessi.stores.directory_rows import DirectoryStorage, EventRow

__all__ = [
    "KEYING_COLUMNS",
    "Arrival",
    "ArrivalState",
    "ChangeControl",
    "Proposal",
    "ProposalState",
    "effective_day",
    "keying_rows",
    "notice",
    "one_month_after",
]


class ProposalState(enum.StrEnum):
    """Where a proposal stands."""

    PROPOSED = "proposed"
    APPROVED = "approved"
    REJECTED = "rejected"
    EXPORTED = "exported"
    ARRIVED = "arrived"


class ArrivalState(enum.StrEnum):
    """What a new copy shows of an approved change; what copies have no place for can only be looked up on the screens."""

    ARRIVED = "arrived"
    DIFFERS = "differs"
    MISSING = "missing"
    NOT_CARRIED = "not-carried"


@attrs.frozen(slots=True)
class Proposal:
    """A set of changes that belong together, with where it stands.

    ``old`` and ``new`` hold the touched records before and after. ``same_account`` says that the two persons acted from
    one account of the operating system, so that nothing but their word tells them apart.
    """

    no: int
    state: ProposalState
    by: str
    at: dt.datetime
    reason: str
    changes: tuple[Change, ...]
    old: Content
    new: Content
    decided_by: str | None = None
    decided_at: dt.datetime | None = None
    same_account: bool = False


@attrs.frozen(slots=True)
class Arrival:
    """One approved change held against a new copy; ``found`` is what the copy says instead, where it differs."""

    proposal: int
    change: Change
    state: ArrivalState
    found: str | None = None


class ChangeControl:
    """Proposals over a directory store.

    :param policy: who may do what.
    """

    def __init__(self, store: DirectoryStore, policy: Policy | None = None) -> None:
        self._store = store
        self._policy = policy or Policy()

    # --- proposing and deciding --------------------------------------------------------------------------------------

    def preview(self, edited: Content) -> tuple[Change, ...]:
        """What a proposal of this content would change in the copy in force."""
        return compare(self._store.directory().content, edited)

    def edit(self, sheets: Edited, folding: Folding) -> Content:
        """The copy in force as an edited workbook wants it.

        Where the workbook was exported from an earlier copy, only what was edited is carried over to the one in force.

        :raises InputError: when that copy is not here, or what was edited changed in a later copy as well.
        """
        now = self._store.directory()
        if sheets.version in (None, now.head.version):
            return sheets.content(folding, now.content)
        seqs = [copy.seq for copy in self._store.copies() if copy.version == sheets.version]
        if not seqs:
            text = (
                f"the sheet comes from version {sheets.version}, which is not among the copies kept here; export again"
            )
            raise InputError(text)
        then = self._store.directory(seq=seqs[-1]).content
        changes = compare(then, sheets.content(folding, then))
        moved = {change.subject for change in compare(then, now.content)}
        clash = sorted({change.subject for change in changes} & moved)
        if clash:
            text = f"{', '.join(clash[:5])} changed in a copy later than version {sheets.version}, from which the sheet comes"
            raise InputError(f"{text}; export again and repeat the edit")
        return apply_changes(now.content, changes)

    def propose(self, edited: Content, *, by: str | User | None, reason: str = "") -> Proposal:
        """Propose that the copy in force become ``edited``.

        :raises NotAllowed: when the user may not propose, or a body of another country is touched; that is logged.
        :raises UsageError: when nothing would change.
        """
        user = User.of(by)
        authorise(self._store, self._policy, user, Right.PROPOSE)
        base = self._store.directory()
        changes = compare(base.content, edited)
        if not changes:
            raise UsageError("nothing would change")
        foreign = self._foreign(changes, base.content, edited)
        if foreign:
            text = f"{', '.join(foreign[:5])} belongs to another country than {self._policy.country}"
            self._refuse(user, "proposal-refused", "other-country", text)
        old, new = _touched(base.content, edited)
        body: dict[str, object] = {
            "reason": reason,
            "changes": [change.as_words() for change in changes],
            "old": _content_to_plain(old),
            "new": _content_to_plain(new),
        }
        with self._store.begin() as rows:
            rows.lock()
            no = 1 + max((row.proposal or 0 for row in rows.events()), default=0)
            self._store.append(rows, user, "proposed", body, proposal=no)
        return self.get(no)

    def approve(self, no: int, *, by: str | User | None) -> Proposal:
        """Approve a proposal: by another person than the one who made it.

        What it says of functions and legal competence is in force here from now on; no copy carries it.

        :raises NotAllowed: when the user may not approve, made the proposal, it is decided already, or a copy loaded since
            changed what it touches; that is logged.
        """
        return self._decide(no, User.of(by), "approved")

    def reject(self, no: int, *, by: str | User | None, reason: str = "") -> Proposal:
        """Reject a proposal; its author may withdraw it this way.

        :raises NotAllowed: when the user may not, or it is decided already; that is logged.
        """
        return self._decide(no, User.of(by), "rejected", reason)

    def _decide(self, no: int, user: User, action: str, reason: str = "") -> Proposal:
        proposal = self.get(no)
        refused = f"{'approval' if action == 'approved' else 'rejection'}-refused"
        if not (action == "rejected" and user.name == proposal.by):
            authorise(self._store, self._policy, user, Right.APPROVE, action=refused, proposal=no)
        if action == "approved" and user.name == proposal.by:
            text = f"proposal {no} was made by {user.name}; another person has to approve it"
            self._refuse(user, refused, "four-eyes", text, no)
        problem = (
            self._outdated(proposal) if action == "approved" and proposal.state is ProposalState.PROPOSED else None
        )
        rule = "outdated"
        if problem is None:
            with self._store.begin() as rows:
                rows.lock()
                events = rows.events(no)
                state = _state(events)
                if state is ProposalState.PROPOSED:
                    body: dict[str, object] = {"reason": reason, "same_account": _account(events[0]) == user.account}
                    self._store.append(rows, user, action, body, proposal=no)
                    if action == "approved":
                        self._store.keep_national(rows, proposal.old.institutions, proposal.new.institutions)
                else:
                    rule, problem = "decided", f"proposal {no} is {state} already"
        if problem:
            self._refuse(user, refused, rule, problem, no)
        return self.get(no)

    def _outdated(self, proposal: Proposal) -> str | None:
        """What a copy loaded since has changed of the things a proposal touches."""
        now = self._store.directory().content
        ids = {*proposal.old.institutions, *proposal.new.institutions}
        points = {*proposal.old.access_points, *proposal.new.access_points}
        meant = {change.id for change in proposal.changes}
        drift = [
            change
            for change in compare(proposal.old, _part_of(now, ids, points))
            if change.id in meant or (change.kind.endswith(("_added", "_missing")) and change.subject in ids | points)
        ]
        if not drift:
            return None
        return f"the copy in force has moved on: {drift[0].text}; reject proposal {proposal.no} and propose again"

    def _refuse(self, user: User, action: str, rule: str, text: str, proposal: int | None = None) -> None:
        self._store.log(user, action, {"rule": rule, "reason": text}, proposal=proposal)
        raise NotAllowed(text, rule=rule)

    def _foreign(self, changes: Sequence[Change], old: Content, new: Content) -> list[str]:
        if self._policy.country is None:
            return []
        own = fold_country(self._policy.country)
        found = []
        for change in changes:
            id = change["id"]
            if isinstance(id, str):
                record = new.institutions.get(InstitutionId(id)) or old.institutions.get(InstitutionId(id))
                if own not in ({record.country, id[:2]} if record else {id[:2]}):
                    found.append(id)
            else:
                found.append(change.subject)
        return list(dict.fromkeys(found))

    # --- reading -----------------------------------------------------------------------------------------------------

    def get(self, no: int) -> Proposal:
        """A proposal by its number.

        :raises UnknownCode: when there is none.
        """
        with self._store.read() as rows:
            events = rows.events(no)
        if not any(row.action == "proposed" for row in events):
            raise UnknownCode("proposal", str(no))
        return _proposal(events)

    def proposals(self, *states: ProposalState) -> tuple[Proposal, ...]:
        """All proposals, or those in some states, oldest first."""
        with self._store.read() as rows:
            return _proposals(rows, states)

    def notice(self, proposal: Proposal, on: dt.date | None = None) -> tuple[Finding, ...]:
        """Warnings for substantial changes with less than a month's notice, counted from a day, today when absent."""
        return notice(proposal.changes, on or self._store.now().date())

    # --- keying and arriving -----------------------------------------------------------------------------------------

    def keying_sheet(self, *, by: str | User | None, nos: Iterable[int] | None = None) -> list[dict[str, str]]:
        """The rows to key into the Commission's screens, of the approved proposals; they count as exported then.

        :raises NotAllowed: when the user may not, or a named proposal is not approved; that is logged.
        """
        user = User.of(by)
        authorise(self._store, self._policy, user, Right.KEY)
        wanted = list(nos) if nos is not None else None
        chosen = self.proposals(ProposalState.APPROVED, ProposalState.EXPORTED)
        if wanted is None:
            chosen = tuple(each for each in chosen if each.state is ProposalState.APPROVED)
        else:
            known = {each.no for each in chosen}
            for no in wanted:
                if no not in known:
                    text = f"proposal {no} is not approved"
                    self._refuse(user, "export-refused", "not-approved", text, self.get(no).no)
            chosen = tuple(each for each in chosen if each.no in wanted)
        with self._store.begin() as rows:
            for each in chosen:
                self._store.append(rows, user, "exported", {}, proposal=each.no)
        return [row for each in chosen for row in keying_rows(each)]

    def reconcile(self, copy: Directory | None = None) -> tuple[Arrival, ...]:
        """Hold every approved change that has not arrived against a copy, the one in force when absent.

        A proposal all of whose changes arrived is closed.
        """
        directory = copy or self._store.directory()
        found: list[Arrival] = []
        for proposal in self.proposals(ProposalState.APPROVED, ProposalState.EXPORTED):
            arrivals = _arrivals(proposal, directory.content)
            found += arrivals
            if all(each.state in (ArrivalState.ARRIVED, ArrivalState.NOT_CARRIED) for each in arrivals):
                self._store.log(_RECONCILER, "arrived", {"version": directory.head.version}, proposal=proposal.no)
        return tuple(found)


_RECONCILER: Final = User("directory", "service")

# --- events and proposals --------------------------------------------------------------------------------------------

_MOVES: Final = {state.value: state for state in ProposalState}


def _state(events: Iterable[EventRow]) -> ProposalState:
    state = ProposalState.PROPOSED
    for row in events:
        state = _MOVES.get(row.action, state)
    return state


def _proposals(rows: DirectoryStorage, states: Sequence[ProposalState]) -> tuple[Proposal, ...]:
    by_no: dict[int, list[EventRow]] = {}
    for row in rows.events():
        if row.proposal is not None:
            by_no.setdefault(row.proposal, []).append(row)
    found = [_proposal(events) for _, events in sorted(by_no.items())]
    return tuple(each for each in found if not states or each.state in states)


def _proposal(events: Sequence[EventRow]) -> Proposal:
    first = next(row for row in events if row.action == "proposed")
    decided = next((row for row in events if row.action in ("approved", "rejected")), None)
    body = json.loads(first.body)
    old, new = _content_from_plain(body["old"]), _content_from_plain(body["new"])
    return Proposal(
        no=cast(int, first.proposal),
        state=_state(events),
        by=first.who,
        at=dt.datetime.fromisoformat(first.at),
        reason=body["reason"],
        changes=compare(old, new),
        old=old,
        new=new,
        decided_by=decided.who if decided else None,
        decided_at=dt.datetime.fromisoformat(decided.at) if decided else None,
        same_account=decided is not None and bool(json.loads(decided.body).get("same_account")),
    )


def _account(event: EventRow) -> object:
    return json.loads(event.body).get("identity", {}).get("account")


def _touched(old: Content, new: Content) -> tuple[Content, Content]:
    """The records that differ, on both sides."""
    institutions = [
        id for id in {*old.institutions, *new.institutions} if old.institutions.get(id) != new.institutions.get(id)
    ]
    points = [
        id for id in {*old.access_points, *new.access_points} if old.access_points.get(id) != new.access_points.get(id)
    ]

    return _part_of(old, institutions, points), _part_of(new, institutions, points)


def _part_of(content: Content, institutions: Iterable[InstitutionId], points: Iterable[InstitutionId]) -> Content:
    """The named records of a content, as far as it has them."""
    return Content(
        {id: content.institutions[id] for id in sorted(institutions) if id in content.institutions},
        {id: content.access_points[id] for id in sorted(points) if id in content.access_points},
        {},
    )


def _content_to_plain(content: Content) -> dict[str, list[dict[str, Any]]]:
    return {
        "institution": [to_plain(each) for each in content.institutions.values()],
        "access_point": [to_plain(each) for each in content.access_points.values()],
    }


def _content_from_plain(plain: Mapping[str, list[dict[str, Any]]]) -> Content:
    institutions = [cast(Institution, from_plain("institution", row)) for row in plain["institution"]]
    points = [cast(AccessPoint, from_plain("access_point", row)) for row in plain["access_point"]]
    return Content({each.id: each for each in institutions}, {each.id: each for each in points}, {})


# --- notice ----------------------------------------------------------------------------------------------------------


def one_month_after(day: dt.date) -> dt.date:
    """The same day of the next month, or its last day where that is shorter."""
    year, month = (day.year + 1, 1) if day.month == 12 else (day.year, day.month + 1)
    return dt.date(year, month, min(day.day, calendar.monthrange(year, month)[1]))


def effective_day(change: Change) -> dt.date | None:
    """The first day on which a change makes a difference; ``None`` when it does so at once."""
    days = [_as_day(change[word]) for word in ("end", "start", "new", "old")]
    if change.kind == "competence_added":
        days = [_as_day(change["start"])]
    elif change.kind == "institution_added":
        payload = change.payload
        days = [payload.period.start if isinstance(payload, Institution) else None]
    elif change.kind.endswith("_changed") or change.kind.endswith("_removed"):
        days = [min((day for day in days if day is not None), default=None)]
    return next((day for day in days if day is not None), None)


def _as_day(word: object) -> dt.date | None:
    try:
        return dt.date.fromisoformat(word) if isinstance(word, str) else None
    except ValueError:
        return None


def notice(changes: Iterable[Change], on: dt.date) -> tuple[Finding, ...]:
    """A warning for each substantial change that takes effect less than one calendar month after ``on``.

    Source: Decision E2 (2010); whether Decision E8 keeps the month was not found.
    """
    least = one_month_after(on)
    found = []
    for change in changes:
        day = effective_day(change) or on
        if change.change_class is ChangeClass.SUBSTANTIAL and day < least:
            days = max((day - on).days, 0)
            given = f"{days} day{'' if days == 1 else 's'}"
            found.append(
                Finding("DIR-NOTICE", Severity.WARNING, path=change.id, got=given, expected=(least.isoformat(),))
            )
    return tuple(found)


# --- keying sheet and reconciliation ---------------------------------------------------------------------------------

KEYING_COLUMNS: Final = (
    "proposal", "country", "institution", "action", "what", "old", "new", "effective", "proposed by", "approved by", "done",
)  # fmt: skip
"""Columns of a keying sheet; ``done`` is left for the person who keys."""


def keying_rows(proposal: Proposal) -> list[dict[str, str]]:
    """One row per value to key, in the order of the changes."""
    rows = []
    for change in proposal.changes:
        words = change.as_words()
        old = words.pop("old", "")
        new = words.pop("new", words.pop("end", ""))
        about = [str(value) for name, value in words.items() if name not in ("kind", "id") and value is not None]
        base = {
            "proposal": str(proposal.no),
            "country": change.subject[:2],
            "institution": change.subject,
            "action": change.kind,
            "effective": str(effective_day(change) or "at once"),
            "proposed by": proposal.by,
            "approved by": proposal.decided_by or "",
            "done": "",
        }
        if change.kind == "institution_added" and isinstance(change.payload, Institution):
            rows += [{**base, "what": what, "old": "", "new": value} for what, value in _fields_of(change.payload)]
        else:
            rows.append({**base, "what": " ".join(about), "old": _cell(old), "new": _cell(new)})
    return [{column: row[column] for column in KEYING_COLUMNS} for row in rows]


def _cell(value: object) -> str:
    return "" if value is None else ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _fields_of(each: Institution) -> list[tuple[str, str]]:
    """Everything that has to be keyed for a new institution."""
    rows = [("country", each.country), ("short name", each.short_name or ""), ("start", each.period.start.isoformat())]
    rows += [("end", each.period.end.isoformat())] if each.period.end else []
    rows += [("public", "yes" if each.is_public else "no"), ("liaison body", "yes" if each.is_liaison else "no")]
    rows += [(f"name {name.language}", name.text) for name in each.names]
    for what in ("emails", "phones", "faxes", "urls"):
        rows += [(what, value) for value in getattr(each.contact, what)]
    rows += [("function", name) for name in each.functions]
    rows += [
        ("legal competence", ", ".join(part or "any" for part in attrs.astuple(row))) for row in each.legal_competences
    ]
    rows += [("relation", f"{relation.kind} {relation.other}") for relation in each.relations]
    for row in each.competences:
        until = f" to {row.period.end}" if row.period.end else ""
        ready = "" if row.is_ready else ", not ready"
        rows.append(("competence", f"{row.buc} {row.role.in_directory} from {row.period.start}{until}{ready}"))
    return rows


def _arrivals(proposal: Proposal, copy: Content) -> list[Arrival]:
    ids = {*proposal.old.institutions, *proposal.new.institutions}
    points = {*proposal.old.access_points, *proposal.new.access_points}
    now = _part_of(copy, ids, points)
    left = [change for change in compare(now, proposal.new) if not _is_assigned(change)]
    by_id = {change.id: change for change in left}
    by_subject: dict[str, list[Change]] = {}
    for change in left:
        by_subject.setdefault(change.subject, []).append(change)
    return [_arrival(proposal.no, change, by_id, by_subject, now) for change in proposal.changes]


def _arrival(
    no: int, change: Change, by_id: Mapping[str, Change], by_subject: Mapping[str, list[Change]], now: Content
) -> Arrival:
    if _is_national(change):
        return Arrival(no, change, ArrivalState.NOT_CARRIED)
    same = by_id.get(change.id)
    if change.kind in ("institution_added", "access_point_added") and same is None:
        others = by_subject.get(change.subject, [])
        state = ArrivalState.DIFFERS if others else ArrivalState.ARRIVED
        return Arrival(no, change, state, "; ".join(other.text for other in others) or None)
    if same is None:
        others = [other for other in by_subject.get(change.subject, []) if _concerns(other, change)]
        if not others:
            return Arrival(no, change, ArrivalState.ARRIVED)
        return Arrival(no, change, ArrivalState.DIFFERS, "; ".join(other.text for other in others))
    if same.words == change.words:
        return Arrival(no, change, ArrivalState.MISSING)
    return Arrival(no, change, ArrivalState.DIFFERS, _cell(same.as_words().get("old")) or "another value")


_ASSIGNED: Final = frozenset(
    {"addresses", "ebms_certificates", "business_certificates", "business_endpoint", "system_endpoint"}
)
"""Fields that others fill in when an entry is keyed; a difference there is no answer to a proposal."""


def _is_national(change: Change) -> bool:
    """Whether it is about something that no copy carries."""
    return change.kind.startswith("legal_competence_") or change["field"] in FIELDS


def _is_assigned(change: Change) -> bool:
    return (
        change.kind == "competence_renamed"
        or _is_national(change)
        or (change.kind == "institution_field_changed" and change["field"] in _ASSIGNED)
    )


def _concerns(other: Change, change: Change) -> bool:
    """Whether two changes speak of the same thing: a process and role, a language, a field, one end of a period."""
    keys = ("buc", "role", "language", "field", "other", "access_point")
    if other.kind.split("_")[0] != change.kind.split("_")[0] or any(other[key] != change[key] for key in keys):
        return False
    parts = {_part(other), _part(change)}
    return len(parts) == 1 or "whole" in parts


def _part(change: Change) -> str:
    for part in ("start", "end", "ready"):
        if f"_{part}_" in change.kind:
            return part
    return "whole" if change.kind.endswith(("_added", "_removed", "_missing")) else "value"
