"""The same node under asyncio: nothing blocks the loop, nothing is taken twice, a broken-off consumer gets it again."""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from eessi.buc import CaseState
from eessi.node import Node, Received
from eessi.node.aio import AsyncNode
from eessi.stores import Store, Unit
from eessi.transport.corners import FourCorners
from tests.node.conftest import BE, FR, Pair, pair_of, sandbox


@pytest.fixture
def files(tmp_path: Path) -> Iterator[Pair]:
    with Store.open(tmp_path / "fr.db") as fr, Store.open(tmp_path / "be.db") as be:
        yield pair_of(FourCorners(FR, BE, stores=(fr, be)))


def test_a_case_goes_through(files: Pair) -> None:
    fr, be = AsyncNode(files.fr), AsyncNode(files.be)

    async def play() -> str:
        case_id = str(await fr.start("LA_BUC_01", [BE], version="4.4", national_number="N1"))
        await fr.send(case_id, sandbox("A001"))
        await asyncio.to_thread(files.run)
        async for received in be.receive():
            assert "A011" in (await be.allowed(case_id)).seds
            await be.send(case_id, sandbox("A011"), parent_id=received.document_id)
        await asyncio.to_thread(files.run)
        answers = [one.sed async for one in fr.receive()]
        assert answers == ["A011"]
        assert [one.sed async for one in fr.receive()] == []
        await fr.send(case_id, sandbox("X001"), seen=await fr.revision(case_id))
        await asyncio.to_thread(files.run)
        assert [row.case_id for row in await fr.find(national_number="N1")] == [case_id]
        assert await be.held() == ()
        return case_id

    case_id = asyncio.run(play())
    for node in (files.fr, files.be):
        assert node.case(case_id).state is CaseState.CLOSED


def opened(pair: Pair, count: int) -> None:
    for _ in range(count):
        pair.fr.send(str(pair.fr.start("LA_BUC_01", [BE], version="4.4")), sandbox("A001"))
    pair.run()


def test_a_consumer_that_breaks_off_gets_the_document_again(files: Pair) -> None:
    opened(files, 2)
    be = AsyncNode(files.be)

    async def first() -> str:
        async for received in be.receive():
            return received.case_id
        raise AssertionError("nothing came")

    async def rest() -> list[str]:
        return [one.case_id async for one in be.receive()]

    begun = asyncio.run(first())
    assert len(found := asyncio.run(rest())) == 2
    assert found[0] == begun
    assert asyncio.run(rest()) == []


def test_a_handler_runs_in_a_thread_and_its_writes_go_with_the_taking(files: Pair) -> None:
    opened(files, 2)
    threads = []

    def handler(unit: Unit, received: Received) -> None:
        threads.append(threading.current_thread() is threading.main_thread())
        if len(threads) == 2:
            raise RuntimeError("down")

    async def take() -> list[str]:
        return [one.case_id async for one in AsyncNode(files.be).receive(handler)]

    with pytest.raises(RuntimeError):
        asyncio.run(take())
    assert threads == [False, False]
    assert len(asyncio.run(take())) == 1, "the first was taken, the second was not"


def test_it_waits_for_what_comes_later_and_the_loop_goes_on(files: Pair) -> None:
    be = AsyncNode(files.be)

    async def play() -> tuple[str, int]:
        turns = 0

        async def consume() -> str:
            async for received in be.receive(pause=0.01):
                return received.sed
            raise AssertionError("it ended")

        async def count() -> None:
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0)

        counting = asyncio.create_task(count())
        consuming = asyncio.create_task(consume())
        await asyncio.sleep(0.05)
        assert not consuming.done()
        await asyncio.to_thread(opened, files, 1)
        sed = await asyncio.wait_for(consuming, 30)
        counting.cancel()
        return sed, turns

    sed, turns = asyncio.run(play())
    assert sed == "A001"
    assert turns > 10


def test_every_call_takes_what_the_node_takes() -> None:
    """A parameter that the node gains is not forgotten here."""
    for name, call in inspect.getmembers(AsyncNode, inspect.iscoroutinefunction):
        if not name.startswith("_"):
            ours = dict(inspect.signature(call).parameters)
            theirs = dict(inspect.signature(getattr(Node, name)).parameters)
            assert {k: str(v) for k, v in ours.items()} == {k: str(v) for k, v in theirs.items()}, name
