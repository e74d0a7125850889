"""The nodes of ``test_large.py``, each a process of its own that says how much memory it took.

``large_runner.py send PORT FOLDER FILE`` sends the file beside a document, ``pull PORT FOLDER DIGEST`` waits for it, applies the
document and reads the file from its store; the rest is as in ``tests/transport/large_runner.py``.
"""

from __future__ import annotations

import hashlib
import sys
import time
from pathlib import Path

from eessi.node import Node, Vault
from eessi.sed import Attachment, build
from tests.transport.large_runner import ENDS, engine, now, peak


def node_of(side: int, port: int, folder: Path) -> Node:
    end = engine(side, port, folder)
    return Node(end.outbox.store, end, Vault(bytes(32)))


def send(port: int, folder: Path, file: Path) -> None:
    node = node_of(0, port, folder)
    case_id = str(node.start("LA_BUC_01", [ENDS[1]], version="4.4"))
    scan = Attachment.read(file, limit=1_000_000_000)
    sent = node.send(case_id, build("A001", {}, version="1.0", draft=True), attachments=[scan])
    until = time.monotonic() + 1200
    while node.engine.outbox.status(sent.message_ids[0]).state != "receipted":
        assert time.monotonic() < until, node.engine.outbox.status(sent.message_ids[0])
        if not node.step():
            time.sleep(0.1)


def pull(port: int, folder: Path, digest: str) -> None:
    node, until = node_of(1, port, folder), time.monotonic() + 1200
    while not (got := list(node.receive())):
        assert time.monotonic() < until, node.held() or "nothing came"
        if not node.step():
            time.sleep(0.1)
    [part] = node.document(got[0].case_id, got[0].document_id, who="reader").attachments
    found = hashlib.sha256()
    with part.open() as stream:
        while piece := stream.read(1 << 20):
            found.update(piece)
    assert found.hexdigest() == digest, "another content"
    node.engine.run_until_idle(now)


if __name__ == "__main__":
    role, port, folder, what = sys.argv[1:]
    if role == "send":
        send(int(port), Path(folder), Path(what))
    else:
        pull(int(port), Path(folder), what)
    print(peak())
