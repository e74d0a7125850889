"""Pseudonyms: nothing of a person survives, the document stays one, and the same key says the same."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import eessi
from eessi import _xml
from eessi.cli.program import run
from eessi.errors import UsageError
from eessi.schemas import Registry
from eessi.sed import Sed
from eessi.sed.pseudonymise import Survived, pseudonymise, survivors
from tests.sed.grown import document
from tests.sed.test_records import SIGNATURE, structure_of

KEY = b"a secret of tests"


def sed_of(data: bytes) -> Sed:
    return Sed(_xml.parse(data), data)


@pytest.fixture(scope="module")
def source() -> Sed:
    return sed_of(document(structure_of(Registry.default(), "S071"), 3, fill=1.0))


@pytest.mark.parametrize("seed", range(25))
def test_no_value_survives_and_the_document_stays_valid(registry: Registry, seed: int) -> None:
    sed = sed_of(document(structure_of(registry, "S071"), seed))
    done = pseudonymise(sed, KEY, registry=registry)
    assert survivors(sed, done.sed) == ()
    assert eessi.validate(done.sed, registry).is_valid
    assert [path for path, _ in done.sed.items()] == [path for path, _ in sed.items()]
    before, after = dict(sed.items()), dict(done.sed.items())
    for path, text in before.items():
        name = path.rpartition("/")[2].partition("[")[0]
        if name in (
            "familyName",
            "forename",
            "dateBirth",
            "personalIdentificationNumber",
            "street",
            "town",
            "postalCode",
        ):
            assert after[path] != text, path
        if name in ("sex", "country", "institutionID"):
            assert after[path] == text, path


def test_every_tree_can_be_pseudonymised(registry: Registry) -> None:
    for package in registry.packages:
        for entry in list(package.entries())[::6]:
            structure = registry.structure(entry.sed, entry.version, package=package.coordinates)
            assert structure is not None
            sed = sed_of(document(structure, 4))
            assert survivors(sed, pseudonymise(sed, KEY, registry=registry).sed) == ()


def test_the_same_key_says_the_same(source: Sed) -> None:
    first, second = pseudonymise(source, KEY), pseudonymise(source, KEY)
    other = pseudonymise(source, KEY + b"2")
    assert first.sed == second.sed
    assert first.sed != other.sed
    path = "Person/PersonIdentification/familyName"
    twin = source.replace(path, source[path].upper())
    assert pseudonymise(twin, KEY).sed[path] == first.sed[path]


def test_days_keep_their_distances(registry: Registry) -> None:
    period = "PeriodEntitlement/FixedPeriod"
    for seed in range(40):
        sed = sed_of(document(structure_of(registry, "S071"), seed, fill=1.0))
        if f"{period}/startDate" in sed:
            break
    sed = sed.replace(f"{period}/startDate", "2020-02-01+02:00").replace(f"{period}/endDate", "2020-03-01Z")
    done = pseudonymise(sed, KEY).sed
    start, end = done[f"{period}/startDate"], done[f"{period}/endDate"]
    assert start.endswith("+02:00")
    assert end.endswith("Z")
    assert dt.date.fromisoformat(end[:10]) - dt.date.fromisoformat(start[:10]) == dt.timedelta(days=29)


@pytest.mark.parametrize(("country", "module", "number"), [("BE", "stdnum.be.nn", "85.07.30-033 28"), ("FI", "stdnum.fi.hetu", "131052-308T"),
                                                           ("PL", "stdnum.pl.pesel", "44051401359")])  # fmt: skip
def test_numbers_still_pass_the_public_rule(source: Sed, country: str, module: str, number: str) -> None:
    stdnum = pytest.importorskip(module)
    path = "Person/PersonIdentification/PINPersonInEachInstitution/PersonalIdentificationNumber[1]"
    if path not in source:
        path = path[:-3]
    sed = source.replace(f"{path}/country", country).replace(f"{path}/personalIdentificationNumber", number)
    made = pseudonymise(sed, KEY).sed[f"{path}/personalIdentificationNumber"]
    assert made != number
    assert stdnum.is_valid(made)


def test_signature_comments_and_strange_attributes_are_dropped(source: Sed) -> None:
    data = source.data.replace(b"</s:S071>", SIGNATURE.encode() + b"<!-- Mrs Secretname --></s:S071>")
    data = data.replace(b"<Person>", b'<Person note="Secretname">Secretname').replace(
        b" sedVer", b' by="Secretname" sedVer'
    )
    done = pseudonymise(sed_of(data), KEY).sed
    assert not done.is_signed
    assert b"Secretname" not in done.data


def test_free_text_is_dropped(registry: Registry) -> None:
    structure = structure_of(registry, "A001", "1.0")
    sed = sed_of(document(structure, 1, fill=1.0)).replace("remark", "Mrs Verysecret lives at Hidden Street 5")
    done = pseudonymise(sed, KEY, registry=registry)
    assert done.dropped
    assert done.sed["remark"] == "removed"


def test_the_search_finds_what_was_forgotten(source: Sed) -> None:
    done = pseudonymise(source, KEY).sed
    name = source["Person/PersonIdentification/familyName"]
    town = "AddressOfPersonForWhomAnEntitlementDocument/Address/town"
    for hidden in (name, name.upper(), f"x{name}y", "-".join(name)):
        assert survivors(source, done.replace(town, hidden)) == (town,)
    institution = "Person/PersonIdentification/PINPersonInEachInstitution/PersonalIdentificationNumber[1]/Institution/institutionName"
    if institution in done:
        assert institution.replace("[1]", "") in survivors(source, done.replace(institution, f"Office of {name}"))
    commented = sed_of(done.data.replace(b"<Person>", b"<Person><!-- x -->"))
    assert survivors(source, commented) == ("a comment or instruction",)


def test_what_survives_is_never_returned(source: Sed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("eessi.sed.pseudonymise._Work.replace", lambda self, path, name, text, country: text)
    with pytest.raises(Survived) as found:
        pseudonymise(source, KEY)
    assert "Person/PersonIdentification/familyName" in found.value.paths
    assert source["Person/PersonIdentification/familyName"] not in str(found.value)


def test_a_short_key_is_refused(source: Sed) -> None:
    with pytest.raises(UsageError, match="at least 16"):
        pseudonymise(source, b"short")


@settings(max_examples=60, deadline=None)
@given(name=st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Cn", "Co")), min_size=1, max_size=60))
def test_any_name_is_replaced(name: str) -> None:
    data = (
        '<s:S071 xmlns:s="http://ec.europa.eu/eessi/ns/4_4/S071"><Person><PersonIdentification><familyName/>'
        "</PersonIdentification></Person></s:S071>"
    )
    root = _xml.parse(data.encode())
    root[0][0][0].text = name
    sed = Sed(root)
    done = pseudonymise(sed, KEY).sed["Person/PersonIdentification/familyName"]
    assert not name.strip() or done != name


def test_the_command(source: Sed, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "key").write_bytes(KEY + b"\n")
    (tmp_path / "s071.xml").write_bytes(source.data)
    out = tmp_path / "out.xml"
    words = ["sed", "pseudonymise", str(tmp_path / "s071.xml"), "--key-file", str(tmp_path / "key"), "-o", str(out)]
    assert run(words) == 0
    assert sed_of(out.read_bytes()) == pseudonymise(source, KEY, registry=Registry.default()).sed
    assert "none found" in capsys.readouterr().err
    (tmp_path / "key").write_bytes(b"short")
    assert run(words) == 2
