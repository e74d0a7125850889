"""Codes and their texts, as schemas carry them in annotations."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator
from typing import Final

from lxml import etree

from eessi.schemas.documents import XS
from eessi.schemas.structure import Code, CodeList, Facets

__all__ = ["code_list", "documentation_of", "labels_of"]

_LANG: Final = "{http://www.w3.org/XML/1998/namespace}lang"


def documentation_of(node: etree._Element) -> Iterator[tuple[str, etree._Element]]:
    """The documentation of a declaration with its language (English unless it says otherwise)."""
    for note in node:
        if note.tag == f"{XS}annotation":
            for text in note:
                if text.tag == f"{XS}documentation":
                    yield text.get(_LANG) or "en", text


def labels_of(node: etree._Element) -> dict[str, str]:
    """Labels by language: documentation that is plain text."""
    labels: dict[str, str] = {}
    for lang, text in documentation_of(node):
        if len(text) == 0 and text.text and text.text.strip():
            labels.setdefault(lang, " ".join(text.text.split()))
    return labels


def code_list(
    facets: Facets, sources: Iterable[etree._Element], *, always: bool, known: CodeList | None = None
) -> CodeList | None:
    """The list of codes that ``facets`` allow, with texts from the annotations of ``sources``.

    The codes are those the schema allows; an annotation that names others does not add them.

    :param always: make a list even when no code has a text. :param known: a list already made from the value's own type.
    """
    if not facets.enumeration:
        return None
    texts: dict[str, dict[str, str]] = {}
    for row in known.codes if known else ():
        texts.setdefault(row.value, {}).update(row.labels)
    for source in sources:
        for value, lang, text in _entries(source):
            texts.setdefault(value, {}).setdefault(lang, text)
    labelled = any(texts.get(value) for value in facets.enumeration)
    if not labelled and not always:
        return known
    return CodeList("", _codes(tuple((value, tuple(texts.get(value, {}).items())) for value in facets.enumeration)))


@functools.lru_cache(maxsize=1024)
def _codes(rows: tuple[tuple[str, tuple[tuple[str, str], ...]], ...]) -> tuple[Code, ...]:
    """The codes of a list; SEDs share most of their lists, and so the memory of them."""
    return tuple(Code(value, dict(labels)) for value, labels in rows)


def _entries(source: etree._Element) -> Iterator[tuple[str, str, str]]:
    """Value, language and text: from ``CodeListEntry`` elements, and from annotated enumeration facets."""
    for lang, documentation in documentation_of(source):
        for entry in documentation.iter("{*}CodeListEntry"):
            value, text = _child_text(entry, "value"), _child_text(entry, "definition")
            if value and text:
                yield value, lang, text
    for node in source.iter(f"{XS}enumeration"):
        for lang, text in labels_of(node).items():
            yield str(node.get("value")), lang, text


def _child_text(entry: etree._Element, name: str) -> str | None:
    for child in entry.iterchildren(f"{{*}}{name}"):
        text = "".join(str(part) for part in child.itertext()) if len(child) else child.text
        return " ".join(text.split()) if text and text.strip() else None
    return None
