"""The access-point double: an ebMS intermediary for tests and demonstrations, in process, with faults by name.

Outbox takes from institutions, Inbox answers their pull requests, Inbound takes from other access points. What it
forwards it does not touch; between two doubles the parts may be encrypted and are decrypted again, the signed header and
body staying as they are. It is no product: its queues live in memory, and where it is given a shelf they outlive it.
"""

from __future__ import annotations

import datetime as dt
import enum
import threading
import uuid
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import attrs

from eessi import _xml
from eessi.errors import UsageError
from eessi.ids import InstitutionId
from eessi.octets import Octets
from eessi.transport import wss
from eessi.transport.compose import compose_error
from eessi.transport.ebms import Envelope, ErrorSignal, PullRequest, ReceiptSignal, read_envelope, when
from eessi.transport.guard import Guard
from eessi.transport.identity import Partner
from eessi.transport.judge import Result, judge
from eessi.transport.mime import MimePart, Packed, pack, unpack
from eessi.transport.multihop import route_of
from eessi.transport.names import XENC, clark
from eessi.transport.pmode import PMode
from eessi.transport.policy import EnvelopePolicy
from eessi.transport.refusal import Refused
from eessi.transport.shelf import Held, Shelf
from eessi.transport.wire import Answer, Unreachable, Wire

if TYPE_CHECKING:
    from cryptography import x509

__all__ = ["AccessPoint", "HopFault", "Neighbour", "Served", "Trouble", "troubles"]

_SKEW = dt.timedelta(minutes=5)
"""How far the clock of a puller may be off, and how long its request ids are remembered."""

_ATTEMPTS = 10
"""How often a message is passed on before it is dropped; its sender then waits for the receipt in vain (EBMS:0301)."""


class HopFault(enum.StrEnum):
    """What may go wrong at the double."""

    LOST = "lost"
    LATE = "late"
    DUPLICATE = "duplicate"
    REORDERED = "reordered"
    TAMPERED = "tampered"
    REFUSED = "refused"
    SLOW = "slow"
    DISK_FULL = "disk_full"
    KILLED = "killed"


@attrs.frozen(slots=True)
class Trouble:
    """A fault for one message taken by the double.

    :param number: the message it strikes, counted from 1; signals count too.
    """

    name: HopFault = attrs.field(converter=HopFault)
    number: int
    by: dt.timedelta = dt.timedelta(hours=1)


def troubles(several: Iterable[Trouble]) -> Callable[[int], Sequence[Trouble]]:
    """A list of faults as the double asks for them: by number."""
    by_number: dict[int, list[Trouble]] = {}
    for one in several:
        by_number.setdefault(one.number, []).append(one)
    return lambda number: by_number.get(number, ())


@attrs.frozen(slots=True)
class Served:
    """An institution of this access point: simulated, with its queue or the address to push to."""

    partner: Partner
    mpc: str
    push_url: str | None = None


@attrs.frozen(slots=True)
class Neighbour:
    """Another access point and the institutions behind it.

    :param encryption: encrypt parts on the way to it.
    """

    name: str
    inbound_url: str
    institutions: frozenset[str]
    encryption: x509.Certificate | None = None


