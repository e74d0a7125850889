"""The public face: what ``eessi`` offers, that it is sorted and documented, and that importing it stays light."""

from __future__ import annotations

import importlib
import inspect
import re
import subprocess
import sys
from pathlib import Path

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
    module = importlib.import_module(f"eessi.{room}")
    assert module.__doc__, f"eessi.{room} does not say in a docstring what it is for"
    assert module.__all__ == sorted(module.__all__)
    for name in module.__all__:
        assert inspect.getdoc(getattr(module, name)) or not callable(getattr(module, name)), f"eessi.{room}.{name}"


REFERENCE = (Path(__file__).parent.parent / "docs" / "reference" / "python.md").read_text(encoding="utf-8")


def test_the_reference_lists_what_eessi_offers() -> None:
    rows = re.findall(r"^\| (`.*`) \| `(eessi\.\w+)` \|$", REFERENCE, re.MULTILINE)
    shown = {home: set(re.findall(r"`(\w+)`", names)) for names, home in rows}
    offered = {home: set(names) for home, names in eessi._HOMES.items()}
    offered["eessi.buc"].add("buc")
    assert shown == offered


@pytest.mark.parametrize("room", [*ROOMS, "errors", "ids"])
def test_the_reference_is_drawn_from_the_whole_face_of_a_room(room: str) -> None:
    """Without a list of members Sphinx takes all that ``__all__`` names, so nothing public is left out."""
    (options,) = re.findall(rf"^\.\. automodule:: eessi\.{room}\n((?:   :.*\n)+)", REFERENCE, re.MULTILINE)
    wanted = {":members:"} if room in ("errors", "ids") else {":members:", ":imported-members:"}
    assert {line.strip() for line in options.splitlines()} == wanted
    assert importlib.import_module(f"eessi.{room}").__all__


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
