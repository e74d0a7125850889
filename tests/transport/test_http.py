"""The two edges over real HTTP on this machine, with slow, large and empty bodies."""

from __future__ import annotations

import datetime as dt
import socket
import ssl
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from eessi.errors import StoreError, UsageError
from eessi.transport.http_client import HttpWire, client_tls
from eessi.transport.http_server import as4_app
from eessi.transport.limits import Limits
from eessi.transport.wire import Answer, Unreachable
from tests.peers.loopback import served


def echo(body: bytes, kind: str, at: dt.datetime) -> Answer:
    if body == b"fail":
        raise StoreError("the disk is full")
    return Answer(200, kind, body)


def test_a_post_and_its_answer() -> None:
    with served(as4_app({"/as4": echo})) as address, HttpWire() as wire:
        kind = 'multipart/related; boundary="x"'
        assert wire.post(f"{address}/as4", kind, b"\x00\r\n\xff") == Answer(200, kind, b"\x00\r\n\xff")
        assert wire.post(f"{address}/other", kind, b"x").status == 404
        assert httpx.get(f"{address}/as4").status_code == 405


def test_what_cannot_be_stored_asks_the_sender_to_try_again() -> None:
    with served(as4_app({"/as4": echo})) as address, HttpWire() as wire:
        assert wire.post(f"{address}/as4", "", b"fail").status == 503


def test_bodies_over_the_cap_and_empty_ones() -> None:
    with served(as4_app({"/as4": echo}, limits=Limits(message=10))) as address, HttpWire() as wire:
        assert wire.post(f"{address}/as4", "", b"x" * 11).status == 413
        assert wire.post(f"{address}/as4", "", b"").status == 400
        chunked = httpx.post(f"{address}/as4", content=iter([b"x" * 6, b"x" * 6]))
        assert chunked.status_code == 413


def test_a_slow_sender_is_cut_off() -> None:
    with served(as4_app({"/as4": echo}, body_seconds=0.2)) as address:
        host, _, port = address.removeprefix("http://").partition(":")
        with socket.create_connection((host, int(port)), timeout=10) as connection:
            connection.sendall(b"POST /as4 HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nslow")
            assert connection.recv(100).startswith(b"HTTP/1.1 408")


def test_an_answer_over_the_cap_is_not_read_to_its_end() -> None:
    app = as4_app({"/as4": lambda body, kind, at: Answer(200, "", b"x" * 1000)})
    with (
        served(app) as address,
        HttpWire(limits=Limits(message=100)) as wire,
        pytest.raises(Unreachable, match="larger"),
    ):
        wire.post(f"{address}/as4", "", b"x")


def test_nobody_there() -> None:
    with HttpWire(timeout=5) as wire:
        with pytest.raises(Unreachable) as caught:
            wire.post("http://127.0.0.1:9/", "", b"x")
        assert not caught.value.maybe_sent
        with pytest.raises(Unreachable):
            wire.post("nonsense", "", b"x")


def test_tls_is_1_2_or_newer() -> None:
    assert client_tls().minimum_version == ssl.TLSVersion.TLSv1_2
    assert client_tls().verify_mode is ssl.CERT_REQUIRED
    with pytest.raises(UsageError, match="cannot be read"):
        client_tls(certificate=Path("nothing.pem"))


def test_both_sides_show_their_certificates(tmp_path: Path) -> None:
    """Mutual TLS: a server that wants a client certificate, a client that checks the server's."""
    server, client, stranger = (certificates(tmp_path, name) for name in ("server", "client", "stranger"))
    tls = {
        "ssl_certfile": server,
        "ssl_keyfile": server.with_suffix(".key"),
        "ssl_ca_certs": client,
        "ssl_cert_reqs": ssl.CERT_REQUIRED,
    }
    with served(as4_app({"/as4": echo}), **tls) as address:
        secure = address.replace("http://", "https://").replace("127.0.0.1", "localhost")
        known = client_tls(certificate=client, key=client.with_suffix(".key"), trusted=server)
        with HttpWire(tls=known) as wire:
            assert wire.post(f"{secure}/as4", "", b"x").body == b"x"
        for context in (
            client_tls(trusted=server),
            client_tls(certificate=stranger, key=stranger.with_suffix(".key"), trusted=server),
            client_tls(certificate=client, key=client.with_suffix(".key"), trusted=stranger),
        ):
            with HttpWire(tls=context) as wire, pytest.raises(Unreachable):
                wire.post(f"{secure}/as4", "", b"x")


def certificates(folder: Path, name: str) -> Path:
    """A certificate for this machine with its key beside it."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = folder / f"{name}.crt"
    file.write_bytes(made.public_bytes(Encoding.PEM))
    file.with_suffix(".key").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return file
