"""The processes of ``test_large.py``: two institutions and two access points over HTTP; each says how much memory it took.

``large_runner.py make FILE SIZE`` writes the keys and a file that does not compress; ``point SIDE PORT PORT FOLDER`` is an access point, ``send
PORT FOLDER FILE`` the sender, ``pull PORT FOLDER DIGEST`` the receiver. Memory is the peak of resident pages in KiB.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import random
import sys
import threading
import time
from pathlib import Path

from eessi.ids import InstitutionId

ENDS = InstitutionId("FR:0100000001"), InstitutionId("BE:0203980409")
POINTS = InstitutionId("FR:APFR01"), InstitutionId("BE:APBE01")
MPC = "http://docs.oasis-open.org/ebxml-msg/ebms/v3.0/ns/core/200704/defaultMPC/"


def now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def peak() -> int:
    """Of this program alone: what ``getrusage`` says counts the process that started it as well, which may be larger."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0])


def key_of(folder: Path, name: str):  # type: ignore[no-untyped-def]  # only used here
    from eessi.transport.wss import KeyPair

    return KeyPair.load((folder / f"{name.replace(':', '-')}.pem").read_bytes(), None, source=name)


def engine(side: int, port: int, folder: Path):  # type: ignore[no-untyped-def]  # only used here
    from eessi.stores import Store
    from eessi.transport.engine import Engine
    from eessi.transport.http_client import HttpWire
    from eessi.transport.identity import AccessPointLink, Channel, FixedPartners, Identity, Partner
    from eessi.transport.pmode import load_pmode

    me, other = ENDS[side], ENDS[1 - side]
    base = f"http://127.0.0.1:{port}"
    link = AccessPointLink(
        f"{base}/Outbox",
        (key_of(folder, POINTS[side]).certificate,),
        (Channel("business", f"{MPC}{me}", f"{base}/Inbox"),),
    )
    partners = FixedPartners([Partner(other, (key_of(folder, other).certificate,), simulated=True)], link)
    store = Store.open(folder / f"{side}.sqlite")
    return Engine(store, Identity(me, key_of(folder, me)), partners, load_pmode("eessi"), HttpWire(timeout=300))


def point(side: int, port: int, other_port: int, folder: Path) -> None:
    import uvicorn

    from eessi.transport.access_point import AccessPoint, Neighbour, Served
    from eessi.transport.http_client import HttpWire
    from eessi.transport.http_server import as4_app
    from eessi.transport.identity import Partner
    from eessi.transport.pmode import load_pmode

    me, other = ENDS[side], ENDS[1 - side]
    served = [Served(Partner(me, (key_of(folder, me).certificate,), simulated=True), f"{MPC}{me}")]
    beyond = Neighbour(
        POINTS[1 - side],
        f"http://127.0.0.1:{other_port}/Inbound",
        frozenset({other}),
        key_of(folder, POINTS[1 - side]).certificate,
    )
    made = AccessPoint(
        POINTS[side],
        key_of(folder, POINTS[side]),
        load_pmode("eessi"),
        HttpWire(timeout=300),
        served=served,
        neighbours=[beyond],
    )
    app = as4_app({f"/{door}": getattr(made, door.lower()) for door in ("Outbox", "Inbox", "Inbound")})
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="error"))
    stop = folder / "stop"

    def forward() -> None:
        while not stop.exists():
            if not made.step(now()):
                time.sleep(0.05)
        server.should_exit = True

    threading.Thread(target=forward, daemon=True).start()
    server.run()


def send(port: int, folder: Path, file: Path) -> None:
    from eessi.octets import Bulk
    from eessi.transport import Parcel, Part, State

    end = engine(0, port, folder)
    part = Part("scan.bin", Bulk.of(file), "application/octet-stream")
    parcel = Parcel(ENDS[0], ENDS[1], b"<document>synthetic</document>", (part,), "m-large", "case-1")
    end.outbox.submit(parcel, now(), proved=True)
    until = time.monotonic() + 600
    while end.outbox.status("m-large").state is not State.RECEIPTED:
        assert time.monotonic() < until, end.outbox.status("m-large")
        if not end.step(now()):
            time.sleep(0.1)


def pull(port: int, folder: Path, digest: str) -> None:

    end = engine(1, port, folder)
    until = time.monotonic() + 600
    while not (got := list(end.inbox.waiting(now()))):
        assert time.monotonic() < until, "nothing came"
        if not end.step(now()):
            time.sleep(0.1)
    [part] = got[0].attachments
    found = hashlib.sha256()
    with part.open() as stream:
        while piece := stream.read(1 << 20):
            found.update(piece)
    assert found.hexdigest() == digest, "another content"
    end.run_until_idle(now)


def make(file: Path, size: int) -> None:
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    from eessi.transport.demo_keys import demo_key

    for name in (*ENDS, *POINTS):
        key = demo_key(name)
        pem = key.private_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        pem += key.certificate.public_bytes(Encoding.PEM)
        (file.parent / f"{name.replace(':', '-')}.pem").write_bytes(pem)
    chance, found = random.Random(file.name), hashlib.sha256()
    with file.open("wb") as stream:
        for at in range(0, size, 1 << 20):
            piece = chance.randbytes(min(1 << 20, size - at))
            found.update(piece)
            stream.write(piece)
    print(found.hexdigest())


def main() -> None:
    role, *rest = sys.argv[1:]
    if role == "make":
        make(Path(rest[0]), int(rest[1]))
        return
    if role == "point":
        point(int(rest[0]), int(rest[1]), int(rest[2]), Path(rest[3]))
    elif role == "send":
        send(int(rest[0]), Path(rest[1]), Path(rest[2]))
    else:
        pull(int(rest[0]), Path(rest[1]), rest[2])
    print(peak())


if __name__ == "__main__":
    main()
