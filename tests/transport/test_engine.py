"""Outbox, inbox, receipts, duplicates, retries and pulling: what trusted products test, over our own two access points."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Callable, Sequence

import attrs
import pytest

from eessi.errors import SecurityError, UsageError
from eessi.stores import Store
from eessi.transport import Parcel, Part, State
from eessi.transport.access_point import Trouble, troubles
from eessi.transport.compose import compose_error, compose_pull, compose_receipt
from eessi.transport.corners import FourCorners
from eessi.transport.demo_keys import demo_key
from eessi.transport.ebms import read_envelope
from eessi.transport.engine import Engine, Pulled, verify_journal
from eessi.transport.identity import AccessPointLink, Channel, FixedPartners, Identity, Partner
from eessi.transport.inspection import inspect
from eessi.transport.judge import Result
from eessi.transport.mime import unpack
from eessi.transport.multihop import read_routing
from eessi.transport.names import DEFAULT_MPC, TEST_ACTION, TEST_SERVICE
from eessi.transport.outbox import MOVES
from eessi.transport.pmode import load_pmode
from eessi.transport.wire import Answer, Unreachable
from tests.transport.messages import BE, DE, FR, NOW, PAYLOAD, four_corners, fresh_store, packet, parcel, repacked

SECOND = dt.timedelta(seconds=1)


class Script:
    """A wire that answers by a list and keeps what was sent."""

    def __init__(self, *answers: Answer | Exception) -> None:
        self.answers, self.sent = list(answers), list[tuple[str, str, bytes]]()

    def post(self, url: str, content_type: str, body: bytes) -> Answer:
        self.sent.append((url, content_type, body))
        answer = self.answers.pop(0) if self.answers else Answer(202)
        if isinstance(answer, Exception):
            raise answer
        return answer


POINT = "local://ap/Outbox"
CHANNEL = Channel("business", f"{DEFAULT_MPC}/{FR}", "local://ap/Inbox")


def engine(
    wire: Script, *, me: str = FR, changes: dict[str, dict[str, object]] | None = None, store: Store | None = None
) -> Engine:
    counter = itertools.count(1)
    others = [Partner(one, (demo_key(one).certificate,), simulated=True) for one in (FR, BE, DE) if one != me]  # type: ignore[arg-type]  # InstitutionIds
    link = AccessPointLink(POINT, (demo_key("FR:AP").certificate,), (CHANNEL,))
    return Engine(
        store or fresh_store(), Identity(me, demo_key(me)), FixedPartners(others, link),  # type: ignore[arg-type]  # an InstitutionId
        load_pmode("eessi", changes), wire, ids=lambda: f"{next(counter)}@{me}",
    )  # fmt: skip


def taken(one: Engine, data: bytes, kind: str = "", at: dt.datetime = NOW) -> tuple[str | None, int]:
    found = one.take(data, kind, at)
    return found.code, found.answer.status


def receipt_for(one: Engine, message_id: str, *, signer: str = BE, references: Sequence[object] | None = None) -> bytes:
    """A receipt as the far institution writes it."""
    row = read_envelope(unpack(one.wire.sent[-1][2], one.wire.sent[-1][1]).root.body)  # type: ignore[attr-defined]  # a Script
    from eessi.transport.wss import verify

    signed = verify(
        row, {part.content_id or "": part for part in unpack(one.wire.sent[-1][2], one.wire.sent[-1][1]).parts}
    )  # type: ignore[attr-defined]  # a Script
    assert signed is not None
    chosen = signed.references if references is None else references
    return compose_receipt(message_id, chosen, load_pmode("eessi"), demo_key(signer), NOW, message_id="r@x").body  # type: ignore[arg-type]  # references


def steps(one: Engine, message_id: str) -> list[str]:
    return [row.step for row in one.timeline(message_id)]


# --- the way out ---


def test_stored_first_then_sent_then_taken_then_receipted() -> None:
    wire = Script()
    one = engine(wire)
    sent = one.outbox.submit(parcel(), NOW)
    assert (one.outbox.status(sent).state, wire.sent) == (State.QUEUED, [])
    assert one.send_one(NOW)
    assert one.outbox.status(sent).state is State.TAKEN
    assert taken(one, receipt_for(one, sent)) == (None, 202)
    delivery = one.outbox.status(sent)
    assert delivery.state is State.RECEIPTED
    assert delivery.receipt is not None
    assert inspect(delivery.receipt.evidence).judgement.result is Result.ACCEPT
    assert steps(one, sent) == ["queued", "sent", "taken", "receipted"]
    assert not one.send_one(NOW)


def test_one_id_names_one_content_for_ever() -> None:
    one = engine(Script())
    assert one.outbox.submit(parcel(), NOW) == one.outbox.submit(parcel(), NOW + SECOND)
    with pytest.raises(UsageError, match="already sent with other content"):
        one.outbox.submit(attrs.evolve(parcel(), payload=b"<other/>"), NOW)
    with pytest.raises(UsageError, match="is the outbox of"):
        one.outbox.submit(attrs.evolve(parcel(), sender=BE), NOW)
    with pytest.raises(UsageError, match="knows no institution"):
        one.outbox.submit(attrs.evolve(parcel(), receiver=type(BE)("XX:1234")), NOW)
    with pytest.raises(UsageError, match="same id"):
        one.outbox.submit(parcel("x", (Part("a", b""), Part("a", b""))), NOW)
    with pytest.raises(UsageError, match="letters"):
        one.outbox.submit(parcel("y", (Part("../../etc/passwd", b""),)), NOW)


def test_message_and_case_event_are_stored_together_or_not_at_all() -> None:
    one = engine(Script())

    def both() -> None:
        with one.outbox.store.begin() as unit:
            one.outbox.submit(parcel(), NOW, unit=unit)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        both()
    with pytest.raises(UsageError, match="sent no message"):
        one.outbox.status("m-1@test")


@pytest.mark.parametrize(
    "answer",
    [Answer(503), Answer(408), Answer(429), Unreachable("x", maybe_sent=False), Unreachable("x", maybe_sent=True)],
)
def test_the_stored_bytes_are_sent_again_after_a_passing_failure(answer: Answer | Exception) -> None:
    wire = Script(answer)
    one = engine(wire)
    sent = one.outbox.submit(parcel(), NOW)
    one.send_one(NOW)
    assert one.outbox.status(sent).state is State.QUEUED
    assert not one.send_one(NOW + 4 * SECOND), "too early"
    assert one.send_one(NOW + 5 * SECOND)
    assert wire.sent[0] == wire.sent[1]
    assert one.outbox.status(sent).state is State.TAKEN


@pytest.mark.parametrize("status", [400, 403, 404, 413])
def test_other_failures_are_final_and_can_be_redriven(status: int) -> None:
    wire = Script(Answer(status))
    one = engine(wire)
    sent = one.outbox.submit(parcel(), NOW)
    one.send_one(NOW)
    [dead] = one.outbox.dead()
    assert (dead.message_id, dead.state) == (sent, State.FAILED)
    assert f"HTTP {status}" in (dead.reason or "")
    assert one.outbox.redrive(NOW, dry_run=True) == (sent,)
    assert one.outbox.status(sent).state is State.FAILED
    assert one.outbox.redrive(NOW, ["nothing"]) == ()
    assert one.outbox.redrive(NOW) == (sent,)
    one.send_one(NOW)
    assert wire.sent[0] == wire.sent[1]
    assert one.outbox.status(sent).state is State.TAKEN


def test_retries_used_up() -> None:
    wire = Script(*[Answer(503)] * 10)
    one = engine(wire, changes={"retry": {"attempts": 3, "circuit_failures": 100}})
    sent = one.outbox.submit(parcel(), NOW)
    for minute in range(60):
        one.send_one(NOW + minute * 60 * SECOND)
    assert len(wire.sent) == 3
    assert one.outbox.status(sent).state is State.FAILED


def test_a_circuit_leaves_a_dead_address_alone() -> None:
    wire = Script(*[Answer(503)] * 2)
    one = engine(wire, changes={"retry": {"circuit_failures": 2, "circuit_seconds": 600, "first_seconds": 1}})
    for number in range(3):
        one.outbox.submit(parcel(f"m-{number}", conversation=f"c-{number}"), NOW)
    one.send_one(NOW)
    one.send_one(NOW)
    assert not one.send_one(NOW + 30 * SECOND), "the circuit is open"
    assert one.send_one(NOW + 601 * SECOND)
    assert one.send_one(NOW + 601 * SECOND), "one success closes it"


def test_a_receipt_that_does_not_come_ends_in_missing_receipt() -> None:
    one = engine(Script())
    sent = one.outbox.submit(parcel(), NOW)
    one.send_one(NOW)
    assert one.outbox.tick(NOW + dt.timedelta(hours=23)) == ()
    assert one.outbox.tick(NOW + dt.timedelta(hours=25)) == (sent,)
    assert (one.outbox.status(sent).reason or "").startswith("EBMS:0301")
    assert taken(one, receipt_for(one, sent)) == (None, 202), "a late receipt still counts"
    assert one.outbox.status(sent).state is State.RECEIPTED


def test_end_to_end_resends_before_giving_up() -> None:
    wire = Script()
    one = engine(wire, changes={"receipt": {"hours": 1.0, "resends": 2}})
    sent = one.outbox.submit(parcel(), NOW)
    moment = NOW
    for _ in range(3):
        assert one.send_one(moment)
        moment += dt.timedelta(hours=2)
        given_up = one.outbox.tick(moment)
    assert given_up == (sent,)
    assert len(wire.sent) == 3
    assert len(set(wire.sent)) == 1


def test_order_in_a_conversation() -> None:
    wire = Script(Answer(503))
    one = engine(wire)
    first, second = (one.outbox.submit(parcel(name, conversation="c"), NOW) for name in ("m-1", "m-2"))
    other = one.outbox.submit(parcel("m-3", conversation="d"), NOW)
    one.send_one(NOW)
    assert one.send_one(NOW)
    assert not one.send_one(NOW), "the second waits for the first"
    assert [one.outbox.status(name).state for name in (first, second, other)] == [
        State.QUEUED,
        State.QUEUED,
        State.TAKEN,
    ]
    strict = engine(Script(), changes={"ordering": {"per_conversation": "receipted"}})
    first, second = (strict.outbox.submit(parcel(name, conversation="c"), NOW) for name in ("m-1", "m-2"))
    assert strict.send_one(NOW)
    assert not strict.send_one(NOW)
    taken(strict, receipt_for(strict, first))
    assert strict.send_one(NOW)


def test_a_worker_that_died_while_sending_gives_its_message_back() -> None:
    one = engine(Script())
    one.outbox.submit(parcel(), NOW)
    assert one.outbox.next(NOW) is not None
    assert one.outbox.next(NOW) is None, "it is reserved"
    again = one.outbox.next(NOW + dt.timedelta(minutes=6))
    assert again is not None
    assert again.attempt == 2


def test_the_table_of_states_is_closed() -> None:
    assert set(MOVES) == set(State)
    assert MOVES[State.RECEIPTED] == frozenset()
    for targets in MOVES.values():
        assert targets <= set(State)


# --- receipts and errors ---


def test_a_receipt_with_wrong_digests_confirms_nothing() -> None:
    one = engine(Script())
    sent = one.outbox.submit(parcel(), NOW)
    one.send_one(NOW)
    other = packet(message_id="other").references
    for references in (other, (), other[:1]):
        taken(one, receipt_for(one, sent, references=references))
    assert one.outbox.status(sent).state is State.TAKEN
    assert "invalid_receipt" in steps(one, sent)


def test_a_forged_receipt_and_one_for_an_unknown_message() -> None:
    one = engine(Script())
    sent = one.outbox.submit(parcel(), NOW)
    one.send_one(NOW)
    assert taken(one, receipt_for(one, sent, signer=DE))[0] == "EBMS:0101"
    assert taken(one, receipt_for(one, "unknown@x"))[0] == "EBMS:0101", "nobody is pinned for it"
    assert one.outbox.status(sent).state is State.TAKEN


def test_errors_of_the_partner_and_of_the_access_point() -> None:
    for signer, ended in ((BE, State.FAILED), ("FR:AP", State.FAILED), (DE, State.TAKEN)):
        one = engine(Script())
        sent = one.outbox.submit(parcel(), NOW)
        one.send_one(NOW)
        error = compose_error("EBMS:0010", "x", load_pmode("eessi"), demo_key(signer), NOW, message_id="e", ref_to=sent)
        taken(one, error.body)
        assert one.outbox.status(sent).state is ended, signer
    warning = engine(Script())
    sent = warning.outbox.submit(parcel(), NOW)
    warning.send_one(NOW)
    told = compose_error("EBMS:0002", "x", load_pmode("eessi"), demo_key(BE), NOW, message_id="e", ref_to=sent)
    taken(warning, told.body)
    assert warning.outbox.status(sent).state is State.TAKEN


def unsigned_error(ref_to: str) -> bytes:
    error = compose_error("EBMS:0004", "x", load_pmode("eessi"), demo_key(BE), NOW, message_id="e", ref_to=ref_to).body
    return error[: error.index(b"<wsse:Security")] + error[error.index(b"</wsse:Security>") + 16 :]


def test_an_unsigned_error_counts_only_as_the_answer_to_its_own_message() -> None:
    allowed: dict[str, dict[str, object]] = {"security": {"unsigned_errors": True}}
    for changes, ref_to, ended in (
        (allowed, "m-1@test", State.FAILED),
        (allowed, "m-2@test", State.TAKEN),
        ({}, "m-1@test", State.TAKEN),
    ):
        one = engine(Script(Answer(200, "application/soap+xml", unsigned_error(ref_to))), changes=changes)
        sent = one.outbox.submit(parcel(), NOW)
        one.send_one(NOW)
        assert one.outbox.status(sent).state is ended
    pushed = engine(Script(), changes=allowed)
    sent = pushed.outbox.submit(parcel(), NOW)
    pushed.send_one(NOW)
    assert taken(pushed, unsigned_error(sent))[0] == "EBMS:0103", "anybody could have sent it"
    assert pushed.outbox.status(sent).state is State.TAKEN


def test_where_unsigned_messages_are_agreed_a_broken_signature_is_still_refused() -> None:
    one = receiver(security={"require_signed": False})
    source = packet(pmode=load_pmode("eessi", {"security": {"sign": False}}))
    assert taken(one, source.body, source.content_type) == (None, 202)
    assert one.send_one(NOW)
    assert b"UserMessage" in one.wire.sent[0][2], "the receipt repeats the message"  # type: ignore[attr-defined]  # a Script
    changed, kind = repacked(packet(message_id="m-2"), text=lambda body: body.replace(b">Send<", b">Send <"))
    assert taken(one, changed, kind)[0] == "EBMS:0101"
    laid_out, kind = repacked(
        packet(message_id="m-3"), text=lambda body: body.replace(b"<eb:UserMessage>", b"\n <eb:UserMessage>")
    )
    assert taken(one, laid_out, kind)[0] == "EBMS:0101", "laid out after it was signed"


def test_an_error_after_the_receipt_changes_nothing() -> None:
    one = engine(Script())
    sent = one.outbox.submit(parcel(), NOW)
    one.send_one(NOW)
    taken(one, receipt_for(one, sent))
    error = compose_error("EBMS:0004", "x", load_pmode("eessi"), demo_key(BE), NOW, message_id="e", ref_to=sent)
    taken(one, error.body)
    assert one.outbox.status(sent).state is State.RECEIPTED


def test_a_signal_in_the_answer_counts_whatever_the_status_is() -> None:
    refusal = compose_error(
        "EBMS:0020", "x", load_pmode("eessi"), demo_key("FR:AP"), NOW, message_id="e", ref_to="m-1@test"
    )
    for status in (200, 400, 500):
        one = engine(Script(Answer(status, refusal.content_type, refusal.body)))
        sent = one.outbox.submit(parcel(), NOW)
        one.send_one(NOW)
        assert (one.outbox.status(sent).state, one.outbox.status(sent).reason) == (
            State.FAILED,
            "EBMS:0020 RoutingFailure",
        )


# --- the way in ---


def receiver(**changes: dict[str, object]) -> Engine:
    return engine(Script(), me=BE, changes=changes)


def test_stored_receipted_handed_over_once() -> None:
    one = receiver()
    source = packet(attachments=(Part("a.pdf", b"%PDF", "application/pdf", {"Note": "n"}),))
    assert taken(one, source.body, source.content_type) == (None, 202)
    assert one.send_one(NOW)
    url, kind, body = one.wire.sent[0]  # type: ignore[attr-defined]  # a Script
    assert url == POINT
    envelope = read_envelope(unpack(body, kind).root.body)
    [unit] = envelope.units
    assert (unit.ref_to, unit.references) == ("m-1@test", source.references)  # type: ignore[union-attr]  # a receipt
    routing = read_routing(envelope)
    assert routing is not None
    assert (routing.message.sender.id, routing.message.receiver.id, routing.message.action) == (BE, FR, "Send.response")
    [got] = one.inbox.waiting(NOW)
    assert (got.payload, got.sender, got.conversation_id) == (PAYLOAD, FR, "case-1")
    assert got.attachments == (Part("a.pdf", b"%PDF", "application/pdf", {"Note": "n"}),)
    assert list(one.inbox.waiting(NOW)) == []
    assert steps(one, "m-1@test") == ["received", "delivered"]


def test_an_application_that_breaks_off_gets_the_message_again_or_puts_it_into_quarantine() -> None:
    one = receiver()
    source = packet()
    taken(one, source.body, source.content_type)
    for _ in one.inbox.waiting(NOW):
        break
    [got] = [next(one.inbox.waiting(NOW))]
    one.inbox.delivered(got.message_id, NOW, reason="not valid: SCH-MISSING")
    assert list(one.inbox.waiting(NOW)) == []
    assert steps(one, "m-1@test") == ["received", "quarantined"]
    with pytest.raises(UsageError):
        one.inbox.delivered("nothing", NOW)


def test_a_duplicate_gets_the_same_receipt_and_goes_no_further() -> None:
    one = receiver()
    source = packet()
    for _ in range(3):
        taken(one, source.body, source.content_type)
        one.send_one(NOW)
    receipts = {body for _, _, body in one.wire.sent}  # type: ignore[attr-defined]  # a Script
    assert (len(one.wire.sent), len(receipts)) == (3, 1)  # type: ignore[attr-defined]  # a Script
    assert len(list(one.inbox.waiting(NOW))) == 1


def test_a_used_id_with_other_content_is_refused() -> None:
    one = receiver()
    source, other = packet(), packet(attachments=(Part("a", b"x"),))
    taken(one, source.body, source.content_type)
    assert taken(one, other.body, other.content_type)[0] == "EBMS:0003"
    assert len(list(one.inbox.waiting(NOW))) == 1


def test_receipts_in_the_answer() -> None:
    one = receiver(receipt={"pattern": "response"})
    source = packet()
    found = one.take(source.body, source.content_type, NOW)
    assert (found.answer.status, found.message_id) == (200, "m-1@test")
    assert inspect(found.answer.body, found.answer.content_type).kind == "receipt"
    again = one.take(source.body, source.content_type, NOW)
    assert (again.answer, again.duplicate) == (found.answer, True)


def test_wrong_recipient_unknown_mode_and_ping() -> None:
    stranger = engine(Script(), me=DE)
    source = packet()
    assert taken(stranger, source.body, source.content_type)[0] == "EBMS:0003"
    one = receiver()
    other = packet(pmode=load_pmode("eessi", {"business": {"action": "Other"}}))
    assert taken(one, other.body, other.content_type)[0] == "EBMS:0010"
    ping = packet(
        pmode=load_pmode("eessi", {"business": {"service": TEST_SERVICE, "service_type": None, "action": TEST_ACTION}})
    )
    assert taken(one, ping.body, ping.content_type)[0] is None
    assert list(one.inbox.waiting(NOW)) == []
    assert one.send_one(NOW), "a ping is receipted"


def test_refusals_are_signed_errors_routed_back_to_a_known_sender() -> None:
    one = receiver()
    other = packet(pmode=load_pmode("eessi", {"business": {"action": "Other"}}))
    taken(one, other.body, other.content_type)
    one.send_one(NOW)
    [(_, kind, body)] = one.wire.sent  # type: ignore[attr-defined]  # a Script
    found = inspect(body, kind)
    assert (found.kind, found.judgement.result) == ("error", Result.ACCEPT)
    assert found.judgement.envelope is not None
    routing = read_routing(found.judgement.envelope)
    assert routing is not None
    assert routing.message.mpc == DEFAULT_MPC + ".error"


def test_signals_are_never_answered() -> None:
    one = receiver()
    error = compose_error("EBMS:0004", "x", load_pmode("eessi"), demo_key(DE), NOW, message_id="e", ref_to="x")
    found = one.take(error.body, error.content_type, NOW)
    assert (found.answer.body, one.send_one(NOW)) == (b"", False)


@pytest.mark.parametrize("data", [b"", b"hello", b"\x89PNG\r\n\x1a\n", b"<a/>", b"{}"])
def test_what_is_no_as4_is_answered_with_400(data: bytes) -> None:
    assert taken(receiver(), data)[1] == 400


def test_pull_requests_at_an_institution_are_refused() -> None:
    one = receiver()
    request = compose_pull("x", load_pmode("eessi"), demo_key(FR), NOW, message_id="p")
    assert taken(one, request.body, request.content_type)[1] == 403


def test_bundled_receipts_and_message_are_all_handled() -> None:
    from eessi import _xml
    from eessi.transport import wss
    from eessi.transport.compose import user_message
    from eessi.transport.ebms import ReceiptSignal, write_envelope
    from eessi.transport.mime import MimePart, pack

    one = engine(Script(), me=BE)
    sent = one.outbox.submit(Parcel(BE, FR, PAYLOAD, message_id="out"), NOW)
    one.send_one(NOW)
    packed = unpack(one.wire.sent[0][2], one.wire.sent[0][1])  # type: ignore[attr-defined]  # a Script
    signed = wss.verify(read_envelope(packed.root.body), {part.content_id or "": part for part in packed.parts})
    assert signed is not None
    pmode = load_pmode("eessi", {"packaging": {"compress": False}})
    units = (ReceiptSignal("r", "2026-01-05T08:00:00Z", sent, signed.references), user_message(parcel(), pmode, NOW))
    parts = [MimePart.of(PAYLOAD, "application/xml", "DefaultSED")]
    envelope = write_envelope(units, ids={"messaging": "m", "body": "b"})
    wss.sign(envelope, parts, demo_key(FR), id="t")
    kind, data = pack(_xml.serialise(envelope.root), parts)
    assert taken(one, data, kind)[0] is None
    assert one.outbox.status(sent).state is State.RECEIPTED
    assert len(list(one.inbox.waiting(NOW))) == 1


def test_a_certificate_that_expires_between_two_tries() -> None:
    """The stored bytes go out again as they are; whoever checks them on the later day refuses them, and says so."""
    one = receiver()
    source = packet()
    later = dt.datetime(2030, 1, 1, tzinfo=dt.UTC)
    assert taken(one, source.body, source.content_type, later)[0] == "EBMS:0101"
    assert taken(one, source.body, source.content_type)[0] is None


# --- pulling ---


def test_the_pause_between_pulls_grows_from_one_to_twenty_five_seconds() -> None:
    corners = four_corners()
    one = corners.engines[0]
    pulls = []
    for _ in range(200):
        before = len(corners.wire.requests)
        one.step(corners.now)
        if len(corners.wire.requests) > before:
            pulls.append((corners.now - NOW).total_seconds())
        corners.advance(SECOND)
    pauses = [later - earlier for earlier, later in itertools.pairwise(pulls)]
    assert pauses[:6] == [1, 2, 4, 8, 16, 25]
    assert set(pauses[6:]) == {25}
    assert one.silent(corners.now) == ()


def test_an_alarm_before_the_24_hours_of_decision_e6() -> None:
    one = engine(Script(*[Unreachable("x", maybe_sent=False)] * 20))
    for hour in range(13):
        one.pull_one(CHANNEL, NOW + dt.timedelta(hours=hour))
    assert one.silent(NOW + dt.timedelta(hours=12)) == ()
    assert one.silent(NOW + dt.timedelta(hours=13)) == ("business",)


def test_what_another_worker_was_answered_is_no_silence() -> None:
    """Two engines over one store: each pulls the channel only at times, and the alarm is about both."""
    store = fresh_store()
    idle = engine(Script(*[Unreachable("x", maybe_sent=False)] * 2), store=store)
    busy = engine(Script(*[Answer(202)] * 2), store=store)
    idle.pull_one(CHANNEL, NOW)
    busy.pull_one(CHANNEL, NOW + dt.timedelta(hours=20))
    assert idle.silent(NOW + dt.timedelta(hours=21)) == ()
    assert busy.silent(NOW + dt.timedelta(hours=33)) == ("business",)
    again = engine(Script(*[Unreachable("x", maybe_sent=False)] * 2), store=store)
    again.pull_one(CHANNEL, NOW + dt.timedelta(hours=33))
    assert again.silent(NOW + dt.timedelta(hours=33)) == ("business",), "a start is no answer"


def test_a_warning_that_the_access_point_did_not_sign_is_no_good_answer() -> None:
    for signer, name, ended in (
        ("FR:AP", "1@" + FR, Pulled.EMPTY),
        (DE, "1@" + FR, Pulled.FAILED),
        ("FR:AP", "old", Pulled.FAILED),
    ):
        warning = compose_error(
            "EBMS:0006", "x", load_pmode("eessi"), demo_key(signer), NOW, message_id="w", ref_to=name
        )
        one = engine(Script(Answer(200, warning.content_type, warning.body)))
        assert one.pull_one(CHANNEL, NOW) is ended, (signer, name)


def point_and_request(
    signer: str = FR, mpc: str = f"{DEFAULT_MPC}/{FR}", at: dt.datetime = NOW
) -> tuple[FourCorners, bytes, str]:
    request = compose_pull(mpc, load_pmode("eessi"), demo_key(signer), at, message_id="p-1")
    return four_corners(), request.body, request.content_type


def test_bad_pull_requests_are_refused() -> None:
    for signer, mpc in (
        (DE, f"{DEFAULT_MPC}/{FR}"),
        (FR, f"{DEFAULT_MPC}/{BE}"),
        (FR, DEFAULT_MPC),
        (BE, f"{DEFAULT_MPC}/{FR}"),
    ):
        corners, data, kind = point_and_request(signer, mpc)
        assert corners.access_points[0].inbox(data, kind, NOW).status == 403
    corners, data, kind = point_and_request()
    assert (
        corners.access_points[0].inbox(data.replace(b"PullRequest mpc", b"PullRequest  mpc"), kind, NOW).status == 200
    )
    unsigned = data[: data.index(b"<wsse:Security")] + data[data.index(b"</wsse:Security>") + 16 :]
    assert corners.access_points[0].inbox(unsigned, kind, NOW).status == 403


def test_a_replayed_or_stale_pull_request_is_refused() -> None:
    corners, data, kind = point_and_request()
    point = corners.access_points[0]
    assert point.inbox(data, kind, NOW).status == 200
    assert point.inbox(data, kind, NOW).status == 403
    for skew, status in ((4, 200), (-4, 200), (6, 403), (-6, 403)):
        corners, data, kind = point_and_request(at=NOW + dt.timedelta(minutes=skew))
        assert corners.access_points[0].inbox(data, kind, NOW).status == status, skew


def test_two_that_pull_at_once_get_each_message_once_and_an_unreceipted_one_may_be_pulled_again() -> None:
    corners = four_corners()
    for number in range(3):
        corners.second.send(Parcel(BE, FR, PAYLOAD, message_id=f"m-{number}", conversation_id=f"c-{number}"))
    for _ in range(3):
        corners.engines[1].send_one(corners.now)
    while any(point.step(corners.now) for point in corners.access_points):
        pass
    point = corners.access_points[0]

    def pull(number: int, at: dt.datetime) -> bytes:
        request = compose_pull(f"{DEFAULT_MPC}/{FR}", load_pmode("eessi"), demo_key(FR), at, message_id=f"p-{number}")
        return point.inbox(request.body, request.content_type, at).body

    got = [pull(number, corners.now) for number in range(4)]
    ids = [read_envelope(unpack(one, None).root.body).units[0].message_id for one in got[:3]]
    assert sorted(ids) == ["m-0", "m-1", "m-2"]
    assert b"EBMS:0006" in got[3]
    assert pull(5, corners.now + dt.timedelta(minutes=11)) == got[0]


# --- the four corners ---


def corners_with(*faults: Trouble, changes: dict[str, dict[str, object]] | None = None) -> FourCorners:
    quiet: Callable[[int], Sequence[Trouble]] = troubles(())
    return four_corners(faults=(troubles(faults), quiet), changes=changes)


def test_from_corner_to_corner_and_back() -> None:
    corners = corners_with()
    sent = corners.first.send(parcel(attachments=(Part("a.pdf", b"%PDF", "application/pdf"),)))
    corners.run()
    [got] = corners.second.receive()
    assert (got.payload, got.attachments[0].data) == (PAYLOAD, b"%PDF")
    assert corners.first.status(sent).state is State.RECEIPTED
    for one in corners.engines:
        assert verify_journal(one.timeline()) is None


def test_a_ping_is_receipted_by_the_far_institution_and_handed_to_nobody() -> None:
    corners = corners_with()
    sent = corners.engines[0].outbox.ping(BE, corners.now)
    corners.run()
    assert corners.first.status(sent).state is State.RECEIPTED
    assert list(corners.second.receive()) == []
    assert steps(corners.engines[1], sent) == ["received"]


def test_forwarding_does_not_touch_what_is_signed_and_encrypts_between_the_access_points() -> None:
    corners = corners_with()
    corners.first.send(parcel())
    corners.run()
    on_the_way = [body for url, _, body in corners.wire.requests if url.endswith("Inbound")]
    assert b"EncryptedKey" in on_the_way[0]
    handed_in = next(body for url, _, body in corners.wire.requests if url.endswith("APFR01/Outbox"))
    with corners.engines[1].outbox.store.read() as unit:
        from eessi.stores.mail import MailRows

        row = MailRows(unit).received("m-1@test")
    assert row is not None
    first, last = (inspect(data).judgement.signed for data in (handed_in, row.body))
    assert first is not None
    assert last is not None
    assert first.references == last.references
    plain = four_corners(encrypt=False)
    plain.first.send(parcel())
    plain.run()
    bodies = {
        body
        for url, _, body in plain.wire.requests
        if b"m-1@test" in body and b"UserMessage" in body and "Inbox" not in url and b"Receipt>" not in body
    }
    assert len(bodies) == 1, "byte for byte"


@pytest.mark.parametrize("fault", ["refused", "disk_full", "killed", "slow", "late", "duplicate", "reordered"])
def test_passing_faults_delay_and_nothing_more(fault: str) -> None:
    corners = corners_with(
        Trouble(fault, 1, dt.timedelta(minutes=3)), changes={"ordering": {"per_conversation": "none"}}
    )  # type: ignore[arg-type]  # converted
    ids = [corners.first.send(parcel(f"m-{number}")) for number in range(3)]
    corners.run(until=dt.timedelta(minutes=6))
    assert sorted(one.message_id for one in corners.second.receive()) == ids
    assert {corners.first.status(one).state for one in ids} == {State.RECEIPTED}


def test_a_lost_message_is_missed_and_redriven() -> None:
    corners = corners_with(Trouble("lost", 1))  # type: ignore[arg-type]  # converted
    sent = corners.first.send(parcel())
    corners.run()
    assert corners.first.status(sent).state is State.TAKEN
    corners.advance(dt.timedelta(hours=25))
    corners.run()
    assert (corners.first.status(sent).reason or "").startswith("EBMS:0301")
    corners.engines[0].outbox.redrive(corners.now)
    corners.run()
    assert corners.first.status(sent).state is State.RECEIPTED
    assert len(list(corners.second.receive())) == 1


def test_a_lost_receipt_the_same_id_again_one_delivery() -> None:
    corners = four_corners(
        faults=(troubles(()), troubles([Trouble("lost", 1)])), changes={"receipt": {"hours": 1.0, "resends": 1}}
    )  # type: ignore[arg-type]  # converted
    sent = corners.first.send(parcel())
    corners.run()
    assert corners.first.status(sent).state is State.TAKEN
    corners.advance(dt.timedelta(hours=2))
    corners.run()
    assert corners.first.status(sent).state is State.RECEIPTED
    assert len(list(corners.second.receive())) == 1
    assert steps(corners.engines[1], sent) == ["received", "duplicate", "delivered"]


def test_a_tampered_message_is_refused_and_its_sender_told() -> None:
    corners = four_corners(encrypt=False, faults=(troubles([Trouble("tampered", 1)]), troubles(())))  # type: ignore[arg-type]  # converted
    sent = corners.first.send(parcel())
    corners.run()
    assert list(corners.second.receive()) == []
    delivery = corners.first.status(sent)
    assert (delivery.state, delivery.reason) == (State.FAILED, "EBMS:0101 FailedAuthentication")


def test_nothing_the_access_point_does_not_serve_is_taken() -> None:
    corners = corners_with()
    point = corners.access_points[0]
    foreign = packet(signer=DE)
    assert point.outbox(foreign.body, foreign.content_type, NOW).status == 400
    nowhere = attrs.evolve(parcel(), receiver=DE)
    from eessi.transport.compose import compose_user

    lost = compose_user(nowhere, load_pmode("eessi"), demo_key(FR), NOW)
    answer = point.outbox(lost.body, lost.content_type, NOW)
    assert b"EBMS:0020" in answer.body


def test_only_simulated_institutions_are_played() -> None:
    from eessi.transport.access_point import AccessPoint, Served

    for partner in (
        Partner(FR, (demo_key(FR).certificate,)),
        Partner(FR, (demo_key(FR, marked=False).certificate,), simulated=True),
    ):
        with pytest.raises(SecurityError):
            AccessPoint(FR, demo_key("FR:AP"), load_pmode("eessi"), Script(), served=[Served(partner, "x")])


# --- evidence ---


def test_the_journal_is_a_chain_that_shows_every_change() -> None:
    one = receiver()
    source = packet()
    taken(one, source.body, source.content_type)
    list(one.inbox.waiting(NOW))
    rows = one.timeline()
    assert verify_journal(rows) is None
    for index, row in enumerate(rows):
        for change in ({"detail": "x"}, {"at": "x"}, {"step": "x"}, {"message_id": "x"}, {"evidence": b"x"}):
            changed = [*rows]
            changed[index] = attrs.evolve(row, **change)
            assert verify_journal(changed) == row.no
    assert verify_journal(rows[1:]) is not None
