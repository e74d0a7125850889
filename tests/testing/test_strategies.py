"""Generated documents are what their label says, and shrink to the smallest one."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import find as find_smallest

from eessi.errors import UsageError
from eessi.findings import Outcome
from eessi.schemas import Registry
from eessi.sed import Message, Sed, parse, validate
from eessi.testing import strategies as eessi_st

REGISTRY = Registry.default()
FEW = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much]
)


@FEW
@given(eessi_st.sed("S071", "4.4"))
def test_a_generated_document_is_valid(sed: Sed) -> None:
    assert validate(sed, REGISTRY).outcome is Outcome.VALID


@FEW
@given(eessi_st.sed("A011", "1.0"))
def test_sandbox_documents_too_but_they_prove_nothing(sed: Sed) -> None:
    verdict = validate(sed, REGISTRY)
    assert verdict.outcome is Outcome.UNDETERMINED
    assert not verdict.findings


@FEW
@given(eessi_st.invalid_sed())
def test_a_near_miss_has_exactly_its_defect(made: eessi_st.InvalidSed) -> None:
    verdict = validate(made.data, REGISTRY)
    assert verdict.outcome is Outcome.INVALID
    assert {made.rule, f"{made.rule}-LAST"} & {finding.id for finding in verdict.findings}  # last of its group, or not
    assert validate(made.original, REGISTRY).outcome is Outcome.VALID


@pytest.mark.parametrize("rule", ["SCH-MISSING-LAST", "SCH-CODE"])
def test_a_near_miss_of_one_rule(rule: str) -> None:
    assert rule in eessi_st.rules_broken()

    @settings(FEW, max_examples=8, phases=[Phase.generate])
    @given(eessi_st.invalid_sed(rule=rule))
    def check(made: eessi_st.InvalidSed) -> None:
        assert made.rule == rule
        assert rule in {finding.id for finding in validate(made.data, REGISTRY).findings}

    check()


@FEW
@given(eessi_st.message())
def test_a_message_reads_back(message: Message) -> None:
    again = parse(message.data)
    assert isinstance(again, Message)
    assert again.header == parse(again.data).header  # type: ignore[union-attr]  # a message again
    assert again.sed.same_content(message.sed)
    assert validate(message, REGISTRY).outcome is Outcome.VALID


@FEW
@given(eessi_st.case_history("LA_BUC_01"))
def test_a_history_replays_and_both_sides_agree_on_the_state(history: eessi_st.History) -> None:
    assert history.owner.begin().replay(history.events) == history.owner
    assert len(history.events) == len(history.counterparty.history)
    assert (history.owner.state == "closed") == (history.counterparty.state == "closed")


def test_a_document_shrinks_to_what_is_required() -> None:
    smallest = find_smallest(
        eessi_st.sed("S071", "4.4"), lambda sed: "Person" in sed, settings=settings(FEW, max_examples=200)
    )
    minimal = len(list(smallest.items()))
    assert minimal <= 12


def test_a_history_shrinks_to_the_steps_that_matter() -> None:
    history = find_smallest(
        eessi_st.case_history("LA_BUC_01"),
        lambda found: any(document.sed == "A011" for document in found.owner.documents.values()),
        settings=settings(FEW, max_examples=2000),
    )
    assert history.steps == ("FR sends A001 to BE", "BE sends A011 to FR in reply to A001")


def test_what_cannot_be_made_is_refused() -> None:
    with pytest.raises(UsageError, match=r"no package knows the structure of P2000 4\.4"):
        eessi_st.sed("P2000", "4.4")
    with pytest.raises(UsageError, match=r"no defect of S071 4\.4 deserves NO-SUCH"):
        eessi_st.invalid_sed(rule="NO-SUCH")
