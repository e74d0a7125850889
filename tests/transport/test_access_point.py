"""The double keeps what it has taken: killed and started again, it passes everything on, once for whoever receives it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from eessi.cli.program import run
from eessi.octets import LARGE, Bulk
from eessi.transport import Part, State
from eessi.transport.access_point import AccessPoint, HopFault, Trouble, troubles
from eessi.transport.access_point_config import load_access_point, write_demo
from eessi.transport.shelf import Shelf
from eessi.transport.wire import Unreachable
from tests.transport.messages import BE, FR, NOW, four_corners, packet, parcel
from tests.transport.test_engine import Script


def double(folder: Path, *faults: Trouble) -> AccessPoint:
    """The first double of the four corners, with its queue in a folder; each call is a restart."""
    like = four_corners().access_points[0]
    return AccessPoint(
        like.name, like.key, like.pmode, like.wire, served=like.served.values(), neighbours=like.neighbours,
        faults=troubles(faults), shelf=Shelf(folder),
    )  # fmt: skip


def test_what_was_taken_outlives_the_double(tmp_path: Path) -> None:
    first = double(tmp_path, Trouble(HopFault.KILLED, 2), Trouble(HopFault.DUPLICATE, 3), Trouble(HopFault.LOST, 4))
    sources = [packet(message_id=f"m-{number}") for number in range(5)]
    for number, one in enumerate(sources):
        if number == 1:
            with pytest.raises(Unreachable):
                first.outbox(one.body, one.content_type, NOW)
        else:
            assert first.outbox(one.body, one.content_type, NOW).status == 202
    (tmp_path / "000000000099.part").write_bytes(b"half of a message")
    again, seen = double(tmp_path), Script()
    again.wire = seen
    assert again.waiting == 5
    while again.step(NOW):
        pass
    assert [one.message_id for one in first._forwards] == ["m-0", "m-1", "m-2", "m-2", "m-4"]
    assert len(seen.sent) == 5
    assert double(tmp_path).waiting == 0
    assert list(tmp_path.iterdir()) == []


def test_a_message_to_be_pulled_stays_until_its_receipt_has_passed(tmp_path: Path) -> None:
    corners = four_corners()
    point = corners.access_points[1]
    point._shelf = Shelf(tmp_path)
    corners.first.send(parcel(attachments=(Part("large", b"x" * LARGE),)))
    corners.engines[0].send_one(corners.now)
    while any(one.step(corners.now) for one in corners.access_points):
        pass
    [kept] = Shelf(tmp_path).held()
    assert (kept.receiver, kept.message_id, bytes(kept.data)) == (
        BE,
        "m-1@test",
        bytes(point._queues[f"{point.served[BE].mpc}"][0].data),
    )
    corners.run()
    assert corners.first.status("m-1@test").state is State.RECEIPTED
    assert list(tmp_path.iterdir()) == []


def test_a_large_message_is_read_from_its_file(tmp_path: Path) -> None:
    point = double(tmp_path)
    scan = Part("scan", os.urandom(LARGE + 1))
    source = packet(attachments=(scan,))
    assert point.outbox(source.body, source.content_type, NOW).status == 202
    [held] = Shelf(tmp_path).held()
    assert isinstance(held.data, Bulk)
    assert bytes(held.data) == bytes(source.body)


def test_faults_are_planted_in_the_file(tmp_path: Path) -> None:
    file = write_demo(tmp_path)
    file.write_text(file.read_text() + '\n[[fault]]\nname = "refused"\nnumber = 2\n')
    point = load_access_point(file, Script())
    assert [len(point._faults(number)) for number in (1, 2, 3)] == [0, 1, 0]


def started(config: Path, port: int) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", "from eessi.cli import main; main()", "access-point", "run"]
    process = subprocess.Popen([*command, "--config", str(config), "--port", str(port)], stdout=subprocess.DEVNULL)
    for _ in range(600):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return process
        time.sleep(0.1)
    process.kill()
    pytest.fail("the double did not start")


def test_at_three_in_the_morning(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A refused message, from the alarm to its delivery, with nothing but the commands."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    config = write_demo(tmp_path / "ap")
    config.write_text(config.read_text() + '\n[[fault]]\nname = "tampered"\nnumber = 1\n')
    ends = {}
    for name, institution in (("fr", FR), ("be", BE)):
        words = ["node", "init", str(tmp_path / name), "--access-point", str(config), "--institution", institution]
        assert run([*words, "--url", f"http://127.0.0.1:{port}"]) == 0
        ends[name] = ["--config", str(tmp_path / name / "node.toml")]
    from tests.node.conftest import sandbox

    (tmp_path / "a001.xml").write_bytes(sandbox("A001").data)
    process = started(config, port)
    store = ["--store", str(tmp_path / "fr" / "eessi.db")]

    def turn() -> None:
        for end in ("fr", "be", "fr"):
            assert run(["node", "run", *ends[end], "--once", "--pause", "0.3"]) == 0
        capsys.readouterr()

    try:
        assert run(["node", "send", str(tmp_path / "a001.xml"), *ends["fr"], "--buc", "LA_BUC_01", "--to", BE]) == 0
        turn()
        assert run(["node", "status", *store]) == 1
        assert "1 dead\n  which are dead and why: eessi node redrive --dry-run" in capsys.readouterr().out
        assert run(["node", "redrive", *ends["fr"], "--dry-run"]) == 0
        message_id, *why = capsys.readouterr().out.split()
        assert why[2:] == ["EBMS:0101", "FailedAuthentication"]
        assert run(["message", "show", message_id, *store]) == 0
        assert "detail: EBMS:0101 FailedAuthentication" in capsys.readouterr().out
        assert run(["message", "timeline", message_id, "--store", str(tmp_path / "be" / "eessi.db")]) == 0
        assert "a part was changed after it was signed" in capsys.readouterr().out, "the far side says more"
        assert run(["node", "redrive", *ends["fr"], "--message", message_id]) == 0
        turn()
        assert run(["node", "status", *store]) == 0
        assert run(["message", "show", message_id, *store]) == 0
        assert "receipted_at" in capsys.readouterr().out
        assert run(["message", "verify", *store]) == 0
    finally:
        process.terminate()
        process.wait(timeout=30)


def test_a_double_that_is_killed_as_a_user_runs_it_loses_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Sent to a double that dies at once, received from the one that is started after it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    config = write_demo(tmp_path / "ap")
    for name, institution in (("fr", FR), ("be", BE)):
        words = ["node", "init", str(tmp_path / name), "--access-point", str(config), "--institution", institution]
        assert run([*words, "--url", f"http://127.0.0.1:{port}"]) == 0
    ends = {name: ["--config", str(tmp_path / name / "node.toml")] for name in ("fr", "be")}
    document = tmp_path / "a001.xml"
    from tests.node.conftest import sandbox

    document.write_bytes(sandbox("A001").data)
    process = started(config, port)
    assert run(["node", "send", str(document), *ends["fr"], "--buc", "LA_BUC_01", "--to", BE]) == 0
    assert run(["node", "run", *ends["fr"], "--once", "--pause", "0.1"]) == 0
    process.send_signal(signal.SIGKILL)
    process.wait(timeout=30)
    assert len(list((tmp_path / "ap" / "queue").iterdir())) == 1
    process = started(config, port)
    try:
        for end in ("be", "fr", "be", "fr"):
            assert run(["node", "run", *ends[end], "--once", "--pause", "0.2"]) == 0
        capsys.readouterr()
        assert run(["node", "status", "--store", str(tmp_path / "be" / "eessi.db")]) == 0
        assert run(["message", "list", "--store", str(tmp_path / "fr" / "eessi.db")]) == 0
        assert "receipted" in capsys.readouterr().out
    finally:
        process.terminate()
        process.wait(timeout=30)
