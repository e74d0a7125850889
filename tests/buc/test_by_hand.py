"""What a fund's developer is told: ten processes of different sectors driven by hand from both sides, and clear refusals."""

from __future__ import annotations

import datetime as dt

import attrs
import pytest

import eessi
from eessi.buc import Event

AT = dt.datetime(2026, 1, 1, 12, tzinfo=dt.UTC)


def test_only_a_role_that_may_close_its_copy_is_told_to() -> None:
    """The owner of an unemployment case has no local close: X001 closes it, and only then can it be archived."""
    case = eessi.buc("UB_BUC_04").start("CaseOwner", "4.3").apply(Event("sent", sed="U020", at=AT))
    archive, reopen, close = (case.why_not(action) for action in ("archive", "reopen", "close"))
    assert archive is not None
    assert [(item.do, item.what) for item in archive.remedies] == [("send", "X001")]
    assert case.apply(Event("sent", sed="X001", at=AT)).why_not("archive") is None
    assert reopen is not None
    assert reopen.remedies == ()
    assert close is not None
    assert close.text == (
        "only the Counterparty may close its own copy in UB_BUC_04; X001 by the CaseOwner closes it for all"
    )


def test_a_move_answers_for_the_day_it_was_asked_for() -> None:
    case = eessi.buc("LA_BUC_03").start("CaseOwner", "4.3").apply(Event("sent", sed="A008", at=AT))
    move = case.allowed(on=AT.date()).find("X001")
    assert move is not None
    assert move.why_not is not None
    assert move.why_not.rule == "BUC-TOO-EARLY"
    assert "give the day" not in move.reasons[0]


def test_a_move_answers_with_the_facts_that_were_stated() -> None:
    case = eessi.buc("S_BUC_01").start("CaseOwner", "4.3").apply(Event("sent", sed="S071", at=AT))
    case = case.apply(Event("received", sed="S072", at=AT))
    move = case.allowed(facts={"S072.section_7_filled": False}).find("S073")
    assert move is not None
    assert move.why_not is not None
    assert move.why_not.rule == "BUC-FACT"


def test_a_fact_that_both_answers_wait_for_is_asked_once() -> None:
    case = eessi.buc("R_BUC_02").start("Counterparty", "4.3").apply(Event("received", sed="R005", at=AT))
    refused = case.why_not("R006")
    assert refused is not None
    assert refused.text == "R006 depends on whether the R005 is final (not provisional)"


def test_every_way_is_told_where_one_has_failed() -> None:
    case = eessi.buc("R_BUC_02").start("Counterparty", "4.3")
    case = case.apply(Event("received", sed="R005", at=AT, facts={"R005.final": True}))
    refused = case.why_not("R004")
    assert refused is not None
    assert (
        refused.text == "R004 is possible only when there is an earlier R005 with R005.final=no, or once R006 was sent"
    )


def test_what_is_awaited_is_told_shortly() -> None:
    case = eessi.buc("UB_BUC_04").start("Counterparty", "4.3")
    refused = case.why_not("U021")
    assert refused is not None
    assert refused.text == "U021 is possible once U020 or U029 was received"


class Pair:
    """Owner and counterparty of one case; what one sends the other receives at once."""

    def __init__(self, code: str) -> None:
        process = eessi.buc(code)
        self.cases = {
            "owner": process.start("CaseOwner", "4.3", me="FR:OWNER", counterparties=["BE:OTHER"]),
            "other": process.start("Counterparty", "4.3", me="BE:OTHER"),
        }
        self.at = AT

    def send(self, side: str, sed: str, parent: str | None = None, **facts: bool) -> None:
        case = self.cases[side]
        move = case.allowed(on=self.at.date()).find(sed, parent)
        assert move is not None
        assert move.answer == "yes", (sed, move.reasons)
        number = f"{sed}-{len(case.history)}"
        told = {f"{sed}.{name}": value for name, value in facts.items()}
        sent = Event("sent", sed=sed, document_id=number, parent_id=move.parent_id, at=self.at, facts=told)
        other = "other" if side == "owner" else "owner"
        self.cases[side] = case.apply(sent)
        self.cases[other] = self.cases[other].apply(attrs.evolve(sent, kind="received", sender=case.me))

    def act(self, side: str, wanted: str, do: str, what: str) -> None:
        """The move is refused, one remedy is that; it is carried out, and the move is allowed."""
        refused = self.cases[side].why_not(wanted, on=self.at.date())
        assert refused is not None, wanted
        remedy = next(item for item in refused.remedies if (item.do, item.what) == (do, what))
        if do == "wait":
            assert remedy.on is not None
            self.at = dt.datetime.combine(remedy.on, AT.timetz())
        elif do == "do":
            self.cases[side] = self.cases[side].apply(Event({"close": "closed"}[what], at=self.at))
        elif do == "state":
            ((document, fact, value),) = remedy.facts
            self.cases[side] = self.cases[side].apply(Event("noted", document_id=document, facts={fact: value}))
        else:
            author = side if do == "send" else ("other" if side == "owner" else "owner")
            self.send(author, what, remedy.parent_id)
        assert self.cases[side].why_not(wanted, on=self.at.date()) is None, refused.text


TEN = {
    "P_BUC_01": "owner ? P5000 send P2000; owner ? P9000 receive P8000; owner P9000; owner ? P2000 send X008",
    "S_BUC_12": "owner S055; other ? X010 receive X009; owner ? archive do close",
    "UB_BUC_04": "owner U020; other ? U024 send U021; owner ? U025 receive U024; owner ? archive send X001",
    "FB_BUC_04": "owner F003; owner ? F003 send X008; owner F003; other ? archive do close",
    "LA_BUC_02": "owner A003; owner ? X001 wait day; other A012; other ? A004 send X008; other A004; other ? A006 receive A005",
    "AW_BUC_10b": "owner DA053; owner ? X012 receive DA054; other ? DA054 send X008",
    "R_BUC_02": "owner R005; other ? R006 state facts; other ? R004 send R006; owner ? X002 send X001",
    "H_BUC_07": "owner H070; other ? X008 send H001; owner H002; owner ? archive do close",
    "M_BUC_01": "owner M030; other ? X008 send H001; owner ? X010 receive X009; owner X010; owner ? M030 send X008",
    # The administrative processes run inside the case of another: closing and reopening, AD_BUC_01 and AD_BUC_02.
    "LA_BUC_03": "owner A008; owner ? X001 wait day; owner X001; owner ? X003 receive X002; other ? X004 receive X003;"
    " other X004 reopen; owner ? X002 send X001",
}
"""Steps of each process: who sends what, and after ``?`` a move that is refused and the remedy that is acted upon."""


@pytest.mark.parametrize("code", TEN)
def test_ten_processes_by_hand(code: str) -> None:
    pair = Pair(code)
    for line in TEN[code].split(";"):
        side, *words = line.split()
        if words[0] == "?":
            pair.act(side, *words[1:])
        else:
            pair.send(side, words[0], **dict.fromkeys(words[1:], True))


def test_an_invalidated_notice_of_death_takes_back_what_may_be_asked_about_it() -> None:
    pair = Pair("H_BUC_07")
    pair.send("owner", "H070")
    assert "H001" in pair.cases["other"].allowed().seds
    pair.send("owner", "X008")
    refused = pair.cases["other"].why_not("H001")
    assert refused is not None
    assert refused.rule == "BUC-WITHDRAWN"
    assert refused.text == "the H070 was invalidated, which withdrew H001"
