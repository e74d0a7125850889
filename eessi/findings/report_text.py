"""Verdicts as plain lines for people; colours only where the caller's console shows them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from eessi.findings.finding import Finding, Severity
from eessi.findings.report import Judged, count
from eessi.findings.verdict import Outcome

if TYPE_CHECKING:
    from rich.text import Text

__all__ = ["as_text"]

_COLOURS = {Outcome.VALID: "bold green", Outcome.INVALID: "bold red", Outcome.UNDETERMINED: "bold yellow"}
_MARKS = {Severity.ERROR: "red", Severity.WARNING: "yellow", Severity.INFO: "blue"}


def as_text(results: Iterable[Judged], *, lang: str = "en", show_values: bool = False) -> Text:
    """All results, one paragraph each, and a last line with the counts. Unreadable inputs are only counted.

    Needs rich, which the extra ``cli`` brings.
    """
    from rich.text import Text

    results = list(results)
    page = Text()
    for judged in results:
        if judged.unreadable is None:
            _result(page, judged, lang, show_values)
    if results and all(judged.unreadable is not None for judged in results):
        return page
    numbers = count(results)
    page.append(", ".join(f"{number} {word}" for word, number in numbers.items() if number or word != "unreadable"))
    return page


def _result(page: Text, judged: Judged, lang: str, show_values: bool) -> None:
    verdict = judged.verdict
    page.append(f"{judged.file}: ")
    page.append(verdict.outcome.value, style=_COLOURS[verdict.outcome])
    known = " ".join(part for part in (verdict.sed, verdict.cdm) if part)
    by = f" by {verdict.package} ({verdict.fidelity})" if verdict.package else ""
    page.append(f"  {known}{by}\n" if known else "\n")
    for finding in verdict.findings:
        _finding(page, finding, lang, show_values)
    if verdict.not_checked:
        parts = "; ".join(f"{entry.what}: {entry.why}" for entry in verdict.not_checked)
        page.append(f"  not checked: {parts}\n", style="dim")


def _finding(page: Text, finding: Finding, lang: str, show_values: bool) -> None:
    where = f"line {finding.line}" if finding.line is not None else ""
    where += f", column {finding.column}" if finding.column is not None else ""
    page.append(f"  {finding.severity.value}", style=_MARKS[finding.severity])
    page.append(f"  {finding.id}  {': '.join(part for part in (where, finding.path) if part)}\n")
    page.append(f"    {finding.message(lang)}")
    shown = finding.value if show_values and finding.value is not None else finding.got
    page.append(f" (got {shown})\n" if shown and shown != "nothing" and shown not in finding.message(lang) else "\n")
    hint = finding.hint(lang)
    if hint:
        page.append(f"    hint: {hint}\n")
