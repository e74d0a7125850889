"""SYN002, the request for a copy, and the open slots for SYN003 to SYN005.

Of SYN002 one value is public, the version the asker has; of the other three nothing but their purpose, so their readers
are plugged in by whoever knows more. Source: directory facts, section 7 (``data/system_messages.toml``).
"""

from __future__ import annotations

import enum
import functools
import json
from collections.abc import Callable, Mapping
from importlib.resources import files

import attrs

from eessi.directory.days import CopyVersion
from eessi.errors import InputError, UnknownCode, UsageError
from eessi.ids import nearest

__all__ = ["Action", "SystemMessage", "SystemMessages", "action_for", "read_request", "request", "system_messages"]


@attrs.frozen(slots=True)
class SystemMessage:
    """What is known of a system message. ``content`` is ``read``, ``request`` or ``open``."""

    code: str
    purpose: str
    sender: str
    receiver: str
    content: str


@functools.cache
def system_messages() -> Mapping[str, SystemMessage]:
    """All system messages by code."""
    import tomllib

    text = files("eessi.directory").joinpath("data", "system_messages.toml").read_text(encoding="utf-8")
    return {row["code"]: SystemMessage(**row) for row in tomllib.loads(text)["message"]}


class Action(enum.StrEnum):
    """What to do after asking for a copy."""

    UPDATE = "UPDATE"
    NONE = "NONE"
    RETRY = "RETRY"


def request(current_version: str) -> dict[str, object]:
    """The SYN002 that asks for a newer copy than ``current_version``, as a RINA client hands it over.

    Newer RINA versions send the newest full copy whatever version is named; name the one installed all the same.
    """
    return {"initialDocument": {"SYN002": {"RequestForIRSync": {"currentVersion": current_version}}}}


def read_request(data: bytes | str) -> str:
    """The version named by a SYN002 request.

    :raises InputError: when it is no such request.
    """
    try:
        version = json.loads(data)["initialDocument"]["SYN002"]["RequestForIRSync"]["currentVersion"]
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"this is no SYN002 request: {type(error).__name__}") from None
    if not isinstance(version, str):
        raise InputError("this is no SYN002 request: the version is no text")
    return version


def action_for(installed: str | None, available: str | None) -> Action:
    """What to do: update when a newer copy is there, try again when it is not known, nothing otherwise.

    Versions are compared by number: 4.10.0 is newer than 4.9.0; suffix and build part do not count.
    """
    unknown = (None, "", "UNKNOWN")
    if available in unknown:
        return Action.RETRY
    if installed in unknown:
        return Action.UPDATE
    return Action.UPDATE if CopyVersion(str(installed)) < CopyVersion(str(available)) else Action.NONE


@attrs.frozen(slots=True)
class SystemMessages:
    """Readers of system messages, by code. Immutable: adding one returns a new set."""

    readers: Mapping[str, Callable[[bytes], object]] = attrs.field(factory=dict)

    def with_reader(self, code: str, reader: Callable[[bytes], object]) -> SystemMessages:
        """The same readers and one more, for an open slot.

        :raises UnknownCode: for a code that is no system message.
        :raises UsageError: for a message the toolkit reads itself.
        """
        if self._message(code).content != "open":
            raise UsageError(f"{code} is read by the toolkit itself")
        return SystemMessages({**self.readers, code: reader})

    def read(self, code: str, data: bytes) -> object:
        """The content of a message: a :class:`Directory`, the version of a request, or what a plugged-in reader gives.

        :raises UnknownCode: for a code that is no system message.
        :raises UsageError: for an open slot without a reader.
        """
        message = self._message(code)
        if message.content == "read":
            from eessi.directory.directory import Directory

            return Directory.load(data)
        if message.content == "request":
            return read_request(data)
        if code not in self.readers:
            raise UsageError(f"the content of {code} ({message.purpose}) is not public; plug in a reader for it")
        return self.readers[code](data)

    def _message(self, code: str) -> SystemMessage:
        found = system_messages().get(code)
        if found is None:
            raise UnknownCode("system message", code, nearest(code, system_messages()))
        return found
