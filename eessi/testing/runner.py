"""Plays a scenario: all parties in this process, each with its own case, over a network and by a clock of the run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random
from typing import TYPE_CHECKING

import attrs

from eessi.buc import buc
from eessi.directory import Directory
from eessi.errors import DefinitionError, EessiError, ProcessError
from eessi.ids import InstitutionId, SedType
from eessi.schemas import Registry
from eessi.testing import sentences
from eessi.testing.building import Builder, synthetic_attachment
from eessi.testing.clock import VirtualClock
from eessi.testing.coverage import coverage_of
from eessi.testing.expectations import judge_document, judge_exchange, matches
from eessi.testing.players import Arrival, Player, Sending
from eessi.testing.record import ExchangeRecord, Run, StepRecord
from eessi.testing.recording import document_record, header_record, verdict_record
from eessi.testing.scenario import HasOptions, IsOptions, MayOptions, Scenario, SendOptions, Step
from eessi.testing.summary import not_checked, party_record, spoken_span
from eessi.transport import InMemoryNetwork

if TYPE_CHECKING:
    from eessi.buc import Case

__all__ = ["run"]


def run(
    scenario: Scenario,
    *,
    registry: Registry | None = None,
    directory: Directory | None = None,
    network: InMemoryNetwork | None = None,
    seed: int | None = None,
    show_values: bool = False,
    lang: str = "en",
) -> Run:
    """Play a scenario to its end and return the record, whether its expectations were met or not.

    Two runs of the same scenario with the same seed, packages and directory are equal.

    :param registry: default :meth:`Registry.default`. :param directory: default the synthetic one.
    :param network: default a new one in memory that runs on the clock of the scenario.
    :param seed: instead of the scenario's own. :param show_values: do not mask the values of documents.
    :raises DefinitionError: when the scenario asks for what does not exist: a process, an institution, a document.
    """
    play = _Play(
        scenario,
        registry or Registry.default(),
        directory or Directory.synthetic(),
        network,
        scenario.seed if seed is None else seed,
        show_values,
        lang,
    )
    return play.run()


@attrs.define(slots=True)
class _Outcome:
    """What a step came to: its words, what was not as expected, and the exchange if there was one."""

    says: str
    failures: list[str] = attrs.field(factory=list)
    exchange: ExchangeRecord | None = None


class _Play:
    def __init__(
        self,
        scenario: Scenario,
        registry: Registry,
        directory: Directory,
        network: InMemoryNetwork | None,
        seed: int,
        show_values: bool,
        lang: str,
    ) -> None:
        self.scenario = scenario
        self.registry = registry
        self.directory = directory
        self.seed = seed
        self.show_values = show_values
        self.lang = lang
        self.clock = VirtualClock(scenario.starts)
        self.network = network or InMemoryNetwork(clock=self.clock)
        self.random = Random(seed)  # noqa: S311  # repeatable identifiers for tests, no secrets
        self.builder = Builder(registry, scenario.version, scenario.packages)
        self.definition = buc(scenario.buc)
        self.players = self._players()

    def _players(self) -> dict[str, Player]:
        players: dict[str, Player] = {}
        taken: set[InstitutionId] = set()
        for name, party in self.scenario.parties.items():
            institution, title = self._institution(name, taken)
            taken.add(institution)
            players[name] = Player(
                name=name,
                role=party.role,
                country=party.country,
                institution=institution,
                institution_name=title,
                transport=self.network.endpoint(institution),
                registry=self.registry,
                buc=self.scenario.buc,
                version=self.scenario.version,
                clock=self.clock,
                random=Random(f"{self.seed}:{name}"),  # noqa: S311  # as above
            )
        return players

    def _institution(self, name: str, taken: set[InstitutionId]) -> tuple[InstitutionId, str]:
        party = self.scenario.parties[name]
        if party.institution is not None:
            institution = InstitutionId(party.institution)
            known = institution in self.directory
            return institution, self.directory.get(institution).name(self.lang) if known else institution
        found = self.directory.find(buc=self.scenario.buc, role=party.role, country=party.country, on=self.clock.today)
        for match in found.matches:
            if match.institution.id not in taken:
                return match.institution.id, match.institution.name(self.lang)
        hint = f"; {found.hints[0]}" if found.hints else ""
        raise DefinitionError(
            f"the directory has no institution in {party.country} that may be {party.role} in {self.scenario.buc} "
            f"on {self.clock.today}{hint}; name one with 'institution:'",
            file=self.scenario.file,
            key=f"parties.{name}",
        )

    def run(self) -> Run:
        started = self.clock()
        steps = tuple(self._step(step) for step in self.scenario.steps)
        return Run(
            scenario=self.scenario.title,
            about=self.scenario.about,
            file=self.scenario.file,
            buc=self.scenario.buc,
            buc_title=self.definition.title,
            version=str(self.scenario.version),
            seed=self.seed,
            requirements=self.scenario.requirements,
            passed=all(step.passed for step in steps),
            started=started,
            ended=self.clock(),
            parties=tuple(party_record(player, self.clock.today) for player in self.players.values()),
            steps=steps,
            coverage=coverage_of(self.definition, self.scenario.version, self.players.values()),
            not_checked=not_checked(self.definition, self.scenario.version, steps),
        )

    def _step(self, step: Step) -> StepRecord:
        handlers: Mapping[type, tuple[str, Callable[[Step], _Outcome]]] = {
            sentences.Send: ("send", self._send),
            sentences.May: ("may", self._may),
            sentences.Local: ("local", self._local),
            sentences.Pass: ("pass", self._pass),
            sentences.Is: ("is", self._is),
            sentences.Has: ("has", self._has),
        }
        kind, handler = handlers[type(step.sentence)]
        if isinstance(step.sentence, sentences.Local):
            kind = step.sentence.what
        at = self.clock.tick()
        before = self._states()
        try:
            outcome = handler(step)
        except DefinitionError:
            raise
        except EessiError as error:
            outcome = _Outcome(f"{step.text}: it cannot be done.", [str(error)])
        if kind == "pass":
            at = self.clock()
        return StepRecord(
            number=step.number,
            line=step.line,
            text=step.text,
            kind=kind,
            at=at,
            passed=not outcome.failures,
            says=outcome.says,
            failures=tuple(outcome.failures),
            states={name: state for name, state in self._states().items() if state != before[name]},
            exchange=outcome.exchange,
        )

    def _states(self) -> dict[str, str]:
        return {name: str(player.case.state) if player.case else "new" for name, player in self.players.items()}

    # documents --------------------------------------------------------------------------------------------------

    def _send(self, step: Step) -> _Outcome:
        sentence, options = step.sentence, step.options
        assert isinstance(sentence, sentences.Send)
        assert isinstance(options, SendOptions)
        sender = self.players[sentence.sender]
        receivers = self._receivers(sentence)
        sed, name = self._named(step, sender)
        try:
            document = self.builder.build(sed, options, self.random)
        except EessiError as error:
            raise step.error(str(error)) from None
        sending = sender.send(
            name,
            document,
            {player.institution: player.role for player in receivers},
            reply_to=sentence.reply_to or options.in_reply_to,
            update=sentence.action == "update",
            facts=options.facts,
            attachments=tuple(
                synthetic_attachment(part.name, part.media_type, part.size) for part in options.attachments
            ),
            unchecked=options.unchecked,
        )
        arrivals = {} if sending.refusal else self._arrivals(sending, receivers, options.facts)
        exchange = self._exchange(sentence, sending, arrivals, [player.name for player in receivers])
        return _Outcome(_said(exchange), judge_exchange(exchange, step, document), exchange)

    def _receivers(self, sentence: sentences.Send) -> list[Player]:
        if sentence.receivers:
            return [self.players[name] for name in sentence.receivers]
        return [player for name, player in self.players.items() if name != sentence.sender]

    def _named(self, step: Step, sender: Player) -> tuple[SedType, str]:
        """The SED code and the name of the document that a step sends."""
        sentence, options = step.sentence, step.options
        assert isinstance(sentence, sentences.Send)
        assert isinstance(options, SendOptions)
        if sentence.action == "update":
            held = sender.documents.get(sentence.document)
            if held is None or not held.mine:
                raise step.error(f"{sender.name} has sent no document called {sentence.document!r}")
            return held.sed.type, held.name
        try:
            sed = SedType(sentence.document)
        except EessiError as error:
            raise step.error(str(error)) from None
        return sed, options.name or sender.free_name(sed)

    def _arrivals(self, sending: Sending, receivers: list[Player], facts: Mapping[str, bool]) -> dict[str, Arrival]:
        """What each receiver made of the message, by party; who got nothing is missing."""
        found: dict[str, Arrival] = {}
        for player in receivers:
            for arrival in player.receive(facts):
                if arrival.message_id == sending.messages.get(player.institution):
                    found[player.name] = arrival
        return found

    def _exchange(
        self, sentence: sentences.Send, sending: Sending, arrivals: Mapping[str, Arrival], receivers: list[str]
    ) -> ExchangeRecord:
        rejected = {name: arrival for name, arrival in arrivals.items() if arrival.rejection is not None}
        missing = [name for name in receivers if name not in arrivals]
        reason: str | None = None
        rule: str | None = None
        ending = "delivered"
        if sending.refusal is not None:
            ending, reason, rule = "refused", sending.refusal.reason, sending.refusal.rule
        elif rejected:
            first = next(iter(rejected.values()))
            assert first.rejection is not None
            ending, reason, rule = "rejected", first.rejection.reason, first.rejection.rule
        elif missing:
            ending, reason = "lost", f"it has not arrived at {', '.join(missing)}"
        return ExchangeRecord.model_validate(
            {
                "document": document_record(sending.name, sending.sed, sending.check, show_values=self.show_values),
                "action": str(sending.header.action) if sending.header else sentence.action,
                "sender": sentence.sender,
                "receivers": tuple(receivers),
                "reply_to": sentence.reply_to,
                "ending": ending,
                "reason": reason,
                "rule": rule,
                "header": header_record(sending.header) if sending.header else {},
                "attachments": tuple(entry.file_name for entry in sending.header.attachments) if sending.header else (),
                "before": verdict_record(sending.check, show_values=self.show_values, lang=self.lang),
                "after": {
                    name: verdict_record(arrival.check, show_values=self.show_values, lang=self.lang)
                    for name, arrival in arrivals.items()
                    if arrival.check is not None
                },
                "rejections": {
                    name: arrival.rejection.reason
                    for name, arrival in rejected.items()
                    if arrival.rejection is not None
                },
                "answers": {name: arrival.answer for name, arrival in rejected.items() if arrival.answer is not None},
            }
        )

    # expectations -----------------------------------------------------------------------------------------------

    def _case(self, player: Player) -> Case:
        """The player's case, or the empty one it would begin with."""
        if player.case is not None:
            return player.case
        others = tuple(other.institution for other in self.players.values() if other is not player)
        return player.empty_case(None, others)

    def _may(self, step: Step) -> _Outcome:
        sentence, options = step.sentence, step.options
        assert isinstance(sentence, sentences.May)
        assert isinstance(options, MayOptions)
        player = self.players[sentence.party]
        why = self._case(player).why_not(sentence.document, on=self.clock.today, facts=options.facts)
        if why is None:
            says = f"{player.name} may send {sentence.document} now."
            return _Outcome(says, [] if sentence.allowed else [f"{player.name} may send {sentence.document}"])
        says = f"{player.name} may not send {sentence.document} now: {why.text}"
        failures = [f"{player.name} may not send {sentence.document}: {why.text}"] if sentence.allowed else []
        because = options.because or sentence.because
        if because and not sentence.allowed and not matches(because, why.rule, why.text):
            failures.append(f"expected because {because!r}; the reason is {why.text!r} ({why.rule})")
        if sentence.before is not None and why.earliest != sentence.before:
            failures.append(f"expected to be possible from {sentence.before}; the process says {why.earliest}")
        return _Outcome(says if says.endswith(".") else f"{says}.", failures)

    def _local(self, step: Step) -> _Outcome:
        sentence = step.sentence
        assert isinstance(sentence, sentences.Local)
        player = self.players[sentence.party]
        try:
            player.local({"close": "closed", "reopen": "reopened"}[sentence.what])
        except ProcessError as error:
            return _Outcome(f"{player.name} may not {sentence.what} the case: {error}.", [str(error)])
        return _Outcome(f"{player.name} {sentence.what}s its own copy of the case; nothing is sent.")

    def _pass(self, step: Step) -> _Outcome:
        sentence = step.sentence
        assert isinstance(sentence, sentences.Pass)
        before = self.clock.today
        if sentence.until is not None:
            self.clock.set(sentence.until)
        else:
            self.clock.advance(sentence.by or (self.clock() - self.clock()), months=sentence.months)
        says = f"{spoken_span(before, self.clock.today, step.text)}."
        for player in self.players.values():
            for arrival in player.receive():
                what = arrival.sed.type if arrival.sed is not None else "A message"
                says += f" {what} arrives late at {player.name}"
                says += f", which does not take it: {arrival.rejection.reason}." if arrival.rejection else "."
        return _Outcome(says)

    def _is(self, step: Step) -> _Outcome:
        sentence, options = step.sentence, step.options
        assert isinstance(sentence, sentences.Is)
        assert isinstance(options, IsOptions)
        player = self.players[sentence.party]
        case = self._case(player)
        state = self._states()[player.name]
        outcome = _Outcome(f"The case of {player.name} is {state}.")
        if state != sentence.state:
            outcome.failures.append(f"expected {sentence.state}, the case of {player.name} is {state}")
        if options.moves is not None:
            allowed = sorted(
                {
                    str(move.sed)
                    for move in case.allowed(on=self.clock.today, facts=options.facts)
                    if move.answer == "yes" and move.sed
                }
            )
            if allowed != sorted(options.moves):
                outcome.failures.append(f"expected the moves {sorted(options.moves)}, the process allows {allowed}")
        return outcome

    def _has(self, step: Step) -> _Outcome:
        sentence, options = step.sentence, step.options
        assert isinstance(sentence, sentences.Has)
        assert isinstance(options, HasOptions)
        player = self.players[sentence.party]
        held = player.documents.get(sentence.document)
        if held is None:
            says = f"{player.name} has no {sentence.document} in its case."
            return _Outcome(says, [says.rstrip(".")] if sentence.present else [])
        says = f"{player.name} has {sentence.document} in its case."
        if not sentence.present:
            return _Outcome(says, [says.rstrip(".")])
        return _Outcome(says, judge_document(held.sed, header_record(held.header), options.header, options.content))


def _said(exchange: ExchangeRecord) -> str:
    """What happened to a document, for a reader who knows no codes."""
    document = exchange.document
    what = f"{document.sed} ({document.title})" if document.title else document.sed
    to = " and ".join(exchange.receivers)
    answer = f" in answer to {exchange.reply_to}" if exchange.reply_to else ""
    if exchange.ending == "refused":
        return f"{exchange.sender} prepares {what} for {to}{answer}, but it is refused and never leaves: {exchange.reason}."
    verb = "sends a new version of" if exchange.action == "Update" else "sends"
    sent = f"{exchange.sender} {verb} {what} to {to}{answer}."
    if exchange.ending == "rejected":
        who = " and ".join(exchange.rejections)
        return f"{sent} {who} does not take it: {exchange.reason}."
    if exchange.ending == "lost":
        return f"{sent} But {exchange.reason}."
    return f"{sent} It arrives, is checked again and enters the case."
