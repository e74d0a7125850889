"""Two institutions over stores that outlive them, killed at a point of their choice: run by ``test_crash.py``.

``crash_runner.py URL-A URL-B MESSAGES POINT...``: for each point a fresh pair of tenants, a child that is killed with
SIGKILL there, a look at what is stored, and a second child that finishes. Prints one JSON line per point. Point 0 kills
nobody and tells how many points there are.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import random
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from eessi.ids import InstitutionId
from eessi.octets import LARGE
from eessi.stores import Store, Unit
from eessi.stores.mail import MailRows, moment_key
from eessi.transport import Parcel, Part, State
from eessi.transport.demo_keys import demo_key
from eessi.transport.engine import Engine
from eessi.transport.identity import FixedPartners, Identity, Partner
from eessi.transport.pmode import load_pmode
from eessi.transport.wire import Answer

FR, BE = InstitutionId("FR:0100000001"), InstitutionId("BE:0203980409")
WITH_SCAN = 2
SCAN = random.Random(1).randbytes(LARGE + 100_000)
"""What one message carries beside its document: too large to be stored in its row, and not to be compressed."""

START = dt.datetime(2026, 1, 5, 8, tzinfo=dt.UTC)
PMODE = load_pmode("eessi", {"multihop": {"enabled": False}, "receipt": {"pattern": "response"}, "retry": {"attempts": 50, "first_seconds": 1, "factor": 1, "circuit_failures": 1000}})  # fmt: skip


class Points:
    """Counts the moments at which a process may die, and dies at one."""

    def __init__(self, fatal: int) -> None:
        self.fatal, self.count = fatal, 0

    def here(self) -> None:
        self.count += 1
        if self.count == self.fatal:
            os.kill(os.getpid(), signal.SIGKILL)


class WatchedStore:
    """A store whose every transaction has three moments: before it, before its commit, after it."""

    def __init__(self, store: Store, points: Points) -> None:
        self.store, self.points = store, points
        self.read = store.read

    @contextmanager
    def begin(self, tenant: str) -> Iterator[Unit]:
        self.points.here()
        with self.store.begin(tenant) as unit:
            yield unit
            self.points.here()
        self.points.here()


def engines(urls: tuple[str, str], tenant: str, points: Points) -> tuple[Engine, Engine]:
    made: list[Engine] = []

    class Wire:
        def post(self, url: str, content_type: str, body: bytes) -> Answer:
            points.here()
            answer = made[1].take(body, content_type, START).answer
            points.here()
            return answer

    for url, me, other in zip(urls, (FR, BE), (BE, FR), strict=True):
        store = Store.open(url)
        store.create_tenant(tenant)
        partner = Partner(other, (demo_key(other).certificate,), f"local://{other}", simulated=True)
        watched = WatchedStore(store, points)
        made.append(Engine(watched, Identity(me, demo_key(me)), FixedPartners([partner]), PMODE, Wire(), tenant=tenant))  # type: ignore[arg-type]  # the same methods
    return made[0], made[1]


def work(urls: tuple[str, str], tenant: str, messages: int, points: Points, start: dt.datetime) -> None:
    """Submit what is not yet submitted, send, take in, hand over, until nothing is left."""
    sender, receiver = engines(urls, tenant, points)
    for number in range(messages):
        beside = (Part("scan", SCAN),) if number == WITH_SCAN else ()
        parcel = Parcel(FR, BE, f"<document>{number}</document>".encode(), beside, f"m-{number}", f"case-{number % 2}")
        sender.outbox.submit(parcel, start)
    moment = start

    def hand_over() -> bool:
        parcel = receiver.inbox.next()
        if parcel is None:
            return False
        parts = [part.data == SCAN for part in parcel.attachments]
        assert parts == ([True] if parcel.message_id == f"m-{WITH_SCAN}" else []), "not the part that was sent"
        with receiver.inbox.store.begin(tenant) as unit:
            MailRows(unit).note(parcel.message_id, moment_key(moment), "applied", parcel.payload.decode())
            receiver.inbox.delivered(parcel.message_id, moment, unit=unit)
        return True

    while True:
        busy = sender.send_one(moment)
        busy = hand_over() or busy
        with sender.outbox.store.read(tenant) as unit:
            left = next(MailRows(unit).outs("queued", "sending"), None)
        if not busy and left is None:
            return
        moment += dt.timedelta(minutes=6) if not busy else dt.timedelta(seconds=1)


def forked(*arguments: object) -> int:
    child = os.fork()
    if child == 0:
        try:
            work(*arguments)  # type: ignore[arg-type]  # as given
        except BaseException as error:  # noqa: BLE001  # a child must not run on into its parent's code
            print(repr(error), file=sys.stderr)
            os._exit(1)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    return -os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)


def looked_at(urls: tuple[str, str], tenant: str) -> dict[str, object]:
    with Store.open(urls[0]) as first, Store.open(urls[1]) as second:
        with first.read(tenant) as unit:
            rows = MailRows(unit)
            receipted = [row.message_id for row in rows.outs(State.RECEIPTED.value)]
            failed = [row.message_id for row in rows.outs(State.FAILED.value)]
        with second.read(tenant) as unit:
            rows = MailRows(unit)
            stored = {name: rows.received(name) is not None for name in receipted}
            applied = [row.message_id for row in rows.journal() if row.step == "applied"]
    return {"receipted": receipted, "failed": failed, "unstored": [name for name, there in stored.items() if not there], "applied": applied}  # fmt: skip


def main() -> None:
    urls = (sys.argv[1], sys.argv[2])
    messages = int(sys.argv[3])
    for url in urls:
        Store.open(url).close()
    demo_key(FR), demo_key(BE)
    for point in map(int, sys.argv[4:]):
        tenant = f"p{point}"
        if point == 0:
            points = Points(0)
            work(urls, tenant, messages, points, START)
            print(json.dumps({"point": 0, "points": points.count, "after": looked_at(urls, tenant)}))
            continue
        for url in urls:
            with Store.open(url) as store:
                store.create_tenant(tenant)
        killed = forked(urls, tenant, messages, Points(point), START)
        between = looked_at(urls, tenant)
        finished = forked(urls, tenant, messages, Points(0), START + dt.timedelta(hours=1))
        print(json.dumps({"point": point, "killed": killed, "between": between, "finished": finished, "after": looked_at(urls, tenant)}))  # fmt: skip


if __name__ == "__main__":
    main()
