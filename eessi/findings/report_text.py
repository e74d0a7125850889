"""Verdicts as plain lines for people; colours only where the caller's console shows them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from eessi.errors import MissingExtra
from eessi.findings.finding import Finding, Severity
from eessi.findings.phrases import Phrase, said
from eessi.findings.report import Judged, count_words, outcome_word, severity_word
from eessi.findings.verdict import Outcome, Verdict

if TYPE_CHECKING:
    from rich.text import Text

__all__ = ["as_text"]

_COLOURS = {Outcome.VALID: "bold green", Outcome.INVALID: "bold red", Outcome.UNDETERMINED: "bold yellow"}
_MARKS = {Severity.ERROR: "red", Severity.WARNING: "yellow", Severity.INFO: "blue"}


def as_text(results: Iterable[Judged], *, lang: str = "en", show_values: bool = False) -> Text:
    """All results, one paragraph each, and a last line with the counts. Unreadable inputs are only counted.

    :raises MissingExtra: without rich (extra ``cli``).
    """
    try:
        from rich.text import Text
    except ModuleNotFoundError:
        raise MissingExtra("cli", "verdicts as coloured text") from None
    results = list(results)
    page = Text()
    for judged in results:
        if judged.unreadable is None:
            _result(page, judged, lang, show_values)
    if results and all(judged.unreadable is not None for judged in results):
        return page
    numbers = count_words(results, lang)
    page.append(", ".join(f"{number} {word}" for key, number, word in numbers if number or key != "unreadable"))
    return page


def _result(page: Text, judged: Judged, lang: str, show_values: bool) -> None:
    verdict = judged.verdict
    page.append(f"{judged.file}: ")
    page.append(outcome_word(judged, lang), style=_COLOURS[verdict.outcome])
    known = " ".join(part for part in (verdict.sed, verdict.cdm) if part)
    by = f" {_by(verdict).said(lang)}" if verdict.package else ""
    page.append(f"  {known}{by}\n" if known else "\n")
    for finding in verdict.findings:
        _finding(page, finding, lang, show_values)
    if verdict.not_checked:
        parts = "; ".join(f"{said(entry.what, lang)}: {said(entry.why, lang)}" for entry in verdict.not_checked)
        page.append(f"  {Phrase('not checked').said(lang)}: {parts}\n", style="dim")


def _by(verdict: Verdict) -> Phrase:
    return Phrase("by {package} ({fidelity})", package=verdict.package or "", fidelity=verdict.fidelity or "")


def _finding(page: Text, finding: Finding, lang: str, show_values: bool) -> None:
    where = "" if finding.line is None else Phrase("line {line}", line=finding.line).said(lang)
    where += "" if finding.column is None else ", " + Phrase("column {column}", column=finding.column).said(lang)
    page.append(f"  {severity_word(finding, lang)}", style=_MARKS[finding.severity])
    page.append(f"  {finding.id}  {': '.join(part for part in (where, finding.path) if part)}\n")
    message = finding.message(lang)
    page.append(f"    {message}")
    shown = finding.value if show_values and finding.value is not None else finding.got
    told = shown and shown != "nothing" and said(shown, lang) not in message
    page.append(f" ({Phrase('got {got}', got=shown).said(lang)})\n" if shown and told else "\n")
    hint = finding.hint(lang)
    if hint:
        page.append(f"    {Phrase('hint').said(lang)}: {hint}\n")
