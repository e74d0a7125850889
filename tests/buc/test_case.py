"""The interpreter: an event, then the state; an illegal event raises and changes nothing."""

from __future__ import annotations

import datetime as dt

import pytest

import eessi
from eessi.buc import Answer, Case, CaseState, Event
from eessi.errors import NotAllowed, PeerViolation, UnknownCode, UsageError
from eessi.ids import Role

OWNER, OTHER, THIRD = "FR:OWNER01", "BE:OTHER01", "DE:THIRD01"
DAY = dt.datetime(2026, 1, 1, 12, tzinfo=dt.UTC)


def owner(code: str, version: str = "4.3", **details: object) -> Case:
    return eessi.buc(code).start("CaseOwner", version, **details)  # type: ignore[arg-type]  # a table of arguments


def counterparty(code: str, version: str = "4.3") -> Case:
    return eessi.buc(code).start("Counterparty", version)


def sent(sed: str, **details: object) -> Event:
    return Event("sent", sed=sed, **{"at": DAY, **details})  # type: ignore[arg-type]  # a table of arguments


def received(sed: str, **details: object) -> Event:
    return Event("received", sed=sed, **{"at": DAY, **details})  # type: ignore[arg-type]  # a table of arguments


# ---- the two processes of the demonstration --------------------------------------------------------------------------


def test_the_room_can_be_called() -> None:
    assert eessi.buc("LA_BUC_01") is eessi.buc.buc("la_buc_01")
    with pytest.raises(UnknownCode, match="did you mean"):
        eessi.buc("LA_BUC_07")


def test_request_and_reply() -> None:
    case = counterparty("S_BUC_01")
    assert case.allowed().seds == frozenset()
    case = case.apply(received("S071"))
    assert "S072" in case.allowed().seds
    after = case.apply(sent("S072"))
    assert "S072" not in after.allowed().seds
    assert "S072" in case.allowed().seds, "the case before is untouched"


def test_request_for_an_exception_to_the_close() -> None:
    case = owner("LA_BUC_01")
    assert case.allowed().seds == {"A001"}
    case = case.apply(sent("A001")).apply(received("A011")).apply(sent("X001"))
    assert case.state is CaseState.CLOSED
    assert case.allowed().seds == {"X002"}
    refused = case.why_not("A005")
    assert refused is not None
    assert refused.rule == "BUC-CASE-STATE"


def test_an_illegal_move_raises_and_changes_nothing() -> None:
    case = counterparty("LA_BUC_01").apply(received("A001"))
    before = case.allowed().seds
    with pytest.raises(NotAllowed) as caught:
        case.apply(sent("A001"))
    assert caught.value.rule == "BUC-ROLE"
    assert case.allowed().seds == before
    assert len(case.history) == 1


def test_unknown_version_runs_on_the_newest_rows_and_says_so() -> None:
    case = owner("LA_BUC_01", "4.4")
    moves = case.allowed()
    assert case.assumed
    assert moves.assumed
    assert all(move.assumed for move in moves)
    refused = case.why_not("X001")
    assert refused is not None
    assert refused.assumed
    assert not owner("LA_BUC_01", "4.3").assumed
    with pytest.raises(UsageError, match="oldest"):
        owner("LA_BUC_01", "4.0")


def test_an_administrative_process_has_no_case() -> None:
    with pytest.raises(UsageError, match="runs inside"):
        owner("AD_BUC_01")


# ---- exclusions ------------------------------------------------------------------------------------------------------


def test_exclusion_bites_from_the_draft_on() -> None:
    case = counterparty("LA_BUC_01").apply(received("A001", document_id="a"))
    drafted = case.apply(Event("drafted", sed="A011", document_id="b"))
    refused = drafted.why_not("A002")
    assert refused is not None
    assert refused.rule == "BUC-WITHDRAWN"
    assert refused.remedies[0].do == "delete"
    deleted = drafted.apply(Event("draft_deleted", document_id="b"))
    assert {"A002", "A011"} <= deleted.allowed().seds


def test_exclusion_bites_from_the_sending_on() -> None:
    case = counterparty("S_BUC_23").apply(received("S051", document_id="a"))
    drafted = case.apply(Event("drafted", sed="S053A", document_id="b"))
    assert "S053C" in drafted.allowed().seds, "a draft excludes nothing here"
    after = drafted.apply(sent("S053C")).allowed()
    draft = next(move for move in after if move.kind == "draft")
    assert draft.answer is Answer.NO, "the draft of the excluded document cannot be sent"


