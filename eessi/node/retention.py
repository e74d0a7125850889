"""How long cases are kept: rules as data, a plan that says what would happen and why, and its execution.

A plan changes nothing. An open case, one under a hold and one with a message on its way are never erased, whatever a rule
says; where several rules fit a case, ``keep`` wins, then the longest period.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Literal, Self

import attrs
from pydantic import Field, model_validator

from eessi.buc import CaseState, Event
from eessi.errors import EessiError, NotAllowed, ProcessError
from eessi.node.keeping import FINISHED, erase_case, why_kept
from eessi.node.rule_files import CaseRule, Outcome, read_rules
from eessi.node.signals import SignalType
from eessi.node.stored import CaseMoved, add_events, load
from eessi.stores import DEFAULT_TENANT, Store, Unit
from eessi.stores.cases import CaseRow, CaseRows
from eessi.stores.keeping import KeepingRows
from eessi.stores.mail import MailRows, moment_key, moment_of

__all__ = ["Kept", "RetentionRule", "Step", "execute", "load_rules", "plan"]

_ARCHIVABLE = frozenset({CaseState.CLOSED, CaseState.CLOSED_LOCALLY})


class RetentionRule(CaseRule):
    """One row: what happens to which finished cases after how many days, where that is said, and why.

    :param states: of the case; those in which the action is possible unless told.
    :param days: since the last event of the case; not for ``keep``.
    """

    action: Literal["archive", "erase", "keep"]
    states: tuple[str, ...] = ()
    days: int | None = Field(default=None, ge=0)

    @model_validator(mode="after")
    def _days_where_they_mean_something(self) -> Self:
        if (self.days is None) != (self.action == "keep"):
            raise ValueError("`days` is needed to archive or erase, and has no sense to keep")
        return self

    def fits(self, head: CaseRow) -> bool:
        """Whether the row speaks of this case, leaving time aside."""
        states = self.states or (_ARCHIVABLE if self.action == "archive" else FINISHED)
        return head.state in states and super().fits(head)


@attrs.frozen(slots=True)
class Step:
    """What a rule does to one case. ``since`` is the day of its last event, ``due`` the day from which the rule holds."""

    case_id: str
    buc: str
    state: str
    revision: int
    action: str
    rule: RetentionRule
    since: dt.date
    due: dt.date


@attrs.frozen(slots=True)
class Kept:
    """A case whose time has come by a rule and that is kept all the same, with the reason."""

    case_id: str
    buc: str
    state: str
    rule: RetentionRule
    why: str


def load_rules(*files: Path, shipped: bool = True) -> tuple[RetentionRule, ...]:
    """The rules in force: those that ship, then those of each file; a later row takes the place of an earlier one of its id.

    :raises InputError: when a file cannot be read. :raises DefinitionError: no TOML, an unknown key, a row that cannot be.
    """
    return read_rules("retention.toml", RetentionRule, files, shipped=shipped)


def plan(
    store: Store, rules: Iterable[RetentionRule], on: dt.date, *, tenant: str = DEFAULT_TENANT
) -> tuple[tuple[Step, ...], tuple[Kept, ...]]:
    """What the rules would do on a day, and which cases they would take but may not. Nothing is changed."""
    rules = [rule for rule in rules if not rule.off]
    steps: list[Step] = []
    kept: list[Kept] = []
    with store.read(tenant) as unit:
        rows, keeping = CaseRows(unit), KeepingRows(unit)
        for state in sorted({*FINISHED, *(state for rule in rules for state in rule.states)}):
            for head in rows.find(state=state, limit=10**9):
                found = _judge(keeping, head, rules, on)
                if isinstance(found, Step):
                    steps.append(found)
                elif found is not None:
                    kept.append(found)
    return tuple(steps), tuple(kept)


def _judge(keeping: KeepingRows, head: CaseRow, rules: list[RetentionRule], on: dt.date) -> Step | Kept | None:
    """Erasing goes before archiving; of several rows for one action the longest period counts."""
    fitting = [rule for rule in rules if rule.fits(head)]
    stop = next((rule for rule in fitting if rule.action == "keep"), None)
    since = moment_of(head.changed_at).date()
    for action in ("erase", "archive"):
        longest = max((rule for rule in fitting if rule.action == action), key=_days, default=None)
        if longest is None or since + dt.timedelta(days=_days(longest)) > on:
            continue
        if action == "erase":
            why = f"rule {stop.id} keeps it: {stop.reason}" if stop else why_kept(keeping, head)
            if why is not None:
                return Kept(head.case_id, head.buc, head.state, longest, why)
        due = since + dt.timedelta(days=_days(longest))
        return Step(head.case_id, head.buc, head.state, head.revision, action, longest, since, due)
    return None


def _days(rule: RetentionRule) -> int:
    return rule.days or 0


def execute(
    store: Store, steps: Iterable[Step], *, who: str, now: dt.datetime, tenant: str = DEFAULT_TENANT
) -> Iterator[Outcome]:
    """Do what a plan says, each case in a transaction of its own; what changed since the plan is kept and said.

    An outcome is ``erased``, ``archived`` or ``kept``.

    :param who: stands in the history of each case.
    """
    for step in steps:
        try:
            with store.begin(tenant) as unit:
                MailRows(unit)  # mail first, as everywhere: two units never wait for each other
                _do(unit, step, who, now)
        except ProcessError as error:
            yield Outcome(step.case_id, "kept", step.rule.id, str(error))
        except EessiError as error:  # one broken case must not keep the others from their rule
            yield Outcome(step.case_id, "kept", step.rule.id, f"{type(error).__name__}: {error}")
        else:
            yield Outcome(step.case_id, "erased" if step.action == "erase" else "archived", step.rule.id)


def _do(unit: Unit, step: Step, who: str, now: dt.datetime) -> None:
    rows = CaseRows(unit)
    before = load(rows, step.case_id)
    if before.revision != step.revision:
        raise CaseMoved(before.case, before.revision)
    if step.action == "erase":
        erase_case(unit, step.case_id, who=who, reason=step.rule.reason, rule=step.rule.id, now=now)
        return
    if before.row.state not in _ARCHIVABLE:
        raise NotAllowed(f"a case that is {before.row.state} is not archived", rule="BUC-CASE-STATE")
    add_events(rows, before, before.case.apply(Event("archived", at=now)), now, None)
    rows.add_signal(moment_key(now), SignalType.CASE_CHANGED, step.case_id, json.dumps({"state": "archived"}))
