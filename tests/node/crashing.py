"""Two nodes that exchange cases until both are done, killed at a chosen moment and started again."""

from __future__ import annotations

import datetime as dt
import json
import os
import random
import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from eessi.buc import Answer, CaseState
from eessi.node import Node, Received, SignalType
from eessi.node.evidence import check_store
from eessi.stores import Store, Unit
from eessi.stores.cases import CaseRows
from eessi.transport.corners import FourCorners
from tests.node.conftest import BE, FR, Pair, pair_of, sandbox

START = dt.datetime(2026, 1, 5, 8, 0, tzinfo=dt.UTC)


class Countdown:
    """Kills the process before or after a given commit; counts them when it never comes to that."""

    def __init__(self, at: int | None) -> None:
        self.at = at
        self.commits = 0

    def passing(self) -> None:
        """Called just before and just after each commit."""
        self.commits += 1
        if self.commits == self.at:
            os.kill(os.getpid(), signal.SIGKILL)


@contextmanager
def counted_store(url: str, countdown: Countdown) -> Iterator[Store]:
    store = Store.open(url)
    plain = store.begin

    @contextmanager
    def begin(tenant: str = "default") -> Iterator[Unit]:
        with plain(tenant) as unit:
            yield unit
            countdown.passing()  # everything is written, nothing is committed
        countdown.passing()  # committed, and the caller does not know yet

    store.begin = begin  # type: ignore[method-assign]  # only this object, only in this test
    try:
        yield store
    finally:
        store.close()


def play(urls: tuple[str, str], cases: int, kill_at: int | None, run: int, *, wave: int | None = None) -> int:
    """Carry ``cases`` cases through to the end, from wherever the stores stand; the number of moments to kill at.

    :param wave: so many cases are begun at a time; all at once unless told.
    """
    countdown = Countdown(kill_at)
    with counted_store(urls[0], countdown) as first, counted_store(urls[1], countdown) as second:
        # An access-point double forgets what it holds when it is killed: the receipt that is missed brings the message again.
        corners = FourCorners(FR, BE, stores=(first, second), changes={"receipt": {"hours": 1, "resends": 20}})
        corners.now = START + dt.timedelta(days=run)
        pair = pair_of(corners)
        pair.fr.new_id = pair.be.new_id = _random_id
        step = wave or cases
        for begun in range(0, cases, step):
            _carry(pair, range(begun, min(begun + step, cases)))
    return countdown.commits


def _carry(pair: Pair, numbers: range) -> None:
    """Carry some of the cases through, those before them being done."""
    for _ in range(12):
        if _done(pair.fr, numbers.stop) and _done(pair.be, numbers.stop):
            return
        pair.quiet_until = pair.corners.now + dt.timedelta(minutes=5)
        for node in (pair.fr, pair.be):  # as an operator would: an access point that forgets often uses up the repeats
            node.engine.outbox.redrive(pair.corners.now)
        _work(pair, numbers)
        pair.run()
        pair.corners.advance(dt.timedelta(hours=2))


def _random_id() -> str:
    import uuid

    return str(uuid.uuid4())


def _work(pair: Pair, numbers: range) -> None:
    """What the two applications do: open cases, answer, close. Each looks at its case first, so a repeat does nothing."""
    for number in numbers:
        held = pair.fr.find(national_number=f"N{number}")
        case_id = (
            held[0].case_id
            if held
            else str(pair.fr.start("LA_BUC_01", [BE], version="4.4", national_number=f"N{number}"))
        )
        if pair.fr.case(case_id).state is CaseState.NEW:
            pair.fr.send(case_id, sandbox("A001"))
    for received in pair.be.receive():
        if received.sed == "A001" and _may(pair.be, received, "A011"):
            pair.be.send(received.case_id, sandbox("A011"), parent_id=received.document_id)
    for received in pair.fr.receive():
        if received.sed == "A011" and _may(pair.fr, received, "X001"):
            pair.fr.send(received.case_id, sandbox("X001"))


def _may(node: Node, received: Received, sed: str) -> bool:
    """Whether a new document of that type may be sent: a repeat after a crash finds it sent already."""
    parent = received.document_id if sed == "A011" else None
    move = node.allowed(received.case_id).find(sed, parent)
    return move is not None and move.answer is Answer.YES


def _done(node: Node, cases: int) -> bool:
    return len(node.find(state=str(CaseState.CLOSED), limit=10**9)) >= cases


def check(urls: tuple[str, str], cases: int) -> None:
    """Both sides agree on every case, nothing is held, no document is missing or there twice, all histories are intact."""
    corners = FourCorners(FR, BE, stores=(Store.open(urls[0]), Store.open(urls[1])))
    pair = pair_of(corners)
    seen = {}
    for node in (pair.fr, pair.be):
        assert node.held() == ()
        rows = node.find(limit=10**9)
        assert len(rows) == cases
        for row in rows:
            case = node.case(row.case_id)  # replays and checks the chain
            assert case.state is CaseState.CLOSED
            documents = {key: str(document.sed) for key, document in case.documents.items()}
            assert sorted(documents.values()) == ["A001", "A011", "X001"]
            assert seen.setdefault(row.case_id, documents) == documents
            with node.store.read() as unit:
                assert len(list(CaseRows(unit).documents(row.case_id))) == 3
    for node, told in ((pair.fr, {"A011": cases}), (pair.be, {"A001": cases, "X001": cases})):
        came = Counter(json.loads(row.data)["sed"] for row in node.signals() if row.type == SignalType.SED_RECEIVED)
        assert came == told, "each document is told of once"
        assert check_store(node.store) == ()
        node.store.close()


def killed_on_the_way(urls: tuple[str, str], cases: int, kills: int, *, most: int, wave: int = 10) -> None:
    """One exchange of many cases, killed so often and started again, each time after up to ``most`` moments.

    A start takes some moments before anything new is done, so ``most`` must leave room for more than a wave of messages.
    """
    FourCorners(FR, BE).close()  # makes the demonstration keys: the children inherit them, else each would have others
    moments = random.Random(kills)
    for run in range(kills):
        child = os.fork()
        if child == 0:
            try:
                play(urls, cases, moments.randint(1, most), run, wave=wave)
            finally:
                os._exit(0)
        _, status = os.waitpid(child, 0)
        assert os.WIFSIGNALED(status), f"it was done, or failed, before it was killed for the {run + 1}th time"
    play(urls, cases, None, kills, wave=wave)
    check(urls, cases)


def killed_and_continued(urls: tuple[str, str], cases: int, kill_at: int) -> bool:
    """Play in a child that is killed, then play on; whether the kill came before the end."""
    child = os.fork()
    if child == 0:
        try:
            play(urls, cases, kill_at, 0)
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    play(urls, cases, None, 1)
    check(urls, cases)
    return os.WIFSIGNALED(status)


def sqlite_urls(folder: Path) -> tuple[str, str]:
    return (f"sqlite:///{folder}/fr.db", f"sqlite:///{folder}/be.db")
