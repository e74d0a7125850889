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
