"""Each fault does what its name says, and the other side notices it by the rule that is meant to catch it."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from eessi.errors import DefinitionError, UsageError
from eessi.testing import Run, load_scenarios, run
from eessi.testing.faults import ENDINGS, Fault, FaultKind, Habit, read_fault
from tests.testing.conftest import HEAD, sends

Play = Callable[..., Run]

ASK = sends("FR sends A001 to BE")
SILENT = HEAD.replace("country: BE}", "country: BE, habit: silent}")


def spoiled(kind: FaultKind) -> str:
    return sends("FR sends A001 to BE", f"fault: {kind.value}")


@pytest.mark.parametrize(
    ("kind", "because"),
    [
        (FaultKind.UNREADABLE, "DOC-UNREADABLE"),
        (FaultKind.NO_ENVELOPE, "without an envelope"),
        (FaultKind.WRONG_VERSION, "RUN-VERSION"),
        (FaultKind.WRONG_SENDER, "RUN-SENDER"),
        (FaultKind.WRONG_RECEIVER, "RUN-RECEIVER"),
    ],
)
def test_a_spoiled_message_is_not_taken_and_the_rule_is_named(play: Play, kind: FaultKind, because: str) -> None:
    played = play(spoiled(kind), f"expect rejected because {because}", "BE has no A001")
    assert played.passed, played.failures
    assert played.parties[1].history == ()


def test_a_signature_is_verified_on_arrival(play: Play) -> None:
    good = play(sends("FR sends A001 to BE", "sign: true"), "BE has A001")
    assert good.passed, good.failures
    assert not any(line.startswith("Signature") for line in good.not_checked)
    bad = play(
        sends("FR sends A001 to BE", "sign: true", "fault: wrong signature"), "expect rejected because RUN-SIGNATURE"
    )
    assert bad.passed, bad.failures


def test_only_a_signed_document_has_a_wrong_signature(play: Play) -> None:
    played = play(sends("FR sends A001 to BE", "fault: wrong signature"))
    assert "add sign: true" in played.failures[0].failures[0]


def test_a_message_of_another_case_is_not_taken(play: Play) -> None:
    other = sends("FR sends A005 to BE", "fault: wrong case")
    played = play(ASK, other, "expect rejected because RUN-CASE")
    assert played.passed, played.failures


def test_a_duplicate_counts_once(play: Play) -> None:
    played = play(spoiled(FaultKind.DUPLICATE), "BE has A001", "after 1 day")
    assert played.passed, played.failures
    assert played.parties[1].history == ("received A001",)
    assert "arrives a second time at BE, which does not count it twice" in "".join(
        played.steps[0].notes + played.steps[2].notes
    )


def test_a_lost_message_never_comes(play: Play) -> None:
    played = play(spoiled(FaultKind.LOST), "after 2 years", "BE has no A001", "FR has A001")
    assert played.passed, played.failures


def test_a_late_message_comes_when_its_time_has_come(play: Play) -> None:
    late = sends("FR sends A001 to BE", "fault: late by 3 days")
    played = play(late, "after 2 days", "BE has no A001", "after 1 day", "BE has A001")
    assert played.passed, played.failures
    assert played.steps[3].notes == ("An earlier A001 arrives only now at BE.",)


def test_a_message_overtaken_by_the_next_is_refused_as_the_process_says(play: Play) -> None:
    update = sends("FR updates A001")
    played = play(sends("FR sends A001 to BE", "fault: out of order"), update, "expect rejected because update")
    exchange = list(played.exchanges)[1]
    assert exchange.ending in ("rejected", "delivered")
    assert "An earlier A001 arrives only now at BE" in "".join(note for step in played.steps for note in step.notes)


def test_a_faulty_system_that_breaks_the_process_is_answered(play: Play) -> None:
    wrong = sends("BE sends A011 to FR", "unchecked: true")
    played = play(ASK, sends("BE replies to A001 of FR with A002"), wrong, "expect rejected because excludes")
    assert played.passed, played.failures
    assert played.parties[0].history == ("sent A001", "received A002")
    assert list(played.exchanges)[-1].answers == {"FR": "X050"}


def test_an_institution_that_leaves_the_directory_cannot_be_addressed(play: Play) -> None:
    played = play(
        ASK, "BE leaves the directory", sends("FR sends A005 to BE"), "expect refused because not in force"
    )  # fmt: skip
    assert played.passed, played.failures


@pytest.mark.parametrize(
    ("habit", "sed"),
    [
        (Habit.ANSWERS, ("A011", "A002")),
        (Habit.ASKS_BACK, ("X012",)),
        (Habit.BUSINESS_EXCEPTION, ("X050",)),
    ],
)
def test_a_simulated_counterparty_reacts_by_itself(play: Play, habit: Habit, sed: tuple[str, ...]) -> None:
    head = HEAD.replace("country: BE}", f"country: BE, habit: {habit.value}}}")
    played = play(ASK, head=head)
    assert played.passed, played.failures
    reaction = played.steps[1]
    assert reaction.exchange is not None
    assert reaction.exchange.document.sed in sed
    assert reaction.exchange.sender == "BE"
    assert played.parties[0].history == ("sent A001", f"received {reaction.exchange.document.sed}")


def test_a_silent_counterparty_takes_nothing_in(play: Play) -> None:
    played = play(ASK, "expect undetermined", head=SILENT)
    assert not played.passed
    assert played.steps[0].failures == ("expected delivered, it was lost: it has not arrived at BE",)


def test_many_documents_in_one_night(play: Play) -> None:
    played = play(ASK, sends("FR sends A005 to BE", "times: 50"), "BE has A005-50")
    assert played.passed, played.failures
    assert played.parties[1].history.count("received A005") == 50


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("late", Fault(FaultKind.LATE, dt.timedelta(days=1))),
        ("late by 2 weeks", Fault(FaultKind.LATE, dt.timedelta(weeks=2))),
        ("Wrong_Sender", Fault(FaultKind.WRONG_SENDER)),
    ],
)
def test_faults_are_read_by_name(text: str, fault: Fault) -> None:
    assert read_fault(text) == fault


@pytest.mark.parametrize(
    ("text", "says"),
    [("lates", "did you mean late?"), ("lost by 3 days", "only 'late' takes a span"), ("xyz", "known: lost, late")],
)
def test_an_unknown_fault_is_refused(text: str, says: str) -> None:
    with pytest.raises(UsageError, match=says.replace("?", r"\?")):
        read_fault(text)


def test_an_unknown_fault_in_a_file_names_its_line(play: Play) -> None:
    with pytest.raises(DefinitionError, match=r":1\d: steps.*fault: no fault is called 'slow'"):
        play(sends("FR sends A001 to BE", "fault: slow"))


def test_a_silent_counterparty_stays_silent_when_time_passes(play: Play) -> None:
    played = play(sends("FR sends A001 to BE", "expect: {ending: lost}"), "after 3 months", "BE is new", head=SILENT)
    assert played.passed, played.failures


def test_one_that_forwards_names_another_institution(play: Play) -> None:
    played = play(
        ASK, "FR has X007", "BE is forwarded", head=HEAD.replace("country: BE}", "country: BE, habit: forwards}")
    )
    assert played.passed, played.failures


# ---- one scenario for each thing that goes wrong ---------------------------------------------------------------------

FAULTS = Path(__file__).parents[2] / "examples" / "faults"
NAMED = {
    "late", "silent", "duplicate", "out of order", "wrong version", "refuses (X011)", "asks back (X012)",
    "business exception (X050)", "forwards (X007)", "disappears from the directory in the middle of a case",
    "a thousand clean-up X-SEDs in one night", "unreadable", "wrong signature", "wrong sender",
}  # fmt: skip
"""What a simulated counterparty must be able to do."""

ROW = re.compile(r"^\| (?P<name>[^|]+) \| `(?P<written>[^`]+)` \| [^|]+ \| `(?P<file>[a-z-]+)` \|$", re.MULTILINE)


def played_from(file: Path, transport: str, count: int) -> Run:
    text = file.read_text(encoding="utf-8").replace("count: 1000", f"count: {count}")
    (scenario,) = load_scenarios(file, text)
    return run(scenario, transport=transport)


def test_the_table_the_scenarios_and_the_demand_name_the_same_faults() -> None:
    table = (FAULTS.parents[1] / "docs" / "howto" / "testing-faults.md").read_text(encoding="utf-8")
    rows = [found.groupdict() for found in ROW.finditer(table)]
    assert {row["name"] for row in rows} == NAMED
    assert {row["file"] for row in rows} == {file.name.removesuffix(".buc.yaml") for file in FAULTS.iterdir()}
    assert len(rows) == len(NAMED) == len(list(FAULTS.iterdir()))
    for row in rows:
        text = (FAULTS / f"{row['file']}.buc.yaml").read_text(encoding="utf-8")
        assert row["written"] in text, row


@pytest.mark.parametrize("transport", ["memory", "as4"])
@pytest.mark.parametrize("file", sorted(FAULTS.iterdir()), ids=lambda file: file.name.partition(".")[0])
def test_each_fault_has_the_reaction_that_is_expected(file: Path, transport: str) -> None:
    played = played_from(file, transport, 20 if transport == "memory" else 3)
    assert played.passed, [(step.text, step.failures) for step in played.failures]
    assert len(played.steps) >= 2


@pytest.mark.long
def test_a_thousand_in_one_night() -> None:
    played = played_from(FAULTS / "clean-up.buc.yaml", "memory", 1000)
    assert played.passed, played.failures
    assert played.parties[0].history.count("received X008") == 1000
    assert played.parties[1].history.count("sent X008") == 1000


def test_every_fault_has_an_ending_that_is_tried_above() -> None:
    rejected = {kind for kind in FaultKind if kind not in ENDINGS}
    assert rejected == {
        FaultKind.UNREADABLE, FaultKind.NO_ENVELOPE, FaultKind.WRONG_VERSION, FaultKind.WRONG_SENDER,
        FaultKind.WRONG_RECEIVER, FaultKind.WRONG_CASE, FaultKind.WRONG_SIGNATURE,
    }  # fmt: skip
