"""The model checker: does a process hang together, whatever order its messages arrive in?

A process is checked in parts, each small enough to be explored to the end:

* **Main flow and horizontal processes, by cones.** The cone of a row holds every row that can open it, withdraw it or
  stand in one of its conditions, and theirs, and what opens the case. Rows outside a cone cannot change anything inside
  it, so what holds in the cone holds in the whole process. Cones inside other cones are not explored again.
* **Administrative blocks, once each.** They are opened by the first exchange or by a document's attribute, and act on
  the case as a whole: closing gates every offer alike, and a message that crossed it is accepted. So each block is
  explored with a plain process, for the roles that include it, and the result serves all that include it alike.

* **Own copies, once.** Each participant closes, archives and opens its own copy as it likes, and documents arrive there. Nobody
  else sees that, so one counterparty is enough.

A part that was cut at the number of states is *undetermined*, and so is the process.
"""

from __future__ import annotations

import functools
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from importlib.resources import files

import attrs

from eessi.buc.alone import alone
from eessi.buc.case import Case
from eessi.buc.definition import Buc, Effect, Included, SendRow, Trigger
from eessi.buc.event import Event
from eessi.buc.exploring import LATER, Bounds, Node, Space, explore
from eessi.buc.state import CaseState
from eessi.findings import Outcome
from eessi.ids import BucId, CdmVersion, Role, SedType

__all__ = ["PROPERTIES", "Bounds", "CheckResult", "Counterexample", "PartResult", "Waiver", "check", "waivers"]

PROPERTIES: Mapping[str, str] = {
    "no-dead-end": "no state in which nobody can send anything and nobody can close the case",
    "reachable": "every row can be sent by each of its roles",
    "replies": "every reply can be given",
    "closable": "from every state a state can be reached in which somebody may close the case",
    "agreement": "from every state a state can be reached in which all messages have arrived and all sides agree",
    "in-order": "a message that arrives in order is never refused",
    "twice": "a message that arrives a second time changes nothing",
    "exclusion": "documents that exclude each other are never both valid in answer to the same document",
}
"""What is checked."""


@attrs.frozen(slots=True)
class Waiver:
    """An exception that is known and accepted, with its reason."""

    buc: str
    property: str
    subject: str
    reason: str
    source: str


@attrs.frozen(slots=True)
class Counterexample:
    """An offence against a property.

    :param subject: the SED or pair of SEDs it is about, ``*`` for the case as a whole.
    :param steps: the shortest list of steps that leads to it.
    """

    property: str
    subject: str
    text: str
    steps: tuple[str, ...] = ()
    waiver: Waiver | None = None


@attrs.frozen(slots=True)
class PartResult:
    """One explored part. ``complete`` means that nothing was left out under the bounds.

    :param unreached: rows and replies that were not met; an offence only where the part is complete.
    """

    name: str
    participants: int
    seds: tuple[str, ...]
    states: int
    complete: bool
    counterexamples: tuple[Counterexample, ...]
    unreached: tuple[Counterexample, ...] = ()


@attrs.frozen(slots=True)
class CheckResult:
    """What the checker found out about one process."""

    code: BucId
    version: CdmVersion
    bounds: Bounds
    participants: int
    parts: tuple[PartResult, ...]

    @property
    def states(self) -> int:
        """States explored in all parts."""
        return sum(part.states for part in self.parts)

    @property
    def complete(self) -> bool:
        """Whether every part was explored to the end."""
        return all(part.complete for part in self.parts)

    @property
    def counterexamples(self) -> tuple[Counterexample, ...]:
        """All offences, those that are waived as well."""
        return tuple(item for part in self.parts for item in part.counterexamples)

    @property
    def outcome(self) -> Outcome:
        """``invalid`` with an offence that is not waived, ``undetermined`` when a part was cut, otherwise ``valid``."""
        if any(item.waiver is None for item in self.counterexamples):
            return Outcome.INVALID
        return Outcome.VALID if self.complete else Outcome.UNDETERMINED


@functools.cache
def waivers() -> tuple[Waiver, ...]:
    """The accepted exceptions."""
    text = files("eessi.buc").joinpath("definitions", "waivers.toml").read_text(encoding="utf-8")
    return tuple(Waiver(**row) for row in tomllib.loads(text)["waiver"])


