"""What is wrong with a copy although it can be read: one rule per kind of fault, each a row of the message catalogue."""

from __future__ import annotations

import datetime as dt
import functools
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from importlib.resources import files
from itertools import pairwise
from typing import Final

from eessi.directory.directory import Directory
from eessi.directory.records import Certificate, Endpoint, Institution
from eessi.directory.search import folded
from eessi.findings import Finding, Severity
from eessi.ids import InstitutionId, Period

__all__ = ["EXPIRY_WARNING_DAYS", "NAME_LIMIT", "RULES", "lint", "official_languages"]

EXPIRY_WARNING_DAYS: Final = 60
"""A certificate that runs out within so many days is named before it does."""

NAME_LIMIT: Final = 155
"""Longest institution name a SED carries, in characters (S071 4.4.0, EESSIInstitutionType)."""

_NORWEGIAN: Final = {"no": ("nb", "nn")}
"""A name marked ``no`` stands for both written forms of Norwegian."""


def lint(directory: Directory, on: dt.date | None = None) -> tuple[Finding, ...]:
    """All faults of a copy as of a day, today when absent, in the order of the rules.

    Errors are what makes a body unreachable or an entry meaningless; the rest are warnings and notes.
    """
    day = on or dt.date.today()
    return tuple(finding for rule in RULES for finding in rule(directory, day))


@functools.cache
def official_languages() -> dict[str, tuple[str, ...]]:
    """Country -> its official languages (``data/countries.toml``)."""
    import tomllib

    text = files("eessi.directory").joinpath("data", "countries.toml").read_text(encoding="utf-8")
    return {row["code"]: tuple(row["languages"]) for row in tomllib.loads(text)["country"]}


def _finding(id: str, path: str, got: str = "", severity: Severity = Severity.WARNING, expected: str = "") -> Finding:
    return Finding(
        id,
        severity=severity,
        path=path,
        got=got or None,
        expected=(expected,) if expected else (),
        params={"count": "1"},
    )


# --- certificates ----------------------------------------------------------------------------------------------------


def _uses(directory: Directory) -> Iterator[tuple[str, str, bool]]:
    """Owner, thumbprint, and whether messages depend on it."""
    for each in directory:
        yield from ((each.id, print_, True) for print_ in each.ebms_certificates)
        yield from ((each.id, print_, False) for print_ in each.business_certificates)
    for point in directory.access_points.values():
        for print_ in (*point.ebms_certificates, *point.external_tls_certificates):
            yield point.id, print_, True
        yield from ((point.id, print_, False) for print_ in point.internal_tls_certificates)
    node = directory.central_node
    if node is not None:
        yield from ((node.id, print_, True) for print_ in (*node.ebms_certificates, *node.tls_certificates))


def certificates(directory: Directory, on: dt.date) -> Iterator[Finding]:
    """Certificates in use that ran out, soon will, or are not in the copy's list."""
    soon = on + dt.timedelta(days=EXPIRY_WARNING_DAYS)
    for owner, print_ in dict.fromkeys((owner, print_) for owner, print_, _ in _uses(directory)):
        certificate = directory.certificates.get(print_)
        if certificate is None:
            if directory.has_endpoints:
                yield _finding("DIR-CERT-UNLISTED", owner, print_, Severity.ERROR)
        elif not certificate.period.covers(on):
            yield _finding("DIR-CERT-EXPIRED", owner, print_, Severity.ERROR, _bounds(certificate))
        elif not certificate.period.covers(soon):
            yield _finding("DIR-CERT-EXPIRING", owner, print_, expected=_bounds(certificate))


def _bounds(certificate: Certificate) -> str:
    return f"{certificate.period.start} to {certificate.period.end or 'open'}"


# --- reachability ----------------------------------------------------------------------------------------------------


def endpoints(directory: Directory, on: dt.date) -> Iterator[Finding]:
    """Bodies that are competent today and cannot be reached, and channels that several share."""
    if not directory.has_endpoints:
        return
    served = {
        link.institution
        for point in directory.access_points.values()
        if point.period.covers(on) and point.business_endpoint
        for link in point.links
        if link.period.covers(on)
    }
    for each in directory:
        busy = each.period.covers(on) and any(row.period.covers(on) and row.is_ready for row in each.competences)
        if busy and (each.id not in served or each.business_endpoint is None):
            yield _finding("DIR-NO-ENDPOINT", each.id, severity=Severity.ERROR)
    in_force = [(each.id, each.business_endpoint) for each in directory if each.period.covers(on)]
    points = [
        (point.id, point.business_endpoint) for point in directory.access_points.values() if point.period.covers(on)
    ]
    for group in (in_force, points):
        yield from _shared(group)


def _shared(owners: Sequence[tuple[InstitutionId, Endpoint | None]]) -> Iterator[Finding]:
    by_channel: dict[str, list[InstitutionId]] = defaultdict(list)
    for owner, endpoint in owners:
        if endpoint is not None:
            by_channel[endpoint.channel].append(owner)
    for users in by_channel.values():
        for user in users[1:]:
            yield _finding("DIR-ENDPOINT-SHARED", user, users[0])


