"""Hypothesis strategies: documents, near-misses labelled with the rule they break, messages and case histories.

::

    from hypothesis import given
    from eessi.testing import strategies as eessi_st

    @given(eessi_st.sed("S071", "4.4"))
    def test_my_reader_keeps_everything(sed): ...

All shrink: to a document with nothing but what is required, and to a history without a step that does not matter.
"""

from __future__ import annotations

import datetime as dt
import functools
import random
import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING

import attrs

from eessi.buc import Buc, Case, Event, Move, buc
from eessi.errors import EessiError, MissingExtra, UsageError
from eessi.ids import Action, BucId, CaseId, CdmVersion, InstitutionId, Role, SedType
from eessi.schemas import Registry, Structure
from eessi.schemas.generator import Generated, Size, generate, near_misses
from eessi.sed import Header, Message, Sed, parse
from eessi.sed.header import Party
from eessi.testing.planning import PARTIES, World

try:
    from hypothesis import strategies as st
except ImportError:
    raise MissingExtra("testing", "generating test data") from None

if TYPE_CHECKING:
    from hypothesis.strategies import DrawFn, SearchStrategy
    from hypothesis.vendor.pretty import RepresentationPrinter

__all__ = ["History", "InvalidSed", "case_history", "invalid_sed", "message", "rules_broken", "sed"]


@attrs.frozen(slots=True)
class InvalidSed:
    """A document with one defect: its bytes, the id of the finding it deserves, where, and the bytes without it."""

    data: bytes = attrs.field(repr=False)
    rule: str
    path: str | None
    near_miss: str
    original: bytes = attrs.field(repr=False)


@attrs.frozen(slots=True, eq=False)
class History:
    """A case that two institutions have carried so far: both copies, and the events as the owner saw them."""

    owner: Case
    counterparty: Case
    steps: tuple[str, ...]

    @property
    def events(self) -> tuple[Event, ...]:
        """The owner's events, oldest first."""
        return self.owner.history

    def __repr__(self) -> str:
        return f"<History of {self.owner.buc.code}: {'; '.join(self.steps) or 'nothing yet'}>"

    def _repr_pretty_(self, printer: RepresentationPrinter, cycle: bool) -> None:
        """How Hypothesis shows it; by itself it would print both cases with all their rules."""
        printer.text(repr(self))


def _structure(code: str, version: str, registry: Registry | None, package: str | None) -> Structure:
    known = (registry or Registry.default()).structure(SedType(code), CdmVersion.parse(version), package=package)
    if known is None:
        raise UsageError(f"no package knows the structure of {code} {version}")
    return known


_SIZES = st.sampled_from([Size.MINIMAL, Size.TYPICAL])
_RANDOM = st.randoms(use_true_random=False)


def sed(
    code: str, version: str, *, registry: Registry | None = None, package: str | None = None
) -> SearchStrategy[Sed]:
    """Documents that the structure of a SED allows.

    :param version: CDM version, or that of the sandbox (``1.0``).
    :raises UsageError: when no package knows the structure.
    """
    structure = _structure(code, version, registry, package)

    def make(size: Size, source: random.Random) -> Sed:
        made = parse(generate(structure, source, size=size).data)
        assert isinstance(made, Sed)
        return made

    return st.builds(make, _SIZES, _RANDOM)


def rules_broken(
    code: str = "S071", version: str = "4.4", *, registry: Registry | None = None, package: str | None = None
) -> tuple[str, ...]:
    """The ids of the findings that :func:`invalid_sed` can provoke in a SED."""
    return tuple(sorted(_kinds_by_rule(_structure(code, version, registry, package))))


@functools.cache
def _kinds_by_rule(structure: Structure) -> dict[str, tuple[str, ...]]:
    found: dict[str, set[str]] = {}
    for kind in near_misses():
        for seed in range(4):
            try:
                made = generate(structure, seed, near_miss=kind)
            except UsageError:
                break
            found.setdefault(str(made.broken_rule), set()).add(kind)
    return {rule: tuple(sorted(kinds)) for rule, kinds in found.items()}


