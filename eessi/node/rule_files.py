"""Rules as rows of TOML: those that ship, overridden by files of the user's own."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from importlib.resources import files
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from eessi.errors import DefinitionError, InputError

__all__ = ["read_rules"]

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
