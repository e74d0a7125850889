"""The campaign *moveit*: do messages get through? A matrix of directions, sizes and attachments, and many at once."""

from __future__ import annotations

import datetime as dt
import hashlib
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial

import attrs
from pydantic import JsonValue

from eessi.errors import EessiError, MissingExtra
from eessi.ids import InstitutionId
from eessi.testing.campaigns.kit import CheckRecord, Kit, Options, shipped_requirements
from eessi.testing.campaigns.outside import transfers
from eessi.testing.clock import VirtualClock
from eessi.testing.stage import Network, opened_network
from eessi.transport import Fault, FaultName, InMemoryNetwork, Parcel, Part, State, Transport

__all__ = ["KIT"]

FRANCE, BELGIUM, NOBODY = InstitutionId("FR:MOVEIT01"), InstitutionId("BE:MOVEIT01"), InstitutionId("DE:NOBODY01")

SIZES = (1_000, 100_000, 2_000_000)
"""Bytes of a business document; the largest known real ones are bulk documents of this order."""

DELAY = dt.timedelta(hours=6)
"""So long the receiver does not ask for its mail."""

ATTACHMENTS: tuple[tuple[int, ...], ...] = ((), (10_000,), (50_000, 50_000, 50_000), (5_000_000,))
"""Sizes of the attachments of one message."""


@attrs.frozen(slots=True)
class _Line:
    """Two institutions on a network of their own."""

    clock: VirtualClock
    network: Network
    ends: Mapping[InstitutionId, Transport]

    def wake(self) -> None:
        """After the delay everybody asks for mail again."""
        self.clock.advance(DELAY)
        asleep = getattr(self.network, "asleep", None)
        if asleep is not None:
            asleep.clear()

    def send(self, number: int, sender: InstitutionId, size: int, attachments: tuple[int, ...]) -> Parcel:
        receiver = BELGIUM if sender == FRANCE else FRANCE
        parts = tuple(
            Part(f"part{place}", _content(number + place, length), "application/pdf")
            for place, length in enumerate(attachments)
        )
        parcel = Parcel(sender, receiver, _document(number, size), parts, f"{number:06d}@{sender.country}", "moveit")
        self.clock.tick()
        self.ends[sender].send(parcel)
        return parcel


@contextmanager
def _line(transport: str, *, push: bool = False, late: bool = False) -> Iterator[_Line]:
    """A line; ``push``: the access points push. ``late``: what France sends first comes after :data:`DELAY`."""
    clock = VirtualClock(dt.datetime(2026, 1, 15, 9, tzinfo=dt.UTC))
    with _network(transport, clock, push, late) as network:
        yield _Line(clock, network, {one: network.endpoint(one) for one in (FRANCE, BELGIUM)})


def _network(transport: str, clock: VirtualClock, push: bool, late: bool) -> AbstractContextManager[Network]:
    if not push and not late:
        return opened_network(transport, clock)
    if transport != "as4":
        return nullcontext(InMemoryNetwork(clock=clock, faults=[Fault(FaultName.LATE, 1, by=DELAY)]))
    from eessi.testing.as4network import As4Network

    network = As4Network(clock, push=push)
    network.asleep.update({BELGIUM} if late else ())
    return network


def _document(number: int, size: int) -> bytes:
    head, tail = f'<a number="{number}">'.encode(), b"</a>"
    return head + _text(number, size - len(head) - len(tail)) + tail


