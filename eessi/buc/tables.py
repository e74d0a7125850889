"""The form of the TOML files, checked where they cross the border. Every key is listed here; any other is an error."""

from __future__ import annotations

from typing import Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from eessi.errors import DefinitionError

__all__ = ["BlockTable", "BucTable", "ConditionTable", "read"]

RoleName = Literal["CaseOwner", "Counterparty"]
VersionText = str
SedCode = str
Confidence = Literal["high", "medium", "low"]
Repeat = Literal["once", "any_time"]
Operation = Literal["create", "send", "update"]


class _Row(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class TriggerRow(_Row):
    """One event that opens a row."""

    role: RoleName
    event: Literal["case_start", "sent", "received", "update_received"]
    sed: SedCode | None = None
    reply_to: SedCode | None = None
    starter: bool = False
    unparented: bool = False
    parent: SedCode | None = None
    days: int | None = Field(default=None, ge=0)
    again: bool = False
    condition: str | None = None
    since: VersionText | None = None
    until: VersionText | None = None
    source: str | None = None
    note: str | None = None


class ChangeRow(_Row):
    """Attributes that differ up to a version."""

    until: VersionText
    attachments: bool | None = None
    update: bool | None = None
    invalidate: bool | None = None
    reject: bool | None = None
    clarify: bool | None = None
    bulk: bool | None = None
    choose_receivers: bool | None = None
    again_after_invalidation: bool | None = None

    def values(self) -> dict[str, bool]:
        """The attributes that are named, without the version."""
        return {key: value for key, value in self.model_dump(exclude={"until"}).items() if value is not None}


class SendTable(_Row):
    """A row of the main flow."""

    sed: SedCode
    by: list[RoleName] = Field(min_length=1)
    starter: bool = False
    repeat: Repeat
    after: list[TriggerRow]
    attachments: bool = False
    update: bool = False
    invalidate: bool = False
    reject: bool = False
    clarify: bool = False
    bulk: bool = False
    choose_receivers: bool = False
    again_after_invalidation: bool = False
    since: VersionText | None = None
    until: VersionText | None = None
    changes: list[ChangeRow] = []
    source: str
    confidence: Confidence


class HorizontalTable(SendTable):
    """A row of a horizontal process that runs inside the sector's case."""

    process: str


class EffectRow(_Row):
    """What an event does to other moves."""

    role: RoleName
    event: Literal[
        "draft_created",
        "draft_deleted",
        "sent",
        "received",
        "update_received",
        "invalidated_by_sender",
        "invalidation_received",
    ]
    sed: SedCode
    effect: Literal["offer", "withdraw", "suspend", "resume"]
    target: SedCode
    operations: list[Operation] = Field(min_length=1)
    parent: SedCode | None = None
    same_parent: bool = False
    starter: bool = False
    target_parents: list[SedCode] = []
    condition: str | None = None
    since: VersionText | None = None
    until: VersionText | None = None
    source: str
    confidence: Confidence


class IncludedRow(_Row):
    """How a block is included."""

    by: list[RoleName] = []
    after: list[TriggerRow] = []
    only_itself: list[RoleName] = []
    only_itself_since: VersionText | None = None
    since: dict[RoleName, VersionText] = {}


class ClosingRow(_Row):
    """Who may close their own copy; the close for all is the block ``close``."""

    local: list[RoleName] = []
    rule: str = "unknown"
    participants_until_first_send: bool = False
    source: str = ""


class PracticeRow(_Row):
    """A national practice beside the rule."""

    country: str = Field(pattern="^[A-Z]{2}$")
    text: str | None = None
    inactive_days: int | None = None
    criterion: str | None = None
    owner: Literal["local", "global"] | None = None
    counterparty: Literal["local", "global"] | None = None
    note: str | None = None
    source: str


class BucTable(_Row):
    """A definition file."""

    format: Literal[1]
    code: str
    sector: str
    title: str
    titles: dict[str, str] = {}
    participants: Literal["bilateral", "multilateral"] | None = None
    versions: list[VersionText] = Field(min_length=1)
    legal_basis: list[str] = []
    legal_basis_source: str = ""
    legal_basis_confidence: Confidence | Literal[""] = ""
    confidence: Confidence
    completeness: Literal["full", "partial"] = "full"
    sources: list[str]
    notes: list[str] = []
    version_notes: list[str] = []
    block: str | None = None
    closing: ClosingRow = ClosingRow()
    practice: list[PracticeRow] = []
    administrative: dict[str, IncludedRow] = {}
    send: list[SendTable] = []
    horizontal: list[HorizontalTable] = []
    effects: list[EffectRow] = []


class BlockSendRow(_Row):
    """One SED of an administrative block."""

    sed: SedCode
    opens: Literal["listed", "exchange", "target", "reply", "system"]
    repeat: Repeat
    effect: Literal["close", "reopen", "add", "remove", "forward", "invalidate", "replace"] | None = None
    reply_to: SedCode | None = None
    on: list[Literal["sent", "received"]] = []
    attribute: Literal["invalidate", "reject", "clarify"] | None = None
    side: Literal["sender", "receiver"] | None = None
    own_request: bool = False
    once_for_all: bool = False
    answers_included: bool = False
    while_: Literal["open", "closed"] = Field(default="open", alias="while")
    source: str
    confidence: Confidence


class BlockRow(_Row):
    """An administrative block."""

    name: str
    process: str
    title: str
    note: str | None = None
    send: list[BlockSendRow]


class BlockTable(_Row):
    """``administrative.toml``."""

    format: Literal[1]
    block: list[BlockRow]


class FactRow(_Row):
    """A named fact."""

    name: str = Field(pattern=r"^[A-Z]+[0-9]+[A-Z]*\.[A-Za-z0-9_]+$")
    text: str


class TestRow(_Row):
    """A history test with its parameters."""

    test: str
    sed: SedCode | None = None
    other: SedCode | None = None
    number: int | None = None
    facts: dict[str, bool] = {}


class ConditionRow(_Row):
    """A condition."""

    name: str
    facts: dict[str, bool] = {}
    history: list[TestRow] = []

    def named_facts(self) -> set[str]:
        """Every fact that the row names."""
        return set(self.facts) | {name for test in self.history for name in test.facts}


class ConditionTable(_Row):
    """``conditions.toml``."""

    format: Literal[1]
    fact: list[FactRow] = []
    condition: list[ConditionRow] = []


_Table = TypeVar("_Table", bound=_Row)


def read(model: type[_Table], table: dict[str, object], file: str) -> _Table:
    """Check a parsed TOML file against its form.

    :raises DefinitionError: with file and key of the first offence.
    """
    try:
        return model.model_validate(table)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        key = ".".join(str(part) for part in first["loc"])
        what = "unknown key" if first["type"] == "extra_forbidden" else first["msg"].lower()
        raise DefinitionError(what, file=file, key=key) from None
