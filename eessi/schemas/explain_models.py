"""Content models: whether the children of a group stand as they should, and if not, what it takes to mend them.

A model is used twice. As a regular expression over the names of the children it says yes or no at once. As an automaton
it is walked together with the children for the cheapest set of repairs (leave one out, put one in, rename one), so that
one slip gives one repair, and what follows it is still read rightly.
"""

from __future__ import annotations

import difflib
import functools
import heapq
import itertools
import re
from collections.abc import Sequence
from typing import Final

import attrs

from eessi.schemas.structure import Choice, Element, Particle

__all__ = ["Edge", "Model", "Repair"]

_COPIES: Final = 40
"""Greatest number of occurrences that is unrolled; above it only the regular expression counts."""

_EFFORT: Final = 60_000
"""States looked at for one group before the repair is given up and only the first wrong child is named."""

_HELD: Final = 64
"""Repairs kept per group: a program that errs once errs the same way in every document."""

_LEAVE_OUT: Final = 10.0
_PUT_IN: Final = 9.9  # a little cheaper than leaving something out, which loses content
_STRANGE: Final = 15.0


@attrs.frozen(slots=True)
class Edge:
    """One place in a model where an element may stand. ``choices``: the choices it lies in, outermost first."""

    tag: str
    target: int
    choices: tuple[tuple[int, int], ...]


@attrs.frozen(slots=True)
class Repair:
    """``keep``, ``rename`` (child ``index`` becomes ``edge``), ``leave_out`` (child ``index``) or ``put_in`` (``edge``, before ``index``)."""

    action: str
    index: int
    edge: Edge | None = None


_Step = tuple[str, int, Edge | None]


