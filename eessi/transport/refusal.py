"""Why a message is refused, in the codes of ebMS."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import attrs

from eessi.errors import EessiError, UnknownCode

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["EbmsCode", "Refused", "all_codes", "ebms_code"]


@attrs.frozen(slots=True)
class EbmsCode:
    """One row of ``data/errors.toml``.

    :param name: the short description that stands on the wire, ``FailedAuthentication``.
    :param severity: ``failure`` or ``warning``.
    """

    code: str
    name: str
    severity: str
    category: str
    text: str


@functools.cache
def _rows() -> Mapping[str, EbmsCode]:
    import tomllib
    from importlib.resources import files

    table = tomllib.loads(files("eessi.transport").joinpath("data", "errors.toml").read_text(encoding="utf-8"))
    return {
        code: EbmsCode(code, row["name"], row["severity"], row["category"], row["text"]) for code, row in table.items()
    }


def all_codes() -> tuple[EbmsCode, ...]:
    """All rows of the table, in the order of their codes."""
    return tuple(_rows().values())


def ebms_code(code: str) -> EbmsCode:
    """The row of ``code``, written ``EBMS:0101`` or ``0101``.

    :raises UnknownCode: for a code outside the table.
    """
    wanted = code if code.startswith("EBMS:") else f"EBMS:{code}"
    try:
        return _rows()[wanted]
    except KeyError:
        raise UnknownCode("ebMS error code", code) from None


class Refused(EessiError):
    """A message from outside is not acceptable.

    :param code: the ebMS error that it deserves, ``EBMS:0101``.
    :param detail: one line, without personal data and, for decryption, without any cause.
    :param finding: id of the finding that explains the rule.
    """

    exit_code = 1

    def __init__(self, code: str, detail: str, *, finding: str) -> None:
        self.code = ebms_code(code).code
        self.detail = detail
        self.finding = finding
        super().__init__(f"{self.code} {ebms_code(code).name}: {detail}")
