"""Texts of findings, one catalogue per language: id -> message, hint, why, mend.

The English catalogue is complete; a text that another language lacks falls back to it.
"""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Mapping
from importlib.resources import files

from eessi.errors import UnknownCode
from eessi.ids import nearest

__all__ = ["explain", "known_ids", "languages", "text_of"]


@functools.cache
def _catalogue(lang: str) -> dict[str, dict[str, str]]:
    file = files("eessi.findings").joinpath("messages", f"{lang}.toml")
    if not file.is_file():
        return {}
    table = tomllib.loads(file.read_text(encoding="utf-8"))
    return {key: row for key, row in table.items() if isinstance(row, dict) and key != "about"}


def known_ids() -> tuple[str, ...]:
    """All finding ids, sorted."""
    return tuple(sorted(_catalogue("en")))


def languages() -> tuple[str, ...]:
    """Codes of the languages that have a catalogue."""
    folder = files("eessi.findings").joinpath("messages")
    return tuple(sorted(entry.name.removesuffix(".toml") for entry in folder.iterdir() if entry.name.endswith(".toml")))


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
