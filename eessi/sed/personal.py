"""What each leaf tells about a person: the ground for masking and pseudonyms. What is not known is taken as telling."""

from __future__ import annotations

import enum
import functools
import re
import tomllib
from fnmatch import translate
from importlib.resources import files

from eessi.errors import DefinitionError

__all__ = ["DAY", "Tells", "tells"]

DAY = re.compile(r"\s*(-?\d{4,})-(\d{2})-(\d{2})(Z|[+-]\d{2}:\d{2})?\s*")
"""A day as XML Schema writes it."""


class Tells(enum.StrEnum):
    """What a leaf tells; see ``data/personal.toml``."""

    CODE = "code"
    INSTITUTION = "institution"
    PIN = "pin"
    ACCOUNT = "account"
    CONTACT = "contact"
    DATE = "date"
    NAME = "name"
    ADDRESS = "address"
    AMOUNT = "amount"
    ID = "id"
    TEXT = "text"

    @property
    def personal(self) -> bool:
        """Whether it is about a person."""
        return self not in (Tells.CODE, Tells.INSTITUTION)


@functools.cache
def _rows() -> tuple[tuple[Tells, re.Pattern[str]], ...]:
    table = tomllib.loads(files("eessi.sed").joinpath("data", "personal.toml").read_text(encoding="utf-8"))
    try:
        return tuple((Tells(row["kind"]), re.compile("|".join(map(translate, row["names"])))) for row in table["row"])
    except (KeyError, ValueError) as error:
        raise DefinitionError(str(error), file="personal.toml") from None


@functools.lru_cache(maxsize=4096)
def _by_name(name: str) -> Tells:
    return next((kind for kind, names in _rows() if names.match(name.lower())), Tells.TEXT)


def tells(name: str, text: str) -> Tells:
    """What the leaf of that name tells; a day is a date whatever it is called, a sentence is never a code."""
    if DAY.fullmatch(text):
        return Tells.DATE
    kind = _by_name(name)
    if kind is Tells.CODE and not re.fullmatch(r"[A-Za-z0-9]{0,8}", text):
        return Tells.TEXT
    return Tells.TEXT if kind is Tells.DATE else kind
