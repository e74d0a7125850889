"""The floors of the house: imports go downwards only, and only the edges touch the outside."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import eessi

ROOT = Path(eessi.__file__).parent

FLOORS = {
    "errors": 1,
    "_xml": 2, "ids": 2, "findings": 2, "trust": 2, "bulk": 2, "octets": 2,
    "schemas": 3, "stores": 3,
    "sed": 4, "transport": 4,
    "buc": 5, "directory": 5,
    "pages": 6,
    "node": 7,
    "testing": 8, "release": 8,
    "cli": 9,
}  # fmt: skip
"""Floor of each room; see docs/design/architecture.md."""

FORBIDDEN = {
    "schemas": {"sed", "stores"},
    "stores": {"schemas"},
    "transport": {"sed", "directory", "schemas"},
    "sed": {"transport", "stores"},
    "buc": {"directory", "transport", "schemas", "stores"},
    "directory": {"buc", "transport"},
    "testing": {"release"},
    "release": {"testing"},
}
"""Rooms that a room may not import although the floors alone would allow it, or that share its floor."""

OUTSIDE = {"socket", "httpx", "requests", "urllib.request", "http.client", "sqlite3", "sqlalchemy", "psycopg"}
MAY_TOUCH_OUTSIDE = ("transport/http", "stores/", "cli/", "node/workers.py", "node/job_tables.py")


def modules() -> list[Path]:
    return sorted(ROOT.rglob("*.py"))


def room_of(file: Path) -> str:
    return file.relative_to(ROOT).parts[0].removesuffix(".py")


def imports_of(file: Path) -> list[tuple[str, int]]:
    """Absolute names of everything a file imports, wherever in the file, with the line."""
    found: list[tuple[str, int]] = []
    package = ["eessi", *file.relative_to(ROOT).parent.parts]
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found += [(alias.name, node.lineno) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            name = ".".join([*base, node.module] if node.module else base)
            found += [(name, node.lineno)]
            found += [(f"{name}.{alias.name}", node.lineno) for alias in node.names]
    return found


def rooms_imported(file: Path) -> set[str]:
    rooms = set()
    for name, _ in imports_of(file):
        parts = name.split(".")
        if parts[0] == "eessi" and len(parts) > 1 and parts[1] in FLOORS:
            rooms.add(parts[1])
    return rooms


@pytest.mark.parametrize("file", modules(), ids=lambda file: str(file.relative_to(ROOT)))
def test_imports_go_downwards(file: Path) -> None:
    room = room_of(file)
    if room == "__init__":
        return  # the face names every room, lazily
    assert room in FLOORS, f"{room} stands on no floor: add it to the table and to the architecture page"
    for other in rooms_imported(file) - {room}:
        assert FLOORS[other] <= FLOORS[room], f"{room} (floor {FLOORS[room]}) imports {other} (floor {FLOORS[other]})"
        assert other not in FORBIDDEN.get(room, set()), f"{room} may not know {other}"


@pytest.mark.parametrize("file", modules(), ids=lambda file: str(file.relative_to(ROOT)))
def test_only_the_edges_touch_the_outside(file: Path) -> None:
    if str(file.relative_to(ROOT)).startswith(MAY_TOUCH_OUTSIDE):
        return
    touched = {name for name, _ in imports_of(file) if name in OUTSIDE}
    assert not touched, f"{file.relative_to(ROOT)} imports {touched}"


def test_no_room_circle() -> None:
    edges = {room: set[str]() for room in FLOORS}
    for file in modules():
        room = room_of(file)
        if room in edges:
            edges[room] |= rooms_imported(file) - {room}
    seen: list[str] = []

    def visit(room: str) -> None:
        assert room not in seen, f"circle: {' -> '.join([*seen, room])}"
        seen.append(room)
        for other in sorted(edges[room]):
            visit(other)
        seen.pop()

    for room in FLOORS:
        visit(room)


def test_no_room_without_subject() -> None:
    forbidden = {"utils", "util", "common", "helpers", "helper", "manager", "misc"}
    assert not {file.stem for file in modules()} & forbidden