def test_sending_without_a_draft_excludes_as_well() -> None:
    case = counterparty("LA_BUC_01").apply(received("A001", document_id="a")).apply(sent("A002"))
    assert "A011" not in case.allowed().seds


def test_invalidating_the_one_offers_the_other() -> None:
    case = counterparty("LA_BUC_01").apply(received("A001", document_id="a")).apply(sent("A002", document_id="b"))
    case = case.apply(sent("X008", parent_id="b"))
    assert case.documents["b"].status == "cancelled"
    assert {"A002", "A011"} <= case.allowed().seds


def test_alternative_starters_wait_for_a_draft_and_end_with_the_sending() -> None:
    case = owner("UB_BUC_02")
    assert case.allowed().seds == {"U007", "U009"}
    drafted = case.apply(Event("drafted", sed="U007", document_id="u"))
    refused = drafted.why_not("U009")
    assert refused is not None
    assert refused.rule == "BUC-SUSPENDED"
    assert "U009" in drafted.apply(Event("draft_deleted", document_id="u")).allowed().seds
    assert "U009" not in drafted.apply(sent("U007", document_id="u")).allowed().seds


def test_the_reply_ends_the_right_to_reject() -> None:
    case = counterparty("AW_BUC_10b").apply(received("DA053", document_id="a"))
    assert {"X011", "X012"} <= case.allowed().seds
    case = case.apply(sent("DA054"))
    assert {"X011", "X012"}.isdisjoint(case.allowed().seds)


def test_suspended_rejection_comes_back() -> None:
    case = counterparty("UB_BUC_03").apply(received("U018", document_id="a")).apply(sent("U019", document_id="b"))
    refused = case.why_not("X011")
    assert refused is not None
    assert refused.rule == "BUC-SUSPENDED"
    assert "X011" in case.apply(sent("X008", parent_id="b")).allowed().seds


# ---- facts and time --------------------------------------------------------------------------------------------------


def test_an_unknown_fact_is_never_a_yes() -> None:
    case = owner("S_BUC_01").apply(sent("S071")).apply(received("S072"))
    move = case.allowed().find("S073")
    assert move is not None
    assert move.answer is Answer.DEPENDS
    assert move.facts == ("S072.section_7_filled",)
    with pytest.raises(NotAllowed) as caught:
        case.apply(sent("S073"))
    assert caught.value.rule == "BUC-FACT-UNKNOWN"
    known = case.allowed(facts={"S072.section_7_filled": True})
    assert "S073" in known.seds
    told = owner("S_BUC_01").apply(sent("S071")).apply(received("S072", facts={"S072.section_7_filled": False}))
    refused = told.why_not("S073")
    assert refused is not None
    assert refused.rule == "BUC-FACT"


def test_a_fact_of_the_document_itself_does_not_open_it() -> None:
    """What a second H120 asks says nothing about the first."""
    case = owner("H_BUC_08").apply(sent("H120"))
    with pytest.raises(NotAllowed, match="depends on whether"):
        case.apply(sent("H120", facts={"H120.asks_for_costs": True}))


def test_waiting_time() -> None:
    case = owner("LA_BUC_03").apply(sent("A008"))
    early = case.why_not("X001", on=dt.date(2026, 1, 30))
    assert early is not None
    assert early.rule == "BUC-TOO-EARLY"
    assert early.earliest == dt.date(2026, 1, 31)
    assert case.why_not("X001", on=dt.date(2026, 1, 31)) is None
    undated = case.why_not("X001")
    assert undated is not None
    assert undated.depends
    with pytest.raises(NotAllowed):
        case.apply(sent("X001", at=DAY + dt.timedelta(days=29)))
    assert case.apply(sent("X001", at=DAY + dt.timedelta(days=30))).state is CaseState.CLOSED


def test_the_waiting_time_ends_when_all_have_answered() -> None:
    case = owner("LA_BUC_02", me=OWNER, counterparties=[OTHER, THIRD]).apply(sent("A003", document_id="a"))
    case = case.apply(received("A012", sender=OTHER, parent_id="a"))
    assert "X001" not in case.allowed(on=DAY.date()).seds
    case = case.apply(received("A012", sender=THIRD, parent_id="a"))
    assert "X001" in case.allowed(on=DAY.date()).seds


