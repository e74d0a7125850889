"""What Annex 4 of Regulation 987/2009 asks for and no full copy carries: functions, competence by risk and area.

An approved change puts it in force here. It is kept beside the copies, so that the next one does not wipe it out, and
laid over the institutions whenever a copy is read from the store.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterable, Iterator, Mapping
from importlib.resources import files
from typing import Final, Literal

import attrs

from eessi.directory.records import Institution, LegalCompetence
from eessi.errors import UnknownCode
from eessi.ids import InstitutionId, nearest
from eessi.stores.directory_rows import DirectoryStorage, NationalRow

__all__ = ["FIELDS", "keep_national", "legal_words", "legally_competent", "with_national"]

FIELDS: Final = ("functions", "legal_competences")
"""Fields of an institution that SYN001 has no place for."""


@functools.cache
def legal_words(table: Literal["functions", "risks", "benefits"]) -> Mapping[str, str]:
    """Key -> English name of a table of legal words (``data/legal.toml``)."""
    import tomllib

    text = files("eessi.directory").joinpath("data", "legal.toml").read_text(encoding="utf-8")
    return {row["key"]: row["name"] for row in tomllib.loads(text)[table]}


def legally_competent(
    institutions: Iterable[Institution],
    *,
    risk: str | None = None,
    benefit: str | None = None,
    scheme: str | None = None,
    area: str | None = None,
) -> Iterator[tuple[Institution, LegalCompetence]]:
    """The institutions whose competence covers what is asked, each with the row that says so; ``None`` asks for any.

    A row that leaves a word out covers every one. Words are compared without letter case.

    :raises UnknownCode: for a risk or benefit that is no key of its table, with the nearest.
    """
    wanted = {"risk": risk, "benefit": benefit, "scheme": scheme, "area": area}
    for name, word, table in (("risk", risk, legal_words("risks")), ("benefit", benefit, legal_words("benefits"))):
        if word is not None and word.casefold() not in table:
            raise UnknownCode(name, word, nearest(word, table) or ", ".join(table))
    asked = {name: word.casefold() for name, word in wanted.items() if word is not None}
    for each in institutions:
        for row in each.legal_competences:
            words = attrs.asdict(row)
            if all(words[name] is None or words[name].casefold() == word for name, word in asked.items()):
                yield each, row


def keep_national(
    rows: DirectoryStorage,
    at: str,
    old: Mapping[InstitutionId, Institution],
    new: Mapping[InstitutionId, Institution],
) -> None:
    """Put what an approved change says of these fields in force, inside a unit that is open, after its log entry."""
    changed = [each for id, each in new.items() if _plain(each) != _plain(old.get(id))]
    changed += [attrs.evolve(each, functions=(), legal_competences=()) for id, each in old.items() if id not in new]
    no = rows.last_event()
    rows.put_national(NationalRow(each.id, no, at, json.dumps(_plain(each), ensure_ascii=False)) for each in changed)


def _plain(each: Institution | None) -> list[list[object]]:
    if each is None:
        return [[], []]
    return [list(each.functions), [list(attrs.astuple(row)) for row in each.legal_competences]]


def with_national(
    institutions: Mapping[InstitutionId, Institution], rows: Iterable[NationalRow], before: str | None = None
) -> dict[InstitutionId, Institution]:
    """Institutions with what is kept of them here laid over; the last row of each counts.

    :param before: only rows written before this instant (ISO text, UTC).
    """
    found = dict(institutions)
    for row in rows:
        each = found.get(InstitutionId(row.institution))
        if each is not None and (before is None or row.at < before):
            functions, legal = json.loads(row.body)
            found[each.id] = attrs.evolve(
                each, functions=tuple(functions), legal_competences=tuple(LegalCompetence(*one) for one in legal)
            )
    return found
