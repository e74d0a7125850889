"""A case becomes a scenario that replays to the same history, with nothing of the real one left in it."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import attrs
import pytest
from hypothesis import HealthCheck, given, settings

from eessi.buc import Case, Event, buc
from eessi.cli.program import run as command
from eessi.errors import UsageError
from eessi.sed import Sed, parse
from eessi.testing import load_scenarios, run
from eessi.testing import strategies as eessi_st
from eessi.testing.recorded import scenario_of_case

START = dt.datetime(2024, 3, 4, 10, 30, tzinfo=dt.UTC)
ME, OTHER = "FR:1234567890", "BE:9876543210"


def real_case() -> Case:
    case = buc("LA_BUC_01").start(as_="CaseOwner", version="4.3", me=ME, counterparties=(OTHER,))
    return (
        case.apply(Event("sent", sed="A001", document_id="real-1", at=START))
        .apply(Event("sent", sed="A001", document_id="real-1", version=2, at=START + dt.timedelta(days=1)))
        .apply(Event("received", sed="A011", document_id="real-2", parent_id="real-1", at=START + dt.timedelta(days=9), sender=OTHER))
        .apply(Event("sent", sed="X001", document_id="real-3", at=START + dt.timedelta(days=70)))
    )  # fmt: skip


def test_the_scenario_replays_to_the_same_history() -> None:
    text = scenario_of_case(real_case())
    (scenario,) = load_scenarios("recorded.buc.yaml", text)
    played = run(scenario)
    assert played.passed, [(step.text, step.failures) for step in played.failures]
    assert played.parties[0].history == ("sent A001", "sent A001", "received A011", "sent X001")
    assert (played.ended.date() - played.started.date()).days == 70


def test_nothing_of_the_real_case_is_left() -> None:
    text = scenario_of_case(real_case())
    for real in ("1234567890", "9876543210", "real-1", "2024", "10:30"):
        assert real not in text


def test_a_rina_export_becomes_a_scenario_that_is_replayed_and_compared(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def document(number: str, sed: str, day: int, *, out: bool, **more: object) -> dict[str, object]:
        ends = [(ME, "Sender"), (OTHER, "Receiver")] if out else [(OTHER, "Sender"), (ME, "Receiver")]
        parties = [{"role": role, "organisation": {"id": id}} for id, role in ends]
        kept = {"id": number, "type": sed, "status": "sent" if out else "received", "direction": "OUT" if out else "IN"}
        return {
            **kept,
            "versions": [{"date": f"2025-03-{day:02}"}],
            "conversations": [{"participants": parties}],
            **more,
        }

    export = {
        "id": "77", "processDefinitionName": "LA_BUC_01", "processDefinitionVersion": "v4.2",
        "applicationRoleId": "PO", "status": "open",
        "participants": [{"role": "CaseOwner", "organisation": {"id": ME}}, {"role": "CounterParty", "organisation": {"id": OTHER}}],
        "documents": [
            document("a", "A001", 3, out=True),
            document("b", "A011", 20, out=False, parentDocumentId="a"),
        ],
    }  # fmt: skip
    history, case, made, first = (tmp_path / name for name in ("export.json", "case.json", "case.buc.yaml", "run.json"))
    history.write_text(json.dumps(export), encoding="utf-8")
    assert command(["case", "import", str(history), "--output", str(case)]) == 0
    assert command(["case", "record", str(case), "--output", str(made)]) == 0
    assert "1234567890" not in made.read_text(encoding="utf-8")
    assert command(["replay", str(made), "-q", "--json", str(first)]) == 0
    (result,) = json.loads(first.read_text(encoding="utf-8"))["results"]
    assert result["parties"][0]["history"] == ["sent A001", "received A011"]
    assert command(["replay", str(made), "-q", "--compare", str(first)]) == 0
    made.write_text(made.read_text(encoding="utf-8").replace("A011", "A002"), encoding="utf-8")
    assert command(["replay", str(made), "-q", "--compare", str(first)]) == 1
    assert "Traceback" not in capsys.readouterr().err


def test_documents_are_taken_over_as_pseudonyms(root: Path) -> None:
    case = buc("S_BUC_01").start(as_="CaseOwner", version="4.4", me=ME, counterparties=(OTHER,))
    case = case.apply(Event("sent", sed="S071", document_id="d1", at=START))
    source = parse(root / "examples" / "documents" / "s071.xml")
    assert isinstance(source, Sed)
    text = scenario_of_case(case, documents={"d1": source}, key=b"0123456789abcdef")
    assert source["Person/PersonIdentification/familyName"] not in text
    (scenario,) = load_scenarios("recorded.buc.yaml", text)
    played = run(attrs.evolve(scenario, packages={"S071": "open:4.4"}))
    assert played.passed, played.failures
    (exchange,) = played.exchanges
    assert exchange.before is not None
    assert exchange.before.verdict == "valid"
    assert len(exchange.document.values) >= 10


def test_what_cannot_be_recorded_is_refused(root: Path) -> None:
    empty = buc("LA_BUC_01").start(as_="CaseOwner", version="4.3", me=ME, counterparties=(OTHER,))
    with pytest.raises(UsageError, match="no events yet"):
        scenario_of_case(empty)
    source = parse(root / "examples" / "documents" / "s071.xml")
    assert isinstance(source, Sed)
    with pytest.raises(UsageError, match="give a key"):
        scenario_of_case(real_case(), documents={"d": source})


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(eessi_st.case_history("LA_BUC_01", max_steps=5))
def test_any_history_of_two_parties_replays(history: eessi_st.History) -> None:
    if not history.events:
        return
    (scenario,) = load_scenarios("recorded.buc.yaml", scenario_of_case(history.owner))
    played = run(scenario)
    assert played.passed, [(step.text, step.failures) for step in played.failures]
    wanted = tuple(f"{event.kind} {event.sed}" for event in history.events)
    assert played.parties[0].history == wanted
