"""``eessi as4 inspect`` and ``eessi access-point``: words, codes and JSON by the contract."""

from __future__ import annotations

import datetime as dt
import functools
import json
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, pkcs12

from eessi.cli.program import run
from eessi.transport import Part
from eessi.transport.demo_keys import demo_key
from eessi.transport.pmode import load_pmode
from tests.transport.messages import BE, DE, FR, packet, repacked


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A whole message, a changed one, an encrypted one, keys and certificates; the password in the environment."""
    source = packet(attachments=(Part("a.pdf", b"%PDF", "application/pdf"),))
    (tmp_path / "whole.as4").write_bytes(source.body)
    (tmp_path / "changed.as4").write_bytes(repacked(source, text=lambda body: body.replace(b">Send<", b">Sent<"))[0])
    sealed = packet(pmode=load_pmode("edelivery"))
    (tmp_path / "sealed.as4").write_bytes(sealed.body)
    for name in (FR, BE, DE):
        (tmp_path / f"{name[:2]}.crt").write_bytes(demo_key(name).certificate.public_bytes(Encoding.PEM))
    own = demo_key(BE)
    (tmp_path / "own.p12").write_bytes(
        pkcs12.serialize_key_and_certificates(
            b"k", own.private_key, own.certificate, None, BestAvailableEncryption(b"word")
        )
    )
    monkeypatch.setenv("EESSI_KEY_PASSWORD", "word")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def report(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict[str, object]]:
    code = run(["as4", "inspect", *arguments, "--format", "json"])
    return code, json.loads(capsys.readouterr().out)


def test_the_json_of_an_accepted_message(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, found = report(capsys, "whole.as4")
    assert code == 0
    assert next(iter(found)) == "schema_version"
    assert {"result", "code", "parts", "header", "signature", "findings", "not_checked"} <= set(found)
    assert (found["result"], found["code"], found["findings"]) == ("accept", None, [])
    assert found["not_checked"] == [{"what": "certificate", "why": "no trusted certificate was given"}]
    assert [part["content_id"] for part in found["parts"]][1:] == ["DefaultSED", "a.pdf"]  # type: ignore[attr-defined]  # a list
    assert found["signature"]["covers"]["parts"] == ["DefaultSED", "a.pdf"]  # type: ignore[index]  # a mapping


def test_trust_require_and_dates(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert report(capsys, "whole.as4", "--trust", "FR.crt", "--on", "2026-01-05")[1]["not_checked"] == []
    assert report(capsys, "whole.as4", "--trust", "DE.crt")[1]["code"] == "EBMS:0101"
    assert report(capsys, "whole.as4", "--trust", "DE.crt", "--trust", "FR.crt")[0] == 0
    assert report(capsys, "whole.as4", "--trust", "FR.crt", "--on", "2040-01-01")[1]["code"] == "EBMS:0101"
    code, found = report(capsys, "whole.as4", "--require", "signed,encrypted")
    assert (code, found["code"]) == (1, "EBMS:0103")


def test_a_changed_message(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, found = report(capsys, "changed.as4")
    assert (code, found["result"], found["code"]) == (1, "reject", "EBMS:0101")
    assert run(["as4", "inspect", "changed.as4"]) == 1
    text = capsys.readouterr().out
    assert "reject EBMS:0101" in text
    assert "hint:" in text


def test_decryption_with_the_password_from_environment_or_file(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert report(capsys, "sealed.as4")[1]["code"] == "EBMS:0102"
    assert report(capsys, "sealed.as4", "--key", "own.p12", "--require", "signed,encrypted")[0] == 0
    (folder / "pw").write_text("word\n")
    assert report(capsys, "sealed.as4", "--key", "own.p12", "--password-file", "pw")[0] == 0
    (folder / "pw").write_text("wrong\n")
    assert run(["as4", "inspect", "sealed.as4", "--key", "own.p12", "--password-file", "pw"]) == 4
    error = capsys.readouterr().err
    assert "wrong password" in error
    assert "word\n" not in error.replace("password", "")


def test_values_of_properties_are_shown_on_request_only(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = packet(pmode=load_pmode("eessi", {"packaging": {"originator_properties": True}}))
    (folder / "p.as4").write_bytes(source.body)
    run(["as4", "inspect", "p.as4", "--format", "json"])
    shy = json.loads(capsys.readouterr().out)["header"]["units"][0]["properties"]
    run(["as4", "inspect", "p.as4", "--format", "json", "--show-values"])
    open_ = json.loads(capsys.readouterr().out)["header"]["units"][0]["properties"]
    assert shy == [{"name": "originalSender"}, {"name": "finalRecipient"}]
    assert open_[0] == {"name": "originalSender", "value": FR}


@pytest.mark.parametrize(
    ("content", "code", "kind"),
    [
        (b"\x89PNG\r\n\x1a\n", 1, "unreadable"),
        (b"<a/>", 1, "unreadable"),
        (b"<!DOCTYPE a [<!ENTITY x 'y'>]><a>&x;</a>", 1, "unreadable"),
        (b"<StandardBusinessDocument/>", 3, "document"),
        (b"--b\r\n\r\n", 1, "unreadable"),
    ],
)
def test_bad_input_gives_a_result_and_no_traceback(
    folder: Path, capsys: pytest.CaptureFixture[str], content: bytes, code: int, kind: str
) -> None:
    (folder / "bad").write_bytes(content)
    got, found = report(capsys, "bad")
    assert (got, found["kind"]) == (code, kind)


def test_empty_and_missing_files_are_one_line_and_exit_4(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "empty").write_bytes(b"")
    for name in ("empty", "missing"):
        assert run(["as4", "inspect", name]) == 4
        assert len(capsys.readouterr().err.splitlines()) == 1


@pytest.mark.parametrize("arguments", [["--require", "secret"], ["--on", "soon"]])
def test_wrong_usage(folder: Path, capsys: pytest.CaptureFixture[str], arguments: list[str]) -> None:
    assert run(["as4", "inspect", "whole.as4", *arguments]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_the_double_is_described_and_listens_on_loopback_only(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["access-point", "init", "ap"]) == 0
    assert (folder / "ap" / "access-point.pem").stat().st_mode & 0o077 == 0
    assert run(["access-point", "run", "--config", "ap/access-point.toml", "--host", "0.0.0.0"]) == 2
    assert "loopback" in capsys.readouterr().err
    assert run(["access-point", "run", "--config", "nothing.toml"]) == 4
    (folder / "broken.toml").write_text("name = 1")
    assert run(["access-point", "run", "--config", "broken.toml"]) == 5
    (folder / "latin.toml").write_bytes(b'name = "Li\xe8ge"')
    capsys.readouterr()
    assert run(["access-point", "run", "--config", "latin.toml"]) == 5
    assert "latin.toml: this is no TOML" in capsys.readouterr().err


def test_the_described_double_can_be_built(folder: Path) -> None:
    from eessi.transport.access_point_config import load_access_point, write_demo
    from eessi.transport.local import LocalWire

    file = write_demo(folder / "ap")
    point = load_access_point(file, LocalWire(lambda: None))  # type: ignore[arg-type, return-value]  # never asked
    assert set(point.served) == {FR, BE}


def test_the_double_runs_and_answers(folder: Path) -> None:
    """As a user starts it: keys made, the command running, an institution that sends, the other that pulls."""
    from eessi.ids import InstitutionId
    from eessi.transport import Parcel, State
    from eessi.transport.engine import Engine
    from eessi.transport.http_client import HttpWire
    from eessi.transport.identity import AccessPointLink, Channel, FixedPartners, Identity, Partner
    from eessi.transport.names import DEFAULT_MPC
    from eessi.transport.wss import KeyPair, load_certificates
    from tests.transport.messages import fresh_store

    assert run(["access-point", "init", "ap"]) == 0
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [
        sys.executable,
        "-c",
        "from eessi.cli import main; main()",
        "access-point",
        "run",
        "--config",
        "ap/access-point.toml",
        "--port",
        str(port),
    ]
    address = f"http://127.0.0.1:{port}/Business"
    point = load_certificates((folder / "ap" / "access-point.crt").read_bytes())
    keys = {name: KeyPair.load((folder / "ap" / f"{name.replace(':', '-')}.pem").read_bytes()) for name in (FR, BE)}
    engines = {}
    with (
        subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process,
        HttpWire() as wire,
    ):
        for me, other in ((FR, BE), (BE, FR)):
            channel = Channel("business", f"{DEFAULT_MPC}/{me}", f"{address}/Inbox")
            link = AccessPointLink(f"{address}/Outbox", point, (channel,))
            partners = FixedPartners([Partner(other, (keys[other].certificate,), simulated=True)], link)
            engines[me] = Engine(fresh_store(), Identity(me, keys[me]), partners, load_pmode("eessi"), wire)
        try:
            now = functools.partial(dt.datetime.now, dt.UTC)
            assert process.stdout is not None
            assert b"listens on" in process.stdout.readline()
            for _ in range(100):
                with socket.socket() as probe:
                    if probe.connect_ex(("127.0.0.1", port)) == 0:
                        break
                time.sleep(0.1)
            sent = engines[FR].outbox.submit(Parcel(InstitutionId(FR), InstitutionId(BE), b"<a/>"), now())
            deadline = time.monotonic() + 40
            while engines[FR].outbox.status(sent).state is not State.RECEIPTED and time.monotonic() < deadline:
                for engine in engines.values():
                    engine.step(now())
                time.sleep(0.05)
            delivery = engines[FR].outbox.status(sent)
            assert delivery.state is State.RECEIPTED, delivery
            assert [one.payload for one in engines[BE].inbox.waiting(now())] == [b"<a/>"]
        finally:
            process.terminate()
            process.wait(timeout=20)
