"""Processing modes as data: what is agreed about messages, with the profiles ``eessi`` and ``edelivery``.

::

    pmode = load_pmode("eessi", {"packaging": {"originator_properties": True}})
    for finding in lint(pmode):
        print(finding.hint())
"""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Mapping
from importlib.resources import files
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from eessi.errors import DefinitionError, UnknownCode
from eessi.findings import Finding, Severity
from eessi.transport.multihop import RoutingForm

__all__ = ["PMode", "lint", "load_pmode", "read_pmode"]


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Business(_Table):
    """Who speaks to whom about what."""

    party_type: str
    from_role: str
    to_role: str
    service: str
    service_type: str | None = None
    action: str
    agreement: str | None = None
    mpc: str | None = None


class Packaging(_Table):
    """How payloads are packed; names of parts and properties."""

    payload_id: str = Field(pattern=r"^[A-Za-z0-9._-]+$")
    payload_part_type: str = ""
    attachment_part_type: str = ""
    compress: bool = True
    originator_properties: bool = False


class Security(_Table):
    """What is signed and encrypted, and what is demanded of the other side."""

    sign: bool = True
    require_signed: bool = True
    encrypt: bool = False
    require_encrypted: bool = False
    suite: str = "edelivery-1.15"
    key_reference: Literal["bst", "ski", "issuer_serial"] = "bst"
    encryption_reference: Literal["bst", "ski", "issuer_serial"] = "issuer_serial"
    unsigned_errors: bool = False


class Multihop(_Table):
    """Routing through access points, and how routing headers are written."""

    enabled: bool = False
    receipt_suffix: str = ".receipt"
    error_suffix: str = ".error"
    copy_header: bool = Field(default=True, alias="copy")
    sign: bool = False

    @property
    def form(self) -> RoutingForm:
        """The form of routing headers."""
        return RoutingForm(self.receipt_suffix, self.error_suffix, self.copy_header, self.sign)


class ReceiptRule(_Table):
    """How receipts come: in the response, or by a message of their own; until when; how often a message is sent again."""

    pattern: Literal["response", "callback"] = "response"
    hours: float = Field(default=24.0, gt=0)
    resends: int = Field(default=0, ge=0, le=20)


class Retry(_Table):
    """When the hop to the next node is tried again. Times are seconds."""

    attempts: int = Field(default=5, ge=1, le=100)
    first_seconds: float = Field(default=5.0, ge=0)
    factor: float = Field(default=3.0, ge=1)
    longest_seconds: float = Field(default=900.0, ge=0)
    circuit_failures: int = Field(default=5, ge=1)
    circuit_seconds: float = Field(default=60.0, ge=0)

    def pause(self, attempt: int) -> float:
        """Seconds to wait after the given number of attempts."""
        return min(self.first_seconds * self.factor ** (attempt - 1), self.longest_seconds)


class Ordering(_Table):
    """What the earlier messages of a conversation must have reached before the next one goes out."""

    per_conversation: Literal["none", "taken", "receipted"] = "taken"


class Pull(_Table):
    """How often a channel is asked, and when silence is an alarm."""

    shortest_seconds: float = Field(default=1.0, gt=0)
    longest_seconds: float = Field(default=25.0, gt=0)
    alarm_hours: float = Field(default=12.0, gt=0)


class PMode(_Table):
    """One processing mode."""

    business: Business
    packaging: Packaging
    security: Security
    multihop: Multihop
    receipt: ReceiptRule
    retry: Retry
    ordering: Ordering
    pull: Pull


def load_pmode(profile: str, changes: Mapping[str, Mapping[str, object]] | None = None) -> PMode:
    """The shipped profile of that name, with changes per table.

    :raises UnknownCode: for a name without profile.
    :raises DefinitionError: for a change that the model does not allow.
    """
    table = {name: {**rows, **(changes or {}).get(name, {})} for name, rows in _profile(profile).items()}
    for name in set(changes or {}) - set(table):
        raise DefinitionError(f"a P-Mode has no table {name}", file=profile, key=name)
    return _valid(table, profile)


def read_pmode(text: str, *, source: str | None = None) -> PMode:
    """Read a P-Mode from TOML. ``profile = "eessi"`` on top takes what is not written from that profile.

    :raises DefinitionError: no TOML, unknown keys, wrong values.
    """
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise DefinitionError(f"this is no TOML: {error}", file=source) from None
    profile = table.pop("profile", None)
    if profile is None:
        return _valid(table, source)
    return load_pmode(str(profile), table)


@functools.cache
def _profile(name: str) -> dict[str, dict[str, object]]:
    if name not in {"eessi", "edelivery"}:
        raise UnknownCode("P-Mode profile", name, "eessi")
    return tomllib.loads(files("eessi.transport").joinpath("data", f"{name}.toml").read_text(encoding="utf-8"))


def _valid(table: Mapping[str, object], source: str | None) -> PMode:
    try:
        return PMode.model_validate(table)
    except ValidationError as error:
        first = error.errors()[0]
        raise DefinitionError(first["msg"], file=source, key=".".join(map(str, first["loc"]))) from None


def lint(pmode: PMode) -> tuple[Finding, ...]:
    """What in a P-Mode is risky or contradicts itself, with hints."""
    found = []
    for broken, name in (
        (not pmode.security.sign or not pmode.security.require_signed, "PMODE-UNSIGNED"),
        (pmode.multihop.enabled and pmode.receipt.pattern == "response", "PMODE-RECEIPT-ROUTE"),
        (pmode.multihop.enabled and pmode.security.encrypt, "PMODE-ENCRYPT-HOP"),
        (pmode.multihop.enabled and pmode.receipt.hours < 24, "PMODE-RECEIPT-TIME"),
        (pmode.pull.alarm_hours >= 24, "PMODE-PULL-ALARM"),
        (pmode.pull.shortest_seconds > pmode.pull.longest_seconds, "PMODE-PULL-PACE"),
        (pmode.security.require_encrypted and not pmode.security.encrypt, "PMODE-ENCRYPT-ONE-WAY"),
        (pmode.security.unsigned_errors and pmode.multihop.enabled, "PMODE-UNSIGNED-ERRORS"),
        (pmode.multihop.enabled and pmode.ordering.per_conversation == "none", "PMODE-ORDER"),
    ):
        if broken:
            found.append(Finding(name, Severity.WARNING, reference="P-Mode"))
    return tuple(found)
