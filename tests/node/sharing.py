"""Messages that wait in the inbox of a node on PostgreSQL, and processes that share the work of applying and answering them."""

from __future__ import annotations

import datetime as dt
import hashlib
import os
import signal
import time
from collections import Counter
from pathlib import Path

import attrs

from eessi.ids import InstitutionId
from eessi.node import Node, Vault
from eessi.node.evidence import check_store
from eessi.node.workers import Workers
from eessi.stores import Store
from eessi.stores.cases import CaseRows
from eessi.stores.mail import MailRows, OutRow
from eessi.transport.demo_keys import demo_key
from eessi.transport.engine import Engine
from eessi.transport.identity import FixedPartners, Identity, Partner
from eessi.transport.pmode import load_pmode
from eessi.transport.wire import Answer
from tests.node.conftest import BE, FR, sandbox


@attrs.frozen
class FileWire:
    """Takes everything and writes down what was posted: one line each, whole even when several processes write."""

    file: Path

    def post(self, url: str, content_type: str, body: bytes) -> Answer:
        with self.file.open("ab") as log:
            log.write(hashlib.sha256(body).hexdigest().encode() + b"\n")
        return Answer(202)

    def posted(self) -> Counter[str]:
        return Counter(self.file.read_text().split()) if self.file.exists() else Counter()


def node_at(url: str, me: str, other: str, wire: FileWire) -> Node:
    """A node in direct exchange with one partner."""
    partner = Partner(InstitutionId(other), (demo_key(other).certificate,), f"local://{other}/Inbox", simulated=True)
    identity = Identity(InstitutionId(me), demo_key(me))
    store = Store.open(url)
    engine = Engine(store, identity, FixedPartners([partner], None), load_pmode("eessi"), wire)
    return Node(store, engine, Vault(bytes(32)))


def came_in(folder: Path, cases: int) -> list[OutRow]:
    """What a French node sends when it opens so many cases of two documents each."""
    fr = node_at("sqlite://", FR, BE, FileWire(folder / "fr"))
    for _ in range(cases):
        case_id = str(fr.start("LA_BUC_01", [BE], version="4.4"))
        fr.send(case_id, sandbox("A001"))
        fr.send(case_id, sandbox("H001"))
    with fr.store.read() as unit:
        mail = MailRows(unit)
        rows = [row for one in mail.outs("queued") if (row := mail.out(one.message_id)) is not None]
    fr.store.close()
    return rows


def filled(url: str, folder: Path, cases: int) -> list[str]:
    """Store what opens so many cases in the Belgian inbox; the ids of the cases."""
    be = node_at(url, BE, FR, FileWire(folder / "be"))
    rows, now = came_in(folder, cases), dt.datetime.now(dt.UTC)
    for row in rows:
        taken = be.engine.take(row.body, row.content_type, now)
        assert taken.code is None, taken
    be.store.close()
    return sorted({row.conversation_id for row in rows})


def worker(url: str, folder: Path, number: int, lost: float) -> int:
    """Start a worker process; its id."""
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        with (folder / f"worker{number}.log").open("w") as log:
            os.dup2(log.fileno(), 1)
            os.dup2(log.fileno(), 2)
            node = node_at(url, BE, FR, FileWire(folder / "be"))
            Workers(node, url, sweep=1, lost=lost).run(name=f"worker {number}")
            code = 0
    finally:
        os._exit(code)


def backlog(store: Store) -> tuple[int, int]:
    """Messages to apply and messages to send."""
    with store.read() as unit:
        mail = MailRows(unit)
        return mail.count_waiting(), sum(1 for _ in mail.outs("queued", "sending"))


def shared(
    url: str, folder: Path, workers: int, *, kill_at: int | None = None, limit: float = 120, lost: float = 2
) -> float:
    """Let so many workers do everything; seconds it took. With ``kill_at`` the first is killed when so few wait."""
    node = node_at(url, BE, FR, FileWire(folder / "be"))
    Workers(node, url).prepare()
    node.store.close()
    begun = time.monotonic()
    running = [worker(url, folder, number, lost) for number in range(workers)]
    killed = 0
    with Store.open(url) as store:
        while any(left := backlog(store)):
            assert time.monotonic() - begun < limit, f"not done after {limit} seconds: {left}"
            if kill_at is not None and not killed and left[0] <= kill_at:
                killed = running[0]
                os.kill(killed, signal.SIGKILL)
            time.sleep(0.02)
        took = time.monotonic() - begun
    for one in running:
        if one != killed:
            os.kill(one, signal.SIGTERM)
    codes = {one: os.waitpid(one, 0)[1] for one in running}
    assert all(code == 0 for one, code in codes.items() if one != killed), codes
    assert (killed in codes) == (kill_at is not None)
    return took


def check(url: str, folder: Path, ids: list[str], *, kills: int = 0) -> None:
    """Every message applied once, in the order of its case; every receipt sent; all chains whole."""
    node = node_at(url, BE, FR, FileWire(folder / "be"))
    assert node.held() == ()
    assert sorted(row.case_id for row in node.find()) == sorted(ids)
    for case_id in ids:
        history = [(str(event.kind), str(event.sed)) for event in node.case(case_id).history]
        assert history == [("received", "A001"), ("received", "H001")]
        with node.store.read() as unit:
            assert len(list(CaseRows(unit).documents(case_id))) == 2
    told = Counter((one.case_id, one.sed) for one in node.receive())
    assert told == {(case_id, sed): 1 for case_id in ids for sed in ("A001", "H001")}
    posted = FileWire(folder / "be").posted()
    assert len(posted) == 2 * len(ids), "a receipt for each message"
    assert posted.total() - len(posted) <= kills, (
        "a receipt goes out again only when its sender died before it could note it"
    )
    assert check_store(node.store) == ()
    node.store.close()
