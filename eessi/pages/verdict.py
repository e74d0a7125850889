"""The page of verdicts: what was judged, what was found, where, and what was not checked."""

from __future__ import annotations

from collections.abc import Iterable

from eessi.findings import Finding, Phrase, Verdict, said
from eessi.findings.report import Judged, count_words, outcome_word, severity_word
from eessi.pages.rendering import render

__all__ = ["verdict_report"]


def verdict_report(results: Iterable[Judged], *, lang: str = "en", show_values: bool = False) -> str:
    """One self-contained HTML page for all results; values only with ``show_values``.

    :raises MissingExtra: without the extra ``pages``.
    """
    results = list(results)
    rows = [
        {
            "file": judged.file,
            "key": "unreadable" if judged.unreadable is not None else judged.verdict.outcome.value,
            "word": outcome_word(judged, lang),
            "verdict": judged.verdict,
            "judged_by": _judged_by(judged.verdict).said(lang),
            "counted": _counted(len(judged.verdict.findings)).said(lang),
            "findings": [_row(finding, lang, show_values) for finding in judged.verdict.findings],
            "not_checked": [(said(part.what, lang), said(part.why, lang)) for part in judged.verdict.not_checked],
        }
        for judged in results
    ]
    labels = {name: label.said(lang) for name, label in _LABELS.items()}
    return render(
        "verdict.html.j2", {"results": rows, "numbers": count_words(results, lang), "label": labels, "lang": lang}
    )


_LABELS = {
    "title": Phrase("Verdicts"),
    "undetermined": Phrase("Undetermined means: it could not be checked. It is never the same as valid."),
    "severity": Phrase("Severity"),
    "line": Phrase("Line"),
    "wrong": Phrase("What is wrong"),
    "where": Phrase("Where"),
    "nothing": Phrase("Nothing was found."),
    "not_checked": Phrase("Not checked"),
}


def _row(finding: Finding, lang: str, show_values: bool) -> dict[str, object]:
    got = finding.value if show_values and finding.value is not None else finding.got
    return {
        "finding": finding,
        "severity": severity_word(finding, lang),
        "message": finding.message(lang),
        "hint": finding.hint(lang),
        "got": Phrase("got {got}", got=got).said(lang) if got else None,
    }


def _judged_by(verdict: Verdict) -> Phrase:
    return Phrase("judged by {package} ({fidelity})", package=verdict.package or "", fidelity=verdict.fidelity or "")


def _counted(number: int) -> Phrase:
    return Phrase("1 finding") if number == 1 else Phrase("{number} findings", number=number)
