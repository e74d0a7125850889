"""Free-text search over names: all languages, no diacritics needed, typing errors forgiven."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Iterator
from typing import Final

import attrs

from eessi.directory.look_up import Found, Match
from eessi.directory.reasons import LeftOut, Reason
from eessi.directory.records import Institution
from eessi.errors import MissingExtra

__all__ = ["LEAST_SCORE", "Hit", "by_name", "folded", "search"]

LEAST_SCORE: Final = 70.0
"""Likeness below which a name counts as another one (0 to 100)."""

_LETTERS: Final = str.maketrans(
    {"ß": "ss", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i", "ς": "σ"}
)


@attrs.frozen(slots=True)
class Hit:
    """An institution found by text, how alike (0 to 100) and by which of its names."""

    institution: Institution
    score: float
    by: str


def folded(text: str) -> str:
    """Small letters without diacritics, punctuation as blanks: ``Caisse d'Été`` -> ``caisse d ete``."""
    bare = "".join(
        char for char in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(char)
    ).translate(_LETTERS)
    return " ".join("".join(char if char.isalnum() else " " for char in bare).split())


def search(text: str, institutions: Iterable[Institution], *, limit: int = 10) -> tuple[Hit, ...]:
    """The institutions whose names resemble ``text``, best first; an exact id stands before all.

    :raises MissingExtra: without rapidfuzz (extra ``directory``).
    """
    scorer, wanted = _scorer(), folded(text)
    if not wanted:
        return ()
    hits = [hit for each in institutions if (hit := _hit(text, wanted, each, scorer)) is not None]
    hits.sort(key=lambda hit: (-hit.score, hit.institution.id))
    return tuple(hits[:limit])


def by_name(found: Found, text: str) -> Found:
    """An answer narrowed to bodies whose names resemble ``text``, best first; the others move to those left out."""
    scorer, wanted = _scorer(), folded(text)
    near: list[Match] = []
    far: list[LeftOut] = []
    for match in found.matches:
        hit = _hit(text, wanted, match.institution, scorer)
        if hit is None:
            far.append(LeftOut(match.institution, Reason.NAME_DIFFERS, match.competence.buc))
        else:
            near.append(attrs.evolve(match, score=hit.score))
    near.sort(key=lambda match: (-match.score, bool(match.warnings), match.institution.id))
    hints = found.hints if near or not far else (*found.hints, f"{len(far)} match without the name")
    return Found(tuple(near), hints, found.since, found.until, lambda: (*far, *found.left_out))


def _hit(text: str, wanted: str, institution: Institution, scorer: Callable[[str, str], float]) -> Hit | None:
    if text.strip().casefold() == institution.id.casefold():
        return Hit(institution, 101.0, institution.id)
    best = max(((scorer(wanted, key), key) for key in _keys(institution)), default=(0.0, ""))
    return Hit(institution, round(best[0], 1), best[1]) if best[0] >= LEAST_SCORE else None


def _keys(institution: Institution) -> Iterator[str]:
    yield from (folded(name.text) for name in institution.names)
    if institution.short_name:
        yield folded(institution.short_name)
    yield folded(institution.id.local)


def _scorer() -> Callable[[str, str], float]:
    try:
        from rapidfuzz import fuzz
    except ModuleNotFoundError:
        raise MissingExtra("directory", "search by name") from None

    def score(wanted: str, name: str) -> float:
        """Whole words in any order, with errors; a part of a longer name counts, a little less."""
        if not name:
            return 0.0
        whole = max(fuzz.ratio(wanted, name), fuzz.token_sort_ratio(wanted, name))
        part = 0.0
        if len(wanted) >= 4 and len(name) >= 4:
            part = 0.95 * max(
                fuzz.token_set_ratio(wanted, name),
                fuzz.partial_ratio(wanted, name) if len(wanted) <= len(name) else 0.0,
            )
        return float(max(whole, part))

    return score
