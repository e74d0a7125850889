"""Several workers over one PostgreSQL: nothing is lost and nothing done twice, also when one is killed in the middle."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeout
from pathlib import Path

import pytest

from eessi.errors import MissingExtra, UsageError
from eessi.ids import InstitutionId
from eessi.node import Node
from tests.node.conftest import BE, FR, Pair, sandbox

peers = pytest.mark.peers


@peers
@pytest.mark.parametrize("workers", [1, 2, 4])
def test_workers_share_inbox_and_outbox(workers: int, postgresql: str, tmp_path: Path) -> None:
    from tests.node.sharing import check, filled, shared

    ids = filled(postgresql, tmp_path, 8)
    shared(postgresql, tmp_path, workers)
    check(postgresql, tmp_path, ids)


@peers
def test_the_work_of_a_killed_worker_is_done_by_another(postgresql: str, tmp_path: Path) -> None:
    from tests.node.sharing import check, filled, shared

    ids = filled(postgresql, tmp_path, 12)
    shared(postgresql, tmp_path, 2, kill_at=12)
    check(postgresql, tmp_path, ids, kills=1)


@peers
def test_a_job_comes_into_being_with_its_message_or_not_at_all(postgresql: str, tmp_path: Path) -> None:
    from eessi.node.workers import Workers
    from tests.node.sharing import FileWire, node_at

    node = node_at(postgresql, FR, BE, FileWire(tmp_path / "fr"))
    workers = Workers(node, postgresql)
    workers.prepare()
    workers.prepare()
    case_id = str(node.start("LA_BUC_01", [BE], version="4.4"))
    node.send(case_id, sandbox("A001"))
    assert jobs(node) == ["eessi.send"]
    keep, node._keep = node._keep, fails  # type: ignore[method-assign]  # a crash between the queueing and the end
    with pytest.raises(ZeroDivisionError):
        node.send(case_id, sandbox("H001"))
    assert jobs(node) == ["eessi.send"]
    node._keep = keep  # type: ignore[method-assign]  # as it was
    with node.store.begin() as unit:
        workers.sweep(unit)
    assert jobs(node) == ["eessi.send"], "what has a job gets no second one"
    node.store.close()


@peers
def test_two_looks_at_the_same_moment_make_one_job_for_each_message(postgresql: str, tmp_path: Path) -> None:
    from eessi.node.workers import Workers
    from tests.node.sharing import FileWire, filled, node_at

    filled(postgresql, tmp_path, 1)
    node = node_at(postgresql, BE, FR, FileWire(tmp_path / "be"))
    workers = Workers(node, postgresql)
    workers.prepare()

    def look() -> None:
        with node.store.begin() as unit:
            workers.sweep(unit)

    with ThreadPoolExecutor(1) as other:
        with node.store.begin() as unit:
            workers.sweep(unit)
            second = other.submit(look)  # has to wait until the first is done
            with pytest.raises(FutureTimeout):
                second.result(0.2)
        second.result(30)
    assert Counter(jobs(node)) == {"eessi.apply": 2, "eessi.send": 2}
    node.store.close()


@peers
def test_what_comes_in_has_its_job_at_once_and_only_one(postgresql: str, tmp_path: Path) -> None:
    """By HTTP or by pull: no sweep is needed, and a message that was not stored leaves no job."""
    from eessi.node.workers import Workers
    from tests.node.sharing import FileWire, came_in, node_at

    node = node_at(postgresql, BE, FR, FileWire(tmp_path / "be"))
    workers = Workers(node, postgresql)
    workers.prepare()
    [first, second] = came_in(tmp_path, 1)
    now = node.clock()
    assert node.take(first.body, first.content_type, now).status == 202
    assert node.take(first.body, first.content_type, now).status == 202
    assert jobs(node) == ["eessi.apply"]
    with node.store.begin() as unit:
        workers._wake_appliers(unit)
    assert jobs(node) == ["eessi.apply"], "the sweep finds it has one"
    hand_out, node.engine.inbox._hand_out = node.engine.inbox._hand_out, fails  # type: ignore[method-assign,assignment]
    with pytest.raises(ZeroDivisionError):
        node.take(second.body, second.content_type, now)
    node.engine.inbox._hand_out = hand_out  # type: ignore[method-assign]  # as it was
    assert jobs(node) == ["eessi.apply"]
    node.store.close()


def fails(*_: object) -> None:
    raise ZeroDivisionError


def jobs(node: Node) -> list[str]:
    import sqlalchemy as sa

    with node.store.read() as unit:
        return [str(one) for one in unit.execute(sa.text("SELECT task_name FROM procrastinate_jobs")).scalars()]


def test_sqlite_is_for_one_process() -> None:
    pytest.importorskip("procrastinate")
    from eessi.node.workers import Workers
    from tests.node.sharing import FileWire, node_at

    node = node_at("sqlite://", FR, BE, FileWire(Path("unused")))
    with pytest.raises(UsageError, match="need a store on PostgreSQL"):
        Workers(node, "sqlite://")
    node.store.close()


def test_without_the_extra_it_says_which(monkeypatch: pytest.MonkeyPatch) -> None:
    import importlib
    import sys

    monkeypatch.delitem(sys.modules, "eessi.node.workers", raising=False)
    monkeypatch.setitem(sys.modules, "procrastinate", None)
    with pytest.raises(MissingExtra, match="postgresql"):
        importlib.import_module("eessi.node.workers")


def test_a_message_is_applied_by_its_id_once(pair: Pair) -> None:
    case_id = str(pair.fr.start("LA_BUC_01", [BE], version="4.4"))
    pair.fr.send(case_id, sandbox("A001"))
    pair.corners.run()
    parcel = pair.be.engine.inbox.next()
    assert parcel is not None
    assert parcel.sender == InstitutionId(FR)
    assert not pair.be.apply_message("another")
    assert pair.be.apply_message(parcel.message_id)
    assert not pair.be.apply_message(parcel.message_id)
    assert [str(one.sed) for one in pair.be.case(case_id).history] == ["A001"]