def test_a_new_version_can_tell_otherwise() -> None:
    case = counterparty("P_BUC_08").apply(received("P12000", document_id="p", facts={"P12000.asks_for_P13000": False}))
    assert "P13000" not in case.allowed().seds
    case = case.apply(received("P12000", document_id="p", version=2, facts={"P12000.asks_for_P13000": True}))
    assert "P13000" in case.allowed().seds


# ---- documents -------------------------------------------------------------------------------------------------------


def test_versions() -> None:
    case = owner("LA_BUC_01").apply(sent("A001", document_id="a"))
    updated = case.apply(Event("sent", document_id="a", version=2, at=DAY))
    assert updated.documents["a"].version == 2
    with pytest.raises(NotAllowed, match="next version"):
        updated.apply(Event("sent", document_id="a", version=4))
    fixed = owner("S_BUC_01").apply(sent("S071", document_id="s"))
    with pytest.raises(NotAllowed) as caught:
        fixed.apply(Event("sent", document_id="s", version=2))
    assert caught.value.rule == "BUC-NOT-UPDATABLE"


def test_a_later_document_fixes_an_earlier_one() -> None:
    case = owner("UB_BUC_04").apply(sent("U020", document_id="a")).apply(received("U023", document_id="b"))
    case = case.apply(sent("U029", document_id="c")).apply(received("U021", parent_id="c"))
    move = case.allowed().find("U029", kind="update")
    assert move is not None
    assert move.answer is Answer.NO


def test_each_document_is_answered_once_and_by_name() -> None:
    case = counterparty("H_BUC_01").apply(received("H001", document_id="a")).apply(received("H001", document_id="b"))
    with pytest.raises(NotAllowed, match="which"):
        case.apply(sent("H002"))
    case = case.apply(sent("H002", parent_id="a"))
    with pytest.raises(NotAllowed) as caught:
        case.apply(sent("H002", parent_id="a"))
    assert caught.value.rule == "BUC-USED"
    assert case.apply(sent("H002")).documents["H002-4"].parent_id == "b"


def test_a_cancelled_document_cannot_be_answered() -> None:
    case = counterparty("LA_BUC_01").apply(received("A001", document_id="a")).apply(received("X008", parent_id="a"))
    refused = case.why_not("A002", parent_id="a")
    assert refused is not None
    assert refused.rule == "BUC-CANCELLED"


def test_attachments_and_parts() -> None:
    case = counterparty("LA_BUC_01").apply(received("A001"))
    with pytest.raises(NotAllowed) as caught:
        case.apply(sent("A011", attachments=1))
    assert caught.value.rule == "BUC-ATTACHMENTS"
    assert case.apply(sent("A002", attachments=1)).state is CaseState.OPEN
    with pytest.raises(NotAllowed) as caught:
        owner("LA_BUC_01").apply(sent("A001", parts=3))
    assert caught.value.rule == "BUC-BULK"
    assert owner("UB_BUC_04").apply(sent("U020", parts=3)).state is CaseState.OPEN


# ---- the other side --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "events", "rule", "answer"),
    [
        ("LA_BUC_01", [sent("A001"), received("A011"), received("A002")], "BUC-WITHDRAWN", "X050"),
        ("LA_BUC_01", [sent("A001"), received("A001")], "BUC-ROLE", "X050"),
        ("LA_BUC_01", [sent("A001"), received("S071")], "BUC-UNKNOWN-SED", "X050"),
        ("LA_BUC_01", [sent("A001"), received("A006")], "BUC-NOT-YET", "X050"),
        ("LA_BUC_01", [sent("A001"), received("A002", parent_id="elsewhere")], "BUC-PARENT", "X050"),
        ("LA_BUC_02", [sent("A003"), received("A012"), received("A012")], "BUC-USED", "X011"),
        ("S_BUC_01", [sent("S071"), received("S072"), received("S072")], "BUC-USED", "X050"),
    ],
)
def test_peer_violations_carry_the_answer(code: str, events: list[Event], rule: str, answer: str) -> None:
    case = owner(code).replay(events[:-1])
    with pytest.raises(PeerViolation) as caught:
        case.apply(events[-1])
    assert caught.value.rule == rule
    assert caught.value.answer == answer


