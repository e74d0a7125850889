"""Scenario files as plain data: a small, safe part of YAML that remembers where everything stood.

Narrower than YAML on purpose. Every value is text, except ``true``, ``false`` and an empty value: ``NO`` stays the
country, ``4.10`` stays a version and ``0123`` keeps its zero. Tags, anchors and aliases are refused (they build
objects or grow without limit), and so is the same key twice.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final, TypeAlias

import attrs

from eessi.errors import DefinitionError, MissingExtra

__all__ = ["MAX_BYTES", "MAX_DEPTH", "Plain", "Plan", "read_yaml"]

Plain: TypeAlias = "str | bool | list[Plain] | dict[str, Plain] | None"
"""What a scenario file can hold."""

Place: TypeAlias = "tuple[str | int, ...]"

MAX_BYTES: Final = 1_000_000
"""A scenario is written by people; a larger file is generated data and belongs into a template."""

MAX_DEPTH: Final = 60
"""Deeper than any SED (the deepest known tree has 14 levels), far from the interpreter's recursion limit."""


@attrs.frozen(slots=True)
class Plan:
    """The content of a file and the line (counted from 1) of each of its parts."""

    file: str
    data: Plain
    lines: dict[Place, int] = attrs.field(factory=dict, hash=False, repr=False)

    def line(self, place: Place) -> int:
        """The line of a part, or of the nearest part around it."""
        while place and place not in self.lines:
            place = place[:-1]
        return self.lines.get(place, 1)

    def error(self, message: str, place: Place = ()) -> DefinitionError:
        """An error that names file, line and key."""
        key = ".".join(str(step) for step in place)
        return DefinitionError(message, file=f"{self.file}:{self.line(place)}", key=key or None)


def read_yaml(path: Path | str, text: str | None = None) -> Plan:
    """Read a scenario, template or include file.

    :param text: the content, when it does not come from the file; ``path`` then only names it.
    :raises DefinitionError: no such file, not the allowed part of YAML, too large; with file and line.
    :raises MissingExtra: without the extra ``testing``.
    """
    try:
        import yaml
    except ImportError:
        raise MissingExtra("testing", "reading a scenario file") from None
    name = str(path)
    source = _text_of(Path(path)) if text is None else text
    if len(source) > MAX_BYTES:
        raise DefinitionError(f"larger than {MAX_BYTES:,} characters", file=name)
    try:
        _refuse_aliases(name, yaml.parse(source, Loader=yaml.BaseLoader))
        node = yaml.compose(source, Loader=yaml.BaseLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        why = f"not readable as YAML: {error.problem}"
        if "'\\t'" in str(error.problem):
            why = "a tab stands here; YAML is indented with spaces only"
        raise DefinitionError(why, file=f"{name}:{line}") from None
    except yaml.YAMLError as error:
        raise DefinitionError(f"not readable as YAML: {' '.join(str(error).split())}", file=name) from None
    lines: dict[Place, int] = {}
    data = _plain(node, (), lines, name) if node is not None else None
    return Plan(name, data, lines)


def _text_of(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise DefinitionError("no such file", file=str(path)) from None
    except UnicodeDecodeError as error:
        raise DefinitionError(f"not UTF-8 (byte {error.start})", file=str(path)) from None
    except OSError as error:
        raise DefinitionError(f"cannot be read: {error.strerror}", file=str(path)) from None


def _refuse_aliases(name: str, events: Iterator[object]) -> None:
    depth = 0
    for event in events:
        kind = type(event).__name__
        line = event.start_mark.line + 1  # type: ignore[attr-defined]  # every event of the parser has a mark
        depth += kind.endswith("StartEvent") and kind[:3] in ("Map", "Seq")
        depth -= kind.endswith("EndEvent") and kind[:3] in ("Map", "Seq")
        if depth > MAX_DEPTH:
            raise DefinitionError(f"nested deeper than {MAX_DEPTH} levels", file=f"{name}:{line}")
        if kind == "AliasEvent" or getattr(event, "anchor", None):
            raise DefinitionError(
                "anchors and aliases are not allowed; use a variable or an include", file=f"{name}:{line}"
            )
        if getattr(event, "tag", None):
            raise DefinitionError("tags are not allowed; a scenario holds plain data only", file=f"{name}:{line}")


def _plain(node: object, place: Place, lines: dict[Place, int], name: str) -> Plain:
    import yaml

    assert isinstance(node, yaml.Node)
    lines[place] = node.start_mark.line + 1
    if isinstance(node, yaml.SequenceNode):
        return [_plain(child, (*place, index), lines, name) for index, child in enumerate(node.value)]
    if isinstance(node, yaml.MappingNode):
        return _mapping(node, place, lines, name)
    assert isinstance(node, yaml.ScalarNode)
    if node.style is None:  # written without quotation marks
        special: dict[str, bool | None] = {"true": True, "false": False, "": None, "null": None, "~": None}
        return special.get(node.value, node.value)
    return str(node.value)


def _mapping(node: object, place: Place, lines: dict[Place, int], name: str) -> dict[str, Plain]:
    import yaml

    assert isinstance(node, yaml.MappingNode)
    result: dict[str, Plain] = {}
    for key_node, value_node in node.value:
        line = key_node.start_mark.line + 1
        if not isinstance(key_node, yaml.ScalarNode):
            raise DefinitionError("a key must be a single word or sentence", file=f"{name}:{line}")
        key = str(key_node.value)
        if key in result:
            raise DefinitionError("this key stands twice", file=f"{name}:{line}", key=key)
        result[key] = _plain(value_node, (*place, key), lines, name)
        lines[(*place, key)] = line
    return result
