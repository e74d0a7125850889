"""The network of a run over AS4: an access-point double per country, an engine per institution, all in this process.

Every message is packed, signed, sent to the sender's access point, passed on, pulled by the receiver, verified and
receipted, as on a real path; only the wires are function calls.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import attrs

from eessi.errors import MissingExtra
from eessi.ids import InstitutionId
from eessi.transport import Delivery, Parcel, State, Transport

if TYPE_CHECKING:
    from eessi.transport.access_point import AccessPoint
    from eessi.transport.engine import Engine
    from eessi.transport.identity import AccessPointLink, Partner

__all__ = ["As4Network"]

_STEPS = 20_000
"""Steps after which a network that never comes to rest is given up."""

_PATIENCE = dt.timedelta(minutes=30)
"""So long, in the network's own time, a message may stay without receipt before the run goes on without it."""


class As4Network:
    """All institutions of a run and their access points.

    :param clock: time of the run; while messages travel the network's own time runs a little ahead of it.
    :param push: the access points push to their institutions, which otherwise pull.
    :raises MissingExtra: without the extras ``transport`` and ``stores``.
    """

    def __init__(self, clock: Callable[[], dt.datetime], *, push: bool = False) -> None:
        try:
            from eessi.transport.local import LocalWire
            from eessi.transport.pmode import load_pmode
        except ImportError:
            raise MissingExtra("transport", "running a scenario over AS4") from None
        self._clock = clock
        self.push = push
        self.asleep: set[InstitutionId] = set()
        """Institutions that neither send nor ask for mail until they are taken out."""
        self._ahead = dt.timedelta()
        self.wire = LocalWire(self.now)
        self.pmode = load_pmode("eessi", None)
        self.engines: dict[InstitutionId, Engine] = {}
        self.access_points: dict[str, AccessPoint] = {}
        self._pending: dict[str, InstitutionId] = {}

    def __enter__(self) -> As4Network:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give back the stores of the engines."""
        for engine in self.engines.values():
            engine.outbox.store.close()

    def now(self) -> dt.datetime:
        """The network's time."""
        return self._clock() + self._ahead

    def endpoint(self, institution: InstitutionId) -> Transport:
        """The transport of an institution, with an engine and a key made on the spot."""
        if institution not in self.engines:
            self.engines[institution] = self._engine(institution)
            self.access_points.clear()  # they are built once everybody is known
        return _End(self, institution)

    def run(self) -> None:
        """Let messages move until each has its receipt, has failed, or has waited too long."""
        if not self.access_points:
            self._build_access_points()
        since, idle = self.now(), 0
        for _ in range(_STEPS):
            self._pending = {id: by for id, by in self._pending.items() if self._open(id, by)}
            if not self._pending or self.now() - since >= _PATIENCE:
                return
            awake = [engine for institution, engine in self.engines.items() if institution not in self.asleep]
            busy = [engine.step(self.now()) for engine in awake]
            busy += [point.step(self.now()) for point in self.access_points.values()]
            idle = 0 if any(busy) else idle + 1
            self._ahead += dt.timedelta(seconds=min(2 ** (idle - 1), 60)) if idle else dt.timedelta(milliseconds=10)

    def _open(self, message_id: str, sender: InstitutionId) -> bool:
        return self.engines[sender].outbox.status(message_id).state not in (State.RECEIPTED, State.FAILED)

    def submit(self, sender: InstitutionId, parcel: Parcel) -> str:
        """Store a parcel in its sender's outbox."""
        message_id = self.engines[sender].outbox.submit(parcel, self.now(), proved=False)
        self._pending[message_id] = sender
        return message_id

    def trace(self, message_id: str) -> tuple[str, ...]:
        """What happened to a message, in order of time: queued, sent, taken, received, receipted, delivered."""
        rows = [row for engine in self.engines.values() for row in engine.timeline(message_id)]
        return tuple(row.step for row in sorted(rows, key=lambda row: row.at))

    def _engine(self, institution: InstitutionId) -> Engine:
        from eessi.stores import Store
        from eessi.transport.demo_keys import demo_key
        from eessi.transport.engine import Engine
        from eessi.transport.identity import Identity

        identity = Identity(institution, demo_key(institution))
        return Engine(Store.open("sqlite://"), identity, _Known(self, institution), self.pmode, self.wire)

    def _build_access_points(self) -> None:
        from eessi.transport.access_point import AccessPoint, Neighbour, Served
        from eessi.transport.demo_keys import demo_key

        countries = {institution.country for institution in self.engines}
        for country in sorted(countries):
            name = point_of(country)
            served = [
                Served(self.partner(one), self.mpc(one), self._door(one) if self.push else None)
                for one in self.engines
                if one.country == country
            ]
            neighbours = [
                Neighbour(
                    point_of(other),
                    f"local://{point_of(other)}/Inbound",
                    frozenset(str(one) for one in self.engines if one.country == other),
                    demo_key(point_of(other)).certificate,
                )
                for other in sorted(countries - {country})
            ]
            point = AccessPoint(name, demo_key(name), self.pmode, self.wire, served=served, neighbours=neighbours)
            self.access_points[country] = point
            for door in ("Outbox", "Inbox", "Inbound"):
                self.wire.serve(f"local://{name}/{door}", getattr(point, door.lower()))

    def _door(self, institution: InstitutionId) -> str:
        """Where an institution takes what is pushed to it."""
        engine, url = self.engines[institution], f"local://{institution}/Business"
        self.wire.serve(url, lambda data, content_type, now: engine.take(data, content_type, now).answer)
        return url

    def partner(self, institution: InstitutionId) -> Partner:
        """What everybody knows about an institution."""
        from eessi.transport.demo_keys import demo_key
        from eessi.transport.identity import Partner

        return Partner(institution, (demo_key(institution).certificate,), simulated=True)

    @staticmethod
    def mpc(institution: InstitutionId) -> str:
        """The channel from which an institution pulls."""
        from eessi.transport.names import DEFAULT_MPC

        return f"{DEFAULT_MPC}/{institution}"


