"""The coordinator's room: what changed between two versions, who breaks, proved by example, and signed off."""

from eessi.release.change import Change, ChangeClass, ChangeKind, Direction, change_kinds, kind_of
from eessi.release.compare import compare_structures

__all__ = ["Change", "ChangeClass", "ChangeKind", "Direction", "change_kinds", "compare_structures", "kind_of"]
