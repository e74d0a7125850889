"""Closing rules: rows against the national practices of the processes, and a plan that never closes what may not be closed."""

from __future__ import annotations

import datetime as dt

from eessi.buc import CaseState, all_bucs
from eessi.node.closing import ClosingRule, close_cases, load_closing_rules, plan_closing
from eessi.node.written import sandbox_document
from tests.node.conftest import BE, Pair, sandbox
from tests.node.test_node import started


def rule(**more: object) -> ClosingRule:
    row = {"id": "r", "bucs": ["*"], "days": 30, "roles": ["CaseOwner", "Counterparty"], "close": "X001"}
    return ClosingRule.model_validate({**row, "kind": "own", "source": "test", "reason": "quiet", **more})


def test_every_practice_of_a_process_is_a_row_and_every_row_a_practice() -> None:
    rules = {
        (r.bucs[0], r.days, r.close, role) for r in load_closing_rules() if r.source == "avslutt" for role in r.roles
    }
    wanted = set()
    for process in all_bucs():
        for practice in process.practices:
            for role, how in (("CaseOwner", practice.owner), ("Counterparty", practice.counterparty)):
                if practice.inactive_days is not None and how is not None:
                    close = "X001" if how == "global" else "local"
                    wanted.add((str(process.code), practice.inactive_days, close, role))
    assert rules - wanted == {("FB_BUC_01", 270, "X001", "CaseOwner")}, "the note of FB_BUC_01"
    assert wanted - rules == set()
    assert {(r.kind, r.country) for r in load_closing_rules()} == {("practice", "NO")}


def test_the_documents_a_row_names_are_of_its_process() -> None:
    codes = {str(process.code): process for process in all_bucs()}
    for row in load_closing_rules():
        process = codes[row.bucs[0]]
        seds = {str(row.sed) for row in process.rows}
        for name in (*row.latest, *row.any_of, *row.quiet):
            assert name.startswith("X") or name.split()[0] in seds, (row.id, name)


def test_a_quiet_case_is_closed_when_the_process_allows_it(pair: Pair) -> None:
    case_id = started(pair)
    [came] = pair.be.receive()
    day = pair.corners.now.date()
    later = day + dt.timedelta(days=90)
    assert list(plan_closing(pair.fr.store, [rule()], day + dt.timedelta(days=29))) == []
    [refused] = plan_closing(pair.fr.store, [rule(days=0, latest=["A001 sent"], close="local")], day)
    assert "no local close" in str(refused.refused)
    [kept] = close_cases(pair.fr, [refused])
    assert (kept.outcome, kept.why) == ("kept", refused.refused)
    pair.be.send(case_id, sandbox("A011"), parent_id=came.document_id)
    pair.run()
    [found] = plan_closing(pair.fr.store, [rule(any_of=["A011 received"], since="document")], later)
    assert (found.case_id, found.close, found.refused) == (case_id, "X001", None)
    for silent in (
        {"latest": ["A001"]},
        {"any_of": ["A002"]},
        {"roles": ["Counterparty"]},
        {"country": "NO"},
        {"off": True},
    ):
        assert list(plan_closing(pair.fr.store, [rule(**silent)], later)) == [], silent
    [kept] = close_cases(pair.fr, [found])
    assert (kept.outcome, "has to be written" in str(kept.why)) == ("kept", True)
    pair.corners.advance(dt.timedelta(days=90))
    [done] = close_cases(pair.fr, [found], write=sandbox_document)
    assert (done.outcome, pair.fr.case(case_id).state) == ("sent", CaseState.CLOSED)
    pair.run()
    assert pair.be.case(case_id).state is CaseState.CLOSED
    [again] = close_cases(pair.fr, [found], write=sandbox_document)
    assert (again.outcome, again.why) == ("kept", "the case has moved since the plan was made")


def test_a_waiting_period_is_not_a_case_that_is_due(pair: Pair) -> None:
    case_id = str(pair.fr.start("LA_BUC_04", [BE], version="4.3"))
    pair.fr.send(case_id, sandbox("A009"))
    as_allowed = rule(days=0, bucs=["LA_BUC_04"])
    day = pair.corners.now.date()
    assert list(plan_closing(pair.fr.store, [as_allowed], day + dt.timedelta(days=29))) == []
    [found] = plan_closing(pair.fr.store, [as_allowed], day + dt.timedelta(days=31))
    assert (found.case_id, found.refused) == (case_id, None)


def test_a_copy_of_our_own_is_closed_without_a_document(pair: Pair) -> None:
    case_id = str(pair.fr.start("H_BUC_01", [BE], version="4.3"))
    pair.fr.send(case_id, sandbox("H001"))
    pair.run()
    later = pair.corners.now.date() + dt.timedelta(days=31)
    [found] = plan_closing(pair.fr.store, [rule(close="local", latest=["H001"])], later)
    [done] = close_cases(pair.fr, [found])
    assert (done.outcome, pair.fr.case(case_id).state) == ("closed", CaseState.CLOSED_LOCALLY)
    assert pair.be.case(case_id).state is CaseState.OPEN
