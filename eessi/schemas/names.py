"""File names of official schemas, both ways.

A SED schema is ``S071-4.4.xsd`` or, with patch level and time of release, ``S071-4.4.0-20241203T114212.xsd``. The schema of
one process step is ``<BUC>-<bucVersion>-<senderRole>-<receiverRole>-<CaseAction>-<SED>-<version>.xsd``, for example
``P_BUC_05-1.0-CaseOwner-Counterparty-New-P4000-1.0.xsd`` (seen in documents; CDM wire facts, section 8).
"""

from __future__ import annotations

import re
from typing import Self

import attrs

from eessi.errors import UnknownCode, UsageError
from eessi.ids import Action, BucId, CdmVersion, Role, SedType

__all__ = ["SedFileName", "TransactionName"]

_SED_FILE = re.compile(
    r"(?P<sed>[A-Za-z]{1,3}[0-9]{3,5}[A-Za-z]{0,2})[-_]v?(?P<version>[0-9]{1,4}[._][0-9]{1,4}(?:[._][0-9]{1,4})?)"
    r"(?:-(?P<released>[0-9]{8}T[0-9]{6}))?"
)
_TRANSACTION = re.compile(
    r"(?P<buc>[A-Za-z]+(?:_[A-Za-z]+)*_[0-9A-Za-z]{1,12})-(?P<buc_version>[0-9.]+)-(?P<sender>[A-Za-z]+)-"
    r"(?P<receiver>[A-Za-z]+)-(?P<action>[A-Za-z]+)-(?P<sed>[A-Za-z]{1,3}[0-9]{3,5}[A-Za-z]{0,2})-(?P<version>[0-9.]+)"
)


def _stem(name: str) -> str:
    base = name.replace("\\", "/").rpartition("/")[2]
    return base[:-4] if base.lower().endswith(".xsd") else base


@attrs.frozen(slots=True)
class SedFileName:
    """Name of a SED schema file: code, version, and the time of release where the name tells it."""

    sed: SedType
    version: CdmVersion
    released: str | None = None

    @classmethod
    def parse(cls, name: str) -> Self:
        """Read a file name, with or without folder and ``.xsd``.

        :raises UsageError: when the name has not that form.
        """
        found = _SED_FILE.fullmatch(_stem(name))
        if not found:
            raise UsageError(f"{name!r} is not the name of a SED schema; such a name looks like S071-4.4.xsd")
        return cls(SedType(found["sed"].upper()), CdmVersion.parse(found["version"]), found["released"])

    def __str__(self) -> str:
        return f"{self.sed}-{self.version}" + (f"-{self.released}" if self.released else "") + ".xsd"


@attrs.frozen(slots=True)
class TransactionName:
    """Name of a transaction schema: which step of which process, sent by whom to whom, with which SED."""

    buc: BucId
    buc_version: str
    sender: Role
    receiver: Role
    action: Action
    sed: SedType
    version: str

    @classmethod
    def parse(cls, name: str) -> Self:
        """Read a file name, with or without folder and ``.xsd``; roles and actions in any known spelling.

        :raises UsageError: when the name has not that form.
        """
        found = _TRANSACTION.fullmatch(_stem(name))
        try:
            if not found:
                raise UnknownCode("form", name)
            return cls(
                BucId(found["buc"]),
                found["buc_version"],
                Role.parse(found["sender"]),
                Role.parse(found["receiver"]),
                Action.parse(found["action"]),
                SedType(found["sed"]),
                found["version"],
            )
        except UnknownCode as error:
            reason = f": {error}" if found else ""
            raise UsageError(f"{name!r} is not the name of a transaction schema{reason}") from None

    def __str__(self) -> str:
        return (
            f"{self.buc}-{self.buc_version}-{self.sender}-{self.receiver}-{self.action}-{self.sed}-{self.version}.xsd"
        )
