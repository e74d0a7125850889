"""One party may be a real system: the scenario sends to it, waits for what it sends, and judges it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import attrs
import pytest

from eessi.errors import UsageError
from eessi.ids import Action
from eessi.sed import Message, build, parse
from eessi.testing import Run, Scenario, run
from eessi.testing.stage import Real
from eessi.transport import Endpoint, InMemoryNetwork, Parcel
from tests.testing.conftest import REAL_STEPS

PERSON = {
    "Person": {
        "PersonIdentification": {"familyName": "Testperson", "forename": "Ada", "dateBirth": "1980-01-15", "sex": "02"}
    }
}
BELGIUM = "BE:SYNTH001"


@attrs.define
class System:
    """A system of somebody else: it answers every request after some thinking, without the toolkit's cases."""

    end: Endpoint
    answer: str | None = "A011"
    spoil: Callable[[Message], Message] = lambda message: message
    thinks: int = 3
    waiting: list[Message] = attrs.field(factory=list)

    def work(self) -> None:
        for parcel in self.end.receive():
            message = parse(parcel.payload)
            assert isinstance(message, Message)
            self.waiting.append(message)
        self.thinks -= 1
        if self.thinks > 0 or not self.waiting or self.answer is None:
            return
        request = self.waiting.pop(0)
        header = attrs.evolve(
            request.header,
            sender=request.header.receivers[0],
            receivers=(request.header.sender,),
            sed=self.answer,
            action=Action.NEW,
            instance_id="11111111-1111-4111-8111-111111111111",
            set_id="22222222-2222-4222-8222-222222222222",
            schema_location=None,
        )
        reply = self.spoil(Message.compose(header, build(self.answer, PERSON, version="1.0")))
        self.end.send(Parcel(self.end.institution, request.header.sender.institution, reply.data))


def played(scenario: Scenario, **system: object) -> Run:
    network = InMemoryNetwork()
    real = System(network.endpoint(BELGIUM), **system)  # type: ignore[arg-type]  # fields of System
    return run(scenario, network=network, against={"BE": Real(real.work)})


def test_a_real_system_that_does_what_it_should_passes(scenario: Callable[..., Scenario]) -> None:
    record = played(scenario(*REAL_STEPS))
    assert record.passed, [(step.text, step.failures) for step in record.failures]
    exchange = list(record.exchanges)[1]
    assert exchange.before is None, "what a real system checks is not seen"
    assert exchange.after["FR"].verdict == "undetermined"
    assert any("BE is a real system" in line for line in record.not_checked)


@pytest.mark.parametrize(
    ("system", "failure"),
    [
        ({"answer": None}, "expected A011, it sent nothing"),
        ({"answer": "A002"}, "expected A011, BE sent A002"),
        ({"answer": "A001"}, "expected delivered, it was rejected"),
        ({"thinks": 100}, "expected A011, it sent nothing"),
    ],
)
def test_one_that_does_something_else_fails(
    scenario: Callable[..., Scenario], system: dict[str, object], failure: str
) -> None:
    record = played(scenario(*REAL_STEPS[:2]), **system)
    found = [text for step in record.failures for text in step.failures]
    assert any(failure in text for text in found), found


def test_one_that_sends_something_broken_fails(scenario: Callable[..., Scenario]) -> None:
    def cut(message: Message) -> Message:
        return attrs.evolve(message, data=message.data[:-200])

    record = played(scenario(*REAL_STEPS[:2]), spoil=cut)
    assert record.failures[0].failures == ("expected A011, it sent something that cannot be read",)


def test_a_party_that_is_not_in_the_scenario_is_refused(scenario: Callable[..., Scenario], root: Path) -> None:
    with pytest.raises(UsageError, match="no party is called 'PL'; known: FR, BE"):
        run(scenario(*REAL_STEPS), against={"PL": Real(lambda: None)})
