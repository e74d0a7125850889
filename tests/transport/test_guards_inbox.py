"""Guards of what comes in, each alone: whose signature counts for what, and what may follow from it."""

from __future__ import annotations

import attrs
import pytest

from eessi import _xml
from eessi.errors import SecurityError
from eessi.transport import Parcel, Part, State, wss
from eessi.transport.compose import compose_receipt, compose_user, user_message
from eessi.transport.demo_keys import demo_key
from eessi.transport.ebms import Party, PartyId, ReceiptSignal, Unit, UserMessage, write_envelope
from eessi.transport.engine import Engine
from eessi.transport.identity import FixedPartners, Partner
from eessi.transport.mime import MimePart, pack
from eessi.transport.names import TEST_ACTION, TEST_SERVICE
from eessi.transport.pmode import load_pmode
from eessi.transport.wire import Answer
from tests.transport.messages import BE, DE, FR, NOW, PAYLOAD, four_corners, packet, parcel
from tests.transport.test_engine import Script, engine, receipt_for, receiver, steps, taken, unsigned_error

PLAIN = load_pmode("eessi", {"packaging": {"compress": False}})
MESSAGE = user_message(parcel(), PLAIN, NOW)


def bundle(*units: Unit, signer: str | None = FR) -> tuple[bytes, str]:
    """Units in one header, signed by one key or by nobody."""
    parts = (
        [MimePart.of(PAYLOAD, "application/xml", "DefaultSED")]
        if any(isinstance(one, UserMessage) for one in units)
        else []
    )
    envelope = write_envelope(units, ids={"messaging": "m", "body": "b"})
    if signer is not None:
        wss.sign(envelope, parts, demo_key(signer), id="t")
    kind, data = pack(_xml.serialise(envelope.root), parts)
    return bytes(data), kind


def test_a_sender_has_one_id_of_the_kind_that_certificates_are_pinned_to() -> None:
    kind = PLAIN.business.party_type
    assert taken(receiver(), *bundle(MESSAGE))[0] is None
    for ids in ((PartyId(FR, kind), PartyId(DE, kind)), (PartyId(FR, kind), PartyId(DE, "urn:other"))):
        data, content_type = bundle(attrs.evolve(MESSAGE, sender=Party(ids, MESSAGE.sender.role)))
        assert taken(receiver(), data, content_type)[0] == "EBMS:0101"


def sent_to(one: Engine, other: str, message_id: str) -> str:
    one.outbox.submit(Parcel(one.identity.institution, other, PAYLOAD, message_id=message_id), NOW)  # type: ignore[arg-type]  # an InstitutionId
    assert one.send_one(NOW)
    return message_id


def test_one_signature_counts_only_for_those_who_are_all_pinned_to_it() -> None:
    """A message of France beside a receipt that only Germany could give, signed by France."""
    one = engine(Script(), me=BE)
    out = sent_to(one, DE, "out")
    receipt = ReceiptSignal("r", "2026-01-05T08:00:00Z", out)
    assert taken(one, *bundle(receipt, MESSAGE))[0] == "EBMS:0101"
    assert list(one.inbox.waiting(NOW)) == []
    assert "invalid_receipt" not in steps(one, out)


def test_a_receipt_of_the_access_point_confirms_nothing() -> None:
    one = engine(Script())
    out = one.outbox.submit(parcel(), NOW)
    one.send_one(NOW)
    assert taken(one, receipt_for(one, out, signer="FR:AP"))[0] == "EBMS:0101"
    assert one.outbox.status(out).state is State.TAKEN


def test_a_receipt_counts_once() -> None:
    one = engine(Script())
    out = one.outbox.submit(parcel(), NOW)
    one.send_one(NOW)
    for _ in range(2):
        assert taken(one, receipt_for(one, out))[0] is None
    assert steps(one, out) == ["queued", "sent", "taken", "receipted", "receipt_again"]


def test_the_production_guard_is_asked_before_anything_is_stored() -> None:
    one = engine(Script())
    one.outbox.partners = FixedPartners([Partner(BE, (demo_key(BE).certificate,), url="https://example.test/as4")])
    with pytest.raises(SecurityError, match="made for tests"):
        one.outbox.submit(parcel(), NOW, proved=True)
    assert one.timeline() == ()


def test_a_receipt_for_a_receipt_is_a_stray() -> None:
    one = receiver()
    source = packet()
    taken(one, source.body, source.content_type)
    one.send_one(NOW)
    with one.outbox.store.read() as unit:
        from eessi.stores.mail import MailRows

        [ours] = [row for row in MailRows(unit).outs(State.TAKEN.value) if row.kind == "receipt"]
    made = compose_receipt(ours.message_id, (), PLAIN, demo_key(FR), NOW, message_id="r2")
    assert taken(one, bytes(made.body), made.content_type)[0] is None
    assert "stray_receipt" in steps(one, ours.message_id)
    with one.outbox.store.read() as unit:
        row = MailRows(unit).out(ours.message_id)
    assert row is not None
    assert row.state == State.TAKEN


