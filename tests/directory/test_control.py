"""Changes under control: two people, a log that forgets no refusal, notice, keying sheet, arrival."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import attrs
import pytest

from eessi.directory import Competence, Directory, Institution, Relation, Translation
from eessi.directory.change import Change, kinds
from eessi.directory.control import (
    KEYING_COLUMNS,
    ArrivalState,
    ChangeControl,
    ProposalState,
    effective_day,
    notice,
    one_month_after,
)
from eessi.directory.difference import Content
from eessi.directory.rights import Policy, Right
from eessi.directory.store import DirectoryStore
from eessi.directory.syn001_writer import syn001_bytes
from eessi.errors import DefinitionError, NotAllowed, UnknownCode, UsageError
from eessi.ids import BucId, InstitutionId, Period, Role

TODAY = dt.date(2026, 3, 10)


@pytest.fixture
def store() -> Iterator[DirectoryStore]:
    with DirectoryStore.open("memory:", now=lambda: dt.datetime.combine(TODAY, dt.time(9), dt.UTC)) as store:
        store.load(syn001_bytes(Directory.synthetic()))
        yield store


Edit = Callable[[Institution], Institution]


def edited(directory: Directory, id: str, edit: Edit) -> Content:
    key = InstitutionId(id)
    institutions = {**directory.institutions, key: edit(directory.institutions[key])}
    return attrs.evolve(directory.content, institutions=institutions)


def ended(day: dt.date) -> Edit:
    return lambda each: attrs.evolve(each, period=Period(each.period.start, day))


def renamed(text: str) -> Edit:
    return lambda each: attrs.evolve(
        each, names=tuple(Translation(n.language, text) if n.language == "en" else n for n in each.names)
    )


def log(store: DirectoryStore) -> list[tuple[str, str, int | None]]:
    return [(event.action, event.who, event.proposal) for event in store.events()[1:]]


def test_proposed_by_one_and_approved_by_another(store: DirectoryStore) -> None:
    control = ChangeControl(store)
    proposal = control.propose(edited(store.directory(), "FR:SYNTH002", renamed("New Fund")), by="ann", reason="merger")
    assert proposal.state is ProposalState.PROPOSED
    assert [change.as_words() for change in proposal.changes] == [
        {
            "kind": "name_changed",
            "id": "FR:SYNTH002",
            "language": "en",
            "old": "Synthetic French Sickness Fund",
            "new": "New Fund",
        }
    ]
    approved = control.approve(proposal.no, by="bob")
    assert (approved.state, approved.decided_by) == (ProposalState.APPROVED, "bob")
    assert log(store) == [("proposed", "ann", 1), ("approved", "bob", 1)]


def test_the_log_holds_user_time_old_and_new_value(store: DirectoryStore) -> None:
    ChangeControl(store).propose(edited(store.directory(), "FR:SYNTH002", renamed("New Fund")), by="ann")
    event = store.events()[-1]
    (change,) = json.loads(event.body)["changes"]
    assert (event.who, event.at[:10]) == ("ann", TODAY.isoformat())
    assert (change["old"], change["new"]) == ("Synthetic French Sickness Fund", "New Fund")


def test_the_copy_in_force_is_not_touched(store: DirectoryStore) -> None:
    before = store.directory()
    control = ChangeControl(store)
    control.propose(edited(before, "FR:SYNTH002", renamed("New Fund")), by="ann")
    control.approve(1, by="bob")
    assert store.directory() == before


def test_nobody_approves_what_he_proposed(store: DirectoryStore) -> None:
    control = ChangeControl(store)
    control.propose(edited(store.directory(), "FR:SYNTH002", renamed("New Fund")), by="ann")
    with pytest.raises(NotAllowed) as caught:
        control.approve(1, by="ann")
    assert caught.value.rule == "four-eyes"
    assert control.get(1).state is ProposalState.PROPOSED
    assert log(store)[-1] == ("approval-refused", "ann", 1)
    assert control.reject(1, by="ann").state is ProposalState.REJECTED


@pytest.mark.parametrize("action", ["approve", "reject"])
def test_what_is_decided_stays_decided(store: DirectoryStore, action: str) -> None:
    control = ChangeControl(store)
    control.propose(edited(store.directory(), "FR:SYNTH002", renamed("New Fund")), by="ann")
    control.approve(1, by="bob")
    with pytest.raises(NotAllowed) as caught:
        getattr(control, action)(1, by="cid")
    assert caught.value.rule == "decided"
    assert log(store)[-1][0].endswith("-refused")
    assert control.get(1).state is ProposalState.APPROVED


def test_only_those_named_may_propose_and_approve(store: DirectoryStore) -> None:
    control = ChangeControl(store, Policy({Right.PROPOSE: frozenset({"ann"}), Right.APPROVE: frozenset({"bob"})}))
    content = edited(store.directory(), "FR:SYNTH002", renamed("New Fund"))
    with pytest.raises(NotAllowed, match="eve may not propose"):
        control.propose(content, by="eve")
    control.propose(content, by="ann")
    with pytest.raises(NotAllowed, match="eve may not decide"):
        control.approve(1, by="eve")
    assert [event.action for event in store.events()[1:]] == ["proposal-refused", "proposed", "approval-refused"]


def test_another_country_is_left_alone(store: DirectoryStore) -> None:
    control = ChangeControl(store, Policy(country="FR"))
    with pytest.raises(NotAllowed) as caught:
        control.propose(edited(store.directory(), "BE:SYNTH002", renamed("Mine now")), by="ann")
    assert caught.value.rule == "other-country"
    assert log(store) == [("proposal-refused", "ann", None)]
    assert control.propose(edited(store.directory(), "FR:SYNTH002", renamed("New Fund")), by="ann").no == 1


def test_a_proposal_without_change_is_none(store: DirectoryStore) -> None:
    control = ChangeControl(store)
    with pytest.raises(UsageError, match="nothing would change"):
        control.propose(store.directory().content, by="ann")
    with pytest.raises(UnknownCode):
        control.get(1)


def test_a_policy_is_read_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "directory.toml"
    text = 'country = "FR"\nidentity = ["operating-system"]\n[rights]\napprove = ["bob"]\n'
    file.write_text(text, encoding="utf-8")
    wanted = Policy({Right.APPROVE: frozenset({"bob"})}, "FR", frozenset({"operating-system"}))
    assert Policy.load(file) == wanted
    for broken in ("[rights]\napprove = 1", "who = 'bob'", "[rights]\nrule = ['bob']", "identity = ['guess']", "x ="):
        file.write_text(broken, encoding="utf-8")
        with pytest.raises(DefinitionError):
            Policy.load(file)


# --- notice ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("day", "later"),
    [
        ("2026-01-31", "2026-02-28"),
        ("2024-01-31", "2024-02-29"),
        ("2026-12-15", "2027-01-15"),
        ("2026-03-10", "2026-04-10"),
    ],
)
def test_one_calendar_month(day: str, later: str) -> None:
    assert one_month_after(dt.date.fromisoformat(day)) == dt.date.fromisoformat(later)


@pytest.mark.parametrize(
    ("end", "warned"), [("2026-04-09", True), ("2026-04-10", False), ("2026-03-10", True), ("2027-01-01", False)]
)
def test_a_substantial_change_needs_a_month_of_notice(store: DirectoryStore, end: str, warned: bool) -> None:
    control = ChangeControl(store)
    day = dt.date.fromisoformat(end)
    proposal = control.propose(edited(store.directory(), "FR:SYNTH002", ended(day)), by="ann")
    findings = control.notice(proposal)
    assert [finding.id for finding in findings] == (["DIR-NOTICE"] if warned else [])
    if warned:
        assert findings[0].expected == ("2026-04-10",)
        assert findings[0].got == f"{(day - TODAY).days} day{'' if (day - TODAY).days == 1 else 's'}"


def test_a_new_name_needs_no_notice(store: DirectoryStore) -> None:
    control = ChangeControl(store)
    proposal = control.propose(edited(store.directory(), "FR:SYNTH002", renamed("New Fund")), by="ann")
    assert control.notice(proposal) == ()


def test_what_takes_effect_at_once_has_no_notice() -> None:
    change = Change.of("relation_added", None, id="FR:0001", other="FR:0002", relation="successor of")
    assert effective_day(change) is None
    (finding,) = notice([change], TODAY)
    assert finding.got == "0 days"


def test_every_kind_has_a_class_and_a_text() -> None:
    for kind, row in kinds().items():
        assert row["class"] in ("substantial", "technical", "editorial"), kind
        assert Change.of(kind, None, id="FR:0001").text


# --- keying and arriving ---------------------------------------------------------------------------------------------


def new_institution() -> Institution:
    return Institution(
        id=InstitutionId("FR:SYNTH100"),
        country="FR",
        names=(Translation("fr", "Nouvelle caisse"), Translation("en", "New Fund")),
        short_name="NEW",
        period=Period(dt.date(2026, 6, 1)),
        relations=(Relation(InstitutionId("FR:SYNTH002"), "successor of"),),
        competences=(Competence(BucId("S_BUC_01"), Role.COUNTERPARTY, Period(dt.date(2026, 6, 1)), True),),
    )


def merger(directory: Directory) -> Content:
    """One body ends, another takes over, a third is renamed."""
    content = edited(directory, "FR:SYNTH002", ended(dt.date(2026, 6, 1)))
    content = edited(Directory(content), "FR:SYNTH010", renamed("Pensions"))
    new = new_institution()
    return attrs.evolve(content, institutions={**content.institutions, new.id: new})


def test_the_keying_sheet_lists_every_value_to_key(store: DirectoryStore) -> None:
    control = ChangeControl(store)
    control.propose(merger(store.directory()), by="ann")
    assert control.keying_sheet(by="bob") == []
    control.approve(1, by="bob")
    rows = control.keying_sheet(by="cid")
    assert {tuple(row) for row in rows} == {KEYING_COLUMNS}
    keyed = [(row["institution"], row["what"], row["old"], row["new"], row["effective"]) for row in rows]
    assert ("FR:SYNTH100", "name fr", "", "Nouvelle caisse", "2026-06-01") in keyed
    assert ("FR:SYNTH100", "competence", "", "S_BUC_01 CounterParty from 2026-06-01", "2026-06-01") in keyed
    assert ("FR:SYNTH100", "relation", "", "successor of FR:SYNTH002", "2026-06-01") in keyed
    assert ("FR:SYNTH002", "", "", "2026-06-01", "2026-06-01") in keyed
    assert ("FR:SYNTH010", "en", "Synthetic French Pension Fund", "Pensions", "at once") in keyed
    assert {(row["proposed by"], row["approved by"], row["done"]) for row in rows} == {("ann", "bob", "")}
    assert control.get(1).state is ProposalState.EXPORTED
    assert control.keying_sheet(by="cid") == []
    assert control.keying_sheet(by="cid", nos=[1]) == rows


def test_a_proposal_that_is_not_approved_is_not_keyed(store: DirectoryStore) -> None:
    control = ChangeControl(store)
    control.propose(merger(store.directory()), by="ann")
    with pytest.raises(NotAllowed, match="not approved"):
        control.keying_sheet(by="cid", nos=[1])
    assert log(store)[-1] == ("export-refused", "cid", 1)


def arrivals(store: DirectoryStore, content: Content) -> dict[str, ArrivalState]:
    found = ChangeControl(store).reconcile(Directory(content))
    return {arrival.change.id: arrival.state for arrival in found}


ENDS = "institution_end_set:FR:SYNTH002"
NAME = "name_changed:FR:SYNTH010/en"
NEW = "institution_added:FR:SYNTH100"


def test_what_was_keyed_arrives_differs_or_is_missing(store: DirectoryStore) -> None:
    base = store.directory()
    control = ChangeControl(store)
    control.propose(merger(base), by="ann")
    control.approve(1, by="bob")
    assert set(arrivals(store, base.content).values()) == {ArrivalState.MISSING}

    partly = edited(base, "FR:SYNTH002", ended(dt.date(2026, 7, 1)))
    partly = edited(Directory(partly), "FR:SYNTH010", renamed("Pensions"))
    assert arrivals(store, partly) == {
        NEW: ArrivalState.MISSING,
        ENDS: ArrivalState.DIFFERS,
        NAME: ArrivalState.ARRIVED,
    }
    assert control.get(1).state is ProposalState.APPROVED

    other_name = attrs.evolve(new_institution(), short_name="OTHER")
    other = attrs.evolve(partly, institutions={**partly.institutions, other_name.id: other_name})
    assert arrivals(store, other)[NEW] is ArrivalState.DIFFERS

    assert set(arrivals(store, merger(base)).values()) == {ArrivalState.ARRIVED}
    assert control.get(1).state is ProposalState.ARRIVED
    assert arrivals(store, base.content) == {}


def test_what_others_fill_in_does_not_count_as_a_difference(store: DirectoryStore) -> None:
    """Row names, certificates and endpoints are given by the central directory when an entry is keyed."""
    base = store.directory()
    control = ChangeControl(store)
    control.propose(merger(base), by="ann")
    control.approve(1, by="bob")
    content = merger(base)
    keyed = content.institutions[InstitutionId("FR:SYNTH100")]
    given = tuple(attrs.evolve(row, id="given") for row in keyed.competences)
    filled = attrs.evolve(keyed, ebms_certificates=("AB",), competences=given)
    content = attrs.evolve(content, institutions={**content.institutions, keyed.id: filled})
    assert set(arrivals(store, content).values()) == {ArrivalState.ARRIVED}


def test_rejected_and_open_proposals_are_not_expected_to_arrive(store: DirectoryStore) -> None:
    control = ChangeControl(store)
    control.propose(merger(store.directory()), by="ann")
    control.propose(edited(store.directory(), "FR:SYNTH001", renamed("X")), by="ann")
    control.reject(2, by="bob")
    assert control.reconcile() == ()
    assert [each.state for each in control.proposals()] == [ProposalState.PROPOSED, ProposalState.REJECTED]
    assert [each.no for each in control.proposals(ProposalState.REJECTED)] == [2]
