"""Conditions: what the content of documents tells, and what the history of the case tells.

The first is stated by whoever has read the document and may be unknown; the second is computed here.
An unknown fact never makes a condition true.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Mapping
from typing import Final, Protocol

from eessi.buc.definition import Condition, HistoryTest
from eessi.buc.event import Document, Participant
from eessi.findings import Phrase
from eessi.findings.phrases import all_of
from eessi.ids import Role

__all__ = ["TESTS", "Answer", "Known", "failing_test", "judge", "surviving"]


class Answer(enum.StrEnum):
    """May it happen? ``depends`` names what is not known."""

    YES = "yes"
    NO = "no"
    DEPENDS = "depends"


class Known(Protocol):
    """What a condition may look at."""

    @property
    def documents(self) -> Mapping[str, Document]:
        """The documents of the case by id, oldest first."""

    @property
    def participants(self) -> Mapping[str, Participant]:
        """The participants by key."""


Test = Callable[[Known, HistoryTest, Document | None], bool | None]


def _valid(known: Known, sed: str | None) -> list[Document]:
    return [item for item in known.documents.values() if item.sed == sed and item.is_valid]


def _counterparties(known: Known) -> set[str]:
    return {item.key for item in known.participants.values() if item.active and item.role is Role.COUNTERPARTY}


def _all_answered(known: Known, test: HistoryTest, trigger: Document | None) -> bool:
    answered = {item.parent_id for item in _valid(known, test.other)}
    return all(item.id in answered for item in _valid(known, test.sed))


def _heard_from_all(known: Known, test: HistoryTest, trigger: Document | None) -> bool:
    return _counterparties(known) <= {item.author for item in _valid(known, test.sed)}


def _current_answered(known: Known, test: HistoryTest, trigger: Document | None) -> bool:
    current = _valid(known, test.sed)
    if not current:
        return False
    answers = {item.author for item in _valid(known, test.other) if item.parent_id == current[-1].id}
    return _counterparties(known) <= answers


def _answers_current(known: Known, test: HistoryTest, trigger: Document | None) -> bool:
    current = _valid(known, test.sed)
    return bool(current) and trigger is not None and trigger.parent_id == current[-1].id


def _earlier(known: Known, test: HistoryTest, trigger: Document | None) -> bool | None:
    """Whether an earlier document of that type has the facts; ``None`` when that is not known."""
    subject = related(known, test.sed or "", trigger)
    unknown = False
    for item in _valid(known, test.sed):
        if subject is not None and item.id == subject.id:
            break
        values = [item.facts.get(name) for name in test.facts]
        if None in values:
            unknown = True
        elif values == list(test.facts.values()):
            return True
    return None if unknown else False


def _no_earlier(known: Known, test: HistoryTest, trigger: Document | None) -> bool | None:
    found = _earlier(known, test, trigger)
    return None if found is None else not found


TESTS: Final[Mapping[str, Test]] = {
    "none_valid": lambda known, test, trigger: not _valid(known, test.sed),
    "some_valid": lambda known, test, trigger: bool(_valid(known, test.sed)),
    "nothing_valid_sent": lambda known, test, trigger: not any(item.is_valid for item in known.documents.values()),
    "fewer_than": lambda known, test, trigger: len(_valid(known, test.sed)) < (test.number or 0),
    "fewer_than_of": lambda known, test, trigger: len(_valid(known, test.sed)) < len(_valid(known, test.other)),
    "as_many_as": lambda known, test, trigger: len(_valid(known, test.sed)) >= len(_valid(known, test.other)),
    "one_counterparty": lambda known, test, trigger: len(_counterparties(known)) <= 1,
    "several_counterparties": lambda known, test, trigger: len(_counterparties(known)) > 1,
    "all_answered": _all_answered,
    "heard_from_all": _heard_from_all,
    "current_answered_by_all": _current_answered,
    "answers_current": _answers_current,
    "some_earlier": _earlier,
    "no_earlier": _no_earlier,
}
"""The closed list of history tests. A test answers ``None`` when it turns on a fact that is not known."""

DESCRIBED: Final[Mapping[str, Phrase]] = {
    "none_valid": Phrase("there is no valid {sed} yet"),
    "some_valid": Phrase("there is a valid {sed}"),
    "nothing_valid_sent": Phrase("no valid document was exchanged yet"),
    "fewer_than": Phrase("fewer than {number} valid {sed} were sent"),
    "fewer_than_of": Phrase("there are fewer valid {sed} than {other}"),
    "as_many_as": Phrase("there are as many valid {sed} as {other}"),
    "one_counterparty": Phrase("there is one counterparty"),
    "several_counterparties": Phrase("there are several counterparties"),
    "all_answered": Phrase("every {sed} was answered by a {other}"),
    "heard_from_all": Phrase("every counterparty sent a {sed}"),
    "current_answered_by_all": Phrase("every counterparty answered the latest {sed} with a {other}"),
    "answers_current": Phrase("it answers the latest {sed}"),
    "some_earlier": Phrase("there is an earlier {sed} with {facts}"),
    "no_earlier": Phrase("there is no earlier {sed} with {facts}"),
}
"""One line of text per history test."""


def describe(test: HistoryTest) -> str:
    """What a history test asks, in one line."""
    facts = all_of(f"{name}={'yes' if wanted else 'no'}" for name, wanted in test.facts.items()) if test.facts else ""
    return DESCRIBED[test.test].filled(sed=test.sed, other=test.other, number=test.number, facts=facts)


def related(known: Known, sed: str, trigger: Document | None) -> Document | None:
    """The document of type ``sed`` that a fact speaks of: the trigger, one that it answers, or the latest."""
    item = trigger
    while item is not None:
        if item.sed == sed:
            return item
        item = known.documents.get(item.parent_id) if item.parent_id else None
    found = [document for document in known.documents.values() if document.sed == sed and document.is_valid]
    return found[-1] if found else None


def surviving(rows: Iterable[Condition], known: Known, trigger: Document | None) -> tuple[Condition, ...] | None:
    """The alternatives that the history allows at this moment; ``None`` when it allows none.

    An alternative without facts that the history allows makes the offer unconditional: ``()``.
    """
    left = []
    for row in rows:
        if failing_test(row, known, trigger) is None:
            if not row.facts and all(not test.facts for test in row.history):
                return ()
            left.append(row)
    return tuple(left) or None


def failing_test(row: Condition, known: Known, trigger: Document | None) -> HistoryTest | None:
    """The first history test that says no."""
    for test in row.history:
        if TESTS[test.test](known, test, trigger) is False:
            return test
    return None


def judge(
    rows: Iterable[Condition], known: Known, trigger: Document | None, stated: Mapping[str, bool]
) -> tuple[Answer, tuple[str, ...]]:
    """Whether one of the alternatives holds, and the facts that decide.

    With ``depends`` the facts are those that are not known, with ``no`` those that stand against it.

    :param stated: facts stated beside those that the documents carry.
    """
    unknown: dict[str, None] = {}
    against: dict[str, None] = {}
    for row in rows:
        missing, wrong = _facts(row, known, trigger, stated)
        if not missing and not wrong:
            return Answer.YES, ()
        if wrong:
            against.update(dict.fromkeys(wrong))
        else:
            unknown.update(dict.fromkeys(missing))
    return (Answer.DEPENDS, tuple(unknown)) if unknown else (Answer.NO, tuple(against))


def _facts(
    row: Condition, known: Known, trigger: Document | None, stated: Mapping[str, bool]
) -> tuple[list[str], list[str]]:
    missing: list[str] = []
    wrong: list[str] = []
    for name, wanted in row.facts.items():
        document = related(known, name.partition(".")[0], trigger)
        value = stated.get(name) if document is None or name not in document.facts else document.facts[name]
        if value is None:
            missing.append(name)
        elif value is not wanted:
            wrong.append(name)
    for test in row.history:
        if test.facts:
            found = TESTS[test.test](known, test, trigger)
            if found is None:
                missing.extend(name for name in test.facts if name not in missing)
            elif not found:
                wrong.extend(test.facts)
    return missing, wrong