def test_a_second_delivery_changes_nothing() -> None:
    case = counterparty("S_BUC_01").apply(received("S071", document_id="s"))
    assert case.apply(received("S071", document_id="s")) is case


def test_an_answer_that_crossed_our_close_is_accepted() -> None:
    case = owner("LA_BUC_01").apply(sent("A001")).apply(sent("X001")).apply(received("A011"))
    assert case.state is CaseState.CLOSED
    assert [item.sed for item in case.documents.values()] == ["A001", "X001", "A011"]


def test_a_system_message_may_come_from_either_side_at_any_time() -> None:
    case = owner("S_BUC_01").apply(sent("S071")).apply(received("X050"))
    assert case.state is CaseState.OPEN
    refused = case.why_not("X050")
    assert refused is not None
    assert refused.rule == "BUC-SYSTEM"


# ---- life of the case ------------------------------------------------------------------------------------------------


def test_local_close_reopen_archive_restore() -> None:
    case = owner("S_BUC_01")
    refused = case.why_not("close")
    assert refused is not None
    assert refused.rule == "BUC-NOT-YET"
    case = case.apply(sent("S071")).apply(Event("closed"))
    assert case.state is CaseState.CLOSED_LOCALLY
    assert case.apply(Event("reopened")).state is CaseState.OPEN
    archived = case.apply(Event("archived"))
    assert archived.state is CaseState.ARCHIVED
    assert archived.apply(Event("restored")).state is CaseState.CLOSED_LOCALLY
    with pytest.raises(NotAllowed, match="no local close"):
        owner("LA_BUC_01").apply(sent("A001")).apply(Event("closed"))


def test_a_case_is_deleted_only_before_its_first_document() -> None:
    assert owner("S_BUC_01").apply(Event("deleted")).state is CaseState.DELETED
    with pytest.raises(NotAllowed):
        owner("S_BUC_01").apply(sent("S071")).apply(Event("deleted"))
    with pytest.raises(NotAllowed, match="only the case owner"):
        counterparty("S_BUC_01").apply(Event("deleted"))


def reopened(agreed: bool | None) -> Case:
    facts = {} if agreed is None else {"X004.reopen": agreed}
    case = counterparty("R_BUC_03").apply(received("R008")).apply(received("X001", document_id="x1"))
    case = case.apply(received("X002", document_id="x2", parent_id="x1")).apply(sent("X003", document_id="x3"))
    return case.apply(received("X004", document_id="x4", parent_id="x3", facts=facts))


def test_reopening() -> None:
    assert reopened(True).state is CaseState.OPEN
    assert "X001" in reopened(True).allowed().seds, "a reopened case can be closed again"
    assert reopened(False).state is CaseState.CLOSED
    unknown = reopened(None)
    move = unknown.allowed().find("R009")
    assert move is not None
    assert move.answer is Answer.DEPENDS
    assert move.facts == ("X004.reopen",)
    assert "R009" in unknown.allowed(facts={"X004.reopen": True}).seds
    assert unknown.apply(Event("noted", document_id="x4", facts={"X004.reopen": True})).state is CaseState.OPEN


# ---- participants ----------------------------------------------------------------------------------------------------


def test_several_counterparties_each_answer_once() -> None:
    case = owner("LA_BUC_01", me=OWNER, counterparties=[OTHER, THIRD]).apply(sent("A001", document_id="a"))
    case = case.apply(received("A002", sender=OTHER, parent_id="a")).apply(
        received("A011", sender=THIRD, parent_id="a")
    )
    with pytest.raises(PeerViolation):
        case.apply(received("A011", sender=OTHER, parent_id="a"))
    with pytest.raises(PeerViolation, match="must name its sender"):
        case.apply(received("A008"))
    with pytest.raises(PeerViolation) as caught:
        case.apply(received("A008", sender="AT:STRANGER"))
    assert caught.value.rule == "BUC-SENDER"


