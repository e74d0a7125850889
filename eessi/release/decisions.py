"""Decisions about changes, remembered by fingerprint in a TOML file fit for a repository."""

from __future__ import annotations

import datetime as dt
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from eessi.errors import DefinitionError, InputError
from eessi.release.change import Change

__all__ = ["Decided", "Decisions"]


class Decided(BaseModel):
    """One decision: what, why, by whom (a function, not a person), and until when it stands."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    decision: str = Field(pattern="^(accepted|mended|postponed)$")
    reason: str = Field(min_length=5)
    function: str = Field(min_length=2)
    until: dt.date | None = None


class Decisions:
    """The decisions of one file.

    :param by_fingerprint: fingerprint of a change -> decision.
    """

    def __init__(self, by_fingerprint: Mapping[str, Decided]) -> None:
        self.by_fingerprint = dict(by_fingerprint)

    @classmethod
    def load(cls, file: Path) -> Decisions:
        """Read a file with one table per fingerprint.

        :raises InputError: when it cannot be read. :raises DefinitionError: for an entry that is no decision.
        """
        try:
            table = tomllib.loads(file.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise InputError("no such file", source=str(file)) from None
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise InputError(f"not a TOML file: {error}", source=str(file)) from None
        found = {}
        for key, row in table.items():
            try:
                found[key] = Decided.model_validate(row)
            except ValidationError as error:
                first = error.errors()[0]
                where = ".".join([key, *(str(part) for part in first["loc"])])
                raise DefinitionError(str(first["msg"]), file=str(file), key=where) from None
        return cls(found)

    def stands(self, change: Change, on: dt.date) -> bool:
        """Whether a decision takes this change out of what fails, on that day."""
        found = self.by_fingerprint.get(change.fingerprint)
        return found is not None and (found.until is None or on <= found.until)

    def troubles(self, changes: Iterable[Change], on: dt.date) -> tuple[str, ...]:
        """Decisions that have expired, or whose change is not there any more."""
        known = {change.fingerprint for change in changes}
        said = []
        for key, row in self.by_fingerprint.items():
            if key not in known:
                said.append(f"{key}: no such change any more; the decision can go")
            elif row.until is not None and row.until < on:
                said.append(f"{key}: the decision stood until {row.until}; decide again")
        return tuple(said)
