"""A network inside one process, with faults by name: for scenarios, demonstrations and tests.

It behaves as the real path does where that shows: a message is receipted when it has reached the far endpoint, a
duplicate is receipted again and delivered once, a lost one stays without receipt. Time is the caller's or a counter;
two equal runs are equal.
"""

from __future__ import annotations

import datetime as dt
import enum
from collections import deque
from collections.abc import Callable, Iterable, Iterator

import attrs

from eessi.errors import TransportError, UsageError
from eessi.ids import InstitutionId
from eessi.transport.parcel import Delivery, Parcel, Receipt, State

__all__ = ["Endpoint", "Fault", "FaultName", "InMemoryNetwork", "Passage", "Step"]

_START = dt.datetime(2026, 1, 5, 8, 0, tzinfo=dt.UTC)


class FaultName(enum.StrEnum):
    """What may happen to a message on the way."""

    LOST = "lost"
    LATE = "late"
    DUPLICATE = "duplicate"
    REORDERED = "reordered"
    REFUSED = "refused"
    RECEIPT_LOST = "receipt_lost"


@attrs.frozen(slots=True)
class Fault:
    """A fault for one transmission.

    :param name: ``lost``, ``late``, ``duplicate``, ``reordered``, ``refused`` or ``receipt_lost``.
    :param number: the transmission it strikes, counted from 1 over the whole network, resends included.
    :param by: how late a late message is.
    """

    name: FaultName = attrs.field(converter=FaultName)
    number: int = attrs.field(validator=attrs.validators.ge(1))
    by: dt.timedelta = dt.timedelta(hours=1)


class Passage(enum.StrEnum):
    """Kinds of :class:`Step`."""

    SENT = "sent"
    LOST = "lost"
    HELD = "held"
    REFUSED = "refused"
    ARRIVED = "arrived"
    DUPLICATE = "duplicate"
    RECEIPTED = "receipted"
    RECEIPT_LOST = "receipt_lost"
    DELIVERED = "delivered"


@attrs.frozen(slots=True)
class Step:
    """One thing that happened to one message."""

    at: dt.datetime
    kind: Passage
    message_id: str
    sender: InstitutionId
    receiver: InstitutionId


@attrs.define(slots=True)
class _Travelling:
    parcel: Parcel
    due: dt.datetime
    receipt_lost: bool = False
    behind: int = 0
    """How many later messages to the same receiver overtake it."""


@attrs.define(slots=True)
class _Box:
    travelling: deque[_Travelling] = attrs.field(factory=deque)
    waiting: deque[Parcel] = attrs.field(factory=deque)
    seen: set[str] = attrs.field(factory=set)


