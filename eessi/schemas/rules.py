"""Rules beyond the schema: small functions with an id, ours and those of other packages.

A rule is given a :class:`Subject` and yields findings. Ours are listed in :data:`OWN_RULES`; another distribution adds its
own by an entry point in the group ``eessi.rules``, whose name is the id and whose object is the function::

    [project.entry-points."eessi.rules"]
    NAT-DOSSIER = "my_package.rules:dossier_number"

Rules warn; they never make a document invalid, because only the schema and the wire format do. What a rule cannot
check, it says, and a rule that breaks is listed among what was not checked.
"""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from lxml import etree

from eessi import _xml
from eessi.findings import Finding, NotChecked, Phrase, Severity
from eessi.schemas.explain_places import Draft, finish, path_of
from eessi.schemas.structure import Structure

__all__ = ["GROUP", "OWN_RULES", "Rule", "RuleCannotCheck", "Subject", "apply_rules", "rules_by_entry_point"]

GROUP: Final = "eessi.rules"


class RuleCannotCheck(Exception):
    """Raised by a rule that lacks what it needs; the text says what and goes into ``not_checked``."""


class Subject:
    """The document under a rule, with its elements by name.

    :ivar root: the SED's root element, not to be changed. :ivar structure: its resolved structure, ``None`` where unknown.
    :ivar today: the day on which the rules are applied.
    """

    def __init__(self, root: etree._Element, structure: Structure | None, today: dt.date) -> None:
        self.root = root
        self.structure = structure
        self.today = today
        self._by_name: dict[str, list[etree._Element]] | None = None
        self._children: dict[etree._Element, dict[str, etree._Element]] = {}

    def named(self, *names: str) -> Iterator[etree._Element]:
        """All elements of these names, letter case aside, in document order per name."""
        if self._by_name is None:
            self._by_name = {}
            for element in self.root.iter(etree.Element):
                self._by_name.setdefault(_xml.local_name(element).casefold(), []).append(element)
        for name in names:
            yield from self._by_name.get(name.casefold(), ())

    def beside(self, element: etree._Element, *names: str) -> etree._Element | None:
        """The first sibling of one of these names, letter case aside; the names are asked in their order."""
        parent = element.getparent()
        if parent is None:
            return None
        children = self._children.get(parent)
        if children is None:  # the siblings of a long list ask for the same ones, each in its turn
            children = self._children[parent] = {}
            for child in _xml.elements(parent):
                children.setdefault(_xml.local_name(child).casefold(), child)
        return next((children[name] for name in map(str.casefold, names) if name in children), None)

    @staticmethod
    def text(element: etree._Element) -> str:
        """The text of a leaf, or of the first ``value`` of a code."""
        first = next(_xml.elements(element), None)
        return _xml.text_of(element if first is None else first).strip()

    def warning(self, id: str, element: etree._Element, **more: object) -> Draft:
        """A warning at ``element``; ``more`` are fields of a finding: ``got``, ``value``, ``expected``, ``params``, ``fix``."""
        return Draft(id, element, path_of(element, self.root), severity=Severity.WARNING, **more)  # type: ignore[arg-type]  # fields of Draft by name


Rule = Callable[[Subject], Iterable[Draft]]


def _own_rules() -> dict[str, Rule]:
    from eessi.schemas import rules_codes, rules_dates, rules_numbers, rules_wire

    return {
        "DOC-ATTRIBUTES": rules_wire.root_attributes,
        "RUL-PERIOD": rules_dates.period_order,
        "RUL-BIRTH": rules_dates.birth_in_future,
        "RUL-COUNTRY": rules_wire.country_spelling,
        "RUL-CODE-DAY": rules_codes.code_in_use,
        "RUL-INSTITUTION": rules_wire.institution_id,
        "RUL-PIN": rules_numbers.personal_number,
        "RUL-IBAN": rules_numbers.iban,
        "RUL-BIC": rules_numbers.bic,
    }


OWN_RULES: Final = (
    "DOC-ATTRIBUTES",
    "RUL-PERIOD",
    "RUL-BIRTH",
    "RUL-COUNTRY",
    "RUL-CODE-DAY",
    "RUL-INSTITUTION",
    "RUL-PIN",
    "RUL-IBAN",
    "RUL-BIC",
)
"""Ids of the rules that ship with the toolkit; each has a row in the message table."""


@functools.cache
def rules_by_entry_point() -> tuple[tuple[str, Rule | str], ...]:
    """Id and function of the rules that other distributions add; a text where one cannot be loaded."""
    from importlib.metadata import entry_points

    found: list[tuple[str, Rule | str]] = []
    for point in sorted(entry_points(group=GROUP), key=lambda point: point.name):
        try:
            found.append((point.name, point.load()))
        except Exception as error:  # noqa: BLE001  # foreign code: whatever it raises must not stop the others
            found.append((point.name, Phrase("cannot be loaded: {error}", error=type(error).__name__)))
    return tuple(found)


def apply_rules(
    root: etree._Element,
    structure: Structure | None,
    *,
    data: bytes | None = None,
    today: dt.date | None = None,
    rules: Iterable[tuple[str, Rule | str]] | None = None,
) -> tuple[tuple[Finding, ...], tuple[NotChecked, ...]]:
    """Apply all rules to a document.

    :param today: the day for rules that need one; the day of the call unless told.
    :param rules: ids and functions; ours and those of the entry points unless told.
    :returns: the findings in document order, and what could not be checked.
    """
    subject = Subject(root, structure, today or dt.date.today())
    chosen = (*_own_rules().items(), *rules_by_entry_point()) if rules is None else rules
    drafts: list[Draft] = []
    not_checked: list[NotChecked] = []
    for id, rule in chosen:
        if isinstance(rule, str):
            not_checked.append(NotChecked(Phrase("rule {id}", id=id), rule))
            continue
        try:
            drafts += rule(subject)
        except RuleCannotCheck as error:
            not_checked.append(NotChecked(Phrase("rule {id}", id=id), error.args[0] if error.args else ""))
        except Exception as error:  # noqa: BLE001  # a broken rule is a rule that was not checked
            not_checked.append(
                NotChecked(Phrase("rule {id}", id=id), Phrase("it stopped: {error}", error=type(error).__name__))
            )
    return finish(drafts, root, data), tuple(not_checked)
