"""Looking for process bugs: random walks that hold one implementation of a process against another.

The walks are led by the reference; after each step the suspect is asked the same question, *what may you do now*, and
every other answer is a bug. What is found is shrunk to a walk in which no step can be left out.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from random import Random
from typing import Final

import attrs

from eessi.buc import Buc, Case, Event
from eessi.errors import EessiError
from eessi.ids import CdmVersion, InstitutionId, Role
from eessi.testing.planning import PARTIES, World

__all__ = ["Bug", "Choice", "hunt", "scenario_text", "shortest", "shrink"]

_FRANCE, _BELGIUM = InstitutionId("FR:HUNT001"), InstitutionId("BE:HUNT001")
_START: Final = dt.datetime(2026, 1, 15, 9, tzinfo=dt.UTC)
_PATIENCE: Final = dt.timedelta(days=200)
"""One choice in a walk is to let so much time pass, which is longer than any waiting time of a process."""

WALK: Final = 12
"""Steps of one random walk; the known bugs show within a handful of documents."""


@attrs.frozen(slots=True)
class Choice:
    """One step of a walk: ``party`` (``CaseOwner``, ``Counterparty``) does ``kind`` with ``sed``; ``wait`` lets time pass."""

    party: str
    kind: str
    sed: str = ""
    facts: tuple[tuple[str, bool], ...] = ()

    def __str__(self) -> str:
        facts = "".join(f" ({name}={'yes' if value else 'no'})" for name, value in self.facts)
        return f"{self.party} {self.kind} {self.sed}".rstrip() + facts if self.kind != "wait" else "time passes"


@attrs.frozen(slots=True)
class Bug:
    """A difference: after ``walk``, ``role`` answers ``got`` where the reference answers ``expected``."""

    walk: tuple[Choice, ...]
    role: Role
    what: str
    expected: str
    got: str

    def __str__(self) -> str:
        way = ", then ".join(map(str, self.walk)) or "at the very beginning"
        return f"{self.role}, {way}: {self.what} is {self.got}, the process says {self.expected}"


@attrs.frozen(slots=True, eq=False)
class _Board:
    """Both copies of the case by the reference, and by the suspect."""

    right: Mapping[Role, Case]
    tried: Mapping[Role, Case]
    now: dt.datetime = _START


def _begin(buc: Buc, version: CdmVersion) -> Mapping[Role, Case]:
    return {
        Role.CASE_OWNER: buc.start(Role.CASE_OWNER, version, me=_FRANCE, counterparties=(_BELGIUM,)),
        Role.COUNTERPARTY: buc.start(Role.COUNTERPARTY, version, me=_BELGIUM),
    }


def _answers(case: Case, on: dt.date) -> dict[str, str]:
    """What a case says about every move, as plain words; the best answer where a SED has several offers."""
    found: dict[str, str] = {"the state of the case": str(case.state)}
    rank = {"no": 0, "depends": 1, "yes": 2}
    for move in case.allowed(on=on):
        key = f"{'send' if move.kind in ('send', 'reply') else move.kind} {move.sed or 'the case'}"
        answer = str(move.answer)
        if rank[answer] >= rank.get(found.get(key, "no"), 0):
            found[key] = answer
    return found


def _difference(board: _Board) -> tuple[Role, str, str, str] | None:
    for role, case in board.right.items():
        expected = _answers(case, board.now.date())
        got = _answers(board.tried[role], board.now.date())
        for what in sorted(expected.keys() | got.keys()):
            if expected.get(what, "no") != got.get(what, "no"):
                return role, what, expected.get(what, "no"), got.get(what, "no")
    return None


def _choices(board: _Board, facts: Mapping[str, Sequence[str]]) -> Iterator[Choice]:
    """Everything that may be done next by the reference."""
    for role, case in board.right.items():
        for move in case.allowed(on=board.now.date()):
            if move.answer != "yes" or move.kind in ("archive", "restore", "delete", "draft"):
                continue
            names = facts.get(move.sed or "", ())
            for value in (True, False) if names and move.kind in ("send", "reply") else (True,):
                yield Choice(str(role), move.kind, move.sed or "", tuple((name, value) for name in names))
    yield Choice("", "wait")


def _play(board: _Board, choice: Choice) -> _Board | None:
    """The board after a choice; ``None`` where the reference does not allow it.

    :raises _Differs: when the suspect cannot follow.
    """
    if choice.kind == "wait":
        return attrs.evolve(board, now=board.now + _PATIENCE)
    role = Role(choice.party)
    case = board.right[role]
    moves = [
        move
        for move in case.allowed(on=board.now.date())
        if move.answer == "yes" and move.kind == choice.kind and (move.sed or "") == choice.sed
    ]
    if not moves:
        return None
    own, other = _events(case, moves[0].sed, moves[0].parent_id, moves[0].document_id, choice, board.now)
    try:
        right = _after(board.right, role, own, other)
    except EessiError:
        return None
    try:
        tried = _after(board.tried, role, own, other)
    except EessiError as error:
        raise _Differs(role, str(choice), str(error)) from None
    return _Board(right, tried, board.now + dt.timedelta(minutes=1))


class _Differs(Exception):  # a signal inside this module
    def __init__(self, role: Role, what: str, got: str) -> None:
        self.role, self.what, self.got = role, what, got


def _events(
    case: Case, sed: str | None, parent: str | None, document: str | None, choice: Choice, now: dt.datetime
) -> tuple[Event, Event | None]:
    me, you = (_FRANCE, _BELGIUM) if case.role is Role.CASE_OWNER else (_BELGIUM, _FRANCE)
    if sed is None:
        return Event({"close": "closed", "reopen": "reopened"}[choice.kind], at=now), None
    known = case.documents.get(document or "")
    name = known.id if known else f"{case.role}-{sed}-{len(case.documents)}"
    participant = {"X005": "DE:HUNT003", "X006": str(_BELGIUM), "X007": f"{me.country}:HUNT009"}.get(sed)
    own = Event(
        "sent",
        sed=sed,
        document_id=name,
        parent_id=parent,
        version=known.version + 1 if known else 1,
        at=now,
        receivers=(you,),
        facts=dict(choice.facts),
        participant=participant,
    )
    return own, attrs.evolve(own, kind="received", sender=me, receivers=None)


def _after(cases: Mapping[Role, Case], role: Role, own: Event, other: Event | None) -> Mapping[Role, Case]:
    return {
        name: case.apply(own) if name is role else case.apply(other) if other is not None else case
        for name, case in cases.items()
    }


def _facts_of(buc: Buc) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name in buc.conditions.facts:
        found.setdefault(name.partition(".")[0], []).append(name)
    return found


def _replay(reference: Buc, suspect: Buc, version: CdmVersion, walk: Sequence[Choice]) -> Bug | None:
    """The first difference on a walk; ``None`` where there is none or the reference does not allow the walk."""
    board = _Board(_begin(reference, version), _begin(suspect, version))
    for number in range(len(walk) + 1):
        found = _difference(board)
        if found is not None:
            return Bug(tuple(walk[:number]), *found)
        if number == len(walk):
            return None
        try:
            after = _play(board, walk[number])
        except _Differs as differs:
            return Bug(tuple(walk[: number + 1]), differs.role, differs.what, "allowed", differs.got)
        if after is None:
            return None
        board = after
    return None


def hunt(reference: Buc, suspect: Buc, version: str | CdmVersion, *, seed: int = 1, walks: int = 400) -> Bug | None:
    """Look for a difference between two implementations of a process; the first one found, shrunk.

    :param walks: the budget: how many random walks of :data:`WALK` steps are tried.
    """
    wanted = CdmVersion.parse(version)
    facts = _facts_of(reference)
    random = Random(seed)  # noqa: S311  # repeatable walks
    for _ in range(walks):
        board = _Board(_begin(reference, wanted), _begin(suspect, wanted))
        walk: list[Choice] = []
        for _ in range(WALK):
            walk.append(random.choice(list(_choices(board, facts))))
            try:
                after = _play(board, walk[-1])
            except _Differs:
                after = None
            if after is None or _difference(after) is not None:
                break
            board = after
        bug = _replay(reference, suspect, wanted, walk)
        if bug is not None:
            return shrink(reference, suspect, wanted, bug)
    return None


def shrink(reference: Buc, suspect: Buc, version: str | CdmVersion, bug: Bug) -> Bug:
    """The bug with a walk in which neither one step nor two can be left out."""
    wanted = CdmVersion.parse(version)
    smaller = True
    while smaller:
        smaller = False
        for walk in _shorter(bug.walk):
            found = _replay(reference, suspect, wanted, walk)
            if found is not None and len(found.walk) < len(bug.walk):
                bug, smaller = found, True
                break
    return bug


def scenario_text(reference: Buc, version: str | CdmVersion, bug: Bug) -> str:
    """The walk to a bug as a ``*.buc.yaml``: it passes where the process is right, and fails where the bug is."""
    from eessi.testing.generation import write_scenario

    wanted = CdmVersion.parse(version)
    world = World.begin(reference, wanted)
    for choice in bug.walk:
        world = _followed(world, choice)
    asked = _PARTIES[bug.role]
    kind, _, sed = bug.what.partition(" ")
    if kind == "send":
        world = world.then(f"{asked} may {'send' if bug.expected == 'yes' else 'not send'} {sed}")
    elif bug.what == "the state of the case":
        world = world.then(f"{asked} is {bug.expected}")
    return write_scenario(reference, wanted, world, title=f"{reference.code}: {bug.what}")


_PARTIES: Final = {role: name for name, (role, _) in list(PARTIES.items())[:2]}


def _followed(world: World, choice: Choice) -> World:
    """The world after a step that the reference allows."""
    if choice.kind == "wait":
        return world.wait((world.now + _PATIENCE).date())
    party = _PARTIES[Role(choice.party)]
    if choice.kind in ("send", "reply"):
        move = next(one for one in world.moves(party, choice.sed) if one.kind == choice.kind)
        return world.send(party, move, dict(choice.facts))
    after = world.update(party, choice.sed) if choice.kind == "update" else world.local(party, choice.kind)
    assert after is not None
    return after


def _shorter(walk: tuple[Choice, ...]) -> Iterator[tuple[Choice, ...]]:
    half = len(walk) // 2
    if half > 1:
        yield walk[half:]
        yield walk[:1] + walk[half:]
    for first in range(len(walk)):
        yield walk[:first] + walk[first + 1 :]
    for first in range(len(walk)):
        for second in range(first + 1, len(walk)):
            yield tuple(step for place, step in enumerate(walk) if place not in (first, second))


def shortest(
    reference: Buc, suspect: Buc, version: str | CdmVersion, *, depth: int = 4, boards: int = 20_000
) -> Bug | None:
    """The shortest walk to a difference, by breadth; exact and slow, for judging :func:`hunt`.

    ``None`` when there is none within ``depth`` steps or the first ``boards`` boards.
    """
    wanted = CdmVersion.parse(version)
    facts = _facts_of(reference)
    level: list[tuple[_Board, tuple[Choice, ...]]] = [(_Board(_begin(reference, wanted), _begin(suspect, wanted)), ())]
    seen = 0
    for _ in range(depth + 1):
        following: list[tuple[_Board, tuple[Choice, ...]]] = []
        for board, walk in level:
            found = _difference(board)
            if found is not None:
                return Bug(walk, *found)
        for board, walk in level:
            for choice in _choices(board, facts):
                seen += 1
                if seen > boards:
                    return None
                try:
                    after = _play(board, choice)
                except _Differs as differs:
                    return Bug((*walk, choice), differs.role, differs.what, "allowed", differs.got)
                if after is not None:
                    following.append((after, (*walk, choice)))
        level = following
    return None
