"""Bulk SEDs: master and children become one document and fall apart again."""

from __future__ import annotations

from pathlib import Path

import pytest

from eessi.errors import InputError, UsageError
from eessi.schemas import Registry
from eessi.sed import Sed, parse, read_rina_json, serialise
from eessi.sed.bulk import join, read_subdocuments, split


@pytest.fixture
def folder(samples: Path) -> Path:
    return samples / "samples-json" / "rina"


@pytest.fixture
def pieces(folder: Path, registry: Registry) -> tuple[Sed, list[Sed]]:
    read = [
        read_rina_json((folder / name).read_bytes(), version="4.2", registry=registry)
        for name in ("u020-master-document.json", "u020-child-document-003.json", "u020-child-document-001.json")
    ]
    return read[0], read[1:]


def test_one_document_of_master_and_children(pieces: tuple[Sed, list[Sed]], registry: Registry) -> None:
    master, parts = pieces
    whole = join(master, parts)
    assert (whole.name, whole.type, whole.version, whole.part) == ("U020", "U020", master.version, None)
    assert whole.count("IndividualClaim") == 2
    assert whole.values("IndividualClaim/sequentialNumberIndividualClaim") == ("1", "3")
    assert whole["GeneralInformation/numberIndividualClaims"] == "3"
    assert whole.unknown(registry) == ()
    found = parse(serialise(whole))
    assert found == whole


def test_and_apart_again(pieces: tuple[Sed, list[Sed]]) -> None:
    master, parts = pieces
    again, children = split(join(master, parts))
    assert again.same_content(master)
    assert [child.same_content(part) for child, part in zip(children, reversed(parts), strict=True)] == [True, True]
    assert {child.name for child in children} == {"U020_Child"}


def test_pieces_that_do_not_belong_together(pieces: tuple[Sed, list[Sed]], folder: Path, registry: Registry) -> None:
    master, parts = pieces
    other = read_rina_json((folder / "u029-child-document-002.json").read_bytes(), version="4.2", registry=registry)
    for wrong in ((parts[0], parts), (master, [other]), (master, [master])):
        with pytest.raises(UsageError):
            join(*wrong)
    with pytest.raises(UsageError, match="already"):
        split(master)
    with pytest.raises(UsageError, match="not a bulk SED"):
        split(join(master, []))


def test_the_list_of_sub_documents(folder: Path) -> None:
    found = read_subdocuments((folder / "u020-subdocuments-collection.json").read_bytes())
    assert [(entry.number, entry.id, entry.status, entry.versions) for entry in found] == [
        ("1", "subdoc_001", "VALID", 1),
        ("2", "subdoc_002", "VALID", 2),
        ("3", "subdoc_003", "PENDING", 1),
    ]
    assert {entry.type for entry in found} == {"U020_CHILD"}
    assert {entry.parent for entry in found} == {"master_doc_001"}


@pytest.mark.parametrize(
    "text", ["{}", "[]", '{"items": 1}', '{"totalCount": 2, "items": [{"subdocuments": [{"id": "a"}]}]}']
)
def test_what_is_no_list_of_sub_documents(text: str) -> None:
    with pytest.raises(InputError):
        read_subdocuments(text)
