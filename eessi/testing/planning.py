"""Finding a way: the steps that bring two institutions from an empty case to a wanted document.

The process itself is asked: :meth:`Case.why_not` says what is missing, and its remedies are tried, shortest first. So a
way found is also a proof that the remedies lead somewhere.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from typing import Final

import attrs

from eessi.buc import Buc, Case, Event, Move, Remedy
from eessi.errors import EessiError
from eessi.ids import CdmVersion, InstitutionId, Role

__all__ = ["PARTIES", "UPDATE", "Action", "Planner", "World"]

PARTIES: Final = {
    "FR": (Role.CASE_OWNER, InstitutionId("FR:GEN001")),
    "BE": (Role.COUNTERPARTY, InstitutionId("BE:GEN001")),
    "DE": (Role.COUNTERPARTY, InstitutionId("DE:GEN001")),
}
"""The parties of generated scenarios; the third only where a process needs a second counterparty."""

UPDATE: Final = "update "
"""In front of a code: not the document, but its next version."""

_START: Final = dt.datetime(2026, 1, 15, 9, tzinfo=dt.UTC)
_LOCAL: Final = {"reopen": "reopened", "restore": "restored", "close": "closed", "archive": "archived"}
_NAMES_PARTICIPANT: Final = {"X005": "DE:GEN003", "X007": "{country}:GEN009"}


@attrs.frozen(slots=True)
class Action:
    """One step: a sentence of a scenario and what stands below it."""

    sentence: str
    below: Mapping[str, object] = attrs.field(factory=dict, hash=False)


@attrs.frozen(slots=True, eq=False)
class World:
    """All copies of a case, the day, and the steps that led here."""

    cases: Mapping[str, Case]
    now: dt.datetime = _START
    actions: tuple[Action, ...] = ()
    walked: frozenset[tuple[Role, str]] = frozenset()

    @classmethod
    def begin(cls, buc: Buc, version: CdmVersion, *, counterparties: int = 1) -> World:
        """The empty case of an owner and one or two counterparties."""
        names = tuple(PARTIES)[: counterparties + 1]
        others = tuple(PARTIES[name][1] for name in names[1:])
        owner = buc.start(Role.CASE_OWNER, version, me=PARTIES["FR"][1], counterparties=others)
        rest = {
            name: buc.start(
                Role.COUNTERPARTY, version, me=PARTIES[name][1], counterparties=others if counterparties > 1 else ()
            )
            for name in names[1:]
        }
        return cls({"FR": owner, **rest})

    def moves(self, party: str, sed: str | None = None) -> Iterator[Move]:
        """What a party may do for certain today."""
        for move in self.cases[party].allowed(on=self.now.date()):
            if move.answer == "yes" and (sed is None or move.sed == sed):
                yield move

    def send(self, party: str, move: Move, facts: Mapping[str, bool], *, participant: str | None = None) -> World:
        """All copies after ``party`` has sent what ``move`` allows and the others have received it.

        :raises ProcessError: when one of the copies refuses.
        """
        assert move.sed is not None
        others = [name for name in self.cases if name != party]
        name = self.free_name(party, move.sed)
        named = participant or self._participant(party, move.sed)
        event = Event(
            "sent",
            sed=move.sed,
            document_id=name,
            parent_id=move.parent_id,
            at=self.now,
            receivers=tuple(PARTIES[other][1] for other in others),
            facts=facts,
            participant=None if named is None else InstitutionId(named),
        )
        received = attrs.evolve(event, kind="received", receivers=None, sender=PARTIES[party][1])
        cases = {**self.cases, party: self.cases[party].apply(event)}
        for other in others:
            cases[other] = self.cases[other].apply(received)
        answered = move.parent_id if move.parent_id in self.cases[party].documents else None
        sentence = f"{party} sends {move.sed} to {' and '.join(others)}" + (
            f" in reply to {answered}" if answered else ""
        )
        below: dict[str, object] = {"facts": dict(facts)} if facts else {}
        if named:
            below["participant"] = str(named)
        return attrs.evolve(
            self,
            cases=cases,
            actions=(*self.actions, Action(sentence, below)),
            walked=self.walked | {(PARTIES[party][0], str(move.sed))},
            now=self.now + dt.timedelta(seconds=1),
        )

    def may_update(self, party: str, sed: str) -> bool:
        """Whether a party may send the next version of a document of that code."""
        return any(move.kind == "update" for move in self.moves(party, sed))

    def update(self, party: str, sed: str) -> World | None:
        """After ``party`` has sent the next version of a document of its own; ``None`` when it may not now.

        :raises ProcessError: when one of the copies refuses.
        """
        move = next((one for one in self.moves(party, sed) if one.kind == "update"), None)
        if move is None or move.document_id is None:
            return None
        known = self.cases[party].documents[move.document_id]
        event = Event("sent", sed=sed, document_id=known.id, version=known.version + 1, at=self.now)
        received = attrs.evolve(event, kind="received", sender=PARTIES[party][1])
        cases = {name: case.apply(event if name == party else received) for name, case in self.cases.items()}
        return attrs.evolve(
            self,
            cases=cases,
            actions=(*self.actions, Action(f"{party} updates {known.id}")),
            walked=self.walked | {(PARTIES[party][0], f"{UPDATE}{sed}")},
            now=self.now + dt.timedelta(seconds=1),
        )

    def local(self, party: str, action: str) -> World:
        """After ``party`` closes, reopens or archives its own copy.

        :raises ProcessError: when it may not.
        """
        case = self.cases[party].apply(Event(_LOCAL[action], at=self.now))
        words = {"close": "closes", "reopen": "reopens", "archive": "archives", "restore": "restores"}
        step = Action(f"{party} {words[action]} the case")
        walked = self.walked | ({(PARTIES[party][0], "")} if action == "close" else set())
        return attrs.evolve(self, cases={**self.cases, party: case}, actions=(*self.actions, step), walked=walked)

    def then(self, sentence: str) -> World:
        """With a further step that changes nothing."""
        return attrs.evolve(self, actions=(*self.actions, Action(sentence)))

    def wait(self, until: dt.date) -> World:
        """On a later day."""
        now = self.now.replace(year=until.year, month=until.month, day=until.day)
        return attrs.evolve(self, now=now, actions=(*self.actions, Action(f"on {until}")))

    def free_name(self, party: str, sed: str) -> str:
        """The name of a party's next document of that code, as the runner gives it."""
        count = sum(1 for document in self.cases[party].documents.values() if document.sed == sed)
        return sed if not count else f"{sed}-{count + 1}"

    def _participant(self, party: str, sed: str) -> str | None:
        if sed == "X006":
            return PARTIES["BE"][1]
        pattern = _NAMES_PARTICIPANT.get(sed)
        return pattern.format(country=party) if pattern else None


