"""The sentences a step of a scenario may be: a closed list of forms, read word by word.

A case worker writes them, so they are English; nothing in them is evaluated. Place holders below: ``FR`` is the name
of a party, ``A001`` the code of a SED or the name that the scenario gave to a document.

=====================================================  ==============================================================
sentence                                               meaning
=====================================================  ==============================================================
FR sends A001 to BE                                    build, check, send, receive, check again; both cases advance
FR sends A001 to BE, DE                                the same document to several parties
FR sends A001 to BE with request.yaml                  its data from a template beside the scenario
FR replies to A001 of BE with A011                     a reply; written also ``BE sends A011 to FR in reply to A001``
FR updates A001                                        the next version of a document, to the parties that have it
FR may send A002 · FR may not send A002 [because …]    what the party's own case says now
FR may not send A002 before 2026-05-01                 ... and the earliest day it says otherwise
FR closes the case · FR reopens the case               the party closes or reopens its own copy
BE leaves the directory                                from today on it can no longer be addressed
after 60 days · on 2026-03-01                          the clock moves
FR is open · FR is closed · FR is closed locally       state of the party's own copy of the case
FR has A001 · FR has no A001                           documents in the party's case
expect refused because … · expect rejected because …   how the step before ends
expect valid · expect undetermined · expect invalid    what the check of the step before says
=====================================================  ==============================================================
"""

from __future__ import annotations

import datetime as dt
import re
from typing import Final

import attrs

from eessi.errors import UsageError

__all__ = ["FORMS", "Expect", "Has", "Is", "Leave", "Local", "May", "Pass", "Send", "Sentence", "read"]


@attrs.frozen(slots=True)
class Send:
    """``sender`` sends ``document`` to ``receivers``; ``action`` is ``send`` or ``update``; ``reply_to`` names a document."""

    sender: str
    document: str
    receivers: tuple[str, ...] = ()
    reply_to: str | None = None
    action: str = "send"
    template: str | None = None


@attrs.frozen(slots=True)
class May:
    """``party`` may, or may not, send ``document`` now; with the reason or the earliest day expected."""

    party: str
    document: str
    allowed: bool
    because: str | None = None
    before: dt.date | None = None


@attrs.frozen(slots=True)
class Local:
    """``party`` does something to its own copy of the case only: ``close``, ``reopen``, ``archive`` or ``restore``."""

    party: str
    what: str


@attrs.frozen(slots=True)
class Leave:
    """The institution of ``party`` ends in the directory today."""

    party: str


@attrs.frozen(slots=True)
class Pass:
    """Time passes: ``by`` a span, or ``until`` a day."""

    by: dt.timedelta | None = None
    months: int = 0
    until: dt.date | None = None


@attrs.frozen(slots=True)
class Is:
    """The case of ``party`` is in ``state``."""

    party: str
    state: str


@attrs.frozen(slots=True)
class Has:
    """``party`` has, or has not, ``document`` in its case."""

    party: str
    document: str
    present: bool


@attrs.frozen(slots=True)
class Expect:
    """How the step before ends: ``refused`` (it never left), ``rejected`` (the receiver did not take it), or a verdict."""

    ending: str
    because: str | None = None


Sentence = Send | May | Local | Leave | Pass | Is | Has | Expect

_WORD = r"[A-Za-z][A-Za-z0-9_-]*"
_LIST = rf"{_WORD}(?:(?:, | and ){_WORD})*"

