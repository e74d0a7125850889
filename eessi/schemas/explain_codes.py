"""What to say about a code that is not in its list: the nearest one, and the list itself with its English texts."""

from __future__ import annotations

from typing import Final

from eessi.findings import Phrase
from eessi.ids import fold_country, nearest
from eessi.schemas.structure import CodeList

__all__ = ["code_list_text", "nearest_code"]

_SHOWN: Final = 12
"""Codes named in a hint; ``expected`` of the finding always holds all."""


def nearest_code(text: str, codes: tuple[str, ...], labels: CodeList | None) -> tuple[str | None, bool]:
    """The code that was most likely meant, and whether it follows from the text without a guess."""
    bare = text.strip()
    for candidate in (bare, bare.upper(), fold_country(bare), bare.zfill(2), bare.lstrip("0")):
        if candidate != text and candidate in codes:
            return candidate, True
    if labels is not None:
        named = [code.value for code in labels.codes if code.label.casefold() == bare.casefold()]
        if len(named) == 1:
            return named[0], True
    if len(bare) >= 3:
        return nearest(bare, codes), False
    return None, False


def code_list_text(codes: tuple[str, ...], labels: CodeList | None) -> str:
    """The codes as a person reads them: ``01 Male, 02 Female, 98 Unknown``."""
    texts = {code.value: code.label for code in labels.codes} if labels is not None else {}
    rows = [code if texts.get(code, code) == code else f"{code} {texts[code]}" for code in codes[:_SHOWN]]
    told = ", ".join(rows)
    rest = len(codes) - _SHOWN
    return Phrase("{codes} and {number} more", codes=told, number=rest) if rest > 0 else told
