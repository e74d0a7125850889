"""The four corners in one process: two institutions, each behind its own access-point double.

::

    corners = FourCorners("FR:0100000001", "BE:0203980409")
    corners.first.send(Parcel(...))
    corners.run()
    [parcel] = corners.second.receive()
    corners.close()                          # or: with FourCorners(...) as corners
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence

import attrs

from eessi.ids import InstitutionId
from eessi.stores import Store
from eessi.transport.access_point import AccessPoint, Neighbour, Served, Trouble
from eessi.transport.demo_keys import demo_key
from eessi.transport.engine import Engine
from eessi.transport.identity import AccessPointLink, Channel, FixedPartners, Identity, Partner
from eessi.transport.local import LocalWire
from eessi.transport.names import DEFAULT_MPC
from eessi.transport.parcel import Delivery, Parcel
from eessi.transport.pmode import load_pmode
from eessi.transport.wss import KeyPair

__all__ = ["As4Transport", "FourCorners"]

_START = dt.datetime(2026, 1, 5, 8, 0, tzinfo=dt.UTC)


@attrs.frozen(slots=True)
class As4Transport:
    """An engine as a :class:`~eessi.transport.Transport`.

    :param clock: the time; by default that of the machine.
    :param proved: whether the caller has proved the documents it sends; see the production guard.
    """

    engine: Engine
    clock: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC)
    proved: bool = False

    def send(self, parcel: Parcel) -> str:
        """Store a parcel for sending and return its id; see :meth:`eessi.transport.Transport.send`."""
        return self.engine.outbox.submit(parcel, self.clock(), proved=self.proved)

    def receive(self) -> Iterator[Parcel]:
        """The parcels waiting; see :meth:`eessi.transport.Transport.receive`."""
        return self.engine.inbox.waiting(self.clock())

    def status(self, message_id: str) -> Delivery:
        """How far a sent message has come; see :meth:`eessi.transport.Transport.status`."""
        return self.engine.outbox.status(message_id)


class FourCorners:
    """Two institutions and two access-point doubles, joined by local addresses, on one clock of their own.

    :param stores: one per institution, the caller's to close; by default in memory and closed with the corners.
    :param faults: what goes wrong at the access point of the first and the second institution.
    :param encrypt: whether the two access points encrypt between them.
    :param changes: changes to the P-Mode profile ``eessi``.
    """

    def __init__(
        self,
        first: str,
        second: str,
        *,
        stores: tuple[Store, Store] | None = None,
        faults: tuple[Callable[[int], Sequence[Trouble]], Callable[[int], Sequence[Trouble]]] | None = None,
        encrypt: bool = True,
        changes: Mapping[str, Mapping[str, object]] | None = None,
    ) -> None:
        self.now = _START
        self.wire = LocalWire(lambda: self.now)
        self.pmode = load_pmode("eessi", changes)
        ids = (InstitutionId(first), InstitutionId(second))
        self.keys = {one: demo_key(one) for one in ids}
        aps = tuple(InstitutionId(f"{one.country}:AP{one.country}01") for one in ids)
        if aps[0] == aps[1]:
            aps = (aps[0], InstitutionId(f"{aps[0]}B"))
        self.access_points = tuple(
            self._access_point(
                aps[side], ids[side], aps[1 - side], ids[1 - side], faults[side] if faults else None, encrypt
            )
            for side in (0, 1)
        )
        self._own = () if stores else (Store.open("sqlite://"), Store.open("sqlite://"))
        held = stores or self._own
        self.engines = tuple(self._engine(ids[side], ids[1 - side], aps[side], held[side]) for side in (0, 1))
        self.first, self.second = (As4Transport(engine, lambda: self.now) for engine in self.engines)

    def __enter__(self) -> FourCorners:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give back the stores that were opened here."""
        for store in self._own:
            store.close()

    def _access_point(
        self,
        name: InstitutionId,
        institution: InstitutionId,
        other_name: InstitutionId,
        other: InstitutionId,
        faults: Callable[[int], Sequence[Trouble]] | None,
        encrypt: bool,
    ) -> AccessPoint:
        partner = Partner(institution, (self.keys[institution].certificate,), simulated=True)
        certificate = demo_key(other_name).certificate if encrypt else None
        point = AccessPoint(
            name,
            demo_key(name),
            self.pmode,
            self.wire,
            served=[Served(partner, f"{DEFAULT_MPC}/{institution}")],
            neighbours=[Neighbour(other_name, f"local://{other_name}/Inbound", frozenset({other}), certificate)],
            faults=faults or (lambda _number: ()),
        )
        for door in ("Outbox", "Inbox", "Inbound"):
            self.wire.serve(f"local://{name}/{door}", getattr(point, door.lower()))
        return point

    def _engine(self, me: InstitutionId, other: InstitutionId, point: InstitutionId, store: Store) -> Engine:
        channel = Channel("business", f"{DEFAULT_MPC}/{me}", f"local://{point}/Inbox")
        link = AccessPointLink(f"local://{point}/Outbox", (self._point_key(point).certificate,), (channel,))
        partners = FixedPartners([Partner(other, (self.keys[other].certificate,), simulated=True)], link)
        return Engine(store, Identity(me, self.keys[me]), partners, self.pmode, self.wire)

    def _point_key(self, name: InstitutionId) -> KeyPair:
        return next(one.key for one in self.access_points if one.name == name)

    def advance(self, by: dt.timedelta) -> None:
        """Let time pass."""
        self.now += by

    def step(self) -> bool:
        """Let each of the four do one thing; false when none had anything to do."""
        busy = [engine.step(self.now) for engine in self.engines]
        busy += [point.step(self.now) for point in self.access_points]
        return any(busy)

    def run(self, *, until: dt.timedelta = dt.timedelta(seconds=60), steps: int = 100_000) -> int:
        """Let messages move until nothing has moved for ``until``; the number of steps. Time jumps to where it matters."""
        moved, count = self.now, 0
        while count < steps and self.now - moved < until:
            count += 1
            if self.step():
                moved = self.now
                self.advance(dt.timedelta(milliseconds=10))
                continue
            for point in self.access_points:
                point.release()
            moments = [one.next_moment() for one in self.engines] + [one.next_moment() for one in self.access_points]
            ahead = [one for one in moments if one is not None and one > self.now]
            self.now = min([*ahead, moved + until])
        return count