_FORMS: Final[tuple[tuple[str, str], ...]] = (
    (
        "send",
        rf"(?P<party>{_WORD}) sends (?P<doc>{_WORD})(?: to (?P<to>{_LIST}))?"
        rf"(?: in reply to (?P<reply>{_WORD}))?(?: with (?P<file>\S+))?",
    ),
    ("reply", rf"(?P<party>{_WORD}) replies to (?P<reply>{_WORD}) of (?P<to>{_WORD}) with (?P<doc>{_WORD})"),
    ("update", rf"(?P<party>{_WORD}) updates (?P<doc>{_WORD})"),
    (
        "may",
        rf"(?P<party>{_WORD}) may (?P<no>not )?send (?P<doc>{_WORD})"
        r"(?: before (?P<day>[0-9-]+))?(?: because (?P<why>.+))?",
    ),
    ("local", rf"(?P<party>{_WORD}) (?P<what>closes|reopens|archives|restores) the case"),
    ("leave", rf"(?P<party>{_WORD}) leaves the directory"),
    ("after", r"after (?P<count>[0-9]+) (?P<unit>minute|hour|day|week|month|year)s?"),
    ("on", r"on (?P<day>[0-9]{4}-[0-9]{2}-[0-9]{2})"),
    ("is", rf"(?P<party>{_WORD}) is (?P<state>new|open|closed locally|closed|archived|forwarded|left|deleted)"),
    ("has", rf"(?P<party>{_WORD}) has (?P<no>no )?(?P<doc>{_WORD})"),
    ("expect", r"expect (?P<ending>refused|rejected|valid|invalid|undetermined)(?: because (?P<why>.+))?"),
)

FORMS: Final = tuple(f"^{re.sub(r'[?]P<[a-z]+>', '', form)}$" for _, form in _FORMS)
"""The forms as regular expressions, for the published JSON Schema."""

_COMPILED: Final = tuple((name, re.compile(form)) for name, form in _FORMS)

_SPAN: Final = {
    "minute": dt.timedelta(minutes=1),
    "hour": dt.timedelta(hours=1),
    "day": dt.timedelta(days=1),
    "week": dt.timedelta(weeks=1),
}

_START: Final = {
    "send": "FR sends A001 to BE",
    "sends": "FR sends A001 to BE",
    "may": "FR may not send A002",
    "replies": "BE replies to A001 of FR with A011",
    "updates": "FR updates A001",
    "closes": "FR closes the case",
    "leaves": "BE leaves the directory",
    "after": "after 60 days",
    "wait": "after 60 days",
    "on": "on 2026-03-01",
    "is": "FR is closed",
    "has": "BE has A001",
    "expect": "expect refused because SCH-MISSING",
}


def read(text: str) -> Sentence:
    """Read one sentence.

    :raises UsageError: when it has none of the forms above; the message shows the nearest one.
    """
    words = " ".join(text.split())
    for name, form in _COMPILED:
        found = form.fullmatch(words)
        if found:
            return _build(name, found.groupdict())
    raise UsageError(f"this step is not understood: {words!r}; {_suggest(words)}")


def _suggest(words: str) -> str:
    known = next((_START[word] for word in words.split()[:3] if word in _START), None)
    return f"the form is: {known}" if known else "a step looks like: FR sends A001 to BE"


def _build(name: str, part: dict[str, str | None]) -> Sentence:
    text = {key: value or "" for key, value in part.items()}
    match name:
        case "send" | "reply" | "update":
            receivers = tuple(re.split(r", | and ", text["to"])) if text.get("to") else ()
            action = "update" if name == "update" else "send"
            return Send(text["party"], text["doc"], receivers, part.get("reply"), action, part.get("file"))
        case "may":
            before = _day(text["day"]) if text["day"] else None
            return May(text["party"], text["doc"], not text["no"], part["why"], before)
        case "local":
            return Local(text["party"], text["what"].removesuffix("s"))
        case "leave":
            return Leave(text["party"])
        case "after":
            return _span(int(text["count"]), text["unit"])
        case "on":
            return Pass(until=_day(text["day"]))
        case "is":
            return Is(text["party"], text["state"])
        case "has":
            return Has(text["party"], text["doc"], not text["no"])
        case _:
            return Expect(text["ending"], part["why"])


def _span(count: int, unit: str) -> Pass:
    if unit in ("month", "year"):
        return Pass(months=count * (12 if unit == "year" else 1))
    try:
        return Pass(by=count * _SPAN[unit])
    except OverflowError:
        raise UsageError(f"{count} {unit}s is longer than the calendar") from None


def _day(text: str) -> dt.date:
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{text!r} is not a day; write it like 2026-03-01") from None
