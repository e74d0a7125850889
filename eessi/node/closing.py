"""Closing cases in which nothing is expected any more: rules as data, a plan that says which and why, and its execution."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Literal

import attrs
from pydantic import Field

from eessi.buc import Case, CaseState, Document
from eessi.errors import EessiError
from eessi.ids import SedType
from eessi.node.node import Node
from eessi.node.rule_files import CaseRule, Outcome, read_rules
from eessi.node.stored import load
from eessi.node.written import WriteDocument
from eessi.stores import DEFAULT_TENANT, Store
from eessi.stores.cases import CaseRow, CaseRows
from eessi.stores.mail import moment_of

__all__ = ["Closing", "ClosingRule", "close_cases", "load_closing_rules", "plan_closing"]

_DOCUMENT = r"^[A-Z]+[0-9]+[A-Z]?( (sent|received))?$"


class ClosingRule(CaseRule):
    """One row: after how many quiet days, and behind which documents, a case of a process is closed, and how.

    :param latest: the newest valid document is one of these. :param any_of: one of these exists.
    :param since: what the days are counted from: the last event, or the newest document of ``any_of``.
    :param quiet: none of these is younger than ``days``. :param roles: ours.
    :param close: ``X001`` closes for everybody, ``local`` our own copy.
    """

    days: int = Field(ge=0)
    since: Literal["event", "document"] = "event"
    latest: tuple[str, ...] = ()
    any_of: tuple[str, ...] = ()
    quiet: tuple[str, ...] = ()
    roles: tuple[Literal["CaseOwner", "Counterparty"], ...] = Field(min_length=1)
    close: Literal["X001", "local"]

    def fits(self, head: CaseRow) -> bool:
        """Whether the row speaks of this case, before its documents are looked at."""
        return head.role in self.roles and super().fits(head)

    def may_be_due(self, last: dt.date, on: dt.date) -> bool:
        """Whether the row may hold on a day, judged by the day of the last event alone."""
        return self.since == "document" or last + dt.timedelta(days=self.days) <= on

    @property
    def as_soon_as_allowed(self) -> bool:
        """Whether the process alone says when: such a row is silent while the process forbids it."""
        return self.days == 0 and not (self.latest or self.any_of)

    def due(self, documents: list[Document], last: dt.datetime) -> dt.date | None:
        """The day from which the row holds for valid documents, oldest first; ``None`` when it does not.

        :param last: moment of the last event.
        """
        if self.latest and not (documents and _is_one(documents[-1], self.latest)):
            return None
        named = [one for one in documents if _is_one(one, self.any_of)]
        if self.any_of and not named:
            return None
        start = last
        if self.since == "document":
            if not named or named[-1].at is None:
                return None
            start = named[-1].at
        quiet = [one.at for one in documents if one.at is not None and _is_one(one, self.quiet)]
        return max([start, *quiet]).date() + dt.timedelta(days=self.days)


def _is_one(document: Document, names: tuple[str, ...]) -> bool:
    way = "sent" if document.mine else "received"
    return str(document.sed) in names or f"{document.sed} {way}" in names


@attrs.frozen(slots=True)
class Closing:
    """A case that a rule would close. ``refused`` is the reason where the process does not allow it now."""

    case_id: str
    buc: str
    revision: int
    close: str
    rule: ClosingRule
    due: dt.date
    refused: str | None = None


def load_closing_rules(*files: Path, shipped: bool = True) -> tuple[ClosingRule, ...]:
    """The rules in force, as :func:`eessi.node.retention.load_rules`.

    :raises InputError: when a file cannot be read. :raises DefinitionError: no TOML, an unknown key, a row that cannot be.
    """
    return read_rules("closing.toml", ClosingRule, files, shipped=shipped)


def plan_closing(
    store: Store, rules: Iterable[ClosingRule], on: dt.date, *, tenant: str = DEFAULT_TENANT
) -> Iterator[Closing]:
    """Which open cases the rules would close on a day, and why. Nothing is changed.

    Cases that an event touched too lately for every rule are not replayed. A case that is due and that its process does
    not let close is told with the reason, unless it only has to wait for a day.
    """
    rules = [rule for rule in rules if not rule.off]
    with store.read(tenant) as unit:
        rows = CaseRows(unit)
        for head in rows.find(state=str(CaseState.OPEN), limit=10**9):
            since = moment_of(head.changed_at).date()
            fitting = [rule for rule in rules if rule.fits(head) and rule.may_be_due(since, on)]
            if not fitting:
                continue
            found = _first_due(load(rows, head.case_id).case, head, fitting, on)
            if found is not None:
                yield found


def _first_due(case: Case, head: CaseRow, rules: list[ClosingRule], on: dt.date) -> Closing | None:
    valid = [one for one in case.documents.values() if one.is_valid]
    last = moment_of(head.changed_at)
    due = [(day, rule) for rule in rules if (day := rule.due(valid, last)) is not None and day <= on]
    if not due:
        return None
    day, rule = min(due, key=lambda pair: pair[0])
    against = case.why_not("close" if rule.close == "local" else rule.close, on=on)
    if against is not None and (rule.as_soon_as_allowed or (against.earliest is not None and against.earliest > on)):
        return None
    refused = None if against is None else against.text
    return Closing(head.case_id, head.buc, head.revision, rule.close, rule, day, refused)


def close_cases(node: Node, closings: Iterable[Closing], *, write: WriteDocument | None = None) -> Iterator[Outcome]:
    """Do what a plan says; what has moved since, or is refused, is kept and said.

    An outcome is ``closed``, ``sent`` (X001 is on its way) or ``kept``.

    :param write: writes the X001 of a case; without it only our own copies are closed.
    """
    for one in closings:
        try:
            yield _close(node, one, write)
        except EessiError as error:  # one case must not keep the others from their rule
            yield Outcome(one.case_id, "kept", one.rule.id, str(error))


def _close(node: Node, one: Closing, write: WriteDocument | None) -> Outcome:
    if one.refused is not None:
        return Outcome(one.case_id, "kept", one.rule.id, one.refused)
    if node.revision(one.case_id) != one.revision:
        return Outcome(one.case_id, "kept", one.rule.id, "the case has moved since the plan was made")
    if one.close == "local":
        node.close(one.case_id)
        return Outcome(one.case_id, "closed", one.rule.id)
    if write is None:
        return Outcome(one.case_id, "kept", one.rule.id, f"an {one.close} has to be written and sent")
    sed = write(SedType(one.close), node.case(one.case_id), None)
    node.send(one.case_id, sed, seen=one.revision)
    return Outcome(one.case_id, "sent", one.rule.id)
