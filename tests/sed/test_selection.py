"""A selection reads what the paths say and nothing else."""

from __future__ import annotations

import pytest

from eessi import _xml
from eessi.errors import UsageError
from eessi.schemas import Registry
from eessi.sed.selection import selection_of
from tests.sed.grown import document
from tests.sed.test_records import structure_of

PATHS = ("Person/PersonIdentification/familyName", "Person/PersonIdentification/sex", "Person/Nothing/here",
         "Person/PersonIdentification/PINPersonInEachInstitution/PersonalIdentificationNumber/country")  # fmt: skip


@pytest.mark.parametrize("seed", range(10))
def test_fields_are_those_of_the_tree(registry: Registry, seed: int) -> None:
    root = _xml.parse(document(structure_of(registry, "S071"), seed))
    expected = tuple(root.findtext(f"{path}/value") or root.findtext(path) for path in PATHS)
    assert selection_of(PATHS)(root) == expected


def test_text_is_whole_around_comments() -> None:
    root = _xml.parse(b"<A><a>x<!-- c -->y</a></A>", comments=True)
    assert selection_of(("a",))(root) == ("xy",)


def test_the_same_path_twice_and_one_inside_another() -> None:
    root = _xml.parse(b"<A><g><a>1</a></g></A>")
    assert selection_of(("g/a", "g/a", "b"))(root) == ("1", "1", None)


@pytest.mark.parametrize("path", ["a[1]", "", "a b"])
def test_indexes_are_refused(path: str) -> None:
    with pytest.raises(UsageError):
        selection_of((path,))
