"""The closed list of reasons for leaving an institution out of a look-up (``data/reasons.toml``)."""

from __future__ import annotations

import datetime as dt
import enum
import functools
from importlib.resources import files

import attrs

from eessi.directory.records import Institution
from eessi.ids import BucId

__all__ = ["LeftOut", "Reason"]


class Reason(enum.StrEnum):
    """Why an institution is not among the matches; rows of ``data/reasons.toml``, in the order they are tried."""

    NOT_COMPETENT = "not-competent"
    OTHER_ROLE = "other-role"
    ROUTING_ONLY = "routing-only"
    NOT_YET = "not-yet"
    NO_LONGER = "no-longer"
    NOT_READY = "not-ready"
    OTHER_ENVIRONMENT = "other-environment"
    NO_ENDPOINT = "no-endpoint"
    CERTIFICATE_NOT_YET = "certificate-not-yet"
    CERTIFICATE_EXPIRED = "certificate-expired"
    NAME_DIFFERS = "name-differs"

    @property
    def mend(self) -> str:
        """What to do about it."""
        return _rows()[self.value]["mend"]


@attrs.frozen(slots=True)
class LeftOut:
    """An institution that is no match, and the first reason that is true.

    :param detail: the part the reason speaks of (``the competence``, ``the access point DE:APDE01``, a role).
    :param day: the day the reason turns on: first day covered, first day no longer covered.
    """

    institution: Institution
    reason: Reason
    buc: BucId
    detail: str = ""
    day: dt.date | None = None

    @property
    def text(self) -> str:
        """One sentence without its subject: ``is competent for LA_BUC_02 but not ready ...``."""
        words = {"buc": self.buc, "detail": self.detail, "day": self.day.isoformat() if self.day else "(unknown)"}
        return _rows()[self.reason.value]["text"].format_map(words)


@functools.cache
def _rows() -> dict[str, dict[str, str]]:
    import tomllib

    text = files("eessi.directory").joinpath("data", "reasons.toml").read_text(encoding="utf-8")
    return {row["id"]: row for row in tomllib.loads(text)["reason"]}
