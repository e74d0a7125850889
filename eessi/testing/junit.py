"""Runs as JUnit XML, which every CI system shows: one suite per scenario, one case per step."""

from __future__ import annotations

from collections.abc import Sequence

from lxml import etree

from eessi.testing.campaigns.kit import CampaignRecord
from eessi.testing.record import Run

__all__ = ["campaign_junit", "junit"]


def junit(runs: Sequence[Run]) -> str:
    """The runs as one ``<testsuites>`` document.

    Time is that of the scenario's clock, in seconds; an undetermined document is a property, never a failure.
    """
    root = etree.Element("testsuites", name="eessi replay")
    for run in runs:
        suite = etree.SubElement(
            root,
            "testsuite",
            name=_text(run.scenario),
            tests=str(len(run.steps)),
            failures=str(len(run.failures)),
            errors="0",
            timestamp=run.started.strftime("%Y-%m-%dT%H:%M:%S"),
        )
        properties = etree.SubElement(suite, "properties")
        for name, value in _properties(run):
            etree.SubElement(properties, "property", name=name, value=_text(value))
        for step in run.steps:
            case = etree.SubElement(
                suite,
                "testcase",
                classname=_text(f"{run.buc}.{run.scenario}"),
                name=_text(f"{step.number}. {step.text}"),
            )
            if step.failures:
                failure = etree.SubElement(case, "failure", message=_text("; ".join(step.failures)), type="expectation")
                failure.text = _text(f"{run.file}:{step.line}: {step.says}")
    return etree.tostring(root, encoding="unicode", pretty_print=True)


def campaign_junit(record: CampaignRecord) -> str:
    """A campaign as one suite, one case for each check, with the requirements it covers."""
    suite = etree.Element(
        "testsuite",
        name=f"eessi campaign {record.kit}",
        tests=str(len(record.results)),
        failures=str(len(record.failed)),
        errors="0",
    )
    for check in record.results:
        case = etree.SubElement(
            suite, "testcase", classname=f"{record.kit}.{check.group}", name=_text(f"{check.id} {check.scenario}")
        )
        properties = etree.SubElement(case, "properties")
        for requirement in check.requirements:
            etree.SubElement(properties, "property", name="requirement", value=requirement)
        if not check.passed:
            message = f"had to come: {check.expected}; came: {check.observed}"
            etree.SubElement(case, "failure", message=_text(message), type="expectation")
    root = etree.Element("testsuites", name="eessi campaign")
    root.append(suite)
    return etree.tostring(root, encoding="unicode", pretty_print=True)


def _properties(run: Run) -> list[tuple[str, str]]:
    named = [("buc", run.buc), ("version", run.version), ("seed", str(run.seed)), ("transport", run.transport)]
    named += [("requirement", requirement) for requirement in run.requirements]
    return named + [("undetermined", name) for name in run.undetermined]


def _text(value: str) -> str:
    """Without the control characters that XML 1.0 cannot hold."""
    return "".join(letter for letter in value if letter in "\t\n" or ord(letter) >= 32)
