"""File names of schemas, both ways."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eessi.errors import UsageError
from eessi.ids import Action, BucId, CdmVersion, Role, SedType
from eessi.schemas import SedFileName, TransactionName


@pytest.mark.parametrize(
    ("name", "sed", "version", "released"),
    [
        ("S071-4.4.xsd", "S071", CdmVersion(4, 4), None),
        ("S071-4.4.0-20241203T114212.xsd", "S071", CdmVersion(4, 4, 0), "20241203T114212"),
        ("SEDs/Sickness/S071-4.4.0.xsd", "S071", CdmVersion(4, 4, 0), None),
        (r"SEDs\DA012C-4.10.xsd", "DA012C", CdmVersion(4, 10), None),
        ("SYN001-4.2", "SYN001", CdmVersion(4, 2), None),
        ("U001CB-4.3.XSD", "U001CB", CdmVersion(4, 3), None),
        ("P10000_4_1.xsd", "P10000", CdmVersion(4, 1), None),
    ],
)
def test_names_of_sed_schemas(name: str, sed: str, version: CdmVersion, released: str | None) -> None:
    assert SedFileName.parse(name) == SedFileName(SedType(sed), version, released)


@pytest.mark.parametrize(
    "name", ["XAdES.xsd", "S071.xsd", "4.4-S071.xsd", "S071-4.4-draft.xsd", "", "S071-4.xsd", "S07-4.4.xsd"]
)
def test_other_names_are_refused(name: str) -> None:
    with pytest.raises(UsageError, match=r"S071-4\.4\.xsd"):
        SedFileName.parse(name)


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        (
            "P_BUC_05-1.0-CaseOwner-Counterparty-New-P4000-1.0.xsd",
            (BucId("P_BUC_05"), "1.0", Role.CASE_OWNER, Role.COUNTERPARTY, Action.NEW, SedType("P4000"), "1.0"),
        ),
        (
            "SYNC_SUC_01-4.2-DataSource-DataDestination-Start-SYN001-4.2.xsd",
            (
                BucId("SYNC_SUC_01"),
                "4.2",
                Role.DATA_SOURCE,
                Role.DATA_DESTINATION,
                Action.START,
                SedType("SYN001"),
                "4.2",
            ),
        ),
        (
            "transactions/S_BUC_17a-4.4-CaseOwner-CounterParty-Update-S071-4.4.0.xsd",
            (BucId("S_BUC_17a"), "4.4", Role.CASE_OWNER, Role.COUNTERPARTY, Action.UPDATE, SedType("S071"), "4.4.0"),
        ),
        (
            "NAT_FR_BUC_01-1.0-CaseOwner-Counterparty-New-N001-1.0.xsd",
            (BucId("NAT_FR_BUC_01"), "1.0", Role.CASE_OWNER, Role.COUNTERPARTY, Action.NEW, SedType("N001"), "1.0"),
        ),
    ],
)
def test_names_of_transaction_schemas(name: str, parts: tuple[object, ...]) -> None:
    found = TransactionName.parse(name)
    assert (found.buc, found.buc_version, found.sender, found.receiver, found.action, found.sed, found.version) == parts


@pytest.mark.parametrize(
    "name",
    [
        "S071-4.4.xsd",
        "P_BUC_05-1.0-CaseOwner-Counterparty-New-P4000.xsd",
        "P_BUC_05-1.0-Owner-Counterparty-New-P4000-1.0.xsd",
        "P_BUC_05-1.0-CaseOwner-Counterparty-Sometime-P4000-1.0.xsd",
        "BUC-1.0-CaseOwner-Counterparty-New-P4000-1.0.xsd",
    ],
)
def test_other_transaction_names_are_refused(name: str) -> None:
    with pytest.raises(UsageError, match="transaction schema"):
        TransactionName.parse(name)


SEDS = st.sampled_from(["S071", "DA012C", "X001", "SYN001", "U001CB", "P10000"]).map(SedType)
VERSIONS = st.builds(CdmVersion, st.integers(3, 9), st.integers(0, 20), st.one_of(st.none(), st.integers(0, 30)))
BUCS = st.sampled_from(["S_BUC_01", "LA_BUC_05", "S_BUC_17a", "SYNC_SUC_01", "NAT_FR_BUC_01"]).map(BucId)


@given(SEDS, VERSIONS, st.sampled_from([None, "20241203T114212"]))
def test_what_is_formatted_parses_back(sed: SedType, version: CdmVersion, released: str | None) -> None:
    name = SedFileName(sed, version, released)
    assert SedFileName.parse(str(name)) == name


@given(
    BUCS,
    st.sampled_from(["1.0", "4.4"]),
    st.sampled_from(Role),
    st.sampled_from(Role),
    st.sampled_from(Action),
    SEDS,
    VERSIONS,
)
def test_transaction_names_parse_back(
    buc: BucId, buc_version: str, sender: Role, receiver: Role, action: Action, sed: SedType, version: CdmVersion
) -> None:
    name = TransactionName(buc, buc_version, sender, receiver, action, sed, str(version))
    assert TransactionName.parse(str(name)) == name


@given(st.text(max_size=60))
def test_any_text_is_a_name_or_one_clear_error(text: str) -> None:
    for form in (SedFileName, TransactionName):
        try:
            form.parse(text)
        except UsageError as error:
            assert "is not the name" in str(error)  # noqa: PT017  # any text may also be a name
