"""The campaign *exit*: do the business processes work, process by process and document by document?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from eessi.buc import all_bucs, buc
from eessi.directory import Directory
from eessi.ids import CdmVersion
from eessi.schemas import Registry
from eessi.testing.against import Against
from eessi.testing.campaigns.kit import (
    CheckRecord,
    Kit,
    Options,
    played,
    shipped_requirements,
    step_records,
)
from eessi.testing.campaigns.outside import walkable
from eessi.testing.coverage import joined
from eessi.testing.generation import Cover, cover
from eessi.testing.record import Run

__all__ = ["KIT"]


def _checks(options: Options) -> Iterator[CheckRecord]:
    registry, directory = Registry.default(), Directory.synthetic()
    codes = options.bucs
    if codes == ("all",):
        codes = tuple(str(process.code) for process in all_bucs() if not process.is_administrative)
    for found in (cover(code, version) for code in codes for version in _versions(code, options)):
        if options.against is not None:
            yield _outside(found, options.against, options, registry, directory)
            continue
        walks = [played(scenario, options, registry, directory) for scenario in found.scenarios()]
        yield _walked(found, walks)
        twins = [played(scenario, options, registry, directory) for scenario in found.scenarios(negative=True)]
        yield _refused(found, twins)


def _outside(found: Cover, way: Against, options: Options, registry: Registry, directory: Directory) -> CheckRecord:
    """The walks with one party real. What the process refuses inside it is not seen, so there are no twins."""
    fit, left = walkable(way, found.scenarios())
    runs: list[Run] = []
    for scenario in fit:
        runs.append(played(scenario, options, registry, directory))
        if runs[-1].undelivered:
            break  # nobody is there
    walked = sum(not run.failures for run in runs)
    record = _walked(found, runs)
    return record.model_copy(
        update={
            "requirements": ("EX-01",),
            "passed": bool(runs) and walked == len(fit),
            "expected": "every document that the walks await comes and fits",
            "observed": _observed(runs, f"{walked} of {len(fit)} walks") if runs else "no walk fits the profile",
            "undelivered": any(run.undelivered for run in runs),
            "not_checked": (*record.not_checked, *left),
        }
    )


def _versions(code: str, options: Options) -> Sequence[str | CdmVersion | None]:
    if options.versions == ("all",):
        return buc(code).versions
    return options.versions or (None,)


def _name(found: Cover) -> str:
    """The process, with the version where it is not the newest."""
    return str(found.buc.code) + (f"-{found.version}" if found.version != max(found.buc.versions) else "")


def _walked(found: Cover, runs: list[Run]) -> CheckRecord:
    covered = joined(runs, [found.version])
    checked = all(
        exchange.before is not None and set(exchange.after) == set(exchange.receivers)
        for one in runs
        for exchange in one.exchanges
        if exchange.ending == "delivered"
    )
    passed = all(one.passed for one in runs) and checked
    walked = covered.covered + len(found.missed)
    return CheckRecord(
        id=f"{_name(found)}-walk",
        scenario=f"{found.buc.code} {found.buc.title}, CDM {found.version}: every step",
        group=str(found.buc.code),
        requirements=("EX-01", "EX-02", "EX-05"),
        passed=passed and walked == covered.total,
        expected="every step walked, every document checked twice, both copies in the same state",
        observed=_observed(runs, f"{covered.covered} of {covered.total} steps walked"),
        steps=step_records(runs),
        coverage={"covered": covered.covered, "total": covered.total, "without_a_way": list(found.missed)},
        measures={"scenarios": len(runs), "documents": sum(1 for one in runs for _ in one.exchanges)},
        not_checked=tuple(dict.fromkeys(line for one in runs for line in one.not_checked)),
    )


def _refused(found: Cover, runs: list[Run]) -> CheckRecord:
    asked = sum(1 for one in runs for step in one.steps if step.kind == "may")
    rejected = sum(1 for one in runs for exchange in one.exchanges if exchange.ending == "rejected")
    return CheckRecord(
        id=f"{_name(found)}-refusals",
        scenario=f"{found.buc.code} {found.buc.title}, CDM {found.version}: everything that the process refuses",
        group=str(found.buc.code),
        requirements=("EX-03", "EX-04"),
        passed=all(one.passed for one in runs) and asked > 0 and rejected > 0,
        expected="every refusal with its rule, on both sides",
        observed=_observed(runs, f"{asked} refusals of the own side, {rejected} of the other side"),
        steps=step_records(runs),
        measures={"scenarios": len(runs), "own_refusals": asked, "rejections": rejected},
    )


def _observed(runs: list[Run], good: str) -> str:
    failed = [step for one in runs for step in one.failures]
    if not failed:
        return good
    step = failed[0]
    return f"{len(failed)} steps not as expected, first: {step.text}: {'; '.join(step.failures)}"


KIT = Kit("exit", "Do the business processes work?", shipped_requirements("exit"), _checks)
"""Generated scenarios that walk every step of a process, and their twins that try what it refuses."""
