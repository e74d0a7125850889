"""The state space of a process: all participants together, with messages on their way between them.

Every participant is a real :class:`~eessi.buc.case.Case`; nothing is re-implemented here. What makes the space finite is
printed with every result: at most ``many`` documents of one kind from one author, at most ``flight`` messages on their
way, at most ``faults`` faults. Messages may be delivered in any order; a fault delivers one twice or loses it, and a lost
one is sent again.

What one participant can do is worked out once for each of its states; a state of the whole is then a few numbers.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter, deque
from collections.abc import Iterator, Mapping
from itertools import product
from typing import NamedTuple

import attrs

from eessi.buc.alone import Kind
from eessi.buc.case import Case
from eessi.buc.definition import Buc, HistoryTest
from eessi.buc.event import Event
from eessi.buc.local import CASE_MOVES
from eessi.buc.moves import Move
from eessi.buc.state import CaseState
from eessi.buc.symmetry import Symmetry
from eessi.errors import NotAllowed, PeerViolation
from eessi.ids import CdmVersion, Role, SedType

__all__ = ["LATER", "Bounds", "Edge", "Message", "Node", "Space", "explore"]

LATER = dt.datetime(2027, 1, 1, tzinfo=dt.UTC)
_SENT = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
"""Waiting times are over at once: the checker asks whether something is possible at all, not when."""

_GONE = (CaseState.FORWARDED, CaseState.LEFT)
"""A participant in these states takes no part any more; what still reaches it changes nothing."""

_ORDERED = frozenset({"answers_current", "no_earlier", "some_earlier", "current_answered_by_all"})
_NAMES = ("BE:CP01", "BE:CP02")
"""The counterparties that are explored."""

_STRANGERS = ("AT:NEW001", "AT:NEW002")
"""Institutions that may be added or forwarded to; they are not explored themselves."""


@attrs.frozen(slots=True)
class Bounds:
    """What makes the space finite.

    :param many: documents of one SED from one author.
    :param flight: messages on their way at the same time.
    :param faults: duplicates and losses in one run.
    :param states: states after which the search of a part is cut; the answer is then undetermined.
    """

    many: int = 2
    flight: int = 2
    faults: int = 1
    states: int = 40_000

    def __str__(self) -> str:
        return (
            f"at most {self.many} documents of a kind and author (fewer where those of a kind cannot touch each other), "
            f"{self.flight} messages in flight, {self.faults} fault a run, {self.states} states a part"
        )


class Message(NamedTuple):
    """A document on its way: number of its event, of its author, and of those who have not received it yet."""

    event: int
    author: int
    to: tuple[int, ...]
    lost: bool


class Node(NamedTuple):
    """A state of the whole: the state of each participant by number, messages in the order of sending, faults so far."""

    cases: tuple[int, ...]
    flight: tuple[Message, ...]
    faults: int


class Edge(NamedTuple):
    """A step: its words, and what it sent, if anything."""

    text: str
    author: Role | None = None
    sed: SedType | None = None
    parent: SedType | None = None


class _Step(NamedTuple):
    """Something a participant can do: words, the state it leads to, the event that others receive."""

    edge: Edge
    after: int
    event: int | None
    closes: bool


@attrs.define(slots=True, eq=False)
class Space:
    """The explored states: node, the step that found it first, and all steps between nodes."""

    bounds: Bounds
    cases: list[Case] = attrs.field(factory=list)
    nodes: list[Node] = attrs.field(factory=list)
    came: list[tuple[int, str, bool] | None] = attrs.field(factory=list)
    steps: list[list[int]] = attrs.field(factory=list)
    edges: dict[Edge, None] = attrs.field(factory=dict)
    refusals: list[tuple[int, str]] = attrs.field(factory=list)
    changed_twice: list[tuple[int, str]] = attrs.field(factory=list)
    closable: list[bool] = attrs.field(factory=list)
    movable: list[bool] = attrs.field(factory=list)
    complete: bool = True

    def path(self, number: int) -> tuple[str, ...]:
        """The shortest list of steps that leads to a state."""
        links = []
        link = self.came[number]
        while link is not None:
            links.append(link)
            link = self.came[link[0]]
        found: list[str] = []
        swapped = False
        for _, text, turned in reversed(links):
            found.append(_swapped(text) if swapped else text)
            swapped ^= turned
        return tuple(found)

    def reaching(self, goals: Iterator[int]) -> set[int]:
        """The states from which one of the goals can be reached."""
        before: list[list[int]] = [[] for _ in self.nodes]
        for start, ends in enumerate(self.steps):
            for end in ends:
                before[end].append(start)
        found = set(goals)
        queue = deque(found)
        while queue:
            for start in before[queue.popleft()]:
                if start not in found:
                    found.add(start)
                    queue.append(start)
        return found

    def parts(self, node: Node) -> Iterator[Case]:
        """The cases of a state."""
        for number in node.cases:
            yield self.cases[number]


def explore(
    buc: Buc,
    version: str | CdmVersion,
    bounds: Bounds,
    *,
    counterparties: int = 1,
    drafts: frozenset[str] = frozenset(),
    closing: bool = True,
    reduced: bool = True,
    single: Mapping[Kind, int] | None = None,
) -> Space:
    """All states of a process with one owner and so many counterparties.

    States that differ only in which counterparty and which document of a kind is which are explored once, and faults are
    told by their effect instead of being tried: see ``docs/design/decisions/0081-smaller-state-spaces.md``.

    :param drafts: SEDs whose drafting and sending are separate steps, because something bites from the draft on.
    :param closing: whether closing is explored; otherwise it is only noted where it would be possible.
    :param reduced: ``False`` explores every state and tries every fault, to compare with.
    :param single: how many documents of a kind are enough, where those of a kind cannot touch each other.
    """
    table = _Table(buc, bounds, drafts, closing, single or {}, tries_faults=not reduced)
    space = Space(bounds, cases=table.cases)
    begun = tuple(_participants(buc, version, counterparties))
    first = Node(tuple(map(table.number, begun)), (), 0)
    symmetry = Symmetry(begun, table.cases, table.number, table.events, table.event) if reduced else None
    numbers = {first: 0}
    _add(space, first, None)
    at = 0
    while at < len(space.nodes):
        space.closable.append(False)
        space.movable.append(False)
        for text, found in _successors(table, space, at):
            after, turned = (found, False) if symmetry is None else symmetry.canonical(found)
            number = numbers.get(after)
            if number is None:
                if len(space.nodes) >= bounds.states:
                    space.complete = False
                    continue
                number = numbers[after] = len(space.nodes)
                _add(space, after, (at, text, turned))
            space.steps[at].append(number)
        at += 1
    return space


def _add(space: Space, node: Node, came: tuple[int, str, bool] | None) -> None:
    space.nodes.append(node)
    space.came.append(came)
    space.steps.append([])


def _participants(buc: Buc, version: str | CdmVersion, counterparties: int) -> Iterator[Case]:
    names = _NAMES[:counterparties]
    yield buc.start(Role.CASE_OWNER, version, me="FR:OWNER", counterparties=list(names))
    for name in names:
        yield buc.start(Role.COUNTERPARTY, version, me=name, counterparties=list(names))


def _successors(table: _Table, space: Space, at: int) -> Iterator[tuple[str, Node]]:
    node = space.nodes[at]
    for number in range(len(node.flight)):
        yield from _deliveries(table, space, at, number)
    room = len(node.flight) < table.bounds.flight
    for who, case in enumerate(node.cases):
        steps = table.steps(case)
        movable, closable = table.open[case]
        space.closable[at] |= closable
        space.movable[at] |= movable
        for step in steps:
            if step.closes and not table.closing:
                continue
            if step.event is None:
                yield step.edge.text, node._replace(cases=_with(node.cases, who, step.after))
            elif room and not table.is_enough(node, step.edge):
                space.edges.setdefault(step.edge)
                to = tuple(other for other in range(len(node.cases)) if other != who)
                message = Message(step.event, who, to, False)
                yield (
                    step.edge.text,
                    Node(_with(node.cases, who, step.after), (*node.flight, message), node.faults),
                )


def _deliveries(table: _Table, space: Space, at: int, number: int) -> Iterator[tuple[str, Node]]:
    node = space.nodes[at]
    before, message, behind = node.flight[:number], node.flight[number], node.flight[number + 1 :]
    event = table.events[message.event]
    if message.lost:
        again = (*before, message._replace(lost=False), *behind)
        yield f"{event.sed} is sent again", node._replace(flight=again)
        return
    faulty = table.tries_faults and node.faults < table.bounds.faults
    if faulty:
        lost = (*before, message._replace(lost=True), *behind)
        yield f"{event.sed} is lost on the way", Node(node.cases, lost, node.faults + 1)
    for who in message.to:
        after, refused = table.receive(node.cases[who], message.event)
        if refused is not None:
            crossed = any(other.author != message.author for other in node.flight)
            overtaken = any(other.author == message.author for other in before)
            if not crossed and not overtaken and not node.faults:
                space.refusals.append((at, f"{event.sed} arrives in order and is refused: {refused}"))
            continue
        left = tuple(other for other in message.to if other != who)
        rest = (message._replace(to=left),) if left else ()
        cases = _with(node.cases, who, after)
        if table.receive(after, message.event)[0] != after:
            space.changed_twice.append((at, f"{event.sed} arrives a second time and changes the case"))
        name = table.cases[node.cases[who]].me
        yield f"{name} receives {event.sed}", Node(cases, (*before, *rest, *behind), node.faults)
        if faulty:
            yield f"{name} receives {event.sed}, which will come again", Node(cases, node.flight, node.faults + 1)


def _swapped(text: str) -> str:
    """The words of a step with the counterparties in each other's place."""
    first, second = _NAMES
    return text.replace(first, "\0").replace(second, first).replace("\0", second)