def _text(number: int, size: int) -> bytes:
    """Text that hardly compresses, the same for the same number."""
    block = b"".join(hashlib.sha256(f"{number}:{place}".encode()).hexdigest().encode() for place in range(64))
    return (block * (size // len(block) + 1))[:size]


def _content(number: int, size: int) -> bytes:
    return b"%PDF-1.4 synthetic " + _text(number, max(0, size - 19))


_WHOLE = "arrived as sent, receipted"
_TRANSFER = ("MO-01", "MO-02", "MO-03")


def _checks(options: Options) -> Iterator[CheckRecord]:
    if options.against is not None:
        yield from transfers(options.against, options)
        return
    for sender, way in ((FRANCE, "FR to BE"), (BELGIUM, "BE to FR")):
        for size in SIZES:
            title = f"a document of {size:,} bytes, {way}"
            check = partial(_one, sender=sender, size=size)
            yield from _guarded(options, f"size-{size}-{sender.country}", title, way, _TRANSFER, _WHOLE, check)
        for number, attachments in enumerate(ATTACHMENTS):
            title = f"{len(attachments)} attachments of {sum(attachments):,} bytes together, {way}"
            check = partial(_one, sender=sender, size=1_000, attachments=attachments)
            yield from _guarded(options, f"attachments-{number}-{sender.country}", title, way, _TRANSFER, _WHOLE, check)
    yield from _guarded(options, "order", "ten messages of one case", "both ways", ("MO-04",), "in order", _ordered)
    title = f"a message whose receiver asks for its mail after {DELAY // dt.timedelta(hours=1)} hours"
    line = partial(_line, options.transport, late=True)
    late = "not before, then as sent, receipted"
    yield from _guarded(options, "delay", title, "FR to BE", ("MO-07",), late, _delayed, line)
    line = partial(_line, "as4", push=True)  # in memory there is nothing to push
    for sender, way in ((FRANCE, "FR to BE"), (BELGIUM, "BE to FR")):
        title = f"an access point that pushes, over AS4, {way}"
        check = partial(_one, sender=sender, size=1_000, attachments=(10_000,))
        yield from _guarded(options, f"push-{sender.country}", title, way, ("MO-08", "MO-01"), _WHOLE, check, line)
    title = "a message to an institution that is not there"
    yield from _guarded(
        options,
        "nobody",
        title,
        "FR to DE",
        ("MO-05",),
        "failed with a reason, others arrive",
        _nobody,
    )
    title = f"{options.messages} messages one after the other"
    many = partial(_many, count=options.messages)
    yield from _guarded(options, "many", title, "both ways", ("MO-06", "MO-02"), "all arrived once, receipted", many)


def _guarded(
    options: Options,
    id: str,
    title: str,
    group: str,
    requirements: tuple[str, ...],
    expected: str,
    check: Callable[[_Line], str],
    on: Callable[[], AbstractContextManager[_Line]] | None = None,
) -> Iterator[CheckRecord]:
    if options.only and id not in options.only:
        return
    begun = time.perf_counter()
    try:
        with on() if on is not None else _line(options.transport) as line:
            observed = check(line)
    except MissingExtra:
        raise
    except EessiError as error:
        observed = f"it could not be sent: {error}"
    yield CheckRecord(
        id=id,
        scenario=title,
        group=group,
        requirements=requirements,
        passed=observed == expected,
        expected=expected,
        observed=observed,
        measures=_measures(time.perf_counter() - begun, options.messages if id == "many" else 1),
    )


def _measures(seconds: float, messages: int) -> dict[str, JsonValue]:
    """How long a check took on this machine, and the throughput that makes."""
    return {"messages": messages, "seconds": round(seconds, 3), "messages_per_second": round(messages / seconds, 1)}


def _delayed(line: _Line) -> str:
    parcel = line.send(1, FRANCE, 1_000, ())
    if _arrives_early(line, parcel):
        return "it arrived before its time"
    line.wake()
    found = list(line.ends[BELGIUM].receive())
    if [one.payload for one in found] != [parcel.payload]:
        return f"{len(found)} arrived afterwards"
    status = line.ends[FRANCE].status(parcel.message_id)
    return "not before, then as sent, receipted" if status.state is State.RECEIPTED else f"then {status.state}"


def _arrives_early(line: _Line, parcel: Parcel) -> bool:
    """Whether it is receipted although nobody has asked for it; the sender's end lets the network run."""
    list(line.ends[parcel.sender].receive())
    return line.ends[parcel.sender].status(parcel.message_id).state is not State.TAKEN


def _one(line: _Line, sender: InstitutionId, size: int, attachments: tuple[int, ...] = ()) -> str:
    parcel = line.send(1, sender, size, attachments)
    found = list(line.ends[parcel.receiver].receive())
    if len(found) != 1:
        return f"{len(found)} arrived"
    if found[0].payload != parcel.payload:
        return "the document arrived changed"
    if [part.data for part in found[0].attachments] != [part.data for part in parcel.attachments]:
        return "the attachments arrived changed"
    status = line.ends[sender].status(parcel.message_id)
    return "arrived as sent, receipted" if status.state is State.RECEIPTED else f"arrived as sent, {status.state}"


def _ordered(line: _Line) -> str:
    sent = [line.send(number, FRANCE, 500, ()).message_id for number in range(1, 11)]
    found = [parcel.message_id for parcel in line.ends[BELGIUM].receive()]
    return "in order" if found == sent else f"{len(found)} of {len(sent)}, out of order"


def _nobody(line: _Line) -> str:
    reason = None
    try:
        line.ends[FRANCE].send(Parcel(FRANCE, NOBODY, b"<a/>", message_id="0@FR"))
    except EessiError as error:
        reason = str(error)
    reason = reason or _reason(line.ends[FRANCE], "0@FR")
    line.send(1, FRANCE, 500, ())
    arrived = len(list(line.ends[BELGIUM].receive()))
    if not reason:
        return "it did not fail"
    return "failed with a reason, others arrive" if arrived == 1 else "it blocks others"


def _reason(end: Transport, message_id: str) -> str | None:
    """Why a message failed; nothing where the transport does not know it or has not given it up."""
    try:
        delivery = end.status(message_id)
    except EessiError:
        return None
    return delivery.reason if delivery.state is State.FAILED else None


def _many(line: _Line, count: int) -> str:
    numbers = range(1, count + 1)
    sent = [line.send(number, FRANCE if number % 2 else BELGIUM, 2_000, ()).message_id for number in numbers]
    found = [parcel.message_id for end in line.ends.values() for parcel in end.receive()]
    if sorted(found) != sorted(sent):
        return f"{len(set(found))} of {len(sent)} arrived, {len(found) - len(set(found))} twice"
    by = {"FR": line.ends[FRANCE], "BE": line.ends[BELGIUM]}
    open_ones = [id for id in sent if by[id[-2:]].status(id).state is not State.RECEIPTED]
    return "all arrived once, receipted" if not open_ones else f"{len(open_ones)} without receipt"


KIT = Kit("moveit", "Do messages get through?", shipped_requirements("moveit"), _checks)
"""The transfer matrix: directions, sizes, attachments, order, receipts, delays, push and pull, many at once."""
