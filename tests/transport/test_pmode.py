"""Processing modes: profiles, changes, files, and what the lint says."""

from __future__ import annotations

import pytest

from eessi.errors import DefinitionError, UnknownCode
from eessi.findings import text_of
from eessi.transport.names import EESSI_INSTITUTION_ROLE, EESSI_PARTY_TYPE, EESSI_SERVICE_TYPE
from eessi.transport.pmode import lint, load_pmode, read_pmode


def test_the_profile_of_an_institution_is_that_of_the_published_samples() -> None:
    pmode = load_pmode("eessi")
    business, security = pmode.business, pmode.security
    assert (business.party_type, business.from_role, business.to_role) == (
        EESSI_PARTY_TYPE,
        EESSI_INSTITUTION_ROLE,
        EESSI_INSTITUTION_ROLE,
    )
    assert (business.service, business.service_type, business.action) == (
        "BusinessMessaging",
        EESSI_SERVICE_TYPE,
        "Send",
    )
    assert (business.agreement, business.mpc) == (None, None)
    assert (security.sign, security.encrypt, security.key_reference) == (True, False, "bst")
    assert (pmode.multihop.enabled, pmode.receipt.pattern, pmode.packaging.compress) == (True, "callback", True)
    assert (pmode.pull.shortest_seconds, pmode.pull.longest_seconds) == (1, 25)


@pytest.mark.parametrize("name", ["eessi", "edelivery"])
def test_the_shipped_profiles_have_nothing_to_complain_about(name: str) -> None:
    assert lint(load_pmode(name)) == ()


@pytest.mark.parametrize(
    ("changes", "finding"),
    [
        ({"security": {"require_signed": False}}, "PMODE-UNSIGNED"),
        ({"receipt": {"pattern": "response"}}, "PMODE-RECEIPT-ROUTE"),
        ({"security": {"encrypt": True}}, "PMODE-ENCRYPT-HOP"),
        ({"receipt": {"hours": 1.0}}, "PMODE-RECEIPT-TIME"),
        ({"pull": {"alarm_hours": 30}}, "PMODE-PULL-ALARM"),
        ({"pull": {"shortest_seconds": 60}}, "PMODE-PULL-PACE"),
        ({"security": {"require_encrypted": True}}, "PMODE-ENCRYPT-ONE-WAY"),
        ({"security": {"unsigned_errors": True}}, "PMODE-UNSIGNED-ERRORS"),
        ({"ordering": {"per_conversation": "none"}}, "PMODE-ORDER"),
    ],
)
def test_each_risk_is_told_with_a_hint(changes: dict[str, dict[str, object]], finding: str) -> None:
    found = lint(load_pmode("eessi", changes))
    assert [one.id for one in found] == [finding]
    assert found[0].message()
    assert found[0].hint()
    assert text_of(finding, "mend")


def test_a_file_builds_on_a_profile() -> None:
    pmode = read_pmode('profile = "eessi"\n[packaging]\npayload_id = "defaultSED"\n')
    assert pmode.packaging.payload_id == "defaultSED"
    assert pmode.business == load_pmode("eessi").business


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("= 1", "TOML"),
        ('profile = "eessi"\n[security]\nsing = true', "security.sing"),
        ('profile = "eessi"\n[retry]\nattempts = 0', "retry.attempts"),
        ('profile = "eessi"\n[packaging]\npayload_id = "a b"', "packaging.payload_id"),
        ('profile = "eessi"\n[other]\nx = 1', "other"),
        ("[business]", "business"),
    ],
)
def test_broken_files_are_refused_by_file_and_key(text: str, where: str) -> None:
    with pytest.raises(DefinitionError, match=where):
        read_pmode(text, source="my.toml")


def test_unknown_profiles() -> None:
    with pytest.raises(UnknownCode, match="eessi"):
        load_pmode("essi")


def test_the_pause_between_retries() -> None:
    retry = load_pmode("eessi").retry
    assert [retry.pause(attempt) for attempt in (1, 2, 3, 4, 5, 6)] == [5, 15, 45, 135, 405, 900]
