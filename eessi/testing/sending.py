"""A step that sends: from what the scenario says to the record of what became of the document."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import attrs

from eessi.errors import EessiError, UsageError
from eessi.ids import InstitutionId, SedType
from eessi.testing.building import synthetic_attachment
from eessi.testing.expectations import judge_exchange
from eessi.testing.faults import FaultKind, read_fault
from eessi.testing.players import Arrival, Details, Player, Sending
from eessi.testing.record import ExchangeRecord
from eessi.testing.recording import document_record, header_record, verdict_record
from eessi.testing.scenario import SendOptions, Step
from eessi.testing.sentences import Send
from eessi.testing.stage import Stage, signed
from eessi.transport import State

__all__ = ["Outcome", "arrived_late", "exchange_record", "post", "said", "send_step"]


@attrs.define(slots=True)
class Outcome:
    """What a step came to: its words, what was not as expected, and the exchange if there was one.

    ``reached`` names the parties that took the document into their case.
    """

    says: str
    failures: list[str] = attrs.field(factory=list)
    exchange: ExchangeRecord | None = None
    reached: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def send_step(stage: Stage, step: Step) -> Outcome:
    """Play a step that sends, as often as it says; the record is that of the last document.

    :raises DefinitionError: when the step asks for a document that cannot be made.
    """
    assert isinstance(step.options, SendOptions)
    outcome = _once(stage, step)
    failures = list(outcome.failures)
    for _ in range(step.options.times - 1):
        stage.clock.tick()
        outcome = _once(stage, step)
        failures += [failure for failure in outcome.failures if failure not in failures]
    if step.options.times > 1:
        outcome.says = f"{step.options.times:,} times: {outcome.says}"
    outcome.failures = failures
    return outcome


def _once(stage: Stage, step: Step) -> Outcome:
    sentence, options = step.sentence, step.options
    assert isinstance(sentence, Send)
    assert isinstance(options, SendOptions)
    sender = stage.players[sentence.sender]
    names = sentence.receivers or tuple(name for name in stage.players if name != sentence.sender)
    sed, name = _named(stage, step, sender)
    if sentence.sender in stage.real:
        return _awaited(stage, step, sed, names)
    try:
        document = stage.builder.build(sed, options, stage.random)
        if options.sign:
            document = signed(document, sender.institution, stage.clock())
    except EessiError as error:
        raise step.error(str(error)) from None
    fault = read_fault(options.fault) if options.fault else None
    details = Details(options.facts, _participant(stage, options.participant), options.parts)
    sending = sender.send(
        name,
        document,
        {stage.players[receiver].institution: stage.players[receiver].role for receiver in names},
        reply_to=sentence.reply_to or options.in_reply_to,
        update=sentence.action == "update",
        details=details,
        attachments=tuple(synthetic_attachment(part.name, part.media_type, part.size) for part in options.attachments),
        unchecked=options.unchecked,
        fault=fault,
    )
    held = fault is not None and fault.kind in (FaultKind.LATE, FaultKind.OUT_OF_ORDER)
    exchange, late, reached = post(stage, sender, sending, names, details, sentence.reply_to, held=held)
    return Outcome(said(exchange), judge_exchange(exchange, step, document), exchange, reached, late)


def post(
    stage: Stage,
    sender: Player,
    sending: Sending,
    names: Sequence[str],
    details: Details,
    reply_to: str | None,
    *,
    held: bool = False,
) -> tuple[ExchangeRecord, tuple[str, ...], tuple[str, ...]]:
    """Let the receivers take in what has arrived: the record, a word on what else came, and who took the document."""
    arrivals: dict[str, Arrival] = {}
    others: list[str] = []
    missing: dict[str, str] = {}
    details = attrs.evolve(details, parent_id=sending.parent_id)
    for name in names:
        player = stage.players[name]
        if sending.refusal is not None or stage.is_silent(name):
            continue
        if name in stage.real:
            found = _at_real(stage, player, sender, sending, details)
            if isinstance(found, Arrival):
                arrivals[name] = found
            else:
                missing[name] = found
            continue
        for arrival in player.receive(details):
            if arrival.message_id == sending.messages.get(player.institution):
                arrivals[name] = arrival
            else:
                others.append(arrived_late(name, arrival))
    exchange = exchange_record(stage, sender.name, sending, arrivals, names, reply_to, held=held, why=missing)
    reached = tuple(name for name, arrival in arrivals.items() if arrival.rejection is None)
    return exchange, tuple(others), reached


def _at_real(stage: Stage, player: Player, sender: Player, sending: Sending, details: Details) -> Arrival | str:
    """What is known of a message at a real system: its receipt, or why there is none. The player in its place follows."""
    message_id = sending.messages.get(player.institution, "")
    if sending.header is None:
        return "it was not sent"
    real = stage.real[player.name]
    try:
        delivery = sender.transport.status(message_id)
    except UsageError:
        return "a fault of the scenario keeps it back"
    for _ in range(real.tries):
        if delivery.state in (State.RECEIPTED, State.FAILED):
            break
        real.give_time()
        delivery = sender.transport.status(message_id)
    if delivery.state is not State.RECEIPTED:
        stage.hurry(player.name)
        taken = "its access point has taken it, but no receipt has come" if delivery.state is State.TAKEN else ""
        return delivery.reason or taken or f"it is {delivery.state}"
    player.mirror(sending.header, sending.sed, details, mine=False)
    return Arrival(message_id, None, sending.header, sending.sed)


def _awaited(stage: Stage, step: Step, sed: SedType, names: Sequence[str]) -> Outcome:
    """Wait for a document that a real system has to send, and judge it as it arrives."""
    sentence, options = step.sentence, step.options
    assert isinstance(sentence, Send)
    assert isinstance(options, SendOptions)
    party, real = stage.players[sentence.sender], stage.real[sentence.sender]
    arrivals: dict[str, Arrival] = {}
    details = Details(options.facts, _participant(stage, options.participant), options.parts)
    for _ in range(real.tries):
        real.give_time()
        for name in (name for name in names if name not in stage.real):
            for arrival in stage.players[name].receive(details):
                if arrival.header is None or arrival.header.sender.id == party.institution:
                    arrivals.setdefault(name, arrival)
        if arrivals:
            break
        stage.clock.tick()
    first = next(iter(arrivals.values()), None)
    if first is None or first.sed is None or first.header is None:
        if first is None:
            stage.hurry(party.name)
        what = "something that cannot be read" if first is not None else "nothing"
        return Outcome(f"{sed} is awaited from {party.name}; it sends {what}.", [f"expected {sed}, it sent {what}"])
    party.mirror(first.header, first.sed, details, mine=True)
    sending = Sending(str(first.sed.type), first.sed, None, first.header)
    exchange = exchange_record(stage, party.name, sending, arrivals, list(arrivals), sentence.reply_to)
    failures = judge_exchange(exchange, step, first.sed)
    if first.sed.type != sed:
        failures.insert(0, f"expected {sed}, {party.name} sent {first.sed.type}")
    reached = tuple(name for name, arrival in arrivals.items() if arrival.rejection is None)
    return Outcome(said(exchange), failures, exchange, reached)


def _participant(stage: Stage, name: str | None) -> InstitutionId | None:
    """The institution that a document names: a party of the scenario, or an id."""
    if name is None:
        return None
    return stage.players[name].institution if name in stage.players else InstitutionId(name)


def arrived_late(name: str, arrival: Arrival) -> str:
    """A sentence on a message that came after the step that sent it."""
    what = arrival.sed.type if arrival.sed is not None else "a message"
    if arrival.message_id.startswith("again-"):
        taken = "which does not count it twice" if arrival.rejection is None else f"refused: {arrival.rejection.reason}"
        return f"{what} arrives a second time at {name}, {taken}."
    tail = f", which does not take it: {arrival.rejection.reason}" if arrival.rejection else ""
    return f"An earlier {what} arrives only now at {name}{tail}."


def _named(stage: Stage, step: Step, sender: Player) -> tuple[SedType, str]:
    """The SED code and the name of the document that a step sends."""
    sentence, options = step.sentence, step.options
    assert isinstance(sentence, Send)
    assert isinstance(options, SendOptions)
    if sentence.action == "update":
        held = sender.documents.get(sentence.document)
        if held is None or not held.mine:
            missing = f"{sender.name} has sent no document called {sentence.document!r}"
            raise UsageError(missing) if _planned(stage, step) else step.error(missing)
        return held.sed.type, held.name
    try:
        sed = SedType(sentence.document)
    except EessiError as error:
        raise step.error(str(error)) from None
    return sed, options.name or sender.free_name(sed)


def _planned(stage: Stage, step: Step) -> bool:
    """Whether an earlier step should have sent the document: then this run went wrong, and not the scenario."""
    sentence = step.sentence
    assert isinstance(sentence, Send)
    for one in stage.scenario.steps[: step.number - 1]:
        if isinstance(one.sentence, Send) and one.sentence.sender == sentence.sender:
            name = one.options.name if isinstance(one.options, SendOptions) else None
            if sentence.document == name or sentence.document.partition("-")[0] == one.sentence.document:
                return True
    return False


def exchange_record(
    stage: Stage,
    sender: str,
    sending: Sending,
    arrivals: Mapping[str, Arrival],
    receivers: Sequence[str],
    reply_to: str | None,
    *,
    held: bool = False,
    why: Mapping[str, str] = MappingProxyType({}),
) -> ExchangeRecord:
    """The record of a document on its way. ``why``: what the transport says of a receiver that it has not reached."""
    rejected = {name: arrival.rejection for name, arrival in arrivals.items() if arrival.rejection is not None}
    missing = [name for name in receivers if name not in arrivals]
    ending, reason, rule = "delivered", None, None
    if sending.refusal is not None:
        ending, reason, rule = "refused", sending.refusal.reason, sending.refusal.rule
    elif rejected:
        first = next(iter(rejected.values()))
        ending, reason, rule = "rejected", first.reason, first.rule
    elif missing:
        ending = "late" if held else "lost"
        reason = f"it has not arrived at {' and '.join(missing)}" + (" yet" if held else "")
        reason += "".join(f" ({why[name]})" for name in missing if name in why)
    header = sending.header

    def checked(check: object) -> object:
        return verdict_record(check, show_values=stage.show_values, lang=stage.lang)  # type: ignore[arg-type]  # a Verdict

    return ExchangeRecord.model_validate(
        {
            "document": document_record(
                sending.name, sending.sed, sending.check, stage.registry, show_values=stage.show_values
            ),
            "action": str(header.action) if header else "",
            "sender": sender,
            "receivers": tuple(receivers),
            "reply_to": reply_to,
            "ending": ending,
            "signed": sending.sed.is_signed,
            "reason": reason,
            "rule": rule,
            "header": header_record(header) if header else {},
            "attachments": tuple(entry.file_name for entry in header.attachments) if header else (),
            "before": checked(sending.check) if sending.check is not None else None,
            "after": {name: checked(arrival.check) for name, arrival in arrivals.items() if arrival.check is not None},
            "way": {
                name: way
                for name in receivers
                if (way := stage.trace(sending.messages.get(stage.players[name].institution, "")))
            },
            "rejections": {name: refusal.reason for name, refusal in rejected.items()},
            "answers": {name: arrivals[name].answer for name in rejected if arrivals[name].answer is not None},
        }
    )


def said(exchange: ExchangeRecord) -> str:
    """What happened to a document, for a reader who knows no codes."""
    document = exchange.document
    what = f"{document.sed} ({document.title})" if document.title else document.sed
    to = " and ".join(exchange.receivers)
    answer = f" in answer to {exchange.reply_to}" if exchange.reply_to else ""
    if exchange.ending == "refused":
        prepared = f"{exchange.sender} prepares {what} for {to}{answer}"
        return f"{prepared}, but it is refused and never leaves: {exchange.reason}."
    verb = "sends a new version of" if exchange.action == "Update" else "sends"
    sent = f"{exchange.sender} {verb} {what} to {to}{answer}."
    if exchange.ending == "rejected":
        who = " and ".join(exchange.rejections)
        return f"{sent} {who} does not take it: {exchange.reason}."
    if exchange.ending in ("lost", "late"):
        return f"{sent} But {exchange.reason}."
    return f"{sent} It arrives, is checked again and enters the case."
