"""The attack catalogue of the campaign *testit*: what is tried, at which level, and how our stack must react.

Each attack gives the reaction as one word: the id of the finding or rule that refuses it, the ebMS code of the answer, or
what happened (``delivered once``).
"""

from __future__ import annotations

import gzip
from collections.abc import Callable

import attrs
from lxml import etree

from eessi.directory import Directory
from eessi.ids import InstitutionId
from eessi.schemas import Registry
from eessi.testing.campaigns.targets import Envelopes, Pair
from eessi.testing.faults import FaultKind, spoiled
from eessi.testing.players import Arrival, Sending
from eessi.testing.scenario import SendOptions
from eessi.testing.stage import signed

__all__ = ["ATTACKS", "Attack", "Ground"]


@attrs.frozen(slots=True)
class Ground:
    """What every attack starts from."""

    registry: Registry = attrs.field(factory=Registry.default)
    directory: Directory = attrs.field(factory=Directory.synthetic)

    def pair(self, buc: str = "LA_BUC_01", version: str = "4.3") -> Pair:
        """Two fresh institutions."""
        return Pair(self.registry, self.directory, buc, version)


@attrs.frozen(slots=True)
class Attack:
    """One attack. ``requirement`` is a row of the kit's requirements; ``expected`` the reaction that must come."""

    id: str
    level: str
    title: str
    requirement: str
    expected: str
    run: Callable[[Ground], str] = attrs.field(repr=False)


def _reaction(arrival: Arrival) -> str:
    return "taken" if arrival.rejection is None else arrival.rejection.rule or "rejected without a rule"


def _stays(sending: Sending) -> str:
    return "sent" if sending.refusal is None else sending.refusal.rule or "refused without a rule"


def _bytes(make: Callable[[bytes], bytes]) -> Callable[[Ground], str]:
    """Deliver a correct message after something was done to its bytes."""

    def attack(ground: Ground) -> str:
        pair = ground.pair()
        return _reaction(pair.deliver(make(pair.message().data)))

    return attack


def _fault(kind: FaultKind) -> Callable[[Ground], str]:
    def attack(ground: Ground) -> str:
        pair = ground.pair()
        return _reaction(pair.deliver(spoiled(kind, pair.message())))

    return attack


def _bomb(data: bytes) -> bytes:
    entities = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 10))
    head = f'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e0 "ha">{entities}]>'.encode()
    return head + data.partition(b"?>")[2].replace(b"Testperson", b"&e9;")


def _external(data: bytes) -> bytes:
    head = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/hostname">]>'
    return head + data.partition(b"?>")[2].replace(b"Testperson", b"&f;")


def _deep(_data: bytes) -> bytes:
    return b"<a>" * 100_000 + b"</a>" * 100_000


def _damaged(change: dict[str, str | None]) -> Callable[[Ground], str]:
    """An S071 with a defect, sent by a system that does not check."""

    def attack(ground: Ground) -> str:
        pair = ground.pair("S_BUC_01", "4.4")
        document = pair.document("S071", SendOptions())
        for path, value in change.items():
            document = document.replace(path, value, ground.registry)
        _, (arrival,) = pair.send("S071", document=document, unchecked=True)
        return _reaction(arrival)

    return attack


def _own_damaged(ground: Ground) -> str:
    pair = ground.pair("S_BUC_01", "4.4")
    document = pair.document("S071", SendOptions()).replace("Person/PersonIdentification/sex", None)
    sending, arrived = pair.send("S071", document=document)
    return _stays(sending) if not arrived else "sent"


def _signature(change: Callable[[bytes], bytes], signer: str | None = None) -> Callable[[Ground], str]:
    """A signed document, by its sender or by somebody else, after something was done to its bytes."""

    def attack(ground: Ground) -> str:
        pair = ground.pair()
        by = InstitutionId(signer) if signer else pair.france.institution
        document = signed(pair.document("A001"), by, pair.stage.clock())
        return _reaction(pair.deliver(change(pair.message(document=document).data)))

    return attack


def _other_type(ground: Ground) -> str:
    message = ground.pair().message()
    return _reaction(ground.pair().deliver(message.data.replace(b"<sbdh:Type>A001<", b"<sbdh:Type>A002<")))


def _two_documents(ground: Ground) -> str:
    pair = ground.pair()
    message = pair.message()
    root = etree.fromstring(message.data, etree.XMLParser(resolve_entities=False))
    root.append(etree.fromstring(message.sed.data, etree.XMLParser(resolve_entities=False)))
    return _reaction(pair.deliver(etree.tostring(root)))


def _unasked_answer(ground: Ground) -> str:
    pair = ground.pair()
    _, (arrival,) = pair.send("A011", unchecked=True)
    return _reaction(arrival)