def _with(cases: tuple[int, ...], who: int, case: int) -> tuple[int, ...]:
    return (*cases[:who], case, *cases[who + 1 :])


class _Table:
    """States of single participants by number, what each can do, and what each event does to each."""

    def __init__(
        self,
        buc: Buc,
        bounds: Bounds,
        drafts: frozenset[str],
        closing: bool,
        single: Mapping[Kind, int],
        *,
        tries_faults: bool = False,
    ) -> None:
        self.bounds = bounds
        self.tries_faults = tries_faults
        self._single = single
        self._written_by: dict[int, Counter[Kind]] = {}
        self.closing = closing
        self.cases: list[Case] = []
        self.events: list[Event] = []
        self._drafts = drafts
        self._facts = _facts_by_sed(buc)
        self._ordered = any(test.test in _ORDERED for test in _tests(buc))
        self._numbers: dict[object, int] = {}
        self._event_numbers: dict[object, int] = {}
        self._steps: dict[int, tuple[_Step, ...]] = {}
        self.open: dict[int, tuple[bool, bool]] = {}
        self._received: dict[tuple[int, int], tuple[int, str | None]] = {}

    def is_enough(self, node: Node, edge: Edge) -> bool:
        """Whether enough documents of this kind have been sent, as none of them can touch another."""
        if edge.author is None or edge.sed is None:
            return False
        kind = (edge.author, str(edge.sed))
        most = self._single.get(kind)
        return most is not None and sum(self._sent_by(case)[kind] for case in node.cases) >= most

    def _sent_by(self, number: int) -> Counter[Kind]:
        """How many documents of each kind a participant has sent."""
        found = self._written_by.get(number)
        if found is None:
            case = self.cases[number]
            sent = (item for item in case.documents.values() if item.mine and item.status != "new")
            found = self._written_by[number] = Counter((case.role, str(item.sed)) for item in sent)
        return found

    def number(self, case: Case) -> int:
        """Number of a participant's state."""
        key = _key(case, self._ordered)
        number = self._numbers.get(key)
        if number is None:
            number = self._numbers[key] = len(self.cases)
            self.cases.append(case)
        return number

    def steps(self, number: int) -> tuple[_Step, ...]:
        """What a participant can do in a state."""
        found = self._steps.get(number)
        if found is None:
            case = self.cases[number]
            moves = case.allowed(on=LATER.date()).yes
            closing = [move for move in moves if move.kind == "close" or move.sed == "X001"]
            sending = [move for move in moves if move.sed is not None and move.sed != "X001" and move.kind != "update"]
            self.open[number] = bool(sending), bool(closing)
            found = self._steps[number] = tuple(step for move in moves for step in self._moved(case, move))
        return found

    def receive(self, number: int, event: int) -> tuple[int, str | None]:
        """The state after an event has arrived, or why it is refused."""
        found = self._received.get((number, event))
        if found is None:
            case = self.cases[number]
            try:
                after = case if case.state in _GONE else case.apply(self.events[event])
                found = (self.number(after), None)
            except PeerViolation as error:
                found = (number, str(error))
            self._received[number, event] = found
        return found

    def _moved(self, case: Case, move: Move) -> Iterator[_Step]:
        if move.kind == "close":
            after = case.apply(Event("closed", at=_SENT))
            yield _Step(Edge(f"{case.me} closes its copy"), self.number(after), None, True)
        elif move.kind in ("reopen", "archive", "restore"):
            after = case.apply(Event(CASE_MOVES[move.kind], at=_SENT))
            yield _Step(Edge(f"{case.me}: {move.kind} its copy"), self.number(after), None, True)
        elif move.kind == "draft":
            draft = case.documents[move.document_id or ""]
            yield from self._sent(case, draft.sed, draft.id, draft.parent_id, self._facts.get(draft.sed, ({},)))
            gone = case.apply(Event("draft_deleted", document_id=draft.id))
            yield _Step(Edge(f"{case.me} deletes the draft of {draft.sed}"), self.number(gone), None, False)
        elif move.kind in ("send", "reply") and move.sed is not None:
            yield from self._written(case, move, move.sed)

    def _written(self, case: Case, move: Move, sed: SedType) -> Iterator[_Step]:
        ids = {item.id for item in case.documents.values() if item.sed == sed and item.mine}
        if len(ids) >= self.bounds.many:
            return
        number = next(name for serial in range(1, 9) if (name := f"{case.me}/{sed}-{serial}") not in ids)
        if sed in self._drafts:
            drafted = case.apply(Event("drafted", sed=sed, document_id=number, parent_id=move.parent_id, at=_SENT))
            edge = Edge(f"{case.me} drafts {sed}{_told(case, move.parent_id)}")
            yield _Step(edge, self.number(drafted), None, False)
        else:
            yield from self._sent(case, sed, number, move.parent_id, self._facts.get(sed, ({},)))

    def _sent(
        self, case: Case, sed: SedType, number: str, parent: str | None, ways: tuple[Mapping[str, bool], ...]
    ) -> Iterator[_Step]:
        concerned = _concerned(case, sed)
        for stated, named in product(ways, concerned):
            event = Event(
                "sent", sed=sed, document_id=number, parent_id=parent, at=_SENT, facts=stated, participant=named
            )  # fmt: skip
            try:
                after = case.apply(attrs.evolve(event, at=LATER) if sed == "X001" else event)
            except NotAllowed:
                continue
            told = ", ".join(fact if value else f"not {fact}" for fact, value in stated.items())
            text = f"{case.me} sends {sed}{_told(case, parent)}" + (f" ({told})" if told else "")
            answered = case.documents[parent].sed if parent is not None else None
            received = attrs.evolve(event, kind="received", sender=case.me)
            yield _Step(Edge(text, case.role, sed, answered), self.number(after), self.event(received), sed == "X001")

    def event(self, event: Event) -> int:
        key = (event.document_id, event.parent_id, tuple(sorted(event.facts.items())), event.participant)
        number = self._event_numbers.get(key)
        if number is None:
            number = self._event_numbers[key] = len(self.events)
            self.events.append(event)
        return number


