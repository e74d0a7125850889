"""What a process definition says: the values behind the rows of ``definitions/*.toml``.

A :class:`Buc` is data only. :mod:`eessi.buc.program` compiles it for one CDM version into tables, and
:mod:`eessi.buc.rules` walks those tables.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import attrs

from eessi.errors import UsageError
from eessi.ids import BucId, CdmVersion, InstitutionId, Role, SedType

if TYPE_CHECKING:
    from eessi.buc.case import Case
    from eessi.buc.program import Program

__all__ = [
    "Block",
    "BlockSend",
    "Buc",
    "Change",
    "Condition",
    "Conditions",
    "Effect",
    "Fact",
    "HistoryTest",
    "Included",
    "Practice",
    "SendRow",
    "Trigger",
]


def _within(version: CdmVersion, since: CdmVersion | None, until: CdmVersion | None) -> bool:
    return (since is None or since <= version) and (until is None or version <= until)


@attrs.frozen(slots=True)
class Trigger:
    """An event that opens a row: *when ``role`` has ``event`` ``sed``*.

    :param event: ``case_start``, ``sent``, ``received`` or ``update_received``, seen from ``role``.
    :param reply_to: the new document answers the nearest document of this type, the trigger itself or one it answers.
    :param starter: only when the trigger is the document that opened the case.
    :param unparented: only when the trigger answers nothing itself.
    :param parent: only when the trigger answers a document of this type.
    :param days: not before so many days after the trigger.
    :param condition: name of a row in ``conditions.toml``.
    :param own_request: only when the trigger answers a document of our own.
    :param again: also when the same document was answered before.
    """

    role: Role
    event: str
    sed: SedType | None = None
    reply_to: SedType | None = None
    starter: bool = False
    unparented: bool = False
    parent: SedType | None = None
    days: int | None = None
    condition: str | None = None
    own_request: bool = False
    again: bool = False
    since: CdmVersion | None = None
    until: CdmVersion | None = None
    source: str | None = None
    note: str | None = None


@attrs.frozen(slots=True)
class Change:
    """Attributes of a row that differ in the versions up to ``until``."""

    until: CdmVersion
    values: Mapping[str, bool] = attrs.field(factory=dict, hash=False)


@attrs.frozen(slots=True)
class SendRow:
    """Which role may send which SED after what, and what may be done with it afterwards.

    :param once: one document per trigger or parent; otherwise any number once it is open.
    :param process: the horizontal process this row comes from, ``None`` for rows of the main flow.
    :param block: the administrative block this row comes from.
    :param effect: what sending or receiving it does to the case (administrative rows only).
    :param while_closed: may be sent while the case is closed for all, and only then.
    """

    sed: SedType
    by: tuple[Role, ...]
    after: tuple[Trigger, ...]
    once: bool = True
    starter: bool = False
    process: str | None = None
    block: str | None = None
    effect: str | None = None
    while_closed: bool = False
    attachments: bool = False
    update: bool = False
    invalidate: bool = False
    reject: bool = False
    clarify: bool = False
    bulk: bool = False
    choose_receivers: bool = False
    again_after_invalidation: bool = False
    since: CdmVersion | None = None
    until: CdmVersion | None = None
    changes: tuple[Change, ...] = ()
    source: str = ""
    confidence: str = ""

    @property
    def kind(self) -> str:
        """``main``, ``horizontal`` or ``administrative``."""
        return "administrative" if self.block else "horizontal" if self.process else "main"

    def at(self, version: CdmVersion) -> SendRow | None:
        """The row as it stands in ``version``; ``None`` when it does not exist there."""
        if not _within(version, self.since, self.until):
            return None
        values: dict[str, bool] = {}
        for change in self.changes:
            if version <= change.until:
                values |= change.values
        after = tuple(row for row in self.after if _within(version, row.since, row.until))
        return attrs.evolve(self, after=after, changes=(), since=None, until=None, **values)  # type: ignore[arg-type]  # flags


@attrs.frozen(slots=True)
class Effect:
    """What an event does to other moves: withdraw, suspend, resume or offer them.

    :param role: the side on which it happens.
    :param event: ``draft_created``, ``draft_deleted``, ``sent``, ``received``, ``update_received``,
        ``invalidated_by_sender`` or ``invalidation_received``.
    :param operations: of ``target``: ``create`` a document, ``send`` a draft, ``update`` a sent one.
    :param parent: only when the document of the event answers one of this type.
    :param same_parent: only the target that answers the same document.
    :param target_parents: only targets that concern a document of one of these types.
    """

    role: Role
    event: str
    sed: SedType
    effect: str
    target: SedType
    operations: tuple[str, ...]
    parent: SedType | None = None
    same_parent: bool = False
    starter: bool = False
    target_parents: tuple[SedType, ...] = ()
    condition: str | None = None
    since: CdmVersion | None = None
    until: CdmVersion | None = None
    source: str = ""
    confidence: str = ""


@attrs.frozen(slots=True)
class BlockSend:
    """One SED of an administrative block; the first lines of ``administrative.toml`` explain the columns."""

    sed: SedType
    opens: str
    once: bool
    effect: str | None = None
    reply_to: SedType | None = None
    on: tuple[str, ...] = ()
    attribute: str | None = None
    side: str | None = None
    own_request: bool = False
    once_for_all: bool = False
    answers_included: bool = False
    while_closed: bool = False
    source: str = ""
    confidence: str = ""


@attrs.frozen(slots=True)
class Block:
    """An administrative process that sector processes include by name."""

    name: str
    process: BucId
    title: str
    sends: tuple[BlockSend, ...]
    note: str | None = None


@attrs.frozen(slots=True)
class Included:
    """How a process includes a block: which roles, after what, from which version on."""

    block: str
    by: tuple[Role, ...] = ()
    after: tuple[Trigger, ...] = ()
    only_itself: tuple[Role, ...] = ()
    only_itself_since: CdmVersion | None = None
    since: Mapping[Role, CdmVersion] = attrs.field(factory=dict, hash=False)

    def roles(self, version: CdmVersion) -> tuple[Role, ...]:
        """The roles that may start the block in ``version``."""
        return tuple(role for role in self.by if self.since.get(role, version) <= version)


@attrs.frozen(slots=True)
class Practice:
    """What one country does on top of the rule, such as closing after some days without activity."""

    country: str
    source: str
    text: str | None = None
    inactive_days: int | None = None
    criterion: str | None = None
    owner: str | None = None
    counterparty: str | None = None
    note: str | None = None


@attrs.frozen(slots=True)
class Fact:
    """Something only the content of a document tells: ``R005.final``."""

    name: str
    text: str

    @property
    def sed(self) -> str:
        """Code of the SED whose content tells it."""
        return self.name.partition(".")[0]


@attrs.frozen(slots=True)
class HistoryTest:
    """A question that the history of the case answers; ``test`` is a name of :data:`eessi.buc.conditions.TESTS`."""

    test: str
    sed: SedType | None = None
    other: SedType | None = None
    number: int | None = None
    facts: Mapping[str, bool] = attrs.field(factory=dict, hash=False)


@attrs.frozen(slots=True)
class Condition:
    """All of these facts and history tests."""

    name: str
    facts: Mapping[str, bool] = attrs.field(factory=dict, hash=False)
    history: tuple[HistoryTest, ...] = ()


@attrs.frozen(slots=True)
class Conditions:
    """The closed list of facts and of conditions; several rows under one name are alternatives."""

    facts: Mapping[str, Fact] = attrs.field(factory=dict, hash=False)
    rows: Mapping[str, tuple[Condition, ...]] = attrs.field(factory=dict, hash=False)


@attrs.frozen(slots=True, eq=False)
class Buc:
    """A process definition. Two definitions are the same only when they are the same object.

    :param participants: ``bilateral`` or ``multilateral``; ``None`` for administrative processes.
    :param versions: CDM versions whose rows are known. Newer versions run on the newest rows, marked as assumed.
    :param local_close: roles that may close their own copy.
    :param block: for an administrative process, the block that holds its rows.
    """

    code: BucId
    sector: str
    title: str
    versions: tuple[CdmVersion, ...]
    participants: str | None = None
    rows: tuple[SendRow, ...] = ()
    effects: tuple[Effect, ...] = ()
    included: tuple[Included, ...] = ()
    local_close: tuple[Role, ...] = ()
    closing_rule: str | None = None
    participants_until_first_send: bool = False
    practices: tuple[Practice, ...] = ()
    titles: Mapping[str, str] = attrs.field(factory=dict, hash=False)
    legal_basis: tuple[str, ...] = ()
    legal_basis_source: str = ""
    legal_basis_confidence: str = ""
    confidence: str = ""
    completeness: str = ""
    sources: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    version_notes: tuple[str, ...] = ()
    block: str | None = None
    blocks: Mapping[str, Block] = attrs.field(factory=dict, hash=False, repr=False)
    conditions: Conditions = attrs.field(factory=Conditions, repr=False)
    file: str | None = None

    @property
    def starters(self) -> tuple[SedType, ...]:
        """The SEDs that may open a case."""
        if self.block is not None:
            return tuple(row.sed for row in self.blocks[self.block].sends[:1])
        return tuple(row.sed for row in self.rows if row.starter)

    @property
    def is_administrative(self) -> bool:
        """Whether this process only runs inside the case of another one."""
        return self.block is not None

    @property
    def is_multilateral(self) -> bool:
        """Whether a case may have several counterparties."""
        return self.participants == "multilateral"

    def conditions_used(self) -> Iterator[str]:
        """The conditions that its triggers and effects name, as often as they are named."""
        for trigger in (
            *(t for row in self.rows for t in row.after),
            *(t for block in self.included for t in block.after),
        ):
            if trigger.condition is not None:
                yield trigger.condition
        for effect in self.effects:
            if effect.condition is not None:
                yield effect.condition

    def resolve(self, version: str | CdmVersion) -> tuple[CdmVersion, bool]:
        """The version whose rows apply, and whether that is only assumed.

        :raises UsageError: for a version older than every known one.
        """
        return _resolved(self, CdmVersion.parse(version).released)

    def program(self, version: str | CdmVersion) -> Program:
        """The tables of this definition for one version, compiled once.

        :raises UsageError: for a version older than every known one.
        """
        return _program(self, self.resolve(version)[0])

    def start(
        self,
        as_: Role | str,
        version: str | CdmVersion,
        *,
        case_id: str | None = None,
        me: str | None = None,
        counterparties: tuple[str, ...] | list[str] = (),
    ) -> Case:
        """A case with nothing in it yet, seen by one participant.

        :param as_: our role; a counterparty's case opens with the first document it receives.
        :param version: CDM version of the case, ``4.3``. A newer version than the rows know runs on the newest rows, and
            every answer then says ``assumed``.
        :param case_id: international id of the case, where one is known already.
        :param me: our institution, ``FR:0100000001``.
        :param counterparties: the other institutions. They may also be named by the first document.
        :raises UsageError: for an administrative process, an unknown version, or several counterparties in a bilateral one.
        """
        from eessi.buc.case import start

        return start(
            self,
            Role.parse(str(as_)),
            CdmVersion.parse(version),
            case_id=case_id,
            me=None if me is None else InstitutionId(me),
            others=tuple(InstitutionId(other) for other in counterparties),
        )


@functools.lru_cache(maxsize=1024)
def _resolved(buc: Buc, wanted: CdmVersion) -> tuple[CdmVersion, bool]:
    if wanted in buc.versions:
        return wanted, False
    older = [known for known in buc.versions if known <= wanted]
    if not older:
        raise UsageError(f"{buc.code} has no rows for CDM {wanted}; the oldest known version is {min(buc.versions)}")
    return max(older), True


@functools.lru_cache(maxsize=512)
def _program(buc: Buc, version: CdmVersion) -> Program:
    from eessi.buc.program import compile_program

    return compile_program(buc, version)
