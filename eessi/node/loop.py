"""One process that does all the work of a node, until it is told to stop: send, pull, apply, and what time brings."""

from __future__ import annotations

import datetime as dt
import logging
import threading
import time

from eessi.node.log import error_of, write_line
from eessi.node.node import Node
from eessi.node.timers import tick
from eessi.stores import Unit

__all__ = ["Loop"]

_TICK: float = 60.0


class Loop:
    """The work of one node in one process.

    :param pause: seconds between two looks when there is nothing to do.
    """

    def __init__(self, node: Node, *, pause: float = 1.0) -> None:
        self.node, self.pause = node, pause
        self._stopping = False
        self._wake = threading.Event()
        self._beat = time.monotonic()
        self._ticked = -_TICK
        node.engine.inbox.arrived = self._arrived

    def _arrived(self, unit: Unit, message_id: str, conversation_id: str) -> None:
        self._wake.set()

    def stop(self) -> None:
        """Finish the step in hand and return, after a pause at most; for signal handlers and other threads."""
        self._stopping = True

    def idle_seconds(self) -> float:
        """Seconds since the loop last began a step; a loop that hangs in one grows old."""
        return time.monotonic() - self._beat

    def run(self, *, once: bool = False) -> None:
        """Work until stopped or, with ``once``, until nothing was left to do for three pauses.

        A step that fails is written down and tried again after a pause; it never ends the loop.
        """
        write_line("started", {"tenant": self.node.tenant})
        quiet_since = time.monotonic()
        while not self._stopping:
            self._beat = time.monotonic()
            if self._step():
                quiet_since = time.monotonic()
                continue
            if once and time.monotonic() - quiet_since > 3 * self.pause:
                break
            self._wake.wait(self.pause)
            self._wake.clear()
        write_line("stopped", {"tenant": self.node.tenant})

    def _step(self) -> bool:
        try:
            self._tick()
            return self.node.step()
        except Exception as error:  # noqa: BLE001  # one step must not end the work; its kind and place are written down
            write_line("failed", {"tenant": self.node.tenant, **error_of(error)}, level=logging.ERROR)
            return False

    def _tick(self) -> None:
        if time.monotonic() - self._ticked < _TICK:
            return
        self._ticked = time.monotonic()
        now: dt.datetime = self.node.clock()
        told = tick(self.node.store, now, tenant=self.node.tenant)
        if told:
            write_line("reminded", {"tenant": self.node.tenant, "count": told})
