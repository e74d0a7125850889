"""Laws that hold for every directory."""

from __future__ import annotations

import datetime as dt
import json

from hypothesis import given, settings
from hypothesis import strategies as st

from eessi.directory import Directory, Institution, LeftOut, Match, Reason
from eessi.directory.change import kinds
from eessi.directory.client_json import write_export
from eessi.directory.codec import KIND_OF, body_of, record_of
from eessi.directory.look_up import Ground, judge
from eessi.directory.syn001_writer import syn001_bytes
from eessi.ids import Role
from tests.directory.strategies import BUCS, COUNTRIES, FIRST, LAST, LAW, competences, directories

ROLES = st.sampled_from([Role.CASE_OWNER, Role.COUNTERPARTY])
ON = st.dates(FIRST - dt.timedelta(days=2), LAST + dt.timedelta(days=12))


@given(directories, directories)
@settings(LAW, max_examples=60)
def test_the_difference_of_a_and_b_applied_to_a_gives_b(a: Directory, b: Directory) -> None:
    difference = a.diff(b)
    assert a.apply(difference) == b
    assert bool(difference) == (a != b)
    assert {change.kind for change in difference.changes} <= kinds().keys()
    for change in difference.changes:
        json.dumps(change.as_words())
        assert change.text


@given(directories)
@settings(LAW, max_examples=25)
def test_no_difference_to_itself(a: Directory) -> None:
    assert a.diff(Directory(a.content)).changes == ()


@given(directories)
@settings(LAW, max_examples=30)
def test_written_as_syn001_and_read_again_it_is_the_same(directory: Directory) -> None:
    again = Directory.load(syn001_bytes(directory))
    assert again == directory, again.diff(directory).as_words()


@given(directories)
@settings(LAW, max_examples=25)
def test_exported_as_json_and_read_again_it_is_the_same(directory: Directory) -> None:
    assert Directory.load(json.dumps(write_export(directory)).encode()) == directory


@given(directories)
@settings(LAW, max_examples=25)
def test_a_stored_body_gives_the_record_back_and_is_canonical(directory: Directory) -> None:
    content = directory.content
    for records in (content.institutions, content.access_points, content.certificates):
        for record in records.values():
            body = body_of(record)
            again = record_of(KIND_OF[type(record)], body)
            assert again == record
            assert body_of(again) == body


def covers(directory: Directory, each: Institution, on: dt.date) -> bool:
    """By hand: is there an access point in force, with an endpoint, linked on the day?"""
    return any(
        point.period.covers(on) and link.institution == each.id and link.period.covers(on)
        for point in directory.access_points.values()
        for link in point.links
    )


@given(directories, st.sampled_from(BUCS), ROLES, st.sampled_from([*COUNTRIES, None]), ON)
@settings(LAW, max_examples=60)
def test_nobody_is_found_whose_validity_excludes_the_day(
    directory: Directory, buc: str, role: Role, country: str | None, on: dt.date
) -> None:
    found = directory.find(buc, role, country, on)
    for match in found:
        each = match.institution
        assert each.period.covers(on)
        assert match.competence in each.competences
        assert (match.competence.buc, match.competence.role) == (buc, role)
        assert match.competence.period.covers(on)
        assert match.competence.is_ready
        assert match.route.access_point is not None
        assert match.route.access_point.period.covers(on)
        assert any(link.institution == each.id and link.period.covers(on) for link in match.route.access_point.links)
        assert match.route.endpoint is not None
        assert all(certificate.period.covers(on) for certificate in match.route.certificates)


@given(directories, st.sampled_from(BUCS), ROLES, st.sampled_from([*COUNTRIES, None]), ON)
@settings(LAW, max_examples=60)
def test_everybody_is_found_or_left_out_with_a_true_reason(
    directory: Directory, buc: str, role: Role, country: str | None, on: dt.date
) -> None:
    found = directory.find(buc, role, country, on)
    bodies = sorted(each.id for each in directory if country in (None, each.country))
    assert sorted([*found.institutions, *(out.institution.id for out in found.left_out)]) == bodies
    for out in found.left_out:
        assert is_true(directory, out, buc, role, on), (out.reason, out.detail, out.day)
        assert "(unknown)" not in out.text or out.day is None


