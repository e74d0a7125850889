"""Open cases touched by a change of the directory: what each would need, why, and that nothing is sent unasked."""

from __future__ import annotations

import datetime as dt

import attrs
import pytest

from eessi.buc import CaseState
from eessi.directory import Directory, Institution, Relation
from eessi.ids import InstitutionId, Period
from eessi.node.touched import Proposal, Standing, send_proposed, touched_cases
from eessi.node.written import sandbox_document
from tests.node.conftest import BE, FR, Pair, sandbox

NEW, OTHER = "BE:SYNTH777", "BE:SYNTH778"


def changed(directory: Directory, *institutions: Institution, without: str | None = None) -> Directory:
    content = directory.content
    rows = {**content.institutions, **{one.id: one for one in institutions}}
    kept = dict(directory.kept)
    if without is not None:
        kept[InstitutionId(without)] = rows.pop(InstitutionId(without))
    return Directory(attrs.evolve(content, institutions=rows), kept=kept)


@pytest.fixture
def directory() -> Directory:
    return Directory.synthetic()


def closed(directory: Directory, id: str, on: dt.date) -> Institution:
    body = directory.get(id)
    return attrs.evolve(body, period=Period(body.period.start, on - dt.timedelta(days=1)))


def successor(directory: Directory, id: str, of: str) -> Institution:
    return attrs.evolve(
        directory.get(of), id=InstitutionId(id), relations=(Relation(InstitutionId(of), "successor of"),)
    )


def multilateral(pair: Pair) -> str:
    """H_BUC_01 with two counterparties in Belgium; the French owner may remove one."""
    case_id = str(pair.fr.start("H_BUC_01", [BE], version="4.3"))
    pair.fr.send(case_id, sandbox("H001"))
    pair.run()
    return case_id


def found(pair: Pair, directory: Directory, **more: Directory) -> list[Proposal]:
    return list(touched_cases(pair.fr.store, directory, pair.corners.now.date(), **more))


def test_a_directory_in_order_touches_nothing(pair: Pair, directory: Directory) -> None:
    multilateral(pair)
    assert found(pair, directory) == []


def test_a_successor_needs_x100_which_is_not_ours_to_send(pair: Pair, directory: Directory) -> None:
    case_id = multilateral(pair)
    on = pair.corners.now.date()
    now = changed(directory, closed(directory, BE, on), successor(directory, NEW, BE))
    [one] = found(pair, now)
    assert (one.case_id, one.institution, one.standing) == (case_id, BE, Standing.GONE)
    assert (one.needs, one.successors, one.by, one.ready) == ("X100", (NEW,), "a system of BE", False)
    assert NEW in one.why
    [sent] = send_proposed(pair.fr, [one], sandbox_document)
    assert (sent.message_ids, "not ours to send" in str(sent.why_not)) == ((), True)
    assert found(pair, now, before=now) == [], "what the copy before said already is no change"
    assert found(pair, now, before=directory) == [one]


def test_nobody_in_its_place_needs_x006_and_it_is_sent_on_request(pair: Pair, directory: Directory) -> None:
    case_id = multilateral(pair)
    on = pair.corners.now.date()
    before = pair.fr.revision(case_id)
    [one] = found(pair, changed(directory, closed(directory, BE, on)))
    assert (one.needs, one.by, one.ready) == ("X006", "us", True)
    assert pair.fr.revision(case_id) == before, "proposed, not sent"
    [sent] = send_proposed(pair.fr, [one], sandbox_document)
    assert (len(sent.message_ids), sent.why_not) == (1, None)
    pair.run()
    assert [p.active for p in pair.fr.case(case_id).participants if p.institution == BE] == [False]
    assert pair.be.case(case_id).state is CaseState.LEFT
    assert found(pair, changed(directory, closed(directory, BE, on))) == []
    [again] = send_proposed(pair.fr, [one], sandbox_document)
    assert "moved on" in str(again.why_not)


def test_where_the_process_has_no_x006_a_person_decides(pair: Pair, directory: Directory) -> None:
    pair.fr.send(pair.fr.start("LA_BUC_01", [BE], version="4.4"), sandbox("A001"))
    [one] = found(pair, changed(directory, closed(directory, BE, pair.corners.now.date())))
    assert (one.needs, one.ready) == (None, False)
    assert "X006 is not possible" in one.why
    [sent] = send_proposed(pair.fr, [one], sandbox_document)
    assert sent.why_not == one.why


def test_several_successors_are_not_guessed_between(pair: Pair, directory: Directory) -> None:
    multilateral(pair)
    on = pair.corners.now.date()
    now = changed(directory, closed(directory, BE, on), successor(directory, NEW, BE), successor(directory, OTHER, BE))
    [one] = found(pair, now)
    assert (one.needs, sorted(one.successors)) == (None, [NEW, OTHER])


def test_a_successor_that_may_not_do_the_process_does_not_count(pair: Pair, directory: Directory) -> None:
    multilateral(pair)
    on = pair.corners.now.date()
    unable = attrs.evolve(successor(directory, NEW, BE), competences=())
    [one] = found(pair, changed(directory, closed(directory, BE, on), unable))
    assert (one.needs, one.successors) == ("X006", ())


def test_a_withdrawn_competence_and_a_vanished_body(pair: Pair, directory: Directory) -> None:
    multilateral(pair)
    [one] = found(pair, changed(directory, attrs.evolve(directory.get(BE), competences=())))
    assert one.standing is Standing.NOT_COMPETENT
    [one] = found(pair, changed(directory, without=BE))
    assert one.standing is Standing.GONE
    content = directory.content
    rows = {id: body for id, body in content.institutions.items() if id != BE}
    [one] = found(pair, Directory(attrs.evolve(content, institutions=rows)))
    assert (one.standing, one.needs) == (Standing.UNKNOWN, None), "unknown is undetermined, not gone"


def test_our_own_institution_counts_too(pair: Pair, directory: Directory) -> None:
    multilateral(pair)
    on = pair.corners.now.date()
    now = changed(directory, closed(directory, FR, on), successor(directory, "FR:SYNTH777", FR))
    [one] = found(pair, now)
    assert (one.institution, one.needs, one.by) == (FR, "X100", "a system of FR")


def test_closed_cases_are_left_alone(pair: Pair, directory: Directory) -> None:
    from tests.node.test_keeping import closed as closed_case

    closed_case(pair)
    assert found(pair, changed(directory, closed(directory, BE, pair.corners.now.date()))) == []
