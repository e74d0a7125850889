"""One change between two states of the directory, in the words of ``data/changes.toml``."""

from __future__ import annotations

import enum
import functools
from collections.abc import Mapping, Sequence
from importlib.resources import files

import attrs

from eessi.directory.records import AccessPoint, CentralNode, Certificate, Competence, Institution, Link, Relation

__all__ = ["Change", "ChangeClass", "Payload", "Word", "kinds"]

Word = str | bool | None | tuple[str, ...]
"""What a word of a change may be; in JSON a tuple is a list."""

Payload = (
    None
    | AccessPoint
    | CentralNode
    | Certificate
    | Competence
    | Institution
    | Link
    | Relation
    | tuple[object, ...]
    | str
    | bool
    | object
)
"""What is needed to apply a change besides its words: the new record or the new value of a field."""


class ChangeClass(enum.StrEnum):
    """What a change touches: who may be addressed, how it is reached, how it is named."""

    SUBSTANTIAL = "substantial"
    TECHNICAL = "technical"
    EDITORIAL = "editorial"


@attrs.frozen(slots=True)
class Change:
    """A change of one thing.

    :param kind: row of ``data/changes.toml``.
    :param words: the change as others read it, in the order of their names; days as ISO text.
    :param payload: the new record or value, for applying it.
    """

    kind: str
    words: tuple[tuple[str, Word], ...]
    payload: Payload = attrs.field(default=None, repr=False)

    @classmethod
    def of(cls, kind: str, payload: Payload = None, **words: Word) -> Change:
        """Build a change from its kind and words."""
        return cls(kind, tuple(words.items()), payload)

    def __getitem__(self, name: str) -> Word:
        return dict(self.words).get(name)

    def as_words(self) -> dict[str, object]:
        """The change as JSON: ``kind`` first, then its words."""
        found: dict[str, object] = {"kind": self.kind}
        for name, word in self.words:
            found[name] = list(word) if isinstance(word, tuple) else word
        return found

    @property
    def id(self) -> str:
        """A stable name: kind and subject, without old and new values."""
        keys = ("id", "thumbprint", "thumbprints", "field", "language", "buc", "role", "start", "other", "access_point",
                "risk", "benefit", "scheme", "area")  # fmt: skip
        words = self.as_words()
        parts = []
        for key in keys:
            word = words.get(key)
            if word is not None and not (key == "start" and self.kind != "competence_added"):
                parts.append("+".join(map(str, word)) if isinstance(word, list) else str(word))
        return f"{self.kind}:{'/'.join(parts)}"

    @property
    def subject(self) -> str:
        """Identifier of the institution, access point or node, or the thumbprint, that changes."""
        word = self["id"] or self["thumbprint"] or self["thumbprints"]
        return ", ".join(word) if isinstance(word, tuple) else str(word)

    @property
    def change_class(self) -> ChangeClass:
        """How far the change reaches."""
        return ChangeClass(kinds()[self.kind]["class"])

    @property
    def text(self) -> str:
        """The change as one sentence."""
        shown = {name: _shown(word) for name, word in self.words}
        return kinds()[self.kind]["text"].format_map(_Nothing(shown))


class _Nothing(dict[str, str]):
    def __missing__(self, key: str) -> str:
        return "nothing"


def _shown(word: Word) -> str:
    if word is None or word == ():
        return "nothing"
    if isinstance(word, bool):
        return "yes" if word else "no"
    return ", ".join(word) if isinstance(word, tuple) else word


@functools.cache
def kinds() -> Mapping[str, Mapping[str, str]]:
    """All kinds of change, in the order they are listed."""
    import tomllib

    text = files("eessi.directory").joinpath("data", "changes.toml").read_text(encoding="utf-8")
    return {row["kind"]: row for row in tomllib.loads(text)["change"]}


def in_order(changes: Sequence[Change]) -> tuple[Change, ...]:
    """Changes by kind as the table lists them, then by subject and detail."""
    rank = {kind: index for index, kind in enumerate(kinds())}
    return tuple(sorted(changes, key=lambda change: (rank[change.kind], change.id)))