def test_receivers_of_the_first_document_become_participants() -> None:
    case = owner("LA_BUC_01").apply(sent("A001", receivers=(OTHER, THIRD)))
    assert [item.institution for item in case.participants] == [None, OTHER, THIRD]
    with pytest.raises(UsageError, match="bilateral"):
        owner("S_BUC_01", counterparties=[OTHER, THIRD])
    with pytest.raises(NotAllowed, match="bilateral"):
        owner("S_BUC_01").apply(sent("S071", receivers=(OTHER, THIRD)))


def test_add_and_remove() -> None:
    case = owner("P_BUC_01", me=OWNER, counterparties=[OTHER]).apply(sent("P2000", document_id="p"))
    with pytest.raises(NotAllowed, match="name it"):
        case.apply(sent("X005"))
    case = case.apply(sent("X005", participant=THIRD)).apply(received("P8000", sender=THIRD))
    case = case.apply(sent("X006", participant=OTHER))
    assert [item.active for item in case.participants] == [True, False, True]


def test_the_counterparty_removes_only_itself() -> None:
    case = eessi.buc("P_BUC_01").start("Counterparty", "4.3", me=OTHER)
    case = case.apply(received("P2000", sender=OWNER, receivers=(OTHER, THIRD)))
    with pytest.raises(NotAllowed, match="only itself"):
        case.apply(sent("X006", participant=OWNER))
    assert case.apply(sent("X006", participant=OTHER)).state is CaseState.LEFT


def test_forwarding() -> None:
    case = eessi.buc("S_BUC_01").start("Counterparty", "4.3", me=OTHER).apply(received("S071", sender=OWNER))
    assert case.apply(sent("X007", participant=THIRD)).state is CaseState.FORWARDED
    there = owner("S_BUC_01", me=OWNER, counterparties=[OTHER]).apply(sent("S071", document_id="s"))
    there = there.apply(received("X007", sender=OTHER, participant=THIRD))
    assert there.participants[1].institution == THIRD
    assert there.apply(received("S072", sender=THIRD)).documents["S072-3"].parent_id == "s"


def test_national_routing_names_the_body_that_acts() -> None:
    case = owner("P_BUC_03", me=OWNER, counterparties=["DE:ROUTING"]).apply(sent("P2200", document_id="p"))
    case = case.apply(received("X100", sender="DE:ROUTING", participant="DE:ACTING1"))
    assert case.participants[1].institution == "DE:ACTING1"
    assert case.apply(received("P8000", sender="DE:ACTING1")).state is CaseState.OPEN
    routing = (
        eessi.buc("P_BUC_03").start("IntelligentRA", "4.3", me="DE:ROUTING").apply(received("P2200", sender=OWNER))
    )
    assert routing.role is Role.INTELLIGENT_RA
    assert routing.allowed().seds == frozenset(), "a routing body sends nothing but X100, which its system makes"


# ---- history ---------------------------------------------------------------------------------------------------------


def test_as_of_and_branches() -> None:
    case = owner("LA_BUC_01").apply(sent("A001")).apply(received("A011", at=DAY + dt.timedelta(days=3)))
    assert case.as_of(1) == owner("LA_BUC_01").apply(sent("A001"))
    assert len(case.as_of(dt.date(2026, 1, 2)).documents) == 1
    assert len(case.as_of(dt.date(2026, 1, 4)).documents) == 2
    one, other = case.apply(sent("X001")), case.apply(sent("A005"))
    assert (one.state, other.state) == (CaseState.CLOSED, CaseState.OPEN)


def test_equal_histories_make_equal_cases() -> None:
    one = owner("LA_BUC_01").apply(sent("A001"))
    assert one == owner("LA_BUC_01").apply(sent("A001"))
    assert hash(one) == hash(owner("LA_BUC_01").apply(sent("A001")))
    assert one != owner("LA_BUC_01", "4.2").apply(sent("A001"))
    assert "A001" not in repr(one)
    assert one != 1


def test_what_happened_is_admitted_though_it_was_not_allowed() -> None:
    case, misfits = owner("LA_BUC_01").retrace([sent("A001"), received("A011"), received("A002"), received("A005")])
    assert [(item.number, item.rule) for item in misfits] == [(3, "BUC-WITHDRAWN")]
    assert [item.sed for item in case.documents.values()] == ["A001", "A011", "A002", "A005"]
    assert len(case.as_of(3).documents) == 3


