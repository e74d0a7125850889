"""Compare two versions of one SED by meaning: resolved tree against resolved tree, never file against file.

Children of a group are compared as languages (:mod:`eessi.release.content`): a change of order or choice is found however the
schema was written. What no single rule names is still reported, as ``CHG-CONTENT``.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence

import attrs

from eessi.release.change import Change, Direction
from eessi.release.content import (
    Automaton,
    automaton,
    names_of,
    restricted,
    shortest_between,
    shortest_ordered,
    with_optional,
)
from eessi.release.values import compare_values
from eessi.schemas.structure import Choice, Element, Kind, Particle, Structure

__all__ = ["Renames", "compare_structures", "effective_bounds"]

Renames = Mapping[str, str]
"""Old name -> new name, for renames that the names alone do not show."""


def compare_structures(old: Structure, new: Structure, renames: Renames | None = None) -> tuple[Change, ...]:
    """Every change from ``old`` to ``new``, in document order; the namespace is not looked at.

    :param renames: names known to have changed; looked at before anything is guessed.
    """
    found = list(_Comparison(str(new.sed), renames or {}).groups(old.root, new.root, ""))
    return tuple(_moves(found))


def effective_bounds(particles: Sequence[Particle], name: str) -> tuple[int, int | None]:
    """How often a child of that name may occur at least and at most, choices taken into account."""
    least, most = 0, 0
    for particle in particles:
        if isinstance(particle, Element):
            low, high = (1, 1) if particle.name == name else (0, 0)
        else:
            bounds = [effective_bounds(branch, name) for branch in particle.branches]
            low = min((bound[0] for bound in bounds), default=0)
            highs = [bound[1] for bound in bounds]
            high = None if None in highs else max((h for h in highs if h is not None), default=0)  # type: ignore[assignment]
        least += low * particle.min
        most = _plus(most, _times(high, particle.max))  # type: ignore[assignment]
    return least, most


def _times(one: int | None, other: int | None) -> int | None:
    if one == 0 or other == 0:
        return 0
    return None if one is None or other is None else one * other


def _plus(one: int | None, other: int | None) -> int | None:
    return None if one is None or other is None else one + other


@attrs.frozen(slots=True)
class _Gone:
    """A removed or added element, kept to find moves."""

    change: Change
    element: Element


class _Comparison:
    def __init__(self, sed: str, renames: Renames) -> None:
        self.sed = sed
        self.renames = renames

    def groups(self, old: Element, new: Element, path: str) -> Iterator[_Gone | Change]:
        """Changes below one group that both versions have."""
        before = {element.name: element for element in old.elements()}
        after = {element.name: element for element in new.elements()}
        pairs = self._renamed(old, new, before, after)
        particles = _rename(old.children, pairs)
        old_names = {pairs.get(name, name) for name in before}
        structure = list(self._children(particles, new.children, old_names, set(after), before, path, pairs))
        yield from structure
        was_called = {now: was for was, now in pairs.items()}
        for name, element in after.items():
            if name not in old_names:
                continue
            was = was_called.get(name, name)
            here, there = f"{path}/{name}".lstrip("/"), f"{path}/{was}".lstrip("/")
            found = self._element(before[was], element, here)
            yield from found if was == name else (_below_renamed(item, here, there) for item in found)

    def _element(self, old: Element, new: Element, path: str) -> Iterator[_Gone | Change]:
        if (label := old.labels.get("en")) != (now := new.labels.get("en")):
            yield Change.of("CHG-ANNOTATION", self.sed, path, old=label, new=now)
        if old.default != new.default:
            yield Change.of("CHG-DEFAULT", self.sed, path, old=old.default, new=new.default)
        if old.nillable != new.nillable:
            direction = Direction.OLD if new.nillable else Direction.NEW
            words = {True: "allowed", False: "not allowed"}
            yield Change.of(
                "CHG-NILLABLE", self.sed, path, old=words[old.nillable], new=words[new.nillable], direction=direction
            )
        if old.kind is not new.kind:
            yield Change.of("CHG-KIND", self.sed, path, old=str(old.kind), new=str(new.kind))
        elif new.kind is Kind.GROUP:
            if not (old.recursive or new.recursive):
                yield from self.groups(old, new, path)
        elif new.kind is not Kind.SIGNATURE:
            yield from compare_values(self.sed, path, old, new)

    def _renamed(
        self, old: Element, new: Element, before: dict[str, Element], after: dict[str, Element]
    ) -> dict[str, str]:
        gone = [name for name in before if name not in after]
        come = [name for name in after if name not in before]
        pairs: dict[str, str] = {}
        for name in gone:
            wanted = self.renames.get(name)
            if wanted in come:
                pairs[name] = str(wanted)
        old_order, new_order = names_of(old.children), names_of(new.children)
        for name in gone:
            if name in pairs:
                continue
            for other in come:
                if other in pairs.values():
                    continue
                if _looks_renamed(before[name], after[other], old_order, new_order):
                    pairs[name] = other
                    break
        return pairs

    def _children(
        self,
        old: Sequence[Particle],
        new: Sequence[Particle],
        old_names: set[str],
        new_names: set[str],
        before: dict[str, Element],
        path: str,
        pairs: dict[str, str],
    ) -> Iterator[_Gone | Change]:
        for was, now in pairs.items():
            yield Change.of(
                "CHG-ELEMENT-RENAMED",
                self.sed,
                f"{path}/{now}".lstrip("/"),
                old=was,
                new=now,
                old_path=f"{path}/{was}".lstrip("/"),
            )
        first, second = automaton(old), automaton(new)
        explained = bool(pairs)
        for change in self._content(old, new, old_names, new_names, path, first, second):
            explained = True
            yield change
        if not explained:
            yield from self._unexplained(first, second, path)

    def _content(
        self,
        old: Sequence[Particle],
        new: Sequence[Particle],
        old_names: set[str],
        new_names: set[str],
        path: str,
        first: Automaton,
        second: Automaton,
    ) -> Iterator[_Gone | Change]:
        for element in _in_order(old):
            if element.name not in new_names:
                yield self._gone(element, new, old, path, added=False)
        for element in _in_order(new):
            if element.name not in old_names:
                yield self._gone(element, old, new, path, added=True)
        both = frozenset(old_names & new_names)
        if old_names == new_names:
            a, b = first, second
        else:
            a, b = automaton(restricted(old, both)), automaton(restricted(new, both))
        if shortest_between(a, b) is None and shortest_between(b, a) is None:
            return
        yield from self._cardinality(old, new, both, path)
        yield from self._order_and_choice(old, new, both, path)

    def _gone(
        self, element: Element, without: Sequence[Particle], having: Sequence[Particle], path: str, *, added: bool
    ) -> _Gone:
        place = f"{path}/{element.name}".lstrip("/")
        needed = _needed(element.name, without, having)
        id = {
            (True, False): "CHG-ELEMENT-ADDED",
            (True, True): "CHG-REQUIRED-ADDED",
            (False, False): "CHG-ELEMENT-REMOVED",
            (False, True): "CHG-REQUIRED-REMOVED",
        }[added, needed]
        return _Gone(Change.of(id, self.sed, place, old_path=None if added else place), element)

    def _cardinality(
        self, old: Sequence[Particle], new: Sequence[Particle], both: frozenset[str], path: str
    ) -> Iterator[Change]:
        for name in _ordered(new, both):
            (low, high), (low_now, high_now) = effective_bounds(old, name), effective_bounds(new, name)
            place = f"{path}/{name}".lstrip("/")
            if low != low_now:
                id = "CHG-MIN-RAISED" if low_now > low else "CHG-MIN-LOWERED"
                yield Change.of(id, self.sed, place, old=str(low), new=str(low_now))
            if high != high_now:
                raised = high_now is None or (high is not None and high_now > high)
                id = "CHG-MAX-RAISED" if raised else "CHG-MAX-LOWERED"
                yield Change.of(id, self.sed, place, old=_many(high), new=_many(high_now))

    def _order_and_choice(
        self, old: Sequence[Particle], new: Sequence[Particle], both: frozenset[str], path: str
    ) -> Iterator[Change]:
        names = _ordered(new, both)
        made, dissolved, swapped = [], [], []
        for index, one in enumerate(names):
            for two in names[index + 1 :]:
                was, now = _relation(old, one, two), _relation(new, one, two)
                if was == now:
                    continue
                if any(was) and not any(now):
                    made.append((one, two))
                elif any(now) and not any(was):
                    dissolved.append((one, two))
                else:
                    swapped.append((one, two))
        for id, found in (("CHG-CHOICE-MADE", made), ("CHG-CHOICE-DISSOLVED", dissolved), ("CHG-ORDER", swapped)):
            if found:
                involved = [name for name in names if any(name in pair for pair in found)]
                yield Change.of(
                    id,
                    self.sed,
                    path,
                    old=",".join(_ordered(old, frozenset(involved))),
                    new=",".join(involved),
                    names=", ".join(involved),
                    pair=" ".join(found[0]),
                )
        yield from self._required_choice(old, new, both, path)

    def _required_choice(
        self, old: Sequence[Particle], new: Sequence[Particle], both: frozenset[str], path: str
    ) -> Iterator[Change]:
        was = _required_sets(old, both)
        now = _required_sets(new, both)
        for names in sorted(now - was, key=sorted):
            if not any(other < names for other in was) and automaton(restricted(old, names)).allows(()):
                text = ", ".join(_ordered(new, names))
                yield Change.of("CHG-CHOICE-REQUIRED", self.sed, path, new=text, names=text)
        for names in sorted(was - now, key=sorted):
            if not any(other < names for other in now) and automaton(restricted(new, names)).allows(()):
                text = ", ".join(_ordered(old, names))
                yield Change.of("CHG-CHOICE-OPTIONAL", self.sed, path, old=text, names=text)

    def _unexplained(self, first: Automaton, second: Automaton, path: str) -> Iterator[Change]:
        old_only, new_only = shortest_between(first, second), shortest_between(second, first)
        if old_only is None and new_only is None:
            return
        if old_only is not None and new_only is not None:
            direction = Direction.BOTH
        else:
            direction = Direction.NEW if old_only is not None else Direction.OLD
        yield Change.of(
            "CHG-CONTENT",
            self.sed,
            path,
            old=None if old_only is None else " ".join(old_only),
            new=None if new_only is None else " ".join(new_only),
            direction=direction,
        )


def _below_renamed(item: _Gone | Change, here: str, there: str) -> _Gone | Change:
    """The same change with the path it had in the old version, below an element that has another name there."""
    if isinstance(item, _Gone):
        change = _below_renamed(item.change, here, there)
        assert isinstance(change, Change)
        return attrs.evolve(item, change=change)
    was = item.old_path or item.path
    return attrs.evolve(item, old_path=there + was[len(here) :] if was.startswith(here) else was)


def _many(count: int | None) -> str:
    return "unbounded" if count is None else str(count)


def _in_order(particles: Sequence[Particle]) -> Iterator[Element]:
    seen: set[str] = set()
    for particle in particles:
        for element in particle.elements() if isinstance(particle, Choice) else (particle,):
            if element.name not in seen:
                seen.add(element.name)
                yield element


def _ordered(particles: Sequence[Particle], names: frozenset[str]) -> list[str]:
    return [element.name for element in _in_order(particles) if element.name in names]


def _needed(name: str, without: Sequence[Particle], having: Sequence[Particle]) -> bool:
    """Whether some document of the version without the element lacks only this element in the version that has it."""
    optional = automaton(with_optional(having, name))
    strict = automaton(having)
    return shortest_between(automaton(without), strict, also=optional) is not None


def _relation(particles: Sequence[Particle], one: str, two: str) -> tuple[bool, bool]:
    model = automaton(restricted(particles, frozenset({one, two})))
    return (shortest_ordered(model, one, two) is not None, shortest_ordered(model, two, one) is not None)


def _required_sets(particles: Sequence[Particle], both: frozenset[str]) -> set[frozenset[str]]:
    """Sets of at least two names of which one must occur, as far as choices say so."""
    found: set[frozenset[str]] = set()
    for particle in particles:
        if isinstance(particle, Choice) and particle.min > 0:
            names = frozenset(element.name for element in particle.elements())
            can_be_empty = any(automaton(branch).allows(()) for branch in particle.branches)
            if not can_be_empty and len(names) > 1 and names <= both:
                found.add(names)
    return found


def _rename(particles: Sequence[Particle], pairs: Mapping[str, str]) -> tuple[Particle, ...]:
    if not pairs:
        return tuple(particles)
    renamed: list[Particle] = []
    for particle in particles:
        if isinstance(particle, Element):
            renamed.append(attrs.evolve(particle, name=pairs.get(particle.name, particle.name)))
        else:
            branches = tuple(_rename(branch, pairs) for branch in particle.branches)
            renamed.append(attrs.evolve(particle, branches=branches))
    return tuple(renamed)


def _looks_renamed(old: Element, new: Element, old_order: list[str], new_order: list[str]) -> bool:
    if old.kind is not new.kind or not _same_content(old, new):
        return False
    alike = difflib.SequenceMatcher(None, old.name.casefold(), new.name.casefold()).ratio()
    before, after = old_order.index(old.name), new_order.index(new.name)
    same_neighbour = (old_order[before - 1] if before else "") == (new_order[after - 1] if after else "")
    weighty = old.kind is Kind.GROUP or (old.codes is not None and len(old.codes.codes) > 2)
    return alike >= 0.6 or (same_neighbour and weighty)


def _same_content(old: Element, new: Element) -> bool:
    if old.kind is Kind.GROUP:
        return names_of(old.children) == names_of(new.children)
    old_codes = old.codes.values if old.codes else ()
    new_codes = new.codes.values if new.codes else ()
    return old.facets == new.facets and old_codes == new_codes


def _moves(found: Sequence[_Gone | Change]) -> Iterator[Change]:
    """Join an element that went at one place and came at another into one move."""
    gone = [item for item in found if isinstance(item, _Gone)]
    come = {id(item) for item in gone if "ADDED" in item.change.id}
    used: set[int] = set()
    moved: dict[int, Change] = {}
    for item in gone:
        if id(item) in come:
            continue
        for other in gone:
            if id(other) not in come or id(other) in used:
                continue
            if other.element.name == item.element.name and _same_content(item.element, other.element):
                used |= {id(item), id(other)}
                moved[id(other)] = Change.of(
                    "CHG-ELEMENT-MOVED",
                    other.change.sed,
                    other.change.path,
                    old=item.change.path,
                    new=other.change.path,
                    old_path=item.change.path,
                )
                break
    for entry in found:
        if isinstance(entry, Change):
            yield entry
        elif id(entry) in moved:
            yield moved[id(entry)]
        elif id(entry) not in used:
            yield entry.change
