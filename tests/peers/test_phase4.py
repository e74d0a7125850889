"""phase4 from Maven Central as the other side, on loopback: signed, compressed, encrypted, receipted; push and pull."""

from __future__ import annotations

import datetime as dt
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, pkcs12

from eessi.ids import InstitutionId
from eessi.stores import Store
from eessi.transport import Parcel, Part, State
from eessi.transport.access_point import AccessPoint, Served
from eessi.transport.demo_keys import demo_key
from eessi.transport.engine import Engine, Pulled
from eessi.transport.http_client import HttpWire
from eessi.transport.http_server import as4_app
from eessi.transport.identity import AccessPointLink, Channel, FixedPartners, Identity, Partner
from eessi.transport.names import DEFAULT_MPC
from eessi.transport.pmode import load_pmode
from tests.peers.loopback import served

pytestmark = pytest.mark.peers

US, THEM, THIRD = InstitutionId("BE:0203980409"), InstitutionId("FR:0100000001"), InstitutionId("DE:0000000001")
HERE = Path(__file__).parent / "phase4"


def now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


class Phase4:
    """The running peer."""

    def __init__(self, port: int, folder: Path) -> None:
        self.url, self.folder = f"http://127.0.0.1:{port}", folder

    def order(self, what: str, body: bytes = b"", **parameters: str) -> str:
        answer = httpx.post(f"{self.url}/control/{what}", params=parameters, content=body, timeout=60)
        answer.raise_for_status()
        return answer.text

    def received(self, message_id: str) -> list[bytes]:
        folder = self.folder / "received" / message_id.replace("@", "_").replace(":", "_")
        return [file.read_bytes() for file in sorted(folder.glob("part-*"))] if folder.is_dir() else []


@pytest.fixture(scope="module")
def classpath(tmp_path_factory: pytest.TempPathFactory, absent: Callable[[str], None]) -> str:
    """The peer compiled, with phase4 and its dependencies."""
    if shutil.which("mvn") is None or shutil.which("java") is None:
        absent("Maven or Java")
    build = tmp_path_factory.mktemp("phase4-build")
    made = subprocess.run(
        [
            "mvn", "-q", "-B", "-f", str(HERE / "pom.xml"), f"-Dpeer.build={build}",
            "compile", "dependency:build-classpath", f"-Dmdep.outputFile={build}/classpath",
        ],
        capture_output=True, text=True, timeout=600, check=False,
    )  # fmt: skip
    if made.returncode != 0 and "Could not" in made.stdout:
        absent("phase4 from Maven Central")
    assert made.returncode == 0, made.stdout[-2000:]
    return f"{build}/classes:{(build / 'classpath').read_text()}"


@pytest.fixture(scope="module")
def phase4(classpath: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Phase4]:
    folder = tmp_path_factory.mktemp("phase4")
    own, other = demo_key(THEM), demo_key(US)
    (folder / "own.p12").write_bytes(
        pkcs12.serialize_key_and_certificates(
            b"peer", own.private_key, own.certificate, None, BestAvailableEncryption(b"secret")
        )
    )
    (folder / "other.crt").write_bytes(other.certificate.public_bytes(Encoding.PEM))
    command = [
        "java",
        "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
        f"-Dpeer.mpc={DEFAULT_MPC}/{US}",
        "-cp",
        classpath,
        "peer.Phase4Peer",
    ]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            [*command, str(folder), "secret", "peer"],
            cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True,
        )  # fmt: skip
        assert process.stdout is not None
        assert process.stdin is not None
        port = next((int(line.split()[1]) for line in process.stdout if line.startswith("port ")), None)
        assert port is not None, (folder / "log").read_text()[-2000:]
        yield Phase4(port, folder)
        process.stdin.close()
        process.wait(timeout=30)
        process.stdout.close()


@pytest.fixture
def engine(phase4: Phase4) -> Iterator[Engine]:
    """Our side, whose partner is phase4: direct exchange under the eDelivery profile."""
    certificate = demo_key(THEM).certificate
    partner = Partner(THEM, (certificate,), f"{phase4.url}/as4", certificate, simulated=True)
    channel = Channel("business", f"{DEFAULT_MPC}/{US}", f"{phase4.url}/as4")
    partners = FixedPartners([partner], AccessPointLink(f"{phase4.url}/as4", (certificate,), (channel,)))
    with Store.open("sqlite://") as store, HttpWire() as wire:
        yield Engine(store, Identity(US, demo_key(US)), partners, load_pmode("edelivery"), wire)


def test_we_push_and_phase4_receipts(engine: Engine, phase4: Phase4) -> None:
    parcel = Parcel(US, THEM, b"<a>synthetic</a>", (Part("x.pdf", b"%PDF-1.4 synthetic", "application/pdf"),))
    sent = engine.outbox.submit(parcel, now())
    assert engine.send_one(now())
    delivery = engine.outbox.status(sent)
    assert delivery.state is State.RECEIPTED, delivery.reason
    assert delivery.receipt is not None
    assert b"NonRepudiationInformation" in delivery.receipt.evidence
    assert phase4.received(sent) == [b"<a>synthetic</a>", b"%PDF-1.4 synthetic"]


@pytest.mark.parametrize("size", [0, 1, 100_000])
def test_sizes_and_line_ends_survive(engine: Engine, phase4: Phase4, size: int) -> None:
    payload = b"<a>\r\n" + b"\n\xc3\xb8 " * size + b"</a>\r\n"
    sent = engine.outbox.submit(Parcel(US, THEM, payload), now())
    engine.send_one(now())
    assert engine.outbox.status(sent).state is State.RECEIPTED
    assert phase4.received(sent) == [payload]