class InMemoryNetwork:
    """All endpoints of one run.

    :param faults: what goes wrong, by transmission number.
    :param clock: gives the time; by default a counter that starts on 2026-01-05 at 08:00 UTC and moves one second
        with each transmission and with :meth:`advance`.
    """

    def __init__(self, *, faults: Iterable[Fault] = (), clock: Callable[[], dt.datetime] | None = None) -> None:
        self._faults: dict[int, list[Fault]] = {}
        for fault in faults:
            self._faults.setdefault(fault.number, []).append(fault)
        self._clock = clock
        self._now = _START
        self._transmissions = 0
        self._boxes: dict[InstitutionId, _Box] = {}
        self._sent: dict[str, Parcel] = {}
        self._status: dict[str, Delivery] = {}
        self._log: list[Step] = []

    @property
    def now(self) -> dt.datetime:
        """The time of the network."""
        return self._clock() if self._clock is not None else self._now

    @property
    def log(self) -> tuple[Step, ...]:
        """Everything that happened, in order."""
        return tuple(self._log)

    @property
    def receipts(self) -> tuple[Receipt, ...]:
        """The receipts that reached their senders, in order of the messages."""
        return tuple(delivery.receipt for delivery in self._status.values() if delivery.receipt is not None)

    def endpoint(self, institution: InstitutionId | str) -> Endpoint:
        """The transport of one institution; it exists from the first call on."""
        name = InstitutionId(institution)
        self._boxes.setdefault(name, _Box())
        return Endpoint(self, name)

    def advance(self, by: dt.timedelta) -> None:
        """Let time pass, so that late messages arrive.

        :raises UsageError: when the network runs on the caller's clock.
        """
        if self._clock is not None:
            raise UsageError("this network runs on a clock of the caller; move that one")
        self._now += by

    def resend(self, message_id: str) -> None:
        """Transmit a stored message once more, the same bytes under the same id.

        :raises UsageError: for an id that was never sent.
        """
        if message_id not in self._sent:
            raise UsageError(f"no message {message_id} was sent on this network")
        self._transmit(self._sent[message_id])

    def settle(self) -> None:
        """Let everything arrive that is still travelling, however late."""
        for box in self._boxes.values():
            for travelling in box.travelling:
                travelling.due, travelling.behind = self.now, 0
        self._arrivals()

    def _send(self, parcel: Parcel) -> str:
        identified = attrs.evolve(parcel, message_id=parcel.message_id or f"{len(self._sent) + 1:06d}@{parcel.sender}")
        stored = self._sent.get(identified.message_id)
        if stored is not None and stored != identified:
            raise UsageError(f"message {identified.message_id} was already sent with other content; give it its own id")
        if identified.receiver not in self._boxes:
            raise TransportError(f"{identified.receiver} has no endpoint on this network; call endpoint() for it first")
        self._sent[identified.message_id] = identified
        self._transmit(identified)
        return identified.message_id

    def _transmit(self, parcel: Parcel) -> None:
        self._transmissions += 1
        if self._clock is None:
            self._now += dt.timedelta(seconds=1)
        faults = {fault.name: fault for fault in self._faults.get(self._transmissions, ())}
        if FaultName.REFUSED in faults:
            self._note(Passage.REFUSED, parcel)
            self._set(parcel, State.FAILED, reason="refused on the way (fault injected)")
            raise TransportError(f"message {parcel.message_id} was refused (fault injected)")
        self._note(Passage.SENT, parcel)
        if self._status.get(parcel.message_id) is None or self._status[parcel.message_id].receipt is None:
            self._set(parcel, State.TAKEN)
        if FaultName.LOST in faults:
            self._note(Passage.LOST, parcel)
            return
        late = faults.get(FaultName.LATE)
        box = self._boxes[parcel.receiver]
        for other in box.travelling:
            other.behind = max(0, other.behind - 1)
        held = _Travelling(parcel, self.now + (late.by if late else dt.timedelta()), FaultName.RECEIPT_LOST in faults)
        held.behind = 1 if FaultName.REORDERED in faults else 0
        overtaken = [other for other in box.travelling if FaultName.REORDERED not in faults and other.due <= self.now]
        box.travelling.append(held)
        for other in overtaken:  # the message that was held back for one place goes behind this one
            box.travelling.remove(other)
            box.travelling.append(other)
        if FaultName.DUPLICATE in faults:
            box.travelling.append(_Travelling(parcel, held.due, behind=held.behind))
        if late or held.behind:
            self._note(Passage.HELD, parcel)
        self._arrivals()

    def _arrivals(self) -> None:
        for box in self._boxes.values():
            for travelling in [one for one in box.travelling if one.due <= self.now and not one.behind]:
                box.travelling.remove(travelling)
                self._arrive(box, travelling)

    def _arrive(self, box: _Box, travelling: _Travelling) -> None:
        parcel = travelling.parcel
        if parcel.message_id in box.seen:
            self._note(Passage.DUPLICATE, parcel)
        else:
            box.seen.add(parcel.message_id)
            box.waiting.append(parcel)
            self._note(Passage.ARRIVED, parcel)
        if travelling.receipt_lost:
            self._note(Passage.RECEIPT_LOST, parcel)
            return
        self._note(Passage.RECEIPTED, parcel)
        if self._status[parcel.message_id].receipt is None:
            self._set(parcel, State.RECEIPTED, Receipt(parcel.message_id, parcel.receiver, self.now))

    def _note(self, kind: Passage, parcel: Parcel) -> None:
        self._log.append(Step(self.now, kind, parcel.message_id, parcel.sender, parcel.receiver))

    def _set(self, parcel: Parcel, state: State, receipt: Receipt | None = None, *, reason: str | None = None) -> None:
        self._status[parcel.message_id] = Delivery(parcel.message_id, state, self.now, receipt, reason)

    def _receive(self, institution: InstitutionId) -> Iterator[Parcel]:
        box = self._boxes[institution]
        self._arrivals()
        while box.waiting:
            parcel = box.waiting[0]
            yield parcel
            box.waiting.popleft()
            self._note(Passage.DELIVERED, parcel)
            self._arrivals()


@attrs.frozen(slots=True)
class Endpoint:
    """One institution on an :class:`InMemoryNetwork`; a :class:`~eessi.transport.Transport`."""

    network: InMemoryNetwork
    institution: InstitutionId

    def send(self, parcel: Parcel) -> str:
        """Send; see :meth:`eessi.transport.Transport.send`.

        :raises UsageError: a parcel from another institution, or an id used before with other content.
        :raises TransportError: the receiver is unknown, or the fault ``refused`` struck.
        """
        if parcel.sender != self.institution:
            raise UsageError(f"this is the endpoint of {self.institution}; the parcel is from {parcel.sender}")
        return self.network._send(parcel)

    def receive(self) -> Iterator[Parcel]:
        """The parcels that have arrived; see :meth:`eessi.transport.Transport.receive`."""
        return self.network._receive(self.institution)

    def status(self, message_id: str) -> Delivery:
        """How far a message of this institution has come.

        :raises UsageError: for a message that was not sent from here.
        """
        sent = self.network._sent.get(message_id)
        if sent is None or sent.sender != self.institution:
            raise UsageError(f"{self.institution} sent no message {message_id}")
        return self.network._status[message_id]
