"""The published shape of ``eessi as4 inspect --format json``."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["InspectionDocument"]


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid")


class PartShape(_Shape):
    """One MIME part; the last three fields only for a payload that was reached."""

    role: Literal["envelope", "payload"]
    content_id: str | None
    content_type: str
    bytes: int
    sha256: str
    mime_type: str | None = None
    compressed: bool | None = None
    plain_bytes: int | None = None


class PartyIdShape(_Shape):
    """Identifier of a party."""

    id: str
    type: str | None


class PropertyShape(_Shape):
    """A property; its value only on request."""

    name: str
    value: str | None = None


class PartInfoShape(_Shape):
    """What the header says about a payload; type, compression and kind, other values only on request."""

    href: str | None
    properties: dict[str, str]


class ErrorShape(_Shape):
    """One error inside an error signal."""

    code: str
    severity: str
    name: str | None
    category: str | None
    ref_to: str | None


class UserShape(BaseModel):
    """The fields of a user message; a routing header has the same."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    kind: Literal["user"] | None = None
    message_id: str | None
    timestamp: str | None = None
    ref_to: str | None
    sender: list[PartyIdShape] = Field(alias="from")
    to: list[PartyIdShape]
    service: str
    service_type: str | None
    action: str | None
    conversation_id: str | None
    agreement: str | None
    mpc: str | None
    properties: list[PropertyShape]
    parts: list[PartInfoShape]
    wsa_action: str | None = None


class SignalShape(_Shape):
    """A receipt, an error or a pull request."""

    kind: Literal["receipt", "error", "pull"]
    message_id: str
    timestamp: str
    ref_to: str | None = None
    references: list[str] | None = None
    copy_of_message: bool | None = None
    errors: list[ErrorShape] | None = None
    mpc: str | None = None


class HeaderShape(_Shape):
    """The ebMS header: routing and the messages and signals in it."""

    multihop: bool
    fault: bool
    routing: UserShape | None
    units: list[UserShape | SignalShape]


class ReferenceShape(_Shape):
    """One signed reference."""

    uri: str
    digest_method: str
    digest: str


class CoverageShape(_Shape):
    """What a signature covers."""

    messaging: bool
    body: bool
    parts: list[str]
    blocks: list[str]


class CertificateShape(_Shape):
    """The signer's certificate, without names."""

    sha256: str
    serial: str
    not_before: str
    not_after: str


class SignatureShape(_Shape):
    """The signature. ``checked``: its value was verified with a certificate, over the file as it is."""

    algorithm: str
    token: str | None
    checked: bool
    covers: CoverageShape
    references: list[ReferenceShape]
    certificate: CertificateShape | None


class InspectionFinding(_Shape):
    """One finding, with the ebMS error that belongs to it."""

    id: str
    severity: Literal["error", "warning", "info"]
    code: str | None
    message: str
    hint: str | None


class GapShape(_Shape):
    """Something that was not checked, and why."""

    what: str
    why: str


class InspectionDocument(_Shape):
    """A stored file taken apart and judged."""

    schema_version: Literal[1] = 1
    file: str
    result: Literal["accept", "parse", "reject"]
    code: str | None
    kind: str
    encrypted: bool
    parts: list[PartShape]
    header: HeaderShape | None
    signature: SignatureShape | None
    findings: list[InspectionFinding]
    not_checked: list[GapShape]
