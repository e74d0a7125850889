"""Patterns that only list words, as code lists in SED schemas do: ``(01|02|98){1}``."""

from __future__ import annotations

import re
from typing import Final

from eessi.schemas.structure import Facets

__all__ = ["TEXT_BASES", "listed_words", "literal_pattern"]

TEXT_BASES: Final = frozenset({"string", "normalizedString", "token", "NMTOKEN", "Name", "NCName", "language"})
"""Built-in types whose values are their letters, so that listing words as pattern or as enumeration means the same."""

_SPECIAL: Final = re.compile(r"[\\.?*+{}()\[\]|]")
_WORD: Final = re.compile(r"(?:[^\\.?*+{}()\[\]|]|\\[\\.?*+{}()\[\]|^-])+")
_USUAL: Final = re.compile(r"\(\w+(?:\|\w+)*\)(?:\{1\})?|\w+(?:\|\w+)*")


def listed_words(pattern: str) -> tuple[str, ...] | None:
    """The words of a pattern that is nothing but a list of words, each once; ``None`` for any other pattern."""
    if _USUAL.fullmatch(pattern):
        return tuple(dict.fromkeys(pattern.removesuffix("{1}").strip("()").split("|")))
    inside = pattern
    while (wrapped := re.fullmatch(r"\((.*)\)(?:\{1\}|\{1,1\})?", inside)) and _balanced(wrapped[1]):
        inside = wrapped[1]
    words = []
    for part in _split(inside):
        while (wrapped := re.fullmatch(r"\((.*)\)(?:\{1\})?", part)) and _balanced(wrapped[1]) and "|" not in part:
            part = wrapped[1]
        if not _WORD.fullmatch(part):
            return None
        words.append(re.sub(r"\\(.)", r"\1", part))
    return tuple(dict.fromkeys(words))


def _balanced(text: str) -> bool:
    depth = 0
    for sign in re.sub(r"\\.", "", text):
        depth += (sign == "(") - (sign == ")")
        if depth < 0:
            return False
    return depth == 0


def _split(text: str) -> list[str]:
    """Cut at every ``|`` that is not escaped."""
    return re.findall(r"(?:[^|\\]|\\.)+", text) if "||" not in f"|{text}|" else [""]


def literal_pattern(facets: Facets) -> str | None:
    """The pattern that lists ``facets.enumeration``; ``None`` without one or where values are more than letters.

    libxml2 checks a pattern faster than as many enumeration facets.
    """
    if not facets.enumeration or facets.base not in TEXT_BASES or "" in facets.enumeration:
        return None
    return "|".join(_SPECIAL.sub(lambda found: "\\" + found[0], word) for word in facets.enumeration)
