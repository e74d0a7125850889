"""One contract for every transport: in memory, AS4 through access points, AS4 directly, and a gateway's folders."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Callable
from pathlib import Path

import attrs
import pytest

from eessi import _xml
from eessi.errors import UsageError
from eessi.transport import InMemoryNetwork, Parcel, Part, State, Transport
from eessi.transport.corners import As4Transport
from eessi.transport.demo_keys import demo_key
from eessi.transport.engine import Engine
from eessi.transport.identity import FixedPartners, Identity, Partner
from eessi.transport.local import LocalWire
from eessi.transport.pmode import load_pmode
from eessi.transport.spool import AS4NET, SpoolTransport, read_submit
from tests.transport.messages import BE, FR, NOW, PAYLOAD, four_corners, fresh_store


@attrs.frozen
class Pair:
    """Two institutions and what lets messages move between them."""

    first: Transport
    second: Transport
    move: Callable[[], object]


def in_memory(_: Path) -> Pair:
    network = InMemoryNetwork()
    return Pair(network.endpoint(FR), network.endpoint(BE), network.settle)


def through_access_points(_: Path) -> Pair:
    corners = four_corners()
    return Pair(corners.first, corners.second, corners.run)


def directly(_: Path) -> Pair:
    wire = LocalWire(lambda: NOW)
    engines = []
    for me, other in ((FR, BE), (BE, FR)):
        certificate = demo_key(other).certificate
        partner = Partner(other, (certificate,), f"local://{other}", certificate, simulated=True)
        engine = Engine(
            fresh_store(), Identity(me, demo_key(me)), FixedPartners([partner]), load_pmode("edelivery"), wire
        )
        wire.serve(f"local://{me}", lambda body, kind, at, engine=engine: engine.take(body, kind, at).answer)  # type: ignore[misc]  # bound now
        engines.append(engine)
    first, second = (As4Transport(engine, lambda: NOW) for engine in engines)
    return Pair(first, second, lambda: [engine.run_until_idle(lambda: NOW) for engine in engines])


def through_folders(place: Path) -> Pair:
    ends = {
        name: SpoolTransport(name, out=place / name[:2] / "out", incoming=place / name[:2] / "in", notifications=place / name[:2] / "told")
        for name in (FR, BE)
    }  # fmt: skip
    counter = itertools.count()

    def gateway() -> None:
        """What the gateways do: take, carry, deliver once, notify."""
        for end in ends.values():
            for file in sorted(end.out.glob("*.xml"), key=lambda one: one.stat().st_mtime_ns):
                submit = read_submit(_xml.parse(file.read_bytes()))
                target = ends[BE if submit.receiver == BE else FR]
                data = file.read_bytes().replace(b"SubmitMessage", b"DeliverMessage")
                for payload in submit.payloads:
                    name = payload.location.rsplit("/", 1)[-1]
                    (target.incoming / name).write_bytes((end.out / name).read_bytes())
                (target.incoming / f"{next(counter):04d}.xml").write_bytes(data)
                file.rename(file.with_name(f"{file.name}.accepted"))
                told = f'<NotifyMessage xmlns="{AS4NET}"><MessageInfo><RefToMessageId>{submit.message_id}</RefToMessageId></MessageInfo><StatusInfo><Status>Delivered</Status></StatusInfo></NotifyMessage>'
                (end.notifications / f"{next(counter):04d}.xml").write_text(told)

    return Pair(ends[FR], ends[BE], gateway)


@pytest.fixture(params=[in_memory, through_access_points, directly, through_folders], ids=lambda one: one.__name__)
def pair(request: pytest.FixtureRequest, tmp_path: Path) -> Pair:
    return request.param(tmp_path)  # type: ignore[no-any-return]  # one of the four


def parcel(message_id: str = "", conversation: str = "case-1") -> Parcel:
    return Parcel(
        FR,
        BE,
        PAYLOAD,
        (Part("a.pdf", b"%PDF\r\n\x00\xff", "application/pdf", {"Note": "ø"}),),
        message_id,
        conversation,
    )


def test_a_parcel_arrives_as_it_was_sent(pair: Pair) -> None:
    sent = pair.first.send(parcel("m-1@test"))
    pair.move()
    assert list(pair.second.receive()) == [parcel("m-1@test")]
    assert sent == "m-1@test"
    assert list(pair.second.receive()) == []


def test_each_gets_an_id_of_its_own_where_none_is_given(pair: Pair) -> None:
    ids = {pair.first.send(parcel()) for _ in range(3)}
    pair.move()
    assert {one.message_id for one in pair.second.receive()} == ids
    assert len(ids) == 3


def test_sent_is_known_and_receipted_is_by_the_receiver(pair: Pair) -> None:
    sent = pair.first.send(parcel())
    assert pair.first.status(sent).state is not State.FAILED
    pair.move()
    delivery = pair.first.status(sent)
    assert delivery.state is State.RECEIPTED
    assert delivery.receipt is not None
    assert (delivery.receipt.message_id, delivery.receipt.by) == (sent, BE)
    assert delivery.receipt.at.tzinfo is not None


def test_the_same_parcel_again_is_one_message_and_other_content_is_refused(pair: Pair) -> None:
    assert pair.first.send(parcel("m-1")) == pair.first.send(parcel("m-1"))
    with pytest.raises(UsageError):
        pair.first.send(attrs.evolve(parcel("m-1"), payload=b"<other/>"))
    pair.move()
    assert len(list(pair.second.receive())) == 1


def test_order_in_a_conversation(pair: Pair) -> None:
    for number in range(5):
        pair.first.send(parcel(f"m-{number}"))
    pair.move()
    assert [one.message_id for one in pair.second.receive()] == [f"m-{number}" for number in range(5)]


def test_whoever_breaks_off_gets_the_parcel_again(pair: Pair) -> None:
    pair.first.send(parcel("m-1"))
    pair.move()
    for _ in pair.second.receive():
        break
    assert [one.message_id for one in pair.second.receive()] == ["m-1"]


def test_foreign_parcels_and_unknown_ids(pair: Pair) -> None:
    with pytest.raises(UsageError):
        pair.second.send(parcel())
    with pytest.raises(UsageError):
        pair.first.status("nothing")


def test_an_answer_goes_the_other_way(pair: Pair) -> None:
    pair.first.send(parcel())
    pair.move()
    list(pair.second.receive())
    pair.second.send(Parcel(BE, FR, b"<answer/>", conversation_id="case-1"))
    pair.move()
    assert [one.payload for one in pair.first.receive()] == [b"<answer/>"]


# --- only the folders ---


def test_a_deliver_message_never_reaches_outside_its_folder(tmp_path: Path) -> None:
    end = SpoolTransport(BE, out=tmp_path / "out", incoming=tmp_path / "in", notifications=tmp_path / "told")
    (tmp_path / "secret").write_text("secret")
    for number, place in enumerate(
        (f"file://{tmp_path}/secret", "../secret", "..", "/etc/passwd", "file:///..\\..\\secret", "")
    ):
        text = f'<DeliverMessage xmlns="{AS4NET}"><PartyInfo><FromParty><PartyIds><PartyId><Id>{FR}</Id></PartyId></PartyIds></FromParty></PartyInfo><Payloads><Payload><Id>x</Id><MimeType>a/b</MimeType><Location>{place}</Location></Payload></Payloads></DeliverMessage>'
        (end.incoming / f"{number}.xml").write_text(text)
    (end.incoming / "broken.xml").write_text("<!DOCTYPE a []><a/>")
    assert list(end.receive()) == []
    assert len(list(end.incoming.glob("*.rejected"))) == 7


def test_no_name_of_ours_comes_from_a_message(tmp_path: Path) -> None:
    end = SpoolTransport(FR, out=tmp_path / "out", incoming=tmp_path / "in", notifications=tmp_path / "told")
    end.send(Parcel(FR, BE, b"<a/>", (Part("../../x", b""),), "../../../etc/passwd"))
    assert {file.parent for file in tmp_path.rglob("*") if file.is_file()} == {end.out}


def test_the_gateway_tells_of_a_failure(tmp_path: Path) -> None:
    end = SpoolTransport(FR, out=tmp_path / "out", incoming=tmp_path / "in", notifications=tmp_path / "told")
    sent = end.send(parcel())
    [file] = end.out.glob("*.xml")
    file.rename(file.with_name(f"{file.name}.exception"))
    assert end.status(sent).state is State.FAILED
    other = end.send(parcel())
    told = f'<NotifyMessage xmlns="{AS4NET}"><MessageInfo><RefToMessageId>{other}</RefToMessageId></MessageInfo><StatusInfo><Status>Error</Status></StatusInfo></NotifyMessage>'
    (end.notifications / "1.xml").write_text(told)
    assert end.status(other).reason == "the gateway tells Error"


def test_what_is_laid_down_is_valid_by_the_published_schema(tmp_path: Path, shared: Path) -> None:
    from lxml import etree

    end = SpoolTransport(FR, out=tmp_path / "out", incoming=tmp_path / "in", notifications=tmp_path / "told")
    end.send(parcel())
    [file] = end.out.glob("*.xml")
    schema = etree.XMLSchema(etree.parse(str(shared / "as4" / "schemas" / "as4net" / "submitmessage-schema.xsd")))
    assert schema.validate(_xml.parse(file.read_bytes())), schema.error_log
    assert dt.datetime.now(dt.UTC) - end.status(
        read_submit(_xml.parse(file.read_bytes())).message_id or ""
    ).since < dt.timedelta(minutes=1)
