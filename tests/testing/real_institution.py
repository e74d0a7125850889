"""A process of its own: an access-point double and, behind it, a node that plays a real institution.

Run as ``python real_institution.py FOLDER``; it writes the double's address to ``FOLDER/address`` once it listens.
``FOLDER/habit`` says what it answers a request with: a SED code, ``nothing`` (it receipts and stays silent), ``broken`` (no
SED), or ``gone`` (the access point takes messages, nobody fetches them); it is read again and again.
"""

from __future__ import annotations

import datetime as dt
import sys
import time
from pathlib import Path

from eessi.ids import InstitutionId
from eessi.node import Node
from eessi.node.config import open_node, write_demo
from eessi.schemas import Registry
from eessi.sed import build
from eessi.transport import Parcel
from eessi.transport.access_point_config import load_access_point
from eessi.transport.http_client import HttpWire
from eessi.transport.http_server import as4_app
from tests.peers.loopback import served

PLAYED, REAL = "FR:0100000001", "BE:0203980409"
PERSON = {"familyName": "Testperson", "forename": "Ada", "dateBirth": "1980-01-15", "sex": "02"}


def main(folder: Path) -> None:
    with HttpWire() as wire:
        point = load_access_point(folder / "access-point.toml", wire)
        doors = {f"/Business/{door}": getattr(point, door.lower()) for door in ("Outbox", "Inbox", "Inbound")}
        with served(as4_app(doors)) as address:
            file = write_demo(folder / "node", folder / "access-point.toml", REAL, base_url=address)
            node = open_node(file, wire, registry=Registry.default())
            pull = node.engine.pmode.pull.model_copy(update={"shortest_seconds": 0.1, "longest_seconds": 0.2})
            node.engine.pmode = node.engine.pmode.model_copy(update={"pull": pull})
            (folder / "address.part").write_text(address)
            (folder / "address.part").rename(folder / "address")
            while True:
                point.step(dt.datetime.now(dt.UTC))
                habit = (folder / "habit").read_text()
                if habit != "gone":
                    work(node, habit)
                time.sleep(0.02)


def work(node: Node, habit: str) -> None:
    node.engine.step(dt.datetime.now(dt.UTC))
    node.apply_next()
    for received in node.receive():
        if habit == "nothing" or received.sed != "A001":
            continue
        if habit == "broken":
            parcel = Parcel(InstitutionId(REAL), InstitutionId(PLAYED), b"<html>maintenance</html>")
            node.engine.outbox.submit(parcel, dt.datetime.now(dt.UTC))
            continue
        sed = build(habit, {"Person": {"PersonIdentification": PERSON}}, version="1.0")
        node.send(received.case_id, sed, parent_id=received.document_id)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
