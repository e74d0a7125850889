"""Texts for people, per language: titles, element labels and code texts, out to Excel and PO and back, and their review.

The English text comes from the package where it has one; else it is our own wording, made from the element's name and marked so.
"""

from __future__ import annotations

import enum
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

import attrs

from eessi.ids import SedType
from eessi.schemas import CdmPackage, Registry
from eessi.schemas.structure import Element, Kind, Structure

__all__ = ["Problem", "ReviewState", "Text", "check", "collect", "merge", "own_wording"]

LONGEST: Final = 3.0
"""A translation more than this many times as long as its source is worth a look."""


class ReviewState(enum.StrEnum):
    """How far a text is reviewed. Only a person makes it ``reviewed``."""

    MISSING = "missing"
    UNREVIEWED = "unreviewed"
    REVIEWED = "reviewed"
    SOURCE_CHANGED = "source changed"


@attrs.frozen(slots=True)
class Text:
    """One text in one language.

    :param key: ``title:S071``, ``element:S071/Person/PersonIdentification/sex``, ``code:EESSISexType/01``; stable.
    :param source: the English text. :param own: whether the English text is our own wording, not the package's.
    :param text: the text in the language, empty while missing.
    """

    key: str
    source: str
    own: bool
    text: str = ""
    state: ReviewState = ReviewState.MISSING
    reviewer: str = ""
    note: str = ""


@attrs.frozen(slots=True)
class Problem:
    """Something a reviewer should look at. ``rule`` is one of the names in :data:`RULES`."""

    rule: str
    key: str
    message: str


RULES: Final[Mapping[str, str]] = {
    "missing": "the text is missing in this language",
    "source-changed": "the English text changed after the translation was made",
    "unreviewed": "no person has reviewed the text",
    "place-holders": "place holders in braces differ from those of the English text",
    "length": "the text is much longer than the English one and may not fit on forms",
    "terminology": "one English term has several translations in this package",
    "spaces": "white space at an end, or doubled",
}
"""Rules of :func:`check` and what each looks at."""


def own_wording(name: str) -> str:
    """A readable label from an element name: ``dateBirth`` becomes ``Date birth``. Marked as own wording wherever it is shown."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", name).split()
    text = " ".join(word if word.isupper() and len(word) > 1 else word.lower() for word in words)
    return text[:1].upper() + text[1:]


def collect(package: CdmPackage, lang: str, seds: Iterable[str] | None = None) -> tuple[Text, ...]:
    """Every text of a package in one language, as far as the package and the SED catalogue have it.

    :param seds: codes to look at; all of the package by default.
    """
    wanted = None if seds is None else {str(SedType(sed.upper())) for sed in seds}
    registry = Registry((package,))
    texts: dict[str, Text] = {}
    for entry in package.entries():
        if wanted is not None and entry.sed not in wanted:
            continue
        for text in _title(str(entry.sed), lang):
            texts.setdefault(text.key, text)
        structure = registry.structure(entry.sed, entry.version)
        if structure is not None:
            for text in _of_structure(structure, lang):
                texts.setdefault(text.key, text)
    return tuple(texts[key] for key in sorted(texts))


def _title(sed: str, lang: str) -> Iterator[Text]:
    from eessi.sed.catalogue import find_sed

    titles = find_sed(sed).titles
    english = titles.get("en")
    source = english.text if english is not None else sed
    own = english is None or english.basis not in ("official", "published")
    other = titles.get(lang)
    state = ReviewState.UNREVIEWED if other is not None else ReviewState.MISSING
    yield Text(f"title:{sed}", source, own, other.text if other is not None else "", state)


def _of_structure(structure: Structure, lang: str) -> Iterator[Text]:
    for path, element in structure.walk():
        if element.kind is Kind.SIGNATURE:
            continue
        english = element.labels.get("en")
        yield _text(f"element:{structure.sed}/{path}", english, own_wording(element.name), element.labels.get(lang))
        yield from _codes(element, lang)


def _codes(element: Element, lang: str) -> Iterator[Text]:
    if element.codes is None:
        return
    for code in element.codes.codes:
        yield _text(f"code:{element.codes.name}/{code.value}", code.labels.get("en"), code.value, code.labels.get(lang))


def _text(key: str, english: str | None, instead: str, text: str | None) -> Text:
    state = ReviewState.UNREVIEWED if text else ReviewState.MISSING
    return Text(key, english or instead, english is None, text or "", state)


def merge(current: Iterable[Text], reviewed: Iterable[Text]) -> tuple[Text, ...]:
    """Put texts that came back from people over those of the package.

    A translation of an English text that has changed since is kept and marked; a row that the package no longer has is
    dropped. An empty text never overwrites one that is there.
    """
    back = {text.key: text for text in reviewed}
    merged = []
    for text in current:
        other = back.get(text.key)
        if other is None or not other.text:
            merged.append(text)
            continue
        state = other.state if other.state is not ReviewState.MISSING else ReviewState.UNREVIEWED
        if other.source != text.source:
            state = ReviewState.SOURCE_CHANGED
        merged.append(attrs.evolve(text, text=other.text, state=state, reviewer=other.reviewer, note=other.note))
    return tuple(merged)


def check(texts: Iterable[Text]) -> tuple[Problem, ...]:
    """Completeness, age, place holders, length, white space and terminology of the texts of one language."""
    rows = tuple(texts)
    problems = [problem for text in rows for problem in _of_one(text)]
    problems += _terminology(rows)
    return tuple(problems)


def _of_one(text: Text) -> Iterator[Problem]:
    if not text.text:
        yield Problem("missing", text.key, RULES["missing"])
        return
    if text.state is ReviewState.SOURCE_CHANGED:
        yield Problem("source-changed", text.key, RULES["source-changed"])
    elif text.state is ReviewState.UNREVIEWED:
        yield Problem("unreviewed", text.key, RULES["unreviewed"])
    if _holders(text.source) != _holders(text.text):
        yield Problem("place-holders", text.key, RULES["place-holders"])
    if len(text.text) > 20 and len(text.text) > LONGEST * len(text.source):
        yield Problem("length", text.key, f"{len(text.text)} characters for {len(text.source)} of the English text")
    if text.text != " ".join(text.text.split()):
        yield Problem("spaces", text.key, RULES["spaces"])


def _holders(text: str) -> list[str]:
    return sorted(re.findall(r"\{[^{}]*\}", text))


def _terminology(rows: tuple[Text, ...]) -> Iterator[Problem]:
    used: defaultdict[str, defaultdict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for text in rows:
        if text.text:
            used[text.source.casefold()][text.text.casefold()].append(text.key)
    for source, translations in used.items():
        if len(translations) > 1:
            shown = ", ".join(f"{word!r}" for word in sorted(translations))
            rarest = min(translations, key=lambda word: len(translations[word]))
            yield Problem("terminology", translations[rarest][0], f"{source!r} is translated as {shown}")
