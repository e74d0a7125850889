"""What an HTTP edge looks like from inside: a request out, an answer back."""

from __future__ import annotations

from typing import Protocol

import attrs

from eessi.errors import TransportError
from eessi.octets import Octets

__all__ = ["Answer", "Unreachable", "Wire"]


@attrs.frozen(slots=True)
class Answer:
    """An HTTP answer: what came back for a request of ours, or what we give back."""

    status: int
    content_type: str = ""
    body: Octets = attrs.field(default=b"", repr=False)


class Unreachable(TransportError):
    """A request that got no answer.

    :param maybe_sent: whether the other side may have it all the same (a time-out after the body went out).
    """

    def __init__(self, message: str, *, maybe_sent: bool) -> None:
        self.maybe_sent = maybe_sent
        super().__init__(message)


class Wire(Protocol):
    """Sends one request and waits for its answer."""

    def post(self, url: str, content_type: str, body: Octets) -> Answer:
        """Post ``body``.

        :raises Unreachable: when no answer came.
        """
        ...
