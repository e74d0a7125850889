"""The posted-workers view: one flat, typed row per document on the applicable legislation, for analysis and fraud prevention.

Where a document says what is a table (``data/decisions.toml``); what no row of it names is not guessed. A column that no
document fills is absent.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Final, Literal

import attrs
from pydantic import BaseModel, ConfigDict, Field

from eessi.node.keys import pins_of
from eessi.node.rule_files import read_rules
from eessi.node.vault import Vault, about_document
from eessi.sed import Message, Sed, parse
from eessi.stores import DEFAULT_TENANT, Store
from eessi.stores.cases import CaseRow, CaseRows, DocumentRow

__all__ = ["COLUMNS", "DECISION_SEDS", "ColumnSource", "DecisionPath", "Decisions", "decisions", "load_decision_paths"]

DECISION_SEDS: Final = ("A003", "A009", "A010", "A011", "A012")
"""SEDs that decide, or answer a decision, on the applicable legislation (883/2004 Title II; 987/2009 Art. 14 to 21)."""

COLUMNS: Final = {
    "case_id": "case", "document_id": "document", "version": "version of the document", "sed": "type of the document",
    "buc": "process", "direction": "OUT or IN", "date": "day of sending or receiving", "partners": "other institutions of the case",
    "verdict": "outcome of its check when it was kept", "person": "pseudonym or, where asked for, the numbers with their country",
    "sex": "", "birth": "year or, where asked for, the date", "nationality": "", "legislation": "member state whose legislation applies",
    "article": "article of 883/2004 or 987/2009", "period_start": "", "period_end": "", "previous_decision": "date of the decision that is amended",
    "countries_of_work": "", "competent_institution": "where it is not the sender", "outcome": "",
}  # fmt: skip
"""Every column there may be, in order, with its meaning where the name does not say it."""

_HEAD: Final = ("case_id", "document_id", "version", "sed", "buc", "direction", "date", "partners", "verdict")
_INDEX: Final = re.compile(r"\[\d+\]")

Value = str | int | dt.date


class DecisionPath(BaseModel):
    """One row: in which documents a column stands where.

    :param forms: ``eessi`` for documents of an official tree, ``sandbox`` for those of the toolkit's own.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(min_length=1)
    seds: tuple[Literal["A003", "A009", "A010", "A011", "A012"], ...] = Field(min_length=1)
    column: Literal[
        "person", "sex", "birth", "nationality", "legislation", "article", "period_start", "period_end",
        "previous_decision", "countries_of_work", "competent_institution", "outcome",
    ]  # fmt: skip
    path: str = Field(min_length=1)
    type: Literal["text", "code", "date"]
    forms: tuple[Literal["eessi", "sandbox"], ...] = ("eessi",)
    source: str = Field(min_length=1)
    off: bool = False


@attrs.frozen(slots=True)
class ColumnSource:
    """Where the values of a column came from: ``head`` of the case and document, or paths of documents with their source."""

    column: str
    meaning: str
    sources: tuple[str, ...]


@attrs.frozen(slots=True)
class Decisions:
    """The table. A row has only the columns that its document fills; values are text, numbers and days.

    :param not_read: ``CASE/DOCUMENT/VERSION PATH`` of values that are not of their column's type, left out.
    :param erased: documents left out because their contents were erased.
    """

    columns: tuple[ColumnSource, ...]
    rows: tuple[dict[str, Value], ...]
    not_read: tuple[str, ...] = ()
    erased: int = 0


def load_decision_paths(*files: Path) -> tuple[DecisionPath, ...]:
    """The rows that ship and those of the user's files; a row takes the place of an earlier one with its ``id``.

    :raises InputError: when a file cannot be read. :raises DefinitionError: when a row is not of its kind.
    """
    return tuple(row for row in read_rules("decisions.toml", DecisionPath, files) if not row.off)


def decisions(
    store: Store,
    vault: Vault,
    *,
    tenant: str = DEFAULT_TENANT,
    pseudonyms: bool = True,
    paths: Iterable[DecisionPath] | None = None,
) -> Decisions:
    """One row per version of each document that decides on the applicable legislation, oldest first.

    :param pseudonyms: the person is a keyed pseudonym, the birth date a year; without, numbers and date as they stand.
    """
    table = _Table(vault, pseudonyms, tuple(load_decision_paths() if paths is None else paths))
    with store.read(tenant) as unit:
        rows = CaseRows(unit)
        for document in rows.all_documents(DECISION_SEDS):
            head = rows.case(document.case_id)
            assert head is not None
            if not document.body:
                table.erased += 1
                continue
            about = about_document(tenant, document.case_id, document.document_id, document.version)
            parsed = parse(vault.open(document.body, about))
            table.add(document, head, parsed.sed if isinstance(parsed, Message) else parsed)
    return table.finished()


@attrs.define(slots=True)
class _Table:
    vault: Vault
    pseudonyms: bool
    paths: tuple[DecisionPath, ...]
    rows: list[dict[str, Value]] = attrs.field(factory=list)
    sources: dict[str, set[str]] = attrs.field(factory=dict)
    not_read: list[str] = attrs.field(factory=list)
    erased: int = 0

    def add(self, document: DocumentRow, head: CaseRow, sed: Sed) -> None:
        row: dict[str, Value] = {
            "case_id": document.case_id, "document_id": document.document_id, "version": document.version,
            "sed": document.sed, "buc": head.buc, "direction": document.direction,
            "date": dt.date.fromisoformat(document.at[:10]), "partners": head.partners, "verdict": document.verdict,
        }  # fmt: skip
        said = _values(sed)
        form = "sandbox" if sed.is_sandbox else "eessi"
        for path in self.paths:
            found = said.get(path.path)
            if found and path.column not in row and document.sed in path.seds and form in path.forms:
                self._fill(row, path, found, document, sed)
        self.rows.append(row)

    def _fill(
        self, row: dict[str, Value], path: DecisionPath, found: list[str], document: DocumentRow, sed: Sed
    ) -> None:
        if path.column == "person":
            row["person"] = self._person(sed)
        elif path.type == "date":
            try:
                day = dt.date.fromisoformat(found[0].strip()[:10])
            except ValueError:
                self.not_read.append(f"{document.case_id}/{document.document_id}/{document.version} {path.path}")
                return
            row[path.column] = day.year if path.column == "birth" and self.pseudonyms else day
        else:
            row[path.column] = " ".join(found) if path.type == "code" else found[0]
        self.sources.setdefault(path.column, set()).add(f"{path.path} ({path.source})")

    def _person(self, sed: Sed) -> str:
        """All numbers in a fixed order, so that one person has one pseudonym whichever stands first."""
        pins = sorted(set(pins_of(sed)))
        return self.vault.digest("person", "|".join(pins))[:16] if self.pseudonyms else " ".join(pins)

    def finished(self) -> Decisions:
        filled = {column for row in self.rows for column in row}
        columns = tuple(
            ColumnSource(name, meaning, ("head of case and document",) if name in _HEAD else tuple(sorted(self.sources[name])))
            for name, meaning in COLUMNS.items()
            if name in filled
        )  # fmt: skip
        return Decisions(columns, tuple(self.rows), tuple(self.not_read), self.erased)


def _values(sed: Sed) -> dict[str, list[str]]:
    """Path without indexes and without the ``value`` of codes -> all values there, in order."""
    found: dict[str, list[str]] = {}
    for path, text in sed.items():
        bare = _INDEX.sub("", path).removesuffix("/value")
        if text.strip():
            found.setdefault(bare, []).append(text.strip())
    return found
