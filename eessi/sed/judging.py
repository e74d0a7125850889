"""What a verdict on a tree becomes for the document: findings about its root, and what was not checked."""

from __future__ import annotations

import attrs
from lxml import etree

from eessi import _xml
from eessi.findings import Finding, NotChecked, Outcome, Phrase, Severity, Verdict
from eessi.sed.document import ROOT_ATTRIBUTES, Sed

__all__ = ["about_sed", "with_findings"]


def with_findings(verdict: Verdict, findings: list[Finding], not_checked: list[NotChecked]) -> Verdict:
    """The verdict with further findings; a new error makes it invalid, and a part is listed once, as the later says."""
    said = {entry.what for entry in not_checked}
    kept = (entry for entry in verdict.not_checked if entry.what not in said)
    seen = {(finding.id, finding.path) for finding in verdict.findings}
    found = (*verdict.findings, *(finding for finding in findings if (finding.id, finding.path) not in seen))
    outcome = verdict.outcome
    if any(finding.severity is Severity.ERROR for finding in found):
        outcome = Outcome.INVALID
    return attrs.evolve(verdict, outcome=outcome, findings=found, not_checked=(*kept, *not_checked))


def about_sed(
    sed: Sed, root: etree._Element | None = None, data: bytes | None = None
) -> tuple[list[Finding], list[NotChecked]]:
    """What a document says about itself that does not fit, and what cannot be told from it alone.

    :param root: the same document inside the tree of a whole message, and :param data: the bytes of that message; lines
        and columns are then those of the message.
    """
    findings = []
    stated = tuple(value.strip() for key in ROOT_ATTRIBUTES[1:] if (value := sed.root.get(key)) is not None)
    major, minor = str(sed.version.major), str(sed.version.minor)
    if sed.version.major >= 4 and len(stated) == 2 and stated != (major, minor):
        line, column = _xml.place_of(sed.root, sed.data) if root is None else _xml.place_of(root, data)
        finding = Finding(
            "DOC-ATTRIBUTES",
            Severity.WARNING,
            sed.name,
            line,
            column,
            got=Phrase("{first} and {second}", first=stated[0], second=stated[1]),
            expected=(Phrase("{first} and {second}", first=major, second=minor),),
        )
        findings.append(finding)
    depends = Phrase("whether the document may be sent now depends on its case")
    return findings, [NotChecked(Phrase("process"), depends)]