def point_of(country: str) -> InstitutionId:
    """The id of a country's access point."""
    return InstitutionId(f"{country}:AP{country}01")


@attrs.frozen(slots=True)
class _Known:
    """The partners of one institution: everybody on the network."""

    network: As4Network
    me: InstitutionId

    def partner(self, institution: str, on: dt.datetime) -> Partner | None:
        """An institution of the network."""
        known = next((one for one in self.network.engines if one == institution), None)
        return self.network.partner(known) if known is not None else None

    def access_point(self, on: dt.datetime) -> AccessPointLink | None:
        """The access point of the institution's country."""
        from eessi.transport.demo_keys import demo_key
        from eessi.transport.identity import AccessPointLink, Channel

        name = point_of(self.me.country)
        pulled = () if self.network.push else (Channel("business", self.network.mpc(self.me), f"local://{name}/Inbox"),)
        return AccessPointLink(f"local://{name}/Outbox", (demo_key(name).certificate,), pulled)


@attrs.frozen(slots=True)
class _End:
    """One institution's :class:`~eessi.transport.Transport`; asking for mail first lets the network run."""

    network: As4Network
    institution: InstitutionId

    def send(self, parcel: Parcel) -> str:
        """See :meth:`eessi.transport.Transport.send`."""
        return self.network.submit(self.institution, parcel)

    def receive(self) -> Iterator[Parcel]:
        """See :meth:`eessi.transport.Transport.receive`."""
        self.network.run()
        yield from self.network.engines[self.institution].inbox.waiting(self.network.now())

    def status(self, message_id: str) -> Delivery:
        """See :meth:`eessi.transport.Transport.status`."""
        return self.network.engines[self.institution].outbox.status(message_id)
