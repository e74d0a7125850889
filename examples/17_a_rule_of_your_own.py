"""A rule of your own beside ours: it warns, and it never breaks a verdict.

Run from the project's folder: python examples/17_a_rule_of_your_own.py
"""

from collections.abc import Iterator
from pathlib import Path

from eessi import _xml
from eessi.schemas.explain_places import Draft
from eessi.schemas.rules import RuleCannotCheck, Subject, apply_rules

data = (Path(__file__).parent / "documents" / "s071.xml").read_bytes()


def period_within_a_year(subject: Subject) -> Iterator[Draft]:
    """This institution issues entitlement documents for one calendar year at most."""
    for end in subject.named("endDate"):
        start = subject.beside(end, "startDate")
        if start is not None and subject.text(start)[:4] != subject.text(end)[:4]:
            yield subject.warning("RUL-PERIOD", end)


def dossier_is_known(subject: Subject) -> Iterator[Draft]:
    """Needs the register of dossiers, which is not at hand here."""
    raise RuleCannotCheck("the register of dossiers cannot be reached")


rules = [("NAT-YEAR", period_within_a_year), ("NAT-DOSSIER", dossier_is_known)]
findings, not_checked = apply_rules(_xml.parse(data), None, data=data, rules=rules)
print(len(findings), "warnings")
for entry in not_checked:
    print(f"not checked: {entry.what} ({entry.why})")
