"""Where the access-point double keeps what it has taken and not yet passed on: nowhere but in memory, or in a folder.

One file per message: a line that says what it is, then its bytes as they came. A file stands there whole or not at all, and
before its sender is told that the message was taken. How far a message has come is not kept: after a restart it is passed on
from the start, and whoever had it already knows it by its id.
"""

from __future__ import annotations

import datetime as dt
import json
import os
from collections.abc import Iterator
from pathlib import Path

import attrs

from eessi.octets import LARGE, PIECE, Bulk, Octets, pieces_of

__all__ = ["Held", "Shelf"]


@attrs.define(slots=True, eq=False)
class Held:
    """A message on its way through."""

    data: Octets
    content_type: str
    receiver: str
    message_id: str
    due: dt.datetime
    expects_receipt: bool = True
    in_flight_until: dt.datetime | None = None
    attempts: int = 0
    file: Path | None = None


class Shelf:
    """A folder of messages.

    :param folder: made where it is not there; one double alone uses it.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        for left in folder.glob("*.part"):
            left.unlink()
        self._last = max((int(one.stem) for one in folder.glob("*.held")), default=0)

    def put(self, held: Held) -> None:
        """Keep a message; durable when this returns."""
        self._last += 1
        file, part = (self._folder / f"{self._last:012}{end}" for end in (".held", ".part"))
        about = {
            "content_type": held.content_type,
            "receiver": held.receiver,
            "message_id": held.message_id,
            "due": held.due.isoformat(),
            "expects_receipt": held.expects_receipt,
        }
        with part.open("wb") as stream:
            stream.write(json.dumps(about).encode() + b"\n")
            for piece in pieces_of(held.data):
                stream.write(piece)
            stream.flush()
            os.fsync(stream.fileno())
        part.replace(file)
        held.file = file

    def drop(self, held: Held) -> None:
        """Let go of a message that was passed on."""
        if held.file is not None:
            held.file.unlink(missing_ok=True)

    def held(self) -> Iterator[Held]:
        """The messages kept, oldest first."""
        for file in sorted(self._folder.glob("*.held")):
            lying = Bulk.of(file)
            head = lying[:PIECE].partition(b"\n")[0]
            body = lying.cut(len(head) + 1, len(lying))
            about = json.loads(head)
            about["due"] = dt.datetime.fromisoformat(about["due"])
            yield Held(body if len(body) >= LARGE else bytes(body), file=file, **about)
