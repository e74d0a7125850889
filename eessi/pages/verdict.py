"""The page of verdicts: what was judged, what was found, where, and what was not checked."""

from __future__ import annotations

from collections.abc import Iterable

from eessi.findings.report import Judged, count
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
            "word": "unreadable" if judged.unreadable is not None else judged.verdict.outcome.value,
            "verdict": judged.verdict,
            "findings": [
                {
                    "finding": finding,
                    "message": finding.message(lang),
                    "hint": finding.hint(lang),
                    "got": finding.value if show_values and finding.value is not None else finding.got,
                }
                for finding in judged.verdict.findings
            ],
        }
        for judged in results
    ]
    return render("verdict.html.j2", {"results": rows, "numbers": count(results), "lang": lang})
