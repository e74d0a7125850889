"""Every defect that public copies and clients are known to have: repaired, reported or refused, never silent.

One test per row of the facts' list; a row without a test fails.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from eessi.directory import CopyVersion, Directory, Environment
from eessi.directory.days import day_of, instant_of
from eessi.directory.lint import lint
from eessi.directory.parties import (
    Participant,
    PartyText,
    fitting_name,
    fold_participants,
    is_own_institution,
    payload_country,
    split_party,
    with_prefix,
)
from eessi.directory.system_messages import Action, action_for
from eessi.errors import LimitExceeded, UnknownCode, UsageError
from eessi.findings import Severity
from eessi.ids import COUNTRIES, InstitutionId, Role
from tests.directory.documents import competence, copy, institution

Row = dict[str, Any]
TESTS: dict[str, Callable[[Row], None]] = {}
ON = dt.date(2020, 6, 1)


def quirk(test: Callable[[Row], None]) -> Callable[[Row], None]:
    TESTS[test.__name__.replace("_", "-")] = test
    return test


def load(*institutions: str, **options: Any) -> Directory:
    return Directory.load(copy("".join(institutions)), **options)


def ids(directory: Directory, severity: Severity | None = None) -> list[str]:
    return [finding.id for finding in directory.findings if severity in (None, finding.severity)]


@quirk
def leading_zero_lost(row: Row) -> None:
    directory = load(institution(row["after"]))
    with pytest.raises(UnknownCode, match=row["after"]):
        directory.get(row["before"])
    twins = load(institution(row["before"]), institution(row["after"]))
    assert {row["before"], row["after"]} <= set(twins.institutions)
    assert "DIR-ID-TWIN" in [finding.id for finding in lint(twins, ON)]


@quirk
def case_of_id(row: Row) -> None:
    for id in row["examples"]:
        directory = load(institution(id))
        assert directory.get(id).id == id
        other = id[:3] + id[3:].swapcase()
        assert other not in directory
        assert directory.suggest(other) == id


@quirk
def country_alias(row: Row) -> None:
    for iso, own in row["examples"]:
        id = f"{own}:{own}030"
        directory = load(institution(id, country=iso, competences=competence()))
        assert directory.get(id).country == own
        assert ids(directory) == ["DIR-COUNTRY-ALIAS"]
        found = Directory(directory.content, has_endpoints=False).find("S_BUC_01", "CP", iso, ON)
        assert found.institutions == (id,)
        assert own in found.hints[0]


@quirk
def utc_midnight(row: Row) -> None:
    day = dt.date.fromisoformat(row["means"])
    assert day_of(row["example"]) == day
    assert day.isoformat() != row["example"][:10]
    each = load(institution(competences=competence(start=row["example"]))).get("FR:SYNT001")
    assert each.competences[0].period.start == day


@quirk
def four_timestamp_formats(row: Row) -> None:
    days = [day_of(text) for text in row["examples"]]
    assert days == [dt.date(2018, 1, 1), dt.date(2018, 1, 1), dt.date(2018, 11, 15), None]
    assert instant_of(row["examples"][2]) == dt.datetime(2018, 11, 15, 13, 26, 36)
    unknown = load(institution(competences=competence(start="NULL")))
    assert unknown.get("FR:SYNT001").competences[0].period.covers(dt.date(1900, 1, 1))
    assert ids(unknown) == ["DIR-DATE-UNKNOWN"]
    broken = load(institution(competences=competence(start="tomorrow")))
    assert not broken.get("FR:SYNT001").competences[0].period.covers(ON)
    assert ids(broken) == ["DIR-DATE-UNREADABLE"]


@quirk
def very_old_start(row: Row) -> None:
    assert day_of(row["example"]) == dt.date(1934, 10, 25)


@quirk
def far_future_end(row: Row) -> None:
    directory = load(institution(competences=competence(end=row["example"])))
    assert directory.get("FR:SYNT001").competences[0].period.end is None
    assert ids(directory) == ["DIR-DATE-OPEN"]


@quirk
def no_end_in_use(row: Row) -> None:
    before, after = load(institution("FR:SYNT001"), institution("FR:SYNT002")), load(institution("FR:SYNT001"))
    assert [change["kind"] for change in before.diff(after).as_words()] == ["institution_missing"]
    kept = after.after(before).get("FR:SYNT002")
    assert kept.period.end is not None


@quirk
def not_ready(row: Row) -> None:
    wanted = row["example"]
    given = competence(wanted["buc"], wanted["role"], ready="false")
    directory = load(institution(wanted["id"], competences=given))
    found = directory.find(wanted["buc"], wanted["role"], "PL", ON)
    assert found.institutions == ()
    assert [out.reason.value for out in found.left_out] == ["not-ready"]


@quirk
def role_spelling(row: Row) -> None:
    for spelling in row["examples"]:
        directory = load(institution(competences=competence(role=spelling)))
        (read,) = directory.get("FR:SYNT001").competences
        assert read.role is Role.COUNTERPARTY
        assert read.role.in_directory == "CounterParty"
        assert ids(directory) == ([] if spelling == "CounterParty" else ["DIR-ROLE-SPELLING"])
    refused = load(institution(competences=competence(role="Bystander")))
    assert refused.get("FR:SYNT001").competences == ()
    assert ids(refused, Severity.ERROR) == ["DIR-ROLE-UNKNOWN"]


@quirk
def buc_letter_case(row: Row) -> None:
    official, upper = row["examples"]
    directory = load(institution(competences=competence(upper)))
    assert directory.get("FR:SYNT001").competences[0].buc == official
    assert ids(directory) == ["DIR-BUC-CASE"]
    reachable = Directory(directory.content, has_endpoints=False)
    assert reachable.find(upper.lower(), "CP", "FR", ON).institutions == ("FR:SYNT001",)


@quirk
def duplicate_assignment(row: Row) -> None:
    rows = [
        competence(start="2019-12-31T23:00:00Z", end="2021-12-31T23:00:00Z", id="a"),
        competence(start="2017-12-31T23:00:00Z", end=None, id="b"),
        competence(start="2018-12-31T23:00:00Z", end="2019-12-31T23:00:00Z", id="c"),
    ]
    directory = load(institution(competences="".join(rows)))
    (merged,) = directory.get("FR:SYNT001").competences
    assert (merged.period.start, merged.period.end) == (dt.date(2018, 1, 1), None)
    assert ids(directory) == ["DIR-DOUBLE-MERGED"]


@quirk
def unknown_buc(row: Row) -> None:
    directory = load(institution(competences=competence("S_BUC_99")))
    assert [each.buc for each in directory.get("FR:SYNT001").competences] == ["S_BUC_99"]
    assert ids(directory) == ["DIR-BUC-UNKNOWN"]


@quirk
def unknown_institution_in_old_case(row: Row) -> None:
    before, after = load(institution("FR:SYNT001"), institution("FR:SYNT002")), load(institution("FR:SYNT001"))
    now = after.after(before)
    assert now.get("FR:SYNT002").name() == "Synthetic Office"
    assert "FR:SYNT002" not in now.find("S_BUC_01", "CP", "FR", dt.date(2999, 1, 1)).institutions


@quirk
def env_prefix_in_name(row: Row) -> None:
    marks = {"ACC_": Environment.ACCEPTANCE, "TEST_": Environment.TEST, "TRN_": Environment.TRAINING}
    for prefix in row["examples"]:
        directory = load(institution(names=(("en", f"{prefix}Office"),)))
        assert directory.environment is marks[prefix]
        assert ids(directory) == ["DIR-NAME-ENVIRONMENT"]
    mixed = load(
        institution("FR:SYNT001", competences=competence(), names=(("en", "TEST_Office"),)),
        institution("FR:SYNT002"),
        institution("FR:SYNT003"),
    )
    assert mixed.environment is Environment.PRODUCTION
    (out,) = [out for out in mixed.find("S_BUC_01", "CP", "FR", ON).left_out if out.institution.id == "FR:SYNT001"]
    assert out.reason.value == "other-environment"


@quirk
def status_in_name(row: Row) -> None:
    for id, name in row["examples"]:
        directory = load(institution(id, names=(("en", name),), competences=competence()))
        assert "DIR-NAME-STATUS" in ids(directory), name
        open_one = Directory(directory.content, has_endpoints=False)
        (match,) = open_one.find("S_BUC_01", "CP", id[:2], ON)
        assert match.warnings


@quirk
def newline_in_name(row: Row) -> None:
    directory = load(institution(row["example"], names=(("en", "Military office\n_ONLY pensions"),)))
    assert directory.get(row["example"]).name() == "Military office _ONLY pensions"
    assert ids(directory) == ["DIR-NAME-SPACE"]


@quirk
def broken_encoding(row: Row) -> None:
    for name in row["examples"]:
        assert ids(load(institution(names=(("en", name),)))) == ["DIR-NAME-ENCODING"], name
    assert ids(load(institution(names=(("en", "Who pays? We do"),)))) == []


@quirk
def name_as_triple(row: Row) -> None:
    assert split_party(row["example"]) == PartyText("AP5", "TEST_AP testing 5", "FI")
    assert split_party("PVA, Pensions, Health, Main Office, AT").name == "Pensions, Health, Main Office"
    assert split_party("Office") == PartyText(None, "Office", None)


@quirk
def acronym_not_unique(row: Row) -> None:
    directory = load(institution("FR:SYNT001"), institution("FR:SYNT002"))
    assert [each.id for each in directory.by_short_name("SYN")] == ["FR:SYNT001", "FR:SYNT002"]
    assert "DIR-SHORT-NAME-SHARED" in [finding.id for finding in lint(directory, ON)]


@quirk
def many_names_one_id(row: Row) -> None:
    listed = {
        "institutions": [{"id": row["example"], "names": [{"text": "NAV ACC 05"}, {"text": "NAV ACCEPTANCE TEST 05"}]}]
    }
    directory = Directory.load(json.dumps(listed).encode())
    assert [name.text for name in directory.get(row["example"]).names] == ["NAV ACC 05", "NAV ACCEPTANCE TEST 05"]
    assert "DIR-NAMES-MANY" in ids(directory)
    old = load(institution(names=(("en", "Old"),)))
    new = load(institution(names=(("en", "New"),)))
    assert [change["kind"] for change in old.diff(new).as_words()] == ["name_changed"]


@quirk
def name_compared_instead_of_id(row: Row) -> None:
    assert is_own_institution("NO:SYNT001", ["NO:SYNT001"])
    assert not is_own_institution("NO:synt001", ["NO:SYNT001"])
    assert not is_own_institution("NO", ["NO:SYNT001"])


@quirk
def missing_prefix(row: Row) -> None:
    directory = load(institution("FR:SYNT001"), institution(row["example"], country="NO"))
    assert list(directory.institutions) == ["FR:SYNT001"]
    assert ids(directory, Severity.ERROR) == ["DIR-ID-FORM"]
    assert with_prefix(row["example"], "NO") == "NO:NAVT002"
    with pytest.raises(UsageError):
        with_prefix("NO:NAVT002", "NO")


@quirk
def duplicate_participants(row: Row) -> None:
    owner = Participant(Role.CASE_OWNER, InstitutionId("NO:0001"))
    other = Participant(Role.COUNTERPARTY, InstitutionId("DE:0001"))
    assert fold_participants([owner, *[other] * 12]) == (owner, other)


@quirk
def fallback_list_incomplete(row: Row) -> None:
    assert {"CY", "EL"} <= set(COUNTRIES)
    directory = load(institution("FR:SYNT001", competences=competence("H_BUC_01")))
    for country in ("CY", "EL", "FR"):
        found = directory.find("S_BUC_01", "CP", country, ON)
        assert found.institutions == ()
        assert found.hints, "an empty answer always says why"


@quirk
def access_point_wrong_country(row: Row) -> None:
    wrong = row["example"]
    point = (
        f"<AccessPoint><officialID>{wrong['id']}</officialID><countryCode><value>{wrong['countryCode']}</value></countryCode>"
        "<Name/><ValidityPeriod><start>2015-01-01T00:00:00Z</start></ValidityPeriod></AccessPoint>"
    )
    directory = Directory.load(copy(access_points=point, institutions=institution()))
    assert ids(directory) == ["DIR-COUNTRY-PREFIX"]


@quirk
def version_compared_as_text(row: Row) -> None:
    assert CopyVersion("4.9.0") < CopyVersion("4.10.0")
    assert sorted(map(CopyVersion, ["4.10.0", "4.9.0"])) == [CopyVersion("4.9.0"), CopyVersion("4.10.0")]
    assert CopyVersion("4.9.0-rc1+build7") == CopyVersion("4.9.0")
    assert action_for("4.9.0", "4.10.0") is Action.UPDATE
    assert action_for("4.10.0", "4.9.0") is Action.NONE


@quirk
def id_too_short(row: Row) -> None:
    for id in row["examples"]:
        kept = load(institution(id))
        assert id in kept
        assert ids(kept) == ["DIR-ID-SHORT"]
        strict = load(institution(id), institution("FR:SYNT001"), strict=True)
        assert list(strict.institutions) == ["FR:SYNT001"]
        assert ids(strict, Severity.ERROR) == ["DIR-ID-SHORT"]


@quirk
def payload_code_disagreement(row: Row) -> None:
    for iso, own in row["examples"]:
        assert payload_country(iso, "4.4") == payload_country(own, "4.4") == own
        assert payload_country(own, "4.3") == iso
    with pytest.raises(UsageError):
        payload_country("EL", "4.2")


@quirk
def name_length(row: Row) -> None:
    long = "x" * 120
    assert fitting_name(long) == long
    with pytest.raises(LimitExceeded, match="120 characters"):
        fitting_name(long, "national")
    too_long = load(institution(names=(("en", "x" * 156),)))
    assert "DIR-NAME-LENGTH" in [finding.id for finding in lint(too_long, ON)]
    assert too_long.get("FR:SYNT001").name() == "x" * 156


@pytest.fixture(scope="module")
def quirks(shared: Path) -> dict[str, Row]:
    found = json.loads((shared / "directory" / "quirks.json").read_text(encoding="utf-8"))["quirks"]
    return {row["id"]: row for row in found}


def test_every_row_has_a_test_and_every_test_a_row(quirks: dict[str, Row]) -> None:
    assert set(TESTS) == set(quirks)


@pytest.mark.parametrize("id", sorted(TESTS))
def test_quirk(id: str, quirks: dict[str, Row]) -> None:
    TESTS[id](quirks[id])
