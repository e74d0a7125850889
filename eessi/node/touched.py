"""Open cases touched by a change of the directory: who can no longer take part, and the X100 or X006 that each case would need.

X100 (change of participant) announces that another institution acts for one side. Systems make it; an institution does not
send it (``administrative.toml``), so it is named here and never sent. X006 (remove participant) is ours to send where the
process allows it. Everything is a proposal: nothing is sent before :func:`send_proposed` is called.
"""

from __future__ import annotations

import datetime as dt
import enum
from collections.abc import Callable, Iterable, Iterator

import attrs

from eessi.buc import Case, CaseState, Event
from eessi.directory import Directory
from eessi.errors import EessiError, ProcessError
from eessi.ids import BucId, InstitutionId, SedType
from eessi.node.intake import Content
from eessi.node.node import Node
from eessi.node.stored import load
from eessi.node.written import WriteDocument
from eessi.stores import DEFAULT_TENANT, Store
from eessi.stores.cases import CaseRow, CaseRows

__all__ = ["Proposal", "SentProposal", "Standing", "send_proposed", "touched_cases"]

_OPEN = (CaseState.NEW, CaseState.OPEN, CaseState.CLOSED_LOCALLY)
X006, X100 = SedType("X006"), SedType("X100")


class Standing(enum.StrEnum):
    """How an institution stands in the directory on a day, for one process."""

    IN_ORDER = "in order"
    GONE = "not in force"
    NOT_COMPETENT = "no longer competent"
    UNKNOWN = "unknown to the directory"


@attrs.frozen(slots=True)
class Proposal:
    """A participant of an open case that can no longer take part, and what the case would need.

    :param successors: who answers for it by the directory, as far as competent for the process.
    :param needs: X100, X006, or ``None`` where a person has to decide.
    :param by: who would send it: ``us``, or ``a system of COUNTRY``.
    :param ready: whether :func:`send_proposed` can send it today.
    """

    case_id: str
    buc: str
    state: str
    revision: int
    institution: InstitutionId
    standing: Standing
    successors: tuple[InstitutionId, ...]
    needs: SedType | None
    by: str | None
    ready: bool
    why: str


@attrs.frozen(slots=True)
class SentProposal:
    """What became of a proposal: the messages, or why it was not sent."""

    case_id: str
    institution: InstitutionId
    message_ids: tuple[str, ...] = ()
    why_not: str | None = None


def touched_cases(
    store: Store,
    directory: Directory,
    on: dt.date,
    *,
    before: Directory | None = None,
    tenant: str = DEFAULT_TENANT,
) -> Iterator[Proposal]:
    """Open cases with a participant, we included, that the directory does not let take part on a day.

    :param before: the copy that was in force until now: only what differs from it is told. Without it, everything.
    """
    now, then = _Standings(directory, on), None if before is None else _Standings(before, on)
    with store.read(tenant) as unit:
        rows = CaseRows(unit)
        for state in _OPEN:
            for head in rows.find(state=str(state), limit=10**9):
                for institution in map(InstitutionId, (head.me, *head.partners.split())):
                    standing = now.of(institution, head.buc)
                    if standing is Standing.IN_ORDER or (then and then.of(institution, head.buc) is standing):
                        continue
                    yield _proposal(head, load(rows, head.case_id).case, institution, standing, now, on)


class _Standings:
    """Standings on one day, each worked out once."""

    def __init__(self, directory: Directory, on: dt.date) -> None:
        self.directory, self.on = directory, on
        self._known: dict[tuple[InstitutionId, str], Standing] = {}

    def of(self, institution: InstitutionId, buc: str) -> Standing:
        key = (institution, buc)
        if key not in self._known:
            self._known[key] = self._judge(institution, BucId(buc))
        return self._known[key]

    def _judge(self, institution: InstitutionId, buc: BucId) -> Standing:
        found = self.directory.institutions.get(institution)
        if found is None:
            return Standing.GONE if institution in self.directory.kept else Standing.UNKNOWN
        if not found.period.covers(self.on):
            return Standing.GONE
        if not any(row.buc == buc and row.period.covers(self.on) for row in found.competences):
            return Standing.NOT_COMPETENT
        return Standing.IN_ORDER

    def successors(self, institution: InstitutionId, buc: str) -> tuple[InstitutionId, ...]:
        """The nearest bodies that answer for it, as far as they are competent."""
        later = [one.id for one in self.directory.answering(institution, self.on) if one.id != institution]
        later = later or list(self.directory.successors(institution))
        return tuple(one for one in later if self.of(one, buc) is Standing.IN_ORDER)


def _proposal(
    head: CaseRow, case: Case, institution: InstitutionId, standing: Standing, standings: _Standings, on: dt.date
) -> Proposal:
    successors = standings.successors(institution, head.buc)
    make = _maker(head, institution, standing, successors)
    who = "we are" if institution == head.me else f"{institution} is"
    what = f"{who} {standing} for {head.buc} on {on}"
    if standing is Standing.UNKNOWN:
        return make(None, None, f"{what}: neither in this copy nor known from an earlier one, so nothing can be said")
    if len(successors) == 1:
        by = f"a system of {institution.country}"
        return make(X100, by, f"{what}; the directory names {successors[0]} as successor, X100 puts it in this place")
    if successors:
        names = ", ".join(successors)
        return make(None, None, f"{what}; several successors ({names}): a person decides, or their X100 tells")
    refused = _refused(case, institution, on)
    if refused is None:
        return make(X006, "us", f"{what}; no competent successor is named, X006 takes it out of the case")
    return make(None, None, f"{what}; no competent successor is named, and X006 is not possible: {refused}")


def _refused(case: Case, institution: InstitutionId, on: dt.date) -> str | None:
    """Why X006 about an institution is not possible today; the case is asked, nothing is kept."""
    at = dt.datetime.combine(on, dt.time(12), dt.UTC)
    try:
        case.apply(Event("sent", sed=X006, document_id="proposal", at=at, participant=institution))
    except ProcessError as error:
        return str(error)
    return None


def _maker(
    head: CaseRow, institution: InstitutionId, standing: Standing, successors: tuple[InstitutionId, ...]
) -> Callable[[SedType | None, str | None, str], Proposal]:
    def make(needs: SedType | None, by: str | None, why: str) -> Proposal:
        return Proposal(
            head.case_id, head.buc, head.state, head.revision, institution, standing, successors, needs, by, by == "us", why
        )  # fmt: skip

    return make


def send_proposed(node: Node, proposals: Iterable[Proposal], write: WriteDocument) -> Iterator[SentProposal]:
    """Send the X006 of proposals that are ready; of the others it is said why nothing was sent.

    :param write: writes the document; see :mod:`eessi.node.written`.
    """
    for one in proposals:
        if not one.ready or one.needs is None:
            why = f"{one.needs} comes from {one.by}, it is not ours to send" if one.needs else one.why
            yield SentProposal(one.case_id, one.institution, why_not=why)
            continue
        try:
            sed = write(one.needs, node.case(one.case_id), one.institution)
            content = Content(participant=str(one.institution))
            sent = node.send(one.case_id, sed, content=content, seen=one.revision)
        except EessiError as error:  # one case must not keep the others from their message
            yield SentProposal(one.case_id, one.institution, why_not=str(error))
        else:
            yield SentProposal(one.case_id, one.institution, sent.message_ids)
