"""Two institutions at work behind two access-point doubles, on one clock."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import attrs
import pytest

from eessi.node import Node, Vault
from eessi.schemas import Registry
from eessi.sed import Sed, build
from eessi.stores import Store
from eessi.transport.corners import FourCorners
from tests.peers.postgresql import database, postgresql, postgresql_server  # noqa: F401  # fixtures

FR, BE = "FR:SYNTH001", "BE:SYNTH001"


@attrs.define
class Pair:
    """The French and the Belgian node and what lies between them."""

    corners: FourCorners
    fr: Node
    be: Node

    def run(self, steps: int = 10_000) -> None:
        """Let messages move and be applied until nothing moves any more."""
        for _ in range(steps):
            moved = self.corners.step()
            moved = self.fr.apply_next() or moved
            moved = self.be.apply_next() or moved
            if not moved:
                if self.corners.now > self.quiet_until:
                    return
                self.corners.advance(dt.timedelta(seconds=30))
                for point in self.corners.access_points:
                    point.release()
            else:
                self.quiet_until = self.corners.now + dt.timedelta(minutes=5)
                self.corners.advance(dt.timedelta(milliseconds=10))

    quiet_until: dt.datetime = dt.datetime(2026, 1, 5, 8, 5, tzinfo=dt.UTC)


def counted(prefix: str) -> Callable[[], str]:
    numbers = itertools.count(1)
    return lambda: f"{prefix}{next(numbers):08x}-0000-4000-8000-000000000000"[-36:]


def pair_of(corners: FourCorners, *, tenants: tuple[str, str] = ("default", "default")) -> Pair:
    nodes = []
    for engine, prefix in zip(corners.engines, ("f", "b"), strict=True):
        node = Node(
            engine.outbox.store,
            engine,
            Vault(bytes(32)),
            registry=Registry.default(),
            clock=lambda: corners.now,
            new_id=counted(prefix),
        )
        nodes.append(node)
    return Pair(corners, *nodes)


BOTH_STORES = ("sqlite", pytest.param("postgresql", marks=pytest.mark.peers))
"""For tests that hold whatever the store is."""


@contextmanager
def store_urls(kind: str, request: pytest.FixtureRequest, folder: Path, count: int = 2) -> Iterator[tuple[str, ...]]:
    """URLs of empty databases of one kind."""
    if kind == "sqlite":
        yield tuple(f"sqlite:///{folder}/{number}.db" for number in range(count))
        return
    server = request.getfixturevalue("postgresql_server")
    with ExitStack() as stack:
        yield tuple(stack.enter_context(database(server)) for _ in range(count))


@pytest.fixture(params=BOTH_STORES)
def pair(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Pair]:
    with store_urls(request.param, request, tmp_path) as urls:
        # SQLite in memory is the quickest; crashes and several processes have tests of their own with files.
        first, second = ("sqlite://", "sqlite://") if request.param == "sqlite" else urls
        with Store.open(first) as fr, Store.open(second) as be:
            yield pair_of(FourCorners(FR, BE, stores=(fr, be)))


def sandbox(code: str, **body: object) -> Sed:
    """A synthetic document of the sandbox."""
    person = {
        "familyName": "Testperson",
        "forename": "Ada",
        "dateBirth": "1980-01-15",
        "sex": "02",
        "PINPersonInEachInstitution": {
            "PersonalIdentificationNumber": [{"country": "FR", "personalIdentificationNumber": "TEST-0001"}]
        },
    }
    data = {"Person": {"PersonIdentification": person}, **body}
    return build(code, data, version="1.0", registry=Registry.default())
