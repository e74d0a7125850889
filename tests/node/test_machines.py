"""What several processes over one PostgreSQL share: pulling, reminding and handing over, each thing once."""

from __future__ import annotations

import datetime as dt
import json
import os
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from eessi.cli.node_work import opened_node
from eessi.cli.program import run
from eessi.node import Node, Received, SignalType
from eessi.node.evidence import check_store
from eessi.node.timers import tick
from eessi.stores import Store, Unit
from eessi.stores.cases import CaseRows
from eessi.stores.mail import MailRows
from tests.node.conftest import BE, FR, sandbox
from tests.node.sharing import FileWire, filled, node_at
from tests.node.test_commands import BE as BELGIUM
from tests.node.test_commands import FR as FRANCE
from tests.node.test_commands import double  # noqa: F401  # a fixture
from tests.node.test_work import working

pytestmark = pytest.mark.peers


def in_processes(count: int, act: Callable[[int], None]) -> list[int]:
    """Do something in so many processes at once; how each ended."""
    children = []
    for number in range(count):
        child = os.fork()
        if child == 0:
            code = 1
            try:
                act(number)
                code = 0
            finally:
                os._exit(code)
        children.append(child)
    return [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]


def all_at_once(slot: float = 0.3) -> None:
    """Let all processes begin at the same moment."""
    time.sleep(slot - time.time() % slot)


def test_a_reminder_is_given_once_however_many_look(postgresql: str, tmp_path: Path) -> None:
    node = node_at(postgresql, FR, BE, FileWire(tmp_path / "fr"))
    for _ in range(10):
        node.send(str(node.start("LA_BUC_02", [BE], version="4.3")), sandbox("A003"))
    later = node.clock() + dt.timedelta(days=55)
    node.store.close()

    def look(_: int) -> None:
        with Store.open(postgresql) as store:
            all_at_once()
            tick(store, later)

    assert in_processes(4, look) == [0] * 4
    with Store.open(postgresql) as store, store.read() as unit:
        told = Counter(row.type for row in CaseRows(unit).signals())
    assert (told[SignalType.DEADLINE_NEAR], told[SignalType.MESSAGE_STUCK]) == (10, 10)


def test_a_document_is_handed_over_once_also_when_its_taker_dies(postgresql: str, tmp_path: Path) -> None:
    filled(postgresql, tmp_path, 8)
    node = node_at(postgresql, BE, FR, FileWire(tmp_path / "be"))
    while node.apply_next():
        pass
    node.store.close()

    def take(number: int) -> None:
        mine = node_at(postgresql, BE, FR, FileWire(tmp_path / "be"))

        def handler(unit: Unit, received: Received) -> None:
            CaseRows(unit).note_access("now", f"taker {number}", received.sed, received.case_id, received.document_id)
            if number == 0:
                os._exit(9)  # dies with the document in hand

        all_at_once()
        for _ in mine.receive(handler):
            time.sleep(0.01)

    assert in_processes(4, take) == [9, 0, 0, 0]
    node = node_at(postgresql, BE, FR, FileWire(tmp_path / "be"))
    list(
        node.receive(lambda unit, one: CaseRows(unit).note_access("now", "rest", one.sed, one.case_id, one.document_id))
    )
    with node.store.read() as unit:
        taken = Counter((row.case_id, row.document_id) for row in CaseRows(unit).accesses())
        assert all(row.who != "taker 0" for row in CaseRows(unit).accesses())
    assert len(taken) == 16
    assert set(taken.values()) == {1}
    node.store.close()


def receipted(node: Node) -> int:
    with node.store.read() as unit:
        return sum(row.kind == "user" for row in MailRows(unit).outs("receipted"))


def test_two_machines_pull_apply_and_receipt_and_one_is_killed(
    double: tuple[Path, str],  # noqa: F811  # the fixture
    postgresql: str,
    tmp_path: Path,
) -> None:
    file, url = double
    for name, institution in (("fr", FRANCE), ("be", BELGIUM)):
        words = ["node", "init", str(tmp_path / name), "--access-point", str(file), "--institution", institution]
        assert run([*words, "--url", url]) == 0
    config = tmp_path / "be" / "node.toml"
    config.write_text(f'store = "{postgresql}"\n' + config.read_text())
    logs = [tmp_path / "one.log", tmp_path / "two.log"]
    with opened_node(tmp_path / "fr" / "node.toml") as fr:
        cases = [str(fr.start("LA_BUC_01", [BELGIUM], version="4.4")) for _ in range(6)]
        with working(config, logs[0]) as (first, _), working(config, logs[1]) as (second, _):
            for number, case_id in enumerate(cases):
                fr.send(case_id, sandbox("A001"))
                fr.send(case_id, sandbox("H001"))
                while fr.step():
                    pass
                if number == 3:
                    first.kill()
            until = time.monotonic() + 120
            while receipted(fr) < 12:
                assert time.monotonic() < until, [log.read_text() for log in logs]
                fr.step()
                time.sleep(0.05)
            with Store.open(postgresql) as store:
                while True:
                    with store.read() as unit:
                        waiting = MailRows(unit).count_waiting()
                    if not waiting:
                        break
                    assert time.monotonic() < until, waiting
                    time.sleep(0.2)
            second.terminate()
            assert second.wait(30) == 0
    with opened_node(config) as be:
        assert be.held() == ()
        for case_id in cases:
            assert [str(one.sed) for one in be.case(case_id).history] == ["A001", "H001"]
        told = Counter(json.loads(row.data)["sed"] for row in be.signals() if row.type == SignalType.SED_RECEIVED)
        assert told == {"A001": 6, "H001": 6}
        assert check_store(be.store) == ()
