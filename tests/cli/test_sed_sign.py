"""``eessi sed sign`` and ``verify``: proof first, one line on trouble, never a secret in it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import pkcs12

from eessi.cli.program import run
from eessi.schemas import Registry
from tests.sed.grown import document
from tests.sed.signing import certificate, key
from tests.sed.test_records import structure_of


@pytest.fixture
def files(tmp_path: Path) -> Path:
    registry = Registry.default()
    (tmp_path / "s071.xml").write_bytes(document(structure_of(registry, "S071"), 1, fill=1.0))
    (tmp_path / "a001.xml").write_bytes(document(structure_of(registry, "A001", "1.0"), 1))
    pem = certificate().public_bytes(serialization.Encoding.PEM)
    secret = serialization.BestAvailableEncryption(b"open sesame")
    form = serialization.PrivateFormat.PKCS8
    (tmp_path / "key.pem").write_bytes(key().private_bytes(serialization.Encoding.PEM, form, secret) + pem)
    (tmp_path / "cert.pem").write_bytes(pem)
    (tmp_path / "other.der").write_bytes(certificate(1).public_bytes(serialization.Encoding.DER))
    p12 = pkcs12.serialize_key_and_certificates(b"x", key(), certificate(), None, secret)
    (tmp_path / "key.p12").write_bytes(p12)
    (tmp_path / "password").write_text("open sesame\n", encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize("form", ["key.pem", "key.p12"])
def test_sign_and_verify(files: Path, form: str, capsys: pytest.CaptureFixture[str]) -> None:
    signed = files / "signed.xml"
    words = ["--key", str(files / form), "--password-file", str(files / "password"), "-o", str(signed)]
    assert run(["sed", "sign", str(files / "s071.xml"), *words]) == 0
    assert run(["sed", "verify", str(signed), "--trust", str(files / "cert.pem"), "--format", "json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["holds"] is True
    assert said["trusted"] is True
    assert run(["sed", "verify", str(signed)]) == 3
    assert "not checked: whether the signer is trusted" in capsys.readouterr().out
    assert run(["sed", "verify", str(signed), "--trust", str(files / "other.der")]) == 1
    assert run(["sed", "verify", str(signed), "--on", "2030-01-01"]) == 1
    assert run(["sed", "verify", str(files / "s071.xml"), "--format", "json"]) == 1
    assert '"holds": false' in capsys.readouterr().out


def test_the_password_may_stand_in_the_environment(files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EESSI_KEY_PASSWORD", "open sesame")
    out = str(files / "out.xml")
    assert run(["sed", "sign", str(files / "a001.xml"), "--key", str(files / "key.p12"), "-o", out]) == 1
    assert run(["sed", "sign", str(files / "a001.xml"), "--key", str(files / "key.p12"), "--loopback", "-o", out]) == 0


def test_trouble_is_one_line_without_secrets(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (files / "wrong").write_text("swordfish", encoding="utf-8")
    words = ["--key", str(files / "key.p12"), "--password-file", str(files / "wrong")]
    assert run(["sed", "sign", str(files / "s071.xml"), *words]) == 4
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "swordfish" not in error
    assert (
        run(
            [
                "sed",
                "sign",
                str(files / "none.xml"),
                "--key",
                str(files / "key.p12"),
                "--password-file",
                str(files / "password"),
            ]
        )
        == 4
    )
    assert run(["sed", "verify", str(files / "s071.xml"), "--trust", str(files / "s071.xml")]) == 4
