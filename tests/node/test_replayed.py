"""A history that was replayed lately is not replayed again, and nobody can see the difference."""

from __future__ import annotations

from collections.abc import Iterator

import attrs
import pytest
import sqlalchemy as sa

from eessi.buc import Event
from eessi.errors import BrokenData
from eessi.node import replayed
from eessi.node.stored import Stored, add_events, load
from eessi.stores import Store
from eessi.stores.cases import EVENT, CaseRows
from tests.node.conftest import Pair, sandbox
from tests.node.test_node import started


@pytest.fixture(autouse=True)
def _nothing_known() -> Iterator[None]:
    replayed._kept.clear()
    yield
    replayed._kept.clear()


def read(store: Store, case_id: str, *, anew: bool = False) -> Stored:
    with store.glance() as unit:
        return load(CaseRows(unit), case_id, anew=anew)


def test_it_is_the_same_after_every_step(pair: Pair) -> None:
    case_id = started(pair)
    for number in range(3):
        lately, anew = read(pair.fr.store, case_id), read(pair.fr.store, case_id, anew=True)
        assert lately == anew
        assert read(pair.fr.store, case_id).case is lately.case, "the very same, without another replay"
        pair.fr.send(case_id, sandbox("H001"), document_id=f"h{number}")
    assert len(read(pair.fr.store, case_id).case.history) == 4


def test_only_what_is_new_is_replayed(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    case_id = started(pair)
    read(pair.fr.store, case_id)
    pair.fr.send(case_id, sandbox("H001"))
    seen: list[str] = []
    real = replayed.read_event_text
    monkeypatch.setattr(replayed, "read_event_text", lambda text: seen.append(text) or real(text))  # type: ignore[func-returns-value]
    read(pair.fr.store, case_id)
    assert len(seen) == 1


def test_a_misfit_keeps_its_number(pair: Pair) -> None:
    """Also where the events in front of it were known."""
    case_id = started(pair)
    before = read(pair.fr.store, case_id)
    with pair.fr.store.begin() as unit:
        for number in (1, 2):
            after = before.case.admit(Event("sent", sed="P2000", document_id=f"p{number}"))
            before = add_events(CaseRows(unit), before, after, pair.corners.now, None)
            if number == 1:
                load(CaseRows(unit), case_id)
    found = read(pair.fr.store, case_id)
    assert [one.number for one in found.misfits] == [2, 3]
    assert found.misfits == read(pair.fr.store, case_id, anew=True).misfits


def test_a_changed_event_is_refused_although_the_case_is_known(pair: Pair) -> None:
    case_id = started(pair)
    read(pair.fr.store, case_id)
    with pair.fr.store.begin() as unit:
        unit.execute(sa.update(EVENT).where(EVENT.c.case_id == case_id, EVENT.c.no == 0).values(body="{}"))
    with pytest.raises(BrokenData, match="at event 0"):
        read(pair.fr.store, case_id)


def test_only_so_many_are_kept(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replayed, "MOST_KEPT", 2)
    ids = [str(pair.fr.start("LA_BUC_01", ["BE:0203980409"], version="4.4")) for _ in range(4)]
    first = [read(pair.fr.store, one).case for one in ids]
    assert len(replayed._kept) == 2
    assert [read(pair.fr.store, one).case for one in ids] == first


def test_a_head_that_tells_another_process_is_another_case(pair: Pair) -> None:
    """The chain covers the events, not the head."""
    case_id = started(pair)
    with pair.fr.store.glance() as unit:
        head, events = CaseRows(unit).history(case_id)
    assert head is not None
    ours = replayed.replayed(head, events)[0]
    other = replayed.replayed(attrs.evolve(head, buc="LA_BUC_02"), events)[0]
    assert (str(ours.buc.code), str(other.buc.code)) == ("LA_BUC_01", "LA_BUC_02")
