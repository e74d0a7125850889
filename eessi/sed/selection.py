"""A few fields of a document, for routing and filing, read from its tree without typing the whole."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import cast

from lxml import etree

from eessi._xml import text_of
from eessi.errors import UsageError
from eessi.sed.paths import steps_of

__all__ = ["Selection", "selection_of"]

Selection = Callable[[etree._Element], tuple[str | None, ...]]
"""From the root of a document to the texts at some paths; ``None`` where nothing stands."""


@functools.lru_cache(maxsize=256)
def selection_of(paths: tuple[str, ...]) -> Selection:
    """Read the texts at ``paths``: leaves, or codes, of which the first value counts; in a list the first entry counts.

    Paths that begin alike are walked once; elements beside them are passed over by the XML library.

    :raises UsageError: for a path with an index, or one that is no path.
    """
    tree: _Tree = ([], {})
    for number, path in enumerate(paths):
        here, steps = tree, steps_of(path)
        if not steps or any(index is not None for _, index in steps):
            raise UsageError(f"{path!r}: a selection takes names only, no indexes")
        for name, _ in steps:
            here = here[1].setdefault(name, ([], {}))
        here[0].append(number)
    lines = ["def select(e0):", f"    {' = '.join(f'f{number}' for number in range(len(paths)))} = None"]
    lines += [*_lines(tree, "e0", 1), f"    return ({''.join(f'f{number}, ' for number in range(len(paths)))})"]
    space: dict[str, object] = {"text_of": text_of}
    exec(compile("\n".join(lines), "<selection>", "exec"), space)  # noqa: S102 - names are quoted, all else is ours
    return cast(Selection, space["select"])


_Tree = tuple[list[int], dict[str, "_Tree"]]
"""The paths that end at an element, and its children by name."""


def _lines(tree: _Tree, parent: str, depth: int) -> list[str]:
    pad = "    " * depth
    lines = []
    for number, (name, below) in enumerate(tree[1].items()):
        here = f"{parent}_{number}"
        lines += [f"{pad}{here} = next({parent}.iterchildren({name!r}), None)", f"{pad}if {here} is not None:"]
        if below[0]:
            target = " = ".join(f"f{one}" for one in below[0])
            code = f"{here}[0] if len({here}) and {here}[0].tag == 'value' else {here}"
            lines.append(f"{pad}    {target} = {here}.text or '' if not len({here}) else text_of({code})")
        lines += _lines(below, here, depth + 1) or ([] if below[0] else [f"{pad}    pass"])
    return lines
