"""Verdicts as JUnit XML, the form that build servers read: one test case per input."""

from __future__ import annotations

import re
from collections.abc import Iterable

from lxml import etree

from eessi import _xml
from eessi.findings.finding import Finding, Severity
from eessi.findings.phrases import Phrase, said
from eessi.findings.report import Judged, severity_word
from eessi.findings.verdict import NotChecked, Outcome

__all__ = ["as_junit"]


def as_junit(results: Iterable[Judged], *, lang: str = "en") -> str:
    """One suite: invalid inputs are failures, unreadable ones errors, undetermined ones skipped with the reason."""
    results = list(results)
    kinds = [_kind(judged) for judged in results]
    numbers = {
        "tests": len(results),
        "failures": kinds.count("failure"),
        "errors": kinds.count("error"),
        "skipped": kinds.count("skipped"),
    }
    suite = _suite("testsuite", "eessi validate", numbers)
    for judged, kind in zip(results, kinds, strict=True):
        verdict = judged.verdict
        name = _clean(judged.file)
        case = etree.SubElement(suite, "testcase", name=name, classname=f"eessi.{verdict.sed or 'document'}")
        lines = [_line(finding, lang) for finding in verdict.findings]
        lines += [_not_checked(entry, lang) for entry in verdict.not_checked]
        if kind:
            told = _telling(verdict.findings)
            why = said(verdict.not_checked[0].why, lang) if verdict.not_checked else ""
            node = etree.SubElement(case, kind, message=_clean(told.message(lang) if told else why))
            node.text = _clean("\n".join(lines))
        elif lines:
            etree.SubElement(case, "system-out").text = _clean("\n".join(lines))
    suites = _suite("testsuites", "eessi", numbers)
    suites.append(suite)
    etree.indent(suites)
    return _xml.serialise(suites).decode()


def _suite(tag: str, name: str, numbers: dict[str, int]) -> etree._Element:
    suite = etree.Element(tag, name=name)
    for key, value in numbers.items():
        suite.set(key, str(value))
    return suite


def _kind(judged: Judged) -> str:
    if judged.unreadable is not None:
        return "error"
    return {Outcome.VALID: "", Outcome.INVALID: "failure", Outcome.UNDETERMINED: "skipped"}[judged.verdict.outcome]


def _telling(findings: Iterable[Finding]) -> Finding | None:
    ordered = sorted(findings, key=lambda finding: list(Severity).index(finding.severity))
    return ordered[0] if ordered else None


def _line(finding: Finding, lang: str) -> str:
    at = "" if finding.line is None else Phrase("line {line}", line=finding.line).said(lang) + ": "
    return f"{severity_word(finding, lang)} {finding.id} {at}{finding.path or ''}: {finding.message(lang)}"


def _not_checked(entry: NotChecked, lang: str) -> str:
    return Phrase("not checked: {what}: {why}", what=entry.what, why=entry.why).said(lang)


_NOT_XML = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def _clean(text: str) -> str:
    """Without the characters that XML cannot hold."""
    return _NOT_XML.sub("", text)
