"""An invented directory of any size, for tests of scale: as many countries, bodies and years as asked for.

Every figure follows from the seed. No body, name, address, key or thumbprint in it is real.
"""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Iterator
from typing import BinaryIO, Final

import attrs

from eessi.directory.records import (
    AccessPoint,
    CentralNode,
    Certificate,
    Competence,
    Contact,
    Endpoint,
    Institution,
    Link,
    Relation,
    Translation,
)
from eessi.directory.sources import known_bucs
from eessi.directory.syn001 import CopyHead
from eessi.directory.syn001_writer import write_syn001
from eessi.directory.synthetic import synthetic_certificate
from eessi.ids import COUNTRIES, BucId, InstitutionId, Period, Role

__all__ = ["Europe", "EuropePlan", "institutions_of", "plan"]

_BEGIN: Final = dt.date(2019, 7, 1)
_CERTIFIED: Final = Period(dt.date(2019, 1, 1), dt.date(2099, 1, 1))
_ROLES: Final = (Role.CASE_OWNER, Role.COUNTERPARTY)


@attrs.frozen(slots=True)
class EuropePlan:
    """How large the invented directory is.

    ``earlier`` is the share of competences that had a period before the one now in force, with a gap between them, so that
    the copy tells of ``years`` years. ``not_ready`` and ``ended`` are shares too.
    """

    institutions: int = 3200
    countries: tuple[str, ...] = COUNTRIES
    bucs: tuple[str, ...] = ()
    years: int = 5
    earlier: float = 0.58
    not_ready: float = 0.01
    ended: float = 0.02
    seed: int = 1
    version: str = "1.0.0"


def plan(institutions: int = 3200, **more: object) -> EuropePlan:
    """The plan for a number of institutions; by default 3,200 in 32 countries, 99 processes, a million competences."""
    made = EuropePlan(institutions, bucs=tuple(sorted(known_bucs())))
    return attrs.evolve(made, **more)  # type: ignore[arg-type]  # names and types are those of the plan


def institutions_of(plan: EuropePlan) -> Iterator[Institution]:
    """The institutions, country by country, ordered by id."""
    share, rest = divmod(plan.institutions, len(plan.countries))
    bucs = [BucId(code) for code in plan.bucs]
    for index, country in enumerate(plan.countries):
        for number in range(share + (index < rest)):
            yield _institution(plan, country, number + 1, bucs)


def _institution(plan: EuropePlan, country: str, number: int, bucs: list[BucId]) -> Institution:
    id = InstitutionId(f"{country}:{number:08d}")
    chance = random.Random(f"{plan.seed} {id}")  # noqa: S311  # invented data, nothing secret
    period = Period(_BEGIN)
    relations: tuple[Relation, ...] = ()
    if number > 1 and chance.random() < plan.ended:
        period = Period(_BEGIN, _BEGIN + dt.timedelta(days=chance.randrange(400, 365 * plan.years)))
        relations = (Relation(InstitutionId(f"{country}:{1:08d}"), "predecessor of"),)
    certificate = synthetic_certificate(id, _CERTIFIED).thumbprint
    channel = f"{country}-{number:08d}".lower()
    return Institution(
        id=id,
        country=country,
        names=(Translation("en", f"Synthetic Office {country} {number}"),),
        short_name=f"S{country}{number}",
        period=period,
        is_liaison=number == 1,
        contact=Contact(emails=(f"contact@{channel}.example",)),
        relations=relations,
        competences=tuple(_competences(plan, id, bucs, chance, period)),
        ebms_certificates=(certificate,),
        business_certificates=(certificate,),
        business_endpoint=Endpoint(channel, "pull"),
        system_endpoint=Endpoint(f"{channel}:System", "pull"),
    )


def _competences(
    plan: EuropePlan, id: InstitutionId, bucs: list[BucId], chance: random.Random, own: Period
) -> Iterator[Competence]:
    number = 0
    for buc in bucs:
        for role in _ROLES:
            start = _BEGIN
            if chance.random() < plan.earlier:
                length = 30 * chance.randrange(1, 12 * plan.years - 3)
                number += 1
                yield Competence(
                    buc, role, Period(start, start + dt.timedelta(days=length)), True, f"{id.local}-{number}"
                )
                start += dt.timedelta(days=length + 30)
            number += 1
            yield Competence(
                buc, role, Period(start, own.end), chance.random() >= plan.not_ready, f"{id.local}-{number}"
            )


class Europe:
    """An invented copy, one record at a time; ``competences`` counts what was made so far."""

    def __init__(self, plan: EuropePlan) -> None:
        self.plan = plan
        self.competences = 0
        self._links: dict[str, list[Link]] = {}

    def institutions(self) -> Iterator[Institution]:
        """The institutions; access points and certificates follow from them."""
        for each in institutions_of(self.plan):
            self._links.setdefault(each.country, []).append(Link(each.id, each.period))
            self.competences += len(each.competences)
            yield each

    def access_points(self) -> Iterator[AccessPoint]:
        """One access point per country, once the institutions are made."""
        for country, served in self._links.items():
            yield access_point_of(country, tuple(served))

    def certificates(self) -> Iterator[Certificate]:
        """The certificates of all of them."""
        for country, served in self._links.items():
            yield synthetic_certificate(InstitutionId(f"{country}:AP{country}91"), _CERTIFIED)
            for link in served:
                yield synthetic_certificate(link.institution, _CERTIFIED)

    def records(self) -> Iterator[CopyHead | CentralNode | Institution | AccessPoint | Certificate]:
        """The whole copy, in the order of SYN001."""
        yield head_of(self.plan)
        yield central_node()
        yield from self.institutions()
        yield from self.access_points()
        yield from self.certificates()

    def write(self, file: BinaryIO) -> None:
        """The whole copy as SYN001."""
        parts = (self.institutions(), self.access_points(), self.certificates())
        write_syn001(file, head_of(self.plan), *parts, central_node())


def central_node() -> CentralNode:
    """The invented central node."""
    return CentralNode(InstitutionId("EU:CSN01"), system_endpoint=Endpoint("https://csn.example/eessi/", "push"))


def head_of(plan: EuropePlan) -> CopyHead:
    """Where the invented copy says it comes from."""
    created = dt.datetime(2026, 11, 1, 3, tzinfo=dt.UTC)
    return CopyHead(version=plan.version, created=created, sender="EU:CSN01", receiver="FR:APFR91")


def access_point_of(country: str, links: tuple[Link, ...]) -> AccessPoint:
    """The one access point of a country."""
    id = InstitutionId(f"{country}:AP{country}91")
    print_ = synthetic_certificate(id, _CERTIFIED).thumbprint
    url = f"https://{id.replace(':', '-').lower()}.example/eessi/"
    return AccessPoint(
        id=id,
        country=country,
        names=(Translation("en", f"Synthetic access point {country}"),),
        period=Period(_BEGIN),
        links=links,
        ebms_certificates=(print_,),
        external_tls_certificates=(print_,),
        internal_tls_certificates=(print_,),
        system_endpoint=Endpoint(url, "push"),
        business_endpoint=Endpoint(url, "push"),
    )
