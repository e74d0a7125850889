"""Content models as automata: which orders of children a group allows, and where two versions differ.

A group's children form a regular language over element names. Two questions are answered exactly: is there an order of
children that one version allows and the other does not, and which is the shortest. Bounds above :data:`COUNTED` are taken as
unbounded; no schema at hand has any.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from typing import Final, TypeVar

import attrs

from eessi.schemas.structure import Choice, Element, Particle

__all__ = [
    "COUNTED",
    "Automaton",
    "automaton",
    "names_of",
    "restricted",
    "shortest",
    "shortest_between",
    "shortest_ordered",
    "with_optional",
]

COUNTED: Final = 64
"""Greatest maxOccurs that is counted; above it, an element counts as unbounded."""

Word = tuple[str, ...]
_State = TypeVar("_State")


@attrs.define(slots=True)
class _Nfa:
    steps: list[dict[str, set[int]]] = attrs.field(factory=list)
    empty: list[set[int]] = attrs.field(factory=list)

    def state(self) -> int:
        self.steps.append({})
        self.empty.append(set())
        return len(self.steps) - 1

    def closure(self, states: frozenset[int]) -> frozenset[int]:
        seen = set(states)
        todo = list(states)
        while todo:
            for after in self.empty[todo.pop()] - seen:
                seen.add(after)
                todo.append(after)
        return frozenset(seen)


def _sequence(nfa: _Nfa, start: int, particles: Sequence[Particle]) -> int:
    for particle in particles:
        start = _repeat(nfa, start, particle)
    return start


def _repeat(nfa: _Nfa, start: int, particle: Particle) -> int:
    bounded = None if particle.max is None or particle.max > COUNTED else particle.max
    for _ in range(min(particle.min, COUNTED)):
        start = _once(nfa, start, particle)
    if bounded is None:
        end = _once(nfa, start, particle)
        nfa.empty[end].add(start)
        exit_ = nfa.state()
        nfa.empty[start].add(exit_)
        return exit_
    exit_ = nfa.state()
    nfa.empty[start].add(exit_)
    for _ in range(bounded - particle.min):
        start = _once(nfa, start, particle)
        nfa.empty[start].add(exit_)
    return exit_


def _once(nfa: _Nfa, start: int, particle: Particle) -> int:
    if isinstance(particle, Element):
        end = nfa.state()
        nfa.steps[start].setdefault(particle.name, set()).add(end)
        return end
    entry, end = nfa.state(), nfa.state()
    nfa.empty[start].add(entry)
    for branch in particle.branches:
        first = nfa.state()
        nfa.empty[entry].add(first)
        nfa.empty[_sequence(nfa, first, branch)].add(end)
    return end


@attrs.define(slots=True)
class Automaton:
    """A deterministic view of a content model, made state by state as it is walked."""

    _nfa: _Nfa
    _end: int
    start: frozenset[int]

    def step(self, state: frozenset[int], name: str) -> frozenset[int]:
        """The state after a child of that name; the empty set when it may not stand here."""
        after: set[int] = set()
        for one in state:
            after |= self._nfa.steps[one].get(name, set())
        return self._nfa.closure(frozenset(after)) if after else frozenset()

    def accepts(self, state: frozenset[int]) -> bool:
        """Whether the children may end here."""
        return self._end in state

    def names(self, state: frozenset[int]) -> list[str]:
        """Names of the children that may come next, sorted."""
        return sorted({name for one in state for name in self._nfa.steps[one]})

    def allows(self, word: Sequence[str]) -> bool:
        """Whether exactly these children, in this order, are allowed."""
        state = self.start
        for name in word:
            state = self.step(state, name)
            if not state:
                return False
        return self.accepts(state)


def automaton(particles: Sequence[Particle]) -> Automaton:
    """The automaton of a group's children."""
    nfa = _Nfa()
    start = nfa.state()
    end = _sequence(nfa, start, particles)
    return Automaton(nfa, end, nfa.closure(frozenset({start})))


