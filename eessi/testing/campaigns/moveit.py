"""The campaign *moveit*: do messages get through? A matrix of directions, sizes and attachments, and many at once."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial

import attrs

from eessi.errors import EessiError, MissingExtra
from eessi.ids import InstitutionId
from eessi.testing.campaigns.kit import CheckRecord, Kit, Options, shipped_requirements
from eessi.testing.campaigns.outside import transfers
from eessi.testing.clock import VirtualClock
from eessi.testing.stage import opened_network
from eessi.transport import Parcel, Part, State, Transport

__all__ = ["KIT"]

FRANCE, BELGIUM, NOBODY = InstitutionId("FR:MOVEIT01"), InstitutionId("BE:MOVEIT01"), InstitutionId("DE:NOBODY01")

SIZES = (1_000, 100_000, 2_000_000)
"""Bytes of a business document; the largest known real ones are bulk documents of this order."""

ATTACHMENTS: tuple[tuple[int, ...], ...] = ((), (10_000,), (50_000, 50_000, 50_000), (5_000_000,))
"""Sizes of the attachments of one message."""


@attrs.frozen(slots=True)
class _Line:
    """Two institutions on a network of their own."""

    clock: VirtualClock
    ends: Mapping[InstitutionId, Transport]

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
def _line(transport: str) -> Iterator[_Line]:
    clock = VirtualClock(dt.datetime(2026, 1, 15, 9, tzinfo=dt.UTC))
    with opened_network(transport, clock) as network:
        yield _Line(clock, {one: network.endpoint(one) for one in (FRANCE, BELGIUM)})


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
) -> Iterator[CheckRecord]:
    if options.only and id not in options.only:
        return
    try:
        with _line(options.transport) as line:
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
    )


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
"""The transfer matrix: directions, sizes, attachments, order, receipts, many at once."""
