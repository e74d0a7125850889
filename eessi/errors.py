"""Everything the toolkit raises on purpose.

::

    EessiError
    ├── UsageError             the caller asked for something that has no meaning
    │   ├── UnknownCode        no SED, BUC, country, role or message of that code
    │   └── MissingExtra       an optional part is not installed; the message names the extra
    ├── InputError             bytes that cannot be read at all: not XML or JSON, truncated, wrong encoding
    │   └── LimitExceeded      ... or larger, deeper or longer than the named limit allows
    ├── BrokenData             our side's data is broken
    │   ├── PackageError       a CDM package: missing file, wrong hash, schema that does not compile
    │   │   └── ContentChanged released content under a known version differs from what was released
    │   ├── DefinitionError    a BUC definition, scenario or other table, with file and key
    │   └── StoreError         a database or file store
    ├── ProcessError           a step that the process does not allow
    │   ├── NotAllowed         our own move; nothing was changed
    │   └── PeerViolation      the other side's move; carries the answer to send
    ├── SecurityError          a signature, certificate or coverage that is not acceptable
    └── TransportError         the remote side or the network failed

Each says in one line what happened, where, and what to do. None carries a person's data.
``exit_code`` is what the command returns for it.
"""

from __future__ import annotations

from typing import ClassVar

__all__ = [
    "BrokenData",
    "ContentChanged",
    "DefinitionError",
    "EessiError",
    "InputError",
    "LimitExceeded",
    "MissingExtra",
    "NotAllowed",
    "PackageError",
    "PeerViolation",
    "ProcessError",
    "SecurityError",
    "StoreError",
    "TransportError",
    "UnknownCode",
    "UsageError",
]


class EessiError(Exception):
    """Base of all errors raised on purpose. ``str(error)`` is one line: what, where, what to do."""

    exit_code: ClassVar[int] = 2


class UsageError(EessiError):
    """The caller asked for something that has no meaning (exit code 2)."""


class UnknownCode(UsageError, LookupError):
    """No such SED, BUC, role, country or message code.

    ``suggestion`` is the nearest known code, or ``None``.
    """

    def __init__(self, what: str, code: str, suggestion: str | None = None) -> None:
        self.what = what
        self.code = code
        self.suggestion = suggestion
        hint = f"; did you mean {suggestion}?" if suggestion else ""
        super().__init__(f"unknown {what} {code!r}{hint}")


class MissingExtra(UsageError, ImportError):
    """An optional part of the toolkit is not installed."""

    def __init__(self, extra: str, purpose: str) -> None:
        self.extra = extra
        super().__init__(f"{purpose} needs an optional part: pip install 'eessi-toolkit[{extra}]'")


class InputError(EessiError):
    """Input that cannot be read at all (exit code 4).

    ``source`` names the file or part, ``offset`` is the byte offset of the trouble where one is known,
    ``line`` the line.
    """

    exit_code = 4

    def __init__(
        self, message: str, *, source: str | None = None, offset: int | None = None, line: int | None = None
    ) -> None:
        self.reason = message
        self.source = source
        self.offset = offset
        self.line = line
        super().__init__(message)

    def __str__(self) -> str:
        where = f"{self.source}: " if self.source else ""
        at = f" (byte {self.offset})" if self.offset is not None else f" (line {self.line})" if self.line else ""
        return f"{where}{self.reason}{at}"


class LimitExceeded(InputError):
    """Input over a named limit: size, depth, length, number of parts, compression ratio."""

    def __init__(
        self,
        message: str,
        *,
        limit: str,
        source: str | None = None,
        offset: int | None = None,
        line: int | None = None,
    ) -> None:
        self.limit = limit
        super().__init__(message, source=source, offset=offset, line=line)


class BrokenData(EessiError):
    """Data on our own side is broken (exit code 5)."""

    exit_code = 5


class PackageError(BrokenData):
    """A CDM package cannot be used: missing or unreadable file, wrong hash, schema that does not compile."""


class ContentChanged(PackageError):
    """Released content under a known version differs from what was released before."""


class DefinitionError(BrokenData):
    """A table of ours or of the user's is broken.

    ``file`` and ``key`` say where.
    """

    def __init__(self, message: str, *, file: str | None = None, key: str | None = None) -> None:
        self.file = file
        self.key = key
        where = ": ".join(part for part in (file, key) if part)
        super().__init__(f"{where}: {message}" if where else message)


class StoreError(BrokenData):
    """A database or file store cannot be used."""


class ProcessError(EessiError):
    """A step that the process does not allow (exit code 1)."""

    exit_code = 1


class NotAllowed(ProcessError):
    """Our own move is not allowed now; nothing was changed. ``rule`` is the id of the rule that forbids it."""

    def __init__(self, message: str, *, rule: str | None = None) -> None:
        self.rule = rule
        super().__init__(message)


class PeerViolation(ProcessError):
    """The other side broke the process. ``answer`` is the SED code to send back (X011, X050 ...), if any."""

    def __init__(self, message: str, *, rule: str | None = None, answer: str | None = None) -> None:
        self.rule = rule
        self.answer = answer
        super().__init__(message)


class SecurityError(EessiError):
    """A signature, certificate or coverage is not acceptable (exit code 1)."""

    exit_code = 1


class TransportError(EessiError):
    """The remote side or the transport failed (exit code 6)."""

    exit_code = 6
