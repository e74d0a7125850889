"""Several engines and doubles joined in one process, for tests and demonstrations: addresses are plain names."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

from eessi.octets import Octets
from eessi.transport.wire import Answer, Unreachable

__all__ = ["LocalWire"]

Handler = Callable[[Octets, str, dt.datetime], Answer]


class LocalWire:
    """A :class:`~eessi.transport.wire.Wire` inside the process. Addresses begin with ``local://``.

    :param clock: the time that handlers are given.
    """

    def __init__(self, clock: Callable[[], dt.datetime]) -> None:
        self.clock = clock
        self.handlers: dict[str, Handler] = {}
        self.requests: list[tuple[str, str, Octets]] = []

    def serve(self, url: str, handler: Handler) -> None:
        """Let ``handler`` answer at ``url``."""
        self.handlers[url] = handler

    def post(self, url: str, content_type: str, body: Octets) -> Answer:
        """Call the handler of ``url``.

        :raises Unreachable: when nobody serves it.
        """
        self.requests.append((url, content_type, body))
        if url not in self.handlers:
            raise Unreachable(f"nobody answers at {url}", maybe_sent=False)
        return self.handlers[url](body, content_type, self.clock())