class AccessPoint:
    """One double.

    :param key: signs its warnings and errors, and decrypts what neighbours encrypted for it.
    :param faults: what goes wrong, asked per message taken at Outbox.
    :param shelf: keeps what was taken until it is passed on, so that a double that is killed and started again loses nothing.
    :param in_flight: how long a pulled message waits for its receipt before it may be pulled again.
    :raises SecurityError: for an institution that is not simulated.
    """

    def __init__(
        self,
        name: InstitutionId,
        key: wss.KeyPair,
        pmode: PMode,
        wire: Wire,
        *,
        served: Iterable[Served],
        neighbours: Iterable[Neighbour] = (),
        faults: Callable[[int], Sequence[Trouble]] = lambda _number: (),
        in_flight: dt.timedelta = dt.timedelta(minutes=10),
        guard: Guard | None = None,
        shelf: Shelf | None = None,
    ) -> None:
        self.name, self.key, self.pmode, self.wire = name, key, pmode, wire
        self.served = {one.partner.id: one for one in served}
        self.neighbours = tuple(neighbours)
        self.in_flight = in_flight
        for one in self.served.values():
            (guard or Guard()).check_simulating(one.partner)
        self._faults, self._count = faults, 0
        self._shelf = shelf
        self._forwards: deque[Held] = deque(() if shelf is None else shelf.held())
        self._queues: dict[str, deque[Held]] = {one.mpc: deque() for one in self.served.values()}
        self._requests: dict[str, dt.datetime] = {}
        self._postponed: Held | None = None
        self._lock = threading.RLock()
        self.log: list[tuple[dt.datetime, str, str]] = []

    # --- doors ---

    def outbox(self, data: Octets, content_type: str, now: dt.datetime) -> Answer:
        """Take a message or signal of an institution for forwarding. An empty 202 means *taken*, nothing more.

        :raises Unreachable: when a fault says that no answer comes.
        """
        with self._lock:
            self._count += 1
            faults = {one.name: one for one in self._faults(self._count)}
        if HopFault.REFUSED in faults:
            return self._struck(now, HopFault.REFUSED, Answer(503))
        if HopFault.DISK_FULL in faults:
            return self._struck(now, HopFault.DISK_FULL, Answer(507))
        judged = judge(
            data, content_type, policy=EnvelopePolicy(intermediary=True), signers=self._outbox_signers, on=now
        )
        if judged.result is not Result.ACCEPT or judged.envelope is None:
            return self._error(judged.envelope, judged.code or "EBMS:0009", judged.detail, now)
        try:
            routing = route_of(judged.envelope)
        except Refused as refused:
            return self._error(judged.envelope, refused.code, refused.detail, now)
        if routing is None:
            return self._error(judged.envelope, "EBMS:0020", "nothing says where this is to go", now)
        self._settle(judged.envelope)
        receiver = routing.message.receiver.id
        if receiver not in self.served and self._neighbour(receiver) is None:
            return self._error(judged.envelope, "EBMS:0020", "no access point serves the receiver", now)
        held = _held(data, content_type, receiver, judged.envelope, now)
        self._hold(held, faults, now)
        if HopFault.KILLED in faults or HopFault.SLOW in faults:
            raise Unreachable("no answer came (fault injected)", maybe_sent=True)
        return Answer(202)

    def inbound(self, data: Octets, content_type: str, now: dt.datetime) -> Answer:
        """Take a message from another access point: decrypt where it is encrypted, then hold it for its receiver."""
        try:
            packed = unpack(data, content_type)
            envelope = read_envelope(bytes(packed.root.body))
            if wss.is_encrypted(envelope):
                content_type, data = _opened(packed, envelope, self.key)
            routing = route_of(envelope)
        except Refused as refused:
            return self._error(None, refused.code, refused.detail, now)
        if routing is None or routing.message.receiver.id not in self.served:
            return self._error(envelope, "EBMS:0020", "the receiver is not served here", now)
        receiver = routing.message.receiver.id
        with self._lock:
            self._forwards.append(self._kept(_held(data, content_type, receiver, envelope, now)))
        return Answer(202)

    def inbox(self, data: Octets, content_type: str, now: dt.datetime) -> Answer:
        """Answer a pull request: the next message of the channel, or a signed warning that there is none (EBMS:0006)."""
        judged = judge(data, content_type, policy=EnvelopePolicy(), signers=self._pull_signers, on=now)
        units = () if judged.envelope is None else judged.envelope.units
        requests = [unit for unit in units if isinstance(unit, PullRequest)]
        if judged.result is not Result.ACCEPT or len(requests) != 1:
            return Answer(403) if requests else self._error(judged.envelope, judged.code or "EBMS:0009", "", now)
        request = requests[0]
        if self._replayed(request, now):
            return Answer(403)
        for unit in units:
            if isinstance(unit, ReceiptSignal):  # bundled with the request
                self._done(unit.ref_to)
        held = self._pull(request.mpc, now)
        if held is not None:
            return Answer(200, held.content_type, held.data)
        return self._signal("EBMS:0006", "no message is waiting on this channel", request.message_id, now)

    def _pull(self, mpc: str, now: dt.datetime) -> Held | None:
        """The next message of a channel; two that pull at once never get the same one."""
        with self._lock:
            for held in self._queues[mpc]:
                if held.due <= now and (held.in_flight_until is None or held.in_flight_until <= now):
                    if held.expects_receipt:
                        held.in_flight_until = now + self.in_flight
                    else:
                        self._queues[mpc].remove(held)
                        self._gone(held)
                    self.log.append((now, "pulled", held.message_id))
                    return held
        return None

    def step(self, now: dt.datetime) -> bool:
        """Forward one message that is due: into a queue, to an institution's address or to a neighbour."""
        with self._lock:
            held = next((one for one in self._forwards if one.due <= now), None)
            if held is None:
                return False
            self._forwards.remove(held)
            here = self.served.get(InstitutionId(held.receiver))
            if here is not None and here.push_url is None:
                self._queues[here.mpc].append(held)
                self.log.append((now, "queued", held.message_id))
                return True
        try:
            answer = self._pass_on(held, here)
        except Unreachable:
            answer = Answer(503)
        held.attempts += 1
        if answer.status < 300:
            ended = "forwarded"
        elif held.attempts >= _ATTEMPTS:
            ended = "dropped"
        else:
            ended = "postponed"
            held.due = now + dt.timedelta(seconds=5 * held.attempts)
            self._forwards.append(held)
        if ended != "postponed":
            self._gone(held)
        self.log.append((now, ended, held.message_id))
        return True

    def next_moment(self) -> dt.datetime | None:
        """When the next message is due for forwarding."""
        with self._lock:
            return min((one.due for one in self._forwards), default=None)

    @property
    def waiting(self) -> int:
        """Messages that are held for forwarding or pulling."""
        return len(self._forwards) + sum(len(queue) for queue in self._queues.values()) + (self._postponed is not None)

    # --- inside ---

    def _pass_on(self, held: Held, here: Served | None) -> Answer:
        if here is not None:
            assert here.push_url is not None
            return self.wire.post(here.push_url, held.content_type, held.data)
        neighbour = self._neighbour(held.receiver)
        if neighbour is None:
            raise UsageError(f"no access point serves {held.receiver}")
        content_type, data = held.content_type, held.data
        if neighbour.encryption is not None:
            content_type, data = _sealed(data, content_type, neighbour.encryption)
        return self.wire.post(neighbour.inbound_url, content_type, data)

    def _neighbour(self, receiver: str) -> Neighbour | None:
        return next((one for one in self.neighbours if receiver in one.institutions), None)

    def _hold(self, held: Held, faults: Mapping[HopFault, Trouble], now: dt.datetime) -> None:
        if HopFault.TAMPERED in faults:
            held.data = _tampered(bytes(held.data))
        if HopFault.LATE in faults:
            held.due = now + faults[HopFault.LATE].by
        for name in faults:
            self.log.append((now, name.value, held.message_id))
        if HopFault.LOST in faults:
            return
        self._kept(held)
        if HopFault.REORDERED in faults and self._postponed is None:
            self._postponed = held
            return
        self._forwards.append(held)
        if HopFault.DUPLICATE in faults:
            self._forwards.append(self._kept(attrs.evolve(held, file=None)))
        if self._postponed is not None:
            self._forwards.append(self._postponed)
            self._postponed = None

    def _kept(self, held: Held) -> Held:
        if self._shelf is not None:
            self._shelf.put(held)
        return held

    def _gone(self, held: Held) -> None:
        if self._shelf is not None:
            self._shelf.drop(held)

    def release(self) -> None:
        """Let go of a message that was held back to be overtaken, when nothing follows it."""
        if self._postponed is not None:
            self._forwards.append(self._postponed)
            self._postponed = None

    def _outbox_signers(self, envelope: Envelope, on: dt.datetime | None) -> Sequence[x509.Certificate]:
        """Only institutions of this access point may hand something in; the far ends check the rest."""
        message = envelope.user_message
        if message is not None:
            one = self.served.get(InstitutionId(message.sender.id)) if _is_id(message.sender.id) else None
            return () if one is None else one.partner.certificates
        return [certificate for one in self.served.values() for certificate in one.partner.certificates]

    def _pull_signers(self, envelope: Envelope, on: dt.datetime | None) -> Sequence[x509.Certificate]:
        """The signature of a pull request is its authorisation: only the owner of the channel."""
        mpcs = {unit.mpc for unit in envelope.units if isinstance(unit, PullRequest)}
        owners = [one for one in self.served.values() if mpcs == {one.mpc}]
        return [certificate for one in owners for certificate in one.partner.certificates]

    def _replayed(self, request: PullRequest, now: dt.datetime) -> bool:
        """Whether a request is too old, from the future, or was seen before."""
        moment = when(request.timestamp)
        with self._lock:
            if moment is None or abs(moment - now) > _SKEW or request.message_id in self._requests:
                return True
            self._requests = {id: at for id, at in self._requests.items() if now - at <= 2 * _SKEW}
            self._requests[request.message_id] = now
        return False

    def _settle(self, envelope: Envelope) -> None:
        """A receipt that passes by ends the flight of the message it confirms."""
        for unit in envelope.units:
            if isinstance(unit, ReceiptSignal | ErrorSignal):
                self._done(unit.ref_to)

    def _done(self, message_id: str | None) -> None:
        with self._lock:
            for queue in self._queues.values():
                for held in [one for one in queue if one.message_id == message_id and one.in_flight_until is not None]:
                    queue.remove(held)
                    self._gone(held)

    def _struck(self, now: dt.datetime, fault: HopFault, answer: Answer) -> Answer:
        self.log.append((now, fault.value, ""))
        return answer

    def _error(self, envelope: Envelope | None, code: str, detail: str, now: dt.datetime) -> Answer:
        ref_to = envelope.units[0].message_id if envelope is not None and envelope.units else None
        answer = self._signal(code, detail, ref_to, now)
        return attrs.evolve(answer, status=400)

    def _signal(self, code: str, detail: str, ref_to: str | None, now: dt.datetime) -> Answer:
        message_id = f"{uuid.uuid4()}@{self.name}"
        packet = compose_error(code, detail, self.pmode, self.key, now, message_id=message_id, ref_to=ref_to)
        return Answer(200, packet.content_type, packet.body)


