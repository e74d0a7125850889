"""A Sed: type and version from the root alone, content by path, frozen, bytes kept."""

from __future__ import annotations

import copy
import json
import pickle
from pathlib import Path

import pytest

import eessi
from eessi.errors import InputError, UnknownCode, UsageError
from eessi.ids import CdmVersion, SedType
from eessi.schemas import Registry
from eessi.sed import Sed, parse, serialise
from eessi.sed.document import match_root

S071 = b"""<?xml version="1.0" encoding="UTF-8"?>
<!-- synthetic -->
<s:S071 xmlns:s="http://ec.europa.eu/eessi/ns/4_4/S071" sedGVer="4" sedVer="4">
  <Person>
    <PersonIdentification>
      <familyName>van-<!-- cut -->den-Berg</familyName><sex><value>02</value></sex>
    </PersonIdentification>
    <AdditionalInformationPerson><nationality><value>EL</value><value>UK</value></nationality></AdditionalInformationPerson>
  </Person>
  <Addresses><Address><town>Athina</town></Address><Address><town>London</town></Address></Addresses>
</s:S071>
"""


def sed_of(data: bytes) -> Sed:
    document = parse(data)
    assert isinstance(document, Sed)
    return document


@pytest.fixture
def sed() -> Sed:
    return sed_of(S071)


def test_type_and_version_come_from_the_root_alone(sed: Sed) -> None:
    assert (sed.type, sed.version, sed.name, sed.part) == ("S071", CdmVersion(4, 4), "S071", None)
    assert sed.attributes == {"sedGVer": "4", "sedVer": "4"}
    assert not sed.is_signed
    assert not sed.is_sandbox


@pytest.mark.parametrize(
    ("root", "namespace", "code", "version", "part"),
    [
        ("P4000", "http://ec.europa.eu/eessi/ns", "P4000", (3, 1), None),
        ("U018", "http://ec.europa.eu/eessi/ns/4_0/U018", "U018", (4, 0), None),
        ("DA012C", "http://ec.europa.eu/eessi/ns/4_10/DA012C", "DA012C", (4, 10), None),
        ("U020_Master", "http://ec.europa.eu/eessi/ns/4_2/U020", "U020", (4, 2), "Master"),
        ("U020_Child", "http://ec.europa.eu/eessi/ns/4_2/U020_Child", "U020", (4, 2), "Child"),
        ("P3000_NO", "http://ec.europa.eu/eessi/ns/4_2/P3000_NO", "P3000", (4, 2), "NO"),
        ("A001", "urn:eessi-toolkit:sandbox:1.1:A001", "A001", (1, 1), None),
        ("S071", "http://example.org/national", "S071", (4, 3), None),
    ],
)
def test_roots_of_all_kinds(root: str, namespace: str, code: str, version: tuple[int, int], part: str | None) -> None:
    data = f'<n:{root} xmlns:n="{namespace}" sedGVer="4" sedVer="3"/>'.encode()
    sed = sed_of(data)
    assert (sed.type, sed.version, sed.part, sed.name) == (code, CdmVersion(*version), part, root)
    assert serialise(sed) == data


@pytest.mark.parametrize(
    "data",
    [
        b"<S071/>",
        b'<S071 xmlns="http://ec.europa.eu/other"/>',
        b"<html/>",
        b'<s:Person xmlns:s="http://ec.europa.eu/eessi/ns/4_4/S071"/>',
    ],
)
def test_what_is_no_sed_is_refused_in_one_line(data: bytes) -> None:
    with pytest.raises(InputError) as caught:
        parse(data)
    assert "\n" not in str(caught.value)


def test_every_code_of_the_catalogue_is_a_root_name(shared: Path) -> None:
    rows = json.loads((shared / "catalogue" / "seds.json").read_text(encoding="utf-8"))
    for row in rows:
        found = match_root(row["code"])
        assert found is not None
        assert found["code"] == SedType(row["code"])


def test_unchanged_bytes_come_back(sed: Sed) -> None:
    assert serialise(sed) is S071 or serialise(sed) == S071


