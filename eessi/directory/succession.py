"""Predecessors and successors: who answers for a body that was closed or merged.

The directory's relation words are free text; the ones read here are named in :data:`WORDS`. A relation is followed only
forwards in words, never guessed from dates.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Final

from eessi.directory.records import Institution
from eessi.ids import InstitutionId

__all__ = ["WORDS", "answering", "predecessors", "successors"]

WORDS: Final[Mapping[str, bool]] = {
    "successor of": True,
    "replaces": True,
    "predecessor of": False,
    "replaced by": False,
    "merged into": False,
}
"""Relation words -> whether the body that carries the relation is the successor."""


def _edges(institutions: Iterable[Institution]) -> dict[InstitutionId, list[InstitutionId]]:
    """Predecessor -> successors, whichever of the two carries the relation."""
    found: dict[InstitutionId, list[InstitutionId]] = {}
    for each in institutions:
        for relation in each.relations:
            is_successor = WORDS.get(" ".join(relation.kind.casefold().split()))
            if is_successor is None:
                continue
            old, new = (relation.other, each.id) if is_successor else (each.id, relation.other)
            if new not in found.setdefault(old, []):
                found[old].append(new)
    return found


def _follow(id: str, edges: Mapping[InstitutionId, list[InstitutionId]]) -> tuple[InstitutionId, ...]:
    seen: list[InstitutionId] = []
    todo = list(edges.get(InstitutionId(id), ()))
    while todo:
        next_ = todo.pop(0)
        if next_ not in seen and next_ != id:
            seen.append(next_)
            todo += edges.get(next_, ())
    return tuple(seen)


def successors(id: str, institutions: Iterable[Institution]) -> tuple[InstitutionId, ...]:
    """All later bodies in the order they follow; empty where none is named."""
    return _follow(id, _edges(institutions))


def predecessors(id: str, institutions: Iterable[Institution]) -> tuple[InstitutionId, ...]:
    """All earlier bodies, nearest first."""
    turned: dict[InstitutionId, list[InstitutionId]] = {}
    for old, news in _edges(institutions).items():
        for new in news:
            turned.setdefault(new, []).append(old)
    return _follow(id, turned)


def answering(id: str, institutions: Iterable[Institution], on: dt.date) -> tuple[Institution, ...]:
    """Who answers for a body on a day: itself while in force, else its nearest successors in force."""
    known = {each.id: each for each in institutions}
    own = known.get(InstitutionId(id))
    if own is not None and own.period.covers(on):
        return (own,)
    edges = _edges(known.values())
    level, seen = list(edges.get(InstitutionId(id), ())), {InstitutionId(id)}
    while level:
        alive = tuple(known[next_] for next_ in level if next_ in known and known[next_].period.covers(on))
        if alive:
            return alive
        seen.update(level)
        level = [further for next_ in level for further in edges.get(next_, ()) if further not in seen]
    return ()
