"""Laws that hold on every walk through every process, each process walked by a machine of its own."""

from __future__ import annotations

import datetime as dt
from collections import Counter

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

import eessi
from eessi.buc import Answer, Case, Event, Move, record
from eessi.errors import NotAllowed
from eessi.ids import Role

CODES = [code for code in eessi.buc.loading.codes() if not code.startswith("AD_")]
NAMES = {"CaseOwner": "FR:OWNER01", "Counterparty": "BE:OTHER01"}
OTHER = {"CaseOwner": "Counterparty", "Counterparty": "CaseOwner"}
START = dt.date(2026, 1, 1)


class Walk(RuleBasedStateMachine):
    """Two institutions; what one sends waits in order until the other takes it."""

    code = ""

    def __init__(self) -> None:
        super().__init__()
        buc = eessi.buc(self.code)
        self.cases: dict[str, Case] = {
            side: buc.start(side, "4.3", me=NAMES[side], counterparties=[NAMES["Counterparty"]]) for side in NAMES
        }
        self.waiting: dict[str, list[Event]] = {side: [] for side in NAMES}
        self.day = START
        self.count = 0

    @initialize()
    def begin(self) -> None:
        assert self.cases["Counterparty"].allowed().seds == frozenset()

    def moves(self, side: str, answer: Answer) -> list[Move]:
        found = self.cases[side].allowed(on=self.day)
        listed = {move.sed for move in found if move.answer is Answer.YES and move.kind != "update" and move.sed}
        assert found.seds == listed, "told without making the moves, and the same"
        days = [move.earliest for move in found if move.answer is not Answer.YES and move.earliest]
        assert self.cases[side].next_day(self.day) == min((day for day in days if day > self.day), default=None)
        return [move for move in found if move.answer is answer and move.sed is not None]

    def event(self, side: str, move: Move) -> Event:
        self.count += 1
        case = self.cases[side]
        at = dt.datetime.combine(self.day, dt.time(9), dt.UTC)
        if move.kind in ("update", "draft"):
            document = case.documents[move.document_id or ""]
            version = document.version + (move.kind == "update")
            return Event("sent", sed=move.sed, document_id=document.id, version=version, at=at)
        facts = {"X004.reopen": bool(self.count % 2)} if move.sed == "X004" else {}
        participant = {"X005": f"AT:NEW{self.count}", "X006": NAMES["Counterparty"], "X007": f"AT:NEW{self.count}"}
        return Event(
            "sent", sed=move.sed, document_id=f"d{self.count}", parent_id=move.parent_id, at=at, facts=facts,
            participant=participant.get(move.sed or ""),
        )  # fmt: skip

    def take(self, side: str, move: Move) -> None:
        event = self.event(side, move)
        self.cases[side] = self.cases[side].apply(event)
        document = self.cases[side].documents[event.document_id or ""]
        received = Event(
            "received", sed=document.sed, document_id=document.id, parent_id=document.parent_id, version=document.version,
            at=event.at, sender=NAMES[side], facts=event.facts, participant=event.participant,
        )  # fmt: skip
        self.waiting[OTHER[side]].append(received)

    @rule(side=st.sampled_from(list(NAMES)), data=st.data())
    def send(self, side: str, data: st.DataObject) -> None:
        """What is allowed can be done."""
        moves = [move for move in self.moves(side, Answer.YES) if move.sed not in ("X006", "X007") or self.count > 6]
        if moves:
            self.take(side, data.draw(st.sampled_from(moves)))

    @rule(side=st.sampled_from(list(NAMES)), data=st.data())
    def draft(self, side: str, data: st.DataObject) -> None:
        moves = [move for move in self.moves(side, Answer.YES) if move.slot is not None and move.slot.row.block is None]
        if moves:
            move = data.draw(st.sampled_from(moves))
            self.count += 1
            event = Event("drafted", sed=move.sed, document_id=f"d{self.count}", parent_id=move.parent_id)
            drafted = self.cases[side].apply(event)
            if data.draw(st.booleans()):
                self.cases[side] = drafted
            else:  # drafting and deleting the draft leaves the same offers
                deleted = drafted.apply(Event("draft_deleted", document_id=event.document_id))
                assert deleted.allowed().seds == self.cases[side].allowed().seds

    @rule(side=st.sampled_from(list(NAMES)), data=st.data())
    def refuse(self, side: str, data: st.DataObject) -> None:
        """What is not allowed raises, tells why, and changes nothing."""
        moves = [move for move in self.moves(side, Answer.NO) if move.kind in ("send", "reply")]
        if not moves:
            return
        move = data.draw(st.sampled_from(moves))
        before = self.cases[side]
        seds, length = before.allowed(on=self.day).seds, len(before.history)
        refused = move.why_not
        assert refused is not None
        assert refused.text
        with pytest.raises(NotAllowed) as caught:
            before.apply(self.event(side, move))
        assert caught.value.rule
        assert (before.allowed(on=self.day).seds, len(before.history)) == (seds, length)

    @rule(side=st.sampled_from(list(NAMES)))
    @precondition(lambda self: any(self.waiting.values()))
    def receive(self, side: str) -> None:
        """What was sent by the rules is accepted when it arrives in order, and a second time changes nothing."""
        if self.waiting[side]:
            event = self.waiting[side].pop(0)
            self.cases[side] = self.cases[side].apply(event)
            assert self.cases[side].apply(event) is self.cases[side]

    @rule(days=st.integers(1, 90))
    def wait(self, days: int) -> None:
        self.day += dt.timedelta(days=days)

    @invariant()
    def answers_are_unique(self) -> None:
        """A row that is sent once answers a document once, as long as the answer is valid."""
        for side, case in self.cases.items():
            rows = case.buc.program("4.3").rows[Role(side)]
            answered = Counter(
                (item.sed, item.parent_id)
                for item in case.documents.values()
                if item.mine and item.is_valid and item.parent_id and rows[item.sed].once
            )
            reopened = {row.sed for row in rows.values() for trigger in row.after if trigger.again}
            assert all(number == 1 for (sed, _), number in answered.items() if sed not in reopened)

    def teardown(self) -> None:
        for case in self.cases.values():
            again = record.load(record.dump(case))
            assert again == case
            assert again.allowed(on=self.day).seds == case.allowed(on=self.day).seds
            assert case.as_of(len(case.history)) == case


@pytest.mark.parametrize("code", CODES)
def test_laws(code: str) -> None:
    machine = type(f"Walk_{code}", (Walk,), {"code": code})
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        machine,
        settings=settings(
            max_examples=4, stateful_step_count=14, deadline=None, database=None, derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )  # fmt: skip
