"""Two nodes and the access-point double as a user runs them: files, commands, HTTP on this machine."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from eessi.cli.node_work import opened_node
from eessi.cli.program import run
from eessi.errors import DefinitionError
from eessi.node.config import load_config
from tests.node.conftest import sandbox

FR, BE = "FR:0100000001", "BE:0203980409"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def double(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A running access-point double; its file and address."""
    port = free_port()
    assert run(["access-point", "init", str(tmp_path / "ap")]) == 0
    file = tmp_path / "ap" / "access-point.toml"
    command = [sys.executable, "-c", "from eessi.cli import main; main()", "access-point", "run"]
    log = (tmp_path / "ap.log").open("w")
    server = subprocess.Popen(
        [*command, "--config", str(file), "--port", str(port)], stdout=log, stderr=log, env=dict(os.environ)
    )
    try:
        for _ in range(200):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        else:
            pytest.fail((tmp_path / "ap.log").read_text())
        yield file, f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(timeout=10)
        log.close()


def test_a_document_travels_between_two_nodes(
    double: tuple[Path, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, url = double
    configs = {}
    for name, institution in (("fr", FR), ("be", BE)):
        words = ["node", "init", str(tmp_path / name), "--access-point", str(file), "--institution", institution]
        assert run([*words, "--url", url]) == 0
        configs[name] = ["--config", str(tmp_path / name / "node.toml")]
    document = tmp_path / "a001.xml"
    document.write_bytes(sandbox("A001").data)
    capsys.readouterr()
    words = ["node", "send", str(document), *configs["fr"], "--buc", "LA_BUC_01", "--to", BE, "--format", "json"]
    assert run(words) == 0
    sent = json.loads(capsys.readouterr().out)
    for _ in range(3):
        assert run(["node", "run", *configs["fr"], "--once", "--pause", "0.4"]) == 0
        assert run(["node", "run", *configs["be"], "--once", "--pause", "0.4"]) == 0
    store = ["--store", str(tmp_path / "fr" / "eessi.db")]
    capsys.readouterr()
    assert run(["message", "show", sent["messages"][0], *store, "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["state"] == "receipted"
    assert run(["node", "status", "--store", str(tmp_path / "be" / "eessi.db"), "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["cases"] == {"open": 1}
    assert run(["node", "held", *configs["be"]]) == 0
    scan, pages = tmp_path / "scan.pdf", tmp_path / "pages.pdf"
    for file in (scan, pages):
        file.write_bytes(b"%PDF-1.7 synthetic")
    words = ["node", "send", str(document), *configs["fr"], "--case", sent["case"], "--attach", str(scan)]
    assert run([*words, "--attach-medical", str(pages)]) == 1, "the process does not allow a second A001"
    assert "may be sent once" in capsys.readouterr().err
    document.write_bytes(sandbox("H001").data)
    assert run([*words, "--attach-medical", str(pages), "--format", "json"]) == 0
    beside = json.loads(capsys.readouterr().out)
    with opened_node(tmp_path / "fr" / "node.toml") as node:
        got = node.document(beside["case"], beside["document"], who="doctor", right=True).attachments
    assert [(one.file_name, one.medical) for one in got] == [("scan.pdf", False), ("pages.pdf", True)]


def test_a_ping_says_how_far_it_got(
    double: tuple[Path, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, url = double
    for name, institution in (("fr", FR), ("be", BE)):
        words = ["node", "init", str(tmp_path / name), "--access-point", str(file), "--institution", institution]
        assert run([*words, "--url", url]) == 0
    config = ["--config", str(tmp_path / "fr" / "node.toml")]
    assert run(["node", "ping", "DE:0000000001", *config]) == 2
    assert "knows no institution" in capsys.readouterr().err
    assert run(["node", "ping", BE, *config, "--wait", "0.5"]) == 6, "nobody pulls there"
    said = capsys.readouterr()
    assert "taken" in said.out
    assert "did not answer within 0.5 s: the message is taken" in said.err
    command = [sys.executable, "-c", "from eessi.cli import main; main()", "node", "run"]
    far = subprocess.Popen(
        [*command, "--config", str(tmp_path / "be" / "node.toml"), "--pause", "0.1"], stderr=subprocess.DEVNULL
    )
    try:
        assert run(["node", "ping", BE, *config, "--wait", "60"]) == 0
    finally:
        far.terminate()
        far.wait(timeout=30)
    said = capsys.readouterr()
    assert [line.split()[1].strip(":") for line in said.out.splitlines()[:4]] == [
        "queued",
        "sent",
        "taken",
        "receipted",
    ]
    assert said.out.splitlines()[-1] == f"{BE} answered"


def test_an_access_point_that_does_not_answer_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["access-point", "init", str(tmp_path / "ap")]) == 0
    words = ["--access-point", str(tmp_path / "ap" / "access-point.toml"), "--institution", FR]
    assert run(["node", "init", str(tmp_path / "fr"), *words, "--url", f"http://127.0.0.1:{free_port()}"]) == 0
    capsys.readouterr()
    assert run(["node", "run", "--config", str(tmp_path / "fr" / "node.toml"), "--once", "--pause", "0.1"]) == 6
    assert "the access point does not answer" in capsys.readouterr().err


def test_a_configuration_with_a_wrong_key_names_it(tmp_path: Path) -> None:
    file = tmp_path / "node.toml"
    file.write_text('institution = "FR:0100000001"\nkey = "k.pem"\ncolour = "red"\n')
    with pytest.raises(DefinitionError, match=r"node.toml: colour"):
        load_config(file)


def test_what_cannot_be_sent_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = run(["node", "send", "nowhere.xml", "--config", str(tmp_path / "node.toml")])
    assert code == 4
    assert len(capsys.readouterr().err.strip().splitlines()) == 1
