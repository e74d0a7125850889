"""Scenarios made from the process itself: a small set that walks every step, and twins that try what is refused.

The files are the same that people write, so a generated scenario can be read, changed and kept.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import attrs

from eessi.buc import Buc, Case, Event, buc
from eessi.errors import MissingExtra, NotAllowed, PeerViolation
from eessi.ids import CdmVersion, InstitutionId, Role
from eessi.testing.coverage import transitions
from eessi.testing.planning import PARTIES, UPDATE, Action, Planner, World
from eessi.testing.scenario import Scenario, load_scenarios

__all__ = ["Cover", "cover", "negative_twin", "scenario_of", "write_scenario"]

MAX_ACTIONS: Final = 30
"""Longer scenarios are hard to read; a new one begins."""

Target = tuple[str, str]
"""Party and SED, or the next version of one; an empty SED is closing one's own copy."""


@attrs.frozen(slots=True, eq=False)
class Cover:
    """What covers a process.

    :param worlds: the ends of the scenarios, each with its steps.
    :param missed: steps of the process to which no way was found, as ``Counterparty sends X013``.
    """

    buc: Buc
    version: CdmVersion
    worlds: tuple[World, ...]
    missed: tuple[str, ...]
    total: int

    def scenarios(self, *, negative: bool = False) -> tuple[Scenario, ...]:
        """The scenarios, ready to run; with ``negative`` their twins that try everything refused."""
        make = negative_twin if negative else write_scenario
        return tuple(
            scenario_of(make(self.buc, self.version, world, number)) for number, world in enumerate(self.worlds, 1)
        )


def cover(code: str, version: str | CdmVersion | None = None) -> Cover:
    """A small set of scenarios that walks every step of a process (greedy: each way is appended while it can be).

    :param version: default the newest whose rows are known.
    :raises UnknownCode: for an unknown process.
    """
    definition = buc(code)
    wanted = max(definition.versions) if version is None else CdmVersion.parse(version)
    planner = Planner(definition, wanted)
    open_targets = list(_targets(definition, wanted))
    total = len(transitions(definition, wanted))
    worlds: list[World] = []
    missed: list[str] = []
    current: World | None = None
    while open_targets:
        target = open_targets[0]
        found = planner.way(*target, start=current)
        if found is None:
            missed += _steps_of(target)
            open_targets.pop(0)
            continue
        if current is not None and found.actions[: len(current.actions)] != current.actions:
            worlds.append(current)
        current = found
        open_targets = [one for one in open_targets if one != target and not _walked(found, one)]
        if len(found.actions) >= MAX_ACTIONS:
            worlds.append(found)
            current = None
    if current is not None:
        worlds.append(current)
    return Cover(definition, wanted, tuple(worlds), tuple(missed), total)


def _targets(definition: Buc, version: CdmVersion) -> Iterator[Target]:
    """The main flow first, what ends a case last, so that few scenarios cover much."""
    rows = definition.program(version).rows
    found = []
    for party, (role, _) in _pair():
        for sed, row in rows[role].items():
            found.append((party, str(sed)))
            if row.update:
                found.append((party, f"{UPDATE}{sed}"))
    ending = ("X001", "X002", "X003", "X004", "X006", "X007", "X008")
    yield from sorted(found, key=lambda one: (one[1].split()[-1] in ending, "X" in one[1]))
    yield from ((party, "") for party, (role, _) in _pair() if role in definition.local_close)


def _pair() -> list[tuple[str, tuple[Role, InstitutionId]]]:
    return list(PARTIES.items())[:2]


def _walked(world: World, target: Target) -> bool:
    return (PARTIES[target[0]][0], target[1]) in world.walked


def _steps_of(target: Target) -> list[str]:
    """The steps of the process that a target stands for: to send, and the other side's receiving."""
    role, sed = PARTIES[target[0]][0], target[1]
    if not sed:
        return [f"{role} closes"]
    if sed.startswith(UPDATE):
        return [f"{role} updates {sed.removeprefix(UPDATE)}"]
    return [f"{role} sends {sed}", f"{role.opposite} receives {sed}"]


def write_scenario(
    definition: Buc, version: CdmVersion, world: World, number: int = 1, *, title: str | None = None
) -> str:
    """A generated scenario as the text of a ``*.buc.yaml`` file."""
    steps = [_step(action) for action in world.actions]
    steps += [f"{party} is {case.state}" for party, case in world.cases.items()]
    return _dump(_head(definition, version, world, title or f"{definition.code}: generated walk {number}"), steps)


def negative_twin(definition: Buc, version: CdmVersion, world: World, number: int = 1) -> str:
    """The twin of a scenario: before it and after it, everything that the process refuses, with the rule.

    What the other side would also refuse is sent all the same, by a faulty system, and must be rejected there.
    """
    begin = World.begin(definition, version, counterparties=len(world.cases) - 1)
    steps: list[object] = [f"{party} may not send {sed} because {rule}" for party, sed, rule in _refused(begin)]
    steps += [_step(action) for action in world.actions]
    steps += [f"{party} may not send {sed} because {rule}" for party, sed, rule in _refused(world)]
    for party, sed, rule in _violations(world):
        others = " and ".join(name for name in world.cases if name != party)
        steps.append(
            {f"{party} sends {sed} to {others}": {"unchecked": True, "expect": {"ending": "rejected", "because": rule}}}
        )
    return _dump(
        _head(definition, version, world, f"{definition.code}: everything refused around walk {number}"), steps
    )


def _refused(world: World) -> Iterator[tuple[str, str, str]]:
    """Every SED of the process that a party may certainly not send now, with the id of the rule."""
    for party, case in world.cases.items():
        for sed in sorted(case.buc.program(case.version).seds):
            why = case.why_not(str(sed), on=world.now.date())
            if why is not None and not why.depends:
                yield party, str(sed), why.rule


def _violations(world: World) -> Iterator[tuple[str, str, str]]:
    """What a party may not send and every other party would refuse, with the rule of the first that does."""
    for party, sed, _ in _refused(world):
        rules = [_rule_of(case, world, party, sed) for name, case in world.cases.items() if name != party]
        if rules and rules[0] is not None and all(rule == rules[0] for rule in rules):
            yield party, sed, rules[0]


def _rule_of(case: Case, world: World, party: str, sed: str) -> str | None:
    event = Event("received", sed=sed, document_id="violation", at=world.now, sender=PARTIES[party][1])
    try:
        case.apply(event)
    except (PeerViolation, NotAllowed) as error:
        return error.rule
    return None


def _head(definition: Buc, version: CdmVersion, world: World, title: str) -> dict[str, object]:
    parties = {
        name: {"role": str(PARTIES[name][0]), "country": name, "institution": str(PARTIES[name][1])}
        for name in world.cases
    }
    return {
        "scenario": title,
        "about": definition.title,
        "buc": str(definition.code),
        "version": str(version),
        "starts": "2026-01-15 09:00",
        "parties": parties,
    }


def _step(action: Action) -> object:
    return {action.sentence: dict(action.below)} if action.below else action.sentence


def _dump(head: Mapping[str, object], steps: Sequence[object]) -> str:
    try:
        import yaml
    except ImportError:
        raise MissingExtra("testing", "writing a scenario file") from None
    text: str = yaml.safe_dump({**head, "steps": list(steps)}, sort_keys=False, allow_unicode=True, width=120)
    return f"# Generated from the rules of the process; synthetic data throughout.\n{text}"


def scenario_of(text: str, name: str = "generated.buc.yaml") -> Scenario:
    """A scenario from the text of a file."""
    (scenario,) = load_scenarios(name, text)
    return scenario
