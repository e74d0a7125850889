"""Run in a process of its own: load a copy and die by SIGKILL at a chosen point of the work.

``python -m tests.directory.killed_load STORE FILE POINT``: POINT counts records read, database statements (before and
after each) and commits; 0 never dies and prints how many there were.
"""

from __future__ import annotations

import os
import signal
import sys
from itertools import count

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from eessi.directory import intake
from eessi.directory.store import DirectoryStore
from eessi.directory.syn001 import Record


def main(place: str, file: str, point: int) -> None:
    counter = count(1)
    seen = 0

    def step(*_: object) -> None:
        nonlocal seen
        seen = next(counter)
        if seen == point:
            os.kill(os.getpid(), signal.SIGKILL)

    with DirectoryStore.open(place) as store:
        for event in ("before_cursor_execute", "after_cursor_execute", "commit"):
            sa.event.listen(Engine, event, step)
        body_of = intake.body_of

        def counted(record: Record) -> bytes:
            step()
            return body_of(record)

        intake.body_of = counted
        store.load(file, by="test")
    print(seen)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
