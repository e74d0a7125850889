"""What attacks are aimed at: two institutions of our own stack, in memory and over AS4, each attack with fresh ones."""

from __future__ import annotations

import datetime as dt
from functools import cached_property
from random import Random
from typing import TYPE_CHECKING

import attrs

from eessi.directory import Directory
from eessi.ids import InstitutionId, SedType
from eessi.schemas import Registry
from eessi.sed import Message, Sed, parse
from eessi.testing.building import Builder
from eessi.testing.clock import VirtualClock
from eessi.testing.players import Arrival, Details, Player, Sending
from eessi.testing.scenario import Scenario, SendOptions, load_scenarios
from eessi.testing.stage import Stage
from eessi.transport import Parcel

if TYPE_CHECKING:
    from eessi.octets import Octets
    from eessi.testing.as4network import As4Network
    from eessi.transport.inbox import Taken
    from eessi.transport.outbox import Outgoing

__all__ = ["Envelopes", "Pair"]

_SCENARIO = """
scenario: target
buc: {buc}
version: {version}
parties:
  FR: {{role: CaseOwner, country: FR}}
  BE: {{role: Counterparty, country: BE}}
steps:
  - after 1 day
"""

_FRANCE, _BELGIUM = InstitutionId("FR:TESTIT01"), InstitutionId("BE:TESTIT01")

_PERSON = {
    "Person": {
        "PersonIdentification": {"familyName": "Testperson", "forename": "Ada", "dateBirth": "1980-01-15", "sex": "02"}
    }
}


def _scenario(buc: str, version: str) -> Scenario:
    (scenario,) = load_scenarios("target.buc.yaml", _SCENARIO.format(buc=buc, version=version))
    return scenario


class Pair:
    """Two institutions in memory, France attacking and Belgium attacked; both know each other by the directory."""

    def __init__(self, registry: Registry, directory: Directory, buc: str = "LA_BUC_01", version: str = "4.3") -> None:
        self.stage = Stage.set(_scenario(buc, version), registry, directory, None, "memory", 1, False, "en")
        self.france: Player = self.stage.players["FR"]
        self.belgium: Player = self.stage.players["BE"]
        self.random = Random(1)  # noqa: S311  # repeatable test data

    @property
    def builder(self) -> Builder:
        """Makes documents."""
        return self.stage.builder

    def document(self, sed: str, options: SendOptions | None = None) -> Sed:
        """A synthetic document of the sandbox, or what the options say."""
        return self.builder.build(SedType(sed), options or SendOptions(data=dict(_PERSON)), self.random)

    def send(
        self,
        sed: str,
        *,
        back: bool = False,
        reply_to: str | None = None,
        unchecked: bool = False,
        update: str | None = None,
        document: Sed | None = None,
    ) -> tuple[Sending, list[Arrival]]:
        """One institution sends, the other takes in what has arrived; ``back`` turns the direction."""
        sender, receiver = (self.belgium, self.france) if back else (self.france, self.belgium)
        self.stage.clock.tick()
        sending = sender.send(
            update or sender.free_name(SedType(sed)),
            document or self.document(sed),
            {receiver.institution: receiver.role},
            reply_to=reply_to,
            update=update is not None,
            unchecked=unchecked,
        )
        return sending, list(receiver.receive(Details(parent_id=sending.parent_id)))

    def message(self, sed: str = "A001", document: Sed | None = None) -> Message:
        """A correct message from France to Belgium that has not been sent."""
        made: list[bytes] = []

        class _Catch:
            def send(self, parcel: Parcel) -> str:
                made.append(parcel.payload)
                return parcel.message_id

        real = self.france.transport
        self.france.transport = _Catch()  # type: ignore[assignment]  # only send is called
        try:
            self.france.send(sed, document or self.document(sed), {self.belgium.institution: self.belgium.role})
        finally:
            self.france.transport = real
        found = parse(made[0])
        assert isinstance(found, Message)
        return found

    def deliver(self, payload: bytes) -> Arrival:
        """Belgium gets these bytes from France, whatever they are."""
        self.france.transport.send(Parcel(self.france.institution, self.belgium.institution, payload))
        (arrival,) = self.belgium.receive()
        return arrival


@attrs.define(slots=False)
class Envelopes:
    """Two institutions over AS4; an attack gets the bytes that France would send and gives Belgium others."""

    clock: VirtualClock = attrs.field(factory=lambda: VirtualClock(dt.datetime(2026, 1, 15, 9, tzinfo=dt.UTC)))
    france: InstitutionId = _FRANCE
    belgium: InstitutionId = _BELGIUM

    @cached_property
    def network(self) -> As4Network:
        """The network; both institutions are on it."""
        from eessi.testing.as4network import As4Network

        network = As4Network(self.clock)
        for institution in (self.france, self.belgium):
            network.endpoint(institution)
        return network

    def __enter__(self) -> Envelopes:
        return self

    def __exit__(self, *_: object) -> None:
        self.network.close()

    def outgoing(
        self, payload: bytes = b"<a>synthetic</a>", message_id: str = "one@fr", to: str | None = None
    ) -> Outgoing:
        """A correct message as it would go over the wire."""
        engine = self.network.engines[self.france]
        engine.outbox.submit(
            Parcel(
                self.france, InstitutionId(to or self.belgium), payload, message_id=message_id, conversation_id="case"
            ),
            self.network.now(),
        )
        found = engine.outbox.next(self.network.now())
        assert found is not None
        return found

    def take(self, body: Octets, content_type: str) -> Taken:
        """Belgium takes in what came over the wire."""
        return self.network.engines[self.belgium].take(body, content_type, self.network.now())

    def delivered(self) -> list[bytes]:
        """The payloads that Belgium's case system would get."""
        inbox = self.network.engines[self.belgium].inbox
        return [parcel.payload for parcel in inbox.waiting(self.network.now())]