def is_true(directory: Directory, out: LeftOut, buc: str, role: Role, on: dt.date) -> bool:
    """Each reason checked against the records, by its words and not by the code that gave it."""
    each = out.institution
    here = [row for row in each.competences if row.buc == buc]
    mine = [row for row in here if row.role == role]
    periods = [each.period, *(row.period for row in mine)]
    prints = set(each.ebms_certificates)
    for point in directory.access_points.values():
        prints |= {*point.ebms_certificates, *point.external_tls_certificates}
    certificates = [directory.certificates[print_] for print_ in prints if print_ in directory.certificates]
    match out.reason:
        case Reason.NOT_COMPETENT:
            return not here
        case Reason.OTHER_ROLE:
            return not mine and {row.role for row in here} - {Role.INTELLIGENT_RA} != set()
        case Reason.ROUTING_ONLY:
            return {row.role for row in here} == {Role.INTELLIGENT_RA}
        case Reason.NOT_YET:
            return out.day is not None and out.day > on and any(period.start == out.day for period in periods)
        case Reason.NO_LONGER:
            return out.day is not None and out.day <= on and any(period.end == out.day for period in periods)
        case Reason.NOT_READY:
            covering = [row for row in mine if row.period.covers(on)]
            return bool(covering) and not any(row.is_ready for row in covering)
        case Reason.NO_ENDPOINT:
            reachable = covers(directory, each, on)
            return not reachable or each.business_endpoint is None or "no business endpoint" in out.detail
        case Reason.CERTIFICATE_EXPIRED:
            return any(certificate.period.end == out.day and out.day <= on for certificate in certificates if out.day)
        case Reason.CERTIFICATE_NOT_YET:
            return any(certificate.period.start == out.day and out.day > on for certificate in certificates if out.day)
        case Reason.OTHER_ENVIRONMENT:
            return each.environment is not directory.environment
    return False


@given(directories, st.sampled_from(BUCS), ROLES, st.sampled_from(COUNTRIES))
@settings(LAW, max_examples=10)
def test_the_timeline_agrees_with_a_judgement_of_every_day(
    directory: Directory, buc: str, role: Role, country: str
) -> None:
    """The remembered answer of a stretch of days is the answer of each of its days; the stretch is as long as it says."""
    links = {
        each.id: [
            (link.period, point)
            for point in directory.access_points.values()
            for link in point.links
            if link.institution == each.id
        ]
        for each in directory
    }
    ground = Ground(links, directory.certificates, directory.environment, True)
    day = FIRST - dt.timedelta(days=1)
    while day < LAST + dt.timedelta(days=12):
        found = directory.find(buc, role, country, day)
        judged = [
            judge(each, BUCS[BUCS.index(buc)], role, day, ground) for each in directory if each.country == country
        ]
        assert {m.institution.id: m for m in judged if isinstance(m, Match)} == {m.institution.id: m for m in found}
        assert [o for o in judged if isinstance(o, LeftOut)] == list(found.left_out)
        assert found.since <= day
        assert found.until is None or day < found.until
        day += dt.timedelta(days=1)


@given(st.lists(competences, max_size=8), ON)
@settings(LAW, max_examples=60)
def test_merging_changes_nobodys_days(rows: list, on: dt.date) -> None:  # type: ignore[type-arg]  # of Competence
    """On every day the merged rows cover exactly the processes and roles that some row covered."""
    from eessi.directory.folding import merge_competences

    merged = merge_competences(rows)
    before = {(row.buc, row.role) for row in rows if row.period.covers(on)}
    after = [(row.buc, row.role) for row in merged if row.period.covers(on)]
    assert sorted(before) == sorted(after)
    assert merge_competences(merged) == merged
