"""Each fault that lint knows, in the smallest directory that has it; and none in one that has none."""

from __future__ import annotations

import datetime as dt

import attrs
import pytest

from eessi.directory import AccessPoint, Directory, Endpoint, Institution, Link, Relation, Translation
from eessi.directory.difference import Content
from eessi.directory.lint import RULES, lint, official_languages
from eessi.directory.synthetic import synthetic_certificate
from eessi.findings import Finding, Severity, known_ids
from eessi.ids import COUNTRIES, InstitutionId, Period

ON = dt.date(2026, 6, 1)
BASE = Directory.synthetic()
FR, BE, POINT = InstitutionId("FR:SYNTH001"), InstitutionId("BE:SYNTH001"), InstitutionId("FR:APFR91")


def small(*changed: Institution, point: AccessPoint | None = None) -> Directory:
    """One French and one Belgian body with their access points, as changed."""
    own = {each.id: each for each in (BASE.get(FR), BASE.get(BE), *changed)}
    points = {
        id: attrs.evolve(each, links=tuple(link for link in each.links if link.institution in own))
        for id, each in BASE.access_points.items()
        if id != "EL:APEL91"
    }
    if point is not None:
        points[point.id] = point
    used = {print_ for each in own.values() for print_ in each.ebms_certificates}
    used |= {print_ for each in points.values() for print_ in each.ebms_certificates}
    certificates = {print_: each for print_, each in BASE.certificates.items() if print_ in used}
    return Directory(Content({id: own[id] for id in sorted(own)}, points, certificates))


def found(directory: Directory, on: dt.date = ON) -> list[Finding]:
    return list(lint(directory, on))


def ids(directory: Directory, on: dt.date = ON) -> set[str]:
    return {finding.id for finding in found(directory, on)}


def change(**fields: object) -> Institution:
    return attrs.evolve(BASE.get(FR), **fields)  # type: ignore[arg-type]  # fields by name


def point(**fields: object) -> AccessPoint:
    return attrs.evolve(small().access_points[POINT], **fields)  # type: ignore[arg-type]  # fields by name


def test_a_clean_directory_has_no_finding() -> None:
    assert found(small()) == []


competence = BASE.get(FR).competences[0]
later = attrs.evolve(competence, period=Period(dt.date(2025, 6, 1)))
ended = attrs.evolve(competence, period=Period(dt.date(2020, 1, 1), dt.date(2025, 1, 1)))
overlapping = attrs.evolve(competence, period=Period(dt.date(2020, 1, 1), dt.date(2025, 7, 1)))
expired = synthetic_certificate(FR, Period(dt.date(2019, 1, 1), dt.date(2026, 1, 1)))
twin = attrs.evolve(BASE.get(FR), id=InstitutionId("FR:synth001"), business_endpoint=Endpoint("other", "pull"))
links = small().access_points[POINT].links

CASES = {
    "DIR-CERT-UNLISTED": small(change(ebms_certificates=("AA",))),
    "DIR-NO-ENDPOINT": small(change(business_endpoint=None)),
    "DIR-ENDPOINT-SHARED": small(change(business_endpoint=BASE.get(BE).business_endpoint)),
    "DIR-LINK-UNKNOWN": small(point=point(links=(*links, Link(InstitutionId("FR:NOBODY1"), Period(ON))))),
    "DIR-OVERLAP": small(change(competences=(overlapping, later))),
    "DIR-GAP": small(change(competences=(ended, later))),
    "DIR-COMPETENCE-OUTSIDE": small(change(period=Period(dt.date(2024, 1, 1)))),
    "DIR-NAME-ENGLISH": small(change(names=(Translation("fr", "Organisme"),))),
    "DIR-NAME-NATIONAL": small(change(names=(Translation("en", "Office"),))),
    "DIR-NAME-LENGTH": small(change(names=(Translation("en", "x" * 156), Translation("fr", "y")))),
    "DIR-NAME-DOUBLE": small(attrs.evolve(twin, id=InstitutionId("FR:SYNTH777"))),
    "DIR-ID-TWIN": small(twin),
    "DIR-SHORT-NAME-SHARED": small(attrs.evolve(twin, id=InstitutionId("FR:SYNTH777"))),
    "DIR-ENVIRONMENT-MIXED": small(BASE.get("BE:SYNTH017"), BASE.get("BE:SYNTH002")),
    "DIR-RELATION-UNKNOWN": small(change(relations=(Relation(InstitutionId("FR:NOBODY1"), "successor of"),))),
}


@pytest.mark.parametrize("id", sorted(CASES))
def test_each_fault_is_found_and_only_where_it_is(id: str) -> None:
    assert id in ids(CASES[id])
    assert id in known_ids()
    assert all(finding.message() and finding.hint() for finding in found(CASES[id]))


def test_a_certificate_is_named_before_and_after_it_runs_out() -> None:
    content = small(change(ebms_certificates=(expired.thumbprint,))).content
    directory = Directory(attrs.evolve(content, certificates={**content.certificates, expired.thumbprint: expired}))
    on = {day: ids(directory, dt.date.fromisoformat(day)) for day in ("2025-06-01", "2025-11-15", "2026-01-01")}
    assert "DIR-CERT-EXPIRING" not in on["2025-06-01"]
    assert "DIR-CERT-EXPIRING" in on["2025-11-15"]
    assert "DIR-CERT-EXPIRED" in on["2026-01-01"]


def test_two_access_points_at_once_and_none_between_two() -> None:
    link = next(link for link in links if link.institution == FR)
    first, second = Period(dt.date(2020, 1, 1), dt.date(2025, 1, 1)), Period(dt.date(2025, 6, 1))
    both = point(id=InstitutionId("FR:APFR92"), business_endpoint=Endpoint("https://x.example/", "push"), links=(link,))
    assert "DIR-OVERLAP" in ids(small(point=both))
    apart = point(links=(attrs.evolve(link, period=first), attrs.evolve(link, period=second)))
    assert {"DIR-GAP"} == {finding.id for finding in found(small(point=apart)) if finding.path == FR}


def test_norwegian_is_written_in_two_forms() -> None:
    for language in ("no", "nb", "nn"):
        body = Institution(
            InstitutionId("NO:SYNT001"), "NO", names=(Translation(language, "A"), Translation("en", "B"))
        )
        directory = Directory.of([body])
        assert "DIR-NAME-NATIONAL" not in {finding.id for finding in lint(directory, ON)}


def test_the_languages_are_those_of_the_32_countries() -> None:
    assert set(official_languages()) == set(COUNTRIES)


def test_errors_are_what_makes_a_body_unreachable() -> None:
    errors = {finding.id for id in CASES for finding in found(CASES[id]) if finding.severity is Severity.ERROR}
    assert errors <= {"DIR-CERT-UNLISTED", "DIR-CERT-EXPIRED", "DIR-NO-ENDPOINT", "DIR-LINK-UNKNOWN"}
    assert len(RULES) == 8