class Model:
    """The content model of one group.

    :param particles: the children of the group. :param tags: the name of an element as lxml writes it.
    """

    def __init__(self, particles: Sequence[Particle], tags: dict[int, str], *, unordered: bool = False) -> None:
        self._tags = tags
        self.particles = particles
        self.unordered = unordered
        self.names = frozenset(tags.values())
        self.choices: list[Choice] = []
        self._pattern = None if unordered else re.compile("".join(map(self._regex, particles)))
        self._edges: list[list[Edge]] | None = None
        self._skips: list[list[int]] = []
        self._end = 0
        self._reached: dict[int, tuple[tuple[Edge, ...], bool]] = {}
        self._repairs: dict[tuple[str, ...], list[Repair]] = {}

    def accepts(self, names: Sequence[str]) -> bool:
        """Whether children of these names may stand here, in this order."""
        if self._pattern is None:
            return self._accepts_unordered(names)
        return self._pattern.fullmatch(" ".join(names) + " " if names else "") is not None

    def _accepts_unordered(self, names: Sequence[str]) -> bool:
        found = {name: names.count(name) for name in set(names)}
        if any(name not in self.names for name in found):
            return False
        return all(
            element.min <= found.get(self._tags[id(element)], 0)
            and found.get(self._tags[id(element)], 0) <= (element.max or 1)
            for element in self.particles
            if isinstance(element, Element)
        )

    def _regex(self, particle: Particle) -> str:
        if isinstance(particle, Element):
            inner = re.escape(self._tags[id(particle)]) + " "
        else:
            inner = "|".join("".join(map(self._regex, branch)) for branch in particle.branches)
        most = "" if particle.max is None or particle.max > 60_000 else particle.max
        return f"(?:{inner})" if (particle.min, particle.max) == (1, 1) else f"(?:{inner}){{{particle.min},{most}}}"

    def repair(self, names: Sequence[str]) -> list[Repair] | None:
        """The cheapest repairs that make ``names`` right; ``None`` when that would take too long or is not modelled."""
        if self.unordered:
            return None
        if self._edges is None:
            self._build()
        key = tuple(names)
        known = self._repairs.get(key)
        if known is None:
            known = self._search(names)
            if known is not None and len(key) <= _COPIES:
                if len(self._repairs) >= _HELD:
                    self._repairs.clear()
                self._repairs[key] = known
        return known

    def _build(self) -> None:
        self._edges, self._skips = [[]], [[]]
        self._end = self._sequence(self.particles, 0, ())

    def _state(self) -> int:
        assert self._edges is not None
        self._edges.append([])
        self._skips.append([])
        return len(self._edges) - 1

    def _sequence(self, particles: Sequence[Particle], start: int, choices: tuple[tuple[int, int], ...]) -> int:
        for particle in particles:
            start = self._occurrences(particle, start, choices)
        return start

    def _occurrences(self, particle: Particle, start: int, choices: tuple[tuple[int, int], ...]) -> int:
        for _ in range(min(particle.min, _COPIES)):
            start = self._once(particle, start, choices)
        end = self._state()
        if particle.max is None or particle.max - particle.min > _COPIES:
            again = self._state()  # of its own: other branches of a choice may begin at the same state
            self._skips[start].append(again)
            self._skips[self._once(particle, again, choices)].append(again)
            self._skips[again].append(end)
            return end
        self._skips[start].append(end)
        for _ in range(particle.max - particle.min):
            start = self._once(particle, start, choices)
            self._skips[start].append(end)
        return end

    def _once(self, particle: Particle, start: int, choices: tuple[tuple[int, int], ...]) -> int:
        assert self._edges is not None
        end = self._state()
        if isinstance(particle, Element):
            self._edges[start].append(Edge(self._tags[id(particle)], end, choices))
            return end
        self.choices.append(particle)
        number = len(self.choices) - 1
        for branch, particles in enumerate(particle.branches):
            last = self._sequence(particles, start, (*choices, (number, branch)))
            self._skips[last].append(end)
        return end

    def _search(self, names: Sequence[str]) -> list[Repair] | None:
        """Dijkstra over (children read, state); among equal costs the one found first, which reads furthest, wins."""
        assert self._edges is not None
        ticket = itertools.count()
        queue: list[tuple[float, int, int, int, int]] = [(0.0, 0, next(ticket), 0, 0)]
        come: dict[tuple[int, int], tuple[tuple[int, int], _Step]] = {}
        best: dict[tuple[int, int], float] = {(0, 0): 0.0}
        done: set[tuple[int, int]] = set()
        size = len(names)
        while queue:
            cost, _, _, index, state = heapq.heappop(queue)
            here = (index, state)
            if here in done:
                continue
            done.add(here)
            if index == size and self._reach(state)[1]:
                return self._way(come, here)
            if len(done) > _EFFORT:
                return None
            for price, after, step in self._steps(names, index, state):
                total = cost + price
                if after not in done and total < best.get(after, 1e9):
                    best[after] = total
                    come[after] = (here, step)
                    heapq.heappush(queue, (total, -after[0], next(ticket), *after))
        return None

    def _reach(self, state: int) -> tuple[tuple[Edge, ...], bool]:
        """The places that may come next from ``state``, and whether the content may end here."""
        reached = self._reached.get(state)
        if reached is None:
            assert self._edges is not None
            seen, stack = {state}, [state]
            edges: list[Edge] = []
            while stack:
                here = stack.pop()
                edges += self._edges[here]
                stack += [target for target in self._skips[here] if target not in seen]
                seen.update(self._skips[here])
            reached = self._reached[state] = (tuple(edges), self._end in seen)
        return reached

    def _steps(self, names: Sequence[str], index: int, state: int) -> list[tuple[float, tuple[int, int], _Step]]:
        name = names[index] if index < len(names) else None
        strange = name is not None and name not in self.names
        steps: list[tuple[float, tuple[int, int], _Step]] = []
        for edge in self._reach(state)[0]:
            if name == edge.tag:
                steps.append((0.0, (index + 1, edge.target), ("keep", index, edge)))
            elif strange and name is not None:
                steps.append((_likeness(name, edge.tag), (index + 1, edge.target), ("rename", index, edge)))
            steps.append((_PUT_IN, (index, edge.target), ("put_in", index, edge)))
        if name is not None:
            steps.append((_LEAVE_OUT, (index + 1, state), ("leave_out", index, None)))
        return steps

    @staticmethod
    def _way(come: dict[tuple[int, int], tuple[tuple[int, int], _Step]], here: tuple[int, int]) -> list[Repair]:
        way: list[Repair] = []
        while here in come:
            here, step = come[here]
            way.append(Repair(*step))
        way.reverse()
        return way


def likeness(name: str, other: str) -> float:
    """How alike two local names are, from 0 to 1, letter case aside."""
    return difflib.SequenceMatcher(None, name.casefold(), other.casefold()).ratio()


@functools.lru_cache(maxsize=4096)
def _likeness(name: str, tag: str) -> float:
    """Price of taking ``name`` for a misspelt ``tag``: cheap when they look alike, else dearer than one repair."""
    local, wanted = name.rpartition("}")[2], tag.rpartition("}")[2]
    if local == wanted:
        return 1.0
    if local.casefold() == wanted.casefold():
        return 2.0
    ratio = likeness(local, wanted)
    return 3.0 + 10.0 * (1.0 - ratio) if ratio >= 0.7 else _STRANGE
