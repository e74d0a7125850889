"""Kinds of documents that cannot touch each other, so that one of them answers every question.

See ``docs/design/decisions/0081-smaller-state-spaces.md`` for the argument.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from eessi.buc.definition import Buc, SendRow, Trigger
from eessi.buc.program import SIDES, Program
from eessi.ids import CdmVersion, Role

__all__ = ["Kind", "alone"]

Kind = tuple[Role, str]
"""Documents of one SED by authors of one role."""


def alone(buc: Buc, version: CdmVersion, many: int) -> Mapping[Kind, int]:
    """The kinds whose documents change nothing for each other, nor for what they come from; and how many are enough.

    A kind touches when an effect, a condition, an answer given once for several documents, the state of the case or what
    counts as its opening document depends on it. Neither the kinds found here nor any that they open, directly or by
    others, touch; and none of them comes from itself, but where sending one lets the same author send the next.

    :param many: how many are explored of a kind that does.
    """
    program = buc.program(version)
    touching = _touching(buc, program)
    opened, again = _opened(buc, program)
    found = {}
    for kind in ((role, str(sed)) for role, rows in program.rows.items() for sed in rows):
        after = _reached(kind, opened)
        if not any(sed in touching for _, sed in {kind, *after}) and kind not in after:
            found[kind] = many if kind in again else 1
    return found


def _touching(buc: Buc, program: Program) -> frozenset[str]:
    found: set[str] = set()
    for effect in (item for items in program.effects.values() for item in items):
        found.add(str(effect.sed))
        if effect.effect in ("offer", "resume"):
            found.add(str(effect.target))
    for name in buc.conditions_used():
        for condition in buc.conditions.rows[name]:
            found |= {fact.partition(".")[0] for fact in condition.facts}
            for test in condition.history:
                if test.test == "nothing_valid_sent":
                    return frozenset(str(sed) for sed in program.seds)
                found |= {str(sed) for sed in (test.sed, test.other) if sed is not None}
    invalidation = "X008" in program.seds
    for row in _rows(program):
        if row.effect is not None or row.while_closed or (row.invalidate and invalidation) or _opens_again(row):
            found.add(str(row.sed))
        for trigger in row.after:
            if trigger.again or trigger.reply_to not in (None, trigger.sed):
                found |= {str(row.sed), str(trigger.sed)}
    return frozenset(found)


def _opens_again(row: SendRow) -> bool:
    """Whether a second document of a kind can be taken for the one that opened the case."""
    return not row.once and any(trigger.event == "case_start" for trigger in row.after)


def _rows(program: Program) -> Iterator[SendRow]:
    for rows in program.rows.values():
        yield from rows.values()


def _opened(buc: Buc, program: Program) -> tuple[Mapping[Kind, set[Kind]], set[Kind]]:
    """For each kind, the kinds that one of its documents opens, for its author or for a receiver.

    The second value holds the kinds of which sending one opens the next for the same author.
    """
    found: dict[Kind, set[Kind]] = {}
    again: set[Kind] = set()
    for role, rows in program.rows.items():
        for row in rows.values():
            for trigger in row.after:
                if trigger.role is role and trigger.sed is not None:
                    if trigger.event == "sent" and trigger.sed == row.sed:
                        again.add((role, str(row.sed)))
                        continue
                    for author in _authors(buc, program, trigger):
                        found.setdefault((author, str(trigger.sed)), set()).add((role, str(row.sed)))
    return found, again


def _authors(buc: Buc, program: Program, trigger: Trigger) -> Iterator[Role]:
    """The roles whose document can be the trigger."""
    for author in SIDES:
        row = program.rows[author].get(trigger.sed) if trigger.sed is not None else None
        if row is None or (trigger.starter and not any(item.event == "case_start" for item in row.after)):
            continue
        if trigger.event == "sent":
            fits = author is trigger.role
        else:
            fits = author is not trigger.role or (author is Role.COUNTERPARTY and buc.is_multilateral)
        if fits:
            yield author


def _reached(kind: Kind, opened: Mapping[Kind, set[Kind]]) -> set[Kind]:
    found: set[Kind] = set()
    left = [kind]
    while left:
        new = opened.get(left.pop(), set()) - found
        found |= new
        left.extend(new)
    return found
