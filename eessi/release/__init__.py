"""The coordinator's room: what changed between two versions, who breaks, proved by example, and signed off."""

from eessi.release.change import Change, ChangeClass, ChangeKind, Direction, change_kinds, kind_of
from eessi.release.compare import compare_structures
from eessi.release.difference import Difference, compare_packages
from eessi.release.witness import Side, Witness, find_witness

__all__ = [
    "Change",
    "ChangeClass",
    "ChangeKind",
    "Difference",
    "Direction",
    "Side",
    "Witness",
    "change_kinds",
    "compare_packages",
    "compare_structures",
    "find_witness",
    "kind_of",
]
