"""Plays a scenario: all parties in this process, each with its own case, over a network and by a clock of the run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from eessi.directory import Directory
from eessi.errors import DefinitionError, EessiError, UsageError
from eessi.schemas import Registry
from eessi.testing import questions, sentences
from eessi.testing.coverage import coverage_of
from eessi.testing.habits import react
from eessi.testing.record import Run, StepRecord
from eessi.testing.scenario import Scenario, Step
from eessi.testing.sending import Outcome, send_step
from eessi.testing.stage import Network, Real, Stage
from eessi.testing.summary import not_checked, party_record

__all__ = ["run"]

_Handler = Callable[[Stage, Step], Outcome]

_HANDLERS: Mapping[type, tuple[str, _Handler]] = {
    sentences.Send: ("send", send_step),
    sentences.May: ("may", questions.may_step),
    sentences.Local: ("local", questions.local_step),
    sentences.Leave: ("leave", questions.leave_step),
    sentences.Pass: ("pass", questions.pass_step),
    sentences.Is: ("is", questions.is_step),
    sentences.Has: ("has", questions.has_step),
}


def run(
    scenario: Scenario,
    *,
    registry: Registry | None = None,
    directory: Directory | None = None,
    network: Network | None = None,
    transport: str = "memory",
    against: Mapping[str, Real] | None = None,
    seed: int | None = None,
    show_values: bool = False,
    lang: str = "en",
) -> Run:
    """Play a scenario to its end and return the record, whether its expectations were met or not.

    Two runs of the same scenario with the same seed, packages and directory are equal.

    :param registry: default :meth:`Registry.default`. :param directory: default the synthetic one.
    :param transport: ``memory``, or ``as4``: access-point doubles, with the envelope packed, signed and receipted.
    :param network: instead of a new one of that kind on the clock of the scenario.
    :param against: parties that are real systems on the same ``network``: the run sends to them, waits for what the
        scenario says that they send, and judges it. What they hold is not seen.
    :param seed: instead of the scenario's own. :param show_values: do not mask the values of documents.
    :raises DefinitionError: when the scenario asks for what does not exist: a process, an institution, a document.
    """
    strange = set(against or {}) - set(scenario.parties)
    if strange:
        raise UsageError(f"no party is called {sorted(strange)[0]!r}; known: {', '.join(scenario.parties)}")
    with Stage.set(
        scenario,
        registry or Registry.default(),
        directory or Directory.synthetic(),
        network,
        transport,
        scenario.seed if seed is None else seed,
        show_values,
        lang,
    ) as stage:
        stage.real = dict(against or {})
        started = stage.clock()
        steps: list[StepRecord] = []
        for step in scenario.steps:
            steps.extend(_step(stage, step, len(steps)))
        return record_of(stage, started=started, steps=tuple(steps), transport=transport)


def record_of(stage: Stage, *, started: object, steps: tuple[StepRecord, ...], transport: str = "memory") -> Run:
    """The record of what has been played on a stage."""
    scenario, definition = stage.scenario, stage.definition
    return Run.model_validate(
        {
            "scenario": scenario.title,
            "about": scenario.about,
            "file": scenario.file,
            "buc": scenario.buc,
            "buc_title": definition.title,
            "version": str(scenario.version),
            "seed": stage.seed,
            "transport": transport,
            "requirements": scenario.requirements,
            "passed": all(step.passed for step in steps),
            "started": started,
            "ended": stage.clock(),
            "parties": tuple(party_record(player, stage.clock.today) for player in stage.players.values()),
            "steps": steps,
            "coverage": coverage_of(definition, scenario.version, stage.players.values()),
            "not_checked": not_checked(definition, scenario.version, steps, stage.unknown(), transport, stage.real),
        }
    )


def _step(stage: Stage, step: Step, before: int) -> Iterator[StepRecord]:
    """Play one step; what simulated parties do by themselves afterwards are further steps."""
    kind, handler = _HANDLERS[type(step.sentence)]
    if isinstance(step.sentence, sentences.Local):
        kind = step.sentence.what
    at = stage.clock.tick()
    states = stage.states()
    try:
        outcome = handler(stage, step)
    except DefinitionError:
        raise
    except EessiError as error:
        outcome = Outcome(f"{step.text}: it cannot be done.", [str(error)])
    yield _record(stage, before + 1, step, step.text, kind, stage.clock() if kind == "pass" else at, states, outcome)
    if isinstance(step.sentence, sentences.Send) and outcome.exchange is not None:
        number = before + 1
        for name in outcome.reached:
            document = stage.players[name].newest()
            states = stage.states()
            for text, reaction in react(stage, step.sentence.sender, name, document):
                number += 1
                yield _record(stage, number, step, text, "send", stage.clock(), states, reaction)


def _record(
    stage: Stage, number: int, step: Step, text: str, kind: str, at: object, states: Mapping[str, str], outcome: Outcome
) -> StepRecord:
    return StepRecord.model_validate(
        {
            "number": number,
            "line": step.line,
            "text": text,
            "kind": kind,
            "at": at,
            "passed": not outcome.failures,
            "says": outcome.says,
            "notes": outcome.notes,
            "failures": tuple(outcome.failures),
            "states": {name: state for name, state in stage.states().items() if state != states[name]},
            "exchange": outcome.exchange,
        }
    )
