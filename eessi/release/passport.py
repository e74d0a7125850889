"""The validation passport: what was validated, with what, and what came out, sealed so that it can be verified offline.

The seal is a SHA-256 over the canonical JSON of everything else. It proves that nothing was changed since; who made it is for a
signature over the file to say.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import platform
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

import eessi
from eessi.errors import DefinitionError, InputError
from eessi.schemas import Registry

__all__ = ["Checked", "Passport", "issue", "verify"]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Checked(_Strict):
    """One document: its hash and the verdict on it. The name is that of the file, without folder."""

    file: str
    sha256: str
    sed: str | None
    cdm: str | None
    verdict: str
    package: str | None
    fidelity: str | None
    findings: tuple[str, ...]
    not_checked: tuple[str, ...]


class Passport(_Strict):
    """The record of a validation; ``seal`` covers every other field."""

    schema_version: int = 1
    package: str
    package_hash: str
    tool: str
    libraries: dict[str, str]
    issued: dt.datetime
    round: dict[str, object] | None
    documents: tuple[Checked, ...]
    summary: dict[str, int]
    seal: str = ""

    def sealed(self) -> Passport:
        """The same passport with its seal."""
        return self.model_copy(update={"seal": self._digest()})

    def _digest(self) -> str:
        body = self.model_dump(mode="json", exclude={"seal"})
        text = json.dumps(body, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def is_intact(self) -> bool:
        """Whether the seal fits the content."""
        return self.seal == self._digest()


def issue(
    registry: Registry,
    package: str,
    documents: Sequence[Path],
    *,
    at: dt.datetime,
    round: dict[str, object] | None = None,
) -> Passport:
    """Validate documents against one package and seal the result.

    :param at: the moment to write into it. :param round: a sign-off round as JSON, to seal with it.
    :raises UnknownCode: for an unknown package. :raises InputError: for a file that cannot be read at all.
    """
    found = registry.package(package)
    rows = tuple(_checked(registry, found.coordinates, file) for file in documents)
    outcomes = ("valid", "invalid", "undetermined")
    return Passport(
        package=found.coordinates,
        package_hash=found.hash,
        tool=f"eessi-toolkit {eessi.__version__}, Python {platform.python_version()}",
        libraries={name: version(name) for name in ("lxml", "xmlschema")},
        issued=at,
        round=round,
        documents=rows,
        summary={outcome: sum(row.verdict == outcome for row in rows) for outcome in outcomes},
    ).sealed()


def _checked(registry: Registry, package: str, file: Path) -> Checked:
    from eessi.sed import validate

    try:
        data = file.read_bytes()
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", source=str(file)) from None
    verdict = validate(data, registry, package=package)
    return Checked(
        file=file.name,
        sha256=hashlib.sha256(data).hexdigest(),
        sed=verdict.sed,
        cdm=verdict.cdm,
        verdict=str(verdict.outcome),
        package=verdict.package,
        fidelity=verdict.fidelity,
        findings=tuple(f"{finding.id} {finding.path or ''}".strip() for finding in verdict.findings),
        not_checked=tuple(f"{item.what}: {item.why}" for item in verdict.not_checked),
    )


def verify(file: Path, *, registry: Registry | None = None, documents: Sequence[Path] = ()) -> tuple[str, ...]:
    """What does not fit: seal, package hash (with a registry), documents given by name. Empty when everything does.

    :raises InputError: when the file cannot be read. :raises DefinitionError: when it is no passport.
    """
    passport = _load(file)
    troubles = [] if passport.is_intact else ["the seal does not fit: the passport was changed after it was issued"]
    if registry is not None:
        known = {package.coordinates: package.hash for package in registry.packages}
        held = known.get(passport.package)
        if held is None:
            troubles.append(f"{passport.package} is not at hand, so its hash could not be compared")
        elif held != passport.package_hash:
            troubles.append(
                f"{passport.package} at hand has another content: {held[:12]}, not {passport.package_hash[:12]}"
            )
    by_name = {row.file: row.sha256 for row in passport.documents}
    for document in documents:
        digest = hashlib.sha256(document.read_bytes()).hexdigest()
        if document.name not in by_name:
            troubles.append(f"{document.name} is not in the passport")
        elif by_name[document.name] != digest:
            troubles.append(f"{document.name} is another document than the one that was validated")
    return tuple(troubles)


def _load(file: Path) -> Passport:
    try:
        return Passport.model_validate_json(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError("no such file", source=str(file)) from None
    except UnicodeDecodeError:
        raise InputError("not a JSON document", source=str(file)) from None
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise DefinitionError(str(first["msg"]), file=str(file), key=key or None) from None
