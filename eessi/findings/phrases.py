"""Words of the toolkit inside findings, verdicts and refusals, which other languages can say too.

A :class:`Phrase` is a text in English like any other, and remembers what it was made of; ``said`` gives it in another
language. English stands in the code; the other languages are rows of the table ``phrases`` in ``messages/<language>.toml``.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Self

__all__ = ["Phrase", "all_of", "any_of", "said"]


class Phrase(str):
    """An English sentence or word with its place holders filled.

    :param template: the English text, a literal in the code, place holders in braces; the row of the catalogues.
    :param values: for the place holders: names, codes and numbers, or phrases.
    """

    __slots__ = ("template", "values")

    template: str
    values: dict[str, str | int]

    def __new__(cls, template: str, **values: str | int) -> Self:
        made = str.__new__(cls, template.format_map(values) if values else template)
        made.template = template
        made.values = values
        return made

    def __reduce__(self) -> tuple[object, ...]:
        return (_restored, (self.template, self.values))

    def filled(self, **values: str | int | None) -> Phrase:
        """The same with its place holders filled, for a template that stands in a table; other values are passed over."""
        wanted = {name: value for name, value in values.items() if f"{{{name}}}" in self.template}
        return Phrase(self.template, **{name: "" if value is None else value for name, value in wanted.items()})

    def said(self, lang: str) -> str:
        """The same in ``lang``, or in English where that language lacks it."""
        if lang == "en":
            return str(self)
        from eessi.findings.texts import phrases_of

        text = phrases_of(lang).get(self.template)
        if text is None:
            return str(self)
        values = {name: value.said(lang) if isinstance(value, Phrase) else value for name, value in self.values.items()}
        return text.format_map(values) if values else text


def _restored(template: str, values: dict[str, str | int]) -> Phrase:
    return Phrase(template, **values)


def said(text: str, lang: str) -> str:
    """``text`` in ``lang`` where it is a phrase; data (names, codes, namespaces) is the same in every language."""
    return text.said(lang) if isinstance(text, Phrase) else text


def any_of(texts: Iterable[str]) -> str:
    """``A or B or C``; each text once."""
    told, *rest = dict.fromkeys(texts)
    for text in rest:
        told = Phrase("{first} or {second}", first=told, second=text)
    return told


def all_of(texts: Iterable[str]) -> str:
    """``A and B and C``; each text once."""
    told, *rest = dict.fromkeys(texts)
    for text in rest:
        told = Phrase("{first} and {second}", first=told, second=text)
    return told
