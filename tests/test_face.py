"""The public face: what ``eessi`` offers, that it is sorted and documented, and that importing it stays light."""

from __future__ import annotations

import inspect
import subprocess
import sys

import pytest

import eessi

ROOMS = ["buc", "directory", "findings", "schemas", "sed", "testing", "transport", "node", "release", "pages", "stores"]


def test_all_is_sorted_and_complete() -> None:
    assert eessi.__all__ == sorted(eessi.__all__, key=str.swapcase) or eessi.__all__ == sorted(eessi.__all__)
    assert set(eessi.__all__) == set(eessi._HOME_OF) | {"buc"}


@pytest.mark.parametrize("name", eessi.__all__)
def test_every_name_exists_and_is_documented(name: str) -> None:
    value = getattr(eessi, name)
    assert inspect.getdoc(value), f"eessi.{name} has no docstring"


@pytest.mark.parametrize("room", ROOMS)
def test_every_room_holds_its_face_to_its_all(room: str) -> None:
    import importlib

    module = importlib.import_module(f"eessi.{room}")
    assert module.__doc__, f"eessi.{room} does not say in a docstring what it is for"
    for name in getattr(module, "__all__", ()):
        assert inspect.getdoc(getattr(module, name)) or not callable(getattr(module, name)), f"eessi.{room}.{name}"


def loaded_by(statement: str) -> set[str]:
    code = f"import sys\n{statement}\nprint('\\n'.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_import_loads_nothing_heavy() -> None:
    loaded = loaded_by("import eessi")
    assert not loaded & {
        "lxml",
        "pydantic",
        "xmlschema",
        "attrs",
        "attr",
        "click",
        "sqlalchemy",
        "cryptography",
        "jinja2",
    }


def test_first_parse_loads_lxml_and_little_else() -> None:
    sed = b'<s:S071 xmlns:s="http://ec.europa.eu/eessi/ns/4_4/S071" sedGVer="4" sedVer="4"/>'
    loaded = loaded_by(f"import eessi\neessi.parse({sed!r})")
    assert "lxml.etree" in loaded
    assert not loaded & {"pydantic", "xmlschema", "click", "sqlalchemy", "cryptography", "jinja2", "hypothesis", "yaml"}


def test_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="nonsense"):
        eessi.nonsense  # noqa: B018


def test_buc_is_a_room_and_a_function() -> None:
    assert eessi.buc("LA_BUC_01").code == "LA_BUC_01"
    import eessi.buc as room

    assert room.buc("LA_BUC_01").code == "LA_BUC_01"
