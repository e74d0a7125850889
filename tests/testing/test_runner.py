"""A scenario is played by the public functions only, passes when all is as it says, and fails when anything is not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from eessi.errors import DefinitionError
from eessi.ids import CdmVersion
from eessi.testing import Run, Scenario, load_scenarios, run
from eessi.testing.coverage import joined
from tests.testing.conftest import HEAD, sends

Play = Callable[..., Run]

ASK = sends("FR sends A001 to BE")
ACCEPT = sends("BE replies to A001 of FR with A011")
CLOSE = sends("FR sends X001 to BE")


def test_the_shipped_scenarios_pass(root: Path) -> None:
    paths = sorted((root / "examples" / "scenarios").rglob("*.buc.yaml"))
    assert len(paths) >= 2
    for path in paths:
        for scenario in load_scenarios(path):
            played = run(scenario)
            assert played.passed, [(step.text, step.failures) for step in played.failures]


def test_the_demo_proves_one_document_and_refuses_a_damaged_one(root: Path) -> None:
    played = run(Scenario.load(root / "examples" / "scenarios" / "s_buc_01.buc.yaml"))
    damaged, proved, answer = played.exchanges
    assert damaged.ending == "refused"
    assert damaged.after == {}
    assert damaged.before is not None
    assert {finding.path for finding in damaged.before.findings} == {
        "S071/Person/PersonIdentification/dateBirth",
        "S071/Person/PersonIdentification/sex",
    }
    assert proved.before is not None
    assert (proved.before.verdict, proved.before.fidelity, proved.after["BE"].verdict) == ("valid", "exact", "valid")
    assert answer.after["FR"].verdict == "undetermined"
    assert answer.document.namespace.startswith("urn:eessi-toolkit:sandbox:1.0")
    assert any("S072" in line and "sandbox" in line for line in played.not_checked)


def test_both_cases_advance_by_their_own_roles(play: Play) -> None:
    played = play(ASK, ACCEPT, CLOSE)
    assert played.passed
    france, belgium = played.parties
    assert (france.state, belgium.state) == ("closed", "closed")
    assert france.history == ("sent A001", "received A011", "sent X001")
    assert belgium.history == ("received A001", "sent A011", "received X001")
    assert france.case_id == belgium.case_id
    assert played.steps[-1].states == {"FR": "closed", "BE": "closed"}


def test_a_run_is_the_same_every_time_and_another_seed_gives_other_ids(scenario: Callable[..., Scenario]) -> None:
    made = scenario(ASK, ACCEPT)
    assert run(made) == run(made)
    other = run(made, seed=2)
    assert other != run(made)
    assert other.parties[0].case_id != run(made).parties[0].case_id


@pytest.mark.parametrize(
    ("steps", "failure"),
    [
        (["BE may send A002"], "BE may not send A002"),
        (["FR may not send A001"], "FR may send A001"),
        (["BE may not send A002 because it rains"], "expected because 'it rains'"),
        ([ASK, "FR is closed"], "expected closed, the case of FR is open"),
        ([ASK, "BE has no A001"], "BE has A001 in its case"),
        ([ASK, "BE has A011"], "BE has no A011 in its case"),
        ([ASK, "BE has A001:\n    content: {Person/PersonIdentification/forename: Eve}"], "A001: Person/PersonIdentification/forename is not as expected"),
        ([ASK, "BE has A001:\n    content: {Person/PersonIdentification/sex: }"], "Person/PersonIdentification/sex is not as expected"),
        ([ASK, "BE has A001:\n    header: {type: A011}"], "header type: expected A011, it is A001"),
        ([ASK, "expect refused"], "expected refused, it was delivered"),
        ([ASK, "expect valid"], "expected the check to say valid, it says undetermined"),
        ([sends("BE sends A001 to FR")], "expected delivered, it was refused: A001 is sent by the CaseOwner"),
        ([sends("BE sends A001 to FR"), "expect refused because SCH-MISSING"], "expected because 'SCH-MISSING'"),
        ([ASK, "BE is open:\n    moves: [A002]"], "expected the moves ['A002'], the process allows ["),
        (["BE closes the case"], "expected nothing"),
        ([sends("FR sends A001 to BE", "expect: {findings: [SCH-MISSING]}")], "expected the finding SCH-MISSING; found: none"),
    ],
)  # fmt: skip
def test_what_is_not_as_expected_fails_with_a_sentence(play: Play, steps: list[str], failure: str) -> None:
    played = play(*steps)
    assert not played.passed
    found = [text for step in played.failures for text in step.failures]
    if failure == "expected nothing":
        assert found
    else:
        assert any(failure in text for text in found), found


def test_reasons_may_be_rules_or_words(play: Play) -> None:
    played = play(
        "BE may not send A011 because BUC-NOT-YET",
        "BE may not send A011 because possible once A001",
        ASK,
        ACCEPT,
        "BE may not send A002 because excludes",
    )
    assert played.passed, played.failures


def test_an_own_process_violation_is_refused_and_changes_nothing(play: Play) -> None:
    played = play(ASK, sends("FR sends A011 to BE"), "expect refused because Counterparty")
    assert played.passed, played.failures
    assert [party.history for party in played.parties] == [("sent A001",), ("received A001",)]


def test_an_unchecked_damaged_document_is_rejected_by_the_receiver(root: Path, tmp_path: Path) -> None:
    text = (root / "examples" / "scenarios" / "data" / "s071.yaml").read_text(encoding="utf-8")
    (tmp_path / "s071.yaml").write_text(text, encoding="utf-8")
    head = HEAD.replace("LA_BUC_01", "S_BUC_01").replace("version: 4.3", "version: 4.4")
    steps = (
        "  - FR sends S071 to BE with s071.yaml:\n"
        "      change: {Person/PersonIdentification/sex: }\n"
        "      unchecked: true\n"
        "  - expect rejected because SCH-MISSING\n"
        "  - BE has no S071\n"
    )
    path = tmp_path / "case.buc.yaml"
    path.write_text(head + steps, encoding="utf-8")
    played = run(Scenario.load(path))
    assert played.passed, played.failures
    (exchange,) = played.exchanges
    assert exchange.ending == "rejected"
    assert played.parties[1].history == ()


def test_values_are_masked_unless_asked_for(scenario: Callable[..., Scenario]) -> None:
    made = scenario(ASK)
    hidden, shown = run(made), run(made, show_values=True)
    assert "Testperson" not in hidden.model_dump_json()
    assert "Testperson" in shown.model_dump_json()
    (document,) = [exchange.document for exchange in hidden.exchanges]
    values = {value.path: value.value for value in document.values}
    assert values["Person/PersonIdentification/familyName"] == "text of 10 characters"
    assert values["Person/PersonIdentification/dateBirth"] == "a date"
    assert values["Person/PersonIdentification/sex"] == "02"


def test_codes_are_shown_with_their_text(root: Path) -> None:
    played = run(Scenario.load(root / "examples" / "scenarios" / "s_buc_01.buc.yaml"))
    _, proved, _ = played.exchanges
    labels = {value.path: value.label for value in proved.document.values if value.label}
    assert labels["Person/PersonIdentification/sex"] == "Female"
    assert labels["StatusPerson/status"] == "Pensioner"


def test_updates_attachments_and_the_clock(play: Play) -> None:
    played = play(
        sends("FR sends A001 to BE", "attachments: [{name: proof.pdf, size: 2000}]"),
        "after 3 days",
        sends("FR updates A001"),
        "BE has A001:\n    header: {document_version: 2, action: Update}",
    )
    assert played.passed, played.failures
    first, second = played.exchanges
    assert first.attachments == ("proof.pdf",)
    assert second.action == "Update"
    assert (played.ended - played.started).days == 3


def test_a_document_may_be_generated(play: Play) -> None:
    played = play("FR sends A001 to BE")
    assert played.passed, played.failures
    assert next(iter(played.exchanges)).document.values


@pytest.mark.parametrize(
    ("steps", "says"),
    [
        (["FR updates A001"], "FR has sent no document called 'A001'"),
        (["FR sends Q1 to BE"], "unknown SED code 'Q1'"),
        (["FR sends A001 to BE:\n    package: nowhere:1.0"], "no package nowhere:1.0"),
        (["FR sends A001 to BE:\n    data: {Nonsense: 1}"], "Nonsense"),
        ([sends("FR sends A001 to BE", "change: {Nothing/here: }")], "nothing at Nothing/here that could be removed"),
    ],
)
def test_a_scenario_that_asks_for_what_is_not_there_is_broken(play: Play, steps: list[str], says: str) -> None:
    with pytest.raises(DefinitionError) as caught:
        play(*steps)
    assert says in str(caught.value)
    assert "case.buc.yaml:" in str(caught.value)


def test_a_country_without_an_institution_is_broken(play: Play) -> None:
    with pytest.raises(DefinitionError, match="no institution in XX that may be Counterparty in LA_BUC_01"):
        play(ASK, head=HEAD.replace("country: BE", "country: XX"))


def test_coverage_counts_what_was_walked(play: Play) -> None:
    played = play(ASK, ACCEPT)
    assert played.coverage.covered == (
        "LA_BUC_01 4.3 CaseOwner receives A011",
        "LA_BUC_01 4.3 CaseOwner sends A001",
        "LA_BUC_01 4.3 Counterparty receives A001",
        "LA_BUC_01 4.3 Counterparty sends A011",
    )
    assert played.coverage.total == 135


def test_what_is_expected_of_content_is_told_without_the_value(play: Play) -> None:
    there = "BE has A001:\n    content: {Person: '*', Person/PersonIdentification/familyName: '*'}"
    wrong = "BE has A001:\n    content: {Person: Eve, Person/PersonIdentification/forename: Eve, Decision: '*'}"
    absent = "BE has A001:\n    content: {Person/PersonIdentification/forename: }"
    played = play(ASK, there, wrong, absent)
    assert played.steps[1].passed, played.steps[1].failures
    assert played.steps[2].failures == (
        "A001: Person is not as expected: expected another value, it is there, and a group: name a value in it",
        "A001: Person/PersonIdentification/forename is not as expected: expected another value, it is text of 3 characters",
        "A001: Decision is not as expected: expected any value, it is absent",
    )
    assert "expected nothing, it is text of 3 characters" in played.steps[3].failures[0]


def test_a_new_version_is_a_step_of_its_own(play: Play) -> None:
    assert "LA_BUC_01 4.3 CaseOwner updates A001" in play(ASK, "FR updates A001").coverage.covered


def test_a_document_that_never_left_has_no_next_version_and_the_run_goes_on(play: Play) -> None:
    played = play(ASK, sends("FR sends A011 to BE"), "FR updates A011", "FR has A001")
    assert [step.passed for step in played.steps] == [True, False, False, True]
    assert played.steps[2].failures == ("FR has sent no document called 'A011'",)
    with pytest.raises(DefinitionError, match="no document called 'A002'"):
        play(ASK, "FR updates A002")


def test_coverage_is_counted_by_version_and_role(play: Play) -> None:
    played = joined([play(ASK, ACCEPT), play(ASK, head=HEAD.replace("version: 4.3", "version: 4.1"))])
    assert [(row.version, row.role, row.covered) for row in played.roles] == [
        ("4.1", "CaseOwner", 1),
        ("4.1", "Counterparty", 1),
        ("4.2", "CaseOwner", 0),
        ("4.2", "Counterparty", 0),
        ("4.3", "CaseOwner", 2),
        ("4.3", "Counterparty", 2),
    ]
    assert (played.covered, played.total) == (6, sum(row.total for row in played.roles))
    assert "sends A002" in played.roles[-1].missing
    assert "sends A011" not in played.roles[-1].missing
    one = joined([play(ASK)], [CdmVersion(4, 3)])
    assert {row.version for row in one.roles} == {"4.3"}


def test_several_counterparties(play: Play) -> None:
    head = HEAD.replace("steps:", "  DE: {role: Counterparty, country: DE, institution: 'DE:TEST01'}\nsteps:")
    played = play(sends("FR sends A001 to BE and DE"), ACCEPT, "DE is open", "DE has no A011", head=head)
    assert played.passed, played.failures
    assert next(iter(played.exchanges)).receivers == ("BE", "DE")
