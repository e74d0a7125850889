"""One problem, found once: where it is, what was met, what was expected, what to do."""

from __future__ import annotations

import enum
from collections.abc import Mapping

import attrs

from eessi.findings.phrases import said

__all__ = ["Finding", "Fix", "Severity"]


class Severity(enum.StrEnum):
    """How bad a finding is. Only an error makes a document invalid."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


@attrs.frozen(slots=True)
class Fix:
    """A change that a machine may apply: at ``path``, do ``action`` with ``value``.

    ``action`` is one of ``insert``, ``remove``, ``rename``, ``replace``, ``wrap``, ``unwrap``, ``move``.
    A ``wrap`` with a value like ``<Address>`` puts that element around the one at ``path`` and those behind it, ``count``
    in all, or as many as have its name. An ``unwrap`` with a value lets the elements of that name take the place of the
    one around them. ``determined`` is true when the original document follows from the damaged one, so that the fix
    gives it back.
    """

    action: str
    path: str
    value: str | None = None
    determined: bool = False
    count: int | None = None


@attrs.frozen(slots=True)
class Finding:
    """A finding with a stable id.

    :param id: ``SCH-MISSING``, ``DOC-NAMESPACE`` ...; the row of that id in ``messages/en.toml`` holds its texts,
        and ``eessi explain ID`` shows them.
    :param severity: only :attr:`Severity.ERROR` makes a document invalid.
    :param path: readable path without prefixes, ``S071/Person/PersonIdentification/sex``; lists by index, ``Address[2]``.
    :param line: line of the offending node, counted from 1; ``None`` where there is none.
    :param column: column of the offending node, counted from 1.
    :param got: what stood there, masked: codes and structure are shown, other text only by type and length. Where it is
        words rather than data it is a :class:`~eessi.findings.Phrase`, as are those of ``expected`` and ``params``.
    :param value: what stood there, unmasked. Never printed unless a person asks for values.
    :param expected: what would have been right, nearest first.
    :param params: values for the place holders of the text, free of personal data.
    :param reference: article, specification section or schema component behind the rule.
    """

    id: str
    severity: Severity = Severity.ERROR
    path: str | None = None
    line: int | None = None
    column: int | None = None
    got: str | None = None
    expected: tuple[str, ...] = ()
    params: Mapping[str, str] = attrs.field(factory=dict, hash=False)
    reference: str | None = None
    fix: Fix | None = None
    value: str | None = attrs.field(default=None, repr=False)

    def message(self, lang: str = "en") -> str:
        """The sentence that says what is wrong, in ``lang`` or, where that is missing, in English."""
        from eessi.findings.texts import text_of

        return text_of(self.id, "message", lang, self._values(lang))

    def hint(self, lang: str = "en") -> str | None:
        """What to do about it, in ``lang``; ``None`` where the table has no hint."""
        from eessi.findings.texts import text_of

        return text_of(self.id, "hint", lang, self._values(lang)) or None

    def _values(self, lang: str) -> dict[str, str]:
        name = (self.path or "").rpartition("/")[2]
        return {
            "path": self.path or "",
            "name": name,
            "got": said(self.got or "", lang),
            "expected": ", ".join(said(text, lang) for text in self.expected),
            **{key: said(text, lang) for key, text in self.params.items()},
        }