def invalid_sed(
    code: str = "S071",
    version: str = "4.4",
    *,
    rule: str | None = None,
    registry: Registry | None = None,
    package: str | None = None,
) -> SearchStrategy[InvalidSed]:
    """Documents with exactly one defect, labelled with the finding that it deserves.

    :param rule: only defects that deserve this finding.
    :raises UsageError: when no defect of this SED deserves it.
    """
    structure = _structure(code, version, registry, package)
    kinds = _kinds_by_rule(structure)
    if rule is not None and rule not in kinds:
        raise UsageError(f"no defect of {code} {version} deserves {rule}; known: {', '.join(sorted(kinds))}")
    wanted = kinds[rule] if rule is not None else tuple(sorted({kind for some in kinds.values() for kind in some}))

    def make(kind: str, size: Size, source: random.Random) -> Generated | None:
        try:
            return generate(structure, source, size=size, near_miss=kind)
        except UsageError:  # a small document may have no place for it
            return None

    def fits(made: Generated | None) -> bool:
        return made is not None and (rule is None or made.broken_rule == rule)

    def label(made: Generated | None) -> InvalidSed:
        assert made is not None
        return InvalidSed(made.data, str(made.broken_rule), made.path, str(made.near_miss), made.original or b"")

    return st.builds(make, st.sampled_from(wanted), _SIZES, _RANDOM).filter(fits).map(label)


@st.composite
def message(
    draw: DrawFn,
    code: str = "S071",
    version: str = "4.4",
    *,
    process: str = "S_BUC_01",
    registry: Registry | None = None,
    package: str | None = None,
) -> Message:
    """Messages: a generated document in an envelope between two synthetic institutions."""
    document = draw(sed(code, version, registry=registry, package=package))
    countries = st.sampled_from(["BE", "FR", "DE", "EL", "UK"])
    local = st.integers(1, 9999).map(lambda number: f"TEST{number:04d}")
    parties = [InstitutionId(f"{draw(countries)}:{draw(local)}") for _ in range(2)]
    ids = [str(uuid.UUID(int=draw(st.integers(0, 2**128 - 1)), version=4)) for _ in range(3)]
    header = Header(
        sender=Party(parties[0], Role.CASE_OWNER),
        receivers=(Party(parties[1], Role.COUNTERPARTY),),
        sed=document.type,
        sed_version=document.version,
        buc=BucId(process),
        buc_version=CdmVersion.parse(version) if not document.is_sandbox else CdmVersion(4, 3),
        action=draw(st.sampled_from([Action.START, Action.NEW])),
        case_id=CaseId(ids[0]),
        instance_id=ids[1],
        set_id=ids[2],
        document_version=1,
        created=draw(st.datetimes(dt.datetime(2020, 1, 1), dt.datetime(2030, 1, 1))).strftime("%Y-%m-%dT%H:%M:%SZ"),
    )
    return Message.compose(header, document)


@st.composite
def case_history(draw: DrawFn, process: str, version: str | None = None, *, max_steps: int = 8) -> History:
    """Histories that the rules allow: whatever both institutions may do, in any order, up to ``max_steps`` documents."""
    definition = buc(process)
    world = World.begin(definition, _version(definition, version))
    for _ in range(draw(st.integers(0, max_steps))):
        choices = list(_choices(world))
        if not choices:
            break
        after = choices[draw(st.integers(0, len(choices) - 1))][1]()
        if after is not None:
            world = after
    owner, other = list(PARTIES)[:2]
    return History(world.cases[owner], world.cases[other], tuple(action.sentence for action in world.actions))


def _version(definition: Buc, version: str | None) -> CdmVersion:
    return max(definition.versions) if version is None else CdmVersion.parse(version)


def _choices(world: World) -> list[tuple[str, Callable[[], World | None]]]:
    """What may be done next, named, each with the way to do it; the plainest first, so that shrinking prefers it."""
    found: list[tuple[str, Callable[[], World | None]]] = []
    for party in world.cases:
        for move in world.moves(party):
            if move.kind in ("send", "reply"):
                found.append(
                    (f"{party} {move.sed} {move.parent_id or ''}", functools.partial(_sent, world, party, move))
                )
    return sorted(found, key=lambda one: (" X" in one[0], one[0]))


def _sent(world: World, party: str, move: Move) -> World | None:
    try:
        return world.send(party, move, {})
    except EessiError:
        return None
