"""Keeping and erasing: what is open, held or on its way stays; what goes leaves a history whose chain still verifies."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import attrs
import pytest
import sqlalchemy as sa

from eessi.buc import CaseState, buc
from eessi.errors import DefinitionError, InputError, NotAllowed, UnknownCode, UsageError
from eessi.node.evidence import check_store, timeline
from eessi.node.keeping import erase, hold, holds, lift
from eessi.node.retention import RetentionRule, execute, load_rules, plan
from eessi.node.stored import CaseErased, add_events, load
from eessi.sed import Attachment
from eessi.stores.cases import CaseRows
from eessi.stores.keeping import KeepingRows
from eessi.stores.mail import MailRows
from tests.node.conftest import BE, Pair, sandbox
from tests.node.test_node import parcel_of, started, take

DAY = dt.date(2030, 1, 1)
ERASE = RetentionRule(id="e", action="erase", bucs=("LA_*",), days=365, kind="own", source="test", reason="a year")


def closed(pair: Pair) -> str:
    """A case that went through to its end, for both sides."""
    case_id = started(pair)
    [came] = pair.be.receive()
    pair.be.send(case_id, sandbox("A011"), parent_id=came.document_id)
    pair.run()
    pair.corners.advance(dt.timedelta(days=60))
    pair.fr.send(case_id, sandbox("X001"))
    pair.run()
    assert pair.fr.case(case_id).state is CaseState.CLOSED
    return case_id


def everything(pair: Pair) -> str:
    """All rows of the French store as text, opened where they are sealed or signed parts."""
    tables = ("case_head", "case_document", "case_key", "case_held", "case_event", "mail_out", "mail_in", "case_import")
    with pair.fr.store.read() as unit:
        return "".join(repr(row) for table in tables for row in unit.execute(sa.text(f"SELECT * FROM {table}")))


def test_an_erased_case_leaves_its_history_and_nothing_else(pair: Pair) -> None:
    case_id = closed(pair)
    before = events(pair, case_id)
    count = erase(pair.fr.store, case_id, who="records office", reason="asked for", now=pair.corners.now)
    assert count == 3
    assert events(pair, case_id)[:-1] == before, "no event was touched"
    assert check_store(pair.fr.store) == ()
    with pair.fr.store.read() as unit:
        rows = CaseRows(unit)
        documents = list(rows.documents(case_id))
        assert [row.body for row in documents] == [b"", b"", b""]
        assert all(len(row.sha256) == 64 for row in documents)
        head = rows.case(case_id)
        assert head is not None
        assert (head.state, head.national_number) == ("erased", None)
        for table in ("mail_out", "mail_in"):
            bodies = unit.execute(
                sa.text(
                    f"SELECT body, kind FROM {table}" if table == "mail_out" else f"SELECT body, 'user' FROM {table}"
                )
            )
            assert {bytes(body) for body, kind in bodies if kind == "user"} == {b""}
    assert pair.fr.find(pin="TEST-0001") == ()
    assert "FR-2026-17" not in everything(pair)
    assert timeline(pair.fr.store, case_id)[-1].detail == "erased"
    assert pair.fr.case(case_id).state is CaseState.CLOSED, "what had happened can still be told"
    with pytest.raises(UsageError, match="were erased"):
        pair.fr.document(case_id, documents[0].document_id, who="caseworker 7")


def test_attachments_go_with_their_document(pair: Pair) -> None:
    case_id = str(pair.fr.start("LA_BUC_01", [BE], version="4.4"))
    part = Attachment.of(b"%PDF-1.7 a secret scan", "scan.pdf")
    pair.fr.send(case_id, sandbox("A001"), attachments=[part])
    pair.run()
    with pair.fr.store.begin() as unit:
        assert KeepingRows(unit).erase_contents(case_id) == 1
        left = unit.execute(sa.text("SELECT count(*) FROM case_attachment")).scalar()
    assert left == 0


def events(pair: Pair, case_id: str) -> list[object]:
    with pair.fr.store.read() as unit:
        return list(CaseRows(unit).events(case_id))


def test_a_large_message_is_erased_with_its_pieces(pair: Pair) -> None:
    case_id = closed(pair)
    with pair.fr.store.begin() as unit:
        [sent, *_] = [row.message_id for row in MailRows(unit).outs("receipted") if row.conversation_id == case_id]
        for id in (sent, "another"):
            MailRows(unit).add_bulk("out", id, [b"a", b"bc"])
    erase(pair.fr.store, case_id, who="records office", reason="asked for", now=pair.corners.now)
    with pair.fr.store.read() as unit:
        assert MailRows(unit).bulk_length("out", sent) == 0
        assert MailRows(unit).bulk_length("out", "another") == 3


def test_nothing_happens_in_an_erased_case(pair: Pair) -> None:
    case_id = closed(pair)
    late = parcel_of(pair, case_id, 1)
    erase(pair.fr.store, case_id, who="w", reason="r", now=pair.corners.now)
    with pair.fr.store.begin() as unit:
        rows = CaseRows(unit)
        stored = load(rows, case_id)
        with pytest.raises(CaseErased):
            add_events(rows, stored, stored.case, pair.corners.now, None)
    with pytest.raises(NotAllowed, match="the case is erased"):
        erase(pair.fr.store, case_id, who="w", reason="r", now=pair.corners.now)
    assert take(pair, attrs.evolve(late, message_id="late@test")) is not None
    assert check_store(pair.fr.store) == ()


def test_a_late_message_of_an_erased_case_is_held_for_that_reason(pair: Pair) -> None:
    case_id = closed(pair)
    late = attrs.evolve(parcel_of(pair, case_id, 0), message_id="late@test")
    list(pair.be.receive())
    erase(pair.be.store, case_id, who="w", reason="r", now=pair.corners.now)
    assert str(take(pair, late)).startswith("NODE-ERASED: ")
    [row] = pair.be.held()
    assert (row.rule, row.case_id) == ("NODE-ERASED", case_id)
    assert not pair.be.retry("late@test")
    assert check_store(pair.be.store) == ()


def test_what_is_open_held_or_on_its_way_is_never_erased(pair: Pair) -> None:
    now = pair.corners.now
    with pytest.raises(UnknownCode):
        erase(pair.fr.store, "nothing", who="w", reason="r", now=now)
    open_case = started(pair)
    with pytest.raises(NotAllowed, match="the case is open"):
        erase(pair.fr.store, open_case, who="w", reason="r", now=now)
    before = everything(pair)
    steps, kept = plan(pair.fr.store, [ERASE], DAY)
    assert (steps, kept) == ((), ())
    assert everything(pair) == before


def test_a_hold_keeps_a_case_whatever_a_rule_says(pair: Pair) -> None:
    case_id = closed(pair)
    now = pair.corners.now
    hold(pair.fr.store, case_id, who="lawyer 1", reason="a dispute", now=now)
    hold(pair.fr.store, case_id, who="lawyer 2", reason="still a dispute", now=now)
    assert [row.who for row in holds(pair.fr.store)] == ["lawyer 2"]
    with pytest.raises(NotAllowed, match="under a hold"):
        erase(pair.fr.store, case_id, who="w", reason="r", now=now)
    steps, [kept] = plan(pair.fr.store, [ERASE], DAY)
    assert (steps, kept.case_id, kept.rule.id) == ((), case_id, "e")
    lift(pair.fr.store, case_id)
    with pytest.raises(UnknownCode):
        lift(pair.fr.store, case_id)
    [step], _ = plan(pair.fr.store, [ERASE], DAY)
    hold(pair.fr.store, case_id, who="lawyer 1", reason="again", now=now)
    [done] = execute(pair.fr.store, [step], who="w", now=now)
    assert (done.outcome, "under a hold" in str(done.why)) == ("kept", True), "a hold set after the plan counts"


def test_a_message_on_its_way_keeps_a_case(pair: Pair) -> None:
    case_id = closed(pair)
    with pair.fr.store.begin() as unit:
        unit.execute(sa.text("UPDATE mail_out SET state = 'taken' WHERE kind = 'user'"))
        assert KeepingRows(unit).is_on_the_way(case_id)
    with pytest.raises(NotAllowed, match="waits to be sent"):
        erase(pair.fr.store, case_id, who="w", reason="r", now=pair.corners.now)


def test_a_plan_says_which_and_why_and_changes_nothing(pair: Pair) -> None:
    case_id = closed(pair)
    day = pair.corners.now.date()
    archive = ERASE.model_copy(update={"id": "a", "action": "archive", "days": 30})
    before = everything(pair)
    assert plan(pair.fr.store, [ERASE, archive], day) == ((), ())
    [step], _ = plan(pair.fr.store, [ERASE, archive], day + dt.timedelta(days=30))
    assert (step.case_id, step.action, step.rule.id, step.due) == (case_id, "archive", "a", day + dt.timedelta(days=30))
    assert everything(pair) == before
    [done] = execute(pair.fr.store, [step], who="w", now=pair.corners.now)
    assert (done.outcome, pair.fr.case(case_id).state) == ("archived", CaseState.ARCHIVED)
    [again] = execute(pair.fr.store, [step], who="w", now=pair.corners.now)
    assert (again.outcome, "moved on" in str(again.why)) == ("kept", True)
    [step], _ = plan(pair.fr.store, [ERASE, archive], DAY)
    assert step.action == "erase", "an archived case is erased in its time"
    [done] = execute(pair.fr.store, [step], who="w", now=pair.corners.now)
    assert (done.outcome, check_store(pair.fr.store)) == ("erased", ())


def test_the_longest_period_counts_and_keep_wins(pair: Pair) -> None:
    closed(pair)
    longer = ERASE.model_copy(update={"id": "longer", "days": 20_000})
    assert plan(pair.fr.store, [ERASE, longer], DAY) == ((), ())
    keep = RetentionRule(id="k", action="keep", bucs=("LA_BUC_01",), kind="law", source="Act 1", reason="for ever")
    steps, [kept] = plan(pair.fr.store, [ERASE, keep], DAY)
    assert (steps, kept.why) == ((), "rule k keeps it: for ever")
    foreign = ERASE.model_copy(update={"country": "NO"})
    off = ERASE.model_copy(update={"off": True})
    assert plan(pair.fr.store, [foreign, off], DAY) == ((), ())


def test_what_ships_erases_nothing_and_claims_no_law() -> None:
    rules = load_rules()
    assert rules
    for rule in rules:
        assert (rule.action != "erase", rule.kind, rule.country is not None) == (True, "practice", True), rule.id
        for pattern in rule.bucs:
            assert buc(pattern)


def test_a_file_of_the_user_overrides_row_by_row(tmp_path: Path) -> None:
    file = tmp_path / "national.toml"
    shipped = load_rules()[0]
    text = f'format = 1\n[[rule]]\nid = "{shipped.id}"\naction = "archive"\nbucs = ["*"]\ndays = 10\nkind = "law"\nsource = "Act"\nreason = "r"\n'
    file.write_text(text)
    assert [rule.days for rule in load_rules(file)] == [10]
    assert load_rules(shipped=False) == ()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("format = 2", "format = 1"),
        ("format = 1\n[rules]", "only rows"),
        ("format = 1\nrule = 3", "only rows"),
        ("format = ", "not TOML"),
        ('format = 1\n[[rule]]\nid = "x"', "rule.1.bucs"),
        ('format = 1\n[[rule]]\nid="x"\naction="erase"\nbucs=["*"]\nkind="own"\nsource="s"\nreason="r"', "days"),
        ('format = 1\n[[rule]]\nid="x"\naction="keep"\ndays=3\nbucs=["*"]\nkind="own"\nsource="s"\nreason="r"', "days"),
        ('format = 1\n[[rule]]\nid="x"\naction="burn"\nbucs=["*"]\nkind="own"\nsource="s"\nreason="r"', "rule.1.action"),
        ('format = 1\n[[rule]]\nid="x"\naction="keep"\nbucs=["*"]\nkind="own"\nsource="s"\nreason="r"\n' * 1
         + '[[rule]]\nid="x"\naction="keep"\nbucs=["*"]\nkind="own"\nsource="s"\nreason="r"', "stands twice"),
    ],
)  # fmt: skip
def test_a_broken_rule_file_is_one_clear_line(tmp_path: Path, text: str, says: str) -> None:
    file = tmp_path / "national.toml"
    file.write_text(text)
    with pytest.raises(DefinitionError, match=says) as caught:
        load_rules(file)
    assert "national.toml" in str(caught.value)
    assert "\n" not in str(caught.value)
    with pytest.raises(InputError):
        load_rules(tmp_path / "absent.toml")
