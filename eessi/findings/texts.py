"""Texts of findings, one catalogue per language: id -> message, hint, why, mend; and the phrases used inside them.

The English catalogue is complete; a text that another language lacks falls back to it.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

from eessi.errors import UnknownCode
from eessi.ids import nearest

__all__ = ["complete_families", "explain", "is_reviewed", "known_ids", "languages", "phrases_of", "text_of"]


@functools.cache
def _table(lang: str) -> dict[str, Any]:
    import tomllib  # loaded when the first text is asked for: most documents have no finding
    from importlib.resources import files

    file = files("eessi.findings").joinpath("messages", f"{lang}.toml")
    return tomllib.loads(file.read_text(encoding="utf-8")) if lang.isalpha() and file.is_file() else {}


@functools.cache
def _catalogue(lang: str) -> dict[str, dict[str, str]]:
    table = _table(lang)
    return {key: row for key, row in table.items() if isinstance(row, dict) and key not in ("about", "phrases")}


def phrases_of(lang: str) -> Mapping[str, str]:
    """What a language has for the English phrases of the code, place holders in braces."""
    phrases: Mapping[str, str] = _table(lang).get("phrases", {})
    return phrases


def known_ids() -> tuple[str, ...]:
    """All finding ids, sorted."""
    return tuple(sorted(_catalogue("en")))


def languages() -> tuple[str, ...]:
    """Codes of the languages that have a catalogue."""
    from importlib.resources import files

    folder = files("eessi.findings").joinpath("messages")
    return tuple(sorted(entry.name.removesuffix(".toml") for entry in folder.iterdir() if entry.name.endswith(".toml")))


def complete_families(lang: str) -> tuple[str, ...]:
    """Families of ids (``SCH``) that a catalogue says it holds in full; English holds all."""
    if lang == "en":
        return tuple(sorted({id.partition("-")[0] for id in known_ids()}))
    about = _table(lang).get("about", {})
    return tuple(about.get("complete", ()))


def is_reviewed(lang: str) -> bool:
    """Whether a person has signed the texts of a language; English is the source and needs no signature."""
    return lang == "en" or bool(_table(lang).get("about", {}).get("reviewed_by"))


class _Blank(dict[str, str]):
    def __missing__(self, key: str) -> str:
        return f"({key})"


def text_of(id: str, part: str, lang: str = "en", values: Mapping[str, str] | None = None) -> str:
    """One part (``message``, ``hint``, ``why``, ``mend``) of the texts of ``id``, place holders filled.

    :raises UnknownCode: for an id that the English catalogue does not hold.
    """
    english = _catalogue("en").get(id)
    if english is None:
        raise UnknownCode("finding id", id, nearest(id, _catalogue("en")))
    text = _catalogue(lang).get(id, {}).get(part) or english.get(part, "")
    return text.format_map(_Blank(values or {}))


def explain(id: str, lang: str = "en") -> dict[str, str]:
    """Everything the catalogue says about a finding id: message, why the rule exists, how to mend it.

    :raises UnknownCode: for an unknown id, with the nearest known one.
    """
    known = _catalogue("en")
    wanted = id.upper()
    if wanted not in known:
        raise UnknownCode("finding id", id, nearest(wanted, known))
    return {"id": wanted, **known[wanted], **_catalogue(lang).get(wanted, {})}
