"""Steps that change nothing in a case: what a party may do, what state it is in, what it has; and the passing of time."""

from __future__ import annotations

import datetime as dt

from eessi.errors import ProcessError
from eessi.testing.expectations import judge_document, matches
from eessi.testing.faults import Habit
from eessi.testing.habits import clean_up
from eessi.testing.recording import header_record
from eessi.testing.scenario import HasOptions, IsOptions, MayOptions, Step
from eessi.testing.sending import Outcome, arrived_late
from eessi.testing.sentences import Has, Is, Leave, Local, May, Pass
from eessi.testing.stage import Stage
from eessi.testing.summary import spoken_span

__all__ = ["has_step", "is_step", "leave_step", "local_step", "may_step", "pass_step"]

_EVENTS = {"close": "closed", "reopen": "reopened", "archive": "archived", "restore": "restored"}


def may_step(stage: Stage, step: Step) -> Outcome:
    """``BE may not send A002 because …``: the answer of the party's own case."""
    sentence, options = step.sentence, step.options
    assert isinstance(sentence, May)
    assert isinstance(options, MayOptions)
    player = stage.players[sentence.party]
    why = stage.case(player).why_not(sentence.document, on=stage.clock.today, facts=options.facts)
    can = f"{player.name} may send {sentence.document}"
    if why is None:
        return Outcome(f"{can} now.", [] if sentence.allowed else [can])
    cannot = f"{player.name} may not send {sentence.document}"
    failures = [f"{cannot}: {why.text}"] if sentence.allowed else []
    because = options.because or sentence.because
    if because and not sentence.allowed and not matches(because, why.rule, why.text):
        failures.append(f"expected because {because!r}; the reason is {why.text!r} ({why.rule})")
    if sentence.before is not None and why.earliest != sentence.before:
        failures.append(f"expected to be possible from {sentence.before}; the process says {why.earliest}")
    return Outcome(f"{cannot} now: {why.text.rstrip('.')}.", failures)


def local_step(stage: Stage, step: Step) -> Outcome:
    """``FR closes the case``: its own copy only, nothing is sent."""
    sentence = step.sentence
    assert isinstance(sentence, Local)
    player = stage.players[sentence.party]
    try:
        player.local(_EVENTS[sentence.what])
    except ProcessError as error:
        return Outcome(f"{player.name} may not {sentence.what} the case: {error}.", [str(error)])
    return Outcome(f"{player.name} {sentence.what}s its own copy of the case; nothing is sent.")


def leave_step(stage: Stage, step: Step) -> Outcome:
    """``BE leaves the directory``."""
    sentence = step.sentence
    assert isinstance(sentence, Leave)
    player = stage.players[sentence.party]
    if not stage.leave(player):
        return Outcome("Nothing changes.", [f"the directory does not know {player.institution}, so it cannot leave it"])
    return Outcome(f"{player.institution_name} ({player.name}) ends in the directory on {stage.clock.today}.")


def pass_step(stage: Stage, step: Step) -> Outcome:
    """``after 60 days``: the clock moves, and what was late arrives."""
    sentence = step.sentence
    assert isinstance(sentence, Pass)
    before = stage.clock.today
    if sentence.until is not None:
        stage.clock.set(sentence.until)
    else:
        stage.clock.advance(sentence.by or dt.timedelta(), months=sentence.months)
    says = f"{spoken_span(before, stage.clock.today, step.text)}."
    for player in stage.players.values():
        player.release()
    awake = [player for player in stage.players.values() if not stage.is_silent(player.name)]
    notes = tuple(arrived_late(player.name, arrival) for player in awake for arrival in player.receive())
    outcome = Outcome(says, notes=notes)
    if stage.clock.today > before:
        for name, party in stage.scenario.parties.items():
            if party.habit is Habit.CLEANS_UP and name not in stage.real:
                words, failures = clean_up(stage, name)
                outcome.notes += (words,)
                outcome.failures += failures
    return outcome


def is_step(stage: Stage, step: Step) -> Outcome:
    """``FR is closed``, and exactly which SEDs it may send."""
    sentence, options = step.sentence, step.options
    assert isinstance(sentence, Is)
    assert isinstance(options, IsOptions)
    player = stage.players[sentence.party]
    state = stage.states()[player.name]
    outcome = Outcome(f"The case of {player.name} is {state}.")
    if state != sentence.state:
        outcome.failures.append(f"expected {sentence.state}, the case of {player.name} is {state}")
    if options.moves is not None:
        moves = stage.case(player).allowed(on=stage.clock.today, facts=options.facts)
        allowed = sorted({str(move.sed) for move in moves if move.answer == "yes" and move.sed})
        if allowed != sorted(options.moves):
            outcome.failures.append(f"expected the moves {sorted(options.moves)}, the process allows {allowed}")
    return outcome


def has_step(stage: Stage, step: Step) -> Outcome:
    """``BE has A001``: the document, its header and its content."""
    sentence, options = step.sentence, step.options
    assert isinstance(sentence, Has)
    assert isinstance(options, HasOptions)
    player = stage.players[sentence.party]
    held = player.documents.get(sentence.document)
    has = f"{player.name} has {'' if held else 'no '}{sentence.document} in its case"
    if held is None or not sentence.present:
        return Outcome(f"{has}.", [has] if sentence.present is (held is None) else [])
    return Outcome(f"{has}.", judge_document(held.sed, header_record(held.header), options.header, options.content))