def _told(case: Case, parent: str | None) -> str:
    return "" if parent is None else f" to {case.documents[parent].sed}"


def _concerned(case: Case, sed: SedType) -> tuple[str | None, ...]:
    """The institutions that an administrative SED may name, one at a time; ``None`` where it names nobody."""
    program = case._frame.program
    effect = program.rows[case.role][sed].effect
    if effect in ("add", "forward"):
        there = {item.institution for item in case.participants}
        return tuple(other for other in _STRANGERS if other not in there)[:1]
    if effect == "remove":
        if case.role in program.only_itself:
            return (case.me,)
        others = [item for item in case.participants if item.active and item.role is Role.COUNTERPARTY]
        return tuple(str(item.institution) for item in others) if len(others) > 1 else ()
    return (None,)


def _tests(buc: Buc) -> Iterator[HistoryTest]:
    for name in buc.conditions_used():
        for row in buc.conditions.rows[name]:
            yield from row.history


def _facts_by_sed(buc: Buc) -> Mapping[str, tuple[Mapping[str, bool], ...]]:
    """For each SED, every way in which its facts can turn out."""
    names: dict[str, set[str]] = {"X004": {"X004.reopen"}}
    for condition in buc.conditions_used():
        for row in buc.conditions.rows[condition]:
            for fact in (*row.facts, *(name for test in row.history for name in test.facts)):
                names.setdefault(fact.partition(".")[0], set()).add(fact)
    return {
        sed: tuple(
            dict(zip(sorted(facts), values, strict=True)) for values in product((True, False), repeat=len(facts))
        )
        for sed, facts in names.items()
    }


def _key(case: Case, ordered: bool) -> object:
    """Everything about a participant's state that can matter later."""
    state = case._state
    documents = [
        (
            item.id,
            item.parent_id,
            item.status,
            item.version,
            state.blocked.get(item.id),
            tuple(sorted(item.facts.items())),
        )
        for item in state.documents.values()
    ]
    offers = [
        (owner, slot.row.sed, slot.anchor)
        for owner, side in (("", state.own), *state.peers.items())
        for inner in side.open.values()
        for slot in inner.values()
    ]
    suspended = [
        (owner, shut.slot.row.sed, shut.slot.anchor)
        for owner, side in (("", state.own), *state.peers.items())
        for inner in side.shut.values()
        for shut in inner.values()
        if shut.why == "suspended"
    ]
    people = tuple((item.key, item.institution, item.active) for item in state.participants.values())
    kept: object = tuple(documents) if ordered else frozenset(documents)
    return (case.me, state.status, state.starter, kept, frozenset(offers), frozenset(suspended), people)


def quiet(node: Node) -> bool:
    """Whether nothing is on its way."""
    return not node.flight