@pytest.mark.parametrize("case", ["of another", "broken", "beside a receipt"])
def test_an_unsigned_error_that_does_not_count(case: str) -> None:
    allowed: dict[str, dict[str, object]] = {"security": {"unsigned_errors": True}}
    one = engine(Script(), changes=allowed)
    earlier = sent_to(one, BE, "m-0@test")
    error = unsigned_error(earlier if case == "of another" else "m-1@test")
    kind = "application/soap+xml"
    if case == "broken":  # signed, and changed after it
        from eessi.transport.compose import compose_error

        whole = compose_error("EBMS:0004", "x", PLAIN, demo_key(BE), NOW, message_id="e", ref_to="m-1@test").body
        error = bytes(whole).replace(b">x<", b">y<")
        assert error != whole
    if case == "beside a receipt":
        from eessi.transport.ebms import ErrorSignal, Failure

        failure = ErrorSignal("e", "2026-01-05T08:00:00Z", "m-1@test", (Failure("EBMS:0004", "failure"),))
        error, kind = bundle(failure, ReceiptSignal("r", "2026-01-05T08:00:00Z", "m-1@test"), signer=None)
    one.wire.answers = [Answer(200, kind, error)]  # type: ignore[attr-defined]  # a Script
    sent_to(one, BE, "m-1@test")
    for sent in (earlier, "m-1@test"):
        assert one.outbox.status(sent).state is State.TAKEN


def test_a_used_id_from_another_sender_is_refused() -> None:
    one = receiver()
    first = packet()
    taken(one, first.body, first.content_type)
    other = compose_user(attrs.evolve(parcel(), sender=DE), load_pmode("eessi"), demo_key(DE), NOW)
    assert taken(one, bytes(other.body), other.content_type)[0] == "EBMS:0003"
    assert [one.sender for one in one.inbox.waiting(NOW)] == [FR]


def test_ids_that_are_too_long_are_refused() -> None:
    for more in ({"message_id": "m" * 256}, {"conversation_id": "c" * 256}):
        made = compose_user(attrs.evolve(parcel(), **more), load_pmode("eessi"), demo_key(FR), NOW)
        assert taken(receiver(), bytes(made.body), made.content_type)[0] == "EBMS:0009"


def test_a_ping_wakes_nobody() -> None:
    one, woken = receiver(), list[str]()
    one.inbox.arrived = lambda _unit, message_id, _conversation: woken.append(message_id)
    business = {"service": TEST_SERVICE, "service_type": None, "action": TEST_ACTION}
    for source in (packet(message_id="ping", pmode=load_pmode("eessi", {"business": business})), packet()):
        taken(one, source.body, source.content_type)
    assert woken == ["m-1@test"]


def test_nobody_unknown_is_written_to() -> None:
    one = receiver()
    unknown = compose_user(attrs.evolve(parcel(), sender="AT:0000000009"), load_pmode("eessi"), demo_key(DE), NOW)
    answer = one.take(unknown.body, unknown.content_type, NOW).answer
    assert (answer.status, bool(answer.body), one.send_one(NOW)) == (200, True, False)


def test_what_was_handed_over_stays_so() -> None:
    one = receiver()
    source = packet(attachments=(Part("a", b"x"),))
    taken(one, source.body, source.content_type)
    one.inbox.delivered("m-1@test", NOW)
    one.inbox.delivered("m-1@test", NOW, reason="too late")
    assert steps(one, "m-1@test") == ["received", "delivered"]


def test_an_institution_hands_in_only_in_its_own_name() -> None:
    """Two institutions behind one access point: one signs what the other is said to have sent."""
    from eessi.transport.access_point import AccessPoint, Served

    mine, other = (Served(Partner(one, (demo_key(one).certificate,), simulated=True), f"mpc/{one}") for one in (FR, DE))
    point = AccessPoint(FR, demo_key("FR:AP"), load_pmode("eessi"), Script(), served=[mine, other], neighbours=four_corners().access_points[0].neighbours)  # fmt: skip
    whole, forged = packet(signer=FR), packet(signer=DE)
    assert point.outbox(whole.body, whole.content_type, NOW).status == 202
    answer = point.outbox(forged.body, forged.content_type, NOW)
    assert answer.status == 400
    assert b"EBMS:0101" in answer.body
