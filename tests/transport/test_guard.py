"""What may never leave this machine."""

from __future__ import annotations

import subprocess
import sys

import pytest

from eessi.errors import SecurityError
from eessi.transport.demo_keys import demo_key
from eessi.transport.guard import Guard, is_demo, is_loopback
from eessi.transport.identity import Identity, Partner
from eessi.transport.wss import fingerprint
from tests.transport.messages import BE, FR

REAL = demo_key("unmarked", marked=False)
ME, MARKED = Identity(FR, REAL), Identity(FR, demo_key(FR))
PARTNER = Partner(BE, (REAL.certificate,))
FAR = "https://access-point.example.test/Outbox"


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1:8480/x", "http://localhost/x", "https://[::1]/x", "local://ap/Outbox", "http://127.8.9.1/"],
)
def test_loopback(url: str) -> None:
    assert is_loopback(url)
    Guard().check_sending(url, MARKED, Partner(BE, (), simulated=True), proved=False)


@pytest.mark.parametrize(
    "url",
    [FAR, "http://10.0.0.1/", "http://127.0.0.1.example.test/", "http://localhost.example.test/", "", "https://[::2]/"],
)
def test_everything_else_is_away(url: str) -> None:
    assert not is_loopback(url)


def test_a_proved_document_of_real_partners_over_tls_may_go() -> None:
    Guard().check_sending(FAR, ME, PARTNER, proved=True)


@pytest.mark.parametrize(
    ("url", "me", "partner", "proved", "reason"),
    [
        (FAR.replace("https", "http"), ME, PARTNER, True, "TLS"),
        (FAR, MARKED, PARTNER, True, "made for tests"),
        (FAR, ME, Partner(BE, (demo_key(BE).certificate,)), True, "made for tests"),
        (FAR, ME, Partner(BE, (REAL.certificate,), simulated=True), True, "simulated"),
        (FAR, ME, PARTNER, False, "not proved valid"),
    ],
)
def test_what_is_held_back(url: str, me: Identity, partner: Partner, proved: bool, reason: str) -> None:
    with pytest.raises(SecurityError, match=reason):
        Guard().check_sending(url, me, partner, proved=proved)


def test_published_test_keys_are_known_by_their_fingerprints(monkeypatch: pytest.MonkeyPatch) -> None:
    import tomllib
    from importlib.resources import files

    rows = tomllib.loads(files("eessi.transport").joinpath("data", "test-certificates.toml").read_text())[
        "certificates"
    ]
    assert len(rows) >= 3
    assert all(len(row) == 64 for row in rows)
    assert is_demo(demo_key(FR).certificate)
    assert not is_demo(REAL.certificate)
    monkeypatch.setattr("eessi.transport.guard._known", lambda: {fingerprint(REAL.certificate)})
    assert is_demo(REAL.certificate)


def test_a_key_never_shows_itself() -> None:
    key = demo_key(FR)
    shown = repr(key) + str(key) + repr(MARKED)
    assert "PRIVATE" not in shown
    assert str(key.private_key.private_numbers().d) not in shown
    assert "RSAPrivateKey" not in shown


@pytest.mark.parametrize(
    ("absent", "module"),
    [
        ("cryptography", "eessi.transport.inspection"),
        ("cryptography", "eessi.transport.judge"),
        ("cryptography", "eessi.transport.corners"),
        ("cryptography", "eessi.transport.demo_keys"),
        ("httpx", "eessi.transport.http_client"),
        ("starlette", "eessi.transport.http_server"),
        ("sqlalchemy", "eessi.transport.engine"),
    ],
)
def test_a_missing_part_is_named_in_one_line(absent: str, module: str) -> None:
    code = (
        "import sys\n"
        f"sys.modules[{absent!r}] = None\n"
        "from eessi.errors import MissingExtra\n"
        f"try:\n    import {module}\nexcept MissingExtra as error:\n    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.startswith(("signing", "sending", "receiving", "keeping")), done.stderr[-500:]


def test_the_light_parts_need_nothing() -> None:
    code = (
        "import sys\nfor name in ('cryptography', 'httpx', 'starlette', 'sqlalchemy', 'pydantic'): sys.modules[name] = None\n"
        "import eessi.transport, eessi.transport.mime, eessi.transport.ebms, eessi.transport.multihop\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-500:]