def shortest(
    model: Automaton, *, name: str | None = None, at_least: int = 0, at_most: int | None = None
) -> Word | None:
    """The shortest allowed order of children in which ``name`` occurs ``at_least`` and ``at_most`` so often."""
    cap = max(at_least, (at_most + 1) if at_most is not None else 0)
    first = (model.start, 0)
    came: dict[tuple[frozenset[int], int], tuple[tuple[frozenset[int], int], str] | None] = {first: None}
    todo = deque([first])
    while todo:
        here = todo.popleft()
        state, count = here
        if model.accepts(state) and count >= at_least and (at_most is None or count <= at_most):
            return _word(came, here)
        for child in model.names(state):
            there = (model.step(state, child), min(count + (child == name), cap) if cap else 0)
            if there not in came and there[0]:
                came[there] = (here, child)
                todo.append(there)
    return None


def shortest_ordered(model: Automaton, one: str, two: str) -> Word | None:
    """The shortest allowed order of children in which ``one`` occurs somewhere before ``two``."""
    first = (model.start, 0)
    came: dict[tuple[frozenset[int], int], tuple[tuple[frozenset[int], int], str] | None] = {first: None}
    todo = deque([first])
    while todo:
        here = todo.popleft()
        state, seen = here
        if seen == 2 and model.accepts(state):
            return _word(came, here)
        for child in model.names(state):
            after = 2 if seen == 2 or (seen == 1 and child == two) else 1 if seen == 1 or child == one else 0
            there = (model.step(state, child), after)
            if there not in came and there[0]:
                came[there] = (here, child)
                todo.append(there)
    return None


_Three = tuple[frozenset[int], frozenset[int], frozenset[int]]


def shortest_between(allowing: Automaton, refusing: Automaton, *, also: Automaton | None = None) -> Word | None:
    """The shortest order of children that ``allowing`` (and ``also``) allow and ``refusing`` does not.

    ``None`` when there is none: whatever the first allows, the other allows too.
    """
    other = also or allowing
    first: _Three = (allowing.start, refusing.start, other.start)
    came: dict[_Three, tuple[_Three, str] | None] = {first: None}
    todo = deque([first])
    while todo:
        here = todo.popleft()
        if allowing.accepts(here[0]) and other.accepts(here[2]) and not refusing.accepts(here[1]):
            return _word(came, here)
        for child in allowing.names(here[0]):
            there = (allowing.step(here[0], child), refusing.step(here[1], child), other.step(here[2], child))
            if there not in came and there[2]:
                came[there] = (here, child)
                todo.append(there)
    return None


def _word(came: dict[_State, tuple[_State, str] | None], end: _State) -> Word:
    word: list[str] = []
    here = came[end]
    while here is not None:
        before, name = here
        word.append(name)
        here = came[before]
    return tuple(reversed(word))


def restricted(particles: Sequence[Particle], keep: frozenset[str]) -> tuple[Particle, ...]:
    """The same content model with every element outside ``keep`` taken out."""
    return tuple(_restrict(particles, keep))


def _restrict(particles: Sequence[Particle], keep: frozenset[str]) -> Iterator[Particle]:
    for particle in particles:
        if isinstance(particle, Element):
            if particle.name in keep:
                yield particle
        else:
            branches = tuple(tuple(_restrict(branch, keep)) for branch in particle.branches)
            if any(branches):
                yield attrs.evolve(particle, branches=branches)
            # a choice of which nothing is left says nothing


def names_of(particles: Sequence[Particle]) -> list[str]:
    """Names of all elements in document order, choices opened."""
    return [e.name for p in particles for e in (p.elements() if isinstance(p, Choice) else (p,))]


def with_optional(particles: Sequence[Particle], name: str) -> tuple[Particle, ...]:
    """The same content model in which ``name`` need not occur."""
    made: list[Particle] = []
    for particle in particles:
        if isinstance(particle, Element):
            made.append(attrs.evolve(particle, min=0) if particle.name == name else particle)
        else:
            made.append(attrs.evolve(particle, branches=tuple(with_optional(b, name) for b in particle.branches)))
    return tuple(made)
