"""One party of a scenario is a real institution behind its access point; the others are played here and reach it over AS4.

A profile (TOML) says who is real, who is played with which key, and where the access point is. Nothing here is called in a
run that simulates everybody.
"""

from __future__ import annotations

import datetime as dt
import secrets
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Literal

import attrs
from pydantic import BaseModel, ConfigDict, Field

from eessi.errors import InputError, MissingExtra, SecurityError, UsageError
from eessi.ids import InstitutionId, SedType
from eessi.schemas import Registry
from eessi.sed import Message, parse, validate
from eessi.testing.record import Run
from eessi.testing.runner import run
from eessi.testing.scenario import Scenario
from eessi.testing.stage import Real
from eessi.transport import Delivery, Parcel, Transport

if TYPE_CHECKING:
    from eessi.transport.engine import Engine
    from eessi.transport.guard import Guard
    from eessi.transport.identity import Partner
    from eessi.transport.wire import Wire

__all__ = ["Against", "Profile", "load_profile"]

_LOOK_SECONDS = 0.2
"""So long one look at the access point lasts at least: a waiting party asks five times a second."""


class _Row(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class AccessPointRow(_Row):
    """The access point of the parties that are played here."""

    outbox_url: str
    inbox_url: str
    certificate: str


class RealRow(_Row):
    """The real institution: which party of the scenario it is, and the certificate that signs its messages."""

    party: str
    institution: str
    certificate: str


class PlayedRow(_Row):
    """A party played here: its institution, its messaging key and the channel that is its own."""

    party: str
    institution: str
    key: str
    mpc: str | None = None


class TlsRow(_Row):
    """Files for TLS with the access point; the system's authorities are trusted when none are named."""

    certificate: str | None = None
    key: str | None = None
    trusted: str | None = None


class Profile(_Row):
    """The file. Paths are relative to it; secrets are files of their own, never values here.

    :param environment: of the real system. There is no word for production: made-up documents are never sent there.
    :param timeout_seconds: so long the real system may take for a receipt, and for each document that is awaited.
    """

    environment: Literal["test", "training", "acceptance"]
    timeout_seconds: float = Field(default=60.0, gt=0, le=86_400)
    profile: str = "eessi"
    access_point: AccessPointRow
    real: RealRow
    played: tuple[PlayedRow, ...] = Field(min_length=1)
    tls: TlsRow | None = None


def load_profile(file: Path) -> Profile:
    """Read a profile.

    :raises InputError: when it cannot be read. :raises DefinitionError: no TOML, unknown or missing keys.
    :raises SecurityError: it names production.
    """
    from eessi.transport.config_files import read_config

    class _Named(BaseModel):
        environment: str = ""

    if read_config(file, _Named).environment.strip().lower() in ("production", "prod"):
        raise SecurityError(f"{file}: environment: documents of a scenario are made up, they never go to production")
    return read_config(file, Profile)


class Against:
    """The way to a real institution. Open it once, run scenarios against it, close it.

    :param file: the profile. :param password: of the keys. :param wire: instead of HTTP, for tests.
    :param guard: the production guard; the default keeps demonstration keys and unproved documents on this machine.
    :raises SecurityError: the production guard refuses the profile. :raises MissingExtra: without ``transport``, ``stores``.
    """

    def __init__(
        self,
        file: Path | str,
        *,
        password: str | None = None,
        registry: Registry | None = None,
        wire: Wire | None = None,
        guard: Guard | None = None,
    ) -> None:
        try:
            from eessi.transport.http_client import HttpWire, client_tls
        except ImportError:
            raise MissingExtra("transport", "running a scenario against a real institution") from None
        self.file = Path(file)
        self.profile = load_profile(self.file)
        self.registry = registry or Registry.installed()
        self._own: HttpWire | None = None
        if wire is None:
            named = self.profile.tls or TlsRow()
            tls = client_tls(
                certificate=self._path(named.certificate) if named.certificate else None,
                key=self._path(named.key) if named.key else None,
                trusted=self._path(named.trusted) if named.trusted else None,
            )
            self._own = HttpWire(tls=tls, timeout=min(30.0, self.profile.timeout_seconds))
        self._engines = self._connected(wire or self._own, password, guard)  # type: ignore[arg-type]  # one of both is set

    def __enter__(self) -> Against:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give back the connections."""
        for engine in self._engines.values():
            engine.outbox.store.close()
        if self._own is not None:
            self._own.close()

    def run(self, scenario: Scenario, *, seed: int | None = None, show_values: bool = False, lang: str = "en") -> Run:
        """Play a scenario; see :func:`eessi.testing.run`. What the real institution holds is not seen.

        The institutions of the parties are those of the profile.

        :param seed: of the identifiers; a new one for each run by default, since a real institution has seen those of
            earlier runs and takes a message with a known one for a repetition.
        :raises UsageError: a party of the scenario is neither real nor played by the profile, or the other way round.
        """
        ids = {row.party: row.institution for row in self.profile.played}
        ids[self.profile.real.party] = self.profile.real.institution
        missing = [name for name in scenario.parties if name not in ids]
        strange = [name for name in ids if name not in scenario.parties]
        if missing or strange:
            what = f"says nothing about {missing[0]}" if missing else f"names {strange[0]}"
            raise UsageError(f"{self.file} {what}; the parties of {scenario.file} are {', '.join(scenario.parties)}")
        parties = {
            name: party.model_copy(update={"institution": InstitutionId(ids[name])})
            for name, party in scenario.parties.items()
        }
        real = Real(self._look, tries=max(1, round(self.profile.timeout_seconds / _LOOK_SECONDS)))
        return run(
            attrs.evolve(scenario, parties=parties),
            registry=self.registry,
            network=self,
            transport="as4",
            against={self.profile.real.party: real},
            seed=secrets.randbits(32) if seed is None else seed,
            show_values=show_values,
            lang=lang,
        )

    def heard(self, case_id: str, wanted: Callable[[SedType], bool]) -> str | None:
        """Code of the first document of this kind that comes into a case; ``None`` when none comes in the profile's time."""
        until = time.monotonic() + self.profile.timeout_seconds
        found: list[str] = []
        while not found and time.monotonic() < until:
            self._look()
            for institution in self._engines:
                for parcel in self.endpoint(institution).receive():  # to the end: what is not asked for is still taken
                    message = _message(parcel.payload)
                    if message is not None and message.header.case_id == case_id and wanted(message.sed.type):
                        found.append(str(message.sed.type))
        return next(iter(found), None)

    def endpoint(self, institution: InstitutionId) -> Transport:
        """The transport of a party that is played; the real one has its own."""
        return _End(self, self._engines.get(institution), self.registry)

    def trace(self, message_id: str) -> tuple[str, ...]:
        """What happened to a message, in order of time."""
        rows = [row for engine in self._engines.values() for row in engine.timeline(message_id)]
        return tuple(row.step for row in sorted(rows, key=lambda row: row.at))

    def _look(self) -> None:
        """Send what is due and ask for mail, for as long as one look lasts."""
        until = time.monotonic() + _LOOK_SECONDS
        for engine in self._engines.values():
            engine.run_until_idle(_now, steps=1_000)
        time.sleep(max(0.0, until - time.monotonic()))

    def _path(self, name: str) -> Path:
        return self.file.parent / name

    def _connected(self, wire: Wire, password: str | None, guard: Guard | None) -> dict[InstitutionId, Engine]:
        """An engine for each party that is played, after the production guard has looked at all of them."""
        from eessi.stores import Store
        from eessi.transport.config_files import read_bytes
        from eessi.transport.engine import Engine
        from eessi.transport.guard import Guard, is_demo
        from eessi.transport.identity import AccessPointLink, Channel, FixedPartners, Identity, Partner
        from eessi.transport.names import DEFAULT_MPC
        from eessi.transport.pmode import load_pmode
        from eessi.transport.wss import KeyPair, load_certificates

        profile, guard = self.profile, guard or Guard()
        pinned = load_certificates(read_bytes(self._path(profile.real.certificate)), source=profile.real.certificate)
        real = Partner(
            InstitutionId(profile.real.institution),
            pinned,
            simulated=all(is_demo(certificate) for certificate in pinned),
        )
        point = profile.access_point
        signs = load_certificates(read_bytes(self._path(point.certificate)), source=point.certificate)
        pmode = load_pmode(profile.profile)
        often = pmode.pull.model_copy(update={"shortest_seconds": _LOOK_SECONDS, "longest_seconds": 1.0})
        engines: dict[InstitutionId, Engine] = {}
        partners: list[Partner] = [real]
        for row in profile.played:
            me = InstitutionId(row.institution)
            if me == real.id or me in engines:
                raise UsageError(f"{self.file}: {me} stands twice; each party is an institution of its own")
            identity = Identity(me, KeyPair.load(read_bytes(self._path(row.key)), password, source=row.key))
            guard.check_sending(point.outbox_url, identity, real, proved=True)
            partners.append(Partner(me, (identity.key.certificate,), simulated=True))
            channel = Channel("business", row.mpc or f"{DEFAULT_MPC}/{me}", point.inbox_url)
            known = FixedPartners(partners, AccessPointLink(point.outbox_url, signs, (channel,)))
            pmode = pmode.model_copy(update={"pull": often})
            engines[me] = Engine(Store.open("sqlite://"), identity, known, pmode, wire, guard=guard)
        return engines


def _message(data: bytes) -> Message | None:
    try:
        found = parse(data)
    except InputError:
        return None
    return found if isinstance(found, Message) else None


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


@attrs.define(slots=True)
class _End:
    """One party's :class:`~eessi.transport.Transport`: its engine at the access point; nothing for the real one."""

    way: Against
    engine: Engine | None
    registry: Registry

    def send(self, parcel: Parcel) -> str:
        """See :meth:`eessi.transport.Transport.send`.

        :raises SecurityError: the production guard: off this machine only what an exact schema has proved may leave.
        """
        if self.engine is None:
            raise UsageError("a real institution sends by itself")
        return self.engine.outbox.submit(parcel, _now(), proved=self._proved(parcel.payload))

    def receive(self) -> Iterator[Parcel]:
        """See :meth:`eessi.transport.Transport.receive`."""
        if self.engine is None:
            return
        self.engine.run_until_idle(_now, steps=1_000)
        yield from self.engine.inbox.waiting(_now())

    def status(self, message_id: str) -> Delivery:
        """See :meth:`eessi.transport.Transport.status`."""
        assert self.engine is not None
        return self.engine.outbox.status(message_id)

    def _proved(self, payload: bytes) -> bool:
        from eessi.findings import Outcome

        try:
            return validate(parse(payload), self.registry).outcome is Outcome.VALID
        except InputError:
            return False
