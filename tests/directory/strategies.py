"""Invented directories for properties: small, dated, with everything the model knows."""

from __future__ import annotations

import datetime as dt

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from eessi.directory import (
    AccessPoint,
    Address,
    CentralNode,
    Certificate,
    Competence,
    Contact,
    Directory,
    Endpoint,
    Institution,
    Link,
    Relation,
    Translation,
)
from eessi.directory.difference import Content
from eessi.directory.folding import merge_competences
from eessi.directory.records import link_order
from eessi.ids import BucId, InstitutionId, Period, Role

LAW = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""Settings of the laws: a directory takes a moment to invent."""

COUNTRIES = ("FR", "BE", "EL")
IDS = [InstitutionId(f"{country}:{number:04d}") for country in COUNTRIES for number in range(1, 3)]
POINTS = [InstitutionId(f"{country}:AP{country}01") for country in COUNTRIES]
PRINTS = [f"{number:040X}" for number in range(1, 5)]
BUCS = [BucId(code) for code in ("S_BUC_01", "LA_BUC_01", "H_BUC_01")]
FIRST, LAST = dt.date(2020, 1, 1), dt.date(2020, 3, 1)

days = st.dates(FIRST, LAST)
texts = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), min_size=1, max_size=12).filter(
    str.strip
)


@st.composite
def periods(draw: st.DrawFn) -> Period:
    start = draw(st.one_of(st.just(dt.date.min), days))
    end = draw(st.one_of(st.none(), st.dates(max(start, FIRST) + dt.timedelta(days=1), LAST + dt.timedelta(days=9))))
    return Period(start, end)


competences = st.builds(
    Competence,
    buc=st.sampled_from(BUCS),
    role=st.sampled_from([Role.CASE_OWNER, Role.COUNTERPARTY, Role.INTELLIGENT_RA]),
    period=periods(),
    is_ready=st.booleans(),
    id=st.one_of(st.none(), st.sampled_from(["c1", "c2", "c3"])),
)
endpoints = st.one_of(
    st.none(), st.builds(Endpoint, st.sampled_from(["a", "b", "https://x.example/"]), st.sampled_from(["push", "pull"]))
)
prints = st.lists(st.sampled_from(PRINTS), max_size=2, unique=True).map(tuple)
translations = st.lists(
    st.builds(Translation, st.sampled_from(["en", "fr", "nl", "el"]), texts),
    max_size=3,
    unique_by=lambda name: name.language,
).map(tuple)
short_texts = st.lists(st.sampled_from(["a@x.example", "b@x.example", "+33 1"]), max_size=2).map(tuple)
contacts = st.builds(Contact, short_texts, short_texts, short_texts, short_texts)
addresses = st.lists(
    st.builds(Address, translations, translations, st.one_of(st.none(), st.just("0001")), st.booleans()), max_size=2
).map(tuple)


@st.composite
def institutions(draw: st.DrawFn, id: InstitutionId) -> Institution:
    return Institution(
        id=id,
        country=id.country,
        names=draw(translations),
        short_name=draw(st.one_of(st.none(), st.sampled_from(["A", "B"]))),
        period=draw(periods()),
        is_public=draw(st.booleans()),
        is_liaison=draw(st.booleans()),
        addresses=draw(addresses),
        contact=draw(contacts),
        relations=tuple(
            draw(
                st.lists(st.builds(Relation, st.sampled_from(IDS), st.sampled_from(["successor of", "x"])), max_size=2)
            )
        ),
        competences=merge_competences(draw(st.lists(competences, max_size=6))),
        ebms_certificates=draw(prints),
        business_certificates=draw(prints),
        business_endpoint=draw(endpoints),
        system_endpoint=draw(endpoints),
    )


@st.composite
def access_points(draw: st.DrawFn, id: InstitutionId) -> AccessPoint:
    links = draw(st.lists(st.builds(Link, st.sampled_from(IDS), periods()), max_size=6, unique=True))
    return AccessPoint(
        id=id,
        country=id.country,
        names=draw(translations),
        period=draw(periods()),
        addresses=draw(addresses),
        contact=draw(contacts),
        links=tuple(sorted(links, key=link_order)),
        ebms_certificates=draw(prints),
        external_tls_certificates=draw(prints),
        internal_tls_certificates=draw(prints),
        system_endpoint=draw(endpoints),
        business_endpoint=draw(endpoints),
    )


@st.composite
def certificates(draw: st.DrawFn, print_: str) -> Certificate:
    start, length = draw(days), draw(st.integers(1, 90))
    end = start + dt.timedelta(days=length)
    midnight = dt.time(tzinfo=dt.UTC)
    return Certificate(
        thumbprint=print_,
        serial_number=draw(st.one_of(st.none(), st.just("01"))),
        subject="CN=Synthetic",
        issuer=draw(st.sampled_from(["CN=A", "CN=B"])),
        valid_from=dt.datetime.combine(start, midnight),
        valid_to=dt.datetime.combine(end, midnight),
        public_key=draw(st.sampled_from(["AA==", "AQ=="])),
        period=Period(start, end),
    )


@st.composite
def contents(draw: st.DrawFn) -> Content:
    ids = draw(st.lists(st.sampled_from(IDS), unique=True, max_size=4))
    points = draw(st.lists(st.sampled_from(POINTS), unique=True, max_size=2))
    known = draw(st.lists(st.sampled_from(PRINTS), unique=True))
    node = draw(
        st.one_of(st.none(), st.builds(CentralNode, st.just(InstitutionId("EU:CSN01")), prints, prints, endpoints))
    )
    return Content(
        {id: draw(institutions(id)) for id in sorted(ids)},
        {id: draw(access_points(id)) for id in sorted(points)},
        {print_: draw(certificates(print_)) for print_ in sorted(known)},
        node,
    )


directories = contents().map(Directory)