def _wrong_role(ground: Ground) -> str:
    pair = ground.pair()
    pair.send("A001")
    _, (arrival,) = pair.send("A011", unchecked=True)
    return _reaction(arrival)


def _both_answers(ground: Ground) -> str:
    pair = ground.pair()
    pair.send("A001")
    pair.send("A011", back=True, reply_to="A001")
    _, (arrival,) = pair.send("A002", back=True, reply_to="A001", unchecked=True)
    return _reaction(arrival)


def _own_both_answers(ground: Ground) -> str:
    pair = ground.pair()
    pair.send("A001")
    pair.send("A011", back=True, reply_to="A001")
    sending, _ = pair.send("A002", back=True, reply_to="A001")
    return _stays(sending)


def _own_into_closed(ground: Ground) -> str:
    pair = ground.pair()
    pair.send("A001")
    pair.send("X001")
    sending, _ = pair.send("A005")
    return _stays(sending)


def _others_version(ground: Ground) -> str:
    pair = ground.pair()
    pair.send("A001")
    _, (arrival,) = pair.send("A001", back=True, update="A001", unchecked=True)
    return _reaction(arrival)


def _replayed(ground: Ground) -> str:
    pair = ground.pair()
    data = pair.message().data
    first, second = pair.deliver(data), pair.deliver(data)
    counted = len(pair.belgium.case.history) if pair.belgium.case else 0
    return (
        "counted once"
        if (_reaction(first), _reaction(second), counted) == ("taken", "taken", 1)
        else f"counted {counted}"
    )


def _leaves(ground: Ground, *, sender: bool) -> str:
    pair = ground.pair()
    pair.send("A001")
    pair.stage.leave(pair.france if sender else pair.belgium)
    sending, arrived = pair.send("A005")
    return _reaction(arrived[0]) if arrived else _stays(sending)


def _on_the_wire(attack: Callable[[Envelopes], str]) -> Callable[[Ground], str]:
    """An attack on two institutions over AS4 that are there for it alone."""

    def run(_ground: Ground) -> str:
        with Envelopes() as target:
            return attack(target)

    return run


@_on_the_wire
def _tampered(target: Envelopes) -> str:
    out = target.outgoing()
    body = bytes(out.body)
    at = body.rfind(b"\r\n--") - 9
    return str(target.take(body[:at] + bytes([body[at] ^ 1]) + body[at + 1 :], out.content_type).code)


@_on_the_wire
def _readdressed(target: Envelopes) -> str:
    out = target.outgoing()
    return str(target.take(bytes(out.body).replace(b"FR:TESTIT01", b"FR:TESTIT02"), out.content_type).code)


@_on_the_wire
def _unsigned(target: Envelopes) -> str:
    out = target.outgoing()
    head, _, rest = bytes(out.body).partition(b"<wsse:Security")
    _, _, tail = rest.partition(b"</wsse:Security>")
    return str(target.take(head + tail, out.content_type).code)


@_on_the_wire
def _foreign_key(target: Envelopes) -> str:
    from eessi.transport.demo_keys import demo_key
    from eessi.transport.identity import Identity

    engine = target.network.engines[target.france]
    engine.outbox.identity = Identity(target.france, demo_key("FR:INTRUDER"))
    out = target.outgoing()
    return str(target.take(out.body, out.content_type).code)


@_on_the_wire
def _repeated_envelope(target: Envelopes) -> str:
    out = target.outgoing()
    target.take(out.body, out.content_type)
    again = target.take(out.body, out.content_type)
    delivered = len(target.delivered())
    return "delivered once" if again.duplicate and delivered == 1 else f"delivered {delivered} times"


@_on_the_wire
def _id_reused(target: Envelopes) -> str:
    out = target.outgoing()
    with Envelopes() as other:
        changed = other.outgoing(b"<a>other</a>")
    target.take(out.body, out.content_type)
    return str(target.take(changed.body, changed.content_type).code)


@_on_the_wire
def _misrouted(target: Envelopes) -> str:
    target.network.endpoint(InstitutionId("DE:TESTIT01"))
    out = target.outgoing(to="DE:TESTIT01")
    return str(target.take(out.body, out.content_type).code)


@_on_the_wire
def _compression_bomb(target: Envelopes) -> str:
    out = target.outgoing(b"<a>" + b"0" * 30_000_000 + b"</a>")
    return str(target.take(out.body, out.content_type).code)


@_on_the_wire
def _noise(target: Envelopes) -> str:
    answer = target.take(gzip.compress(b"noise" * 100), "multipart/related")
    return f"HTTP {answer.answer.status}"


