"""The list of all SEDs: codes, sectors, titles by language, and in which processes each is used.

Read from ``data/seds.toml``; who may send what after what stands in the definitions of the processes.
"""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

import attrs

from eessi.errors import UnknownCode
from eessi.ids import nearest

__all__ = ["SedRow", "Title", "all_seds", "find_sed"]


@attrs.frozen(slots=True)
class Title:
    """A title in one language.

    :param basis: ``official`` (heading of a published form), ``published``, ``translated``, ``as_shown_in_rina``,
        ``older_paper_sed_title``, ``general_knowledge``, ``derived_from_flow`` (a description, not a title), or
        ``None`` where the source does not say.
    :param source: id of the source; :param confidence: ``high``, ``medium`` or ``low``.
    """

    text: str
    basis: str | None = None
    source: str | None = None
    confidence: str | None = None

    @property
    def is_official(self) -> bool:
        """Whether it is the heading of a published form."""
        return self.basis == "official"


@attrs.frozen(slots=True)
class SedRow:
    """One SED of the list.

    :param titles: by language code. :param bucs: processes it is part of; :param starter_of: those it starts.
    :param horizontal_in: processes that may use it although it belongs to another sector.
    :param direction: who sends it: ``case_owner``, ``counterparty``, ``either`` or ``varies``; :param senders: per process.
    :param cdm_versions: versions in which a source names it, not all versions in which it exists.
    """

    code: str
    sector: str
    series: str
    titles: Mapping[str, Title] = attrs.field(factory=dict, hash=False)
    administrative: bool = False
    direction: str | None = None
    senders: Mapping[str, str] = attrs.field(factory=dict, hash=False)
    bucs: tuple[str, ...] = ()
    starter_of: tuple[str, ...] = ()
    horizontal_in: tuple[str, ...] = ()
    legal_basis: tuple[str, ...] = ()
    cdm_versions: tuple[str, ...] = ()
    form_versions: tuple[str, ...] = ()
    confidence: str | None = None
    sources: tuple[str, ...] = ()
    note: str | None = None

    @property
    def title(self) -> str | None:
        """The English title, ``None`` where no source gives one."""
        return self.title_in("en")

    def title_in(self, lang: str) -> str | None:
        """The title in a language, else in English, else ``None``."""
        found = self.titles.get(lang) or self.titles.get("en")
        return found.text if found else None


@functools.cache
def _table() -> dict[str, SedRow]:
    text = files("eessi.sed").joinpath("data", "seds.toml").read_text(encoding="utf-8")
    return {row["code"]: _row(row) for row in tomllib.loads(text)["sed"]}


def _row(row: dict[str, Any]) -> SedRow:
    values: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in row.items()}
    values["titles"] = {lang: Title(**title) for lang, title in row.get("titles", {}).items()}
    return SedRow(**values)


def all_seds() -> tuple[SedRow, ...]:
    """All SEDs, by code."""
    return tuple(_table().values())


def find_sed(code: str) -> SedRow:
    """The row of a SED; letter case does not matter.

    :raises UnknownCode: with the nearest known code.
    """
    found = _table().get(code.upper())
    if found is None:
        raise UnknownCode("SED code", code, nearest(code, _table()))
    return found
