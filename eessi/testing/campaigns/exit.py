"""The campaign *exit*: do the business processes work, process by process and document by document?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pydantic import JsonValue

from eessi.buc import all_bucs, buc
from eessi.directory import Directory
from eessi.ids import CdmVersion
from eessi.schemas import Registry
from eessi.testing.campaigns.kit import CheckRecord, Kit, Options, shipped_requirements
from eessi.testing.coverage import joined
from eessi.testing.generation import Cover, cover
from eessi.testing.record import Run, StepRecord
from eessi.testing.runner import run
from eessi.testing.scenario import Scenario

__all__ = ["KIT"]


def _checks(options: Options) -> Iterator[CheckRecord]:
    registry, directory = Registry.default(), Directory.synthetic()
    codes = options.bucs
    if codes == ("all",):
        codes = tuple(str(process.code) for process in all_bucs() if not process.is_administrative)
    for found in (cover(code, version) for code in codes for version in _versions(code, options)):
        walks = [_play(scenario, registry, directory, options) for scenario in found.scenarios()]
        yield _walked(found, walks)
        twins = [_play(scenario, registry, directory, options) for scenario in found.scenarios(negative=True)]
        yield _refused(found, twins)


def _versions(code: str, options: Options) -> Sequence[str | CdmVersion | None]:
    if options.versions == ("all",):
        return buc(code).versions
    return options.versions or (None,)


def _play(scenario: Scenario, registry: Registry, directory: Directory, options: Options) -> Run:
    return run(scenario, registry=registry, directory=directory, transport=options.transport)


def _name(found: Cover) -> str:
    """The process, with the version where it is not the newest."""
    return str(found.buc.code) + (f"-{found.version}" if found.version != max(found.buc.versions) else "")


def _walked(found: Cover, runs: list[Run]) -> CheckRecord:
    covered = joined(runs, [found.version])
    checked = all(
        exchange.before is not None and set(exchange.after) == set(exchange.receivers)
        for played in runs
        for exchange in played.exchanges
        if exchange.ending == "delivered"
    )
    passed = all(played.passed for played in runs) and checked
    walked = covered.covered + len(found.missed)
    return CheckRecord(
        id=f"{_name(found)}-walk",
        scenario=f"{found.buc.code} {found.buc.title}, CDM {found.version}: every step",
        group=str(found.buc.code),
        requirements=("EX-01", "EX-02", "EX-05"),
        passed=passed and walked == covered.total,
        expected="every step walked, every document checked twice, both copies in the same state",
        observed=_observed(runs, f"{covered.covered} of {covered.total} steps walked"),
        steps=_steps(runs),
        coverage={"covered": covered.covered, "total": covered.total, "without_a_way": list(found.missed)},
        measures={"scenarios": len(runs), "documents": sum(1 for played in runs for _ in played.exchanges)},
        not_checked=tuple(dict.fromkeys(line for played in runs for line in played.not_checked)),
    )


def _refused(found: Cover, runs: list[Run]) -> CheckRecord:
    asked = sum(1 for played in runs for step in played.steps if step.kind == "may")
    rejected = sum(1 for played in runs for exchange in played.exchanges if exchange.ending == "rejected")
    return CheckRecord(
        id=f"{_name(found)}-refusals",
        scenario=f"{found.buc.code} {found.buc.title}, CDM {found.version}: everything that the process refuses",
        group=str(found.buc.code),
        requirements=("EX-03", "EX-04"),
        passed=all(played.passed for played in runs) and asked > 0 and rejected > 0,
        expected="every refusal with its rule, on both sides",
        observed=_observed(runs, f"{asked} refusals of the own side, {rejected} of the other side"),
        steps=_steps(runs),
        measures={"scenarios": len(runs), "own_refusals": asked, "rejections": rejected},
    )


def _observed(runs: list[Run], good: str) -> str:
    failed = [step for played in runs for step in played.failures]
    if not failed:
        return good
    step = failed[0]
    return f"{len(failed)} steps not as expected, first: {step.text}: {'; '.join(step.failures)}"


def _steps(runs: list[Run]) -> tuple[dict[str, JsonValue], ...]:
    return tuple(_step(step) for played in runs for step in played.steps)


def _step(step: StepRecord) -> dict[str, JsonValue]:
    return {"text": step.text, "passed": step.passed, "failures": list(step.failures)}


KIT = Kit("exit", "Do the business processes work?", shipped_requirements("exit"), _checks)
"""Generated scenarios that walk every step of a process, and their twins that try what it refuses."""
