"""Asking the directory: reasons, hints, routes, names, successors."""

from __future__ import annotations

import datetime as dt
import tomllib
from importlib.resources import files

import attrs
import pytest

from eessi.directory import Directory, LeftOut, Reason, Relation, Translation
from eessi.directory.search import folded, search
from eessi.directory.sources import known_bucs
from eessi.directory.succession import answering, predecessors, successors
from eessi.errors import NotAllowed, UnknownCode, UsageError
from eessi.ids import InstitutionId, Period

ON = dt.date(2026, 6, 1)
SYNTHETIC = Directory.synthetic()


def table(name: str) -> dict[str, list[dict[str, str]]]:
    text = files("eessi.directory").joinpath("data", name).read_text(encoding="utf-8")
    assert text.startswith("# ")
    assert "Source:" in text.splitlines()[0]
    return tomllib.loads(text)


def test_the_table_of_reasons_and_the_list_are_one() -> None:
    rows = table("reasons.toml")["reason"]
    assert [row["id"] for row in rows] == [reason.value for reason in Reason]
    for reason in Reason:
        assert reason.mend
        body = SYNTHETIC.get("FR:SYNTH001")
        assert "{" not in LeftOut(body, reason, "S_BUC_01", "x", ON).text  # type: ignore[arg-type]  # a code as text


@pytest.mark.parametrize("country", ["FR", "BE"])
@pytest.mark.parametrize("buc", ["S_BUC_01", "LA_BUC_01", "H_BUC_01"])
def test_the_invented_directory_answers_today_and_shows_every_reason(country: str, buc: str) -> None:
    seen = set()
    for role in ("CaseOwner", "CounterParty"):
        found = SYNTHETIC.find(buc, role, country)
        assert f"{country}:SYNTH001" in found.institutions
        seen |= {out.reason for out in found.left_out}
    assert seen == set(Reason) - {Reason.NAME_DIFFERS}


def test_an_answer_says_on_which_days_it_holds() -> None:
    found = SYNTHETIC.find("S_BUC_01", "CP", "FR", ON)
    assert found.since <= ON
    assert found.until is not None
    assert SYNTHETIC.find("S_BUC_01", "CP", "FR", found.until).institutions != found.institutions
    assert SYNTHETIC.find("S_BUC_01", "CP", "FR", ON + dt.timedelta(days=1)) is found


@pytest.mark.parametrize(
    ("buc", "country", "hint"),
    [
        ("S_BUC_01", "GR", "did you mean 'EL'"),
        ("S_BUC_01", "GRC", "did you mean 'EL'"),
        ("S_BUC_01", "PL", "holds no institution of PL"),
        ("S_BUC_01", "XX", "is no country of the directory"),
        ("S_BUC_91", "FR", "not in the list of known processes"),
        ("R_BUC_01", "FR", "no match in R_BUC_01"),
    ],
)
def test_hints(buc: str, country: str, hint: str) -> None:
    assert any(hint in line for line in SYNTHETIC.find(buc, "CP", country, ON).hints)


def test_an_empty_answer_names_the_first_to_come() -> None:
    early = SYNTHETIC.find("LA_BUC_01", "CP", "EL", dt.date(2019, 6, 1))
    assert not early
    assert any("the first to come is EL:SYNTH001 on 2019-07-01" in hint for hint in early.hints)


def test_words_that_are_none_are_errors() -> None:
    with pytest.raises(UnknownCode, match="role"):
        SYNTHETIC.find("S_BUC_01", "Bystander", "FR")
    with pytest.raises(UnknownCode, match="BUC"):
        SYNTHETIC.find("nonsense", "CP", "FR")


def test_routing_bodies_are_found_when_they_are_asked_for() -> None:
    assert SYNTHETIC.find("S_BUC_01", "IntelligentRA", "FR", ON).institutions == ("FR:SYNTH013",)
    for role in ("CaseOwner", "CounterParty"):
        assert "FR:SYNTH013" not in SYNTHETIC.find("S_BUC_01", role, None, ON).institutions


def test_bodies_that_ask_not_to_be_used_come_last_with_a_warning() -> None:
    body = attrs.evolve(SYNTHETIC.get("FR:SYNTH001"), names=(Translation("en", "CLOSED office"),))
    institutions = {**SYNTHETIC.institutions, body.id: body}
    directory = Directory(attrs.evolve(SYNTHETIC.content, institutions=institutions))
    found = directory.find("S_BUC_01", "CP", "FR", ON)
    assert found.institutions[-1] == "FR:SYNTH001"
    assert "CLOSED" in found.matches[-1].warnings[0]


# --- route -----------------------------------------------------------------------------------------------------------


def test_a_route_names_access_point_endpoints_and_certificates() -> None:
    route = SYNTHETIC.route("BE:SYNTH001", ON)
    assert route.access_point is not None
    assert route.endpoint is not None
    assert route.channel is not None
    assert (route.access_point.id, route.endpoint.pattern, route.channel.pattern) == ("BE:APBE91", "push", "pull")
    assert {each.subject for each in route.certificates} == {"CN=Synthetic BE:SYNTH001", "CN=Synthetic BE:APBE91"}
    assert route.until == dt.date(2099, 1, 1)
    assert all(len(each.pin or "") == 64 for each in route.certificates)


@pytest.mark.parametrize(
    ("id", "rule"),
    [
        ("BE:SYNTH014", "not-yet"),
        ("BE:SYNTH015", "no-longer"),
        ("BE:SYNTH018", "no-endpoint"),
        ("BE:SYNTH019", "certificate-not-yet"),
        ("BE:SYNTH020", "certificate-expired"),
    ],
)
def test_no_route_has_a_reason(id: str, rule: str) -> None:
    with pytest.raises(NotAllowed) as caught:
        SYNTHETIC.route(id, ON)
    assert caught.value.rule == rule


