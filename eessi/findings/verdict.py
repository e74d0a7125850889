"""The result of a check: one of three outcomes, the findings, and what was not checked."""

from __future__ import annotations

import enum
from collections.abc import Iterable

import attrs

from eessi.findings.finding import Finding, Severity

__all__ = ["NotChecked", "Outcome", "Verdict"]


class Outcome(enum.StrEnum):
    """``valid``, ``invalid`` or ``undetermined`` (it could not be checked)."""

    VALID = "valid"
    INVALID = "invalid"
    UNDETERMINED = "undetermined"


@attrs.frozen(slots=True)
class NotChecked:
    """A part that was not checked, and why; both may be a :class:`~eessi.findings.Phrase`."""

    what: str
    why: str


@attrs.frozen(slots=True)
class Verdict:
    """What is known about one document.

    :param sed: code of the SED, ``None`` when the input could not be recognised.
    :param cdm: CDM version of the document (``4.4``).
    :param package: coordinates ``name:version`` of the package it was judged by; ``None`` when there was none.
    :param fidelity: how well that package knows this SED (``exact``, ``observed``, ``mapped``, ``named``, ``sandbox``).
    """

    outcome: Outcome
    findings: tuple[Finding, ...] = ()
    not_checked: tuple[NotChecked, ...] = ()
    sed: str | None = None
    cdm: str | None = None
    package: str | None = None
    fidelity: str | None = None

    @classmethod
    def of(
        cls,
        findings: Iterable[Finding],
        *,
        determined: bool,
        not_checked: Iterable[NotChecked] = (),
        sed: str | None = None,
        cdm: str | None = None,
        package: str | None = None,
        fidelity: str | None = None,
    ) -> Verdict:
        """Conclude: any error means invalid; without an error, valid only when everything was ``determined``."""
        found = tuple(findings)
        if any(finding.severity is Severity.ERROR for finding in found):
            outcome = Outcome.INVALID
        else:
            outcome = Outcome.VALID if determined else Outcome.UNDETERMINED
        return cls(outcome, found, tuple(not_checked), sed, cdm, package, fidelity)

    @property
    def is_valid(self) -> bool:
        """Whether the document was proved valid."""
        return self.outcome is Outcome.VALID

    @property
    def errors(self) -> tuple[Finding, ...]:
        """The findings that make the document invalid."""
        return tuple(finding for finding in self.findings if finding.severity is Severity.ERROR)
