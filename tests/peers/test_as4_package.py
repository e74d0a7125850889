"""The Python package ``as4`` (PyPI) as a third peer, in an environment of its own: it wants an older cryptography."""

from __future__ import annotations

import datetime as dt
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import attrs
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from eessi import _xml
from eessi.transport import wss
from eessi.transport.compose import compose_receipt
from eessi.transport.demo_keys import demo_key
from eessi.transport.ebms import write_envelope
from eessi.transport.judge import Judgement, Result, judge
from eessi.transport.mime import MimePart, pack
from eessi.transport.pmode import load_pmode
from eessi.transport.policy import EnvelopePolicy

pytestmark = pytest.mark.peers
NAMES = ("PTE000001", "PTE000002")
NOW = dt.datetime.now(dt.UTC)


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory, absent: Callable[[str], None]) -> Path:
    """An interpreter that has the package."""
    place = tmp_path_factory.mktemp("as4-environment")
    subprocess.run([sys.executable, "-m", "venv", str(place)], check=True)
    done = subprocess.run(
        [str(place / "bin" / "pip"), "install", "-q", "as4==0.2.0"],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    if done.returncode != 0:
        absent("the Python package as4")
    return place / "bin" / "python"


class Peer:
    """The running peer."""

    def __init__(self, process: subprocess.Popen[str], folder: Path) -> None:
        self.process, self.folder = process, folder

    def order(self, line: str) -> str:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()


@pytest.fixture
def peer(python: Path, tmp_path: Path) -> Iterator[Peer]:
    for name in NAMES:
        key = demo_key(name)
        (tmp_path / f"{name}.crt").write_bytes(key.certificate.public_bytes(Encoding.PEM))
        private = key.private_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        (tmp_path / f"{name}.key").write_bytes(private)
    command = [str(python), str(Path(__file__).parent / "as4_peer.py"), str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=tmp_path) as process:
        assert process.stdout is not None
        assert process.stdout.readline().strip() == "built"
        yield Peer(process, tmp_path)
        assert process.stdin is not None
        process.stdin.close()
        process.wait(timeout=20)


def read(peer: Peer) -> Judgement:
    """What it built, judged as strictly as anything: signed by its pinned key and encrypted for ours."""
    headers = json.loads((peer.folder / "built.json").read_text())
    kind = next(value for name, value in headers.items() if name.lower() == "content-type")
    return judge(
        (peer.folder / "built.body").read_bytes(), kind, policy=EnvelopePolicy(require_encrypted=True),
        keys=[demo_key(NAMES[1])], signers=lambda _envelope, _on: [demo_key(NAMES[0]).certificate], on=NOW,
    )  # fmt: skip


def test_its_message_is_accepted_and_it_accepts_our_receipt(peer: Peer) -> None:
    found = read(peer)
    assert found.result is Result.ACCEPT, found.detail
    assert b"synthetic" in found.payloads[0].content()
    assert found.envelope is not None
    assert found.envelope.user_message is not None
    assert found.signed is not None
    receipt = compose_receipt(
        found.envelope.user_message.message_id, found.signed.references, load_pmode("edelivery"), demo_key(NAMES[1]), NOW, message_id="r@x"
    )  # fmt: skip
    (peer.folder / "receipt").write_bytes(receipt.body)
    assert peer.order("receipt receipt") == "receipt accepted"
    wrong = compose_receipt(
        found.envelope.user_message.message_id, found.signed.references[:1], load_pmode("edelivery"), demo_key(NAMES[0]), NOW, message_id="r@x"
    )  # fmt: skip
    (peer.folder / "wrong").write_bytes(wrong.body)
    assert peer.order("receipt wrong").startswith("receipt refused")


def test_it_accepts_what_we_sign_and_encrypt(peer: Peer) -> None:
    """Its own header and payload, signed and encrypted anew by us: its profile wants a Peppol envelope."""
    found = read(peer)
    assert found.envelope is not None
    message = found.envelope.user_message
    assert message is not None
    own = attrs.evolve(
        message, message_id="ours@test", timestamp=NOW.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    )
    parts = [MimePart.of(one.body, "application/gzip", one.id) for one in found.payloads]
    envelope = write_envelope((own,), ids={"messaging": "m", "body": "b"})
    wss.sign(envelope, parts, demo_key(NAMES[1]), id="t")
    sealed = wss.encrypt(envelope, parts, demo_key(NAMES[1]).certificate, id="t", reference="bst")
    kind, data = pack(_xml.serialise(envelope.root), sealed)
    (peer.folder / "ours").write_bytes(data)
    (peer.folder / "ours.json").write_text(json.dumps({"Content-Type": kind}))
    assert peer.order("read ours ours.json") == "message accepted"
