"""Simulated counterparties: what a party does by itself with what it receives, so that a tester needs no other country."""

from __future__ import annotations

from collections.abc import Iterator

from eessi.buc import Move
from eessi.errors import EessiError
from eessi.ids import InstitutionId, SedType
from eessi.testing.faults import Habit
from eessi.testing.players import Details, Player
from eessi.testing.scenario import SendOptions
from eessi.testing.sending import Outcome, post, said
from eessi.testing.stage import Stage

__all__ = ["clean_up", "react"]

_SEDS = {Habit.REFUSES: "X011", Habit.ASKS_BACK: "X012", Habit.BUSINESS_EXCEPTION: "X050", Habit.FORWARDS: "X007"}


def react(stage: Stage, sender: str, name: str, document: str) -> Iterator[tuple[str, Outcome]]:
    """What ``name`` does by itself after it has taken ``document`` from ``sender``: a sentence and what came of it."""
    habit = stage.scenario.parties[name].habit
    if habit in (None, Habit.SILENT, Habit.CLEANS_UP):
        return
    player = stage.players[name]
    held = player.documents.get(document)
    if held is None or held.mine or held.sed.type.is_administrative:
        return
    sed = _SEDS.get(habit) or _answer(stage, player, held.set_id)
    if sed is None:
        return
    text = f"{name} {habit.value} by itself: {sed} to {sender}"
    unchecked = habit is Habit.BUSINESS_EXCEPTION
    parent = document if unchecked or _concerns(stage, player, sed, held.set_id) else None
    yield text, _send(stage, player, SedType(sed), sender, parent, unchecked=unchecked)


def clean_up(stage: Stage, name: str) -> tuple[str, list[str]]:
    """What ``name`` does in the night: an X008 for each document it has sent, one after the other; words and failures.

    Only the first failure is told in full.
    """
    player = stage.players[name]
    others = [other for other in stage.players if other != name]
    mine = {held.set_id: held.name for held in player.documents.values() if held.mine}
    sent, failed = 0, []
    for document in list(mine.values()):
        for other in others:
            outcome = _send(stage, player, SedType("X008"), other, document, unchecked=False)
            sent += 1
            failed += outcome.failures
    more = [f"{len(failed):,} of {sent:,} clean-up documents did not get through"] if len(failed) > 1 else []
    return f"{name} cleans up in the night: X008 {sent:,} times.", failed[:1] + more


def _concerns(stage: Stage, player: Player, sed: str, set_id: str) -> bool:
    """Whether a SED would answer this document, and not concern the whole case as X007 does."""
    return any(
        move.sed == sed and move.parent_id == set_id for move in stage.case(player).allowed(on=stage.clock.today)
    )


def _answer(stage: Stage, player: Player, set_id: str) -> str | None:
    """The first answer to a document that the case allows."""

    def fits(move: Move) -> bool:
        plain = move.sed is not None and not move.sed.is_administrative
        return plain and move.kind == "reply" and move.answer == "yes" and move.parent_id == set_id

    return next((str(move.sed) for move in stage.case(player).allowed(on=stage.clock.today) if fits(move)), None)


def _send(stage: Stage, player: Player, sed: SedType, to: str, document: str | None, *, unchecked: bool) -> Outcome:
    try:
        made = stage.builder.build(sed, SendOptions(), stage.random)
    except EessiError as error:
        return Outcome(f"{player.name} cannot make {sed}.", [str(error)])
    receiver = stage.players[to]
    stage.clock.tick()
    forward = InstitutionId(f"{player.country}:NEXT01") if sed == "X007" else None
    sending = player.send(
        player.free_name(sed),
        made,
        {receiver.institution: receiver.role},
        reply_to=document,
        details=Details(participant=forward),
        unchecked=unchecked,
    )
    exchange, late, reached = post(stage, player, sending, (to,), Details(participant=forward), document)
    failures = [] if exchange.ending == "delivered" else [f"{player.name} could not react: {exchange.reason}"]
    return Outcome(said(exchange), failures, exchange, reached, late)
