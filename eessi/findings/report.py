"""What a report is made of: one :class:`Judged` per input, valid, invalid, undetermined or unreadable."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import attrs

from eessi.errors import InputError
from eessi.findings.finding import Finding, Severity
from eessi.findings.phrases import Phrase
from eessi.findings.verdict import NotChecked, Outcome, Verdict

__all__ = ["Judged", "count", "count_words", "outcome_word", "severity_word"]

_SEVERITIES = {Severity.ERROR: Phrase("error"), Severity.WARNING: Phrase("warning"), Severity.INFO: Phrase("info")}
_OUTCOMES: dict[str, Phrase] = {
    Outcome.VALID: Phrase("valid"),
    Outcome.INVALID: Phrase("invalid"),
    Outcome.UNDETERMINED: Phrase("undetermined"),
    "unreadable": Phrase("unreadable"),
}
_RANK = {Severity.INFO: 0, Severity.WARNING: 1, Severity.ERROR: 2}


@attrs.frozen(slots=True)
class Judged:
    """The verdict on one input.

    :param file: its name, ``-`` for standard input.
    :param unreadable: exit code 4 with its one line, when the input could not be read at all; the verdict is then
        undetermined with a DOC-UNREADABLE finding.
    """

    file: str
    verdict: Verdict
    unreadable: str | None = None

    @classmethod
    def refused(cls, file: str, error: InputError) -> Judged:
        """An input that could not be read."""
        at = f" (byte {error.offset})" if error.offset is not None else ""
        finding = Finding("DOC-UNREADABLE", line=error.line, params={"reason": f"{error.reason}{at}"})
        verdict = Verdict(
            Outcome.UNDETERMINED, (finding,), (NotChecked(Phrase("document"), Phrase("it cannot be read")),)
        )
        return cls(file, verdict, f"{file}: {error.reason}{at}")

    def exit_code(self, fail_on: Severity = Severity.ERROR) -> int:
        """0 valid, 1 findings at or above ``fail_on``, 3 undetermined, 4 unreadable, 5 a broken package."""
        if self.unreadable is not None:
            return 4
        findings = self.verdict.findings
        if any(finding.id == "VAL-PACKAGE" for finding in findings):
            return 5
        if any(_RANK[finding.severity] >= _RANK[fail_on] for finding in findings):
            return 1
        return {Outcome.VALID: 0, Outcome.INVALID: 1, Outcome.UNDETERMINED: 3}[self.verdict.outcome]


def count(results: Iterable[Judged]) -> dict[str, int]:
    """How many inputs ended which way; an unreadable one counts as undetermined and as unreadable."""
    results = list(results)
    outcomes = Counter(str(result.verdict.outcome) for result in results)
    unreadable = sum(result.unreadable is not None for result in results)
    return {**{outcome.value: outcomes[outcome.value] for outcome in Outcome}, "unreadable": unreadable}


def count_words(results: Iterable[Judged], lang: str) -> list[tuple[str, int, str]]:
    """The counts for people: key of :func:`count`, number, and the key in ``lang``."""
    return [(key, number, _OUTCOMES[key].said(lang)) for key, number in count(results).items()]


def severity_word(finding: Finding, lang: str) -> str:
    """How bad a finding is, as people of that language call it."""
    return _SEVERITIES[finding.severity].said(lang)


def outcome_word(judged: Judged, lang: str) -> str:
    """How an input ended, as people of that language call it."""
    return _OUTCOMES["unreadable" if judged.unreadable is not None else judged.verdict.outcome].said(lang)