def test_content_by_path(sed: Sed) -> None:
    assert sed["Person/PersonIdentification/familyName"] == "van-den-Berg"
    assert sed["S071/Person/PersonIdentification/familyName"] == "van-den-Berg"
    assert sed["Person.PersonIdentification.sex"] == "02"
    assert sed["Person/PersonIdentification/sex/value"] == "02"
    assert sed["Addresses/Address[2]/town"] == "London"
    assert sed.values("Addresses/Address/town") == ("Athina", "London")
    assert sed.values("Person/AdditionalInformationPerson/nationality") == ("EL", "UK")
    assert sed.count("Addresses/Address") == 2
    assert "Person/PersonIdentification" in sed
    assert "Person/Absent" not in sed


def test_absent_and_ambiguous_places(sed: Sed) -> None:
    with pytest.raises(UnknownCode):
        sed["Person/Absent"]
    with pytest.raises(LookupError):
        sed["Addresses/Address[3]/town"]
    with pytest.raises(UsageError, match="2 values"):
        sed["Addresses/Address/town"]
    with pytest.raises(UsageError, match="2 values"):
        sed.get("Person/AdditionalInformationPerson/nationality")
    with pytest.raises(UsageError, match="group"):
        sed["Person"]
    for wrong in ("Person[0]", "Person/[1]", "a b", "Person//x"):
        with pytest.raises(UsageError, match="not a path"):
            sed.get(wrong)
    assert sed.get("Person/Absent") is None
    assert sed.get("Person/Absent", "none") == "none"


def test_items_are_all_leaves_in_order_and_their_paths_find_them(sed: Sed) -> None:
    items = list(sed.items())
    assert [path for path, _ in items] == [
        "Person/PersonIdentification/familyName",
        "Person/PersonIdentification/sex",
        "Person/AdditionalInformationPerson/nationality/value[1]",
        "Person/AdditionalInformationPerson/nationality/value[2]",
        "Addresses/Address[1]/town",
        "Addresses/Address[2]/town",
    ]
    assert all(sed[path] == text for path, text in items)


def test_plain_data(sed: Sed) -> None:
    assert sed.part_at("Person") == {
        "PersonIdentification": {"familyName": "van-den-Berg", "sex": "02"},
        "AdditionalInformationPerson": {"nationality": ["EL", "UK"]},
    }
    codes = sed_of(S071.replace(b"</sex>", b"</sex><sex><value>01</value></sex>"))
    assert codes.part_at("Person/PersonIdentification") == {"familyName": "van-den-Berg", "sex": [["02"], ["01"]]}
    assert sed.part_at("Addresses/Address") == [{"town": "Athina"}, {"town": "London"}]
    with pytest.raises(UnknownCode):
        sed.part_at("Absent")


def test_a_sed_is_frozen(sed: Sed) -> None:
    with pytest.raises(AttributeError):
        sed.name = "X001"
    with pytest.raises(AttributeError):
        del sed.name


def test_equality_is_that_of_the_bytes(sed: Sed) -> None:
    other = sed_of(S071.replace(b"\n  <Person>", b"<Person>"))
    assert sed == sed_of(S071)
    assert hash(sed) == hash(sed_of(S071))
    assert sed != other
    assert sed.same_content(other)
    assert not sed.same_content(sed.replace("Addresses/Address[2]/town", "Leeds"))
    assert sed != "S071"


def test_the_repr_shows_no_content(sed: Sed) -> None:
    assert repr(sed) == "<Sed S071 4.4>"


def test_replace_gives_a_changed_copy(sed: Sed) -> None:
    changed = sed.replace("Person/PersonIdentification/familyName", "Other")
    assert (changed["Person/PersonIdentification/familyName"], sed["Person/PersonIdentification/familyName"]) == (
        "Other",
        "van-den-Berg",
    )
    assert sed.replace("Person/PersonIdentification/sex", "01")["Person/PersonIdentification/sex"] == "01"
    many = sed.replace("Person/AdditionalInformationPerson/nationality", ["SE", "NO", "DK"])
    assert many.values("Person/AdditionalInformationPerson/nationality") == ("SE", "NO", "DK")
    gone = sed.replace("Addresses/Address[1]", None)
    assert gone.values("Addresses/Address/town") == ("London",)
    assert sed_of(serialise(gone)) == gone


