"""The page on the house says what the code is: its rooms, floors, files and tables, and who touches the outside."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.test_layers import FLOORS, FORBIDDEN, MAY_TOUCH_OUTSIDE

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "design" / "architecture.md").read_text(encoding="utf-8")
FOLDERS = PAGE.partition("## Folders")[2].partition("```\n")[2].partition("```")[0]
DRAWN_FLOORS = PAGE.partition("## Floors")[2].partition("```\n")[2].partition("```")[0]
TABLES = [
    tuple(cell.strip() for cell in line.strip("|").split("|"))
    for line in PAGE.partition("## Data, not code")[2].partition("## ")[0].splitlines()
    if line.startswith("| ") and "one row says" not in line
]
PLACES = sorted(
    {
        name.rstrip("/")
        for name in re.findall(r"`([\w./*<>-]+)`", PAGE)
        if "/" in name or name.endswith((".py", ".toml", ".md"))
    }
)


def found(name: str) -> list[Path]:
    """Where a name of the page stands: below the project, the package, or beside the page."""
    pattern = re.sub(r"<\w+>", "*", name)
    return [path for place in (ROOT, ROOT / "eessi", ROOT / "docs" / "design") for path in place.glob(pattern)]


def drawn() -> list[tuple[str, str]]:
    """Path and subject of each entry in the drawing of the folders."""
    folder, entries = "", []
    for line in FOLDERS.splitlines():
        name, _, subject = line.strip().partition(" ")
        if line == "eessi/":
            folder = "eessi/"
            continue
        if not line.startswith(" "):
            folder = ""
        entries.append((folder + name, subject.strip()))
    return entries


@pytest.mark.parametrize(("path", "subject"), drawn(), ids=[path for path, _ in drawn()])
def test_what_is_drawn_is_there_with_its_subject(path: str, subject: str) -> None:
    assert (ROOT / path).exists()
    assert len(subject) > 20, f"{path}: say what it is"
    assert ". " not in subject, f"{path}: one sentence"


def test_every_room_is_drawn() -> None:
    rooms = {path for path in (ROOT / "eessi").iterdir() if path.name not in {"__pycache__", "py.typed"}}
    names = {f"eessi/{path.name}/" if path.is_dir() else f"eessi/{path.name}" for path in rooms}
    assert sorted(names - {path for path, _ in drawn()}) == []


@pytest.mark.parametrize("name", PLACES)
def test_a_file_that_is_named_is_there(name: str) -> None:
    assert found(name), f"architecture.md names {name}, which does not exist"


def test_the_floors_are_those_that_are_enforced() -> None:
    floors = {
        room: int(line.split()[1]) for line in DRAWN_FLOORS.splitlines() if line.strip() for room in line.split()[2:]
    }
    assert floors == FLOORS


def test_who_may_not_know_whom_is_said() -> None:
    rules = PAGE.partition("## Floors")[2].partition("## ")[0]
    for room, others in FORBIDDEN.items():
        said = [line for line in rules.splitlines() if line.startswith(f"| `{room}` |")]
        assert len(said) == 1, f"{room} has no row"
        assert set(re.findall(r"`(\w+)`", said[0].split("|")[2])) == others, room


def test_who_touches_the_outside_is_said() -> None:
    [line] = [line for line in PAGE.splitlines() if line.startswith("- Only ")]
    named = re.findall(r"`([\w/.*]+)`", line)
    assert sorted(name.replace("*.py", "") for name in named) == sorted(MAY_TOUCH_OUTSIDE)


def test_every_table_is_named_and_says_its_source() -> None:
    named = {path for _, where, _ in TABLES for name in re.findall(r"`([\w./<>-]+)`", where) for path in found(name)}
    for table in (ROOT / "eessi").rglob("*.toml"):
        assert named & {table, *table.parents}, f"{table.relative_to(ROOT)} stands in no row"
        first = table.read_text(encoding="utf-8").splitlines()[0]
        assert re.match(r"# .*(Sources?|Quelle) ?:", first), (
            f"{table.relative_to(ROOT)}: the first line names no source"
        )