def check(buc: Buc, version: str | CdmVersion | None = None, bounds: Bounds | None = None) -> CheckResult:
    """Check a process.

    :param version: CDM version; the newest known one by default.
    :raises UsageError: for an administrative process, which is checked inside the others.
    """
    resolved, _ = buc.resolve(version if version is not None else max(buc.versions))
    buc.program(resolved)
    limits = bounds if bounds is not None else Bounds()
    most = 2 if buc.is_multilateral else 1
    parts: list[PartResult] = []
    for part in _parts(buc, resolved):
        few = _run(part, resolved, limits, 1, buc.code)
        many = few if most == 1 or part.own_copies else _run(part, resolved, limits, most, buc.code)
        parts += ([] if many is few else [few]) + [_with_unreached(few, many)]
    return CheckResult(buc.code, resolved, limits, 1 + most, tuple(parts))


def _with_unreached(before: PartResult, last: PartResult) -> PartResult:
    """What was met with neither number of participants; an offence when nothing was left out."""
    also = {item.subject for item in before.unreached}
    left = tuple(item for item in last.unreached if item.subject in also)
    found = left if last.complete else ()
    return attrs.evolve(last, unreached=left, counterexamples=(*last.counterexamples, *found))


@attrs.frozen(slots=True, eq=False)
class _Part:
    name: str
    buc: Buc
    closing: bool = False
    own_copies: bool = False


def _parts(buc: Buc, version: CdmVersion) -> Iterator[_Part]:
    rows = [row for item in buc.rows if (row := item.at(version)) is not None]
    program = buc.program(version)
    effects = [effect for items in program.effects.values() for effect in items]
    for cone in _cones(buc, rows, effects):
        yield _Part(" ".join(sorted(cone)), _narrowed(buc, rows, effects, cone))
    for item in buc.included:
        if buc.blocks[item.block].sends and item.block not in ("exception", "change"):
            one_block = _block_alone(buc, item, rows)
            yield _Part(f"block {item.block}", one_block, closing=item.block in ("close", "reopen"))
    if buc.local_close:
        yield _Part("own copies", _own_copies(buc), closing=True, own_copies=True)


def _cones(buc: Buc, rows: Iterable[SendRow], effects: Iterable[Effect]) -> list[frozenset[str]]:
    """The smallest sets of SEDs that decide about one of their members, without those inside others."""
    by_sed: dict[str, list[SendRow]] = {}
    for row in rows:
        by_sed.setdefault(row.sed, []).append(row)
    direct: dict[str, set[str]] = {}
    for sed, own in by_sed.items():
        needed: set[str] = set()
        for trigger in (item for row in own for item in row.after):
            seds = (trigger.reply_to, trigger.parent, None if trigger.starter else trigger.sed)
            needed |= {item for item in seds if item is not None} | _in_condition(buc, trigger.condition)
        for effect in effects:
            if effect.target == sed and effect.sed in by_sed:
                needed |= {effect.sed} | _in_condition(buc, effect.condition)
        direct[sed] = {item for item in needed if item in by_sed}
    cones = []
    for sed in by_sed:
        cone, left = {sed}, [sed]
        while left:
            for item in direct[left.pop()] - cone:
                cone.add(item)
                left.append(item)
        cones.append(frozenset(cone))
    return [
        cone
        for number, cone in enumerate(cones)
        if cone not in cones[:number] and not any(cone < other for other in cones)
    ]


def _in_condition(buc: Buc, name: str | None) -> set[str]:
    if name is None:
        return set()
    found: set[str] = set()
    for row in buc.conditions.rows[name]:
        found |= {fact.partition(".")[0] for fact in row.facts}
        found |= {str(item) for test in row.history for item in (test.sed, test.other) if item is not None}
    return found


def _narrowed(buc: Buc, rows: list[SendRow], effects: Iterable[Effect], cone: frozenset[str]) -> Buc:
    """The process with the rows of one cone; closing stays noted, invalidation where an effect waits for it.

    Starters outside the cone stay as what opens the case; that they may be sent again later is another cone's matter.
    """
    starters = {str(row.sed) for row in rows if row.starter} - cone
    kept = tuple(effect for effect in effects if {str(effect.sed), str(effect.target)} <= cone | starters)
    awaited = {effect.sed for effect in kept if "invalid" in effect.event and effect.sed in cone}
    narrowed = []
    for row in rows:
        if row.sed in cone | starters:
            known = cone if row.sed in cone else frozenset()
            after = tuple(item for item in row.after if item.sed is None or item.sed in known | starters)
            if row.sed in starters:
                after = tuple(item for item in after if item.event == "case_start")
            by = row.by if row.sed in cone else tuple(item.role for item in after)
            narrowed.append(
                attrs.evolve(row, by=by, after=after, invalidate=row.sed in awaited, reject=False, clarify=False)
            )
    blocks = {"close"} | ({"invalidate"} if awaited else set())
    included = tuple(
        attrs.evolve(item, after=tuple(trigger for trigger in item.after if trigger.sed in cone | starters))
        for item in buc.included
        if item.block in blocks
    )
    return attrs.evolve(buc, rows=tuple(narrowed), effects=kept, included=included)


