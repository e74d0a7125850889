"""A definition compiled for one CDM version: for every role and event, the moves that it opens and the effects it has.

Administrative blocks are unfolded here, so that :mod:`eessi.buc.rules` meets one kind of row only.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import NamedTuple

import attrs

from eessi.buc.definition import BlockSend, Buc, Condition, Effect, Included, SendRow, Trigger, _within
from eessi.errors import UsageError
from eessi.ids import CdmVersion, Role, SedType

__all__ = ["FREE", "Opening", "Program", "SideRules", "Slot", "compile_program"]

FREE = ""
"""Anchor of an offer that belongs to no single document: any number may be sent."""

Key = tuple[Role, str, str]
HAPPENED = (
    "case_start", "draft_created", "draft_deleted", "sent", "received", "update_received", "invalidated_by_sender",
    "invalidation_received",
)  # fmt: skip
"""Everything that a row or an effect may wait for."""
SIDES = (Role.CASE_OWNER, Role.COUNTERPARTY)


class Slot(NamedTuple):
    """An open offer: one side may send this row now. A named tuple, since several are made for every event.

    :param anchor: which offer of its SED this is: :data:`FREE`, the id of the document it answers, or ``@`` and the id
        of the document that opened it.
    :param parent: id of the document it answers.
    :param opened_by: id of the document that opened it.
    :param needs: alternatives of facts that must hold; none when it is unconditional.
    :param days: waiting time in days after the document that opened it.
    """

    row: SendRow
    anchor: str
    parent: str | None = None
    opened_by: str | None = None
    needs: tuple[Condition, ...] = ()
    days: int | None = None


class Opening(NamedTuple):
    """A trigger with the row it opens."""

    row: SendRow
    trigger: Trigger


class Opens(NamedTuple):
    """Everything an event opens: offers that are always the same object, plain answers to the document, and the rest."""

    free: tuple[tuple[SedType, Slot], ...]
    free_for_starter: tuple[tuple[SedType, Slot], ...]
    answers: tuple[SendRow, ...]
    rest: tuple[Opening, ...]


@attrs.frozen(slots=True, eq=False)
class SideRules:
    """What concerns one role: its rows, and by event and SED what opens and what happens to its offers.

    :param stirring: the SEDs that have any effect on this side.
    """

    role: Role
    rows: Mapping[SedType, SendRow]
    opens: Mapping[str, Mapping[str, Opens]]
    effects: Mapping[str, Mapping[str, tuple[Effect, ...]]]
    stirring: frozenset[str]


@attrs.frozen(slots=True, eq=False)
class Program:
    """The tables of one definition in one version.

    :param mutual: role and two SEDs that withdraw each other, so that neither order of the two is possible.
    """

    buc: Buc
    version: CdmVersion
    rows: Mapping[Role, Mapping[SedType, SendRow]]
    opens: Mapping[Key, Opens]
    effects: Mapping[Key, tuple[Effect, ...]]
    only_itself: frozenset[Role]
    mutual: frozenset[tuple[Role, str, str]]
    sides: Mapping[Role, SideRules]

    @property
    def seds(self) -> frozenset[SedType]:
        """Every SED of the process, administrative ones included."""
        return frozenset(sed for rows in self.rows.values() for sed in rows)

    def senders(self, sed: str) -> tuple[Role, ...]:
        """The roles that may send ``sed``."""
        return tuple(role for role in SIDES if sed in self.rows[role])


def compile_program(buc: Buc, version: CdmVersion) -> Program:
    """Compile the rows that stand in ``version``.

    :raises UsageError: for an administrative process, which has no case of its own.
    """
    if buc.is_administrative:
        raise UsageError(f"{buc.code} runs inside the case of another process and has no case of its own")
    rows = [found for row in buc.rows if (found := row.at(version)) is not None]
    effects = [effect for effect in buc.effects if _within(version, effect.since, effect.until)]
    for item in buc.included:
        for send in buc.blocks[item.block].sends:
            rows.append(_unfold(buc, item, send, rows, version))
    by_role: dict[Role, dict[SedType, SendRow]] = {role: {} for role in SIDES}
    opened: dict[Key, list[Opening]] = defaultdict(list)
    for row in rows:
        for role in row.by:
            by_role[role][row.sed] = row
        for trigger in row.after:
            opened[trigger.role, trigger.event, trigger.sed or ""].append(Opening(row, trigger))
    caused: dict[Key, list[Effect]] = defaultdict(list)
    for effect in effects:
        caused[effect.role, effect.event, effect.sed].append(effect)
    only_itself = {
        role
        for item in buc.included
        for role in item.only_itself
        if item.only_itself_since is None or item.only_itself_since <= version
    }
    opens = {key: _split(items) for key, items in opened.items()}
    all_effects = {key: tuple(items) for key, items in caused.items()}
    sides = {role: _side_rules(role, by_role.get(role, {}), opens, all_effects) for role in Role}
    return Program(
        buc, version, by_role, opens, all_effects, frozenset(only_itself), frozenset(_mutual(effects)), sides
    )  # fmt: skip


def _side_rules(
    role: Role, rows: Mapping[SedType, SendRow], opens: Mapping[Key, Opens], effects: Mapping[Key, tuple[Effect, ...]]
) -> SideRules:
    own_opens: dict[str, dict[str, Opens]] = {happened: {} for happened in HAPPENED}
    own_effects: dict[str, dict[str, tuple[Effect, ...]]] = {happened: {} for happened in HAPPENED}
    for (who, happened, sed), found in opens.items():
        if who is role:
            own_opens[happened][sed] = found
    for (who, happened, sed), caused in effects.items():
        if who is role:
            own_effects[happened][sed] = caused
    stirring = frozenset(sed for who, _, sed in effects if who is role)
    return SideRules(role, rows, own_opens, own_effects, stirring)


def _mutual(effects: Iterable[Effect]) -> Iterable[tuple[Role, str, str]]:
    pairs = {(item.role, str(item.sed), str(item.target)) for item in effects if item.effect == "withdraw"}
    return (pair for pair in pairs if (pair[0], pair[2], pair[1]) in pairs)


def _split(items: Iterable[Opening]) -> Opens:
    free: list[tuple[SedType, Slot]] = []
    starter: list[tuple[SedType, Slot]] = []
    answers: list[SendRow] = []
    rest: list[Opening] = []
    for row, trigger in items:
        plain = _is_plain(trigger)
        if plain and trigger.reply_to is None and not row.once:
            (starter if trigger.starter else free).append((row.sed, Slot(row, FREE)))
        elif plain and trigger.reply_to == trigger.sed and trigger.reply_to is not None and not trigger.starter:
            answers.append(row)
        else:
            rest.append(Opening(row, trigger))
    return Opens(tuple(free), tuple(starter), tuple(answers), tuple(rest))


def _is_plain(trigger: Trigger) -> bool:
    """Whether nothing but the event decides, and perhaps whether it opened the case."""
    limits = (trigger.unparented, trigger.parent, trigger.days, trigger.condition, trigger.own_request, trigger.again)
    return not any(limits) and trigger.event in ("sent", "received")


def _unfold(buc: Buc, item: Included, send: BlockSend, rows: list[SendRow], version: CdmVersion) -> SendRow:
    """The row of one SED of an included block, with triggers for this process."""
    roles = item.roles(version)
    sides: tuple[Role, ...] = SIDES
    if send.opens == "listed":
        after, sides = item.after, roles
    elif send.opens == "exchange":
        after, sides = tuple(_exchange(rows, roles)), roles
    elif send.opens == "target":
        after = tuple(_targets(rows, send, buc.is_multilateral))
        sides = tuple(role for role in SIDES if any(item.role is role for item in after))
    elif send.opens == "reply":
        if send.answers_included:
            sides = _receiving(roles, False)
        elif send.reply_to not in {other.sed for other in buc.blocks[item.block].sends}:
            sides = roles or SIDES  # it opens the exchange of this block
        answers = _request(buc, item, send) if send.once_for_all and buc.is_multilateral else send.reply_to
        after = tuple(
            Trigger(role, event, send.reply_to, reply_to=answers, own_request=send.own_request)
            for role in sides
            for event in send.on
        )
    else:
        after, sides = (), ()
    return SendRow(
        sed=send.sed, by=tuple(dict.fromkeys(sides)), after=after, once=send.once, block=item.block, effect=send.effect,
        while_closed=send.while_closed, attachments=False, choose_receivers=send.sed == "X009", source=send.source,
        confidence=send.confidence,
    )  # fmt: skip


def _request(buc: Buc, item: Included, send: BlockSend) -> SedType | None:
    """What the document answered is itself an answer to: one reply for all answers to one request."""
    return next(other.reply_to for other in buc.blocks[item.block].sends if other.sed == send.reply_to)


def _exchange(rows: Iterable[SendRow], roles: tuple[Role, ...]) -> Iterable[Trigger]:
    for row in rows:
        if row.starter:
            for role in roles:
                event = "sent" if role is Role.CASE_OWNER else "received"
                yield Trigger(role, event, row.sed, starter=True)


def _receiving(senders: tuple[Role, ...], multilateral: bool) -> tuple[Role, ...]:
    """Who receives what ``senders`` send; in a multilateral case a counterparty also receives from the others."""
    owner = Role.COUNTERPARTY in senders
    counterparty = Role.CASE_OWNER in senders or (owner and multilateral)
    return tuple(role for role, receives in zip(SIDES, (owner, counterparty), strict=True) if receives)


def _targets(rows: Iterable[SendRow], send: BlockSend, multilateral: bool) -> Iterable[Trigger]:
    assert send.attribute is not None
    for row in rows:
        if getattr(row, send.attribute) and row.block is None:
            for side in row.by if send.side == "sender" else _receiving(row.by, multilateral):
                event = "sent" if send.side == "sender" else "received"
                yield Trigger(side, event, row.sed, reply_to=row.sed)
