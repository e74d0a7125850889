"""Readable paths into a SED: ``Person/PersonIdentification/familyName``, ``Addresses/Address[2]/town``.

Names without prefixes, steps separated by ``/`` (or ``.``), a list entry by its index counted from 1, as findings
spell them. The code of the SED in front (``S071/Person/...``) may stand or not.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from lxml import etree

from eessi._xml import local_name
from eessi.errors import UsageError

__all__ = ["SIGNATURE", "Step", "children", "is_code", "leaves", "path_of", "select", "steps_of", "text_of"]

Step = tuple[str, int | None]
"""Name of a child and, for one entry of a list, its index counted from 1."""

SIGNATURE = "{http://www.w3.org/2000/09/xmldsig#}Signature"

_STEP = re.compile(r"([^\W\d][\w-]*)(?:\[(\d+)\])?")
_TEXT = etree.XPath("string()")


def steps_of(path: str, root: str | None = None) -> tuple[Step, ...]:
    """Take a path apart; the root's name in front is dropped.

    :raises UsageError: when the text is not a path.
    """
    steps: list[Step] = []
    for word in re.split(r"[/.]", path.strip("/")) if path.strip("/") else ():
        found = _STEP.fullmatch(word)
        if not found or found[2] == "0":
            raise UsageError(f"{path!r} is not a path; write names and slashes, a list entry as name[1]")
        steps.append((found[1], int(found[2]) if found[2] else None))
    if steps and steps[0] == (root, None):
        del steps[0]
    return tuple(steps)


def children(element: etree._Element) -> Iterator[etree._Element]:
    """The child elements that are content: no comments, no processing instructions, no signature."""
    return (child for child in element if isinstance(child.tag, str) and child.tag != SIGNATURE)


def text_of(element: etree._Element) -> str:
    """The text of a leaf, whole even where a comment cuts it in two."""
    return (element.text or "") if not len(element) else str(_TEXT(element))


def is_code(element: etree._Element) -> bool:
    """Whether an element is a code wrapper by its shape: children, all of them leaves named ``value``."""
    parts = list(children(element))
    return bool(parts) and all(local_name(part) == "value" and next(children(part), None) is None for part in parts)


def select(root: etree._Element, steps: tuple[Step, ...]) -> list[etree._Element]:
    """All elements that a path meets below ``root``, in document order."""
    here = [root]
    for name, index in steps:
        below = [[child for child in children(element) if local_name(child) == name] for element in here]
        if index is None:
            here = [child for group in below for child in group]
        else:
            here = [group[index - 1] for group in below if len(group) >= index]
    return here


def leaves(root: etree._Element, path: str = "") -> Iterator[tuple[str, etree._Element]]:
    """Every leaf with its path, in document order; an index stands only where a name repeats.

    A code with one value is one leaf, named by its wrapper; with several, each ``value`` is a leaf.
    """
    stack: list[tuple[str, etree._Element]] = [(path, root)]
    while stack:
        here, element = stack.pop()
        parts = list(children(element))
        if not parts:
            if element is not root or path:
                yield here, element
            continue
        if len(parts) == 1 and here and is_code(element):
            yield here, parts[0]
            continue
        names = [local_name(part) for part in parts]
        if len(set(names)) < len(names):
            names = _numbered(names)
        below = [(f"{here}/{name}" if here else name, part) for name, part in zip(names, parts, strict=True)]
        stack.extend(reversed(below))


def _numbered(names: list[str]) -> list[str]:
    """Names with their index, where one stands more than once."""
    counts = Counter(names)
    seen: Counter[str] = Counter()
    steps = []
    for name in names:
        seen[name] += 1
        steps.append(f"{name}[{seen[name]}]" if counts[name] > 1 else name)
    return steps


def path_of(element: etree._Element) -> str:
    """The readable path of an element, beginning with the root's name."""
    steps = []
    here: etree._Element | None = element
    while here is not None:
        name = local_name(here)
        parent = here.getparent()
        same = [child for child in children(parent) if local_name(child) == name] if parent is not None else []
        steps.append(f"{name}[{same.index(here) + 1}]" if len(same) > 1 else name)
        here = parent
    return "/".join(reversed(steps))
