"""The stage of a run: the players at their places, the network between them, the directory and the clock."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from random import Random
from typing import TYPE_CHECKING, Protocol

import attrs

from eessi.buc import Buc, Case, buc
from eessi.directory import Directory
from eessi.errors import DefinitionError, MissingExtra, NotAllowed, UsageError
from eessi.ids import InstitutionId, Period, Role
from eessi.schemas import Registry
from eessi.sed import Sed
from eessi.testing.building import Builder
from eessi.testing.clock import VirtualClock
from eessi.testing.faults import Habit
from eessi.testing.players import Player, Refusal
from eessi.testing.scenario import Scenario
from eessi.transport import InMemoryNetwork, Transport

if TYPE_CHECKING:
    from eessi.transport.wss import KeyPair

__all__ = ["Network", "Real", "Stage", "opened_network", "signed", "signers"]


class Network(Protocol):
    """What carries the messages of a run: it gives each institution its transport."""

    def endpoint(self, institution: InstitutionId) -> Transport:
        """The transport of an institution; it exists from the first call on."""
        ...


@attrs.frozen(slots=True)
class Real:
    """A party that is a real system: it sits at its own end of the network and acts by itself.

    :param give_time: lets it work: fetch what has come, answer. :param tries: how often it is given time to receipt a
        message, and to send something that the scenario waits for.
    """

    give_time: Callable[[], None]
    tries: int = 20


@contextmanager
def opened_network(transport: str, clock: VirtualClock) -> Iterator[Network]:
    """A network of that kind, which gives back what it holds when the block ends.

    :raises UsageError: when there is no such kind.
    """
    if transport == "memory":
        yield InMemoryNetwork(clock=clock)
    elif transport == "as4":
        from eessi.testing.as4network import As4Network

        with As4Network(clock) as network:
            yield network
    else:
        raise UsageError(f"no transport is called {transport!r}; it is memory or as4")


def _business_key(institution: InstitutionId) -> KeyPair:
    """A key made on the spot, the same one for an institution in one process."""
    try:
        from eessi.transport.demo_keys import demo_key
    except ImportError:
        raise MissingExtra("signature", "signing documents in a scenario") from None
    return demo_key(f"business of {institution}")


def signers(institution: InstitutionId) -> frozenset[str]:
    """Thumbprints of the certificates that may sign for a simulated institution."""
    from cryptography.hazmat.primitives import hashes

    return frozenset({_business_key(institution).certificate.fingerprint(hashes.SHA256()).hex()})


def signed(sed: Sed, institution: InstitutionId, at: dt.datetime) -> Sed:
    """A document signed by a simulated institution; it never leaves this process."""
    from eessi.sed.signature import sign

    pair = _business_key(institution)
    return sign(sed, pair.private_key, pair.certificate, signing_time=at, loopback=True)


@attrs.define(slots=True)
class Stage:
    """Everything that a run works with; what it opened itself is given back when its block ends.

    :param directory: the directory today; :meth:`leave` makes a later one.
    :param real: parties that are real systems; their players only mirror what is seen of them.
    """

    scenario: Scenario
    registry: Registry
    directory: Directory
    network: Network
    clock: VirtualClock
    random: Random
    seed: int
    show_values: bool = False
    lang: str = "en"
    players: dict[str, Player] = attrs.field(factory=dict)
    real: Mapping[str, Real] = attrs.field(factory=dict)
    _own: ExitStack = attrs.field(factory=ExitStack, init=False)
    _empty: dict[str, Case] = attrs.field(factory=dict, init=False)
    _reached: dict[tuple[InstitutionId, dt.date], Refusal | None] = attrs.field(factory=dict, init=False)

    @classmethod
    def set(
        cls,
        scenario: Scenario,
        registry: Registry,
        directory: Directory,
        network: Network | None,
        transport: str,
        seed: int,
        show_values: bool,
        lang: str,
    ) -> Stage:
        """Set the stage for a scenario.

        :raises DefinitionError: when the directory has nobody for a party of the scenario.
        """
        clock, own = VirtualClock(scenario.starts), ExitStack()
        with own:  # closed here when a player cannot be placed
            stage = cls(
                scenario,
                registry,
                directory,
                network or own.enter_context(opened_network(transport, clock)),
                clock,
                Random(seed),  # noqa: S311  # repeatable identifiers for tests, no secrets
                seed,
                show_values,
                lang,
            )
            for name in scenario.parties:
                stage.players[name] = stage._player(name)
            stage._own = own.pop_all()
        return stage

    def __enter__(self) -> Stage:
        return self

    def __exit__(self, *_: object) -> None:
        self._own.close()

    @property
    def definition(self) -> Buc:
        """The process of the scenario."""
        return buc(self.scenario.buc)

    @property
    def builder(self) -> Builder:
        """Makes the documents of the run."""
        return Builder(self.registry, self.scenario.version, self.scenario.packages)

    def is_silent(self, name: str) -> bool:
        """Whether a party takes nothing in."""
        return self.scenario.parties[name].habit is Habit.SILENT

    def hurry(self, name: str) -> None:
        """A real party let us wait in vain: it is given little time from now on, so that a run against a dead system ends."""
        real = self.real[name]
        self.real = {**self.real, name: attrs.evolve(real, tries=min(real.tries, 5))}

    def _player(self, name: str) -> Player:
        party = self.scenario.parties[name]
        institution, title = self._institution(name)
        return Player(
            name=name,
            role=party.role,
            country=party.country,
            institution=institution,
            institution_name=title,
            transport=self.network.endpoint(institution),
            registry=self.registry,
            buc=self.scenario.buc,
            version=self.scenario.version,
            clock=self.clock,
            random=Random(f"{self.seed}:{name}"),  # noqa: S311  # as above
            reach=self.reach,
            signers=signers,
        )

    def _institution(self, name: str) -> tuple[InstitutionId, str]:
        """The institution of a party and its name: the one it asks for, else the first that may play the role."""
        party = self.scenario.parties[name]
        if party.institution is not None:
            wanted = InstitutionId(party.institution)
            return wanted, self.directory.get(wanted).name(self.lang) if wanted in self.directory else wanted
        found = self.directory.find(self.scenario.buc, party.role, party.country, self.clock.today)
        taken = {player.institution for player in self.players.values()}
        for match in found.matches:
            if match.institution.id not in taken:
                return match.institution.id, match.institution.name(self.lang)
        hint = f"; {found.hints[0]}" if found.hints else ""
        raise DefinitionError(
            f"the directory has no institution in {party.country} that may be {party.role} in {self.scenario.buc} "
            f"on {self.clock.today}{hint}; name one with 'institution:'",
            file=self.scenario.file,
            key=f"parties.{name}",
        )

    def trace(self, message_id: str) -> tuple[str, ...]:
        """The steps of a message on the network, where the network tells them."""
        if isinstance(self.network, InMemoryNetwork):
            return tuple(step.kind.value for step in self.network.log if step.message_id == message_id)
        trace = getattr(self.network, "trace", None)
        return tuple(trace(message_id)) if trace is not None else ()

    def reach(self, receiver: InstitutionId) -> Refusal | None:
        """Why an institution cannot be addressed today; ``None`` when it can, or when the directory does not know it."""
        asked = (receiver, self.clock.today)
        if asked not in self._reached:
            self._reached[asked] = self._reach(*asked)
        return self._reached[asked]

    def _reach(self, receiver: InstitutionId, on: dt.date) -> Refusal | None:
        if receiver not in self.directory:
            return None
        try:
            self.directory.route(receiver, on)
        except NotAllowed as error:
            return Refusal(str(error), error.rule)
        return None

    def leave(self, player: Player) -> bool:
        """End an institution in the directory today; false when the directory does not know it."""
        if player.institution not in self.directory:
            return False
        content = self.directory.content
        gone = self.directory.get(player.institution)
        ended = attrs.evolve(gone, period=Period(gone.period.start, self.clock.today))
        institutions = {**content.institutions, ended.id: ended}
        self._reached.clear()
        self.directory = Directory(
            attrs.evolve(content, institutions=institutions),
            head=self.directory.head,
            kept=self.directory.kept,
            has_endpoints=self.directory.has_endpoints,
            environment=self.directory.environment,
        )
        return True

    def unknown(self) -> tuple[str, ...]:
        """Names of the parties that the directory does not know, so that nobody checked whether they may take part."""
        return tuple(name for name, player in self.players.items() if player.institution not in self.directory)

    def case(self, player: Player) -> Case:
        """The case of a player, or the empty one it would begin with."""
        if player.case is not None:
            return player.case
        if player.name not in self._empty:
            others = tuple(
                other.institution
                for other in self.players.values()
                if other is not player and other.role is Role.COUNTERPARTY
            )
            self._empty[player.name] = player.empty_case(None, others)
        return self._empty[player.name]

    def states(self) -> dict[str, str]:
        """The state of each party's case."""
        return {name: str(player.case.state) if player.case else "new" for name, player in self.players.items()}
