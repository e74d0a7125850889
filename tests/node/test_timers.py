"""Time passes: deadlines and hanging messages are signalled once; webhooks are signed, retried and in order."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping

import attrs
import pytest

from eessi.errors import TransportError
from eessi.node.timers import tick
from eessi.node.webhook import Webhook, verify_signature
from eessi.stores.cases import CaseRows
from tests.node.conftest import BE, Pair, sandbox

SECRET = b"a secret of the test"


def signals(pair: Pair, type: str) -> list[dict[str, str]]:
    return [json.loads(row.data) for row in pair.fr.signals() if row.type == type]


def test_a_deadline_is_signalled_once_when_it_comes_near(pair: Pair) -> None:
    case_id = pair.fr.start("LA_BUC_02", [BE], version="4.3")
    pair.fr.send(case_id, sandbox("A003"))
    [row] = pair.fr.find(due_before=dt.date(2999, 1, 1))
    due = dt.date.fromisoformat(str(row.due_at))
    assert (due - pair.corners.now.date()).days == 60
    assert tick(pair.fr.store, pair.corners.now) == 0
    near = dt.datetime.combine(due - dt.timedelta(days=3), dt.time(9), dt.UTC)
    tick(pair.fr.store, near)
    assert signals(pair, "eessi.deadline.near") == [{"on": due.isoformat()}]
    tick(pair.fr.store, near + dt.timedelta(days=1))
    assert len(signals(pair, "eessi.deadline.near")) == 1


def test_only_deadlines_that_nobody_was_told_of_are_read(pair: Pair) -> None:
    """Not those that were told, nor those that lie ahead; and a deadline that moves is told again."""
    ids = [pair.fr.start("LA_BUC_02", [BE], version="4.3") for _ in range(3)]
    for case_id in ids:
        pair.fr.send(case_id, sandbox("A003"))
    [due] = {str(row.due_at) for row in pair.fr.find(due_before=dt.date(2999, 1, 1))}

    def untold(until: str) -> set[str]:
        with pair.fr.store.read() as unit:
            return {row.case_id for row in CaseRows(unit).untold(until)}

    assert (untold("2020-01-01"), untold(due)) == (set(), set(map(str, ids)))
    near = dt.datetime.fromisoformat(due).replace(tzinfo=dt.UTC)
    assert tick(pair.fr.store, near) >= 3
    assert untold(due) == set()
    with pair.fr.store.begin() as unit:
        rows = CaseRows(unit)
        head = rows.case(str(ids[0]))
        assert head is not None
        assert not rows.deadline_told(head), "another was told already"
        assert rows.move_case(attrs.evolve(head, changed_at="x"), head)
        assert list(rows.untold(due)) == [], "a step that leaves the deadline where it was tells nobody again"
        assert rows.move_case(attrs.evolve(head, due_at="2026-01-02"), head)
    assert untold(due) == {str(ids[0])}


def test_a_message_that_hangs_is_signalled_once(pair: Pair) -> None:
    case_id = pair.fr.start("LA_BUC_01", [BE], version="4.4")
    sent = pair.fr.send(case_id, sandbox("A001"))
    late = pair.corners.now + dt.timedelta(hours=25)
    assert tick(pair.fr.store, late) == 1
    assert tick(pair.fr.store, late) == 0
    [said] = signals(pair, "eessi.message.stuck")
    assert said == {"message_id": sent.message_ids[0], "receiver": BE}


class Receiver:
    """A workflow system that answers as it is told."""

    def __init__(self, *answers: int | Exception) -> None:
        self.answers = list(answers)
        self.came: list[tuple[Mapping[str, str], bytes]] = []

    def __call__(self, url: str, headers: Mapping[str, str], body: bytes) -> int:
        self.came.append((headers, body))
        answer = self.answers.pop(0) if self.answers else 204
        if isinstance(answer, Exception):
            raise answer
        return answer


def webhook(pair: Pair, receiver: Receiver) -> Webhook:
    return Webhook(pair.fr.store, pair.fr.me, "https://workflow.example/eessi", SECRET, receiver)


def test_every_signal_is_delivered_in_order_and_signed(pair: Pair) -> None:
    case_id = pair.fr.start("LA_BUC_01", [BE], version="4.4")
    pair.fr.send(case_id, sandbox("A001"))
    receiver = Receiver()
    hook = webhook(pair, receiver)
    while hook.step(pair.corners.now):
        pass
    events = [json.loads(body) for _, body in receiver.came]
    assert [event["type"] for event in events] == ["eessi.case.opened", "eessi.sed.sent", "eessi.move.allowed"]
    assert events[2]["data"] == {"seds": " ".join(sorted(pair.fr.allowed(case_id).seds - {"A001"}))}
    for headers, body in receiver.came:
        assert verify_signature(SECRET, headers, body, pair.corners.now)
        assert not verify_signature(b"another", headers, body, pair.corners.now)
        assert not verify_signature(SECRET, headers, body + b" ", pair.corners.now)
        assert not verify_signature(SECRET, headers, body, pair.corners.now + dt.timedelta(minutes=6))
        assert b"Testperson" not in body


@pytest.mark.parametrize("trouble", [503, 302, TransportError("no answer")])
def test_a_failed_delivery_is_tried_again_and_holds_back_what_follows(pair: Pair, trouble: int | Exception) -> None:
    case_id = pair.fr.start("LA_BUC_01", [BE], version="4.4")
    pair.fr.send(case_id, sandbox("A001"))
    receiver = Receiver(trouble, trouble)
    hook, now = webhook(pair, receiver), pair.corners.now
    assert not hook.step(now)
    assert not hook.step(now), "not due yet"
    assert len(receiver.came) == 1
    assert not hook.step(now + dt.timedelta(seconds=1))
    assert hook.step(now + dt.timedelta(seconds=6))
    assert hook.step(now + dt.timedelta(seconds=6))
    ids = [headers["webhook-id"] for headers, _ in receiver.came]
    assert ids == ["default/1", "default/1", "default/1", "default/2"]


def test_a_delivery_without_its_headers_is_not_genuine() -> None:
    assert not verify_signature(SECRET, {}, b"", dt.datetime.now(dt.UTC))
    assert not verify_signature(SECRET, {"webhook-id": "x", "webhook-timestamp": "soon"}, b"", dt.datetime.now(dt.UTC))
