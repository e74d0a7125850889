"""What a reader repairs, reports or refuses, said once per record and never swallowed.

Each kind is a row of the message catalogue (``DIR-...``). Repaired and reported defects are warnings or notes; a refused
record is an error: it is not part of the directory that was read.
"""

from __future__ import annotations

from collections.abc import Iterator

import attrs

from eessi.findings import Finding, Severity

__all__ = ["Defects"]

_MOST = 100_000
"""Findings kept; a copy with more is damaged as a whole and the last finding says so."""


@attrs.define(slots=True)
class Defects:
    """Collects the findings of one reading; the same defect of one record is counted, not repeated.

    ``refused`` counts the records left out, ``total`` every defect met, repeated ones too.
    """

    refused: int = 0
    total: int = 0
    dropped: int = 0
    _counted: dict[tuple[str, str, str], list[object]] = attrs.field(factory=dict)

    def report(
        self, id: str, path: str, got: str = "", *, expected: str = "", severity: Severity = Severity.WARNING
    ) -> None:
        """Note a defect of the record at ``path``; ``got`` is a code or a form, never a person's data."""
        self.total += 1
        key = (id, path, got)
        seen = self._counted.get(key)
        if seen is not None:
            seen[0] = int(str(seen[0])) + 1
        elif len(self._counted) >= _MOST:
            self.dropped += 1
        else:
            self._counted[key] = [1, expected, severity]

    def note(self, id: str, path: str, got: str = "", *, expected: str = "") -> None:
        """Note something harmless that was folded while reading."""
        self.report(id, path, got, expected=expected, severity=Severity.INFO)

    def refuse(self, id: str, path: str, got: str = "", *, expected: str = "") -> None:
        """Note a record, or a part of one, that is left out."""
        self.refused += 1
        self.report(id, path, got, expected=expected, severity=Severity.ERROR)

    def __iter__(self) -> Iterator[Finding]:
        for (id, path, got), (count, expected, severity) in self._counted.items():
            yield Finding(
                id,
                severity=Severity(str(severity)),
                path=path or None,
                got=got or None,
                expected=(str(expected),) if expected else (),
                params={"count": str(count)},
            )
        if self.dropped:
            yield Finding("DIR-TOO-MANY", params={"count": str(self.dropped)})

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Everything noted so far, in the order first met."""
        return tuple(self)
