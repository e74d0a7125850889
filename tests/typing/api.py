"""The public types as a user sees them; read by mypy and by pyright's engine, never run.

``assert_type`` says that a checker knows the type, and knows it exactly: where a name had decayed to ``Any``, both would fail.
"""

from __future__ import annotations

import datetime as dt
from typing import assert_type

import eessi
from eessi import CdmVersion, Directory, Finding, Message, Outcome, Registry, Sed, SedType, Severity, Verdict
from eessi.node import Node


def check_documents(data: bytes) -> Verdict:
    parsed = eessi.parse(data)
    assert_type(parsed, Sed | Message)
    sed = parsed.sed if isinstance(parsed, Message) else parsed
    assert_type(sed, Sed)
    assert_type(sed.type, SedType)
    assert_type(sed.version, CdmVersion)
    assert_type(eessi.serialise(sed), bytes)
    verdict = eessi.validate(sed, Registry.default())
    assert_type(verdict, Verdict)
    assert_type(verdict.outcome, Outcome)
    for finding in verdict.findings:
        assert_type(finding, Finding)
        assert_type(finding.severity, Severity)
        assert_type(finding.message("fr"), str)
        assert_type(finding.line, int | None)
    return verdict


def check_building(registry: Registry) -> None:
    from eessi.sed import build

    assert_type(build("A001", {"Person": {"forename": "Ada"}}, version="1.0", registry=registry), Sed)


def check_processes(today: dt.date) -> None:
    from eessi.buc import Answer, Buc, Case, Event, Move, WhyNot, buc

    process = buc("LA_BUC_01")
    assert_type(process, Buc)
    case = process.start(as_="CaseOwner", version="4.3")
    assert_type(case, Case)
    for move in case.allowed(on=today, facts={}):
        assert_type(move, Move)
        assert_type(move.sed, SedType | None)
        assert_type(move.answer, Answer)
        assert_type(move.why_not, WhyNot | None)
    assert_type(case.apply(Event("sent", sed="A001", document_id="a")), Case)


def check_keeping(case: eessi.Case) -> None:
    from eessi.buc import record

    assert_type(record.dump(case), str)
    assert_type(record.as_json(case), dict[str, object])


def check_directory(data: bytes, today: dt.date) -> None:
    from eessi.directory import Found, LeftOut, Match

    directory = Directory.load(data)
    assert_type(directory, Directory)
    found = directory.find(buc="LA_BUC_01", role="Counterparty", country="BE", on=today)
    assert_type(found, Found)
    assert_type(found.matches, tuple[Match, ...])
    assert_type(found.left_out, tuple[LeftOut, ...])


def check_scenarios() -> None:
    from eessi.testing import Run, Scenario, run

    scenario = Scenario.load("examples/scenarios/la_buc_01.buc.yaml")
    assert_type(scenario, Scenario)
    result = run(scenario)
    assert_type(result, Run)
    assert_type(result.passed, bool)


def check_releases(registry: Registry) -> None:
    from eessi.release import Change, Difference, compare_packages

    found = compare_packages(registry.package("sandbox:1.0"), registry.package("sandbox:1.1"), seds=["A001"])
    assert_type(found, Difference)
    for change in found.changes:
        assert_type(change, Change)


def check_nodes(node: Node) -> None:
    from eessi.node import Received, Sent

    assert_type(node.send("case", eessi.build("A001", {}, version="1.0")), Sent)
    for received in node.receive():
        assert_type(received, Received)


def refuse_what_is_wrong() -> None:
    """A type checker must object; an ignore without an objection is itself an error."""
    eessi.parse(3)  # type: ignore[arg-type]
    eessi.validate("a", registry="open")  # type: ignore[arg-type]
    eessi.buc(1)  # type: ignore[arg-type]
