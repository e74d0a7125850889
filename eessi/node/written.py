"""Documents that a node writes by itself, on request: who writes them is an argument, since official ones are the user's."""

from __future__ import annotations

from typing import Protocol

from eessi.buc import Case
from eessi.ids import InstitutionId, SedType
from eessi.sed import Sed, build

__all__ = ["WriteDocument", "sandbox_document"]


class WriteDocument(Protocol):
    """Writes the document of a type for a case; ``about`` is the institution that it concerns (X006), where one is."""

    def __call__(self, sed: SedType, case: Case, about: InstitutionId | None) -> Sed: ...


def sandbox_document(sed: SedType, case: Case, about: InstitutionId | None) -> Sed:
    """A document of the sandbox, for tests and demonstrations; it never leaves this machine.

    Where official documents name an institution that leaves is not public, so none is written here.
    """
    body = {} if about is None else {"Institution": {"institutionID": str(about), "institutionName": str(about)}}
    return build(str(sed), body, version="1.0")
