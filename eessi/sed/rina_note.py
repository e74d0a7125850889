"""What XML cannot say about the RINA JSON it was made of, kept in a processing instruction before the root.

Whether one element was a list of one, or a leaf a number, is known from the tree of most SEDs. Where it is not, the
document carries a note, so that the way back gives the same values. It stands outside the SED element: no schema, no
signature and no message sees it. A note in a stranger's document may decide how his content is shown as JSON, and
nothing else.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from eessi.errors import InputError
from eessi.sed.json_text import JsonValue, dump_json, load_json
from eessi.sed.rina_json import Shape, is_old
from eessi.sed.rina_writing import JsonWriter
from eessi.sed.trees import tree_for

if TYPE_CHECKING:
    from eessi.schemas import Registry
    from eessi.sed.document import Sed

__all__ = ["note_of", "with_note"]

_TARGET = b"eessi-toolkit-rina"
_NOTE = re.compile(rb"<\?" + _TARGET + rb"\s+(\{.*?\})\s*\?>", re.S)
_DECLARATION = b"?>\n"


def with_note(data: bytes, sed: Sed) -> bytes:
    """The document with a note, if the way back would not give the same JSON without one."""
    shape = sed.shape
    if not isinstance(shape, Shape) or shape.registry is None:
        return data
    needed = _needed(sed, shape)
    if needed is None:
        return data
    text = dump_json(needed, indent=None).replace(">", "\\u003e").encode()
    head, end, rest = data.partition(_DECLARATION)
    return b"".join((head, end, b"<?", _TARGET, b" ", text, b"?>\n", rest)) if end else data


def _needed(sed: Sed, shape: Shape) -> dict[str, JsonValue] | None:
    assert shape.registry is not None
    guess = _guessed(sed, shape.registry, Shape())
    lists = sorted(path for path in shape.lists if guess.as_list.get(path) is False)
    single = sorted(path for path in shape.single if guess.as_list.get(path) is True)
    if shape.names:  # in CDM 3.1 the name depends on whether the member is a list
        guess = _guessed(sed, shape.registry, Shape(frozenset(lists), frozenset(single)))
    names = {path: name for path, name in sorted(shape.names.items()) if guess.named.get(path, name) != name}
    note: dict[str, JsonValue] = {
        "lists": [*lists],
        "single": [*single],
        "literals": [*sorted(shape.literals)],
        "names": {**names},
    }
    kept: dict[str, JsonValue] = {name: value for name, value in note.items() if value}
    return kept or None


def _guessed(sed: Sed, registry: Registry, shape: Shape) -> JsonWriter:
    """What the way back would make of the document."""
    writer = JsonWriter(registry, shape, old=is_old(sed.version))
    tree = tree_for(registry, sed.type, sed.version)
    writer.object(sed.root, tree.root if tree else None, sed.name, "")
    return writer


def note_of(data: bytes) -> Shape:
    """The shape that a document's note describes; an empty one without a note, or with one that cannot be read."""
    found = _NOTE.search(data) if _TARGET in data else None
    if found is None:
        return Shape()
    try:
        note = load_json(found[1])
    except InputError:
        return Shape()
    if not isinstance(note, dict):
        return Shape()
    names = note.get("names")
    pairs = names.items() if isinstance(names, dict) else ()
    return Shape(
        lists=_paths(note.get("lists")),
        single=_paths(note.get("single")),
        literals=_paths(note.get("literals")),
        names={path: name for path, name in pairs if isinstance(name, str) and _same_word(path, name)},
    )


def _paths(value: JsonValue) -> frozenset[str]:
    return frozenset(entry for entry in value if isinstance(entry, str)) if isinstance(value, list) else frozenset()


def _same_word(path: str, name: str) -> bool:
    """Whether a member name is the element's own in the spelling of CDM 3.1, and no other."""
    element = path.rpartition("/")[2].casefold()
    return name.casefold() in (element, f"{element}list")