_Facts = Mapping[tuple[str, str], bool]
"""What documents on the way say: name of the document and of the fact."""


class _FactsNeeded(Exception):  # a signal inside the planner, never seen outside
    """A document sent earlier would have to say something; plan again with it."""

    def __init__(self, facts: Mapping[tuple[str, str], bool]) -> None:
        self.facts = dict(facts)


class Planner:
    """Finds ways in one process and version.

    :param depth: how many documents deep a way may go back. :param tries: how many remedies it tries for one way.
    """

    def __init__(self, buc: Buc, version: CdmVersion, *, depth: int = 7, tries: int = 400) -> None:
        self.buc = buc
        self.version = version
        self.depth = depth
        self.tries = tries
        self._left = 0

    def way(self, party: str, sed: str, start: World | None = None) -> World | None:
        """A world in which ``party`` has just sent ``sed``: a code, :data:`UPDATE` and a code, or nothing (it closed its copy).

        From ``start`` on where that works, from an empty case otherwise; ``None`` when no way was found.
        """
        if sed.startswith(UPDATE):
            return self._updated(party, sed.removeprefix(UPDATE), start)
        for counterparties in (1, 2) if self.buc.is_multilateral else (1,):
            begin = World.begin(self.buc, self.version, counterparties=counterparties)
            found = self._with_facts(party, sed, start if counterparties == 1 else None, begin)
            if found is not None:
                return found
        return None

    def _updated(self, party: str, sed: str, start: World | None) -> World | None:
        """The document is there already, or is sent first: from where we are, then from an empty case."""
        for begin in (start, None) if start is not None else (None,):
            world = begin if begin is not None and begin.may_update(party, sed) else self.way(party, sed, begin)
            try:
                found = world.update(party, sed) if world is not None else None
            except EessiError:
                continue
            if found is not None:
                return found
        return None

    def _with_facts(self, party: str, sed: str, start: World | None, begin: World) -> World | None:
        """Plan, and plan again each time a document on the way would have to say something."""
        facts: dict[tuple[str, str], bool] = {}
        for _ in range(6):
            try:
                for world in (start, begin) if start is not None else (begin,):
                    self._left = self.tries
                    found = self._reach(world, party, sed, facts, ())
                    if found is not None:
                        return found
            except _FactsNeeded as needed:
                if all(facts.get(key) is value for key, value in needed.facts.items()):
                    return None
                facts |= needed.facts
                start = None
            else:
                return None
        return None

    def _reach(
        self, world: World, party: str, sed: str, facts: _Facts, above: tuple[tuple[str, str], ...]
    ) -> World | None:
        self._left -= 1
        if self._left < 0 or len(above) > self.depth or (party, sed) in above:
            return None
        if not sed:
            return self._close(world, party, facts, above)
        move = next(world.moves(party, sed), None)
        if move is not None and move.kind in ("send", "reply"):
            document = world.free_name(party, sed)
            stated = {name: value for (of, name), value in facts.items() if of == document}
            try:
                return world.send(party, move, stated)
            except EessiError:
                return None
        why = world.cases[party].why_not(sed, on=world.now.date())
        if why is None:
            return None
        for remedy in why.remedies:
            step = self._apply(world, party, remedy, facts, (*above, (party, sed)))
            found = self._reach(step, party, sed, facts, above) if step is not None else None
            if found is not None:
                return found
        return None if why.remedies else self._by_missing(world, party, sed, why.missing, facts, above)

    def _by_missing(
        self,
        world: World,
        party: str,
        sed: str,
        missing: tuple[str, ...],
        facts: _Facts,
        above: tuple[tuple[str, str], ...],
    ) -> World | None:
        """Without a remedy: any of the missing documents, from whoever may send it."""
        for wanted in missing:
            for sender in sorted(world.cases, key=lambda name: name == party):
                step = self._reach(world, sender, wanted, facts, (*above, (party, sed)))
                found = self._reach(step, party, sed, facts, above) if step is not None else None
                if found is not None:
                    return found
        return None

    def _apply(
        self, world: World, party: str, remedy: Remedy, facts: _Facts, above: tuple[tuple[str, str], ...]
    ) -> World | None:
        match remedy.do:
            case "send":
                return self._reach(world, party, remedy.what, facts, above)
            case "receive" if remedy.what != "parent":
                return self._received(world, party, remedy, facts, above)
            case "wait" if remedy.on is not None:
                return world.wait(remedy.on)
            case "state":
                raise _FactsNeeded({(of or name.partition(".")[0], name): value for of, name, value in remedy.facts})
            case "do" if remedy.what in _LOCAL:
                try:
                    return world.local(party, remedy.what)
                except EessiError:
                    return None
            case _:
                return None

    def _received(
        self, world: World, party: str, remedy: Remedy, facts: _Facts, above: tuple[tuple[str, str], ...]
    ) -> World | None:
        """Another party of the role that the remedy names sends it, if there is one."""
        for other in world.cases:
            if other != party and remedy.role in (None, PARTIES[other][0]):
                found = self._reach(world, other, remedy.what, facts, above)
                if found is not None:
                    return found
        return None

    def _close(self, world: World, party: str, facts: _Facts, above: tuple[tuple[str, str], ...]) -> World | None:
        try:
            return world.local(party, "close")
        except EessiError:
            pass
        for starter in self.buc.starters:
            step = self._reach(world, "FR", starter, facts, (*above, (party, "")))
            if step is not None:
                try:
                    return step.local(party, "close")
                except EessiError:
                    continue
        return None
