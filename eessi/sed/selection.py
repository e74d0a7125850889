"""A few fields of a document, for routing and filing, read from its tree without typing the whole."""

from __future__ import annotations

import functools
from collections.abc import Callable

from lxml import etree

from eessi._xml import text_of
from eessi.errors import UsageError
from eessi.sed.paths import steps_of

__all__ = ["Selection", "selection_of"]

Selection = Callable[[etree._Element], tuple[str | None, ...]]
"""From the root of a document to the texts at some paths; ``None`` where nothing stands."""

_Branch = tuple[str, tuple[int, ...], "tuple[_Branch, ...]"]
"""Name of a child, the paths that end there, and the branches below it."""


@functools.lru_cache(maxsize=256)
def selection_of(paths: tuple[str, ...]) -> Selection:
    """Read the texts at ``paths``: leaves, or codes, of which the first value counts; in a list the first entry counts.

    Paths that begin alike are walked once; elements beside them are passed over by the XML library.

    :raises UsageError: for a path with an index, or one that is no path.
    """
    tree: dict[str, object] = {}
    for number, path in enumerate(paths):
        here = tree
        steps = steps_of(path)
        if not steps or any(index is not None for _, index in steps):
            raise UsageError(f"{path!r}: a selection takes names only, no indexes")
        for name, _ in steps:
            here = here.setdefault(name, {})  # type: ignore[assignment]  # dicts all the way down
        here.setdefault("", []).append(number)  # type: ignore[attr-defined]  # a list of numbers
    branches = _frozen(tree)

    def select(root: etree._Element) -> tuple[str | None, ...]:
        found: list[str | None] = [None] * len(paths)
        _walk(root, branches, found)
        return tuple(found)

    return select


def _frozen(tree: dict[str, object]) -> tuple[_Branch, ...]:
    return tuple(
        (name, tuple(below.get("", ())), _frozen(below))  # type: ignore[attr-defined, arg-type]  # dicts all the way down
        for name, below in tree.items()
        if name
    )


def _walk(parent: etree._Element, branches: tuple[_Branch, ...], found: list[str | None]) -> None:
    for name, ends, below in branches:
        child = next(parent.iterchildren(name), None)
        if child is None:
            continue
        if below:
            _walk(child, below, found)
        if ends:
            text = text_of(child) if not len(child) or child[0].tag != "value" else text_of(child[0])
            for number in ends:
                found[number] = text