def _block_alone(buc: Buc, item: Included, rows: Iterable[SendRow]) -> Buc:
    """A plain process, one document and its answer, with one administrative block."""
    starter, answer = SedType("A001"), SedType("A002")
    start = Trigger(Role.CASE_OWNER, "case_start")
    reply = Trigger(Role.COUNTERPARTY, "received", starter, reply_to=starter)
    plain: tuple[SendRow, ...] = (
        SendRow(starter, (Role.CASE_OWNER,), (start,), starter=True, again_after_invalidation=True),
        SendRow(answer, (Role.COUNTERPARTY,), (reply,), again_after_invalidation=True),
    )
    plain = tuple(_with_attribute(row, item.block) for row in plain)
    after = tuple(Trigger(role, "sent" if role is Role.CASE_OWNER else "received", starter) for role in item.by)
    included = [attrs.evolve(item, after=after if item.block == "close" else ())]
    if item.block == "reopen":
        closing = next(other for other in buc.included if other.block == "close")
        included.append(
            attrs.evolve(
                closing,
                after=tuple(Trigger(r, "sent" if r is Role.CASE_OWNER else "received", starter) for r in closing.by),
            )
        )
    local = () if item.block in ("close", "reopen") else buc.local_close or (Role.CASE_OWNER,)
    return attrs.evolve(
        buc, code=BucId("LA_BUC_00"), rows=plain, effects=(), included=tuple(included), local_close=local, participants_until_first_send=False
    )  # fmt: skip


def _own_copies(buc: Buc) -> Buc:
    """A plain process whose participants close their own copies and open them again, with messages that come later."""
    starter, answer, later = SedType("A001"), SedType("A002"), SedType("A003")
    start = Trigger(Role.CASE_OWNER, "case_start")
    reply = Trigger(Role.COUNTERPARTY, "received", starter, reply_to=starter)
    opened = (
        Trigger(Role.CASE_OWNER, "sent", starter, starter=True),
        Trigger(Role.COUNTERPARTY, "received", starter, starter=True),
    )
    rows = (
        SendRow(starter, (Role.CASE_OWNER,), (start,), starter=True),
        SendRow(answer, (Role.COUNTERPARTY,), (reply,)),
        SendRow(later, (Role.CASE_OWNER, Role.COUNTERPARTY), opened, once=False),
    )
    return attrs.evolve(
        buc, code=BucId("LA_BUC_00"), rows=rows, effects=(), included=(), participants_until_first_send=False
    )  # fmt: skip


def _with_attribute(row: SendRow, block: str) -> SendRow:
    return attrs.evolve(
        row, invalidate=block == "invalidate", reject=block == "reject", clarify=block == "clarify"
    )  # fmt: skip


def _run(part: _Part, version: CdmVersion, bounds: Bounds, parties: int, code: str) -> PartResult:
    plain, names = _renamed(part.buc)
    key = (_shape(plain), part.closing, version, bounds, parties)
    found = _DONE.get(key)
    if found is None:
        drafts = frozenset(
            str(effect.sed) for effect in plain.effects if effect.event in ("draft_created", "draft_deleted")
        )
        single = {} if part.closing and plain.local_close else alone(plain, version, bounds.many)
        space = explore(
            plain, version, bounds, counterparties=parties, drafts=drafts, closing=part.closing, single=single
        )
        found = _explored(plain, version, space, part.closing)
        _DONE[key] = found
    states, complete, offences, unreached = found

    def known(items: tuple[Counterexample, ...]) -> tuple[Counterexample, ...]:
        named = (_named(item, names) for item in items)
        return tuple(attrs.evolve(item, waiver=_waiver(code, item)) for item in named)

    seds = tuple(str(row.sed) for row in part.buc.rows)
    return PartResult(part.name, 1 + parties, seds, states, complete, known(offences), known(unreached))


def _explored(buc: Buc, version: CdmVersion, space: Space, closing: bool) -> _Found:
    offences = tuple(_offences(buc, version, space))
    return len(space.nodes), space.complete, offences, tuple(_unreached(buc, version, space, closing))