def test_events_are_checked_where_they_are_made() -> None:
    with pytest.raises(UsageError, match="no event is called"):
        Event("posted", sed="A001")
    with pytest.raises(UsageError, match="needs a SED"):
        Event("sent")
    with pytest.raises(UnknownCode):
        Event("sent", sed="hello")


# ---- versions --------------------------------------------------------------------------------------------------------


def test_what_differs_between_versions() -> None:
    """The behaviour behind the notes on versions: 4.1 to 4.2, and 4.2 to 4.3."""
    old = owner("UB_BUC_01", "4.1").apply(sent("U003"))
    new = owner("UB_BUC_01", "4.2").apply(sent("U003"))
    assert {"U001", "U001CB", "U005"}.isdisjoint(old.allowed().seds)
    assert {"U001", "U001CB", "U005"} <= new.allowed().seds
    for version, free in (("4.2", True), ("4.3", False)):
        case = counterparty("LA_BUC_01", version).apply(received("A001"))
        assert ("H004" in case.allowed().seds) is free
        answered = case.apply(received("H003", document_id="h"))
        move = answered.allowed().find("H004")
        assert move is not None
        assert (move.parent_id == "h") is not free
    for version, there in (("4.2", False), ("4.3", True)):
        case = owner("S_BUC_18", version).apply(sent("S008")).apply(received("S130"))
        assert ("S050" in case.allowed().seds) is there
    case = counterparty("S_BUC_18").apply(received("S008")).apply(sent("S130")).apply(received("S050", document_id="s"))
    assert "S130" in case.allowed().seds
    for version, exclusive in (("4.1", False), ("4.2", True)):
        for code, request, accept, contest in (
            ("S_BUC_23", "S051", "S053A", "S053C"),
            ("AW_BUC_23", "DA071", "DA073A", "DA073C"),
        ):
            case = counterparty(code, version).apply(received(request)).apply(sent(accept))
            assert (contest not in case.allowed().seds) is exclusive
    for version, there in (("4.1", False), ("4.2", True)):
        assert ("X009" in owner("AW_BUC_02", version).apply(sent("DA003")).allowed().seds) is there
        assert ("DA003A" in counterparty("AW_BUC_02", version).apply(received("DA003")).allowed().seds) is there
        case = (
            owner("AW_BUC_01b", version)
            .apply(sent("DA002", facts={"DA002.section_4_1_yes": True}))
            .apply(sent("DA003"))
        )
        assert ("X009" in case.allowed().seds) is there
        there_too = counterparty("AW_BUC_01b", version).apply(received("DA002")).apply(received("DA003"))
        assert ("DA003A" in there_too.allowed().seds) is there
        update = owner("AW_BUC_02", version).apply(sent("DA003")).allowed().find("DA003", kind="update")
        assert (update is not None) is there
        reply = counterparty("AW_BUC_04a", version).apply(received("DA006")).apply(sent("DA007"))
        assert (reply.allowed().find("DA007", kind="update") is None) is there
        reply = counterparty("H_BUC_04", version).apply(received("H020")).apply(sent("H021"))
        assert ("X008" in reply.allowed().seds) is there
        assert ("X006" in counterparty("P_BUC_03", version).apply(received("P2200")).allowed().seds) is there


def test_one_starter_opens_a_case_of_two() -> None:
    for first, second in (("F018", "F021"), ("F021", "F018")):
        refused = owner("FB_BUC_03").apply(sent(first)).why_not(second)
        assert refused is not None
        assert refused.rule == "BUC-WITHDRAWN"


# ---- scopes and new versions -----------------------------------------------------------------------------------------


def test_a_reply_ends_the_rejection_of_its_own_document_only() -> None:
    """Two U018; each U019 suspends the X011 for the one it answers, and gives only that one back."""
    case = counterparty("UB_BUC_03").apply(received("U018", document_id="a")).apply(received("U018", document_id="b"))

    def rejectable(case: Case) -> set[str | None]:
        return {move.parent_id for move in case.allowed().yes if move.sed == "X011"}

    one = case.apply(sent("U019", document_id="c", parent_id="a"))
    assert rejectable(one) == {"b"}
    both = one.apply(sent("U019", document_id="d", parent_id="b"))
    assert rejectable(both) == set()
    assert rejectable(both.apply(sent("X008", parent_id="c"))) == {"a"}


