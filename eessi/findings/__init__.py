"""What a check says: :class:`Finding`, :class:`Verdict` and their texts in several languages.

Every check of the toolkit ends in one of three outcomes. ``undetermined`` means *it could not be checked*, and is
never shown as ``valid``.
"""

from eessi.findings.finding import Finding, Fix, Severity
from eessi.findings.phrases import Phrase, said
from eessi.findings.texts import explain, known_ids, text_of
from eessi.findings.verdict import NotChecked, Outcome, Verdict

__all__ = [
    "Finding",
    "Fix",
    "NotChecked",
    "Outcome",
    "Phrase",
    "Severity",
    "Verdict",
    "explain",
    "known_ids",
    "said",
    "text_of",
]