def test_replace_refuses_what_does_not_fit(sed: Sed) -> None:
    for path, value in (
        ("Addresses/Address/town", "x"),
        ("Person/PersonIdentification", "text"),
        ("Person/PersonIdentification/familyName", ["a", "b"]),
        ("", "x"),
        ("Person/PersonIdentification/familyName", "a\x00b"),
        ("Person/PersonIdentification/sex", {"value": "01"}),
    ):
        with pytest.raises(UsageError):
            sed.replace(path, value)
    with pytest.raises(UnknownCode):
        sed.replace("Person/PersonIdentification/forename", "Ada")
    with pytest.raises(UnknownCode):
        sed.replace("Person/Absent", None)


def test_replace_inserts_where_the_tree_wants_it(sed: Sed, registry: Registry) -> None:
    changed = sed.replace("Person/PersonIdentification/forename", "Ada", registry)
    found = [path for path, _ in changed.items()][:3]
    assert [path.rpartition("/")[2] for path in found] == ["familyName", "forename", "sex"]
    with pytest.raises(UnknownCode, match="did you mean forename"):
        sed.replace("Person/PersonIdentification/forname", "Ada", registry)


def test_replace_takes_the_signature_out() -> None:
    data = S071.replace(b"</s:S071>", b'<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#"/></s:S071>')
    sed = sed_of(data)
    assert sed.is_signed
    assert "Signature" not in dict(sed.items())
    changed = sed.replace("Person/PersonIdentification/sex", "01")
    assert not changed.is_signed
    assert sed.is_signed


def test_unknown_content_is_kept_and_named(registry: Registry, bare: Registry) -> None:
    data = S071.replace(b"</sex>", b"</sex><extra><deep>1</deep></extra>").replace(
        b"  <Addresses", b"<new/>  <Addresses"
    )
    sed = sed_of(data)
    unknown = sed.unknown(registry)
    assert "Person/PersonIdentification/extra" in unknown
    assert "new" in unknown
    assert "Person/PersonIdentification/familyName" not in unknown
    assert sed["Person/PersonIdentification/extra/deep"] == "1"
    assert sed.unknown(bare) == ("Person", "new", "Addresses")


def test_children_in_an_empty_default_namespace() -> None:
    sed = sed_of(
        b'<S071 xmlns="http://ec.europa.eu/eessi/ns/4_4/S071"><Person xmlns=""><familyName>A</familyName></Person></S071>'
    )
    assert sed["Person/familyName"] == "A"


def test_all_children_in_the_namespace_of_the_root() -> None:
    sed = sed_of(b'<P4000 xmlns="http://ec.europa.eu/eessi/ns"><Person><Sex>Male</Sex></Person></P4000>')
    assert sed["Person/Sex"] == "Male"
    assert sed.version == CdmVersion(3, 1)


def test_parse_takes_paths_and_files(tmp_path: Path) -> None:
    file = tmp_path / "s071.xml"
    file.write_bytes(S071)
    with file.open("rb") as opened:
        assert parse(opened) == parse(file) == parse(str(file)) == sed_of(S071)
    with pytest.raises(InputError, match="no such file"):
        parse(tmp_path / "absent.xml")
    with pytest.raises(InputError):
        parse(tmp_path)
    with pytest.raises(InputError, match="encode it first"):
        parse("<S071/>")


def test_the_face_offers_the_same() -> None:
    assert eessi.parse is parse
    assert eessi.Sed is Sed


def test_a_changed_copy_keeps_comments() -> None:
    sed = sed_of(S071)
    changed = sed.replace("Person/PersonIdentification/sex", "01")
    assert b"<!-- cut -->" in serialise(changed)
    assert b"<!-- synthetic -->" in serialise(changed)
    plain = changed.replace("Person/PersonIdentification/familyName", "New")
    assert b"<familyName>New</familyName>" in serialise(plain)


def test_a_sed_travels_as_its_bytes() -> None:
    sed = sed_of(S071)
    assert pickle.loads(pickle.dumps(sed)) == sed
    assert copy.deepcopy(sed) is sed
    assert copy.copy(sed) is sed
