"""The shipped S071 accepts exactly what the published schema accepts: a comparison over right and damaged documents."""

from __future__ import annotations

import secrets
from pathlib import Path

import pytest
from lxml import etree

from eessi.errors import UsageError
from eessi.ids import CdmVersion, SedType
from eessi.schemas import Registry, Structure
from eessi.schemas.documents import DocumentSet
from eessi.schemas.generator import generate, near_misses
from eessi.schemas.resolve import resolve
from tests.schemas.documents import NEAR_MISSES, S071
from tests.schemas.mutator import Documents


@pytest.fixture(scope="module")
def ours() -> etree.XMLSchema:
    schema = Registry.default().schema("S071", "4.4")
    assert schema is not None
    return schema


@pytest.fixture(scope="module")
def published(official_s071: Path) -> etree.XMLSchema:
    """Compiled by lxml straight from the published files, without any code of ours."""
    return etree.XMLSchema(etree.parse(official_s071 / "S071-4.4.xsd"))


@pytest.fixture(scope="module")
def official(official_s071: Path) -> Structure:
    files = {file.name: file.read_bytes() for file in official_s071.iterdir()}
    return resolve(DocumentSet(tuple(files), files.__getitem__), "S071-4.4.xsd", SedType("S071"), CdmVersion(4, 4, 0))


def compare(one: etree.XMLSchema, other: etree.XMLSchema, documents: Documents, count: int) -> tuple[int, int]:
    """Numbers of valid and invalid documents; fails at the first on which the two disagree."""
    verdicts = {True: 0, False: 0}
    for _ in range(count):
        data = etree.tostring(documents.next())
        root = etree.fromstring(data)
        verdict = one.validate(root)
        if verdict != other.validate(root):
            reasons = [str(schema.error_log) for schema in (one, other)]
            pytest.fail(f"published says {verdict}, ours the opposite: {reasons}\n{data.decode()}")
        verdicts[verdict] += 1
    return verdicts[True], verdicts[False]


def test_the_tree_is_the_published_one(official: Structure) -> None:
    assert Registry.default().structure("S071", "4.4") == official


@pytest.mark.parametrize("what", [*NEAR_MISSES])
def test_both_refuse(what: str, ours: etree.XMLSchema, published: etree.XMLSchema) -> None:
    root = etree.fromstring(NEAR_MISSES[what])
    assert (ours.validate(root), published.validate(root)) == (False, False)


def test_both_accept(ours: etree.XMLSchema, published: etree.XMLSchema) -> None:
    root = etree.fromstring(S071)
    assert (ours.validate(root), published.validate(root)) == (True, True)


def test_no_disagreement(official: Structure, ours: etree.XMLSchema, published: etree.XMLSchema, shared: Path) -> None:
    seed = secrets.randbits(32)
    documents = Documents(official, seed, shared / "as4" / "xades" / "sed-signature-2020.xml")
    valid, invalid = compare(published, ours, documents, 500)
    assert valid >= 100, f"seed {seed}: too few valid documents to mean much"
    assert invalid >= 100, f"seed {seed}: too few invalid documents to mean much"


def labelled(structure: Structure, ours: etree.XMLSchema, published: etree.XMLSchema, rounds: int) -> None:
    """Generated documents: right ones are accepted by both schemas, near misses refused by both."""
    judged = 0
    for _ in range(rounds):
        seed = secrets.randbits(32)
        for kind in (None, *near_misses()):
            try:
                made = generate(structure, seed, near_miss=kind)
            except UsageError:
                continue  # this document has nothing that could be damaged in that way
            root = etree.fromstring(made.data)
            verdicts = (ours.validate(root), published.validate(root))
            assert verdicts == ((True, True) if kind is None else (False, False)), f"{kind}, seed {seed}"
            judged += 1
    assert judged >= rounds * 10


def test_labelled_documents(official: Structure, ours: etree.XMLSchema, published: etree.XMLSchema) -> None:
    labelled(official, ours, published, 12)


@pytest.mark.long
def test_many_labelled_documents(official: Structure, ours: etree.XMLSchema, published: etree.XMLSchema) -> None:
    labelled(official, ours, published, 400)


@pytest.mark.long
def test_no_disagreement_in_twenty_thousand(
    official: Structure, ours: etree.XMLSchema, published: etree.XMLSchema, shared: Path
) -> None:
    seed = secrets.randbits(32)
    documents = Documents(official, seed, shared / "as4" / "xades" / "sed-signature-2020.xml")
    valid, invalid = compare(published, ours, documents, 20_000)
    assert min(valid, invalid) >= 4_000, f"seed {seed}: {valid} valid, {invalid} invalid"


def test_a_third_opinion(official: Structure, ours: etree.XMLSchema, tmp_path: Path) -> None:
    """Another validator (xmlschema), reading our schema, says the same as libxml2."""
    import xmlschema

    found = Registry.default().find("S071", "4.4")
    assert found is not None
    sources = found.sources()
    for name, data in sources.files.items():
        (tmp_path / name).write_bytes(data)
    second = xmlschema.XMLSchema10(str(tmp_path / sources.main), allow="local")
    documents = Documents(official, 20261125)
    verdicts = []
    for _ in range(60):
        data = etree.tostring(documents.next())
        verdicts.append(ours.validate(etree.fromstring(data)))
        assert second.is_valid(data) == verdicts[-1], data.decode()
    assert 15 <= sum(verdicts) <= 45