def _renamed(buc: Buc) -> tuple[Buc, Mapping[str, str]]:
    """The part with neutral names for its SEDs, so that parts alike are explored once; names that facts use stay."""
    if any(buc.conditions_used()):
        return buc, {}
    codes = list(dict.fromkeys(row.sed for row in buc.rows))
    new = {old: SedType(f"N{number:03}") for number, old in enumerate(codes, 1)}

    def renamed(trigger: Trigger) -> Trigger:
        changed = {
            name: new.get(old, old)
            for name in ("sed", "reply_to", "parent")
            if (old := getattr(trigger, name)) is not None
        }
        return attrs.evolve(trigger, **changed, source=None, note=None)

    rows = tuple(
        attrs.evolve(
            row, sed=new[row.sed], after=tuple(map(renamed, row.after)), source="", confidence="", process=None
        )
        for row in buc.rows
    )
    effects = tuple(
        attrs.evolve(
            item, sed=new.get(item.sed, item.sed), target=new.get(item.target, item.target), source="", confidence="",
            parent=None if item.parent is None else new.get(item.parent, item.parent),
            target_parents=tuple(new.get(old, old) for old in item.target_parents),
        )
        for item in buc.effects
    )  # fmt: skip
    included = tuple(attrs.evolve(item, after=tuple(map(renamed, item.after))) for item in buc.included)
    plain = attrs.evolve(buc, rows=rows, effects=effects, included=included)
    return plain, {str(name): str(old) for old, name in new.items()}


def _named(item: Counterexample, names: Mapping[str, str]) -> Counterexample:
    """A counterexample with the names of the process put back."""
    if not names:
        return item

    def put_back(text: str) -> str:
        return re.sub(r"\bN[0-9]{3}\b", lambda found: names.get(found[0], found[0]), text)

    subject = put_back(item.subject)
    if item.property == "exclusion":
        subject = " ".join(sorted(subject.split()))
    return attrs.evolve(item, subject=subject, text=put_back(item.text), steps=tuple(map(put_back, item.steps)))


_Found = tuple[int, bool, tuple[Counterexample, ...], tuple[Counterexample, ...]]
_DONE: dict[object, _Found] = {}
"""Parts explored already; the same rows give the same answer, whichever process they stand in."""


def _shape(buc: Buc) -> object:
    return (
        tuple(repr(attrs.evolve(row, source="", confidence="")) for row in buc.rows),
        tuple(repr(attrs.evolve(row, source="", confidence="")) for row in buc.effects),
        tuple(map(repr, buc.included)), buc.local_close, buc.participants,
    )  # fmt: skip


def _waiver(code: str, item: Counterexample) -> Waiver | None:
    for waiver in waivers():
        if waiver.buc == code and waiver.property == item.property and waiver.subject in ("*", item.subject):
            return waiver
    return None


# ---- properties ------------------------------------------------------------------------------------------------------


def _offences(buc: Buc, version: CdmVersion, space: Space) -> Iterator[Counterexample]:
    yield from _dead_ends(space)
    yield from _unclosable(space)
    yield from _disagreement(space)
    for node, text in space.refusals[:1]:
        yield Counterexample("in-order", "*", text, space.path(node))
    for node, text in space.changed_twice[:1]:
        yield Counterexample("twice", "*", text, space.path(node))
    yield from _exclusions(buc, version, space)


def _dead_ends(space: Space) -> Iterator[Counterexample]:
    for number, node in enumerate(space.nodes[: len(space.movable)]):
        if not node.flight and not space.movable[number] and not space.closable[number] and not _ended(space, node):
            yield Counterexample("no-dead-end", "*", "nobody can send anything or close the case", space.path(number))
            return


def _ended(space: Space, node: Node) -> bool:
    ends = (CaseState.CLOSED, CaseState.CLOSED_LOCALLY, CaseState.FORWARDED, CaseState.LEFT, CaseState.ARCHIVED)
    return any(case.state in ends for case in space.parts(node))


def _unreached(buc: Buc, version: CdmVersion, space: Space, closing: bool) -> Iterator[Counterexample]:
    sent = {(edge.author, edge.sed) for edge in space.edges}
    answered = {(edge.author, edge.sed, edge.parent) for edge in space.edges}
    for role, rows in buc.program(version).rows.items():
        for sed, row in rows.items():
            if sed == "X001" and not closing:
                continue
            if (role, sed) not in sent:
                yield Counterexample("reachable", f"{role} {sed}", f"the {role} can never send {sed}")
            for parent in {item.reply_to for item in row.after if item.role is role and item.reply_to is not None}:
                if (role, sed, parent) not in answered:
                    text = f"the {role} can never answer {parent} with {sed}"
                    yield Counterexample("replies", f"{sed} to {parent}", text)