@pytest.mark.parametrize("reference", ["bst", "ski", "issuer_serial"])
def test_phase4_finds_our_certificate_in_three_ways(phase4: Phase4, reference: str) -> None:
    certificate = demo_key(THEM).certificate
    partner = Partner(THEM, (certificate,), f"{phase4.url}/as4", certificate, simulated=True)
    pmode = load_pmode("edelivery", {"security": {"key_reference": reference, "encryption_reference": reference}})
    with Store.open("sqlite://") as store, HttpWire() as wire:
        engine = Engine(store, Identity(US, demo_key(US)), FixedPartners([partner]), pmode, wire)
        sent = engine.outbox.submit(Parcel(US, THEM, b"<a/>"), now())
        engine.send_one(now())
        delivery = engine.outbox.status(sent)
    assert delivery.state is State.RECEIPTED, delivery.reason


def test_phase4_pushes_and_accepts_our_receipt(engine: Engine, phase4: Phase4) -> None:
    with served(as4_app({"/as4": lambda body, kind, at: engine.take(body, kind, at).answer})) as address:
        for _ in range(2):  # the second is a duplicate: the same receipt, no second delivery
            outcome = phase4.order(
                "send", b"<b>\xc3\xb8</b>", id="pushed@peer", **{"from": THEM}, to=US, url=f"{address}/as4"
            )
            assert outcome.splitlines() == ["SUCCESS", "receipt pushed@peer"], outcome
    assert [one.payload for one in engine.inbox.waiting(now())] == ["<b>ø</b>".encode()]


def test_what_is_agreed_to_be_encrypted_is_refused_in_clear(engine: Engine, phase4: Phase4) -> None:
    with served(as4_app({"/as4": lambda body, kind, at: engine.take(body, kind, at).answer})) as address:
        outcome = phase4.order(
            "send", b"<b/>", id="clear@peer", **{"from": THEM}, to=US, url=f"{address}/as4", encrypt="false"
        )
    assert "error EBMS:0103" in outcome, outcome
    assert list(engine.inbox.waiting(now())) == []


def test_phase4_refuses_a_signer_it_does_not_trust(phase4: Phase4) -> None:
    certificate = demo_key(THEM).certificate
    partner = Partner(THEM, (certificate,), f"{phase4.url}/as4", certificate, simulated=True)
    with Store.open("sqlite://") as store, HttpWire() as wire:
        engine = Engine(
            store, Identity(THIRD, demo_key(THIRD)), FixedPartners([partner]), load_pmode("edelivery"), wire
        )
        sent = engine.outbox.submit(Parcel(THIRD, THEM, b"<a/>"), now())
        engine.send_one(now())
        delivery = engine.outbox.status(sent)
    assert delivery.state is not State.RECEIPTED
    assert phase4.received(sent) == []


def test_phase4_authorises_our_pull_request_and_its_unsigned_answer_is_refused(engine: Engine, phase4: Phase4) -> None:
    """phase4 4.4.1 hands out a pulled message unsigned and without its parts, so nothing in it can be believed."""
    [channel] = engine.partners.access_point(now()).channels  # type: ignore[union-attr]  # the fixture gives one
    phase4.order("offer", f"pulled@peer\n{THEM}\n{US}\n<c>pulled</c>".encode())
    assert engine.pull_one(channel, now()) is Pulled.BROKEN
    assert any(file.name.startswith("pulled-") for file in (phase4.folder / "received").iterdir())
    assert list(engine.inbox.waiting(now())) == []
    [step] = [one for one in engine.timeline() if one.step == "refused"]
    assert step.detail.startswith("EBMS:0103")


def test_phase4_pulls_from_our_double(phase4: Phase4) -> None:
    partner = Partner(THEM, (demo_key(THEM).certificate,), simulated=True)
    pmode = load_pmode("edelivery")
    with Store.open("sqlite://") as store, HttpWire() as wire:
        point = AccessPoint(
            InstitutionId("EU:APTEST"), demo_key(US), pmode, wire,
            served=[Served(partner, f"{DEFAULT_MPC}/{THEM}"), Served(Partner(US, (demo_key(US).certificate,), simulated=True), "ours")],
        )  # fmt: skip
        doors = {"/Outbox": point.outbox, "/Inbox": point.inbox}
        with served(as4_app(doors)) as address:
            to = Partner(THEM, (demo_key(THEM).certificate,), encryption=demo_key(THEM).certificate, simulated=True)
            partners = FixedPartners([to], AccessPointLink(f"{address}/Outbox", (demo_key(US).certificate,)))
            engine = Engine(store, Identity(US, demo_key(US)), partners, pmode, wire)
            sent = engine.outbox.submit(Parcel(US, THEM, b"<d>for phase4</d>"), now())
            engine.send_one(now())
            assert engine.outbox.status(sent).state is State.TAKEN
            while point.step(now()):
                pass
            outcome = phase4.order("pull", mpc=f"{DEFAULT_MPC}/{THEM}", url=f"{address}/Inbox")
            assert outcome.splitlines() == ["SUCCESS", f"message {sent}"], outcome
            empty = phase4.order("pull", mpc=f"{DEFAULT_MPC}/{THEM}", url=f"{address}/Inbox")
            assert "error EBMS:0006" in empty, empty
    assert phase4.received(sent) == [b"<d>for phase4</d>"]
