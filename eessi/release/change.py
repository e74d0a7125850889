"""One change between two versions: what, where, and whom it breaks."""

from __future__ import annotations

import enum
import functools
import hashlib
import tomllib
from collections.abc import Mapping
from importlib.resources import files

import attrs

from eessi.errors import UnknownCode
from eessi.ids import nearest

__all__ = ["Change", "ChangeClass", "ChangeKind", "Direction", "change_kinds", "kind_of"]


class ChangeClass(enum.StrEnum):
    """Who notices. Worst first: ``refused``, ``meaning``, ``ignored``, ``documentation``."""

    REFUSED = "refused"
    MEANING = "meaning"
    IGNORED = "ignored"
    DOCUMENTATION = "documentation"


class Direction(enum.StrEnum):
    """Whose receiver refuses: of the old version, of the new one, or both."""

    OLD = "old"
    NEW = "new"
    BOTH = "both"
    NONE = ""

    @property
    def mirrored(self) -> Direction:
        """The direction when the two versions change places."""
        return {Direction.OLD: Direction.NEW, Direction.NEW: Direction.OLD}.get(self, self)


@attrs.frozen(slots=True)
class ChangeKind:
    """A row of ``changes.toml``."""

    id: str
    cls: ChangeClass
    direction: Direction
    mirror: str
    text: str
    why: str
    mend: str


@functools.cache
def _kinds() -> dict[str, ChangeKind]:
    table = tomllib.loads(files("eessi.release").joinpath("changes.toml").read_text(encoding="utf-8"))
    return {
        id: ChangeKind(
            id,
            ChangeClass(row["class"]),
            Direction(row["direction"]),
            row["mirror"],
            row["text"],
            row["why"],
            row["mend"],
        )
        for id, row in table.items()
    }


def change_kinds() -> tuple[ChangeKind, ...]:
    """All kinds of change, sorted by id."""
    return tuple(_kinds()[id] for id in sorted(_kinds()))


def kind_of(id: str) -> ChangeKind:
    """The kind of that id.

    :raises UnknownCode: for an id that the table does not hold.
    """
    found = _kinds().get(id.upper())
    if found is None:
        raise UnknownCode("change id", id, nearest(id, _kinds()))
    return found


@attrs.frozen(slots=True)
class Change:
    """A change in one place of one SED.

    :param path: readable path in the new version, in the old one where the place is gone; empty for the SED as a whole.
    :param old: :param new: what stood there and what stands there now, short.
    :param witness: a document that one version accepts and the other refuses, of class ``refused`` only.
    :param witness_for: which receiver refuses the witness.
    :param proved: whether the real validators of both versions confirmed the witness.
    """

    id: str
    sed: str
    path: str
    old: str | None = None
    new: str | None = None
    direction: Direction = Direction.NONE
    params: Mapping[str, str] = attrs.field(factory=dict, eq=False)
    witness: bytes | None = attrs.field(default=None, eq=False, repr=False)
    witness_for: Direction = attrs.field(default=Direction.NONE, eq=False)
    proved: bool = attrs.field(default=False, eq=False)
    old_path: str | None = attrs.field(default=None, eq=False)

    @classmethod
    def of(
        cls,
        id: str,
        sed: str,
        path: str,
        *,
        old: str | None = None,
        new: str | None = None,
        direction: Direction | None = None,
        old_path: str | None = None,
        **params: str,
    ) -> Change:
        """A change of a known kind; the direction is that of the kind unless given."""
        return cls(
            id,
            sed,
            path,
            old,
            new,
            kind_of(id).direction if direction is None else direction,
            params,
            old_path=old_path,
        )

    @property
    def cls(self) -> ChangeClass:
        """The class of its kind."""
        return kind_of(self.id).cls

    @property
    def fingerprint(self) -> str:
        """Short hash by which a decision about this change is remembered; the same in every run."""
        text = "\x1f".join((self.id, self.sed, self.path, self.old or "", self.new or ""))
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    @property
    def text(self) -> str:
        """One line for a person."""
        name = self.path.rpartition("/")[2] or self.sed
        values = {
            "sed": self.sed,
            "name": name,
            "old": self.old or "nothing",
            "new": self.new or "nothing",
            **self.params,
        }
        return kind_of(self.id).text.format_map(values)