def test_an_exclusion_concerns_one_parent() -> None:
    """The U023 for the U020 is invalidated and drafted again: that says nothing about the U021 for the U029."""

    def answers(case: Case, sed: str) -> set[str | None]:
        return {move.parent_id for move in case.allowed().yes if move.sed == sed}

    case = counterparty("UB_BUC_04").apply(received("U020", document_id="a")).apply(sent("U023", document_id="b"))
    cancelled = case.apply(sent("X008", parent_id="b")).apply(received("U029", document_id="c", parent_id="b"))
    assert answers(cancelled, "U021") == {"a", "c"}
    assert answers(cancelled.apply(Event("drafted", sed="U023", parent_id="a")), "U021") == {"c"}
    assert answers(cancelled.apply(Event("drafted", sed="U021", parent_id="a")), "U023") == {"c"}
    assert answers(cancelled.apply(Event("drafted", sed="U023", parent_id="c")), "U021") == {"a"}


@pytest.mark.parametrize(
    ("code", "role", "first", "asked", "reply", "before", "fact"),
    [
        ("P_BUC_07", "CaseOwner", "P11000", "P12000", "P13000", {}, None),
        ("P_BUC_08", "Counterparty", None, "P12000", "P13000", {}, "P12000.asks_for_P13000"),
        ("R_BUC_01", "CaseOwner", "R001", "R002", "R001", {"R001.final": False}, "R002.deductions"),
        ("R_BUC_01", "CaseOwner", "R001", "R002", "R003", {"R001.final": True}, "R002.deductions"),
    ],
)
def test_new_versions_open_what_the_first_did_not(
    code: str, role: str, first: str | None, asked: str, reply: str, before: dict[str, bool], fact: str | None
) -> None:
    case = eessi.buc(code).start(role, "4.3")
    if first is not None:
        case = case.apply(sent(first, facts=before))

    def version(number: int, value: bool) -> Event:
        facts = {} if fact is None else {fact: value}
        return received(asked, document_id="q", version=number, facts=facts)

    def offered(case: Case) -> bool:
        move = case.allowed().find(reply)
        return move is not None and move.answer is Answer.YES

    case = case.apply(version(1, value=False))
    if fact is None:
        case = case.apply(sent(reply))
    assert not offered(case)
    if fact is not None:
        assert not offered(case.apply(version(2, value=False)))
    assert offered(case.apply(version(2, value=True)))


def test_a_new_version_asks_for_follow_up() -> None:
    case = (
        counterparty("UB_BUC_02")
        .apply(received("U009"))
        .apply(received("U010", document_id="q", facts={"U010.follow_up": False}))
    )
    assert "U011" not in case.allowed().seds
    asked = case.apply(received("U010", document_id="q", version=2, facts={"U010.follow_up": True}))
    assert "U011" in asked.allowed().seds
    assert (
        "U011"
        not in asked.apply(received("U010", document_id="q", version=3, facts={"U010.follow_up": False})).allowed().seds
    )


def test_a_condition_on_all_counterparties() -> None:
    """The owner sends its F002 once every counterparty has sent one."""
    case = owner("FB_BUC_01", me=OWNER, counterparties=[OTHER, THIRD]).apply(sent("F001", document_id="f"))
    case = case.apply(received("F002", sender=OTHER, parent_id="f"))
    refused = case.why_not("F002")
    assert refused is not None
    assert refused.rule == "BUC-CONDITION"
    assert case.apply(received("F002", sender=THIRD, parent_id="f")).why_not("F002") is None


def test_a_new_version_is_told_apart_from_a_new_document() -> None:
    case = eessi.buc("LA_BUC_01").start("CaseOwner", "4.3").apply(Event("sent", sed="A001", document_id="a", at=DAY))
    moves = case.allowed(on=DAY.date())
    assert "A001" not in moves.seds, "it was sent, and opens a case once"
    assert [(move.kind, move.sed, move.document_id) for move in moves.updates] == [("update", "A001", "a")]
    draft = eessi.buc("LA_BUC_01").start("CaseOwner", "4.3").apply(Event("drafted", sed="A001", document_id="a"))
    assert "A001" in draft.allowed().seds, "a draft is still to be sent for the first time"
    assert draft.allowed().updates == ()
