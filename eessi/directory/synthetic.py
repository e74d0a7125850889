"""The invented directory that ships with the toolkit, built from ``data/synthetic.csv``.

For demonstrations, scenarios and tests. No body, name, address, key or thumbprint in it is real.
"""

from __future__ import annotations

import base64
import csv
import datetime as dt
import hashlib
from collections.abc import Iterator
from importlib.resources import files
from typing import Final

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
    competence_order,
)
from eessi.directory.syn001 import CopyHead, Record
from eessi.ids import BucId, InstitutionId, Period, Role

__all__ = ["synthetic_certificate", "synthetic_records"]

_CERTIFICATES: Final = {
    "good": Period(dt.date(2019, 1, 1), dt.date(2099, 1, 1)),
    "coming": Period(dt.date(2099, 1, 1), dt.date(2109, 1, 1)),
    "expired": Period(dt.date(2010, 1, 1), dt.date(2019, 1, 1)),
}
_BEGIN: Final = dt.date(2019, 7, 1)


def synthetic_records() -> Iterator[Record]:
    """The records of the invented directory, access points and certificates included."""
    yield CopyHead(version="1.0.0", created=dt.datetime(2026, 11, 1, 3, tzinfo=dt.UTC), sender="EU:CSN01")
    yield CentralNode(InstitutionId("EU:CSN01"), system_endpoint=Endpoint("https://csn.example/eessi/", "push"))
    links: dict[InstitutionId, list[Link]] = {}
    rows = list(_rows())
    for row in rows:
        id = InstitutionId(row["id"])
        certificate = synthetic_certificate(id, _CERTIFICATES[row["certificate"]])
        yield certificate
        yield _institution(id, row, certificate)
        if row["access_point"]:
            point = InstitutionId(row["access_point"])
            links.setdefault(point, []).append(Link(id, _period(row)))
    for id, served in links.items():
        certificate = synthetic_certificate(id, _CERTIFICATES["good"])
        yield certificate
        yield _access_point(id, tuple(served), certificate)


def _rows() -> list[dict[str, str]]:
    text = files("eessi.directory").joinpath("data", "synthetic.csv").read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()[1:], delimiter=";"))


def _period(row: dict[str, str]) -> Period:
    end = dt.date.fromisoformat(row["end"]) if row["end"] else None
    return Period(dt.date.fromisoformat(row["start"]), end)


def _institution(id: InstitutionId, row: dict[str, str], certificate: Certificate) -> Institution:
    period = _period(row)
    competences = [
        Competence(BucId(buc), Role.parse(role), period, row["ready"] == "true", f"{id.local}-{buc}-{role}")
        for buc in row["bucs"].split()
        for role in row["roles"].split()
    ]
    kind, _, other = row["relation"].rpartition(" ")
    return Institution(
        id=id,
        country=row["country"],
        names=tuple(Translation(*name.split("=", 1)) for name in row["names"].split("|")),
        short_name=row["short_name"],
        period=period,
        is_liaison=id.local == "SYNTH001",
        contact=Contact(emails=(f"contact@{id.local.lower()}.{id.country.lower()}.example",)),
        relations=(Relation(InstitutionId(other), kind),) if other else (),
        competences=tuple(sorted(competences, key=competence_order)),
        ebms_certificates=(certificate.thumbprint,),
        business_certificates=(certificate.thumbprint,),
        business_endpoint=Endpoint(id.replace(":", "-").lower(), row["endpoint"]),
        system_endpoint=Endpoint(id.replace(":", "-").lower() + ":System", row["endpoint"]),
    )


def _access_point(id: InstitutionId, links: tuple[Link, ...], certificate: Certificate) -> AccessPoint:
    url = f"https://{id.replace(':', '-').lower()}.example/eessi/"
    return AccessPoint(
        id=id,
        country=id.country,
        names=(Translation("en", f"Synthetic access point {id.local}"),),
        period=Period(_BEGIN.replace(year=2010)),
        links=tuple(sorted(links, key=lambda link: link.institution)),
        ebms_certificates=(certificate.thumbprint,),
        external_tls_certificates=(certificate.thumbprint,),
        internal_tls_certificates=(certificate.thumbprint,),
        system_endpoint=Endpoint(url, "push"),
        business_endpoint=Endpoint(url, "push"),
    )


def synthetic_certificate(id: InstitutionId, period: Period) -> Certificate:
    """An entry of the certificate list without a certificate behind it: every figure is derived from the id."""
    seed = f"{id} {period.start} {period.end}".encode()
    end = period.end or dt.date(2099, 1, 1)
    return Certificate(
        thumbprint=hashlib.sha1(seed, usedforsecurity=False).hexdigest().upper(),
        serial_number=hashlib.sha256(seed).hexdigest()[:16].upper(),
        subject=f"CN=Synthetic {id}",
        issuer="CN=Synthetic CA",
        valid_from=dt.datetime.combine(period.start, dt.time(), dt.UTC),
        valid_to=dt.datetime.combine(end, dt.time(), dt.UTC),
        public_key=base64.b64encode(hashlib.sha256(seed).digest()).decode(),
        period=period,
    )