def _unclosable(space: Space) -> Iterator[Counterexample]:
    good = [number for number, possible in enumerate(space.closable) if possible]
    good += [number for number, node in enumerate(space.nodes) if _ended(space, node)]
    if not space.complete and good:
        return  # what was cut might be the way to a close
    reaching = space.reaching(iter(good))
    for number in range(len(space.nodes)):
        if number not in reaching:
            yield Counterexample("closable", "*", "nobody can ever close the case from here", space.path(number))
            return


def _views(space: Space) -> list[tuple[object, bool] | None]:
    """What each participant's state shows of documents and closing; ``None`` for one that has left."""
    return [_view(case) for case in space.cases]


def _view(case: Case) -> tuple[object, bool] | None:
    if case.state in (CaseState.FORWARDED, CaseState.LEFT):
        return None
    documents = frozenset(
        (document.id, document.version, document.status == "cancelled")
        for document in case.documents.values()
        if document.status != "new"
    )
    return documents, case.state is CaseState.CLOSED


def _disagreement(space: Space) -> Iterator[Counterexample]:
    """Agreement: everything has arrived, and all see the same documents, valid or cancelled, and the same closing."""
    if not space.complete:
        return  # what was cut might be the way to agreement
    views = _views(space)
    agreed = [
        number
        for number, node in enumerate(space.nodes)
        if not node.flight and len({views[case] for case in node.cases} - {None}) <= 1
    ]
    reaching = space.reaching(iter(agreed))
    settled = [n for n, node in enumerate(space.nodes) if n not in reaching and _one_closing_settles(space, node)]
    if settled:
        reaching |= space.reaching(iter(settled))
    for number in range(len(space.nodes)):
        if number not in reaching:
            text = "the sides can no longer agree: a message is refused for ever, or was read differently"
            yield Counterexample("agreement", "*", text, space.path(number))
            return


def _one_closing_settles(space: Space, node: Node) -> bool:
    """Whether one more X001, which the bound left out but the process allows, makes all agree.

    A closing that crossed a reopening leaves one side open and the other closed, until the open one closes again.
    """
    if node.flight:
        return False
    cases = list(space.parts(node))
    for place, case in enumerate(cases):
        if any(move.sed == "X001" for move in case.allowed(on=LATER.date()).yes):
            order = Event("sent", sed=SedType("X001"), document_id="one more", at=LATER)
            arrived = attrs.evolve(order, kind="received", sender=case.me)
            after = [
                one if _view(one) is None else one.apply(order if at == place else arrived)
                for at, one in enumerate(cases)
            ]
            if len({_view(one) for one in after} - {None}) <= 1:
                return True
    return False


def _exclusive(buc: Buc, version: CdmVersion) -> set[tuple[str, str]]:
    """Pairs of replies of which one withdraws the other for the same document, and that nothing else opens again."""
    program = buc.program(version)
    pairs = {
        (str(effect.sed), str(effect.target))
        for effects in program.effects.values()
        for effect in effects
        if effect.effect == "withdraw" and effect.same_parent and "create" in effect.operations
    }
    reopened = {
        str(row.sed)
        for rows in program.rows.values()
        for row in rows.values()
        for trigger in row.after
        if trigger.reply_to is not None and trigger.reply_to != trigger.sed
    }
    return {(min(pair), max(pair)) for pair in pairs if not {*pair} & reopened and not pair[1].startswith("X")}


def _exclusions(buc: Buc, version: CdmVersion, space: Space) -> Iterator[Counterexample]:
    for first, second in sorted(_exclusive(buc, version)):
        bad = {number for number, case in enumerate(space.cases) if _both(case, first, second)}
        for number, node in enumerate(space.nodes):
            if not bad.isdisjoint(node.cases):
                text = f"{first} and {second} are both valid in answer to the same document"
                yield Counterexample("exclusion", f"{first} {second}", text, space.path(number))
                break


def _both(case: Case, first: str, second: str) -> bool:
    seen = {
        (document.author, document.parent_id, document.sed)
        for document in case.documents.values()
        if document.is_valid and document.sed in (first, second)
    }
    return any((author, parent, second) in seen for author, parent, sed in seen if sed == first)
