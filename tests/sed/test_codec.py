"""The way from bytes to the first document stays short: nothing heavy is loaded."""

from __future__ import annotations

import subprocess
import sys

import pytest

import eessi.sed

SED = """b'<s:S071 xmlns:s="http://ec.europa.eu/eessi/ns/4_4/S071"><Person><sex><value>1</value></sex></Person></s:S071>'"""


def loaded_by(code: str) -> set[str]:
    script = f"import sys\n{code}\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    return set(done.stdout.split())


def test_the_first_document_loads_the_xml_parser_and_little_else() -> None:
    loaded = loaded_by(f"import eessi\nsed = eessi.parse({SED})\nsed['Person/sex'], sed.data, list(sed.items())")
    assert "lxml.etree" in loaded
    heavy = {
        "attr",
        "attrs",
        "pydantic",
        "xmlschema",
        "tomllib",
        "cryptography",
        "click",
        "jinja2",
        "importlib.resources",
    }
    assert not heavy & loaded
    own = {name for name in loaded if name.startswith("eessi.")}
    assert own == {
        "eessi._xml",
        "eessi.errors",
        "eessi.sed",
        "eessi.sed.codec",
        "eessi.sed.document",
        "eessi.sed.paths",
    }


def test_a_room_is_not_its_parts() -> None:
    loaded = loaded_by("import eessi.sed")
    assert {name for name in loaded if name.startswith("eessi")} == {"eessi", "eessi.sed"}


@pytest.mark.parametrize("name", eessi.sed.__all__)
def test_every_name_of_the_room_is_there(name: str) -> None:
    assert getattr(eessi.sed, name).__module__.startswith("eessi.")
    assert name in dir(eessi.sed)


def test_other_names_are_not() -> None:
    assert not hasattr(eessi.sed, "nonsense")
    assert list(eessi.sed.__all__) == sorted(eessi.sed.__all__)
