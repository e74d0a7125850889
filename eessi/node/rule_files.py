"""Rules as rows of TOML: those that ship, overridden by files of the user's own."""

from __future__ import annotations

import fnmatch
import tomllib
from collections.abc import Iterable
from importlib.resources import files
from pathlib import Path
from typing import Literal, TypeVar

import attrs
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from eessi.errors import DefinitionError, InputError
from eessi.stores.cases import CaseRow

__all__ = ["CaseRule", "Outcome", "read_rules"]


class CaseRule(BaseModel):
    """What every row says: which cases it speaks of, where that is laid down, and why.

    :param bucs: codes or patterns (``LA_*``). :param country: counts only for institutions of this country.
    :param kind: ``law`` (name it in ``source``), ``practice`` of an administration, or ``own`` choice.
    :param off: takes a shipped row of the same id away.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(min_length=1)
    bucs: tuple[str, ...] = Field(min_length=1)
    country: str | None = Field(default=None, pattern="^[A-Z]{2}$")
    kind: Literal["law", "practice", "own"]
    source: str = Field(min_length=1)
    reason: str = Field(min_length=1)
    off: bool = False

    def fits(self, head: CaseRow) -> bool:
        """Whether the row speaks of this case, leaving time and documents aside."""
        if self.off or (self.country is not None and not head.me.startswith(f"{self.country}:")):
            return False
        return any(fnmatch.fnmatchcase(head.buc, pattern) for pattern in self.bucs)


@attrs.frozen(slots=True)
class Outcome:
    """What became of one case of a plan, by which rule; ``kept`` with the reason."""

    case_id: str
    outcome: str
    rule: str
    why: str | None = None


_Rule = TypeVar("_Rule", bound=BaseModel)


def read_rules(name: str, kind: type[_Rule], own: Iterable[Path], *, shipped: bool = True) -> tuple[_Rule, ...]:
    """The rows of a shipped table and of the user's files; a row takes the place of an earlier one with its ``id``.

    :param name: file in ``eessi/node/data``. :param kind: what a row is; it has an ``id``.
    :raises InputError: when a file cannot be read. :raises DefinitionError: no TOML, or a row that is not of its kind.
    """
    found: dict[str, _Rule] = {}
    if shipped:
        text = files("eessi.node").joinpath("data", name).read_text(encoding="utf-8")
        found.update(_rows(text, name, kind))
    for file in own:
        try:
            text = file.read_text(encoding="utf-8")
        except OSError as error:
            raise InputError(f"cannot be read: {error.strerror}", source=str(file)) from None
        except UnicodeDecodeError as error:
            raise InputError("not UTF-8", source=str(file), offset=error.start) from None
        found.update(_rows(text, str(file), kind))
    return tuple(found.values())


def _rows(text: str, file: str, kind: type[_Rule]) -> dict[str, _Rule]:
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise DefinitionError(f"not TOML: {error}", file=file) from None
    if table.get("format") != 1:
        raise DefinitionError("`format = 1` is expected", file=file, key="format")
    unknown = sorted(table.keys() - {"format", "rule"})
    if unknown or not isinstance(table.get("rule", []), list):
        raise DefinitionError("only rows [[rule]] are expected", file=file, key=unknown[0] if unknown else "rule")
    found: dict[str, _Rule] = {}
    for number, row in enumerate(table.get("rule", []), 1):
        try:
            rule = kind.model_validate(row)
        except ValidationError as error:
            first = error.errors(include_url=False, include_context=False, include_input=False)[0]
            key = ".".join(str(part) for part in ("rule", number, *first["loc"]))
            raise DefinitionError(str(first["msg"]), file=file, key=key) from None
        id = str(getattr(rule, "id", number))
        if id in found:
            raise DefinitionError(f"the id {id!r} stands twice", file=file, key=f"rule.{number}.id")
        found[id] = rule
    return found