ATTACKS: tuple[Attack, ...] = (
    Attack("D01", "document", "entities that multiply (billion laughs)", "TI-01", "DOC-UNREADABLE", _bytes(_bomb)),
    Attack("D02", "document", "an entity that reads a file", "TI-01", "DOC-UNREADABLE", _bytes(_external)),
    Attack("D03", "document", "elements nested 100,000 deep", "TI-02", "DOC-UNREADABLE", _bytes(_deep)),
    Attack("D04", "document", "a message cut short", "TI-02", "DOC-UNREADABLE", _fault(FaultKind.UNREADABLE)),
    Attack("D05", "document", "no bytes at all", "TI-02", "DOC-UNREADABLE", _bytes(lambda _data: b"")),
    Attack("D06", "document", "a picture in place of a message", "TI-02", "DOC-UNREADABLE", _bytes(lambda _data: b"\x89PNG\r\n\x1a\n" + bytes(64))),
    Attack("D07", "document", "another encoding than declared", "TI-02", "DOC-UNREADABLE", _bytes(lambda data: data.replace(b"UTF-8", b"UTF-7"))),
    Attack("D08", "document", "a required element is missing", "TI-03", "SCH-MISSING", _damaged({"Person/PersonIdentification/sex": None})),
    Attack("D09", "document", "a code that is in no list", "TI-03", "SCH-CODE", _damaged({"Person/PersonIdentification/sex": "77"})),
    Attack("D10", "document", "our own damaged document", "TI-04", "SCH-MISSING", _own_damaged),
    Attack("D11", "document", "a document changed after it was signed", "TI-12", "RUN-SIGNATURE", _signature(lambda data: data.replace(b"Testperson", b"Testpersonx"))),
    Attack("D12", "document", "a document signed by another institution", "TI-12", "RUN-SIGNATURE", _signature(bytes, "FR:INTRUDER1")),
    Attack("M01", "message", "the header names another sender", "TI-05", "RUN-SENDER", _fault(FaultKind.WRONG_SENDER)),
    Attack("M02", "message", "the header names another receiver", "TI-05", "RUN-RECEIVER", _fault(FaultKind.WRONG_RECEIVER)),
    Attack("M03", "message", "the header names another CDM version", "TI-06", "RUN-VERSION", _fault(FaultKind.WRONG_VERSION)),
    Attack("M04", "message", "the header names another type of SED", "TI-06", "DOC-VERSION", _other_type),
    Attack("M05", "message", "a document without envelope", "TI-06", "RUN-ENVELOPE", _fault(FaultKind.NO_ENVELOPE)),
    Attack("M06", "message", "two documents in one envelope", "TI-06", "DOC-UNREADABLE", _two_documents),
    Attack("P01", "process", "an answer that nobody asked for", "TI-07", "BUC-ROLE", _unasked_answer),
    Attack("P02", "process", "a document of the other role", "TI-07", "BUC-ROLE", _wrong_role),
    Attack("P03", "process", "a refusal after an acceptance", "TI-07", "BUC-WITHDRAWN", _both_answers),
    Attack("P04", "process", "our own refusal after an acceptance", "TI-04", "BUC-WITHDRAWN", _own_both_answers),
    Attack("P05", "process", "our own document into a closed case", "TI-04", "BUC-CASE-STATE", _own_into_closed),
    Attack("P06", "process", "the same message again", "TI-08", "counted once", _replayed),
    Attack("P07", "process", "a new version of a document that is not one's own", "TI-07", "BUC-DOCUMENT", _others_version),
    Attack("R01", "directory", "a receiver that has left the directory", "TI-09", "no-longer", lambda ground: _leaves(ground, sender=False)),
    Attack("R02", "directory", "a sender that has left the directory", "TI-09", "no-longer", lambda ground: _leaves(ground, sender=True)),
    Attack("E01", "envelope", "one byte of the payload changed", "TI-10", "EBMS:0101", _tampered),
    Attack("E02", "envelope", "another sender written into the envelope", "TI-10", "EBMS:0101", _readdressed),
    Attack("E03", "envelope", "the signature removed", "TI-10", "EBMS:0103", _unsigned),
    Attack("E04", "envelope", "signed with a key that is not the sender's", "TI-10", "EBMS:0101", _foreign_key),
    Attack("E05", "envelope", "the same envelope again", "TI-08", "delivered once", _repeated_envelope),
    Attack("E06", "envelope", "a known message id with other content", "TI-08", "EBMS:0003", _id_reused),
    Attack("E07", "envelope", "an envelope for somebody else", "TI-05", "EBMS:0003", _misrouted),
    Attack("E08", "envelope", "a payload that grows when it is unpacked", "TI-11", "EBMS:0004", _compression_bomb),
    Attack("E09", "envelope", "noise in place of an envelope", "TI-11", "HTTP 400", _noise),
)  # fmt: skip
"""All attacks; each runs against fresh institutions and takes well under a second."""
