"""The shipped tables: rows of trees, types and code lists become structures.

A folder of ``schemas/packages/`` holds ``entries.jsonl`` (one SED a row), ``types.jsonl``, ``codes.jsonl`` and
``trees/*.jsonl`` (one element a row, in document order; ``d`` is its depth). First line of each: source and date.
"""

from __future__ import annotations

import functools
import json
import os
from collections.abc import Iterator, Mapping
from typing import Final, Literal, NotRequired, TypedDict, cast

from eessi.errors import DefinitionError
from eessi.schemas.structure import Choice, Code, CodeList, Element, Facets, Kind, Particle

__all__ = ["FOLDER", "EntryRow", "NodeRow", "Tables", "read_table"]

FOLDER: Final = os.path.join(os.path.dirname(__file__), "packages")  # pathlib would cost a cold start four milliseconds
"""Where the shipped tables lie."""


class EntryRow(TypedDict):
    """One row of ``entries.jsonl``."""

    sed: str
    versions: list[str]
    stated: str
    fidelity: str
    order_known: bool
    tree: str
    source: str
    note: NotRequired[str]


class NodeRow(TypedDict, total=False):
    """One row of a tree: an element, or a choice whose branches are the rows below it."""

    d: int
    choice: bool
    name: str
    kind: Literal["group", "code", "leaf", "signature"]
    min: int
    max: int | Literal["unbounded"]
    type: str
    type_inferred: bool
    multiple: bool
    unique: bool


def read_table(folder: str, name: str) -> tuple[dict[str, object], list[dict[str, object]]]:
    """Head and rows of a shipped table.

    :raises DefinitionError: when the table is missing or a line of it is not JSON.
    """
    where = f"packages/{folder}/{name}"
    try:
        with open(f"{FOLDER}/{folder}/{name}", encoding="utf-8") as file:
            head, *rows = json.loads(f"[{','.join(file.read().splitlines())}]")
    except (OSError, ValueError) as error:
        raise DefinitionError(f"the table cannot be read: {error}", file=where) from None
    return head, rows


class Tables:
    """All tables of one shipped package, each read on first use."""

    def __init__(self, folder: str) -> None:
        self.folder: Final = folder

    @functools.cached_property
    def head(self) -> dict[str, object]:
        """What the package is: name, version, releases, source and date."""
        return read_table(self.folder, "entries.jsonl")[0]

    @functools.cached_property
    def entries(self) -> tuple[EntryRow, ...]:
        """One row per SED and tree."""
        return tuple(cast(list[EntryRow], read_table(self.folder, "entries.jsonl")[1]))

    @functools.cached_property
    def types(self) -> Mapping[str, Facets]:
        """Facets of the basic types by name."""
        _, rows = read_table(self.folder, "types.jsonl")
        return {str(row["type"]): _facets(row) for row in rows}

    @functools.cached_property
    def _code_rows(self) -> list[dict[str, object]]:
        return read_table(self.folder, "codes.jsonl")[1]

    @functools.cached_property
    def codes(self) -> Mapping[str, CodeList]:
        """Code lists by the name of their type."""
        return {str(row["list"]): _code_list(row) for row in self._code_rows}

    @functools.cached_property
    def multiple(self) -> frozenset[str]:
        """Names of the code lists of which several codes may be given."""
        return frozenset(str(row["list"]) for row in self._code_rows if row["multiple"])

    def tree(self, name: str, *, exact: bool) -> tuple[Particle, ...]:
        """Children of the root of a tree. Unless ``exact``, elements are marked as not known in number and order.

        :raises DefinitionError: when the table is missing or its rows make no tree.
        """
        _, rows = read_table(self.folder, f"trees/{name}.jsonl")
        pending = iter(cast(list[NodeRow], rows))
        particles, rest = self._level(next(pending, None), pending, 0, exact)
        if rest is not None:
            raise DefinitionError(
                f"row {rest} stands at no level of the tree", file=f"{self.folder}/trees/{name}.jsonl"
            )
        return particles

    def _level(
        self, row: NodeRow | None, pending: Iterator[NodeRow], depth: int, exact: bool
    ) -> tuple[tuple[Particle, ...], NodeRow | None]:
        found: list[Particle] = []
        while row is not None and row["d"] == depth:
            children, after = self._level(next(pending, None), pending, depth + 1, exact)
            found.append(self._particle(row, children, exact))
            row = after
        return tuple(found), row

    def _particle(self, row: NodeRow, children: tuple[Particle, ...], exact: bool) -> Particle:
        low, high = row.get("min", 0), row.get("max", 1)
        most = None if high == "unbounded" else int(high)
        if row.get("choice"):
            return Choice(tuple((branch,) for branch in children), low if exact else 0, most)
        kind = Kind(row["kind"])
        codes = self.codes.get(row.get("type", "")) if kind is Kind.CODE else None
        return Element(
            name=row["name"],
            kind=kind,
            min=low,
            max=most,
            children=children,
            facets=self._facets(row, kind, codes),
            codes=codes,
            value_max=None if row.get("multiple") or row.get("type") in self.multiple else 1,
            unique_values=bool(row.get("unique")),
            type_name=row.get("type"),
            known=exact,
        )

    def _facets(self, row: NodeRow, kind: Kind, codes: CodeList | None) -> Facets | None:
        if kind is Kind.CODE:
            return Facets(enumeration=codes.values) if codes else Facets()
        if kind is not Kind.LEAF:
            return None
        return Facets(base="date") if row.get("type") == "date" else self.types.get(row.get("type", ""), Facets())


def _facets(row: dict[str, object]) -> Facets:
    pattern = row.get("pattern")
    low, high = row.get("min_length"), row.get("max_length")
    return Facets(
        base=str(row["base"]),
        min_length=low if isinstance(low, int) else None,
        max_length=high if isinstance(high, int) else None,
        patterns=(str(pattern),) if pattern is not None else (),
    )


def _code_list(row: dict[str, object]) -> CodeList:
    codes = cast(dict[str, str], row["codes"])
    name = str(row["list"]).replace("Multiple", "")
    return CodeList(name, tuple(Code(value, {"en": text}) for value, text in codes.items()))
