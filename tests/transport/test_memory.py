"""The network in memory: what arrives, what does not, and what the sender learns of it."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eessi.errors import TransportError, UsageError
from eessi.ids import InstitutionId
from eessi.transport import Fault, FaultName, InMemoryNetwork, Parcel, Passage, State, Transport

FR, BE = InstitutionId("FR:0100000001"), InstitutionId("BE:0203980409")


def parcel(text: str, message_id: str = "") -> Parcel:
    return Parcel(FR, BE, text.encode(), message_id=message_id, conversation_id="case-1")


def run(faults: list[Fault], count: int) -> tuple[InMemoryNetwork, list[str], list[bytes]]:
    network = InMemoryNetwork(faults=faults)
    sender, receiver = network.endpoint(FR), network.endpoint(BE)
    ids = [sender.send(parcel(f"document {number}")) for number in range(1, count + 1)]
    return network, ids, [one.payload for one in receiver.receive()]


def test_a_message_arrives_as_it_is_and_is_receipted() -> None:
    network, [sent], got = run([], 1)
    assert got == [b"document 1"]
    delivery = network.endpoint(FR).status(sent)
    assert delivery.state is State.RECEIPTED
    assert delivery.receipt is not None
    assert delivery.receipt.by == BE
    assert delivery.receipt.at == dt.datetime(2026, 1, 5, 8, 0, 1, tzinfo=dt.UTC)
    assert [step.kind for step in network.log] == ["sent", "arrived", "receipted", "delivered"]


def test_the_endpoint_is_a_transport() -> None:
    transport: Transport = InMemoryNetwork().endpoint(FR)
    assert list(transport.receive()) == []


def test_lost_stays_without_receipt_until_it_is_sent_again() -> None:
    network, ids, got = run([Fault("lost", 2)], 3)
    assert got == [b"document 1", b"document 3"]
    assert network.endpoint(FR).status(ids[1]).state is State.TAKEN
    network.resend(ids[1])
    assert [one.payload for one in network.endpoint(BE).receive()] == [b"document 2"]
    assert network.endpoint(FR).status(ids[1]).state is State.RECEIPTED


def test_duplicate_is_receipted_twice_and_delivered_once() -> None:
    network, _, got = run([Fault("duplicate", 1)], 1)
    assert got == [b"document 1"]
    kinds = [step.kind for step in network.log]
    assert kinds.count(Passage.RECEIPTED) == 2
    assert kinds.count(Passage.DUPLICATE) == 1


def test_reordered_arrives_behind_the_next() -> None:
    _, _, got = run([Fault("reordered", 1)], 3)
    assert got == [b"document 2", b"document 1", b"document 3"]


def test_a_reordered_message_with_no_follower_arrives_when_the_network_settles() -> None:
    network, _, got = run([Fault("reordered", 1)], 1)
    assert got == []
    network.settle()
    assert [one.payload for one in network.endpoint(BE).receive()] == [b"document 1"]


def test_late_arrives_when_its_time_has_come() -> None:
    network, ids, got = run([Fault("late", 1, dt.timedelta(hours=3))], 2)
    assert got == [b"document 2"]
    network.advance(dt.timedelta(hours=2))
    assert list(network.endpoint(BE).receive()) == []
    network.advance(dt.timedelta(hours=1))
    assert [one.payload for one in network.endpoint(BE).receive()] == [b"document 1"]
    receipt = network.endpoint(FR).status(ids[0]).receipt
    assert receipt is not None
    assert receipt.at - dt.datetime(2026, 1, 5, 8, tzinfo=dt.UTC) > dt.timedelta(hours=3)


def test_refused_raises_and_the_message_is_failed() -> None:
    network = InMemoryNetwork(faults=[Fault("refused", 1)])
    sender = network.endpoint(FR)
    network.endpoint(BE)
    with pytest.raises(TransportError):
        sender.send(parcel("x", "m-1"))
    assert sender.status("m-1").state is State.FAILED


def test_a_lost_receipt_leaves_a_delivered_message_unconfirmed() -> None:
    network, ids, got = run([Fault("receipt_lost", 1)], 1)
    assert got == [b"document 1"]
    assert network.endpoint(FR).status(ids[0]).state is State.TAKEN
    network.resend(ids[0])
    assert list(network.endpoint(BE).receive()) == []
    assert network.endpoint(FR).status(ids[0]).state is State.RECEIPTED


def test_a_receiver_that_breaks_off_gets_the_parcel_again() -> None:
    network = InMemoryNetwork()
    network.endpoint(FR), network.endpoint(BE)
    network.endpoint(FR).send(parcel("a"))
    for one in network.endpoint(BE).receive():
        assert one.payload == b"a"
        break
    assert [one.payload for one in network.endpoint(BE).receive()] == [b"a"]
    assert list(network.endpoint(BE).receive()) == []


def test_an_id_names_one_message_for_ever() -> None:
    network = InMemoryNetwork()
    sender = network.endpoint(FR)
    network.endpoint(BE)
    sender.send(parcel("a", "m-1"))
    with pytest.raises(UsageError, match="already sent with other content"):
        sender.send(parcel("b", "m-1"))


def test_unknown_receivers_and_foreign_senders_are_refused() -> None:
    network = InMemoryNetwork()
    with pytest.raises(TransportError, match="no endpoint"):
        network.endpoint(FR).send(parcel("a"))
    with pytest.raises(UsageError, match="endpoint of"):
        network.endpoint(BE).send(parcel("a"))
    with pytest.raises(UsageError, match="sent no message"):
        network.endpoint(FR).status("nothing")
    with pytest.raises(UsageError, match="no message"):
        network.resend("nothing")


faults = st.lists(
    st.builds(Fault, st.sampled_from([name for name in FaultName if name is not FaultName.REFUSED]), st.integers(1, 8)),
    max_size=6,
)


@given(faults, st.integers(1, 8))
def test_whatever_happens_nothing_is_delivered_twice_and_two_equal_runs_are_equal(
    happenings: list[Fault], count: int
) -> None:
    first, ids, got = run(happenings, count)
    second, _, again = run(happenings, count)
    assert (first.log, got) == (second.log, again)
    first.settle()
    got += [one.payload for one in first.endpoint(BE).receive()]
    for message_id in ids:
        while first.endpoint(FR).status(message_id).state is not State.RECEIPTED:
            first.resend(message_id)
            first.settle()
    got += [one.payload for one in first.endpoint(BE).receive()]
    assert sorted(got) == sorted(f"document {number}".encode() for number in range(1, count + 1))