def links(directory: Directory, on: dt.date) -> Iterator[Finding]:
    """Links to bodies that are not there, two access points at once, days between two links."""
    served: dict[InstitutionId, list[tuple[Period, InstitutionId]]] = defaultdict(list)
    for point in directory.access_points.values():
        for link in point.links:
            if link.institution not in directory:
                yield _finding("DIR-LINK-UNKNOWN", f"{point.id}/{link.institution}", severity=Severity.ERROR)
            served[link.institution].append((link.period, point.id))
    for id, placed in served.items():
        placed.sort(key=lambda pair: (pair[0].start, pair[0].end or dt.date.max))
        for (before, old), (after, new) in pairwise(placed):
            if before.overlaps(after):
                yield _finding("DIR-OVERLAP", id, f"{old} and {new}")
            elif before.end is not None and before.end < after.start:
                yield _finding("DIR-GAP", id, f"no access point from {before.end} to {after.start}")


# --- competences -----------------------------------------------------------------------------------------------------


def competences(directory: Directory, on: dt.date) -> Iterator[Finding]:
    """Gaps and overlaps within one process and role, and competences outside the body's own period."""
    for each in directory:
        for before, after in pairwise(each.competences):
            if (before.buc, before.role) != (after.buc, after.role):
                continue
            what = f"{after.buc} {after.role.in_directory}"
            if before.period.overlaps(after.period):
                yield _finding("DIR-OVERLAP", each.id, what)
            elif before.period.end is not None and before.period.end < after.period.start:
                yield _finding("DIR-GAP", each.id, f"{what} from {before.period.end} to {after.period.start}")
        outside = [row for row in each.competences if _outside(row.period, each.period)]
        if outside:
            yield _finding("DIR-COMPETENCE-OUTSIDE", each.id, f"{len(outside)} of {len(each.competences)} competences")


def _outside(inner: Period, outer: Period) -> bool:
    begins_early = inner.start < outer.start and inner.start != dt.date.min
    ends_late = outer.end is not None and (inner.end is None or inner.end > outer.end)
    return begins_early or ends_late


# --- names -----------------------------------------------------------------------------------------------------------


def names(directory: Directory, on: dt.date) -> Iterator[Finding]:
    """Names missing in English or a national language, and names longer than a SED carries."""
    for each in directory:
        languages = {name.language for name in each.names} - {""}
        languages |= {other for language in languages for other in _NORWEGIAN.get(language, ())}
        if languages or not each.names:
            official = official_languages().get(each.country, ())
            if "en" not in languages:
                yield _finding("DIR-NAME-ENGLISH", each.id)
            if official and not languages.intersection(official):
                yield _finding("DIR-NAME-NATIONAL", each.id, expected=", ".join(official))
        for name in each.names:
            if len(name.display) > NAME_LIMIT:
                yield _finding("DIR-NAME-LENGTH", each.id, f"{len(name.display)} characters", expected=f"{NAME_LIMIT}")


def doubles(directory: Directory, on: dt.date) -> Iterator[Finding]:
    """Bodies of one country with one name, ids that differ by zeros or letter case, short names that many share."""
    by_name: dict[tuple[str, str], Institution] = {}
    by_id: dict[tuple[str, str], Institution] = {}
    short: Counter[tuple[str, str]] = Counter()
    for each in directory:
        bare = (each.country, each.id.local.lstrip("0").casefold())
        if bare in by_id:
            yield _finding("DIR-ID-TWIN", each.id, by_id[bare].id)
        by_id.setdefault(bare, each)
        if each.period.covers(on):
            for name in dict.fromkeys(folded(name.text) for name in each.names):
                other = by_name.setdefault((each.country, name), each)
                if name and other is not each:
                    yield _finding("DIR-NAME-DOUBLE", each.id, other.id)
        if each.short_name:
            short[each.country, each.short_name] += 1
    for (country, _), count in short.items():
        if count > 1:
            yield _finding("DIR-SHORT-NAME-SHARED", country, f"{count} institutions", Severity.INFO)


def environments(directory: Directory, on: dt.date) -> Iterator[Finding]:
    """Bodies marked for another environment than the copy's."""
    for each in directory:
        mark = each.environment
        if mark is not None and mark is not directory.environment:
            yield _finding("DIR-ENVIRONMENT-MIXED", each.id, mark.value, expected=directory.environment.value)


def relations(directory: Directory, on: dt.date) -> Iterator[Finding]:
    """Relations to bodies that neither this copy nor an earlier one knows."""
    for each in directory:
        for relation in each.relations:
            if relation.other not in directory and relation.other not in directory.kept:
                yield _finding("DIR-RELATION-UNKNOWN", each.id, relation.other)


RULES: Final[tuple[Callable[[Directory, dt.date], Iterator[Finding]], ...]] = (
    certificates,
    endpoints,
    links,
    competences,
    names,
    doubles,
    environments,
    relations,
)
"""The rules, in the order their findings are listed."""