def _held(data: Octets, content_type: str, receiver: str, envelope: Envelope, now: dt.datetime) -> Held:
    """A signal is gone once it is pulled; only a user message waits for its receipt."""
    return Held(data, content_type, receiver, envelope.units[0].message_id, now, envelope.user_message is not None)


def _is_id(text: str) -> bool:
    try:
        InstitutionId(text)
    except UsageError:
        return False
    return True


def _sealed(data: Octets, content_type: str, certificate: x509.Certificate) -> tuple[str, Octets]:
    """The same message with its parts encrypted; signals have none and pass as they are."""
    packed = unpack(data, content_type)
    if not packed.parts:
        return content_type, data
    envelope = read_envelope(bytes(packed.root.body))
    parts = wss.encrypt(envelope, packed.parts, certificate, id=uuid.uuid4().hex)
    return pack(_xml.serialise(envelope.root), parts)


def _opened(packed: Packed, envelope: Envelope, key: wss.KeyPair) -> tuple[str, Octets]:
    """The same message with its parts decrypted and what encryption had added taken out."""
    opened = wss.decrypt(envelope, {part.content_id or "": part for part in packed.parts}, (key,))
    parts = [_restored(opened.parts[part.content_id or ""], opened.types) for part in packed.parts]
    for name in ("EncryptedKey", "EncryptedData"):
        for element in list(envelope.root.iter(clark(XENC, name))):
            parent = element.getparent()
            if parent is not None:
                parent.remove(element)
    return pack(_xml.serialise(envelope.root), parts)


def _restored(part: MimePart, types: Mapping[str, str]) -> MimePart:
    kind = types.get(part.content_id or "")
    if kind is None:
        return part
    kept = tuple(pair for pair in part.headers if pair[0].casefold() != "content-type")
    return attrs.evolve(part, headers=(("Content-Type", kind), *kept))


def _tampered(data: bytes) -> bytes:
    """One byte changed, in the last part's content or, without parts, in the message id."""
    at = data.find(b"MessageId>") + 12 if data.startswith(b"<") else data.rfind(b"\r\n--") - 9
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
