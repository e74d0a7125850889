"""States of a process that differ only in names: which counterparty is which, and which document of a kind came first.

A renaming is carried out on the history of each participant and told again, so that the renamed state is one that the
interpreter itself has built. Nothing here knows what a document does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, NamedTuple

import attrs

from eessi.buc.case import Case
from eessi.buc.event import Event

if TYPE_CHECKING:
    from eessi.buc.exploring import Message, Node

__all__ = ["Symmetry"]


class _Renaming(NamedTuple):
    """A renaming that undoes itself: two counterparties, or two documents of one kind and author."""

    ids: Mapping[str, str]
    author: int | None


class Symmetry:
    """The renamings of one process with given participants, and what they make of a state of the whole.

    :param first: each participant before its first event, the owner first.
    :param number: gives a participant's state its number; ``cases`` are the states by number.
    :param event: gives the event that others receive its number; ``events`` are the events by number.
    """

    def __init__(
        self,
        first: tuple[Case, ...],
        cases: list[Case],
        number: Callable[[Case], int],
        events: list[Event],
        event: Callable[[Event], int],
    ) -> None:
        self._first = {str(case.me): case for case in first}
        self._names = tuple(self._first)
        self._cases, self._number = cases, number
        self._events, self._event = events, event
        self._parties: _Renaming | None = None
        if len(first) == 3:
            _, one, two = self._names
            self._parties = _Renaming({one: two, two: one}, None)
        self._documents: dict[tuple[int, str], _Renaming] = {}
        self._possible: dict[tuple[int, int], tuple[_Renaming, ...]] = {}
        self._renamed_cases: dict[tuple[int, int], int] = {}
        self._renamed_events: dict[tuple[int, int], int] = {}

    def canonical(self, node: Node) -> tuple[Node, bool]:
        """A state that stands for ``node``, and whether the counterparties have changed places in it.

        It is always a renaming of ``node``. Two states that are renamings of each other may still be given different
        ones: that costs states, never an answer.
        """
        best, turned, better = node, False, True
        while better:
            better = False
            for renaming in self._renamings(best):
                other = self._applied(renaming, best)
                if other < best:
                    best, better = other, True
                    turned ^= renaming.author is None
                    break
        return best, turned

    def _renamings(self, node: Node) -> list[_Renaming]:
        found = [] if self._parties is None else [self._parties]
        for author, case in enumerate(node.cases):
            key = (author, case)
            possible = self._possible.get(key)
            if possible is None:
                possible = self._possible[key] = self._twins(author, self._cases[case])
            found.extend(possible)
        return found

    def _twins(self, author: int, case: Case) -> tuple[_Renaming, ...]:
        """One renaming for each two documents of a kind that this author has written."""
        found = []
        own = [item.id for item in case.documents.values() if item.mine]
        for name in own:
            stem, _, serial = name.rpartition("-")
            twin = f"{stem}-{int(serial) + 1}"
            if twin in own:
                key = (author, name)
                if key not in self._documents:
                    self._documents[key] = _Renaming({name: twin, twin: name}, author)
                found.append(self._documents[key])
        return tuple(found)

    def _applied(self, renaming: _Renaming, node: Node) -> Node:
        cases = [self._case(renaming, number) for number in node.cases]
        flight = tuple(self._message(renaming, message) for message in node.flight)
        if renaming.author is None:
            cases[1], cases[2] = cases[2], cases[1]
        return node._replace(cases=tuple(cases), flight=flight)

    def _message(self, renaming: _Renaming, message: Message) -> Message:
        key = (id(renaming), message.event)
        event = self._renamed_events.get(key)
        if event is None:
            event = self._renamed_events[key] = self._event(_renamed(renaming.ids, self._events[message.event]))
        if renaming.author is not None:
            return message._replace(event=event)
        to = tuple(sorted(_other(item) for item in message.to))
        return message._replace(event=event, author=_other(message.author), to=to)

    def _case(self, renaming: _Renaming, number: int) -> int:
        key = (id(renaming), number)
        found = self._renamed_cases.get(key)
        if found is None:
            case = self._cases[number]
            begun = self._first[renaming.ids.get(str(case.me), str(case.me))]
            again = begun.replay(_renamed(renaming.ids, event) for event in case.history)
            found = self._renamed_cases[key] = self._number(again)
        return found


def _other(who: int) -> int:
    """The place of a participant once the counterparties, in places 1 and 2, have changed theirs."""
    return (0, 2, 1)[who]


def _renamed(ids: Mapping[str, str], event: Event) -> Event:
    def document(name: str | None) -> str | None:
        if name is None or name in ids:
            return name if name is None else ids[name]
        author, slash, rest = name.partition("/")
        return f"{ids.get(author, author)}{slash}{rest}"

    def institution(name: str | None) -> str | None:
        return None if name is None else ids.get(str(name), str(name))

    return attrs.evolve(
        event, document_id=document(event.document_id), parent_id=document(event.parent_id),
        sender=institution(event.sender), participant=institution(event.participant),
    )  # fmt: skip
