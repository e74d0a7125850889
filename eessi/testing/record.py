"""The record of a run: what was done, what was sent, what every check said and what both cases allow at the end.

This is the JSON of ``eessi replay --format json`` (contract: the command reference), of the report page and of
comparisons; :class:`Run` adds what a program wants to ask.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    PrivateAttr,
    SerializerFunctionWrapHandler,
    model_serializer,
)

__all__ = [
    "CoverageRecord",
    "DocumentRecord",
    "ExchangeRecord",
    "FindingRecord",
    "GapRecord",
    "MoveRecord",
    "PartyRecord",
    "ReviewRecord",
    "RoleCoverage",
    "Run",
    "SeriesCoverage",
    "StepRecord",
    "ValueRecord",
    "VerdictRecord",
]


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _LateRecord(_Record):
    """A record with one part that is worked out when it is first asked for: read, compared, copied away or written.

    What :meth:`late` is given must not change afterwards; documents and cases do not.
    """

    _work: Callable[[], object] | None = PrivateAttr(default=None)
    _part: ClassVar[str]

    @classmethod
    def late(cls, work: Callable[[], object], **values: object) -> Self:
        """The record with ``values``, and the late part by ``work``."""
        made = cls.model_validate(values)  # quicker than to construct it unchecked
        del made.__dict__[cls._part]
        made._work = work
        return made

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> object:
            if name == self._part:
                return self._complete().__dict__[name]
            return super().__getattr__(name)

    def _complete(self) -> Self:
        if self._part not in self.__dict__ and self._work is not None:
            self.__dict__[self._part] = self._work()
            self._work = None
        return self

    @model_serializer(mode="wrap")
    def _write(self, handler: SerializerFunctionWrapHandler) -> dict[str, object]:
        written: dict[str, object] = handler(self._complete())
        return written

    def __eq__(self, other: object) -> bool:
        if isinstance(other, _LateRecord):
            other._complete()
        return super(_LateRecord, self._complete()).__eq__(other)

    def __hash__(self) -> int:
        return hash(tuple(self._complete().__dict__.values()))

    def __getstate__(self) -> dict[Any, Any]:
        return super(_LateRecord, self._complete()).__getstate__()


class FindingRecord(_Record):
    """One finding of a check; the shape of ``eessi validate``."""

    id: str
    severity: str
    path: str | None = None
    line: int | None = None
    column: int | None = None
    message: str
    got: str | None = None
    expected: tuple[str, ...] = ()
    hint: str | None = None


class GapRecord(_Record):
    """What a check did not look at, and why."""

    what: str
    why: str


class VerdictRecord(_Record):
    """What a check said about a document; the shape of ``eessi validate``."""

    verdict: Literal["valid", "invalid", "undetermined"]
    sed: str | None = None
    cdm: str | None = None
    package: str | None = None
    fidelity: str | None = None
    findings: tuple[FindingRecord, ...] = ()
    not_checked: tuple[GapRecord, ...] = ()


class ValueRecord(_Record):
    """One value of a document: path, and the text or, masked, its type and length."""

    path: str
    value: str
    masked: bool
    label: str | None = Field(default=None, description="text of a code, where the package has one")


class DocumentRecord(_LateRecord):
    """A document as it was built for sending."""

    _part = "values"

    name: str
    sed: str
    title: str
    namespace: str
    version: str
    package: str | None
    fidelity: str | None
    size: int = Field(description="bytes")
    sha256: str
    values: tuple[ValueRecord, ...] = ()


class ExchangeRecord(_Record):
    """A document on its way from one party to others.

    ``ending`` is ``delivered``, ``refused`` (it never left the sender), ``rejected`` (a receiver did not take it) or
    ``lost``. ``reason`` says why, and ``rule`` is the id of the finding or rule behind it.
    """

    document: DocumentRecord
    action: str
    sender: str
    receivers: tuple[str, ...]
    reply_to: str | None = None
    ending: Literal["delivered", "refused", "rejected", "lost", "late"]
    reason: str | None = None
    rule: str | None = None
    header: dict[str, str] = Field(default_factory=dict)
    attachments: tuple[str, ...] = ()
    signed: bool = False
    before: VerdictRecord | None = Field(default=None, description="the check before it left")
    after: dict[str, VerdictRecord] = Field(default_factory=dict, description="the check on arrival, by receiver")
    rejections: dict[str, str] = Field(default_factory=dict, description="why a receiver did not take it, by receiver")
    way: dict[str, tuple[str, ...]] = Field(
        default_factory=dict, description="what the transport did with the message, by receiver"
    )
    answers: dict[str, str] = Field(default_factory=dict, description="SED that answers the violation, by receiver")


class ReviewRecord(_Record):
    """What a reviewer said about a step; ``accepted`` overrides its failure."""

    by: str
    text: str
    accepted: bool = False


class StepRecord(_Record):
    """One step of the scenario and how it ended."""

    number: int
    line: int
    text: str
    kind: str
    at: dt.datetime
    passed: bool
    says: str = Field(description="what happened, in plain words")
    notes: tuple[str, ...] = Field(default=(), description="what else happened on this occasion")
    failures: tuple[str, ...] = ()
    states: dict[str, str] = Field(default_factory=dict, description="cases whose state this step changed, by party")
    exchange: ExchangeRecord | None = None
    reviews: tuple[ReviewRecord, ...] = ()

    @property
    def accepted(self) -> bool:
        """Whether a reviewer has accepted the step although it is not as expected."""
        return any(review.accepted for review in self.reviews)


class MoveRecord(_Record):
    """One thing a party might do now: ``answer`` is yes, no or depends."""

    sed: str | None
    title: str
    kind: str
    answer: Literal["yes", "no", "depends"]
    reasons: tuple[str, ...] = ()
    facts: tuple[str, ...] = ()
    earliest: dt.date | None = None


class PartyRecord(_LateRecord):
    """One institution, its case at the end of the run, and what it may do next."""

    _part = "moves"

    name: str
    role: str
    country: str
    institution: str
    institution_name: str
    case_id: str | None
    state: str
    history: tuple[str, ...] = ()
    moves: tuple[MoveRecord, ...] = ()


class CoverageRecord(_Record):
    """Which steps of the process the run walked: ``role kind SED`` in the version of the case."""

    covered: tuple[str, ...] = ()
    total: int = 0


class RoleCoverage(_Record):
    """What a series of runs walked of one process, in one version, by one role."""

    buc: str
    version: str
    role: str
    covered: int
    total: int
    missing: tuple[str, ...] = Field(description="steps that no run walked, like 'sends X013'")


class SeriesCoverage(_Record):
    """What a series of runs walked together: steps x roles x versions."""

    covered: int
    total: int
    roles: tuple[RoleCoverage, ...] = ()

    @property
    def share(self) -> float:
        """Covered share of all steps, 0 to 1; 1 where there is none."""
        return self.covered / self.total if self.total else 1.0


class Run(_Record):
    """One scenario, played.

    ``passed`` means that every expectation of the scenario was met, not that every document was proved valid:
    :attr:`undetermined` and :attr:`not_checked` say what was left open.
    """

    scenario: str
    about: str | None = None
    file: str
    buc: str
    buc_title: str
    version: str
    seed: int
    transport: str = "memory"
    requirements: tuple[str, ...] = ()
    passed: bool
    started: dt.datetime
    ended: dt.datetime
    parties: tuple[PartyRecord, ...]
    steps: tuple[StepRecord, ...]
    coverage: CoverageRecord = CoverageRecord()
    not_checked: tuple[str, ...] = Field(default=(), description="what nothing in this run has checked, in plain words")

    @property
    def exchanges(self) -> Iterator[ExchangeRecord]:
        """The documents of the run, in order."""
        return (step.exchange for step in self.steps if step.exchange is not None)

    @property
    def failures(self) -> tuple[StepRecord, ...]:
        """The steps whose expectation was not met and that no reviewer has accepted."""
        return tuple(step for step in self.steps if not step.passed and not step.accepted)

    @property
    def undelivered(self) -> bool:
        """Whether a step failed because the transport did not bring its document there."""
        return any(step.exchange is not None and step.exchange.ending == "lost" for step in self.failures)

    @property
    def undetermined(self) -> tuple[str, ...]:
        """Names of the delivered documents that no check could prove valid or invalid."""
        return tuple(
            exchange.document.name
            for exchange in self.exchanges
            if exchange.before is not None and exchange.before.verdict == "undetermined"
        )

    def document(self) -> dict[str, JsonValue]:
        """The run as JSON values."""
        found: dict[str, JsonValue] = self.model_dump(mode="json")
        return found
