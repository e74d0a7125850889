"""What a running node writes down for its operators: one JSON object a line, ids only, never a person's data.

A line is made from a closed list of fields. No exception text and no text of another library is written, since neither
promises to leave out what a document says; the kind of an exception and the place where it was raised are.
"""

from __future__ import annotations

import datetime as dt
import json
import logging
import sys
from typing import IO, Final, TypedDict

__all__ = ["FIELDS", "JsonLines", "Line", "error_of", "log_to", "write_line"]

_LOGGER: Final = logging.getLogger("eessi.node")


class Line(TypedDict, total=False):
    """What a line may say beside moment, level and event. All of it are ids, words of ours, or numbers.

    ``rule`` is the id of a finding; ``error`` the kind of an exception and ``place`` where it was raised.
    """

    tenant: str
    case: str
    document: str
    message: str
    messages: list[str]
    sed: str
    version: int
    partner: str
    rule: str
    verdict: str
    worker: str
    count: int
    seconds: float
    code: int
    error: str
    place: str


FIELDS: Final = frozenset(Line.__annotations__)


def write_line(event: str, line: Line | None = None, *, level: int = logging.INFO) -> None:
    """Write a line to the logger ``eessi.node``; nothing happens where nobody listens.

    :raises TypeError: for a field that is not on the list.
    """
    fields = line or {}
    unknown = fields.keys() - FIELDS
    if unknown:
        raise TypeError(f"a line of the log has no field {', '.join(sorted(unknown))}")
    if _LOGGER.isEnabledFor(level):
        _LOGGER.log(level, event, extra={"eessi_fields": fields})


class JsonLines(logging.Formatter):
    """A record as one line of JSON. Of other loggers only name, level and the unfilled text are told."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, without its end."""
        line: dict[str, object] = {
            "at": dt.datetime.fromtimestamp(record.created, dt.UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
        }
        fields = getattr(record, "eessi_fields", None)
        if record.name == _LOGGER.name and fields is not None:
            line |= {"event": record.msg, **fields}
        else:
            line |= {"event": "library", "logger": record.name, "place": f"{record.module}:{record.lineno}"}
        if record.exc_info and record.exc_info[0] is not None:
            line |= error_of(record.exc_info[1])
        return json.dumps(line, ensure_ascii=False)


def error_of(error: BaseException | None) -> Line:
    """The kind of an exception and the place where it was raised, without its text."""
    if error is None:
        return {}
    found: Line = {"error": type(error).__name__}
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is not None:
        module = trace.tb_frame.f_globals.get("__name__", "?")
        found["place"] = f"{module}:{trace.tb_lineno}"
    return found


def log_to(stream: IO[str] | None = None, *, level: int = logging.INFO) -> logging.Handler:
    """Write our own lines from ``level`` on, and those of libraries from warnings on, to a stream; standard error by default.

    Returns the handler, to be removed from the root logger.
    """
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonLines())
    root = logging.getLogger()
    root.addHandler(handler)
    _LOGGER.setLevel(level)
    return handler