def test_an_unknown_body_has_no_route() -> None:
    with pytest.raises(UnknownCode):
        SYNTHETIC.route("BE:NOBODY1", ON)
    with pytest.raises(UsageError):
        SYNTHETIC.route("NOBODY1", ON)


def test_a_move_is_followed_to_the_access_point_of_the_day() -> None:
    id, point = InstitutionId("FR:SYNTH001"), SYNTHETIC.access_points[InstitutionId("FR:APFR91")]
    turn = dt.date(2026, 7, 1)
    links = [link for link in point.links if link.institution != id]
    link = next(link for link in point.links if link.institution == id)
    old = attrs.evolve(point, links=(*links, attrs.evolve(link, period=Period(link.period.start, turn))))
    new = attrs.evolve(point, id=InstitutionId("FR:APFR92"), links=(attrs.evolve(link, period=Period(turn)),))
    directory = Directory(attrs.evolve(SYNTHETIC.content, access_points={old.id: old, new.id: new}))
    at = [directory.route(id, day).access_point for day in (turn - dt.timedelta(days=1), turn)]
    assert [each.id for each in at if each] == ["FR:APFR91", "FR:APFR92"]
    assert directory.route(id, ON).until == turn


# --- names -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "id"),
    [
        ("Synthetic Belgian Sickness Fund", "BE:SYNTH002"),
        ("belgain sicknes fund", "BE:SYNTH002"),
        ("organisme synthetique de maladie", "FR:SYNTH002"),
        ("ORGANISME SYNTHÉTIQUE DE LIAISON", "FR:SYNTH001"),
        ("συνθετικός φορέας", "EL:SYNTH001"),
        ("fr:synth010", "FR:SYNTH010"),
        ("SYNBE15", "BE:SYNTH015"),
    ],
)
def test_found_by_name_in_any_language_with_errors_and_without_accents(text: str, id: str) -> None:
    assert SYNTHETIC.search(text)[0].institution.id == id


def test_what_resembles_nothing_is_not_found() -> None:
    assert SYNTHETIC.search("zzzzqqqq") == ()
    assert SYNTHETIC.search("  ") == ()
    assert search("x", []) == ()


def test_letters_are_folded() -> None:
    assert folded("Caisse d'Été, Łódź & Ærø") == "caisse d ete lodz aero"
    assert folded("ΣΥΝΘΕΤΙΚΌΣ") == folded("συνθετικος")


def test_a_name_narrows_an_answer_and_leaves_the_others_out_with_a_reason() -> None:
    whole = SYNTHETIC.find("S_BUC_01", "CP", "BE", ON)
    found = SYNTHETIC.find("S_BUC_01", "CP", "BE", ON, name="sickness fund")
    assert found.institutions == ("BE:SYNTH002",)
    assert len(found.matches) + len(found.left_out) == len(whole.matches) + len(whole.left_out)
    differs = {out.institution.id for out in found.left_out if out.reason is Reason.NAME_DIFFERS}
    assert differs == set(whole.institutions) - {"BE:SYNTH002"}
    assert any(
        "match without the name" in hint for hint in SYNTHETIC.find("S_BUC_01", "CP", "BE", ON, name="qqq").hints
    )


# --- succession ------------------------------------------------------------------------------------------------------


def chain() -> list:  # type: ignore[type-arg]  # of Institution
    """A was followed by B, B merged into C; D is a stranger."""
    a, b, c, d = (
        attrs.evolve(SYNTHETIC.get("FR:SYNTH001"), id=InstitutionId(f"FR:CHAIN{x}"), relations=()) for x in "ABCD"
    )
    a = attrs.evolve(a, period=Period(dt.date(2020, 1, 1), dt.date(2022, 1, 1)))
    b = attrs.evolve(
        b, period=Period(dt.date(2022, 1, 1), dt.date(2024, 1, 1)), relations=(Relation(a.id, "Successor of"),)
    )
    b = attrs.evolve(b, relations=(*b.relations, Relation(c.id, "merged into"), Relation(d.id, "neighbour of")))
    return [a, b, c, d]


def test_successors_are_followed_whoever_names_them() -> None:
    assert successors("FR:CHAINA", chain()) == ("FR:CHAINB", "FR:CHAINC")
    assert predecessors("FR:CHAINC", chain()) == ("FR:CHAINB", "FR:CHAINA")
    assert successors("FR:CHAIND", chain()) == ()


def test_a_circle_of_successors_ends() -> None:
    a, b, *_ = chain()
    a = attrs.evolve(a, relations=(Relation(b.id, "successor of"),))
    assert successors(a.id, [a, b])[0] == b.id
    assert answering(a.id, [a, b], dt.date(2030, 1, 1)) == ()


@pytest.mark.parametrize(
    ("day", "id"), [("2021-06-01", "FR:CHAINA"), ("2023-06-01", "FR:CHAINB"), ("2025-06-01", "FR:CHAINC")]
)
def test_who_answers_for_a_body_on_a_day(day: str, id: str) -> None:
    assert [each.id for each in answering("FR:CHAINA", chain(), dt.date.fromisoformat(day))] == [id]


def test_the_processes_are_the_99_of_the_facts(shared: object) -> None:
    import json
    from pathlib import Path

    rows = json.loads((Path(str(shared)) / "directory" / "buc_types.json").read_text(encoding="utf-8"))["buc_types"]
    assert known_bucs() == {row["code"] for row in rows}
    assert len(known_bucs()) == 99
