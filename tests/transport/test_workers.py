"""Several workers at one outbox over PostgreSQL: each message is sent once at a time, and cases keep their order."""

from __future__ import annotations

import threading
import time
from collections import Counter

import pytest

from eessi.stores import Store
from eessi.transport import State
from eessi.transport.demo_keys import demo_key
from eessi.transport.engine import Engine
from eessi.transport.identity import FixedPartners, Identity, Partner
from eessi.transport.pmode import load_pmode
from eessi.transport.wire import Answer
from tests.peers.postgresql import postgresql, postgresql_server
from tests.transport.messages import BE, FR, NOW, parcel

__all__ = ["postgresql", "postgresql_server"]

pytestmark = pytest.mark.peers


class Slow:
    """A wire that takes its time and remembers the order."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.lock = threading.Lock()

    def post(self, url: str, content_type: str, body: bytes) -> Answer:
        time.sleep(0.005)
        with self.lock:
            self.sent.append(body)
        return Answer(202)


def test_four_workers_share_one_outbox(postgresql: str) -> None:
    wire, count = Slow(), 60
    partner = Partner(BE, (demo_key(BE).certificate,), "local://be", simulated=True)
    with Store.open(postgresql) as store:
        engines = [
            Engine(store, Identity(FR, demo_key(FR)), FixedPartners([partner]), load_pmode("eessi"), wire)
            for _ in range(4)
        ]
        for number in range(count):
            engines[0].outbox.submit(parcel(f"m-{number:03d}", conversation=f"case-{number % 6}"), NOW)

        def work(engine: Engine) -> None:
            idle = 0
            while idle < 50:
                idle = 0 if engine.send_one(NOW) else idle + 1
                time.sleep(0.002)

        threads = [threading.Thread(target=work, args=(engine,)) for engine in engines]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        states = Counter(engines[0].outbox.status(f"m-{number:03d}").state for number in range(count))
    assert states == {State.TAKEN: count}
    ids = [body[body.index(b"MessageId>") + 10 :][:5].decode() for body in wire.sent]
    assert len(ids) == len(set(ids)) == count
    for case in range(6):
        mine = [one for one in ids if int(one[2:]) % 6 == case]
        assert mine == sorted(mine)
